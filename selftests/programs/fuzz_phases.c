// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz: the messages, by what is odd in them.
 *
 * Owns: the phases of a run. Does not own: what must hold (fuzz_check.c).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"

#define HEADERS (NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct ifinfomsg)))
#define OLD "adit0" /* that is there */
#define FOREIGN "moved0" /* whose underlay is elsewhere */

static struct message m;
static struct bytes attrs; /* of the message */
static struct bytes data; /* IFLA_INFO_DATA */

/* A host that nobody is */
static const uint8_t nobody[4] = { 192, 0, 2, 9 };

/* --- each attribute at each length */

static const uint16_t create = NLM_F_CREATE | NLM_F_EXCL;

static void as_new(int fd, const struct bytes *info)
{
	wrap(&attrs, BRIEF, info);
	make(&m, RTM_NEWLINK, create, 0, &attrs);
	try_message(fd, &m, true);
}

static void as_change(int fd, const struct bytes *info)
{
	wrap(&attrs, OLD, info);
	make(&m, RTM_NEWLINK, 0, 0, &attrs);
	try_message(fd, &m, true);
}

static void one_length(int fd, uint16_t type, size_t len, int pattern)
{
	data.len = 0;
	put(&data, IFLA_ADIT_REMOTE, nobody, sizeof(nobody));
	put_random(&data, type, len, pattern);
	as_new(fd, &data);
	data.len = 0;
	put_random(&data, type, len, pattern);
	as_change(fd, &data);
}

/* With up to four patterns where something is of that length, else with one. */
static void lengths(int fd, unsigned int n)
{
	unsigned int type, len;
	int pattern;

	for (type = 0; type <= ATTR_LIMIT + 2; type++)
		for (len = 0; len <= 64; len++) {
			if (len > 20 || n < 2) {
				one_length(fd, type, len, rnd(4));
				continue;
			}
			for (pattern = 0; pattern < 4 && pattern < (int)n;
			     pattern++)
				one_length(fd, type, len, pattern);
		}
	for (type = NLA_F_NET_BYTEORDER - 4; type < NLA_F_NET_BYTEORDER; type++)
		one_length(fd, type, rnd(64), 3);
}

/* --- any of all that */

static void choose(uint16_t *flags, const char **name)
{
	static const char *const names[] = { BRIEF,   "fuzz1", "fuzz2",
					     "fuzz3", "fuzz4", OLD };

	*name = names[rnd(ARRAY_SIZE(names))];
	*flags = NLM_F_CREATE;
	if (chance(10))
		*flags = 0;
	if (chance(10))
		*flags |= NLM_F_EXCL;
	if (chance(3))
		*flags |= NLM_F_REPLACE;
}

static void any(int fd, unsigned int n)
{
	const char *name;
	uint16_t flags;

	while (n--) {
		choose(&flags, &name);
		make_valid(&data);
		while (chance(35))
			make_odd(&data);
		wrap(&attrs, name, &data);
		make(&m, RTM_NEWLINK, flags, 0, &attrs);
		try_message(fd, &m, true);
	}
}

/* --- nests */

/* Headers of attributes in a message, and how deep they are */
struct header {
	size_t at;
	unsigned int depth;
};

/* LINKINFO, INFO_DATA, ALLOW; INFO_DATA's own are at depth 2. */
#define DEPTH_INFO 2

static unsigned int headers(size_t from, size_t len, unsigned int depth,
			    struct header *list, unsigned int n)
{
	static const uint16_t into[] = { IFLA_LINKINFO, IFLA_INFO_DATA,
					 IFLA_ADIT_ALLOW };
	const uint8_t *at = m.data + from;
	struct attr attr;

	for (;;) {
		list[n].at = at - m.data;
		list[n].depth = depth;
		if (n == 60 || !next_attr(&at, &len, &attr))
			return n;
		n++;
		if (depth < ARRAY_SIZE(into) && attr.type == into[depth])
			n = headers(attr.data - m.data, attr.len, depth + 1,
				    list, n);
	}
}

static void with_word(int fd, size_t at, uint16_t word, bool reaches)
{
	uint16_t was;

	memcpy(&was, m.data + at, sizeof(was));
	memcpy(m.data + at, &word, sizeof(word));
	try_message(fd, &m, reaches);
	memcpy(m.data + at, &was, sizeof(was));
}

