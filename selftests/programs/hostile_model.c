// SPDX-License-Identifier: GPL-2.0-only
/*
 * hostile: what must become of an outer packet.
 *
 * Owns: one reading of how Linux receives IP, and of what adit(8) says of the
 * causes, made apart from the driver's; every counter that a packet moves.
 * Does not own: anything that is sent, or counted.
 *
 * Where Linux drops without a counter, the predicate is here, under silent().
 * What is not modelled is FATE_UNSURE, and is not sent.
 */

#include <string.h>

#include "hostile.h"

#define MF		0x2000
#define OFFSET		0x1fff

enum {
	P_HOPOPTS = 0, P_ICMP = 1, P_IPIP = 4, P_UDP = 17, P_IPV6 = 41,
	P_ROUTING = 43, P_FRAGMENT = 44, P_GRE = 47, P_NONE = 59,
	P_DSTOPTS = 60, P_MPLS = 137
};

enum { ETH_IP = 0x0800, ETH_IP6 = 0x86dd, ETH_MPLS = 0x8847 };

/**
 * struct way - a packet on its way
 * @base: what offsets of deliveries count from
 * @depth: tunnels that it has come out of
 * @early: past the protocol handlers, as it may be caught ahead of IP
 */
struct way {
	const struct tunnel *t;
	struct outcome *o;
	const u8 *base;
	unsigned int depth;
	bool early;
};

/* An outer packet, as adit reads it: its key, and what is wrong with it */
struct wire {
	enum end from;
	enum mode mode;
	enum encap encap;
	bool nameless;		/* GUE that does not say its mode */
	bool keyed;
	u32 key;
	u16 port;
	u16 peer_port;
	bool udp_csum;
	u16 flags;
	u32 seq;
	const u8 *gre;
	u16 ethertype;
	u16 remcsum_start;
	u16 remcsum_offset;
	u8 tos;
	int fault;		/* -1: none */
};

static void bump(struct way *w, enum counter c)
{
	if (w->o->n_bumps < ARRAY_SIZE(w->o->bumps))
		w->o->bumps[w->o->n_bumps++] = c;
	else
		w->o->fate = FATE_UNSURE;
}

static void refused(struct way *w, enum counter c)
{
	bump(w, c);
	w->o->fate = FATE_REFUSED;
}

static void dropped(struct way *w, enum counter c)
{
	bump(w, c);
	w->o->fate = FATE_DROPPED;
}

/* The kernel drops it, and no counter of its says so. */
static void silent(struct way *w, const char *why)
{
	w->o->fate = FATE_SILENT;
	w->o->why = why;
}

static void unsure(struct way *w, const char *why)
{
	w->o->fate = FATE_UNSURE;
	w->o->why = why;
}

static void ip4(struct way *w, const u8 *p, unsigned int len);
static void ip6(struct way *w, const u8 *p, unsigned int len);

/* --- adit: receive.c */

static unsigned int inner_hlen(u16 ethertype)
{
	return ethertype == ETH_IP ? 20 : ethertype == ETH_IP6 ? 40 : 4;
}

static bool inner_is_sane(u16 ethertype, const u8 *p, unsigned int len)
{
	if (len < inner_hlen(ethertype))
		return false;
	return ethertype == ETH_MPLS ||
	       p[0] >> 4 == (ethertype == ETH_IP ? 4 : 6);
}

static u8 inner_tos(u16 ethertype, const u8 *p)
{
	return ethertype == ETH_IP ? p[1] : get16(p) >> 4;
}

/* RFC 3056, 5.1 and RFC 5214, 7.3 */
static bool source_ok(const struct way *w, const struct wire *wire,
		      const u8 *p)
{
	u8 outer[16];

	if (wire->ethertype != ETH_IP6 || w->t->family != 4)
		return true;
	address(outer, 4, wire->from);
	if (w->t->rd6 && get16(p + 8) == 0x2002)
		return !memcmp(p + 10, outer, 4);
	if (w->t->isatap && (get32(p + 16) | 0x02000000) == 0x02005efe)
		return !memcmp(p + 20, outer, 4);
	return true;
}

static bool of_link4(const u8 *addr)
{
	return addr[0] >> 4 == 14 || get32(addr) == 0xffffffff ||
	       get16(addr) == 0xa9fe;
}

static bool of_link6(const u8 *addr)
{
	return addr[0] == 0xff || (get16(addr) & 0xffc0) == 0xfe80;
}

static bool is_exthdr(u8 proto)
{
	return proto == 0 || proto == 43 || proto == 44 || proto == 51 ||
	       proto == 60;
}

