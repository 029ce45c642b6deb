/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * adit: `adit show`, and what the other commands ask of a device.
 *
 * Owns: reading links and printing them.
 * Does not own: sockets (netlink.c), options (options.c), words (adit.c).
 */
#ifndef ADIT_SHOW_H
#define ADIT_SHOW_H

#include <stdbool.h>

/* Find a device of kind adit, or complain. Returns an exit status. */
int find_link(const char *name, int *ifindex);

/* name NULL: all. Returns an exit status. */
int show_links(const char *name, bool json);

#endif /* ADIT_SHOW_H */
