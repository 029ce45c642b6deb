#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Hostile configuration: requests of all sorts, well-formed or not, from root, from
# a user namespace and from nobody; and races of all that can be done to a device.
#
# Owns: where it is done, and what must hold afterwards. Does not own: the
# requests and what must hold after each (programs/fuzz*.c), refusals one by one
# (extack.sh).
#
#	fuzz.sh [seed=N] [PATTERN...]: the same N sends the same requests.
#
# shellcheck disable=SC2086 # numbers and the like are words

OPTIONS=seed
. ./lib.sh
require fuzz ss setpriv unshare nsenter
SEED=${OPTION[seed]-$(date +%s%N)}
echo "# seed=$SEED"

# As much of everything, in quarters; a kernel that watches itself takes its time.
TIMES=4
! debug_kernel || TIMES=1
! long_form || TIMES=$((TIMES * 3))

# said FILE: its last line, whatever becomes of the case.
said() { tail -n 1 "$1" | sed 's/^/# /' >&"$OUT"; }

# phase NAME COUNT COMMAND...: a phase of fuzz, which COMMAND... runs.
phase() {
	local rc=0

	"${@:3}" -s "$SEED" -n $(($2 * TIMES / 4)) "$1" >"$WORK/said" 2>&1 || rc=$?
	said "$WORK/said"
	check_eq "status of fuzz $1" 0 $rc || cat "$WORK/said"
}

# underlay COMMAND...: what the requests count on, where COMMAND... leads.
underlay() {
	must "$@" ip addr add 2001:db8::1/64 dev eth0 nodad
	must "$@" ip addr add fe80::a/64 dev eth0 nodad
	must "$@" ip link add wire2 type dummy
}

# --- as root -----------------------------------------------------------------------

in_a() { in_ns "$A" "$@"; }
here() { phase "$1" "$2" in_ns "$A" fuzz -g 10.9.0.2; }

# What reaches all links of a netns is sent where there is nothing else.
apart() { phase "$1" "$2" in_ns "$G" fuzz; }

sockets_of() { in_ns "$1" ss -Huln; }

nothing_left() {
	check_eq "sockets" "" "$(sockets_of "$A")$(sockets_of "$G")"
	check_eq "devices in G" "" "$(ip -n "$G" -br link show type adit)"
	ping_ok "$A" 10.9.0.2
	ping_ok "$A" fd09::2
}

# --- as nobody ---------------------------------------------------------------------

NOBODY=(setpriv --reuid 65534 --regid 65534 --clear-groups --)

# in_user COMMAND...: as root of a user namespace that is nobody's, in its netns U.
in_user() { in_user_of "$U" "$@"; }
in_user_of() {
	"${NOBODY[@]}" nsenter --preserve-credentials -t "$1" -U -n -- "${@:2}"
}

# user_start: U and V, joined as A and B are, and a tunnel between them.
user_start() {
	chmod 711 "$WORK"
	must install -m 755 "$(type -P fuzz)" "$WORK/fuzz"
	"${NOBODY[@]}" unshare -U -r true || return
	"${NOBODY[@]}" unshare -U -r -n sleep infinity &
	U=$!
	busywait 10000 is_asleep $U || return
	must in_user ip link set lo up
	"${NOBODY[@]}" nsenter --preserve-credentials -t "$U" -U -n -- \
		unshare -n sleep infinity &
	V=$!
	busywait 10000 is_asleep $V || return
	must in_user_of "$V" ip link set lo up
	must in_user ip link add eth0 type veth peer name eth0 netns "$V"
	user_end "$U" 192.0.2.1 192.0.2.2 10.9.0.1
	user_end "$V" 192.0.2.2 192.0.2.1 10.9.0.2
	underlay in_user
}

# Until then it is in the namespace of who started it.
is_asleep() { [ "$(cat "/proc/$1/comm")" = sleep ]; }

# user_end PID LOCAL REMOTE ADDR
user_end() {
	must in_user_of "$1" ip addr add "$2/24" dev eth0
	must in_user_of "$1" ip link set eth0 up
	must in_user_of "$1" ip link add adit0 type adit local "$2" remote "$3"
	must in_user_of "$1" ip addr add "$4/30" dev adit0
	must in_user_of "$1" ip link set adit0 up
}

