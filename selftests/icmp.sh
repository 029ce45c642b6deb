#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ICMP errors from the underlay are relayed to the inner sender, where they
# quote enough; and only those about the tunnel's own packets count.
#
# As topo_sites; R answers A's tunnelled packets and forwards none of them.

. ./lib.sh
require python3 jq

V4=10.9.0.2 V6=fd09::2			# at B
SITE4=10.10.20.2 SITE6=fd00:20::2	# HB

# Every code of "unreachable" but "fragmentation needed" and "source route
# failed", and "TTL exceeded".
# shellcheck disable=SC2054 # the commas are of the words
ERRORS=(type=3,code={0,1,2,3,6,7,8,9,10,11,12,13} type=11,code=0)

# answering SPEC...: R answers by these errors, from now to answered.
answering() {
	: >"$WORK/answer"
	ip netns exec "$R" ./packet.py answer eth0 "$@" >"$WORK/answer" &
	ANSWERER=$!
	check_within 10000 "R answers" grep -q ready "$WORK/answer"
}

answered() {
	kill "$ANSWERER"
	wait "$ANSWERER" 2>/dev/null
	return 0
}

# pmtu NS ADDR: what has been learnt of the path to ADDR.
pmtu() { ip -n "$1" route get "$2" | grep -o ' mtu [0-9]*'; }

forget() {
	check "forget IPv4" ip -n "$A" route flush cache
	check "forget IPv6" ip -n "$A" -6 route flush cache
}

# every_error NS DST WANT: R answers each packet by the next error, and the
# sender is told the same each time.
every_error() {
	local error specs=() want=()

	for error in "${!ERRORS[@]}"; do
		specs+=("n=$error,df=do")
		want+=("$3")
	done
	answering "${ERRORS[@]}"
	check_eq "what $1 is told of $2" "$(lines "${want[@]}")" \
		"$(packet "$1" errors "$2" "${specs[@]}")"
	answered
}

# quote BYTES DST SIZE WANT: a quote that long is enough to learn the PMTU, and
# WANT is what the sender hears of it.
quote() {
	forget
	answering "type=3,code=4,info=1400,quote=$1"
	check_eq "what is told to the sender to $2 by $1 bytes" "$4" \
		"$(packet "$A" errors --until \
			"ip route get $B_IP | grep -q 'mtu 1400'" \
			"$2" "n=1,size=$3,df=do")"
	answered
}

short_quotes() {
	# the outer header and the 8 bytes that every router quotes
	quote 28 "$V4" 1452 none
	quote 28 "$V6" 1432 none
	# a byte less than the inner header and 8 bytes, and those
	quote 47 "$V4" 1452 none
	quote 48 "$V4" 1452 "icmp 3 4 1380 10.9.0.1"
	quote 67 "$V6" 1432 none
	quote 68 "$V6" 1432 "icmp6 2 0 1380 fd09::1"
}

# short_unreachable QUOTE DST: a quote that is not enough.
short_unreachable() {
	answering "type=3,code=1,quote=$1"
	unreachable_ignored "$2"
	answered
}

# unreachable_ignored DST: A gets an ICMP error, and nobody is told.
unreachable_ignored() {
	local count="awk '/^Icmp: [0-9]/ { print \$5 }' /proc/net/snmp" before

	before=$(in_ns "$A" sh -c "$count")
	check_eq "what is told to the sender to $1" none \
		"$(packet "$A" errors --until \
			"[ \"\$($count)\" -gt $before ]" "$1" n=1)"
}

short_unreachables() {
	short_unreachable 28 "$V4"
	short_unreachable 47 "$V4"
	short_unreachable 28 "$V6"
	short_unreachable 67 "$V6"
}

# foreign SPEC: a quote of what is not a packet of the tunnel.
foreign() {
	forget
	answering "type=3,code=4,info=1300,$1" "type=3,code=1,$1"
	for _ in 1 2; do
		unreachable_ignored "$V4"
	done
	answered
	answering "type=3,code=4,info=1300,$1" "type=3,code=1,$1"
	for _ in 1 2; do
		unreachable_ignored "$V6"
	done
	answered
	check_eq "PMTU to B" "" "$(pmtu "$A" "$B_IP")"
	check_eq "PMTU to another" "" "$(pmtu "$A" 203.0.113.9)"
	check_eq "PMTU of the sender" "" "$(pmtu "$A" "$V4")$(pmtu "$A" "$V6")"
}

# all_told ERROR4 ERROR6 [OPTION]: type, code and more that each sender is told.
all_told() {
	local option=("${@:3}")

	check_eq "what local senders are told" \
		"$(lines "icmp $1 10.9.0.1" "icmp6 $2 fd09::1")" \
		"$(packet "$A" errors "${option[@]}" "$V4" n=1 "$V6" n=2)"
	check_eq "what forwarded senders are told" \
		"$(lines "icmp $1 10.10.10.1" "icmp6 $2 fd00:10::1")" \
		"$(packet "$HA" errors "${option[@]}" "$SITE4" n=3 "$SITE6" n=4)"
}

# real: what routers and hosts say by themselves, if not each time (there is no
# way to lift every limit of the rate).
real() { all_told "3 1 0" "1 3 0" --again; }

