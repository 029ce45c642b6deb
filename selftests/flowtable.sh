#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A gateway whose flow table takes established connections past IP: what comes out
# of the tunnel is found there and goes on, merged segments too, if they are no
# longer than the next link carries.
#
#	HA - A ==== B lan0 ---- HB, whose link is narrower than the tunnel

. ./lib.sh
require nft socat ethtool cmp
require_module nf_flow_table nf_flow_table_inet nft_flow_offload

BYTES=1048576

# flow_table: in B, between the tunnel and the link; `seen` counts what IP forwards.
flow_table() {
	must in_ns "$B" nft "table inet f {
	        counter seen {}
	        flowtable ft {
	                hook ingress priority 0; devices = { adit0, lan0 };
	        }
	        chain forward {
	                type filter hook forward priority 0;
	                counter name seen
	                meta l4proto tcp flow add @ft
	        }
	}"
}

# passes WAY OPTION...: through a tunnel with these options. WAY: "", or -R.
passes() {
	local before addr

	join_sites 4 "${@:2}"
	flow_table
	drops_mark "$B" adit0
	for addr in 10.10.20.2 fd00:20::2; do
		before=$(nft_packets "$B" counters table inet f)
		check_eq "bytes at $addr" "$BYTES" \
			"$(tcp_bytes "$HA" "$HB" "$addr" "$BYTES" ${1:+"$1"})"
		# those before it is established, those of full size that are too
		# long, and the end; of 700 and more
		check_range "packets that IP forwards" 2 300 \
			$(($(nft_packets "$B" counters table inet f) - before))
	done
	check_drops "$B" adit0
	must in_ns "$B" nft delete table inet f
	adit_gone
}

topo_sites
# segments of full size would be 10 or 30 longer than that
must ip -n "$B" link set lan0 mtu 1450
must ip -n "$HB" link set eth0 mtu 1450
# what is merged is cut there, as by a card that cannot
must in_ns "$B" ethtool -K lan0 gso off tso off sg off tx off
case_run "IP" passes "" mode ip
case_run "IP, the other way" passes -R mode ip
case_run "GUE" passes "" encap gue encap-dport 6080
if [ ! -e /sys/module/ip_gre ]; then
	case_run "GRE" passes "" mode gre
else
	case_run "GRE" skip "ip_gre has it"
fi
finish
