#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A router with two ways to the peer sees more than one flow in a tunnel: by the
# UDP source port, or the flow label of IPv6, which are the inner flow's. Each
# inner flow stays on its way.
#
#	A eth0 192.0.2.1/24 ---- .254 eth0 R eth1 198.51.100.254/24 ---- .2 eth1 B
#	       2001:db8:1::1/64  ::254     R eth2 203.0.113.254/24 ----- .2 eth2 B
#	                                     2001:db8:2::254, :3::254   ::2
#	B lo 192.88.99.2/32, 2001:db8:9::2/128
#
# And so does B, which has two ways itself, from a tunnel to many.

. ./lib.sh
require tcpdump python3

FLOWS=64 TIMES=3
A_IP=192.0.2.1 B_IP=192.88.99.2
A_IP6=2001:db8:1::1 B_IP6=2001:db8:9::2

topology() {
	ns_new A R B
	link_ns "$A" eth0 $A_IP/24 "$R" eth0 192.0.2.254/24
	link_ns "$B" eth1 198.51.100.2/24 "$R" eth1 198.51.100.254/24
	link_ns "$B" eth2 203.0.113.2/24 "$R" eth2 203.0.113.254/24
	must ip -n "$A" addr add $A_IP6/64 dev eth0
	must ip -n "$R" addr add 2001:db8:1::254/64 dev eth0
	must ip -n "$R" addr add 2001:db8:2::254/64 dev eth1
	must ip -n "$R" addr add 2001:db8:3::254/64 dev eth2
	must ip -n "$B" addr add 2001:db8:2::2/64 dev eth1
	must ip -n "$B" addr add 2001:db8:3::2/64 dev eth2
	must ip -n "$B" addr add $B_IP/32 dev lo
	must ip -n "$B" addr add $B_IP6/128 dev lo
	forwarding "$R"
	must in_ns "$B" sysctl -qw net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.eth1.rp_filter=0 net.ipv4.conf.eth2.rp_filter=0
	must ip -n "$A" route add default via 192.0.2.254
	must ip -n "$A" route add default via 2001:db8:1::254
	must ip -n "$B" route add 192.0.2.0/24 via 198.51.100.254
	must ip -n "$B" route add 2001:db8:1::/64 via 2001:db8:2::254
	must ip -n "$R" route add $B_IP/32 \
		nexthop via 198.51.100.2 nexthop via 203.0.113.2
	must ip -n "$R" route add $B_IP6/128 \
		nexthop via 2001:db8:2::2 nexthop via 2001:db8:3::2
}

# policy NUMBER: what R's choice depends on: 0 addresses (and the flow label), 1
# ports too.
policy() {
	must in_ns "$R" sysctl -qw net.ipv4.fib_multipath_hash_policy="$1" \
		net.ipv6.fib_multipath_hash_policy="$1"
}

# end NS LOCAL REMOTE ADDR4 ADDR6 OPTION...
end() {
	check "new: ${*:6}" ip -n "$1" link add adit0 type adit \
		local "$2" remote "$3" "${@:6}" || return
	must ip -n "$1" addr add "$4/30" dev adit0
	must ip -n "$1" addr add "$5/64" dev adit0
	must ip -n "$1" link set adit0 up
}

gone() {
	ip -n "$A" link del adit0
	ip -n "$B" link del adit0
} 2>/dev/null

# flows NAME: those that were captured there
flows() { ./packet.py show "$WORK/$1.pcap" n | sort -n | uniq -c; }

# split NS DST: the flows from there are on both paths, each on one.
split() {
	local n specs=() first second

	for n in $(seq "$FLOWS"); do
		specs+=("n=$n,size=64,times=$TIMES")
	done
	capture_start "$R" eth1 path1 "$FILTER" || return
	capture_start "$R" eth2 path2 "$FILTER" || return
	check "send" packet "$1" send "$2" "${specs[@]}"
	busywait 5000 all_captured
	check_eq "packets" $((FLOWS * TIMES)) "$(captured)" ||
		{ capture_show path1; capture_show path2; } | grep -v UDP
	capture_stop path1
	capture_stop path2
	first=$(flows path1 | wc -l)
	second=$(flows path2 | wc -l)
	echo "# $CASE, to $2: $first flows and $second" \
		>&"$OUT"
	check_range "flows on the first path" 10 $((FLOWS - 10)) "$first"
	check_eq "flows on both together" "$FLOWS" $((first + second))
	check_eq "flows with other than $TIMES packets on one path" "" "$({
		flows path1
		flows path2
	} | awk -v times="$TIMES" '$1 != times' | xargs)"
}

