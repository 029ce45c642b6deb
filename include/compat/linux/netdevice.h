/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: the lockless transmit flag was a feature bit and became a member;
 * dev_sw_netstats_tx_add() is younger than its receive twin; what tc has on a
 * device was a mini qdisc and became a list of programs; how deep packets are nested
 * was for the core alone to know for some releases (6.10 and later).
 */
#ifndef _ADIT_COMPAT_LINUX_NETDEVICE_H
#define _ADIT_COMPAT_LINUX_NETDEVICE_H

#include_next <linux/netdevice.h>

static inline void adit_dev_set_lltx(struct net_device *dev)
{
#ifdef ADIT_HAS_DEV_LLTX
	dev->lltx = true;
#else
	dev->features |= NETIF_F_LLTX;
#endif
}

/* Does tc have anything to do with what a device receives? */
static inline bool adit_dev_has_tc_ingress(const struct net_device *dev)
{
#if defined(CONFIG_NET_XGRESS)
	return rcu_access_pointer(dev->tcx_ingress);
#elif defined(CONFIG_NET_CLS_ACT)
	return rcu_access_pointer(dev->miniq_ingress);
#else
	return false;
#endif
}

/* Or with what is sent by it? */
static inline bool adit_dev_has_tc_egress(const struct net_device *dev)
{
#if defined(CONFIG_NET_XGRESS)
	return rcu_access_pointer(dev->tcx_egress);
#elif defined(CONFIG_NET_CLS_ACT)
	return rcu_access_pointer(dev->miniq_egress);
#else
	return false;
#endif
}

#ifndef ADIT_HAS_NETSTATS_TX_ADD
static inline void dev_sw_netstats_tx_add(struct net_device *dev,
					  unsigned int packets,
					  unsigned int len)
{
	struct pcpu_sw_netstats *tstats = this_cpu_ptr(dev->tstats);

	u64_stats_update_begin(&tstats->syncp);
	tstats->tx_bytes += len;
	tstats->tx_packets += packets;
	u64_stats_update_end(&tstats->syncp);
}
#endif

#ifndef ADIT_HAS_XMIT_RECURSION
#ifndef XMIT_RECURSION_LIMIT
#define XMIT_RECURSION_LIMIT	8
#endif

#ifdef CONFIG_PREEMPT_RT
/* Where that is has moved there too; the core is asked each time. */
static inline bool dev_xmit_recursion(void) { return true; }
static inline void dev_xmit_recursion_inc(void) { }
static inline void dev_xmit_recursion_dec(void) { }
#else
static inline bool dev_xmit_recursion(void)
{
	return unlikely(__this_cpu_read(softnet_data.xmit.recursion) >
			XMIT_RECURSION_LIMIT);
}

static inline void dev_xmit_recursion_inc(void)
{
	__this_cpu_inc(softnet_data.xmit.recursion);
}

static inline void dev_xmit_recursion_dec(void)
{
	__this_cpu_dec(softnet_data.xmit.recursion);
}
#endif
#endif

#endif /* _ADIT_COMPAT_LINUX_NETDEVICE_H */
