#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The encapsulation limit of IPv6 (RFC 2473, 4.1.1): the kernel's own ip6tnl
# sets it in packets that then go through adit.
#
#	A t1 fd01::1 ==== fd01::2 t1 B		ip6tnl, in
#	  adit0 fd09::1 == fd09::2 adit0	adit, over
#	  eth0 2001:db8::1, 192.0.2.1 ---- ::2, .2 eth0

. ./lib.sh
require tcpdump socat ethtool
require_module ip6_tunnel

# ip6tnl LIMIT: between A and B, by way of adit0
ip6tnl() {
	must ip -n "$A" -6 tunnel add t1 mode ip6ip6 local fd09::1 \
		remote fd09::2 encaplimit "$1"
	must ip -n "$B" -6 tunnel add t1 mode ip6ip6 local fd09::2 \
		remote fd09::1 encaplimit none
	tunnel_addr "$A" t1 fd01::1/64
	tunnel_addr "$B" t1 fd01::2/64
}

ip6tnl_gone() {
	must ip -n "$A" -6 tunnel del t1
	must ip -n "$B" -6 tunnel del t1
}

# handed_on LIMIT NEXTHDR: what is next after the outer header of what A sends
handed_on() {
	ip6tnl "$1"
	capture_start "$A" eth0 wire "ip6 and src 2001:db8::1 and not icmp6" ||
		return
	ping_ok "$A" fd01::2
	capture_wait wire 3
	capture_stop wire
	check_eq "bytes received" 262144 \
		"$(tcp_bytes "$A" "$B" fd01::2 262144)"
	check_eq "next header, of $1" "$2" "$(hex_at "$(capture_hex wire |
		head -n 1)" 6 1)"
	[ "$2" != 3c ] || check_eq "option" \
		"$(printf '29000401%02x010100' $(($1 - 1)))" \
		"$(hex_at "$(capture_hex wire | head -n 1)" 40 8)"
	ip6tnl_gone
}

# The limit is reached: dropped, and the sender, which is ip6tnl, told.
reached() {
	ip6tnl 0
	drops_mark "$A" adit0
	capture_start "$A" lo told "icmp6 and ip6[40] == 4" || return
	check_fails "a ping" in_ns "$A" ping -q -c 2 -i 0.2 -W 1 fd01::2
	check_drops "$A" adit0 tx_nesting 2
	capture_wait told 2
	capture_stop told
	# parameter problem, erroneous field, at byte 44: the limit
	check_eq "what is told" "04000000002c" "$(capture_hex told | head -n 1 |
		cut -c 81-84,89-96)"
	ip6tnl_gone
}

topo_direct
must in_ns "$A" sysctl -qw net.ipv6.icmp.ratelimit=0
must ip -n "$A" addr add 2001:db8::1/64 dev eth0
must ip -n "$B" addr add 2001:db8::2/64 dev eth0
A_IP=2001:db8::1 B_IP=2001:db8::2 adit_pair
case_run "none" handed_on none 29
case_run "4 becomes 3" handed_on 4 3c
case_run "1 becomes 0" handed_on 1 3c
case_run "0 goes no further" reached
adit_gone
adit_pair
case_run "over IPv4, 0 goes no further" reached
finish
