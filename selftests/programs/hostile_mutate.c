// SPDX-License-Identifier: GPL-2.0-only
/*
 * hostile: what is done to outer packets.
 *
 * Owns: the classes of mutations. Each starts with a packet that is well-formed
 * but for its lengths and checksums, which are made right before what lies and
 * after what is only strange.
 * Does not own: well-formed packets (hostile_make.c), what must become of a
 * mutated one (hostile_model.c).
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hostile.h"

static void say(struct item *it, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(it->what, sizeof(it->what), format, args);
	va_end(args);
}

static u32 pick(struct rng *r, const u32 *values, unsigned int n)
{
	return values[rng_below(r, n)];
}

#define PICK(r, ...)							\
	pick(r, (const u32[]){ __VA_ARGS__ },				\
	     sizeof((const u32[]){ __VA_ARGS__ }) / sizeof(u32))

static unsigned int ip_hlen(const struct item *it)
{
	return it->family == 4 ? 20 : 40;
}

/* Make room of @n bytes there, for what precedes all that is there now. */
static u8 *insert(struct item *it, unsigned int at, unsigned int n)
{
	unsigned int *const offsets[] = {
		&it->udp, &it->gue, &it->gre, &it->inner
	};
	unsigned int i;

	if (it->len + n > PACKET_MAX)
		it->len = PACKET_MAX - n;
	memmove(it->p + at + n, it->p + at, it->len - at);
	memset(it->p + at, 0, n);
	it->len += n;
	for (i = 0; i < ARRAY_SIZE(offsets); i++)
		if (*offsets[i] >= at)
			*offsets[i] += n;
	return it->p + at;
}

static void none(struct item *it, const struct tunnel *t, struct rng *r,
		 unsigned int i)
{
	(void)t, (void)r, (void)i;
	seal(it);
}

/* At every byte; lengths and checksums say so, or else do not. */
static void cut(struct item *it, const struct tunnel *t, struct rng *r,
		unsigned int i)
{
	unsigned int len;

	(void)t, (void)r;
	if (i & 1)
		seal(it);
	/* most of what is read is at the front */
	len = i / 2 % (i & 2 ? 100 : it->len + 1);
	it->len = len < it->len ? len : it->len;
	if (!(i & 1))
		seal(it);
	say(it, "cut to %u bytes%s", it->len, i & 1 ? ", said to be whole" : "");
}

/* --- outer IP */

static void ip4_options(struct item *it, struct rng *r)
{
	unsigned int n = 4 * (1 + rng_below(r, 10)), at = 0;
	u8 *o = insert(it, 20, n);

	it->p[0] += n / 4;
	rng_fill(r, o, n);
	while (at < n && rng_one_in(r, 4) == 0) {
		o[at] = PICK(r, 0, 1, 1, 7, 68, 131, 137, 136, 148, 130, 30, 255);
		if (at + 1 < n && o[at] > 1)
			o[at + 1] = rng_one_in(r, 3) ? rng_below(r, n + 4) :
						       PICK(r, 2, 3, 4, 7, 8, 11);
		if (at + 2 < n && o[at] > 1)
			o[at + 2] = PICK(r, 0, 1, 3, 4, 5, 8, 9, 40, 255);
		at += o[at] > 1 && at + 1 < n && o[at + 1] ? o[at + 1] : 1;
	}
	say(it, "%u bytes of IPv4 options", n);
}

static void ip4_header(struct item *it, struct rng *r)
{
	u8 *p = it->p;

	switch (rng_below(r, 9)) {
	case 0:
		p[0] = rng_next(r);
		say(it, "first byte %02x", p[0]);
		break;
	case 1:
	case 2:
		ip4_options(it, r);
		break;
	case 3:
		put16(p + 2, PICK(r, 0, 19, 20, 21, it->len - 1, it->len + 1,
				  65535, rng_below(r, 65536), it->len / 2));
		it->keep |= KEEP_IPLEN;
		say(it, "total length %u of %u", get16(p + 2), it->len);
		break;
	case 4:
		put16(p + 6, rng_next(r));
		say(it, "flags and offset %04x", get16(p + 6));
		break;
	case 5:
		p[9] = PICK(r, 4, 41, 47, 17, 137, 0, 59, 60, 44, 43, 98, 255);
		say(it, "protocol %u", p[9]);
		break;
	case 6:
		put16(p + 10, rng_next(r));
		it->keep |= KEEP_IPCSUM;
		say(it, "header checksum %04x", get16(p + 10));
		break;
	case 7:
		p[8] = rng_below(r, 3);
		say(it, "TTL %u", p[8]);
		break;
	default:
		p[1] = rng_next(r);
		put16(p + 6, PICK(r, 0x8000, 0x4000, 0xc000));
		say(it, "TOS %02x, flags %04x", p[1], get16(p + 6));
	}
}

