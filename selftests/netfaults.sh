#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A wire that loses, duplicates, reorders and damages packets: every packet is
# delivered as it was sent, as often as the wire has it, or counted.
#
# Does not own: links, addresses and routes that come and go (underlay.sh).
#
# shellcheck disable=SC2086 # options and numbers are words

. ./lib.sh
. ./faults.lib
require python3 tc nft jq ethtool nstat

N=80		# datagrams of a case, all of which a socket may hold, twice over
SIZE=200

# --- the wire --------------------------------------------------------------------

# wire NETEM-OPTION...: from A to B. Of a VM's own speed nothing is lost.
wire() { must tc -n "$A" qdisc replace dev eth0 root netem limit 10000 "$@"; }
wire_good() { must tc -n "$A" qdisc del dev eth0 root; }

wire_lost() {
	tc -n "$A" -s -j qdisc show dev eth0 |
		jq '.[] | select(.kind == "netem") | .drops'
}

# count_start: what counted moves by from now on.
count_start() {
	drops_mark "$B" adit0
	SENT=$(stat_get "$A" adit0 tx_packets)
	GOT=$(stat_get "$B" adit0 rx_packets)
	ON_WIRE=$(stat_get "$B" eth0 rx_packets)
	udp_receive "$B"
}

sent() { echo $(($(stat_get "$A" adit0 tx_packets) - SENT)); }
got() { echo $(($(stat_get "$B" adit0 rx_packets) - GOT)); }
on_wire() { echo $(($(stat_get "$B" eth0 rx_packets) - ON_WIRE)); }

# seq_drops: how many of B's drops are late ones, all of them being that.
seq_drops() {
	local drops

	drops=$(drops_since "$B" adit0)
	drops=${drops#rx_seq +}
	echo "${drops:-0}"
}

# each_is TIMES: every number has arrived so often.
each_is() {
	check_eq "numbers that did not arrive $1 times" "" \
		"$(awk -v times="$1" -v n="$N" '
			{ count[$1]++ }
			END {
				for (i = 1; i <= n; i++)
					if (count[i] != times)
						print i, count[i] + 0
			}' "$WORK/received")"
}

all_came() { [ "$(on_wire)" -ge "$1" ] && [ "$(arrived)" = "$(got)" ]; }

# lossy: what the wire loses is not delivered, and all the rest is.
lossy() {
	local lost

	count_start
	wire loss 30%
	send_datagrams "$A" 10.9.0.2 $N $SIZE
	lost=$(wire_lost)
	check_range "packets that the wire lost" 1 $((N - 1)) "$lost"
	check_within 5000 "$((N - lost)) datagrams" all_came $((N - lost))
	wire_good
	receiver_stop
	check_eq "sent" $N "$(sent)"
	check_eq "received" $((N - lost)) "$(got)"
	check_eq "datagrams" $((N - lost)) "$(sort -un "$WORK/received" | wc -l)"
	intact $N $SIZE
	check_drops "$B" adit0
}

# duplicated TIMES DROPS: delivered as often as the format can tell.
duplicated() {
	count_start
	wire duplicate 100%
	send_datagrams "$A" 10.9.0.2 $N $SIZE
	check_within 5000 "$((2 * N)) packets" all_came $((2 * N))
	wire_good
	receiver_stop
	check_eq "sent" $N "$(sent)"
	check_eq "received" $(($1 * N)) "$(got)"
	each_is "$1"
	intact $N $SIZE
	check_drops "$B" adit0 ${2:+"$2" $N}
}

# Every fifth overtakes those before it.
overtaken() {
	count_start
	wire delay 100ms reorder 100% gap 5
	send_datagrams "$A" 10.9.0.2 $N $SIZE
	check_within 5000 "$N packets" all_came $N
	wire_good
	receiver_stop
	check_eq "sent" $N "$(sent)"
	intact $N $SIZE
}

reordered() {
	overtaken
	check_eq "received" $N "$(got)"
	each_is 1
	check_fails "in order" sort -nc "$WORK/received"
	check_drops "$B" adit0
}

# Whoever counts keeps the order, at the cost of those that were overtaken.
reordered_seq() {
	overtaken
	check_range "late ones" 1 $((N - 1)) "$(seq_drops)"
	check_eq "received, and late" $N $(($(got) + $(seq_drops)))
	check "in order" sort -nc "$WORK/received"
	check_eq "datagrams" "$(got)" "$(sort -un "$WORK/received" | wc -l)"
}

# What the kernel has dropped at B without asking a tunnel, or behind one
by_kernel() {
	in_ns "$B" nstat -asz IpInHdrErrors IpInAddrErrors IpInUnknownProtos \
		IpInDiscards UdpInErrors UdpNoPorts Udp6InErrors |
		awk 'NF > 2 && $2 ~ /^[0-9]+$/ { n += $2 } END { print n }'
}

# What never gets to IP for the bit that is wrong: the frame is not for B, or
# not IP; gre.ko drops other versions in silence.
by_frame() {
	nft_packets "$B" counters | awk '{ n += $1 } END { print n }'
}

watch_frames() {
	in_ns "$B" nft "table netdev watch {
			counter frames {}
			chain watched {
				type filter hook ingress device eth0 priority 0;
				ether daddr != $(mac_get "$B" eth0) counter name frames drop
				ether type != ip counter name frames drop
				ip protocol 47 @th,8,8 & 0x7f != 0 counter name frames drop
			}
		}"
}

