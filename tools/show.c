// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: `adit show`.
 *
 * Owns: reading links and printing them. JSON has the keys and the nesting of
 * `ip -d -s -j link show`, so that one filter reads both.
 * Does not own: sockets (netlink.c), options and causes (options.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "netlink.h"
#include "options.h"
#include "print.h"
#include "show.h"

struct link {
	const char *name;
	const char *kind;
	int ifindex;
	unsigned int flags;
	__u32 mtu;
	__u8 operstate;
	bool foreign; /* the underlay is in another netns */
	__s32 nsid; /* that netns, negative if it has no id here */
	struct rtnl_link_stats64 stats;
	struct adit_span xstats;
	struct adit_span spans[IFLA_ADIT_MAX + 1];
};

static struct adit_span span_of(const struct nlattr *attr)
{
	return (struct adit_span){ mnl_attr_get_payload(attr),
				   mnl_attr_get_payload_len(attr) };
}

static int read_option(const struct nlattr *attr, void *data)
{
	struct link *link = data;

	if (mnl_attr_get_type(attr) <= IFLA_ADIT_MAX)
		link->spans[mnl_attr_get_type(attr)] = span_of(attr);
	return MNL_CB_OK;
}

static int read_info(const struct nlattr *attr, void *data)
{
	struct link *link = data;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_INFO_KIND:
		if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			link->kind = mnl_attr_get_str(attr);
		break;
	case IFLA_INFO_DATA:
		/* Other kinds number theirs otherwise: see is_adit(). */
		mnl_attr_parse_nested(attr, read_option, link);
		break;
	case IFLA_INFO_XSTATS:
		link->xstats = span_of(attr);
		break;
	}
	return MNL_CB_OK;
}

static void read_stats(const struct nlattr *attr, struct link *link)
{
	size_t len = mnl_attr_get_payload_len(attr);

	if (len > sizeof(link->stats))
		len = sizeof(link->stats);
	memcpy(&link->stats, mnl_attr_get_payload(attr), len);
}

static int read_attr(const struct nlattr *attr, void *data)
{
	struct link *link = data;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			link->name = mnl_attr_get_str(attr);
		break;
	case IFLA_MTU:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			link->mtu = mnl_attr_get_u32(attr);
		break;
	case IFLA_OPERSTATE:
		if (mnl_attr_validate(attr, MNL_TYPE_U8) >= 0)
			link->operstate = mnl_attr_get_u8(attr);
		break;
	case IFLA_LINK_NETNSID:
		link->foreign = mnl_attr_validate(attr, MNL_TYPE_U32) >= 0;
		if (link->foreign)
			link->nsid = mnl_attr_get_u32(attr);
		break;
	case IFLA_STATS64:
		read_stats(attr, link);
		break;
	case IFLA_LINKINFO:
		mnl_attr_parse_nested(attr, read_info, link);
		break;
	}
	return MNL_CB_OK;
}

static void read_link(const struct nlmsghdr *message, struct link *link)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);

	memset(link, 0, sizeof(*link));
	link->name = "?";
	link->kind = "none";
	link->ifindex = info->ifi_index;
	link->flags = info->ifi_flags;
	mnl_attr_parse(message, sizeof(*info), read_attr, link);
}

static bool is_adit(const struct link *link)
{
	return !strcmp(link->kind, "adit");
}

static const char *operstate_word(__u8 state)
{
	static const char *const words[] = {
		"UNKNOWN", "NOTPRESENT", "DOWN", "LOWERLAYERDOWN",
		"TESTING", "DORMANT",	 "UP",
	};

	return state < MNL_ARRAY_SIZE(words) ? words[state] : "?";
}

static void show_text(const struct link *link)
{
	const struct adit_span *mtu_auto = &link->spans[IFLA_ADIT_MTU_AUTO];
	const struct rtnl_link_stats64 *s = &link->stats;
	const char *netns;
	bool follows = mtu_auto->len && *(const __u8 *)mtu_auto->data;

	printf("%s: admin %s, oper %s, mtu %u", link->name,
	       link->flags & IFF_UP ? "up" : "down",
	       operstate_word(link->operstate), link->mtu);
	printf(" (%s)", follows ? "follows the underlay" : "fixed");
	if (link->foreign) {
		netns = netns_name(link->nsid);
		if (netns)
			printf(", underlay in netns %s", netns);
		else
			printf(", underlay in netnsid %d", link->nsid);
	}
	printf("\n   ");
	adit_print_options(&text_printer, link->spans);
	printf("\n    rx %llu packets %llu bytes, tx %llu packets %llu bytes\n",
	       s->rx_packets, s->rx_bytes, s->tx_packets, s->tx_bytes);
	adit_print_drops(&text_printer, link->xstats);
}

