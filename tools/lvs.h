/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * adit: `adit lvs`.
 *
 * Owns: what setting up a real server and checking one have in common.
 * Does not own: either (lvs_plan.c, lvs_check.c), the words (lvs.c).
 */
#ifndef ADIT_LVS_H
#define ADIT_LVS_H

#include <stdbool.h>
#include <stddef.h>

#include "addr.h"

/* How a director wraps packets, in the words of ipvsadm */
struct lvs_type {
	const char *word;
	const char *name; /* of the device, unless given */
	const char *mode, *encap; /* which the device needs */
	unsigned int overhead; /* after the outer IP header, at most */
	bool port; /* has one */
};

/* Ended by a row without word. */
extern const struct lvs_type lvs_types[];

struct link;

/* The type that a device has, NULL if none of these. */
const struct lvs_type *lvs_type_of(const struct link *link);

/* What the command line has */
struct lvs {
	struct addresses vips;
	char *from; /* prefixes, after commas; NULL: not given */
	const struct lvs_type *type; /* NULL: not given */
	const char *port, *name; /* NULL: not given */
	bool check, dry_run, json;
};

/* As the command of that name. */
int do_lvs(int argc, char **argv);

/* Bring the host in line, or print how. Returns an exit status. */
int lvs_set_up(const struct lvs *lvs);

/* Print what is wrong. Returns an exit status. */
int lvs_check(const struct lvs *lvs);

#endif /* ADIT_LVS_H */
