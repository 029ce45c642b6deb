/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: ip_route_input_noref() took a TOS byte and returned an errno; it takes
 * a dscp_t and returns a drop reason. Both are zero on success.
 *
 * A macro, since what it calls is of net/ip.h, which includes this.
 */
#ifndef _ADIT_COMPAT_NET_ROUTE_H
#define _ADIT_COMPAT_NET_ROUTE_H

#include_next <net/route.h>

#ifdef ADIT_HAS_ROUTE_INPUT_DSCP
#define adit_ip4_dscp(iph)	ip4h_dscp(iph)
#else
#define adit_ip4_dscp(iph)	((iph)->tos)
#endif

#endif /* _ADIT_COMPAT_NET_ROUTE_H */
