// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: the device's MTU, and following the underlay with it.
 *
 * Owns: who decides the MTU (the underlay until the user sets one), and the
 * notifiers that say when the underlay may have changed.
 * Does not own: PMTU as routers report it, which acts on single packets
 * (xmit.c, icmp.c) and not on the device, because it may be forged and expires.
 */

#include <linux/if_ether.h>
#include <net/fib_notifier.h>
#include <net/ip.h>
#include <net/lwtunnel.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "adit.h"

/* One pass serves a burst of route changes. Where there are many tunnels it takes
 * time, with RTNL held, of which others are to have 19 parts in 20.
 */
#define ADIT_MTU_DELAY	(HZ / 20)
#define ADIT_MTU_SPARE	19

/* A route's own MTU: its metric, else its device's, but not what ICMP taught.
 * IPsec is asked for its overhead, as is what else the route puts before packets.
 */
static unsigned int route_mtu(const struct adit_config *config,
			      const struct dst_entry *dst)
{
	unsigned int mtu;

	if (dst_xfrm(dst))
		return dst_mtu(dst);
	mtu = config->outer->route_mtu(dst);
	return mtu - lwtunnel_headroom(dst->lwtstate, mtu);
}

/* Tunnels that lead into each other add to each other's headroom at each look, and
 * what is above them believes it: where headers are is told by 16 bits.
 */
#define ADIT_HEADROOM_MAX	512

/* What tunnels have to know of the device below them */
struct below {
	unsigned int mtu;
	unsigned int headroom;
	int ifindex;
	bool by_route;
};

/* Room that this device needs: no more, because the stack copies each packet
 * that has less.
 */
static unsigned int headroom_of(const struct net_device *dev)
{
	return dev->hard_header_len + READ_ONCE(dev->needed_headroom);
}

static struct below below_link(const struct adit_tunnel *t, int ifindex)
{
	struct below below = { .mtu = ETH_DATA_LEN, .headroom = ETH_HLEN };
	struct net_device *link;

	link = ifindex ? __dev_get_by_index(t->net, ifindex) : NULL;
	if (link && link != t->dev) {
		below.ifindex = ifindex;
		below.headroom = headroom_of(link);
		/* unless it is set, a VRF's is more than packets can have */
		if (link->mtu <= IP_MAX_MTU)
			below.mtu = link->mtu;
	}
	return below;
}

/* The largest packet is limited by its 16-bit length all the same. */
static unsigned int inner_mtu(const struct adit_config *config,
			      unsigned int outer_mtu)
{
	return clamp_t(int, (int)outer_mtu - (int)adit_overhead(config),
		       ADIT_MTU_AUTO_MIN, config->tunnel->dev->max_mtu);
}

/* What all packets of an inner family have in common */
static struct adit_flow flow_of(const struct adit_config *config,
				const struct adit_inner *inner)
{
	struct adit_flow flow = config->flow;

	adit_flow_set_inner(&flow, inner);
	if (config->tos != ADIT_TOS_INHERIT)
		flow.tos = config->tos;
	return flow;
}

/* By the route to a fixed remote; an MTU of 0: there is none (yet). The routes
 * are the packet path's, which has BHs off.
 */
static struct below below_remote(const struct adit_tunnel *t,
				 struct adit_config *config)
{
	struct adit_flow flow = flow_of(config, &adit_inners[ADIT_INNER_IP4]);
	struct below below = { 0 };

	local_bh_disable();
	rcu_read_lock();
	if (!flow.outer->route(t->net, &flow)) {
		below.ifindex = flow.dst->dev->ifindex;
		below.by_route = true;
		below.mtu = route_mtu(config, flow.dst);
		below.headroom = headroom_of(flow.dst->dev) +
				 flow.dst->header_len;
		adit_flow_put(&flow);
	}
	rcu_read_unlock();
	local_bh_enable();
	return below;
}

/* Where there is no route, or no one remote, the device that the tunnel is bound to
 * decides. An MTU of 0: nothing is known.
 */
static struct below known_below(const struct adit_tunnel *t)
{
	struct adit_config *config = rtnl_dereference(t->config);
	bool fixed = adit_is_fixed(config);
	struct below below = { 0 };