user_works() {
	check "ping" in_user ping -q -c 3 -i 0.2 -W 5 10.9.0.2
}

# GRE is the whole host's, so that one of the host's tunnels must have it first.
user_gre() {
	local gre="the first GRE tunnel of a host needs CAP_NET_ADMIN there"

	gre_is_free || return 0
	expect_extack "$gre" in_user ip link add gre1 type adit \
		remote 192.0.2.9 mode gre
	expect_extack "$gre" in_user ip link add gre1 type adit \
		remote 2001:db8::9 mode gre
	expect_extack "$gre" in_user ip link set adit0 type adit mode gre
	user_works
	must ip -n "$A" link add gre0 type adit remote 192.0.2.9 mode gre
	check "a second one" in_user ip link add gre1 type adit \
		remote 192.0.2.9 mode gre
	must ip -n "$A" link del gre0
	check "a third one" in_user ip link add gre2 type adit \
		remote 192.0.2.10 mode gre
	check "delete the second one" in_user ip link del gre1
	check "delete the third one" in_user ip link del gre2
	expect_extack "$gre" in_user ip link add gre1 type adit \
		remote 192.0.2.9 mode gre
}

# What is only of its own netns, it may have.
user_own() {
	local words

	while read -r words; do
		check "$words" in_user ip link add own0 type adit \
			remote 192.0.2.9 $words
		check "delete it" in_user ip link del own0
	done <<-ROWS
		fwmark 7
		deliver underlay
		fastpath on
		dev eth0
		encap fou encap-dport 80
		mode gre encap gue encap-dport 5555
	ROWS
}

# The underlay may be nowhere else, nor the device.
user_elsewhere() {
	local before

	before=$(ip -n "$A" link)
	must in_user ip netns set "$A" 7
	check_fails "an underlay in A" in_user ip link add own0 \
		link-netnsid 7 type adit remote 192.0.2.9
	check_fails "a device in A" in_user ip link add own0 netns "$A" \
		type adit remote 192.0.2.9
	check_fails "a device in the host's netns" in_user ip link add own0 \
		netns 1 type adit remote 192.0.2.9
	check_eq "A's links" "$before" "$(ip -n "$A" link)"
	check_eq "the host's own" "" "$(ip -br link show type adit)"
}

# A device that it was given: all but its tunnel is its own.
user_given() {
	must ip -n "$A" link add moved0 type adit remote 192.0.2.9 fwmark 1
	must ip -n "$A" link set moved0 netns "$U"
	phase foreign 100 in_user "$WORK/fuzz"
	expect_extack "not permitted in the netns of the underlay" \
		in_user ip link set moved0 type adit ttl 7
	check "its MTU" in_user ip link set moved0 mtu 1300
	check "its name" in_user ip link set moved0 name given0
	check "its end" in_user ip link del given0
	ping_ok "$A" 10.9.0.2
}

user_requests() { phase "$1" "$2" in_user "$WORK/fuzz" -g 10.9.0.2; }

user_generic() {
	must in_user ip link del adit0
	phase generic 300 in_user "$WORK/fuzz"
}

# Nothing of theirs holds what is the host's.
user_leaves_no_trace() {
	check_eq "devices of the host" "" "$(ip -br link show type adit)"
	if [ -e /sys/module/ip_gre ] || ! modprobe -q ip_gre; then
		pass
		return
	fi
	check "ip_gre unloads" modprobe -r ip_gre
}

# Nobody, in the netns of A: without a user namespace, and with one.
nobody_may() {
	phase denied 150 in_ns "$A" "${NOBODY[@]}" "$WORK/fuzz"
	phase denied 150 in_ns "$A" "${NOBODY[@]}" unshare -U -r "$WORK/fuzz"
	nothing_left
}

# with_user FUNCTION [ARG...]
with_user() {
	[ -n "${USERS-}" ] || { skip "needs user namespaces"; return; }
	"$@"
}

# A port that root alone may have, and one who is not quite root.
low_port() {
	expect_extack "adit: " in_ns "$A" setpriv \
		--bounding-set -net_bind_service \
		--inh-caps -net_bind_service -- ip link add low0 \
		type adit remote 192.0.2.9 encap fou encap-dport 80
	check_fails "a device" ip -n "$A" link show dev low0
}

