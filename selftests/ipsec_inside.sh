#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# IPsec inside the tunnel: what two sites send each other is encrypted by their
# gateways, in ESP in tunnel mode, and the ESP goes through the tunnel. With the
# kernel's offload of ESP loaded, which needs no hardware, it is encrypted at the
# end of the core's transmit path, ahead of the device.

. ./lib.sh
require ping tcpdump socat
require_module esp4 esp6 esp4_offload esp6_offload xfrm_user

BYTES=262144
PATTERN=5ec7e75ec7e7	# what is not to be seen
KEY1=0x$(printf '11%.0s' {1..16})aabbccdd	# AES-128 and its salt
KEY2=0x$(printf '22%.0s' {1..16})ddccbbaa

# protect SRC DST SPI KEY NET-OF-SRC NET-OF-DST: one direction's ESP, at both ends,
# whose gateway at SRC is NS1, at DST NS2.
protect() {
	local ns dir tmpl

	tmpl="tmpl src $1 dst $2 proto esp reqid $((16#${3#0x})) mode tunnel"
	for ns in "$A" "$B"; do
		must ip -n "$ns" xfrm state add src "$1" dst "$2" proto esp \
			spi "$3" reqid $((16#${3#0x})) mode tunnel \
			aead 'rfc4106(gcm(aes))' "$4" 128
	done
	# shellcheck disable=SC2086 # words they are
	must ip -n "$NS1" xfrm policy add dir out src "$5" dst "$6" $tmpl
	for dir in fwd in; do
		# shellcheck disable=SC2086
		must ip -n "$NS2" xfrm policy add dir $dir src "$5" dst "$6" $tmpl
	done
}

# encrypted ADDR OFFSET: pings of HA, short and long, and TCP arrive there; on the
# wire is nothing but ESP in the tunnel, as the byte at OFFSET says.
encrypted() {
	local size

	drops_mark "$A" adit0
	drops_mark "$B" adit0
	capture_start "$R" eth0 wire "ip proto 4 or ip proto 41"
	for size in 8 56 1200; do
		ping_ok "$HA" "$1" -c 2 -s "$size" -p "$PATTERN"
	done
	capture_wait wire 12
	capture_stop wire
	check_eq "packets" 12 "$(capture_hex wire | wc -l)"
	check_eq "of ESP" 12 \
		"$(capture_hex wire | cut -c $(($2 * 2 + 1))-$(($2 * 2 + 2)) |
			grep -c '^32$')"
	check_eq "in the clear" 0 "$(capture_hex wire | grep -c "$PATTERN")"
	check_eq "bytes received" "$BYTES" \
		"$(tcp_bytes "$HA" "$HB" "$1" "$BYTES")"
	check_drops "$A" adit0
	check_drops "$B" adit0
}

topo_sites
join_sites 4
NS1=$A NS2=$B
protect 10.9.0.1 10.9.0.2 0x101 "$KEY1" 10.10.10.0/24 10.10.20.0/24
protect fd09::1 fd09::2 0x103 "$KEY1" fd00:10::/64 fd00:20::/64
NS1=$B NS2=$A
protect 10.9.0.2 10.9.0.1 0x102 "$KEY2" 10.10.20.0/24 10.10.10.0/24
protect fd09::2 fd09::1 0x104 "$KEY2" fd00:20::/64 fd00:10::/64

case_run "IPv4 in ESP in the tunnel" encrypted 10.10.20.2 29
case_run "IPv6 in ESP in the tunnel" encrypted fd00:20::2 26
finish
