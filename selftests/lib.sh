# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests share: cases and their results, assertions, namespaces,
# topologies, counters, captures, and the end of a test.
#
# Owns: everything a test makes, which it removes when the test ends in
# whatever way. Does not own: running many tests (runner, or kselftest's own).
#
# A test sources this file, sets up a topology, runs its cases and finishes:
#
#	. ./lib.sh
#	require iperf3
#	topo_direct
#	case_run "ping over the tunnel" ping_works
#	finish
#
# A case is a function. It fails when an assertion in it fails, when it returns
# nonzero, and when it asserts nothing. `./test.sh [NAME=VALUE...] PATTERN...` runs
# those of its cases whose names match; which NAMEs it knows is in OPTIONS, set
# before lib.sh is read, and what they are in OPTION[NAME]. After the cases the
# kernel's log must hold no complaint; that counts as a case.

set -u
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin:$PWD/programs

declare -A OPTION=()
while [[ ${1-} == *=* ]]; do
	if [[ " ${OPTIONS-} " != *" ${1%%=*} "* ]]; then
		echo "${0##*/}: ${1%%=*}: no such option" >&2
		exit 2
	fi
	# shellcheck disable=SC2034 # the tests use it
	OPTION[${1%%=*}]=${1#*=}
	shift
done

WORK=$(mktemp -d)
ID=${WORK##*.}		# makes names of namespaces unique
ONLY=("$@")
CASE=			# the case that runs now
COUNT=0 BAD=0
DONE=
SPACES=()
declare -A RAW_ASK RAW_SAY
LOADED=()		# modules to unload at the end
SLOW=1			# what times of waiting are multiplied by
# the first CPU that we may run on
CPU=$(sed -n 's/^Cpus_allowed_list:[^0-9]*\([0-9]*\).*/\1/p' /proc/self/status)

# --- cases -------------------------------------------------------------------

# skip_all REASON: end the test, skipped.
skip_all() {
	trap - EXIT
	cleanup >/dev/null 2>&1
	rm -rf "$WORK"
	echo "1..0 # SKIP $1"
	exit 4
}

# require COMMAND...: skip the test unless all are there.
require() {
	local cmd

	for cmd; do
		type "$cmd" >/dev/null 2>&1 || skip_all "needs $cmd"
	done
}

# require_module MODULE...: skip the test unless all load (or are built in).
# What was not loaded before is unloaded at the end: tunl0 and its like are not
# to be left in all namespaces.
require_module() {
	local module

	for module; do
		[ ! -e "/sys/module/$module" ] || continue
		modprobe -q "$module" || skip_all "needs the module $module"
		[ ! -e "/sys/module/$module/initstate" ] || LOADED+=("$module")
	done
}

# require_unused: skip the test if unloading adit would delete devices that are
# not ours, in whatever namespace.
require_unused() {
	! adit_in_use ||
		skip_all "adit devices are in use, which unloading would delete"
}

# adit_in_use: by a device in any namespace
adit_in_use() {
	{
		ip -br link show type adit
		ip -all netns exec ip -br link show type adit
	} | grep -qv '^$\|^netns:'
}

# unload: or fail, should it hang.
unload() { timeout $((100 * SLOW)) modprobe -r adit; }

# case_run NAME FUNCTION [ARG...]: run a case, unless others were asked for.
case_run() {
	wanted "$1" || return 0
	CASE=$1
	shift
	: >"$WORK/asserts"
	"$@" >"$WORK/output" 2>&1 || fail "$1 returned $?" >>"$WORK/output"
	case_end
}

wanted() {
	local pattern

	[ ${#ONLY[@]} -gt 0 ] || return 0
	for pattern in "${ONLY[@]}"; do
		# shellcheck disable=SC2053 # a pattern it is
		[[ $1 != *$pattern* ]] || return 0
	done
	return 1
}

case_end() {
	local result="ok" name=$CASE asserts

	CASE=
	COUNT=$((COUNT + 1))
	mapfile -t asserts <"$WORK/asserts"
	if [[ " ${asserts[*]%% *} " == *" fail "* ]]; then
		result="not ok"
	elif [[ " ${asserts[*]%% *} " == *" skip "* ]]; then
		name+=" # SKIP $(sed -n 's/^skip //p' "$WORK/asserts")"
	elif [ ${#asserts[@]} = 0 ]; then
		echo "the case asserts nothing" >>"$WORK/output"
		result="not ok"
	fi
	if [ "$result" != ok ]; then
		BAD=$((BAD + 1))
		sed 's/^/# /' "$WORK/output"
	fi
	echo "$result $COUNT $name"
}

# finish: the last line of a test.
finish() {
	DONE=1
	exit 0
}

# --- assertions --------------------------------------------------------------
# Each prints what was expected and got when it fails, returns nonzero then,
# and lets the case go on unless the caller says `|| return`. They work in
# subshells too.

pass() { echo "pass" >>"$WORK/asserts"; }

# fail MESSAGE: the case fails.
fail() {
	echo "fail" >>"$WORK/asserts"
	echo "FAIL: $1"
	return 1
}

# skip REASON: the case is skipped; `skip REASON; return` ends it.
skip() { echo "skip $1" >>"$WORK/asserts"; }

# check WHAT COMMAND...: the command must succeed.
check() {
	local what=$1 out rc
	shift

	out=$("$@" 2>&1) && rc=0 || rc=$?
	[ $rc != 0 ] || { pass; return 0; }
	fail "$what: expected success, got status $rc of: $*" ||
		{ echo "$out"; return 1; }
}

# check_fails WHAT COMMAND...: the command must fail.
check_fails() {
	local what=$1
	shift

	"$@" >/dev/null 2>&1 || { pass; return 0; }
	fail "$what: expected failure, got success of: $*"
}

# check_eq WHAT EXPECTED GOT
check_eq() {
	[ "$2" != "$3" ] || { pass; return 0; }
	fail "$1: expected '$2', got '$3'"
}

# check_range WHAT MIN MAX GOT
check_range() {
	[[ $4 =~ ^-?[0-9]+$ ]] && [ "$4" -ge "$2" ] && [ "$4" -le "$3" ] &&
		{ pass; return 0; }
	fail "$1: expected $2..$3, got '$4'"
}

# check_match WHAT REGEX GOT
check_match() {
	[[ ! $3 =~ $2 ]] || { pass; return 0; }
	fail "$1: expected a match of '$2', got '$3'"
}

# check_within MILLISECONDS WHAT COMMAND...: it must succeed by then.
check_within() {
	local ms=$1 what=$2
	shift 2

	! busywait "$ms" "$@" || { pass; return 0; }
	fail "$what: not within $ms ms: $*"
}

# expect_extack REGEX COMMAND...: the command must fail, and say so.
expect_extack() {
	local want=$1 err
	shift

	if err=$("$@" 2>&1 >/dev/null); then
		fail "expected a refusal with '$want', got success of: $*"
	else
		check_match "$*" "$want" "$err"
	fi
}

# must COMMAND...: what a test cannot go on without.
must() {
	local out

	out=$("$@" 2>&1) && return
	echo "# cannot go on, status $? of: $*"
	[ -z "$out" ] || echo "# $out"
	exit 1
}

# --- time --------------------------------------------------------------------

# debug_kernel: is it the one that watches itself (vm/debug.config)?
debug_kernel() { [[ $(uname -r) == *-debug ]]; }

# long_form: what can take long does.
long_form() { [ -n "${ADIT_LONG-}" ]; }

# short_form: another kernel has had all of it.
short_form() { [ -n "${ADIT_SHORT-}" ]; }

# gre_is_free: adit can have GRE; else the case is skipped.
gre_is_free() {
	[ ! -e /sys/module/ip_gre ] || { skip "ip_gre has GRE"; return 1; }
}

# busywait MILLISECONDS COMMAND...: repeat it until it succeeds; fails if it
# has not by then, or, since the host may be busy, three times that. A kernel that
# watches itself has more time.
busywait() {
	local end=$((${EPOCHREALTIME/./} + $1 * 1000 * SLOW * 3))
	shift

	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/./}" -lt "$end" ] || return 1
		nap 0.05
	done
}

# nap SECONDS: sleep, without a process for it.
nap() { read -rt "$1" -u "$NEVER" || :; }

# --- namespaces and topologies -----------------------------------------------

# ns_new VAR...: a new namespace for each, its name in the variable, lo up.
# Addresses are usable at once, and the kernel sends nothing that was not asked
# for, so that counters can be exact (but see settle).
ns_new() {
	local var name

	for var; do
		name=adit-${var,,}-$ID
		must ip netns add "$name"
		SPACES+=("$name")
		printf -v "$var" %s "$name"
		must ip -n "$name" link set lo up
		[ -e /proc/sys/net/ipv6 ] || continue
		must in_ns "$name" sysctl -qw \
			net.ipv6.conf.all.accept_dad=0 \
			net.ipv6.conf.default.accept_dad=0 \
			net.ipv6.conf.default.router_solicitations=0 \
			net.ipv6.conf.default.mldv1_unsolicited_report_interval=1 \
			net.ipv6.conf.default.mldv2_unsolicited_report_interval=1
	done
}

# ns_gone VAR: delete one of these before the test ends.
ns_gone() {
	local ns=${!1} kept=() space

	must ip netns del "$ns"
	for space in "${SPACES[@]}"; do
		[ "$space" = "$ns" ] || kept+=("$space")
	done
	SPACES=("${kept[@]}")
}

# in_ns NS COMMAND... (which sees the /sys of the host, unlike ip netns exec's,
# and takes half its time)
in_ns() { nsenter --net="/run/netns/$1" -- "${@:2}"; }

# link_ns NS DEV ADDR/LEN NS DEV ADDR/LEN: join two namespaces by a veth.
link_ns() {
	must ip -n "$1" link add "$2" type veth peer name "$5" netns "$4"
	must ip -n "$1" addr add "$3" dev "$2"
	must ip -n "$4" addr add "$6" dev "$5"
	must ip -n "$1" link set "$2" up
	must ip -n "$4" link set "$5" up
}

# forwarding NS...: make it a router.
forwarding() {
	local ns

	for ns; do
		must in_ns "$ns" sysctl -qw net.ipv4.ip_forward=1 \
			net.ipv6.conf.all.forwarding=1
	done
}

# topo_direct: two hosts on one wire.
#
#	A eth0 192.0.2.1/24 ---- 192.0.2.2/24 eth0 B
topo_direct() {
	ns_new A B
	A_IP=192.0.2.1 B_IP=192.0.2.2
	link_ns "$A" eth0 $A_IP/24 "$B" eth0 $B_IP/24
}

# topo_router: two hosts and a router, whose links can be narrowed.
#
#	A eth0 192.0.2.1/24 ---- .254 eth0 R
#	                                   R eth1 .254 ---- 198.51.100.2/24 eth0 B
topo_router() {
	ns_new A R B
	A_IP=192.0.2.1 B_IP=198.51.100.2
	link_ns "$A" eth0 $A_IP/24 "$R" eth0 192.0.2.254/24
	link_ns "$B" eth0 $B_IP/24 "$R" eth1 198.51.100.254/24
	forwarding "$R"
	must ip -n "$A" route add default via 192.0.2.254
	must ip -n "$B" route add default via 198.51.100.254
}

# topo_dual: topo_router with IPv6 too.
#
#	A eth0 2001:db8:1::1/64 -- ::254 R ::254 -- 2001:db8:2::2/64 eth0 B
topo_dual() {
	local end

	topo_router
	A_IP6=2001:db8:1::1 B_IP6=2001:db8:2::2
	must ip -n "$R" addr add 2001:db8:1::254/64 dev eth0
	must ip -n "$R" addr add 2001:db8:2::254/64 dev eth1
	for end in "$A $A_IP6 1" "$B $B_IP6 2"; do
		# shellcheck disable=SC2086 # three words
		set -- $end
		must ip -n "$1" addr add "$2/64" dev eth0
		must ip -n "$1" route add default via "2001:db8:$3::254"
	done
}

# topo_sites: two private networks, the gateways A and B between them and the
# router R.
#
#	HA eth0 10.10.10.2/24 ---- .1 lan0 A eth0 192.0.2.1/24 ----+
#	        fd00:10::2/64       ::1                            R
#	HB eth0 10.10.20.2/24 ---- .1 lan0 B eth0 198.51.100.2/24 -+
#	        fd00:20::2/64       ::1
topo_sites() {
	local site

	topo_router
	ns_new HA HB
	link_ns "$HA" eth0 10.10.10.2/24 "$A" lan0 10.10.10.1/24
	link_ns "$HB" eth0 10.10.20.2/24 "$B" lan0 10.10.20.1/24
	for site in "$HA $A 10" "$HB $B 20"; do
		# shellcheck disable=SC2086 # three words
		set -- $site
		must ip -n "$1" addr add "fd00:$3::2/64" dev eth0
		must ip -n "$2" addr add "fd00:$3::1/64" dev lan0
		must ip -n "$1" route add default via "10.10.$3.1"
		must ip -n "$1" route add default via "fd00:$3::1"
	done
	forwarding "$A" "$B"
}

# topo_sites_dual: topo_sites with IPv6 between the gateways too.
#
#	A eth0 2001:db8:1::1/64 -- ::254 R ::254 -- 2001:db8:2::2/64 eth0 B
topo_sites_dual() {
	local end

	topo_sites
	A_IP6=2001:db8:1::1 B_IP6=2001:db8:2::2
	for end in "$A $A_IP6 1 eth0" "$B $B_IP6 2 eth1"; do
		# shellcheck disable=SC2086 # words
		set -- $end
		must ip -n "$R" addr add "2001:db8:$3::254/64" dev "$4"
		must ip -n "$1" addr add "$2/64" dev eth0
		must ip -n "$1" route add default via "2001:db8:$3::254"
	done
}

# join_sites OUTER OPTION...: adit0 in A and in B over IPv4 or IPv6 (4, 6), and the
# way to the other's site.
join_sites() {
	local a=$A_IP b=$B_IP
	[ "$1" = 4 ] || { a=$A_IP6; b=$B_IP6; }
	shift

	adit_new "$A" "$a" "$b" "$@"
	adit_new "$B" "$b" "$a" "$@"
	tunnel_addr "$A" adit0 10.9.0.1/30 fd09::1/64
	tunnel_addr "$B" adit0 10.9.0.2/30 fd09::2/64
	must ip -n "$A" route add 10.10.20.0/24 dev adit0
	must ip -n "$A" route add fd00:20::/64 dev adit0
	must ip -n "$B" route add 10.10.10.0/24 dev adit0
	must ip -n "$B" route add fd00:10::/64 dev adit0
}

# tunnel_addr NS DEV ADDR/LEN...: give a tunnel addresses and set it up.
tunnel_addr() {
	local ns=$1 dev=$2 addr
	shift 2

	for addr; do
		must ip -n "$ns" addr add "$addr" dev "$dev"
	done
	must ip -n "$ns" link set "$dev" up
}

# adit_new NS LOCAL REMOTE [OPTION...]: adit0 in NS, not yet up.
adit_new() {
	local ns=$1 local=$2 remote=$3
	shift 3

	must ip -n "$ns" link add adit0 type adit \
		local "$local" remote "$remote" "$@"
}

# adit_pair [OPTION...]: adit0 in A and in B, to each other.
#
#	A adit0 10.9.0.1/30 ==== 10.9.0.2/30 adit0 B
#	        fd09::1/64       fd09::2/64
adit_pair() {
	adit_new "$A" "$A_IP" "$B_IP" "$@"
	adit_new "$B" "$B_IP" "$A_IP" "$@"
	tunnel_addr "$A" adit0 10.9.0.1/30 fd09::1/64
	tunnel_addr "$B" adit0 10.9.0.2/30 fd09::2/64
}

# adit_gone: delete adit0 in A and in B.
adit_gone() {
	must ip -n "$A" link del adit0
	must ip -n "$B" link del adit0
}

# --- counters ----------------------------------------------------------------

# stat_get NS DEV FIELD: of struct rtnl_link_stats64
stat_get() { ip netns exec "$1" cat "/sys/class/net/$2/statistics/$3"; }

# received_more NS DEV WAS N: it has received N packets more than it had.
received_more() { [ "$(stat_get "$1" "$2" rx_packets)" = $(($3 + $4)) ]; }

# mac_get NS DEV
mac_get() { ip -n "$1" -br link show dev "$2" | awk '{ print $3 }'; }

# mtu_get NS DEV
mtu_get() { ip netns exec "$1" cat "/sys/class/net/$2/mtu"; }

# mtu_is NS DEV MTU
mtu_is() { [ "$(mtu_get "$1" "$2")" = "$3" ]; }

# mib_get NS NAME: a counter of the netns, as nstat(8) names it.
mib_get() { in_ns "$1" nstat -asz "$2" | awk -v name="$2" '$1 == name { print $2 }'; }

# info_data NS DEV: the options as JSON, as ip prints them.
info_data() {
	ip -n "$1" -d -j link show dev "$2" |
		sed -n 's/.*"info_data":\({[^}]*}\).*/\1/p'
}

# nft_packets NS WHAT...: of the counters in what `nft list WHAT...` prints, a line for
# each.
nft_packets() {
	in_ns "$1" nft list "${@:2}" | sed -n 's/.*packets \([0-9]*\) .*/\1/p'
}

# drop_get NS DEV CAUSE
drop_get() {
	in_ns "$1" ethtool -S "$2" | awk -v c="$3:" '$1 == c { print $2 }'
}

drops_all() { in_ns "$1" ethtool -S "$2" | awk 'NF == 2 { print $1, $2 }'; }

# drops_mark NS DEV: what check_drops compares with.
drops_mark() { drops_save "$1" "$2" "$WORK/drops.$1.$2"; }

# drops_save NS DEV FILE: all of them, of which there must be some.
drops_save() {
	drops_all "$1" "$2" >"$3"
	[ -s "$3" ] || fail "no counters of $2"
}

# drops_moved NS DEV: some cause has.
drops_moved() { [ -n "$(drops_since "$1" "$2")" ]; }

# drops_since NS DEV: the causes that moved since the mark, as `name +n`.
drops_since() {
	drops_all "$1" "$2" | awk '
		NR == FNR { was[$1] = $2; next }
		{ n = $2 - was[$1]; sub(":", "", $1) }
		n { print $1, "+" n }
	' "$WORK/drops.$1.$2" - | paste -sd ' '
}

# check_drops NS DEV [CAUSE N]: since the mark, this cause moved by N and no
# other did; without a cause, none did.
check_drops() {
	check_eq "drops of $2" "${3:+$3 +$4}" "$(drops_since "$1" "$2")"
}

# no_drops NS DEV [CAUSE]: none since it was made, but for that cause.
no_drops() {
	drops_save "$1" "$2" "$WORK/drops"
	check_eq "drops of $2" "" "$(grep ' [1-9][0-9]*$' "$WORK/drops" |
		grep -v "^ *${3:-none}: ")"
}

# settle NS DEV: wait until its counters rest (multicast group reports are sent
# shortly after a device goes up).
settle() {
	local was='' is=

	for _ in {1..50}; do
		is=$(in_ns "$1" grep "$2:" /proc/net/dev)
		[ "$is" != "$was" ] || return 0
		was=$is
		nap 0.2
	done
	fail "the counters of $2 do not rest: $is"
}

# --- events ------------------------------------------------------------------

# monitor_start NS OBJECT...: what `ip monitor` tells goes into $WORK/monitor from now on.
monitor_start() {
	ip -n "$1" -o monitor "${@:2}" >"$WORK/monitor" 2>&1 &
	MONITOR=$!
	check_within 10000 "ip monitor tells" monitor_tells "$1"
}

# It is there when it tells of what is done to be told of.
monitor_tells() {
	ip -n "$1" link add told0 type dummy
	ip -n "$1" link del told0
	[ -s "$WORK/monitor" ]
}

# monitor_stop: fails if it had ended by itself.
monitor_stop() {
	local rc=0

	kill "$MONITOR" || rc=1
	wait "$MONITOR" 2>/dev/null
	return $rc
}

# --- captures ----------------------------------------------------------------

# capture_start NS DEV NAME [TCPDUMP-ARG...] [FILTER...]: returns when it does
# capture.
capture_start() {
	local ns=$1 dev=$2 name=$3
	shift 3

	# What one of that name has said before is not this one's.
	rm -f "$WORK/$name.err" "$WORK/$name.pcap"
	# Not in_ns: it is tcpdump that must get the signal, not a subshell. By
	# default its buffer holds 8 packets, however small they are.
	ip netns exec "$ns" tcpdump -Z root -U --immediate-mode -i "$dev" \
		-s 65535 -B 8192 -w "$WORK/$name.pcap" \
		"$@" 2>"$WORK/$name.err" &
	printf -v "CAPTURE_$name" %s $!
	busywait 10000 grep -q 'listening on' "$WORK/$name.err" && return
	fail "tcpdump does not start: $(cat "$WORK/$name.err")"
}

# capture_wait NAME COUNT: assert that there are so many packets within 5 s.
capture_wait() {
	check_within 5000 "$2 packets in capture $1" capture_has "$1" "$2"
}

capture_has() { [ "$(capture_show "$1" | wc -l)" -ge "$2" ]; }

# capture_is_whole NAME PID: tcpdump, which says when asked what it has seen, has written
# all of it; or what is not written is not wanted, for it is no more than when asked last.
capture_is_whole() {
	local line was='' whole=''

	kill -USR1 "$2" 2>/dev/null || return 0
	nap 0.02
	while read -r line; do
		[[ $line =~ \ ([0-9]+)\ packets?\ captured,\ ([0-9]+)\  ]] || continue
		whole=
		[ "${BASH_REMATCH[1]}" != "${BASH_REMATCH[2]}" ] || whole=1
		[ "$line" != "$was" ] || whole=1
		was=$line
	done <"$WORK/$1.err"
	[ -n "$whole" ]
}

# capture_stop NAME
capture_stop() {
	local pid=CAPTURE_$1

	busywait 5000 capture_is_whole "$1" "${!pid}"
	kill -INT "${!pid}" 2>/dev/null
	wait "${!pid}" 2>/dev/null
	grep -q '^0 packets dropped by kernel' "$WORK/$1.err" ||
		fail "capture $1 has gaps: $(cat "$WORK/$1.err")"
}

# capture_show NAME [TCPDUMP-ARG...]: a line for each packet, by tcpdump.
capture_show() {
	local name=$1
	shift

	tcpdump -tnr "$WORK/$name.pcap" "$@" 2>/dev/null
}

# capture_hex NAME [FILTER...]: a line for each packet: its bytes in hex, from
# the IP header on.
capture_hex() {
	capture_show "$1" -qx "${@:2}" | awk '
		!/^\t0x/ { if (hex) print hex; hex = ""; next }
		{ for (i = 2; i <= NF; i++) hex = hex $i }
		END { if (hex) print hex }'
}

# hex_at HEX OFFSET LENGTH: that many bytes of it, in hex.
hex_at() { echo "${1:$2 * 2:$3 * 2}"; }

# hex_num HEX OFFSET LENGTH: the same as a decimal number.
hex_num() { echo $((16#${1:$2 * 2:$3 * 2})); }

# --- traffic -----------------------------------------------------------------

# ping_ok NS ADDR [PING-ARG...]: assert that pings are answered. (One of them is enough:
# what has just been set up may lose the first.)
ping_ok() {
	check "ping $2 from $1" in_ns "$1" ping -q -c 3 -i 0.2 -W 5 "${@:3}" "$2"
}

# raw_start NS...: serve raw() there.
raw_start() {
	local ns fd

	for ns; do
		must mkfifo "$WORK/$ns.ask" "$WORK/$ns.say"
		in_ns "$ns" "$LIB/raw.py" <"$WORK/$ns.ask" >"$WORK/$ns.say" &
		exec {fd}<>"$WORK/$ns.ask"
		RAW_ASK[$ns]=$fd
		exec {fd}<>"$WORK/$ns.say"
		RAW_SAY[$ns]=$fd
	done
}

# raw NS REQUEST...: send packets as raw.py has it, and assert that it could.
raw() {
	local answer="no answer"

	echo "${@:2}" >&"${RAW_ASK[$1]}"
	read -r -t $((30 * SLOW)) answer <&"${RAW_SAY[$1]}"
	check_eq "send ${*:2}" OK "$answer"
}

# in_ns_on_cpu NS COMMAND...: all of it on one CPU, as a TCP client is to be. Where its ACK
# and its first data come in on two at once, Linux without "tcp: Defer ts_recent changes
# until req is owned" (6.14, stable kernels of March 2025) may have a connection that the
# listener is never told of.
in_ns_on_cpu() { in_ns "$1" taskset -c "$CPU" "${@:2}"; }

# tcp_bytes CLIENT SERVER ADDR BYTES [-R]: send them over TCP (-R: from SERVER),
# print how many have arrived. (iperf3 is no measure: 3.9 sends more than it is
# asked for, counts less, and with -n -R never ends.)
tcp_bytes() {
	local addr=$3 family=4 pid in=$WORK/tcp.in out=$WORK/tcp.out
	local at_server listen at_client connect

	[[ $addr != *:* ]] || { family=6 addr="[$addr]"; }
	listen=TCP$family-LISTEN:5201,bind=$addr,reuseaddr
	connect=TCP$family:$addr:5201
	at_server=("$listen" "CREATE:$out") at_client=("OPEN:$in" "$connect")
	if [ "${5-}" = -R ]; then
		at_server=("OPEN:$in" "$listen")
		at_client=("$connect" "CREATE:$out")
	fi
	rm -f "$out"
	head -c "$4" /dev/urandom >"$in"
	in_ns "$2" timeout $((60 * SLOW)) socat -b 131072 -u "${at_server[@]}" &
	pid=$!
	busywait 10000 listens "$2" 5201
	in_ns_on_cpu "$1" timeout $((60 * SLOW)) \
		socat -b 131072 -u "${at_client[@]}"
	wait "$pid"
	wc -c <"$out"
	cmp "$in" "$out"
}

# iperf_ok CLIENT SERVER ADDR [IPERF3-ARG...]: assert that a second of iperf3
# gets something across.
iperf_ok() {
	local client=$1 server=$2 addr=$3 pid out
	shift 3

	# Not in_ns: it is iperf3 that must go.
	ip netns exec "$server" iperf3 -s -1 -B "$addr" >/dev/null 2>&1 &
	pid=$!
	busywait 10000 listens "$server" 5201
	out=$(in_ns_on_cpu "$client" timeout $((60 * SLOW)) \
		iperf3 -J -t 1 -c "$addr" "$@")
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	check_range "bytes by iperf3" 1 100000000000 "$(jq -r '.error //
		.end.sum_received.bytes // .end.sum.bytes' <<<"$out")"
}

# mtu_told ADDR FAMILY SIZE MTU: a ping of that size from A is refused, and a socket is
# told of that MTU, be it the device's or what ICMP taught.
mtu_told() {
	local mtu

	! in_ns "$A" ping "-$2" -q -c 1 -W 1 -M 'do' -s "$3" "$1" || return 1
	mtu=$(path_mtu "$1" "$2")
	[ "$mtu" = "$4" ] || { echo "path MTU: $mtu"; return 1; }
}

# path_mtu ADDR FAMILY: IP_MTU or IPV6_MTU of a socket of A
path_mtu() {
	in_ns "$A" python3 -c '
import socket, sys
addr, family = sys.argv[1:]
v4 = family == "4"
s = socket.socket(socket.AF_INET if v4 else socket.AF_INET6, socket.SOCK_DGRAM)
s.connect((addr, 9))
print(s.getsockopt(0, 14) if v4 else s.getsockopt(41, 24))' "$@"
}

# packet NS ARG...: packet.py, there.
packet() { in_ns "$1" "$LIB/packet.py" "${@:2}"; }

# lines WORD...: a line for each.
lines() { printf '%s\n' "$@"; }

# udp_receive NS: take packet.py's datagrams there, from now to udp_received.
udp_receive() {
	: >"$WORK/received"
	ip netns exec "$1" "$LIB/packet.py" recv >"$WORK/received" &
	UDP_RECEIVER=$!
	check_within 10000 "a receiver in $1" udp_listens "$1" 5999
}

# udp_received LINE...: assert that exactly these arrive within 5 s: number,
# size, and whether the payload is.
udp_received() {
	check_within 5000 "$# datagrams" udp_has $#
	kill "$UDP_RECEIVER"
	wait "$UDP_RECEIVER" 2>/dev/null
	check_eq "datagrams received" "$(lines "$@")" \
		"$(sort -n "$WORK/received")"
}

udp_has() { [ "$(wc -l <"$WORK/received")" -ge "$1" ]; }
udp_listens() { [ -n "$(in_ns "$1" ss -Hlun "sport = :$2")" ]; }

# listens NS PORT: does anyone, on TCP?
listens() { [ -n "$(in_ns "$1" ss -Htln "sport = :$2")" ]; }

# --- the end -----------------------------------------------------------------

cleanup() {
	local ns pids module

	pids=$(jobs -p)
	for ns in "${SPACES[@]}"; do
		pids+=" $(ip netns pids "$ns" 2>/dev/null)"
	done
	# shellcheck disable=SC2086 # words they are
	[ -z "${pids// /}" ] || kill -KILL $pids 2>/dev/null
	wait 2>/dev/null
	for ns in "${SPACES[@]}"; do
		ip netns del "$ns"
	done
	for module in "${LOADED[@]}"; do
		modprobe -r "$module" 2>/dev/null
	done
}

klog_clean() {
	local out

	out=$("$LIB/klog" check "$MARK") && { pass; return 0; }
	fail "the kernel complains:"
	echo "$out"
}

on_exit() {
	local rc=$?

	trap - EXIT
	trap '' INT TERM
	exec >&"$OUT" 2>&1	# within a case it is the case's
	if [ -n "$CASE" ]; then
		fail "the test ended within this case" >>"$WORK/output"
		case_end
	fi
	cleanup >"$WORK/cleanup" 2>&1
	sed 's/^/# /' "$WORK/cleanup"
	ONLY=()
	case_run "kernel log" klog_clean
	# No plan without finish: it shows that the test ended early.
	if [ -n "$DONE" ]; then
		echo "1..$COUNT"
	else
		BAD=$((BAD + 1))
		echo "Bail out! The test ended early, status $rc"
	fi
	rm -rf "$WORK"
	exit $((BAD > 0))
}

LIB=$(dirname "${BASH_SOURCE[0]}")
[ "$(id -u)" = 0 ] || skip_all "not root"
echo "TAP version 13"
MARK=$("$LIB/klog" mark "$(basename "$0")") || exit 1
exec {OUT}>&1
exec {NEVER}<> <(:)	# a pipe without a writer but us
trap on_exit EXIT
trap 'exit 130' INT TERM HUP
! debug_kernel || SLOW=5
modprobe adit || skip_all "needs the module adit"
