#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Remote checksum offload of GUE: the inner checksum is left to the receiver.
#
#	HA eth0 10.10.10.2 ---- .1 lan0 A adit0 10.9.0.1 ==== 10.9.0.2 peer0 B
#	                                        fd09::1       fd09::2
#
# shellcheck disable=SC2086 # options are words

. ./lib.sh
require python3 tcpdump socat ethtool
require_module ipip ip6_tunnel ip_gre fou fou6

BYTES=300000
OPTIONS="encap gue encap-dport 6080"

topo_direct
ns_new HA
link_ns "$HA" eth0 10.10.10.2/24 "$A" lan0 10.10.10.1/24
must ip -n "$HA" route add default via 10.10.10.1
must ip -n "$A" addr add 2001:db8::1/64 dev eth0
must ip -n "$B" addr add 2001:db8::2/64 dev eth0
forwarding "$A"

# ends OUTER MODE TYPE...: adit0 in A, and in B the kernel's peer0 that leaves
# checksums to A.
ends() {
	local a=$A_IP b=$B_IP mode=$2
	[ "$1" != 6 ] || a=2001:db8::1 b=2001:db8::2

	must ip -n "$B" "-$1" fou add port 6080 gue
	must ip -n "$B" link add peer0 type "${@:3}" local $b remote $a \
		encap gue encap-sport auto encap-dport 6080 encap-csum \
		encap-udp6-csum encap-remcsum
	adit_new "$A" $a $b mode "$mode" $OPTIONS
	tunnel_addr "$A" adit0 10.9.0.1/30
	tunnel_addr "$B" peer0 10.9.0.2/30
	must ip -n "$B" route add 10.10.10.0/24 dev peer0
}

ends_gone() {
	must ip -n "$A" link del adit0
	must ip -n "$B" link del peer0
	must ip -n "$B" "-$1" fou del port 6080
}

# The option is there: the GUE header's hlen is 2.
kernel_peer() {
	local gue="ip[28]" n

	ends "$@"
	[ "$1" != 6 ] || gue="ip6[48]"
	capture_start "$A" eth0 wire "udp port 6080"
	check_eq "bytes received" 3000 "$(tcp_bytes "$B" "$A" 10.9.0.1 3000)"
	capture_stop wire
	n=$(capture_show wire "$gue == 2" | wc -l)
	check_range "packets with the option" 3 99 "$n"
	check_eq "bytes received" $BYTES \
		"$(tcp_bytes "$B" "$A" 10.9.0.1 $BYTES)"
	check_eq "bytes received" $BYTES \
		"$(tcp_bytes "$A" "$B" 10.9.0.2 $BYTES)"
	no_drops "$A" adit0
	ends_gone "$1"
}

# What is passed on needs the checksum, by hand where the next device has no
# offload.
forwarded() {
	local tx

	ends 4 ip ipip
	for tx in on off; do
		must in_ns "$A" ethtool -K lan0 tx $tx
		check_eq "bytes received, tx $tx" $BYTES \
			"$(tcp_bytes "$B" "$HA" 10.10.10.2 $BYTES)"
	done
	must in_ns "$A" ethtool -K lan0 tx on
	no_drops "$A" adit0
	ends_gone 4
}

