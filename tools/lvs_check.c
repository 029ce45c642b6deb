// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: `adit lvs --check`: why does no traffic come to this real server?
 *
 * Owns: what follows from links, addresses, counters, settings and routes, and
 * saying it. Nothing is changed, nothing is sent.
 * Does not own: reading any of them (link.c, addr.c, host.c).
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/rtnetlink.h>

#include "host.h"
#include "link.h"
#include "lvs.h"
#include "netlink.h"
#include "print.h"

#define ETHERNET_MTU 1500

/* Of packets that came in and were dropped, by cause */
struct count {
	char name[24];
	const char *why;
	unsigned long long n, before;
};

#define COUNTS_MAX 64

/* An LVS device: what the kernel says of it, asked by itself */
struct device {
	struct dump dump;
	struct link link;
	struct count counts[COUNTS_MAX];
	int n_counts;
};

struct check {
	const struct lvs *lvs;
	struct dump links; /* all of the host */
	struct addresses addrs; /* all of the host */
	struct addresses vips; /* that should be here */
	struct device *devices;
	size_t n_devices;
	bool problem;
};

/* --- saying it */

enum level {
	PROBLEM, /* that is why */
	ADVICE, /* could be, or will be */
};

static const char *const levels[] = { "problem", "advice" };

/* What is said of whom, and after a newline what to do */
static void found(struct check *check, enum level level, const char *whom,
		  const char *fmt, ...)
{
	char text[512], *cure;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	cure = strchr(text, '\n');
	*cure++ = '\0';

	check->problem = check->problem || level == PROBLEM;
	if (!check->lvs->json) {
		printf("%s: %s: %s. %s\n", levels[level], whom, text, cure);
		return;
	}
	json_open(NULL, '{');
	json_string("level", levels[level]);
	json_string("about", whom);
	json_string("what", text);
	json_string("cure", cure);
	json_close('}');
}

/* --- finding out */

static const struct lvs_type *type_called(const char *name)
{
	const struct lvs_type *type;

	for (type = lvs_types; type->word; type++)
		if (!strcmp(type->name, name))
			return type;
	return NULL;
}

static __u8 option_of(const struct link *link, __u16 attr)
{
	struct adit_span span = link->spans[attr];

	return span.len ? *(const __u8 *)span.data : 0;
}

static bool is_hidden(const struct link *link)
{
	return is_adit(link) &&
	       option_of(link, IFLA_ADIT_DELIVER) == ADIT_DELIVER_UNDERLAY;
}

static bool is_any(const struct link *link)
{
	struct adit_span span = link->spans[IFLA_ADIT_REMOTE];
	const unsigned char *byte = span.data;

	for (; span.len; span.len--)
		if (*byte++)
			return false;
	return true;
}

static bool has_vip(const struct check *check, int ifindex)
{
	const struct address *addr;
	size_t i;

	for (i = 0; i < check->addrs.n; i++) {
		addr = &check->addrs.list[i];
		if (addr->ifindex == ifindex &&
		    addr_listed(&check->lvs->vips, addr))
			return true;
	}
	return false;
}

static bool is_of_lvs(const struct check *check, const struct link *link)
{
	const char *name = check->lvs->name;

	return is_adit(link) && (is_hidden(link) || type_called(link->name) ||
				 (name && !strcmp(link->name, name)) ||
				 has_vip(check, link->ifindex));
}

/* The printer of drops has no word of whose they are. */
static struct device *counted;

static void count_drop(const char *name, unsigned long long n, const char *why)
{
	struct count *count = counted->counts;
	int i;

	if (strncmp(name, "rx_", 3))
		return;
	for (i = 0; i < counted->n_counts; i++, count++)
		if (!strcmp(count->name, name))
			break;
	if (i == COUNTS_MAX)
		return;
	if (i == counted->n_counts) {
		counted->n_counts++;
		snprintf(count->name, sizeof(count->name), "%s", name);
		count->why = why;
	}
	count->before = count->n;
	count->n = n;
}

static void ignore_key(const char *key)
{
	(void)key;
}

static void ignore(void)
{
}

static const struct adit_printer counter = {
	.open = ignore_key,
	.drop = count_drop,
	.close = ignore,
};

/* By itself: among all of the host, a long list of prefixes is not shown. */
static int read_device(struct device *device, const char *name)
{
	struct dump dump = { 0 };
	int status = get_link(name, &dump);

	dump_free(&device->dump);
	device->dump = dump;
	if (status)
		return status;
	read_link(device->dump.messages, &device->link);
	counted = device;
	adit_print_drops(&counter, device->link.xstats);
	return EXIT_OK;
}

