#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# mss-clamp: a SYN that goes through the tunnel, or comes out of it, announces
# no more than fits, byte for byte; and what that is good for.
#
# The topology is that of topo_sites, with IPv6 between the gateways as well. A
# clamps, B does not.
#
# shellcheck disable=SC2086 # options are words

. ./lib.sh
require python3 tcpdump ethtool socat nft nstat

BYTES=300000

topology() {
	local end

	topo_sites
	A_IP6=2001:db8:1::1 B_IP6=2001:db8:2::2
	must ip -n "$R" addr add 2001:db8:1::254/64 dev eth0
	must ip -n "$R" addr add 2001:db8:2::254/64 dev eth1
	for end in "$A $A_IP6 1" "$B $B_IP6 2"; do
		set -- $end
		must ip -n "$1" addr add "$2/64" dev eth0
		must ip -n "$1" route add 2001:db8::/32 via "2001:db8:$3::254"
	done
}

# tunnels UNDERLAY OPTION...: A's has these, B's has them but for the clamp.
tunnels() {
	local a=$A_IP b=$B_IP

	[ "$1" = 4 ] || a=$A_IP6 b=$B_IP6
	adit_new "$A" $a $b mss-clamp on "${@:2}"
	adit_new "$B" $b $a "${@:2}"
	must ip -n "$A" link set adit0 up
	must ip -n "$B" link set adit0 up
	settle "$A" adit0
	settle "$B" adit0
}

