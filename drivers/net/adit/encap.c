// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: what stands between the outer IP header and the inner packet.
 *
 * Owns: the rows of that table: modes (nothing, or GRE) and the encapsulations
 * around them (nothing, UDP, UDP and GUE); putting headers on and reading them.
 * Does not own: the outer IP header (underlay.c), inner families (inner.c),
 * UDP sockets (udp.c), whose a packet is (demux.c).
 */

#include <linux/if_tunnel.h>
#include <linux/udp.h>
#include <net/gre.h>
#include <net/gue.h>
#include <net/udp.h>

#include "adit.h"

/* Bytes of a packet, or NULL where it has not so many */
static const void *bytes(struct sk_buff *skb, unsigned int offset,
			 unsigned int len)
{
	return pskb_may_pull(skb, offset + len) ? skb->data + offset : NULL;
}

static unsigned int no_hlen(const struct adit_flow *flow)
{
	return 0;
}

/* --- mode ip: the protocol number around it says what the packet is */

static enum adit_drop ip_parse(struct sk_buff *skb, struct adit_wire *wire,
			       u8 mode)
{
	const u8 *first = bytes(skb, wire->hlen, 1);

	if (!first)
		return ADIT_DROP_RX_MALFORMED;
	switch (*first >> 4) {
	case 4:
		wire->inner = &adit_inners[ADIT_INNER_IP4];
		return ADIT_DROP_NONE;
	case 6:
		wire->inner = &adit_inners[ADIT_INNER_IP6];
		return ADIT_DROP_NONE;
	}
	return ADIT_DROP_RX_MALFORMED;
}

/* --- mode gre: RFC 2784, RFC 2890 */

#define ADIT_GRE_FLAGS	(GRE_CSUM | GRE_KEY | GRE_SEQ)

static unsigned int gre_flags_hlen(__be16 flags)
{
	if (likely(!flags))
		return sizeof(struct gre_base_hdr);
	return sizeof(struct gre_base_hdr) +
	       (flags & GRE_CSUM ? GRE_HEADER_SECTION : 0) +
	       (flags & GRE_KEY ? GRE_HEADER_SECTION : 0) +
	       (flags & GRE_SEQ ? GRE_HEADER_SECTION : 0);
}

static unsigned int gre_hlen(const struct adit_flow *flow)
{
	return gre_flags_hlen(flow->gre_flags);
}

static void gre_push_options(struct sk_buff *skb, struct adit_flow *flow,
			     __be32 *option)
{
	__be16 *sum = (__be16 *)option;
	__be16 csum = 0;

	if (flow->gre_flags & GRE_CSUM)
		*option++ = 0;
	if (flow->gre_flags & GRE_KEY)
		*option++ = flow->okey;
	if (flow->gre_flags & GRE_SEQ)
		*option = htonl(atomic_fetch_inc(&flow->config->tunnel->oseq));

	/* that of segments is left to who makes them */
	if (!(flow->gre_flags & GRE_CSUM) || skb_is_gso(skb))
		return;
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		csum = (__force __be16)csum_fold(lco_csum(skb));
	else
		csum = (__force __be16)csum_fold(skb_checksum(skb, 0,
							      skb->len, 0));
	*sum = csum;
}

static void gre_push(struct sk_buff *skb, struct adit_flow *flow, u8 ipproto)
{
	struct gre_base_hdr *greh = __skb_push(skb, gre_hlen(flow));

	skb_reset_transport_header(skb);
	greh->flags = flow->gre_flags;
	greh->protocol = flow->inner->ethertype;
	if (flow->gre_flags)
		gre_push_options(skb, flow, (__be32 *)(greh + 1));
}

/* What follows the base header, in the order of its bits */
static enum adit_drop gre_parse_options(struct sk_buff *skb,
					struct adit_wire *wire)
{
	unsigned int hlen = gre_flags_hlen(wire->gre_flags);
	const __be32 *option;

