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
#include <linux/ipv6.h>
#include <linux/percpu.h>
#include <net/dst_metadata.h>
#include <net/dsfield.h>
#include <net/gso.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip_tunnels.h>

#include "adit.h"

/* The adit devices that this CPU is transmitting through right now, outermost
 * call last. BHs are off, so nothing else on the CPU comes between.
 */
struct adit_nest {
	unsigned int depth;
	const struct net_device *dev[ADIT_NESTING_MAX];
};

static DEFINE_PER_CPU(struct adit_nest, adit_nest);

static enum adit_drop nest_enter(const struct net_device *dev)
{
	struct adit_nest *nest = this_cpu_ptr(&adit_nest);
	unsigned int i;

	for (i = 0; i < nest->depth; i++)
		if (nest->dev[i] == dev)
			return ADIT_DROP_TX_LOOP_MUTUAL;
	if (nest->depth == ADIT_NESTING_MAX)
		return ADIT_DROP_TX_NESTING;

	nest->dev[nest->depth++] = dev;
	return ADIT_DROP_NONE;
}

static void nest_leave(void)
{
	this_cpu_dec(adit_nest.depth);
}

/**
 * adit_overhead - bytes that a tunnel adds to a packet
 * @config: the tunnel's
 */
int adit_overhead(const struct adit_config *config)
{
	return config->outer->hlen + config->encap->hlen;
}

static const struct adit_inner *find_inner(const struct sk_buff *skb)
{
	unsigned int i;

	for (i = 0; i < ADIT_INNER_MAX; i++)
		if (adit_inners[i].ethertype == skb->protocol)
			return &adit_inners[i];
	return NULL;
}

static enum adit_drop read_inner(struct sk_buff *skb, struct adit_flow *flow)
{
	const struct adit_config *config = flow->config;
	u8 dsfield, ttl;

	flow->inner = find_inner(skb);
	if (!flow->inner)
		return ADIT_DROP_TX_PROTOCOL;
	if (!pskb_network_may_pull(skb, flow->inner->hlen) ||
	    *skb_network_header(skb) >> 4 != flow->inner->version)
		return ADIT_DROP_TX_MALFORMED;

	if (flow->inner->index == ADIT_INNER_IP4) {
		const struct iphdr *iph = ip_hdr(skb);

		dsfield = ipv4_get_dsfield(iph);
		ttl = iph->ttl;
		flow->inner_df = iph->frag_off & htons(IP_DF);
	} else {
		dsfield = ipv6_get_dsfield(ipv6_hdr(skb));
		ttl = ipv6_hdr(skb)->hop_limit;
		flow->inner_df = true;
	}

	/* ECN as RFC 6040, 4.1, normal mode: copied, congestion mark and all */
	flow->tos = config->tos == ADIT_TOS_INHERIT ? dsfield :
		    config->tos | (dsfield & INET_ECN_MASK);
	flow->ttl = config->ttl == ADIT_TTL_INHERIT ? ttl : config->ttl;
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

	skb_reset_mac_header(skb);
	segs = skb_gso_segment(skb, t->dev->features & ~NETIF_F_GSO_MASK);
	if (IS_ERR_OR_NULL(segs))
		return ADIT_DROP_TX_NOMEM;

	consume_skb(skb);
	skb_list_walk_safe(segs, seg, next) {
		skb_mark_not_on_list(seg);
		xmit_part(t, seg);
	}
	return ADIT_DROP_NONE;
}

/* The inner packet may be fragmented and the outer one may not, so the inner
 * one is, which spares the far end the reassembly. ip_do_fragment() takes the
 * fragment size and the length of options from the control block, and not every
 * kernel's checks that a fragment can carry anything; it also needs an IPv4
 * route to go by.
 */
static enum adit_drop xmit_fragments(struct adit_tunnel *t, struct sk_buff *skb,
				     unsigned int mtu)
{
	struct dst_entry *dst = skb_dst(skb);

	if (!skb_valid_dst(skb) || dst->ops->family != AF_INET ||
	    mtu < ip_hdrlen(skb) + 8)
		return ADIT_DROP_TX_TOO_BIG;

	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	IPCB(skb)->opt.optlen = ip_hdrlen(skb) - sizeof(struct iphdr);
	IPCB(skb)->frag_max_size = mtu;
	skb->dev = t->dev;
	if (ip_do_fragment(dev_net(t->dev), NULL, skb, xmit_fragment))
		adit_count_drop(t, ADIT_DROP_TX_NOMEM);
	return ADIT_DROP_NONE;
}