static bool has_counts(const struct check *check)
{
	size_t i;

	for (i = 0; i < check->n_devices; i++)
		if (check->devices[i].n_counts &&
		    check->devices[i].link.stats.rx_packets)
			return true;
	return false;
}

/* What was counted once may be long past: is it now? */
static int watch(struct check *check)
{
	int status = EXIT_OK;
	size_t i;

	if (!has_counts(check))
		return EXIT_OK;
	sleep(1);
	for (i = 0; !status && i < check->n_devices; i++)
		status = read_device(&check->devices[i],
				     check->devices[i].link.name);
	return status;
}

static struct device *add_device(struct check *check)
{
	size_t n = check->n_devices + 1;
	struct device *devices;

	devices = reallocarray(check->devices, n, sizeof(*devices));
	if (!devices)
		exit(EXIT_KERNEL);
	check->devices = devices;
	check->n_devices = n;
	return memset(&devices[n - 1], 0, sizeof(*devices));
}

static int find_devices(struct check *check)
{
	const struct nlmsghdr *message;
	int status = EXIT_OK;
	struct link link;

	for (message = dump_next(&check->links, NULL); message && !status;
	     message = dump_next(&check->links, message)) {
		read_link(message, &link);
		if (is_of_lvs(check, &link))
			status = read_device(add_device(check), link.name);
	}
	return status ? status : watch(check);
}

static bool on_device(const struct check *check, const struct address *addr)
{
	size_t i;

	for (i = 0; i < check->n_devices; i++)
		if (check->devices[i].link.ifindex == addr->ifindex)
			return true;
	return false;
}

/* Those that were named, or else all that the devices have, each once. */
static void find_vips(struct check *check)
{
	const struct addresses *named = &check->lvs->vips;
	const struct addresses *all = named->n ? named : &check->addrs;
	size_t i;

	for (i = 0; i < all->n; i++)
		if ((named->n || on_device(check, &all->list[i])) &&
		    !addr_listed(&check->vips, &all->list[i]))
			addr_append(&check->vips, &all->list[i]);
}

static bool find_at(const struct check *check, int ifindex, struct link *link)
{
	const struct nlmsghdr *message;

	for (message = dump_next(&check->links, NULL); message;
	     message = dump_next(&check->links, message)) {
		read_link(message, link);
		if (link->ifindex == ifindex)
			return true;
	}
	return false;
}

/* --- of a device */

static void check_up(struct check *check, const struct link *link)
{
	if (!(link->flags & IFF_UP))
		found(check, PROBLEM, link->name,
		      "it is down\nip link set %s up (an IPv6 VIP has to be put on it again: adit lvs)",
		      link->name);
}

static void check_allow(struct check *check, const struct link *link)
{
	if (is_any(link) && !link->spans[IFLA_ADIT_ALLOW].len)
		found(check, PROBLEM, link->name,
		      "no director is allowed\nadit lvs VIP... from DIRECTOR...");
}

static void check_filter(struct check *check, const struct link *link)
{
	if (!is_hidden(link) &&
	    host_conf(AF_INET, link->name, "rp_filter") == 1)
		found(check, PROBLEM, link->name,
		      "rp_filter is strict on it, and drops what clients send\nip link set %s type adit deliver underlay",
		      link->name);
}

static bool has_carrier(const struct link *link)
{
	return link->flags & IFF_UP && link->flags & IFF_RUNNING;
}

/* What a name stands for is known where the outer packets are only. */
static void check_bound(struct check *check, const struct link *link)
{
	struct adit_span span = link->spans[IFLA_ADIT_DEV];
	const struct nlmsghdr *message;
	struct link dev;

	if (span.len <= 1 || link->foreign)
		return;
	for (message = dump_next(&check->links, NULL); message;
	     message = dump_next(&check->links, message)) {
		read_link(message, &dev);
		if (!strncmp(dev.name, span.data, span.len))
			break;
	}
	if (!message)
		found(check, PROBLEM, link->name,
		      "it is bound to %.*s, which is gone\nip link set %s type adit nodev",
		      (int)span.len, (const char *)span.data, link->name);
	else if (!has_carrier(&dev))
		found(check, PROBLEM, link->name,
		      "it is bound to %s, which is down or has no carrier\nip link set %s up, or ip link set %s type adit nodev",
		      dev.name, dev.name, link->name);
}

