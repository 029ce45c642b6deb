/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: ip6_route_input() had no export, but was in a table for modules.
 */
#ifndef _ADIT_COMPAT_NET_IP6_ROUTE_H
#define _ADIT_COMPAT_NET_IP6_ROUTE_H

#include_next <net/ip6_route.h>

#ifdef ADIT_HAS_IPV6_STUB
#include <net/ipv6_stubs.h>

static inline int adit_ip6_route_input(struct sk_buff *skb)
{
	return ipv6_stub->ipv6_route_input(skb);
}
#else
static inline int adit_ip6_route_input(struct sk_buff *skb)
{
	ip6_route_input(skb);
	return skb_dst(skb)->error;
}
#endif

#endif /* _ADIT_COMPAT_NET_IP6_ROUTE_H */
