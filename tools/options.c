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
	/* NULL, or what the argument is instead of what was expected */
	const char *(*parse)(const struct adit_type *type, const char *arg,
			     struct adit_payload *payload);
	void (*print)(const struct adit_type *type, const char *word,
		      struct adit_span span, const struct adit_printer *p);
	const char *expected;
	bool list; /* of arguments, after commas or after the word again */

	/*
	 * In bytes: of the attribute; of an address that is "any"; of the
	 * address in a prefix, 0 being either family's.
	 */
	__u8 size;

	/* Words without an argument only. */
	__u8 value;

	/* Numbers only; max 0: choices only. */
	const struct choice *choices;
	__u32 min, max;
	__u32 clear; /* bits that have to be 0 */
	__u8 base; /* 0: 16 after 0x, else 10, and never 8 */
	bool net; /* in network order */
	bool hex; /* print so */
};

static bool is_zero(const void *data, size_t len)
{
	static const unsigned char zero[16];

	return len <= sizeof(zero) && !memcmp(data, zero, len);
}

/* The length of the address, 0 when it is none. */
static size_t read_addr(const char *text, unsigned char addr[16])
{
	if (inet_pton(AF_INET, text, addr) == 1)
		return sizeof(struct in_addr);
	if (inet_pton(AF_INET6, text, addr) == 1)
		return sizeof(struct in6_addr);
	return 0;
}

static bool write_addr(char text[INET6_ADDRSTRLEN], const void *addr,
		       size_t len)
{
	if (len == sizeof(struct in_addr))
		return inet_ntop(AF_INET, addr, text, INET6_ADDRSTRLEN);
	if (len == sizeof(struct in6_addr))
		return inet_ntop(AF_INET6, addr, text, INET6_ADDRSTRLEN);
	return false;
}

static const char *parse_addr(const struct adit_type *type, const char *arg,
			      struct adit_payload *payload)
{
	if (!strcmp(arg, "any")) {
		payload->len = type->size;
		return NULL;
	}
	payload->len = read_addr(arg, payload->addr);
	return payload->len ? NULL : type->expected;
}

/* Never a host name: what is printed has to read back as input. */
static void print_addr(const struct adit_type *type, const char *word,
		       struct adit_span span, const struct adit_printer *p)
{
	char text[INET6_ADDRSTRLEN];

	(void)type;
	if (!span.len)
		p->string(word, "any");
	else if (write_addr(text, span.data, span.len))
		p->string(word, text);
}

/* Every bit of the address beyond the length is 0. */
static bool is_prefix(const struct adit_prefix *prefix, size_t len)
{
	size_t bit;

	for (bit = prefix->bits; bit < 8 * len; bit++)
		if (prefix->addr[bit / 8] & 0x80 >> bit % 8)
			return false;
	return true;
}

static const char *parse_prefix(const struct adit_type *type, const char *arg,
				struct adit_payload *payload)
{
	size_t end = strcspn(arg, "/"), len;
	char text[INET6_ADDRSTRLEN], *rest;
	unsigned long bits;

	payload->len = 0;
	if (!strcmp(arg, "none"))
		return NULL;
	if (end >= sizeof(text))
		return type->expected;
	memcpy(text, arg, end);
	text[end] = '\0';
	len = read_addr(text, payload->prefix.addr);
	if (!len || (type->size && type->size != len))
		return type->expected;

	bits = 8 * len;
	if (arg[end]) {
		/* strtoul() would take blanks and signs. */
		if (!isdigit((unsigned char)arg[end + 1]))
			return type->expected;
		bits = strtoul(arg + end + 1, &rest, 10);
		if (*rest)
			return type->expected;
	}
	if (bits > 8 * len)
		return "longer than its address";
	payload->prefix.bits = bits;
	payload->len = 1 + len;
	return is_prefix(&payload->prefix, len) ?
		       NULL :
		       "no prefix: it has bits set beyond its length";
}

/* A whole address is written without a length, as ip(8) does. */
static bool write_prefix(char *text, size_t room, struct adit_span span)
{
	const struct adit_prefix *prefix = span.data;
	char addr[INET6_ADDRSTRLEN];
	size_t len = span.len - 1;

	if (!span.len || !write_addr(addr, prefix->addr, len))
		return false;
	if (prefix->bits == 8 * len)
		snprintf(text, room, "%s", addr);
	else
		snprintf(text, room, "%s/%u", addr, prefix->bits);
	return true;
}