static const char *cure_of(const char *cause)
{
	static const struct {
		const char *cause, *cure;
	} cures[] = {
		{ "rx_source",
		  "adit lvs VIP... from DIRECTOR..., if they are a director's" },
		{ "rx_encap", "adit lvs VIP... type TYPE port PORT" },
		{ "rx_device", "ip link set NAME type adit nodev, or dev VRF" },
		{ "rx_key", "the director's packets are not those of IPVS" },
		{ "rx_policy", "ip xfrm policy" },
		{ "rx_down", "adit lvs VIP..." },
	};
	size_t i;

	for (i = 0; i < MNL_ARRAY_SIZE(cures); i++)
		if (!strcmp(cures[i].cause, cause))
			return cures[i].cure;
	return "see DROPS in adit(8)";
}

static void check_counts(struct check *check, const struct device *device)
{
	const struct link *link = &device->link;
	const struct count *count;
	enum level level;
	int i;

	for (i = 0; i < device->n_counts; i++) {
		count = &device->counts[i];
		level = !link->stats.rx_packets || count->n > count->before ?
				PROBLEM :
				ADVICE;
		found(check, level, link->name, "%s %llu (%s)%s\n%s",
		      count->name, count->n, count->why,
		      level == PROBLEM ? "" : ", none of it now",
		      cure_of(count->name));
	}
}

/* A device in silence is one whose director sends elsewhere, or otherwise. */
static void check_silence(struct check *check, const struct device *device)
{
	const struct link *link = &device->link;

	if (device->n_counts || link->stats.rx_packets ||
	    !(link->flags & IFF_UP))
		return;
	found(check, ADVICE, link->name,
	      "nothing has come yet\nipvsadm -Ln --tun-info on the director: is it to this host, of this type?");
}

static void check_device(struct check *check, const struct device *device)
{
	check_up(check, &device->link);
	check_allow(check, &device->link);
	check_filter(check, &device->link);
	check_bound(check, &device->link);
	check_counts(check, device);
	check_silence(check, device);
}

/* --- of a VIP */

static void check_there(struct check *check, const struct address *vip)
{
	char text[ADDR_TEXT];
	size_t i;

	addr_name(vip, text);
	for (i = 0; i < check->addrs.n; i++)
		if (addr_equal(&check->addrs.list[i], vip) &&
		    on_device(check, &check->addrs.list[i]))
			return;
	found(check, PROBLEM, text,
	      "it is on no device of LVS\nadit lvs %s (and all others)", text);
}

/* A prefix leads all of it into the device. */
static void check_alone(struct check *check, const struct address *addr,
			const struct link *link)
{
	char prefix[ADDR_TEXT], text[ADDR_TEXT];

	addr_name(addr, text);
	if (addr->bits != addr_bits(addr->family))
		found(check, PROBLEM, text,
		      "%s leads a whole prefix into %s\nadit lvs %s (and all others)",
		      addr_prefix(addr, prefix), link->name, text);
}

/* Are there neighbours of it, by whichever address of its device? */
static bool has_prefix(const struct check *check, const struct address *addr)
{
	const struct address *other;
	size_t i;

	for (i = 0; i < check->addrs.n; i++) {
		other = &check->addrs.list[i];
		if (other->ifindex == addr->ifindex &&
		    other->bits < addr_bits(other->family) &&
		    addr_within(addr, other))
			return true;
	}
	return false;
}

/* Is it for others than the host itself, on whichever device? */
static bool is_public(const struct check *check, const struct address *addr)
{
	size_t i;

	for (i = 0; i < check->addrs.n; i++)
		if (check->addrs.list[i].scope < RT_SCOPE_HOST &&
		    addr_equal(&check->addrs.list[i], addr))
			return true;
	return false;
}

/* Would the host answer on that link for an address that another one has? */
static bool answers(const struct check *check, const struct link *link,
		    const struct address *addr)
{
	bool own = link->ifindex == addr->ifindex;

	if (!(link->flags & IFF_UP) || link->flags & (IFF_NOARP | IFF_LOOPBACK))
		return false;
	/* For the port of a bridge or bond, that answers. */
	if (link->master && strcmp(link->port_kind, "vrf"))
		return false;
	if (addr->family == AF_INET6)
		return own;
	switch (host_conf(AF_INET, link->name, "arp_ignore")) {
	case 1:
		return own;
	case 2:
		return own && has_prefix(check, addr);
	case 3:
		return is_public(check, addr);
	case 8:
		return false;
	}
	return true;
}

