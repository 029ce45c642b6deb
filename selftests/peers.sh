#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# One device, many peers: packets go to the next hop of their route, and come
# only from who is allowed.
#
#	      P1 10.244.1.2      P2 10.244.2.2      P3 10.244.3.2
#	      |  fd00:1::2       |  fd00:2::2       |  fd00:3::2
#	cni0 N1 .1         cni0 N2 .1         cni0 N3 .1
#	eth0  | 192.0.2.1  eth0  | 192.0.2.2  eth0  | 192.0.2.3
#	      | 2001:db8::1      | 2001:db8::2      | 2001:db8::3
#	      +------------------S------------------+
#
# shellcheck disable=SC2086 # numbers are words

. ./lib.sh
require python3 tcpdump socat ethtool

NODES="1 2 3"

node() { local -n ns=N$1; echo "$ns"; }
pod() { local -n ns=P$1; echo "$ns"; }

topo_nodes() {
	local i n

	ns_new S N1 N2 N3 P1 P2 P3
	must ip -n "$S" link add br0 type bridge
	must ip -n "$S" link set br0 up
	for i in $NODES; do
		n=$(node $i)
		link_ns "$n" eth0 192.0.2.$i/24 "$S" "port$i" 10.0.$i.1/32
		must ip -n "$S" link set "port$i" master br0
		# What is no gateway on another device may be one on adit0:
		# Linux excepts only what the default route leads to.
		must ip -n "$n" addr add 2001:db8::$i/128 dev eth0
		must ip -n "$n" route add ::/0 dev eth0
		link_ns "$n" cni0 10.244.$i.1/24 "$(pod $i)" eth0 10.244.$i.2/24
		must ip -n "$n" addr add fd00:$i::1/64 dev cni0
		must ip -n "$(pod $i)" addr add fd00:$i::2/64 dev eth0
		must ip -n "$(pod $i)" route add default via 10.244.$i.1
		must ip -n "$(pod $i)" route add default via fd00:$i::1
		forwarding "$n"
	done
}

# peers HOP4 HOP6 OPTION...: adit0 on each node, and by it the others' pods:
# HOP4 of IPv4 and HOP6 of IPv6 is a next hop, less its last digit.
peers() {
	local hop4=$1 hop6=$2 i j n via
	shift 2

	for i in $NODES; do
		n=$(node $i)
		[ ! -e "$WORK/made" ] || must ip -n "$n" link del adit0
		must ip -n "$n" link add adit0 type adit remote any \
			"${@//@/$i}"
		must ip -n "$n" link set adit0 up
		for j in ${NODES/$i/}; do
			via="via"
			[[ $hop4 != *:* ]] || via="via inet6"
			must ip -n "$n" route add 10.244.$j.0/24 $via \
				"$hop4$j" dev adit0 onlink
			must ip -n "$n" route add fd00:$j::/64 \
				via "$hop6$j" dev adit0 onlink
		done
	done
	touch "$WORK/made"
}

# all_to_all OUTER FILTER: every pod reaches every other one, and what N1 sends
# to N2 looks so.
all_to_all() {
	local i j

	capture_start "$N1" eth0 wire "$2" || return
	for i in $NODES; do
		for j in ${NODES/$i/}; do
			ping_ok "$(pod $i)" 10.244.$j.2
			ping_ok "$(pod $i)" fd00:$j::2
		done
	done
	capture_wait wire 3
	capture_stop wire
	check_match "on the wire" "$1" "$(capture_show wire -c 1)"
	check_eq "bytes received" 262144 \
		"$(tcp_bytes "$P1" "$P2" 10.244.2.2 262144)"
	check_eq "bytes received" 262144 \
		"$(tcp_bytes "$P3" "$P1" fd00:1::2 262144)"
}

