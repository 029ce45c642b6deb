#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every cause of a drop, provoked: its counter moves by the exact number of
# packets, no other does, `ip -s -d -j link` says the same as `ethtool -S`, and
# of the device's statistics exactly the right members move. Where the kernel
# knows reasons of drops, its own trace point gives the right one.
#
# shellcheck disable=SC2086 # numbers, addresses and the like are words

. ./lib.sh
require python3 ethtool nft tc

# Where a cause shows in /sys/class/net/*/statistics
declare -A MEMBERS=(
	[rx_down]="rx_dropped"
	[rx_policy]="rx_errors"
	[rx_malformed]="rx_frame_errors rx_errors"
	[rx_ecn]="rx_frame_errors rx_errors"
	[rx_backlog]="rx_over_errors rx_dropped"
	[tx_protocol]="tx_errors"
	[tx_malformed]="tx_errors"
	[tx_no_route]="tx_carrier_errors tx_errors"
	[tx_loop_self]="tx_aborted_errors tx_errors"
	[tx_loop_mutual]="tx_aborted_errors tx_errors"
	[tx_nesting]="tx_aborted_errors tx_errors"
	[tx_too_big]="tx_errors"
	[tx_underlay]="tx_dropped"
	[rx_csum]="rx_crc_errors rx_errors"
	[rx_seq]="rx_fifo_errors rx_errors"
	[rx_key]="rx_errors"
	[rx_device]="rx_nohandler"
	[rx_encap]="rx_nohandler"
	[rx_source]="rx_nohandler"
	[rx_control]="rx_dropped"
	[rx_protocol]="rx_errors"
	[tx_no_remote]="tx_carrier_errors tx_errors"
)

# The kernel's own reason, of the packets that adit itself frees
declare -A REASONS=(
	[rx_down]=DEV_READY
	[rx_policy]=XFRM_POLICY
	[rx_malformed]=IP_INHDR
	[rx_ecn]=IP_TUNNEL_ECN
	[tx_protocol]=UNHANDLED_PROTO
	[tx_malformed]=PKT_TOO_SMALL
	[tx_no_route]=IP_OUTNOROUTES
	[tx_loop_self]=RECURSION_LIMIT
	[tx_loop_mutual]=RECURSION_LIMIT
	[tx_nesting]=RECURSION_LIMIT
	[tx_too_big]=PKT_TOO_BIG
	[rx_csum]=SKB_CSUM
	[rx_protocol]=UNHANDLED_PROTO
)

N=3				# packets for each
LEN=128				# of which each has so many bytes inside

# --- what was counted ----------------------------------------------------------

XSTATS=
! ip link help adit 2>/dev/null | grep -q 'type adit' || XSTATS=1

# counters NS DEV: all that moves, sorted.
counters() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	ip netns exec "$1" sh -c '
		ethtool -S "$1" | awk "\$2 ~ /^[0-9]+\$/ { print \"drop.\" \$1, \$2 }"
		cd "/sys/class/net/$1/statistics" || exit
		for f in *; do
			read -r n <"$f"
			echo "stat.$f: $n"
		done' - "$2"
	[ -z "$XSTATS" ] || ip -n "$1" -s -d -j link show dev "$2" |
		sed -n 's/.*"drops":{\([^}]*\)}.*/,\1/p' |
		tr -d '"' | tr , '\n' | sed -n 's/:/: /; s/^/xstat./p'
}

# counters_since NS DEV: what moved since `mark`, as `name +n`, sorted.
counters_since() {
	counters "$1" "$2" | awk '
		NR == FNR { was[$1] = $2; next }
		{ n = $2 - was[$1]; sub(":", "", $1) }
		n { print $1, "+" n }
	' "$WORK/counters.$1.$2" - | sort | paste -sd ' '
}

# mark NS DEV
mark() {
	counters "$1" "$2" >"$WORK/counters.$1.$2"
	! trace_is_there || trace_start
}

# expected CAUSE N [COUNTER+N...]: as counters_since prints it.
expected() {
	local cause=$1 n=$2 member extra
	shift 2

	{
		echo "drop.$cause +$n"
		[ -z "$XSTATS" ] || echo "xstat.$cause +$n"
		for member in ${MEMBERS[$cause]}; do
			echo "stat.$member +$n"
		done
		for extra; do
			echo "stat.${extra%+*} +${extra#*+}"
		done
	} | sort | paste -sd ' '
}

