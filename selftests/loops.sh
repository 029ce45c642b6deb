#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tunnels in tunnels, and in themselves: four levels carry traffic, the fifth is
# dropped; loops are caught, each counted under its own cause; their MTUs come
# to rest; and the machine goes on as before.
#
# shellcheck disable=SC2086 # numbers, addresses and the like are words

. ./lib.sh
require python3 ping jq socat

N=5

# mtus_rest DEV...: their MTUs stop changing, and are no less than 1280.
mtus_rest() {
	local dev was is

	for dev; do
		check_within 5000 "the MTU of $dev rests" mtu_rests $dev
		was=$(mtu_get "$A" $dev)
		sleep 0.5
		is=$(mtu_get "$A" $dev)
		check_eq "MTU of $dev, later" "$was" "$is"
		check_range "MTU of $dev" 1280 65515 "$is"
	done
}

mtu_rests() {
	local was

	was=$(mtu_get "$A" $1)
	sleep 0.3
	mtu_is "$A" $1 "$was"
}

# The machine is fine: traffic beside the loop is as before.
fine() {
	check "ping over another tunnel" in_ns "$A" \
		ping -q -c 2 -i 0.05 -W 5 10.8.0.2
	check "ping over the underlay" in_ns "$A" \
		ping -q -c 2 -i 0.05 -W 5 $B_IP
}

# dropped DEV CAUSE N COMMAND...: what it sends is all dropped by DEV for CAUSE.
dropped() {
	drops_mark "$A" $1
	"${@:4}"
	check_drops "$A" $1 $2 $3
}

# both DEV CAUSE V4 V6: N packets of each family.
both() {
	dropped $1 $2 $N raw "$A" udp $3 $N 100
	dropped $1 $2 $N raw "$A" udp $4 $N 100
}

# --- loops -------------------------------------------------------------------------

# self OPTION...: the route to the remote leads into the tunnel.
self() {
	must ip -n "$A" link add adit0 type adit remote 203.0.113.1 "$@"
	tunnel_addr "$A" adit0 10.9.0.1/30 fd09::1/64
	settle "$A" adit0
	must ip -n "$A" route add 203.0.113.1/32 dev adit0
	both adit0 tx_loop_self 10.9.0.2 fd09::2
	mtus_rest adit0
	dropped adit0 tx_loop_self $N raw "$A" udp 203.0.113.1 $N 100
	fine
	must ip -n "$A" link del adit0
}

# Each is bound to the other. What they reserve for headers does not grow by looks at
# what is below: 20 bytes a time would be more than there can be.
bound_to_each_other() {
	must ip -n "$A" link add adit0 mtu 1400 type adit remote 203.0.113.1
	must ip -n "$A" link add adit1 mtu 1400 type adit remote 203.0.113.2 \
		dev adit0
	must ip -n "$A" link set adit0 type adit dev adit1
	for _ in $(seq 1700); do
		echo "link set adit1 type adit ttl 64"
		echo "link set adit0 type adit ttl 64"
	done | must ip -n "$A" -batch -
	tunnel_addr "$A" adit0 10.9.0.1/30 fd09::1/64
	settle "$A" adit0
	both adit0 tx_no_route 10.9.0.2 fd09::2
	must ip -n "$A" link set adit1 up
	both adit0 tx_loop_mutual 10.9.0.2 fd09::2
	fine
	unring 2
}

# The remote comes to be an address of this host.
remote_is_here() {
	must ip -n "$A" link add adit0 type adit remote 203.0.113.1
	tunnel_addr "$A" adit0 10.9.0.1/30 fd09::1/64
	settle "$A" adit0
	must ip -n "$A" addr add 203.0.113.1/32 dev lo
	both adit0 tx_loop_self 10.9.0.2 fd09::2
	fine
	must ip -n "$A" addr del 203.0.113.1/32 dev lo
	must ip -n "$A" link del adit0
}