captured() { echo $(($(capture_show path1 | wc -l) + $(capture_show path2 | wc -l))); }
all_captured() { [ "$(captured)" -ge $((FLOWS * TIMES)) ]; }

# ecmp OUTER POLICY OPTION...
ecmp() {
	local a=$A_IP b=$B_IP

	[ "$1" = v4 ] || a=$A_IP6 b=$B_IP6
	FILTER="src host $a"
	policy "$2"
	end "$A" "$a" "$b" 10.9.0.1 fd09::1 "${@:3}" || return
	end "$B" "$b" "$a" 10.9.0.2 fd09::2 "${@:3}" || return
	# its group reports are no flow of these
	settle "$A" adit0
	split "$A" 10.9.0.2
	split "$A" fd09::2
}

# both_known: what B's own links carry just so, and the way does not, goes to none of
# 40 hosts. (To each but once: of its path B has learnt then.)
both_known() {
	local n args=()

	NET=$((NET + 1))
	for n in $(seq 40); do
		args+=("10.9.$NET.$n" "n=$n,size=$((1500 - HEADERS - 28)),df=do")
	done
	drops_mark "$B" adit0
	packet "$B" send "${args[@]}"
	[ "$(drops_since "$B" adit0)" = "tx_too_big +40" ]
}

# own_uplinks OUTER HEADERS OPTION...: B has two ways itself, and a tunnel to many. Of
# each way it learns what it carries.
own_uplinks() {
	local a=$A_IP b=$B_IP family=inet HEADERS=$2 NET=0 hop

	must ip -n "$B" route replace "$A_IP/32" nexthop via 198.51.100.254 \
		nexthop via 203.0.113.254
	# (what is not by the default route is not taken for a next hop of adit0)
	ip -n "$B" route del 2001:db8:1::/64 2>/dev/null
	must ip -n "$B" -6 route replace default \
		nexthop via 2001:db8:2::254 nexthop via 2001:db8:3::254
	[ "$1" = v4 ] || a=$A_IP6 b=$B_IP6 family=inet6
	end "$A" "$a" "$b" 10.9.0.1 fd09::1 "${@:3}" || return
	end "$B" "$b" any 10.9.0.2 fd09::2 allow "$a" "${@:3}" || return
	must ip -n "$B" route add 10.9.0.0/16 via "$family" "$a" dev adit0 onlink
	FILTER="(ip or ip6) and src host $b"
	settle "$A" adit0
	# (a next hop that has not been heard of may not be taken)
	for hop in 198.51.100.254 203.0.113.254 2001:db8:2::254 2001:db8:3::254; do
		ping_ok "$B" "$hop" -c 1
	done
	split "$B" 10.9.1.1
	must ip -n "$R" link set eth0 mtu 1400
	check_within 10000 "both ways are known" both_known
	must ip -n "$R" link set eth0 mtu 1500
	must ip -n "$B" route flush cache
	must ip -n "$B" -6 route flush cache
}

run() {
	case_run "$@"
	gone
}

topology
run "fou, ports" ecmp v4 1 encap fou encap-sport auto encap-dport 5555
run "gue, ports" ecmp v4 1 encap gue encap-sport auto encap-dport 6080
run "fou over IPv6, ports" ecmp v6 1 encap fou encap-sport auto encap-dport 5555
run "fou over IPv6, flow label" \
	ecmp v6 0 encap fou encap-sport auto encap-dport 5555
run "ip over IPv6, flow label" ecmp v6 0
if [ ! -e /sys/module/ip6_gre ]; then
	run "gre over IPv6, flow label" ecmp v6 0 mode gre
fi
run "two uplinks" own_uplinks v4 20
run "two uplinks, IPv6" own_uplinks v6 40
finish
