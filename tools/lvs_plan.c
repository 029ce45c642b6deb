// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: setting up a real server of LVS.
 *
 * Owns: the difference between what is there and what is asked for, and making
 * up for it.
 * Does not own: the words (lvs.c), how devices are made and changed (adit.c) or
 * addresses (addr.c).
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rtnetlink.h>

#include "adit.h"
#include "link.h"
#include "lvs.h"
#include "netlink.h"

/* Words of `ip link`: an option, its argument, and so on */
#define WORDS_MAX 24

#define PORT_DEFAULT "6080"

/*
 * A director sends GUE without UDP checksums unless it is told to, over IPv6
 * too, and with 8 bytes more if it offloads the inner checksum.
 */
const struct lvs_type lvs_types[] = {
	{
		.word = "ipip",
		.name = "lvs-ipip",
		.mode = "ip",
		.encap = "none",
	},
	{
		.word = "gre",
		.name = "lvs-gre",
		.mode = "gre",
		.encap = "none",
		.overhead = 8,
	},
	{
		.word = "gue",
		.name = "lvs-gue",
		.mode = "ip",
		.encap = "gue",
		.overhead = 20,
		.port = true,
	},
	{ 0 },
};

/* The difference, and what it is from. */
struct plan {
	const struct lvs *lvs;
	const char *name;
	struct dump dump; /* the device */
	struct link link; /* likewise */
	bool create, change, up;
	char *words[WORDS_MAX]; /* of the options that differ */
	int n_words;
	struct addresses del, add;
	bool clear; /* del is to be done first */
};

static char *copy(const char *text)
{
	char *copied = strdup(text);

	if (!copied) {
		complain("%s", strerror(errno));
		exit(EXIT_KERNEL);
	}
	return copied;
}

/* --- the plan */

static bool has_prefix(struct adit_span list, const struct nlattr *prefix)
{
	const char *end = (const char *)list.data + list.len;
	const struct nlattr *has;

	for (has = list.data; mnl_attr_ok(has, end - (const char *)has);
	     has = mnl_attr_next(has))
		if (has->nla_len == prefix->nla_len &&
		    !memcmp(mnl_attr_get_payload(has),
			    mnl_attr_get_payload(prefix),
			    mnl_attr_get_payload_len(has)))
			return true;
	return false;
}

static bool has_all(struct adit_span list, struct adit_span of)
{
	const char *end = (const char *)of.data + of.len;
	const struct nlattr *prefix;

	for (prefix = of.data; mnl_attr_ok(prefix, end - (const char *)prefix);
	     prefix = mnl_attr_next(prefix))
		if (!has_prefix(list, prefix))
			return false;
	return true;
}

/*
 * The prefixes are in the order of the kernel's liking; and what is given twice
 * is for the kernel to refuse.
 */
static bool same_list(const struct adit_payload *payload, struct adit_span has)
{
	struct adit_span want = { payload->list, payload->len };

	return want.len == has.len && has_all(has, want) && has_all(want, has);
}

static bool is_zero(const struct adit_payload *payload)
{
	size_t i;

	for (i = 0; i < payload->len; i++)
		if (payload->bytes[i])
			return false;
	return true;
}

/* An option that the kernel does not mention is off, if it can be. */
static bool same(const struct adit_setting *setting, struct adit_span span)
{
	const struct adit_payload *payload = &setting->payload;

	if (payload->list)
		return same_list(payload, span);
	if (!span.data)
		return setting->option->optional && is_zero(payload);
	return payload->len == span.len &&
	       !memcmp(payload->bytes, span.data, span.len);
}

/* Does the device have the option so? Returns an exit status. */
static int compare(const struct link *link, const char *word, const char *arg,
		   bool *is_so)
{
	static struct adit_settings settings;
	struct adit_error err;
	int status = EXIT_OK;
	char *words[2];
	__u16 attr;

	words[0] = copy(word);
	words[1] = arg ? copy(arg) : NULL;
	memset(&settings, 0, sizeof(settings));
	*is_so = true;
	if (!adit_take(&settings, arg ? 2 : 1, words, &err))
		status = report(&err);
	for (attr = 1; !status && attr <= IFLA_ADIT_MAX; attr++)
		if (settings.by_attr[attr].option)
			*is_so = *is_so && same(&settings.by_attr[attr],
						link->spans[attr]);
	free(words[0]);
	free(words[1]);
	return status;
}

/* Say what the device does not have yet. */
static int want(struct plan *plan, const char *word, const char *arg)
{
	bool is_so;
	int status = compare(&plan->link, word, arg, &is_so);

	if (status || is_so)
		return status;
	plan->words[plan->n_words++] = copy(word);
	if (arg)
		plan->words[plan->n_words++] = copy(arg);
	return EXIT_OK;
}

const struct lvs_type *lvs_type_of(const struct link *link)
{
	const struct lvs_type *type;
	bool mode, encap;

	for (type = lvs_types; type->word; type++)
		if (!compare(link, "mode", type->mode, &mode) && mode &&
		    !compare(link, "encap", type->encap, &encap) && encap)
			return type;
	return NULL;
}

