#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tunnels begin and end under traffic in both directions: single ones and a
# thousand, with their namespace, with the module, and their underlay before
# them. What is left must work, and the kernel must not complain.
#
# Unloading the module is also the proof that nothing holds on to a device: it
# would wait for that for ever.
#
# shellcheck disable=SC2086 # numbers, addresses and the like are words

. ./lib.sh
require ping iperf3 jq

require_unused
modprobe -q -r adit || skip_all "adit cannot be unloaded"

has() { ip -n "$1" link show dev "$2"; }
has_not() { ! has "$1" "$2"; }
tunnels() { ip -n "$1" -br link show type adit | wc -l; }

# --- traffic -----------------------------------------------------------------------

# Floods of pings and a TCP stream each way, as long as it takes. They go on
# when there is no tunnel.
traffic_start() {
	TRAFFIC=
	ip netns exec "$B" iperf3 -s >/dev/null 2>&1 &
	TRAFFIC+=" $!"
	busywait 10000 listens "$B" 5201
	flood "$A" ping -q -f 10.9.0.2
	flood "$B" ping -q -f 10.9.0.1
	flood "$A" ping -q -f fd09::2
	flood "$A" iperf3 -c 10.9.0.2 --bidir -t 600
}

# flood NS COMMAND...
flood() {
	ip netns exec "$1" "${@:2}" >/dev/null 2>&1 &
	TRAFFIC+=" $!"
}

traffic_stop() {
	kill -KILL $TRAFFIC 2>/dev/null
	wait $TRAFFIC 2>/dev/null
	return 0
}

# flows NS DEV: packets come and go.
flows() { check_within 20000 "traffic flows through $2" moves "$@"; }

moves() {
	local tx rx

	tx=$(stat_get "$1" $2 tx_packets)
	rx=$(stat_get "$1" $2 rx_packets)
	sleep 0.1
	[ "$(stat_get "$1" $2 tx_packets)" -gt "$tx" ] &&
		[ "$(stat_get "$1" $2 rx_packets)" -gt "$rx" ]
}

# works: pings are answered, in both families.
works() {
	check "ping IPv4" in_ns "$A" ping -q -c 3 -i 0.05 -W 5 10.9.0.2
	check "ping IPv6" in_ns "$A" ping -q -c 3 -i 0.05 -W 5 fd09::2
}

# --- devices -----------------------------------------------------------------------

# batch_rounds N: lines for `ip -batch` that delete and make A's adit0.
batch_rounds() {
	local i

	for i in $(seq $1); do
		echo "link del adit0"
		echo "link add adit0 type adit local $A_IP remote $B_IP ttl $i"
		echo "addr add 10.9.0.1/30 dev adit0"
		echo "addr add fd09::1/64 dev adit0"
		echo "link set adit0 up"
	done
}

create_delete() {
	batch_rounds 100 >"$WORK/batch"
	traffic_start
	flows "$A" adit0
	check "100 rounds" ip -n "$A" -batch "$WORK/batch"
	check_eq "the last one's TTL" 100 "$(ip -n "$A" -d -j link show dev adit0 |
		jq '.[0].linkinfo.info_data.ttl')"
	traffic_stop
	works
}

# One of them carries traffic all the while.
thousand() {
	local i

	for i in $(seq 0 999); do
		echo "link add many$i group 77 type adit remote 10.8.$((i / 250)).$((i % 250 + 1))"
	done >"$WORK/batch"
	TRAFFIC=
	flood "$A" ping -q -i 0.01 10.9.0.2
	check "create 1000" ip -n "$A" -batch "$WORK/batch"
	check_eq "tunnels" 1001 "$(tunnels "$A")"
	expect_extack "many999 already has" ip -n "$A" link add one type adit \
		remote 10.8.3.250
	flows "$A" adit0
	check "delete them" ip -n "$A" link del group 77
	check_eq "tunnels" 1 "$(tunnels "$A")"
	flows "$A" adit0
	traffic_stop
	works
	check "the places are free" ip -n "$A" link add one type adit \
		remote 10.8.3.250
	must ip -n "$A" link del one
}

# --- namespaces --------------------------------------------------------------------

