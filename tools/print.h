/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * adit: how the adit command writes.
 *
 * Owns: a small JSON writer and the two printers for options, text and JSON.
 * Does not own: what is written (show.c, options.c).
 */
#ifndef ADIT_PRINT_H
#define ADIT_PRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"

extern const struct adit_printer text_printer;
extern const struct adit_printer json_printer;

/* key NULL: within an array, or the whole. */
void json_open(const char *key, char bracket);
void json_close(char bracket);
void json_string(const char *key, const char *value);
void json_number(const char *key, unsigned long long value);
void json_signed(const char *key, long long value);
void json_bool(const char *key, bool value);

#endif /* ADIT_PRINT_H */
