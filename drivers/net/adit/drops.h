/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * adit: why packets are dropped, by name.
 *
 * Owns: the one table of causes. The module counts by it, ethtool and the
 * tools print by it. A cause's number is its place in the table and part of
 * the netlink interface: append, never reorder.
 * Does not own: the counting (device.c) or the decision (xmit.c, receive.c).
 *
 * Included with ADIT_DROP() defined to what its reader makes of a row, and
 * undefined at the end:
 *
 * ADIT_DROP(CAUSE, name, counter, core reason, text)
 *   name     as ethtool -S, ip -s and adit show print it
 *   counter  the member of struct rtnl_link_stats64 it also adds to (the core
 *            itself adds RX_BACKLOG to rx_dropped). Of RX_ENCAP, RX_DEVICE and
 *            RX_SOURCE it is no error: another device's healthy packets are counted,
 *            too.
 *   reason   the kernel's own skb drop reason (NOT_SPECIFIED where the kernel
 *            is older than the reason)
 */

ADIT_DROP(RX_DOWN, "rx_down", rx_dropped, DEV_READY,
	  "received while the device was down")
ADIT_DROP(RX_POLICY, "rx_policy", rx_errors, XFRM_POLICY,
	  "outer packet refused by IPsec policy")
ADIT_DROP(RX_MALFORMED, "rx_malformed", rx_frame_errors, IP_INHDR,
	  "inner header missing or not of the announced family")
ADIT_DROP(RX_ECN, "rx_ecn", rx_frame_errors, IP_TUNNEL_ECN,
	  "outer congestion mark on an inner packet without ECN")
ADIT_DROP(RX_NOMEM, "rx_nomem", rx_dropped, NOMEM,
	  "no memory on receive")
ADIT_DROP(RX_BACKLOG, "rx_backlog", rx_over_errors, CPU_BACKLOG,
	  "receive queue full (net.core.netdev_max_backlog)")
ADIT_DROP(TX_PROTOCOL, "tx_protocol", tx_errors, UNHANDLED_PROTO,
	  "neither IPv4, IPv6 nor MPLS")
ADIT_DROP(TX_MALFORMED, "tx_malformed", tx_errors, PKT_TOO_SMALL,
	  "inner header missing or not of its family")
ADIT_DROP(TX_NO_ROUTE, "tx_no_route", tx_carrier_errors, IP_OUTNOROUTES,
	  "no route to the remote, or the local address is gone")
ADIT_DROP(TX_LOOP_SELF, "tx_loop_self", tx_aborted_errors, RECURSION_LIMIT,
	  "the route to the remote leads back to this device or host")
ADIT_DROP(TX_LOOP_MUTUAL, "tx_loop_mutual", tx_aborted_errors, RECURSION_LIMIT,
	  "devices nested in each other")
ADIT_DROP(TX_NESTING, "tx_nesting", tx_aborted_errors, RECURSION_LIMIT,
	  "tunnels nested too deeply")
ADIT_DROP(TX_TOO_BIG, "tx_too_big", tx_errors, PKT_TOO_BIG,
	  "larger than the path to the remote carries")
ADIT_DROP(TX_NOMEM, "tx_nomem", tx_dropped, NOMEM,
	  "no memory on transmit")
ADIT_DROP(TX_UNDERLAY, "tx_underlay", tx_dropped, NOT_SPECIFIED,
	  "dropped by the underlay (netfilter, qdisc, no neighbour)")
ADIT_DROP(RX_CSUM, "rx_csum", rx_crc_errors, SKB_CSUM,
	  "GRE or UDP checksum wrong, or missing where there must be one")
ADIT_DROP(RX_SEQ, "rx_seq", rx_fifo_errors, NOT_SPECIFIED,
	  "GRE sequence number missing or late")
ADIT_DROP(RX_KEY, "rx_key", rx_errors, NOT_SPECIFIED,
	  "from the remote, but with another GRE key or none")
ADIT_DROP(RX_ENCAP, "rx_encap", rx_nohandler, NOT_SPECIFIED,
	  "from the remote, but in another encapsulation or with another port")
ADIT_DROP(RX_SOURCE, "rx_source", rx_nohandler, NOT_SPECIFIED,
	  "outer source not allowed, or not what the inner addresses say")
ADIT_DROP(RX_CONTROL, "rx_control", rx_dropped, NOT_SPECIFIED,
	  "GUE control message")
ADIT_DROP(RX_PROTOCOL, "rx_protocol", rx_errors, UNHANDLED_PROTO,
	  "inner protocol other than IPv4, IPv6 and MPLS")
ADIT_DROP(TX_NO_REMOTE, "tx_no_remote", tx_carrier_errors, NOT_SPECIFIED,
	  "neither next hop nor metadata nor address says where to")
ADIT_DROP(RX_DEVICE, "rx_device", rx_nohandler, NOT_SPECIFIED,
	  "from the remote, but by another device or VRF than the tunnel's")

#undef ADIT_DROP
