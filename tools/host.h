/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * adit: what the host says of itself.
 *
 * Owns: reading its sysctls, its counters and its default routes.
 * Does not own: links (link.c) and addresses (addr.c), what follows from any
 * of it (lvs_check.c).
 */
#ifndef ADIT_HOST_H
#define ADIT_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

/*
 * A device's setting: with IPv4 one of which the greater holds, of all and of the
 * device's own; 0 if it cannot be read.
 */
int host_conf(int family, const char *dev, const char *setting);

/* A counter as nstat(8) calls it, such as UdpNoPorts; 0 if there is none. */
unsigned long long host_counter(const char *name);

/* Is the module there, or built in? */
bool host_module(const char *name);

struct route {
	int ifindex; /* 0: that of a nexthop object, which is not looked up */
	__u32 metric;
	unsigned int mtu, advmss; /* 0: not given */
};

/* The default routes of a family: how many, or -1. They are to be freed. */
int host_routes(int family, struct route **routes);

#endif /* ADIT_HOST_H */
