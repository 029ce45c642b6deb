#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every allocation fails in turn: of creating, changing and setting up a tunnel, of
# sending and receiving, of loading the module. The call fails or succeeds as a
# whole, what is lost is counted as lost for want of memory, and all works as
# soon as there is memory again.
#
# Needs a kernel that can have allocations fail (vm/debug.config). What leaks or is
# used after it was freed is told by that kernel (klog), and by the runner at the end.
#
# Where there are many, only every so-manieth fails, another one each time, and
# more of them in the long form.
#
# shellcheck disable=SC2086 # options and numbers are words

. ./lib.sh
. ./faults.lib
require failnth python3 jq ethtool ping

FAULTS=/sys/kernel/debug
[ -w $FAULTS/failslab/verbose ] || skip_all "no CONFIG_FAILSLAB"
[ -w $FAULTS/fail_page_alloc/verbose ] || skip_all "no CONFIG_FAIL_PAGE_ALLOC"

STEPS=12	# allocations of a call that are tried at least, if it has so many
! long_form || STEPS=100
NEWLINK=sendmsg:16

# Those that may sleep fail too, and of any size; nothing is said of each.
faults_on() {
	local dir

	for dir in $FAULTS/failslab $FAULTS/fail_page_alloc; do
		echo 0 >$dir/verbose
		echo 0 >$dir/probability
		echo N >$dir/ignore-gfp-wait
	done
	echo N >$FAULTS/fail_page_alloc/ignore-gfp-highmem
	echo 0 >$FAULTS/fail_page_alloc/min-order
}

# faulty N CALL COMMAND...: in A. TAKEN says whether the fault was.
faulty() {
	TAKEN=$(in_ns "$A" failnth "$@" 2>"$WORK/said")
}

# walk CALL BEFORE AFTER COMMAND...: once with each allocation of the call failing.
# AFTER is given the command's status and what it said.
walk() {
	local call=$1 before=$2 after=$3 n rc step=1 all
	shift 3

	$before
	faulty 1000000 $call "$@" || fail "without a fault: $(cat "$WORK/said")"
	$after 0 ""
	check_match "allocations" "^spared [0-9]+$" "$TAKEN" || return
	all=${TAKEN#spared }
	[ $all -le $((3 * STEPS)) ] || step=$((all / STEPS))
	for ((n = 1 + RANDOM % step; n <= all; n += step)); do
		$before
		faulty $n $call "$@" && rc=0 || rc=$?
		$after $rc "$(cat "$WORK/said")" || fail "allocation $n of $all"
		case $TAKEN in
		taken | spared*) pass ;;
		*) fail "allocation $n: $TAKEN" ;;
		esac
	done
	echo "$all allocations"
}

nothing() { :; }

# --- configuration -----------------------------------------------------------------

info() { ip -n "$A" -d -j link show dev "$1" | jq -cS '.[0].linkinfo.info_data'; }

out_of_memory() {
	[ $1 = 0 ] || check_match "refusal" \
		"Cannot allocate memory|No buffer space|ENOMEM|ENOBUFS" "$2"
}

# It is there as a whole, or not at all.
created() {
	local is

	out_of_memory "$@"
	is=$(info adit1 2>/dev/null)
	[ $1 = 0 ] || [ -n "$is" ] || { pass; return; }
	check_eq "the tunnel" "$WHOLE" "$is"
	must ip -n "$A" link del adit1
}

# creating OPTION...
creating() {
	must ip -n "$A" link add adit1 type adit "$@"
	WHOLE=$(info adit1)
	must ip -n "$A" link del adit1
	walk $NEWLINK nothing created ip link add adit1 type adit "$@"
	check "there is memory" ip -n "$A" link add adit1 type adit "$@"
	check_eq "the tunnel" "$WHOLE" "$(info adit1)"
	must ip -n "$A" link del adit1
}

changed() {
	local is

	out_of_memory "$@"
	is=$(info adit1)
	[ "$is" = "$WHOLE" ] || check_eq "the tunnel" "$OLD" "$is"
}

# What is left of a change that failed is what was there before.
change_back() { must ip -n "$A" link set adit1 type adit $BACK; }