static bool is_redirect(const u8 *p, unsigned int len)
{
	unsigned int ihl = (p[0] & 15) * 4;

	return p[9] == 1 && !(get16(p + 6) & OFFSET) && len > ihl &&
	       p[ihl] == 5;
}

/* For hosts of one link alone: groups, its addresses, redirects, neighbour discovery */
static bool stays(const struct wire *wire, const u8 *p, unsigned int len)
{
	if (wire->ethertype == ETH_IP)
		return of_link4(p + 16) || get16(p + 12) == 0xa9fe ||
		       is_redirect(p, len);
	if (wire->ethertype != ETH_IP6)
		return false;
	return of_link6(p + 24) || (of_link6(p + 8) && p[8] != 0xff) ||
	       (p[6] == 58 && len > 40 && p[40] >= 133 && p[40] <= 137);
}

static bool remcsum_ok(const struct wire *wire, unsigned int len)
{
	return wire->remcsum_start >= inner_hlen(wire->ethertype) &&
	       wire->remcsum_offset + 2u <= len;
}

/* Where the checksum of UDP or TCP is, from its header on; 0: none that is one, -1:
 * there is more before it than the model reads
 */
static int transport_csum(const struct wire *wire, const u8 *p,
			  unsigned int *start)
{
	u8 proto;

	if (wire->ethertype == ETH_IP) {
		*start = (p[0] & 15) * 4;
		proto = get16(p + 6) & 0x3fff ? 255 : p[9];
	} else {
		*start = 40;
		proto = wire->ethertype == ETH_IP6 ? p[6] : 255;
		if (wire->ethertype == ETH_IP6 && is_exthdr(proto))
			return -1;
	}
	return proto == 6 ? 16 : proto == 17 ? 6 : 0;
}

/* What is left to us is left to whoever is next, if it is that; else it is made. */
static void take_remcsum(struct way *w, const struct wire *wire, const u8 *p,
			 struct delivery *d)
{
	unsigned int start;
	int at = transport_csum(wire, p, &start);

	if (at < 0)
		return unsure(w, "a checksum behind extension headers");
	if (at && wire->remcsum_start == start &&
	    wire->remcsum_offset == start + at) {
		d->unsummed = at == 16;
		return;
	}
	d->sum_start = wire->remcsum_start;
	d->sum_at = wire->remcsum_offset;
}

static bool gre_csum_ok(const struct wire *wire, const u8 *end)
{
	return !checksum(wire->gre, end - wire->gre, 0);
}

static void deliver(struct way *w, const struct wire *wire, const u8 *p,
		    unsigned int len)
{
	struct outcome *o = w->o;
	struct delivery *d;

	bump(w, C_DELIVERED);
	if (o->n_deliveries == DELIVERIES_MAX || o->fate == FATE_UNSURE) {
		unsure(w, "too many in each other");
		return;
	}
	o->fate = FATE_DELIVERED;
	d = &o->deliveries[o->n_deliveries++];
	*d = (struct delivery) {
		.at = p - w->base,
		.len = len,
		.ethertype = wire->ethertype,
		.outer_tos = wire->tos,
	};
	if (wire->remcsum_start)
		take_remcsum(w, wire, p, d);
	if (!w->t->in_place && !w->t->underlay)
		return;
	/* it comes out where the underlay is, and may be for a tunnel again */
	w->depth++;
	if (wire->ethertype == ETH_IP)
		ip4(w, p, len);
	else if (wire->ethertype == ETH_IP6)
		ip6(w, p, len);
}

/* In the order of the driver, of which the first cause counts. */
static void receive(struct way *w, struct wire *wire, const u8 *p,
		    unsigned int len)
{
	const struct tunnel *t = w->t;

	if (t->any && wire->from != END_PEER)
		return w->early ? silent(w, "whoever is next, not caught") :
				  dropped(w, C_RX_SOURCE);
	if (wire->fault >= 0)
		return dropped(w, wire->fault);
	if (t->encap != ENCAP_NONE && t->encap_csum && t->family == 6 &&
	    !wire->udp_csum)
		return dropped(w, C_RX_CSUM);
	if (wire->flags & GRE_CSUM ? !gre_csum_ok(wire, p + len) : t->icsum)
		return dropped(w, C_RX_CSUM);
	if (t->iseq) {
		if (!(wire->flags & GRE_SEQ) ||
		    (w->o->seen && (int)(wire->seq - w->o->seq) < 0))
			return dropped(w, C_RX_SEQ);
		w->o->seen = true;
		w->o->seq = wire->seq + 1;
	}
	if (!inner_is_sane(wire->ethertype, p, len))
		return dropped(w, C_RX_MALFORMED);
	if (wire->remcsum_start && t->encap_csum && !wire->udp_csum)
		return dropped(w, C_RX_CSUM);
	if (wire->remcsum_start && !remcsum_ok(wire, len))
		return dropped(w, C_RX_MALFORMED);
	if (t->any && !source_ok(w, wire, p))
		return dropped(w, C_RX_SOURCE);
	if (t->underlay && stays(wire, p, len))
		return dropped(w, C_RX_SOURCE);
	if (t->underlay && wire->ethertype == ETH_IP6 && is_exthdr(p[6]))
		return unsure(w, "what is behind extension headers");
	if ((wire->tos & 3) == 3 && wire->ethertype != ETH_MPLS &&
	    !(inner_tos(wire->ethertype, p) & 3))
		return dropped(w, C_RX_ECN);
	deliver(w, wire, p, len);
}

