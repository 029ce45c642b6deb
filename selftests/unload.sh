#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The module goes while it is busy: with sockets, hooks, queues, timers and notifiers
# in use, with packets from both sides, while tunnels are created and shown, and
# while namespaces come and go. Nothing of it is left, and it loads again.
#
# Does not own: the plain cases of that (lifecycle.sh).
#
# shellcheck disable=SC2086 # options and numbers are words

. ./lib.sh
. ./faults.lib
require ping iperf3 ethtool

require_unused
modprobe -q -r adit || skip_all "adit cannot be unloaded"

ROUNDS=5
! long_form || ROUNDS=15

is_loaded() { grep -q '^adit ' /proc/modules; }
# Until it has come up who loads it holds it.
is_ready() { grep -q '^adit [0-9]* 0 .* Live ' /proc/modules; }
tunnels() { ip -n "$1" -br link show type adit | wc -l; }

# loop NS COMMAND: of a shell, over and over.
loop() { flood "$1" bash -c "while :; do $2; done"; }

KINDS=(
	""
	"mode gre key 5 csum"
	"encap fou encap-dport 5555 fastpath on"
	"encap gue encap-dport 6080 mss-clamp on"
	"mode gre encap gue encap-dport 6081 deliver underlay fastpath on"
)

# busy OPTION...: a tunnel of that kind and others beside it, in use.
busy() {
	adit_pair "$@"
	must ip -n "$A" link add ext type adit external encap fou encap-dport 5556
	must ip -n "$A" link set ext up
	must ip -n "$X" link add far link-netns "$A" type adit remote 192.0.2.9 \
		encap gue encap-dport 6082 fastpath on
	must ip -n "$X" link set far up

	flood "$B" iperf3 -s
	busywait 10000 listens "$B" 5201
	flood "$A" ping -q -f 10.9.0.2
	flood "$B" ping -q -f fd09::1
	flood "$A" iperf3 -c 10.9.0.2 -P 2 -t 600
	loop "$A" "ip route replace $B_IP dev eth0 mtu 1400
		ip route replace $B_IP dev eth0 mtu 1450"
	loop "$A" "ip -s -d link show; ethtool -S adit0"
}

goes() {
	local i ns

	for ((i = 0; i < ROUNDS; i++)); do
		busy ${KINDS[i % ${#KINDS[@]}]}
		flows "$A" adit0
		sleep 0.$((RANDOM % 5))
		check "unload" unload
		check_fails "it is loaded" is_loaded
		for ns in "$A" "$B" "$X"; do
			check_eq "tunnels left" 0 "$(tunnels "$ns")"
		done
		flood_stop
		must ip -n "$A" route flush $B_IP
	done
	adit_pair
	ping_ok "$A" 10.9.0.2
	adit_gone
}

# Whoever creates a tunnel loads it again.
under_creation() {
	local i

	loop "$A" "ip link add adit1 type adit remote 192.0.2.9 encap fou encap-dport 5557
		ip link set adit1 up; ip link del adit1"
	loop "$B" "ip link add adit1 type adit remote 192.0.2.9 mode gre
		ip link set adit1 type adit key 7; ip link del adit1"
	for ((i = 0; i < ROUNDS * 2; i++)); do
		check_within 10000 "it is loaded" is_ready
		check "unload" unload
	done
	flood_stop
	# (what was being created may be so yet)
	check_within 10000 "none is left" none_left
}

none_left() {
	unload
	[ "$(tunnels "$A") $(tunnels "$B")" = "0 0" ]
}

under_namespaces() {
	local i

	loop "$A" "unshare --net ip link set lo up"
	loop "$B" "unshare --net ip link add t type adit remote 192.0.2.9"
	for ((i = 0; i < ROUNDS * 2; i++)); do
		check "load" modprobe adit
		check_within 10000 "it is loaded" is_ready
		check "unload" unload
	done
	flood_stop
}

topo_direct
ns_new X
case_run "it goes while it is busy" goes
case_run "it goes while tunnels are created" under_creation
case_run "it comes and goes while namespaces do" under_namespaces
check "load" modprobe adit
finish
