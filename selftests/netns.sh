#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A tunnel and its underlay in different namespaces: made there, or moved; what
# is printed; traffic and its counters; and what happens when either ends.
#
# The underlay is that of A. The tunnel lives in X.
#
# shellcheck disable=SC2086 # numbers, addresses and the like are words

. ./lib.sh
require ping

# dev_of NS: what adit0 is bound to there.
dev_of() {
	ip -n "$1" -d link show dev adit0 |
		sed -n 's/^    adit .* dev \([^ ]*\) .*/\1/p'
}
names() { in_ns "$1" sed -n 's/^ *\(.*\):.*/\1/p' /proc/net/dev | xargs; }
has() { ip -n "$1" link show dev "$2"; }
has_not() { ! has "$1" "$2"; }

# underlay_of NS: the name of the netns that adit0 there has its underlay in.
underlay_of() {
	local id

	id=$(ip -n "$1" -d link show dev adit0 |
		sed -n 's/.* link-netns\(id\)\? \([^ ]*\).*/\2/p')
	[[ $id =~ ^[0-9]+$ ]] || { echo "$id"; return; }
	ip -n "$1" netns list-id | sed -n "s/^nsid $id .*name: \(.*\))\$/\1/p"
}

# addresses NS: as A has them in adit_pair.
addresses() { tunnel_addr "$1" adit0 10.9.0.1/30 fd09::1/64; }

# traffic NS: 5 pings of 100 bytes each way and in IPv6, and exact counters.
traffic() {
	local ns=$1 was

	settle "$ns" adit0
	was=$(counts "$ns")
	check "ping IPv4 out" ping5 "$ns" 10.9.0.2
	check "ping IPv4 in" ping5 "$B" 10.9.0.1
	check "ping IPv6 out" ping5 "$ns" fd09::2
	check_eq "packets and bytes, sent and received" "$(count_up $was)" \
		"$(counts "$ns")"
}

ping5() { in_ns "$1" ping -q -c 5 -i 0.05 -W 5 -s 100 "$2"; }

# counts NS: of adit0 there: packets and bytes, sent and received.
counts() {
	# shellcheck disable=SC2016 # awk expands it
	in_ns "$1" awk 'sub(/^ *adit0:/, "") { print $10, $9, $2, $1 }' /proc/net/dev
}

count_up() {
	local bytes=$((10 * 128 + 5 * 148))

	echo "$(($1 + 15)) $(($2 + bytes)) $(($3 + 15)) $(($4 + bytes))"
}

only_lo() {
	ns_new FRESH
	check_eq "devices of a new namespace" lo "$(names "$FRESH")"
	ns_gone FRESH
}

add_netns() {
	check "add in X, underlay here" ip -n "$A" link add adit0 netns "$X" \
		type adit local $A_IP remote $B_IP dev eth0
	check_fails "it is in A" has "$A" adit0
	check_eq "its underlay" "$A" "$(underlay_of "$X")"
	check_eq "dev" eth0 "$(dev_of "$X")"
	addresses "$X"
	traffic "$X"
	check "delete" ip -n "$X" link del adit0
}

link_netns() {
	check "add in X, underlay in A" ip -n "$X" link add adit0 \
		link-netns "$A" type adit local $A_IP remote $B_IP dev eth0
	check_eq "its underlay" "$A" "$(underlay_of "$X")"
	addresses "$X"
	traffic "$X"
	check "delete" ip -n "$X" link del adit0
}

move() {
	check "add in A" ip -n "$A" link add adit0 type adit local $A_IP \
		remote $B_IP dev eth0
	check_eq "no other underlay in A" "" "$(underlay_of "$A")"
	check "move to X" ip -n "$A" link set adit0 netns "$X"
	check_fails "it is in A" has "$A" adit0
	check_eq "its underlay" "$A" "$(underlay_of "$X")"
	addresses "$X"
	traffic "$X"
}

