// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: `adit show`.
 *
 * Owns: printing links. JSON has the keys and the nesting of
 * `ip -d -s -j link show`, so that one filter reads both.
 * Does not own: reading them (link.c), options and causes (options.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rtnetlink.h>

#include "link.h"
#include "netlink.h"
#include "options.h"
#include "print.h"
#include "show.h"

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

static void show_dump(const struct dump *dump, bool json)
{
	const struct nlmsghdr *message;
	struct link link;

	if (json)
		json_open(NULL, '[');
	for (message = dump_next(dump, NULL); message;
	     message = dump_next(dump, message)) {
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
	int status = name ? get_link(name, &dump) : link_dump(&dump, "adit");

	if (!status)
		show_dump(&dump, json);
	dump_free(&dump);
	return status;
}
