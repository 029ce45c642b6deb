// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: `adit lvs`, for the real servers of LVS: its command line.
 *
 * Owns: the words, and what they may not be.
 * Does not own: setting a real server up (lvs_plan.c), finding out what is wrong
 * with one (lvs_check.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adit.h"
#include "lvs.h"
#include "netlink.h"

/* Whoever says `type gre` does not know that it is `mode` elsewhere. */
static const struct alias words_here[] = {
	{ "allow", "from" },
	{ "mode", "type" },
	{ "encap", "type" },
	{ "remote", "type" },
	{ "encap-dport", "port" },
	{ "encap-listen", "port" },
	{ NULL, NULL },
};

static int bad(const char *option, const char *arg, const char *why)
{
	complain("%s: \"%s\" is %s", option, arg, why);
	return EXIT_USAGE;
}

static int take_vip(struct lvs *lvs, const char *arg)
{
	struct address vip;
	const char *why = addr_parse(&vip, arg);

	if (why)
		return bad("VIP", arg, why);
	if (addr_listed(&lvs->vips, &vip)) {
		complain("VIP: given twice, again as \"%s\"", arg);
		return EXIT_USAGE;
	}
	addr_append(&lvs->vips, &vip);
	return EXIT_OK;
}

/* What is no prefix is found with all other options. */
static int take_from(struct lvs *lvs, const char *arg)
{
	const char *comma = lvs->from ? "," : "";
	char *longer;

	if (!strcmp(arg, "any"))
		arg = "0.0.0.0/0,::/0";
	if (asprintf(&longer, "%s%s%s", lvs->from ? lvs->from : "", comma,
		     arg) < 0) {
		complain("%s", strerror(errno));
		return EXIT_KERNEL;
	}
	free(lvs->from);
	lvs->from = longer;
	return EXIT_OK;
}

static int take_type(struct lvs *lvs, const char *arg)
{
	const struct lvs_type *type;

	for (type = lvs_types; type->word; type++)
		if (!strcmp(type->word, arg))
			break;
	if (!type->word)
		return bad("type", arg,
			   "neither \"ipip\" nor \"gre\" nor \"gue\"");
	lvs->type = type;
	return EXIT_OK;
}

static int take_port(struct lvs *lvs, const char *arg)
{
	lvs->port = arg;
	return EXIT_OK;
}

static int take_name(struct lvs *lvs, const char *arg)
{
	if (!*arg || strlen(arg) >= IFNAMSIZ)
		return bad("name", arg, "not of 1 to 15 bytes");
	if (strchr(arg, '%'))
		return bad("name", arg,
			   "a pattern, of which each run makes another name");
	lvs->name = arg;
	return EXIT_OK;
}

struct keyword {
	const char *word;
	int (*take)(struct lvs *lvs, const char *arg);
	bool list;
	bool check; /* is for --check, too */
};

/* The first is what a word belongs to that follows none of them. */
static const struct keyword keywords[] = {
	{ .word = "VIP", .take = take_vip, .list = true, .check = true },
	{ .word = "from", .take = take_from, .list = true },
	{ .word = "type", .take = take_type },
	{ .word = "port", .take = take_port },
	{ .word = "name", .take = take_name, .check = true },
};

#define N_KEYWORDS MNL_ARRAY_SIZE(keywords)

/* Where reading is, and how many arguments each has had. */
struct reader {
	size_t at;
	size_t given[N_KEYWORDS];
};

static size_t find_keyword(const char *word)
{
	size_t i;

	for (i = 1; i < N_KEYWORDS; i++)
		if (!strcmp(keywords[i].word, word))
			break;
	return i;
}

static int end_keyword(const struct reader *reader)
{
	if (!reader->at || reader->given[reader->at])
		return EXIT_OK;
	complain("%s: value expected", keywords[reader->at].word);
	return EXIT_USAGE;
}

static int take_argument(struct lvs *lvs, struct reader *reader,
			 const char *arg)
{
	const struct keyword *keyword = &keywords[reader->at];

	if (reader->given[reader->at]++ && !keyword->list) {
		complain("unknown option \"%s\", see: adit help", arg);
		return EXIT_USAGE;
	}
	return keyword->take(lvs, arg);
}

static int take_flag(struct lvs *lvs, const char *word)
{
	if (!strcmp(word, "--check"))
		lvs->check = true;
	else if (!strcmp(word, "--dry-run"))
		lvs->dry_run = true;
	else if (!strcmp(word, "-j") || !strcmp(word, "--json"))
		lvs->json = true;
	else
		return bad("lvs", word, "an unknown flag");
	return EXIT_OK;
}

static int take_word(struct lvs *lvs, struct reader *reader, const char *word)
{
	size_t next = find_keyword(word);

	if (*word == '-')
		return take_flag(lvs, word);
	if (next == N_KEYWORDS)
		return take_argument(lvs, reader, word);
	if (end_keyword(reader))
		return EXIT_USAGE;
	if (reader->given[next]) {
		complain("%s: given twice", word);
		return EXIT_USAGE;
	}
	reader->at = next;
	return EXIT_OK;
}

static int check_words(const struct lvs *lvs, const struct reader *reader)
{
	size_t i;

	for (i = 1; lvs->check && i < N_KEYWORDS; i++) {
		if (!reader->given[i] || keywords[i].check)
			continue;
		complain("%s: not with --check", keywords[i].word);
		return EXIT_USAGE;
	}
	if (lvs->check && lvs->dry_run)
		complain("--dry-run: not with --check");
	else if (lvs->json && !lvs->check)
		complain("-j: only with --check");
	else if (!lvs->vips.n && !lvs->check)
		complain("VIP: address expected");
	else
		return EXIT_OK;
	return EXIT_USAGE;
}

static int read_words(struct lvs *lvs, int argc, char **argv)
{
	struct reader reader = { 0 };
	int i;

	for (i = 0; i < argc; i++)
		if (take_word(lvs, &reader, argv[i]))
			return EXIT_USAGE;
	if (end_keyword(&reader))
		return EXIT_USAGE;
	return check_words(lvs, &reader);
}

int do_lvs(int argc, char **argv)
{
	struct lvs lvs = { 0 };
	int status;

	speak(words_here);
	status = read_words(&lvs, argc, argv);
	if (!status)
		status = lvs.check ? lvs_check(&lvs) : lvs_set_up(&lvs);
	free(lvs.vips.list);
	free(lvs.from);
	return status;
}
