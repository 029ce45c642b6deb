// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: how the adit command writes.
 *
 * Owns: JSON that is valid whatever a device is called, and the text and JSON
 * printers for options and drop causes.
 * Does not own: what is written (show.c, options.c).
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "print.h"

static bool json_comma;

static void json_text(const char *text)
{
	const char *end = text + strlen(text);
	mbstate_t state = { 0 };

	/*
	 * The kernel takes any byte in a device's name, JSON only UTF-8, of
	 * which libc goes on where Unicode ends.
	 */
	setlocale(LC_CTYPE, "C.UTF-8");
	putchar('"');
	while (text < end) {
		wchar_t wide = 0;
		size_t len = mbrtowc(&wide, text, end - text, &state);

		if (len > (size_t)(end - text) || wide > 0x10ffff) {
			memset(&state, 0, sizeof(state));
			fputs("\\ufffd", stdout);
			len = 1;
		} else if (wide == '"' || wide == '\\' || wide < ' ') {
			printf("\\u%04x", (unsigned int)wide);
		} else {
			fwrite(text, len, 1, stdout);
		}
		text += len;
	}
	putchar('"');
}

static void json_key(const char *key)
{
	if (json_comma)
		putchar(',');
	json_comma = true;
	if (!key)
		return;
	json_text(key);
	putchar(':');
}

void json_open(const char *key, char bracket)
{
	json_key(key);
	putchar(bracket);
	json_comma = false;
}

void json_close(char bracket)
{
	putchar(bracket);
	json_comma = true;
}

void json_string(const char *key, const char *value)
{
	json_key(key);
	json_text(value);
}

void json_number(const char *key, unsigned long long value)
{
	json_key(key);
	printf("%llu", value);
}

void json_signed(const char *key, long long value)
{
	json_key(key);
	printf("%lld", value);
}

void json_bool(const char *key, bool value)
{
	json_key(key);
	fputs(value ? "true" : "false", stdout);
}

static void json_open_list(const char *key)
{
	json_open(key, '[');
}

static void json_item(const char *key, const char *value)
{
	(void)key;
	json_string(NULL, value);
}

static void json_close_list(void)
{
	json_close(']');
}

static void json_open_object(const char *key)
{
	json_open(key, '{');
}

static void json_close_object(void)
{
	json_close('}');
}

static void json_drop(const char *name, unsigned long long count,
		      const char *why)
{
	(void)why;
	json_number(name, count);
}

const struct adit_printer json_printer = {
	.zeros = true,
	.string = json_string,
	.number = json_number,
	.word = json_bool,
	.flag = json_bool,
	.open_list = json_open_list,
	.item = json_item,
	.close_list = json_close_list,
	.open = json_open_object,
	.drop = json_drop,
	.close = json_close_object,
};

static void text_string(const char *key, const char *value)
{
	printf(" %s %s", key, value);
}

static void text_number(const char *key, unsigned long long value)
{
	printf(" %s %llu", key, value);
}

static void text_word(const char *key, bool value)
{
	printf(" %s%s", value ? "" : "no", key);
}

static void text_flag(const char *key, bool value)
{
	(void)key;
	(void)value;
}

static void text_open_list(const char *key)
{
	(void)key;
}

static void text_open(const char *key)
{
	printf("    %s\n", key);
}

static void text_drop(const char *name, unsigned long long count,
		      const char *why)
{
	printf("        %s %llu (%s)\n", name, count, why);
}

static void text_close(void)
{
}

const struct adit_printer text_printer = {
	.string = text_string,
	.number = text_number,
	.word = text_word,
	.flag = text_flag,
	.open_list = text_open_list,
	.item = text_string,
	.close_list = text_close,
	.open = text_open,
	.drop = text_drop,
	.close = text_close,
};