static void check_hidden(struct check *check, const struct address *addr,
			 const struct link *has)
{
	const struct nlmsghdr *message;
	char prefix[ADDR_TEXT], text[ADDR_TEXT], cure[ADDR_TEXT + 64];
	struct link link;

	addr_name(addr, text);
	if (is_adit(has))
		snprintf(cure, sizeof(cure),
			 "ip link set %s type adit deliver underlay",
			 has->name);
	else
		snprintf(cure, sizeof(cure), "ip addr del %s dev %s",
			 addr_prefix(addr, prefix), has->name);
	for (message = dump_next(&check->links, NULL); message;
	     message = dump_next(&check->links, message)) {
		read_link(message, &link);
		if (!answers(check, &link, addr))
			continue;
		found(check, PROBLEM, text,
		      "it is on %s, so that this host answers for it on %s\n%s",
		      has->name, link.name, cure);
		return;
	}
}

static void check_vip(struct check *check, const struct address *vip)
{
	const struct address *addr;
	struct link link;
	size_t i;

	check_there(check, vip);
	for (i = 0; i < check->addrs.n; i++) {
		addr = &check->addrs.list[i];
		if (!addr_equal(addr, vip) ||
		    !find_at(check, addr->ifindex, &link))
			continue;
		if (is_hidden(&link))
			check_alone(check, addr, &link);
		else
			check_hidden(check, addr, &link);
	}
}

/* --- of the host */

static bool has_type(const struct check *check, const char *word)
{
	const struct lvs_type *type;
	size_t i;

	for (i = 0; i < check->n_devices; i++) {
		type = lvs_type_of(&check->devices[i].link);
		if (type && !strcmp(type->word, word))
			return true;
	}
	return false;
}

/* Of what no device gets to see, the kernel counts all of the host's. */
static void check_strangers(struct check *check)
{
	static const struct {
		const char *type, *counter, *what;
	} hints[] = {
		{ "gre", "IpInUnknownProtos", "a protocol" },
		{ "gre", "Ip6InUnknownProtos", "a protocol" },
		{ "gue", "UdpNoPorts", "a UDP port" },
		{ "gue", "Udp6NoPorts", "a UDP port" },
	};
	unsigned long long n;
	size_t i;

	for (i = 0; i < check->n_devices; i++)
		if (check->devices[i].link.stats.rx_packets)
			return;
	for (i = 0; i < MNL_ARRAY_SIZE(hints); i++) {
		n = host_counter(hints[i].counter);
		if (!n || has_type(check, hints[i].type))
			continue;
		found(check, ADVICE, "host",
		      "%llu packets of %s that nobody takes (%s)\nif a director sends %s: adit lvs VIP... from DIRECTOR... type %s",
		      n, hints[i].what, hints[i].counter, hints[i].type,
		      hints[i].type);
	}
}

static void check_gre(struct check *check)
{
	static const char *const modules[] = { "ip_gre", "ip6_gre" };
	size_t i;

	if (has_type(check, "gre"))
		return;
	for (i = 0; i < MNL_ARRAY_SIZE(modules); i++)
		if (host_module(modules[i]))
			found(check, ADVICE, "host",
			      "%s is loaded, and GRE is its\nif a director sends GRE: modprobe -r %s, which deletes its devices, then adit lvs VIP... from DIRECTOR... type gre",
			      modules[i], modules[i]);
}

static void check_reverse(struct check *check)
{
	unsigned long long n = host_counter("TcpExtIPReversePathFilter");

	if (n)
		found(check, ADVICE, "host",
		      "rp_filter has dropped %llu packets\nthe route to clients has to be by the device that the director's packets come to",
		      n);
}

/* What a director adds at most to what it sends here */
static unsigned int overhead_of(const struct check *check)
{
	unsigned int most = 0, outer, i;
	const struct lvs_type *type;
	const struct nlattr *prefix;
	struct adit_span span;

	for (i = 0; i < check->n_devices; i++) {
		span = check->devices[i].link.spans[IFLA_ADIT_ALLOW];
		type = lvs_type_of(&check->devices[i].link);
		outer = 20;
		for (prefix = span.data;
		     mnl_attr_ok(prefix, (const char *)span.data + span.len -
						 (const char *)prefix);
		     prefix = mnl_attr_next(prefix))
			if (mnl_attr_get_payload_len(prefix) > 1 + 4)
				outer = 40;
		outer += type ? type->overhead : 0;
		most = outer > most ? outer : most;
	}
	return most;
}

