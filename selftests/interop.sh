#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# adit at one end, the kernel's own ipip or sit at the other: both directions
# work, count the same, and look the same on the wire.

. ./lib.sh
require ping socat tcpdump jq python3
require_module ipip sit

BYTES=2097152
PING=100		# bytes of data in a ping

topo_router

# peer_new TYPE [OPTION...]: adit0 in A, peer0 of that type in B.
peer_new() {
	adit_new "$A" "$A_IP" "$B_IP"
	must ip -n "$B" link add peer0 type "$1" \
		local "$B_IP" remote "$A_IP" ttl 64 "${@:2}"
}

peer_gone() {
	must ip -n "$A" link del adit0
	must ip -n "$B" link del peer0
	must ip -n "$A" route flush cache
}

addr4() {
	tunnel_addr "$A" adit0 10.9.0.1/30
	tunnel_addr "$B" peer0 10.9.0.2/30
}

addr6() {
	tunnel_addr "$A" adit0 fd09::1/64
	tunnel_addr "$B" peer0 fd09::2/64
}

# counters: packets and bytes, rx and tx, of adit0 and of peer0
counters() {
	{
		ip -n "$A" -s -j link show dev adit0
		ip -n "$B" -s -j link show dev peer0
	} | jq '.[0].stats64 | .rx.packets, .rx.bytes, .tx.packets, .tx.bytes'
}

# ping_counts NS ADDR HEADERS: 5 pings, both ends count them exactly.
ping_counts() {
	local before after i what=(packets bytes) want

	settle "$A" adit0
	settle "$B" peer0
	mapfile -t before < <(counters)
	check "5 pings" in_ns "$1" ping -q -c 5 -i 0.2 -W 5 -s "$PING" "$2"
	mapfile -t after < <(counters)
	want=(5 $((5 * (PING + $3))))
	for i in 0 1 2 3 4 5 6 7; do
		check_eq "${what[i % 2]}, counter $i of adit0 and peer0" \
			"${want[i % 2]}" $((after[i] - before[i]))
	done
}

tcp() { check_eq "bytes received" "$BYTES" "$(tcp_bytes "$@" "$BYTES")"; }