# Names are those of the underlay's namespace, whatever X has.
dev_is_the_underlays() {
	must ip -n "$X" link add only-x type dummy
	must ip -n "$A" link add only-a type dummy
	check_fails "bind to a device of X" ip -n "$X" link set adit0 \
		type adit dev only-x
	check "bind to a device of A" ip -n "$X" link set adit0 \
		type adit dev only-a
	check_eq "dev" only-a "$(dev_of "$X")"
	check "rename it" ip -n "$A" link set only-a name renamed
	check_eq "dev" renamed "$(dev_of "$X")"
	check "bind to eth0" ip -n "$X" link set adit0 type adit dev eth0
	traffic "$X"
	must ip -n "$X" link del only-x
	must ip -n "$A" link del renamed
}

# Twins are those of the underlay's namespace, too.
twins() {
	expect_extack "adit0 already has" ip -n "$A" link add adit9 type adit \
		local $A_IP remote $B_IP dev eth0
	check "same ends, other underlay" ip -n "$X" link add adit9 type adit \
		local $A_IP remote $B_IP
	check_eq "its underlay is its own namespace" "" \
		"$(ip -n "$X" -d link show dev adit9 | grep -o 'link-netns.*')"
	check "delete it" ip -n "$X" link del adit9
}

# The underlay's MTU is followed from afar.
mtu_follows() {
	must ip -n "$A" link set eth0 mtu 1400
	check_within 5000 "MTU 1380" mtu_is "$X" adit0 1380
	must ip -n "$A" link set eth0 mtu 1500
	check_within 5000 "MTU 1480" mtu_is "$X" adit0 1480
}

move_back() {
	check "move to A" ip -n "$X" link set adit0 netns "$A"
	check_eq "no other underlay in A" "" "$(underlay_of "$A")"
	check_eq "dev" eth0 "$(dev_of "$A")"
	addresses "$A"
	traffic "$A"
}

# Twice moved, and under another name.
move_on() {
	check "move to X" ip -n "$A" link set adit0 netns "$X"
	check "move on to Y" ip -n "$X" link set adit0 netns "$Y"
	check_eq "its underlay" "$A" "$(underlay_of "$Y")"
	addresses "$Y"
	traffic "$Y"
}

# The tunnel's namespace ends: the tunnel does too, its underlay does not, and
# the same tunnel can be made anew.
tunnels_netns_ends() {
	ns_gone Y
	check_within 20000 "the tunnel's place is free" ip -n "$A" link add \
		adit0 type adit local $A_IP remote $B_IP dev eth0
	addresses "$A"
	traffic "$A"
}

# The underlay's namespace ends: a tunnel elsewhere goes with it.
underlays_netns_ends() {
	must ip -n "$A" link set adit0 netns "$X"
	addresses "$X"
	check "ping" in_ns "$X" ping -q -c 2 -i 0.1 -W 5 10.9.0.2
	ip netns exec "$X" ping -q -f 10.9.0.2 >/dev/null 2>&1 &
	ns_gone A
	check_within 20000 "the tunnel is gone" has_not "$X" adit0
	check_eq "devices left in X" lo "$(names "$X")"
	kill $! 2>/dev/null
	wait $! 2>/dev/null
	return 0
}

topo_direct
ns_new X Y
adit_new "$B" $B_IP $A_IP
tunnel_addr "$B" adit0 10.9.0.2/30 fd09::2/64
case_run "a new namespace holds only lo" only_lo
case_run "ip link add netns" add_netns
case_run "ip link add link-netns" link_netns
case_run "a tunnel moves" move
case_run "dev is a name in the underlay's namespace" dev_is_the_underlays
case_run "twins are those with the same underlay" twins
case_run "the MTU follows the underlay" mtu_follows
case_run "the tunnel moves back" move_back
case_run "the tunnel moves on" move_on
case_run "the tunnel's namespace ends" tunnels_netns_ends
case_run "the underlay's namespace ends" underlays_netns_ends
finish