# A namespace with a tunnel to B ends while B floods it and it floods B.
netns_exit() {
	local i pids

	for i in 1 2 3; do
		ns_new EXIT
		link_ns "$EXIT" eth0 198.51.100.1/24 \
			"$B" exit0 198.51.100.2/24
		must ip -n "$EXIT" link add adit0 type adit remote 198.51.100.2
		must ip -n "$B" link add adit1 type adit remote 198.51.100.1
		tunnel_addr "$EXIT" adit0 10.9.1.1/30
		tunnel_addr "$B" adit1 10.9.1.2/30
		ip netns exec "$B" ping -q -f 10.9.1.1 >/dev/null 2>&1 &
		pids=$!
		ip netns exec "$EXIT" ping -q -f 10.9.1.2 >/dev/null 2>&1 &
		pids+=" $!"
		flows "$B" adit1
		ns_gone EXIT
		kill -KILL ${pids#* }	# it keeps the namespace
		check_within 30000 "the namespace is gone" has_not "$B" exit0
		kill -KILL $pids 2>/dev/null
		wait $pids 2>/dev/null
		must ip -n "$B" link del adit1
	done
	return 0
}

# --- the underlay ------------------------------------------------------------------

# underlay_goes OPTION...: the device below a tunnel is deleted, and comes back.
underlay_goes() {
	link_ns "$A" wire1 198.51.100.1/24 "$B" wire1 198.51.100.2/24
	must ip -n "$A" link add adit1 type adit remote 198.51.100.2 "$@"
	must ip -n "$B" link add adit1 type adit remote 198.51.100.1 "$@"
	tunnel_addr "$A" adit1 10.9.1.1/30
	tunnel_addr "$B" adit1 10.9.1.2/30
	TRAFFIC=
	flood "$A" ping -q -f 10.9.1.2
	flood "$B" ping -q -f 10.9.1.1
	flows "$A" adit1
	must ip -n "$A" link del wire1
	check "the tunnel is still there" has "$A" adit1
	check_within 10000 "drops for want of a route" no_route
	check_eq "dev" "${2:+if*}" "$(dev_of | sed 's/[0-9]*$/*/')"
	link_ns "$A" wire1 198.51.100.1/24 "$B" wire1 198.51.100.2/24
	check "bind A's anew" ip -n "$A" link set adit1 type adit "${@:-nodev}"
	check "bind B's anew" ip -n "$B" link set adit1 type adit "${@:-nodev}"
	check_eq "dev" "${2-}" "$(dev_of)"
	flows "$A" adit1
	traffic_stop
	must ip -n "$A" link del wire1
	must ip -n "$A" link del adit1
	must ip -n "$B" link del adit1
}

no_route() { [ "$(drop_get "$A" adit1 tx_no_route)" -gt 0 ]; }
dev_of() {
	ip -n "$A" -d -j link show dev adit1 |
		jq -r '.[0].linkinfo.info_data.dev // empty'
}

# --- the module --------------------------------------------------------------------

loads_itself() {
	check "unload" unload
	check_fails "it is loaded" grep -q '^adit ' /proc/modules
	adit_pair
	check "it is loaded" grep -q '^adit ' /proc/modules
	works
}

load_unload() {
	local i

	must ip -n "$A" link del adit0
	must ip -n "$B" link del adit0
	for i in $(seq 10); do
		check "unload" unload
		check "load" modprobe adit
	done
	adit_pair
	works
}

# With devices in three namespaces, one of which has moved there, and traffic.
unload_in_use() {
	local i

	for i in 1 2; do
		must ip -n "$A" link add moved type adit remote 192.0.2.9
		must ip -n "$A" link set moved netns "$X"
		must ip -n "$X" link add other type adit remote 192.0.2.9
		traffic_start
		flows "$A" adit0
		check "unload" unload
		check_eq "tunnels left in A" 0 "$(tunnels "$A")"
		check_eq "tunnels left in B" 0 "$(tunnels "$B")"
		check_eq "tunnels left in X" 0 "$(tunnels "$X")"
		adit_pair
		flows "$A" adit0
		traffic_stop
		works
	done
}

topo_direct
ns_new X
adit_pair
case_run "the first device loads the module" loads_itself
case_run "a tunnel, 100 times, under traffic" create_delete
case_run "1,000 tunnels" thousand
case_run "a namespace ends under traffic" netns_exit
case_run "the underlay is deleted" underlay_goes
case_run "the underlay is deleted, and the tunnel bound to it" \
	underlay_goes dev wire1
case_run "the module is unloaded and loaded" load_unload
case_run "the module is unloaded under traffic" unload_in_use
finish
