#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An underlay that sits in a VRF: tunnels bound to the VRF or to its port, the
# same addresses in two VRFs, and that no tunnel takes another one's packets.
#
#	A eth1 192.0.2.1/24 (vrf1) ---- 192.0.2.2/24 eth0 B1
#	A eth2 192.0.2.1/24 (vrf2) ---- 192.0.2.2/24 eth0 B2
#
# shellcheck disable=SC2086 # numbers, addresses and the like are words

. ./lib.sh
require python3 ping jq ss setpriv
require_module vrf

A_IP=192.0.2.1 B_IP=192.0.2.2
N=3

# received DEV EXPECTED NS: of N packets that NS sends through the underlay, DEV
# of A takes so many.
received() {
	local want

	want=$(($(stat_get "$A" $1 rx_packets) + $2))
	raw "$3" ipip $B_IP $A_IP 0 0 10.9.9.2 10.9.9.77 $N
	check "what was sent is there" in_ns "$3" ping -q -c 1 -W 5 $A_IP
	busywait 3000 rx_is $1 $want
	check_eq "received by $1" $want "$(stat_get "$A" $1 rx_packets)"
}

rx_is() { [ "$(stat_get "$A" $1 rx_packets)" = $2 ]; }

# carries I: adit$I, to and from B$I: 3 pings each way, counted there only.
carries() {
	local ns=B$1 other=adit$((3 - $1)) was was_other=none

	was=$(counts adit$1)
	[ ! -e "$WORK/two" ] || was_other=$(counts $other)
	check "ping IPv4 out" ping3 "$A" 10.9.$1.2
	check "ping IPv4 in" ping3 "${!ns}" 10.9.$1.1
	check "ping IPv6 out" ping3 "$A" fd09:$1::2
	check_eq "adit$1 sent and received" "$((${was% *} + 9)) $((${was#* } + 9))" \
		"$(counts adit$1)"
	[ ! -e "$WORK/two" ] || check_eq "$other sent and received" \
		"$was_other" "$(counts $other)"
}

ping3() { in_ns "$1" ping -q -c 3 -i 0.05 -W 5 "$2"; }
counts() { echo "$(stat_get "$A" $1 tx_packets) $(stat_get "$A" $1 rx_packets)"; }

# tunnel I OPTION...: adit$I in A, with its addresses.
tunnel() {
	must ip -n "$A" link add adit$1 type adit remote $B_IP "${@:2}"
	tunnel_addr "$A" adit$1 10.9.$1.1/30 fd09:$1::1/64
	settle "$A" adit$1
}

# bound I OPTION...: traffic flows through a tunnel so bound.
bound() {
	tunnel "$@"
	carries $1
	received adit$1 $N "$B1"
	check_eq "MTU" 1480 "$(mtu_get "$A" adit$1)"
	must ip -n "$A" link del adit$1
}

mtu_follows() {
	tunnel 1 dev vrf1
	must ip -n "$A" link set eth1 mtu 1400
	check_within 5000 "MTU 1380" mtu_is "$A" adit1 1380
	must ip -n "$A" link set eth1 mtu 1500
	check_within 5000 "MTU 1480" mtu_is "$A" adit1 1480
	must ip -n "$A" link del adit1
}

# An unbound tunnel's addresses are those of the default VRF.
unbound() {
	tunnel 1
	received adit1 0 "$B1"
	drops_mark "$A" adit1
	raw "$A" udp 10.9.1.2 $N 100
	check_drops "$A" adit1 tx_no_route $N
	check "bind it" ip -n "$A" link set adit1 type adit dev vrf1
	received adit1 $N "$B1"
	carries 1
	check "unbind it" ip -n "$A" link set adit1 type adit nodev
	received adit1 0 "$B1"
	must ip -n "$A" link del adit1
}

# shellcheck disable=SC2016 # awk's
unreachables() { in_ns "$A" awk '/^Icmp: [0-9]/ { print $5 }' /proc/net/snmp; }

