// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: the table of options, and what reads and writes a value of each type.
 *
 * Owns: words <-> netlink attributes, both ways from one table; the grammar of
 * numbers, addresses and names; the list of options in help.
 * Does not own: what a value means or whether the kernel takes it. Only what
 * could not be encoded, or would be silently misread, is refused here.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>

#include "options.h"

struct choice {
	const char *word;
	__u32 value;
};

struct adit_type {
	bool (*parse)(const struct adit_type *type, const char *arg,
		      struct adit_payload *payload);
	void (*print)(const struct adit_type *type, const char *word,
		      struct adit_span span, const struct adit_printer *p);
	const char *expected;

	/* Numbers only; max 0: choices only. */
	const struct choice *choices;
	__u32 min, max;
	__u32 clear; /* bits that have to be 0 */
	__u8 size; /* of the attribute, in bytes */
	__u8 base; /* as of strtoul() */
	bool hex; /* print so */
};

static bool is_zero(const void *data, size_t len)
{
	static const unsigned char zero[16];

	return len <= sizeof(zero) && !memcmp(data, zero, len);
}

static bool parse_addr(const struct adit_type *type, const char *arg,
		       struct adit_payload *payload)
{
	(void)type;
	memset(payload, 0, sizeof(*payload));
	payload->len = sizeof(struct in_addr);
	if (!strcmp(arg, "any") || inet_pton(AF_INET, arg, payload->addr) == 1)
		return true;
	payload->len = sizeof(struct in6_addr);
	return inet_pton(AF_INET6, arg, payload->addr) == 1;
}

/* Never a host name: what is printed has to read back as input. */
static void print_addr(const struct adit_type *type, const char *word,
		       struct adit_span span, const struct adit_printer *p)
{
	int af = span.len == sizeof(struct in6_addr) ? AF_INET6 : AF_INET;
	char text[INET6_ADDRSTRLEN];

	(void)type;
	if (span.len != sizeof(struct in6_addr) &&
	    span.len != sizeof(struct in_addr))
		return;
	if (is_zero(span.data, span.len))
		p->string(word, "any");
	else if (inet_ntop(af, span.data, text, sizeof(text)))
		p->string(word, text);
}

static bool parse_name(const struct adit_type *type, const char *arg,
		       struct adit_payload *payload)
{
	size_t len = strlen(arg);

	(void)type;
	if (!len || len >= sizeof(payload->name))
		return false;
	memcpy(payload->name, arg, len + 1);
	payload->len = len + 1;
	return true;
}

/* The empty name unbinds, and has a word of its own. */
static bool parse_no_name(const struct adit_type *type, const char *arg,
			  struct adit_payload *payload)
{
	(void)type;
	(void)arg;
	payload->name[0] = '\0';
	payload->len = 1;
	return true;
}

static void print_name(const struct adit_type *type, const char *word,
		       struct adit_span span, const struct adit_printer *p)
{
	char name[IFNAMSIZ];

	(void)type;
	snprintf(name, sizeof(name), "%.*s", (int)span.len,
		 (const char *)span.data);
	p->string(word, name);
}

static bool choose(const struct choice *choice, const char *arg, __u32 *value)
{
	for (; choice && choice->word; choice++) {
		if (strcmp(choice->word, arg))
			continue;
		*value = choice->value;
		return true;
	}
	return false;
}

static const char *choice_of(const struct choice *choice, __u32 value)
{
	for (; choice && choice->word; choice++)
		if (choice->value == value)
			return choice->word;
	return NULL;
}

static bool scan(const struct adit_type *type, const char *arg, __u32 *value)
{
	unsigned long long n;
	char *end;

	/* strtoull() would take blanks and signs. */
	if (!type->max || !isxdigit((unsigned char)*arg))
		return false;
	errno = 0;
	n = strtoull(arg, &end, type->base);
	if (errno || *end || n < type->min || n > type->max || n & type->clear)
		return false;
	*value = n;
	return true;
}

static bool parse_number(const struct adit_type *type, const char *arg,
			 struct adit_payload *payload)
{
	__u32 value;

	if (!choose(type->choices, arg, &value) && !scan(type, arg, &value))
		return false;
	payload->len = type->size;
	if (type->size == sizeof(payload->u8))
		payload->u8 = value;
	else
		payload->u32 = value;
	return true;
}

static void print_number(const struct adit_type *type, const char *word,
			 struct adit_span span, const struct adit_printer *p)
{
	struct adit_payload payload = { 0 };
	const char *choice;
	__u32 value;
	char text[16];

	if (span.len != type->size)
		return;
	memcpy(payload.addr, span.data, type->size);
	value = type->size == sizeof(payload.u8) ? payload.u8 : payload.u32;

	choice = choice_of(type->choices, value);
	snprintf(text, sizeof(text), "0x%x", value);
	if (choice || type->hex)
		p->string(word, choice ? choice : text);
	else
		p->number(word, value);
}

static void print_flag(const struct adit_type *type, const char *word,
		       struct adit_span span, const struct adit_printer *p)
{
	(void)type;
	if (span.len)
		p->flag(word, *(const __u8 *)span.data);
}

