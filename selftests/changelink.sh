#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Changing a tunnel while it carries traffic: every attribute takes effect on
# the wire and is printed back, those that were not named keep their value, a
# refused change changes nothing, the ends move, and nothing is lost where
# they do not.
#
# A has 192.0.2.1 and .11, B has .2 and .12 on the one wire.
#
# shellcheck disable=SC2086 # numbers, addresses and the like are words

. ./lib.sh
require python3 ping jq tcpdump nft

A2_IP=192.0.2.11 B2_IP=192.0.2.12
N=3			# packets at a time

change() { ip -n "$A" link set "${DEV:-adit0}" type adit "$@"; }
data() { info_data "$A" adit0; }

# --- what is on the wire ---------------------------------------------------------

# The traffic: two pings a time, of which the one with DF is 84 bytes long and
# the one without is 85; both have a TTL and a TOS of their own.
DF_LEN=104 NODF_LEN=105

traffic_start() {
	ip netns exec "$A" ping -q -i 0.1 -s 56 -M "do" -t 33 -Q 0x20 10.9.0.2 \
		>/dev/null 2>&1 &
	PINGS=$!
	ip netns exec "$A" ping -q -i 0.1 -s 57 -M dont -t 33 -Q 0x20 10.9.0.2 \
		>/dev/null 2>&1 &
	PINGS+=" $!"
}

traffic_stop() {
	kill -INT $PINGS
	wait $PINGS
}

# seen [LENGTH]: packets captured, of that length.
seen() { capture_hex wire | grep -c "^45..$(printf %04x ${1:-$DF_LEN})"; }
more_than() { [ "$(seen ${2-})" -gt "$1" ]; }

# captured NAME FILTER COMMAND...: what A sends meanwhile is.
captured() {
	capture_start "$A" eth0 "$1" "$2" || return
	"${@:3}"
	capture_stop "$1"
}

# on_the_wire COMMAND...: what leaves by adit0 is captured, for wire().
on_the_wire() { captured wire "ip proto 4 and src $A_IP" "$@"; }

# wire [LENGTH]: HEX is a packet that was sent from now on.
wire() {
	local n

	n=$(seen ${1-})
	check_within 10000 "traffic flows" more_than $((n + 1)) ${1-} || return
	HEX=$(capture_hex wire | grep "^45..$(printf %04x ${1:-$DF_LEN})" |
		tail -n 1)
}

# on_wire WHAT OFFSET LENGTH VALUE [PACKET-LENGTH]
on_wire() {
	wire ${5-} || return
	check_eq "$1 on the wire" "$4" "$(hex_at "$HEX" $2 $3)"
}