/* All that the length and the flags of one header can be wrong by */
static void wrong_header(int fd, const struct header *h)
{
	static const uint16_t flags[] = { NLA_F_NESTED, NLA_F_NET_BYTEORDER,
					  NLA_F_NESTED | NLA_F_NET_BYTEORDER };
	static const uint16_t lengths[] = { 0,	    1,	    3,	   4,	 5,
					    8,	    16,	    64,	   1000, 0x7fff,
					    0x8000, 0xfffc, 0xffff };
	bool reaches = h->depth >= DEPTH_INFO;
	uint16_t len, type, rest = m.len - h->at;
	unsigned int i;

	memcpy(&len, m.data + h->at, sizeof(len));
	memcpy(&type, m.data + h->at + 2, sizeof(type));
	for (i = 0; i < ARRAY_SIZE(flags); i++)
		with_word(fd, h->at + 2, type ^ flags[i], reaches);
	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		with_word(fd, h->at, lengths[i], reaches);
	for (i = 1; i <= 4; i++) {
		with_word(fd, h->at, len - i, reaches);
		with_word(fd, h->at, len + i, reaches);
	}
	with_word(fd, h->at, rest, reaches);
	with_word(fd, h->at, rest + 1, reaches);
	with_word(fd, h->at, rest - 1, reaches);
}

static void wrong_headers(int fd, const char *name, uint16_t flags)
{
	struct header list[64];
	unsigned int i, n;

	wrap(&attrs, name, &data);
	make(&m, RTM_NEWLINK, flags, 0, &attrs);
	n = headers(HEADERS, m.len - HEADERS, 0, list, 0);
	for (i = 0; i < n; i++)
		wrong_header(fd, &list[i]);
}

/* A message that ends at each of its bytes, which it knows or does not know */
static void cut(int fd)
{
	size_t whole, len;

	wrap(&attrs, BRIEF, &data);
	make(&m, RTM_NEWLINK, create, 0, &attrs);
	whole = m.len;
	for (len = NLMSG_HDRLEN; len < whole; len++) {
		m.len = len;
		m.header.nlmsg_len = len;
		try_message(fd, &m, false);
	}
}

/* So many nests of that type in each other, in place of the rest of data. */
static void put_deep(uint16_t type, unsigned int depth)
{
	struct nlattr nla = { .nla_type = type };

	for (; depth && data.len < PAYLOAD_MAX - 256; depth--) {
		nla.nla_len = depth * NLA_HDRLEN;
		memcpy(data.data + data.len, &nla, sizeof(nla));
		data.len += sizeof(nla);
	}
}

static void deep(int fd, uint16_t type)
{
	static const unsigned int depths[] = { 1, 2, 3, 10, 100, 1000, 16000 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(depths); i++) {
		data.len = 0;
		put(&data, IFLA_ADIT_REMOTE, NULL, 0);
		put_deep(type, depths[i]);
		as_new(fd, &data);
		as_change(fd, &data);
	}
}

/* What stands around IFLA_INFO_DATA: a letter each */
static void put_around(const char *what)
{
	size_t link = nest(&attrs, IFLA_LINKINFO), at;

	for (; *what; what++)
		switch (*what) {
		case 'k':
			put_string(&attrs, IFLA_INFO_KIND, "adit");
			break;
		case 'n': /* without its end */
			put(&attrs, IFLA_INFO_KIND, "adit", 4);
			break;
		case 'e':
			put(&attrs, IFLA_INFO_KIND, NULL, 0);
			break;
		case 'd':
			put(&attrs, IFLA_INFO_DATA, data.data, data.len);
			break;
		case 'D':
			at = nest(&attrs, IFLA_INFO_DATA);
			put(&attrs, IFLA_INFO_DATA, data.data, data.len);
			nest_end(&attrs, at);
			break;
		case 'N':
			put(&attrs, IFLA_INFO_DATA | NLA_F_NESTED, data.data,
			    data.len);
			break;
		case 'E':
			put(&attrs, IFLA_INFO_DATA, NULL, 0);
			break;
		case 's':
			put_string(&attrs, IFLA_INFO_SLAVE_KIND, "adit");
			put(&attrs, IFLA_INFO_SLAVE_DATA, data.data, data.len);
			break;
		case 'x':
			put(&attrs, IFLA_INFO_XSTATS, data.data, data.len);
			break;
		case 'L':
			put(&attrs, IFLA_LINKINFO, data.data, data.len);
			break;
		}
	nest_end(&attrs, link);
}