static void ip6_header(struct item *it, struct rng *r)
{
	u8 *p = it->p;

	switch (rng_below(r, 5)) {
	case 0:
		p[0] = rng_next(r);
		say(it, "first byte %02x", p[0]);
		break;
	case 1:
		put16(p + 4, PICK(r, 0, 1, 7, 8, it->len - 41, it->len - 39,
				  it->len, 65535, rng_below(r, 65536),
				  it->len / 2));
		it->keep |= KEEP_IPLEN;
		say(it, "payload length %u of %u", get16(p + 4), it->len - 40);
		break;
	case 2:
		p[6] = PICK(r, 4, 41, 47, 17, 137, 0, 59, 60, 44, 43, 98, 255);
		say(it, "next header %u", p[6]);
		break;
	case 3:
		p[7] = rng_below(r, 3);
		say(it, "hop limit %u", p[7]);
		break;
	default:
		rng_fill(r, p, 4);
		p[0] = 0x60 | (p[0] & 0xf);
		say(it, "traffic class and flow label %08x", get32(p));
	}
}

static void ip_header(struct item *it, const struct tunnel *t, struct rng *r,
		      unsigned int i)
{
	(void)t, (void)i;
	if (it->family == 4)
		ip4_header(it, r);
	else
		ip6_header(it, r);
	seal(it);
}

static void set_address(struct item *it, bool dest, const u8 *addr)
{
	unsigned int len = it->family == 4 ? 4 : 16;
	unsigned int first = it->family == 4 ? 12 : 8;

	memcpy(it->p + first + (dest ? len : 0), addr, len);
}

/* Strangers, and those that nobody can have */
static void ends(struct item *it, const struct tunnel *t, struct rng *r,
		 unsigned int i)
{
	static const u8 v4[][16] = {
		{ 0, 0, 0, 1 }, { 127, 0, 0, 1 }, { 224, 0, 0, 1 },
		{ 240, 0, 0, 1 }, { 198, 51, 100, 1 }, { 192, 0, 2, 3 },
		{ 192, 0, 2, 1 }, { 192, 0, 2, 2 }, { 192, 0, 2, 255 },
	};
	static const u8 v6[][16] = {
		{ [15] = 1 }, { 0xff, 2, [15] = 1 }, { 0x20, 1, 0xd, 0xb9 },
		{ 0x20, 1, 0xd, 0xb8, [15] = 1 },
		{ 0x20, 1, 0xd, 0xb8, [15] = 2 },
		{ 0x20, 1, 0xd, 0xb8, [15] = 3 },
	};
	bool dest = rng_one_in(r, 3);

	(void)t;
	i = rng_below(r, it->family == 4 ? ARRAY_SIZE(v4) : ARRAY_SIZE(v6));
	set_address(it, dest, it->family == 4 ? v4[i] : v6[i]);
	seal(it);
	say(it, "%s %u of the list", dest ? "destination" : "source", i);
}

/* Any TLVs, most of them well-formed */
static void tlvs(u8 *o, unsigned int len, struct rng *r)
{
	unsigned int at = 0;
	bool sane = rng_one_in(r, 2);

	rng_fill(r, o, len);
	while (at < len) {
		o[at] = sane ? PICK(r, 0, 1, 4, 30) :
			       PICK(r, 0, 0, 1, 4, 5, 30, 0x5e, 0x9e, 0xde);
		if (!o[at]) {
			at++;
			continue;
		}
		if (at + 1 == len)
			o[at] = 0;
		if (at + 1 >= len)
			return;
		o[at + 1] = rng_one_in(r, 8) ? rng_next(r) :
					       rng_below(r, len - at - 1);
		if (o[at] == 1 && rng_below(r, 8))
			memset(o + at + 2, 0, len - at - 2);
		at += 2 + o[at + 1];
	}
}