# ring N: adit0 in adit1 in ... in adit0.
ring() {
	local n=$1 i

	for i in $(seq 0 $((n - 1))); do
		must ip -n "$A" link add adit$i type adit \
			remote 203.0.113.$((i + 1)) local $A_IP
		must ip -n "$A" link set adit$i up
	done
	tunnel_addr "$A" adit0 10.9.0.1/30 fd09::1/64
	for i in $(seq 0 $((n - 1))); do
		must ip -n "$A" route add 203.0.113.$((i + 1))/32 \
			dev adit$(((i + 1) % n))
	done
	for i in $(seq 0 $((n - 1))); do
		settle "$A" adit$i
	done
}

unring() {
	local i

	for i in $(seq 0 $(($1 - 1))); do
		must ip -n "$A" link del adit$i
	done
}

# mutual N: all come back to the first, which drops them. Larger ones too,
# which are made to fit on the way.
mutual() {
	local i

	ring $1
	for i in $(seq 1 $(($1 - 1))); do
		drops_mark "$A" adit$i
	done
	both adit0 tx_loop_mutual 10.9.0.2 fd09::2
	for i in $(seq 1 $(($1 - 1))); do
		check_drops "$A" adit$i
	done
	mtus_rest adit0 adit1
	raw "$A" udp 10.9.0.2 $N 8000
	raw "$A" udp fd09::2 $N 8000
	fine
	unring $1
}

# A ring that is longer than what may be nested ends at that limit.
long_ring() {
	ring 5
	dropped adit4 tx_nesting $N raw "$A" udp 10.9.0.2 $N 100
	mtus_rest adit0 adit4
	fine
	unring 5
}

# adit0 in ipip0 in adit0.
mixed_loop() {
	must ip -n "$A" link add adit0 type adit remote 203.0.113.1 local $A_IP
	must ip -n "$A" link add ipip0 type ipip remote 203.0.113.2 local $A_IP
	must ip -n "$A" link set ipip0 up
	tunnel_addr "$A" adit0 10.9.0.1/30 fd09::1/64
	settle "$A" adit0
	must ip -n "$A" route add 203.0.113.1/32 dev ipip0
	must ip -n "$A" route add 203.0.113.2/32 dev adit0
	both adit0 tx_loop_mutual 10.9.0.2 fd09::2
	mtus_rest adit0
	fine
	must ip -n "$A" link del adit0
	must ip -n "$A" link del ipip0
}

# --- nesting -----------------------------------------------------------------------

# nest KIND...: t1 over the wire, t2 over t1, ... in A and in B. The ends of
# level I are 10.7.I.1 and .2, fd07:I::1 and ::2.
nest() {
	local kind i=1 a=$A_IP b=$B_IP

	for kind; do
		must ip -n "$A" link add t$i type $kind local $a remote $b
		must ip -n "$B" link add t$i type $kind local $b remote $a
		a=10.7.$i.1 b=10.7.$i.2
		[ $kind = ipip ] || {
			must ip -n "$A" addr add fd07:$i::1/64 dev t$i
			must ip -n "$B" addr add fd07:$i::2/64 dev t$i
		}
		tunnel_addr "$A" t$i $a/24
		tunnel_addr "$B" t$i $b/24
		i=$((i + 1))
	done
	LEVELS=$((i - 1))
	for i in $(seq $LEVELS); do
		settle "$A" t$i
	done
}

unnest() {
	local i

	for i in $(seq $LEVELS -1 1); do
		must ip -n "$A" link del t$i
		must ip -n "$B" link del t$i
	done
}