# From an address that is not allowed nothing is delivered, and it is counted.
refused_from() {
	drops_mark "$N1" adit0
	raw "$1" ip "$2" 192.0.2.1 4 3 "$INNER"
	check_within 5000 "drops" dropped "$N1" 3
	check_drops "$N1" adit0 rx_source 3
}
dropped() { [ "$(drops_since "$1" adit0)" = "rx_source +$2" ]; }

taken_from() {
	local before

	before=$(stat_get "$N1" adit0 rx_packets)
	drops_mark "$N1" adit0
	raw "$1" ip "$2" 192.0.2.1 4 3 "$INNER"
	check_within 5000 "packets" received $((before + 3))
	check_drops "$N1" adit0
}
received() { [ "$(stat_get "$N1" adit0 rx_packets)" = "$1" ]; }

allow() { check "allow $*" in_ns "$N1" ip link set adit0 type adit "$@"; }

live() {
	settle "$N1" adit0
	taken_from "$N2" 192.0.2.2
	allow allow 192.0.2.2/32
	taken_from "$N2" 192.0.2.2
	refused_from "$N3" 192.0.2.3
	allow allow 192.0.2.0/31 allow 192.0.2.3
	refused_from "$N2" 192.0.2.2
	taken_from "$N3" 192.0.2.3
	allow allow 2001:db8::/32
	refused_from "$N3" 192.0.2.3
	allow allow none
	refused_from "$N2" 192.0.2.2
	allow allow 0.0.0.0/0
	taken_from "$N3" 192.0.2.99
	allow allow 192.0.2.0/24
}

# The prefixes as they are printed back, sorted
printed() {
	ip -n "$N1" -d link show adit0 | grep -o 'allow [^ ]*' | sort |
		paste -sd ' '
}

nested() {
	local got

	allow allow 192.0.2.0/24 allow 192.0.2.128/25 allow 192.0.2.2/32 \
		allow 198.51.100.0/24 allow 2001:db8::/32
	got=$(printed)
	check_eq "prefixes" "allow 192.0.2.0/24 allow 192.0.2.128/25 allow \
192.0.2.2 allow 198.51.100.0/24 allow 2001:db8::/32" "$got"
	taken_from "$N2" 192.0.2.2
	taken_from "$N2" 192.0.2.127
	taken_from "$N2" 192.0.2.200
	refused_from "$N2" 192.0.3.1
	taken_from "$N2" 198.51.100.255
	refused_from "$N2" 198.51.101.0
	expect_extack "prefix.*twice" in_ns "$N1" ip link set adit0 type adit \
		allow 192.0.2.0/24 allow 192.0.2.0/24
	check_eq "prefixes" "$got" "$(printed)"
	allow allow 192.0.2.0/24
}

# shows N: so many prefixes of adit0, asked for by name and among all devices.
shows() {
	local name

	for name in adit0 ""; do
		# shellcheck disable=SC2086 # a word or none
		check_eq "prefixes by adit show $name" "$1" \
			"$(in_ns "$N1" adit show $name |
				grep -o 'allow [0-9]' | wc -l)"
	done
}

# The most there may be, of which every second address is allowed
many() {
	local args=() i

	for ((i = 0; i < 1024; i++)); do
		args+=(allow "198.51.$((i / 128)).$((i % 128 * 2))")
	done
	check "1024 prefixes" in_ns "$N1" adit set adit0 "${args[@]}"
	shows 1024
	taken_from "$N2" 198.51.0.0
	refused_from "$N2" 198.51.0.1
	taken_from "$N2" 198.51.3.128
	refused_from "$N2" 198.51.3.129
	taken_from "$N2" 198.51.7.254
	refused_from "$N2" 198.51.7.255
	expect_extack "1024|allow" in_ns "$N1" adit set adit0 "${args[@]}" \
		allow 203.0.113.1
	taken_from "$N2" 198.51.7.254
	allow allow 192.0.2.0/24
}

