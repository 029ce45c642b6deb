#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What routing daemons and people with tcpdump expect of the device: a capture
# on it decodes, it is point-to-point and does multicast, and has an IPv6
# link-local address.

. ./lib.sh
require ping tcpdump jq

topo_direct
adit_pair

flags() {
	local link

	link=$(ip -n "$A" -d -j link show dev adit0)
	check_eq "flags" "LOWER_UP MULTICAST NOARP POINTOPOINT UP" \
		"$(jq -r '.[0].flags | sort | join(" ")' <<<"$link")"
	check_eq "link type" none "$(jq -r '.[0].link_type' <<<"$link")"
	check_eq "kind" adit "$(jq -r '.[0].linkinfo.info_kind' <<<"$link")"
	check_eq "link-layer address" null "$(jq -r '.[0].address' <<<"$link")"
	check_eq "ARPHRD_NONE" 65534 \
		"$(ip netns exec "$A" cat /sys/class/net/adit0/type)"
}

# link_local NS: its link-local address on adit0.
link_local() {
	ip -n "$1" -6 -j addr show dev adit0 scope link |
		jq -r '[.[].addr_info[]?.local // empty] | join(" ")'
}

has_link_local() {
	local ns addr

	for ns in "$A" "$B"; do
		addr=$(link_local "$ns")
		check_match "link-local address" '^fe80::[0-9a-f:]+$' "$addr"
	done
	check_fails "both ends have the same" \
		test "$(link_local "$A")" = "$(link_local "$B")"
	ping_ok "$A" "$addr%adit0"
}

# Set down and up, the device has one again.
keeps_link_local() {
	must ip -n "$A" link set adit0 down
	check_eq "link-local address while down" "" "$(link_local "$A")"
	must ip -n "$A" link set adit0 up
	must ip -n "$A" addr replace fd09::1/64 dev adit0
	check_within 5000 "link-local address" test -n "$(link_local "$A")"
	ping_ok "$A" "$(link_local "$B")%adit0"
}

# all_nodes GROUP WHO: a ping to the group is answered by the other end.
all_nodes() {
	must in_ns "$B" sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0
	check_match "answers to a ping of $1" "from $2" \
		"$(in_ns "$A" ping -n -c 2 -i 0.3 -W 5 -I adit0 "$1" 2>&1)"
}

joins_group() {
	check_match "groups" "ff02::1 " \
		"$(ip -n "$A" -6 maddr show dev adit0 | xargs)"
	check_match "groups" "224.0.0.1" \
		"$(ip -n "$A" -4 maddr show dev adit0 | xargs)"
}

# decodes ADDR FILTER LINE OUTER-FILTER: on the device, in both directions, tcpdump sees a
# plain packet, which is what the wire carries inside.
decodes() {
	local name

	capture_start "$A" adit0 near "$2"
	capture_start "$B" adit0 far "$2"
	capture_start "$A" eth0 wire "ip proto 4 or ip proto 41"
	ping_ok "$A" "$1" -c 1
	for name in near far wire; do
		capture_wait "$name" 2
		capture_stop "$name"
	done
	check_match "line of a capture" "$3" "$(capture_show near | head -n 1)"
	check_eq "packets" 2 "$(capture_show near | wc -l)"
	check_eq "link type of the capture, raw IP" 65000000 \
		"$(od -An -tx1 -j 20 -N 4 "$WORK/near.pcap" | tr -d ' ')"
	check_eq "both ends" "$(capture_hex near)" "$(capture_hex far)"
	check_eq "inside the wire's" "$(capture_hex near)" \
		"$(capture_hex wire "$4" | cut -c 41-)"
}

link_types() {
	check_match "link types" RAW \
		"$(in_ns "$A" tcpdump -i adit0 -L 2>&1)"
}

# directions: each packet is seen once, as out or in.
directions() {
	capture_start "$A" adit0 out -Q out icmp
	capture_start "$A" adit0 in -Q in icmp
	ping_ok "$A" 10.9.0.2
	capture_wait out 3
	capture_wait in 3
	capture_stop out
	capture_stop in
	check_eq "out, requests" 3 "$(capture_show out | grep -c 'echo request')"
	check_eq "out, all" 3 "$(capture_show out | wc -l)"
	check_eq "in, replies" 3 "$(capture_show in | grep -c 'echo reply')"
	check_eq "in, all" 3 "$(capture_show in | wc -l)"
}

case_run "flags and type" flags
case_run "an IPv6 link-local address" has_link_local
case_run "it comes back with the device" keeps_link_local
case_run "member of the all-hosts groups" joins_group
case_run "IPv4 multicast passes" all_nodes 224.0.0.1 10.9.0.2
case_run "IPv6 multicast passes" all_nodes ff02::1%adit0 "$(link_local "$B")"
case_run "tcpdump's link types" link_types
case_run "a capture decodes IPv4" decodes 10.9.0.2 icmp \
	"^IP 10.9.0.1 > 10.9.0.2: ICMP echo request" "ip proto 4"
case_run "a capture decodes IPv6" decodes fd09::2 \
	"ip6[40] = 128 or ip6[40] = 129" \
	"^IP6 fd09::1 > fd09::2: ICMP6, echo request" \
	"ip proto 41 and (ip[60] = 128 or ip[60] = 129)"
case_run "directions" directions
finish
