#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A third host forges what the far end of a tunnel sends: with another source,
# encapsulation or key, nothing is delivered, and one counter says so.
#
#	A eth0 192.0.2.1/24 ---- S ---- 192.0.2.3/24 eth0 C
#	                         |
#	                  B, 192.0.2.2, is not there: all its packets are C's
#
# shellcheck disable=SC2086 # options and numbers are words

. ./lib.sh
require python3 ethtool nstat

N=3
INNER=4500001c000000004011f1d80a0900020a0900014d176e1700080000
UDP6080=04d217c0			# from 1234 to 6080

# What B may send: protocol, and all after the outer header. A UDP checksum of
# zero is none.
declare -A WIRES=(
	[ip]="4 $INNER"
	[gre]="47 00000800$INNER"
	[gre-key5]="47 2000080000000005$INNER"
	[gre-key6]="47 2000080000000006$INNER"
	[fou]="17 ${UDP6080}00240000$INNER"
	[gue]="17 ${UDP6080}0028000000040000$INNER"
	[gre-fou]="17 ${UDP6080}0028000000000800$INNER"
	[gre-gue]="17 ${UDP6080}002c0000002f000000000800$INNER"
	[key5-gue]="17 ${UDP6080}00300000002f00002000080000000005$INNER"
)

declare -A TUNNELS=(
	[ip]="mode ip"
	[gre]="mode gre"
	[gre-key5]="mode gre key 5"
	[fou]="encap fou encap-dport 6080"
	[gue]="encap gue encap-dport 6080"
	[gre-fou]="mode gre encap fou encap-dport 6080"
	[gre-gue]="mode gre encap gue encap-dport 6080"
	[key5-gue]="mode gre key 5 encap gue encap-dport 6080"
)

# Of each tunnel, what becomes of each forged wire that is not listed as its
# own: a cause of adit's, or a counter of the kernel's where the packet never
# gets to a tunnel; fou takes what begins as an IP packet does, and only that.
WRONG="
ip	gre		IpInUnknownProtos
ip	fou		UdpNoPorts
ip	gue		UdpNoPorts
gre	ip		rx_encap
gre	gre-key5	rx_key
gre	fou		UdpNoPorts
gre-key5 gre		rx_key
gre-key5 gre-key6	rx_key
gre-key5 ip		rx_encap
fou	ip		rx_encap
fou	gue		rx_malformed
fou	gre-fou		rx_malformed
fou	gre		IpInUnknownProtos
gue	ip		rx_encap
gue	gre-gue		rx_encap
gre-fou	fou		rx_malformed
gre-fou	gre		IpInUnknownProtos
gre-gue	gue		rx_encap
gre-gue	key5-gue	rx_key
gre-gue	fou		rx_encap
key5-gue gre-gue	rx_key
key5-gue gre-key5	IpInUnknownProtos
"

tunnel() {
	modprobe -qr gre	# which swallows packets in silence
	adit_new "$A" $A_IP 192.0.2.2 ${TUNNELS[$1]}
	tunnel_addr "$A" adit0 10.9.0.1/30
	settle "$A" adit0
}

forge() {
	set -- "$1" ${WIRES[$2]}
	raw "$C" ip "$1" $A_IP "$2" $N "$3"
}

# became RX COUNTER N: so many packets in all, and that one counter moved by N.
became() {
	local got

	got=$(drops_since "$A" adit0)
	case $2 in
	rx_*) got+=" " ;;
	none) got+=none\ +$3\  ;;
	*) got+="$2 +$(($(mib_get "$A" "$2") - BEFORE)) " ;;
	esac
	[ "$(stat_get "$A" adit0 rx_packets) $got" = "$1 $2 +$3 " ]
}

# counted RX COUNTER COMMAND...: of N packets, RX are delivered.
counted() {
	local rx

	rx=$(($(stat_get "$A" adit0 rx_packets) + $1))
	[[ $2 == rx_* || $2 == none ]] || BEFORE=$(mib_get "$A" "$2")
	drops_mark "$A" adit0
	"${@:3}"
	check_within 5000 "$1 delivered, and $2 alone says so" \
		became $rx "$2" $N
}

# The real one gets through, and what C sends under its own address does not.
real() {
	tunnel "$1"
	counted $N none forge 192.0.2.2 "$1"
	counted 0 "$2" forge 192.0.2.3 "$1"
	counted $N none forge 192.0.2.2 "$1"
	must ip -n "$A" link del adit0
}

# UDP from strangers is counted at the socket.
at_socket() { awk '$2 ~ /:17C0$/ { print $NF }' "/proc/$PID/net/udp"; }
real_udp() {
	tunnel "$1"
	counted $N none forge 192.0.2.2 "$1"
	drops_mark "$A" adit0
	forge 192.0.2.3 "$1"
	check_within 5000 "the socket's drops" socket_has $N
	check_drops "$A" adit0
	check_eq "delivered" $N "$(stat_get "$A" adit0 rx_packets)"
	must ip -n "$A" link del adit0
}
socket_has() { [ "$(at_socket)" = "$1" ]; }

# wrong TUNNEL: all forged wires of the table
wrong() {
	local wire counter name

	tunnel "$1"
	while read -r name wire counter; do
		[ "$name" = "$1" ] || continue
		echo "forged: $wire"
		counted 0 "$counter" forge 192.0.2.2 "$wire"
	done <<<"$WRONG"
	counted $N none forge 192.0.2.2 "$1"
	must ip -n "$A" link del adit0
}

# GUE's other variant is an IP packet as it is.
variant1() {
	tunnel gue
	counted $N none forge 192.0.2.2 fou
	must ip -n "$A" link del adit0
}

ns_new A C
A_IP=192.0.2.1
link_ns "$A" eth0 $A_IP/24 "$C" eth0 192.0.2.3/24
for ns in "$A" "$C"; do
	must in_ns "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 \
		net.ipv6.conf.default.disable_ipv6=1
done
ip netns exec "$A" sleep infinity &
PID=$!
raw_start "$C"

case_run "ip, another source" real ip none
case_run "gre, another source" real gre-key5 none
for name in fou gue gre-fou gre-gue; do
	case_run "$name, another source" real_udp "$name"
done
case_run "gue, variant 1" variant1
for name in ip gre gre-key5 fou gue gre-fou gre-gue key5-gue; do
	case_run "$name, another encapsulation or key" wrong "$name"
done
finish
