// SPDX-License-Identifier: GPL-2.0-only
/*
 * failnth: what has become of a device.
 *
 * Owns: its configuration, as the kernel shows it, reduced to a number; its
 * counters of packets and of drops.
 * Does not own: what they ought to be (failslab.sh).
 */

#define _GNU_SOURCE
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "failnth.h"

#define COUNTERS 128

struct state {
	bool exists;
	bool up;
	uint32_t config;
	unsigned int n;
	char names[COUNTERS][ETH_GSTRING_LEN];
	uint64_t counts[COUNTERS];
};

static const char *device;
static int netlink = -1;

/**
 * look_at - Which device it is
 * @dev: its name; it need not exist
 */
void look_at(const char *dev)
{
	device = dev;
	netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (netlink < 0)
		die("netlink");
}

/* FNV-1a: equal configurations have equal numbers, and others hardly ever. */
static uint32_t number_of(const void *data, size_t len)
{
	const uint8_t *bytes = data;
	uint32_t hash = 2166136261u;

	while (len--)
		hash = (hash ^ *bytes++) * 16777619u;
	return hash;
}

static void count(struct state *s, const char *name, uint64_t value)
{
	if (s->n == COUNTERS)
		return;
	strncpy(s->names[s->n], name, ETH_GSTRING_LEN - 1);
	s->counts[s->n++] = value;
}

/* Of what the device's kind tells of it, its options. */
static void read_info(struct state *s, struct rtattr *info)
{
	struct rtattr *rta = RTA_DATA(info);
	int len = RTA_PAYLOAD(info);

	for (; RTA_OK(rta, len); rta = RTA_NEXT(rta, len))
		if (rta->rta_type == IFLA_INFO_DATA)
			s->config = number_of(RTA_DATA(rta), RTA_PAYLOAD(rta));
}

static void read_link(struct state *s, struct nlmsghdr *nlh)
{
	struct ifinfomsg *info = NLMSG_DATA(nlh);
	struct rtattr *rta = IFLA_RTA(info);
	int len = IFLA_PAYLOAD(nlh);
	struct rtnl_link_stats64 stats;

	s->exists = true;
	s->up = info->ifi_flags & IFF_UP;
	for (; RTA_OK(rta, len); rta = RTA_NEXT(rta, len)) {
		if (rta->rta_type == IFLA_LINKINFO)
			read_info(s, rta);
		if (rta->rta_type != IFLA_STATS64)
			continue;
		memcpy(&stats, RTA_DATA(rta), sizeof(stats));
		count(s, "rx_packets", stats.rx_packets);
		count(s, "tx_packets", stats.tx_packets);
	}
}

static void get_link(struct state *s)
{
	static uint32_t seq;
	struct {
		struct nlmsghdr nlh;
		struct ifinfomsg info;
		struct rtattr rta;
		char name[IFNAMSIZ];
	} req = {
		.nlh = { sizeof(req), RTM_GETLINK, NLM_F_REQUEST, ++seq, 0 },
		.rta = { RTA_LENGTH(IFNAMSIZ), IFLA_IFNAME },
	};
	char reply[65536];
	struct nlmsghdr *nlh = (struct nlmsghdr *)reply;
	ssize_t got;

	strncpy(req.name, device, IFNAMSIZ - 1);
	if (send(netlink, &req, sizeof(req), 0) < 0)
		die("RTM_GETLINK");
	do {
		got = recv(netlink, reply, sizeof(reply), 0);
		if (got < 0)
			die("RTM_GETLINK");
	} while (!NLMSG_OK(nlh, (size_t)got) || nlh->nlmsg_seq != seq);
	if (nlh->nlmsg_type == RTM_NEWLINK)
		read_link(s, nlh);
}

static bool ethtool(void *cmd)
{
	struct ifreq ifr = { .ifr_data = cmd };

	strncpy(ifr.ifr_name, device, IFNAMSIZ - 1);
	return ioctl(netlink, SIOCETHTOOL, &ifr) == 0;
}

/* The drops of each cause */
static void get_drops(struct state *s)
{
	struct ethtool_drvinfo drv = { .cmd = ETHTOOL_GDRVINFO };
	struct {
		struct ethtool_gstrings head;
		char names[COUNTERS][ETH_GSTRING_LEN];
	} strings = { .head = { .cmd = ETHTOOL_GSTRINGS,
				.string_set = ETH_SS_STATS } };
	struct {
		struct ethtool_stats head;
		uint64_t counts[COUNTERS];
	} stats = { .head = { .cmd = ETHTOOL_GSTATS } };
	unsigned int i;

	if (!ethtool(&drv) || drv.n_stats > COUNTERS || !ethtool(&strings) ||
	    !ethtool(&stats))
		return;
	for (i = 0; i < stats.head.n_stats; i++)
		count(s, strings.names[i], stats.counts[i]);
}

/**
 * look - See what the device is
 *
 * Return: that, good until it is looked twice more.
 */
struct state *look(void)
{
	static struct state states[2];
	static unsigned int turn;
	struct state *s = &states[turn++ % 2];

	memset(s, 0, sizeof(*s));
	if (!device)
		return s;
	get_link(s);
	if (s->exists)
		get_drops(s);
	return s;
}

/**
 * look_print - Print what it is
 * @s: that
 */
void look_print(const struct state *s)
{
	if (s->exists)
		printf(" %08x:%s", s->config, s->up ? "up" : "down");
	else
		printf(" none");
}

/**
 * look_print_moved - Print which counters have moved
 * @was: what it was
 * @is: what it is now
 */
void look_print_moved(const struct state *was, const struct state *is)
{
	unsigned int i;

	if (was->n != is->n)
		return;
	for (i = 0; i < is->n; i++)
		if (is->counts[i] != was->counts[i])
			printf(" %s+%llu", is->names[i],
			       (unsigned long long)(is->counts[i] -
						    was->counts[i]));
}