four_levels() {
	local i was=()

	nest adit adit adit adit
	for i in 1 2 3 4; do
		check_within 5000 "MTU of t$i" mtu_is "$A" t$i $((1500 - 20 * i))
		was[i]=$(stat_get "$A" t$i tx_packets)
	done
	check "ping IPv4" in_ns "$A" ping -q -c $N -i 0.05 -W 5 10.7.4.2
	check "ping IPv6" in_ns "$A" ping -q -c $N -i 0.05 -W 5 fd07:4::2
	check "the largest" in_ns "$A" ping -q -c $N -i 0.05 -W 5 \
		-M "do" -s $((1420 - 28)) 10.7.4.2
	for i in 1 2 3 4; do
		check_eq "packets sent by t$i" $((3 * N)) \
			$(($(stat_get "$A" t$i tx_packets) - was[i]))
	done
	check_eq "bytes of TCP" 1000000 \
		"$(tcp_bytes "$A" "$B" 10.7.4.2 1000000)"
	unnest
}

# The wire's own device, t1, is the fifth to see a packet of t5.
five_levels() {
	local i

	nest adit adit adit adit adit
	for i in 2 3 4 5; do
		drops_mark "$A" t$i
	done
	both t1 tx_nesting 10.7.5.2 fd07:5::2
	for i in 2 3 4 5; do
		check_drops "$A" t$i
	done
	check "ping over the fourth" in_ns "$A" \
		ping -q -c $N -i 0.05 -W 5 10.7.4.2
	mtus_rest t5
	fine
	unnest
}

# Kernels that count tunnels on the way themselves may allow fewer of them.
alternating() {
	nest "$@"
	check "ping IPv4" in_ns "$A" ping -q -c $N -i 0.05 -W 5 \
		10.7.$LEVELS.2
	check "ping IPv6" in_ns "$A" ping -q -c $N -i 0.05 -W 5 \
		fd07:$LEVELS::2
	fine
	unnest
}

# A hub has no route to one spoke. What it tells the other leaves by the device
# that could not send, which is no loop.
told_by_hub() {
	local said

	must ip -n "$A" link add hub type adit remote any local $A_IP allow $B_IP
	tunnel_addr "$A" hub 10.6.0.1/32 fd06::1/128
	must ip -n "$A" route add 10.6.0.2/32 via $B_IP dev hub onlink
	must ip -n "$A" route add 10.6.0.3/32 via 203.0.113.3 dev hub onlink
	must ip -n "$A" route add unreachable 203.0.113.3/32
	adit_new "$B" $B_IP $A_IP
	tunnel_addr "$B" adit0 10.6.0.2/24
	settle "$B" adit0
	forwarding "$A"
	settle "$A" hub
	drops_mark "$A" hub
	said=$(in_ns "$B" ping -c 1 -W 5 10.6.0.3)
	check_match "told" "From 10.6.0.1 .*Destination Host Unreachable" "$said"
	check_drops "$A" hub tx_no_route 1
	must ip -n "$A" route del unreachable 203.0.113.3/32
	must ip -n "$A" link del hub
	must ip -n "$B" link del adit0
}

topo_direct
require_module ipip
must ip -n "$A" addr add 192.0.2.101/24 dev eth0
must ip -n "$B" addr add 192.0.2.102/24 dev eth0
must ip -n "$A" link add beside type adit local 192.0.2.101 remote 192.0.2.102
must ip -n "$B" link add beside type adit local 192.0.2.102 remote 192.0.2.101
tunnel_addr "$A" beside 10.8.0.1/30
tunnel_addr "$B" beside 10.8.0.2/30
raw_start "$A"

case_run "routed into itself" self
case_run "routed into itself, TOS inherited" self tos inherit
case_run "the remote is this host" remote_is_here
case_run "two in each other" mutual 2
case_run "two bound to each other" bound_to_each_other
case_run "three in each other" mutual 3
case_run "four in each other" mutual 4
case_run "five in each other" long_ring
case_run "in an ipip in itself" mixed_loop
case_run "a hub tells a spoke that another is unreachable" told_by_hub
case_run "four levels carry traffic" four_levels
case_run "the fifth level does not" five_levels
case_run "adit and ipip in turn" alternating adit ipip adit ipip adit
finish