static void show_flags(unsigned int flags)
{
	static const struct {
		unsigned int bit;
		const char *word;
	} words[] = {
		{ IFF_LOOPBACK, "LOOPBACK" },
		{ IFF_BROADCAST, "BROADCAST" },
		{ IFF_POINTOPOINT, "POINTOPOINT" },
		{ IFF_MULTICAST, "MULTICAST" },
		{ IFF_NOARP, "NOARP" },
		{ IFF_ALLMULTI, "ALLMULTI" },
		{ IFF_PROMISC, "PROMISC" },
		{ IFF_UP, "UP" },
		{ IFF_LOWER_UP, "LOWER_UP" },
		{ IFF_DORMANT, "DORMANT" },
	};
	size_t i;

	json_open("flags", '[');
	if (flags & IFF_UP && !(flags & IFF_RUNNING))
		json_string(NULL, "NO-CARRIER");
	for (i = 0; i < MNL_ARRAY_SIZE(words); i++)
		if (flags & words[i].bit)
			json_string(NULL, words[i].word);
	json_close(']');
}

static void show_direction(const char *key, unsigned long long bytes,
			   unsigned long long packets,
			   unsigned long long errors,
			   unsigned long long dropped)
{
	json_open(key, '{');
	json_number("bytes", bytes);
	json_number("packets", packets);
	json_number("errors", errors);
	json_number("dropped", dropped);
	json_close('}');
}

static void show_linkinfo(const struct link *link)
{
	json_open("linkinfo", '{');
	json_string("info_kind", link->kind);
	json_open("info_data", '{');
	adit_print_options(&json_printer, link->spans);
	json_close('}');
	json_open("info_xstats", '{');
	adit_print_drops(&json_printer, link->xstats);
	json_close('}');
	json_close('}');
}

static void show_json(const struct link *link)
{
	const struct rtnl_link_stats64 *s = &link->stats;

	json_open(NULL, '{');
	json_number("ifindex", link->ifindex);
	json_string("ifname", link->name);
	show_flags(link->flags);
	json_number("mtu", link->mtu);
	json_string("operstate", operstate_word(link->operstate));
	if (link->foreign)
		json_signed("link_netnsid", link->nsid);
	if (link->foreign && netns_name(link->nsid))
		json_string("link_netns", netns_name(link->nsid));
	show_linkinfo(link);
	json_open("stats64", '{');
	show_direction("rx", s->rx_bytes, s->rx_packets, s->rx_errors,
		       s->rx_dropped);
	show_direction("tx", s->tx_bytes, s->tx_packets, s->tx_errors,
		       s->tx_dropped);
	json_close('}');
	json_close('}');
}

/* One device by name, into the same form as a dump of all. */
static int get_link(const char *name, struct dump *dump)
{
	__u32 buf[LINK_REQUEST_MAX / sizeof(__u32)];
	struct nlmsghdr *request;
	struct link link;
	int status;

	if (!*name || strlen(name) >= IFNAMSIZ) {
		complain("%s: not the name of a device", name);
		return EXIT_USAGE;
	}
	request = link_request(buf, RTM_GETLINK, 0, name);
	status = link_talk(request, name, dump_append, dump);
	if (status || !dump->len)
		return status ? status : EXIT_KERNEL;
	read_link(dump->messages, &link);
	if (is_adit(&link))
		return EXIT_OK;
	complain("%s: not an adit device (kind %s)", name, link.kind);
	return EXIT_KERNEL;
}

int find_link(const char *name, int *ifindex)
{
	struct dump dump = { 0 };
	struct link link;
	int status = get_link(name, &dump);

	if (!status) {
		read_link(dump.messages, &link);
		*ifindex = link.ifindex;
	}
	dump_free(&dump);
	return status;
}

static void show_dump(const struct dump *dump, bool json)
{
	const struct nlmsghdr *message = dump->messages;
	int left = dump->len;
	struct link link;

	if (json)
		json_open(NULL, '[');
	for (; mnl_nlmsg_ok(message, left);
	     message = mnl_nlmsg_next(message, &left)) {
		read_link(message, &link);
		if (!is_adit(&link))
			continue;
		if (json)
			show_json(&link);
		else
			show_text(&link);
	}
	if (json) {
		json_close(']');
		putchar('\n');
	}
}

int show_links(const char *name, bool json)
{
	struct dump dump = { 0 };
	int status = name ? get_link(name, &dump) : link_dump(&dump);

	if (!status)
		show_dump(&dump, json);
	dump_free(&dump);
	return status;
}