counted() { [ "$(counters_since "$1" "$2")" = "$3" ]; }

# only_moved NS DEV COUNTERS: since `mark`, as counters_since prints them.
only_moved() {
	busywait 10000 counted "$@"
	check_eq "counters of $2" "$3" "$(counters_since "$1" "$2")"
}

# dropped NS DEV CAUSE N [STAT+N...]: since `mark`, N packets for this cause and
# nothing else but STATs.
dropped() {
	only_moved "$1" "$2" "$(expected "${@:3}")"
	reason_is "$3" "$4"
}

# --- the kernel's reasons --------------------------------------------------------

TRACE=/sys/kernel/tracing
[ -e $TRACE/trace ] || TRACE=/sys/kernel/debug/tracing
EVENT=$TRACE/events/skb/kfree_skb
KNOWN_REASONS=0

trace_is_there() { [ -w $EVENT/enable ]; }
has_reason() { grep -q "\"$1\"" $EVENT/format 2>/dev/null; }

trace_start() {
	echo 1 >$EVENT/enable
	echo >$TRACE/trace
}

# reason_is CAUSE N: N packets were freed for that cause's reason.
reason_is() {
	local reason=${REASONS[$1]-none}

	trace_is_there || return 0
	echo 0 >$EVENT/enable
	has_reason "$reason" || return 0
	check_eq "packets freed for $reason" "$2" \
		"$(grep -c "reason: $reason\$" $TRACE/trace)"
	KNOWN_REASONS=$((KNOWN_REASONS + 1))
}

kernel_reasons() {
	if ! has_reason NOT_SPECIFIED; then
		skip "the kernel has no reasons of drops, or no trace point"
		return
	fi
	check_range "causes whose reason was seen" 3 99 $KNOWN_REASONS
}

# --- receive -----------------------------------------------------------------------

# B sends to an address that nobody has, so that A does not answer.
from_b() { raw "$B" ipip $B_IP $A_IP "${1:-0}" "${2:-0}" 10.9.0.2 10.9.0.77 $N; }

nothing_dropped() {
	mark "$A" adit0
	from_b
	only_moved "$A" adit0 \
		"stat.rx_bytes +$((N * LEN)) stat.rx_packets +$N"
}

rx_down() {
	must ip -n "$A" link set adit0 down
	mark "$A" adit0
	from_b
	dropped "$A" adit0 rx_down $N
	must ip -n "$A" link set adit0 up
}

rx_policy() {
	must ip -n "$A" xfrm policy add dir in src $B_IP dst $A_IP proto 4 \
		action block
	mark "$A" adit0
	from_b
	dropped "$A" adit0 rx_policy $N
	must ip -n "$A" xfrm policy flush
}

# rx_malformed PROTO HEX: an inner header of another version than announced.
rx_malformed() {
	mark "$A" adit0
	raw "$B" ip $B_IP $A_IP "$1" $N "$2"
	dropped "$A" adit0 rx_malformed $N
}

# What is shorter than any header the core drops ahead of tunnels, unless it is
# caught ahead of the core, as it is for a second after good ones: a good packet
# after it shows that all of them are through.
rx_short() {
	must in_ns "$A" sysctl -qw net.ipv4.ip_early_demux=0
	mark "$A" adit0
	raw "$B" ip $B_IP $A_IP 4 $N
	raw "$B" ip $B_IP $A_IP 4 $N "${V4:0:38}"
	raw "$B" ip $B_IP $A_IP 41 $N "${V6:0:78}"
	from_b
	only_moved "$A" adit0 \
		"stat.rx_bytes +$((N * LEN)) stat.rx_packets +$N"
	must in_ns "$A" sysctl -qw net.ipv4.ip_early_demux=1
}

rx_ecn() {
	mark "$A" adit0
	from_b 3 0
	dropped "$A" adit0 rx_ecn $N
}

