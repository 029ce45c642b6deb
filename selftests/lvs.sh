#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Real servers of LVS behind the kernel's director, IPVS, by each of its tunnels:
# a request comes through the tunnel, past a strict rp_filter, and the answer
# goes to the client directly. See lvs.lib for who is who.
#
# shellcheck disable=SC2086 # options and numbers are words

. ./lvs.lib
require nft

# ipvsadm's options; what director's packets then are to tcpdump, by family; and
# what adit lvs is told.
TYPES="
ipip|--tun-type ipip|ip proto 4 or ip proto 41|ip6 proto 4 or ip6 proto 41|type ipip
gre|--tun-type gre|ip proto 47 and ip[20:2] == 0|ip6 proto 47 and ip6[40:2] == 0|type gre
gre with checksums|--tun-type gre --tun-csum|ip proto 47 and ip[20:2] == 0x8000|ip6 proto 47 and ip6[40:2] == 0x8000|type gre
gue without checksums|--tun-type gue --tun-port 6080 --tun-nocsum|udp dst port 6080 and ip[26:2] == 0|udp dst port 6080 and ip6[46:2] == 0|type gue
gue with checksums|--tun-type gue --tun-port 6080 --tun-csum|udp dst port 6080 and ip[26:2] != 0|udp dst port 6080 and ip6[46:2] != 0|type gue
gue with checksums offloaded|--tun-type gue --tun-port 6080 --tun-remcsum|udp dst port 6080 and ip[26:2] != 0|udp dst port 6080 and ip6[46:2] != 0|type gue
gue to another port|--tun-type gue --tun-port 7777|udp dst port 7777|udp dst port 7777|type gue port 7777
"
N=20

# tunnel FILTER4 FILTER6 OPTIONS: every family of VIP by every family of
# director: N requests, of which each of two servers gets half. Of what the
# director sends the filter takes all, and what it gets from a VIP is nothing.
tunnel() {
	local vip family filter

	for vip in $VIP $VIP6; do
		for family in 4 6; do
			filter=$1
			[ $family = 4 ] || filter=$2
			service $vip $family "1 2" $3
			capture_start "$D" eth0 wire
			forget
			neighbours_forget
			requests $N 1 $vip
			was_served $vip $((N / 2)) $((N / 2)) 0
			capture_stop wire
			sent "$filter" $vip $family
		done
	done
}

# sent FILTER VIP FAMILY
sent() {
	local outer in out ok

	outer="src $(director $3) and (dst $(server_ip 1 $3) or dst $(server_ip 2 $3))"
	in=$(capture_show wire "dst host $2 and tcp" | wc -l)
	out=$(capture_show wire "$outer and not arp and not icmp6" | wc -l)
	ok=$(capture_show wire "$outer and ($1)" | wc -l)
	check_range "packets from clients" $((N * 4)) $((N * 6)) $in
	check_eq "packets to servers, and those of the right form" "$in $in" \
		"$out $ok"
	[[ $CASE != *offloaded ]] || offloaded $((N * 4)) $in
	check_eq "packets from the VIP" 0 \
		"$(capture_show wire "src host $2 and tcp" | wc -l)"
}

# Those checksums that were still to be made are offloaded: all but a few.
offloaded() {
	local n

	n=$(capture_show wire "(ip[28] == 2 and ip[31:2] == 0x180) or \
(ip6[48] == 2 and ip6[51:2] == 0x180)" | wc -l)
	check_range "packets with the option" $1 $2 $n
}

director() { cut -d ' ' -f $(($1 / 2 - 1)) <<<"$DIRECTORS"; }