static void print_prefix(const struct adit_type *type, const char *word,
			 struct adit_span span, const struct adit_printer *p)
{
	char text[INET6_ADDRSTRLEN + sizeof("/255")];

	(void)type;
	if (write_prefix(text, sizeof(text), span))
		p->string(word, text);
}

#define STRING(macro) STRING_OF(macro)
#define STRING_OF(text) #text

static const char *parse_allow(const struct adit_type *type, const char *arg,
			       struct adit_payload *payload)
{
	struct adit_payload one = { 0 };
	struct nlattr nla = { .nla_type = IFLA_ADIT_ALLOW_PREFIX };
	const char *why = parse_prefix(type, arg, &one);

	if (why || !one.len)
		return why;
	if (payload->count++ == ADIT_ALLOW_MAX)
		return "one prefix more than " STRING(ADIT_ALLOW_MAX);

	nla.nla_len = NLA_HDRLEN + one.len;
	memcpy(payload->list + payload->len, &nla, sizeof(nla));
	memcpy(payload->list + payload->len + NLA_HDRLEN, one.bytes, one.len);
	payload->len += NLA_ALIGN(nla.nla_len);
	return NULL;
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

static void print_allow(const struct adit_type *type, const char *word,
			struct adit_span span, const struct adit_printer *p)
{
	char text[INET6_ADDRSTRLEN + sizeof("/255")];
	struct adit_span one;
	bool opened = false;
	__u16 attr;

	(void)type;
	while (next_attr(&span, &attr, &one)) {
		if (attr != IFLA_ADIT_ALLOW_PREFIX ||
		    !write_prefix(text, sizeof(text), one))
			continue;
		if (!opened)
			p->open_list(word);
		opened = true;
		p->item(word, text);
	}
	if (opened)
		p->close_list();
}

static const char *parse_name(const struct adit_type *type, const char *arg,
			      struct adit_payload *payload)
{
	size_t len = strlen(arg);

	if (!len || len >= sizeof(payload->name))
		return type->expected;
	memcpy(payload->name, arg, len + 1);
	payload->len = len + 1;
	return NULL;
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
	int base = type->base;
	unsigned long long n;
	char *end;

	/* strtoull() would take blanks and signs. */
	if (!type->max || !isxdigit((unsigned char)*arg))
		return false;
	if (!base)
		base = strncasecmp(arg, "0x", 2) ? 10 : 16;
	errno = 0;
	n = strtoull(arg, &end, base);
	if (errno || *end || n < type->min || n > type->max || n & type->clear)
		return false;
	*value = n;
	return true;
}

static const char *parse_number(const struct adit_type *type, const char *arg,
				struct adit_payload *payload)
{
	__u32 value;

	if (!choose(type->choices, arg, &value) && !scan(type, arg, &value))
		return type->expected;
	payload->len = type->size;
	if (type->size == sizeof(payload->u8))
		payload->u8 = value;
	else if (type->size == sizeof(payload->u16))
		payload->u16 = type->net ? htons(value) : value;
	else
		payload->u32 = type->net ? htonl(value) : value;
	return NULL;
}

static __u32 number_of(const struct adit_type *type, struct adit_span span)
{
	struct adit_payload payload;

	memcpy(payload.bytes, span.data, type->size);
	if (type->size == sizeof(payload.u8))
		return payload.u8;
	if (type->size == sizeof(payload.u16))
		return type->net ? ntohs(payload.u16) : payload.u16;
	return type->net ? ntohl(payload.u32) : payload.u32;
}

static void print_number(const struct adit_type *type, const char *word,
			 struct adit_span span, const struct adit_printer *p)
{
	const char *choice;
	__u32 value;
	char text[16];

