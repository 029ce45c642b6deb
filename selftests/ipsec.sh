#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Inside IPsec: what the tunnel sends is protected by ESP in transport mode,
# with keys set by hand. The wire carries ESP only, MTU and PMTU follow, and
# what comes in the clear is refused.

. ./lib.sh
require ping socat tcpdump jq python3
require_module esp4 xfrm_user

BYTES=2097152
PROTOS="4 41 47"	# of the outer packets
KEY1=0x$(printf '11%.0s' {1..16})aabbccdd	# AES-128 and its salt
KEY2=0x$(printf '22%.0s' {1..16})ddccbbaa

# ESP with AES-GCM: header 8, IV 8, ICV 16, and a trailer of at least 2 that
# fills up to a multiple of 4. Of an underlay's 1500, ESP leaves 1466 to the
# outer packet: 1500 - 20 - 32 = 1448, less the trailer, plus the IP header.
MTU_1500=$((1466 - 20))
MTU_1400=$((1366 - 20))

# sa SRC DST SPI KEY: one direction's, at both ends; at A last, since what it holds back
# goes at once.
sa() {
	local ns

	for ns in "$B" "$A"; do
		must ip -n "$ns" xfrm state add src "$1" dst "$2" proto esp \
			spi "$3" reqid 1 mode transport \
			aead 'rfc4106(gcm(aes))' "$4" 128
	done
}

# policy NS DIR SRC DST: of PROTOS, and of GRE_KEY.
policy() {
	local proto

	for proto in $PROTOS; do
		must ip -n "$1" xfrm policy add dir "$2" src "$3/32" \
			dst "$4/32" proto "$proto" ${GRE_KEY:+key "$GRE_KEY"} \
			tmpl src "$3" dst "$4" proto esp reqid 1 mode transport
	done
}

protect() {
	policy "$A" out "$A_IP" "$B_IP"
	policy "$A" in "$B_IP" "$A_IP"
	policy "$B" out "$B_IP" "$A_IP"
	policy "$B" in "$A_IP" "$B_IP"
}

# on_the_wire ADDR: pings pass, and the router sees nothing but ESP.
on_the_wire() {
	capture_start "$R" eth0 wire ip
	ping_ok "$A" "$1" -c 4
	capture_wait wire 8
	capture_stop wire
	check_eq "packets" 8 "$(capture_show wire | wc -l)"
	check_eq "ESP packets" 8 "$(capture_show wire ip proto 50 | wc -l)"
	check_eq "of A" 4 "$(capture_show wire \
		"esp and src $A_IP and dst $B_IP" | grep -c 'spi=0x00000101')"
	check_eq "of B" 4 "$(capture_show wire \
		"esp and src $B_IP and dst $A_IP" | grep -c 'spi=0x00000202')"
}

tcp() {
	check_eq "bytes received by B" "$BYTES" \
		"$(tcp_bytes "$A" "$B" "$1" "$BYTES")"
	check_eq "bytes received by A" "$BYTES" \
		"$(tcp_bytes "$B" "$A" "$2" "$BYTES")"
}

# fits ADDR FAMILY HEADERS MTU: packets of that size pass, larger ones are
# answered with it.
fits() {
	check "a packet of $4 bytes" in_ns "$A" \
		ping "-$2" -q -c 2 -i 0.2 -W 5 -M 'do' -s $(($4 - $3)) "$1"
	check "one more is too much" mtu_told "$1" "$2" $(($4 - $3 + 1)) "$4"
}

mtu_follows() {
	check_eq "MTU of the device" "$MTU_1500" \
		"$(mtu_get "$A" adit0)"
	fits 10.9.0.2 4 28 "$MTU_1500"
	fits fd09::2 6 48 "$MTU_1500"
	capture_start "$R" eth0 largest ip proto 50
	ping_ok "$A" 10.9.0.2 -c 1 -s $((MTU_1500 - 28))
	capture_wait largest 2
	capture_stop largest
	check_eq "the largest is as large as the wire allows" 1500 \
		"$(hex_num "$(capture_hex largest | head -n 1)" 2 2)"
	must ip -n "$A" link set eth0 mtu 1400
	check_within 5000 "MTU $MTU_1400" mtu_is "$A" adit0 "$MTU_1400"
	fits 10.9.0.2 4 28 "$MTU_1400"
	must ip -n "$A" link set eth0 mtu 1500
	check_within 5000 "MTU $MTU_1500" mtu_is "$A" adit0 "$MTU_1500"
}