# on_the_wire FILTER PROTOCOL ADDR-OF-A ADDR-OF-B TTL-OFFSET: of a ping from
# either end, the outer headers differ in nothing but addresses, ID, checksum.
on_the_wire() {
	local hex a b

	capture_start "$A" eth0 wire "$1"
	ping_ok "$A" "$4" -c 1
	ping_ok "$B" "$3" -c 1
	capture_wait wire 4
	capture_stop wire
	mapfile -t hex < <(capture_hex wire)
	check_eq "outer packets" 4 ${#hex[@]}
	a=${hex[0]} b=${hex[2]}
	check_eq "source of adit's" c0000201 "$(hex_at "$a" 12 4)"
	check_eq "destination of adit's" c6336402 "$(hex_at "$a" 16 4)"
	check_eq "source of the peer's" c6336402 "$(hex_at "$b" 12 4)"
	check_eq "destination of the peer's" c0000201 "$(hex_at "$b" 16 4)"
	check_eq "version to length, adit's and the peer's" \
		"$(hex_at "$b" 0 4)" "$(hex_at "$a" 0 4)"
	check_eq "fragment bits" "$(hex_at "$b" 6 2)" "$(hex_at "$a" 6 2)"
	check_eq "DF of both" 4000 "$(hex_at "$a" 6 2)"
	check_eq "protocol" "$2" "$(hex_num "$a" 9 1)"
	check_eq "protocol of the peer's" "$2" "$(hex_num "$b" 9 1)"
	# R has taken one from what comes from B.
	check_eq "TTL" 64 "$(hex_num "$a" 8 1)"
	check_eq "TTL of the peer's" 63 "$(hex_num "$b" 8 1)"
	check_eq "ID of adit's" 0000 "$(hex_at "$a" 4 2)"
	check_eq "bytes of the packet" $((${#a} / 2)) "$(hex_num "$a" 2 2)"
	check_eq "hop limit or TTL inside" 64 "$(hex_num "$a" $((20 + $5)) 1)"
	check_eq "that of the peer's" 64 "$(hex_num "$b" $((20 + $5)) 1)"
	check_eq "bad checksums" "" \
		"$(capture_show wire -v | grep -i 'bad cksum')"
}

# gso NS-OF-CLIENT NS-OF-SERVER ADDR: segmentation is left to the underlay's
# device: what passes on the way there is larger than its MTU.
gso() {
	local big

	capture_start "$1" eth0 big -s 96 -Q out "ip proto 4 or ip proto 41"
	tcp "$1" "$2" "$3"
	capture_stop big
	# The outer header's own length, as tcpdump -v prints it.
	big=$(capture_show big -v | sed -n 's/^IP .*length \([0-9]*\))$/\1/p' |
		awk '$1 > 1500 { n++ } END { print n + 0 }')
	check_range "outer packets larger than the MTU" 1 99999 "$big"
}

# pmtu ADDR FAMILY HEADERS ADDR-OF-A: a hop of 1400 bytes on the way; the sender is told
# what fits, and TCP finishes both ways.
pmtu() {
	local largest=$((1380 - $3))

	must ip -n "$R" link set eth1 mtu 1400
	must ip -n "$B" link set eth0 mtu 1400
	busywait 5000 mtu_told "$1" "$2" $((largest + 1)) 1380
	check "the sender is told 1380" mtu_told "$1" "$2" $((largest + 1)) 1380
	check "the largest that fits" in_ns "$A" \
		ping "-$2" -q -c 2 -i 0.2 -W 5 -M 'do' -s "$largest" "$1"
	tcp "$A" "$B" "$1"
	tcp "$B" "$A" "$4"
	must ip -n "$R" link set eth1 mtu 1500
	must ip -n "$B" link set eth0 mtu 1500
}

ipip_gone_adit_stays() {
	check "ping" in_ns "$A" ping -q -c 1 -W 5 10.9.0.2
	must ip -n "$B" link set peer0 down
	check_fails "ping a peer that is down" \
		in_ns "$A" ping -q -c 1 -W 1 10.9.0.2
	must ip -n "$B" link set peer0 up
	ping_ok "$A" 10.9.0.2
}

carries4() {
	case_run "$1: IPv4 ping from adit, counted" ping_counts "$A" 10.9.0.2 28
	case_run "$1: IPv4 ping from $1, counted" ping_counts "$B" 10.9.0.1 28
	case_run "$1: IPv4 on the wire" \
		on_the_wire "ip proto 4" 4 10.9.0.1 10.9.0.2 8
	case_run "$1: IPv4 TCP from adit, GSO" gso "$A" "$B" 10.9.0.2
	case_run "$1: IPv4 TCP from $1, GSO" gso "$B" "$A" 10.9.0.1
}

carries6() {
	case_run "$1: IPv6 ping from adit, counted" ping_counts "$A" fd09::2 48
	case_run "$1: IPv6 ping from $1, counted" ping_counts "$B" fd09::1 48
	case_run "$1: IPv6 on the wire" \
		on_the_wire "ip proto 41 and (ip[60] = 128 or ip[60] = 129)" \
		41 fd09::1 fd09::2 7
	case_run "$1: IPv6 TCP from adit, GSO" gso "$A" "$B" fd09::2
	case_run "$1: IPv6 TCP from $1, GSO" gso "$B" "$A" fd09::1
}

peer_new ipip
addr4
drops_mark "$A" adit0
carries4 ipip
case_run "ipip: down and up again" ipip_gone_adit_stays
case_run "ipip: adit has dropped nothing" check_drops "$A" adit0
case_run "ipip: PMTU" pmtu 10.9.0.2 4 28 10.9.0.1
peer_gone

peer_new sit mode ip6ip
addr6
drops_mark "$A" adit0
carries6 "sit mode ip6ip"
case_run "sit mode ip6ip: adit has dropped nothing" check_drops "$A" adit0
case_run "sit mode ip6ip: PMTU" pmtu fd09::2 6 48 fd09::1
peer_gone

peer_new sit mode any
addr4
addr6
drops_mark "$A" adit0
carries4 "sit mode any"
carries6 "sit mode any"
case_run "sit mode any: adit has dropped nothing" check_drops "$A" adit0
finish