/* --- adit: demux.c */

static bool same_ports(const struct tunnel *t, const struct wire *wire)
{
	return t->encap == wire->encap && t->port == wire->port &&
	       (!t->peer_port || t->peer_port == wire->peer_port);
}

static bool same_mode(const struct tunnel *t, const struct wire *wire)
{
	return t->mode == wire->mode || wire->nameless;
}

static bool is_of(const struct tunnel *t, const struct wire *wire)
{
	if (!t->any && wire->from != END_PEER)
		return false;
	if (!same_ports(t, wire) || t->mode != wire->mode)
		return false;
	return t->external || (t->keyed == wire->keyed &&
			       (!t->keyed || t->key == wire->key));
}

/* What is the peer's but not the tunnel's; false: nobody's */
static bool miss(struct way *w, const struct wire *wire)
{
	const struct tunnel *t = w->t;

	if (wire->from != END_PEER)
		return false;
	if (!same_ports(t, wire) || !same_mode(t, wire))
		dropped(w, C_RX_ENCAP);
	else
		dropped(w, wire->fault >= 0 ? wire->fault : C_RX_KEY);
	return true;
}

/* --- adit: encap.c. Each returns what is wrong, or -1, and moves to what comes
 * next.
 */

static int read_first(struct wire *wire, const u8 *p, unsigned int len)
{
	if (!len || (p[0] >> 4 != 4 && p[0] >> 4 != 6))
		return C_RX_MALFORMED;
	wire->ethertype = p[0] >> 4 == 4 ? ETH_IP : ETH_IP6;
	return -1;
}

static int read_gre(struct wire *wire, const u8 **p, unsigned int *len)
{
	unsigned int hlen = 4;
	const u8 *at = *p + 4;

	wire->mode = MODE_GRE;
	if (*len < 4)
		return C_RX_MALFORMED;
	wire->gre = *p;
	wire->flags = get16(*p);
	if (wire->flags & ~(GRE_CSUM | GRE_KEY | GRE_SEQ))
		return C_RX_MALFORMED;
	wire->keyed = wire->flags & GRE_KEY;
	hlen += wire->flags & GRE_CSUM ? 4 : 0;
	hlen += wire->flags & GRE_KEY ? 4 : 0;
	hlen += wire->flags & GRE_SEQ ? 4 : 0;
	if (*len < hlen)
		return C_RX_MALFORMED;
	at += wire->flags & GRE_CSUM ? 4 : 0;
	if (wire->keyed) {
		wire->key = get32(at);
		at += 4;
	}
	if (wire->flags & GRE_SEQ)
		wire->seq = get32(at);
	wire->ethertype = get16(*p + 2);
	*p += hlen;
	*len -= hlen;
	switch (wire->ethertype) {
	case ETH_IP:
	case ETH_IP6:
	case ETH_MPLS:
		return -1;
	}
	return C_RX_PROTOCOL;
}

/* Flags, private flags, and the offsets of remote checksum offload */
static int read_gue_options(struct wire *wire, const u8 *p, unsigned int len)
{
	u16 flags = get16(p + 2);

	if (!flags)
		return -1;
	if (flags != 1 || len < 4 || get32(p + 4) & 0x7fffffff)
		return C_RX_MALFORMED;
	if (!get32(p + 4))
		return -1;
	if (len < 8)
		return C_RX_MALFORMED;
	wire->remcsum_start = get16(p + 8);
	wire->remcsum_offset = get16(p + 10);
	return wire->remcsum_start &&
	       wire->remcsum_offset >= wire->remcsum_start ? -1 :
							     C_RX_MALFORMED;
}