	if (wire->gre_flags & ~ADIT_GRE_FLAGS)
		return ADIT_DROP_RX_MALFORMED;
	if (wire->gre_flags & GRE_KEY)
		wire->key.format |= adit_format(0, 0, true);
	option = bytes(skb, wire->gre, hlen);
	if (!option)
		return ADIT_DROP_RX_MALFORMED;
	wire->hlen += hlen - sizeof(struct gre_base_hdr);
	option++;
	if (wire->gre_flags & GRE_CSUM)
		option++;
	if (wire->gre_flags & GRE_KEY)
		wire->key.gre_key = *option++;
	if (wire->gre_flags & GRE_SEQ)
		wire->seq = ntohl(*option);
	return ADIT_DROP_NONE;
}

/* A router's redirection of IPv4 (WCCP), with a header of its own since version 2 */
static __be16 wccp_parse(struct sk_buff *skb, struct adit_wire *wire)
{
	const u8 *first = bytes(skb, wire->hlen, 1);

	if (first && *first >> 4 != 4)
		wire->hlen += sizeof(__be32);
	return htons(ETH_P_IP);
}

static enum adit_drop gre_parse(struct sk_buff *skb, struct adit_wire *wire,
				u8 mode)
{
	const struct gre_base_hdr *greh;
	enum adit_drop drop;
	__be16 ethertype;

	greh = bytes(skb, wire->hlen, sizeof(*greh));
	if (!greh)
		return ADIT_DROP_RX_MALFORMED;
	ethertype = greh->protocol;
	wire->gre = wire->hlen;
	wire->gre_flags = greh->flags;
	wire->hlen += sizeof(*greh);
	if (wire->gre_flags) {
		drop = gre_parse_options(skb, wire);
		if (drop != ADIT_DROP_NONE)
			return drop;
	}
	if (unlikely(ethertype == htons(ETH_P_WCCP)))
		ethertype = wccp_parse(skb, wire);
	wire->inner = adit_inner_find(ethertype);
	return wire->inner ? ADIT_DROP_NONE : ADIT_DROP_RX_PROTOCOL;
}

const struct adit_layer adit_modes[ADIT_MODE_MAX + 1] = {
	[ADIT_MODE_IP] = {
		.name = "ip",
		.ipproto = 0,
		.hlen = no_hlen,
		.push = NULL,
		.parse = ip_parse,
	},
	[ADIT_MODE_GRE] = {
		.name = "gre",
		.ipproto = IPPROTO_GRE,
		.hlen = gre_hlen,
		.push = gre_push,
		.parse = gre_parse,
	},
};

/* --- encap none: protocol numbers of their own, which the caller has read */

static enum adit_drop none_parse(struct sk_buff *skb, struct adit_wire *wire,
				 u8 mode)
{
	wire->key.format = adit_format(mode, ADIT_ENCAP_NONE, false);
	if (mode == ADIT_MODE_IP)
		return ADIT_DROP_NONE;
	return adit_modes[mode].parse(skb, wire, mode);
}

/* --- encap fou: UDP, and the packet follows at once (RFC 8086 with GRE) */

static unsigned int fou_hlen(const struct adit_flow *flow)
{
	return sizeof(struct udphdr);
}

static void fou_push(struct sk_buff *skb, struct adit_flow *flow, u8 ipproto)
{
	struct udphdr *uh = __skb_push(skb, sizeof(*uh));

	skb_reset_transport_header(skb);
	uh->source = flow->sport;
	uh->dest = flow->dport;
	uh->len = htons(skb->len);
	flow->outer->udp_csum(skb, flow);
}

static enum adit_drop fou_parse(struct sk_buff *skb, struct adit_wire *wire,
				u8 mode)
{
	wire->key.format = adit_format(mode, ADIT_ENCAP_FOU, false);
	return adit_modes[mode].parse(skb, wire, mode);
}

/* --- encap gue: UDP and a header that names the protocol (variant 0), or an IP
 * packet as it is (variant 1)
 */

static unsigned int gue_hlen(const struct adit_flow *flow)
{
	return sizeof(struct udphdr) + sizeof(struct guehdr);
}

static void gue_push(struct sk_buff *skb, struct adit_flow *flow, u8 ipproto)
{
	struct guehdr *gueh = __skb_push(skb, sizeof(*gueh));

	memset(gueh, 0, sizeof(*gueh));
	gueh->proto_ctype = ipproto;
	fou_push(skb, flow, ipproto);
}