	if (fixed)
		below = below_remote(t, config);
	if (!below.mtu && (config->link || !fixed))
		below = below_link(t, config->link);
	return below;
}

/* Else Ethernet does. */
static struct below below_tunnel(const struct adit_tunnel *t)
{
	struct below below = known_below(t);

	return below.mtu ? below : below_link(t, 0);
}

/**
 * adit_mtu_towards - the largest packet that can be sent to where one came from
 * @config: the tunnel's
 * @wire: the received packet
 *
 * PMTU as routers have reported it counts here. Context: softirq, RCU.
 */
unsigned int adit_mtu_towards(struct adit_config *config,
			      const struct adit_wire *wire)
{
	const struct adit_tunnel *t = config->tunnel;
	struct adit_flow flow = flow_of(config, wire->inner);
	int mtu = READ_ONCE(t->dev->mtu);

	flow.outer = wire->outer;
	flow.remote = wire->key.remote;
	/* metadata asks for the answer to be as what it answers */
	if (config->external && config->mode == ADIT_MODE_GRE) {
		flow.gre_flags |= adit_metadata_flags(wire);
		flow.hlen = adit_flow_hlen(&flow);
	}
	if (flow.outer->route(t->net, &flow))
		return mtu;
	mtu = min_t(int, mtu,
		    dst_mtu(flow.dst) - flow.outer->hlen - flow.hlen);
	adit_flow_put(&flow);
	return max(mtu, 0);
}

/* The MTU that what is below gives a tunnel, which remembers whether that is a route's.
 * Context: RTNL.
 */
static unsigned int mtu_from(struct adit_tunnel *t, const struct below *below)
{
	t->mtu_by_route = below->by_route;
	return inner_mtu(rtnl_dereference(t->config), below->mtu);
}

/**
 * adit_mtu_of_underlay - the MTU that the underlay gives a tunnel now
 * @t: the tunnel, which is to have it
 *
 * Context: RTNL.
 */
unsigned int adit_mtu_of_underlay(struct adit_tunnel *t)
{
	struct below below = below_tunnel(t);

	return mtu_from(t, &below);
}

/* Where packets go, others will come from, so that they are caught there. */
static void sync_with(struct adit_tunnel *t, const struct below *below)
{
	const struct adit_config *config = rtnl_dereference(t->config);
	unsigned int mtu = mtu_from(t, below);

	adit_ingress_add(adit_net(t->net), below->ifindex);
	WRITE_ONCE(t->dev->needed_headroom,
		   min_t(unsigned int, adit_overhead(config) + below->headroom,
			 ADIT_HEADROOM_MAX));
	if (!t->mtu_auto || mtu == t->dev->mtu)
		return;
	t->mtu_syncing = true;
	dev_set_mtu(t->dev, mtu);
	t->mtu_syncing = false;
}

/**
 * adit_mtu_sync - bring MTU and headroom in line with the underlay
 * @t: a registered tunnel, which is new or has changed
 *
 * Context: RTNL.
 */
void adit_mtu_sync(struct adit_tunnel *t)
{
	struct below below = below_tunnel(t);

	sync_with(t, &below);
}

/* While the underlay has no route, which may be for a moment, what the last one said
 * holds: routing daemons take a change of MTU for another link, and start afresh.
 */
static void follow(struct adit_tunnel *t)
{
	struct below below = known_below(t);

	if (below.mtu && (below.by_route || !t->mtu_by_route))
		sync_with(t, &below);
}

/**
 * adit_change_mtu - ndo_change_mtu
 * @dev: the device
 * @mtu: the new MTU; 0: follow the underlay again
 *
 * Context: RTNL. Return: 0, or -EINVAL for what IPv4 cannot live with; there
 * is no extack to say so, so the kernel log does.
 */
