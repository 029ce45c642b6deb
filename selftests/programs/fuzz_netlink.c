// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz: requests as bytes, and what comes back.
 *
 * Owns: attributes and messages, well-formed or not; the socket; acknowledgements;
 * devices of kind adit as the kernel shows them.
 * Does not own: what is asked for (fuzz_make.c), what should come back
 * (fuzz_check.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"

#ifndef NETLINK_CAP_ACK
#define NETLINK_CAP_ACK 10
#endif

#define HEADERS (NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct ifinfomsg)))

/* --- attributes */

void put(struct bytes *b, uint16_t type, const void *data, size_t len)
{
	struct nlattr nla = { .nla_type = type, .nla_len = NLA_HDRLEN + len };

	if (b->len + NLA_HDRLEN + NLA_ALIGN(len) > sizeof(b->data))
		return;
	memset(b->data + b->len, 0, NLA_HDRLEN + NLA_ALIGN(len));
	memcpy(b->data + b->len, &nla, sizeof(nla));
	if (len)
		memcpy(b->data + b->len + NLA_HDRLEN, data, len);
	b->len += NLA_HDRLEN + NLA_ALIGN(len);
}

void put_u8(struct bytes *b, uint16_t type, uint8_t value)
{
	put(b, type, &value, sizeof(value));
}

void put_u16(struct bytes *b, uint16_t type, uint16_t value)
{
	put(b, type, &value, sizeof(value));
}

void put_u32(struct bytes *b, uint16_t type, uint32_t value)
{
	put(b, type, &value, sizeof(value));
}

void put_string(struct bytes *b, uint16_t type, const char *text)
{
	put(b, type, text, strlen(text) + 1);
}

size_t nest(struct bytes *b, uint16_t type)
{
	size_t at = b->len;

	put(b, type, NULL, 0);
	return at;
}

void nest_end(struct bytes *b, size_t at)
{
	uint16_t len = b->len - at;

	if (at < b->len)
		memcpy(b->data + at, &len, sizeof(len));
}

/* As the kernel steps through them: what lies ends it. */
bool next_attr(const uint8_t **at, size_t *rest, struct attr *attr)
{
	struct nlattr nla;
	size_t step;

	if (*rest < sizeof(nla))
		return false;
	memcpy(&nla, *at, sizeof(nla));
	if (nla.nla_len < sizeof(nla) || nla.nla_len > *rest)
		return false;
	attr->type = nla.nla_type & NLA_TYPE_MASK;
	attr->len = nla.nla_len - NLA_HDRLEN;
	attr->data = *at + NLA_HDRLEN;
	step = NLA_ALIGN(nla.nla_len);
	if (step > *rest)
		step = *rest;
	*at += step;
	*rest -= step;
	return true;
}

/* Of an attribute that is there twice, the last. */
void parse(const void *data, size_t len, struct attr *tb, unsigned int max)
{
	const uint8_t *at = data;
	struct attr attr;

	memset(tb, 0, (max + 1) * sizeof(*tb));
	while (next_attr(&at, &len, &attr))
		if (attr.type && attr.type <= max)
			tb[attr.type] = attr;
}

/* --- messages */

void make(struct message *m, uint16_t type, uint16_t flags, int ifindex,
	  const struct bytes *attrs)
{
	struct ifinfomsg info = { .ifi_index = ifindex };

	memset(m->data, 0, HEADERS);
	m->len = HEADERS + attrs->len;
	m->header.nlmsg_len = m->len;
	m->header.nlmsg_type = type;
	m->header.nlmsg_flags = NLM_F_REQUEST | flags;
	memcpy(m->data + NLMSG_HDRLEN, &info, sizeof(info));
	memcpy(m->data + HEADERS, attrs->data, attrs->len);
}

/* A name and a link of kind adit. */
void wrap(struct bytes *out, const char *name, const struct bytes *info)
{
	size_t link, data;

	out->len = 0;
	if (name)
		put_string(out, IFLA_IFNAME, name);
	link = nest(out, IFLA_LINKINFO);
	put_string(out, IFLA_INFO_KIND, "adit");
	data = nest(out, IFLA_INFO_DATA);
	if (out->len + info->len > sizeof(out->data))
		die("message too long");
	memcpy(out->data + out->len, info->data, info->len);
	out->len += info->len;
	nest_end(out, data);
	nest_end(out, link);
}

int open_route(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct timeval patience = { .tv_sec = 60 };
	int on = 1, room = 1 << 20;

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static uint32_t send_message(int fd, struct message *m)
{
	static uint32_t seq;

	m->header.nlmsg_seq = ++seq;
	if (send(fd, m->data, m->len, 0) != (ssize_t)m->len)
		die("send");
	return seq;
}

static void read_answer(const struct nlmsghdr *h, struct answer *answer)
{
	const struct nlmsgerr *err = NLMSG_DATA(h);
	size_t skip = sizeof(*err);
	struct attr tb[NLMSGERR_ATTR_OFFS + 1];

	memset(answer, 0, sizeof(*answer));
	answer->error = err->error;
	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(err->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (h->nlmsg_len < NLMSG_HDRLEN + skip)
		die("short answer");
	parse((const uint8_t *)err + skip, h->nlmsg_len - NLMSG_HDRLEN - skip,
	      tb, NLMSGERR_ATTR_OFFS);
	if (tb[NLMSGERR_ATTR_MSG].type)
		snprintf(answer->text, sizeof(answer->text), "%.*s",
			 (int)tb[NLMSGERR_ATTR_MSG].len,
			 (const char *)tb[NLMSGERR_ATTR_MSG].data);
	answer->marked = tb[NLMSGERR_ATTR_OFFS].type;
	if (answer->marked)
		memcpy(&answer->offset, tb[NLMSGERR_ATTR_OFFS].data,
		       sizeof(answer->offset));
}

typedef void (*each_message)(const struct nlmsghdr *h, void *ctx);

/* Until the answer with this number ends; true: it does not, for now. */
static bool read_some(int fd, uint32_t seq, each_message each, void *ctx,
		      struct answer *answer)
{
	static union {
		struct nlmsghdr align;
		uint8_t data[PAYLOAD_MAX];
	} buf;
	ssize_t n = recv(fd, buf.data, sizeof(buf.data), 0);
	struct nlmsghdr *h = &buf.align;

	if (n < 0)
		die("recv");
	for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
		if (h->nlmsg_seq != seq)
			continue;
		if (h->nlmsg_type == NLMSG_ERROR) {
			read_answer(h, answer);
			return false;
		}
		if (h->nlmsg_type == NLMSG_DONE) {
			answer->error = *(int *)NLMSG_DATA(h);
			return false;
		}
		if (each)
			each(h, ctx);
		if (!(h->nlmsg_flags & NLM_F_MULTI) && each)
			return false;
	}
	return true;
}

static void exchange(int fd, struct message *m, each_message each, void *ctx,
		     struct answer *answer)
{
	uint32_t seq = send_message(fd, m);

	memset(answer, 0, sizeof(*answer));
	while (read_some(fd, seq, each, ctx, answer))
		;
}

/* Ask for an acknowledgement, and read what comes until then. */
void talk(int fd, struct message *m, struct answer *answer)
{
	m->header.nlmsg_flags |= NLM_F_ACK;
	exchange(fd, m, NULL, NULL, answer);
}

/* --- devices */

static bool read_info(const struct attr *info, struct device *dev)
{
	struct attr tb[IFLA_INFO_DATA + 1];

	parse(info->data, info->len, tb, IFLA_INFO_DATA);
	if (!tb[IFLA_INFO_KIND].type ||
	    strcmp((const char *)tb[IFLA_INFO_KIND].data, "adit"))
		return false;
	dev->len = tb[IFLA_INFO_DATA].len;
	if (dev->len)
		memcpy(dev->info, tb[IFLA_INFO_DATA].data, dev->len);
	return true;
}

static bool read_device(const struct nlmsghdr *h, struct device *dev)
{
	const struct ifinfomsg *info = NLMSG_DATA(h);
	struct attr tb[IFLA_LINKINFO + 1];

	parse((const uint8_t *)h + HEADERS, h->nlmsg_len - HEADERS, tb,
	      IFLA_LINKINFO);
	dev->ifindex = info->ifi_index;
	if (h->nlmsg_type != RTM_NEWLINK || !tb[IFLA_IFNAME].type)
		return false;
	snprintf(dev->name, sizeof(dev->name), "%s",
		 (const char *)tb[IFLA_IFNAME].data);
	return tb[IFLA_LINKINFO].type && read_info(&tb[IFLA_LINKINFO], dev);
}

struct lookup {
	struct device *dev;
	bool found;
};

static void one_device(const struct nlmsghdr *h, void *ctx)
{
	struct lookup *lookup = ctx;

	lookup->found = read_device(h, lookup->dev);
}

/* By name, or else by index; false: there is none of kind adit. */
bool get_device(int fd, const char *name, int ifindex, struct device *dev)
{
	static struct bytes attrs;
	static struct message m;
	struct lookup lookup = { .dev = dev };
	struct answer answer;

	attrs.len = 0;
	if (name)
		put_string(&attrs, IFLA_IFNAME, name);
	make(&m, RTM_GETLINK, 0, ifindex, &attrs);
	exchange(fd, &m, one_device, &lookup, &answer);
	return lookup.found;
}

static void add_device(const struct nlmsghdr *h, void *ctx)
{
	struct devices *all = ctx;
	struct device *dev = malloc(sizeof(*dev));

	if (!dev)
		die("malloc");
	if (all->n < DEVICES_MAX && read_device(h, dev))
		all->list[all->n++] = dev;
	else
		free(dev);
}

/* All of kind adit in this netns, as a dump has them. */
void get_devices(int fd, struct devices *all)
{
	static struct bytes attrs;
	static struct message m;
	struct answer answer;
	size_t link;

	attrs.len = 0;
	link = nest(&attrs, IFLA_LINKINFO);
	put_string(&attrs, IFLA_INFO_KIND, "adit");
	nest_end(&attrs, link);
	make(&m, RTM_GETLINK, NLM_F_DUMP, 0, &attrs);
	all->n = 0;
	exchange(fd, &m, add_device, all, &answer);
	if (answer.error)
		die("dump");
}

void free_devices(struct devices *all)
{
	while (all->n)
		free(all->list[--all->n]);
}

int delete_device(int fd, int ifindex)
{
	static struct bytes none;
	static struct message m;
	struct answer answer;

	make(&m, RTM_DELLINK, 0, ifindex, &none);
	talk(fd, &m, &answer);
	return answer.error;
}
