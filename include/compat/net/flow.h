/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: flowi4_tos (a TOS byte) became flowi4_dscp (a dscp_t).
 */
#ifndef _ADIT_COMPAT_NET_FLOW_H
#define _ADIT_COMPAT_NET_FLOW_H

#include_next <net/flow.h>

#ifdef ADIT_HAS_FLOWI4_DSCP
#define adit_flowi4_set_dsfield(fl4, dsfield)				\
	((fl4)->flowi4_dscp = inet_dsfield_to_dscp(dsfield))
#else
#define adit_flowi4_set_dsfield(fl4, dsfield)				\
	((fl4)->flowi4_tos = (dsfield) & ~INET_ECN_MASK)
#endif

#endif /* _ADIT_COMPAT_NET_FLOW_H */
