// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: the net device.
 *
 * Owns: setup, net_device_ops, statistics, ethtool, and dropping a packet
 * under its cause.
 * Does not own: configuration (netlink.c), the MTU's value (mtu.c), packets
 * (xmit.c, receive.c).
 */

#include <linux/ethtool.h>
#include <linux/if_arp.h>
#include <net/addrconf.h>
#include <net/ip_tunnels.h>
#include <net/netdev_lock.h>

#include "adit.h"

/* What a cause is called, and where it shows in rtnl_link_stats64 */
struct drop_info {
	char name[ETH_GSTRING_LEN];
	size_t counter;
	enum skb_drop_reason reason;
};

static const struct drop_info drop_infos[ADIT_DROP_MAX] = {
#define ADIT_DROP(cause, name, counter, reason, text)			\
	[ADIT_DROP_##cause] = {						\
		name,							\
		offsetof(struct rtnl_link_stats64, counter),		\
		SKB_DROP_REASON_##reason,				\
	},
#include "drops.h"
};

/* Counters are per CPU and one word each, so that adding needs no lock. */
void adit_count_drop(struct adit_tunnel *t, enum adit_drop cause)
{
	this_cpu_inc(t->drops->count[cause]);
}

/**
 * adit_drop_skb - count and free a packet
 * @t: the tunnel
 * @skb: freed
 * @cause: why
 */
void adit_drop_skb(struct adit_tunnel *t, struct sk_buff *skb,
		   enum adit_drop cause)
{
	adit_count_drop(t, cause);
	kfree_skb_reason(skb, drop_infos[cause].reason);
}

/**
 * adit_drops_sum - packets dropped for a cause, on all CPUs
 * @t: the tunnel
 * @cause: the cause
 */
u64 adit_drops_sum(const struct adit_tunnel *t, enum adit_drop cause)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(t->drops, cpu)->count[cause]);
	return sum;
}

static void adit_get_stats64(struct net_device *dev,
			     struct rtnl_link_stats64 *stats)
{
	const struct adit_tunnel *t = netdev_priv(dev);
	int cause;

	dev_fetch_sw_netstats(stats, dev->tstats);

	for (cause = 0; cause < ADIT_DROP_MAX; cause++)
		*(u64 *)((char *)stats + drop_infos[cause].counter) +=
			adit_drops_sum(t, cause);

	/* the totals include what is also shown in detail */
	stats->rx_errors += stats->rx_frame_errors + stats->rx_crc_errors +
			    stats->rx_fifo_errors;
	stats->tx_errors += stats->tx_carrier_errors + stats->tx_aborted_errors;
}

static int adit_dev_init(struct net_device *dev)
{
	struct adit_tunnel *t = netdev_priv(dev);
	struct adit_net *an = adit_net(t->net);
	int err = -ENOMEM;

	netdev_lockdep_set_classes(dev);

	t->drops = alloc_percpu(struct adit_drop_counts);
	if (!t->drops)
		return err;

	dev->tstats = netdev_alloc_pcpu_stats(struct pcpu_sw_netstats);
	if (!dev->tstats)
		goto err_drops;

	err = gro_cells_init(&t->gro_cells, dev);
	if (err)
		goto err_tstats;

	err = adit_demux_add(an, rtnl_dereference(t->config));
	if (err)
		goto err_gro;

	list_add(&t->list, &an->tunnels);
	return 0;

err_gro:
	gro_cells_destroy(&t->gro_cells);
err_tstats:
	free_percpu(dev->tstats);
err_drops:
	free_percpu(t->drops);
	return err;
}

static void adit_dev_uninit(struct net_device *dev)
{
	struct adit_tunnel *t = netdev_priv(dev);
	struct adit_net *an = adit_net(t->net);
	struct adit_config *config = rtnl_dereference(t->config);

	list_del(&t->list);
	adit_demux_del(an, config);
	adit_unlisten(an, config);

	/* where registering fails nobody else waits before the device is freed */
	if (dev->reg_state != NETREG_UNREGISTERING)
		synchronize_net();
}

/* Where there is no one remote, and no metadata, nobody hears a router solicitation: a
 * host that does not forward would send them for good, for each to be dropped.
 */
static int adit_open(struct net_device *dev)
{
	const struct adit_tunnel *t = netdev_priv(dev);
	const struct adit_config *config = rtnl_dereference(t->config);
	struct inet6_dev *idev = __in6_dev_get(dev);

	if (idev && !adit_is_fixed(config) && !config->external)
		WRITE_ONCE(idev->cnf.rtr_solicits, 0);
	return 0;
}

