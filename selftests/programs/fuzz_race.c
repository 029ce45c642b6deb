// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz: all that can be done to devices, by several processes at a time.
 *
 * fuzz race [-s SEED] [-n COUNT] [-c CPU] NETNS NETNS: COUNT steps in the first
 *	one and, where a device moves, in the second: devices race0 to race5 are
 *	made, changed, deleted, renamed and moved, which others do at the same time,
 *	and namespaces come and go that a device or its underlay is in.
 * fuzz traffic NAME...: UDP into these devices, again and again.
 * fuzz watch NETNS...: dump, again and again: each device that shows is whole.
 *
 * Owns: what is done, and by whom. Does not own: how it must end (fuzz.sh).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/veth.h>

#include "fuzz.h"

#define NAMES 4 /* of devices, the sorts of tunnels */
#define SPARE 2 /* names more, for those that change theirs */

/* A netns, and a socket in it */
struct place {
	int net;
	int route;
};

static struct place here, there;
static struct message m;
static struct bytes attrs, data;

/* What a step came to, of each sort */
static unsigned int done[8], failed_steps[8];

static void enter(const struct place *place)
{
	if (setns(place->net, CLONE_NEWNET))
		die("setns");
}

static void open_place(struct place *place, const char *path)
{
	place->net = open(path, O_RDONLY | O_CLOEXEC);
	if (place->net < 0)
		die(path);
	enter(place);
	place->route = open_route();
}

static int ask(const struct place *place, uint16_t type, uint16_t flags,
	       int ifindex)
{
	struct answer answer;

	make(&m, type, flags, ifindex, &attrs);
	talk(place->route, &m, &answer);
	return answer.error;
}

/* --- devices */

static const char *race_name(unsigned int i)
{
	static char name[2][IFNAMSIZ];
	static unsigned int turn;

	turn = !turn;
	snprintf(name[turn], sizeof(name[turn]), "race%u", i);
	return name[turn];
}

/* Of the sort that its peer in the other host is. */
static void put_sort(unsigned int i)
{
	static const uint8_t remote[4] = { 192, 0, 2, 2 };

	put(&data, IFLA_ADIT_REMOTE, remote, sizeof(remote));
	switch (i) {
	case 1:
		put_u8(&data, IFLA_ADIT_MODE, ADIT_MODE_GRE);
		put_u32(&data, IFLA_ADIT_IKEY, htonl(1));
		put_u32(&data, IFLA_ADIT_OKEY, htonl(1));
		break;
	case 2:
	case 3:
		put_u8(&data, IFLA_ADIT_ENCAP,
		       i == 2 ? ADIT_ENCAP_FOU : ADIT_ENCAP_GUE);
		put_u16(&data, IFLA_ADIT_ENCAP_DPORT,
			htons(i == 2 ? 5551 : 5571));
		break;
	}
}

/* What changes under traffic, and leaves the sort as it is */
static void put_toggles(void)
{
	put_u8(&data, IFLA_ADIT_FASTPATH, rnd(2));
	put_u8(&data, IFLA_ADIT_DELIVER, rnd(2));
	put_u8(&data, IFLA_ADIT_MSS_CLAMP, rnd(2));
	put_u8(&data, IFLA_ADIT_DF, rnd(3));
	put_u8(&data, IFLA_ADIT_TTL, chance(50) ? 64 : 0);
	put_u8(&data, IFLA_ADIT_TOS, chance(50) ? 0 : 1);
}

static void make_config(unsigned int i)
{
	data.len = 0;
	if (chance(70)) {
		put_sort(i);
		if (chance(70))
			put_toggles();
	} else {
		make_valid(&data);
		if (chance(10))
			put_prefixes(&data, 1 + rnd(ADIT_ALLOW_MAX), AF_INET6);
	}
}

static int set_up(const struct place *place, int ifindex, bool up)
{
	struct ifinfomsg info = { .ifi_index = ifindex,
				  .ifi_flags = up ? IFF_UP : 0,
				  .ifi_change = IFF_UP };
	struct answer answer;

	attrs.len = 0;
	make(&m, RTM_NEWLINK, 0, ifindex, &attrs);
	memcpy(m.data + NLMSG_HDRLEN, &info, sizeof(info));
	talk(place->route, &m, &answer);
	return answer.error;
}

static int index_of(const struct place *place, const char *name)
{
	static struct device dev;

	return get_device(place->route, name, 0, &dev) ? dev.ifindex : 0;
}

