// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz: what must hold after each message, whatever it was.
 *
 * A device is there whole or not at all: after a refusal all devices are as
 * before. After a success the one that is new or changed shows all that it must,
 * and all that was asked for; to change it to what it says of itself changes
 * nothing. A refusal by adit has a text, and marks what is in the request.
 *
 * Owns: this oracle, and the devices that the messages leave behind.
 * Does not own: the messages (fuzz_make.c, fuzz_phases.c).
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "fuzz.h"

#define HEADERS (NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct ifinfomsg)))
#define REPORTS_MAX 10 /* in full */
#define PING_EVERY 256 /* refusals */
#define LEFT_MAX 8 /* devices */

/* What is kept as it was, for traffic goes through it */
#define KEEPER "adit0"

const char *gateway; /* its far end inside; NULL: it has none */

int demand; /* errno that all is to be refused with */

static const char *phase;
static struct devices known; /* all, after the last message */
static struct device keeper; /* as it was at first */
static unsigned int sent, taken, refused, mute, bad;

/* Answers, each counted */
static struct tally {
	int error;
	unsigned int n;
	char text[sizeof(((struct answer *)0)->text)];
} tallies[128];

/* --- reports */

static void print_hex(const uint8_t *data, size_t len)
{
	size_t i, shown = len < 400 ? len : 400;

	for (i = 0; i < shown; i++)
		printf("%02x", data[i]);
	printf("%s\n", shown < len ? "..." : "");
}

void failed(const char *what, const struct message *m,
	    const struct answer *answer)
{
	if (bad++ >= REPORTS_MAX)
		return;
	printf("%s, message %u: %s\n", phase, sent, what);
	if (answer)
		printf("  answer: %d %s%s (offset %d)\n", answer->error,
		       strerror(-answer->error), answer->text,
		       answer->marked ? (int)answer->offset : -1);
	if (m) {
		printf("  request of %zu: ", m->len);
		print_hex(m->data, m->len);
	}
	fflush(stdout);
}

static void differs(const char *what, const struct device *was,
		    const struct device *is, const struct message *m,
		    const struct answer *answer)
{
	failed(what, m, answer);
	if (bad > REPORTS_MAX)
		return;
	printf("  %s was: ", was->name);
	print_hex(was->info, was->len);
	printf("  %s is: ", is->name);
	print_hex(is->info, is->len);
}

static void tally(const struct answer *answer)
{
	struct tally *t = tallies, *end = tallies + ARRAY_SIZE(tallies) - 1;

	while (t < end && t->n &&
	       (t->error != answer->error || strcmp(t->text, answer->text)))
		t++;
	t->n++;
	t->error = answer->error;
	memcpy(t->text, answer->text, sizeof(t->text));
}

static void print_tallies(void)
{
	const struct tally *t;

	for (t = tallies; t < tallies + ARRAY_SIZE(tallies) && t->n; t++)
		printf("%8u %s: %s\n", t->n, strerror(-t->error), t->text);
}

/* --- a device is whole */

struct shown {
	uint16_t type;
	uint8_t len;
};

static const struct shown always[] = {
	{ IFLA_ADIT_TTL, 1 },	    { IFLA_ADIT_TOS, 1 },
	{ IFLA_ADIT_DF, 1 },	    { IFLA_ADIT_MODE, 1 },
	{ IFLA_ADIT_ENCAP, 1 },	    { IFLA_ADIT_EXTERNAL, 1 },
	{ IFLA_ADIT_ISATAP, 1 },    { IFLA_ADIT_DELIVER, 1 },
	{ IFLA_ADIT_MSS_CLAMP, 1 }, { IFLA_ADIT_FASTPATH, 1 },
	{ IFLA_ADIT_MTU_AUTO, 1 },  { IFLA_ADIT_FWMARK, 4 },
};

static const struct shown of_gre[] = {
	{ IFLA_ADIT_ICSUM, 1 },
	{ IFLA_ADIT_OCSUM, 1 },
	{ IFLA_ADIT_ISEQ, 1 },
	{ IFLA_ADIT_OSEQ, 1 },
};

static const struct shown of_udp[] = {
	{ IFLA_ADIT_ENCAP_SPORT, 2 },
	{ IFLA_ADIT_ENCAP_DPORT, 2 },
	{ IFLA_ADIT_ENCAP_LISTEN, 2 },
	{ IFLA_ADIT_ENCAP_CSUM, 1 },
};

/* All of them, or else none */
static bool shows(const struct attr *tb, const struct shown *want,
		  unsigned int n, bool all)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (!all && tb[want[i].type].type)
			return false;
		if (all && (!tb[want[i].type].type ||
			    tb[want[i].type].len != want[i].len))
			return false;
	}
	return true;
}

