#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# deliver underlay: what comes out of the tunnel comes in on the device that the
# outer packet came in on.
#
#	C 192.0.2.9      D 192.0.2.1       B 192.0.2.2, adit0 10.99.0.1 fd99::1
#	  2001:db8::9      2001:db8::1       2001:db8::2
#	   +----------------S----------------+
#
# C has the way to 10.99.0.1 through D, D by an ipip tunnel through B, and B
# answers C directly.
#
# shellcheck disable=SC2086 # addresses are words

. ./lib.sh
require tcpdump ethtool nft nstat
require_module ipip
require_module ip6_tunnel

VIP=10.99.0.1 VIP6=fd99::1
V4VIP=0a630001

topo_lan() {
	local host n

	ns_new S C D B
	must ip -n "$S" link add br0 type bridge
	must ip -n "$S" link set br0 up
	for host in "$C 9" "$D 1" "$B 2"; do
		# shellcheck disable=SC2086 # two words
		set -- $host
		n=$2
		link_ns "$1" eth0 192.0.2."$n"/24 "$S" "port$n" "10.0.$n.1/32"
		must ip -n "$S" link set "port$n" master br0
		must ip -n "$1" addr add "2001:db8::$n/64" dev eth0
	done
	must ip -n "$C" route add $VIP via 192.0.2.1
	must ip -n "$C" route add $VIP6 via 2001:db8::1
	must in_ns "$D" sysctl -qw net.ipv4.conf.all.send_redirects=0 \
		net.ipv4.conf.eth0.send_redirects=0
	forwarding "$D"
	must ip -n "$D" link add tun0 type ipip remote 192.0.2.2 \
		local 192.0.2.1
	must ip -n "$D" link add tun6 type ip6tnl mode any \
		remote 2001:db8::2 local 2001:db8::1 encaplimit none
	must ip -n "$D" link set tun0 up
	must ip -n "$D" link set tun6 up
	must ip -n "$D" route add $VIP dev tun0
	must ip -n "$D" route add $VIP6 dev tun6
	must in_ns "$B" sysctl -qw net.ipv4.conf.all.rp_filter=1 \
		net.ipv4.conf.default.rp_filter=1 \
		net.ipv4.conf.eth0.rp_filter=1
}

# server [OPTION...]: adit0 in B, which takes packets from D.
server() {
	must ip -n "$B" link add adit0 type adit remote any \
		allow 192.0.2.1,2001:db8::1 "$@"
	tunnel_addr "$B" adit0 $VIP/32 $VIP6/128
}

no_server() { must ip -n "$B" link del adit0; }

# Strict rp_filter and all, and only on the way there through D.
answers_directly() {
	server deliver underlay
	capture_start "$D" eth0 back "icmp[icmptype] == icmp-echoreply or (icmp6 and ip6[40] == 129)"
	ping_ok "$C" $VIP
	ping_ok "$C" $VIP6
	capture_stop back
	check_eq "answers through D" 0 "$(capture_show back | wc -l)"
	no_drops "$B" adit0
	no_server
}

# What speaks for a host on the link has not come from afar: router and neighbour
# advertisements, a link's own addresses, groups.
link_is_the_links() {
	local fa=fe800000000000000000000000000bad
	local quote=4500001c0000000040110000${V4VIP}c000020900350035000800000000
	local ra=6000000000103aff$fa ra4=e0000012 na

	ra+=ff0200000000000000000000000000018600297b400007080000000000000000
	na=6000000000203aff20010db800000000000000000000000920010db8000000000000
	na+=0000000000028800ca5b2000000020010db80000000000000000000000090201020000000009
	server deliver underlay
	raw_start "$D"
	drops_mark "$B" adit0
	raw "$D" ip 192.0.2.1 192.0.2.2 41 1 $ra
	raw "$D" ip 192.0.2.1 192.0.2.2 41 1 $na
	raw "$D" ip 192.0.2.1 192.0.2.2 4 1 \
		450000140000000001700000c0000209$ra4
	raw "$D" ip 192.0.2.1 192.0.2.2 4 1 \
		450000140000000040110000a9fe0009${V4VIP}
	# a redirect by the neighbour that is the first router
	raw "$D" ip 192.0.2.1 192.0.2.2 4 1 \
		450000380000000040010000c0000201${V4VIP}0501000000000000c0000209$quote
	check_within 5000 "5 drops" dropped_5
	check_drops "$B" adit0 rx_source 5
	check_eq "routes by routers" "" "$(ip -n "$B" -6 route show proto ra)"
	check_fails "a neighbour that was told of" told_neighbour
	ping_ok "$C" $VIP6
	no_server
}