static int create(const struct place *place, const char *name, unsigned int i)
{
	int err, ifindex;

	make_config(i);
	wrap(&attrs, name, &data);
	err = ask(place, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	ifindex = err ? 0 : index_of(place, name);
	return ifindex ? set_up(place, ifindex, true) : err;
}

static int change(const struct place *place, const char *name, unsigned int i)
{
	make_config(i);
	if (chance(50)) {
		data.len = 0;
		put_toggles();
	}
	wrap(&attrs, name, &data);
	return ask(place, RTM_NEWLINK, 0, 0);
}

static int delete (const struct place *place, const char *name)
{
	attrs.len = 0;
	put_string(&attrs, IFLA_IFNAME, name);
	return ask(place, RTM_DELLINK, 0, 0);
}

static int move(const struct place *from, const struct place *to,
		const char *name)
{
	int ifindex = index_of(from, name);

	if (!ifindex)
		return -ENODEV;
	attrs.len = 0;
	put_u32(&attrs, IFLA_NET_NS_FD, to->net);
	if (ask(from, RTM_NEWLINK, 0, ifindex))
		return -EEXIST;
	ifindex = index_of(to, name);
	return ifindex ? set_up(to, ifindex, true) : 0;
}

/* Kernels before 6.2 rename no device that is up. */
static int rename_device(const struct place *place, const char *name,
			 const char *to)
{
	int ifindex = index_of(place, name), err;

	if (!ifindex)
		return -ENODEV;
	set_up(place, ifindex, false);
	attrs.len = 0;
	put_string(&attrs, IFLA_IFNAME, to);
	err = ask(place, RTM_NEWLINK, 0, ifindex);
	set_up(place, ifindex, true);
	return err;
}

/* --- packets */

/* To wherever, since the device is all that matters; what fails, fails. */
static void send_some(const char *name, unsigned int n)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(9) };
	static uint8_t payload[3000];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int fd6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(0x0a090909);
	to6.sin6_addr.s6_addr[0] = 0xff;
	to6.sin6_addr.s6_addr[1] = 0x02;
	to6.sin6_addr.s6_addr[15] = 1;
	to6.sin6_scope_id = if_nametoindex(name);
	if (!setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name,
			strlen(name) + 1))
		while (n--) {
			sendto(fd, payload, rnd(sizeof(payload)), MSG_DONTWAIT,
			       (void *)&to, sizeof(to));
			sendto(fd6, payload, rnd(sizeof(payload)), MSG_DONTWAIT,
			       (void *)&to6, sizeof(to6));
		}
	close(fd);
	close(fd6);
}

/* --- namespaces */