# changing BACK CHANGE: from one to the other, options being words.
changing() {
	BACK=$1
	must ip -n "$A" link add adit1 type adit $1
	OLD=$(info adit1)
	must ip -n "$A" link set adit1 type adit $2
	WHOLE=$(info adit1)
	walk $NEWLINK change_back changed ip link set adit1 type adit $2
	check "there is memory" ip -n "$A" link set adit1 type adit $2
	check_eq "the tunnel" "$WHOLE" "$(info adit1)"
	must ip -n "$A" link del adit1
}

opened() {
	out_of_memory "$@"
	[ $1 != 0 ] || check_match "flags" "[<,]UP[,>]" \
		"$(ip -n "$A" link show dev adit0)"
}
close_it() { must ip -n "$A" link set adit0 down; }

opening() {
	walk $NEWLINK close_it opened ip link set adit0 up
	must ip -n "$A" link set adit0 up
	tunnel_addr "$A" adit0 fd09::1/64
	ping_ok "$A" 10.9.0.2
	ping_ok "$A" fd09::2
}

# --- packets -----------------------------------------------------------------------

tx_account() {
	echo $(($(stat_get "$A" adit0 tx_packets) + $(tx_drops)))
}
tx_drops() { drops_all "$A" adit0 | awk '/tx_/ { n += $2 } END { print n + 0 }'; }

# Routes are looked up afresh.
tx_before() {
	must ip -n "$A" route flush cache
	must ip -n "$A" route replace $B_IP/32 dev eth0 mtu $((1400 + RANDOM % 2))
	drops_mark "$A" adit0
}

# The device has had nothing, or has counted it; and what is dropped is so for
# want of memory, on the way to the device's queue or past it.
tx_after() {
	local drops

	drops=$(drops_since "$A" adit0)
	check_match "drops" "^((tx_nomem|tx_underlay) \\+[0-9]+ ?)*$" "$drops"
}

# Who looks on has a clone of each packet.
READ='
import socket
reader = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
reader.bind(("adit0", 0))
while True:
    reader.recv(65536)
'

# sending OPTIONS SPEC: a datagram through a tunnel with these options.
sending() {
	adit_gone
	adit_pair $1
	settle "$A" adit0
	flood "$A" python3 -c "$READ"
	walk sendto tx_before tx_after "$LIB/packet.py" send 10.9.0.2 "$2"
	flood_stop
	ping_ok "$A" 10.9.0.2
	check_range "tx_nomem" 1 1000 "$(drop_get "$A" adit0 tx_nomem)"
}

# --- receive -----------------------------------------------------------------------

# A device of A whose packets are written by a process, in whose context they are
# received then. A socket that looks on has a clone of each.
WRITE='
import fcntl, os, socket, struct, sys
mode, *packets = sys.argv[1:]
tun = os.open("/dev/net/tun", os.O_RDWR)
flags = {"tun": 0x1001, "tap": 0x1002}[mode]
fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH22x", b"under0", flags))
reader = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
reader.bind(("under0", 0))
for packet in packets:
    os.writev(tun, [bytes.fromhex(packet)])
'

ip4() {
	python3 -c '
import socket, struct, sys
tos, proto, data = int(sys.argv[1]), int(sys.argv[2]), bytes.fromhex(sys.argv[3])
def head(csum):
    return struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + len(data), 0, 0x4000, 64,
                       proto, csum, socket.inet_aton("198.51.100.2"),
                       socket.inet_aton("198.51.100.1"))
total = sum(struct.unpack("!10H", head(0)))
total = (total & 0xffff) + (total >> 16)
print((head(~total & 0xffff) + data).hex())' "$@"
}

INNER=4500001c000000004011f1d80a0900020a0900014d176e1700080000
UDP6080=04d217c0

rx_before() {
	drops_mark "$A" adit1
	RX=$(stat_get "$A" adit1 rx_packets)
}

# One at most, and lost for want of memory.
rx_after() {
	local drops

	drops=$(drops_since "$A" adit1)
	check_match "drops" "^(rx_nomem \\+1)?$" "$drops"
	check_range "received or dropped" 0 1 $((${drops:+1} +
		$(stat_get "$A" adit1 rx_packets) - RX))
}