/* One extension header after the IPv6 header, before what is there */
static void extend(struct item *it, u8 kind, struct rng *r)
{
	unsigned int size = kind == 44 ? 8 : 8 * (1 + rng_below(r, 3));
	u8 *p = insert(it, 40, size);

	if (kind == 0 || kind == 60)
		tlvs(p + 2, size - 2, r);
	p[0] = it->p[6];
	p[1] = kind == 44 ? rng_next(r) :
	       rng_one_in(r, 12) ? rng_next(r) : size / 8 - 1;
	if (kind == 43) {
		p[2] = PICK(r, 0, 1, 5, 253);
		p[3] = rng_one_in(r, 3);
	}
	if (kind == 44)
		put32(p + 4, it->id);
	it->p[6] = kind;
}

static void headers(struct item *it, const struct tunnel *t, struct rng *r,
		    unsigned int i)
{
	unsigned int n = 1 + rng_below(r, 3);
	u8 kind = 0;

	(void)t, (void)i;
	it->what[0] = 0;
	while (n--) {
		kind = PICK(r, 60, 60, 60, 44, 43, 0, 59);
		extend(it, kind, r);
	}
	seal(it);
	if (rng_one_in(r, 6))
		it->len = 40 + rng_below(r, it->len - 40);
	say(it, "extension headers, the first is %u, to %u bytes", kind,
	    it->len);
}

/* --- fragments */

/* One more frame: @n bytes of what follows the IP header, from @at on, said to be
 * at @offset.
 */
static void frame(struct item *it, unsigned int at, unsigned int n, bool more)
{
	unsigned int hlen = ip_hlen(it);
	u8 *p = it->frame[it->frames].p;

	memcpy(p, it->p, hlen);
	if (it->family == 4) {
		put16(p + 2, hlen + n);
		put16(p + 6, at / 8 | (more ? 0x2000 : 0));
		put16(p + 10, 0);
		put16(p + 10, checksum(p, hlen, 0));
	} else {
		p[hlen] = p[6];
		p[hlen + 1] = 0;
		p[6] = 44;
		put16(p + hlen + 2, at | more);
		put32(p + hlen + 4, it->id);
		hlen += 8;
		put16(p + 4, hlen - 40 + n);
	}
	memcpy(p + hlen, it->p + ip_hlen(it) + at, n);
	it->frame[it->frames++].len = hlen + n;
}

static void swap_frames(struct item *it, unsigned int a, unsigned int b)
{
	static u8 spare[sizeof(it->frame[0])];

	memcpy(spare, &it->frame[a], sizeof(spare));
	memcpy(&it->frame[a], &it->frame[b], sizeof(spare));
	memcpy(&it->frame[b], spare, sizeof(spare));
}

/* The packet cut at random multiples of 8, in order */
static void carve(struct item *it, struct rng *r, bool twice)
{
	unsigned int all = it->len - ip_hlen(it), at = 0, n, max = 10;

	it->frames = 0;
	while (at < all) {
		n = 8 * (1 + rng_below(r, rng_one_in(r, 2) ? 2 : 40));
		if (at + n >= all || !--max)
			n = at ? all - at : (all - 1) / 8 * 8;
		frame(it, at, n, at + n < all);
		if (twice && at + n < all)
			frame(it, at, n, at + n < all);
		twice = false;
		at += n;
	}
}

static void disorder(struct item *it, struct rng *r, bool reverse)
{
	unsigned int i;

	for (i = 0; i < it->frames / 2 && reverse; i++)
		swap_frames(it, i, it->frames - 1 - i);
	for (i = 1; i < it->frames && !reverse; i++)
		swap_frames(it, i, rng_below(r, i + 1));
}

/* Those that never make a packet: Linux drops all of one that overlap. */
static void spoil(struct item *it, unsigned int how)
{
	unsigned int all = it->len - ip_hlen(it), last = it->frames - 1;

	switch (how) {
	case 0:
		it->frames = 1;
		say(it, "the first fragment only");
		break;
	case 1:
		swap_frames(it, 0, last);
		it->frames = 1;
		say(it, "the last fragment only");
		break;
	case 2:
		swap_frames(it, last / 2, last);
		it->frames = last;
		say(it, "a fragment is missing");
		break;
	case 3:
		it->frames = 0;
		frame(it, 0, 16, true);
		frame(it, 8, 16, true);
		frame(it, 24, all - 24, false);
		say(it, "fragments overlap");
		break;
	case 4:
		it->frames = 0;
		frame(it, 0, 16, true);
		frame(it, 0, 24, true);
		frame(it, 24, all - 24, false);
		say(it, "two fragments at one offset");
		break;
	default:
		it->frames = 0;
		frame(it, 8, all - 8, false);
		frame(it, 8, 8, false);
		frame(it, 0, 8, true);
		say(it, "two last fragments");
	}
}

