#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a GRE header may hold: keys tell tunnels between the same ends apart and
# must be right, checksums must be right, sequence numbers must ascend.

. ./lib.sh
require ping socat tcpdump ethtool python3
for module in ip_gre ip6_gre; do
	[ ! -e /sys/module/$module ] || skip_all "$module is loaded"
done

BYTES=262144
V4=10.9.0.2

topo_dual
# With all checksums computed by the kernel, captured packets are complete.
must in_ns "$A" ethtool -K eth0 tx off

gone() {
	local dev

	for dev in adit0 adit1; do
		ip -n "$A" link del $dev
		ip -n "$B" link del $dev
	done
	:
} 2>/dev/null

# end NS DEV LOCAL REMOTE ADDR/LEN OPTION...: a tunnel of mode gre, up.
end() {
	check "new: ${*:6}" ip -n "$1" link add "$2" type adit mode gre \
		local "$3" remote "$4" "${@:6}" || return
	must ip -n "$1" addr add "$5" dev "$2"
	must ip -n "$1" link set "$2" up
	settle "$1" "$2"
}

# ends OPTIONS-OF-A OPTIONS-OF-B [ADDR-OF-A ADDR-OF-B]: adit0 of both
ends() {
	# shellcheck disable=SC2086 # words they are
	end "$A" adit0 "${3-$A_IP}" "${4-$B_IP}" 10.9.0.1/30 $1 &&
		end "$B" adit0 "${4-$B_IP}" "${3-$A_IP}" $V4/30 $2
}

rx() { stat_get "$B" "$1" rx_packets; }
rx_is() { [ "$(rx "$1")" = "$2" ]; }

drops_are() { [ "$(drops_since "$1" "$2")" = "$3" ]; }

# --- one end -----------------------------------------------------------------

# What a router redirects (WCCP), of either version, is IPv4.
redirected() {
	local packet=4500001c00000000401166bd0a0900020a0900010000000000080000

	end "$A" adit0 "$A_IP" "$B_IP" 10.9.0.1/30 || return
	capture_start "$A" adit0 in -Q in
	raw "$B" ip "$B_IP" "$A_IP" 47 2 "0000883e$packet"
	raw "$B" ip "$B_IP" "$A_IP" 47 2 "0000883e00020004$packet"
	capture_wait in 4
	capture_stop in
	check_eq "what was in it" "$packet" "$(capture_hex in | sort -u)"
	check_eq "packets" 4 "$(capture_hex in | wc -l)"
	no_drops "$A" adit0
	gone
}

# --- both ends ---------------------------------------------------------------

# wire_header: of A's first packet
wire_header() {
	./packet.py show "$WORK/wire.pcap" e.gre e.key e.seq e.grecsum | head -n 1
}

# talks HEADER OPTIONS-OF-A OPTIONS-OF-B: both ways, and over either underlay.
# HEADER: of A's packets, as a regular expression: all in hex, key, sequence
# number, checksum.
talks() {
	local a b

	for a in "$A_IP" "$A_IP6"; do
		[ "$a" = "$A_IP" ] && b=$B_IP || b=$B_IP6
		ends "$2" "$3" "$a" "$b" || return
		capture_start "$A" eth0 wire -Q out \
			"ip proto 47 or ip6 proto 47" || return
		check "send" packet "$A" send "$V4" n=1
		capture_wait wire 1
		capture_stop wire
		check_match "header from $a" "^$1\$" "$(wire_header)"
		ping_ok "$A" "$V4"
		ping_ok "$B" 10.9.0.1
		no_drops "$A" adit0
		no_drops "$B" adit0
		check_eq "bytes from A" "$BYTES" \
			"$(tcp_bytes "$A" "$B" "$V4" "$BYTES")"
		check_eq "bytes from B" "$BYTES" \
			"$(tcp_bytes "$B" "$A" 10.9.0.1 "$BYTES")"
		# of a stream, packets from two CPUs overtake each other
		no_drops "$A" adit0 rx_seq
		no_drops "$B" adit0 rx_seq
		gone
	done
}

