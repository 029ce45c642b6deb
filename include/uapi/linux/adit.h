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
 *	required unless the device is external. No bytes: any, of the family of
 *	the local address, or of both; all zero: any, of that family.
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
 * @IFLA_ADIT_MODE: u8, enum adit_mode.
 * @IFLA_ADIT_IKEY: GRE key of received packets, 4 bytes in network order; no
 *	bytes: packets have none.
 * @IFLA_ADIT_OKEY: GRE key of sent packets, likewise.
 * @IFLA_ADIT_ICSUM: u8, 1: received packets must have a GRE checksum.
 * @IFLA_ADIT_OCSUM: u8, 1: sent packets have a GRE checksum.
 * @IFLA_ADIT_ISEQ: u8, 1: received packets must have GRE sequence numbers that
 *	ascend.
 * @IFLA_ADIT_OSEQ: u8, 1: sent packets have GRE sequence numbers.
 * @IFLA_ADIT_ENCAP: u8, enum adit_encap.
 * @IFLA_ADIT_ENCAP_SPORT: UDP source port, 2 bytes in network order; 0: made of
 *	the inner flow's hash.
 * @IFLA_ADIT_ENCAP_DPORT: UDP destination port, 2 bytes in network order.
 * @IFLA_ADIT_ENCAP_LISTEN: UDP port that packets come to, 2 bytes in network
 *	order; 0: the source port, or else the destination port.
 * @IFLA_ADIT_ENCAP_CSUM: u8, 1: UDP with checksums, and over IPv6 none without
 *	is taken.
 * @IFLA_ADIT_ALLOW: nest of IFLA_ADIT_ALLOW_PREFIX, at most ADIT_ALLOW_MAX:
 *	whom a tunnel whose remote is any takes packets from. All are replaced.
 *	Left out of a dump whose messages could never hold them: ask for that
 *	one device.
 * @IFLA_ADIT_EXTERNAL: u8, 1: the remote, the key and the like come with each
 *	packet, as tunnel metadata.
 * @IFLA_ADIT_6RD_PREFIX: a prefix (see IFLA_ADIT_ALLOW_PREFIX) of IPv6: what
 *	follows it in an inner destination is the IPv4 remote; 2002::/16 is
 *	6to4. No bytes: none.
 * @IFLA_ADIT_6RD_RELAY: a prefix of IPv4 that all remotes have in common, and
 *	that is left out of inner addresses. No bytes: none.
 * @IFLA_ADIT_ISATAP: u8, 1: an ISATAP address as next hop has the IPv4 remote
 *	in it, and as source it must.
 * @IFLA_ADIT_DELIVER: u8, enum adit_deliver.
 * @IFLA_ADIT_MSS_CLAMP: u8, 1: the MSS that a TCP SYN announces through the
 *	device, either way, is lowered to what the path carries.
 * @IFLA_ADIT_FASTPATH: u8, 1: outer packets pass by netfilter's hooks, and
 *	received ones by the look-up of their route.
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
	IFLA_ADIT_MODE,
	IFLA_ADIT_IKEY,
	IFLA_ADIT_OKEY,
	IFLA_ADIT_ICSUM,
	IFLA_ADIT_OCSUM,
	IFLA_ADIT_ISEQ,
	IFLA_ADIT_OSEQ,
	IFLA_ADIT_ENCAP,
	IFLA_ADIT_ENCAP_SPORT,
	IFLA_ADIT_ENCAP_DPORT,
	IFLA_ADIT_ENCAP_LISTEN,
	IFLA_ADIT_ENCAP_CSUM,
	IFLA_ADIT_ALLOW,
	IFLA_ADIT_EXTERNAL,
	IFLA_ADIT_6RD_PREFIX,
	IFLA_ADIT_6RD_RELAY,
	IFLA_ADIT_ISATAP,
	IFLA_ADIT_DELIVER,
	IFLA_ADIT_MSS_CLAMP,
	IFLA_ADIT_FASTPATH,
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
 * enum adit_mode - what announces the inner packet
 * @ADIT_MODE_IP: the protocol number of what carries it: 4, 41 or 137
 * @ADIT_MODE_GRE: a GRE header (RFC 2784, RFC 2890)
 */
enum adit_mode {
	ADIT_MODE_IP,
	ADIT_MODE_GRE,
	__ADIT_MODE_MAX
};

#define ADIT_MODE_MAX (__ADIT_MODE_MAX - 1)

/**
 * enum adit_encap - what all of that is carried in
 * @ADIT_ENCAP_NONE: IP
 * @ADIT_ENCAP_FOU: UDP, with nothing in between
 * @ADIT_ENCAP_GUE: UDP and a GUE header
 */
enum adit_encap {
	ADIT_ENCAP_NONE,
	ADIT_ENCAP_FOU,
	ADIT_ENCAP_GUE,
	__ADIT_ENCAP_MAX
};

#define ADIT_ENCAP_MAX (__ADIT_ENCAP_MAX - 1)

/**
 * enum adit_deliver - where received packets appear
 * @ADIT_DELIVER_TUNNEL: on the adit device (the default).
 * @ADIT_DELIVER_UNDERLAY: on the device that the outer packet came in on. Then
 *	ARP does not know the IPv4 addresses of the adit device.
 */
enum adit_deliver {
	ADIT_DELIVER_TUNNEL,
	ADIT_DELIVER_UNDERLAY,
	__ADIT_DELIVER_MAX
};

#define ADIT_DELIVER_MAX (__ADIT_DELIVER_MAX - 1)

#define ADIT_ALLOW_MAX	1024

/**
 * enum - attributes within IFLA_ADIT_ALLOW
 * @IFLA_ADIT_ALLOW_PREFIX: one byte, its length in bits, and then the address,
 *	4 or 16 bytes in network order, all bits beyond the length zero.
 */
enum {
	IFLA_ADIT_ALLOW_UNSPEC,
	IFLA_ADIT_ALLOW_PREFIX,
	__IFLA_ADIT_ALLOW_MAX
};

#define IFLA_ADIT_ALLOW_ATTR_MAX (__IFLA_ADIT_ALLOW_MAX - 1)

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
