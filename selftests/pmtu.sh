#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Paths that carry less than the tunnel device: whoever sent too big a packet is
# told the right size, in the end everything arrives, and the device's own MTU
# is left alone.
#
# As topo_sites, with less room from R to B.

. ./lib.sh
require python3 tcpdump jq socat ethtool

V4=10.9.0.2 V6=fd09::2			# at B
SITE4=10.10.20.2 SITE6=fd00:20::2	# HB

# narrow MTU: of the path from R to B.
narrow() {
	must ip -n "$R" link set eth1 mtu "$1"
	must ip -n "$B" link set eth0 mtu "$1"
}

# forget: what the senders have learnt of paths.
forget() {
	local ns

	for ns in "$A" "$HA"; do
		check "forget IPv4" ip -n "$ns" route flush cache
		check "forget IPv6" ip -n "$ns" -6 route flush cache
	done
}

# pmtu NS ADDR: what has been learnt of the path to ADDR.
pmtu() { ip -n "$1" route get "$2" | grep -o ' mtu [0-9]*'; }
knows() { [ "$(pmtu "$1" "$2")" = " mtu $3" ]; }

# told NS DST SPEC... ERROR: the answer to each of these packets.
told() {
	local want=() specs=("${@:3:$# - 3}")

	for _ in "${specs[@]}"; do
		want+=("${!#}")
	done
	check_eq "what the sender is told" "$(lines "${want[@]}")" \
		"$(packet "$1" errors "$2" "${specs[@]}")"
}

# too_big NS DST SIZE ERROR MTU COUNT: three packets that are too big for the
# path: the router's word on the first is relayed; after that the tunnel knows,
# and itself answers who does not listen. COUNT is 1 where that teaches A to
# forward no more of them into the tunnel, as it does with IPv6.
too_big() {
	forget
	drops_mark "$A" adit0
	told "$1" "$2" "n=1,size=$3,df=do" "n=2,size=$3,df=probe" \
		"n=3,size=$3,df=probe" "$4"
	check_drops "$A" adit0 tx_too_big "$6"
	check_eq "PMTU of the tunnel" " mtu 1400" "$(pmtu "$A" "$B_IP")"
	check_eq "PMTU of the sender" " mtu $5" "$(pmtu "$1" "$2")"
}

# tcp CLIENT SERVER ADDR: all arrives, though at first the path is unknown.
tcp() {
	local bytes=1048576

	forget
	check_eq "bytes received" "$bytes" \
		"$(tcp_bytes "$1" "$2" "$3" "$bytes")"
	check_eq "PMTU of the client" " mtu 1380" "$(pmtu "$1" "$3")"
}

tcp_reverse() {
	local bytes=1048576

	forget
	check_eq "bytes received" "$bytes" \
		"$(tcp_bytes "$1" "$2" "$3" "$bytes" -R)"
}

# without_df NS DST RECEIVER: the inner packet is fragmented, the outer one not.
without_df() {
	forget
	udp_receive "$3"
	drops_mark "$A" adit0
	check "send the first" packet "$1" send "$2" n=1,size=1452,df=dont
	check_within 5000 "the tunnel knows" knows "$A" "$B_IP" 1400
	check_eq "PMTU of the sender" "" "$(pmtu "$1" "$2")"
	capture_start "$A" eth0 outer "src $A_IP and ip proto 4" || return
	check "send" packet "$1" send "$2" n=2,size=1452,df=dont \
		n=3,size=1352,df=dont n=4,size=1353,df=dont
	udp_received "2 1452 ok" "3 1352 ok" "4 1353 ok"
	capture_wait outer 5
	capture_stop outer
	check_eq "outer DF, MF, offset, length; inner MF, offset, length" \
		"$(lines "1 0 0 1400 1 0 1380" "1 0 0 140 0 1360 120" \
			"1 0 0 1400 0 0 1380" "1 0 0 1400 1 0 1380" \
			"1 0 0 41 0 1360 21" | sort)" \
		"$(./packet.py show --all "$WORK/outer.pcap" o.df o.mf o.off \
			o.len i.mf i.off i.len | sort)"
	check_drops "$A" adit0
}

# The same with a packet that is still to be cut into datagrams.
gso_without_df() {
	local n want=()

	udp_receive "$3"
	drops_mark "$A" adit0
	check_eq "PMTU of the tunnel" " mtu 1400" "$(pmtu "$A" "$B_IP")"
	check "send" packet "$1" send "$2" \
		"n=100,size=$((10 * 1452)),gso=1452,df=dont"
	for n in 100 101 102 103 104 105 106 107 108 109; do
		want+=("$n 1452 ok")
	done
	udp_received "${want[@]}"
	check_drops "$A" adit0
}