int adit_change_mtu(struct net_device *dev, int mtu)
{
	struct adit_tunnel *t = netdev_priv(dev);

	if (!t->mtu_syncing) {
		if (mtu && mtu < IPV4_MIN_MTU) {
			if (net_ratelimit())
				netdev_info(dev, "MTU %d refused: less than %d\n",
					    mtu, IPV4_MIN_MTU);
			return -EINVAL;
		}
		t->mtu_auto = !mtu;
		if (!mtu)
			mtu = adit_mtu_of_underlay(t);
	}
	WRITE_ONCE(dev->mtu, mtu);
	return 0;
}

static void mtu_work(struct work_struct *work)
{
	struct adit_net *an = container_of(to_delayed_work(work),
					   struct adit_net, mtu_work);
	struct adit_tunnel *t;
	unsigned long start;

	rtnl_lock();
	start = jiffies;
	list_for_each_entry(t, &an->tunnels, list) {
		follow(t);
		cond_resched();
	}
	WRITE_ONCE(an->mtu_took, jiffies - start);
	rtnl_unlock();
}

static void schedule_sync(struct adit_net *an)
{
	/* NULL in a netns that is still being set up */
	if (an && !READ_ONCE(an->closing) && !list_empty(&an->tunnels))
		schedule_delayed_work(&an->mtu_work,
				      max_t(unsigned long, ADIT_MTU_DELAY,
					    READ_ONCE(an->mtu_took) *
					    ADIT_MTU_SPARE));
}

/**
 * adit_mtu_recheck - the packet path has looked a route up afresh
 * @config: the tunnel's
 * @dst: the route
 *
 * Not everything that changes a route's MTU has an event to wait for: IPsec
 * policy has none, next hop objects have one without a stable interface.
 * Context: BHs off, or RCU.
 */
void adit_mtu_recheck(const struct adit_config *config,
		      const struct dst_entry *dst)
{
	const struct adit_tunnel *t = config->tunnel;
	unsigned int mtu;

	if (!READ_ONCE(t->mtu_auto))
		return;
	/* A packet socket's packets come with BHs off alone. */
	rcu_read_lock();
	mtu = inner_mtu(config, route_mtu(config, dst));
	rcu_read_unlock();
	if (mtu != READ_ONCE(t->dev->mtu))
		schedule_sync(adit_net(t->net));
}

/* Routes, their metrics and rules */
static int fib_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	const struct fib_notifier_info *info = ptr;

	if (info->family == AF_INET || info->family == AF_INET6)
		schedule_sync(container_of(nb, struct adit_net, fib_nb));
	return NOTIFY_DONE;
}

static bool is_of_vrf(const struct netdev_notifier_changeupper_info *info)
{
	return netif_is_l3_master(info->upper_dev);
}

static int netdev_event(struct notifier_block *nb, unsigned long event,
			void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);

	if (event == NETDEV_CHANGEMTU)
		schedule_sync(adit_net(dev_net(dev)));
	if (event == NETDEV_UNREGISTER)
		adit_ingress_gone(dev);
	if (event == NETDEV_CHANGEUPPER && is_of_vrf(ptr))
		adit_udp_follow(dev);
	return NOTIFY_DONE;
}

static struct notifier_block netdev_nb = {
	.notifier_call = netdev_event,
};

/* Routes that change faster than they can be read out make registering busy;
 * a router must not be without tunnels for that.
 */
int adit_mtu_init(struct adit_net *an)
{
	int err;

	INIT_DELAYED_WORK(&an->mtu_work, mtu_work);
	an->fib_nb.notifier_call = fib_event;
	err = register_fib_notifier(an->net, &an->fib_nb, NULL, NULL);
	if (err != -EBUSY)
		return err;
	net_warn_ratelimited("%s: routes change too fast to follow: MTUs follow devices only\n",
			     KBUILD_MODNAME);
	return 0;
}

/* Without RTNL, which the work takes; closing is set by now. */
void adit_mtu_exit(struct adit_net *an)
{
	unregister_fib_notifier(an->net, &an->fib_nb);
	cancel_delayed_work_sync(&an->mtu_work);
}

int adit_mtu_register(void)
{
	return register_netdevice_notifier(&netdev_nb);
}

void adit_mtu_unregister(void)
{
	unregister_netdevice_notifier(&netdev_nb);
}
