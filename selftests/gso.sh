#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Segmentation and checksums, whoever does them: the stack above the tunnel, the
# tunnel, or the device under it. The same packets are on the wire each time.

. ./lib.sh
require python3 tcpdump ethtool socat jq cmp nstat tc nft

V4=10.9.0.2 V6=fd09::2

# offloads NS DEV on|off
offloads() {
	must in_ns "$1" ethtool -K "$2" tx "$3" sg "$3" tso "$3" gso "$3" \
		gro "$3"
}

# transfer ADDR: from A to B over TCP: the same bytes arrive.
transfer() {
	local bytes=262144

	check_eq "bytes received at $1" "$bytes" \
		"$(tcp_bytes "$A" "$B" "$1" "$bytes")"
}

# tcp WIRE TUNNEL: with offloads of eth0 and of adit0 on or off.
tcp() {
	local ns

	for ns in "$A" "$B"; do
		offloads "$ns" eth0 "$1"
		offloads "$ns" adit0 "$2"
		drops_mark "$ns" adit0
	done
	transfer "$V4"
	transfer "$V6"
	check_drops "$A" adit0
	check_drops "$B" adit0
}

lengths() { ./packet.py show --all "$WORK/$1.pcap" i.len; }
longest() { lengths "$1" | sort -n | tail -n 1; }
stream() { ./packet.py stream "$WORK/$1.pcap" 5201 >"$WORK/stream"; }

# check_stream NAME: what is captured is what was sent, each byte.
check_stream() {
	check "stream of $1" stream "$1"
	check "stream of $1, compared" cmp "$WORK/tcp.in" "$WORK/stream"
}

# tcp_captured ADDR: segments enter the tunnel uncut and without checksums, and
# the device under it has to do without: on the wire they are cut and right.
tcp_captured() {
	offloads "$A" adit0 on
	offloads "$A" eth0 off
	capture_start "$A" adit0 inner -B 24576 tcp dst port 5201 || return
	capture_start "$A" eth0 outer -s 2000 \
		"src $A_IP and (ip proto 4 or ip proto 41)" || return
	transfer "$1"
	capture_stop inner
	capture_stop outer
	check_stream inner
	check_stream outer
	check_range "longest inner packet" 1481 65535 "$(longest inner)"
	check_eq "longest packet on the wire" 1480 "$(longest outer)"
	check_eq "outer and inner checksum, DF" "ok ok 1" \
		"$(./packet.py show --all "$WORK/outer.pcap" o.csum csum o.df |
			sort -u)"
}

# tcp_cut_above ADDR: the tunnel cannot, so what enters it is cut and right.
tcp_cut_above() {
	offloads "$A" adit0 off
	offloads "$A" eth0 on
	capture_start "$A" adit0 inner -B 24576 tcp dst port 5201 || return
	transfer "$1"
	capture_stop inner
	check_stream inner
	check_eq "longest inner packet" 1480 "$(longest inner)"
	check_eq "checksums" ok \
		"$(./packet.py show --all "$WORK/inner.pcap" csum | sort -u)"
}

# udp ADDR HEADERS WIRE TUNNEL: 20 segments of 1000 bytes and a last one of 500.
# The offloads of eth0 (all) and of adit0 (segmentation only, because without
# those of checksums a socket refuses) are on or off.
udp() {
	local n want=()

	offloads "$A" eth0 "$3"
	offloads "$A" adit0 on
	must in_ns "$A" ethtool -K adit0 tso "$4" gso "$4" \
		tx-udp-segmentation "$4"
	for n in $(seq 0 19); do
		want+=("$n 1000 ok")
	done
	want+=("20 500 ok")
	udp_receive "$B"
	capture_start "$A" adit0 inner udp dst port 5999 || return
	capture_start "$B" eth0 outer -B 24576 \
		"src $A_IP and (ip proto 4 or ip proto 41)" || return
	check "send" packet "$A" send "$1" n=0,size=20500,gso=1000
	udp_received "${want[@]}"
	capture_stop inner
	capture_stop outer
	if [ "$4" = on ]; then
		check_eq "entered the tunnel" $((20500 + $2)) "$(lengths inner)"
	else
		check_eq "entered the tunnel" "$(lines "${want[@]}")" \
			"$(./packet.py show "$WORK/inner.pcap" n size data)"
	fi
	[ "$3" = off ] || return 0
	check_eq "on the wire" "$(lines "${want[@]/%/ ok}")" \
		"$(./packet.py show "$WORK/outer.pcap" n size data csum | sort -n)"
	check_eq "outer checksum, DF" "ok 1" \
		"$(./packet.py show "$WORK/outer.pcap" o.csum o.df | sort -u)"
}

# gro ADDR on|off: segments that arrive one by one are put together, or not.
# Nothing may hold the packets on the wire, so they are not captured there.
gro() {
	offloads "$A" adit0 on
	offloads "$A" eth0 off
	offloads "$B" eth0 off
	must in_ns "$B" ethtool -K adit0 gro "$2"
	capture_start "$B" adit0 far -B 24576 tcp dst port 5201 || return
	transfer "$1"
	capture_stop far
	check_stream far
	if [ "$2" = on ]; then
		check_range "longest packet" 1481 65535 "$(longest far)"
	else
		check_eq "longest packet" 1480 "$(longest far)"
	fi
}