# A hop of 1400 bytes behind the router, of which an ICMP error about ESP tells.
pmtu() {
	must ip -n "$R" link set eth1 mtu 1400
	check_within 20000 "the sender is told $MTU_1400" \
		mtu_told 10.9.0.2 4 $((MTU_1500 - 28)) "$MTU_1400"
	fits 10.9.0.2 4 28 "$MTU_1400"
	check_within 20000 "the IPv6 sender is told $MTU_1400" \
		mtu_told fd09::2 6 $((MTU_1500 - 48)) "$MTU_1400"
	fits fd09::2 6 48 "$MTU_1400"
	check_eq "bytes received" "$BYTES" \
		"$(tcp_bytes "$A" "$B" 10.9.0.2 "$BYTES")"
	check_eq "bytes received" "$BYTES" \
		"$(tcp_bytes "$A" "$B" fd09::2 "$BYTES")"
	must ip -n "$R" link set eth1 mtu 1500
	must ip -n "$A" route flush cache
}

# B forgets to protect what it sends: A refuses it, under its cause.
in_the_clear() {
	local proto

	settle "$A" adit0
	drops_mark "$A" adit0
	for proto in $PROTOS; do
		must ip -n "$B" xfrm policy delete dir out src "$B_IP/32" \
			dst "$A_IP/32" proto "$proto"
	done
	check_fails "ping" in_ns "$A" ping -q -c 2 -i 0.2 -W 1 10.9.0.2
	check_fails "IPv6 ping" in_ns "$A" ping -q -c 2 -i 0.2 -W 1 fd09::2
	check_drops "$A" adit0 rx_policy 4
	policy "$B" out "$B_IP" "$A_IP"
	ping_ok "$A" 10.9.0.2
	ping_ok "$A" fd09::2
}

# Policy that comes after the tunnel holds for the next packet.
later() {
	local ns

	for ns in "$A" "$B"; do
		must ip -n "$ns" xfrm policy flush
	done
	capture_start "$R" eth0 clear ip proto 4
	ping_ok "$A" 10.9.0.2 -c 2
	capture_wait clear 4
	capture_stop clear
	protect
	on_the_wire 10.9.0.2
	check "the sender is told $MTU_1500" \
		mtu_told 10.9.0.2 4 $((1480 - 28)) "$MTU_1500"
	check "let the MTU follow" ip -n "$A" link set adit0 mtu 0
	check_eq "MTU" "$MTU_1500" "$(mtu_get "$A" adit0)"
}

# Policy of a GRE key is for the tunnel that has it.
gre_key() {
	local ns

	gre_is_free || return 0
	for ns in "$A" "$B"; do
		must ip -n "$ns" xfrm policy flush
		check "GRE" ip -n "$ns" link set adit0 type adit mode gre key 7
	done
	PROTOS=47 GRE_KEY=7 protect
	on_the_wire 10.9.0.2
	for ns in "$A" "$B"; do
		must ip -n "$ns" xfrm policy flush
		check "no GRE" ip -n "$ns" link set adit0 type adit mode ip nokey
	done
	protect
	on_the_wire 10.9.0.2
}

sa_out() { sa "$A_IP" "$B_IP" 0x101 "$KEY1"; }

no_sa_out() {
	local ns

	for ns in "$A" "$B"; do
		must ip -n "$ns" xfrm state delete src "$A_IP" dst "$B_IP" \
			proto esp spi 0x101
	done
}

