/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: a packet that leaves was counted once, and became a request that is one of
 * this host and a transmission.
 */
#ifndef _ADIT_COMPAT_NET_IP_H
#define _ADIT_COMPAT_NET_IP_H

#include_next <net/ip.h>

static inline void adit_ip_count_out(struct net *net, unsigned int len)
{
#ifdef ADIT_HAS_OUTREQUESTS
	IP_INC_STATS(net, IPSTATS_MIB_OUTREQUESTS);
#endif
	IP_UPD_PO_STATS(net, IPSTATS_MIB_OUT, len);
}

#endif /* _ADIT_COMPAT_NET_IP_H */