	if (span.len != type->size)
		return;
	value = number_of(type, span);
	choice = choice_of(type->choices, value);
	snprintf(text, sizeof(text), "0x%x", value);
	if (choice || type->hex)
		p->string(word, choice ? choice : text);
	else
		p->number(word, value);
}

/* A dotted quad is the same 4 bytes. */
static const char *parse_key(const struct adit_type *type, const char *arg,
			     struct adit_payload *payload)
{
	if (inet_pton(AF_INET, arg, payload->addr) != 1)
		return parse_number(type, arg, payload);
	payload->len = type->size;
	return NULL;
}

static const char *parse_word(const struct adit_type *type, const char *arg,
			      struct adit_payload *payload)
{
	(void)arg;
	payload->u8 = type->value;
	payload->len = type->size;
	return NULL;
}

static void print_word(const struct adit_type *type, const char *word,
		       struct adit_span span, const struct adit_printer *p)
{
	if (span.len == type->size)
		p->word(word, *(const __u8 *)span.data);
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

static const struct choice mode_choices[] = {
	{ "ip", ADIT_MODE_IP },
	{ "gre", ADIT_MODE_GRE },
	{ NULL, 0 },
};

static const struct choice encap_choices[] = {
	{ "none", ADIT_ENCAP_NONE },
	{ "fou", ADIT_ENCAP_FOU },
	{ "gue", ADIT_ENCAP_GUE },
	{ NULL, 0 },
};

static const struct choice deliver_choices[] = {
	{ "tunnel", ADIT_DELIVER_TUNNEL },
	{ "underlay", ADIT_DELIVER_UNDERLAY },
	{ NULL, 0 },
};

static const struct choice switch_choices[] = {
	{ "off", 0 },
	{ "on", 1 },
	{ NULL, 0 },
};

static const struct choice port_choices[] = {
	{ "auto", 0 },
	{ NULL, 0 },
};

/* No bytes for any: it is of no family. */
static const struct adit_type type_remote = {
	.parse = parse_addr,
	.print = print_addr,
	.expected = "not an IPv4 or IPv6 address, nor \"any\"",
};

/* Zeros for any, of the family of remote: see adit_check(). */
static const struct adit_type type_local = {
	.parse = parse_addr,
	.print = print_addr,
	.expected = "not an IPv4 or IPv6 address, nor \"any\"",
	.size = sizeof(struct in_addr),
};

static const struct adit_type type_name = {
	.parse = parse_name,
	.print = print_name,
	.expected = "not the name of a device (1 to 15 bytes)",
};

/* A flag that is off, and the name that is empty. */
static const struct adit_type type_off = {
	.parse = parse_word,
	.size = sizeof(__u8),
};

static const struct adit_type type_on = {
	.parse = parse_word,
	.print = print_word,
	.size = sizeof(__u8),
	.value = 1,
};

/* No bytes: there is no such thing. */
static const struct adit_type type_without = {
	.parse = parse_word,
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

static const struct adit_type type_mode = {
	.parse = parse_number,
	.print = print_number,
	.expected = "neither \"ip\" nor \"gre\"",
	.choices = mode_choices,
	.size = sizeof(__u8),
};

static const struct adit_type type_key = {
	.parse = parse_key,
	.print = print_number,
	.expected =
		"not a 32-bit number (decimal, hexadecimal after 0x, or a dotted quad)",
	.max = UINT32_MAX,
	.size = sizeof(__u32),
	.net = true,
};

static const struct adit_type type_encap = {
	.parse = parse_number,
	.print = print_number,
	.expected = "neither \"none\" nor \"fou\" nor \"gue\"",
	.choices = encap_choices,
	.size = sizeof(__u8),
};

static const struct adit_type type_deliver = {
	.parse = parse_number,
	.print = print_number,
	.expected = "neither \"tunnel\" nor \"underlay\"",
	.choices = deliver_choices,
	.size = sizeof(__u8),
};

static const struct adit_type type_switch = {
	.parse = parse_number,
	.print = print_number,
	.expected = "neither \"on\" nor \"off\"",
	.choices = switch_choices,
	.size = sizeof(__u8),
};

static const struct adit_type type_port = {
	.parse = parse_number,
	.print = print_number,
	.expected = "not a number from 1 to 65535",
	.min = 1,
	.max = UINT16_MAX,
	.size = sizeof(__u16),
	.base = 10,
	.net = true,
};

static const struct adit_type type_port_or_auto = {
	.parse = parse_number,
	.print = print_number,
	.expected = "not a number from 1 to 65535, nor \"auto\"",
	.choices = port_choices,
	.min = 1,
	.max = UINT16_MAX,
	.size = sizeof(__u16),
	.base = 10,
	.net = true,
};

static const struct adit_type type_allow = {
	.parse = parse_allow,
	.print = print_allow,
	.expected =
		"not an IPv4 or IPv6 prefix (ADDR or ADDR/LENGTH), nor \"none\" alone",
	.list = true,
};

static const struct adit_type type_prefix4 = {
	.parse = parse_prefix,
	.print = print_prefix,
	.expected = "not an IPv4 prefix (ADDR or ADDR/LENGTH), nor \"none\"",
	.size = sizeof(struct in_addr),
};

static const struct adit_type type_prefix6 = {
	.parse = parse_prefix,
	.print = print_prefix,
	.expected = "not an IPv6 prefix (ADDR or ADDR/LENGTH), nor \"none\"",
	.size = sizeof(struct in6_addr),
};

static const struct adit_type type_flag = {
	.print = print_flag,
};

const struct adit_option adit_options[] = {
	{
		.word = "mode",
		.arg = "{ ip | gre }",
		.help = "what announces the inner packet (default ip)",
		.type = &type_mode,
		.attr = IFLA_ADIT_MODE,
	},
	{
		.word = "remote",
		.arg = "{ ADDR | any }",
		.help = "outer destination; any: see the manual",
		.type = &type_remote,
		.attr = IFLA_ADIT_REMOTE,
	},
	{
		.word = "local",
		.arg = "{ ADDR | any }",
		.help = "outer source; any: chosen by routing (default)",
		.type = &type_local,
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
		.type = &type_off,
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
		.word = "ikey",
		.arg = "KEY",
		.help = "GRE key of received packets",
		.type = &type_key,
		.attr = IFLA_ADIT_IKEY,
	},
	{
		.word = "okey",
		.arg = "KEY",
		.help = "GRE key of sent packets",
		.type = &type_key,
		.attr = IFLA_ADIT_OKEY,
	},
	{
		.word = "key",
		.arg = "KEY",
		.help = "both keys",
		.type = &type_key,
		.attr = IFLA_ADIT_IKEY,
		.also = IFLA_ADIT_OKEY,
	},
	{
		.word = "noikey",
		.help = "received packets have no key (default)",
		.type = &type_without,
		.attr = IFLA_ADIT_IKEY,
	},
	{
		.word = "nookey",
		.help = "sent packets have no key (default)",
		.type = &type_without,
		.attr = IFLA_ADIT_OKEY,
	},
	{
		.word = "nokey",
		.help = "neither key",
		.type = &type_without,
		.attr = IFLA_ADIT_IKEY,
		.also = IFLA_ADIT_OKEY,
	},
	{
		.word = "icsum",
		.help = "received packets must have a GRE checksum",
		.type = &type_on,
		.attr = IFLA_ADIT_ICSUM,
		.optional = true,
	},
	{
		.word = "ocsum",
		.help = "sent packets have a GRE checksum",
		.type = &type_on,
		.attr = IFLA_ADIT_OCSUM,
		.optional = true,
	},
	{
		.word = "csum",
		.help = "icsum and ocsum",
		.type = &type_on,
		.attr = IFLA_ADIT_ICSUM,
		.also = IFLA_ADIT_OCSUM,
	},
	{
		.word = "noicsum",
		.help = "received packets need no checksum (default)",
		.type = &type_off,
		.attr = IFLA_ADIT_ICSUM,
	},
	{
		.word = "noocsum",
		.help = "sent packets have no checksum (default)",
		.type = &type_off,
		.attr = IFLA_ADIT_OCSUM,
	},
	{
		.word = "nocsum",
		.help = "noicsum and noocsum",
		.type = &type_off,
		.attr = IFLA_ADIT_ICSUM,
		.also = IFLA_ADIT_OCSUM,
	},
	{
		.word = "iseq",
		.help = "received packets must have ascending GRE sequence numbers",
		.type = &type_on,
		.attr = IFLA_ADIT_ISEQ,
		.optional = true,
	},
	{
		.word = "oseq",
		.help = "sent packets have GRE sequence numbers",
		.type = &type_on,
		.attr = IFLA_ADIT_OSEQ,
		.optional = true,
	},
	{
		.word = "seq",
		.help = "iseq and oseq",
		.type = &type_on,
		.attr = IFLA_ADIT_ISEQ,
		.also = IFLA_ADIT_OSEQ,
	},
	{
		.word = "noiseq",
		.help = "received packets need no sequence number (default)",
		.type = &type_off,
		.attr = IFLA_ADIT_ISEQ,
	},
	{
		.word = "nooseq",
		.help = "sent packets have no sequence number (default)",
		.type = &type_off,
		.attr = IFLA_ADIT_OSEQ,
	},
	{
		.word = "noseq",
		.help = "noiseq and nooseq",
		.type = &type_off,
		.attr = IFLA_ADIT_ISEQ,
		.also = IFLA_ADIT_OSEQ,
	},
	{
		.word = "encap",
		.arg = "{ none | fou | gue }",
		.help = "carry it in UDP (default none)",
		.type = &type_encap,
		.attr = IFLA_ADIT_ENCAP,
		.optional = true,
	},
	{
		.word = "encap-sport",
		.arg = "{ PORT | auto }",
		.help = "UDP source port; auto: by the flow (default)",
		.type = &type_port_or_auto,
		.attr = IFLA_ADIT_ENCAP_SPORT,
	},
	{
		.word = "encap-dport",
		.arg = "PORT",
		.help = "UDP destination port",
		.type = &type_port,
		.attr = IFLA_ADIT_ENCAP_DPORT,
	},
	{
		.word = "encap-listen",
		.arg = "{ PORT | auto }",
		.help = "UDP port to receive at; auto: as sent (default)",
		.type = &type_port_or_auto,
		.attr = IFLA_ADIT_ENCAP_LISTEN,
	},
	{
		.word = "encap-csum",
		.help = "UDP checksums (default)",
		.type = &type_on,
		.attr = IFLA_ADIT_ENCAP_CSUM,
	},
	{
		.word = "noencap-csum",
		.help = "no UDP checksums",
		.type = &type_off,
		.attr = IFLA_ADIT_ENCAP_CSUM,
	},
	{
		.word = "external",
		.help = "remote, key and more come with each packet",
		.type = &type_on,
		.attr = IFLA_ADIT_EXTERNAL,
		.optional = true,
	},
	{
		.word = "noexternal",
		.help = "they are options (default)",
		.type = &type_off,
		.attr = IFLA_ADIT_EXTERNAL,
	},
	{
		.word = "6rd-prefix",
		.arg = "{ PREFIX | none }",
		.help = "IPv6 prefix before the IPv4 remote (6to4, 6rd)",
		.type = &type_prefix6,
		.attr = IFLA_ADIT_6RD_PREFIX,
	},
	{
		.word = "6rd-relay",
		.arg = "{ PREFIX | none }",
		.help = "IPv4 prefix that all such remotes share",
		.type = &type_prefix4,
		.attr = IFLA_ADIT_6RD_RELAY,
	},
	{
		.word = "isatap",
		.help = "the IPv4 remote is in ISATAP addresses",
		.type = &type_on,
		.attr = IFLA_ADIT_ISATAP,
		.optional = true,
	},
	{
		.word = "noisatap",
		.help = "it is not (default)",
		.type = &type_off,
		.attr = IFLA_ADIT_ISATAP,
	},
	{
		.word = "deliver",
		.arg = "{ tunnel | underlay }",
		.help = "where received packets appear (default tunnel)",
		.type = &type_deliver,
		.attr = IFLA_ADIT_DELIVER,
		.optional = true,
	},
	{
		.word = "mss-clamp",
		.arg = "{ on | off }",
		.help = "lower the MSS of TCP to what the path carries (default off)",
		.type = &type_switch,
		.attr = IFLA_ADIT_MSS_CLAMP,
		.optional = true,
	},
	{
		.word = "fastpath",
		.arg = "{ on | off }",
		.help = "outer packets pass no hooks (default off)",
		.type = &type_switch,
		.attr = IFLA_ADIT_FASTPATH,
		.optional = true,
	},
	{
		.word = "allow",
		.arg = "{ PREFIX[,...] | none }",
		.help = "whom remote any takes packets from",
		.type = &type_allow,
		.attr = IFLA_ADIT_ALLOW,
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

/* Nothing is given twice, but a list can go on; "none" is no part of one. */
static bool goes_on(const struct adit_setting *setting,
		    const struct adit_option *option, const char *arg)
{
	return option->type->list && setting->option == option &&
	       setting->payload.len && strcmp(arg, "none");
}

static bool is_vacant(const struct adit_setting *setting,
		      const struct adit_option *option, const char *word,
		      const char *arg, struct adit_error *err)
{
	if (!setting->option || goes_on(setting, option, arg))
		return true;
	if (setting->option == option && arg)
		return fail(err, ADIT_DUPLICATE, option, arg, NULL);
	return fail(err, ADIT_CONFLICT, setting->option, word, NULL);
}

/* What is wrong, *arg then being the piece of a list that is. */
static const char *parse(const struct adit_type *type, char **arg,
			 struct adit_payload *payload)
{
	char *rest = *arg;
	const char *why = NULL;

	if (!type->list || !strcmp(rest, "none"))
		return type->parse(type, rest, payload);
	while (rest && !why) {
		*arg = strsep(&rest, ",");
		why = strcmp(*arg, "none") ? type->parse(type, *arg, payload) :
					     type->expected;
	}
	return why;
}

static bool set(struct adit_settings *settings,
		const struct adit_option *option, const char *word, char *arg,
		struct adit_error *err)
{
	struct adit_setting *setting = &settings->by_attr[option->attr];
	struct adit_setting *also = &settings->by_attr[option->also];
	const char *why;

	if (!is_vacant(setting, option, word, arg, err) ||
	    !is_vacant(also, option, word, arg, err))
		return false;
	if (option->type->list)
		setting->payload.list = settings->list;
	why = parse(option->type, &arg, &setting->payload);
	if (why)
		return fail(err, ADIT_INVALID, option, arg, why);
	setting->option = option;
	setting->arg = arg;
	if (option->also)
		*also = *setting;
	return true;
}

int adit_take(struct adit_settings *settings, int argc, char **argv,
	      struct adit_error *err)
{
	const struct adit_option *option = find(argv[0]);
	int taken = option && option->arg ? 2 : 1;

	if (!option)
		return fail(err, ADIT_UNKNOWN, NULL, argv[0], NULL);
	if (argc < taken)
		return fail(err, ADIT_INCOMPLETE, option, argv[0], NULL);
	if (!set(settings, option, argv[0], taken > 1 ? argv[1] : NULL, err))
		return 0;
	return taken;
}

bool adit_check(struct adit_settings *settings, struct adit_error *err)
{
	struct adit_setting *local = &settings->by_attr[IFLA_ADIT_LOCAL];
	struct adit_setting *remote = &settings->by_attr[IFLA_ADIT_REMOTE];

	if (!local->option || !remote->option || !remote->payload.len ||
	    local->payload.len == remote->payload.len)
		return true;

	/* "any" is of either family. */
	if (is_zero(local->payload.addr, local->payload.len)) {
		local->payload.len = remote->payload.len;
		return true;
	}
	return fail(err, ADIT_INVALID, local->option, local->arg,
		    "not of the address family of remote");
}

static const struct adit_option *
longest_of(const struct adit_settings *settings)
{
	const struct adit_setting *longest = settings->by_attr;
	__u16 attr;

	for (attr = 1; attr <= IFLA_ADIT_MAX; attr++)
		if (settings->by_attr[attr].option &&
		    settings->by_attr[attr].payload.len >= longest->payload.len)
			longest = &settings->by_attr[attr];
	return longest->option;
}

const struct adit_option *adit_put(const struct adit_settings *settings,
				   adit_put_t put, void *ctx)
{
	__u16 attr;

	for (attr = 1; attr <= IFLA_ADIT_MAX; attr++) {
		const struct adit_setting *setting = &settings->by_attr[attr];
		const struct adit_payload *payload = &setting->payload;
		bool is_list = setting->option && setting->option->type->list;

		if (setting->option &&
		    !put(ctx, is_list ? attr | NLA_F_NESTED : attr,
			 payload->list ? payload->list : payload->bytes,
			 payload->len))
			return longest_of(settings);
	}
	return NULL;
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

		/* Of a word for two attributes, each has a word of its own. */
		if (!option->type->print || option->also || !span.data)
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
		fprintf(fp, "    %-30s %s\n", grammar, option->help);
	}
}