# What a VRF says of these addresses is not about those that an unbound tunnel has.
# (Of its GRE header a part is missing.)
unbound_icmp() {
	local quote=4500005400004000402f0000c0000201c0000202a000080000000000
	local rest=00000258$quote was

	gre_is_free || return 0
	must ip -n "$A" link add dummy0 type dummy
	must ip -n "$A" addr add $A_IP/24 dev dummy0
	must ip -n "$A" link set dummy0 up
	must ip -n "$A" link add adit1 type adit mode gre local $A_IP remote $B_IP
	must ip -n "$A" link set adit1 up
	was=$(unreachables)
	raw "$B1" icmp $B_IP $A_IP 03040000$rest
	check "what was sent is there" in_ns "$B1" ping -q -c 1 -W 5 $A_IP
	check_eq "errors that came in" $((was + 1)) "$(unreachables)"
	check_eq "PMTU" "" "$(ip -n "$A" route get $B_IP | grep -o ' mtu [0-9]*')"
	must ip -n "$A" link del adit1
	must ip -n "$A" link del dummy0
}

# A VRF has an MTU, which says nothing of what its ports carry.
any_remote() {
	must ip -n "$A" link add adit1 type adit remote any \
		local $A_IP dev vrf1
	check "MTU 1480" mtu_is "$A" adit1 1480
	must ip -n "$A" link del adit1
}

# Bound to one VRF, a tunnel takes nothing from the other.
foreign() {
	tunnel 2 dev $1
	received adit2 0 "$B1"
	received adit2 $N "$B2"
	must ip -n "$A" link del adit2
}

# two DEV1 DEV2: two tunnels with the same ends in two VRFs.
two() {
	tunnel 1 dev $1 local $A_IP
	tunnel 2 dev $2 local $A_IP
	: >"$WORK/two"
	carries 1
	carries 2
	rm "$WORK/two"
	received adit1 $N "$B1"
	received adit2 $N "$B2"
	must ip -n "$A" link del adit1
	must ip -n "$A" link del adit2
}

# The exact local address counts for more than the binding, and of two bindings
# both are the packet's.
precedence() {
	tunnel 1 dev vrf1
	must ip -n "$A" link add adit8 type adit remote $B_IP dev eth1 \
		local $A_IP
	must ip -n "$A" link set adit8 up
	settle "$A" adit8
	received adit8 $N "$B1"
	received adit1 0 "$B1"
	must ip -n "$A" link del adit8
	received adit1 $N "$B1"
	must ip -n "$A" link del adit1
}

# As somebody who may set up the network, but not open any socket
admin() { setpriv --bounding-set -net_bind_service,-net_raw "$@"; }

# A port leaves its VRF: the tunnel that was bound to the port stays with it.
port_leaves() {
	tunnel 1 dev eth1 "$@"
	must admin ip -n "$A" link set eth1 nomaster
	carries 1
	must admin ip -n "$A" link set eth1 master vrf1
	carries 1
	must ip -n "$A" link del adit1
}

# The VRFs that the sockets of UDP port 555 are bound to
sockets() {
	in_ns "$A" ss -Hlun "sport = :555" | grep -o "%[^:]*" | tr -d % |
		sort | xargs
}

count_sockets() { in_ns "$A" ss -Hlun "sport = :555" | wc -l; }

# The same of two tunnels by one UDP port, whose socket goes with it.
port_leaves_fou() {
	local fou="encap fou encap-dport 555"

	must ip -n "$B1" link set adit0 type adit $fou
	must ip -n "$A" link add other type adit remote 192.0.2.99 dev eth1 $fou
	port_leaves $fou
	port_leaves $fou local $A_IP
	must ip -n "$A" link del other
	# into a VRF that has such a socket: they share it
	tunnel 1 dev eth1 $fou
	must ip -n "$A" link add other type adit remote 192.0.2.99 dev vrf2 $fou
	check_eq "sockets" "vrf1 vrf2" "$(sockets)"
	must ip -n "$A" link set eth1 master vrf2
	check_eq "sockets" "vrf2" "$(sockets)"
	must ip -n "$A" link del other
	must ip -n "$A" link set eth1 master vrf1
	check_eq "sockets" "vrf1" "$(sockets)"
	carries 1
	# beside one in no VRF, whose socket stays where it is
	must ip -n "$A" link add other type adit remote 192.0.2.99 $fou
	check_eq "sockets, of two" "vrf1 2" "$(sockets) $(count_sockets)"
	carries 1
	must ip -n "$A" link set eth1 nomaster
	check_eq "sockets, of one" " 1" "$(sockets) $(count_sockets)"
	carries 1
	must ip -n "$A" link set eth1 master vrf1
	check_eq "sockets, of two" "vrf1 2" "$(sockets) $(count_sockets)"
	carries 1
	must ip -n "$A" link del adit1
	tunnel 1 dev eth1 $fou
	check_eq "sockets, of two" "vrf1 2" "$(sockets) $(count_sockets)"
	carries 1
	must ip -n "$A" link del other
	must ip -n "$A" link del adit1
	must ip -n "$B1" link set adit0 type adit encap none
}

