/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * adit: addresses of the host.
 *
 * Owns: reading them, putting them on a device and taking them off it.
 * Does not own: sockets (netlink.c), which addresses and why (lvs.c).
 */
#ifndef ADIT_ADDR_H
#define ADIT_ADDR_H

#include <stdbool.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <linux/types.h>

struct address {
	int family;
	unsigned int bits; /* of its prefix */
	int ifindex;
	unsigned char scope;
	unsigned char bytes[16];
	unsigned char peer[16]; /* the same unless it has one */
};

struct addresses {
	struct address *list;
	size_t n;
};

unsigned int addr_bits(int family);

/* A single address that a service can have; NULL, or why it is none. */
const char *addr_parse(struct address *addr, const char *text);

/* Room for the longest, and for a peer's and a length after it. */
#define ADDR_TEXT (2 * INET6_ADDRSTRLEN + sizeof(" peer /128"))

/* As text, which is returned; with its length it is as `ip addr` has it. */
const char *addr_name(const struct address *addr, char text[ADDR_TEXT]);
const char *addr_prefix(const struct address *addr, char text[ADDR_TEXT]);

/* The same address, on whatever device and in whatever prefix */
bool addr_equal(const struct address *a, const struct address *b);

/* Is it one of those in the prefix that another one, or its peer, has? */
bool addr_within(const struct address *addr, const struct address *other);

/* Is it, on whatever device and in whatever prefix, in the list? */
bool addr_listed(const struct addresses *addrs, const struct address *addr);

/* Add to a list. */
void addr_append(struct addresses *addrs, const struct address *addr);

/*
 * All of the host but those that IPv6 gives each link; an IPv4 address is one
 * whatever scope it was given. Returns an exit status.
 */
int addr_dump(struct addresses *addrs);

/* RTM_NEWADDR or RTM_DELADDR. Returns an exit status. */
int addr_talk(__u16 type, const struct address *addr);

#endif /* ADIT_ADDR_H */
