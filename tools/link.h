/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * adit: a link as the kernel describes it.
 *
 * Owns: reading that description, and finding one device of kind adit.
 * Does not own: sockets (netlink.c), what is done with it (show.c, lvs.c).
 */
#ifndef ADIT_LINK_H
#define ADIT_LINK_H

#include <stdbool.h>

#include <libmnl/libmnl.h>
#include <linux/if_link.h>

#include "netlink.h"
#include "options.h"

/* All of it points into the message. */
struct link {
	const char *name;
	const char *kind;
	int ifindex;
	unsigned int flags;
	__u32 mtu;
	__u8 operstate;
	int master; /* 0: none */
	const char *port_kind; /* of whose ports it is one; "" */
	bool foreign; /* the underlay is in another netns */
	__s32 nsid; /* that netns, negative if it has no id here */
	struct rtnl_link_stats64 stats;
	struct adit_span xstats;
	struct adit_span spans[IFLA_ADIT_MAX + 1];
};

void read_link(const struct nlmsghdr *message, struct link *link);

/* Is it ours, whose options mean what the table says? */
bool is_adit(const struct link *link);

/*
 * One device of kind adit by name, into the same form as a dump of all; or
 * complain. Returns an exit status.
 */
int get_link(const char *name, struct dump *dump);

/* The same for its index only. */
int find_link(const char *name, int *ifindex);

#endif /* ADIT_LINK_H */