# Only TCP is queued. Packets arrive one by one; the ifb keeps them for three seconds
# and then hands all of them over in one go, before the queue of adit0 is looked
# at again.
rx_backlog() {
	local n=12 backlog=5 old
	local in=$((backlog + 1))

	must ip -n "$A" link add ifb0 type ifb
	must ip -n "$A" link set ifb0 up
	must tc -n "$A" qdisc add dev ifb0 root netem slot 3s
	must tc -n "$A" qdisc add dev eth0 ingress
	must tc -n "$A" filter add dev eth0 parent ffff: protocol ip matchall \
		action mirred egress redirect dev ifb0
	old=$(sysctl -n net.core.netdev_max_backlog)
	mark "$A" adit0
	(
		# shellcheck disable=SC2064 # as it is now
		trap "sysctl -qw net.core.netdev_max_backlog=$old" EXIT
		raw "$B" ipip $B_IP $A_IP 0 0 10.9.0.2 10.9.0.77 $n 6
		sysctl -qw net.core.netdev_max_backlog=$backlog
		dropped "$A" adit0 rx_backlog $((n - in)) \
			rx_packets+$in rx_bytes+$((in * LEN))
	)
	must tc -n "$A" qdisc del dev eth0 ingress
	must ip -n "$A" link del ifb0
}

# as OPTION... -- COMMAND...: while adit0 of A has these options.
as() {
	local options=() rc=0

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	check "change" ip -n "$A" link set adit0 type adit "${options[@]}"
	"$@" || rc=$?
	must ip -n "$A" link del adit0
	adit_new "$A" $A_IP $B_IP
	tunnel_addr "$A" adit0 10.9.0.1/30
	settle "$A" adit0
	return $rc
}

# rx_forged CAUSE PROTO HEX
rx_forged() {
	mark "$A" adit0
	raw "$B" ip $B_IP $A_IP "$2" $N "$3"
	dropped "$A" adit0 "$1" $N
}

# --- transmit ----------------------------------------------------------------------

from_a() { raw "$A" udp 10.9.0.2 $N $((LEN - 28)); }

tx_no_remote() {
	mark "$A" adit0
	from_a
	dropped "$A" adit0 tx_no_remote $N
}

# tx_by_packet CAUSE ETHERTYPE HEX
tx_by_packet() {
	mark "$A" adit0
	raw "$A" link adit0 "$2" $N "$3"
	dropped "$A" adit0 "$1" $N
}

# tx_by_route CAUSE ROUTE...: with this route to B.
tx_by_route() {
	local cause=$1
	shift

	must ip -n "$A" route add "$@"
	mark "$A" adit0
	from_a
	dropped "$A" adit0 "$cause" $N
	must ip -n "$A" route del "$@"
}

tx_no_local() {
	must ip -n "$A" link set adit0 type adit local 192.0.2.77
	mark "$A" adit0
	from_a
	dropped "$A" adit0 tx_no_route $N
	must ip -n "$A" link set adit0 type adit local $A_IP
}

# There is a route by another address. The one that is gone comes, and goes again.
tx_no_local_ip6() {
	local gone=2001:db8::77

	must ip -n "$A" link add wire6 type dummy
	must in_ns "$A" sysctl -qw net.ipv6.conf.wire6.disable_ipv6=0
	must ip -n "$A" link set wire6 up
	must ip -n "$A" addr add 2001:db8::1/64 dev wire6
	must ip -n "$A" link add adit6 type adit remote 2001:db8::2 local $gone
	tunnel_addr "$A" adit6 10.9.6.1/30
	settle "$A" adit6
	for _ in 1 2; do
		mark "$A" adit6
		raw "$A" udp 10.9.6.2 $N $((LEN - 28))
		dropped "$A" adit6 tx_no_route $N
		must ip -n "$A" addr add $gone/64 dev wire6 nodad
		drops_mark "$A" adit6
		raw "$A" udp 10.9.6.2 $N $((LEN - 28))
		check_drops "$A" adit6
		must ip -n "$A" addr del $gone/64 dev wire6
	done
	must ip -n "$A" link del adit6
	must ip -n "$A" link del wire6
}

tx_to_itself() {
	must ip -n "$A" addr add $B_IP/32 dev lo
	mark "$A" adit0
	from_a
	dropped "$A" adit0 tx_loop_self $N
	must ip -n "$A" addr del $B_IP/32 dev lo
}

# B by adit1, whose own far end is by adit0.
tx_loop_mutual() {
	must ip -n "$A" link add adit1 type adit remote 203.0.113.1 local $A_IP
	must ip -n "$A" link set adit1 up
	must ip -n "$A" route add $B_IP/32 dev adit1
	must ip -n "$A" route add 203.0.113.1/32 dev adit0
	mark "$A" adit1
	mark "$A" adit0
	from_a
	dropped "$A" adit0 tx_loop_mutual $N \
		tx_packets+$N tx_bytes+$((N * LEN))
	only_moved "$A" adit1 \
		"stat.tx_bytes +$((N * (LEN + 20))) stat.tx_packets +$N"
	must ip -n "$A" route del 203.0.113.1/32 dev adit0
	must ip -n "$A" link del adit1
}

