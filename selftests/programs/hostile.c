// SPDX-License-Identifier: GPL-2.0-only
/*
 * hostile: packets that nobody should send, and an account of every one.
 *
 * Owns: the command line, batches of packets, comparing what was counted and
 * received with what must have been, and finding the one that is not accounted
 * for.
 * Does not own: the packets (hostile_make.c, hostile_mutate.c), what must
 * become of them (hostile_model.c), sockets (hostile_net.c).
 *
 * hostile [OPTION...] NS/DEV NS/DEV NS/DEV WORD...
 *
 * Packets are sent by AF_PACKET on the first interface, to the second, which is
 * the tunnel's underlay; the third is the adit device. WORDs are the tunnel's
 * options, as `ip link add` was given them.
 *
 *	-s SEED		what all packets follow from (1)
 *	-n COUNT	packets of each class (100)
 *	-c CLASS	this class only
 *	-f FIRST	begin with that packet of the class
 *
 * A packet follows from the seed, its class and its number alone, but for the
 * sequence numbers and IDs in it.
 */

#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hostile.h"

#define BATCH		100
#define PATIENCE	5000	/* ms until what is not counted never will be */

static struct net net;
static struct tunnel tunnel = { .family = 4, .encap_csum = true };
static u64 seed = 1;
static unsigned int first, count = 100;
static const char *only_class;
static u16 next_id;
static struct item items[BATCH + 1];
static u64 fates[FATE_MAX];

static const char *const fate_names[FATE_MAX] = {
	[FATE_DELIVERED] = "delivered",
	[FATE_DROPPED] = "dropped by adit, counted",
	[FATE_REFUSED] = "refused ahead of it, counted",
	[FATE_SILENT] = "refused ahead of it, without a counter",
	[FATE_HELD] = "fragments of nothing",
	[FATE_UNSURE] = "not sent",
};

/* --- the tunnel */

static bool is_on(const char *word)
{
	return !word || !strcmp(word, "on");
}