static int read_gue_inner(struct wire *wire, u8 proto, const u8 **p,
			  unsigned int *len)
{
	const u8 *was = *p;
	int fault;

	wire->nameless = false;
	switch (proto) {
	case P_IPIP:
		wire->ethertype = ETH_IP;
		return -1;
	case P_IPV6:
		wire->ethertype = ETH_IP6;
		return -1;
	case P_MPLS:
		wire->ethertype = ETH_MPLS;
		return -1;
	case P_GRE:
		fault = read_gre(wire, p, len);
		if (fault >= 0 || !wire->remcsum_start)
			return fault;
		if (wire->remcsum_start <= *p - was)
			return C_RX_MALFORMED;
		wire->remcsum_start -= *p - was;
		wire->remcsum_offset -= *p - was;
		return -1;
	}
	return C_RX_PROTOCOL;
}

static int read_gue(struct wire *wire, const u8 **p, unsigned int *len)
{
	const u8 *gue = *p;
	unsigned int options;
	int fault;

	wire->nameless = true;
	if (!*len)
		return C_RX_MALFORMED;
	if (gue[0] >> 6 == 1) {
		wire->nameless = false;
		return read_first(wire, *p, *len);
	}
	if (gue[0] >> 6 || *len < 4)
		return C_RX_MALFORMED;
	options = (gue[0] & 0x1f) * 4;
	if (*len < 4 + options)
		return C_RX_MALFORMED;
	if (gue[0] & 0x20)
		return C_RX_CONTROL;
	fault = read_gue_options(wire, gue, options);
	if (fault >= 0)
		return fault;
	*p += 4 + options;
	*len -= 4 + options;
	return read_gue_inner(wire, gue[1], p, len);
}

/* --- what the kernel hands to adit, by protocol */

/* Protocol numbers 4, 41 and 137: tunnel4.c and tunnel6.c, which wants as much of
 * MPLS as of IPv6
 */
static void raw(struct way *w, struct wire *wire, u8 family, u8 proto,
		const u8 *p, unsigned int len)
{
	unsigned int least = proto == P_IPIP ? 20 : proto == P_IPV6 ? 40 :
			     family == 4 ? 4 : 40;

	wire->ethertype = proto == P_IPIP ? ETH_IP :
			  proto == P_IPV6 ? ETH_IP6 : ETH_MPLS;
	if (!w->early && len < least)
		return silent(w, "tunnel4, tunnel6: shorter than its header");
	if (is_of(w->t, wire))
		return receive(w, wire, p, len);
	if (!miss(w, wire))
		silent(w, "tunnel4, tunnel6: nobody's, ICMP only");
}

/* gre_demux.c with IPv4, adit itself with IPv6. gre_demux.c wants as much as
 * the largest header of PPTP.
 */
static void gre(struct way *w, struct wire *wire, u8 family, const u8 *p,
		unsigned int len)
{
	bool registered = w->t->mode == MODE_GRE &&
			  w->t->encap == ENCAP_NONE && w->t->family == family;

	if (!registered && family == 6)
		return refused(w, C_IP6_PROTO);
	if (!w->early && family == 4 &&
	    (len < 12 || (p[1] & 0x7f) || !registered))
		return silent(w, "gre_demux: short, or a version of nobody");
	wire->fault = read_gre(wire, &p, &len);
	if (is_of(w->t, wire))
		return receive(w, wire, p, len);
	if (!miss(w, wire))
		silent(w, "GRE: nobody's, ICMP only");
}

static void udp_refused(struct way *w, u8 family, enum counter also)
{
	if (also != C_MAX)
		bump(w, also);
	refused(w, family == 4 ? C_UDP_ERR : C_UDP6_ERR);
}