static int refuse_kind(const struct plan *plan, const char *kind)
{
	complain("name: %s is not an adit device (kind %s)", plan->name, kind);
	return EXIT_USAGE;
}

/* Is there a link of that name? Then it is in the dump. */
static int look_up(struct plan *plan)
{
	const struct nlmsghdr *message;
	struct dump links = { 0 };
	int status = link_dump(&links, NULL);
	struct link link;

	plan->create = true;
	for (message = dump_next(&links, NULL); message && !status;
	     message = dump_next(&links, message)) {
		read_link(message, &link);
		if (strcmp(link.name, plan->name))
			continue;
		plan->create = false;
		if (!is_adit(&link))
			status = refuse_kind(plan, link.kind);
	}
	dump_free(&links);
	if (status || plan->create)
		return status;
	/* By itself: among all, a long list of prefixes is not shown. */
	return get_link(plan->name, &plan->dump);
}

/* What a device is like of which nothing has been said. */
static void read_nothing(struct link *link)
{
	static const __u8 zero;

	memset(link, 0, sizeof(*link));
	link->spans[IFLA_ADIT_MODE] = (struct adit_span){ &zero, sizeof(zero) };
}

static bool is_any(struct adit_span remote)
{
	const unsigned char *byte = remote.data;

	for (; remote.len; remote.len--)
		if (*byte++)
			return false;
	return true;
}

/* A tunnel to one peer is somebody's, and not to be had by a slip. */
static int find_device(struct plan *plan)
{
	int status = look_up(plan);

	read_nothing(&plan->link);
	if (status || plan->create)
		return status;
	read_link(plan->dump.messages, &plan->link);
	if (is_any(plan->link.spans[IFLA_ADIT_REMOTE]))
		return EXIT_OK;
	complain("name: %s is a tunnel to one remote", plan->name);
	return EXIT_USAGE;
}

/* Packets come to the port that they are sent to, unless another is said. */
static int plan_port(struct plan *plan, const char *port)
{
	static const struct {
		__u16 attr;
		const char *word;
	} others[] = {
		{ IFLA_ADIT_ENCAP_LISTEN, "encap-listen" },
		{ IFLA_ADIT_ENCAP_SPORT, "encap-sport" },
	};
	int status = want(plan, "encap-dport", port);
	size_t i;

	for (i = 0; !status && i < MNL_ARRAY_SIZE(others); i++)
		if (plan->link.spans[others[i].attr].data)
			status = want(plan, others[i].word, "auto");
	return status;
}

static int plan_type(struct plan *plan)
{
	const struct lvs *lvs = plan->lvs;
	const struct lvs_type *is, *type;
	int status;

	is = plan->create ? NULL : lvs_type_of(&plan->link);
	type = lvs->type ? lvs->type : plan->create ? lvs_types : is;
	if (lvs->port && (!type || !type->port)) {
		complain("port: only with type gue");
		return EXIT_USAGE;
	}
	if (!type)
		return EXIT_OK;
	status = want(plan, "mode", type->mode);
	if (!status)
		status = want(plan, "encap", type->encap);
	if (status || !type->port)
		return status;
	if (lvs->port || type != is)
		status = plan_port(plan, lvs->port ? lvs->port : PORT_DEFAULT);
	if (!status && (lvs->type || type != is))
		status = want(plan, "noencap-csum", NULL);
	return status;
}

static int plan_options(struct plan *plan)
{
	const char *from = plan->lvs->from;
	int status = EXIT_OK;

	if (plan->create && !from) {
		complain("from: name the directors, or say \"from any\"");
		return EXIT_USAGE;
	}
	if (plan->create)
		status = want(plan, "remote", "any");
	if (!status && from)
		status = want(plan, "allow", from);
	if (!status)
		status = plan_type(plan);
	if (!status)
		status = want(plan, "deliver", "underlay");
	plan->change = !plan->create && plan->n_words;
	plan->up = !(plan->link.flags & IFF_UP);
	return status;
}

/* The same address in another prefix, or with a peer, is another one. */
static bool has(const struct addresses *addrs, const struct address *addr)
{
	size_t i;

	for (i = 0; i < addrs->n; i++)
		if (addrs->list[i].bits == addr->bits &&
		    addr_equal(&addrs->list[i], addr) &&
		    !memcmp(addrs->list[i].peer, addr->peer,
			    sizeof(addr->peer)))
			return true;
	return false;
}

/* As long as the one is there, the other may be refused, or go with it. */
static bool in_the_way(const struct addresses *vips, const struct address *addr)
{
	size_t i;

	for (i = 0; i < vips->n; i++)
		if (addr_equal(&vips->list[i], addr) ||
		    (vips->list[i].family == addr->family &&
		     !memcmp(vips->list[i].bytes, addr->peer,
			     sizeof(addr->peer))))
			return true;
	return false;
}

