// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: the command, for hosts whose ip(8) cannot load the plugin, and for
 * what ip does not show.
 *
 * Owns: the command line, and the requests that create, change and delete.
 * Does not own: options (options.c), sockets (netlink.c), `show` (show.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/rtnetlink.h>

#include "adit.h"
#include "link.h"
#include "lvs.h"
#include "netlink.h"
#include "options.h"
#include "show.h"

#define MODULE_VERSION_FILE "/sys/module/adit/version"

/* What add and set have on their command line. */
struct change {
	const char *name;
	const char *mtu_arg, *netns;
	__u32 mtu;
	bool any; /* of the options, not mtu and netns */
	struct adit_settings settings;
};

static void usage(FILE *fp)
{
	fputs("Usage: adit add NAME [ mtu N ] [ netns NETNS ] OPTION...\n"
	      "       adit set NAME [ mtu N ] OPTION...\n"
	      "       adit del NAME\n"
	      "       adit show [ -j ] [ NAME ]\n"
	      "       adit lvs [ --dry-run ] VIP... [ from DIRECTOR... ]\n"
	      "                [ type { ipip | gre | gue } ] [ port PORT ] [ name NAME ]\n"
	      "       adit lvs --check [ -j ] [ VIP... ] [ name NAME ]\n"
	      "       adit version\n"
	      "       adit help\n"
	      "OPTION is one of:\n",
	      fp);
	adit_list_options(fp);
}

int report(const struct adit_error *err)
{
	const char *word = word_for(err->option ? err->option->word : NULL);

	switch (err->fault) {
	case ADIT_UNKNOWN:
		complain("unknown option \"%s\", see: adit help", err->word);
		break;
	case ADIT_INCOMPLETE:
		complain("%s: %s expected", word, err->option->arg);
		break;
	case ADIT_INVALID:
		complain("%s: \"%s\" is %s", word, err->word, err->why);
		break;
	case ADIT_DUPLICATE:
		complain("%s: given twice, again as \"%s\"", word, err->word);
		break;
	case ADIT_CONFLICT:
		complain("%s: cannot go with \"%s\"", word, err->word);
		break;
	}
	return EXIT_USAGE;
}

static int read_mtu(struct change *change, const char *arg)
{
	char *end;
	unsigned long mtu;

	errno = 0;
	mtu = strtoul(arg, &end, 10);
	if (*arg < '0' || *arg > '9' || *end || errno || mtu > INT32_MAX) {
		complain("mtu: \"%s\" is not a number", arg);
		return EXIT_USAGE;
	}
	change->mtu = mtu;
	return EXIT_OK;
}

/* The words that are not options of the kind: how many were taken. */
static int take_word(struct change *change, int argc, char **argv)
{
	const char **value;

	if (!strcmp(argv[0], "mtu"))
		value = &change->mtu_arg;
	else if (!strcmp(argv[0], "netns"))
		value = &change->netns;
	else
		return 0;

	if (argc < 2)
		complain("%s: value expected", argv[0]);
	else if (*value)
		complain("%s: given twice, again as \"%s\"", argv[0], argv[1]);
	else if (value == &change->netns || !read_mtu(change, argv[1]))
		*value = argv[1];
	return argc > 1 && *value == argv[1] ? 2 : -1;
}

static int read_change(struct change *change, int argc, char **argv)
{
	struct adit_error err;
	int taken;

	memset(change, 0, sizeof(*change));
	change->name = argv[0];
	if (!*change->name || strlen(change->name) >= IFNAMSIZ) {
		complain("name: \"%s\" is not of 1 to 15 bytes", change->name);
		return EXIT_USAGE;
	}
	for (argc--, argv++; argc > 0; argc -= taken, argv += taken) {
		taken = take_word(change, argc, argv);
		if (taken < 0)
			return EXIT_USAGE;
		if (taken)
			continue;
		taken = adit_take(&change->settings, argc, argv, &err);
		if (!taken)
			return report(&err);
		change->any = true;
	}
	return adit_check(&change->settings, &err) ? EXIT_OK : report(&err);
}

/* Whatever options are given, LINK_REQUEST_MAX has room. */
static bool put_attr(void *ctx, __u16 attr, const void *data, size_t len)
{
	mnl_attr_put(ctx, attr, len, data);
	return true;
}

static void put_change(struct nlmsghdr *request, const struct change *change)
{
	struct nlattr *info, *data;

	if (change->mtu_arg)
		mnl_attr_put_u32(request, IFLA_MTU, change->mtu);
	info = mnl_attr_nest_start(request, IFLA_LINKINFO);
	mnl_attr_put_strz(request, IFLA_INFO_KIND, "adit");
	if (change->any) {
		data = mnl_attr_nest_start(request, IFLA_INFO_DATA);
		adit_put(&change->settings, put_attr, request);
		mnl_attr_nest_end(request, data);
	}
	mnl_attr_nest_end(request, info);
}

/* A name, or the number of a process, as ip has it. */
static int put_netns(struct nlmsghdr *request, const char *netns, int *fd)
{
	char *end;
	unsigned long pid;

	*fd = netns_open(netns);
	if (*fd >= 0) {
		mnl_attr_put_u32(request, IFLA_NET_NS_FD, *fd);
		return EXIT_OK;
	}
	pid = strtoul(netns, &end, 10);
	if (*netns < '0' || *netns > '9' || *end || pid > INT32_MAX) {
		complain("netns: there is no \"%s\"", netns);
		return EXIT_USAGE;
	}
	mnl_attr_put_u32(request, IFLA_NET_NS_PID, pid);
	return EXIT_OK;
}

int do_add(int argc, char **argv)
{
	__u32 buf[LINK_REQUEST_MAX / sizeof(__u32)];
	struct nlmsghdr *request;
	struct change change;
	int status, fd = -1;

	status = read_change(&change, argc, argv);
	if (status)
		return status;
	request = link_request(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
			       change.name);
	put_change(request, &change);
	if (change.netns)
		status = put_netns(request, change.netns, &fd);
	if (!status)
		status = link_talk(request, change.name, NULL, NULL);
	if (fd >= 0)
		close(fd);
	return status;
}

static void put_index(struct nlmsghdr *request, int ifindex)
{
	struct ifinfomsg *info = mnl_nlmsg_get_payload(request);

	info->ifi_index = ifindex;
}

int do_set(int argc, char **argv)
{
	__u32 buf[LINK_REQUEST_MAX / sizeof(__u32)];
	struct nlmsghdr *request;
	struct change change;
	int status, ifindex;

	status = read_change(&change, argc, argv);
	if (status)
		return status;
	if (change.netns || (!change.any && !change.mtu_arg)) {
		complain(change.netns ? "netns: only for a new device" :
					"nothing to set, see: adit help");
		return EXIT_USAGE;
	}
	status = find_link(change.name, &ifindex);
	if (status)
		return status;
	request = link_request(buf, RTM_NEWLINK, 0, NULL);
	put_index(request, ifindex);
	put_change(request, &change);
	return link_talk(request, change.name, NULL, NULL);
}

int do_del(int argc, char **argv)
{
	__u32 buf[LINK_REQUEST_MAX / sizeof(__u32)];
	struct nlmsghdr *request;
	int status, ifindex;

	(void)argc;
	status = find_link(argv[0], &ifindex);
	if (status)
		return status;
	request = link_request(buf, RTM_DELLINK, 0, NULL);
	put_index(request, ifindex);
	return link_talk(request, argv[0], NULL, NULL);
}

static bool is_json_flag(const char *arg)
{
	return !strcmp(arg, "-j") || !strcmp(arg, "--json");
}

static int do_show(int argc, char **argv)
{
	bool json = argc && is_json_flag(argv[0]);

	argc -= json;
	argv += json;
	if (argc > 1 || (argc && *argv[0] == '-')) {
		complain("show: too many words, or an unknown flag");
		return EXIT_USAGE;
	}
	return show_links(argc ? argv[0] : NULL, json);
}

static int do_version(int argc, char **argv)
{
	FILE *file = fopen(MODULE_VERSION_FILE, "re");
	char version[64] = "not loaded";

	(void)argc;
	(void)argv;
	if (file) {
		if (!fgets(version, sizeof(version), file))
			strcpy(version, "unknown");
		fclose(file);
	}
	version[strcspn(version, "\n")] = '\0';
	printf("tools %s\nmodule %s\n", ADIT_VERSION, version);
	return EXIT_OK;
}

static int do_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	usage(stdout);
	return EXIT_OK;
}

