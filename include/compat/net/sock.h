/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: sk_drops_inc() came with drop counters of a socket's own.
 */
#ifndef _ADIT_COMPAT_NET_SOCK_H
#define _ADIT_COMPAT_NET_SOCK_H

#include_next <net/sock.h>

#ifndef ADIT_HAS_SK_DROPS_INC
static inline void sk_drops_inc(struct sock *sk)
{
	atomic_inc(&sk->sk_drops);
}
#endif

#endif /* _ADIT_COMPAT_NET_SOCK_H */