df_on_wire() {
	wire $2 || return
	check_eq "DF on the wire, of packets of $2" "$1" \
		$((16#$(hex_at "$HEX" 6 2) >> 14))
}

# --- attributes --------------------------------------------------------------------

# changed KEY JSON OPTION...: it is so after the change, all else is as before.
changed() {
	local key=$1 value=$2 before
	shift 2

	before=$(data)
	check "change $*" change "$@"
	check_eq "attributes after $*" \
		"$(jq -cS --argjson v "$value" ".$key = \$v" <<<"$before")" \
		"$(data | jq -cS .)"
}

ttl() {
	changed ttl 7 ttl 7
	on_wire TTL 8 1 07
	changed ttl '"inherit"' ttl inherit
	on_wire TTL 8 1 21
	changed ttl 255 ttl 255
	on_wire TTL 8 1 ff
}

tos() {
	changed tos '"0xb8"' tos b8
	on_wire TOS 1 1 b8
	changed tos '"inherit"' tos inherit
	on_wire TOS 1 1 20
	changed tos '"0x10"' tos 10
	on_wire TOS 1 1 10
}

df() {
	changed df '"unset"' df unset
	df_on_wire 0 $DF_LEN
	df_on_wire 0 $NODF_LEN
	changed df '"inherit"' df inherit
	df_on_wire 1 $DF_LEN
	df_on_wire 0 $NODF_LEN
	changed df '"set"' df set
	df_on_wire 1 $DF_LEN
	df_on_wire 1 $NODF_LEN
}

marked() {
	in_ns "$A" nft list chain ip t o | grep -q 'packets [1-9]'
}

fwmark() {
	must in_ns "$A" nft "add table ip t
		add chain ip t o { type filter hook output priority 0; }
		add rule ip t o ip protocol 4 meta mark 0x17 counter"
	wire
	check_fails "packets are marked" marked
	changed fwmark '"0x17"' fwmark 0x17
	check_within 10000 "packets are marked" marked
	must in_ns "$A" nft delete table ip t
	changed fwmark '"0x18"' fwmark 0x18
	wire
}

# It is the mark that routes, too.
fwmark_routes() {
	must ip -n "$A" rule add fwmark 0x19 lookup 99
	must ip -n "$A" route add table 99 unreachable default
	wire
	drops_mark "$A" adit0
	changed fwmark '"0x19"' fwmark 0x19
	check_within 10000 "drops for want of a route" dropped_some tx_no_route
	changed fwmark '"0x18"' fwmark 0x18
	wire
	must ip -n "$A" rule del fwmark 0x19 lookup 99
}

dropped_some() { [[ $(drops_since "$A" adit0) =~ ^$1\ \+[0-9]+$ ]]; }

# Bound to another device than the one that leads to B, packets leave there.
dev() {
	changed dev '"eth0"' dev eth0
	wire
	changed dev '"wire2"' dev wire2
	check_within 10000 "packets leave by wire2" more_by_wire2
	check "back" change dev eth0
	wire
	check "unbind" change nodev
	check_eq "dev is not printed" null "$(data | jq .dev)"
	wire
}

more_by_wire2() { [ "$(stat_get "$A" wire2 tx_packets)" -gt 5 ]; }

mtu_with_it() {
	check "change MTU and TTL" ip -n "$A" link set adit0 mtu 1400 \
		type adit ttl 9
	check_eq "MTU" 1400 "$(ip -n "$A" -j link show dev adit0 | jq '.[0].mtu')"
	check_eq "ttl" 9 "$(data | jq .ttl)"
	check_eq "the MTU is the user's" false "$(data | jq .mtu_auto)"
	on_wire TTL 8 1 09
	check "an MTU that follows" ip -n "$A" link set adit0 mtu 0
	check_eq "MTU" 1480 "$(ip -n "$A" -j link show dev adit0 | jq '.[0].mtu')"
	check_eq "the MTU follows" true "$(data | jq .mtu_auto)"
}

# Each has attributes that alone would be good.
refused_changes_nothing() {
	local before bad

	must ip -n "$A" link add adit1 type adit remote $B2_IP local $A_IP
	before=$(data)
	for bad in "remote $B2_IP" "dev nope" "dev adit0" "remote $A_IP" \
		"local 127.0.0.1" "remote 2001:db8::1"; do
		check_fails "change to $bad" change ttl 77 tos 40 df unset \
			fwmark 0x77 $bad
		check_eq "attributes after $bad" "$before" "$(data)"
	done
	on_wire "TTL, TOS, destination" 16 4 c0000202
	check_eq "TTL" 09 "$(hex_at "$HEX" 8 1)"
	check_eq "TOS" 10 "$(hex_at "$HEX" 1 1)"
	must ip -n "$A" link del adit1
}

# What packets come in by is the same socket as before, open all the while.
socket() { in_ns "$A" ss -Hluen "sport = :5555" | grep -o "sk:[0-9a-f]*"; }
refused_keeps_socket() {
	local was

	must ip -n "$A" link add fou0 type adit local "$A_IP" \
		remote 192.0.2.99 encap fou encap-dport 5555
	was=$(socket)
	check_match "the socket" "^sk:" "$was"
	must ip -n "$A" link add gue0 type adit local "$A_IP" \
		remote 192.0.2.98 encap gue encap-dport 6080
	expect_extack "UDP port 6080 is a tunnel's with another encapsulation" \
		ip -n "$A" link set fou0 type adit encap-dport 6080
	check_eq "the socket" "$was" "$(socket)"
	must ip -n "$A" link del gue0
	must ip -n "$A" link del fou0
}

# What somebody else would do who has SO_REUSEADDR: ADDR, and SECONDS to stay
BIND="
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], 5555))
time.sleep(int(sys.argv[2]))"

bind_port() { in_ns "$A" python3 -c "$BIND" $1 0; }

# Who was there first, and would share the port, is not pushed aside.
keeps_out() {
	must ip -n "$A" link add fou0 type adit local $A_IP \
		remote 192.0.2.98 encap fou encap-dport 5555
	ip netns exec "$A" python3 -c "$BIND" $A2_IP 60 &
	check_within 10000 "the other's socket" has_other
	expect_extack "UDP port 5555 is in use" ip -n "$A" link add fou1 type adit \
		local $A2_IP remote 192.0.2.99 encap fou encap-dport 5555
	kill $!
	wait $! 2>/dev/null
	must ip -n "$A" link del fou0
}

has_other() { [ -n "$(in_ns "$A" ss -Hlun "src $A2_IP:5555")" ]; }