# in_batches: what A sends waits for more, and leaves at once.
in_batches() {
	modprobe -q sch_netem
	in_ns "$A" tc qdisc add dev eth0 root netem slot 50ms 50ms 2>/dev/null ||
		{ skip "needs netem"; return 1; }
}

# Of what the wire lets go at once, after a pause, a small segment is not overtaken by
# those that come merged behind it.
in_order() {
	local before pid

	in_batches || return
	offloads "$A" adit0 on
	offloads "$A" eth0 on
	offloads "$B" eth0 on
	in_ns "$B" timeout 60 socat -u TCP-LISTEN:5202 OPEN:/dev/null &
	pid=$!
	check_within 10000 "a server" listens "$B" 5202
	before=$(mib_get "$B" TcpExtTCPOFOQueue)
	check "send" in_ns "$A" python3 -c '
import socket, sys, time
s = socket.create_connection((sys.argv[1], 5202))
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for _ in range(4):
    time.sleep(1.2)
    s.sendall(bytes(200))
    s.sendall(bytes(60000))' "$V4"
	wait "$pid"
	check_eq "out of order" "$before" "$(mib_get "$B" TcpExtTCPOFOQueue)"
	must in_ns "$A" tc qdisc del dev eth0 root
}

# What arrives from a program of this host may still be the program's. It is copied
# before it is merged with more, which the program would not know of.
pages_of_others() {
	in_batches || return
	must in_ns "$B" ethtool -K adit0 gro on
	check "set FOU" ip -n "$B" link set adit0 type adit \
		encap fou encap-dport 5555
	check_eq "pages given back" "copied copied copied copied" \
		"$(packet "$A" zerocopy "$B_IP" 4 | xargs)"
	check "set IP" ip -n "$B" link set adit0 type adit encap none
	must in_ns "$A" tc qdisc del dev eth0 root
}

# Whoever looks at what comes out of the tunnel ahead of IP finds TCP and UDP there.
seen_by_tc() {
	for ns in "$A" "$B"; do
		offloads "$ns" eth0 on
		offloads "$ns" adit0 on
		check "set $*" ip -n "$ns" link set adit0 type adit "$@"
	done
	must tc -n "$B" qdisc add dev adit0 clsact
	must tc -n "$B" filter add dev adit0 ingress pref 1 protocol ip flower \
		ip_proto udp dst_port 5998 \
		action pedit ex munge udp dport set 7 pipe csum udp
	must tc -n "$B" filter add dev adit0 ingress pref 2 matchall action ok
	transfer "$V4"
	transfer "$V6"
	must in_ns "$B" nft "table ip seen {
	        counter port7 {}
	        chain input {
	                type filter hook input priority 0;
	                udp dport 7 counter name port7
	        }
	}"
	raw "$A" udp "$V4" 3 100
	check_within 5000 "datagrams to another port" seen_7
	must in_ns "$B" nft delete table ip seen
	must tc -n "$B" qdisc del dev adit0 clsact
}
seen_7() { [ "$(nft_packets "$B" counters table ip seen)" = 3 ]; }

topo_direct
adit_pair
settle "$A" adit0

# Ahead of those that bring merged segments: while they come, none are merged here.
case_run "pages of others" pages_of_others
case_run "TCP, all offloads" tcp on on
case_run "TCP, none below the tunnel" tcp off on
case_run "TCP, none in the tunnel" tcp on off
case_run "TCP, none at all" tcp off off
case_run "IPv4 TCP, cut below the tunnel" tcp_captured "$V4"
case_run "IPv6 TCP, cut below the tunnel" tcp_captured "$V6"
case_run "IPv4 TCP, cut above the tunnel" tcp_cut_above "$V4"
case_run "IPv6 TCP, cut above the tunnel" tcp_cut_above "$V6"
case_run "IPv4 UDP segments, all offloads" udp "$V4" 28 on on
case_run "IPv6 UDP segments, all offloads" udp "$V6" 48 on on
case_run "IPv4 UDP segments, cut below the tunnel" udp "$V4" 28 off on
case_run "IPv6 UDP segments, cut below the tunnel" udp "$V6" 48 off on
case_run "IPv4 UDP segments, cut above the tunnel" udp "$V4" 28 off off
case_run "IPv6 UDP segments, cut above the tunnel" udp "$V6" 48 off off
case_run "IPv4, GRO" gro "$V4" on
case_run "IPv6, GRO" gro "$V6" on
case_run "IPv4, no GRO" gro "$V4" off
case_run "IPv6, no GRO" gro "$V6" off
case_run "merged segments do not overtake a small one" in_order
raw_start "$A"
case_run "seen by tc, IP" seen_by_tc mode ip
case_run "seen by tc, FOU" seen_by_tc encap fou encap-dport 5555
case_run "seen by tc, GUE" seen_by_tc encap gue encap-dport 6080
if [ ! -e /sys/module/ip_gre ]; then
	case_run "seen by tc, GRE" seen_by_tc encap none mode gre
else
	case_run "seen by tc, GRE" skip "ip_gre has it"
fi
finish
