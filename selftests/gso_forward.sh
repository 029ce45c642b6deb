#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a gateway has merged on receive enters the tunnel in one piece, and is cut
# behind it, each part under an outer checksum of its own. GRO merges the payload,
# or only chains packets up (rx-gro-list), as gateways have it for UDP.

. ./lib.sh
require python3 tcpdump ethtool
require_module sch_netem

N=20		# datagrams of 1000 bytes

# merged HOW OPTION...: datagrams of HA come to HB through a tunnel with these
# options, of which the gateway's card has merged some. HOW: rx-gro-list or
# rx-udp-gro-forwarding.
merged() {
	local want

	join_sites 4 "${@:2}"
	must in_ns "$A" ethtool -K lan0 gro on "$1" on
	drops_mark "$B" adit0
	mapfile -t want < <(yes "1 1000 ok" | head -n "$N")
	udp_receive "$HB"
	capture_start "$A" adit0 inner udp dst port 5999 || return
	check "send" packet "$HA" send 10.10.20.2 "n=1,size=1000,times=$N"
	udp_received "${want[@]}"
	capture_stop inner
	check_range "longest packet into the tunnel" 2028 65535 \
		"$(./packet.py show --all "$WORK/inner.pcap" i.len | sort -n | tail -n 1)"
	check_drops "$B" adit0
	must in_ns "$A" ethtool -K lan0 "$1" off
	adit_gone
}

topo_sites
# nothing but software makes checksums; and what had to wait comes in a row
must in_ns "$HA" ethtool -K eth0 tx off
must in_ns "$A" ethtool -K eth0 tx off
must in_ns "$HA" tc qdisc add dev eth0 root netem slot 100ms 100ms
in_ns "$A" ethtool -k lan0 | grep -q '^rx-udp-gro-forwarding: off$' ||
	skip_all "no rx-udp-gro-forwarding"

HOW="rx-gro-list rx-udp-gro-forwarding"
! short_form || HOW=rx-gro-list
for how in $HOW; do
	case_run "$how, plain" merged "$how"
	case_run "$how, GRE with checksums" merged "$how" mode gre csum
	case_run "$how, UDP with checksums" merged "$how" \
		encap fou encap-dport 5555
	case_run "$how, UDP without" merged "$how" \
		encap gue encap-dport 6080 noencap-csum
done
finish