# One to any address and one to this: whichever is first. Nobody else's is let in.
share_port() {
	local first second dev

	for first in any $A_IP; do
		[ $first = any ] && second=$A_IP || second=any
		must ip -n "$A" link add fou0 type adit local $first \
			remote 192.0.2.98 encap fou encap-dport 5555
		check "local $second after $first" ip -n "$A" link add fou1 \
			type adit local $second remote 192.0.2.99 \
			encap fou encap-dport 5555
		check_fails "bind to any" bind_port 0.0.0.0
		check_fails "bind to $A_IP" bind_port $A_IP
		for dev in fou0 fou1; do
			must ip -n "$A" link del $dev
		done
		check "bind to what is free again" bind_port $A_IP
	done
}

# A tunnel that is given an address has the port of that alone.
narrow_port() {
	must ip -n "$A" link add fou0 type adit remote 192.0.2.98 \
		encap fou encap-dport 5555
	check_fails "bind to $A2_IP" bind_port $A2_IP
	check "local" ip -n "$A" link set fou0 type adit local $A_IP
	check "bind to $A2_IP" bind_port $A2_IP
	check_fails "bind to $A_IP" bind_port $A_IP
	check "another encapsulation" ip -n "$A" link add fou1 type adit \
		local $A2_IP remote 192.0.2.99 encap gue encap-dport 5555
	must ip -n "$A" link del fou1
	must ip -n "$A" link del fou0
}

# What has the port alone takes it along to another encapsulation.
takes_port_along() {
	local encap

	must ip -n "$A" link set adit0 type adit encap fou encap-dport 5555
	must ip -n "$B" link set adit0 type adit encap fou encap-dport 5555
	for encap in gue fou; do
		check "A: $encap" ip -n "$A" link set adit0 type adit encap $encap
		check "B: $encap" ip -n "$B" link set adit0 type adit encap $encap
		ping_ok "$A" 10.9.0.2
		ping_ok "$B" 10.9.0.1
		check_match "one socket" "^sk:[0-9a-f]*$" "$(socket)"
	done
	must ip -n "$A" link set adit0 type adit encap none
	must ip -n "$B" link set adit0 type adit encap none
	ping_ok "$A" 10.9.0.2
}

# All that A had sent up to now and that did not leave by wire2 came in at B,
# and the other way round.
nothing_lost() {
	local was_a=$1 was_b=$2

	traffic_stop
	settle "$A" adit0
	settle "$B" adit0
	check_range "packets" 10 1000000 "$(sent "$A" $was_a)"
	check_eq "A sent, B received" "$(sent "$A" $was_a)" "$(got "$B" $was_b)"
	check_eq "B sent, A received" "$(sent "$B" $was_b)" "$(got "$A" $was_a)"
}