# adit5 in adit4 in ... adit1 in adit0, which is the sixth to see the packet:
# the fifth, adit1, drops it.
tx_nesting() {
	local i

	for i in 1 2 3 4 5; do
		must ip -n "$A" link add adit$i mtu 1280 \
			type adit remote 10.9.$i.2
		must ip -n "$A" link set adit$i up
	done
	must ip -n "$A" route add 10.9.1.2/32 dev adit0
	for i in 1 2 3 4; do
		must ip -n "$A" route add 10.9.$((i + 1)).2/32 dev adit$i
	done
	must ip -n "$A" route add 10.9.6.2/32 dev adit5 src 10.9.0.1
	for i in 0 2 1; do
		mark "$A" adit$i
	done
	raw "$A" udp 10.9.6.2 $N $((LEN - 28))
	dropped "$A" adit1 tx_nesting $N
	only_moved "$A" adit0 ""
	only_moved "$A" adit2 \
		"stat.tx_bytes +$((N * (LEN + 60))) stat.tx_packets +$N"
	for i in 5 4 3 2 1; do
		must ip -n "$A" link del adit$i
	done
}

tx_too_big() {
	must ip -n "$A" link set adit0 mtu 1470	# does not follow
	must ip -n "$A" route add $B_IP/32 dev eth0 mtu 1300
	mark "$A" adit0
	raw "$A" udp 10.9.0.2 $N $((1281 - 28)) probe
	dropped "$A" adit0 tx_too_big $N
	must ip -n "$A" route del $B_IP/32 dev eth0
	must ip -n "$A" link set adit0 mtu 0
}

tx_underlay_netfilter() {
	must in_ns "$A" nft "add table ip t
		add chain ip t o { type filter hook output priority 0; }
		add rule ip t o ip protocol 4 drop"
	mark "$A" adit0
	from_a
	dropped "$A" adit0 tx_underlay $N
	must in_ns "$A" nft delete table ip t
}

tx_underlay_qdisc() {
	must tc -n "$A" qdisc add dev eth0 clsact
	must tc -n "$A" filter add dev eth0 egress protocol ip matchall action drop
	mark "$A" adit0
	from_a
	dropped "$A" adit0 tx_underlay $N
	must tc -n "$A" qdisc del dev eth0 clsact
}

# --- memory ------------------------------------------------------------------------

nomem() {
	skip "allocations fail in failslab.sh"
}

# Every cause is a case here, or is one that cannot be provoked.
all_causes() {
	check_eq "causes" "$(printf '%s\n' "${!MEMBERS[@]}" rx_nomem tx_nomem |
		sort | xargs)" \
		"$(drops_all "$A" adit0 | sed -n 's/: [0-9]*$//p' | sort | xargs)"
}

# No IPv6 in the way: nothing is sent that was not asked for.
topo_direct
for ns in "$A" "$B"; do
	must in_ns "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 \
		net.ipv6.conf.default.disable_ipv6=1
done
raw_start "$A" "$B"
adit_new "$A" $A_IP $B_IP
adit_new "$B" $B_IP $A_IP
tunnel_addr "$A" adit0 10.9.0.1/30
tunnel_addr "$B" adit0 10.9.0.2/30
ping_ok "$A" 10.9.0.2 >/dev/null

V4=4500001c0000400040fd0000c0000201c0000202	# IPv4 and 8 bytes
V4+=0000000000000000
V6=6000000000003b40$(printf '%064d' 0)		# IPv6, no next header
JUNK=00$(printf '%078d' 0)			# no IP version at all, 40 bytes

case_run "no cause is left out" all_causes
case_run "good packets are no drops" nothing_dropped
case_run "rx_down" rx_down
case_run "rx_policy" rx_policy
case_run "rx_malformed: IPv6 as protocol 4" rx_malformed 4 "$V6"
case_run "rx_malformed: IPv4 as protocol 41" rx_malformed 41 "$V4$V4"
case_run "rx_malformed: junk as protocol 4" rx_malformed 4 "$JUNK"
case_run "rx_malformed: junk as protocol 41" rx_malformed 41 "$JUNK"
case_run "shorter than a header: dropped ahead of adit" rx_short
case_run "rx_ecn" rx_ecn
case_run "rx_backlog" rx_backlog
case_run "rx_csum: none" as mode gre icsum -- rx_forged rx_csum 47 "00000800$V4"
case_run "rx_csum: wrong" as mode gre -- \
	rx_forged rx_csum 47 "8000080012340000$V4"
