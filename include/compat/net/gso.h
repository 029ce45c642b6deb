/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: GSO declarations moved here from linux/netdevice.h and skbuff.h.
 */
#ifndef _ADIT_COMPAT_NET_GSO_H
#define _ADIT_COMPAT_NET_GSO_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>

#ifdef ADIT_HAS_NET_GSO
#include_next <net/gso.h>
#endif

#endif /* _ADIT_COMPAT_NET_GSO_H */
