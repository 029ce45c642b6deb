// SPDX-License-Identifier: GPL-2.0-only
/*
 * hostile: outer packets, well-formed ones.
 *
 * Owns: addresses, checksums, inner packets of each family, and the headers
 * that a tunnel's packet has around them.
 * Does not own: what is then done to them (hostile_mutate.c).
 */

#include <stdio.h>
#include <string.h>

#include "hostile.h"

/* --- random numbers: splitmix64 */

u64 rng_mix(u64 a, u64 b)
{
	struct rng r = { .state = a ^ (b * 0x9e3779b97f4a7c15ull) };

	return rng_next(&r);
}

u64 rng_next(struct rng *r)
{
	u64 z = (r->state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

u32 rng_below(struct rng *r, u32 n)
{
	return (rng_next(r) >> 32) * n >> 32;
}

bool rng_one_in(struct rng *r, u32 n)
{
	return !rng_below(r, n);
}

void rng_fill(struct rng *r, void *to, size_t len)
{
	u8 *p = to;
	u64 bits;
	size_t n;

	for (; len; p += n, len -= n) {
		n = len < 8 ? len : 8;
		bits = rng_next(r);
		memcpy(p, &bits, n);
	}
}

/* --- addresses and checksums */

/* 192.0.2.N and 2001:db8::N */
void address(u8 *to, u8 family, enum end end)
{
	static const u8 v4[4] = { 192, 0, 2 };
	static const u8 v6[16] = { 0x20, 0x01, 0x0d, 0xb8 };

	memset(to, 0, 16);
	memcpy(to, family == 4 ? v4 : v6, family == 4 ? 4 : 16);
	to[family == 4 ? 3 : 15] = end;
}

/* Internet checksum, ready for the header; 0 over what has a right one in it */
u16 checksum(const u8 *p, unsigned int len, u32 sum)
{
	u64 all = sum;

	for (; len > 1; p += 2, len -= 2)
		all += get16(p);
	if (len)
		all += p[0] << 8;
	while (all >> 16)
		all = (all & 0xffff) + (all >> 16);
	return ~all;
}

/* The sum over the pseudo-header of what follows the IP header @ip */
u32 pseudo(u8 family, const u8 *ip, u32 len, u8 proto)
{
	unsigned int first = family == 4 ? 12 : 8;
	unsigned int last = family == 4 ? 20 : 40;
	u32 sum = len + proto;

	for (; first < last; first += 2)
		sum += get16(ip + first);
	return sum;
}

/* --- inner packets */

enum inner {
	INNER_UDP4, INNER_TCP4, INNER_SYN4, INNER_ICMP4,
	INNER_UDP6, INNER_TCP6, INNER_SYN6, INNER_OPTIONS6,
	INNER_MPLS,
	INNER_MAX
};

static const u8 inner_addrs4[8] = { 10, 9, 0, 2, 10, 9, 0, 1 };
static const u8 inner_addrs6[32] = {
	0xfd, 9, [15] = 2, 0xfd, 9, [31] = 1
};

/* TCP with options, as a SYN has them, or without */
static unsigned int put_tcp(u8 *p, bool syn, unsigned int data, struct rng *r)
{
	static const u8 options[20] = {
		2, 4, 0x23, 0x00,			/* MSS 8960 */
		4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0,	/* SACK, timestamps */
		1, 3, 3, 7				/* window scale */
	};
	unsigned int hlen = syn ? 40 : 20;

	memset(p, 0, 20);
	put16(p, 1024 + rng_below(r, 60000));
	put16(p + 2, 80);
	put32(p + 4, rng_next(r));
	put16(p + 12, hlen / 4 << 12 | (syn ? 2 : 0x10));
	put16(p + 14, 0x1000);
	if (syn)
		memcpy(p + 20, options, sizeof(options));
	rng_fill(r, p + hlen, data);
	return hlen + data;
}

static unsigned int put_udp(u8 *p, unsigned int data, struct rng *r)
{
	put16(p, 5998);
	put16(p + 2, 5999);
	put16(p + 4, 8 + data);
	put16(p + 6, 0);
	rng_fill(r, p + 8, data);
	return 8 + data;
}

static unsigned int put_payload(u8 *p, enum inner kind, unsigned int data,
				struct rng *r)
{
	switch (kind) {
	case INNER_SYN4:
	case INNER_SYN6:
		return put_tcp(p, true, 0, r);
	case INNER_TCP4:
	case INNER_TCP6:
		return put_tcp(p, false, data, r);
	case INNER_ICMP4:
		memset(p, 0, 8);
		p[0] = 8;
		rng_fill(r, p + 4, data + 4);
		return 8 + data;
	default:
		return put_udp(p, data, r);
	}
}

static unsigned int inner4(u8 *p, enum inner kind, unsigned int data,
			   struct rng *r)
{
	unsigned int len = put_payload(p + 20, kind, data, r);
	u8 proto = kind == INNER_ICMP4 ? 1 :
		   kind == INNER_TCP4 || kind == INNER_SYN4 ? 6 : 17;

	memset(p, 0, 20);
	p[0] = 0x45;
	put16(p + 2, 20 + len);
	p[6] = 0x40;
	p[8] = 64;
	p[9] = proto;
	memcpy(p + 12, inner_addrs4, 8);
	put16(p + 10, checksum(p, 20, 0));
	if (proto != 17)
		put16(p + (proto == 1 ? 22 : 36),
		      checksum(p + 20, len,
			       proto == 1 ? 0 : pseudo(4, p, len, proto)));
	return 20 + len;
}

static unsigned int inner6(u8 *p, enum inner kind, unsigned int data,
			   struct rng *r)
{
	/* destination options: an encapsulation limit, and padding */
	static const u8 options[8] = { 17, 0, 4, 1, 5, 1, 1, 0 };
	unsigned int first = 40, len;
	u8 proto = kind == INNER_TCP6 || kind == INNER_SYN6 ? 6 : 17;

	memset(p, 0, 40);
	p[0] = 0x60;
	p[6] = proto;
	if (kind == INNER_OPTIONS6) {
		p[6] = 60;
		memcpy(p + 40, options, 8);
		first += 8;
	}
	p[7] = 64;
	memcpy(p + 8, inner_addrs6, 32);
	len = put_payload(p + first, kind, data, r);
	put16(p + 4, first - 40 + len);
	put16(p + first + (proto == 6 ? 16 : 6), 0);
	put16(p + first + (proto == 6 ? 16 : 6),
	      checksum(p + first, len, pseudo(6, p, len, proto)));
	return first + len;
}

/* Return: its length; @ethertype: its family */
static unsigned int put_inner(u8 *p, enum inner kind, struct rng *r,
			      u16 *ethertype)
{
	unsigned int data = rng_one_in(r, 8) ? 1000 + rng_below(r, 300) :
					       rng_below(r, 64);

	if (kind == INNER_MPLS) {
		*ethertype = 0x8847;
		put32(p, 0x00014100 | 64);	/* label 20, bottom of stack */
		return 4 + inner4(p + 4, INNER_UDP4, data, r);
	}
	*ethertype = kind < INNER_UDP6 ? 0x0800 : 0x86dd;
	return kind < INNER_UDP6 ? inner4(p, kind, data, r) :
				   inner6(p, kind, data, r);
}

/* --- outer headers */

static void outer_ip(struct item *it, u8 proto)
{
	unsigned int at = it->family == 4 ? 12 : 8;
	u8 *p = it->p, addr[16];

	memset(p, 0, at);
	if (it->family == 4) {
		p[0] = 0x45;
		put16(p + 4, it->id);
		p[8] = 64;
		p[9] = proto;
	} else {
		p[0] = 0x60;
		p[6] = proto;
		p[7] = 64;
	}
	address(addr, it->family, END_PEER);
	memcpy(p + at, addr, it->family == 4 ? 4 : 16);
	at += it->family == 4 ? 4 : 16;
	address(addr, it->family, END_HERE);
	memcpy(p + at, addr, it->family == 4 ? 4 : 16);
}

static unsigned int put_gre(u8 *p, const struct tunnel *t, u16 ethertype,
			    u32 seq, struct rng *r)
{
	u16 flags = (t->keyed ? GRE_KEY : 0) |
		    (t->icsum || rng_one_in(r, 4) ? GRE_CSUM : 0) |
		    (t->iseq || rng_one_in(r, 4) ? GRE_SEQ : 0);
	u8 *option = p + 4;

	put16(p, flags);
	put16(p + 2, ethertype);
	if (flags & GRE_CSUM) {
		put32(option, 0);
		option += 4;
	}
	if (flags & GRE_KEY) {
		put32(option, t->key);
		option += 4;
	}
	if (flags & GRE_SEQ) {
		put32(option, seq);
		option += 4;
	}
	return option - p;
}

/* The protocol number of what follows the encapsulation */
static u8 proto_of(const struct tunnel *t, u16 ethertype)
{
	if (t->mode == MODE_GRE)
		return 47;
	return ethertype == 0x0800 ? 4 : ethertype == 0x86dd ? 41 : 137;
}

static bool carries_mpls(const struct tunnel *t)
{
	return t->mode == MODE_GRE || t->encap != ENCAP_FOU;
}

static void put_udp_header(struct item *it, const struct tunnel *t,
			   struct rng *r)
{
	u8 *p = it->p + it->udp;

	put16(p, t->peer_port ?: 1024 + rng_below(r, 60000));
	put16(p + 2, t->port);
	put32(p + 4, 0);
	it->udp_csum = (it->family == 6 && t->encap_csum) || rng_one_in(r, 2);
}

/* GUE's variant 1 has no header, and is for IP alone. */
static void build(struct item *it, const struct tunnel *t, u16 ethertype,
		  const u8 *inner, unsigned int len, struct rng *r)
{
	bool variant1 = t->encap == ENCAP_GUE && t->mode == MODE_IP &&
			ethertype != 0x8847 && rng_one_in(r, 4);
	unsigned int at = it->family == 4 ? 20 : 40;

	outer_ip(it, t->encap == ENCAP_NONE ? proto_of(t, ethertype) : 17);
	it->udp = it->gue = it->gre = 0;
	if (t->encap != ENCAP_NONE) {
		it->udp = at;
		put_udp_header(it, t, r);
		at += 8;
	}
	if (t->encap == ENCAP_GUE && !variant1) {
		it->gue = at;
		put32(it->p + at, proto_of(t, ethertype) << 16);
		at += 4;
	}
	if (t->mode == MODE_GRE) {
		it->gre = at;
		at += put_gre(it->p + at, t, ethertype, t->seq, r);
	}
	it->inner = at;
	memcpy(it->p + at, inner, len);
	it->len = at + len;
	it->frames = 0;
	it->keep = 0;
	strcpy(it->what, "as it should be");
}

/**
 * make_good - a packet that is the tunnel's, of any family inside
 * @it: its id and family are known
 * @t: the tunnel
 * @r: decides
 */
void make_good(struct item *it, const struct tunnel *t, struct rng *r)
{
	u8 inner[PACKET_MAX];
	enum inner kind;
	u16 ethertype;
	unsigned int len;

	do
		kind = rng_below(r, INNER_MAX);
	while (kind == INNER_MPLS && !carries_mpls(t));
	len = put_inner(inner, kind, r, &ethertype);
	build(it, t, ethertype, inner, len, r);
}

/**
 * wrap - a packet of the tunnel's own underlay, in the tunnel
 * @it: its id and family are known
 * @t: the tunnel
 * @packet: what is in it, of that family
 * @len: its length
 * @r: decides
 */
void wrap(struct item *it, const struct tunnel *t, const u8 *packet,
	  unsigned int len, struct rng *r)
{
	build(it, t, it->family == 4 ? 0x0800 : 0x86dd, packet, len, r);
}

/**
 * make_plain - one that every such tunnel must take, and tell from others
 * @it: its id and family are known
 * @t: the tunnel
 */
void make_plain(struct item *it, const struct tunnel *t)
{
	struct rng r = { .state = it->id };
	u8 inner[PACKET_MAX];
	unsigned int len;
	u16 ethertype;

	len = put_inner(inner, INNER_UDP4, &r, &ethertype);
	build(it, t, ethertype, inner, len, &r);
	seal(it);
}

static void put16_in(struct item *it, unsigned int at, u16 v)
{
	if (at + 2 <= it->len)
		put16(it->p + at, v);
}

static void seal_gre(struct item *it)
{
	unsigned int at = it->gre;

	if (!at || it->len < at + 6 || it->keep & KEEP_GRECSUM ||
	    !(get16(it->p + at) & GRE_CSUM))
		return;
	put16(it->p + at + 4, 0);
	put16(it->p + at + 4, checksum(it->p + at, it->len - at, 0));
}

static void seal_udp(struct item *it)
{
	unsigned int at = it->udp, len = it->len - at;
	u16 csum;

	if (!at || it->len < at)
		return;
	if (!(it->keep & KEEP_UDPLEN))
		put16_in(it, at + 4, len);
	if (it->len < at + 8 || it->keep & KEEP_UDPCSUM)
		return;
	put16(it->p + at + 6, 0);
	if (!it->udp_csum)
		return;
	csum = checksum(it->p + at, len, pseudo(it->family, it->p, len, 17));
	put16(it->p + at + 6, csum ?: 0xffff);
}

/**
 * seal - lengths and checksums, but for those that are to be kept
 * @it: the packet
 */
void seal(struct item *it)
{
	unsigned int ihl = (it->p[0] & 0xf) * 4;

	seal_gre(it);
	seal_udp(it);
	if (it->family == 6) {
		if (!(it->keep & KEEP_IPLEN) && it->len >= 40)
			put16(it->p + 4, it->len - 40);
		return;
	}
	if (!(it->keep & KEEP_IPLEN))
		put16_in(it, 2, it->len);
	if (it->keep & KEEP_IPCSUM || it->len < ihl || ihl < 12)
		return;
	put16(it->p + 10, 0);
	put16(it->p + 10, checksum(it->p, ihl, 0));
}