accounted() {
	echo $(($(arrived) + $(drops_total "$B" adit0) - DROPS +
		$(by_kernel) - KERNEL + $(by_frame)))
}

all_accounted() { [ "$(accounted)" = $N ]; }

# damaged [CHECKED]: one bit of every packet is wrong. CHECKED: a checksum of
# the tunnel's format finds that.
damaged() {
	local round rounds=1

	! long_form || rounds=3
	for round in $(seq $rounds); do
		check "watch" watch_frames || return
		count_start
		DROPS=$(drops_total "$B" adit0)
		KERNEL=$(by_kernel)
		wire corrupt 100%
		send_datagrams "$A" 10.9.0.2 $N $SIZE
		check_within 5000 "$N packets" wire_done
		check_within 5000 "all are accounted for" all_accounted
		check_eq "accounted for in round $round" $N "$(accounted)"
		wire_good
		receiver_stop
		check_eq "sent" $N "$(sent)"
		intact $N $SIZE
		check_eq "twice" "" "$(sort "$WORK/received" | uniq -d)"
		[ -z "${1-}" ] ||
			check_eq "received damaged" "$(arrived)" "$(got)"
		must in_ns "$B" nft flush ruleset
	done
}
wire_done() { [ "$(on_wire)" -ge $N ]; }

# wire_with OPTION...: adit_pair, at rest
wire_with() {
	adit_pair "$@"
	settle "$A" adit0
	settle "$B" adit0
}

# case_wire NAME CHECKED OPTION...: all of the above, but for sequence numbers.
case_wire() {
	local name=$1 checked=$2
	shift 2

	wire_with "$@"
	case_run "$name: lost" lossy
	case_run "$name: duplicated" duplicated 2
	case_run "$name: overtaken" reordered
	case_run "$name: damaged" damaged $checked
	adit_gone
}

# Nothing but the datagrams is on the wire.
quiet() {
	local ns mac_a mac_b

	for ns in "$A" "$B"; do
		must in_ns "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 \
			net.ipv6.conf.default.disable_ipv6=1
	done
	mac_a=$(mac_get "$A" eth0)
	mac_b=$(mac_get "$B" eth0)
	must ip -n "$A" neigh replace $B_IP lladdr "$mac_b" dev eth0 nud permanent
	must ip -n "$B" neigh replace $A_IP lladdr "$mac_a" dev eth0 nud permanent
}

topo_direct
quiet
modprobe -qa sch_netem
wire delay 1ms 2>/dev/null || skip_all "needs netem"
wire_good

# adit_pair, for a wire without IPv6
adit_pair() {
	adit_new "$A" "$A_IP" "$B_IP" "$@"
	adit_new "$B" "$B_IP" "$A_IP" "$@"
	tunnel_addr "$A" adit0 10.9.0.1/30
	tunnel_addr "$B" adit0 10.9.0.2/30
}

case_wire "ip" ""
case_wire "gre" "" mode gre
case_wire "gre with key and checksum" checked mode gre key 5 csum
case_wire "fou" checked encap fou encap-dport 5555
case_wire "gue" checked encap gue encap-dport 6080
case_wire "gre with checksum in gue" checked mode gre csum \
	encap gue encap-dport 6080
wire_with mode gre seq
case_run "gre with sequence numbers: duplicated" duplicated 1 rx_seq
case_run "gre with sequence numbers: overtaken" reordered_seq
finish
