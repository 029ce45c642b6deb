// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: the transmit pipeline: read the inner header, route, fit the path,
 * make room, offloads, build, send.
 *
 * Owns: that order, what outer fields are taken from the inner header, what
 * happens to a packet larger than the path, and catching loops.
 * Does not own: routes and outer headers (underlay.c), ICMP (icmp.c).
 */

#include <linux/ip.h>
#include <net/dst_metadata.h>
#include <net/gso.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip_tunnels.h>
#include <net/udp.h>

#include "adit.h"
#include "nest.h"

/* What is being transmitted */
static DEFINE_PER_CPU(struct adit_nest *, adit_xmits);

static enum adit_drop check_nesting(const struct net_device *dev)
{
	unsigned int depth = adit_nest_count(&adit_xmits, NULL);

	if (likely(!depth))
		return ADIT_DROP_NONE;
	if (adit_nest_count(&adit_xmits, dev))
		return ADIT_DROP_TX_LOOP_MUTUAL;
	return depth < ADIT_NESTING_MAX ? ADIT_DROP_NONE : ADIT_DROP_TX_NESTING;
}

/**
 * adit_overhead - the most bytes that a tunnel adds to a packet, unless the
 *	packet itself asks for more
 * @config: the tunnel's
 */
unsigned int adit_overhead(const struct adit_config *config)
{
	return (config->outer ?: &adit_outer_ip6)->hlen + config->flow.hlen;
}

static unsigned int flow_overhead(const struct adit_flow *flow)
{
	return flow->outer->hlen + flow->hlen;
}

/* UDP with nothing after it has no way to say that MPLS follows. */
static bool can_carry(const struct adit_config *config,
		      const struct adit_inner *inner)
{
	return inner && !(inner->index == ADIT_INNER_MPLS &&
			  config->mode == ADIT_MODE_IP &&
			  config->encap == ADIT_ENCAP_FOU);
}

/* What is told to a packet's sender may well leave through this very device,
 * which is no loop: the packet itself goes no further.
 */
static enum adit_drop too_deep(struct sk_buff *skb,
			       const struct adit_inner *inner)
{
	struct adit_nest *nest = adit_nest_pop(&adit_xmits);

	inner->too_deep(skb);
	adit_nest_push(&adit_xmits, nest);
	return ADIT_DROP_TX_NESTING;
}

static enum adit_drop read_inner(struct sk_buff *skb, struct adit_flow *flow)
{
	const struct adit_config *config = flow->config;
	const struct adit_inner *inner = adit_inner_find(skb->protocol);

	if (unlikely(!can_carry(config, inner)))
		return ADIT_DROP_TX_PROTOCOL;
	if (!pskb_network_may_pull(skb, inner->hlen) ||
	    (inner->version &&
	     *skb_network_header(skb) >> 4 != inner->version))
		return ADIT_DROP_TX_MALFORMED;
	adit_flow_set_inner(flow, inner);
	inner->read(skb, flow);

	/* ECN as RFC 6040, 4.1, normal mode: copied, congestion mark and all */
	flow->tos = config->tos == ADIT_TOS_INHERIT ? flow->dsfield :
		    config->tos | (flow->dsfield & INET_ECN_MASK);
	if (config->ttl != ADIT_TTL_INHERIT)
		flow->ttl = config->ttl;
	flow->df = config->df == ADIT_DF_SET ||
		   (config->df == ADIT_DF_INHERIT && flow->inner_df);
	return ADIT_DROP_NONE;
}

static bool fits(const struct sk_buff *skb, unsigned int mtu)
{
	if (skb_is_gso(skb))
		return skb_gso_validate_network_len(skb, mtu);
	return skb->len <= mtu;
}

static enum adit_drop xmit_one(struct adit_tunnel *t, struct sk_buff *skb);

/* Parts of a packet go through the pipeline by themselves. */
static void xmit_part(struct adit_tunnel *t, struct sk_buff *skb)
{
	enum adit_drop drop = xmit_one(t, skb);

	if (drop != ADIT_DROP_NONE)
		adit_drop_skb(t, skb, drop);
}

