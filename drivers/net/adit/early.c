// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: early demux: how did the packet before this one come in?
 *
 * What the kernel does for TCP and UDP: a packet that is like one before it, in
 * all that its route depends on, need not be routed.
 *
 * Owns: what is remembered of the way in, and how long.
 * Does not own: where packets are caught and what is then done with them
 * (ingress.c). Those that are first, or unlike, go the long way, which leads to
 * demux.c and udp.c.
 */

#include <linux/jiffies.h>
#include <net/dst_metadata.h>
#include <net/inet_ecn.h>
#include <net/raw.h>
#include <net/rawv6.h>
#include <net/xfrm.h>

#include "adit.h"

/* What a route depends on has events that make it invalid, but for some
 * settings (rp_filter). They are effective after that time.
 */
#define ADIT_ARRIVAL_LIFE	HZ

static bool is_alive(const struct adit_arrival *arrival)
{
	struct dst_entry *dst = arrival->dst;

	return dst && time_before(jiffies, arrival->end) &&
	       !(READ_ONCE(dst->obsolete) &&
		 !dst->ops->check(dst, arrival->cookie));
}

static bool is_alike(const struct adit_arrival *arrival,
		     const struct sk_buff *skb, const struct adit_wire *wire)
{
	return arrival->ifindex == skb->dev->ifindex &&
	       arrival->mark == skb->mark &&
	       arrival->family == wire->outer->family &&
	       !((arrival->dsfield ^ wire->outer->dsfield(skb)) &
		 ~INET_ECN_MASK) &&
	       adit_addr_equal(&arrival->remote, &wire->key.remote) &&
	       adit_addr_equal(&arrival->local, &wire->key.local);
}

/* A raw socket has a copy of what comes the long way. */
static bool raw_may_want(const struct net *net,
			 const struct adit_outer_ops *outer, u8 ipproto)
{
	u32 hash = raw_hashfunc(net, ipproto);

	return !adit_raw_is_empty(outer == &adit_outer_ip4 ?
				  &raw_v4_hashinfo.ht[hash] :
				  &raw_v6_hashinfo.ht[hash]);
}

/**
 * adit_early_route - the route that a packet would get
 * @config: its tunnel's
 * @skb: at its outer header
 * @wire: the outer packet
 * @ipproto: what follows the outer header
 *
 * Context: softirq, RCU. Return: it, good for as long as RCU is held; NULL: that
 * is not known, or the administrator wants none of this.
 */
struct dst_entry *adit_early_route(const struct adit_config *config,
				   const struct sk_buff *skb,
				   const struct adit_wire *wire, u8 ipproto)
{
	const struct adit_arrival *arrival =
		&this_cpu_ptr(config->routes)->arrival;
	const struct net *net = config->tunnel->net;

	if (is_alive(arrival) && is_alike(arrival, skb, wire) &&
	    READ_ONCE(net->ipv4.sysctl_ip_early_demux) &&
	    !raw_may_want(net, wire->outer, ipproto))
		return arrival->dst;
	return NULL;
}

/* Routes that count what takes them, or have a program that looks at it, are to be
 * asked each time.
 */
static bool is_watched(const struct dst_entry *dst)
{
#ifdef CONFIG_IP_ROUTE_CLASSID
	if (dst->tclassid)
		return true;
#endif
	return dst->lwtstate;
}

/**
 * adit_early_learn - remember how a packet came in, for those after it
 * @config: its tunnel's
 * @skb: network header outer, with the route that it has got
 * @wire: the outer packet
 *
 * Once in the time that it lasts, lest many remotes push each other out. Under
 * PREEMPT_RT, BHs that are off do not keep others on this CPU from the slot.
 * Context: softirq, RCU.
 */
void adit_early_learn(const struct adit_config *config, struct sk_buff *skb,
		      const struct adit_wire *wire)
{
	struct adit_arrival *arrival = &this_cpu_ptr(config->routes)->arrival;
	struct dst_entry *dst = skb_dst(skb);

	if (is_alive(arrival) || !adit_ingress_wanted(config, skb))
		return;
	if (IS_ENABLED(CONFIG_PREEMPT_RT) || !skb_valid_dst(skb) ||
	    is_watched(dst) || !dst_hold_safe(dst))
		return;
	dst_release(arrival->dst);
	arrival->dst = dst;
	arrival->cookie = wire->outer->cookie(dst);
	arrival->end = jiffies + ADIT_ARRIVAL_LIFE;
	arrival->ifindex = skb->dev->ifindex;
	arrival->mark = skb->mark;
	arrival->family = wire->outer->family;
	arrival->dsfield = wire->outer->dsfield(skb);
	arrival->remote = wire->key.remote;
	arrival->local = wire->key.local;
}
