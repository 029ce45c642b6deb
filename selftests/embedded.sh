#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# IPv6 destinations that have the IPv4 remote in them: 6to4, 6rd and ISATAP,
# with the kernel's own sit at the far end; and sources that lie about it.
#
#	A eth0 192.0.2.1/24 ---- 192.0.2.2/24 eth0 B (sit)

. ./lib.sh
require python3 socat ethtool tcpdump
require_module sit

# ends A-ADDR B-ADDR SIT-MODE: adit0 is there, this makes the far end.
ends() {
	must ip -n "$A" addr add "$1" dev adit0
	must ip -n "$A" link set adit0 up
	must ip -n "$B" tunnel add far mode "$3" local "$B_IP" ttl 64
	must ip -n "$B" addr add "$2" dev far
	must ip -n "$B" link set far up
}

ends_gone() {
	must ip -n "$A" link del adit0
	must ip -n "$B" tunnel del far
}

# both_ways A-ADDR B-ADDR
both_ways() {
	ping_ok "$A" "$2"
	ping_ok "$B" "$1"
	check_eq "bytes received" 262144 "$(tcp_bytes "$A" "$B" "$2" 262144)"
	check_eq "bytes received" 262144 "$(tcp_bytes "$B" "$A" "$1" 262144)"
}

six() {
	python3 -IS -c '
import socket, struct, sys
src, dst = (socket.inet_pton(socket.AF_INET6, a) for a in sys.argv[1:])
print((struct.pack("!IHBB", 6 << 28, 8, 59, 64) + src + dst + bytes(8)).hex())
' "$@"
}

# forged OUTER-SOURCE INNER-SOURCE INNER-DESTINATION CAUSE: three of them
forged() {
	local before packet want

	packet=$(six "$2" "$3")
	settle "$A" adit0
	before=$(stat_get "$A" adit0 rx_packets)
	drops_mark "$A" adit0
	raw "$B" ip "$1" "$A_IP" 41 3 "$packet"
	want=$before
	[ -n "$4" ] || want=$((before + 3))
	check_within 5000 "all are counted" counted "$want" "${4:+$4 +3}"
}
counted() {
	[ "$(stat_get "$A" adit0 rx_packets)/$(drops_since "$A" adit0)" = \
		"$1/$2" ]
}

six_to_four() {
	adit_new "$A" "$A_IP" any allow 0.0.0.0/0 6rd-prefix 2002::/16
	ends 2002:c000:0201::1/16 2002:c000:0202::1/16 sit
	both_ways 2002:c000:0201::1 2002:c000:0202::1
	forged 192.0.2.2 2002:c000:0202::9 2002:c000:0201::1 ""
	forged 192.0.2.77 2002:c000:0202::9 2002:c000:0201::1 rx_source
	# 127.0.0.1 cannot be anybody's
	forged 192.0.2.2 2002:7f00:0001::9 2002:c000:0201::1 rx_source
	forged 192.0.2.2 2002:0000:0000::9 2002:c000:0201::1 rx_source
	# it is for another, from a relay or not; NAT has changed this host's address
	forged 192.0.2.2 2002:c000:0202::9 2002:c000:0203::1 rx_source
	forged 192.0.2.77 2001:db8::9 2002:c000:0203::1 rx_source
	forged 192.0.2.2 2002:c000:0202::9 2001:db8::1 ""
	must ip -n "$A" addr add 2002:cb00:7101::1/16 dev adit0
	forged 192.0.2.2 2002:c000:0202::9 2002:cb00:7101:5::1 ""
	# from a relay: any IPv6 source that says nothing
	forged 192.0.2.77 2001:db8::9 2002:c000:0201::1 ""
	drops_mark "$A" adit0
	raw "$A" udp 2002:7f00:0001::9 2 100
	raw "$A" udp 2002:e000:0005::9 2 100
	raw "$A" udp 2002:ffff:ffff::9 2 100
	check_drops "$A" adit0 tx_no_remote 6
	ends_gone
}

# 192.0.0.0/16 is what all have in common: 16 bits are left.
six_rd() {
	adit_new "$A" "$A_IP" any allow 192.0.0.0/16 6rd-prefix 2001:db8::/32 \
		6rd-relay 192.0.0.0/16
	ends 2001:db8:0201::1/32 2001:db8:0202::1/32 sit
	must ip -n "$B" tunnel 6rd dev far 6rd-prefix 2001:db8::/32 \
		6rd-relay_prefix 192.0.0.0/16
	both_ways 2001:db8:0201::1 2001:db8:0202::1
	forged 192.0.2.2 2001:db8:0202::9 2001:db8:0201::1 ""
	forged 192.0.2.3 2001:db8:0202::9 2001:db8:0201::1 rx_source
	forged 192.0.2.2 2001:db8:0203::9 2001:db8:0201::1 rx_source
	forged 192.0.2.2 2001:db8:0202::9 2001:db8:0203::1 rx_source
	ends_gone
}

isatap() {
	adit_new "$A" "$A_IP" any allow 192.0.2.0/24 isatap
	ends 2001:db8:1::5efe:c000:0201/64 2001:db8:1::5efe:c000:0202/64 isatap
	both_ways 2001:db8:1::5efe:c000:0201 2001:db8:1::5efe:c000:0202
	forged 192.0.2.3 2001:db8:1::5efe:c000:0202 \
		2001:db8:1::5efe:c000:0201 rx_source
	forged 192.0.2.3 2001:db8:1::200:5efe:c000:0202 \
		2001:db8:1::5efe:c000:0201 rx_source
	forged 192.0.2.3 2001:db8:1::5efe:c000:0203 \
		2001:db8:1::5efe:c000:0201 ""
}

# Who is let in is no router for that: the user names those.
isatap_no_router() {
	local ra=6000000000103afffe8000000000000000005efec0000203
	local was

	ra+=ff02000000000000000000000000000186001426400007080000000000000000
	adit_new "$A" "$A_IP" any allow 192.0.2.0/24 isatap
	tunnel_addr "$A" adit0 2001:db8:1::5efe:c000:0201/64
	settle "$A" adit0
	was=$(stat_get "$A" adit0 rx_packets)
	raw "$B" ip 192.0.2.3 "$A_IP" 41 1 "$ra"
	check_within 5000 "it is received" \
		received_more "$A" adit0 "$was" 1
	nap 0.3
	check_eq "routes by routers" "" "$(ip -n "$A" -6 route show proto ra)"
	must ip -n "$A" link del adit0
}

# A router is reached by its ISATAP address as next hop.
isatap_hop() {
	must ip -n "$B" addr add 2001:db8:2::1/128 dev lo
	must ip -n "$B" -6 route add default via fe80::5efe:c000:0201 dev far
	must ip -n "$A" -6 route add 2001:db8:2::/64 \
		via fe80::5efe:c000:0202 dev adit0
	ping_ok "$A" 2001:db8:2::1
	ends_gone
}

topo_direct
raw_start "$A" "$B"
case_run "6to4" six_to_four
case_run "6rd" six_rd
case_run "ISATAP" isatap
case_run "ISATAP, next hop" isatap_hop
case_run "ISATAP, no router by itself" isatap_no_router
finish
