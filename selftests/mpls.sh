#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# MPLS as payload: what A labels 100, B delivers.

. ./lib.sh
require python3 tcpdump ethtool jq
require_module mpls_router mpls_iptunnel

labelled() {
	must in_ns "$B" sysctl -qw net.mpls.platform_labels=1000 \
		net.mpls.conf.adit0.input=1
	must ip -n "$A" route add 10.7.0.1 encap mpls 100 via inet 10.9.0.2 \
		dev adit0
	ip -n "$B" -f mpls route show | grep -q '^100 ' ||
		must ip -n "$B" -f mpls route add 100 dev lo
}

# over FAMILY PROTOCOL OPTION...: PROTOCOL is on the wire.
over() {
	local family=$1 proto=$2
	shift 2

	if [ "$family" = 6 ]; then
		A_IP=2001:db8::1 B_IP=2001:db8::2 adit_pair "$@"
	else
		adit_pair "$@"
	fi
	labelled
	capture_start "$A" eth0 wire "src host $A_IP or src host 2001:db8::1" ||
		return
	ping_ok "$A" 10.7.0.1
	capture_wait wire 3
	capture_stop wire
	check_match "on the wire" "$proto" "$(capture_show wire -v |
		paste -sd ' ')"
	adit_gone
}

# UDP with nothing after it cannot say so.
not_in_fou() {
	adit_pair encap fou encap-dport 5555
	labelled
	drops_mark "$A" adit0
	check_fails "MPLS in FOU" in_ns "$A" ping -q -c 2 -i 0.2 -W 1 10.7.0.1
	check_drops "$A" adit0 tx_protocol 2
	adit_gone
}

topo_direct
must ip -n "$A" addr add 2001:db8::1/64 dev eth0
must ip -n "$B" addr add 2001:db8::2/64 dev eth0
must ip -n "$B" addr add 10.7.0.1/32 dev lo
case_run "ip, IPv4" over 4 'proto (unknown|MPLS-in-IP)? ?\(137\)|ip-proto-137'
case_run "ip, IPv6" over 6 'next-header (unknown|MPLS-in-IP) \(137\)|ip-proto-137'
case_run "gre, IPv4" over 4 'MPLS \(label 100' mode gre
case_run "gre, IPv6" over 6 'MPLS \(label 100' mode gre key 3
case_run "gue, IPv4" over 4 'UDP' encap gue encap-dport 6080
case_run "gre in fou, IPv6" over 6 'UDP' mode gre encap fou encap-dport 5555
case_run "fou" not_in_fou
finish