/* What to do with a packet larger than the path: returns true with @drop set
 * where it must not go on.
 */
static bool oversize(struct adit_tunnel *t, struct sk_buff *skb,
		     struct adit_flow *flow, unsigned int mtu,
		     enum adit_drop *drop)
{
	unsigned int max = IP_MAX_MTU - adit_overhead(flow->config);
	bool whole = skb->len <= max;

	if (whole && fits(skb, mtu))
		return false;		/* of segments that fit */
	adit_mtu_recheck(t, flow->dst);

	/* RFC 4213, 3.2.2: what every IPv6 path must carry is fragmented */
	if (flow->df && flow->inner->min_mtu &&
	    fits(skb, flow->inner->min_mtu))
		flow->df = false;
	if (whole && !flow->df)
		return false;		/* the underlay fragments it */

	if (flow->inner_df && !fits(skb, flow->df ? mtu : max)) {
		adit_icmp_too_big(skb, flow->inner, mtu);
		*drop = ADIT_DROP_TX_TOO_BIG;
	} else if (skb_is_gso(skb)) {
		*drop = xmit_segments(t, skb);
	} else {
		*drop = xmit_fragments(t, skb, mtu);
	}
	return true;
}

static enum adit_drop encapsulate(struct adit_tunnel *t, struct sk_buff *skb,
				  struct adit_flow *flow)
{
	const struct adit_config *config = flow->config;
	struct dst_entry *dst = flow->dst;

	if (skb_cow_head(skb, LL_RESERVED_SPACE(dst->dev) + dst->header_len +
			      adit_overhead(config)) ||
	    iptunnel_handle_offloads(skb, config->encap->gso_type))
		return ADIT_DROP_TX_NOMEM;
	skb_set_inner_ipproto(skb, flow->inner->ipproto);

	skb_scrub_packet(skb, !net_eq(t->net, dev_net(t->dev)));
	skb_clear_hash_if_not_l4(skb);
	if (config->fwmark)
		skb->mark = config->fwmark;
	skb->protocol = config->outer->family == AF_INET ? htons(ETH_P_IP) :
							   htons(ETH_P_IPV6);

	if (config->encap->push)
		config->encap->push(skb, flow);
	config->outer->build(t->net, skb, flow);
	return ADIT_DROP_NONE;
}

/* Consumes the skb and returns ADIT_DROP_NONE, or leaves it to the caller. */
static enum adit_drop xmit_one(struct adit_tunnel *t, struct sk_buff *skb)
{
	struct adit_flow flow = { .config = rcu_dereference_bh(t->config) };
	const struct adit_outer_ops *outer = flow.config->outer;
	unsigned int len = skb->len, mtu;
	enum adit_drop drop;
	int err;

	drop = read_inner(skb, &flow);
	if (drop != ADIT_DROP_NONE)
		return drop;

	flow.dst = outer->route(t->net, &flow);
	if (IS_ERR(flow.dst)) {
		dst_link_failure(skb);
		return ADIT_DROP_TX_NO_ROUTE;
	}
	drop = ADIT_DROP_TX_LOOP_SELF;
	if (unlikely(flow.dst->dev == t->dev || outer->leads_back(flow.dst)))
		goto release;

	/* a route's MTU metric has no lower bound */
	mtu = max_t(int, dst_mtu(flow.dst) - adit_overhead(flow.config), 0);
	if (len > mtu && oversize(t, skb, &flow, mtu, &drop))
		goto release;

	drop = encapsulate(t, skb, &flow);
	if (drop != ADIT_DROP_NONE)
		goto release;

	skb_dst_set(skb, flow.dst);
	err = outer->send(t->net, skb);
	if (unlikely(net_xmit_eval(err)))	/* a macro that reads it twice */
		adit_count_drop(t, ADIT_DROP_TX_UNDERLAY);
	else
		dev_sw_netstats_tx_add(t->dev, 1, len);
	return ADIT_DROP_NONE;

release:
	dst_release(flow.dst);
	return drop;
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
	enum adit_drop drop;

	drop = nest_enter(dev);
	if (drop == ADIT_DROP_NONE) {
		drop = xmit_one(t, skb);
		nest_leave();
	}
	if (unlikely(drop != ADIT_DROP_NONE))
		adit_drop_skb(t, skb, drop);
	return NETDEV_TX_OK;
}
