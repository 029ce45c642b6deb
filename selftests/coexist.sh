#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Whose packet is it? adit beside ipip, sit, vti and their fallback devices,
# in whatever order they were loaded, and several adit tunnels beside each
# other: the most specific one gets the packet.
#
# A is the host under test. B has the tunnels that send:
#
#	A eth0 192.0.2.1, .11 ---- 192.0.2.2, .3, .4 eth0 B
#	A eth1 203.0.113.1 ------- 203.0.113.2 eth1 B
#
# Each sender of B has a prefix that A neither has nor forwards: what arrives is
# counted by the device that takes it, and no answer disturbs the counts.

. ./lib.sh
require ping jq

TAKERS='adit|tunl0|sit0|ip_vti0|ipip|sit'
N=3		# packets sent at a time

# --- the senders -------------------------------------------------------------

# sender NUMBER LOCAL REMOTE [OPTION...]: B's tunnels v4.NUMBER and v6.NUMBER.
sender() {
	local nr=$1 local=$2 remote=$3
	shift 3

	must ip -n "$B" link add "v4.$nr" type ipip \
		local "$local" remote "$remote" ttl 64 "$@"
	must ip -n "$B" link add "v6.$nr" type sit mode ip6ip \
		local "$local" remote "$remote" ttl 64 "$@"
	must ip -n "$B" link set "v4.$nr" up
	must ip -n "$B" link set "v6.$nr" up
	must ip -n "$B" addr add "10.1.$nr.2/24" dev "v4.$nr"
	must ip -n "$B" addr add "fd01:$nr::2/64" dev "v6.$nr"
}

# send FAMILY NUMBER: N packets from that sender, by a shell that waits in B.
send() {
	local to="10.1.$2.1"

	[ "$1" = v4 ] || to="fd01:$2::1"
	echo "for ((i = 0; i < $N; i++)); do echo >/dev/udp/$to/9; done; echo" \
		>&"${SENDER[1]}"
	read -r -t 10 <&"${SENDER[0]}"
}

topology() {
	topo_direct
	link_ns "$A" eth1 203.0.113.1/24 "$B" eth1 203.0.113.2/24
	must ip -n "$A" addr add 192.0.2.11/24 dev eth0
	must ip -n "$B" addr add 192.0.2.3/24 dev eth0
	must ip -n "$B" addr add 192.0.2.4/24 dev eth0
	must ip -n "$B" route add 192.0.2.0/24 dev eth1 metric 9 \
		via 203.0.113.1
	must in_ns "$A" sysctl -qw net.ipv4.ip_forward=0 \
		net.ipv4.icmp_ratelimit=0 net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.eth0.rp_filter=0 net.ipv4.conf.eth1.rp_filter=0
	ip netns exec "$A" sleep infinity &
	IN_A=$!
	coproc SENDER { exec ip netns exec "$B" bash; }
	sender=$SENDER_PID	# bash forgets it when the coprocess ends
}

senders() {
	sender 2 192.0.2.2 192.0.2.1
	sender 3 192.0.2.3 192.0.2.1
	sender 4 192.0.2.4 192.0.2.1
	sender 12 192.0.2.2 192.0.2.11		# to A's other address
	sender 22 192.0.2.2 192.0.2.1 dev eth1	# over the other wire
}

# --- who took it -------------------------------------------------------------

# arrivals: RX[DEVICE], the packets that each of A has received. No process is
# started for it, for it is asked often.
declare -A RX WAS
arrivals() {
	local dev packets

	RX=()
	while read -r dev _ packets _; do
		[[ ! $dev =~ ^($TAKERS) ]] || RX[${dev%:}]=$packets
	done <"/proc/$IN_A/net/dev"
}

mark() {
	local dev

	arrivals
	WAS=()
	for dev in "${!RX[@]}"; do
		WAS[$dev]=${RX[$dev]}
	done
}