/* A wire from here to a new netns; it is gone when that is. */
static int put_wire(const struct place *new, const char *name)
{
	struct ifinfomsg peer = { 0 };
	size_t link, info, end;
	int err;

	attrs.len = 0;
	put_string(&attrs, IFLA_IFNAME, name);
	link = nest(&attrs, IFLA_LINKINFO);
	put_string(&attrs, IFLA_INFO_KIND, "veth");
	info = nest(&attrs, IFLA_INFO_DATA);
	end = nest(&attrs, VETH_INFO_PEER);
	memcpy(attrs.data + attrs.len, &peer, sizeof(peer));
	attrs.len += sizeof(peer);
	put_string(&attrs, IFLA_IFNAME, "wire");
	put_u32(&attrs, IFLA_NET_NS_FD, new->net);
	nest_end(&attrs, end);
	nest_end(&attrs, info);
	nest_end(&attrs, link);
	err = ask(&here, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	return err ? err : set_up(&here, if_nametoindex(name), true);
}

/* So that packets leave for it: its own end has an address. */
static void put_address(const struct place *new)
{
	static const uint8_t addr[4] = { 192, 0, 2, 1 };
	struct {
		struct nlmsghdr header;
		struct ifaddrmsg addr;
		struct nlattr local;
		uint8_t bytes[4];
	} request = {
		.header = { sizeof(request), RTM_NEWADDR,
			    NLM_F_REQUEST | NLM_F_CREATE, 0, 0 },
		.addr = { .ifa_family = AF_INET, .ifa_prefixlen = 24 },
		.local = { NLA_HDRLEN + sizeof(addr), IFA_LOCAL },
	};
	struct answer answer;

	enter(new);
	request.addr.ifa_index = if_nametoindex("wire");
	enter(&here);
	set_up(new, request.addr.ifa_index, true);
	memcpy(request.bytes, addr, sizeof(addr));
	memcpy(m.data, &request, sizeof(request));
	m.len = sizeof(request);
	talk(new->route, &m, &answer);
}

/* A device in another netns than its underlay, of which one goes; or both go. */
static int visit(const struct place *new, const char *name)
{
	const struct place *at = new;
	int err;

	switch (rnd(3)) {
	case 0:
		err = create(new, name, rnd(NAMES));
		err = err ? err : move(new, &here, name);
		at = &here;
		break;
	case 1:
		err = create(&here, name, rnd(NAMES));
		err = err ? err : move(&here, new, name);
		break;
	default:
		err = create(new, name, rnd(NAMES));
	}
	enter(at);
	send_some(name, 4);
	enter(&here);
	return err;
}

static int short_life(void)
{
	static unsigned int number;
	char name[IFNAMSIZ];
	struct place new;
	int err;

	if (unshare(CLONE_NEWNET))
		die("unshare");
	new.net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	new.route = open_route();
	enter(&here);
	snprintf(name, sizeof(name), "wire%u-%u", getpid() % 100000, number);
	err = put_wire(&new, name);
	if (!err)
		put_address(&new);
	snprintf(name, sizeof(name), "brief%u-%u", getpid() % 100000, number++);
	err = err ? err : visit(&new, name);
	close(new.route);
	close(new.net);
	return err;
}

/* --- steps */

enum step {
	CREATE,
	CHANGE,
	DELETE,
	LEAVE,
	RETURN,
	RENAME,
	NETNS,
};

static int one_name(enum step what, const struct place *at, const char *name)
{
	switch (what) {
	case CREATE:
		return create(&here, name, rnd(NAMES));
	case CHANGE:
		return change(at, name, rnd(NAMES));
	case DELETE:
		return delete (at, name);
	case LEAVE:
		return move(&here, &there, name);
	case RETURN:
		return move(&there, &here, name);
	default:
		return rename_device(at, name, race_name(rnd(NAMES + SPARE)));
	}
}

/* Of all names, from some on, the first that is there, or is not: others may be
 * as fast.
 */
static int one_step(enum step what)
{
	const struct place *at = chance(75) ? &here : &there;
	unsigned int first = rnd(NAMES + SPARE), i;
	int err = 0;

	if (what == NETNS)
		return short_life();
	for (i = 0; i < NAMES + SPARE; i++) {
		err = one_name(what, at,
			       race_name((first + i) % (NAMES + SPARE)));
		if (err != -ENODEV && err != -EEXIST)
			break;
	}
	return err;
}

static const char *const step_names[] = { "create", "change", "delete", "move",
					  "return", "rename", "netns" };

/* Each of them must have been possible now and then, if it was tried often. */
static bool report(void)
{
	bool good = true;
	unsigned int i, tried;

	for (i = 0; i < ARRAY_SIZE(step_names); i++) {
		tried = done[i] + failed_steps[i];
		printf("%s %u/%u ", step_names[i], done[i], tried);
		good &= done[i] || tried < 20;
	}
	printf("\n");
	return good;
}

static int run_race(unsigned int n)
{
	/* the steps, as often as they are here */
	static const uint8_t mix[] = { CREATE, CREATE, CREATE, CREATE, CHANGE,
				       CHANGE, CHANGE, CHANGE, CHANGE, CHANGE,
				       DELETE, DELETE, DELETE, LEAVE,  RETURN,
				       RENAME, NETNS,  NETNS };
	unsigned int what;

	while (n--) {
		what = mix[rnd(ARRAY_SIZE(mix))];
		if (one_step(what))
			failed_steps[what]++;
		else
			done[what]++;
	}
	return !report();
}

static int usage(void)
{
	fputs("Usage: fuzz race [-s SEED] [-n COUNT] [-c CPU] NETNS NETNS\n"
	      "       fuzz traffic NAME...\n"
	      "       fuzz watch NETNS...\n",
	      stderr);
	return 2;
}

int race(int argc, char **argv)
{
	unsigned int n = 100;
	cpu_set_t cpus;
	int opt;

	CPU_ZERO(&cpus);
	while ((opt = getopt(argc, argv, "s:n:c:")) != -1) {
		if (opt == 's')
			seed_set(strtoull(optarg, NULL, 0));
		else if (opt == 'n')
			n = strtoul(optarg, NULL, 0);
		else if (opt == 'c')
			CPU_SET(strtoul(optarg, NULL, 0), &cpus);
		else
			return usage();
	}
	if (argc - optind != 2)
		return usage();
	if (CPU_COUNT(&cpus) && sched_setaffinity(0, sizeof(cpus), &cpus))
		die("sched_setaffinity");
	open_place(&there, argv[optind + 1]);
	open_place(&here, argv[optind]);
	return run_race(n);
}

/* --- beside them */

int traffic(int argc, char **argv)
{
	int i;

	for (;;)
		for (i = 1; i < argc; i++) {
			send_some(argv[i], 8);
			usleep(1000);
		}
	return 0;
}

/* The devices' statistics are read without RTNL. */
static void read_statistics(void)
{
	static char buf[1 << 16];
	int fd = open("/proc/thread-self/net/dev", O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && read(fd, buf, sizeof(buf)) > 0)
		;
	close(fd);
}

static void watch_once(const struct place *place)
{
	struct devices all;
	unsigned int i;

	get_devices(place->route, &all);
	for (i = 0; i < all.n; i++)
		if (!is_whole(all.list[i])) {
			printf("%s is not whole\n", all.list[i]->name);
			exit(1);
		}
	free_devices(&all);
	enter(place);
	read_statistics();
}

int watch(int argc, char **argv)
{
	struct place places[8];
	int i, n = argc - 1;

	if (n < 1 || n > (int)ARRAY_SIZE(places))
		return usage();
	for (i = 0; i < n; i++)
		open_place(&places[i], argv[i + 1]);
	for (;;) {
		for (i = 0; i < n; i++)
			watch_once(&places[i]);
		usleep(1000);
	}
	return 0;
}