static void around(int fd)
{
	static const char *const all[] = {
		"",   "k",  "d",   "dk",  "kd",	 "kdd", "kkd", "kE",  "kEd",
		"kN", "nd", "ed",  "ked", "ekd", "kD",	"ks",  "kds", "s",
		"kx", "x",  "kdx", "kL",  "L",	 "Lkd", "kNd", "kdN", "kkdds",
	};
	unsigned int i, twice;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		for (twice = 0; twice < 2; twice++) {
			attrs.len = 0;
			put_string(&attrs, IFLA_IFNAME, BRIEF);
			put_around(all[i]);
			if (twice)
				put_around("kd");
			make(&m, RTM_NEWLINK, chance(50) ? create : 0, 0,
			     &attrs);
			try_message(fd, &m, false);
		}
}

static void nests(int fd, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		make_valid(&data);
		wrong_headers(fd, BRIEF, create);
		make_valid(&data);
		wrong_headers(fd, OLD, 0);
		make_valid(&data);
		cut(fd);
		make_valid(&data);
		around(fd);
	}
	for (i = 0; i <= ATTR_LIMIT; i++)
		deep(fd, i | NLA_F_NESTED);
	deep(fd, IFLA_ADIT_ALLOW);
}

/* --- thousands of prefixes */

/* In the end, after so many good ones, another one */
static void one_list(int fd, unsigned int many, int family, int last)
{
	static const uint8_t ip4[5] = { 32, 10 }; /* the first again */
	size_t at;

	data.len = 0;
	put(&data, IFLA_ADIT_REMOTE, NULL, 0);
	at = data.len;
	put_prefixes(&data, many, family);
	if (last == 1)
		put(&data, IFLA_ADIT_ALLOW_PREFIX, ip4, sizeof(ip4));
	if (last == 2)
		put_random(&data, IFLA_ADIT_ALLOW_PREFIX, rnd(20), 3);
	if (last == 3)
		put_random(&data, rnd(9), rnd(20), 3);
	nest_end(&data, at);
	as_new(fd, &data);
	as_change(fd, &data);
}

static void lists(int fd, unsigned int n)
{
	/* the last ones are all that fits */
	static const unsigned int many[] = { 0,	   1,	 2,    100,  1000, 1023,
					     1024, 1025, 2700, 5000, 5440 };
	unsigned int i, round;
	int last;

	for (round = 0; round < n; round += 4)
		for (i = 0; i < ARRAY_SIZE(many); i++)
			for (last = 0; last < 4; last++) {
				one_list(fd, many[i], AF_INET, last);
				if (many[i] <= 2700)
					one_list(fd, many[i], AF_INET6, last);
			}
	/* no bytes each */
	for (i = 1; i < 16000; i *= 5) {
		data.len = 0;
		put(&data, IFLA_ADIT_REMOTE, NULL, 0);
		for (last = nest(&data, IFLA_ADIT_ALLOW | NLA_F_NESTED);
		     data.len < i * NLA_HDRLEN;)
			put(&data, IFLA_ADIT_ALLOW_PREFIX, NULL, 0);
		nest_end(&data, last);
		as_new(fd, &data);
	}
}

/* --- what all links have */

static void put_number(uint16_t type)
{
	static const uint32_t numbers[] = {
		0,     1,	   2,	    3,	     67,    68,
		1279,  1280,	   1500,    65515,   65516, 65535,
		65536, 0x7fffffff, 1 << 31, ~0U - 1, ~0U,
	};
	static const uint32_t few[] = { 0, 1, 2, 8, 4097, 1 << 31, ~0U };
	uint32_t number = numbers[rnd(ARRAY_SIZE(numbers))];

	if (type == IFLA_NUM_TX_QUEUES || type == IFLA_NUM_RX_QUEUES)
		number = few[rnd(ARRAY_SIZE(few))];
	/* process 1 has the host's netns, which is no place for this */
	if (type == IFLA_NET_NS_PID && number && number < 1 << 30)
		number = getpid();
	put_u32(&attrs, type, number);
}