/* Of the options only remote checksum offload is known: two offsets, from what
 * follows the GUE header on.
 */
static bool gue_options_ok(const struct guehdr *gueh, unsigned int len,
			   struct adit_wire *wire)
{
	const __be32 *priv = (const __be32 *)(gueh + 1);
	const __be16 *remcsum = (const __be16 *)(priv + 1);

	if (!gueh->flags)
		return true;
	if (gueh->flags != GUE_FLAG_PRIV || len < GUE_LEN_PRIV ||
	    *priv & ~GUE_PFLAG_REMCSUM)
		return false;
	if (!*priv)
		return true;
	if (len < GUE_LEN_PRIV + GUE_PLEN_REMCSUM)
		return false;
	wire->remcsum_start = ntohs(remcsum[0]);
	wire->remcsum_offset = ntohs(remcsum[1]);
	return wire->remcsum_start &&
	       wire->remcsum_offset >= wire->remcsum_start;
}

/* The inner packet begins that much later than what follows the GUE header. */
static enum adit_drop gue_shift_remcsum(struct adit_wire *wire, u16 len)
{
	if (likely(!wire->remcsum_start))
		return ADIT_DROP_NONE;
	if (wire->remcsum_start <= len)
		return ADIT_DROP_RX_MALFORMED;
	wire->remcsum_start -= len;
	wire->remcsum_offset -= len;
	return ADIT_DROP_NONE;
}

static enum adit_drop gue_parse_inner(struct sk_buff *skb,
				      struct adit_wire *wire, u8 ipproto)
{
	if (ipproto == IPPROTO_GRE) {
		wire->key.format = adit_format(ADIT_MODE_GRE, ADIT_ENCAP_GUE,
					       false);
		return gre_parse(skb, wire, ADIT_MODE_GRE);
	}
	wire->inner = adit_inner_of_ipproto(ipproto);
	return wire->inner ? ADIT_DROP_NONE : ADIT_DROP_RX_PROTOCOL;
}

/* It is the header that says whether GRE follows. */
static enum adit_drop gue_modeless(struct adit_wire *wire, enum adit_drop fault)
{
	wire->modeless = true;
	return fault;
}

/* An IP packet as it is, or nothing that is known */
static enum adit_drop gue_parse_bare(struct sk_buff *skb,
				     struct adit_wire *wire)
{
	const u8 *first = bytes(skb, wire->hlen, 1);

	if (first && *first >> 6 == 1)
		return ip_parse(skb, wire, ADIT_MODE_IP);
	return gue_modeless(wire, ADIT_DROP_RX_MALFORMED);
}

static enum adit_drop gue_parse(struct sk_buff *skb, struct adit_wire *wire,
				u8 mode)
{
	const struct guehdr *gueh = bytes(skb, wire->hlen, sizeof(*gueh));
	enum adit_drop fault;
	unsigned int len;

	wire->key.format = adit_format(ADIT_MODE_IP, ADIT_ENCAP_GUE, false);
	if (!gueh || gueh->version)
		return gue_parse_bare(skb, wire);
	len = gueh->hlen * 4;
	if (unlikely(len))
		gueh = bytes(skb, wire->hlen, sizeof(*gueh) + len);
	if (!gueh)
		return gue_modeless(wire, ADIT_DROP_RX_MALFORMED);
	if (gueh->control)
		return gue_modeless(wire, ADIT_DROP_RX_CONTROL);
	if (!gue_options_ok(gueh, len, wire))
		return gue_modeless(wire, ADIT_DROP_RX_MALFORMED);

	wire->hlen += sizeof(*gueh) + len;
	len = wire->hlen;
	fault = gue_parse_inner(skb, wire, gueh->proto_ctype);
	return fault == ADIT_DROP_NONE ?
	       gue_shift_remcsum(wire, wire->hlen - len) : fault;
}

const struct adit_layer adit_encaps[ADIT_ENCAP_MAX + 1] = {
	[ADIT_ENCAP_NONE] = {
		.name = "none",
		.ipproto = 0,
		.hlen = no_hlen,
		.push = NULL,
		.parse = none_parse,
	},
	[ADIT_ENCAP_FOU] = {
		.name = "fou",
		.ipproto = IPPROTO_UDP,
		.hlen = fou_hlen,
		.push = fou_push,
		.parse = fou_parse,
	},
	[ADIT_ENCAP_GUE] = {
		.name = "gue",
		.ipproto = IPPROTO_UDP,
		.hlen = gue_hlen,
		.push = gue_push,
		.parse = gue_parse,
	},
};