static const struct command {
	const char *word;
	int (*run)(int argc, char **argv);
	int min, max; /* words that follow */
} commands[] = {
	{ .word = "add", .run = do_add, .min = 1, .max = INT32_MAX },
	{ .word = "set", .run = do_set, .min = 1, .max = INT32_MAX },
	{ .word = "del", .run = do_del, .min = 1, .max = 1 },
	{ .word = "show", .run = do_show, .max = 2 },
	{ .word = "lvs", .run = do_lvs, .min = 1, .max = INT32_MAX },
	{ .word = "version", .run = do_version },
	{ .word = "help", .run = do_help },
};

static const struct command *find_command(const char *word)
{
	size_t i;

	for (i = 0; i < MNL_ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].word, word))
			return &commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct command *command;
	int status;

	command = argc > 1 ? find_command(argv[1]) : NULL;
	if (!command) {
		if (argc > 1)
			complain("unknown command \"%s\"", argv[1]);
		usage(stderr);
		return EXIT_USAGE;
	}
	if (argc - 2 < command->min || argc - 2 > command->max) {
		complain("%s: too %s words, see: adit help", command->word,
			 argc - 2 < command->min ? "few" : "many");
		return EXIT_USAGE;
	}
	status = command->run(argc - 2, argv + 2);
	if (fflush(stdout) || ferror(stdout)) {
		complain("cannot write: %s", strerror(errno));
		return EXIT_USAGE;
	}
	return status;
}
