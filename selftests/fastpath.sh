#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# fastpath: outer packets pass by the hooks of both ends, inner ones do not; and
# what the fast path is not sure of goes the ordinary way.
#
#	HA -- A adit0 ==== R ==== adit0 B -- HB
#
# shellcheck disable=SC2086 # options are words

. ./lib.sh
require nft tcpdump ethtool python3 socat nstat

BYTES=200000
COUNTERS="seen_outer seen_inner"

topo_sites_dual

# watch NS: count what passes the hooks of it, ahead of all else. (No rule has a
# set: the kernel that watches itself complains of how nft looks for one.)
watch() { must in_ns "$1" nft "$(watch_rules)"; }

watch_rules() {
	local hook match

	echo "add table inet w"
	for hook in $COUNTERS; do
		echo "add counter inet w $hook"
	done
	for hook in prerouting input output postrouting forward; do
		echo "add chain inet w w_$hook \
			{ type filter hook $hook priority -400; }"
		for match in "meta l4proto "{4,41,47} "udp dport "{5555,6080}; do
			echo "add rule inet w w_$hook $match counter name seen_outer"
		done
	done
	for match in 1 6 58; do
		echo "add rule inet w w_forward meta l4proto $match \
			counter name seen_inner"
	done
}

# seen NS COUNTER
seen() { nft_packets "$1" counter inet w "$2"; }

unwatch() { must in_ns "$1" nft delete table inet w; }

# talk: both families, both ways, small and large.
talk() {
	ping_ok "$HA" 10.10.20.2
	ping_ok "$HB" fd00:10::2
	check_eq "bytes received" $BYTES \
		"$(tcp_bytes "$HA" "$HB" 10.10.20.2 $BYTES)"
	check_eq "bytes received" $BYTES \
		"$(tcp_bytes "$HB" "$HA" fd00:10::2 $BYTES)"
}

# passes_by OUTER OPTION...: a conversation of which no outer packet is seen.
passes_by() {
	local ns

	join_sites "$@" fastpath on
	# the first packet waits for the neighbour, the ordinary way
	ping_ok "$HA" 10.10.20.2
	ping_ok "$HB" 10.10.10.2
	for ns in "$A" "$B"; do
		watch "$ns"
		drops_mark "$ns" adit0
	done
	talk
	for ns in "$A" "$B"; do
		check_eq "outer packets past hooks" 0 "$(seen "$ns" seen_outer)"
		check_range "inner packets past hooks" 20 99999 \
			"$(seen "$ns" seen_inner)"
		check_drops "$ns" adit0
		unwatch "$ns"
	done
	adit_gone
}

# The same with it off, for comparison with the counters; switched under way.
switched() {
	local n

	join_sites 4
	ping_ok "$HA" 10.10.20.2
	watch "$B"
	ping_ok "$HA" 10.10.20.2
	check_eq "outer packets past hooks" 12 "$(seen "$B" seen_outer)"
	in_ns "$HA" ping -q -i 0.02 -c 100 -W 5 10.10.20.2 >"$WORK/ping" &
	n=$!
	for _ in 1 2 3; do
		must ip -n "$A" link set adit0 type adit fastpath on
		must ip -n "$B" link set adit0 type adit fastpath on
		must ip -n "$B" link set adit0 type adit fastpath off
		must ip -n "$A" link set adit0 type adit fastpath off
	done
	wait $n
	check_match "loss" " 0% packet loss" "$(cat "$WORK/ping")"
	must ip -n "$B" link set adit0 type adit fastpath on
	check_match "shown" '"fastpath":"on"' \
		"$(ip -n "$B" -d -j link show adit0)"
	unwatch "$B"
	adit_gone
}

# sent: what A's IP counts as sent by pings.
sent() {
	in_ns "$A" nstat -asz 'IpOut*' 'IpExtOut*' >"$WORK/sent"
	ping_ok "$HA" 10.10.20.2
	in_ns "$A" nstat -asz 'IpOut*' 'IpExtOut*' | awk '
		NR == FNR { was[$1] = $2; next }
		$2 != was[$1] { print $1, $2 - was[$1] }' "$WORK/sent" -
}

