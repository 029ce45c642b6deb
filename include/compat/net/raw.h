/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: raw sockets were hashed by their protocol alone.
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

#endif /* _ADIT_COMPAT_NET_RAW_H */
