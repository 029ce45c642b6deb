#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Outer packets in fragments: made by the sender or on the way, put together
# again before the tunnel sees them, or not at all.

. ./lib.sh
require python3 tcpdump jq nft

V4=10.9.0.2 V6=fd09::2

# receive: B's datagrams, counted, from now to check_received.
receive() {
	udp_receive "$B"
	settle "$B" adit0
	RX_PACKETS=$(stat_get "$B" adit0 rx_packets)
	RX_BYTES=$(stat_get "$B" adit0 rx_bytes)
	drops_mark "$A" adit0
	drops_mark "$B" adit0
}

# check_received BYTES LINE...: exactly these have arrived, in as many inner
# packets of that many bytes in all.
check_received() {
	local bytes=$1
	shift

	udp_received "$@"
	check_eq "inner packets" $# \
		$(($(stat_get "$B" adit0 rx_packets) - RX_PACKETS))
	check_eq "inner bytes" "$bytes" \
		$(($(stat_get "$B" adit0 rx_bytes) - RX_BYTES))
	check_drops "$A" adit0
	check_drops "$B" adit0
}

# fragments NAME: of each captured fragment the protocol, DF, MF, offset and
# length.
fragments() {
	./packet.py show --all "$WORK/$1.pcap" o.proto o.df o.mf o.off o.len |
		sort -n
}

# one_id_each NAME PROTO COUNT: so many datagrams are told apart by their ID.
one_id_each() {
	check_eq "IDs of $1, protocol $2" "$3" \
		"$(./packet.py show --all "$WORK/$1.pcap" o.proto o.id |
			awk -v p="$2" '$1 == p' | sort -u | wc -l)"
}

by_sender() {
	check "MTU" ip -n "$A" link set adit0 mtu 4000
	receive
	capture_start "$A" eth0 outer \
		"src $A_IP and (ip proto 4 or ip proto 41)" || return
	check "send" packet "$A" send "$V4" n=1,size=3000,df=dont \
		n=2,size=3001,df=do n=3,size=1452,df=dont
	check "send" packet "$A" send "$V6" n=4,size=3000 n=5,size=1432
	check_received $((3028 + 3029 + 1480 + 3048 + 1480)) "1 3000 ok" \
		"2 3001 ok" "3 1452 ok" "4 3000 ok" "5 1432 ok"
	capture_wait outer 11
	capture_stop outer
	check_eq "fragments" "$(lines "4 0 1 0 1500" "4 0 1 1480 1500" \
		"4 0 0 2960 88" "4 0 1 0 1500" "4 0 1 1480 1500" \
		"4 0 0 2960 89" "4 0 0 0 1500" \
		"41 0 1 0 1500" "41 0 1 1480 1500" "41 0 0 2960 108" \
		"41 0 0 0 1500" | sort -n)" "$(fragments outer)"
	one_id_each outer 4 3
	one_id_each outer 41 2
}

# What is to be cut here has a header that says it is shorter than any is. (Newer
# kernels cut it themselves.)
no_header() {
	local was

	check "MTU" ip -n "$A" link set adit0 mtu 0
	must ip -n "$A" link set adit0 type adit df set
	must ip -n "$A" link set eth0 mtu 1000
	must in_ns "$A" nft "add table ip t
		add chain ip t o { type filter hook output priority 0; }
		add rule ip t o oifname adit0 @nh,0,8 set 0x44"
	settle "$A" adit0
	drops_mark "$A" adit0
	was=$(stat_get "$A" adit0 tx_packets)
	check "send" packet "$A" send "$V4" n=1,size=1100,df=dont
	nap 0.5
	check_match "packets sent and drops" "^[02-9] tx_malformed .1$|^[2-9] $" \
		"$(($(stat_get "$A" adit0 tx_packets) - was)) $(drops_since "$A" adit0)"
	must in_ns "$A" nft delete table ip t
	must ip -n "$A" link set adit0 type adit df unset
	must ip -n "$A" link set eth0 mtu 1500
	check_within 5000 "MTU 1480" mtu_is "$A" adit0 1480
}

# The largest inner packet makes the largest outer one.
largest() {
	check "MTU" ip -n "$A" link set adit0 mtu 65515
	receive
	check "send" packet "$A" send "$V4" n=1,size=$((65515 - 28)),df=dont
	check "send" packet "$A" send "$V6" n=2,size=$((65515 - 48))
	check_received $((2 * 65515)) "1 65487 ok" "2 65467 ok"
}

by_router() {
	check "MTU" ip -n "$A" link set adit0 mtu 0
	must ip -n "$R" link set eth1 mtu 1400
	receive
	capture_start "$A" eth0 near \
		"src $A_IP and (ip proto 4 or ip proto 41)" || return
	capture_start "$B" eth0 far \
		"src $A_IP and (ip proto 4 or ip proto 41)" || return
	check "send" packet "$A" send "$V4" n=1,size=1452,df=dont \
		n=2,size=1452,df=do n=3,size=1352
	check "send" packet "$A" send "$V6" n=4,size=1432 n=5,size=1332
	check_received $((3 * 1480 - 100 + 2 * 1480 - 100)) "1 1452 ok" \
		"2 1452 ok" "3 1352 ok" "4 1432 ok" "5 1332 ok"
	capture_wait near 5
	capture_wait far 8
	capture_stop near
	capture_stop far
	check_eq "at the sender" "$(lines "4 0 0 0 1400" "4 0 0 0 1500" \
		"4 0 0 0 1500" "41 0 0 0 1400" "41 0 0 0 1500")" \
		"$(fragments near | sort -k 1,1n -k 5,5n)"
	check_eq "behind the router" "$(lines "4 0 1 0 1396" "4 0 0 1376 124" \
		"4 0 1 0 1396" "4 0 0 1376 124" "4 0 0 0 1400" \
		"41 0 1 0 1396" "41 0 0 1376 124" "41 0 0 0 1400" | sort -n)" \
		"$(fragments far)"
	check_eq "PMTU of the tunnel" "" \
		"$(ip -n "$A" route get "$B_IP" | grep -o ' mtu [0-9]*')"
	must ip -n "$R" link set eth1 mtu 1500
}

# forged INNER HEADERS: three fragments of 400, 400 and 200 + HEADERS bytes, in
# every order.
forged() {
	local n=0 order specs=() want=()

	receive
	for order in 012 021 102 120 201 210; do
		specs+=("inner=$1,n=$n,size=1000,frag=400,order=$order")
		want+=("$n 1000 ok")
		n=$((n + 1))
	done
	check "forge" packet "$A" forge "$A_IP" "$B_IP" "${specs[@]}"
	check_received $((n * (1000 + $2))) "${want[@]}"
}

# missing INNER HEADERS: of four fragments one is missing; only what is whole
# arrives.
missing() {
	local n=0 order specs=()

	receive
	for order in 123 023 013 012; do
		specs+=("inner=$1,n=$n,size=1500,frag=400,order=$order")
		n=$((n + 1))
	done
	check "forge" packet "$A" forge "$A_IP" "$B_IP" "${specs[@]}" \
		"inner=$1,n=9,size=1500,frag=400"
	check_received $((1500 + $2)) "9 1500 ok"
}

topo_router
adit_pair df unset

case_run "fragmented by the sender" by_sender
case_run "the largest packet" largest
case_run "a header that is none" no_header
case_run "fragmented by a router" by_router
case_run "fragments in any order, IPv4" forged 4 28
case_run "fragments in any order, IPv6" forged 6 48
case_run "a fragment missing, IPv4" missing 4 28
case_run "a fragment missing, IPv6" missing 6 48
finish