static const struct choice ttl_choices[] = {
	{ "inherit", ADIT_TTL_INHERIT },
	{ NULL, 0 },
};

static const struct choice tos_choices[] = {
	{ "inherit", ADIT_TOS_INHERIT },
	{ NULL, 0 },
};

static const struct choice df_choices[] = {
	{ "set", ADIT_DF_SET },
	{ "inherit", ADIT_DF_INHERIT },
	{ "unset", ADIT_DF_UNSET },
	{ NULL, 0 },
};

static const struct adit_type type_addr = {
	.parse = parse_addr,
	.print = print_addr,
	.expected = "not an IPv4 or IPv6 address, nor \"any\"",
};

static const struct adit_type type_name = {
	.parse = parse_name,
	.print = print_name,
	.expected = "not the name of a device (1 to 15 bytes)",
};

static const struct adit_type type_no_name = {
	.parse = parse_no_name,
};

static const struct adit_type type_ttl = {
	.parse = parse_number,
	.print = print_number,
	.expected = "not a number from 1 to 255, nor \"inherit\"",
	.choices = ttl_choices,
	.min = 1,
	.max = UINT8_MAX,
	.size = sizeof(__u8),
};

/* Hexadecimal with or without 0x, as all tunnels of iproute2 have it. */
static const struct adit_type type_tos = {
	.parse = parse_number,
	.print = print_number,
	.expected =
		"not a hexadecimal TOS byte with its two ECN bits (3) zero, nor \"inherit\"",
	.choices = tos_choices,
	.max = UINT8_MAX,
	.clear = 0x3,
	.size = sizeof(__u8),
	.base = 16,
	.hex = true,
};

static const struct adit_type type_df = {
	.parse = parse_number,
	.print = print_number,
	.expected = "neither \"set\" nor \"inherit\" nor \"unset\"",
	.choices = df_choices,
	.size = sizeof(__u8),
};

static const struct adit_type type_mark = {
	.parse = parse_number,
	.print = print_number,
	.expected = "not a 32-bit number (decimal, or hexadecimal after 0x)",
	.max = UINT32_MAX,
	.size = sizeof(__u32),
	.hex = true,
};

static const struct adit_type type_flag = {
	.print = print_flag,
};

const struct adit_option adit_options[] = {
	{
		.word = "remote",
		.arg = "ADDR",
		.help = "outer destination; every tunnel needs one",
		.type = &type_addr,
		.attr = IFLA_ADIT_REMOTE,
	},
	{
		.word = "local",
		.arg = "{ ADDR | any }",
		.help = "outer source; any: chosen by routing (default)",
		.type = &type_addr,
		.attr = IFLA_ADIT_LOCAL,
		.optional = true,
	},
	{
		.word = "dev",
		.arg = "IFACE",
		.help = "outer packets by this device or VRF only",
		.type = &type_name,
		.attr = IFLA_ADIT_DEV,
		.optional = true,
	},
	{
		.word = "nodev",
		.help = "outer packets by the default VRF (default)",
		.type = &type_no_name,
		.attr = IFLA_ADIT_DEV,
		.optional = true,
	},
	{
		.word = "ttl",
		.arg = "{ 1..255 | inherit }",
		.help = "outer TTL (default 64)",
		.type = &type_ttl,
		.attr = IFLA_ADIT_TTL,
	},
	{
		.word = "tos",
		.arg = "{ HEX | inherit }",
		.help = "outer TOS byte, less its ECN bits (default 0)",
		.type = &type_tos,
		.attr = IFLA_ADIT_TOS,
	},
	{
		.word = "df",
		.arg = "{ set | inherit | unset }",
		.help = "outer DF bit (default set)",
		.type = &type_df,
		.attr = IFLA_ADIT_DF,
	},
	{
		.word = "fwmark",
		.arg = "MARK",
		.help = "mark of outer packets (default 0: none)",
		.type = &type_mark,
		.attr = IFLA_ADIT_FWMARK,
		.optional = true,
	},
	{
		.word = "mtu_auto",
		.type = &type_flag,
		.attr = IFLA_ADIT_MTU_AUTO,
	},
	{ 0 },
};

static const struct adit_option *find(const char *word)
{
	const struct adit_option *option;

	for (option = adit_options; option->word; option++)
		if (option->type->parse && !strcmp(option->word, word))
			return option;
	return NULL;
}

static int fail(struct adit_error *err, enum adit_fault fault,
		const struct adit_option *option, const char *word,
		const char *why)
{
	err->fault = fault;
	err->option = option;
	err->word = word;
	err->why = why;
	return 0;
}

int adit_take(struct adit_settings *settings, int argc, char **argv,
	      struct adit_error *err)
{
	const struct adit_option *option = find(argv[0]);
	struct adit_setting *setting;
	const char *arg = NULL;

	if (!option)
		return fail(err, ADIT_UNKNOWN, NULL, argv[0], NULL);
	if (option->arg) {
		if (argc < 2)
			return fail(err, ADIT_INCOMPLETE, option, argv[0],
				    NULL);
		arg = argv[1];
	}

