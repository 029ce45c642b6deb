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
# shellcheck disable=SC2086 # options and numbers are words

. ./lib.sh
. ./faults.lib
require failnth python3 ethtool ping

FAULTS=/sys/kernel/debug
[ -w $FAULTS/failslab/verbose ] || skip_all "no CONFIG_FAILSLAB"
[ -w $FAULTS/fail_page_alloc/verbose ] || skip_all "no CONFIG_FAIL_PAGE_ALLOC"

NEWLINK=sendmsg:16
DELLINK=sendmsg:17

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

# walk PATTERN OPTION... CALL COMMAND...: in A, with each allocation of the call
# failing in turn (programs/failnth.c). What is told of each time, from its second
# word on, is PATTERN: a regular expression, in which ERROR is any for want of
# memory, and BEFORE and AFTER what the device is when nothing fails.
walk() {
	local pattern=$1 rc=0 first before result after
	shift

	in_ns "$A" failnth "$@" >"$WORK/walk" 2>"$WORK/said" || rc=$?
	check_eq "failnth" "0 " "$rc $(cat "$WORK/said")"
	read -r _ _ first before result after _ <"$WORK/walk"
	check_eq "without a fault" "ok ok" "$first $result"
	pattern=${pattern//ERROR/(ENOMEM|ENOBUFS|ENFILE)}
	pattern=${pattern//BEFORE/$before}
	pattern=${pattern//AFTER/$after}
	check_eq "what became of it" "" \
		"$(grep -vE "^[0-9]+ (taken|spared) ($pattern)$" "$WORK/walk")"
	check_range "allocations that failed" 1 5000 \
		"$(grep -c "^[0-9]* taken" "$WORK/walk")"
}

# --- configuration -----------------------------------------------------------------

# creating OPTION...: it is there as a whole, or not at all. ip names a device to be
# deleted by its index: it is always the same. For want of memory for its name in
# /sys, which nobody looks at, the kernel finds that there is none: EINVAL.
creating() {
	local add="ip link add adit1 index 777 type adit $*"

	must in_ns "$A" $add
	walk "(ok|errno=19) none (ok AFTER|ERROR (none|AFTER)|errno=22 none)" --look adit1 \
		--first $DELLINK "exec ip link del adit1" $NEWLINK $add
	check_match "without a fault" "none ok [0-9a-f]+:down$" "$(head -1 "$WORK/walk")"
	must ip -n "$A" link del adit1
	check "there is memory" in_ns "$A" $add
	must ip -n "$A" link del adit1
}

# changing BACK CHANGE: from one to the other, options being words; it is either.
changing() {
	must ip -n "$A" link add adit1 type adit $1
	walk "ok BEFORE (ok AFTER|ERROR (BEFORE|AFTER))" --look adit1 \
		--first $NEWLINK "exec ip link set adit1 type adit $1" \
		$NEWLINK ip link set adit1 type adit $2
	check "there is memory" ip -n "$A" link set adit1 type adit $2
	must ip -n "$A" link del adit1
}

opening() {
	walk "ok BEFORE (ok AFTER|ERROR (BEFORE|AFTER))( .*)?" --look adit0 \
		--first $NEWLINK "exec ip link set adit0 down" \
		$NEWLINK ip link set adit0 up
	check_match "without a fault" ":down ok [0-9a-f]+:up" "$(head -1 "$WORK/walk")"
	must ip -n "$A" link set adit0 up
	tunnel_addr "$A" adit0 fd09::1/64
	ping_ok "$A" 10.9.0.2
	ping_ok "$A" fd09::2
}

# --- packets -----------------------------------------------------------------------

# Who looks on has a clone of each packet.
READ='
import socket, sys
reader = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
reader.bind((sys.argv[1], 0))
while True:
    reader.recv(65536)
'

# sending OPTIONS SPEC: a datagram through a tunnel with these options, with routes
# looked up afresh. The device has had nothing, or has counted it; and what is
# dropped is so for want of memory, on the way to the device's queue or past it.
sending() {
	adit_gone
	adit_pair $1
	settle "$A" adit0
	udp_receive "$B"
	flood "$A" python3 -c "$READ" adit0
	walk "ok AFTER (ok|ERROR) AFTER( tx_packets\\+[0-9]+)?( (tx_nomem|tx_underlay)\\+[0-9]+)*" \
		--first write "echo 1 >/proc/sys/net/ipv4/route/flush" \
		--look adit0 sendto "$LIB/packet.py" send 10.9.0.2 "$2"
	flood_stop
	receiver_stop
	ping_ok "$A" 10.9.0.2
	check_range "tx_nomem" 1 1000 "$(drop_get "$A" adit0 tx_nomem)"
}

# --- receive -----------------------------------------------------------------------

# A device of A whose packets are written by a process, in whose context they are
# received then.
WRITE='
import fcntl, os, struct, sys
mode, *packets = sys.argv[1:]
tun = os.open("/dev/net/tun", os.O_RDWR)
flags = {"tun": 0x1001, "tap": 0x1002}[mode]
fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH22x", b"under0", flags))
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

# receiving MODE OPTIONS TOS PROTO HEX: one at most, and lost for want of memory.
receiving() {
	local mode=$1 packet frame=

	packet=$(ip4 $3 $4 $5)
	must ip -n "$A" tuntap add dev under0 mode $mode
	must ip -n "$A" addr add 198.51.100.1/24 dev under0
	must ip -n "$A" link set under0 up
	[ $mode = tun ] || frame=$(ip -n "$A" link show dev under0 |
		awk '/link\/ether/ { gsub(":", "", $2); print $2 }')0200000000010800
	must ip -n "$A" link add adit1 type adit local 198.51.100.1 $2
	must ip -n "$A" link set adit1 up
	settle "$A" adit1
	flood "$A" python3 -c "$READ" under0
	walk "ok AFTER (ok|ERROR) AFTER( (rx_packets|rx_nomem)\\+1)?" --look adit1 \
		writev python3 -c "$WRITE" $mode $frame$packet
	flood_stop
	check_match "without a fault" " rx_packets\\+1$" "$(head -1 "$WORK/walk")"
	check_match "at last" " rx_packets\\+1$" "$(tail -1 "$WORK/walk")"
	echo "rx_nomem: $(drop_get "$A" adit1 rx_nomem)"
	must ip -n "$A" link del adit1
	must ip -n "$A" link del under0
}

# --- the module --------------------------------------------------------------------

# It is there after a load that succeeded only; what it depends on stays.
loading() {
	local file

	file=$(modinfo -F filename adit)
	if [[ $file != *.ko ]]; then
		skip "the module is packed"
		return
	fi
	adit_gone
	walk "(ok|errno=2) none (ok|ERROR) none" \
		--first delete_module "exec rmmod adit" finit_module insmod "$file"
	check_eq "what was unloaded without having been loaded, or the reverse" "" \
		"$(awk 'NR > 1 && ($3 == "ok") != was { print }
			{ was = $5 == "ok" }' "$WORK/walk")"
	must rmmod adit
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
