// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: ICMP errors from the underlay.
 *
 * Owns: what an error means to the outer route and to the inner sender
 * (RFC 2003, section 4).
 * Does not own: errors about packets that never left (xmit.c); how either
 * family words them (underlay.c, inner.c).
 */

#include <linux/ip.h>
#include <net/dst.h>
#include <net/gre.h>
#include <net/ip.h>

#include "adit.h"

/* Does each flow have a next hop of its own, see adit_find_remote()? Metadata may say a
 * source.
 */
static bool spreads(const struct adit_config *config)
{
	return !adit_is_fixed(config) &&
	       (config->external || !adit_addr_is_any(&config->local));
}

/* What a packet like the quoted one goes through now. Where the quote does not
 * reach to the inner packet, one family's route stands for all.
 * @hash: as adit_flow has it
 */
static int outer_route(struct adit_flow *flow, struct adit_config *config,
		       const struct adit_wire *wire, u8 tos, u32 hash)
{
	*flow = config->flow;
	adit_flow_set_inner(flow, wire->inner ?: &adit_inners[ADIT_INNER_IP4]);
	flow->outer = wire->outer;
	flow->remote = wire->key.remote;
	if (spreads(config)) {
		flow->local = wire->key.local;
		flow->hash = hash;
	}
	if (!adit_is_fixed(config) && wire->fault == ADIT_DROP_NONE &&
	    wire->gre_flags & GRE_KEY) {
		flow->gre_flags |= GRE_KEY;
		flow->okey = wire->key.gre_key;
	}
	flow->tos = tos;
	return flow->outer->route(config->tunnel->net, flow);
}

/* Where routing chooses the source, a packet that this host would not send so
 * was not sent by it. With a TOS for each packet, that cannot be told.
 */
static bool is_from_here(struct adit_config *config,
			 const struct adit_wire *wire)
{
	struct adit_flow flow;

	if (!adit_is_fixed(config) || !adit_addr_is_any(&config->local) ||
	    config->tos == ADIT_TOS_INHERIT)
		return true;
	if (outer_route(&flow, config, wire, config->tos, 0))
		return false;
	adit_flow_put(&flow);
	return adit_addr_equal(&flow.local, &wire->key.local);
}

/* What a packet like the quoted one has before the inner packet: metadata may
 * have asked for more than the tunnel does.
 */
static unsigned int quoted_overhead(const struct adit_icmp *icmp,
				    const struct adit_config *config,
				    const struct adit_wire *wire)
{
	if (wire->fault != ADIT_DROP_NONE || !icmp->offset)
		return adit_overhead(config);
	return wire->hlen;
}

/* What has chosen the quoted packet's next hop among several, at the same place.
 * @quote: at the outer header, as its network header
 */
static u32 quoted_flow(struct sk_buff *quote, const struct adit_wire *wire)
{
	const struct adit_inner *inner = wire->inner;
	u32 hash;

	if (wire->fault != ADIT_DROP_NONE || !inner ||
	    !pskb_may_pull(quote, wire->hlen + inner->hlen + sizeof(__be32)))
		return 0;
	skb_set_network_header(quote, wire->hlen);
	hash = adit_inner_flow(quote, inner);
	skb_reset_network_header(quote);
	return hash;
}

/* The quoted packet's route learns the PMTU, and says what it then believes:
 * routers may tell nonsense. The kernel's own ipv4_update_pmtu() would look for
 * that route without the mark. Return: what inner packets have of it, or 0.
 */
static unsigned int teach_route(struct sk_buff *quote,
				const struct adit_icmp *icmp,
				struct adit_config *config,
				const struct adit_wire *wire, u8 tos, u32 hash)
{
	struct adit_flow flow;
	unsigned int mtu;

	if (outer_route(&flow, config, wire, tos, hash))
		return 0;
	skb_dst_drop(quote);
	adit_flow_set_dst(quote, &flow);
	quote->dev = flow.dst->dev;
	quote->mark = config->fwmark;
	skb_dst_update_pmtu_no_confirm(quote, icmp->info);

	if (outer_route(&flow, config, wire, tos, hash))
		return 0;
	mtu = max_t(int, dst_mtu(flow.dst) - quoted_overhead(icmp, config, wire), 1);
	if (wire->inner)
		mtu = max_t(unsigned int, mtu, wire->inner->min_mtu);
	adit_flow_put(&flow);
	return mtu;
}

/* That many hashes find all next hops, if there are not many. */
#define ADIT_HOPS_TRIED	16

/* Where it cannot be told which one of several the quoted packet had, all next hops
 * learn. Return: as teach_route().
 */