static void mutate_inside(struct item *it, const struct tunnel *t,
			  struct rng *r);

static void fragments(struct item *it, const struct tunnel *t, struct rng *r,
		      unsigned int i)
{
	unsigned int how = rng_below(r, 10);

	(void)i;
	if (rng_one_in(r, 2))
		mutate_inside(it, t, r);
	else
		seal(it);
	if (it->len < ip_hlen(it) + 32) {
		say(it, "too short for fragments");
		return;
	}
	it->whole = how < 4;
	carve(it, r, how == 3);
	if (how == 1 || how == 2)
		disorder(it, r, how == 1);
	if (!it->whole)
		spoil(it, how - 4);
	else
		say(it, "%u fragments%s", it->frames,
		    how == 0 ? "" :
		    how == 1 ? ", reversed" :
		    how == 2 ? ", shuffled" : ", the first twice");
}

/* --- GRE */

/* Header options as the flags want them, or not */
static void gre_flags(struct item *it, struct rng *r, u16 flags)
{
	unsigned int was = 4, is = 4, bit;
	bool fit = rng_below(r, 3);

	for (bit = 0x8000; bit; bit >>= 1)
		if (bit & (GRE_CSUM | GRE_KEY | GRE_SEQ)) {
			was += get16(it->p + it->gre) & bit ? 4 : 0;
			is += flags & bit ? 4 : 0;
		}
	if (fit && is > was)
		rng_fill(r, insert(it, it->gre + was, is - was), is - was);
	put16(it->p + it->gre, flags);
	say(it, "GRE flags %04x%s", flags, fit ? "" : ", options do not fit");
}

static void gre_key(struct item *it, struct rng *r)
{
	u16 flags = get16(it->p + it->gre);
	u8 *at = it->p + it->gre + (flags & GRE_CSUM ? 8 : 4);

	if (!(flags & GRE_KEY))
		return gre_flags(it, r, flags | GRE_KEY);
	put32(at, rng_one_in(r, 2) ? get32(at) ^ 1u << rng_below(r, 32) :
				     PICK(r, 0, 0xffffffff));
	say(it, "GRE key %08x", get32(at));
}

static void gre_seq(struct item *it, const struct tunnel *t, struct rng *r)
{
	u16 flags = get16(it->p + it->gre);
	u8 *at = it->p + it->gre + (flags & GRE_CSUM ? 8 : 4) +
		 (flags & GRE_KEY ? 4 : 0);
	u32 ahead = PICK(r, -1, -2, -1000, 0x80000000, 0x80000001, 1, 2, 100,
			 0x7fffffff);

	if (!(flags & GRE_SEQ))
		return gre_flags(it, r, flags | GRE_SEQ);
	put32(at, t->seq + ahead);
	say(it, "GRE sequence number %d from what is next", (int)ahead);
}

static void gre(struct item *it, const struct tunnel *t, struct rng *r,
		unsigned int i)
{
	u8 *p = it->p + it->gre;

	switch (rng_below(r, 6)) {
	case 0:
	case 1:
		gre_flags(it, r, i * 40503);	/* all of them in time */
		break;
	case 2:
		gre_key(it, r);
		break;
	case 3:
		gre_seq(it, t, r);
		break;
	case 4:
		if (!(get16(p) & GRE_CSUM))
			gre_flags(it, r, get16(p) | GRE_CSUM);
		put16(it->p + it->gre + 4, rng_next(r));
		it->keep |= KEEP_GRECSUM;
		say(it, "GRE checksum %04x", get16(it->p + it->gre + 4));
		break;
	default:
		put16(p + 2, PICK(r, 0, 0x800, 0x86dd, 0x8847, 0x8848, 0x6558,
				  0x880b, 0x88be, rng_below(r, 65536)));
		say(it, "GRE protocol %04x", get16(p + 2));
	}
	seal(it);
}