# mismatch OPTIONS-OF-A OPTIONS-OF-B: three packets that come to nothing but a
# count.
mismatch() {
	ends "$1" "$2" || return
	drops_mark "$B" adit0
	check "send" packet "$A" send "$V4" n=1,times=3
	busywait 5000 drops_are "$B" adit0 "rx_key +3"
	check_drops "$B" adit0 rx_key 3
	check_eq "received" 0 "$(rx adit0)"
}

# Two tunnels between the same ends.
two_keys() {
	local was0 was1

	ends "key 1" "key 1" || return
	end "$A" adit1 "$A_IP" "$B_IP" 10.9.1.1/30 ikey 3 okey 2 || return
	end "$B" adit1 "$B_IP" "$A_IP" 10.9.1.2/30 ikey 2 okey 3 || return
	ping_ok "$A" "$V4"
	ping_ok "$A" 10.9.1.2
	ping_ok "$B" 10.9.0.1
	ping_ok "$B" 10.9.1.1
	settle "$B" adit0
	settle "$B" adit1
	was0=$(rx adit0) was1=$(rx adit1)
	udp_receive "$B"
	check "send" packet "$A" send "$V4" n=1 n=2 n=3 10.9.1.2 n=4 n=5
	udp_received "1 100 ok" "2 100 ok" "3 100 ok" "4 100 ok" "5 100 ok"
	check_eq "by key 1" $((was0 + 3)) "$(rx adit0)"
	check_eq "by key 2" $((was1 + 2)) "$(rx adit1)"
}

# What has left GRE, and comes back to it, has no key.
leaves_gre() {
	local mode ns

	ends "key 42" "key 42" || return
	for mode in ip gre; do
		for ns in "$A" "$B"; do
			check "mode $mode" ip -n "$ns" link set adit0 \
				type adit mode "$mode"
		done
		ping_ok "$A" "$V4"
		ping_ok "$B" 10.9.0.1
		no_drops "$A" adit0
		no_drops "$B" adit0
	done
}

# That an external tunnel takes any key is not for the one beside it, which has none.
beside_external() {
	end "$A" adit0 "$A_IP" "$B_IP" 10.9.0.1/30 key 5 &&
		end "$B" adit0 "$B_IP" any "$V4/30" allow "$A_IP" || return
	check "external" ip -n "$B" link add adit1 type adit external \
		local "$B_IP" allow "$A_IP" || return
	must ip -n "$B" link set adit1 up
	drops_mark "$B" adit0
	check "send" packet "$A" send "$V4" n=1,times=3
	busywait 5000 drops_are "$B" adit0 "rx_key +3"
	check_drops "$B" adit0 rx_key 3
	check_eq "received" 0 "$(rx adit0)"
	check_eq "received by the other" 0 "$(rx adit1)"
}

# --- forged packets ----------------------------------------------------------

# forged OPTIONS DROPS SPEC...: what B's tunnel with these OPTIONS makes of each:
# a SPEC that begins with ! is dropped. DROPS: as drops_since prints it.
forged() {
	local spec n=0 specs=() arrives=()

	# shellcheck disable=SC2086 # words they are
	end "$B" adit0 "$B_IP" "$A_IP" $V4/30 $1 || return
	drops_mark "$B" adit0
	for spec in "${@:3}"; do
		n=$((n + 1))
		specs+=("gre=1,n=$n,${spec#!}")
		[[ $spec == !* ]] || arrives+=("$n 100 ok")
	done
	udp_receive "$B"
	check "forge" packet "$A" forge "$A_IP" "$B_IP" "${specs[@]}"
	busywait 5000 drops_are "$B" adit0 "$2"
	udp_received "${arrives[@]}"
	check_eq "drops" "$2" "$(drops_since "$B" adit0)"
}

# forge_one SPEC RECEIVED DROPS: of B's tunnel, afterwards
forge_one() {
	check "forge $1" packet "$A" forge "$A_IP" "$B_IP" "gre=1,$1"
	busywait 5000 drops_are "$B" adit0 "$3"
	busywait 5000 rx_is adit0 "$2"
	check_eq "drops after $1" "$3" "$(drops_since "$B" adit0)"
	check_eq "received after $1" "$2" "$(rx adit0)"
}