# --- races -------------------------------------------------------------------------

# X is where the devices move; T is the other host, whose tunnels are like theirs.
race_setup() {
	local common="type adit remote 192.0.2.1"

	ns_new R X T
	link_ns "$R" eth0 192.0.2.1/24 "$T" eth0 192.0.2.2/24
	underlay in_ns "$R"
	must ip -n "$T" link add race0 $common
	must ip -n "$T" link add race1 $common mode gre key 1
	must ip -n "$T" link add race2 $common encap fou encap-dport 5551
	must ip -n "$T" link add race3 $common encap gue encap-dport 5571
	for i in 0 1 2 3; do
		must ip -n "$T" link set race$i up
	done
}

# beside COMMAND...: as long as the race takes.
beside() {
	"$@" >"$WORK/beside.$BASHPID" 2>&1 &
	BESIDE+=" $!"
}

received() {
	local i sum=0

	for i in 0 1 2 3; do
		sum=$((sum + $(stat_get "$T" race$i rx_packets)))
	done
	echo $sum
}

no_wires() { ! ip -n "$R" -br link | grep -Eq '^(wire[0-9]+-|brief)'; }

race() {
	local BESIDE='' races='' cpu pid

	beside ip netns exec "$R" fuzz traffic race0 race1 race2 race3
	beside ip netns exec "$X" fuzz traffic race0 race1 race2 race3
	beside ip netns exec "$T" fuzz traffic race0 race1 race2 race3
	beside fuzz watch "/run/netns/$R" "/run/netns/$X"
	for cpu in 0 1; do
		fuzz race -s "$((SEED + cpu))" -n $((75 * TIMES)) \
			-c $((cpu % $(nproc))) "/run/netns/$R" \
			"/run/netns/$X" >"$WORK/race$cpu" 2>&1 &
		races+=" $!"
	done
	for pid in $races; do
		wait "$pid"
		check_eq "status of a racer" 0 $?
	done
	for pid in $BESIDE; do
		check "what runs beside still does" kill $pid
	done
	wait $BESIDE 2>/dev/null
	cat "$WORK"/beside.* "$WORK"/race*
	said "$WORK/race0"
	said "$WORK/race1"
	check_range "packets received" 100 1000000000 "$(received)"
}

# All of it ends: the devices, the namespaces, the module.
ends() {
	local ns name

	check_within 60000 "the namespaces are gone" no_wires
	for ns in "$R" "$X"; do
		for name in $(ip -n "$ns" -br link show type adit |
			awk '{ sub("@.*", "", $1); print $1 }'); do
			check "delete $name" ip -n "$ns" link del "$name"
		done
	done
	check_eq "sockets" "" "$(sockets_of "$R")$(sockets_of "$X")"
	for ns in R X T A B G; do
		ns_gone $ns
	done
	kill ${U-} ${V-} 2>/dev/null
	wait
	! adit_in_use || { skip "adit devices are in use"; return; }
	check "unload" unload
	check "load" modprobe adit
	topo_direct
	adit_pair
	ping_ok "$A" 10.9.0.2
}

topo_direct
underlay in_a
adit_pair
ns_new G
must ip -n "$G" link add eth0 type dummy
must ip -n "$G" addr add 192.0.2.1/24 dev eth0
must ip -n "$G" link set eth0 up
underlay in_ns "$G"
case_run "each attribute at each length" here lengths 4
case_run "headers that lie, nests in nests" here nests 4
case_run "thousands of prefixes" here lists 4
case_run "any of all that" here any 1500
case_run "what all links have" apart generic 1000
case_run "names" apart names 4
case_run "a port that root alone may have" low_port
case_run "nothing is left of that" nothing_left
USERS=
! user_start || USERS=1
case_run "nobody" with_user nobody_may
case_run "a user namespace: GRE" with_user user_gre
case_run "a user namespace: what it may have" with_user user_own
case_run "a user namespace: the netns of others" with_user user_elsewhere
case_run "a user namespace: a device of others" with_user user_given
case_run "a user namespace: any of all that" with_user user_requests any 300
case_run "a user namespace: what all links have" with_user user_generic
case_run "a user namespace leaves no trace" with_user user_leaves_no_trace
race_setup
case_run "races" race
case_run "all of it ends" ends
finish