/* --- GUE */

/* Remote checksum offload of the inner packet, true or not */
static void gue_remcsum(struct item *it, struct rng *r)
{
	unsigned int start = it->inner - it->gue - 4;
	u8 *o = insert(it, it->gue + 4, 8);

	it->p[it->gue] = 2;
	put16(it->p + it->gue + 2, 1);
	put32(o, rng_one_in(r, 8) ? rng_next(r) : 0x80000000);
	put16(o + 4, start + PICK(r, 20, 20, 40, 40, 0, 1, 4, 19, 39, 65535,
				  it->len));
	put16(o + 6, get16(o + 4) + PICK(r, 6, 16, 16, 0, 1, -1, 1000,
					 it->len, 65535));
	if (rng_one_in(r, 8))
		rng_fill(r, o + 4, 4);
	it->udp_csum = rng_below(r, 4);
	say(it, "GUE remcsum %u, %u", get16(o + 4), get16(o + 6));
}

static void gue(struct item *it, const struct tunnel *t, struct rng *r,
		unsigned int i)
{
	unsigned int n = 4 * rng_below(r, 8);
	u8 *p = it->p + it->gue;

	(void)t;
	if (!it->gue) {
		p = it->p + it->inner;
		p[0] = i;
		say(it, "GUE variant 1, first byte %02x", p[0]);
		return seal(it);
	}
	switch (rng_below(r, 6)) {
	case 0:
		p[0] = i;
		say(it, "GUE first byte %02x", p[0]);
		break;
	case 1:
		p[0] = (p[0] & 0xe0) | n / 4 | (rng_one_in(r, 8) ? 0x20 : 0);
		rng_fill(r, insert(it, it->gue + 4, n), n);
		say(it, "GUE, %u bytes of options without flags", n);
		break;
	case 2:
		p[0] = n / 4;
		rng_fill(r, insert(it, it->gue + 4, n), n);
		put16(p + 2, rng_one_in(r, 2) ? 1 : 1u << rng_below(r, 16));
		if (n >= 4 && rng_one_in(r, 2))
			put32(p + 4, PICK(r, 0, 1, 0x80000000, 0x40000000,
					  0x80000001));
		say(it, "GUE, %u bytes of options, flags %04x", n,
		    get16(p + 2));
		break;
	case 3:
		p[1] = PICK(r, 0, 4, 41, 47, 137, 17, 59, 255,
			    rng_below(r, 256));
		say(it, "GUE protocol %u", p[1]);
		break;
	default:
		gue_remcsum(it, r);
	}
	seal(it);
}

/* --- UDP */

static void udp(struct item *it, const struct tunnel *t, struct rng *r,
		unsigned int i)
{
	unsigned int len = it->len - it->udp;
	u8 *p = it->p + it->udp;

	(void)t, (void)i;
	switch (rng_below(r, 4)) {
	case 0:
		put16(p + 4, PICK(r, 0, 1, 7, 8, 9, len - 1, len + 1, 65535,
				  len / 2, rng_below(r, len)));
		it->keep |= KEEP_UDPLEN;
		if (rng_one_in(r, 2))
			it->udp_csum = false;
		say(it, "UDP length %u of %u", get16(p + 4), len);
		break;
	case 1:
		it->keep |= KEEP_UDPCSUM;
		put16(p + 6, PICK(r, 0, 1, 0xffff, rng_below(r, 65536)));
		say(it, "UDP checksum %04x", get16(p + 6));
		break;
	case 2:
		put16(p + 2 * rng_below(r, 2), rng_next(r));
		say(it, "UDP ports %u, %u", get16(p), get16(p + 2));
		break;
	default:
		it->udp_csum = !it->udp_csum;
		say(it, "UDP with%s checksum", it->udp_csum ? "" : "out");
	}
	seal(it);
}

/* --- what is inside */

/* Is the first byte of an inner IPv4 header, or IPv6? */
static u8 inner_version(const struct item *it)
{
	return it->p[it->inner] >> 4;
}

static void set_tos(u8 *p, u8 tos)
{
	if (p[0] >> 4 == 6) {
		put16(p, (get16(p) & 0xf00f) | tos << 4);
		return;
	}
	p[1] = tos;
	put16(p + 10, 0);
	put16(p + 10, checksum(p, 20, 0));
}