# Until there is an SA nothing is sent, and nothing learnt of the path.
without_sa() {
	no_sa_out
	settle "$A" adit0
	drops_mark "$A" adit0
	check_fails "ping" in_ns "$A" ping -q -c 2 -i 0.2 -W 1 10.9.0.2
	check_drops "$A" adit0 tx_underlay 2
	check "let the MTU follow" ip -n "$A" link set adit0 mtu 0
	check_eq "MTU" 1480 "$(mtu_get "$A" adit0)"
	sa_out
	ping_ok "$A" 10.9.0.2
	check_within 5000 "MTU $MTU_1500" mtu_is "$A" adit0 "$MTU_1500"
}

sent_is() { [ "$(stat_get "$A" adit0 tx_packets)" = "$1" ]; }

# What the kernel holds back until then is not sent by the fast path, but then. (The
# kernel looks for an SA after 0.1, 0.3, 0.7 s, and so on.)
held_back() {
	local pid was

	[ -e /proc/sys/net/core/xfrm_larval_drop ] ||
		{ skip "no xfrm_larval_drop"; return; }
	# (dst_destroy() asks whether there is an SA, and there is none)
	! debug_kernel ||
		{ skip "the kernel leaks what is below such a route"; return; }
	must in_ns "$A" sysctl -qw net.core.xfrm_larval_drop=0
	check "fast path" ip -n "$A" link set adit0 type adit fastpath on
	no_sa_out
	capture_start "$R" eth0 held ip
	settle "$A" adit0
	was=$(stat_get "$A" adit0 tx_packets)
	ip netns exec "$A" ping -q -c 3 -i 0.2 -W 60 10.9.0.2 &
	pid=$!
	check_within 10000 "three are held" sent_is $((was + 3))
	sa_out
	wait "$pid"
	check_eq "ping's status" 0 $?
	capture_wait held 6
	capture_stop held
	check_eq "in the clear" "" "$(capture_show held not ip proto 50)"
	check "no fast path" ip -n "$A" link set adit0 type adit fastpath off
	must in_ns "$A" sysctl -qw net.core.xfrm_larval_drop=1
}

# Segments of a packet in GRE with a checksum each, which are encrypted last by the
# kernel's offload of ESP.
gre_checksums() {
	local ns

	modprobe -q esp4_offload ||
		{ skip "no esp4_offload"; return; }
	for ns in "$A" "$B"; do
		must ip -n "$ns" xfrm state flush
	done
	sa "$A_IP" "$B_IP" 0x101 "$KEY1"
	sa "$B_IP" "$A_IP" 0x202 "$KEY2"
	for ns in "$A" "$B"; do
		must ip -n "$ns" link set adit0 type adit mode gre csum
		drops_mark "$ns" adit0
	done
	tcp 10.9.0.2 10.9.0.1
	tcp fd09::2 fd09::1
	check_drops "$A" adit0
	check_drops "$B" adit0
}

topo_router
ip -n "$A" xfrm state add src "$A_IP" dst "$B_IP" proto esp spi 0x101 reqid 1 \
	mode transport aead 'rfc4106(gcm(aes))' "$KEY1" 128 2>/dev/null ||
	skip_all "no ESP with AES-GCM"
must ip -n "$A" xfrm state flush
sa "$A_IP" "$B_IP" 0x101 "$KEY1"
sa "$B_IP" "$A_IP" 0x202 "$KEY2"
protect
adit_pair

case_run "IPv4 ping inside ESP" on_the_wire 10.9.0.2
case_run "IPv6 ping inside ESP" on_the_wire fd09::2
case_run "the MTU follows, less the overhead of ESP" mtu_follows
drops_mark "$A" adit0
drops_mark "$B" adit0
case_run "IPv4 TCP inside ESP" tcp 10.9.0.2 10.9.0.1
case_run "IPv6 TCP inside ESP" tcp fd09::2 fd09::1
case_run "nothing was dropped at A" check_drops "$A" adit0
case_run "nothing was dropped at B" check_drops "$B" adit0
case_run "PMTU by ICMP about ESP" pmtu
case_run "what comes in the clear is refused" in_the_clear
case_run "policy that comes later" later
case_run "policy of a GRE key" gre_key
case_run "no SA yet" without_sa
case_run "no SA yet, packets held back" held_back
case_run "GRE with checksums, TCP" gre_checksums
finish
