#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The outer header, field by field, as captured on the wire; and what becomes
# of ECN when it is taken off. The inner packet is the same bytes all the way.

. ./lib.sh
require python3 tcpdump ethtool jq

V4=10.9.0.2 V6=fd09::2

options() { check "set $*" ip -n "$A" link set adit0 type adit "$@"; }

# Captures run all the time: inner (what enters the tunnel), outer (what is on
# the wire) and far (what leaves it). A case numbers its datagrams from FROM on.
FROM=0 SENT=0 ARRIVED=0

# send DST SPEC...: of this case.
send() {
	local arg args=() count=0

	FROM=$((FROM + 1000))
	for arg; do
		[[ $arg != *=* ]] || count=$((count + 1))
		args+=("${arg/#n=/base=$FROM,n=}")
	done
	SENT=$((SENT + count)) ARRIVED=$((ARRIVED + count))
	check "send" packet "$A" send "${args[@]}"
	capture_wait inner "$SENT"
	capture_wait outer "$SENT"
	capture_wait far "$ARRIVED"
}

# show NAME FIELD...: of this case's datagrams, by number: they may overtake
# each other when their sender changes CPUs.
show() {
	./packet.py show "$WORK/$1.pcap" n "${@:2}" |
		awk -v from="$FROM" '$1 >= from { $1 -= from; print }' | sort -n
}

defaults() {
	local fields="o.ver o.ihl o.tos o.len o.id o.df o.mf o.off o.ttl o.proto
		o.csum o.src o.dst"

	send "$V4" n=1,size=64 n=2,size=1452 "$V6" n=3,size=65 n=4,size=1432
	# shellcheck disable=SC2086 # words they are
	check_eq "outer fields" "$(lines \
		"1 4 5 0x00 112 0 1 0 0 64 4 ok $A_IP $B_IP" \
		"2 4 5 0x00 1500 0 1 0 0 64 4 ok $A_IP $B_IP" \
		"3 4 5 0x00 133 0 1 0 0 64 41 ok $A_IP $B_IP" \
		"4 4 5 0x00 1500 0 1 0 0 64 41 ok $A_IP $B_IP")" \
		"$(show outer $fields)"
	check_eq "inner packets" "$(lines "1 64 ok ok 4" "2 1452 ok ok 4" \
		"3 65 ok ok 6" "4 1432 ok ok 6")" \
		"$(show inner size data csum i.ver)"
	check_eq "inner packets on the wire" "$(show inner hex)" \
		"$(show outer hex)"
	check_eq "inner packets that arrive" "$(show inner hex)" \
		"$(show far hex)"
}

# The source that routing chooses.
local_any() {
	options local any
	send "$V4" n=1 "$V6" n=2
	check_eq "source" "$(lines "1 $A_IP $B_IP" "2 $A_IP $B_IP")" \
		"$(show outer o.src o.dst)"
	options local "$A_IP"
}

# encap_tos TOS: datagrams with each ECN mark and several DSCPs; the mark is
# copied (RFC 6040, normal mode), the DSCP is TOS or the inner one.
encap_tos() {
	local dscp ecn n=0 inner outer specs4=() specs6=() want=()

	for dscp in 0x00 0x28 0xb8 0xfc; do
		for ecn in 0 1 2 3; do
			printf -v inner '0x%02x' $((dscp | ecn))
			[ "$1" = inherit ] && outer=$dscp || outer=$1
			printf -v outer '0x%02x' $((outer | ecn))
			specs4+=("n=$n,tos=$inner")
			specs6+=("n=$((n + 100)),tos=$inner")
			want+=("$n $outer $inner" "$((n + 100)) $outer $inner")
			n=$((n + 1))
		done
	done
	options tos "$1"
	send "$V4" "${specs4[@]}" "$V6" "${specs6[@]}"
	check_eq "TOS on the wire, outer and inner" \
		"$(lines "${want[@]}" | sort -n)" "$(show outer o.tos i.tos)"
	check_eq "TOS that arrives" \
		"$(lines "${want[@]}" | sort -n | cut -d ' ' -f 1,3)" \
		"$(show far i.tos)"
	options tos 0
}

# The inner ECN mark that is delivered, RFC 6040, figure 4; a row for each outer
# mark, a column for each inner one: 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE.
DECAP=("0 1 2 3" "0 1 1 3" "0 1 2 3" "drop 3 3 3")

