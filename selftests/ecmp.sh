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

# split DST: the flows are on both paths, each on one.
split() {
	local n specs=() first second

	for n in $(seq "$FLOWS"); do
		specs+=("n=$n,size=64,times=$TIMES")
	done
	capture_start "$R" eth1 path1 "$FILTER" || return
	capture_start "$R" eth2 path2 "$FILTER" || return
	check "send" packet "$A" send "$1" "${specs[@]}"
	busywait 5000 all_captured
	check "$((FLOWS * TIMES)) packets" all_captured
	capture_stop path1
	capture_stop path2
	first=$(flows path1 | wc -l)
	second=$(flows path2 | wc -l)
	echo "# $CASE, to $1: $first flows and $second" \
		>&"$OUT"
	check_range "flows on the first path" 10 $((FLOWS - 10)) "$first"
	check_eq "flows on both together" "$FLOWS" $((first + second))
	check_eq "flows with other than $TIMES packets on one path" "" "$({
		flows path1
		flows path2
	} | awk -v times="$TIMES" '$1 != times' | xargs)"
}

all_captured() {
	[ $(($(capture_show path1 | wc -l) + $(capture_show path2 | wc -l))) = \
		$((FLOWS * TIMES)) ]
}

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
	split 10.9.0.2
	split fd09::2
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
finish
