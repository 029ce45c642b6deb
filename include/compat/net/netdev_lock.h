/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: netdev_lockdep_set_classes() moved here from linux/netdevice.h.
 */
#ifndef _ADIT_COMPAT_NET_NETDEV_LOCK_H
#define _ADIT_COMPAT_NET_NETDEV_LOCK_H

#include <linux/netdevice.h>

#ifdef ADIT_HAS_NET_NETDEV_LOCK
#include_next <net/netdev_lock.h>
#endif

#endif /* _ADIT_COMPAT_NET_NETDEV_LOCK_H */