static int xmit_fragment(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	xmit_part(netdev_priv(skb->dev), skb);
	return 0;
}

static enum adit_drop xmit_segments(struct adit_tunnel *t, struct sk_buff *skb)
{
	struct sk_buff *segs, *seg, *next;

	segs = skb_gso_segment(skb, t->dev->features & ~NETIF_F_GSO_MASK);
	if (IS_ERR_OR_NULL(segs))
		return PTR_ERR(segs) == -ENOMEM ? ADIT_DROP_TX_NOMEM :
						  ADIT_DROP_TX_MALFORMED;

	consume_skb(skb);
	skb_list_walk_safe(segs, seg, next) {
		skb_mark_not_on_list(seg);
		xmit_part(t, seg);
	}
	return ADIT_DROP_NONE;
}

/* The inner packet may be fragmented and the outer one may not, so the inner
 * one is, which spares the far end the reassembly. ip_do_fragment() takes the
 * fragment size and the length of options from the control block, and writes over
 * them; not every kernel's checks that a fragment can carry anything; it also needs
 * an IPv4 route to go by. That the header is as long as it says, who has a raw socket
 * or netfilter need not have seen to.
 */
static enum adit_drop xmit_fragments(struct adit_tunnel *t, struct sk_buff *skb,
				     unsigned int mtu)
{
	struct dst_entry *dst = skb_dst(skb);

	if (ip_hdrlen(skb) < sizeof(struct iphdr) ||
	    !pskb_network_may_pull(skb, ip_hdrlen(skb)))
		return ADIT_DROP_TX_MALFORMED;
	if (!skb_valid_dst(skb) || dst->ops->family != AF_INET ||
	    min(mtu, dst_mtu(dst)) < ip_hdrlen(skb) + 8)
		return ADIT_DROP_TX_TOO_BIG;

	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	IPCB(skb)->opt.optlen = ip_hdrlen(skb) - sizeof(struct iphdr);
	IPCB(skb)->frag_max_size = mtu;
	skb->dev = t->dev;
	if (ip_do_fragment(dev_net(t->dev), NULL, skb, xmit_fragment))
		adit_count_drop(t, ADIT_DROP_TX_NOMEM);
	return ADIT_DROP_NONE;
}

static enum adit_drop too_big(struct sk_buff *skb,
			      const struct adit_inner *inner, unsigned int mtu)
{
	struct adit_nest *nest = adit_nest_pop(&adit_xmits);

	mtu = max_t(unsigned int, mtu, inner->min_mtu);
	/* the header of what has no sender is not the route's */
	if (inner->too_big) {
		if (skb_valid_dst(skb))
			skb_dst_update_pmtu_no_confirm(skb, mtu);
		inner->too_big(skb, mtu);
	}
	adit_nest_push(&adit_xmits, nest);
	return ADIT_DROP_TX_TOO_BIG;
}

/* How a packet that is larger than the path gets there */
enum fit {
	FIT_AS_IS,		/* its segments do, or the underlay fragments */
	FIT_SEGMENTS,
	FIT_FRAGMENTS,
	FIT_NOT,
};

static enum fit find_fit(const struct sk_buff *skb, struct adit_flow *flow,
			 unsigned int mtu)
{
	unsigned int max = IP_MAX_MTU - flow_overhead(flow);
	bool whole = skb->len <= max;

	flow->fits = whole && fits(skb, mtu);
	if (flow->fits)
		return FIT_AS_IS;

	/* RFC 4213, 3.2.2: what every IPv6 path must carry is fragmented */
	if (flow->inner->min_mtu && fits(skb, flow->inner->min_mtu))
		flow->df = false;
	if (whole && !flow->df)
		return FIT_AS_IS;

	if (flow->inner_df && !fits(skb, flow->df ? mtu : max))
		return FIT_NOT;
	return skb_is_gso(skb) ? FIT_SEGMENTS : FIT_FRAGMENTS;
}

/* Packets that GRO has only chained up may have no room before them for outer headers,
 * which the kernel puts there all the same when it cuts the chain. Nor has it a good
 * GRE checksum for segments by the time that IPsec encrypts them, nor does it find the
 * inner headers once a route's own encapsulation has taken their places in the skb.
 */
