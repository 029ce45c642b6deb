/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: what becomes of packets without a policy was no choice, then bits, then
 * an action for each direction.
 */
#ifndef _ADIT_COMPAT_NET_XFRM_H
#define _ADIT_COMPAT_NET_XFRM_H

#include_next <net/xfrm.h>

#ifdef CONFIG_XFRM
/* Is what comes in refused, unless a policy lets it pass? */
static inline bool adit_xfrm_blocks_in(const struct net *net)
{
#if defined(ADIT_HAS_XFRM_DEFAULT_ACTIONS)
	return READ_ONCE(net->xfrm.policy_default[XFRM_POLICY_IN]) ==
	       XFRM_USERPOLICY_BLOCK;
#elif defined(ADIT_HAS_XFRM_DEFAULT_BITS)
	return READ_ONCE(net->xfrm.policy_default) & XFRM_POL_DEFAULT_IN;
#else
	return false;
#endif
}
#endif

#endif /* _ADIT_COMPAT_NET_XFRM_H */