# With the inner TTL it is the sender's that was not enough.
ttl_inherited() {
	check "TTL" ip -n "$A" link set adit0 type adit ttl inherit
	answering type=11,code=0
	all_told "11 0 0" "3 0 0"
	answered
	check "TTL" ip -n "$A" link set adit0 type adit ttl 64
}

ttl_exceeded() {
	check "TTL" ip -n "$A" link set adit0 type adit ttl 1
	real
	check "TTL" ip -n "$A" link set adit0 type adit ttl 64
}

no_route() {
	check "route" ip -n "$R" route replace unreachable "$B_IP/32"
	real
	check "route" ip -n "$R" route del unreachable "$B_IP/32"
}

no_tunnel() {
	check "delete the far end" ip -n "$B" link del adit0
	real
}

# format MTU OPTION...: errors about packets of adit0 once it is so. MTU: what the
# sender hears of, where the path has 1400.
format() {
	local mtu=$1
	shift

	check "change" ip -n "$A" link set adit0 type adit "$@" || return
	# as much as 1500 carry, less an IP and a UDP header
	quote 100 "$V4" $((mtu + 100 - 28)) "icmp 3 4 $mtu 10.9.0.1"
	every_error "$A" "$V4" "icmp 3 1 0 10.9.0.1"
}

GRE_OPTIONS="mode gre ikey 1 okey 2"

# beside OPTION...: such errors while there is another tunnel
beside() {
	check "new" ip -n "$A" link add adit1 type adit mode gre \
		local "$A_IP" "$@" || return
	must ip -n "$A" link set adit1 up
	# shellcheck disable=SC2086 # words they are
	format 1372 $GRE_OPTIONS
	check "delete" ip -n "$A" link del adit1
}

# Many that have the same remote
crowd() {
	local i

	for i in {3..40}; do
		echo "link add x$i type adit mode gre local $A_IP" \
			"remote $B_IP ikey $i okey 1$i"
	done >"$WORK/crowd"
	check "new" ip -n "$A" -batch "$WORK/crowd" || return
	beside remote "$B_IP" ikey 2 okey 1
	check "delete" ip -n "$A" -batch - < <(printf 'link del x%s\n' {3..40})
}

# fou takes all errors about UDP for its own that some ipip device takes, as one to
# any remote does.
beside_fou() {
	local module

	for module in fou ipip; do
		[ ! -e "/sys/module/$module" ] || continue
		modprobe -q "$module" || { skip "no module $module"; return; }
		LOADED+=("$module")
	done
	must ip -n "$A" link set tunl0 up
	format "$@"
	must ip -n "$A" link set tunl0 down
}

topo_sites
adit_pair
must ip -n "$A" route add 10.10.20.0/24 dev adit0
must ip -n "$A" route add fd00:20::/64 dev adit0
must ip -n "$A" addr add 192.0.2.77/24 dev eth0
for ns in "$A" "$R" "$B"; do
	must in_ns "$ns" sysctl -qw net.ipv4.icmp_ratelimit=0 \
		net.ipv6.icmp.ratelimit=0
done

must ip -n "$R" route add blackhole "$B_IP/32"
case_run "every error, IPv4, local sender" every_error "$A" "$V4" \
	"icmp 3 1 0 10.9.0.1"
case_run "every error, IPv6, local sender" every_error "$A" "$V6" \
	"icmp6 1 3 0 fd09::1"
case_run "every error, IPv4, forwarded" every_error "$HA" "$SITE4" \
	"icmp 3 1 0 10.10.10.1"
case_run "every error, IPv6, forwarded" every_error "$HA" "$SITE6" \
	"icmp6 1 3 0 fd00:10::1"
case_run "PMTU from short quotes" short_quotes
case_run "unreachable, short quotes" short_unreachables
case_run "quotes of packets to another" foreign qdst=203.0.113.9
case_run "quotes of packets from another address" foreign qsrc=192.0.2.77
must ip -n "$A" link set adit0 type adit local any
case_run "the same, without local" foreign qsrc=192.0.2.77
must ip -n "$A" link set adit0 type adit local "$A_IP"
case_run "an inherited TTL exceeded on the way" ttl_inherited
must ip -n "$R" route del blackhole "$B_IP/32"

case_run "the TTL exceeded on the way" ttl_exceeded
case_run "no route on the way" no_route
case_run "no tunnel at the far end" no_tunnel

must ip -n "$R" route add blackhole "$B_IP/32"
if [ ! -e /sys/module/ip_gre ]; then
	# shellcheck disable=SC2086 # words they are
	case_run "GRE with a key each way" format 1372 $GRE_OPTIONS
	case_run "GRE, keys crossed" beside remote "$B_IP" ikey 2 okey 1
	case_run "GRE beside an external tunnel" beside external allow "$B_IP"
	case_run "GRE beside one to any" beside remote any allow "$B_IP"
	case_run "GRE, many" crowd
else
	case_run "GRE" skip "ip_gre has it"
fi
# shellcheck disable=SC2086 # words they are
case_run "GRE in FOU" format 1364 $GRE_OPTIONS \
	encap fou encap-dport 5555
GUE_OPTIONS="mode ip nokey encap gue encap-dport 6080 encap-sport 6081 encap-listen 6082"
# shellcheck disable=SC2086 # words they are
case_run "GUE" format 1368 $GUE_OPTIONS
# shellcheck disable=SC2086 # words they are
case_run "GUE beside fou" beside_fou 1368 $GUE_OPTIONS
finish
