#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The way that outer packets take: without `local` routing chooses their source
# and it follows the underlay; mark, TOS and device choose among routes.
#
#	A eth0 192.0.2.1 ---- 192.0.2.2 eth0 B
#	A eth1 203.0.113.1 -- 203.0.113.2 eth1 B

. ./lib.sh
require ping tcpdump nft jq

PINGS=3

topo_direct
link_ns "$A" eth1 203.0.113.1/24 "$B" eth1 203.0.113.2/24
for dev in all eth0 eth1; do
	must in_ns "$B" sysctl -qw "net.ipv4.conf.$dev.rp_filter=0"
done

# Outer packets that leave A, by device and by mark, as the packet filter sees
# them. (No set of protocols: the kernel's own for small ones is not clean by lockdep.)
cat >"$WORK/watch.nft" <<-EOT
	table ip watch {
	        counter eth0 {}
	        counter eth1 {}
	        counter marked {}
	        counter unmarked {}
	        chain outer {
	                oifname "eth0" counter name eth0
	                oifname "eth1" counter name eth1
	                meta mark 0x17 counter name marked
	                meta mark 0 counter name unmarked
	        }
	        chain post {
	                type filter hook postrouting priority 0;
	                ip protocol 4 goto outer
	                ip protocol 41 goto outer
	        }
	}
EOT
must in_ns "$A" nft -f "$WORK/watch.nft"

# counters: of outer packets, as eth0, eth1, marked, unmarked.
counters() {
	in_ns "$A" nft -j list ruleset | jq -r '
		[.nftables[].counter | select(.) | {(.name): .packets}] | add |
		[.eth0, .eth1, .marked, .unmarked] | join(" ")'
}

# goes WHAT ETH0 ETH1 MARKED UNMARKED PING-ARG...: where a few pings' outer
# packets go.
goes() {
	local what=$1 want=${*:2:4} was is
	shift 5

	read -ra was < <(counters)
	check "$what: ping" in_ns "$A" ping -q -c "$PINGS" -i 0.2 -W 5 "$@"
	read -ra is < <(counters)
	check_eq "$what: packets by eth0, eth1, with the mark, without any" \
		"$want" "$((is[0] - was[0])) $((is[1] - was[1])) $((is[2] - was[2])) $((is[3] - was[3]))"
}

# sources PING-ARG...: the outer addresses of pings.
sources() {
	capture_start "$B" any source "ip proto 4"
	in_ns "$A" ping -q -c "$PINGS" -i 0.2 -W 1 "$@" >/dev/null
	capture_stop source
	capture_show source "dst host $B_IP" | grep -Eo "[0-9.]+ > $B_IP" |
		cut -d' ' -f1 | sort -u | xargs
}

peer_is() { must ip -n "$B" link set adit0 type adit remote "$1"; }

# --- the source ---------------------------------------------------------------

source_is() { check_eq "source of outer packets" "$1" "$(sources 10.9.0.2)"; }

chosen() {
	check_eq "local" null "$(ip -n "$A" -d -j link show dev adit0 |
		jq -r '.[0].linkinfo.info_data.local')"
	ping_ok "$A" 10.9.0.2
	ping_ok "$A" fd09::2
	source_is 192.0.2.1
}

# The host gets another address: the tunnel at A is not touched.
follows_address() {
	must ip -n "$A" addr del 192.0.2.1/24 dev eth0
	must ip -n "$A" addr add 192.0.2.77/24 dev eth0
	source_is 192.0.2.77
	peer_is 192.0.2.77
	ping_ok "$A" 10.9.0.2
	ping_ok "$B" 10.9.0.1
	ping_ok "$A" fd09::2
}

# A route that prefers another of the host's addresses
follows_prefsrc() {
	must ip -n "$A" addr add 192.0.2.78/24 dev eth0
	source_is 192.0.2.77
	must ip -n "$A" route add "$B_IP" dev eth0 src 192.0.2.78
	source_is 192.0.2.78
	peer_is 192.0.2.78
	ping_ok "$A" 10.9.0.2
	must ip -n "$A" route del "$B_IP"
	peer_is 192.0.2.77
	ping_ok "$A" 10.9.0.2
}

# The other wire takes over, with its own address and MTU.
follows_route() {
	must ip -n "$A" link set eth1 mtu 1400
	must ip -n "$B" link set eth1 mtu 1400
	must ip -n "$A" route add "$B_IP" via 203.0.113.2
	source_is 203.0.113.1
	peer_is 203.0.113.1
	ping_ok "$A" 10.9.0.2
	check_within 5000 "MTU 1380" mtu_is "$A" adit0 1380
	must ip -n "$A" route del "$B_IP"
	check_within 5000 "MTU 1480" mtu_is "$A" adit0 1480
	must ip -n "$A" link set eth1 mtu 1500
	must ip -n "$B" link set eth1 mtu 1500
	peer_is 192.0.2.77
	ping_ok "$A" 10.9.0.2
}