dropped_5() { [ "$(drop_get "$B" adit0 rx_source)" = 5 ]; }
told_neighbour() {
	ip -n "$B" neigh show 2001:db8::9 | grep 02:00:00:00:00:09
}

# The packets and bytes of the inner packets, on adit0; the device's own also
# have the outer headers.
counts_on_adit() {
	server deliver underlay
	settle "$B" adit0 || return
	local packets bytes

	packets=$(stat_get "$B" adit0 rx_packets)
	bytes=$(stat_get "$B" adit0 rx_bytes)
	check "ping" in_ns "$C" ping -q -c 5 -i 0.2 -W 5 -s 100 $VIP
	check_eq "packets" 5 $(($(stat_get "$B" adit0 rx_packets) - packets))
	check_eq "bytes" 640 $(($(stat_get "$B" adit0 rx_bytes) - bytes))
	no_server
}

# nft and captures see the inner packet on eth0, in an Ethernet frame.
seen_on_eth0() {
	local mac

	server deliver underlay
	must in_ns "$B" nft "add table ip t
		add counter ip t seen_wire
		add counter ip t seen_adit
		add chain ip t rx { type filter hook input priority 0; }
		add rule ip t rx iifname eth0 ip daddr $VIP counter name seen_wire
		add rule ip t rx iifname adit0 counter name seen_adit"
	capture_start "$B" eth0 wire "ip dst $VIP or ip proto 4"
	capture_start "$B" adit0 tun "ip dst $VIP"
	ping_ok "$C" $VIP
	capture_wait wire 6
	capture_stop wire
	capture_stop tun
	mac=$(mac_get "$B" eth0)
	check_eq "frames to eth0, of both kinds" "3 3" "$(
		capture_show wire -e "ether dst $mac and ip proto 4" | wc -l
	) $(capture_show wire -e \
		"ether dst $mac and ether proto 0x800 and ip dst $VIP" | wc -l)"
	check_eq "packets on adit0" 0 "$(capture_show tun | wc -l)"
	check_match "nft on eth0" "packets 3 " \
		"$(in_ns "$B" nft list counter ip t seen_wire | xargs)"
	check_match "nft on adit0" "packets 0 " \
		"$(in_ns "$B" nft list counter ip t seen_adit | xargs)"
	must in_ns "$B" nft delete table ip t
	no_server
}

# What it is for: without it a strict rp_filter lets nothing in; changed live.
deliver_tunnel() {
	local before

	server
	before=$(mib_get "$B" TcpExtIPReversePathFilter)
	check_fails "ping a tunnel behind rp_filter" \
		in_ns "$C" ping -q -c 2 -i 0.2 -W 1 $VIP
	check_eq "rp_filter" 2 \
		$(($(mib_get "$B" TcpExtIPReversePathFilter) - before))
	must ip -n "$B" link set adit0 type adit deliver underlay
	ping_ok "$C" $VIP
	check_match "shown" '"deliver":"underlay"' \
		"$(ip -n "$B" -d -j link show adit0)"
	no_server
}

# arp_hooks: does netfilter know ARP?
arp_hooks() {
	in_ns "$B" nft add table arp t && in_ns "$B" nft delete table arp t
}