# forged HLEN OPTIONS: the bytes after the outer IP header of a GUE packet with
# these, and in it IPv4, UDP and 8 bytes.
forged() {
	local inner=4500002400004000401126b60a0900020a090001
	local udp=176f176f00100000adadadadadadadad len

	inner=0${1}040001$2$inner$udp
	printf -v len %04x $((8 + ${#inner} / 2))
	echo "176f17c0${len}0000$inner"
}

# bad CAUSE HLEN OPTIONS: such a packet is dropped for that cause.
bad() {
	drops_mark "$A" adit0
	raw "$B" ip $B_IP $A_IP 17 1 "$(forged "$2" "$3")"
	check_within 2000 "$1 of $3" drops_moved "$A" adit0
	check_drops "$A" adit0 "$1" 1
}

# Places that are none. Inside the packet they are only right from behind the
# IP header on.
offsets() {
	local packets

	adit_new "$A" $A_IP $B_IP $OPTIONS noencap-csum
	tunnel_addr "$A" adit0 10.9.0.1/30
	bad rx_malformed 1 80000000
	bad rx_malformed 2 400000000014001a
	bad rx_malformed 2 c00000000014001a
	bad rx_malformed 2 8000000000000000
	bad rx_malformed 2 800000000000001a
	bad rx_malformed 2 80000000000a000a
	bad rx_malformed 2 8000000000130019
	bad rx_malformed 2 80000000001a0014
	bad rx_malformed 2 8000000000140023
	bad rx_malformed 2 800000000014ffff
	bad rx_malformed 2 80000000ffffffff
	settle "$A" adit0
	packets=$(stat_get "$A" adit0 rx_packets)
	drops_mark "$A" adit0
	raw "$B" ip $B_IP $A_IP 17 2 "$(forged 2 800000000014001a)"
	check_within 2000 "received" received_more "$A" adit0 "$packets" 2
	check_drops "$A" adit0
	must ip -n "$A" link set adit0 type adit encap-csum
	bad rx_csum 2 800000000014001a
	must ip -n "$A" link del adit0
}

# A place in a SYN that is not TCP's checksum does not spare us that one, when the
# MSS changes. (It is right with what is there after that: cae4.)
clamped() {
	local syn=4500003c00004000400626a80a0900020a090001

	syn+=3d2d005080a4d98d00000000a0021000a50d0000
	syn+=020423000402080a000000010000000001030307
	adit_new "$A" $A_IP $B_IP $OPTIONS noencap-csum mss-clamp on
	tunnel_addr "$A" adit0 10.9.0.1/30
	capture_start "$A" adit0 syn tcp
	raw "$B" ip $B_IP $A_IP 17 1 176f17c000500000020400018000000000280038$syn
	capture_stop syn
	check_match "the SYN" "0x[0-9a-f]+ \(correct\).*mss 1428" \
		"$(capture_show syn -vv | tr -d '\n')"
	must ip -n "$A" link del adit0
}

# What is passed on, netfilter has seen as it is: UDP to another port by a checksum
# that is to be made where the port is.
judged() {
	local inner=4500002400004000401126b50a0900020a090001
	local was

	adit_new "$A" $A_IP $B_IP $OPTIONS noencap-csum
	tunnel_addr "$A" adit0 10.9.0.1/30
	must in_ns "$A" nft "add table ip t
		add counter ip t zero
		add counter ip t made
		add chain ip t i { type filter hook prerouting priority -400; }
		add rule ip t i iifname adit0 udp dport 0 counter name zero
		add rule ip t i iifname adit0 udp dport 65519 counter name made"
	settle "$A" adit0
	was=$(stat_get "$A" adit0 rx_packets)
	raw "$B" ip $B_IP $A_IP 17 1 \
		176f17c000380000020400018000000000160016${inner}176f0000001000000000000000000000
	check_within 2000 "received" received_more "$A" adit0 "$was" 1
	check_eq "as it came, and as it goes on" "0 1" \
		"$(nft_packets "$A" counters table ip t | xargs)"
	must in_ns "$A" nft delete table ip t
	must ip -n "$A" link del adit0
}

raw_start "$B"
case_run "ipip from the kernel over IPv4" kernel_peer 4 ip ipip
case_run "ip6tnl from the kernel over IPv6" kernel_peer 6 ip ip6tnl mode any encaplimit none
case_run "gre from the kernel over IPv4" kernel_peer 4 gre gre
case_run "forwarded, with and without offload" forwarded
case_run "places outside the inner packet, no UDP checksum" offsets
case_run "of a SYN that is clamped" clamped
case_run "elsewhere, ahead of netfilter" judged
finish
