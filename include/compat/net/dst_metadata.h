/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: flags of tunnel metadata were a __be16 and became a bitmap; those of the
 * look-up of its route are younger.
 */
#ifndef _ADIT_COMPAT_NET_DST_METADATA_H
#define _ADIT_COMPAT_NET_DST_METADATA_H

#include_next <net/dst_metadata.h>

#ifdef ADIT_HAS_TUNNEL_BITMAP
#define adit_tun_test(key, name)					\
	test_bit(IP_TUNNEL_##name##_BIT, (key)->tun_flags)
#else
#define adit_tun_test(key, name)	((key)->tun_flags & TUNNEL_##name)
#endif

/* How its route is looked up, of FLOWI_FLAG_* */
static inline u8 adit_tun_flow_flags(const struct ip_tunnel_key *key)
{
#ifdef ADIT_HAS_TUNNEL_FLOW_FLAGS
	return key->flow_flags;
#else
	return 0;
#endif
}

/* Metadata of a received packet whose network header is outer, or NULL */
static inline struct metadata_dst *adit_tun_rx_dst(struct sk_buff *skb,
						   u8 family, bool keyed,
						   bool csum, __be64 id)
{
#ifdef ADIT_HAS_TUNNEL_BITMAP
	IP_TUNNEL_DECLARE_FLAGS(flags) = { };

	__assign_bit(IP_TUNNEL_KEY_BIT, flags, keyed);
	__assign_bit(IP_TUNNEL_CSUM_BIT, flags, csum);
#else
	__be16 flags = (keyed ? TUNNEL_KEY : 0) | (csum ? TUNNEL_CSUM : 0);
#endif

	return family == AF_INET ? ip_tun_rx_dst(skb, flags, id, 0) :
				   ipv6_tun_rx_dst(skb, flags, id, 0);
}

#endif /* _ADIT_COMPAT_NET_DST_METADATA_H */