# With `local` set, an address that is gone stops the tunnel, under its cause.
fixed_stays() {
	must ip -n "$A" link set adit0 type adit local 192.0.2.77
	ping_ok "$A" 10.9.0.2
	must ip -n "$A" addr del 192.0.2.78/24 dev eth0
	must ip -n "$A" addr add 192.0.2.1/24 dev eth0
	must in_ns "$A" sysctl -qw net.ipv4.conf.eth0.promote_secondaries=1
	must ip -n "$A" addr del 192.0.2.77/24 dev eth0
	settle "$A" adit0
	drops_mark "$A" adit0
	check_fails "ping" in_ns "$A" ping -q -c 1 -W 1 10.9.0.2
	check_drops "$A" adit0 tx_no_route 1
	must ip -n "$A" link set adit0 type adit local any
	source_is 192.0.2.1
	peer_is 192.0.2.1
	ping_ok "$A" 10.9.0.2
}

# --- the way ------------------------------------------------------------------

way_setup() {
	settle "$A" adit0
	must ip -n "$A" link set adit0 type adit local 192.0.2.1
	must ip -n "$A" route add "$B_IP" via 203.0.113.2 dev eth1 table 17
	goes "no mark" "$PINGS" 0 0 "$PINGS" 10.9.0.2
}

mark() {
	check "set" ip -n "$A" link set adit0 type adit fwmark 0x17
	goes "mark, no rule" "$PINGS" 0 "$PINGS" 0 10.9.0.2
	goes "mark, no rule, IPv6" "$PINGS" 0 "$PINGS" 0 fd09::2
	must ip -n "$A" rule add fwmark 0x17 table 17
	goes "mark and rule" 0 "$PINGS" "$PINGS" 0 10.9.0.2
	goes "mark and rule, IPv6" 0 "$PINGS" "$PINGS" 0 fd09::2
	check "set" ip -n "$A" link set adit0 type adit fwmark 0x18
	goes "another mark" "$PINGS" 0 0 0 10.9.0.2
	check "set" ip -n "$A" link set adit0 type adit fwmark 0
	goes "no mark, rule" "$PINGS" 0 0 "$PINGS" 10.9.0.2
	must ip -n "$A" rule del fwmark 0x17 table 17
}

# The MTU that the device follows is that of the marked packets' route.
mark_mtu() {
	must ip -n "$A" link set eth1 mtu 1400
	must ip -n "$A" rule add fwmark 0x17 table 17
	check "set" ip -n "$A" link set adit0 type adit fwmark 0x17
	check_within 5000 "MTU 1380" mtu_is "$A" adit0 1380
	must ip -n "$A" rule del fwmark 0x17 table 17
	check_within 5000 "MTU 1480" mtu_is "$A" adit0 1480
	check "set" ip -n "$A" link set adit0 type adit fwmark 0
	must ip -n "$A" link set eth1 mtu 1500
}

tos() {
	must ip -n "$A" rule add tos 0x10 table 17
	goes "tos 0" "$PINGS" 0 0 "$PINGS" -Q 0x10 10.9.0.2
	check "set" ip -n "$A" link set adit0 type adit tos inherit
	goes "tos inherit" 0 "$PINGS" 0 "$PINGS" -Q 0x10 10.9.0.2
	goes "tos inherit, IPv6" 0 "$PINGS" 0 "$PINGS" -Q 0x10 fd09::2
	goes "tos inherit, another" "$PINGS" 0 0 "$PINGS" -Q 0x08 10.9.0.2
	goes "tos inherit, none" "$PINGS" 0 0 "$PINGS" 10.9.0.2
	check "set" ip -n "$A" link set adit0 type adit tos 0x10
	goes "tos 0x10" 0 "$PINGS" 0 "$PINGS" 10.9.0.2
	check "set" ip -n "$A" link set adit0 type adit tos 0
	must ip -n "$A" rule del tos 0x10 table 17
	goes "no rule" "$PINGS" 0 0 "$PINGS" 10.9.0.2
}

bound() {
	must ip -n "$A" route add "$B_IP" via 203.0.113.2 dev eth1 metric 9
	must ip -n "$A" route add "$B_IP" dev eth0 metric 5
	goes "not bound" "$PINGS" 0 0 "$PINGS" 10.9.0.2
	check "set" ip -n "$A" link set adit0 type adit dev eth1
	# What comes back over eth0 is not the tunnel's now.
	must ip -n "$B" route add "$A_IP" via 203.0.113.1 dev eth1
	goes "dev eth1" 0 "$PINGS" 0 "$PINGS" 10.9.0.2
	must ip -n "$B" route del "$A_IP"
	check_fails "answers by the wrong device" \
		in_ns "$A" ping -q -c 1 -W 1 10.9.0.2
	check "set" ip -n "$A" link set adit0 type adit dev eth0
	goes "dev eth0" "$PINGS" 0 0 "$PINGS" 10.9.0.2
	check "set" ip -n "$A" link set adit0 type adit nodev
	goes "nodev" "$PINGS" 0 0 "$PINGS" 10.9.0.2
}