static bool read_flag(const char *word)
{
	const struct {
		const char *name;
		bool *flag;
		bool value;
	} flags[] = {
		{ "icsum", &tunnel.icsum, true },
		{ "csum", &tunnel.icsum, true },
		{ "iseq", &tunnel.iseq, true },
		{ "seq", &tunnel.iseq, true },
		{ "external", &tunnel.external, true },
		{ "isatap", &tunnel.isatap, true },
		{ "noencap-csum", &tunnel.encap_csum, false },
		{ "in-place", &tunnel.in_place, true },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (!strcmp(word, flags[i].name))
			*flags[i].flag = flags[i].value;
	if (tunnel.external)
		tunnel.any = true;
	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (!strcmp(word, flags[i].name))
			return true;
	return false;
}

static void read_option(const char *name, const char *value)
{
	bool gre = !strcmp(value, "gre");

	if (!strcmp(name, "local"))
		tunnel.family = strchr(value, ':') ? 6 : 4;
	else if (!strcmp(name, "remote"))
		tunnel.any = !strcmp(value, "any");
	else if (!strcmp(name, "mode"))
		tunnel.mode = gre ? MODE_GRE : MODE_IP;
	else if (!strcmp(name, "encap"))
		tunnel.encap = !strcmp(value, "gue") ? ENCAP_GUE : ENCAP_FOU;
	else if (!strcmp(name, "encap-dport"))
		tunnel.port = atoi(value);
	else if (!strcmp(name, "encap-sport"))
		tunnel.peer_port = atoi(value);
	else if (!strcmp(name, "key") || !strcmp(name, "ikey"))
		tunnel.keyed = true, tunnel.key = atoi(value);
	else if (!strcmp(name, "deliver"))
		tunnel.underlay = !strcmp(value, "underlay");
	else if (!strcmp(name, "mss-clamp"))
		tunnel.clamp = is_on(value);
	else if (!strcmp(name, "fastpath"))
		tunnel.fast = is_on(value);
	else if (!strcmp(name, "6rd-prefix") && !strcmp(value, "2002::/16"))
		tunnel.rd6 = true;
	else if (strcmp(name, "allow"))
		die("unknown option of a tunnel: %s %s", name, value);
}

static void read_tunnel(char **words)
{
	for (; *words; words++) {
		if (read_flag(*words))
			continue;
		if (!words[1])
			die("%s what?", *words);
		read_option(words[0], words[1]);
		words++;
	}
}

/* --- what was to be, and what was */

static void print_hex(const u8 *p, unsigned int len)
{
	while (len--)
		printf("%02x", *p++);
	printf("\n");
}

static void print_item(const struct item *it)
{
	unsigned int i;

	printf("  %s: %s%s%s\n", it->what, fate_names[it->out.fate],
	       it->out.why ? ": " : "", it->out.why ?: "");
	printf("  headers at: udp %u, gue %u, gre %u, inner %u\n  ", it->udp,
	       it->gue, it->gre, it->inner);
	print_hex(it->p, it->len);
	for (i = 0; i < it->frames; i++) {
		printf("  sent as: ");
		print_hex(it->frame[i].p, it->frame[i].len);
	}
}

/* @want: at least; @most: at most */
static void expect(struct counts *want, struct counts *most, unsigned int n)
{
	unsigned int i, b;

	memset(want, 0, sizeof(*want));
	for (i = 0; i < n; i++)
		for (b = 0; b < items[i].out.n_bumps; b++)
			want->n[items[i].out.bumps[b]]++;
	*most = *want;
	for (i = 0; i < n; i++)
		if (items[i].out.maybe != C_MAX)
			most->n[items[i].out.maybe]++;
}

/* Not what is sent, nor how many frames come in: that is not the tunnel's. */
static bool is_compared(enum counter c)
{
	return c < C_SENT;
}

static bool is_off(enum counter c, const struct counts *want,
		   const struct counts *most, const struct counts *was,
		   const struct counts *is)
{
	u64 got = is->n[c] - was->n[c];

	return is_compared(c) && (got < want->n[c] || got > most->n[c]);
}

static bool as_expected(const struct counts *want, const struct counts *most,
			const struct counts *was, const struct counts *is)
{
	enum counter c;

	for (c = 0; c < C_MAX; c++)
		if (is_off(c, want, most, was, is))
			return false;
	return true;
}

static void print_difference(const struct counts *want,
			     const struct counts *most,
			     const struct counts *was, const struct counts *is)
{
	enum counter c;

	for (c = 0; c < C_MAX; c++)
		if (is_off(c, want, most, was, is))
			printf("  %s: %+lld, expected %+lld\n",
			       counter_names[c],
			       (long long)(is->n[c] - was->n[c]),
			       (long long)want->n[c]);
}

/* --- what came out of the device */

struct received {
	bool matched[BATCH + 1][DELIVERIES_MAX];
	unsigned int missing;
	unsigned int strange;
	u8 last[PACKET_MAX];
	unsigned int last_len;
};

/* Delivered beside the underlay's frames, those are seen too. */
static bool was_sent(const u8 *p, unsigned int len, unsigned int n)
{
	const struct item *it;
	unsigned int i;

	for (it = items; it < items + n; it++) {
		if (!it->frames && it->len == len && !memcmp(it->p, p, len))
			return true;
		for (i = 0; i < it->frames; i++)
			if (it->frame[i].len == len &&
			    !memcmp(it->frame[i].p, p, len))
				return true;
	}
	return false;
}

static void match(struct received *got, const u8 *p, unsigned int len,
		  unsigned int n)
{
	const struct outcome *o;
	unsigned int i, d;

	if (tunnel.underlay && was_sent(p, len, n))
		return;
	for (i = 0; i < n; i++) {
		o = &items[i].out;
		for (d = 0; d < o->n_deliveries; d++) {
			if (got->matched[i][d] ||
			    !is_intact(&items[i], &o->deliveries[d], &tunnel,
				       p, len))
				continue;
			got->matched[i][d] = true;
			got->missing--;
			return;
		}
	}
	got->strange++;
	got->last_len = len < PACKET_MAX ? len : PACKET_MAX;
	memcpy(got->last, p, got->last_len);
}

static void drain(struct received *got, unsigned int n)
{
	u8 packet[PACKET_MAX];
	int len;

	while ((len = net_receive(&net, packet, sizeof(packet), 0)) >= 0)
		match(got, packet, len, n);
}

/* --- a batch */

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

static void take(struct item *it)
{
	tunnel.seq = it->out.seq;
	tunnel.seen = it->out.seen;
}

static void reset(struct item *it)
{
	it->family = tunnel.family;
	it->id = ++next_id;
	it->whole = false;
}

/* Packets FIRST to END of a class, and one that must be delivered. Return: how
 * many.
 */
static unsigned int make_batch(unsigned int class, unsigned int from,
			       unsigned int end)
{
	u64 of_class = rng_mix(seed, class);
	unsigned int n = 0;
	struct rng r;

	for (; from < end; from++) {
		r.state = rng_mix(of_class, from);
		reset(&items[n]);
		make(&items[n], class, &tunnel, &r, from);
		foresee(&items[n], &tunnel);
		if (items[n].out.fate == FATE_UNSURE) {
			fates[FATE_UNSURE]++;
			continue;
		}
		take(&items[n]);
		n++;
	}
	reset(&items[n]);
	make_plain(&items[n], &tunnel);
	foresee(&items[n], &tunnel);
	if (!items[n].out.n_deliveries) {
		print_item(&items[n]);
		die("a good packet would be refused");
	}
	take(&items[n]);
	return n + 1;
}

/* 5.10 takes UDP's datagrams over IPv6 for IPv4's where they are encapsulation. */
static void count_now(struct counts *counts)
{
	net_count(&net, counts);
	if (tunnel.family != 6)
		return;
	counts->n[C_UDP6_IN] += counts->n[C_UDP_IN];
	counts->n[C_UDP_IN] = 0;
}

/* Return: is all of a batch accounted for? */
static bool run_batch(unsigned int n, bool loud)
{
	static struct received got;
	struct counts want, most, was, is;
	long long end;
	unsigned int i;
	bool good;

	expect(&want, &most, n);
	memset(&got, 0, sizeof(got));
	for (i = 0; i < n; i++)
		got.missing += items[i].out.n_deliveries;
	count_now(&was);
	net_send(&net, items, n);
	end = now_ms() + (loud ? PATIENCE : PATIENCE / 5);
	do {
		drain(&got, n);
		count_now(&is);
		good = !got.missing && !got.strange &&
		       as_expected(&want, &most, &was, &is);
		if (!good && !got.strange)
			usleep(1000);
	} while (!good && !got.strange && now_ms() < end);
	if (good || !loud)
		return good;
	print_difference(&want, &most, &was, &is);
	if (got.missing)
		printf("  missing or changed: %u\n", got.missing);
	if (got.strange) {
		printf("  what came out:\n  ");
		print_hex(got.last, got.last_len);
	}
	return false;
}

/* Return: of packets FROM to END, the smallest part that still is not accounted
 * for.
 */
static void narrow(unsigned int class, unsigned int *from, unsigned int *end)
{
	unsigned int middle, n;

	while (*end - *from > 1) {
		middle = (*from + *end) / 2;
		n = make_batch(class, *from, middle);
		if (!run_batch(n, false)) {
			*end = middle;
			continue;
		}
		n = make_batch(class, middle, *end);
		if (run_batch(n, false))
			return;
		*from = middle;
	}
}

static void report(unsigned int class, unsigned int from, unsigned int end)
{
	unsigned int n;

	printf("not accounted for: class %s, seed %llu, packets %u to %u\n",
	       class_name(class), (unsigned long long)seed, from, end - 1);
	narrow(class, &from, &end);
	if (end - from > 1)
		printf("only together: packets %u to %u\n", from, end - 1);
	n = make_batch(class, from, end);
	if (run_batch(n, true))
		printf("only once\n");
	else if (end - from == 1)
		print_item(&items[0]);
	printf("again: seed=%llu class=%s first=%u count=%u\n",
	       (unsigned long long)seed, class_name(class), from, end - from);
}

static bool run_class(unsigned int class)
{
	unsigned int at, end, n, i;

	for (at = first; at < first + count; at = end) {
		end = at + BATCH < first + count ? at + BATCH : first + count;
		n = make_batch(class, at, end);
		if (!run_batch(n, true)) {
			report(class, at, end);
			return false;
		}
		for (i = 0; i < n; i++)
			fates[items[i].out.fate]++;
	}
	return true;
}

/* --- all */

static struct place read_place(char *word)
{
	char *dev = strchr(word, '/');

	if (!dev)
		die("%s: not NETNS/INTERFACE", word);
	*dev++ = 0;
	return (struct place) { word, dev };
}

static void read_options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "+s:n:c:f:")) != -1)
		switch (option) {
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			count = atoi(optarg);
			break;
		case 'c':
			only_class = optarg;
			break;
		case 'f':
			first = atoi(optarg);
			break;
		default:
			exit(2);
		}
	if (argc - optind < 3)
		die("NETNS/INTERFACE of sender, underlay and device");
}