static bool underlay_cuts(const struct sk_buff *skb,
			  const struct adit_flow *flow)
{
	int type = adit_flow_gso_type(flow);

	if (skb_shinfo(skb)->gso_type & SKB_GSO_FRAGLIST || flow->dst->lwtstate)
		return false;
	return type && !(type & SKB_GSO_GRE_CSUM && adit_is_ipsec(flow->dst));
}

/* The packet has its hash by now. That the compiler knows so, too, spares a stack
 * what it would take to make one.
 */
static void set_label(struct net *net, struct sk_buff *skb,
		      struct adit_flow *flow)
{
	if (likely(skb->l4_hash || skb->sw_hash))
		flow->label = ip6_make_flowlabel(net, skb, 0, true, NULL);
}

/* What spreads flows over paths and queues is made of the packet as it is, ahead
 * of anything is put before it: RFC 6438 for IPv6, RFC 8086 for UDP.
 */
static void set_entropy(struct net *net, struct sk_buff *skb,
			struct adit_flow *flow)
{
	bool port = flow->ipproto == IPPROTO_UDP && !flow->sport;
	bool label = flow->outer == &adit_outer_ip6 && !flow->label;

	if (port || label)
		adit_inner_hash(skb, flow->inner);
	if (port)
		flow->sport = udp_flow_src_port(net, skb, 0, 0, false);
	if (label)
		set_label(net, skb, flow);
}

/* As iptunnel_handle_offloads() has it, which is asked if there is anything to be
 * left to the underlay.
 */
static int prepare_offloads(struct sk_buff *skb, const struct adit_flow *flow)
{
	int err;

	if (likely(!flow->gso && skb->ip_summed != CHECKSUM_PARTIAL)) {
		skb->ip_summed = CHECKSUM_NONE;
		skb->encapsulation = 0;
		return 0;
	}
	skb_reset_mac_header(skb);	/* segments are cut from there on */
	err = iptunnel_handle_offloads(skb, flow->gso ?
					    adit_flow_gso_type(flow) : 0);
	if (!err && flow->gso)
		adit_gso_ids_push(skb);
	return err;
}

static enum adit_drop encapsulate(struct adit_tunnel *t, struct sk_buff *skb,
				  struct adit_flow *flow)
{
	const struct adit_config *config = flow->config;
	struct dst_entry *dst = flow->dst;

	set_entropy(t->net, skb, flow);
	if (skb_cow_head(skb, LL_RESERVED_SPACE(dst->dev) + dst->header_len +
			      flow_overhead(flow)) ||
	    prepare_offloads(skb, flow))
		return ADIT_DROP_TX_NOMEM;

	skb_scrub_packet(skb, !net_eq(t->net, dev_net(t->dev)));
	skb_clear_hash_if_not_l4(skb);
	if (config->fwmark)
		skb->mark = config->fwmark;
	skb->protocol = flow->outer->ethertype;

	if (flow->hlen || flow->gso)
		adit_push(skb, flow);
	flow->outer->build(t->net, skb, flow);
	return ADIT_DROP_NONE;
}

/* The packet's sender is told, maybe by way of this very device. */
static void link_failure(struct sk_buff *skb)
{
	struct adit_nest *nest = adit_nest_pop(&adit_xmits);

	memset(skb->cb, 0, sizeof(skb->cb));	/* a qdisc's until now */
	dst_link_failure(skb);
	adit_nest_push(&adit_xmits, nest);
}

static enum adit_drop find_route(struct adit_tunnel *t, struct sk_buff *skb,
				 struct adit_flow *flow)
{
	int err;

	if (likely(adit_flow_keep_route(flow)))
		return ADIT_DROP_NONE;
	err = flow->outer->route(t->net, flow);
	if (likely(!err))
		return ADIT_DROP_NONE;
	if (err == -ELOOP)
		return ADIT_DROP_TX_LOOP_SELF;
	if (err == -EAGAIN)
		return ADIT_DROP_TX_UNDERLAY;
	if (err == -ENOMEM || err == -ENOBUFS)
		return ADIT_DROP_TX_NOMEM;
	if (flow->inner->too_big)	/* labels have no sender */
		link_failure(skb);
	return ADIT_DROP_TX_NO_ROUTE;
}