# packets FAMILY MTU: a line for each: what it is, the packet, and what has to
# become of it where so much fits.
packets() {
	python3 -IS - "$@" <<-'EOT'
	import socket, struct, sys

	family, mtu = int(sys.argv[1]), int(sys.argv[2])
	headers = 40 if family == 4 else 60
	fits = mtu - headers

	def fold(total):
	    while total >> 16:
	        total = (total & 0xffff) + (total >> 16)
	    return total

	def csum(data):
	    data += bytes(len(data) % 2)
	    return ~fold(sum(struct.unpack("!%dH" % (len(data) // 2), data))) & 0xffff

	def addrs():
	    if family == 4:
	        return [socket.inet_aton("203.0.113.%d" % n) for n in (66, 77)]
	    return [socket.inet_pton(socket.AF_INET6, "2001:db8:99::%d" % n)
	            for n in (66, 77)]

	def tcp(options, flags=2, data=b"", error=0):
	    options += bytes(-len(options) % 4)
	    head = struct.pack("!HHIIBBHHH", 4711, 80, 1, 0,
	                       (20 + len(options)) // 4 << 4, flags, 1024, 0, 0)
	    segment = bytearray(head + options + data)
	    pseudo = b"".join(addrs()) + struct.pack("!II", len(segment), 6)
	    struct.pack_into("!H", segment, 16,
	                     csum(pseudo + bytes(segment)) ^ error)
	    return bytes(segment)

	def ip(payload, proto=6, frag=0, extra=b""):
	    src, dst = addrs()
	    if family == 6:
	        return struct.pack("!IHBB", 6 << 28, len(extra + payload),
	                           60 if extra else proto, 64) + src + dst + \
	               extra + payload
	    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 7, frag,
	                       64, proto, 0) + src + dst
	    return head[:10] + struct.pack("!H", csum(head)) + head[12:] + payload

	def mss(value):
	    return struct.pack("!BBH", 2, 4, value)

	NOP, EOL, SACK = b"\x01", b"\x00", b"\x04\x02"
	STAMP = b"\x08\x0a" + bytes(range(8))

	def show(what, segment, at=None, **more):
	    """at: where its MSS is that has to become what fits"""
	    new = bytearray(segment)
	    if at is not None:
	        old, = struct.unpack_from("!H", segment, at)
	        struct.pack_into("!H", new, at, fits)
	        # where it is odd, its bytes are in two words of the sum
	        swap = (lambda x: x >> 8 | (x & 255) << 8) if at % 2 else \
	            (lambda x: x)
	        was, = struct.unpack_from("!H", segment, 16)
	        struct.pack_into("!H", new, 16, ~fold(
	            (~was & 0xffff) + (~swap(old) & 0xffff) + swap(fits)) & 0xffff)
	    print(what.replace(" ", "_"), ip(segment, **more).hex(),
	          ip(bytes(new), **more).hex())

	show("SYN", tcp(mss(fits + 20)), 22)
	show("SYN-ACK", tcp(mss(fits + 20), 0x12), 22)
	show("one too many", tcp(mss(fits + 1)), 22)
	show("the most", tcp(mss(65535)), 22)
	show("what fits", tcp(mss(fits)))
	show("one less", tcp(mss(fits - 1)))
	show("the least", tcp(mss(0)))
	show("of another path", tcp(mss(536)))
	show("last", tcp(NOP + NOP + SACK + STAMP + NOP + NOP + mss(fits + 20)), 38)
	show("at an odd place", tcp(NOP + mss(fits + 20)), 23)
	show("at an odd place, after a timestamp",
	     tcp(STAMP + NOP + mss(fits + 100) + NOP), 33)
	show("with data", tcp(mss(fits + 20), data=bytes(range(1, 200))), 22)
	show("with ECN", tcp(mss(fits + 20), 0xc2), 22)
	show("with a wrong checksum", tcp(mss(fits + 20), error=0x1234), 22)
	show("none", tcp(b""))
	show("none among options", tcp(SACK + STAMP))
	show("not in a SYN", tcp(mss(fits + 20), 0x10))
	show("after the end", tcp(EOL + NOP * 3 + mss(fits + 20)))
	show("after an option of length 0", tcp(b"\x08\x00" + mss(fits + 20)))
	show("after an option of length 1", tcp(b"\x08\x01" + mss(fits + 20)))
	show("after an option that is too long",
	     tcp(b"\x08\x0c" + mss(fits + 20)))
	show("cut off", tcp(NOP + b"\x02\x04" + bytes([fits >> 8])))
	show("of length 3", tcp(b"\x02\x03" + bytes([fits >> 8]) + NOP))
	show("not TCP", tcp(mss(fits + 20)), proto=17)
	if family == 4:
	    show("in a later fragment", tcp(mss(fits + 20)), frag=3)
	else:
	    show("after an extension header", tcp(mss(fits + 20)), 22,
	         extra=bytes([6, 0, 1, 4, 0, 0, 0, 0]))
	EOT
}

# goes FAMILY: all of these, into A's tunnel and out of it, with MTU there.
#   out: as R sees them, less the outer header
#   in: as they appear on A's device
goes() {
	local ethertype=0x0800 n

	[ "$1" = 4 ] || ethertype=0x86dd
	packets "$1" "$MTU" >"$WORK/packets"
	n=$(wc -l <"$WORK/packets")
	capture_start "$R" eth0 out "src $SRC and not arp and not icmp6"
	send "$A" $ethertype
	capture_wait out $n
	capture_stop out
	compare "into the tunnel" \
		"$(capture_hex out | cut -c $((2 * (1500 - MTU) + 1))-)"
	comes $ethertype
}

# comes ETHERTYPE: the same, out of A's tunnel alone.
comes() {
	capture_start "$A" adit0 in -Q in
	send "$B" $1
	capture_wait in "$(wc -l <"$WORK/packets")"
	capture_stop in
	compare "out of the tunnel" "$(capture_hex in)"
}

# Metadata will have answers be as what came.
external() {
	gre_is_free || return 0
	must ip -n "$A" link add adit0 type adit mode gre external \
		local $A_IP allow $B_IP mss-clamp on
	adit_new "$B" $B_IP $A_IP mode gre key 1 csum
	must ip -n "$A" link set adit0 up
	must ip -n "$B" link set adit0 up
	settle "$A" adit0
	packets 4 1468 >"$WORK/packets"
	comes 0x0800
	adit_gone
}

send() {
	local hex

	while read -r _ hex _ <&3; do
		raw "$1" link adit0 $2 1 $hex
	done 3<"$WORK/packets"
}

# compare WHAT HEX: these packets, each in its own check
compare() {
	local name want got

	while read -r name _ want && read -r got <&3; do
		check_eq "$1: ${name//_/ }" "$want" "$got"
	done <"$WORK/packets" 3<<<"$2"
	check_eq "packets" "$(wc -l <"$WORK/packets")" "$(wc -l <<<"$2")"
}

# row UNDERLAY OVERHEAD OPTION...
row() {
	SRC=$A_IP MTU=$((1500 - $2))
	[ "$1" = 4 ] || SRC=$A_IP6
	tunnels "$1" "${@:3}"
	goes 4
	goes 6
	adit_gone
}

# Without the option nothing is touched, live.
off() {
	SRC=$A_IP MTU=1480
	tunnels 4
	must ip -n "$A" link set adit0 type adit mss-clamp off
	packets 4 1480 | awk '{ $3 = $2; print }' >"$WORK/packets"
	capture_start "$R" eth0 out "src $SRC and not arp and not icmp6"
	send "$A" 0x0800
	capture_wait out "$(wc -l <"$WORK/packets")"
	capture_stop out
	compare "into the tunnel" "$(capture_hex out | cut -c 41-)"
	adit_gone
}

# What fits is what the route says, or a router.
path() {
	tunnels 4
	must ip -n "$A" route add $B_IP via 192.0.2.254 mtu 1400
	announces 1340 1320
	must ip -n "$A" route del $B_IP
	check_within 5000 "MTU 1480" mtu_is "$A" adit0 1480
	announces 1440 1420
	must ip -n "$A" link set adit0 mtu 1300
	announces 1260 1240
	must ip -n "$A" link set adit0 mtu 0
	must ip -n "$R" link set eth1 mtu 1390
	must ip -n "$B" link set eth0 mtu 1390
	in_ns "$HA" ping -q -c 1 -W 1 -M "do" -s 1400 10.10.20.2
	announces 1330 1310
	must ip -n "$R" link set eth1 mtu 1500
	must ip -n "$B" link set eth0 mtu 1500
	must ip -n "$A" route flush cache
	adit_gone
}

# announces MSS4 MSS6: the hosts' SYN and SYN-ACK, which say 1460 and 1440, as
# they come to the other one.
announces() {
	between "$HA" "$HB" 10.10.20.2 $1
	between "$HB" "$HA" 10.10.10.2 $1
	between "$HA" "$HB" fd00:20::2 $2
	between "$HB" "$HA" fd00:10::2 $2
}

# between CLIENT SERVER ADDR MSS
between() {
	sites_routes
	capture_start "$2" eth0 syn "tcp[13] & 2 != 0 or (ip6[6] == 6 and ip6[53] & 2 != 0)" -Q in
	capture_start "$1" eth0 ack "tcp[13] & 2 != 0 or (ip6[6] == 6 and ip6[53] & 2 != 0)" -Q in
	check_eq "bytes" 1000 "$(tcp_bytes "$1" "$2" $3 1000)"
	capture_stop syn
	capture_stop ack
	check_match "SYN to $3" "\[S\],.*mss $4," "$(capture_show syn)"
	check_match "SYN-ACK of $3" "\[S\.\],.*mss $4," "$(capture_show ack)"
}

sites_routes() {
	must ip -n "$A" route replace 10.10.20.0/24 dev adit0
	must ip -n "$A" route replace fd00:20::/64 dev adit0
	must ip -n "$B" route replace 10.10.10.0/24 dev adit0
	must ip -n "$B" route replace fd00:10::/64 dev adit0
}

# What ICMP would have told, and nobody hears
black_hole() {
	local addr ns

	tunnels 4
	sites_routes
	for ns in "$A" "$B"; do
		must in_ns "$ns" nft "add table inet t
			add chain inet t o { type filter hook output priority 0; }
			add rule inet t o icmp type destination-unreachable drop
			add rule inet t o icmpv6 type packet-too-big drop"
	done
	for ns in "$HA" "$HB"; do
		must ip -n "$ns" -4 route flush cache
		must ip -n "$ns" -6 route flush cache
	done
	for addr in 10.10.20.2 fd00:20::2; do
		must ip -n "$A" link set adit0 type adit mss-clamp off
		stalls $addr
		must ip -n "$A" link set adit0 type adit mss-clamp on
		check_eq "bytes with it" $BYTES \
			"$(tcp_bytes "$HA" "$HB" $addr $BYTES)"
		check_eq "bytes back" $BYTES \
			"$(tcp_bytes "$HA" "$HB" $addr $BYTES -R)"
	done
	for ns in "$A" "$B"; do
		must in_ns "$ns" nft delete table inet t
	done
	adit_gone
}

# stalls ADDR: what HA sends, and sends again, does not arrive.
stalls() {
	local addr=$1 family=4 server client timeouts

	[[ $addr != *:* ]] || { family=6 addr="[$addr]"; }
	# Not in_ns: it is socat that must go.
	ip netns exec "$HB" socat -u TCP$family-LISTEN:5201,reuseaddr \
		"CREATE:$WORK/stalls" &
	server=$!
	check_within 10000 "a server" listens "$HB" 5201
	timeouts=$(mib_get "$HA" TcpExtTCPTimeouts)
	ip netns exec "$HA" socat -u OPEN:/dev/zero "TCP$family:$addr:5201" &
	client=$!
	check_within 20000 "3 timeouts of TCP" timed_out $((timeouts + 3))
	check_eq "bytes received" 0 "$(wc -c <"$WORK/stalls")"
	kill $server $client
	wait $server $client 2>/dev/null
	rm -f "$WORK/stalls"
}

timed_out() { [ "$(mib_get "$HA" TcpExtTCPTimeouts)" -ge $1 ]; }

topology
raw_start "$A" "$B"
case_run "IP in IPv4" row 4 20
case_run "GRE with a key" row 4 28 mode gre key 1
case_run "GUE" row 4 32 encap gue encap-dport 6080
case_run "IP in IPv6" row 6 40
case_run "FOU over IPv6" row 6 48 encap fou encap-dport 5555
case_run "external" external
case_run "off" off
case_run "the route's and the router's MTU" path
case_run "where ICMP is lost" black_hole
finish