# taken: TAKEN, packets since the mark, as `device count` of each that got any.
taken() {
	local dev

	arrivals
	TAKEN=
	for dev in "${!RX[@]}"; do
		[ "${RX[$dev]}" = "${WAS[$dev]-0}" ] ||
			TAKEN+=" $dev $((RX[$dev] - ${WAS[$dev]-0}))"
	done
	TAKEN=${TAKEN# }
}

has_taken() { taken && [ "$TAKEN" = "$1" ]; }

# check_taken FAMILY NUMBER DEVICE: that one takes what the sender sends, and
# nobody else any of it.
check_taken() {
	mark
	send "$1" "$2"
	busywait 3000 has_taken "$3 $N"
	taken
	check_eq "taker of $1.$2" "$3 $N" "$TAKEN"
}

unreachables() {
	in_ns "$A" cat /proc/net/snmp | awk '
		$1 != "Icmp:" { next }
		col { print $col }
		{ for (i = 2; i <= NF; i++) if ($i == "OutDestUnreachs") col = i }'
}

unreachables_are() { [ "$(unreachables)" = "$1" ]; }

drops_are() { [ "$(drops_since "$A" "$1")" = "$2" ]; }

# --- beside the kernel's own -------------------------------------------------

# takers: what A has in the first half.
takers() {
	must ip -n "$A" link add adit2 type adit remote 192.0.2.2 local 192.0.2.1
	must ip -n "$A" link add ipip4 type ipip remote 192.0.2.4 local 192.0.2.1
	must ip -n "$A" link add sit4 type sit remote 192.0.2.4 local 192.0.2.1
	up adit2 ipip4 sit4 tunl0 sit0
}

up() {
	local dev

	for dev; do
		must ip -n "$A" link set "$dev" up
	done
	for dev; do
		settle "$A" "$dev"
	done
}

each_to_its_own() {
	check_taken v4 2 adit2
	check_taken v4 3 tunl0
	check_taken v4 4 ipip4
	check_taken v6 2 adit2
	check_taken v6 3 sit0
	check_taken v6 4 sit4
}

# One with any remote takes what it allows, and nothing else.
beside_any() {
	local way

	must ip -n "$A" link add adit.any type adit remote any allow 192.0.2.2
	up adit.any
	for way in off on; do
		check "set fastpath $way" ip -n "$A" link set adit.any \
			type adit fastpath "$way"
		drops_mark "$A" adit.any
		each_to_its_own
		check_eq "drops, fastpath $way" "rx_source +$((4 * N))" \
			"$(drops_since "$A" adit.any)"
	done
	must ip -n "$A" link del adit2
	must ip -n "$A" link add adit.l type adit local 192.0.2.1 remote any \
		allow 192.0.2.99
	up adit.l
	check_taken v4 2 adit.any
	check_taken v6 2 adit.any
	must ip -n "$A" link del adit.l
	must ip -n "$A" link del adit.any
	must ip -n "$A" link add adit2 type adit remote 192.0.2.2 local 192.0.2.1
	up adit2
}

# An ipip tunnel with the very addresses of an adit tunnel: it belongs to adit.
twin() {
	must ip -n "$A" link add ipip2 type ipip remote 192.0.2.2 local 192.0.2.1
	up ipip2
	check_taken v4 2 adit2
	must ip -n "$A" link set adit2 down
	drops_mark "$A" adit2
	mark
	send v4 2
	check_within 3000 "adit2 is down, and they are its all the same" \
		drops_are adit2 "rx_down +$N"
	taken
	check_eq "takers" "" "$TAKEN"
	up adit2
	must ip -n "$A" link del ipip2
}

fallback_when_deleted() {
	must ip -n "$A" link del adit2
	check_taken v4 2 tunl0
	check_taken v6 2 sit0
	check_taken v4 4 ipip4
	check_taken v6 4 sit4
}

# Nobody's: the sender is told, as if adit were not there.
nobody() {
	local was

	must ip -n "$A" link set tunl0 down
	must ip -n "$A" link set sit0 down
	mark
	was=$(unreachables)
	send v4 3
	send v6 3
	check_within 3000 "unreachables sent" unreachables_are $((was + 2 * N))
	taken
	check_eq "takers" "" "$TAKEN"
	must ip -n "$A" link set tunl0 up
	must ip -n "$A" link set sit0 up
}

# vti: its handler looks at protocol 4 ahead of ipip's.
beside_vti() {
	local vti=ip_vti0

	modprobe -q ip_vti || { skip "no module ip_vti"; return; }
	LOADED+=(ip_vti)
	must ip -n "$A" link add adit2 type adit remote 192.0.2.2 local 192.0.2.1
	up adit2
	each_to_its_own
	up "$vti"
	check_taken v4 2 adit2
	must ip -n "$A" link del adit2
	must modprobe -r ip_vti
}

# --- orders of loading -------------------------------------------------------

in_use() {
	local ns

	[ -z "$(ip -br link show type adit)" ] || return 0
	for ns in $(ip netns list | awk '{ print $1 }'); do
		[ -z "$(ip -n "$ns" -br link show type adit)" ] || return 0
	done
	return 1
}

loaded() { awk '$1 ~ /^(adit|ipip|sit)$/ { print $1 }' /proc/modules | xargs; }

order() {
	local module

	[ "$UNLOADS" = 1 ] || { skip "the modules are in use"; return; }
	must modprobe -r adit ipip sit
	check_eq "unloaded" "" "$(loaded)"
	for module; do
		must modprobe "$module"
	done
	senders
	takers
	each_to_its_own
}

# --- specificity -------------------------------------------------------------

# In the order in which they are asked. Each, deleted, leaves the packets to
# the next one.
specific_setup() {
	local a=("$A" link add)

	must ip -n "${a[@]}" adit.l.d type adit remote 192.0.2.2 \
		local 192.0.2.1 dev eth0
	must ip -n "${a[@]}" adit.l type adit remote 192.0.2.2 local 192.0.2.1
	must ip -n "${a[@]}" adit.d type adit remote 192.0.2.2 dev eth0
	must ip -n "${a[@]}" adit.any type adit remote 192.0.2.2
	must ip -n "${a[@]}" adit.3 type adit remote 192.0.2.3
	up adit.l.d adit.l adit.d adit.any adit.3
}

specific() {
	local family

	for family in v4 v6; do
		check_taken "$family" 2 adit.l.d
		check_taken "$family" 12 adit.d		# another local
		check_taken "$family" 22 adit.l		# another device
		check_taken "$family" 3 adit.3		# another remote
	done
	check_taken v4 4 ipip4
	check_taken v6 4 sit4
}

# less DEVICE NEXT...: without it, senders 2, 12 and 22 reach these.
less() {
	local family

	must ip -n "$A" link del "$1"
	for family in v4 v6; do
		check_taken "$family" 2 "$2"
		check_taken "$family" 12 "$3"
		check_taken "$family" 22 "$4"
		check_taken "$family" 3 adit.3
	done
}

none_left() {
	must ip -n "$A" link del adit.any
	check_taken v4 2 tunl0
	check_taken v6 2 sit0
	check_taken v4 3 adit.3
}

# A change of the key moves the packets, at once and altogether.
rekeyed() {
	check_taken v4 3 adit.3
	check "change remote" ip -n "$A" link set adit.3 type adit \
		remote 192.0.2.2
	check_taken v4 3 tunl0
	check_taken v4 2 adit.3
	check "change remote back" ip -n "$A" link set adit.3 type adit \
		remote 192.0.2.3
	check_taken v4 3 adit.3
	check_taken v4 2 tunl0
}

# With this sysctl, namespaces have no fallback devices; adit needs none.
no_fallbacks() {
	local key=net.core.fb_tunnels_only_for_init_net was

	was=$(sysctl -n "$key")
	must sysctl -qw "$key=1"
	ns_new BARE
	must sysctl -qw "$key=$was"
	check_eq "devices of a new namespace" lo \
		"$(ip -n "$BARE" -j link show | jq -r '.[].ifname' | xargs)"
	link_ns "$BARE" eth0 198.51.100.1/24 "$B" eth2 198.51.100.2/24
	must ip -n "$BARE" link add adit0 type adit remote 198.51.100.2
	must ip -n "$B" link add bare type ipip remote 198.51.100.1 \
		local 198.51.100.2
	tunnel_addr "$BARE" adit0 10.9.0.1/30
	tunnel_addr "$B" bare 10.9.0.2/30
	ping_ok "$BARE" 10.9.0.2
}

# --- the test ----------------------------------------------------------------

UNLOADS=1
if in_use || [ -n "$(loaded | sed 's/adit//')" ]; then
	UNLOADS=0
fi
require_module ipip sit
topology
case_run "ipip and sit loaded before adit" order ipip sit adit
case_run "adit loaded before ipip and sit" order adit ipip sit
[ "$UNLOADS" = 1 ] || { senders; takers; }
case_run "each to its own" each_to_its_own
case_run "beside one with any remote" beside_any
case_run "a twin of another kind" twin
case_run "deleted, its packets go to the fallback device" fallback_when_deleted
case_run "nobody's are answered with ICMP" nobody
case_run "beside vti" beside_vti

specific_setup
case_run "the most specific takes it" specific
case_run "less local and dev" less adit.l.d adit.l adit.d adit.l
case_run "less local" less adit.l adit.d adit.d adit.any
case_run "less dev" less adit.d adit.any adit.any adit.any
case_run "less both: to the fallback devices" none_left
case_run "a change of remote moves the packets" rekeyed
case_run "namespaces without fallback devices" no_fallbacks
echo exit >&"${SENDER[1]}"
wait "$sender"
finish