# receiving MODE OPTIONS TOS PROTO HEX
receiving() {
	local mode=$1 packet frame=

	packet=$(ip4 $3 $4 $5)
	must ip -n "$A" tuntap add dev under0 mode $mode
	must ip -n "$A" addr add 198.51.100.1/24 dev under0
	must ip -n "$A" link set under0 up
	[ $mode = tun ] || frame=$(ip -n "$A" -j link show dev under0 |
		jq -r '.[0].address | gsub(":"; "")')0200000000010800
	must ip -n "$A" link add adit1 type adit local 198.51.100.1 $2
	must ip -n "$A" link set adit1 up
	settle "$A" adit1
	rx_before
	must in_ns "$A" python3 -c "$WRITE" $mode $frame$packet
	check_eq "received" 1 $(($(stat_get "$A" adit1 rx_packets) - RX))
	walk writev rx_before rx_after python3 -c "$WRITE" $mode $frame$packet
	rx_before
	must in_ns "$A" python3 -c "$WRITE" $mode $frame$packet
	check_eq "received" 1 $(($(stat_get "$A" adit1 rx_packets) - RX))
	check_range "rx_nomem" 0 1000 "$(drop_get "$A" adit1 rx_nomem)"
	echo "rx_nomem: $(drop_get "$A" adit1 rx_nomem)"
	must ip -n "$A" link del adit1
	must ip -n "$A" link del under0
}

# --- the module --------------------------------------------------------------------

# What it depends on stays.
unloaded() { ! grep -q "^adit " /proc/modules || must timeout 100 rmmod adit; }

# It is there or not, and the protocols are not taken by half of it.
loaded() {
	[ $1 = 0 ] || check_match "refusal" "emory|ENOMEM|buffer" "$2"
	[ $1 = 0 ] || check_fails "it is loaded" grep -q "^adit " /proc/modules
}

loading() {
	local file

	file=$(modinfo -F filename adit)
	if [[ $file != *.ko ]]; then
		skip "the module is packed"
		return
	fi
	adit_gone
	unloaded
	walk finit_module unloaded loaded insmod "$file"
	unloaded
	check "there is memory" modprobe adit
	adit_pair
	ping_ok "$A" 10.9.0.2
}

topo_direct
faults_on
adit_pair
REMOTE="remote 192.0.2.9"
V6LIST=$(seq -s, -f "2001:db8:%g::/48" 1 30)
case_run "newlink: plain" creating local $A_IP $REMOTE
case_run "newlink: everything" creating local $A_IP $REMOTE dev eth0 \
	mode gre key 5 csum encap gue encap-dport 6080 fastpath on \
	deliver underlay mss-clamp on
case_run "newlink: both families, FOU, many prefixes" creating remote any \
	allow "$V6LIST" encap fou encap-dport 5555
case_run "changelink: from plain to GRE" changing "$REMOTE mode ip" "mode gre key 5"
case_run "changelink: from FOU to GUE, with hooks" changing \
	"$REMOTE encap fou encap-dport 5555 fastpath off deliver tunnel" \
	"encap gue encap-dport 6080 fastpath on deliver underlay"
case_run "changelink: prefixes" changing "remote any allow 192.0.2.0/24" \
	"allow $V6LIST"
case_run "open" opening
case_run "transmit: plain" sending "" n=1,size=100
case_run "transmit: GRE, inner fragments" sending \
	"mode gre key 5 csum seq" n=1,size=3000,df=dont
case_run "transmit: segments made here" sending "mode gre seq" \
	n=1,size=4000,gso=1000
case_run "transmit: GUE, fast" sending \
	"encap gue encap-dport 6080 fastpath on" n=1,size=100
FROM="remote 198.51.100.2"
case_run "receive: plain" receiving tun "$FROM" 0 4 $INNER
case_run "receive: GRE with a key" receiving tun "$FROM mode gre key 5" 0 47 \
	2000080000000005$INNER
case_run "receive: FOU, fast" receiving tun \
	"$FROM encap fou encap-dport 6080 fastpath on" 0 17 \
	${UDP6080}00240000$INNER
case_run "receive: GUE, with metadata" receiving tun \
	"external encap gue encap-dport 6080 allow 0.0.0.0/0" 0 17 \
	${UDP6080}0028000000040000$INNER
case_run "receive: a congestion mark, delivered to the underlay" receiving tap \
	"$FROM deliver underlay" 1 4 ${INNER/4500/4501}
case_run "load" loading
finish