static void udp(struct way *w, struct wire *wire, u8 family, const u8 *ip,
		const u8 *p, unsigned int len)
{
	enum counter csum = family == 4 ? C_UDP_CSUM : C_UDP6_CSUM;
	unsigned int ulen;
	bool listens;

	if (len < 8)
		return udp_refused(w, family, C_MAX);
	ulen = get16(p + 4);
	if (!ulen && family == 6)	/* a jumbogram */
		return unsure(w, "a length that not all kernels take");
	if (ulen > len || ulen < 8)
		return udp_refused(w, family, C_MAX);
	wire->udp_csum = get16(p + 6);
	if (wire->udp_csum &&
	    checksum(p, ulen, pseudo(family, ip, ulen, P_UDP)))
		return udp_refused(w, family, csum);
	wire->port = get16(p + 2);
	wire->peer_port = get16(p);
	listens = w->t->encap != ENCAP_NONE && w->t->family == family &&
		  wire->port == w->t->port;
	if (!listens && family == 6 && !wire->udp_csum)
		return udp_refused(w, family, csum);
	if (!listens)
		return refused(w, family == 4 ? C_UDP_NOPORT : C_UDP6_NOPORT);

	bump(w, family == 4 ? C_UDP_IN : C_UDP6_IN);
	wire->encap = w->t->encap;
	wire->mode = MODE_IP;
	p += 8;
	len = ulen - 8;
	if (wire->encap == ENCAP_GUE)
		wire->fault = read_gue(wire, &p, &len);
	else if (w->t->mode == MODE_GRE)
		wire->fault = read_gre(wire, &p, &len);
	else
		wire->fault = read_first(wire, p, len);
	if (is_of(w->t, wire))
		return receive(w, wire, p, len);
	if (!miss(w, wire))
		silent(w, "UDP: nobody's, counted at the socket");
}

/* What is caught ahead of IP, as most may be once others like it have come in, is
 * not held up by a handler that wants more of it than adit does: then it has a
 * cause. (MPLS is not caught.)
 */
static void if_caught(struct way *w, struct wire wire, u8 family, u8 proto,
		      const u8 *p, unsigned int len)
{
	struct outcome caught = { .seq = w->o->seq, .seen = w->o->seen };
	struct way early = { .t = w->t, .o = &caught, .base = w->base,
			     .early = true };

	if (w->o->fate != FATE_SILENT || proto == P_MPLS)
		return;
	if (proto == P_GRE)
		gre(&early, &wire, family, p, len);
	else
		raw(&early, &wire, family, proto, p, len);
	if (caught.fate == FATE_DROPPED && wire.fault < 0 &&
	    is_of(w->t, &wire) && caught.seq == w->o->seq)
		w->o->maybe = caught.bumps[0];
	else if (caught.fate == FATE_DELIVERED || caught.seq != w->o->seq)
		unsure(w, "delivered if it is caught ahead of IP");
}

/* --- IPv4: ip_input.c */

/* ip_options_compile(). Return: whether it takes them; @routed: they say how
 * the packet is to be routed.
 */
static bool ip4_timestamp_ok(const u8 *o, unsigned int len)
{
	if (len < 4 || o[2] < 5)
		return false;
	if (o[2] > len)
		return (o[3] & 0xf) == 3 || o[3] >> 4 != 15;
	if (o[2] + 3u > len)
		return false;
	if ((o[3] & 0xf) == 1 || (o[3] & 0xf) == 3)
		return o[2] + 7u <= len;
	return true;		/* without a meaning, it is let be */
}

static bool ip4_option_ok(const u8 *o, unsigned int len, unsigned int *seen)
{
	enum { ROUTED = 1, RECORDED = 2, STAMPED = 4 };
	unsigned int was = *seen;

	switch (o[0]) {
	case 131:		/* LSRR */
	case 137:		/* SSRR */
		*seen |= ROUTED;
		return len >= 3 && o[2] >= 4 && !(was & ROUTED);
	case 7:			/* RR */
		*seen |= RECORDED;
		return !(was & RECORDED) && len >= 3 && o[2] >= 4 &&
		       (o[2] > len || o[2] + 3u <= len);
	case 68:
		*seen |= STAMPED;
		return !(was & STAMPED) && ip4_timestamp_ok(o, len);
	case 148:		/* router alert */
		return len >= 4;
	}
	return true;
}

static bool ip4_options_ok(const u8 *o, unsigned int len, bool *routed,
			   bool *modelled)
{
	unsigned int seen = 0;

	while (len) {
		if (o[0] == 0)
			break;
		if (o[0] == 1) {
			o++;
			len--;
			continue;
		}
		if (len < 2 || o[1] < 2 || o[1] > len)
			return false;
		if (o[0] == 134)	/* CIPSO is as the host has it */
			*modelled = false;
		if (!ip4_option_ok(o, o[1], &seen))
			return false;
		len -= o[1];
		o += o[1];
	}
	*routed = seen & 1;
	return true;
}

static bool ip4_is_martian(const u8 *addr)
{
	u8 here[16];

	address(here, 4, END_HERE);
	return !get32(addr) || addr[0] == 127 || addr[0] >> 4 == 14 ||
	       get32(addr) == 0xffffffff || !memcmp(addr, here, 4);
}

static enum end end_of(u8 family, const u8 *addr)
{
	u8 peer[16];