static void ecn(struct item *it, const struct tunnel *t, struct rng *r,
		unsigned int i)
{
	u8 outer = (i & 3) | (rng_next(r) & 0xfc);
	u8 inner = (i >> 2 & 3) | (rng_next(r) & 0xfc);
	bool ip = inner_version(it) == 4 || inner_version(it) == 6;

	(void)t;
	set_tos(it->p, outer);
	if (ip)
		set_tos(it->p + it->inner, inner);
	seal(it);
	say(it, "TOS %02x outside, %02x inside", outer, inner);
}

static void inside(struct item *it, const struct tunnel *t, struct rng *r,
		   unsigned int i)
{
	u8 *p = it->p + it->inner;

	(void)t;
	switch (rng_below(r, 5)) {
	case 0:
		p[0] = i;
		say(it, "inner first byte %02x", p[0]);
		break;
	case 1:
		put16(p + (inner_version(it) == 6 ? 4 : 2),
		      PICK(r, 0, 1, 19, 20, it->len, 65535,
			   rng_below(r, 65536)));
		say(it, "inner length lies");
		break;
	case 2:
		it->len = it->inner + rng_below(r, 61);
		rng_fill(r, p, it->len - it->inner);
		say(it, "%u random bytes inside", it->len - it->inner);
		break;
	case 3:
		it->len = it->inner + rng_below(r, 61);
		rng_fill(r, p, it->len - it->inner);
		p[0] = (p[0] & 0xf) | PICK(r, 0x40, 0x60);
		say(it, "%u random bytes of IPv%u inside",
		    it->len - it->inner, p[0] >> 4);
		break;
	default:
		rng_fill(r, p, rng_below(r, 40));
		say(it, "random bytes before the rest inside");
	}
	seal(it);
}

/* An inner SYN with options that lie */
static void syn(struct item *it, const struct tunnel *t, struct rng *r,
		unsigned int i)
{
	unsigned int tcp, n, at = 0;
	u8 *p;

	(void)t, (void)i;
	p = it->p + it->inner;
	tcp = it->inner + (inner_version(it) == 6 ? 40 : 20);
	if (it->len < tcp + 40 || (inner_version(it) == 4 && p[9] != 6) ||
	    (inner_version(it) == 6 && p[6] != 6))
		return inside(it, t, r, i);
	p = it->p + tcp;
	n = 4 * rng_below(r, 11);
	p[12] = (5 + n / 4) << 4;
	p[13] = PICK(r, 2, 2, 2, 0x12, 0xff, 3);
	rng_fill(r, p + 20, it->len - tcp - 20);
	for (; at + 2 < n; at += p[20 + at + 1] ?: 1) {
		p[20 + at] = PICK(r, 0, 1, 2, 2, 2, 3, 8, 255);
		p[20 + at + 1] = PICK(r, 4, 4, 4, 3, 2, 1, 0, 40, 255);
	}
	if (rng_one_in(r, 4))
		p[12] = rng_next(r);
	if (rng_one_in(r, 4))
		it->len = tcp + rng_below(r, it->len - tcp);
	seal(it);
	say(it, "SYN, %u bytes of options", n);
}

/* The packet that is in it is another of the same tunnel, and so on. */
static void nest(struct item *it, const struct tunnel *t, struct rng *r,
		 unsigned int i)
{
	unsigned int depth = 1 + i % 4, len;
	struct item in = { .family = it->family, .id = it->id };
	u8 packet[PACKET_MAX];

	make_plain(&in, t);
	while (depth--) {
		len = in.len;
		memcpy(packet, in.p, len);
		wrap(&in, t, packet, len, r);
		seal(&in);
	}
	memcpy(it->p, in.p, in.len);
	it->len = in.len;
	it->udp = in.udp;
	it->gue = in.gue;
	it->gre = in.gre;
	it->inner = in.inner;
	it->udp_csum = in.udp_csum;
	say(it, "%u tunnels in each other", 2 + i % 4);
	if (rng_one_in(r, 4)) {
		it->len = rng_below(r, it->len);
		seal(it);
	}
}

/* --- anything */