static int plan_addresses(struct plan *plan)
{
	const struct addresses *vips = &plan->lvs->vips;
	struct addresses all = { 0 }, ours = { 0 };
	int status = plan->create ? EXIT_OK : addr_dump(&all);
	size_t i;

	for (i = 0; i < all.n; i++)
		if (all.list[i].ifindex == plan->link.ifindex)
			addr_append(&ours, &all.list[i]);
	/* The last first: some may hang on to those before them. */
	for (i = ours.n; i; i--)
		if (!has(vips, &ours.list[i - 1])) {
			addr_append(&plan->del, &ours.list[i - 1]);
			plan->clear |= in_the_way(vips, &ours.list[i - 1]);
		}
	for (i = 0; i < vips->n; i++)
		if (!has(&ours, &vips->list[i]))
			addr_append(&plan->add, &vips->list[i]);
	free(all.list);
	free(ours.list);
	return status;
}

static int make_plan(struct plan *plan, const struct lvs *lvs)
{
	const struct lvs_type *type = lvs->type ? lvs->type : lvs_types;
	int status;

	memset(plan, 0, sizeof(*plan));
	plan->lvs = lvs;
	plan->name = lvs->name ? lvs->name : type->name;
	status = find_device(plan);
	if (!status)
		status = plan_options(plan);
	return status ? status : plan_addresses(plan);
}

/* --- printing it */

/* As one word to a shell */
static void print_word(const char *word)
{
	const char *plain = "-_.:/,@+";
	const char *c;

	for (c = word; isalnum((unsigned char)*c) || (*c && strchr(plain, *c));)
		c++;
	if (*word && !*c) {
		printf(" %s", word);
		return;
	}
	printf(" '");
	for (c = word; *c; c++)
		if (*c == '\'')
			printf("'\\''");
		else
			putchar(*c);
	putchar('\'');
}

static void print_addresses(const char *action, const struct plan *plan,
			    const struct addresses *addrs, bool nodad)
{
	char text[ADDR_TEXT];
	size_t i;

	for (i = 0; i < addrs->n; i++) {
		printf("ip addr %s %s dev", action,
		       addr_prefix(&addrs->list[i], text));
		print_word(plan->name);
		if (nodad && addrs->list[i].family == AF_INET6)
			printf(" nodad");
		putchar('\n');
	}
}

static void print_plan(const struct plan *plan)
{
	int i;

	if (plan->create || plan->change) {
		printf("ip link %s", plan->create ? "add" : "set");
		print_word(plan->name);
		printf(" type adit");
		for (i = 0; i < plan->n_words; i++)
			print_word(plan->words[i]);
		putchar('\n');
	}
	if (plan->clear)
		print_addresses("del", plan, &plan->del, false);
	print_addresses("add", plan, &plan->add, true);
	if (!plan->clear)
		print_addresses("del", plan, &plan->del, false);
	if (plan->up) {
		printf("ip link set");
		print_word(plan->name);
		printf(" up\n");
	}
}

/* --- doing it */

static int set_up(const char *name, int ifindex)
{
	__u32 buf[LINK_REQUEST_MAX / sizeof(__u32)];
	struct nlmsghdr *request;
	struct ifinfomsg *info;

	request = link_request(buf, RTM_NEWLINK, 0, NULL);
	info = mnl_nlmsg_get_payload(request);
	info->ifi_index = ifindex;
	info->ifi_change = IFF_UP;
	info->ifi_flags = IFF_UP;
	return link_talk(request, name, NULL, NULL);
}

static int do_addresses(__u16 type, const struct addresses *addrs, int ifindex)
{
	struct address addr;
	int status = EXIT_OK;
	size_t i;

	for (i = 0; !status && i < addrs->n; i++) {
		addr = addrs->list[i];
		addr.ifindex = ifindex;
		status = addr_talk(type, &addr);
	}
	return status;
}

static int do_device(struct plan *plan)
{
	char *words[WORDS_MAX + 1] = { (char *)plan->name };
	int n = plan->n_words;

	memcpy(words + 1, plan->words, n * sizeof(*words));
	if (plan->create)
		return do_add(n + 1, words);
	return plan->change ? do_set(n + 1, words) : EXIT_OK;
}

/* A device that was not there is there in whole, or not at all. */
static int do_plan(struct plan *plan)
{
	char *name = (char *)plan->name;
	int ifindex, status = do_device(plan);

	if (status)
		return status;
	status = find_link(name, &ifindex);
	if (!status && plan->clear)
		status = do_addresses(RTM_DELADDR, &plan->del, ifindex);
	if (!status)
		status = do_addresses(RTM_NEWADDR, &plan->add, ifindex);
	/* What is served is served until the rest is, too. */
	if (!status && !plan->clear)
		status = do_addresses(RTM_DELADDR, &plan->del, ifindex);
	if (!status && plan->up)
		status = set_up(name, ifindex);
	if (status && plan->create)
		do_del(1, &name);
	return status;
}

static void free_plan(struct plan *plan)
{
	dump_free(&plan->dump);
	while (plan->n_words)
		free(plan->words[--plan->n_words]);
	free(plan->del.list);
	free(plan->add.list);
}

int lvs_set_up(const struct lvs *lvs)
{
	struct plan plan;
	int status = make_plan(&plan, lvs);

	if (!status && lvs->dry_run)
		print_plan(&plan);
	else if (!status)
		status = do_plan(&plan);
	free_plan(&plan);
	return status;
}
