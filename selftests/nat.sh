#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Two clients behind one address: what tells the server's two tunnels apart is
# the UDP port that each client's packets are given on the way.
#
#	C1 eth0 10.1.1.2/24 ---- .1 lan1 N              port 7001 -> 17001
#	        fd01:1::2/64        ::1  N wan 192.0.2.254/24 ---- .1 eth0 S
#	C2 eth0 10.1.2.2/24 ---- .1 lan2 N     2001:db8:1::254/64  ::1
#	        fd01:2::2/64        ::1                 port 7002 -> 17002

. ./lib.sh
require ping socat ethtool python3 nft

BYTES=262144

topology() {
	local i client

	ns_new S N C1 C2
	link_ns "$S" eth0 192.0.2.1/24 "$N" wan 192.0.2.254/24
	must ip -n "$S" addr add 2001:db8:1::1/64 dev eth0
	must ip -n "$N" addr add 2001:db8:1::254/64 dev wan
	for i in 1 2; do
		client=C$i
		client=${!client}
		link_ns "$client" eth0 10.1.$i.2/24 "$N" lan$i 10.1.$i.1/24
		must ip -n "$client" addr add fd01:$i::2/64 dev eth0
		must ip -n "$N" addr add fd01:$i::1/64 dev lan$i
		must ip -n "$client" route add default via 10.1.$i.1
		must ip -n "$client" route add default via fd01:$i::1
	done
	forwarding "$N"
	cat >"$WORK/nft" <<-EOT
		table inet nat {
			chain post {
				type nat hook postrouting priority 100
				oifname wan udp sport 7001 masquerade to :17001
				oifname wan udp sport 7002 masquerade to :17002
				oifname wan masquerade
			}
		}
	EOT
	must in_ns "$N" nft -f "$WORK/nft"
}

# tunnel NS DEV LOCAL REMOTE ADDR4 ADDR6 OPTION...
tunnel() {
	check "new in $1: ${*:7}" ip -n "$1" link add "$2" type adit \
		local "$3" remote "$4" "${@:7}" || return
	must ip -n "$1" addr add "$5/30" dev "$2"
	must ip -n "$1" addr add "$6/64" dev "$2"
	must ip -n "$1" link set "$2" up
	settle "$1" "$2"
}

# tunnels FAMILY OPTION...: adit1 and adit2 of S, adit0 of either client
tunnels() {
	local i client server=192.0.2.1 outside=192.0.2.254 inside=10.1.%s.2

	[ "$1" = v4 ] || server=2001:db8:1::1 outside=2001:db8:1::254 \
		inside=fd01:%s::2
	for i in 1 2; do
		client=C$i
		tunnel "${!client}" adit0 "${inside/\%s/$i}" "$server" \
			"10.9.$i.1" "fd09:$i::1" "${@:2}" \
			encap-sport "700$i" encap-dport 5555 || return
		tunnel "$S" "adit$i" "$server" "$outside" \
			"10.9.$i.2" "fd09:$i::2" "${@:2}" \
			encap-sport 5555 encap-dport "1700$i" || return
	done
}

gone() {
	ip -n "$C1" link del adit0
	ip -n "$C2" link del adit0
	ip -n "$S" link del adit1
	ip -n "$S" link del adit2
} 2>/dev/null

rx() { stat_get "$1" "$2" rx_packets; }

counts() {
	echo "$(rx "$S" adit1) $(rx "$S" adit2) $(rx "$C1" adit0) $(rx "$C2" adit0)"
}

# counted MORE...: than WAS, by each
counted() {
	local was is i more=("$@")

	read -ra was <<<"$WAS"
	read -ra is <<<"$(counts)"
	for i in 0 1 2 3; do
		[ $((is[i] - was[i])) = "${more[i]}" ] || return
	done
}

# arrives WHAT FROM ADDR MORE...: five datagrams from there to ADDR are counted
# by these and by nobody else.
arrives() {
	WAS=$(counts)
	check "send" packet "$2" send "$3" n=1,times=5
	check_within 5000 "$1, of $WAS to $(counts)" counted "${@:4}"
}

# reach OPTION...: everybody reaches whom he should and nobody else.
reach() {
	local i client

	tunnels "$@" || return
	# The clients first: before that there is no way in.
	for i in 1 2; do
		client=C$i
		client=${!client}
		ping_ok "$client" "10.9.$i.2"
		ping_ok "$client" "fd09:$i::2"
		ping_ok "$S" "10.9.$i.1"
		ping_ok "$S" "fd09:$i::1"
		check_eq "bytes up" "$BYTES" \
			"$(tcp_bytes "$client" "$S" "10.9.$i.2" "$BYTES")"
		check_eq "bytes down" "$BYTES" \
			"$(tcp_bytes "$S" "$client" "fd09:$i::1" "$BYTES")"
	done
	for i in "$S adit1" "$S adit2" "$C1 adit0" "$C2 adit0"; do
		# shellcheck disable=SC2086 # two words
		settle $i
	done
	arrives "from C1" "$C1" 10.9.1.2 5 0 0 0
	arrives "from C2" "$C2" 10.9.2.2 0 5 0 0
	arrives "to C1" "$S" 10.9.1.1 0 0 5 0
	arrives "to C2" "$S" 10.9.2.1 0 0 0 5
	# The other one's inner address does not make it the other one's.
	must ip -n "$C1" route add 10.9.2.2 dev adit0
	arrives "from C1 to the other's" "$C1" 10.9.2.2 5 0 0 0
	for i in "$S adit1" "$S adit2" "$C1 adit0" "$C2 adit0"; do
		# shellcheck disable=SC2086
		no_drops $i
	done
}

run() {
	case_run "$@"
	gone
}

topology
# Answers that nobody asked for would be counted.
for ns in "$S" "$C1" "$C2"; do
	cat >"$WORK/nft" <<-EOT
		table inet quiet {
			chain quiet {
				type filter hook input priority 0
				udp dport 5999 drop
			}
		}
	EOT
	must in_ns "$ns" nft -f "$WORK/nft"
done
run "fou" reach v4 encap fou
run "gue" reach v4 encap gue
run "fou over IPv6" reach v6 encap fou
run "gue over IPv6" reach v6 encap gue
if [ ! -e /sys/module/ip_gre ] && [ ! -e /sys/module/ip6_gre ]; then
	run "gre in gue" reach v4 mode gre encap gue
	run "gre in fou over IPv6" reach v6 mode gre encap fou
else
	case_run "gre" skip "ip_gre or ip6_gre has it"
fi
finish