static void put_name(size_t len)
{
	static const char letters[] = "abcdefgh/.: %dsn\n\x7f\xff";
	char name[64];
	size_t i;

	for (i = 0; i < len; i++)
		name[i] = letters[rnd(chance(80) ? 8 : sizeof(letters))];
	if (len && chance(70))
		name[len - 1] = 0;
	put(&attrs, IFLA_IFNAME, name, len);
}

/* The last ones are those that no kernel has yet. */
static void put_generic(void)
{
	static const uint16_t often[] = {
		IFLA_MTU,	   IFLA_MTU,	   IFLA_LINK,
		IFLA_LINK_NETNSID, IFLA_NET_NS_FD, IFLA_NET_NS_PID,
		IFLA_ADDRESS,	   IFLA_BROADCAST, IFLA_MASTER,
		IFLA_TXQLEN,	   IFLA_GROUP,	   IFLA_NUM_TX_QUEUES,
	};
	uint16_t type = chance(50) ? often[rnd(ARRAY_SIZE(often))] : rnd(80);

	if (type == IFLA_IFNAME)
		put_name(rnd(41));
	else if (chance(60) || type == IFLA_NET_NS_PID)
		put_number(type);
	else
		put_random(&attrs, type, rnd(chance(80) ? 9 : 65), rnd(4));
}

/* Requests as they are, and with a header that is not. */
static void head(uint16_t flags)
{
	static const uint16_t types[] = { RTM_NEWLINK, RTM_NEWLINK, RTM_NEWLINK,
					  RTM_NEWLINK, RTM_SETLINK, RTM_DELLINK,
					  RTM_GETLINK };
	struct ifinfomsg info = { 0 };

	make(&m, types[rnd(ARRAY_SIZE(types))], flags, 0, &attrs);
	if (chance(20))
		info.ifi_index = rnd(chance(50) ? 200 : ~0U);
	if (chance(20)) {
		info.ifi_flags = chance(50) ? IFF_UP : rnd(~0U);
		info.ifi_change = chance(50) ? IFF_UP : rnd(~0U);
	}
	if (chance(5)) {
		info.ifi_family = rnd(256);
		info.ifi_type = rnd(~0U);
	}
	memcpy(m.data + NLMSG_HDRLEN, &info, sizeof(info));
}

static void generic(int fd, unsigned int n)
{
	const char *name;
	uint16_t flags;

	while (n--) {
		choose(&flags, &name);
		make_valid(&data);
		if (chance(20))
			make_odd(&data);
		attrs.len = 0;
		if (chance(80))
			wrap(&attrs, chance(80) ? name : NULL, &data);
		do
			put_generic();
		while (chance(40));
		head(flags);
		try_message(fd, &m, false);
	}
}

/* With each length, though not each name */
static void names(int fd, unsigned int n)
{
	size_t len;

	while (n--)
		for (len = 0; len <= 40; len++) {
			make_valid(&data);
			wrap(&attrs, NULL, &data);
			put_name(len);
			make(&m, RTM_NEWLINK, create, 0, &attrs);
			try_message(fd, &m, false);
		}
}

/* --- what nobody may who is not asked */

/* Without CAP_NET_ADMIN, anything. */
static void denied(int fd, unsigned int n)
{
	static const uint16_t types[] = { RTM_NEWLINK, RTM_NEWLINK, RTM_SETLINK,
					  RTM_DELLINK };
	uint16_t flags;
	const char *name;

	demand = EPERM;
	while (n--) {
		choose(&flags, &name);
		make_valid(&data);
		while (chance(35))
			make_odd(&data);
		wrap(&attrs, name, &data);
		make(&m, types[rnd(ARRAY_SIZE(types))], flags, 0, &attrs);
		try_message(fd, &m, false);
	}
}

/* With it where the device is, but not where its underlay is: to change it. */
static void foreign(int fd, unsigned int n)
{
	demand = EPERM;
	while (n--) {
		make_valid(&data);
		wrap(&attrs, FOREIGN, &data);
		make(&m, RTM_NEWLINK, 0, 0, &attrs);
		try_message(fd, &m, true);
	}
}

const struct phase phases[] = {
	{ "lengths", lengths, true }, { "nests", nests, true },
	{ "lists", lists, true },     { "any", any, true },
	{ "generic", generic, true }, { "names", names, true },
	{ "denied", denied, false },  { "foreign", foreign, false },
	{ NULL, NULL, false },
};