	setting = &settings->by_attr[option->attr];
	if (setting->option == option && arg)
		return fail(err, ADIT_DUPLICATE, option, arg, NULL);
	if (setting->option)
		return fail(err, ADIT_CONFLICT, setting->option, argv[0], NULL);

	if (!option->type->parse(option->type, arg, &setting->payload))
		return fail(err, ADIT_INVALID, option, arg,
			    option->type->expected);
	setting->option = option;
	setting->arg = arg;
	return arg ? 2 : 1;
}

bool adit_check(struct adit_settings *settings, struct adit_error *err)
{
	struct adit_setting *local = &settings->by_attr[IFLA_ADIT_LOCAL];
	struct adit_setting *remote = &settings->by_attr[IFLA_ADIT_REMOTE];

	if (!local->option || !remote->option ||
	    local->payload.len == remote->payload.len)
		return true;

	/* "any" is of either family. */
	if (is_zero(local->payload.addr, local->payload.len)) {
		local->payload.len = remote->payload.len;
		return true;
	}
	if (is_zero(remote->payload.addr, remote->payload.len)) {
		remote->payload.len = local->payload.len;
		return true;
	}
	return fail(err, ADIT_INVALID, local->option, local->arg,
		    "not of the address family of remote");
}

void adit_put(const struct adit_settings *settings, adit_put_t put, void *ctx)
{
	__u16 attr;

	for (attr = 1; attr <= IFLA_ADIT_MAX; attr++) {
		const struct adit_setting *setting = &settings->by_attr[attr];

		if (setting->option)
			put(ctx, attr, setting->payload.addr,
			    setting->payload.len);
	}
}

const char *adit_word(__u16 attr)
{
	const struct adit_option *option;

	for (option = adit_options; option->word; option++)
		if (option->attr == attr)
			return option->word;
	return NULL;
}

/* An empty name comes as its terminating zero, or as nothing at all. */
void adit_print_options(const struct adit_printer *p,
			const struct adit_span spans[IFLA_ADIT_MAX + 1])
{
	const struct adit_option *option;

	for (option = adit_options; option->word; option++) {
		struct adit_span span = spans[option->attr];

		if (!option->type->print || !span.data)
			continue;
		if (option->optional && is_zero(span.data, span.len))
			continue;
		option->type->print(option->type, option->word, span, p);
	}
}

static const struct {
	const char *name;
	const char *text;
} drops[] = {
#define ADIT_DROP(cause, name, counter, reason, text) { name, text },
#include "adit/drops.h"
};

static void print_drop(const struct adit_printer *p, unsigned int cause,
		       unsigned long long count)
{
	char name[16];

	if (cause < sizeof(drops) / sizeof(*drops)) {
		p->drop(drops[cause].name, count, drops[cause].text);
		return;
	}
	snprintf(name, sizeof(name), "cause%u", cause);
	p->drop(name, count, "not known to this version of the tools");
}

/*
 * Step over the attribute at the head of *rest. Neither libmnl nor iproute2's
 * own parser is to be had by both callers, and the latter skips the types it
 * has no place for: here those are the causes of a newer module.
 */
static bool next_attr(struct adit_span *rest, __u16 *type,
		      struct adit_span *payload)
{
	struct nlattr nla;
	size_t step;

	if (rest->len < sizeof(nla))
		return false;
	memcpy(&nla, rest->data, sizeof(nla));
	if (nla.nla_len < sizeof(nla) || nla.nla_len > rest->len)
		return false;

	*type = nla.nla_type & NLA_TYPE_MASK;
	payload->data = (const char *)rest->data + NLA_HDRLEN;
	payload->len = nla.nla_len - NLA_HDRLEN;
	step = NLA_ALIGN(nla.nla_len);
	if (step > rest->len)
		step = rest->len;
	rest->data = (const char *)rest->data + step;
	rest->len -= step;
	return true;
}

static void print_drops(const struct adit_printer *p, struct adit_span nest)
{
	struct adit_span span;
	bool opened = false;
	unsigned long long count;
	__u16 type;

	while (next_attr(&nest, &type, &span)) {
		if (!type || span.len != sizeof(count))
			continue;
		memcpy(&count, span.data, sizeof(count));
		if (!count && !p->zeros)
			continue;
		if (!opened)
			p->open("drops");
		opened = true;
		print_drop(p, type - 1, count);
	}
	if (opened)
		p->close();
}

void adit_print_drops(const struct adit_printer *p, struct adit_span xstats)
{
	struct adit_span span;
	__u16 type;

	while (next_attr(&xstats, &type, &span))
		if (type == IFLA_ADIT_XSTATS_DROPS)
			print_drops(p, span);
}

void adit_list_options(FILE *fp)
{
	const struct adit_option *option;
	char grammar[64];

	for (option = adit_options; option->word; option++) {
		if (!option->help)
			continue;
		snprintf(grammar, sizeof(grammar), "%s %s", option->word,
			 option->arg ? option->arg : "");
		fprintf(fp, "    %-28s %s\n", grammar, option->help);
	}
}