	address(peer, family, END_PEER);
	return memcmp(addr, peer, family == 4 ? 4 : 16) ? END_STRANGER :
							  END_PEER;
}

/* From the transport header on */
static void ip4_local(struct way *w, const u8 *ip, const u8 *p,
		      unsigned int len, bool plain)
{
	struct wire wire = {
		.from = end_of(4, ip + 12),
		.tos = ip[1],
		.fault = -1,
	};

	switch (ip[9]) {
	case P_IPIP:
	case P_IPV6:
	case P_MPLS:
		raw(w, &wire, 4, ip[9], p, len);
		if (plain)
			if_caught(w, wire, 4, ip[9], p, len);
		return;
	case P_GRE:
		gre(w, &wire, 4, p, len);
		wire.fault = -1;
		if (plain)
			if_caught(w, wire, 4, P_GRE, p, len);
		return;
	case P_UDP:
		return udp(w, &wire, 4, ip, p, len);
	case 1:
	case 2:
	case 6:
	case 50:
	case 51:
	case 103:
	case 108:
	case 132:
	case 136:
		return unsure(w, "a protocol that is not modelled");
	}
	refused(w, C_IP_PROTO);
}

static void ip4_route(struct way *w, const u8 *p, unsigned int ihl,
		      unsigned int len)
{
	bool routed = false, modelled = true, fragment;
	u8 here[16];

	address(here, 4, END_HERE);
	fragment = get16(p + 6) & (MF | OFFSET);
	if (ip4_is_martian(p + 12))
		return silent(w, "IPv4: a source that no route leads to");
	if (get32(p + 16) == 0xffffffff)
		return unsure(w, "broadcast");
	if (!get32(p + 16) || p[16] == 127 || p[16] >> 4 == 14)
		return silent(w, "IPv4: a destination that is nobody's");
	if (!ip4_options_ok(p + 20, ihl - 20, &routed, &modelled))
		return refused(w, C_IP_HDR);
	if (!modelled)
		return unsure(w, "an option that is not modelled");
	if (routed)
		return silent(w, "IPv4: a source route");
	if (memcmp(p + 16, here, 4))
		return refused(w, C_IP_ADDR);
	if (fragment) {
		bump(w, C_IP_REASM);
		w->o->fate = FATE_HELD;
		return;
	}
	ip4_local(w, p, p + ihl, len - ihl, ihl == 20);
}

static void ip4(struct way *w, const u8 *p, unsigned int len)
{
	unsigned int ihl;

	if (len < 20)
		return refused(w, C_IP_HDR);
	ihl = (p[0] & 0xf) * 4;
	if (p[0] >> 4 != 4 || ihl < 20 || len < ihl)
		return refused(w, C_IP_HDR);
	if (checksum(p, ihl, 0)) {
		bump(w, C_IP_CSUM);
		return refused(w, C_IP_HDR);
	}
	if (get16(p + 2) > len)
		return refused(w, C_IP_CUT);
	if (get16(p + 2) < ihl)
		return refused(w, C_IP_HDR);
	ip4_route(w, p, ihl, get16(p + 2));
}

/* --- IPv6: ip6_input.c, exthdrs.c */

#define V6_TLVS_MAX	8

/* ip6_parse_tlv(), of those with nobody to take them */
static bool ip6_tlvs_ok(const u8 *o, unsigned int len, bool hop,
			bool *modelled)
{
	unsigned int pad = 0, n = 0, size, i;

	while (len) {
		if (o[0] == 0) {
			if (++pad > 7)
				return false;
			o++;
			len--;
			continue;
		}
		if (len < 2)
			return false;
		size = o[1] + 2;
		if (size > len)
			return false;
		if (o[0] == 1) {
			pad += size;
			if (pad > 7)
				return false;
			for (i = 2; i < size; i++)
				if (o[i])
					return false;
		} else {
			if (++n > V6_TLVS_MAX)
				return false;
			pad = 0;
			if (o[0] == 5 && hop) {
				if (o[1] != 2)
					return false;
			} else if (o[0] == 194 || o[0] == 201 || o[0] == 7 ||
				   o[0] == 49) {
				*modelled = false;
			} else if (o[0] & 0xc0) {
				return false;
			}
		}
		o += size;
		len -= size;
	}
	return true;
}