static bool each_once(const struct device *dev)
{
	const uint8_t *at = dev->info;
	size_t rest = dev->len;
	struct attr attr;
	uint64_t seen = 0;

	while (next_attr(&at, &rest, &attr)) {
		if (!attr.type || attr.type > IFLA_ADIT_MAX ||
		    seen >> attr.type & 1)
			return false;
		seen |= 1ULL << attr.type;
	}
	return !rest;
}

bool is_whole(const struct device *dev)
{
	struct attr tb[ATTR_LIMIT + 1];

	parse(dev->info, dev->len, tb, ATTR_LIMIT);
	return each_once(dev) && tb[IFLA_ADIT_REMOTE].type &&
	       shows(tb, always, ARRAY_SIZE(always), true) &&
	       shows(tb, of_gre, ARRAY_SIZE(of_gre),
		     tb[IFLA_ADIT_MODE].data[0] == ADIT_MODE_GRE) &&
	       shows(tb, of_udp, ARRAY_SIZE(of_udp),
		     tb[IFLA_ADIT_ENCAP].data[0] != ADIT_ENCAP_NONE);
}

/* --- a device is what was asked for */

static bool is_zero(const struct attr *attr)
{
	unsigned int i;

	for (i = 0; i < attr->len; i++)
		if (attr->data[i])
			return false;
	return true;
}

/* -1: not all of it can be counted */
static int count(const struct attr *attr)
{
	const uint8_t *at = attr->data;
	size_t rest = attr->len;
	struct attr one;
	int n = 0;

	while (attr->type && next_attr(&at, &rest, &one))
		n++;
	return attr->type && rest ? -1 : n;
}

static bool same(const struct attr *a, const struct attr *b)
{
	return a->type == b->type && a->len == b->len &&
	       (!a->len || !memcmp(a->data, b->data, a->len));
}

/* Does what is shown follow from what was asked? */
static bool follows(uint16_t type, const struct attr *asked,
		    const struct attr *shown)
{
	switch (type) {
	case IFLA_ADIT_LOCAL:
	case IFLA_ADIT_IKEY:
	case IFLA_ADIT_OKEY:
	case IFLA_ADIT_6RD_PREFIX:
		if (!asked->len || (type == IFLA_ADIT_LOCAL && is_zero(asked)))
			return !shown->type;
		return same(asked, shown);
	case IFLA_ADIT_6RD_RELAY:
		if (!asked->len || !asked->data[0])
			return !shown->type;
		return same(asked, shown);
	case IFLA_ADIT_DEV:
		if (!asked->data[0])
			return !shown->type;
		return shown->type && !strcmp((const char *)asked->data,
					      (const char *)shown->data);
	case IFLA_ADIT_ALLOW:
		return count(asked) == count(shown);
	}
	/* what the mode or the encapsulation has no use for is not shown */
	if (!shown->type && type != IFLA_ADIT_ENCAP_CSUM)
		return is_zero(asked);
	return same(asked, shown);
}

static bool is_as_asked(const struct device *dev, const struct message *m)
{
	struct attr link[IFLA_LINKINFO + 1], info[IFLA_INFO_DATA + 1];
	struct attr asked[ATTR_LIMIT + 1], shown[ATTR_LIMIT + 1];
	unsigned int type;

	parse(m->data + HEADERS, m->header.nlmsg_len - HEADERS, link,
	      IFLA_LINKINFO);
	parse(link[IFLA_LINKINFO].data, link[IFLA_LINKINFO].len, info,
	      IFLA_INFO_DATA);
	parse(info[IFLA_INFO_DATA].data, info[IFLA_INFO_DATA].len, asked,
	      ATTR_LIMIT);
	parse(dev->info, dev->len, shown, ATTR_LIMIT);
	for (type = 1; type <= ATTR_LIMIT; type++)
		if (asked[type].type &&
		    !follows(type, &asked[type], &shown[type]))
			return false;
	return true;
}

/* --- a device is what it says */

/* Left out, an attribute stays as it is; these mean that there is none. */
static void put_absent(struct bytes *b, const struct attr *tb)
{
	static const uint16_t empty[] = {
		IFLA_ADIT_IKEY,
		IFLA_ADIT_OKEY,
		IFLA_ADIT_6RD_PREFIX,
		IFLA_ADIT_6RD_RELAY,
		IFLA_ADIT_ALLOW | NLA_F_NESTED,
		IFLA_ADIT_LOCAL,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(empty); i++)
		if (!tb[empty[i] & NLA_TYPE_MASK].type)
			put(b, empty[i], NULL, 0);
	if (!tb[IFLA_ADIT_DEV].type)
		put_string(b, IFLA_ADIT_DEV, "");
}