# It counts as on the ordinary path.
counted_alike() {
	local want

	join_sites 4
	ping_ok "$HA" 10.10.20.2
	want=$(sent)
	must ip -n "$A" link set adit0 type adit fastpath on
	ping_ok "$HA" 10.10.20.2
	check_eq "counters of A" "$want" "$(sent)"
	check_match "something counted" "IpOutRequests" "$want"
	adit_gone
}

# Fragments are put together first, and made, by the stack. (A link this narrow
# has no IPv6, nor has it later.)
fragments() {
	join_sites 4 df unset fastpath on
	drops_mark "$B" adit0
	must ip -n "$R" link set eth1 mtu 900
	must ip -n "$B" link set eth0 mtu 900
	watch "$B"
	check "ping" in_ns "$HA" ping -q -c 3 -i 0.2 -W 5 -s 1400 -M dont \
		10.10.20.2
	check_range "outer packets past hooks" 3 99 "$(seen "$B" seen_outer)"
	check_drops "$B" adit0
	must ip -n "$B" link set eth0 mtu 1500
	must ip -n "$R" link set eth1 mtu 1500
	unwatch "$B"
	adit_gone
}

# An address that is no longer the host's is no end of a tunnel.
address_removed() {
	local before addr=$B_IP/24

	[ "$1" = 4 ] || addr="$B_IP6/64 nodad"
	join_sites "$1" fastpath on
	ping_ok "$HA" 10.10.20.2
	before=$(stat_get "$B" adit0 rx_packets)
	must ip -n "$B" addr del ${addr% *} dev eth0
	check_fails "ping" in_ns "$HA" ping -q -c 3 -i 0.2 -W 1 10.10.20.2
	check_eq "packets received" "$before" \
		"$(stat_get "$B" adit0 rx_packets)"
	must ip -n "$B" addr add $addr dev eth0
	[ "$1" = 6 ] ||
		must ip -n "$B" route add default via 198.51.100.254
	check_within 5000 "ping" in_ns "$HA" ping -q -c 1 -W 1 10.10.20.2
	adit_gone
}

# to_mac MAC: the outer packets of three pings go to that address, all of them.
to_mac() {
	capture_start "$A" eth0 mac "ip proto 4 and src $A_IP"
	ping_ok "$HA" 10.10.20.2
	capture_stop mac
	check_eq "packets to $1" "3 3" "$(capture_show mac | wc -l) $(
		capture_show mac "ether dst $1" | wc -l)"
}

# Where the neighbour goes, the next packet goes.
neighbour_changed() {
	local old new=02:00:00:00:00:fe

	join_sites 4 fastpath on
	ping_ok "$HA" 10.10.20.2
	old=$(mac_get "$R" eth0)
	to_mac "$old"
	must ip -n "$R" link set eth0 address $new
	must ip -n "$A" neigh replace 192.0.2.254 lladdr $new dev eth0
	to_mac $new
	must ip -n "$R" link set eth0 address "$old"
	must ip -n "$A" neigh replace 192.0.2.254 lladdr "$old" dev eth0
	to_mac "$old"
	adit_gone
}

# And so with the route, at once and back.
route_changed() {
	join_sites 4 fastpath on
	ping_ok "$HA" 10.10.20.2
	drops_mark "$A" adit0
	must ip -n "$A" route add unreachable $B_IP
	in_ns "$HA" ping -q -c 3 -i 0.2 -W 1 10.10.20.2
	check_drops "$A" adit0 tx_no_route 3
	must ip -n "$A" route del unreachable $B_IP
	ping_ok "$HA" 10.10.20.2

	must ip -n "$A" link set eth0 down
	must ip -n "$A" link set eth0 up
	must ip -n "$A" route add default via 192.0.2.254
	check_within 5000 "ping" in_ns "$HA" ping -q -c 1 -W 1 10.10.20.2
	adit_gone
}