# device_mtu: none of this changes it.
device_mtu() {
	check_eq "MTU and mtu_auto" "1480 true" "$(ip -n "$A" -d -j link show \
		dev adit0 | jq -r '.[0] | "\(.mtu) \(.linkinfo.info_data.mtu_auto)"')"
}

# below_1300 NS DST RECEIVER OFFENDER: 1280 bytes always pass, in fragments.
below_1300() {
	forget
	udp_receive "$3"
	drops_mark "$A" adit0
	check "send the first" packet "$1" send "$2" n=1,size=1232,df=do
	check_within 5000 "the tunnel knows" knows "$A" "$B_IP" 1290
	check_eq "PMTU of the sender" "" "$(pmtu "$1" "$2")"
	capture_start "$A" eth0 outer "src $A_IP and ip proto 41" || return
	check "send" packet "$1" send "$2" n=2,size=1232,df=do \
		n=3,size=1222,df=do n=4,size=1223,df=do
	udp_received "2 1232 ok" "3 1222 ok" "4 1223 ok"
	check_drops "$A" adit0
	capture_stop outer
	# The route knows of 1290: it is the sender that fragments.
	check_eq "outer DF, MF, offset, length" "$(lines "0 0 1264 36" \
		"0 0 1264 27" "0 1 0 1284" "0 1 0 1284" "1 0 0 1290" | sort)" \
		"$(./packet.py show --all "$WORK/outer.pcap" o.df o.mf o.off \
			o.len | sort)"
	told "$1" "$2" n=5,size=1233,df=probe \
		"icmp6 2 0 1280 $4"
	check_drops "$A" adit0 tx_too_big 1
}

# IPv4 has no such floor.
below_1300_ip4() {
	drops_mark "$A" adit0
	told "$A" "$V4" n=1,size=1243,df=probe \
		"icmp 3 4 1270 10.9.0.1"
	check_drops "$A" adit0 tx_too_big 1
}

topo_sites
adit_pair
must ip -n "$A" route add 10.10.20.0/24 dev adit0
must ip -n "$A" route add fd00:20::/64 dev adit0
must ip -n "$B" route add 10.10.10.0/24 dev adit0
must ip -n "$B" route add fd00:10::/64 dev adit0
narrow 1400
# B's own end of the narrow link must not be what keeps its segments small. (An
# MTU that is set to what it is already goes on following.)
must ip -n "$B" link set adit0 mtu 1479
must ip -n "$B" link set adit0 mtu 1480

case_run "IPv4, local sender" too_big "$A" $V4 1452 "icmp 3 4 1380 10.9.0.1" \
	1380 2
case_run "IPv6, local sender" too_big "$A" $V6 1432 "icmp6 2 0 1380 fd09::1" \
	1380 2
case_run "IPv4, forwarded" too_big "$HA" $SITE4 1452 \
	"icmp 3 4 1380 10.10.10.1" 1380 2
case_run "IPv6, forwarded" too_big "$HA" $SITE6 1432 \
	"icmp6 2 0 1380 fd00:10::1" 1380 1
case_run "IPv4 TCP, out" tcp "$A" "$B" $V4
case_run "IPv6 TCP, out" tcp "$A" "$B" $V6
case_run "IPv4 TCP, in" tcp_reverse "$A" "$B" $V4
case_run "IPv6 TCP, in" tcp_reverse "$A" "$B" $V6
case_run "IPv4 TCP, forwarded" tcp "$HA" "$HB" $SITE4
case_run "IPv6 TCP, forwarded" tcp "$HA" "$HB" $SITE6
case_run "without DF, local sender" without_df "$A" $V4 "$B"
case_run "without DF, segments, local sender" gso_without_df "$A" $V4 "$B"
case_run "without DF, forwarded" without_df "$HA" $SITE4 "$HB"
case_run "without DF, segments, forwarded" gso_without_df "$HA" $SITE4 "$HB"
narrow 1290
case_run "IPv6 below 1300, local sender" below_1300 "$A" $V6 "$B" fd09::1
case_run "IPv6 below 1300, forwarded" below_1300 "$HA" $SITE6 "$HB" fd00:10::1
case_run "IPv4 below 1300" below_1300_ip4
case_run "the device's MTU is left alone" device_mtu
finish
