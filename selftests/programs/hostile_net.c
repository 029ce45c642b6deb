// SPDX-License-Identifier: GPL-2.0-only
/*
 * hostile: sockets and counters.
 *
 * Owns: sending from one netns, receiving and counting in others.
 * Does not own: what is sent, what is to be counted.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hostile.h"

const char *const counter_names[C_MAX] = {
#define COUNTER_NAME(symbol, name) [C_##symbol] = name,
	COUNTERS(COUNTER_NAME)
#undef COUNTER_NAME
};

void die(const char *format, ...)
{
	int error = errno;
	va_list args;

	fflush(stdout);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (errno: %s)\n", strerror(error));
	exit(2);
}

static void enter(const char *ns)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	fd = open(path, O_RDONLY);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die("cannot enter %s", path);
	close(fd);
}

static int open_file(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/thread-self/net/%s", name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		die("cannot read %s", path);
	return fd;
}

static int open_packet(const char *dev, int type, int protocol)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = if_nametoindex(dev),
	};
	int fd = socket(AF_PACKET, type, 0), size = 16 << 20;

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die("cannot open %s", dev);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return fd;
}

static void device_ioctl(const struct net *net, const char *dev, void *data)
{
	struct ifreq ifr = { .ifr_data = data };

	strncpy(ifr.ifr_name, dev, IFNAMSIZ - 1);
	if (ioctl(net->ctl, SIOCETHTOOL, &ifr))
		die("ethtool of %s", dev);
}

static enum counter counter_of(const char *name)
{
	enum counter c;

	for (c = 0; c < C_MAX; c++)
		if (!strcmp(counter_names[c], name))
			return c;
	return C_MAX;
}

/* The causes in the order in which the device gives their numbers */
static void read_causes(struct net *net)
{
	struct {
		struct ethtool_gstrings head;
		char names[64][ETH_GSTRING_LEN];
	} strings = {
		.head = { .cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_STATS },
	};
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	u32 i;

	device_ioctl(net, net->device, &info);
	net->n_causes = info.n_stats;
	if (!net->n_causes || net->n_causes > 64)
		die("%u causes", net->n_causes);
	strings.head.len = net->n_causes;
	device_ioctl(net, net->device, &strings);
	for (i = 0; i < net->n_causes; i++) {
		net->causes[i] = counter_of(strings.names[i]);
		if (net->causes[i] == C_MAX)
			die("unknown cause: %s", strings.names[i]);
	}
}

/**
 * net_open - get at everything
 * @net: filled in
 * @sender: where packets are sent
 * @underlay: where they arrive
 * @device: the adit device
 * @out_of_underlay: what it receives comes out of the underlay's interface
 */
void net_open(struct net *net, const struct place *sender,
	      const struct place *underlay, const struct place *device,
	      bool out_of_underlay)
{
	struct ifreq ifr = { 0 };

	enter(underlay->ns);
	net->underlay = underlay->dev;
	net->snmp = open_file("snmp");
	net->netstat = open_file("netstat");
	net->snmp6 = open_file("snmp6");
	net->underlay_devs = open_file("dev");
	net->ctl = socket(AF_INET, SOCK_DGRAM, 0);
	strncpy(ifr.ifr_name, underlay->dev, IFNAMSIZ - 1);
	if (ioctl(net->ctl, SIOCGIFHWADDR, &ifr))
		die("no address of %s", underlay->dev);
	memcpy(net->header, ifr.ifr_hwaddr.sa_data, 6);
	net->header[6] = 2;	/* from nobody */
	if (out_of_underlay)
		net->rx = open_packet(underlay->dev, SOCK_DGRAM, ETH_P_ALL);
	close(net->ctl);

	enter(device->ns);
	net->device = device->dev;
	net->devs = open_file("dev");
	net->ctl = socket(AF_INET, SOCK_DGRAM, 0);
	if (!out_of_underlay)
		net->rx = open_packet(device->dev, SOCK_DGRAM, ETH_P_ALL);
	read_causes(net);

	enter(sender->ns);
	net->tx = open_packet(sender->dev, SOCK_RAW, 0);
}

/* --- counters */

static char *read_all(int fd)
{
	static char text[65536];
	ssize_t n, at = 0;

	do {
		n = pread(fd, text + at, sizeof(text) - 1 - at, at);
		if (n < 0)
			die("cannot read counters");
		at += n;
	} while (n);
	text[at] = 0;
	return text;
}

