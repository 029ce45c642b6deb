/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * adit: what the commands of the command have of each other.
 *
 * Owns: the declarations. Does not own: any of the functions (adit.c).
 */
#ifndef ADIT_COMMAND_H
#define ADIT_COMMAND_H

#include "options.h"

/* Say what is wrong with an option. Returns EXIT_USAGE. */
int report(const struct adit_error *err);

/* Each as the command of that name, whose words are argv. */
int do_add(int argc, char **argv);
int do_set(int argc, char **argv);
int do_del(int argc, char **argv);

#endif /* ADIT_COMMAND_H */