/* Where an options header ends; 0: it is refused */
static unsigned int ip6_options(struct way *w, const u8 *p, unsigned int off,
				unsigned int len, bool hop)
{
	bool modelled = true;
	unsigned int size;

	if (len < off + 8) {
		refused(w, C_IP6_HDR);
		return 0;
	}
	size = (p[off + 1] + 1) * 8;
	if (len < off + size ||
	    !ip6_tlvs_ok(p + off + 2, size - 2, hop, &modelled)) {
		refused(w, C_IP6_HDR);
		size = 0;
	}
	if (!modelled) {
		unsure(w, "an option that is not modelled");
		return 0;
	}
	return size ? off + size : 0;
}

/* Where a routing header ends; 0: it is refused */
static unsigned int ip6_routing(struct way *w, const u8 *p, unsigned int off,
				unsigned int len)
{
	unsigned int size;

	if (len < off + 8)
		goto refuse;
	size = (p[off + 1] + 1) * 8;
	if (len < off + size)
		goto refuse;
	if (p[off + 2] >= 2 && p[off + 2] <= 4) {
		unsure(w, "a routing header that is not modelled");
		return 0;
	}
	if (!p[off + 3])
		return off + size;
refuse:
	refused(w, C_IP6_HDR);
	return 0;
}

/* Where a fragment header ends that stands before the whole of a packet */
static unsigned int ip6_fragment(struct way *w, const u8 *p, unsigned int off,
				 unsigned int len, bool *again)
{
	if (*again) {
		refused(w, C_IP6_HDR);
		return 0;
	}
	*again = true;
	bump(w, C_IP6_REASM);
	if (!get16(p + 4) || len < off + 8) {
		refused(w, C_IP6_HDR);
		return 0;
	}
	if (get16(p + off + 2) & 0xfff9) {
		unsure(w, "a fragment that is not meant");
		return 0;
	}
	bump(w, C_IP6_REASM_OK);
	return off + 8;
}

static void ip6_local(struct way *w, const u8 *p, unsigned int off,
		      unsigned int len, u8 nexthdr)
{
	struct wire wire = {
		.from = end_of(6, p + 8),
		.tos = get16(p) >> 4,
		.fault = -1,
	};
	bool fragmented = false;
	unsigned int next;

	for (;; off = next) {
		switch (nexthdr) {
		case P_DSTOPTS:
			next = ip6_options(w, p, off, len, false);
			break;
		case P_ROUTING:
			next = ip6_routing(w, p, off, len);
			break;
		case P_FRAGMENT:
			next = ip6_fragment(w, p, off, len, &fragmented);
			break;
		default:
			next = 0;
			goto final;
		}
		if (!next)
			return;
		nexthdr = p[off];
	}
final:
	switch (nexthdr) {
	case P_IPIP:
	case P_IPV6:
	case P_MPLS:
		return raw(w, &wire, 6, nexthdr, p + off, len - off);
	case P_GRE:
		return gre(w, &wire, 6, p + off, len - off);
	case P_UDP:
		return udp(w, &wire, 6, p, p + off, len - off);
	case P_NONE:
		return silent(w, "IPv6: nothing follows");
	case 6:
	case 50:
	case 51:
	case 58:
	case 103:
	case 108:
	case 132:
	case 136:
	case 135:
		return unsure(w, "a protocol that is not modelled");
	}
	refused(w, C_IP6_PROTO);
}

static void ip6_route(struct way *w, const u8 *p, unsigned int off,
		      unsigned int len, u8 nexthdr)
{
	struct wire wire = {
		.from = end_of(6, p + 8),
		.tos = get16(p) >> 4,
		.fault = -1,
	};
	u8 here[16];

	address(here, 6, END_HERE);
	if (memcmp(p + 24, here, 8)) {
		if (p[24] == 0xff || p[24] == 0xfe || !get16(p + 24))
			return unsure(w, "a destination of another kind");
		return refused(w, C_IP6_NOROUTE);
	}
	if (memcmp(p + 24, here, 16))
		return refused(w, C_IP6_ADDR);
	ip6_local(w, p, off, len, nexthdr);
	if (off == 40 && (nexthdr == P_IPIP || nexthdr == P_IPV6))
		if_caught(w, wire, 6, nexthdr, p + 40, len - 40);
}