/* Takes the route; the skb as xmit_one(). */
static enum adit_drop send(struct adit_tunnel *t, struct sk_buff *skb,
			   struct adit_flow *flow)
{
	unsigned int len = skb->len;
	enum adit_drop drop;
	int err;

	drop = encapsulate(t, skb, flow);
	if (drop != ADIT_DROP_NONE) {
		adit_flow_put(flow);
		return drop;
	}

	adit_flow_set_dst(skb, flow);
	if (flow->config->fastpath && flow->fits)
		err = flow->outer->send_fast(t->net, skb);
	else
		err = flow->outer->send(t->net, skb);
	if (unlikely(net_xmit_eval(err)))	/* a macro that reads it twice */
		adit_count_drop(t, ADIT_DROP_TX_UNDERLAY);
	else
		dev_sw_netstats_tx_add(t->dev, 1, len);
	return ADIT_DROP_NONE;
}

/* Inner header, remote, route: all that is to be known before the packet is
 * touched. On success the route is the caller's.
 */
static enum adit_drop find_way(struct adit_tunnel *t, struct sk_buff *skb,
			       struct adit_flow *flow)
{
	enum adit_drop drop = read_inner(skb, flow);

	if (drop != ADIT_DROP_NONE)
		return drop;
	if (!adit_is_fixed(flow->config))
		drop = adit_find_remote(skb, flow);
	if (drop != ADIT_DROP_NONE)
		return drop;
	if (unlikely(flow->limit >= 0)) {
		if (!flow->limit)
			return too_deep(skb, flow->inner);
		flow->hlen += adit_limit_hlen(flow);
	}
	return find_route(t, skb, flow);
}

/* Consumes the skb and returns ADIT_DROP_NONE, or leaves it to the caller. */
static enum adit_drop xmit_one(struct adit_tunnel *t, struct sk_buff *skb)
{
	struct adit_flow flow = rcu_dereference_bh(t->config)->flow;
	enum adit_drop drop;
	enum fit fit;
	int mtu;

	drop = find_way(t, skb, &flow);
	if (drop != ADIT_DROP_NONE)
		return drop;

	/* a route's MTU metric has no lower bound */
	mtu = max_t(int, dst_mtu(flow.dst) - flow_overhead(&flow), 0);
	if (unlikely(flow.config->mss_clamp) && adit_is_syn(skb, flow.inner))
		adit_mss_clamp(skb, flow.inner,
			       min_t(unsigned int, mtu, READ_ONCE(t->dev->mtu)));
	flow.fits = skb->len <= mtu;
	fit = likely(flow.fits) ? FIT_AS_IS : find_fit(skb, &flow, mtu);
	flow.gso = skb_is_gso(skb);
	if (flow.gso && fit == FIT_AS_IS && !underlay_cuts(skb, &flow))
		fit = FIT_SEGMENTS;
	if (fit == FIT_AS_IS)
		return send(t, skb, &flow);

	adit_flow_put(&flow);
	switch (fit) {
	case FIT_SEGMENTS:
		return xmit_segments(t, skb);
	case FIT_FRAGMENTS:
		return xmit_fragments(t, skb, mtu);
	default:
		return too_big(skb, flow.inner, mtu);
	}
}

/**
 * adit_xmit - ndo_start_xmit
 * @skb: at its inner IP header; consumed
 * @dev: the adit device
 *
 * Context: BHs off, RCU. Every packet that is not sent is counted by cause.
 */
netdev_tx_t adit_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct adit_tunnel *t = netdev_priv(dev);
	struct adit_nest nest;
	enum adit_drop drop;

	drop = check_nesting(dev);
	if (drop == ADIT_DROP_NONE) {
		nest.dev = dev;
		adit_nest_push(&adit_xmits, &nest);
		drop = xmit_one(t, skb);
		adit_nest_pop(&adit_xmits);
	}
	if (unlikely(drop != ADIT_DROP_NONE))
		adit_drop_skb(t, skb, drop);
	return NETDEV_TX_OK;
}