# With local, IPv6 by itself goes by what route is best, whatever the device.
bound_ip6() {
	must ip -n "$A" addr add 2001:db8:1::1/64 dev eth0
	must ip -n "$B" addr add 2001:db8:1::2/64 dev eth0
	must ip -n "$A" addr add 2001:db8:2::1/64 dev eth1
	must ip -n "$B" addr add 2001:db8:2::2/64 dev eth1
	must ip -n "$B" addr add 2001:db8:9::2/128 dev lo
	must ip -n "$A" route add 2001:db8:9::2 via 2001:db8:2::2 metric 2
	must ip -n "$A" route add 2001:db8:9::2 via 2001:db8:1::2 metric 1024
	must in_ns "$A" nft "table ip6 watch6 {
	        counter by0 {}
	        counter by1 {}
	        chain post {
	                type filter hook postrouting priority 0;
	                meta l4proto 4 oifname eth0 counter name by0
	                meta l4proto 4 oifname eth1 counter name by1
	        }
	}"
	check "tunnel" ip -n "$A" link add t6 type adit dev eth0 \
		local 2001:db8:1::1 remote 2001:db8:9::2
	check "its other end" ip -n "$B" link add t6 type adit \
		local 2001:db8:9::2 remote 2001:db8:1::1
	tunnel_addr "$A" t6 10.9.6.1/30
	tunnel_addr "$B" t6 10.9.6.2/30
	ping_ok "$A" 10.9.6.2
	check_eq "packets by eth0 and eth1" "3 0" "$(by_ip6)"
	must ip -n "$A" route add unreachable 2001:db8:9::2 metric 1
	goes_nowhere t6 "by a route that refuses"
	must ip -n "$A" route del unreachable 2001:db8:9::2 metric 1
	must ip -n "$A" route del 2001:db8:9::2 metric 1024
	goes_nowhere t6 "without a route by eth0"
	check "not bound" ip -n "$A" link set t6 type adit nodev
	ping_ok "$A" 10.9.6.2
	check_eq "packets by eth0 and eth1" "3 3" "$(by_ip6)"
}

# goes_nowhere DEV WHEN
goes_nowhere() {
	settle "$A" "$1"
	drops_mark "$A" "$1"
	check_fails "$2" in_ns "$A" ping -q -c 1 -W 1 10.9.6.2
	check_drops "$A" "$1" tx_no_route 1
}

by_ip6() { nft_packets "$A" counters table ip6 watch6 | xargs; }

# before_address NR LOCAL REMOTE PREFIX: UDP, too, waits for its address.
before_address() {
	local dev=u$1 net=10.9.$1 udp=(encap fou encap-dport 5555)

	check "tunnel" ip -n "$A" link add "$dev" type adit local "$2" remote "$3" \
		"${udp[@]}"
	must ip -n "$B" link add "$dev" type adit local "$3" remote "$2" "${udp[@]}"
	tunnel_addr "$A" "$dev" "$net.1/30"
	tunnel_addr "$B" "$dev" "$net.2/30"
	settle "$A" "$dev"
	drops_mark "$A" "$dev"
	check_fails "without the address" \
		in_ns "$A" ping -q -c 1 -W 1 "$net.2"
	check_drops "$A" "$dev" tx_no_route 1
	must ip -n "$A" addr add "$2/$4" dev eth0
	check_within 5000 "an answer" in_ns "$A" ping -q -c 1 -W 1 "$net.2"
	ping_ok "$A" "$net.2"
}

adit_new "$A" any "$B_IP"
adit_new "$B" "$B_IP" "$A_IP"
tunnel_addr "$A" adit0 10.9.0.1/30 fd09::1/64
tunnel_addr "$B" adit0 10.9.0.2/30 fd09::2/64

case_run "without local, routing chooses the source" chosen
case_run "it follows the host's address" follows_address
case_run "it follows the route's preferred source" follows_prefsrc
case_run "it follows the route to another device" follows_route
case_run "a local address that is gone" fixed_stays
case_run "packets go by eth0" way_setup
case_run "fwmark" mark
case_run "fwmark and MTU" mark_mtu
case_run "tos" tos
case_run "dev" bound
case_run "dev, IPv6" bound_ip6
case_run "FOU before its address" before_address 11 192.0.2.77 $B_IP 24
case_run "FOU before its address, IPv6" \
	before_address 12 2001:db8:1::77 2001:db8:1::2 64
finish