# Numbers go on after a change, but those of another peer begin anew.
renumbered() {
	end "$B" adit0 "$B_IP" "$A_IP" "$V4/30" iseq || return
	drops_mark "$B" adit0
	forge_one n=1,seq=1000 1 ""
	check "change" ip -n "$B" link set adit0 type adit ttl 9
	forge_one n=2,seq=5 1 "rx_seq +1"
	forge_one n=3,seq=1001 2 "rx_seq +1"
	check "change" ip -n "$B" link set adit0 type adit ikey 0
	forge_one n=4,seq=5,key=0 3 "rx_seq +1"
}

# numbers: those of 6 datagrams of A ascend by one.
numbers() {
	local seqs i

	ends oseq "" || return
	capture_start "$A" eth0 wire -Q out "ip proto 47" || return
	check "send" packet "$A" send "$V4" n=1,times=6
	capture_wait wire 6
	capture_stop wire
	mapfile -t seqs < <(./packet.py show "$WORK/wire.pcap" e.seq)
	check_eq "packets" 6 ${#seqs[@]} || return
	for i in 1 2 3 4 5; do
		check_eq "number $i" $((seqs[0] + i)) "${seqs[i]}"
	done
}

run() {
	case_run "$@"
	gone
}

run "no option" talks "00000800 - - -" "" ""
run "one key" talks "2000080000000007 7 - -" "key 7" "key 7"
run "a key for each direction" talks "2000080000000008 8 - -" \
	"ikey 7 okey 8" "ikey 8 okey 7"
run "a key of one direction" talks "20000800ffffffff 4294967295 - -" \
	"okey 4294967295" "ikey 4294967295"
run "key zero" talks "2000080000000000 0 - -" "key 0" "key 0"
run "checksums" talks "80000800[0-9a-f]{4}0000 - - ok" csum csum
run "checksums one way" talks "80000800[0-9a-f]{4}0000 - - ok" ocsum icsum
run "sequence numbers" talks "10000800[0-9a-f]{8} - [0-9]+ -" seq seq
run "sequence numbers one way" talks "10000800[0-9a-f]{8} - [0-9]+ -" oseq iseq
run "all at once" talks \
	"b0000800[0-9a-f]{4}000000000007[0-9a-f]{8} 7 [0-9]+ ok" \
	"key 7 csum seq" "key 7 csum seq"

run "another key" mismatch "key 7" "key 8"
run "directions mixed up" mismatch "ikey 7 okey 8" "ikey 7 okey 8"
run "a key where none is expected" mismatch "key 7" ""
run "no key where one is expected" mismatch "" "key 7"
run "key zero is a key" mismatch "" "key 0"
run "two tunnels by their keys" two_keys
run "no more GRE, no more key" leaves_gre
run "beside an external tunnel" beside_external

run "checksum required" forged icsum "rx_csum +2" \
	grecsum=ok !grecsum=bad !size=100 grecsum=ok
run "checksum not required, but right if it is there" \
	forged "" "rx_csum +1" grecsum=ok !grecsum=bad size=100
run "checksum with a key" forged "icsum ikey 5" "rx_csum +1" \
	grecsum=ok,key=5 !grecsum=bad,key=5
run "sequence: in order, and any gap" forged iseq "" \
	seq=5 seq=6 seq=7 seq=1000
run "sequence: late, the same again, none" forged iseq "rx_seq +4" \
	seq=5 seq=8 !seq=7 !seq=8 seq=9 !seq=5 !size=100 seq=10
run "sequence: over the end" forged iseq "rx_seq +1" \
	seq=0xfffffffe seq=0xffffffff seq=0 seq=1 !seq=0xffffffff seq=2
run "sequence: after a change" renumbered
run "sequence not required" forged "" "" seq=5 seq=4 size=100 seq=5
run "numbers on the wire" numbers
raw_start "$B"
case_run "redirected by a router" redirected
finish
