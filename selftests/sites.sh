#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The practice of every IPIP tutorial: two private networks, 10.10.10.0/24 and
# 10.10.20.0/24 (and IPv6 ones), joined by a tunnel between their gateways,
# across a router that knows neither network. Seen hop by hop:
#
#	HA --lan0-- A ==== adit0 ==== B --lan0-- HB
#	            |                 |
#	            +-eth0-- R --eth0-+

. ./lib.sh
require ping socat tcpdump traceroute jq

BYTES=2097152
OUTER_AB=c0000201c6336402	# 192.0.2.1 to 198.51.100.2

topo_sites
adit_pair
must ip -n "$A" route add 10.10.20.0/24 dev adit0
must ip -n "$B" route add 10.10.10.0/24 dev adit0
must ip -n "$A" route add fd00:20::/64 dev adit0
must ip -n "$B" route add fd00:10::/64 dev adit0

# The hops that a packet from HA to HB takes: name, namespace, device, whether
# it is encapsulated there, outer and inner TTL.
HOPS="
ha	$HA	eth0	plain	-	64
lan	$A	lan0	plain	-	64
tuna	$A	adit0	plain	-	63
wana	$A	eth0	outer	64	63
ra	$R	eth0	outer	64	63
rb	$R	eth1	outer	63	63
wanb	$B	eth0	outer	63	63
tunb	$B	adit0	plain	-	63
lanb	$B	lan0	plain	-	62
hb	$HB	eth0	plain	-	62
"

# hop_by_hop ADDR PLAIN-FILTER OUTER-FILTER PROTOCOL INNER-ADDRS TTL-OFFSET
# ADDRS-OFFSET: one ping from HA, as each hop sees it.
hop_by_hop() {
	local name ns dev form ottl ittl filter

	while read -r name ns dev form ottl ittl; do
		[ -n "$name" ] || continue
		filter=$2
		[ "$form" = plain ] || filter=$3
		capture_start "$ns" "$dev" "$name" "$filter" </dev/null
	done <<<"$HOPS"
	ping_ok "$HA" "$1" -c 1
	while read -r name ns dev form ottl ittl; do
		[ -n "$name" ] || continue
		capture_wait "$name" 1
		capture_stop "$name"
		hop "$name" "$form" "$ottl" "$ittl" "${@:4}"
	done <<<"$HOPS"
}

# hop NAME FORM OUTER-TTL INNER-TTL PROTOCOL INNER-ADDRS TTL-OFFSET ADDRS-OFFSET
hop() {
	local hex inner

	hex=$(capture_hex "$1")
	check_eq "$1: requests" 1 "$(wc -l <<<"$hex")"
	inner=$hex
	if [ "$2" = outer ]; then
		check_eq "$1: protocol" "$5" "$(hex_num "$hex" 9 1)"
		check_eq "$1: outer TTL" "$3" "$(hex_num "$hex" 8 1)"
		check_eq "$1: outer addresses" "$OUTER_AB" "$(hex_at "$hex" 12 8)"
		inner=${hex:40}
	fi
	check_eq "$1: TTL" "$4" "$(hex_num "$inner" "$7" 1)"
	check_eq "$1: addresses" "$6" "$(hex_at "$inner" "$8" $((${#6} / 2)))"
}

# trace ADDR HOP...: traceroute from HA shows these.
trace() {
	local out

	out=$(in_ns "$HA" traceroute -n -q 1 -w 5 -m 8 "$1")
	check_eq "hops to $1" "${*:2}" \
		"$(awk 'NR > 1 { print $2 }' <<<"$out" | xargs)"
}

# narrow ADDR FAMILY HEADERS: a host that sends full Ethernet packets is told
# what fits by its gateway.
narrow() {
	local out

	out=$(in_ns "$HA" ping "-$2" -c 1 -W 5 -M 'do' -s $((1500 - $3)) "$1" 2>&1)
	check_match "what the gateway says" "mtu ?[:=] ?1480" "$out"
	check "the largest that fits" \
		in_ns "$HA" ping "-$2" -c 1 -W 5 -M 'do' -s $((1480 - $3)) "$1"
}

tcp() {
	check_eq "bytes received" "$BYTES" "$(tcp_bytes "$@" "$BYTES")"
}

# Each gateway's tunnel has counted what the host sent, and nothing else.
counted() {
	local before after

	settle "$A" adit0
	before=$(stat_get "$A" adit0 tx_packets)
	after=$(stat_get "$B" adit0 rx_packets)
	ping_ok "$HA" 10.10.20.2 -c 4
	check_eq "into the tunnel at A" 4 \
		$(($(stat_get "$A" adit0 tx_packets) - before))
	check_eq "out of it at B" 4 \
		$(($(stat_get "$B" adit0 rx_packets) - after))
}

# What the router has seen of all this: the two public addresses, and tunnel
# packets only.
router_saw() {
	local dev lines

	for dev in ra_all rb_all; do
		capture_stop "$dev"
		lines=$(capture_show "$dev" ip | wc -l)
		check_range "IPv4 packets" 100 999999 "$lines"
		check_eq "of them between the gateways, in the tunnel" "$lines" \
			"$(capture_show "$dev" "host 192.0.2.1 and host 198.51.100.2 \
				and (ip proto 4 or ip proto 41)" | wc -l)"
		check_eq "of private addresses" 0 "$(capture_show "$dev" \
			"net 10.0.0.0/8 or net fd00::/8" | wc -l)"
	done
	check_eq "routes of the router to the sites" "" \
		"$(ip -n "$R" route show root 10.0.0.0/8)$(ip -n "$R" -6 \
			route show root fd00::/8)"
}

# Without the tunnel the sites are apart: it was the tunnel that joined them.
apart() {
	must ip -n "$A" link set adit0 down
	check_fails "ping without the tunnel" \
		in_ns "$HA" ping -q -c 1 -W 1 10.10.20.2
	check_fails "the same for IPv6" \
		in_ns "$HA" ping -q -c 1 -W 1 fd00:20::2
}

capture_start "$R" eth0 ra_all -s 128
capture_start "$R" eth1 rb_all -s 128
case_run "IPv4, hop by hop" hop_by_hop 10.10.20.2 "icmp[icmptype] == 8" \
	"ip proto 4 and ip[40] = 8" 4 0a0a0a020a0a1402 8 12
case_run "IPv6, hop by hop" hop_by_hop fd00:20::2 "ip6[40] == 128" \
	"ip proto 41 and ip[60] = 128" 41 \
	fd000010000000000000000000000002fd000020000000000000000000000002 7 8
case_run "IPv4, traceroute" trace 10.10.20.2 10.10.10.1 10.9.0.2 10.10.20.2
case_run "IPv6, traceroute" trace fd00:20::2 fd00:10::1 fd09::2 fd00:20::2
case_run "IPv4, what fits" narrow 10.10.20.2 4 28
case_run "IPv6, what fits" narrow fd00:20::2 6 48
case_run "counters" counted
case_run "IPv4, TCP from HA" tcp "$HA" "$HB" 10.10.20.2
case_run "IPv4, TCP from HB" tcp "$HB" "$HA" 10.10.10.2
case_run "IPv6, TCP from HA" tcp "$HA" "$HB" fd00:20::2
case_run "IPv6, TCP from HB" tcp "$HB" "$HA" fd00:10::2
case_run "the router sees no private address" router_saw
case_run "no tunnel, no way" apart
finish
