#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A kernel started with ipv6.disable=1: tunnels over IPv4 work, and an IPv6 packet
# that gets into one all the same is dropped without an answer, which the kernel
# would panic over.

. ./lib.sh
require ping ethtool python3
[ ! -e /proc/sys/net/ipv6 ] ||
	skip_all "needs a kernel started with ipv6.disable=1"

over_ip4() {
	adit_new "$A" "$A_IP" "$B_IP" "$@"
	adit_new "$B" "$B_IP" "$A_IP" "$@"
	tunnel_addr "$A" adit0 10.9.0.1/30
	tunnel_addr "$B" adit0 10.9.0.2/30
	ping_ok "$A" 10.9.0.2
	no_drops "$A" adit0
	no_drops "$B" adit0
	adit_gone
}

to_any() {
	check "new" ip -n "$A" link add adit0 type adit remote any allow "$B_IP"
	adit_new "$B" "$B_IP" "$A_IP"
	tunnel_addr "$A" adit0 10.9.0.1/30
	tunnel_addr "$B" adit0 10.9.0.2/30
	must ip -n "$A" route add 10.9.9.0/24 via "$B_IP" dev adit0 onlink
	must ip -n "$B" addr add 10.9.9.2/32 dev adit0
	ping_ok "$A" 10.9.9.2
	adit_gone
}

over_ip6() {
	expect_extack "IPv6 is off" ip -n "$A" link add adit0 type adit \
		remote 2001:db8::2
}

# Packets of no IPv6 address: one that allows no encapsulation, one that is too big
ip6_inside() {
	local addrs zeros

	printf -v addrs %064d 0
	printf -v zeros %02560d 0
	adit_new "$A" "$A_IP" "$B_IP"
	tunnel_addr "$A" adit0 10.9.0.1/30
	drops_mark "$A" adit0
	raw "$A" link adit0 86dd 3 "6000000000083c40${addrs}3b00040100010100"
	check_drops "$A" adit0 tx_nesting 3
	must ip -n "$A" route add "$B_IP" dev eth0 mtu 1300
	must ip -n "$A" link set adit0 mtu 1400
	drops_mark "$A" adit0
	raw "$A" link adit0 86dd 3 "6000000005003b40$addrs$zeros"
	check_drops "$A" adit0 tx_too_big 3
	must ip -n "$A" route del "$B_IP" dev eth0
	must ip -n "$A" link del adit0
}

ns_new A B
A_IP=192.0.2.1 B_IP=192.0.2.2
link_ns "$A" eth0 $A_IP/24 "$B" eth0 $B_IP/24
raw_start "$A"
case_run "IP" over_ip4
case_run "GRE" over_ip4 mode gre
case_run "FOU" over_ip4 encap fou encap-dport 5555
case_run "GUE" over_ip4 encap gue encap-dport 6080
case_run "any remote" to_any
case_run "over IPv6" over_ip6
case_run "IPv6 inside" ip6_inside
finish