case_run "rx_seq: none" as mode gre iseq -- rx_forged rx_seq 47 "00000800$V4"
case_run "rx_key: none" as mode gre key 5 -- rx_forged rx_key 47 "00000800$V4"
case_run "rx_key: another" as mode gre key 5 -- \
	rx_forged rx_key 47 "2000080000000006$V4"
case_run "rx_key: not wanted" as mode gre -- \
	rx_forged rx_key 47 "2000080000000006$V4"
case_run "rx_encap: GRE" as mode gre -- rx_forged rx_encap 4 "$V4"
case_run "rx_encap: UDP" as encap fou encap-dport 6080 -- \
	rx_forged rx_encap 4 "$V4"
case_run "rx_encap: another port" as encap fou encap-dport 6080 \
	encap-sport 6080 -- rx_forged rx_encap 17 "04d217c000240000$V4"
case_run "rx_device" as dev lo -- rx_forged rx_device 4 "$V4"
case_run "rx_device: GRE" as mode gre key 5 dev lo -- \
	rx_forged rx_device 47 "2000080000000005$V4"
case_run "rx_source: not allowed" as remote 0.0.0.0 allow 198.51.100.0/24 -- \
	rx_forged rx_source 4 "$V4"
case_run "rx_source: nobody is" as remote any -- rx_forged rx_source 4 "$V4"
case_run "rx_control" as encap gue encap-dport 6080 -- \
	rx_forged rx_control 17 04d217c0000c000020000000
case_run "rx_malformed: GUE of no variant" as encap gue encap-dport 6080 -- \
	rx_forged rx_malformed 17 04d217c0000c000080000000
case_run "rx_malformed: GUE, options cut off" as encap gue encap-dport 6080 -- \
	rx_forged rx_malformed 17 04d217c0000c000001040000
case_run "rx_malformed: GUE, unknown option" as encap gue encap-dport 6080 -- \
	rx_forged rx_malformed 17 04d217c00010000001048000deadbeef
case_run "rx_malformed: GRE with routing" as mode gre -- \
	rx_forged rx_malformed 47 "4000080000000000$V4"
case_run "rx_protocol: GRE" as mode gre -- \
	rx_forged rx_protocol 47 "0000880b$V4"
case_run "rx_protocol: GUE" as encap gue encap-dport 6080 -- \
	rx_forged rx_protocol 17 04d217c0000c000000110000
case_run "rx_nomem, tx_nomem" nomem
case_run "tx_protocol: unknown" tx_by_packet tx_protocol 88b5 "$V4"
case_run "tx_protocol: MPLS in FOU" as encap fou encap-dport 5555 -- \
	tx_by_packet tx_protocol 8847 "0001014045$V4"
case_run "tx_malformed: IPv4 cut off" tx_by_packet tx_malformed 0800 "${V4:0:38}"
case_run "tx_malformed: IPv6 cut off" tx_by_packet tx_malformed 86dd "${V6:0:78}"
case_run "tx_malformed: IPv6 as IPv4" tx_by_packet tx_malformed 0800 "$V6"
case_run "tx_malformed: IPv4 as IPv6" tx_by_packet tx_malformed 86dd "$V4$V4"
case_run "tx_no_remote" as remote any -- tx_no_remote
case_run "tx_no_route: unreachable" tx_by_route tx_no_route unreachable $B_IP
case_run "tx_no_route: the local address is gone" tx_no_local
case_run "tx_no_route: the local address is gone, IPv6" tx_no_local_ip6
case_run "tx_loop_self: route to the device" \
	tx_by_route tx_loop_self $B_IP/32 dev adit0
case_run "tx_loop_self: route to the host" tx_to_itself
case_run "tx_loop_mutual" tx_loop_mutual
case_run "tx_nesting" tx_nesting
case_run "tx_too_big" tx_too_big
case_run "tx_underlay: netfilter" tx_underlay_netfilter
case_run "tx_underlay: qdisc" tx_underlay_qdisc
case_run "the kernel's own reasons" kernel_reasons
finish