static void print_fates(void)
{
	u64 all = 0;
	int i;

	for (i = 0; i < FATE_UNSURE; i++)
		all += fates[i];
	printf("%llu packets, seed %llu\n", (unsigned long long)all,
	       (unsigned long long)seed);
	for (i = 0; i < FATE_MAX; i++)
		printf("%10llu %s\n", (unsigned long long)fates[i],
		       fate_names[i]);
}

/* In the order in which they are sent, on one processor */
static void pin(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static void allocate(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(items); i++) {
		items[i].frame = calloc(FRAMES_MAX, sizeof(*items[i].frame));
		if (!items[i].frame)
			die("no memory");
	}
}

int main(int argc, char **argv)
{
	struct place sender, underlay, device;
	unsigned int class;
	bool good = true;

	setvbuf(stdout, NULL, _IOLBF, 0);
	read_options(argc, argv);
	sender = read_place(argv[optind++]);
	underlay = read_place(argv[optind++]);
	device = read_place(argv[optind++]);
	read_tunnel(argv + optind);
	allocate();
	pin();
	/* those of a run just before may still be wanted for reassembly */
	next_id = now_ms() * 16;
	net_open(&net, &sender, &underlay, &device, tunnel.underlay);
	for (class = 0; class_name(class); class++)
		if ((!only_class || !strcmp(only_class, class_name(class))) &&
		    class_fits(class, &tunnel))
			good &= run_class(class);
	print_fates();
	return !good;
}
