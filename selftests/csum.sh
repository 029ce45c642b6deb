#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A checksum that is wrong inside is found, whatever has been said of the outer one
# by who has looked at the packet ahead of the tunnel: GRO marks UDP without a
# checksum as verified.
#
#	A adit0 10.9.0.1 ==== 10.9.0.2 (raw packets) B
#
# shellcheck disable=SC2086 # options are words

. ./lib.sh
require python3 ethtool nstat

N=5		# packets at a time

topo_direct
must ip -n "$A" addr add 2001:db8::1/64 dev eth0 nodad
must ip -n "$B" addr add 2001:db8::2/64 dev eth0 nodad
# to veth, packets of who has no TSO are as from a wire
must in_ns "$B" ethtool -K eth0 tso off
must in_ns "$A" ethtool -K eth0 gro on
raw_start "$B"

csum_errors() { mib_get "$A" UdpInCsumErrors; }
csum_errors_are() { [ "$(csum_errors)" = "$1" ]; }

# Inside: UDP from 10.9.0.2 to 10.9.0.1, port 5999, with 8 bytes and that checksum
inner() {
	echo "4500002400004000401126b50a0900020a090001176f176f0010${1}adadadadadadadad"
}

# fou PAYLOAD: sent N times from B in UDP, without a checksum
fou() {
	local len

	printf -v len %04x $((8 + ${#1} / 2))
	raw "$B" ip $FROM $TO 17 $N "176f15b3${len}0000$1"
}

# ends OUTER OPTION...: adit0 in A
ends() {
	TO=$A_IP FROM=$B_IP
	[ "$1" = 4 ] || TO=2001:db8::1 FROM=2001:db8::2
	adit_new "$A" $TO $FROM encap fou encap-dport 5555 noencap-csum "${@:2}"
	tunnel_addr "$A" adit0 10.9.0.1/30
}

# Those without a checksum are what the rest is known by to come in early.
inner_wrong() {
	local was

	ends "$@"
	fou "$(inner 0000)"
	check_within 2000 "received" received_are $N
	was=$(csum_errors)
	fou "$(inner beef)"
	check_within 2000 "checksum errors" csum_errors_are $((was + N))
	check_eq "received" $((2 * N)) "$(stat_get "$A" adit0 rx_packets)"
	must ip -n "$A" link del adit0
}

inner_wrong_late() {
	must in_ns "$A" sysctl -qw net.ipv4.ip_early_demux=0
	inner_wrong 4
	must in_ns "$A" sysctl -qw net.ipv4.ip_early_demux=1
}

# gre SUM: IPv4 in GRE with that checksum
gre() { echo "80000800${1}0000$(inner 0000)"; }

gre_wrong() {
	ends 4 mode gre csum "$@"
	fou "$(gre 925a)"
	check_within 2000 "received" received_are $N
	drops_mark "$A" adit0
	fou "$(gre beef)"
	check_within 2000 "counted" drops_moved "$A" adit0
	settle "$A" adit0
	check_drops "$A" adit0 rx_csum $N
	must ip -n "$A" link del adit0
}

received_are() { [ "$(stat_get "$A" adit0 rx_packets)" = "$1" ]; }

case_run "UDP inside FOU over IPv4" inner_wrong 4
case_run "UDP inside FOU over IPv4, the long way" inner_wrong_late
case_run "UDP inside FOU over IPv4, fastpath" inner_wrong 4 fastpath on
case_run "UDP inside FOU over IPv6" inner_wrong 6
case_run "GRE inside FOU" gre_wrong
case_run "GRE inside FOU, fastpath" gre_wrong fastpath on
finish
