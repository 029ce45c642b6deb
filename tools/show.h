/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * adit: `adit show`.
 *
 * Owns: printing links.
 * Does not own: reading them (link.c), options (options.c), words (adit.c).
 */
#ifndef ADIT_SHOW_H
#define ADIT_SHOW_H

#include <stdbool.h>

/* name NULL: all. Returns an exit status. */
int show_links(const char *name, bool json);

#endif /* ADIT_SHOW_H */
