/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: raw sockets were hashed by their protocol alone; for some releases (6.0 to
 * 6.2) their lists ended otherwise.
 */
#ifndef _ADIT_COMPAT_NET_RAW_H
#define _ADIT_COMPAT_NET_RAW_H

#include_next <net/raw.h>

#ifndef ADIT_HAS_RAW_HASHFUNC
static inline u32 raw_hashfunc(const struct net *net, u32 proto)
{
	return proto & (RAW_HTABLE_SIZE - 1);
}
#endif

#ifdef ADIT_HAS_RAW_NULLS
#define adit_raw_is_empty(head)	hlist_nulls_empty(head)
#else
#define adit_raw_is_empty(head)	hlist_empty(head)
#endif

#endif /* _ADIT_COMPAT_NET_RAW_H */
