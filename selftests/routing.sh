#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A routing daemon over the tunnel: BIRD at both gateways finds its neighbour
# by OSPFv2 and OSPFv3, learns the route to the other site, and traffic goes by
# it; when the tunnel fails, the route goes, and comes back with it.

. ./lib.sh
require ping socat tcpdump bird birdc jq

BYTES=1048576

topo_sites
adit_pair

bird_start() {
	local ns=$1 id=$2

	cat >"$WORK/$ns.conf" <<-EOT
	router id $id;
	log "$WORK/$ns.log" all;
	protocol device { scan time 1; }
	protocol kernel { ipv4 { import none; export all; }; }
	protocol kernel { ipv6 { import none; export all; }; }
	EOT
	ospf v2 ipv4 >>"$WORK/$ns.conf"
	ospf v3 ipv6 >>"$WORK/$ns.conf"
	ip netns exec "$ns" bird -f -c "$WORK/$ns.conf" -s "$WORK/$ns.sock" \
		-P "$WORK/$ns.pid" >"$WORK/$ns.out" 2>&1 &
}

# ospf VERSION CHANNEL
ospf() {
	cat <<-EOT
	protocol ospf $1 ospf$1 {
	        $2 { import all; export none; };
	        area 0 {
	                interface "adit0" { type ptp; hello 1; dead 8; retransmit 2; };
	                interface "lan0" { stub; };
	        };
	}
	EOT
}

# neighbours NS PROTOCOL: their states.
neighbours() {
	birdc -s "$WORK/$1.sock" show ospf neighbors "$2" |
		awk '$1 ~ /^[0-9.]+$/ { print $3 }' | xargs
}

is_full() { [[ $(neighbours "$1" "$2") == Full* ]]; }

# adjacent PROTOCOL
adjacent() {
	local ns

	for ns in "$A" "$B"; do
		check_within 30000 "$1 is Full" is_full "$ns" "$1" ||
			{ birdc -s "$WORK/$ns.sock" show ospf neighbors "$1"
			  tail -n 20 "$WORK/$ns.log"; }
	done
}

learnt() {
	[[ $(ip -n "$1" "-$2" route show "$3") =~ $4 ]]
}

# learns FAMILY PREFIX-AT-A NEXT-HOP PREFIX-AT-B NEXT-HOP
learns() {
	check_within 30000 "A's route to $2" \
		learnt "$A" "$1" "$2" "via $3 dev adit0 proto bird"
	check_within 30000 "B's route to $4" \
		learnt "$B" "$1" "$4" "via $5 dev adit0 proto bird"
}

link_local() {
	ip -n "$1" -6 -j addr show dev adit0 scope link |
		jq -r '.[].addr_info[]?.local // empty'
}

# traffic ADDR: by the learnt routes, through the tunnel, host to host.
traffic() {
	local before

	before=$(stat_get "$A" adit0 tx_packets)
	ping_ok "$HA" "$1" -c 5
	check_range "packets into the tunnel" 5 99 \
		$(($(stat_get "$A" adit0 tx_packets) - before))
	check_eq "bytes received" "$BYTES" \
		"$(tcp_bytes "$HA" "$HB" "$1" "$BYTES")"
}

# What the daemons say to each other is multicast, and outer unicast.
hellos() {
	capture_start "$A" adit0 hello "ip proto 89 and dst 224.0.0.5"
	capture_start "$A" adit0 hello6 "ip6 proto 89 and dst ff02::5"
	capture_start "$R" eth0 outer "ip proto 4 or ip proto 41"
	capture_wait hello 2
	capture_wait hello6 2
	capture_wait outer 1
	capture_stop hello
	capture_stop hello6
	capture_stop outer
	check_match "hello" "OSPFv2, Hello" "$(capture_show hello)"
	check_match "hello" "OSPFv3, Hello" "$(capture_show hello6)"
	check_eq "outer packets not between the gateways" "" \
		"$(capture_show outer "not (host 192.0.2.1 and host 198.51.100.2)")"
}

no_route() { [ -z "$(ip -n "$1" "-$2" route show "$3")" ]; }

# The far end of the tunnel goes: nothing tells A but the missing hellos.
withdrawn() {
	must ip -n "$B" link set adit0 down
	check_within 30000 "A's route to 10.10.20.0/24 is gone" \
		no_route "$A" 4 10.10.20.0/24
	check_within 30000 "A's route to fd00:20::/64 is gone" \
		no_route "$A" 6 fd00:20::/64
	check_fails "ping without a route" \
		in_ns "$HA" ping -q -c 1 -W 1 10.10.20.2
}

restored() {
	tunnel_addr "$B" adit0 fd09::2/64
	adjacent ospfv2
	adjacent ospfv3
	check_within 30000 "A's route to 10.10.20.0/24" \
		learnt "$A" 4 10.10.20.0/24 "via 10.9.0.2 dev adit0"
	check_within 30000 "B's route to 10.10.10.0/24" \
		learnt "$B" 4 10.10.10.0/24 "via 10.9.0.1 dev adit0"
	ping_ok "$HA" 10.10.20.2
}

bird_start "$A" 192.0.2.1
bird_start "$B" 198.51.100.2
drops_mark "$A" adit0
case_run "OSPFv2 finds its neighbour" adjacent ospfv2
case_run "OSPFv3 finds its neighbour" adjacent ospfv3
case_run "OSPFv2 learns routes" learns 4 10.10.20.0/24 10.9.0.2 \
	10.10.10.0/24 10.9.0.1
case_run "OSPFv3 learns routes" learns 6 fd00:20::/64 "$(link_local "$B")" \
	fd00:10::/64 "$(link_local "$A")"
case_run "IPv4 by the learnt route" traffic 10.10.20.2
case_run "IPv6 by the learnt route" traffic fd00:20::2
case_run "hellos are multicast inside" hellos
case_run "nothing was dropped" check_drops "$A" adit0
case_run "routes go with the tunnel" withdrawn
case_run "routes come back" restored
finish
