#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# MPLS as payload: what A labels 100, B delivers. And below the tunnel.

. ./lib.sh
require python3 tcpdump ethtool jq nstat
require_module mpls_router mpls_iptunnel

BYTES=1048576

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

# Packets that overtake each other are sent again as well, so what is lost is seen by this.
timeouts() { mib_get "$A" TcpExtTCPTimeouts; }

# The underlay's route labels what the tunnel sends, segments of a large packet, too.
labelled_underlay() {
	local before mtu

	adit_pair "$@"
	mtu=$(mtu_get "$A" adit0)
	must ip -n "$A" route add "$B_IP/32" encap mpls 200 via inet "$B_IP" \
		dev eth0
	must in_ns "$B" sysctl -qw net.mpls.platform_labels=1000 \
		net.mpls.conf.eth0.input=1
	ip -n "$B" -f mpls route show | grep -q '^200 ' ||
		must ip -n "$B" -f mpls route add 200 dev lo
	check_within 5000 "a label less" mtu_is "$A" adit0 $((mtu - 4))
	before=$(timeouts)
	check_eq "bytes" "$BYTES" "$(tcp_bytes "$A" "$B" 10.9.0.2 "$BYTES")"
	check_range "timeouts" 0 2 $(($(timeouts) - before))
	must ip -n "$A" route del "$B_IP/32"
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
case_run "below: ip" labelled_underlay
case_run "below: gre" labelled_underlay mode gre
case_run "below: gue" labelled_underlay encap gue encap-dport 6080
finish