# decap_ecn FAMILY TO: to nobody, so that nothing answers.
decap_ecn() {
	local outer inner row spec n=0 specs=() want=()

	FROM=$((FROM + 1000))
	for outer in 0 1 2 3; do
		read -ra row <<<"${DECAP[outer]}"
		for inner in 0 1 2 3; do
			spec=n=$n,tos=$((0xb8 | outer)),itos=$((0x28 | inner))
			specs+=("inner=$1,to=$2,base=$FROM,$spec")
			[ "${row[inner]}" = drop ] ||
				want+=("$n $(printf '0x%02x' $((0x28 | row[inner]))) ok ok")
			n=$((n + 1))
		done
	done
	drops_mark "$B" adit0
	SENT=$((SENT + 16)) ARRIVED=$((ARRIVED + 15))
	check "forge" packet "$A" forge "$A_IP" "$B_IP" "${specs[@]}"
	capture_wait outer "$SENT"
	capture_wait far "$ARRIVED"
	check_eq "TOS, data, checksum delivered" "$(lines "${want[@]}")" \
		"$(show far i.tos data csum)"
	[ "$1" = 6 ] || check_eq "header checksums" ok \
		"$(show far i.csum | cut -d ' ' -f 2 | sort -u)"
	check_drops "$B" adit0 rx_ecn 1 || show outer o.tos i.tos
}

# ttl TTL WANT4 WANT6
ttl() {
	options ttl "$1"
	send "$V4" n=1,ttl=5 "$V6" n=2,ttl=9
	check_eq "TTL on the wire, outer and inner" \
		"$(lines "1 $2 5" "2 $3 9")" "$(show outer o.ttl i.ttl)"
	check_eq "TTL that arrives" "$(lines "1 5" "2 9")" "$(show far i.ttl)"
	options ttl 64
}

# df HOW WITHOUT WITH V6: the outer DF of inner packets without DF, with DF, and
# of IPv6; an ID only where there is no DF.
df() {
	local n want=() specs4=() specs6=()

	for n in 0 1 2; do
		specs4+=("n=1$n,df=dont" "n=2$n,df=do")
		specs6+=("n=3$n")
		want+=("1$n 0 $2 0 0" "2$n 1 $3 0 0" "3$n - $4 0 0")
	done
	options df "$1"
	send "$V4" "${specs4[@]}" "$V6" "${specs6[@]}"
	check_eq "inner DF, outer DF, MF, offset" \
		"$(lines "${want[@]}" | sort -n)" \
		"$(show outer i.df o.df o.mf o.off)"
	check_eq "IDs with DF" "" \
		"$(show outer o.df o.id | awk '$2 == 1 && $3 != 0')"
	# They count up, each protocol for itself: no more than one is 0.
	check_eq "IDs that occur again without DF" "" "$(show outer o.df o.proto \
		o.id | awk '$2 == 0 { print $3, $4 }' | sort | uniq -d)"
	options df set
}

captures_end() {
	local name

	for name in inner outer far; do
		capture_stop "$name" && pass
	done
}

topo_direct
adit_pair
# With all checksums computed by the kernel, captured packets are complete.
for dev in eth0 adit0; do
	must in_ns "$A" ethtool -K $dev tx off
	settle "$A" $dev
done
capture_start "$A" adit0 inner udp dst port 5999 || exit 1
capture_start "$B" adit0 far udp dst port 5999 || exit 1
capture_start "$A" eth0 outer "src $A_IP and (ip proto 4 or ip proto 41)" ||
	exit 1

case_run "the outer header by default" defaults
case_run "local any" local_any
case_run "TOS fixed: 0, ECN copied" encap_tos 0
case_run "TOS fixed: b8, ECN copied" encap_tos 0xb8
case_run "TOS inherited, ECN copied" encap_tos inherit
case_run "TTL fixed: 1" ttl 1 1 1
case_run "TTL fixed: 255" ttl 255 255 255
case_run "TTL inherited" ttl inherit 5 9
case_run "DF set" df set 1 1 1
case_run "DF inherited" df inherit 0 1 1
case_run "DF unset" df unset 0 0 0
case_run "ECN on receive, IPv4" decap_ecn 4 10.9.7.7
case_run "ECN on receive, IPv6" decap_ecn 6 fd77::7
case_run "the captures are whole" captures_end
finish