static void flip(u8 *p, unsigned int first, unsigned int end, struct rng *r)
{
	unsigned int n = 1 + rng_below(r, 8), bit;

	while (n-- && end > first) {
		bit = rng_below(r, (end - first) * 8);
		p[first + bit / 8] ^= 1 << bit % 8;
	}
}

/* Within the headers mostly */
static void flips(struct item *it, const struct tunnel *t, struct rng *r,
		  unsigned int i)
{
	unsigned int end = rng_one_in(r, 4) ? it->len : it->inner + 24;

	(void)t;
	end = end < it->len ? end : it->len;
	if (i & 1)
		seal(it);
	flip(it->p, i & 2 ? ip_hlen(it) : 0, end, r);
	if (!(i & 1))
		seal(it);
	say(it, "bits flipped %s checksums are made", i & 1 ? "after" : "before");
}

static void garbage(struct item *it, const struct tunnel *t, struct rng *r,
		    unsigned int i)
{
	unsigned int first = it->udp && i & 1 ? it->udp + 8 : ip_hlen(it);

	(void)t;
	it->len = first + rng_below(r, 80);
	rng_fill(r, it->p + first, it->len - first);
	it->udp = it->udp && i & 1 ? it->udp : 0;
	it->gre = 0;
	seal(it);
	say(it, "random bytes after %u", first);
}

/* Between the same ends, and well-formed, but another tunnel's */
static void other(struct item *it, const struct tunnel *t, struct rng *r,
		  unsigned int i)
{
	struct tunnel form = *t;

	(void)i;
	form.mode = rng_below(r, 2);
	form.encap = rng_below(r, 3);
	form.port = rng_below(r, 4) ? t->port ?: 6080 : 6081;
	form.peer_port = 0;
	form.keyed = rng_below(r, 2);
	form.key = rng_below(r, 2) ? t->key : 77;
	form.icsum = rng_below(r, 2);
	form.iseq = rng_below(r, 2);
	make_good(it, &form, r);
	seal(it);
	say(it, "mode %u, encapsulation %u, port %u, key %d", form.mode,
	    form.encap, form.port, form.keyed ? (int)form.key : -1);
}

/* What leaves the outer IP header as it is, for fragments */
static void mutate_inside(struct item *it, const struct tunnel *t,
			  struct rng *r)
{
	switch (rng_below(r, 4)) {
	case 0:
		return inside(it, t, r, rng_next(r));
	case 1:
		it->len = ip_hlen(it) + rng_below(r, it->len - ip_hlen(it));
		return seal(it);
	case 2:
		flip(it->p, ip_hlen(it), it->len, r);
		return seal(it);
	default:
		return ecn(it, t, r, rng_next(r));
	}
}

/* --- the classes */

static const struct {
	const char *name;
	void (*mutate)(struct item *it, const struct tunnel *t, struct rng *r,
		       unsigned int i);
} classes[] = {
	{ "good", none },
	{ "cut", cut },
	{ "ip", ip_header },
	{ "ends", ends },
	{ "headers", headers },
	{ "fragments", fragments },
	{ "gre", gre },
	{ "gue", gue },
	{ "udp", udp },
	{ "ecn", ecn },
	{ "inside", inside },
	{ "syn", syn },
	{ "nest", nest },
	{ "flips", flips },
	{ "garbage", garbage },
	{ "other", other },
};

const char *class_name(unsigned int class)
{
	return class < ARRAY_SIZE(classes) ? classes[class].name : NULL;
}

/**
 * class_fits - has a tunnel's packet what the class is about?
 * @class: the class
 * @t: the tunnel
 */
bool class_fits(unsigned int class, const struct tunnel *t)
{
	if (classes[class].mutate == headers)
		return t->family == 6;
	if (classes[class].mutate == gre)
		return t->mode == MODE_GRE;
	if (classes[class].mutate == gue)
		return t->encap == ENCAP_GUE;
	if (classes[class].mutate == udp)
		return t->encap != ENCAP_NONE;
	return true;
}

/**
 * make - a packet of a class
 * @it: its id and family are known; filled in
 * @class: the class
 * @t: the tunnel
 * @r: decides
 * @i: the packet's place in its class
 */
void make(struct item *it, unsigned int class, const struct tunnel *t,
	  struct rng *r, unsigned int i)
{
	it->whole = false;
	make_good(it, t, r);
	classes[class].mutate(it, t, r, i);
}
