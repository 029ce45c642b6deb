#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Everything with everything: each mode in each encapsulation over each underlay
# with each inner family, adit at one end, at the other adit or the kernel's own
# driver of that format. Packets pass both ways and look as they must on the
# wire, TCP arrives byte by byte though it is cut below the tunnel, and the
# sender is told when the path is narrower than the first hop.
#
# One kernel has one receiver of GRE, so that adit and the kernel's own driver
# cannot have a conversation there. Each is given in turn what the other has
# sent, as it was captured.
#
# The short form has the kernel's driver alone at the other end; so has a kernel that
# watches itself, of what can have a conversation with it.

. ./lib.sh
require ping socat tcpdump ethtool python3
require_module ipip sit ip6_tunnel fou fou6

BYTES=262144
NARROW=1400		# MTU from R to B, of 1500

# A row: mode, encapsulation, family outside and inside; the protocol in the
# outer header, bytes of all headers around the inner packet, and of those in
# between the UDP port, the UDP checksum, and what GUE and GRE are in hex; the
# kernel's own driver.
ROWS="
ip	none	v4	v4	4	20	-	-	-	-	ipip
ip	none	v4	v6	41	20	-	-	-	-	sit mode ip6ip
ip	none	v6	v4	4	40	-	-	-	-	ip6tnl mode ipip6
ip	none	v6	v6	41	40	-	-	-	-	ip6tnl mode ip6ip6
ip	fou	v4	v4	17	28	5555	ok	-	-	ipip
ip	fou	v4	v6	17	28	5555	ok	-	-	sit mode ip6ip
ip	fou	v6	v4	17	48	5555	ok	-	-	ip6tnl mode ipip6
ip	fou	v6	v6	17	48	5555	ok	-	-	ip6tnl mode ip6ip6
ip	gue	v4	v4	17	32	6080	ok	00040000	-	ipip
ip	gue	v4	v6	17	32	6080	ok	00290000	-	sit mode ip6ip
ip	gue	v6	v4	17	52	6080	ok	00040000	-	ip6tnl mode ipip6
ip	gue	v6	v6	17	52	6080	ok	00290000	-	ip6tnl mode ip6ip6
gre	none	v4	v4	47	24	-	-	-	00000800	gre
gre	none	v4	v6	47	24	-	-	-	000086dd	gre
gre	none	v6	v4	47	44	-	-	-	00000800	ip6gre
gre	none	v6	v6	47	44	-	-	-	000086dd	ip6gre
gre	fou	v4	v4	17	32	5555	ok	-	00000800	gre
gre	fou	v4	v6	17	32	5555	ok	-	000086dd	gre
gre	fou	v6	v4	17	52	5555	ok	-	00000800	ip6gre
gre	fou	v6	v6	17	52	5555	ok	-	000086dd	ip6gre
gre	gue	v4	v4	17	36	6080	ok	002f0000	00000800	gre
gre	gue	v4	v6	17	36	6080	ok	002f0000	000086dd	gre
gre	gue	v6	v4	17	56	6080	ok	002f0000	00000800	ip6gre
gre	gue	v6	v6	17	56	6080	ok	002f0000	000086dd	ip6gre
ip	fou	v4	v4	17	28	5555	none	-	-	ipip
ip	fou	v6	v6	17	48	5555	none	-	-	ip6tnl mode ip6ip6
ip	gue	v4	v6	17	32	6080	none	00290000	-	sit mode ip6ip
ip	gue	v6	v4	17	52	6080	none	00040000	-	ip6tnl mode ipip6
"

# --- the ends ------------------------------------------------------------------

# row_read ROW: its columns, and what follows of them
row_read() {
	read -r MODE ENCAP OUTER INNER PROTO HEADERS PORT CSUM GUE GRE \
		DRIVER <<<"$1"
	A_OUT=$A_IP B_OUT=$B_IP
	[ "$OUTER" = v4 ] || A_OUT=$A_IP6 B_OUT=$B_IP6
	A_IN=10.9.0.1 B_IN=10.9.0.2 LEN=30 INNER_HEADERS=28 ECHO=1
	[ "$INNER" = v4 ] ||
		A_IN=fd09::1 B_IN=fd09::2 LEN=64 INNER_HEADERS=48 ECHO=58
	NAME="$MODE $ENCAP $OUTER inner $INNER"
	[ "$CSUM" != none ] || NAME+=" noencap-csum"
}

# batch NS COMMAND...: of ip(8), each a word here.
batch() { lines "${@:2}" | ip -n "$1" -batch -; }

# end_new NS DEV LOCAL REMOTE ADDR OPTION...: a tunnel, up.
end_new() {
	check "new: ${*:6}" batch "$1" \
		"link add $2 ${*:6} local $3 remote $4" \
		"addr add $5/$LEN dev $2" "link set $2 up"
}

