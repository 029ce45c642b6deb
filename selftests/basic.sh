#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The module loads when it is needed and leaves namespaces alone; a tunnel over
# one wire carries IPv4 and IPv6, and counts exactly what it carries.

. ./lib.sh
require ping iperf3 socat jq

links() { ip -br "$@" link show | sed 's/[ @].*//' | xargs; }

unloaded() { ! grep -q '^adit ' /proc/modules; }

autoload() {
	if adit_in_use || ! modprobe -r adit || ! unloaded; then
		skip "the module is in use or built in"
		return 0
	fi
	check "add a device" ip -n "$A" link add adit0 type adit \
		local "$A_IP" remote "$B_IP"
	check_fails "the module is not loaded" unloaded
	check "delete it" ip -n "$A" link del adit0
}

no_device_of_its_own() {
	local before after

	before=$(links)
	[ -n "$UNLOADS" ] && must modprobe -r adit
	must modprobe adit
	after=$(links)
	check_eq "devices after loading" "$before" "$after"
	ns_new NEW
	check_eq "devices of a new namespace" "lo" "$(links -n "$NEW")"
}

# ping_counts ADDR HEADERS: 5 pings with 100 bytes of data: exact counters in
# all four places.
ping_counts() {
	local ns dir before=() after=() i=0

	settle "$A" adit0
	settle "$B" adit0
	mapfile -t before < <(counters)
	check "5 pings" in_ns "$A" ping -q -c 5 -i 0.2 -W 5 -s 100 "$1"
	mapfile -t after < <(counters)
	for ns in A B; do
		for dir in rx tx; do
			check_eq "$dir packets of $ns" 5 \
				$((after[i] - before[i]))
			check_eq "$dir bytes of $ns" $((5 * (100 + $2))) \
				$((after[i + 1] - before[i + 1]))
			i=$((i + 2))
		done
	done
}

counters() {
	local ns field

	for ns in "$A" "$B"; do
		for field in rx_packets rx_bytes tx_packets tx_bytes; do
			stat_get "$ns" adit0 "$field"
		done
	done
}

# tcp ADDR: all bytes arrive, either way, and iperf3 has something to say.
tcp() {
	local bytes=8388608

	check_eq "bytes to B" "$bytes" "$(tcp_bytes "$A" "$B" "$1" "$bytes")"
	check_eq "bytes to A" "$bytes" "$(tcp_bytes "$A" "$B" "$1" "$bytes" -R)"
	iperf_ok "$A" "$B" "$1"
	iperf_ok "$A" "$B" "$1" -R
}

UNLOADS=
adit_in_use || UNLOADS=1

topo_direct
case_run "link add loads the module" autoload
case_run "the module makes no device" no_device_of_its_own

adit_pair
case_run "IPv4 ping, counted" ping_counts 10.9.0.2 28
case_run "IPv6 ping, counted" ping_counts fd09::2 48
drops_mark "$A" adit0
drops_mark "$B" adit0
case_run "IPv4 TCP, both ways" tcp 10.9.0.2
case_run "IPv6 TCP, both ways" tcp fd09::2
case_run "nothing was dropped at A" check_drops "$A" adit0
case_run "nothing was dropped at B" check_drops "$B" adit0
finish
