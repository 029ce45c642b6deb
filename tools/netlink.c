// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: talking rtnetlink.
 *
 * Owns: sockets, acknowledgements, extended acknowledgements (the attribute
 * they mark is named by its option), dumps that are whole or started over.
 * Does not own: what is asked (adit.c, link.c, lvs.c) or the options
 * (options.c).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>

#include "netlink.h"
#include "options.h"

#define NETNS_DIR "/run/netns"

/*
 * The kernel fills a message of a dump up to 32 KiB, if it is offered so much, and
 * makes it longer for a single device with more to tell than that, of whatever kind:
 * 300 bytes for each VF of a network card.
 */
#define RECEIVE_MAX (1024 * 1024)

/* What the module's texts begin with, and so does complain(). */
#define MODULE_PREFIX "adit: "

/* A dump that changed under the reader is started over this often. */
#define DUMP_TRIES 10

/* A question, and what becomes of its answer. */
struct exchange {
	struct nlmsghdr *request;
	const char *name;
	mnl_cb_t cb;
	void *data;
	bool any_state; /* take a dump that changed under the reader */
	bool quiet;
	bool refused; /* by the kernel, and reported unless quiet */
};

void complain(const char *fmt, ...)
{
	va_list args;

	fputs("adit: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

struct nlmsghdr *route_request(void *buf, __u16 type, __u16 flags,
			       size_t header)
{
	struct nlmsghdr *request;

	/* libmnl before 1.0.5 leaves padding as it is. */
	memset(buf, 0, LINK_REQUEST_MAX);
	request = mnl_nlmsg_put_header(buf);
	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | flags;
	mnl_nlmsg_put_extra_header(request, header);
	return request;
}

struct nlmsghdr *link_request(void *buf, __u16 type, __u16 flags,
			      const char *name)
{
	struct nlmsghdr *request;

	request = route_request(buf, type, flags, sizeof(struct ifinfomsg));
	if (name)
		mnl_attr_put_strz(request, IFLA_IFNAME, name);
	return request;
}

/* The attribute among these that holds the byte, or NULL. */
static const struct nlattr *holds(const void *first, const char *end,
				  const char *byte)
{
	const struct nlattr *attr = first;

	while (mnl_attr_ok(attr, end - (const char *)attr)) {
		if (byte < (const char *)attr + attr->nla_len)
			return attr;
		attr = mnl_attr_next(attr);
	}
	return NULL;
}

static const char *link_word(__u16 attr)
{
	switch (attr) {
	case IFLA_MTU:
		return "mtu";
	case IFLA_IFNAME:
		return "name";
	case IFLA_NET_NS_FD:
	case IFLA_NET_NS_PID:
		return "netns";
	}
	return NULL;
}

static const struct alias no_aliases[] = { { NULL, NULL } };
static const struct alias *aliases = no_aliases;

void speak(const struct alias *words)
{
	aliases = words;
}

const char *word_for(const char *word)
{
	const struct alias *alias;

	for (alias = aliases; word && alias->word; alias++)
		if (!strcmp(alias->word, word))
			return alias->as;
	return word;
}

/* The word for what stands at the offset the kernel complained of. */
static const char *blame(const struct nlmsghdr *request, __u32 offset)
{
	static const __u16 path[] = { IFLA_LINKINFO, IFLA_INFO_DATA };
	const char *byte = (const char *)request + offset;
	const char *end = (const char *)request + request->nlmsg_len;
	const char *first =
		mnl_nlmsg_get_payload_offset(request, sizeof(struct ifinfomsg));
	const struct nlattr *attr;
	size_t depth;

	if (request->nlmsg_type > RTM_SETLINK)
		return NULL;
	for (depth = 0; byte >= first && byte < end; depth++) {
		attr = holds(first, end, byte);
		if (!attr)
			return NULL;
		if (depth == MNL_ARRAY_SIZE(path))
			return adit_word(mnl_attr_get_type(attr));
		if (mnl_attr_get_type(attr) != path[depth])
			return depth ? NULL : link_word(attr->nla_type);
		first = mnl_attr_get_payload(attr);
		end = (const char *)attr + attr->nla_len;
	}
	return NULL;
}

struct extack {
	const char *text;
	const char *word;
	const struct nlmsghdr *request;
};

static int read_extack(const struct nlattr *attr, void *data)
{
	struct extack *extack = data;
	const char *word;

	switch (mnl_attr_get_type(attr)) {
	case NLMSGERR_ATTR_MSG:
		if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			extack->text = mnl_attr_get_str(attr);
		break;
	case NLMSGERR_ATTR_OFFS:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
			break;
		word = blame(extack->request, mnl_attr_get_u32(attr));
		extack->word = word_for(word);
		break;
	}
	return MNL_CB_OK;
}

static void parse_extack(const struct nlmsghdr *answer, struct extack *extack)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(answer);
	unsigned int offset = sizeof(*err);

	if (!(answer->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	/* What was refused is sent back in whole, unless capped. */
	if (!(answer->nlmsg_flags & NLM_F_CAPPED))
		offset += err->msg.nlmsg_len - sizeof(err->msg);
	if (offset < mnl_nlmsg_get_payload_len(answer))
		mnl_attr_parse(answer, offset, read_extack, extack);
}

static int on_error(const struct nlmsghdr *answer, void *data)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(answer);
	struct exchange *x = data;
	struct extack extack = { .request = x->request };

	if (mnl_nlmsg_get_payload_len(answer) < sizeof(*err)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	parse_extack(answer, &extack);
	if (!err->error) {
		if (extack.text)
			complain("warning: %s", extack.text);
		return MNL_CB_STOP;
	}

	x->refused = true;
	if (!extack.text)
		extack.text = strerror(-err->error);
	else if (!strncmp(extack.text, MODULE_PREFIX, strlen(MODULE_PREFIX)))
		extack.text += strlen(MODULE_PREFIX);
	if (!extack.word)
		extack.word = x->name;
	if (!x->quiet)
		complain("%s%s%s", extack.word ? extack.word : "",
			 extack.word ? ": " : "", extack.text);
	errno = -err->error;
	return MNL_CB_ERROR;
}

/* A dump ends with the status of the whole. */
static int on_done(const struct nlmsghdr *answer, void *data)
{
	(void)data;
	if (mnl_nlmsg_get_payload_len(answer) >= sizeof(int)) {
		int error = *(int *)mnl_nlmsg_get_payload(answer);

		if (error < 0) {
			errno = -error;
			return MNL_CB_ERROR;
		}
	}
	return MNL_CB_STOP;
}

/* Not const: libmnl before 1.0.5 has it so. */
static mnl_cb_t control[NLMSG_MIN_TYPE] = {
	[NLMSG_ERROR] = on_error,
	[NLMSG_DONE] = on_done,
};

static int on_message(const struct nlmsghdr *message, void *data)
{
	struct exchange *x = data;

	return x->cb ? x->cb(message, x->data) : MNL_CB_OK;
}

static void forgive_interrupt(void *buf, int len)
{
	struct nlmsghdr *message = buf;

	for (; mnl_nlmsg_ok(message, len);
	     message = mnl_nlmsg_next(message, &len))
		message->nlmsg_flags &= ~NLM_F_DUMP_INTR;
}

static int receive(struct mnl_socket *socket, struct exchange *x)
{
	static union {
		unsigned char bytes[RECEIVE_MAX];
		struct nlmsghdr align;
	} buf;
	ssize_t len;
	int ret;

	do {
		len = mnl_socket_recvfrom(socket, &buf, sizeof(buf));
		if (len < 0)
			return -1;
		if (x->any_state)
			forgive_interrupt(&buf, len);
		ret = mnl_cb_run2(&buf, len, x->request->nlmsg_seq,
				  mnl_socket_get_portid(socket), on_message, x,
				  control, MNL_ARRAY_SIZE(control));
	} while (ret > MNL_CB_STOP);
	return ret;
}

/* A socket for each question: what is left of an old answer goes with it. */
static int converse(struct exchange *x)
{
	static __u32 seq;
	struct mnl_socket *socket;
	int on = 1, ret = -1, saved;

	socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!socket)
		return -1;
	x->request->nlmsg_seq = ++seq;
	/* Without it, errors come as numbers only: no reason to give up. */
	mnl_socket_setsockopt(socket, NETLINK_EXT_ACK, &on, sizeof(on));
	if (!mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) &&
	    mnl_socket_sendto(socket, x->request, x->request->nlmsg_len) >= 0)
		ret = receive(socket, x);
	saved = errno;
	mnl_socket_close(socket);
	errno = saved;
	return ret;
}

int link_talk(struct nlmsghdr *request, const char *name, mnl_cb_t cb,
	      void *data)
{
	struct exchange x = {
		.request = request,
		.name = name,
		.cb = cb,
		.data = data,
	};

	request->nlmsg_flags |= NLM_F_ACK;
	if (converse(&x) >= 0)
		return EXIT_OK;
	if (!x.refused)
		complain("netlink: %s", strerror(errno));
	return EXIT_KERNEL;
}

int dump_append(const struct nlmsghdr *message, void *data)
{
	size_t len = MNL_ALIGN(message->nlmsg_len);
	struct dump *dump = data;

	if (dump->len + len > dump->room) {
		size_t room = 2 * dump->room + RECEIVE_MAX;
		void *longer = realloc(dump->messages, room);

		if (!longer)
			return MNL_CB_ERROR;
		dump->messages = longer;
		dump->room = room;
	}
	memcpy((char *)dump->messages + dump->len, message, message->nlmsg_len);
	dump->len += len;
	return MNL_CB_OK;
}

int dump_talk(struct nlmsghdr *request, struct dump *dump)
{
	struct exchange x = {
		.request = request,
		.cb = dump_append,
		.data = dump,
	};
	int tries = DUMP_TRIES;

	do {
		dump->len = 0;
		x.any_state = --tries == 0;
		if (converse(&x) >= 0)
			break;
		if (!x.refused && errno != EINTR)
			complain("netlink: %s", strerror(errno));
		if (errno != EINTR)
			return EXIT_KERNEL;
	} while (tries);
	if (x.any_state)
		complain("warning: the list changed while it was read");
	return EXIT_OK;
}

/*
 * The kernel filters by kind, unless the kind is not even loaded. Only when it
 * is asked for more than usual does it make room for what the largest link has
 * to say; VFs are more, and these links have none.
 */
int link_dump(struct dump *dump, const char *kind)
{
	__u32 buf[LINK_REQUEST_MAX / sizeof(__u32)];
	struct nlmsghdr *request;
	struct nlattr *linkinfo;

	request = link_request(buf, RTM_GETLINK, NLM_F_DUMP, NULL);
	if (kind) {
		mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_VF);
		linkinfo = mnl_attr_nest_start(request, IFLA_LINKINFO);
		mnl_attr_put_strz(request, IFLA_INFO_KIND, kind);
		mnl_attr_nest_end(request, linkinfo);
	}
	return dump_talk(request, dump);
}