static unsigned int learn_pmtu(struct sk_buff *skb,
			       const struct adit_icmp *icmp,
			       struct adit_config *config,
			       const struct adit_wire *wire)
{
	struct sk_buff *quote = skb_clone(skb, GFP_ATOMIC);
	unsigned int mtu = 0, i, n = 1;
	u32 hash;
	u8 tos;

	if (!quote)
		return 0;
	skb_reset_network_header(quote);
	tos = config->tos == ADIT_TOS_INHERIT ? wire->outer->dsfield(quote) :
						config->tos;
	hash = icmp->offset ? quoted_flow(quote, wire) : 0;
	if (!hash && spreads(config))
		n = ADIT_HOPS_TRIED;
	for (i = 0; i < n; i++)
		mtu = teach_route(quote, icmp, config, wire, tos,
				  hash + i * (U32_MAX / n)) ?: mtu;
	kfree_skb(quote);
	return mtu;
}

/* The inner packet as the quote has it, as if it were about to leave through
 * the tunnel; the caller frees it. NULL where the quote is too short for a
 * header and the 8 bytes that its sender needs, or nobody could be told.
 */
static struct sk_buff *quoted_inner(struct sk_buff *skb,
				    const struct adit_config *config,
				    const struct adit_wire *wire)
{
	const struct adit_inner *inner = wire->inner;
	struct sk_buff *quote;

	if (wire->fault != ADIT_DROP_NONE || !inner || !inner->relay)
		return NULL;
	if (!pskb_may_pull(skb, wire->hlen + inner->hlen + 8) ||
	    skb->data[wire->hlen] >> 4 != inner->version)
		return NULL;

	quote = skb_clone(skb, GFP_ATOMIC);
	if (!quote)
		return NULL;

	__skb_pull(quote, wire->hlen);
	skb_reset_network_header(quote);
	skb_scrub_packet(quote, true);
	memset(quote->cb, 0, sizeof(quote->cb));
	quote->protocol = inner->ethertype;
	quote->dev = config->tunnel->dev;
	return quote;
}

/* Whoever knows a tunnel's ends can forge an error about it. What is relayed
 * must at least be about a destination that is reached through the tunnel, and
 * never raises an MTU. @mtu: as adit_inner.relay has it, or 0.
 */
static void relay(struct sk_buff *skb, const struct adit_config *config,
		  const struct adit_wire *wire, enum adit_err err,
		  unsigned int mtu)
{
	struct sk_buff *quote = quoted_inner(skb, config, wire);
	struct dst_entry *dst;

	if (!quote)
		return;
	dst = wire->inner->route(quote);
	if (IS_ERR(dst))
		goto free;
	skb_dst_set(quote, dst);
	if (dst->dev == quote->dev && mtu <= dst_mtu(dst))
		wire->inner->relay(quote, err, mtu);
free:
	kfree_skb(quote);
}

/**
 * adit_icmp_ip4 - an ICMP error
 * @skb: at the quoted outer header
 * @icmph: its ICMP header
 * @info: as the kernel hands it to protocols
 *
 * What follows the header of a later fragment is not an inner header.
 */
struct adit_icmp adit_icmp_ip4(const struct sk_buff *skb,
			       const struct icmphdr *icmph, u32 info)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;

	return (struct adit_icmp) {
		.type = icmph->type,
		.code = icmph->code,
		.info = info,
		.offset = iph->frag_off & htons(IP_OFFSET) ? 0 : iph->ihl * 4,
	};
}

/* The same of ICMPv6, of what the kernel hands to protocols */
struct adit_icmp adit_icmp_ip6(u8 type, u8 code, int offset, __be32 info)
{
	return (struct adit_icmp) {
		.type = type,
		.code = code,
		.info = ntohl(info),
		.offset = offset,
	};
}

/**
 * adit_icmp_err - an ICMP error about a packet of a tunnel
 * @skb: at the quoted outer header; stays the caller's
 * @icmp: the error
 * @config: the tunnel's
 * @wire: the quoted packet, as if it had come the other way
 *
 * Context: softirq, RCU.
 */
void adit_icmp_err(struct sk_buff *skb, const struct adit_icmp *icmp,
		   struct adit_config *config, const struct adit_wire *wire)
{
	enum adit_err err = wire->outer->err(icmp->type, icmp->code);
	unsigned int mtu;

	if (!is_from_here(config, wire))
		return;
	/* to the inner sender the tunnel is one hop, unless it is its TTL that counts */
	if (err == ADIT_ERR_EXPIRED && config->ttl != ADIT_TTL_INHERIT)
		err = ADIT_ERR_UNREACHABLE;
	switch (err) {
	case ADIT_ERR_REDIRECT:
		wire->outer->redirect(skb, config);
		break;
	case ADIT_ERR_UNREACHABLE:
	case ADIT_ERR_EXPIRED:
		if (icmp->offset)
			relay(skb, config, wire, err, 0);
		break;
	case ADIT_ERR_TOO_BIG:
		mtu = learn_pmtu(skb, icmp, config, wire);
		if (mtu && icmp->offset)
			relay(skb, config, wire, err, mtu);
		break;
	case ADIT_ERR_IGNORE:
		break;
	}
}
