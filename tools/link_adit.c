// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: the plugin that teaches ip(8) the link kind "adit".
 *
 * Owns: the glue between ip and the table of options: errors in ip's own
 * words, values through ip's own text and JSON writers.
 * Does not own: the options (options.c), what ip offers (iproute2.h).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/rtnetlink.h>

#include "iproute2.h"
#include "options.h"

/* The number of "no colour" grows with the palette; its name is no symbol. */
static int no_color(void)
{
	return ifa_family_color(AF_UNSPEC);
}

static void put_string(const char *key, const char *value)
{
	print_color_string(PRINT_FP, no_color(), NULL, "%s ", key);
	print_color_string(PRINT_ANY, no_color(), key, "%s ", value);
}

static void put_number(const char *key, unsigned long long value)
{
	print_color_string(PRINT_FP, no_color(), NULL, "%s ", key);
	print_color_u64(PRINT_ANY, no_color(), key, "%llu ", value);
}

static void put_word(const char *key, bool value)
{
	print_color_string(PRINT_FP, no_color(), NULL, value ? "%s " : "no%s ",
			   key);
	print_color_bool(PRINT_JSON, no_color(), key, NULL, value);
}

static void put_flag(const char *key, bool value)
{
	print_color_bool(PRINT_JSON, no_color(), key, NULL, value);
}

/* In text, each with its word: so it is given. */
static void open_list(const char *key)
{
	open_json_array(PRINT_JSON, key);
}

static void put_item(const char *key, const char *value)
{
	print_color_string(PRINT_FP, no_color(), NULL, "%s ", key);
	print_color_string(PRINT_ANY, no_color(), NULL, "%s ", value);
}

static void close_list(void)
{
	close_json_array(PRINT_JSON, NULL);
}

static void put_drop(const char *name, unsigned long long count,
		     const char *why)
{
	(void)why;
	put_number(name, count);
}

/* In text, a line between the options and what ip prints after them. */
static void open_object(const char *key)
{
	open_json_object(key);
	print_nl();
	print_color_string(PRINT_FP, no_color(), NULL, "      %s ", key);
}

static void close_object(void)
{
	close_json_object();
	print_nl();
	print_color_string(PRINT_FP, no_color(), NULL, "%s", "    ");
}

static struct adit_printer printer = {
	.string = put_string,
	.number = put_number,
	.word = put_word,
	.flag = put_flag,
	.open_list = open_list,
	.item = put_item,
	.close_list = close_list,
	.open = open_object,
	.drop = put_drop,
	.close = close_object,
};

static void usage(FILE *fp)
{
	fprintf(fp,
		"Usage: ip link { add NAME | set NAME } type adit OPTION...\n"
		"OPTION is one of:\n");
	adit_list_options(fp);
}

static int report(const struct adit_error *err)
{
	char text[128];

	switch (err->fault) {
	case ADIT_INCOMPLETE:
		snprintf(text, sizeof(text), "%s %s", err->option->word,
			 err->option->arg);
		missarg(text);
	case ADIT_INVALID:
		snprintf(text, sizeof(text), "%s: %s", err->option->word,
			 err->why);
		invarg(text, err->word);
	case ADIT_DUPLICATE:
		duparg(err->option->word, err->word);
	case ADIT_CONFLICT:
		duparg2(err->option->word, err->word);
	case ADIT_UNKNOWN:
		break;
	}
	fprintf(stderr, "adit: unknown option \"%s\"?\n", err->word);
	usage(stderr);
	return -1;
}

/* Not by what addattr_l() returns: it would have said so in its own words. */
static bool add_attr(void *ctx, __u16 attr, const void *data, size_t len)
{
	const struct nlmsghdr *n = ctx;

	if (NLMSG_ALIGN(n->nlmsg_len) + RTA_SPACE(len) > IP_REQUEST_MAX)
		return false;
	return !addattr_l(ctx, IP_REQUEST_MAX, attr, data, len);
}

static int adit_parse_opt(struct link_util *lu, int argc, char **argv,
			  struct nlmsghdr *n)
{
	struct adit_settings settings = { 0 };
	const struct adit_option *too_long;
	struct adit_error err;
	int taken;

	(void)lu;
	for (; argc > 0; argc -= taken, argv += taken) {
		if (!strcmp(argv[0], "help")) {
			usage(stderr);
			return -1;
		}
		taken = adit_take(&settings, argc, argv, &err);
		if (!taken)
			return report(&err);
	}
	if (!adit_check(&settings, &err))
		return report(&err);
	too_long = adit_put(&settings, add_attr, n);
	if (!too_long)
		return 0;
	fprintf(stderr,
		"adit: %s: longer than ip has room for, use: adit add, adit set\n",
		too_long->word);
	return -1;
}

static void adit_print_opt(struct link_util *lu, FILE *fp, struct rtattr *tb[])
{
	struct adit_span spans[IFLA_ADIT_MAX + 1] = { 0 };
	int attr;

	(void)lu;
	(void)fp;
	if (!tb)
		return;
	for (attr = 1; attr <= IFLA_ADIT_MAX; attr++) {
		if (!tb[attr])
			continue;
		spans[attr].data = RTA_DATA(tb[attr]);
		spans[attr].len = RTA_PAYLOAD(tb[attr]);
	}
	adit_print_options(&printer, spans);
}

static void adit_print_xstats(struct link_util *lu, FILE *fp,
			      struct rtattr *xstats)
{
	struct adit_span span = { RTA_DATA(xstats), RTA_PAYLOAD(xstats) };

	(void)lu;
	(void)fp;
	printer.zeros = is_json_context();
	adit_print_drops(&printer, span);
}

static void adit_print_help(struct link_util *lu, int argc, char **argv,
			    FILE *fp)
{
	(void)lu;
	(void)argc;
	(void)argv;
	usage(fp);
}

/* Found by ip with dlsym(); it writes to .next. */
extern struct link_util adit_link_util;
__attribute__((visibility("default"))) struct link_util adit_link_util = {
	.id = "adit",
	.maxattr = IFLA_ADIT_MAX,
	.parse_opt = adit_parse_opt,
	.print_opt = adit_print_opt,
	.print_xstats = adit_print_xstats,
	.print_help = adit_print_help,
};