static void ip6(struct way *w, const u8 *p, unsigned int len)
{
	static const u8 loopback[16] = { [15] = 1 };
	u8 nexthdr;
	unsigned int off = 40;
	u8 here[16];

	address(here, 6, END_HERE);
	if (len < 40 || p[0] >> 4 != 6)
		return refused(w, C_IP6_HDR);
	if (!memcmp(p + 8, loopback, 16) || !memcmp(p + 24, loopback, 16) ||
	    p[8] == 0xff || (p[24] == 0xff && (p[25] & 0xf) < 2))
		return refused(w, C_IP6_HDR);
	if (p[8] == 0xfe || !get16(p + 8) || !memcmp(p + 8, here, 16))
		return unsure(w, "a source of another kind");
	if (get16(p + 4) || p[6] != P_HOPOPTS) {
		if (get16(p + 4) + 40u > len)
			return refused(w, C_IP6_CUT);
		len = get16(p + 4) + 40;
	}
	nexthdr = p[6];
	if (nexthdr == P_HOPOPTS) {
		off = ip6_options(w, p, 40, len, true);
		if (!off)
			return;
		nexthdr = p[40];
	}
	ip6_route(w, p, off, len, nexthdr);
}

/* --- what is asked */

static void in_frames(struct way *w, const struct item *it)
{
	unsigned int i, ihl = (it->p[0] & 0xf) * 4;

	for (i = 0; i < it->frames; i++)
		bump(w, it->family == 4 ? C_IP_REASM : C_IP6_REASM);
	w->o->fate = FATE_HELD;
	if (!it->whole)
		return;
	bump(w, it->family == 4 ? C_IP_REASM_OK : C_IP6_REASM_OK);
	if (it->family == 4)
		ip4_local(w, it->p, it->p + ihl, it->len - ihl, false);
	else
		ip6_local(w, it->p, 40, it->len, it->p[6]);
}

/**
 * foresee - what must become of a packet
 * @it: complete
 * @t: the tunnel that is there
 */
void foresee(struct item *it, const struct tunnel *t)
{
	struct way w = { .t = t, .o = &it->out, .base = it->p };

	memset(&it->out, 0, sizeof(it->out));
	it->out.maybe = C_MAX;
	it->out.seq = t->seq;
	it->out.seen = t->seen;
	if (it->frames)
		in_frames(&w, it);
	else if (it->family == 4)
		ip4(&w, it->p, it->len);
	else
		ip6(&w, it->p, it->len);
}

/* --- is what came out what was put in? */

/* RFC 6040, 4.2: what a mark of the outer header makes of an inner one */
static u8 marked(u8 tos, u8 outer)
{
	if (!(tos & 3))
		return tos;
	if ((outer & 3) == 3)
		return tos | 3;
	if ((outer & 3) == 1 && (tos & 3) == 2)
		return (tos & ~3) | 1;
	return tos;
}

/* An IPv4 header that was marked, whose checksum is as right as it was */
static bool is_marked4(u8 *want, const u8 *got, u8 outer)
{
	unsigned int hlen = 20;
	u16 was = checksum(want, hlen, 0);

	want[1] = marked(want[1], outer);
	memcpy(want + 10, got + 10, 2);
	return checksum(want, hlen, 0) == was;
}

static void mark6(u8 *want, u8 outer)
{
	u16 first = get16(want);

	put16(want, (first & 0xf00f) | marked(first >> 4, outer) << 4);
}

/* A SYN whose MSS was lowered: nothing else of it has changed, and its checksum
 * is as right as it was, or is still to be made.
 */
static bool is_clamped(const struct delivery *d, const u8 *want, const u8 *got,
		       unsigned int len)
{
	bool summed = checksum(want, len, 0) == checksum(got, len, 0);
	unsigned int i, first = len, last = 0;

	if (!summed && !d->unsummed)
		return false;
	for (i = 0; i < len; i++) {
		if (want[i] == got[i])
			continue;
		first = i < first ? i : first;
		last = i;
	}
	/* the checksum is at 16 of the header, an option within 60 */
	return last - first < (summed ? 60 : 2);
}

/**
 * is_intact - is it the packet that was to come out?
 * @it: what it was sent in
 * @d: where
 * @t: the tunnel
 * @got: what came out
 * @len: bytes of it
 */
bool is_intact(const struct item *it, const struct delivery *d,
	       const struct tunnel *t, const u8 *got, unsigned int len)
{
	u8 want[PACKET_MAX];
	u16 sum;

	if (len != d->len)
		return false;
	memcpy(want, it->p + d->at, len);
	if (d->sum_start) {
		sum = checksum(want + d->sum_start, len - d->sum_start, 0);
		put16(want + d->sum_at, sum ? sum : 0xffff);
	}
	if (!memcmp(want, got, len))
		return true;
	if (d->ethertype == ETH_IP && !is_marked4(want, got, d->outer_tos))
		return false;
	if (d->ethertype == ETH_IP6)
		mark6(want, d->outer_tos);
	return !memcmp(want, got, len) ||
	       (t->clamp && is_clamped(d, want, got, len));
}