/* No packet path can still see the device: an RCU grace period has passed. */
static void adit_dev_free(struct net_device *dev)
{
	struct adit_tunnel *t = netdev_priv(dev);

	gro_cells_destroy(&t->gro_cells);
	free_percpu(dev->tstats);
	free_percpu(t->drops);
	adit_config_free(rcu_dereference_protected(t->config, true));
	RCU_INIT_POINTER(t->config, NULL);	/* for newlink's error path */
}

/* An index in the netns of the underlay; the device's own says "none", which
 * is 0 where that would be read in another netns.
 */
static int adit_get_iflink(const struct net_device *dev)
{
	const struct adit_tunnel *t = netdev_priv(dev);
	const struct adit_config *config;
	int link = 0;

	rcu_read_lock();
	config = rcu_dereference(t->config);
	if (config && config->link)
		link = config->link;
	else if (net_eq(dev_net(dev), t->net))
		link = dev->ifindex;
	rcu_read_unlock();
	return link;
}

static const struct net_device_ops adit_netdev_ops = {
	.ndo_init = adit_dev_init,
	.ndo_uninit = adit_dev_uninit,
	.ndo_open = adit_open,
	.ndo_start_xmit = adit_xmit,
	.ndo_neigh_construct = adit_neigh_construct,
	.ndo_get_stats64 = adit_get_stats64,
	.ndo_change_mtu = adit_change_mtu,
	.ndo_get_iflink = adit_get_iflink,
};

static void adit_get_drvinfo(struct net_device *dev,
			     struct ethtool_drvinfo *info)
{
	strscpy(info->driver, KBUILD_MODNAME, sizeof(info->driver));
	strscpy(info->version, ADIT_VERSION, sizeof(info->version));
}

static int adit_get_sset_count(struct net_device *dev, int sset)
{
	return sset == ETH_SS_STATS ? ADIT_DROP_MAX : -EOPNOTSUPP;
}

static void adit_get_strings(struct net_device *dev, u32 sset, u8 *data)
{
	int cause;

	if (sset != ETH_SS_STATS)
		return;
	for (cause = 0; cause < ADIT_DROP_MAX; cause++)
		memcpy(data + cause * ETH_GSTRING_LEN, drop_infos[cause].name,
		       ETH_GSTRING_LEN);
}

static void adit_get_ethtool_stats(struct net_device *dev,
				   struct ethtool_stats *stats, u64 *data)
{
	const struct adit_tunnel *t = netdev_priv(dev);
	int cause;

	for (cause = 0; cause < ADIT_DROP_MAX; cause++)
		data[cause] = adit_drops_sum(t, cause);
}

static const struct ethtool_ops adit_ethtool_ops = {
	.get_drvinfo = adit_get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_sset_count = adit_get_sset_count,
	.get_strings = adit_get_strings,
	.get_ethtool_stats = adit_get_ethtool_stats,
};

static const struct device_type adit_type = {
	.name = "adit",
};

/**
 * adit_setup - what every adit device starts from (rtnl_link_ops.setup)
 * @dev: the device
 *
 * ARPHRD_NONE is what captures decode as bare IP and what IPv6 gives a
 * link-local address without a link-layer one to make it of.
 */
void adit_setup(struct net_device *dev)
{
	const netdev_features_t features = NETIF_F_SG | NETIF_F_FRAGLIST |
					   NETIF_F_HIGHDMA | NETIF_F_HW_CSUM |
					   NETIF_F_GSO_SOFTWARE |
					   NETIF_F_GSO_UDP_L4;

	SET_NETDEV_DEVTYPE(dev, &adit_type);
	dev->netdev_ops = &adit_netdev_ops;
	dev->ethtool_ops = &adit_ethtool_ops;
	dev->header_ops = &ip_tunnel_header_ops;
	dev->type = ARPHRD_NONE;
	dev->flags = IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST;
	dev->features |= features;
	dev->hw_features |= features;
	dev->min_mtu = 0;	/* 0 is "follow the underlay": mtu.c */
	dev->max_mtu = ADIT_MTU_MAX;
	dev->needs_free_netdev = true;
	dev->priv_destructor = adit_dev_free;
	adit_dev_set_lltx(dev);
	netif_keep_dst(dev);	/* its PMTU is updated on the way out */
}