/**
 * adit_flow_hlen - bytes between the outer IP header and the inner packet
 * @flow: its GRE flags are known
 */
unsigned int adit_flow_hlen(const struct adit_flow *flow)
{
	return adit_modes[flow->config->mode].hlen(flow) +
	       adit_encaps[flow->config->encap].hlen(flow);
}

/**
 * adit_flow_init - make what all packets of a tunnel have in common
 * @config: the tunnel's, complete but for its flow
 *
 * What is missing are the inner family, the route and what is taken from the
 * packet.
 */
void adit_flow_init(struct adit_config *config)
{
	struct adit_flow *flow = &config->flow;

	memset(flow, 0, sizeof(*flow));
	flow->config = config;
	flow->outer = config->outer;
	flow->remote = config->remote;
	flow->local = config->local;
	flow->okey = config->okey;
	flow->sport = config->sport;
	flow->dport = config->dport;
	flow->csum = config->encap_csum;
	flow->limit = -1;
	/* A route looked up for one packet's TOS, or by a remote that is one
	 * packet's, does not serve the next one. Under PREEMPT_RT, BHs that are
	 * off do not keep others on this CPU from the slot.
	 */
	config->keeps_routes = !IS_ENABLED(CONFIG_PREEMPT_RT) &&
			       config->tos != ADIT_TOS_INHERIT &&
			       adit_is_fixed(config);
	flow->gre_flags = (config->ocsum ? GRE_CSUM : 0) |
			  (config->okeyed ? GRE_KEY : 0) |
			  (config->oseq ? GRE_SEQ : 0);
	flow->hlen = adit_flow_hlen(flow);
	flow->ipproto = adit_encaps[config->encap].ipproto ?:
			adit_modes[config->mode].ipproto;
}

/**
 * adit_flow_gso_type - how the underlay cuts a packet into segments
 * @flow: complete but for the route
 *
 * Headers that differ from one segment to the next, other than those the kernel
 * knows, make that impossible: GRE sequence numbers, and GRE checksums in UDP;
 * and it cannot cut MPLS that IP announces.
 * Return: SKB_GSO_* bit, or 0: segments are to be made first.
 */
int adit_flow_gso_type(const struct adit_flow *flow)
{
	const struct adit_config *config = flow->config;

	if (config->encap != ADIT_ENCAP_NONE) {
		if (config->mode == ADIT_MODE_GRE &&
		    flow->gre_flags & (GRE_SEQ | GRE_CSUM))
			return 0;
		return flow->csum ? SKB_GSO_UDP_TUNNEL_CSUM :
				    SKB_GSO_UDP_TUNNEL;
	}
	if (config->mode == ADIT_MODE_GRE) {
		if (flow->gre_flags & GRE_SEQ)
			return 0;
		return flow->gre_flags & GRE_CSUM ? SKB_GSO_GRE_CSUM :
						    SKB_GSO_GRE;
	}
	return flow->inner->index == ADIT_INNER_MPLS ? 0 :
						       flow->outer->gso_ipxip;
}

/**
 * adit_push - put all headers before a packet but the outer IP header
 * @skb: has room for them
 * @flow: complete
 *
 * Segments are found by the inner ethertype where the kernel can skip what
 * stands before them, and by the protocol number where nothing does.
 */
void adit_push(struct sk_buff *skb, struct adit_flow *flow)
{
	const struct adit_config *config = flow->config;
	const struct adit_layer *mode = &adit_modes[config->mode];
	const struct adit_layer *encap = &adit_encaps[config->encap];

	if (mode->push || encap->push)
		skb_set_inner_protocol(skb, flow->inner->ethertype);
	else
		skb_set_inner_ipproto(skb, flow->inner->ipproto);

	if (mode->push)
		mode->push(skb, flow, flow->inner->ipproto);
	if (encap->push)
		encap->push(skb, flow, mode->ipproto ?: flow->inner->ipproto);
}