# A device without IPv6 has less to say besides, and so a smaller message.
counts() {
	local args=() n

	must ip -n "$N1" link set adit0 mtu 1000
	for ((n = 1; n <= 96; n++)); do
		args+=(allow "198.51.0.$n")
		[ $n -ge 64 ] || continue
		must in_ns "$N1" adit set adit0 "${args[@]}"
		shows $n
	done
	must ip -n "$N1" link set adit0 mtu 0
	allow allow 192.0.2.0/24
}

# A tunnel with that remote has its packets, the one without has the rest.
exact_wins() {
	local before

	must ip -n "$N1" link add adit1 type adit local 192.0.2.1 \
		remote 192.0.2.2
	must ip -n "$N1" link set adit1 up
	settle "$N1" adit1
	before=$(stat_get "$N1" adit1 rx_packets)
	drops_mark "$N1" adit0
	raw "$N2" ip 192.0.2.2 192.0.2.1 4 3 "$INNER"
	check_within 5000 "packets of the exact one" \
		exact_has $((before + 3))
	taken_from "$N3" 192.0.2.3
	must ip -n "$N1" link del adit1
	taken_from "$N2" 192.0.2.2
}
exact_has() { [ "$(stat_get "$N1" adit1 rx_packets)" = "$1" ]; }

# What an allowed one sends in another way than agreed is counted, too, and what
# somebody else sends is not.
in_another_way() {
	settle "$N1" adit0
	drops_mark "$N1" adit0
	raw "$N2" ip 192.0.2.2 192.0.2.1 4 3 "$INNER"
	raw "$N2" ip 198.51.100.2 192.0.2.1 4 3 "$INNER"
	check "what was sent is there" in_ns "$N2" ping -q -c 1 -W 5 192.0.2.1
	check_drops "$N1" adit0 rx_encap 3
}

# Without a next hop there is nowhere to send it.
no_next_hop() {
	must ip -n "$N1" route add 10.99.0.0/24 dev adit0
	must ip -n "$N1" route add fd99::/64 dev adit0
	drops_mark "$N1" adit0
	raw "$N1" udp 10.99.0.1 3 100
	raw "$N1" udp fd99::1 3 100
	check_drops "$N1" adit0 tx_no_remote 6
}

# IPv4 in IPv4 with UDP from nobody to nobody, which goes no further
INNER=4500001c000000004011f1d80a0900050a09004d176e176e00080000

topo_nodes
raw_start "$N1" "$N2" "$N3"
V4='IP 192\.0\.2\.[1-3] > 192\.0\.2\.[1-3]: '
V6='IP6 .*2001:db8::[1-3]( >|\.)'

peers 192.0.2. ::ffff:192.0.2. local 192.0.2.@ allow 192.0.2.0/24
case_run "IPv4 next hops" all_to_all "$V4" "ip proto 4 or ip proto 41"
case_run "allow, changed live" live
case_run "allow, one in the other" nested
case_run "allow, 1024" many
case_run "allow, printed without IPv6" counts
case_run "an exact remote wins" exact_wins
case_run "no next hop" no_next_hop
peers 2001:db8:: 2001:db8:: local 2001:db8::@ allow 2001:db8::/64
case_run "IPv6 next hops" all_to_all "$V6" "ip6 proto 4 or ip6 proto 41"
peers 192.0.2. 2001:db8:: allow 2001:db8::/64 allow 192.0.2.0/24
case_run "next hops of both families" all_to_all "$V4|$V6" \
	"proto 4 or ip6 proto 41"
peers 192.0.2. ::192.0.2. allow 192.0.2.0/24 encap fou encap-dport 5555
case_run "FOU" all_to_all "$V4|192.0.2.*5555" "udp port 5555"
case_run "another encapsulation than FOU" in_another_way
peers 2001:db8:: 2001:db8:: allow 2001:db8::/64 encap gue encap-dport 6080 \
	mode gre key 5
case_run "GRE in GUE" all_to_all "$V6" "udp port 6080"
finish