# Where there is IPsec policy every packet has to be asked about.
with_ipsec() {
	join_sites 4 fastpath on
	ping_ok "$HA" 10.10.20.2
	watch "$B"
	must ip -n "$B" xfrm policy add dir in src 10.99.0.0/24 \
		dst 10.99.1.0/24 action block
	ping_ok "$HA" 10.10.20.2
	check_eq "outer packets past hooks" 6 "$(seen "$B" seen_outer)"
	must ip -n "$B" xfrm policy flush
	ping_ok "$HA" 10.10.20.2
	check_eq "outer packets past hooks" 6 "$(seen "$B" seen_outer)"
	unwatch "$B"
	adit_gone
}

# socket_of ETHERTYPE EXPECTED: with a packet socket of that at the underlay's device,
# so many outer packets pass hooks.
socket_of() {
	local pid

	: >"$WORK/socket"
	ip netns exec "$B" python3 -c '
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
s.bind(("eth0", int(sys.argv[1], 16)))
print("ready", flush=True)
while True:
    s.recv(1)' "$1" >"$WORK/socket" &
	pid=$!
	check_within 10000 "a packet socket" grep -q ready "$WORK/socket"
	watch "$B"
	ping_ok "$HA" 10.10.20.2
	check_eq "outer packets past hooks, socket of $1" "$2" \
		"$(seen "$B" seen_outer)"
	unwatch "$B"
	kill $pid
	wait $pid 2>/dev/null
	:
}

# Who listens for what a tunnel never has is not in the way: LLDP, 802.1X.
packet_sockets() {
	join_sites 4 fastpath on
	ping_ok "$HA" 10.10.20.2
	socket_of 88cc 0
	socket_of 888e 0
	socket_of 0800 6
	socket_of 86dd 6
	adit_gone
}

# What is to be refused by default is.
refused() {
	in_ns "$B" ip xfrm policy setdefault in block 2>/dev/null ||
		{ skip "the kernel or ip has no default policy"; return; }
	must in_ns "$B" ip xfrm policy setdefault in accept
	join_sites 4 fastpath on
	ping_ok "$HA" 10.10.20.2
	must in_ns "$B" ip xfrm policy setdefault in block
	check_fails "ping" in_ns "$HA" ping -q -c 3 -i 0.2 -W 1 10.10.20.2
	must in_ns "$B" ip xfrm policy setdefault in accept
	ping_ok "$HA" 10.10.20.2
	adit_gone
}

# A device that does no IPv6 takes none. (It forgets its addresses, so it is the last
# case with them.)
without_ip6() {
	local was

	join_sites 6 fastpath on
	must ip -n "$B" addr add $B_IP6/128 dev lo
	ping_ok "$HA" 10.10.20.2
	was=$(stat_get "$B" adit0 rx_packets)
	must in_ns "$B" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1
	check_fails "ping" in_ns "$HA" ping -q -c 3 -i 0.2 -W 1 10.10.20.2
	check_eq "packets received" "$was" "$(stat_get "$B" adit0 rx_packets)"
	adit_gone
}

case_run "ip over IPv4" passes_by 4
case_run "ip over IPv6" passes_by 6
case_run "gre over IPv4" passes_by 4 mode gre key 7 csum
case_run "gre over IPv6" passes_by 6 mode gre
case_run "fou over IPv4" passes_by 4 encap fou encap-dport 5555
case_run "fou over IPv6" passes_by 6 encap fou encap-dport 5555
case_run "gue over IPv4" passes_by 4 encap gue encap-dport 6080
case_run "gre in gue over IPv6" passes_by 6 mode gre encap gue encap-dport 6080
case_run "switched under traffic" switched
case_run "counted alike" counted_alike
case_run "an address of IPv6 that is gone" address_removed 6
case_run "no IPv6 on the underlay's device" without_ip6
case_run "fragments go the ordinary way" fragments
case_run "an address that is gone" address_removed 4
case_run "a neighbour that changes" neighbour_changed
case_run "a route that changes, a link that flaps" route_changed
case_run "IPsec policy" with_ipsec
case_run "IPsec refuses by default" refused
case_run "packet sockets" packet_sockets
finish
