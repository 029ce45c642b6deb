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
#define NEW "fuzz0"		/* that a phase makes */
#define OLD "adit0"		/* that is there */

static struct message m;
static struct bytes attrs;	/* of the message */
static struct bytes data;	/* IFLA_INFO_DATA */

/* A host that nobody is */
static const uint8_t nobody[4] = { 192, 0, 2, 9 };

/* --- each attribute at each length */

static const uint16_t create = NLM_F_CREATE | NLM_F_EXCL;

static void as_new(int fd, const struct bytes *info)
{
	wrap(&attrs, NEW, info);
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

/* The first bytes of these are what the policy looks at. */
static void lengths(int fd, unsigned int n)
{
	unsigned int type, len;
	int pattern;

	(void)n;
	for (type = 0; type <= ATTR_LIMIT + 2; type++)
		for (len = 0; len <= 64; len++) {
			if (len > 20) {
				one_length(fd, type, len, rnd(4));
				continue;
			}
			for (pattern = 0; pattern < 4; pattern++)
				one_length(fd, type, len, pattern);
		}
	for (type = NLA_F_NET_BYTEORDER - 4; type < NLA_F_NET_BYTEORDER; type++)
		one_length(fd, type, rnd(64), 3);
}

/* --- any of all that */

static void choose(uint16_t *flags, const char **name)
{
	static const char *const names[] = {
		"fuzz0", "fuzz1", "fuzz2", "fuzz3", "fuzz4", OLD
	};

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

const struct phase phases[] = {
	{ "lengths", lengths },
	{ "any", any },
	{ NULL, NULL },
};