/* Shown in place of a name when the device is gone */
static bool is_gone(const struct attr *attr)
{
	return attr->type == IFLA_ADIT_DEV && attr->len > 3 &&
	       attr->data[0] == 'i' && attr->data[1] == 'f' &&
	       isdigit(attr->data[2]);
}

/* Change a device to what it said once. What is read only is left out, and so is a
 * device that is gone; all else is as it was shown.
 */
static void replay(int fd, const struct device *dev, struct answer *answer)
{
	static struct bytes info, attrs;
	static struct message m;
	const uint8_t *at = dev->info;
	size_t rest = dev->len;
	struct attr tb[ATTR_LIMIT + 1], attr;
	uint16_t type;

	info.len = 0;
	while (next_attr(&at, &rest, &attr)) {
		if (attr.type == IFLA_ADIT_MTU_AUTO || is_gone(&attr))
			continue;
		memcpy(&type, attr.data - 2, sizeof(type));
		put(&info, type, attr.data, attr.len);
	}
	parse(dev->info, dev->len, tb, ATTR_LIMIT);
	put_absent(&info, tb);
	wrap(&attrs, NULL, &info);
	make(&m, RTM_NEWLINK, 0, dev->ifindex, &attrs);
	talk(fd, &m, answer);
	if (answer->error)
		failed("a device cannot be changed to what it says", &m,
		       answer);
}

static bool same_info(const struct device *a, const struct device *b)
{
	return a->len == b->len && !memcmp(a->info, b->info, a->len);
}

static void check_device(int fd, int ifindex, const struct message *m,
			 const struct answer *answer, bool asked)
{
	static struct device is, after;
	struct answer again;

	if (!get_device(fd, NULL, ifindex, &is)) {
		failed("a device in the dump that is not there", m, answer);
		return;
	}
	if (!is_whole(&is))
		differs("a device that is not whole", &is, &is, m, answer);
	else if (asked && !is_as_asked(&is, m))
		differs("a device that is not what was asked for", &is, &is, m,
			answer);
	replay(fd, &is, &again);
	if (!get_device(fd, NULL, ifindex, &after))
		failed("a device that is gone", m, answer);
	else if (!same_info(&is, &after))
		differs("a device that changes to what it is not", &is, &after,
			m, answer);
}

/* --- traffic */