/* A line of names, and one of numbers, of each protocol */
static void read_pairs(int fd, struct counts *counts)
{
	char *line, *rest, *names, *numbers, *name, *number, *protocol;
	enum counter c;
	char full[64];

	for (line = strtok_r(read_all(fd), "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		names = line;
		numbers = strtok_r(NULL, "\n", &rest);
		if (!numbers)
			die("a line of names only");
		protocol = strtok_r(names, ": ", &names);
		strtok_r(numbers, ": ", &numbers);
		while ((name = strtok_r(NULL, " ", &names)) &&
		       (number = strtok_r(NULL, " ", &numbers))) {
			snprintf(full, sizeof(full), "%s%s", protocol, name);
			c = counter_of(full);
			if (c != C_MAX)
				counts->n[c] = strtoull(number, NULL, 10);
		}
	}
}

static void read_list(int fd, struct counts *counts)
{
	char *line, *rest, name[64];
	unsigned long long n;
	enum counter c;

	for (line = strtok_r(read_all(fd), "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (sscanf(line, "%63s %llu", name, &n) != 2)
			continue;
		c = counter_of(name);
		if (c != C_MAX)
			counts->n[c] = n;
	}
}

/* Of a device: received, sent, dropped */
static void read_device(int fd, const char *dev, u64 *rx, u64 *tx,
			u64 *dropped)
{
	unsigned long long n[16];
	char *line, *rest, *name;
	unsigned int i;

	for (line = strtok_r(read_all(fd), "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		name = strtok_r(line, ": ", &line);
		if (!name || strcmp(name, dev))
			continue;
		for (i = 0; i < ARRAY_SIZE(n); i++)
			n[i] = strtoull(line + (*line == ':'), &line, 10);
		*rx = n[1];
		*tx = n[9];
		*dropped = n[11];
		return;
	}
	die("no counters of %s", dev);
}

static void read_drops(const struct net *net, struct counts *counts)
{
	struct {
		struct ethtool_stats head;
		u64 n[64];
	} stats = {
		.head = { ETHTOOL_GSTATS, net->n_causes },
	};
	u32 i;

	device_ioctl(net, net->device, &stats);
	for (i = 0; i < net->n_causes; i++)
		counts->n[net->causes[i]] = stats.n[i];
}

/**
 * net_count - all counters, as they are now
 */
void net_count(const struct net *net, struct counts *counts)
{
	u64 unused;

	memset(counts, 0, sizeof(*counts));
	read_pairs(net->snmp, counts);
	read_pairs(net->netstat, counts);
	read_list(net->snmp6, counts);
	read_drops(net, counts);
	read_device(net->devs, net->device, &counts->n[C_DELIVERED],
		    &counts->n[C_SENT], &counts->n[C_CORE_DROP]);
	/* what of it the core has dropped, and not the driver */
	counts->n[C_CORE_DROP] -= counts->n[C_TX_NOMEM] +
				  counts->n[C_TX_UNDERLAY];
	read_device(net->underlay_devs, net->underlay, &counts->n[C_ARRIVED],
		    &unused, &unused);
}

/* --- packets */

#define AT_ONCE		64

struct burst {
	struct mmsghdr msgs[AT_ONCE];
	struct iovec parts[AT_ONCE][2];
	unsigned int n;
};

static void flush(const struct net *net, struct burst *b)
{
	unsigned int at = 0;
	int n;

	while (at < b->n) {
		n = sendmmsg(net->tx, b->msgs + at, b->n - at, 0);
		if (n < 0)
			die("cannot send %zu bytes",
			    b->msgs[at].msg_hdr.msg_iov[1].iov_len);
		at += n;
	}
	b->n = 0;
}

static void queue(const struct net *net, struct burst *b, const u8 *header,
		  const u8 *p, unsigned int len)
{
	struct iovec *parts = b->parts[b->n];

	parts[0] = (struct iovec){ (void *)header, 14 };
	parts[1] = (struct iovec){ (void *)p, len };
	b->msgs[b->n].msg_hdr = (struct msghdr){
		.msg_iov = parts,
		.msg_iovlen = 2,
	};
	if (++b->n == AT_ONCE)
		flush(net, b);
}

/**
 * net_send - packets to the underlay, in order
 */
void net_send(struct net *net, const struct item *items, unsigned int n)
{
	const struct item *it;
	static struct burst b;
	u8 headers[2][14];
	unsigned int i;

	memcpy(headers[0], net->header, 14);
	put16(headers[0] + 12, ETH_P_IP);
	memcpy(headers[1], net->header, 14);
	put16(headers[1] + 12, ETH_P_IPV6);
	for (it = items; it < items + n; it++) {
		if (!it->frames)
			queue(net, &b, headers[it->family == 6], it->p,
			      it->len);
		for (i = 0; i < it->frames; i++)
			queue(net, &b, headers[it->family == 6],
			      it->frame[i].p, it->frame[i].len);
	}
	flush(net, &b);
}

/**
 * net_receive - the next packet that came out of the device
 * @timeout: in ms
 *
 * Return: its length; -1: there is none.
 */
int net_receive(const struct net *net, u8 *to, unsigned int room, int timeout)
{
	struct pollfd pfd = { .fd = net->rx, .events = POLLIN };
	struct sockaddr_ll from;
	socklen_t size;
	int len;

	do {
		size = sizeof(from);
		len = recvfrom(net->rx, to, room, MSG_DONTWAIT | MSG_TRUNC,
			       (struct sockaddr *)&from, &size);
		if (len < 0 && errno != EAGAIN && errno != ENETDOWN)
			die("cannot receive");
		if (len < 0 && (!timeout || poll(&pfd, 1, timeout) < 1))
			return -1;
	} while (len < 0 || from.sll_pkttype == PACKET_OUTGOING);
	return len;
}