# adit_end NS LOCAL REMOTE ADDR
adit_end() {
	local options="type adit mode $MODE encap $ENCAP"

	[ "$PORT" = - ] || options+=" encap-sport auto encap-dport $PORT"
	[ "$CSUM" != none ] || options+=" noencap-csum"
	# shellcheck disable=SC2086 # words they are
	end_new "$1" adit0 "$2" "$3" "$4" $options
}

# kernel_end: of B.
kernel_end() {
	local options="type $DRIVER" inside="ipproto 4" no=''

	[ "$INNER" = v4 ] || inside="ipproto 41"
	[ "$MODE" = ip ] || inside="ipproto 47"
	[ "$ENCAP" != gue ] || inside=gue
	[ "$CSUM" != none ] || no=no
	[ "$OUTER" = v4 ] && options+=" ttl 64" || options+=" encaplimit none"
	if [ "$PORT" != - ]; then
		# shellcheck disable=SC2086 # words they are
		check "fou of $NAME" ip -n "$B" "-${OUTER#v}" \
			fou add port "$PORT" $inside || return
		options+=" encap $ENCAP encap-sport auto encap-dport $PORT"
		[ "$OUTER" = v4 ] && options+=" ${no}encap-csum" ||
			options+=" ${no}encap-udp6-csum"
	fi
	# shellcheck disable=SC2086
	end_new "$B" peer0 "$B_OUT" "$A_OUT" "$B_IN" $options
}

# ends_gone: and what A has learnt of the path.
ends_gone() {
	ip -n "$A" link del adit0
	ip -n "$B" link del adit0
	ip -n "$B" link del peer0
	[ "$PORT" = - ] ||
		ip -n "$B" "-${OUTER#v}" fou del port "$PORT"
	ip -n "$R" link set eth1 mtu 1500
	ip -n "$A" "-${OUTER#v}" route flush cache
} 2>/dev/null

# offloads NS on|off
offloads() {
	must in_ns "$1" ethtool -K eth0 tx "$2" sg "$2" tso "$2" gso "$2"
}

# --- a conversation --------------------------------------------------------------

# What arrives at B's eth0 and leaves there is captured all the time.
wire_mark() { WIRE=$(stat -c %s "$WORK/wire.pcap"); }
wire() { ./packet.py show --all --from "$WIRE" "$WORK/wire.pcap" "$@"; }

skbs() { stat_get "$A" adit0 tx_packets; }

tcp() { check_eq "bytes received" "$BYTES" "$(tcp_bytes "$@" "$BYTES")"; }

# pings: those of the capture, as from, TTL, source port and the rest of the
# fields. A's have complete checksums.
pings() {
	wire i.proto o.len o.src o.ttl e.sport o.ver o.proto e.dport e.gue \
		e.gre i.ver i.src e.udpcsum csum |
		awk -v proto="$ECHO" -v len=$((HEADERS + INNER_HEADERS + 100)) \
			'$1 == proto && $2 == len' | cut -d ' ' -f 3-
}

pings_are() { [ "$(pings | wc -l)" -ge "$1" ]; }

# on_the_wire: a request and an answer from each end
on_the_wire() {
	local src ttl sport rest all=()
	local want="${OUTER#v} $PROTO $PORT $GUE $GRE ${INNER#v}"

	check_within 5000 "4 pings on the wire" pings_are 4
	while read -r src ttl sport rest; do
		# the checksums of what B sends are left to its device
		[ "$src" = "$A_OUT" ] || rest=${rest% * *}
		all+=("$src $ttl $rest")
		[ "$PORT" = - ] ||
			check_range "source port" 1024 65535 "$sport"
	done < <(pings)
	check_eq "pings on the wire" "$(lines "$A_OUT 63 $want $A_IN $CSUM ok" \
		"$B_OUT 64 $want $B_IN" "$A_OUT 63 $want $A_IN $CSUM ok" \
		"$B_OUT 64 $want $B_IN" | sort)" "$(lines "${all[@]}" | sort)"
}

# segments: lengths of A's packets with TCP
segments() {
	wire i.proto o.src o.len | awk -v a="$A_OUT" \
		'$1 == 6 && $2 == a { print $3 }' | sort -n
}