# row NAME OPTIONS FILTER4 FILTER6 WORDS
row() {
	local dev n

	real from $DIRECTORS $5
	tunnel "$3" "$4" "$2"
	dev=lvs-${5#type }
	dev=${dev%% *}
	for n in 1 2; do
		no_drops "$(server $n)" $dev
	done
	real_gone $dev
}

# A director that is not in the list gets nothing in, and each of its packets is
# counted.
not_allowed() {
	local n vip

	real from 192.0.2.99
	for vip in $VIP $VIP6; do
		service $vip 4 1
		settle "$RS1" lvs-ipip
		drops_mark "$RS1" lvs-ipip
		forget
		capture_start "$RS1" eth0 wire "src 192.0.2.1 and proto 4 or proto 41"
		check_fails "a request from a director not allowed" \
			in_ns "$C" timeout 4 ab -q -s 2 -n 1 "http://$(brackets $vip)/"
		capture_stop wire
		n=$(capture_show wire | wc -l)
		check_range "packets of the director" 2 9 $n
		check_drops "$RS1" lvs-ipip rx_source $n
		was_served $vip 0 0 0
		check_eq "packets taken" 0 "$(stat_get "$RS1" lvs-ipip rx_packets)"
	done
	must in_ns "$RS1" adit lvs $VIP $VIP6 from 192.0.2.0/24
	requests 5 1 $VIP6
	was_served $VIP6 5 0 0
	real_gone lvs-ipip
}

# --- large packets

FULL=1500 NARROW=1400 BYTES=300000
GUE="--tun-type gue --tun-port 6080"

# post ADDR: to server 3; what it has is what was sent.
post() {
	rm -rf "$WORK/web3/posted"
	mkdir "$WORK/web3/posted"
	in_ns "$C" timeout $((8 * SLOW)) ab -q -s $((5 * SLOW)) -n 1 -p "$WORK/body" -T text/plain \
		"http://$(brackets "$1")/post" || return
	cmp "$WORK/body" "$WORK"/web3/posted/*
}

forget_mtu() {
	local ns

	for ns in "$C" "$D"; do
		must ip -n "$ns" -4 route flush cache
		must ip -n "$ns" -6 route flush cache
	done
}

learnt_mtu() { ip -n "$C" route get "$1" | grep -o 'mtu [0-9]*'; }

# told ADDR FAMILY MTU MTU-AT-LAST [OPTION...]: what the director, by its address
# of that family, says that fits: into its own link, and then, when the router
# before the narrow one has told it, into that.
told() {
	service "$1" "$2" 3 "${*:5}"
	forget_mtu
	capture_start "$C" eth0 icmp "icmp[0] == 3 or (icmp6 and ip6[40] == 2)"
	check "a large POST to $1" post "$1"
	capture_stop icmp
	check_eq "what the director said first" "mtu $3" \
		"$(capture_show icmp -v | grep -o 'mtu [0-9]*' | head -n 1)"
	check_eq "what was learnt" "mtu $4" "$(learnt_mtu "$1")"
}

# What carries IPv6 over IPv4 has no DF, and may be cut on the way instead. Over
# IPv6 the kernel's director hears of no router, and its route has to say it.
large() {
	local ip4=$((NARROW - 20)) ip6=$((NARROW - 40)) gue=$((NARROW - 32))

	must in_ns "$C" ethtool -K eth0 tso $1 gso $1
	real from $DIRECTORS
	told $VIP 4 $((FULL - 20)) $ip4
	told $VIP6 4 $((FULL - 20)) $((FULL - 20))
	must ip -n "$D" route add 2001:db8:3::/64 via 2001:db8:1::254 \
		mtu $NARROW
	told $VIP 6 $ip6 $ip6
	told $VIP6 6 $ip6 $ip6
	must ip -n "$D" route del 2001:db8:3::/64
	real_gone lvs-ipip
	real from $DIRECTORS type gue
	told $VIP 4 $((FULL - 32)) $gue $GUE
	told $VIP6 4 $((FULL - 32)) $((FULL - 32)) $GUE
	real_gone lvs-gue
}

# advmss N FAMILY: on the server's way to everybody; 0: none
advmss() {
	local via=203.0.113.254

	[ "$2" = 4 ] || via=2001:db8:3::254
	must ip -n "$RS3" "-$2" route replace default via $via dev eth0 \
		${1:+advmss $1}
}

# cured ADDR FAMILY OVERHEAD: of the director by that family; where the client
# hears of nothing, the server's announcing less is what helps.
cured() {
	local family=4 headers=40

	[[ $1 != *:* ]] || family=6 headers=60
	service $1 $2 3
	forget_mtu
	check_fails "a large POST to $1, without ICMP" post $1
	advmss $((NARROW - $3 - headers)) $family
	forget_mtu
	capture_start "$C" eth0 syn "tcp[13] == 18 or (ip6[6] == 6 and ip6[53] == 18)"
	check "a large POST to $1, with advmss" post $1
	capture_stop syn
	check_match "announced" "mss $((NARROW - $3 - headers))," \
		"$(capture_show syn -c 1)"
	advmss "" $family
}

icmp_lost() {
	must in_ns "$R" nft "add table inet t
		add chain inet t f { type filter hook forward priority 0; }
		add rule inet t f oifname c0 icmp type destination-unreachable drop
		add rule inet t f oifname c0 icmpv6 type packet-too-big drop"
	real from $DIRECTORS
	cured $VIP 4 20
	cured $VIP6 4 20
	cured $VIP 6 40
	cured $VIP6 6 40
	real_gone lvs-ipip
	must in_ns "$R" nft delete table inet t
}

# --- many

MANY=10000
! debug_kernel || MANY=2000	# it takes its time

many() {
	real from $DIRECTORS
	service $VIP 4 "1 2 3"
	forget
	requests $MANY 50 $VIP
	check_eq "requests served" $MANY \
		"$(served $VIP | tr ' ' + | { read -r sum; echo $((sum)); })"
	for n in $SERVERS; do
		no_drops "$(server $n)" lvs-ipip
	done
	real_gone lvs-ipip
}

# --- who answers for the VIP

# From the first request on, R has asked the LAN often, and so have the servers:
# at most once in each case, for an answer is good for a while.
neighbours_start() {
	capture_start "$R" lan0 neighbours \
		"arp or (icmp6 and (ip6[40] == 135 or ip6[40] == 136))"
}

neighbours_forget() {
	local ns

	for ns in "$R" "$RS1" "$RS2" "$RS3"; do
		must ip -n "$ns" neigh flush dev "$([ "$ns" = "$R" ] &&
			echo lan0 || echo eth0)"
	done
}

neighbours() {
	local mac all

	capture_stop neighbours
	mac=$(mac_get "$D" eth0)
	all=$(capture_show neighbours -e)
	check_eq "who answers for $VIP" "$mac" \
		"$(grep -o "Reply $VIP is-at [^,]*" <<<"$all" |
			awk '{ print $4 }' | sort -u)"
	check_eq "who answers for $VIP6" "$mac" \
		"$(grep "advertisement, tgt is $VIP6," <<<"$all" |
			awk '{ print $1 }' | sort -u)"
	check_eq "who asks in its name" "" "$(grep "tell $VIP,\|$VIP6 > .*solicit" \
		<<<"$all" | grep -v "^$mac ")"
	check_match "the servers ask" "who-has 192.0.2.254 .* tell 192.0.2.11," \
		"$(grep 'who-has 192.0.2.254' <<<"$all")"
}

topo_lvs
web_start $SERVERS
neighbours_start
while IFS='|' read -r name options filter4 filter6 words <&3; do
	[ -z "$name" ] || case_run "$name" row "$name" "$options" "$filter4" \
		"$filter6" "$words"
done 3<<<"$TYPES"
case_run "a director that is not allowed" not_allowed
case_run "$MANY connections" many
case_run "nobody but the director answers for the VIP" neighbours
must ip -n "$R" link set far0 mtu $NARROW
head -c $BYTES /dev/urandom >"$WORK/body"
case_run "large packets, as the director says" large off
# The kernel's director did not look at the sizes of segments before 5.18.
[[ $(uname -r) == 5.10.* ]] ||
	case_run "large packets in one, as the director says" large on
case_run "large packets, when ICMP is lost: advmss" icmp_lost
finish
