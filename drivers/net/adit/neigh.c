// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: from the route straight into the tunnel.
 *
 * A packet that is forwarded into a device goes to a neighbour first, and then
 * through the core's queueing, of which nothing is left for a device that has no
 * queue and a packet that asks for nothing: but it costs as much as the tunnel
 * itself, and counts a reference to the route that all CPUs share. So the
 * neighbours of adit devices hand such packets over themselves.
 *
 * Owns: which packets these are. Does not own: what becomes of them (xmit.c).
 */

#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <net/neighbour.h>
#include <net/sch_generic.h>
#include <net/xfrm.h>

#include "adit.h"

/* Does anybody want to see what is sent to the device, change it or delay it? */
static bool is_watched(struct net_device *dev)
{
	const struct netdev_queue *txq = netdev_get_tx_queue(dev, 0);

	return rcu_dereference_bh(txq->qdisc)->enqueue ||
	       dev->real_num_tx_queues > 1 || !(dev->flags & IFF_UP) ||
	       netif_xmit_stopped(txq) ||
#ifdef CONFIG_NETFILTER_EGRESS
	       rcu_access_pointer(dev->nf_hooks_egress) ||
#endif
	       adit_dev_has_tc_egress(dev) || dev_nit_active(dev);
}

/* Of a socket's packets the core takes times, and more; what the device might
 * have to be spared (segments, checksums, fragments, tags) it knows about; and it
 * is the core that encrypts what IPsec has left to devices.
 */
static bool is_simple(struct sk_buff *skb)
{
	return !skb->sk && !skb_is_nonlinear(skb) && !skb_is_gso(skb) &&
	       skb->ip_summed != CHECKSUM_PARTIAL &&
	       !skb_vlan_tag_present(skb) && !xfrm_offload(skb);
}

/* neighbour.output */
static int output(struct neighbour *neigh, struct sk_buff *skb)
{
	struct net_device *dev = neigh->dev;
	int ret = NET_XMIT_SUCCESS;

	local_bh_disable();
	skb_reset_mac_header(skb);
	if (likely(is_simple(skb) && skb->dev == dev && !is_watched(dev) &&
		   !dev_xmit_recursion())) {
		skb_set_queue_mapping(skb, 0);
		dev_xmit_recursion_inc();
		adit_xmit(skb, dev);
		dev_xmit_recursion_dec();
	} else {
		ret = dev_queue_xmit(skb);
	}
	local_bh_enable();
	return ret;
}

/* neighbour.ops.error_report, of what somebody has had resolved in spite of all */
static void error_report(struct neighbour *neigh, struct sk_buff *skb)
{
	dst_link_failure(skb);
	kfree_skb(skb);
}

static const struct neigh_ops ops_ip4 = {
	.family = AF_INET,
	.error_report = error_report,
	.output = output,
	.connected_output = output,
};

static const struct neigh_ops ops_ip6 = {
	.family = AF_INET6,
	.error_report = error_report,
	.output = output,
	.connected_output = output,
};

/**
 * adit_neigh_construct - ndo_neigh_construct
 * @dev: the adit device
 * @neigh: a new neighbour there, which needs no resolution
 */
int adit_neigh_construct(struct net_device *dev, struct neighbour *neigh)
{
	neigh->ops = neigh->ops->family == AF_INET ? &ops_ip4 : &ops_ip6;
	neigh->output = output;
	return 0;
}