# longest BYTES [SKBS]: what A's segments are at the most; where SKBS is given,
# they were less when they entered the tunnel.
longest() {
	local all

	mapfile -t all < <(segments)
	check_eq "longest segment on the wire" "$1" "${all[-1]-}"
	[ $# = 1 ] || check_range "skbs of ${#all[@]} segments" 1 \
		$((${#all[@]} - 1)) "$2"
}

# told: a datagram that fits the first hop alone.
told() {
	local mtu=$((NARROW - HEADERS)) want

	want="icmp 3 4 $mtu $A_IN"
	[ "$INNER" = v4 ] || want="icmp6 2 0 $mtu $A_IN"
	check_eq "what the sender is told" "$want" "$(packet "$A" errors \
		"$B_IN" n=1,size=$((1500 - HEADERS - INNER_HEADERS)),df=do)"
}

conversation() {
	local before

	wire_mark
	ping_ok "$A" "$B_IN" -c 1 -s 100
	ping_ok "$B" "$A_IN" -c 1 -s 100
	on_the_wire
	wire_mark
	before=$(skbs)
	tcp "$A" "$B" "$B_IN"
	tcp "$B" "$A" "$A_IN"
	longest 1500 $(($(skbs) - before))

	must ip -n "$R" link set eth1 mtu "$NARROW"
	told
	wire_mark
	tcp "$A" "$B" "$B_IN"
	longest "$NARROW"
}

with_adit() {
	adit_end "$A" "$A_OUT" "$B_OUT" "$A_IN" &&
		adit_end "$B" "$B_OUT" "$A_OUT" "$B_IN" && conversation &&
		no_drops "$A" adit0 && no_drops "$B" adit0
	ends_gone
}

with_kernel() {
	adit_end "$A" "$A_OUT" "$B_OUT" "$A_IN" && kernel_end &&
		conversation && no_drops "$A" adit0
	ends_gone
}

# --- the one's packets, for the other ----------------------------------------------

# road open|closed: R forwards, or says nothing.
road() {
	local on=0

	[ "$1" = closed ] || on=1
	must in_ns "$R" sysctl -qw net.ipv4.ip_forward="$on" \
		net.ipv6.conf.all.forwarding="$on"
}

# SPECS: small, the longest, and 5 that are cut below the tunnel
specs() {
	SPECS=("n=1,size=64" "n=2,size=$((1500 - HEADERS - INNER_HEADERS))"
		"n=10,size=5000,gso=1000")
	ARRIVES=("1 64 ok" "2 $((1500 - HEADERS - INNER_HEADERS)) ok"
		"10 1000 ok" "11 1000 ok" "12 1000 ok" "13 1000 ok"
		"14 1000 ok")
}

# record NS DST NAME: what NS sends there, on the wire and not further.
record() {
	road closed
	capture_start "$1" eth0 "$3" -Q out \
		"ip proto 47 or ip6 proto 47 or udp dst port 5555 or udp dst port 6080" ||
		return
	check "send" packet "$1" send "$2" "${SPECS[@]}"
	check_within 5000 "7 datagrams" recorded "$3" 7
	capture_stop "$3"
	road open
	check_eq "outer headers of $3" \
		"${OUTER#v} $PROTO $PORT $CSUM $GUE $GRE ${INNER#v} ok ok" \
		"$(./packet.py show "$WORK/$3.pcap" o.ver o.proto e.dport \
			e.udpcsum e.gue e.gre i.ver data csum | sort -u)"
}

recorded() { [ "$(./packet.py show "$WORK/$1.pcap" n | wc -l)" = "$2" ]; }

# replay FROM NAME TO: what was recorded arrives.
replay() {
	udp_receive "$3"
	check "replay $2" packet "$1" replay "$WORK/$2.pcap" eth0
	udp_received "${ARRIVES[@]}"
}

gre_load() { modprobe -a ip_gre ip6_gre; }
gre_unload() { modprobe -r ip_gre && modprobe -r ip6_gre; }

by_recording() {
	specs
	offloads "$B" off
	check "load the kernel's GRE" gre_load && kernel_end &&
		record "$B" "$A_IN" kernel
	ends_gone
	check "unload the kernel's GRE" gre_unload &&
		adit_end "$A" "$A_OUT" "$B_OUT" "$A_IN" &&
		replay "$B" kernel "$A" && record "$A" "$B_IN" adit &&
		no_drops "$A" adit0
	ends_gone
	check "load the kernel's GRE again" gre_load && kernel_end &&
		replay "$A" adit "$B"
	ends_gone
	offloads "$B" on
	check "unload the kernel's GRE again" gre_unload
}

capture_end() { capture_stop wire && pass; }

gre_is_in_use() { skip "the kernel's GRE cannot be unloaded"; }

# --- all of them -----------------------------------------------------------------

with_adit_too() {
	! short_form && { ! debug_kernel || [ "$MODE" = gre ]; }
}

case_of_row() {
	local far=with_kernel

	row_read "$1"
	! with_adit_too || case_run "$NAME adit" with_adit
	if [ "$MODE" = gre ]; then
		far=gre_is_in_use
		[ -z "$GRE_MODULES" ] || far=by_recording
	fi
	case_run "$NAME kernel" "$far"
}

# Nobody else's GRE is taken away.
GRE_MODULES=
if [ ! -e /sys/module/ip_gre ] && [ ! -e /sys/module/ip6_gre ] &&
	gre_load 2>/dev/null && gre_unload 2>/dev/null; then
	GRE_MODULES=1
	LOADED+=(ip_gre ip6_gre)
fi

topo_dual
offloads "$A" off
capture_start "$B" eth0 wire -s 300 -B 16384 || exit 1
mapfile -t rows <<<"$ROWS"
for row in "${rows[@]}"; do
	[ -z "$row" ] || case_of_row "$row"
done
case_run "the capture is whole" capture_end
finish