# When a port goes, its sockets stay where they were, and nothing else is in their way.
port_goes() {
	local dev

	must ip -n "$A" addr add fd00::1/64 dev eth1 nodad
	must ip -n "$A" link add adit1 type adit remote $B_IP dev eth1 \
		encap fou encap-dport 555
	check_eq "sockets" "vrf1 1" "$(sockets) $(count_sockets)"
	must ip -n "$A" link add adit2 type adit local fd00::1 remote fd00::2 \
		dev eth1 encap fou encap-dport 555
	must ip -n "$A" link del eth1
	check_eq "sockets" "vrf1 vrf1 2" "$(sockets) $(count_sockets)"
	for dev in adit1 adit2; do
		check "change $dev" ip -n "$A" link set $dev type adit ttl 9
	done
	check_eq "sockets" "vrf1 vrf1 2" "$(sockets) $(count_sockets)"
	must ip -n "$A" link del adit1
	must ip -n "$A" link del adit2
	check_eq "sockets" " 0" "$(sockets) $(count_sockets)"
}

# The tunnel itself may be the port of a VRF; its underlay is where it was.
inner_vrf() {
	must ip -n "$A" link add vrf3 type vrf table 103
	must ip -n "$A" link set vrf3 up
	must ip -n "$A" link add adit1 type adit remote $B_IP dev vrf1
	must ip -n "$A" link set adit1 master vrf3
	tunnel_addr "$A" adit1 10.9.1.1/30
	settle "$A" adit1
	check "ping out" in_ns "$A" ping -q -c 3 -i 0.05 -W 5 -I vrf3 10.9.1.2
	check "ping in" ping3 "$B1" 10.9.1.1
	check_fails "ping outside of the VRF" in_ns "$A" ping -q -c 1 -W 1 10.9.1.2
	must ip -n "$A" link del adit1
	must ip -n "$A" link del vrf3
}

ns_new A B1 B2
for i in 1 2; do
	must ip -n "$A" link add vrf$i type vrf table 10$i
	must ip -n "$A" link set vrf$i up
	peer=B$i
	link_ns "$A" eth$i $A_IP/24 "${!peer}" eth0 $B_IP/24
	must ip -n "$A" link set eth$i master vrf$i
	must ip -n "${!peer}" link add adit0 type adit local $B_IP remote $A_IP
	tunnel_addr "${!peer}" adit0 10.9.$i.2/30 fd09:$i::2/64
done
raw_start "$A" "$B1" "$B2"

case_run "bound to the VRF" bound 1 dev vrf1
case_run "bound to its port" bound 1 dev eth1
case_run "bound to the VRF, with local" bound 1 dev vrf1 local $A_IP
case_run "the MTU follows the VRF's port" mtu_follows
case_run "an unbound tunnel takes no packet from a VRF" unbound
case_run "nor does one bound to another VRF" foreign vrf2
case_run "nor one bound to another VRF's port" foreign eth2
case_run "two tunnels with the same ends, bound to VRFs" two vrf1 vrf2
case_run "two tunnels with the same ends, bound to ports" two eth1 eth2
case_run "two tunnels with the same ends, mixed" two vrf1 eth2
case_run "local goes before dev" precedence
case_run "a port leaves its VRF and comes back" port_leaves
case_run "and its UDP socket with it" port_leaves_fou
case_run "the tunnel as a VRF's port" inner_vrf
case_run "ICMP errors of a VRF are not an unbound tunnel's" unbound_icmp
case_run "the MTU of a tunnel to any remote" any_remote
case_run "the port is deleted" port_goes
finish
