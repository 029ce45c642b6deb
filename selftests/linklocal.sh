#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tunnels between link-local addresses: bound to the link, or to a link in a
# VRF.
#
#	A eth0 fe80::a/64 ---- fe80::b/64 eth0 B

. ./lib.sh
require socat ethtool
require_module vrf

# between OPTION...: traffic both ways through such a tunnel
between() {
	adit_new "$A" fe80::a fe80::b dev eth0 "$@"
	adit_new "$B" fe80::b fe80::a dev eth0 "$@"
	tunnel_addr "$A" adit0 10.9.0.1/30 fd09::1/64
	tunnel_addr "$B" adit0 10.9.0.2/30 fd09::2/64
	ping_ok "$A" 10.9.0.2
	ping_ok "$B" fd09::1
	check_eq "bytes received" 262144 \
		"$(tcp_bytes "$A" "$B" 10.9.0.2 262144)"
	check_eq "bytes received" 262144 \
		"$(tcp_bytes "$B" "$A" fd09::1 262144)"
	no_drops "$A" adit0 rx_down
	no_drops "$B" adit0 rx_down
	adit_gone
}

# A tunnel that takes packets to any address is not in the way of its port.
all_modes() {
	between
	between mode gre key 7
	must ip -n "$A" link add other type adit remote 2001:db8::77 \
		encap fou encap-dport 5555
	between encap fou encap-dport 5555
	must ip -n "$A" link del other
	between encap gue encap-dport 6080 mode gre
}

into_vrf() {
	must ip -n "$A" link add blue type vrf table 10
	must ip -n "$A" link set blue up
	must ip -n "$A" link set eth0 vrf blue
	must ip -n "$A" addr replace fe80::a/64 dev eth0
}

topo_direct
must ip -n "$A" addr add fe80::a/64 dev eth0
must ip -n "$B" addr add fe80::b/64 dev eth0
case_run "on a link" all_modes
into_vrf
case_run "on a link in a VRF" all_modes
finish
