/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: RPS was in linux/netdevice.h.
 */
#ifdef ADIT_HAS_NET_RPS
#include_next <net/rps.h>
#else
#include <linux/netdevice.h>
#endif
