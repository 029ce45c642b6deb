// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: ICMP errors from the underlay.
 *
 * Owns: what an error means to the outer route and to the inner sender
 * (RFC 2003, section 4).
 * Does not own: errors about packets that never left (xmit.c); how either
 * family words them (underlay.c, inner.c).
 */

#include <net/dst.h>

#include "adit.h"

/* What a packet like the quoted one goes through now */
static struct dst_entry *outer_route(struct adit_config *config,
				     const struct adit_inner *inner, u8 tos)
{
	struct adit_flow flow = {
		.config = config,
		.inner = inner,
		.tos = tos,
	};

	return config->outer->route(config->tunnel->net, &flow);
}

/* The quoted packet's route learns the PMTU, and says what it then believes:
 * routers may tell nonsense. The kernel's own ipv4_update_pmtu() would look for
 * that route without the mark. Return: what inner packets have of it, or 0.
 */
static unsigned int learn_pmtu(struct sk_buff *skb, u32 info,
			       struct adit_config *config,
			       const struct adit_inner *inner)
{
	struct sk_buff *quote = skb_clone(skb, GFP_ATOMIC);
	unsigned int mtu = 0;
	struct dst_entry *dst;
	u8 tos;

	if (!quote)
		return 0;
	skb_reset_network_header(quote);
	tos = config->tos == ADIT_TOS_INHERIT ? config->outer->dsfield(quote) :
						config->tos;

	dst = outer_route(config, inner, tos);
	if (IS_ERR(dst))
		goto free;
	skb_dst_drop(quote);
	skb_dst_set(quote, dst);
	quote->dev = dst->dev;
	quote->mark = config->fwmark;
	skb_dst_update_pmtu_no_confirm(quote, info);

	dst = outer_route(config, inner, tos);
	if (IS_ERR(dst))
		goto free;
	mtu = max_t(int, dst_mtu(dst) - adit_overhead(config), 1);
	mtu = max_t(unsigned int, mtu, inner->min_mtu);
	dst_release(dst);
free:
	kfree_skb(quote);
	return mtu;
}

/* The inner packet as the quote has it, as if it were about to leave through
 * the tunnel; the caller frees it. NULL where the quote is too short for a
 * header and the 8 bytes that its sender needs.
 */
static struct sk_buff *quoted_inner(struct sk_buff *skb,
				    const struct adit_config *config,
				    const struct adit_inner *inner)
{
	unsigned int offset = config->outer->quoted_hlen(skb);
	struct sk_buff *quote;

	if (!offset)
		return NULL;
	offset += config->encap->hlen;
	if (!pskb_may_pull(skb, offset + inner->hlen + 8) ||
	    skb->data[offset] >> 4 != inner->version)
		return NULL;

	quote = skb_clone(skb, GFP_ATOMIC);
	if (!quote)
		return NULL;

	__skb_pull(quote, offset);
	skb_reset_network_header(quote);
	skb_scrub_packet(quote, true);
	memset(quote->cb, 0, sizeof(quote->cb));
	quote->protocol = inner->ethertype;
	quote->dev = config->tunnel->dev;
	return quote;
}

/* Whoever knows a tunnel's ends can forge an error about it. What is relayed
 * must at least be about a destination that is reached through the tunnel, and
 * never raises an MTU. @mtu: as adit_inner.relay has it.
 */
static void relay(struct sk_buff *skb, const struct adit_config *config,
		  const struct adit_inner *inner, unsigned int mtu)
{
	struct sk_buff *quote = quoted_inner(skb, config, inner);
	struct dst_entry *dst;

	if (!quote)
		return;
	dst = inner->route(quote);
	if (IS_ERR(dst))
		goto free;
	skb_dst_set(quote, dst);
	if (dst->dev == quote->dev && mtu <= dst_mtu(dst))
		inner->relay(quote, mtu);
free:
	kfree_skb(quote);
}

/**
 * adit_icmp_err - an ICMP error about a packet of a tunnel
 * @skb: at the quoted outer header; stays the caller's
 * @info: the MTU, of "too big"
 * @config: the tunnel's
 * @inner: what the quoted outer header announces
 *
 * Context: softirq, RCU. Return: 0, it was ours.
 */
int adit_icmp_err(struct sk_buff *skb, u32 info, struct adit_config *config,
		  const struct adit_inner *inner)
{
	unsigned int mtu;

	switch (config->outer->err(skb)) {
	case ADIT_ERR_REDIRECT:
		config->outer->redirect(skb, config, inner);
		break;
	case ADIT_ERR_UNREACHABLE:
		relay(skb, config, inner, 0);
		break;
	case ADIT_ERR_TOO_BIG:
		mtu = learn_pmtu(skb, info, config, inner);
		if (mtu)
			relay(skb, config, inner, mtu);
		break;
	case ADIT_ERR_IGNORE:
		break;
	}
	return 0;
}