# Nobody answers for the address on the link, and nobody asks in its name.
no_arp() {
	arp_hooks || { skip "the kernel has no hooks for ARP"; return; }
	server deliver underlay
	must ip -n "$C" route replace $VIP dev eth0
	must ip -n "$C" route replace $VIP6 dev eth0
	capture_start "$C" eth0 arp "arp or icmp6"
	check_fails "ARP answers for $VIP" in_ns "$C" ping -q -c 1 -W 2 $VIP
	check_fails "ND answers for $VIP6" in_ns "$C" ping -q -c 1 -W 2 $VIP6
	must ip -n "$B" neigh flush dev eth0
	in_ns "$B" ping -q -c 1 -W 1 -I $VIP 192.0.2.9	# no way back for now
	capture_stop arp
	must ip -n "$C" route replace $VIP via 192.0.2.1
	must ip -n "$C" route replace $VIP6 via 2001:db8::1
	check_eq "replies for $VIP" "" "$(capture_show arp | grep "Reply $VIP ")"
	check_eq "requests by $VIP" "" "$(capture_show arp | grep "tell $VIP,")"
	check_range "requests by B for C" 1 3 "$(capture_show arp |
		grep -c "who-has 192.0.2.9 tell 192.0.2.2,")"
	no_server
}

# Without the option addresses are the host's, as Linux has it.
arp_again() {
	server deliver underlay
	must ip -n "$B" link set adit0 type adit deliver tunnel
	must ip -n "$C" route replace $VIP dev eth0
	check_within 5000 "ARP answers for $VIP" \
		in_ns "$C" ping -q -c 1 -W 1 $VIP
	must ip -n "$C" neigh flush dev eth0
	must ip -n "$C" route replace $VIP via 192.0.2.1
	no_server
}

# What the link's own device has as well is the link's, whoever had it first.
arp_of_eth0() {
	local first

	must ip -n "$C" route replace $VIP dev eth0
	for first in eth0 adit0; do
		[ $first = adit0 ] || must ip -n "$B" addr add $VIP/32 dev eth0
		server deliver underlay
		[ $first = eth0 ] || must ip -n "$B" addr add $VIP/32 dev eth0
		check "ARP answers, $first first" \
			in_ns "$C" ping -q -c 1 -W 5 $VIP
		no_server
		must ip -n "$B" addr del $VIP/32 dev eth0
		must ip -n "$C" neigh flush dev eth0
	done
	must ip -n "$C" route replace $VIP via 192.0.2.1
}

# The port of a VRF is the device that the packet came in on.
in_vrf() {
	must ip -n "$B" link add vrf0 type vrf table 50
	must ip -n "$B" link set vrf0 up
	must ip -n "$B" link set eth0 master vrf0
	must ip -n "$B" addr replace 2001:db8::2/64 dev eth0
	server dev vrf0 deliver underlay
	must ip -n "$B" link set adit0 master vrf0
	must ip -n "$B" addr replace $VIP6/128 dev adit0
	capture_start "$B" eth0 port "ip dst $VIP"
	ping_ok "$C" $VIP
	ping_ok "$C" $VIP6
	capture_stop port
	check_eq "packets on the port" 3 "$(capture_show port | wc -l)"
	no_server
	must ip -n "$B" link del vrf0
	must ip -n "$B" addr replace 2001:db8::2/64 dev eth0
}

# TCP with all offloads, whose segments are merged on the way in
carries_tcp() {
	server deliver underlay
	check_eq "bytes received" 300000 "$(tcp_bytes "$C" "$B" $VIP 300000)"
	check_eq "bytes received" 300000 "$(tcp_bytes "$C" "$B" $VIP6 300000)"
	no_drops "$B" adit0
	no_server
}

topo_lan
case_run "answers go back directly, past strict rp_filter" answers_directly
case_run "nobody from afar is on the link" link_is_the_links
case_run "counters are the adit device's" counts_on_adit
case_run "nft and tcpdump see the inner packet on the underlay" seen_on_eth0
case_run "deliver tunnel is what rp_filter drops; live change" deliver_tunnel
case_run "no ARP, no ND for the device's addresses" no_arp
case_run "ARP knows them again with deliver tunnel" arp_again
case_run "an address that the link's device has too" arp_of_eth0
case_run "the port of a VRF" in_vrf
case_run "TCP" carries_tcp
finish