static void check_route(struct check *check, int family,
			const struct route *route, bool used)
{
	unsigned int headers = family == AF_INET ? 40 : 60;
	unsigned int mtu, mss, fits;
	struct link link;

	if (!find_at(check, route->ifindex, &link))
		return;
	if (!has_carrier(&link)) {
		if (used)
			found(check, PROBLEM, link.name,
			      "answers go by it, and it is down or has no carrier\nip link set %s up",
			      link.name);
		return;
	}
	mtu = link.mtu - overhead_of(check);
	fits = mtu - headers;
	mss = (route->mtu ? route->mtu : link.mtu) - headers;
	if (route->advmss && route->advmss < mss)
		mss = route->advmss;
	if (mtu < ETHERNET_MTU && mss > fits)
		found(check, ADVICE, link.name,
		      "IPv%c clients are told an MSS of %u, and %u fits through the tunnel: the rest is up to ICMP\nadd advmss %u to the default route by %s",
		      family == AF_INET ? '4' : '6', mss, fits, fits,
		      link.name);
}

/* Without carrier, a route is used all the same, unless the host is told otherwise. */
static bool is_passed_over(const struct check *check, int family,
			   const struct route *route)
{
	struct link link;

	return find_at(check, route->ifindex, &link) && !has_carrier(&link) &&
	       host_conf(family, link.name, "ignore_routes_with_linkdown");
}

/* That of the routes used; of all, if none can be. */
static __u32 best_metric(const struct check *check, int family,
			 const struct route *routes, int n)
{
	__u32 best = UINT32_MAX, any = UINT32_MAX;
	int i;

	for (i = 0; i < n; i++) {
		if (routes[i].metric < any)
			any = routes[i].metric;
		if (routes[i].metric < best &&
		    !is_passed_over(check, family, &routes[i]))
			best = routes[i].metric;
	}
	return best == UINT32_MAX ? any : best;
}

static void check_routes(struct check *check, int family)
{
	struct route *routes;
	__u32 best;
	int n, i;

	n = host_routes(family, &routes);
	if (!n)
		found(check, ADVICE, "host",
		      "there is no IPv%c default route\nip route: is there one to all clients?",
		      family == AF_INET ? '4' : '6');
	best = best_metric(check, family, routes, n);
	for (i = 0; i < n; i++)
		check_route(check, family, &routes[i],
			    routes[i].metric == best);
	free(routes);
}

static bool has_family(const struct check *check, int family)
{
	size_t i;

	for (i = 0; i < check->vips.n; i++)
		if (check->vips.list[i].family == family)
			return true;
	return false;
}

static void check_named(struct check *check)
{
	const char *name = check->lvs->name;
	size_t i;

	for (i = 0; name && i < check->n_devices; i++)
		if (!strcmp(check->devices[i].link.name, name))
			return;
	if (name)
		found(check, PROBLEM, name,
		      "there is no adit device of that name\nadit lvs VIP... from DIRECTOR... name %s",
		      name);
}

static void check_host(struct check *check)
{
	if (!check->n_devices)
		found(check, PROBLEM, "host",
		      "there is no device of LVS\nadit lvs VIP... from DIRECTOR...");
	else if (!check->vips.n)
		found(check, PROBLEM, "host",
		      "there is no VIP on any device of LVS\nadit lvs VIP...");
	if (check->n_devices)
		check_named(check);
	check_strangers(check);
	check_gre(check);
	check_reverse(check);
	if (has_family(check, AF_INET))
		check_routes(check, AF_INET);
	if (has_family(check, AF_INET6))
		check_routes(check, AF_INET6);
}

/* --- all of it */

static int gather(struct check *check)
{
	int status = link_dump(&check->links, NULL);

	if (!status)
		status = addr_dump(&check->addrs);
	if (!status)
		status = find_devices(check);
	if (!status)
		find_vips(check);
	return status;
}

static void judge(struct check *check)
{
	size_t i;

	if (check->lvs->json)
		json_open(NULL, '[');
	check_host(check);
	for (i = 0; i < check->n_devices; i++)
		check_device(check, &check->devices[i]);
	for (i = 0; i < check->vips.n; i++)
		check_vip(check, &check->vips.list[i]);
	if (check->lvs->json) {
		json_close(']');
		putchar('\n');
	}
}

int lvs_check(const struct lvs *lvs)
{
	struct check check = { .lvs = lvs };
	int status = gather(&check);
	size_t i;

	if (!status)
		judge(&check);
	for (i = 0; i < check.n_devices; i++)
		dump_free(&check.devices[i].dump);
	free(check.devices);
	free(check.vips.list);
	free(check.addrs.list);
	dump_free(&check.links);
	return status ? status : check.problem ? EXIT_FOUND : EXIT_OK;
}