# counts NS: tx,rx
counts() { echo "$(stat_get "$1" adit0 tx_packets),$(stat_get "$1" adit0 rx_packets)"; }
sent() { echo $(($(stat_get "$1" adit0 tx_packets) - ${2%,*})); }
got() { echo $(($(stat_get "$1" adit0 rx_packets) - ${2#*,})); }

# --- under load --------------------------------------------------------------------

# A flood of pings, and changes in batches for as long as it takes.
no_packet_lost() {
	local n=1000 changes=0 pid i

	for i in $(seq 50); do
		echo "link set adit0 type adit ttl $((i + 60)) tos 10 df unset"
		echo "link set adit0 type adit tos inherit df set fwmark $i"
	done >"$WORK/batch"
	drops_mark "$A" adit0
	drops_mark "$B" adit0
	ip netns exec "$A" ping -f -q -c $n -W 10 10.9.0.2 >"$WORK/flood" 2>&1 &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		check "100 changes" ip -n "$A" -batch "$WORK/batch"
		changes=$((changes + 100))
	done
	check_range "changes" 100 1000000 $changes
	check_match "pings" "^$n packets transmitted, $n received, 0% " \
		"$(grep transmitted "$WORK/flood")"
	check_drops "$A" adit0
	check_drops "$B" adit0
}

# --- ends --------------------------------------------------------------------------

# received DEV FROM TO EXPECTED: of N packets so addressed, DEV of A takes so
# many.
received() {
	local before want

	before=$(stat_get "$A" $1 rx_packets)
	raw "$B" ipip $2 $3 0 0 10.9.0.2 10.9.0.77 $N
	check "what was sent is there" in_ns "$B" ping -q -c 1 -W 5 $A_IP
	want=$((before + $4))
	busywait 3000 rx_is $1 $want
	check_eq "$1 received of $2 -> $3" $want "$(stat_get "$A" $1 rx_packets)"
}

rx_is() { [ "$(stat_get "$A" $1 rx_packets)" = $2 ]; }

# by_ends COMMAND...: what leaves by either address is captured, for sends_to().
by_ends() {
	ENDS_SEEN=0
	captured ends "ip proto 4 and src net 192.0.2.0/24 and dst net 192.0.2.0/24 and (src $A_IP or src $A2_IP)" "$@"
}

# sends_to ADDR [FROM]: what goes into adit0 leaves with these ends.
sends_to() {
	raw "$A" udp 10.9.0.2 $N 100
	capture_wait ends $((ENDS_SEEN += N))
	check_eq "packets to $1" $N "$(capture_show ends | tail -n $N |
		grep -c "^IP ${2:-$A_IP} > $1: IP 10.9.0.1")"
}

remote_moves() {
	received adit0 $B_IP $A_IP $N
	received adit0 $B2_IP $A_IP 0
	sends_to $B_IP
	changed remote "\"$B2_IP\"" remote $B2_IP
	received adit0 $B_IP $A_IP 0
	received adit0 $B2_IP $A_IP $N
	sends_to $B2_IP
	check "back" change remote $B_IP
}

local_moves() {
	changed local "\"$A2_IP\"" local $A2_IP
	received adit0 $B_IP $A_IP 0
	received adit0 $B_IP $A2_IP $N
	sends_to $B_IP $A2_IP
	check "any" change local any
	check_eq "local is not printed" null "$(data | jq .local)"
	received adit0 $B_IP $A_IP $N
	received adit0 $B_IP $A2_IP $N
	sends_to $B_IP $A_IP
	changed local "\"$A_IP\"" local $A_IP
	received adit0 $B_IP $A2_IP 0
}

# Two tunnels swap their far ends by way of a third address.
swap() {
	must ip -n "$A" link add adit1 type adit remote $B2_IP local $A_IP
	must ip -n "$A" link set adit1 up
	received adit0 $B_IP $A_IP $N
	received adit1 $B2_IP $A_IP $N
	expect_extack "adit1 already has" change remote $B2_IP
	received adit0 $B_IP $A_IP $N
	check "out of the way" change remote 192.0.2.99
	DEV=adit1 check "one" change remote $B_IP
	check "the other" change remote $B2_IP
	received adit0 $B2_IP $A_IP $N
	received adit1 $B_IP $A_IP $N
	received adit0 $B_IP $A_IP 0
	sends_to $B2_IP
	must ip -n "$A" link del adit1
	check "back" change remote $B_IP
}

# Bound, a tunnel takes nothing that comes in elsewhere.
binding_moves() {
	changed dev '"wire2"' dev wire2
	received adit0 $B_IP $A_IP 0
	changed dev '"eth0"' dev eth0
	received adit0 $B_IP $A_IP $N
	check "unbind" change nodev
	received adit0 $B_IP $A_IP $N
}

# No IPv6 in the way: nothing is sent that was not asked for.
topo_direct
for ns in "$A" "$B"; do
	must in_ns "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 \
		net.ipv6.conf.default.disable_ipv6=1
done
must ip -n "$A" addr add $A2_IP/24 dev eth0
must ip -n "$B" addr add $B2_IP/24 dev eth0
must ip -n "$A" link add wire2 type dummy
must ip -n "$A" link set wire2 up
adit_new "$A" $A_IP $B_IP
adit_new "$B" $B_IP $A_IP
tunnel_addr "$A" adit0 10.9.0.1/30
tunnel_addr "$B" adit0 10.9.0.2/30
raw_start "$A" "$B"

was_a=$(counts "$A")
was_b=$(counts "$B")
traffic_start
case_run "ttl" on_the_wire ttl
case_run "tos" on_the_wire tos
case_run "df" on_the_wire df
case_run "fwmark" on_the_wire fwmark
case_run "an MTU with another attribute" on_the_wire mtu_with_it
case_run "a refused change changes nothing" \
	on_the_wire refused_changes_nothing
case_run "nothing was lost meanwhile" nothing_lost $was_a $was_b
traffic_start
case_run "fwmark routes" on_the_wire fwmark_routes
case_run "dev" on_the_wire dev
traffic_stop >/dev/null
case_run "no packet is lost while attributes change" no_packet_lost

case_run "remote moves the tunnel" by_ends remote_moves
case_run "local moves the tunnel" by_ends local_moves
case_run "dev moves the tunnel" binding_moves
case_run "two tunnels swap their ends" by_ends swap
case_run "a refused change keeps the socket" refused_keeps_socket
case_run "a port of two addresses" share_port
case_run "a port that is somebody else's" keeps_out
case_run "a port of an address, once of any" narrow_port
case_run "a port of another encapsulation" takes_port_along
finish