const struct nlmsghdr *dump_next(const struct dump *dump,
				 const struct nlmsghdr *at)
{
	const char *end = (const char *)dump->messages + dump->len;

	at = at ? (const void *)((const char *)at + MNL_ALIGN(at->nlmsg_len)) :
		  dump->messages;
	return at && mnl_nlmsg_ok(at, end - (const char *)at) ? at : NULL;
}

void dump_free(struct dump *dump)
{
	free(dump->messages);
	memset(dump, 0, sizeof(*dump));
}

int netns_open(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int read_nsid(const struct nlattr *attr, void *data)
{
	__s32 *nsid = data;

	if (mnl_attr_get_type(attr) == NETNSA_NSID &&
	    mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
		*nsid = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int read_netns(const struct nlmsghdr *message, void *data)
{
	return mnl_attr_parse(message, sizeof(struct rtgenmsg), read_nsid,
			      data);
}

static __s32 nsid_of(const char *name)
{
	__s32 nsid = NETNSA_NSID_NOT_ASSIGNED;
	__u32 buf[LINK_REQUEST_MAX / sizeof(__u32)];
	struct exchange x = { .cb = read_netns, .data = &nsid, .quiet = true };
	int fd = netns_open(name);

	if (fd < 0)
		return nsid;
	x.request = mnl_nlmsg_put_header(buf);
	x.request->nlmsg_type = RTM_GETNSID;
	x.request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	mnl_nlmsg_put_extra_header(x.request, sizeof(struct rtgenmsg));
	mnl_attr_put_u32(x.request, NETNSA_FD, fd);
	converse(&x);
	close(fd);
	return nsid;
}

struct netns {
	__s32 nsid;
	char name[NAME_MAX + 1];
};

/* The names under /run/netns that have an id here. */
static struct netns *netns_list;
static size_t netns_count;

static void read_netns_list(void)
{
	DIR *dir = opendir(NETNS_DIR);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		__s32 nsid = nsid_of(entry->d_name);
		struct netns *longer;

		if (nsid < 0)
			continue;
		longer = realloc(netns_list,
				 (netns_count + 1) * sizeof(*netns_list));
		if (!longer)
			break;
		netns_list = longer;
		netns_list[netns_count].nsid = nsid;
		snprintf(netns_list[netns_count++].name, sizeof(longer->name),
			 "%s", entry->d_name);
	}
	closedir(dir);
}

const char *netns_name(__s32 nsid)
{
	static bool read;
	size_t i;

	if (!read)
		read_netns_list();
	read = true;
	for (i = 0; i < netns_count; i++)
		if (netns_list[i].nsid == nsid)
			return netns_list[i].name;
	return NULL;
}
