/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * adit: attributes of the link kind "adit", as carried in IFLA_INFO_DATA.
 *
 * Owns: the netlink interface between the module and its tools. Numbers are
 * stable: new attributes are appended, none is ever reused.
 * Does not own: the names of drop causes (drivers/net/adit/drops.h).
 */
#ifndef _UAPI_LINUX_ADIT_H
#define _UAPI_LINUX_ADIT_H

/**
 * enum - attributes of an adit device
 * @IFLA_ADIT_LOCAL: outer source, 4 or 16 bytes in network order; all zero or
 *	never given: chosen by routing.
 * @IFLA_ADIT_REMOTE: outer destination, 4 or 16 bytes in network order;
 *	required.
 * @IFLA_ADIT_DEV: name of the device the tunnel is bound to, as a string. It
 *	is a name and not an index because it is resolved in the netns of the
 *	underlay, which the caller need not be in. Empty: not bound.
 * @IFLA_ADIT_FWMARK: u32, mark of outer packets, also used to route them; 0:
 *	they are routed without one and keep the inner packet's, which netfilter
 *	and tc may look at, unless it came from another netns.
 * @IFLA_ADIT_TTL: u8, TTL of outer packets; ADIT_TTL_INHERIT: as inner.
 * @IFLA_ADIT_TOS: u8, DSCP of outer packets in its place in the TOS byte (the
 *	ECN bits are RFC 6040's); ADIT_TOS_INHERIT: as inner.
 * @IFLA_ADIT_DF: u8, enum adit_df.
 * @IFLA_ADIT_MTU_AUTO: u8, 1 while the MTU follows the underlay. Read only:
 *	setting the device's MTU to 0 switches it on, any other MTU off.
 */
enum {
	IFLA_ADIT_UNSPEC,
	IFLA_ADIT_LOCAL,
	IFLA_ADIT_REMOTE,
	IFLA_ADIT_DEV,
	IFLA_ADIT_FWMARK,
	IFLA_ADIT_TTL,
	IFLA_ADIT_TOS,
	IFLA_ADIT_DF,
	IFLA_ADIT_MTU_AUTO,
	__IFLA_ADIT_MAX
};

#define IFLA_ADIT_MAX (__IFLA_ADIT_MAX - 1)

#define ADIT_TTL_INHERIT	0
#define ADIT_TTL_DEFAULT	64
#define ADIT_TOS_INHERIT	1

/**
 * enum adit_df - the DF bit of outer packets
 * @ADIT_DF_SET: always set; what is too big is fragmented before it is
 *	encapsulated, or answered with an ICMP error (the default).
 * @ADIT_DF_INHERIT: as the inner packet's; inner IPv6 counts as DF set.
 * @ADIT_DF_UNSET: never set; routers may fragment outer packets.
 */
enum adit_df {
	ADIT_DF_SET,
	ADIT_DF_INHERIT,
	ADIT_DF_UNSET,
	__ADIT_DF_MAX
};

#define ADIT_DF_MAX (__ADIT_DF_MAX - 1)

/**
 * enum - attributes within IFLA_INFO_XSTATS
 * @IFLA_ADIT_XSTATS_DROPS: nest; one u64 per cause of a drop, its type being
 *	the cause's number in drivers/net/adit/drops.h plus one. Type 0 is
 *	padding.
 */
enum {
	IFLA_ADIT_XSTATS_UNSPEC,
	IFLA_ADIT_XSTATS_DROPS,
	__IFLA_ADIT_XSTATS_MAX
};

#define IFLA_ADIT_XSTATS_MAX (__IFLA_ADIT_XSTATS_MAX - 1)

#endif /* _UAPI_LINUX_ADIT_H */
