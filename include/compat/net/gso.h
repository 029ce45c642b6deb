/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: GSO declarations moved here from linux/netdevice.h and skbuff.h. Later
 * kernels tell whether the IDs of segments stay the same of the outermost header and
 * of the inner one; who puts a header before a packet, or takes one off, says so.
 */
#ifndef _ADIT_COMPAT_NET_GSO_H
#define _ADIT_COMPAT_NET_GSO_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>

#ifdef ADIT_HAS_NET_GSO
#include_next <net/gso.h>
#endif

static inline void adit_gso_ids_push(struct sk_buff *skb)
{
#ifdef ADIT_HAS_GSO_FIXEDID_INNER
	if (skb_shinfo(skb)->gso_type & SKB_GSO_TCP_FIXEDID)
		skb_shinfo(skb)->gso_type ^= SKB_GSO_TCP_FIXEDID |
					     SKB_GSO_TCP_FIXEDID_INNER;
#endif
}

static inline void adit_gso_ids_pull(struct sk_buff *skb)
{
#ifdef ADIT_HAS_GSO_FIXEDID_INNER
	unsigned int type = skb_shinfo(skb)->gso_type;

	type &= ~SKB_GSO_TCP_FIXEDID;
	if (type & SKB_GSO_TCP_FIXEDID_INNER)
		type ^= SKB_GSO_TCP_FIXEDID | SKB_GSO_TCP_FIXEDID_INNER;
	skb_shinfo(skb)->gso_type = type;
#endif
}

#endif /* _ADIT_COMPAT_NET_GSO_H */