static uint16_t icmp_sum(const void *data, size_t len)
{
	const uint16_t *words = data;
	uint32_t sum = 0;

	for (; len > 1; len -= 2)
		sum += *words++;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static bool got_reply(int fd, const struct icmphdr *echo)
{
	struct timeval now, end;
	uint8_t buf[256];
	struct icmphdr icmp;

	gettimeofday(&end, NULL);
	end.tv_sec += 2;
	do {
		if (recv(fd, buf, sizeof(buf), 0) >=
		    (ssize_t)(20 + sizeof(icmp))) {
			memcpy(&icmp, buf + 20, sizeof(icmp));
			if (icmp.type == ICMP_ECHOREPLY &&
			    !memcmp(&icmp.un, &echo->un, sizeof(icmp.un)))
				return true;
		}
		gettimeofday(&now, NULL);
	} while (timercmp(&now, &end, <));
	return false;
}

/* The far end of the keeper answers a ping: of three, since the kernel itself may
 * drop an answer where it has just another one in its hands.
 */
static bool traffic_works(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct timeval patience = { .tv_usec = 200000 };
	struct icmphdr echo = { .type = ICMP_ECHO };
	int fd, try;
	bool works = false;

	if (!gateway)
		return true;
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	if (fd < 0 || inet_pton(AF_INET, gateway, &to.sin_addr) != 1)
		die("ping");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	for (try = 0; try < 3 && !works; try++) {
		echo.un.echo.id = getpid();
		echo.un.echo.sequence = rnd(1 << 16);
		echo.checksum = 0;
		echo.checksum = icmp_sum(&echo, sizeof(echo));
		sendto(fd, &echo, sizeof(echo), 0, (void *)&to, sizeof(to));
		works = got_reply(fd, &echo);
	}
	close(fd);
	return works;
}

/* --- the answer */

/* Where the core of netlink refuses before it asks adit, it need not say why. */
static bool core_refuses(const struct message *m, const struct answer *answer)
{
	uint16_t flags = m->header.nlmsg_flags;

	switch (-answer->error) {
	case EEXIST:
		return flags & NLM_F_EXCL;
	case EOPNOTSUPP:
		return flags & NLM_F_REPLACE;
	case ENODEV:
		return !(flags & NLM_F_CREATE);
	case ENOMEM:
		return true;
	}
	return false;
}

static void check_answer(const struct message *m, const struct answer *answer,
			 bool reaches_adit)
{
	if (answer->marked && (answer->offset < HEADERS ||
			       answer->offset >= m->len || answer->offset % 4))
		failed("what is marked is no attribute of the request", m,
		       answer);
	if (demand && answer->error != -demand)
		failed("not the refusal that it should be", m, answer);
	if (!answer->error || answer->text[0])
		return;
	mute++;
	if (reaches_adit && !core_refuses(m, answer))
		failed("a refusal that does not say why", m, answer);
}

static const struct device *find(const struct devices *all, int ifindex)
{
	unsigned int i;

	for (i = 0; i < all->n; i++)
		if (all->list[i]->ifindex == ifindex)
			return all->list[i];
	return NULL;
}

/* As the dump has it, which is all that costs little. */
static void check_refused(const struct devices *now, const struct message *m,
			  const struct answer *answer, bool whole)
{
	const struct device *was;
	unsigned int i;

	if (now->n != known.n)
		failed("a refusal that makes or takes a device", m, answer);
	for (i = 0; i < now->n; i++) {
		was = find(&known, now->list[i]->ifindex);
		if (!was)
			failed("a refusal that makes a device", m, answer);
		else if (whole && !same_info(was, now->list[i]))
			differs("a refusal that changes a device", was,
				now->list[i], m, answer);
	}
}

static void keep(int fd)
{
	static struct device is;
	struct answer answer;

	replay(fd, &keeper, &answer);
	if (!get_device(fd, NULL, keeper.ifindex, &is) ||
	    !same_info(&keeper, &is))
		differs("a device that does not change back", &keeper, &is,
			NULL, &answer);
}

/* Of those that are left some stay for what follows. */
static void check_taken(int fd, const struct devices *now,
			const struct message *m, const struct answer *answer,
			bool asked)
{
	unsigned int i, new = 0;
	const struct device *was, *is;

	for (i = 0; i < now->n; i++) {
		is = now->list[i];
		was = find(&known, is->ifindex);
		new += !was;
		if (was && same_info(was, is))
			continue;
		check_device(fd, is->ifindex, m, answer, asked);
		if (is->ifindex == keeper.ifindex)
			keep(fd);
		else if ((now->n > LEFT_MAX || !strcmp(is->name, BRIEF) ||
			  chance(was ? 10 : 70)) &&
			 delete_device(fd, is->ifindex))
			failed("a device that cannot be deleted", m, answer);
	}
	if (new > 1)
		failed("a request that makes two devices", m, answer);
}

/* Send it, and check everything. It reaches adit where no part of the kernel but
 * adit has a reason to refuse it, or to do something besides.
 */
void try_message(int fd, struct message *m, bool reaches_adit)
{
	struct devices now;
	struct answer answer;

	sent++;
	talk(fd, m, &answer);
	tally(&answer);
	get_devices(fd, &now);
	check_answer(m, &answer, reaches_adit);
	if (answer.error) {
		refused++;
		check_refused(&now, m, &answer, reaches_adit);
	} else {
		taken++;
		check_taken(fd, &now, m, &answer, reaches_adit);
		free_devices(&now);
		get_devices(fd, &now);
	}
	free_devices(&known);
	known = now;
	if (answer.error && refused % PING_EVERY == 0 && !traffic_works())
		failed("traffic that stops at a refusal", m, &answer);
}

/* Delete all but the keeper. */
static void forget_devices(void)
{
	struct devices all;
	int fd = open_route();
	unsigned int i;

	get_devices(fd, &all);
	for (i = 0; i < all.n; i++)
		if (all.list[i]->ifindex != keeper.ifindex &&
		    delete_device(fd, all.list[i]->ifindex))
			failed("a device that cannot be deleted", NULL, NULL);
	free_devices(&all);
	close(fd);
}

void phase_start(const char *name, bool makes)
{
	int fd = open_route();

	phase = name;
	sent = taken = refused = mute = bad = 0;
	memset(tallies, 0, sizeof(tallies));
	keeper.ifindex = 0;
	get_device(fd, KEEPER, 0, &keeper);
	if (makes)
		forget_devices();
	free_devices(&known);
	get_devices(fd, &known);
	close(fd);
}

bool phase_end(bool makes)
{
	if (makes)
		forget_devices();
	if (!traffic_works())
		failed("traffic that has stopped", NULL, NULL);
	print_tallies();
	printf("%s: %u sent, %u taken, %u refused, %u of them without a word, %u failures\n",
	       phase, sent, taken, refused, mute, bad);
	return !bad;
}
