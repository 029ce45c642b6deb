#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# early: received packets are caught at the device of the underlay, and forwarded
# ones go straight into the tunnel. That is seen in what it costs, and nowhere
# else: hooks, routes, sockets, counters and captures have all packets as if they
# came the long way.
#
#	HA -- A adit0 ==== R ==== adit0 B -- HB
#
# shellcheck disable=SC2086 # options are words

. ./lib.sh
require nft tcpdump jq ethtool python3 tc nstat

N=20		# pings at a time, in less than a second
TRACE=/sys/kernel/tracing
PROBE=adit_$ID

topo_sites_dual
for end in "$A $A_IP6 1 eth0" "$B $B_IP6 2 eth1"; do
	set -- $end
	# nobody asks for a neighbour while it is counted
	must ip -n "$1" neigh add 2001:db8:$3::254 dev eth0 nud permanent \
		lladdr "$(mac_get "$R" $4)"
	must ip -n "$R" neigh add $2 dev $4 nud permanent \
		lladdr "$(mac_get "$1" eth0)"
done

# sites OUTER OPTION...: join them, so that it is known how packets come in.
sites() {
	join_sites "$@"
	pings
	pings
}

# pings [COUNT]: from HA to HB, all answered
pings() {
	check "ping" in_ns "$HA" ping -q -c "${1-$N}" -i 0.02 -W 5 10.10.20.2
}

no_pings() {
	check_fails "ping" in_ns "$HA" ping -q -c 3 -i 0.02 -W 1 10.10.20.2
}

# --- the long way -------------------------------------------------------------

# long_watch: count from now on what is given to the handlers of protocol 4.
long_watch() {
	[ -e $TRACE/kprobe_events ] || return
	echo "p:$PROBE tunnel4_rcv" >>$TRACE/kprobe_events || return
	echo 1 >$TRACE/events/kprobes/$PROBE/enable
}

long_unwatch() {
	[ -e $TRACE/events/kprobes/$PROBE ] || return 0
	echo 0 >$TRACE/events/kprobes/$PROBE/enable
	echo "-:$PROBE" >>$TRACE/kprobe_events
}

long_count() { awk -v p="$PROBE" '$1 == p { print $2 }' $TRACE/kprobe_profile; }

# long_since WAS MIN MAX: so many have taken it.
long_since() {
	check_range "packets that came the long way" "$2" "$3" \
		$(($(long_count) - $1))
}

are_caught() {
	[ ! -e /sys/kernel/realtime ] || { skip "not under PREEMPT_RT"; return 1; }
}

# Once a second on each processor one goes the long way, at either end.
caught() {
	local was cpus

	are_caught || return
	long_watch || { skip "no kprobes"; return; }
	cpus=$(nproc)
	sites 4
	was=$(long_count)
	pings
	long_since "$was" 0 $((6 * cpus * SLOW))
	must in_ns "$B" sysctl -qw net.ipv4.ip_early_demux=0
	was=$(long_count)
	pings
	long_since "$was" $N $((N + 6 * cpus * SLOW))
	must in_ns "$B" sysctl -qw net.ipv4.ip_early_demux=1
	adit_gone
	long_unwatch
}

# --- what is counted ------------------------------------------------------------

# mib NS: what IP and UDP have counted
# shellcheck disable=SC2016 # awk's
mib() {
	in_ns "$1" awk '
		/^(Ip|Udp|IpExt):/ && !($1 in name) { name[$1] = $0; next }
		/^(Ip|Udp|IpExt):/ {
			n = split(name[$1], key)
			for (i = 2; i <= n; i++)
				if (key[i] ~ /^In|^Forw|^Out/)
					print $1 key[i], $i
		}' /proc/net/snmp /proc/net/netstat
	# (of IPv6 there is always some more)
	[ "$OUTER" = 4 ] ||
		in_ns "$1" awk '$1 ~ /^(Ip6|Udp6)(In|Out)/ { print $1, $2 }' \
			/proc/net/snmp6
}

# mib_of_pings: how that of B changes by pings. (5.10 takes UDP's datagrams over
# IPv6 for IPv4's where they are encapsulation.)
mib_of_pings() {
	mib "$B" >"$WORK/mib"
	pings
	mib "$B" | awk '
		{ sub(/^Udp6/, "Udp:") }
		NR == FNR { n[$1] -= $2; next }
		{ n[$1] += $2 }
		END { for (key in n) if (n[key]) print key, n[key] }
	' "$WORK/mib" - | sort
}

# counted_alike OUTER OPTION...: the same, whichever way.
counted_alike() {
	local long early OUTER=$1

	sites "$@"
	drops_mark "$B" adit0
	must in_ns "$B" sysctl -qw net.ipv4.ip_early_demux=0
	long=$(mib_of_pings)
	must in_ns "$B" sysctl -qw net.ipv4.ip_early_demux=1
	pings
	early=$(mib_of_pings)
	check_eq "counters of B" "$long" "$early"
	check_match "something counted" "InDelivers $N" "$early"
	check_drops "$B" adit0
	adit_gone
}

# --- hooks --------------------------------------------------------------------

# rule NS HOOK PRIORITY RULE...: in a table that is gone by unrule
rule() {
	must in_ns "$1" nft "add table ip t
		add chain ip t $2 { type ${TYPE:-filter} hook $2 priority $3; }
		add rule ip t $2 ${*:4}"
}

# knows RULE: does the kernel know such a rule?
knows() {
	in_ns "$B" nft "add table ip t
		add chain ip t input { type filter hook input priority 0; }
		add rule ip t input ip protocol 4 $1" || return
	unrule "$B"
}

unrule() { must in_ns "$1" nft delete table ip t; }

# rule_count NS HOOK: packets that its counter has
rule_count() { nft_packets "$1" chain ip t "$2"; }

# Each of them has each packet, once.
hooks_see() {
	sites 4
	rule "$B" prerouting -300 ip protocol 4 counter
	must in_ns "$B" nft "add chain ip t input { type filter hook input priority 0; }
		add rule ip t input ip protocol 4 counter"
	pings
	check_eq "packets in prerouting" $N "$(rule_count "$B" prerouting)"
	check_eq "packets in input" $N "$(rule_count "$B" input)"
	unrule "$B"
	adit_gone
}

hooks_drop() {
	local hook

	sites 4
	for hook in prerouting input; do
		rule "$B" $hook 0 ip protocol 4 drop
		no_pings
		unrule "$B"
		pings 1
	done
	adit_gone
}

# queued HOOK [MARK]: somebody in user space decides.
queued() {
	rule "$B" "$1" 0 ip protocol 4 queue num 0
	decide ${2-}
	pings
	check_within 5000 "$N packets decided on" has_decided $N
	kill $!
	wait $! 2>/dev/null
	no_pings
	unrule "$B"
	pings 1
}

has_decided() { [ "$(grep -c '^[0-9]' "$WORK/queued")" = "$1" ]; }

# decide [MARK]: in the background, from now on
decide() {
	: >"$WORK/queued"
	ip netns exec "$B" ./nfqueue.py accept "$@" >"$WORK/queued" &
	check_within 10000 "a listener" grep -q ready "$WORK/queued"
}

hooks_queue() {
	knows "queue num 0" || { skip "the kernel has no queue of nft"; return; }
	sites 4
	drops_mark "$B" adit0
	queued prerouting
	queued prerouting 9
	queued input
	check_drops "$B" adit0
	adit_gone
	# (UDP is another's way on)
	sites 4 encap gue encap-dport 6080
	rule "$B" input 0 udp dport 6080 queue num 0
	decide
	pings
	kill $!
	wait $! 2>/dev/null
	unrule "$B"
	adit_gone
}

# What is let go when its tunnel is gone is nobody's, and is counted as that; what has
# come the long way, as one does each second, is delivered to nobody. (With the last
# tunnel all that is queued would go.)
hooks_queue_late() {
	local was discards decider

	are_caught || return
	knows "queue num 0" || { skip "the kernel has no queue of nft"; return; }
	sites 4
	must ip -n "$B" link add adit1 type adit remote 192.0.2.99
	rule "$B" input 0 ip protocol 4 ip length 148 queue num 0
	decide
	decider=$!
	kill -STOP $decider
	# so that it is known how packets come in, which each processor learns itself
	ip netns exec "$HA" taskset -c "$CPU" ping -q -i 0.02 10.10.20.2 >/dev/null &
	pings
	in_ns_on_cpu "$HA" ping -q -c 5 -i 0.02 -W 1 -s 100 10.10.20.2 \
		>/dev/null
	check_within 10000 "packets in the queue" has_queued 5
	kill $!
	wait $! 2>/dev/null
	must ip -n "$B" link del adit0
	was=$(fates) discards=$(mib_get "$B" IpInDiscards)
	kill -CONT $decider
	check_within 10000 "packets discarded or delivered" have_ended $((was + 5))
	check_range "packets discarded" 1 5 \
		$(($(mib_get "$B" IpInDiscards) - discards))
	kill $decider
	wait $decider 2>/dev/null
	unrule "$B"
	must ip -n "$B" link del adit1
	must ip -n "$A" link del adit0
}

# shellcheck disable=SC2016 # awk's
has_queued() {
	[ "$(in_ns "$B" awk '{ print $3 }' \
		/proc/net/netfilter/nfnetlink_queue)" = "$1" ]
}

# fates: how many IP has discarded or delivered in B
fates() { echo $(($(mib_get "$B" IpInDiscards) + $(mib_get "$B" IpInDelivers))); }

have_ended() { [ "$(fates)" = "$1" ]; }

# A packet that has been given a mark takes the route of that mark.
hooks_mark() {
	sites 4
	must ip -n "$B" rule add fwmark 7 blackhole
	pings
	rule "$B" prerouting -150 ip protocol 4 meta mark set 7
	no_pings
	unrule "$B"
	pings
	must ip -n "$B" rule del fwmark 7
	adit_gone
}

# To another address, and with that to another tunnel; and from another.
hooks_nat() {
	local other=198.51.100.22 was

	sites 4
	must ip -n "$B" addr add $other/32 dev eth0
	must ip -n "$B" link add other type adit local $other remote $A_IP
	must ip -n "$B" link set other up
	was=$(stat_get "$B" adit0 rx_packets)
	TYPE=nat rule "$B" prerouting -100 ip protocol 4 dnat to $other
	# a connection that is known stays as it is
	in_ns "$B" conntrack -D -p 4 >/dev/null 2>&1
	in_ns "$HA" ping -q -c $N -i 0.02 -W 1 10.10.20.2
	check_eq "packets at the other tunnel" $N \
		"$(stat_get "$B" other rx_packets)"
	check_eq "packets at this one" "$was" \
		"$(stat_get "$B" adit0 rx_packets)"
	unrule "$B"
	must ip -n "$B" link del other
	must ip -n "$B" addr del $other/32 dev eth0
	adit_gone

	sites 4
	TYPE=nat rule "$B" input 100 ip protocol 4 snat to 192.0.2.77
	in_ns "$B" conntrack -D -p 4 >/dev/null 2>&1
	was=$(stat_get "$B" adit0 rx_packets)
	no_pings
	check_eq "packets of another source" "$was" \
		"$(stat_get "$B" adit0 rx_packets)"
	unrule "$B"
	in_ns "$B" conntrack -D -p 4 >/dev/null 2>&1
	adit_gone
}

# To another port, which is nobody's.
hooks_redirect() {
	local was

	sites 4 encap fou encap-dport 5555
	was=$(stat_get "$B" adit0 rx_packets)
	rule "$B" prerouting -150 udp dport 5555 udp dport set 6666
	no_pings
	check_eq "packets of another port" "$was" \
		"$(stat_get "$B" adit0 rx_packets)"
	unrule "$B"
	pings
	adit_gone
}

# --- routes and sockets -----------------------------------------------------------

# A setting without an event is effective within a second.
strict() {
	sites 4
	must ip -n "$B" route add $A_IP/32 dev lan0
	must in_ns "$B" sysctl -qw net.ipv4.conf.all.rp_filter=1
	check_within 5000 "refused" refused
	must in_ns "$B" sysctl -qw net.ipv4.conf.all.rp_filter=0
	must ip -n "$B" route del $A_IP/32 dev lan0
	check_within 5000 "ping" in_ns "$HA" ping -q -c 1 -W 1 10.10.20.2
	adit_gone
}

refused() {
	local was is

	was=$(stat_get "$B" adit0 rx_packets)
	in_ns "$HA" ping -q -c 3 -i 0.02 -W 1 10.10.20.2
	is=$(stat_get "$B" adit0 rx_packets)
	[ "$was" = "$is" ]
}

raw_socket() {
	local pid

	sites 4
	ip netns exec "$B" python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 4)
print("ready", flush=True)
while s.recv(65536):
    print("packet", flush=True)' >"$WORK/raw" &
	pid=$!
	check_within 10000 "a raw socket" grep -q ready "$WORK/raw"
	pings
	check_within 5000 "all of them" raw_has $N
	kill $pid
	wait $pid 2>/dev/null
	check_eq "packets at the raw socket" $N "$(grep -c packet "$WORK/raw")"
	adit_gone
}

# One of a protocol, bound to the underlay's device, has the outer packets and not
# the inner ones. (It has protocol 4 in the tenth byte.)
packet_socket() {
	sites 4
	packet_socket_new "$B" eth0
	pings
	packet_socket_has
	pings
	adit_gone
}

# packet_socket_new NS DEV
packet_socket_new() {
	: >"$WORK/raw"
	ip netns exec "$1" python3 -c '
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x800))
s.bind((sys.argv[1], 0x800))
print("ready", flush=True)
while True:
    print("packet", s.recv(65536)[9], flush=True)' "$2" >"$WORK/raw" &
	PACKET_SOCKET=$!
	check_within 10000 "a packet socket" grep -q ready "$WORK/raw"
}

# packet_socket_has: N outer packets, and it ends.
packet_socket_has() {
	check_within 5000 "all of them" raw_has $N
	kill $PACKET_SOCKET
	wait $PACKET_SOCKET 2>/dev/null
	check_eq "packets of protocol 4" $N "$(grep -c '^packet 4$' "$WORK/raw")"
	check_eq "packets" $N "$(grep -c '^packet' "$WORK/raw")"
}

raw_has() { [ "$(grep -c packet "$WORK/raw")" -ge "$1" ]; }

# --- who watches the tunnel ---------------------------------------------------------

captured() {
	local dev

	sites 4
	for dev in adit0 any eth0; do
		capture_start "$B" $dev cap icmp or ip proto 4
		pings
		capture_wait cap $N
		capture_stop cap
		# outer and inner, request and answer; each also on lan0
		check_range "packets on $dev" $N $((8 * N)) \
			"$(capture_show cap | wc -l)"
	done
	capture_start "$B" adit0 cap icmp
	pings
	capture_wait cap $((2 * N))
	capture_stop cap
	check_eq "packets on adit0" $((2 * N)) "$(capture_show cap | wc -l)"
	adit_gone
}

# tc_drops HOOK: a filter there has all packets at once, and none afterwards.
tc_drops() {
	must tc -n "$B" qdisc add dev adit0 clsact
	pings 1
	must tc -n "$B" filter add dev adit0 "$1" matchall action drop
	no_pings
	check_eq "packets dropped" 3 "$(tc -n "$B" -s -j filter show dev adit0 \
		"$1" | jq '[.. | .packets? | numbers] | max')"
	must tc -n "$B" qdisc del dev adit0 clsact
	pings
}

watched_by_tc() {
	local was

	sites 4
	tc_drops ingress
	tc_drops egress
	must tc -n "$A" qdisc add dev adit0 root pfifo limit 100
	was=$(tc -n "$A" -s -j qdisc show dev adit0 | jq '.[0].packets')
	pings
	check_eq "packets through a queue" $N $(($(tc -n "$A" -s -j qdisc show \
		dev adit0 | jq '.[0].packets') - was))
	must tc -n "$A" qdisc del dev adit0 root
	pings
	adit_gone
}

watched_by_nft() {
	sites 4
	must in_ns "$B" nft "add table netdev t
		add chain netdev t i { type filter hook ingress device adit0 priority 0; }
		add rule netdev t i counter drop"
	no_pings
	check_match "packets dropped" "packets 3 " \
		"$(in_ns "$B" nft list chain netdev t i | xargs)"
	must in_ns "$B" nft delete table netdev t
	pings
	adit_gone
}

# RPS has the inner packets on the processors that it is told to.
watched_by_rps() {
	local queue=/sys/class/net/adit0/queues/rx-0/rps_cpus

	sites 4
	drops_mark "$B" adit0
	check "RPS" ip netns exec "$B" sh -c "echo 1 >$queue"
	pings
	check "RPS" ip netns exec "$B" sh -c "echo 0 >$queue"
	pings
	check_drops "$B" adit0
	adit_gone
}

# --- devices and neighbours ------------------------------------------------------------

# Bridge, bond and VLAN: IP has the packet on another device than the wire.
devices_stacked() {
	local kind

	for kind in bridge "bond mode active-backup" vlan; do
		ns_new C D
		link_ns "$C" wire 192.0.2.101/32 "$D" wire 192.0.2.102/32
		stack "$C" 203.0.113.1 $kind
		stack "$D" 203.0.113.2 $kind
		must ip -n "$C" link add tun type adit remote 203.0.113.2
		must ip -n "$D" link add tun type adit remote 203.0.113.1
		tunnel_addr "$C" tun 10.9.1.1/30
		tunnel_addr "$D" tun 10.9.1.2/30
		check_within 10000 "$kind" in_ns "$C" ping -q -c 1 -W 1 10.9.1.2
		drops_mark "$D" tun
		check "ping over $kind" in_ns "$C" ping -q -c $N -i 0.02 -W 5 \
			10.9.1.2
		check_drops "$D" tun
		packet_socket_below "$kind"
		ns_gone C
		ns_gone D
	done
}

# packet_socket_below KIND: a packet socket at the lower device has what it would have
# without a tunnel: nothing of a bridge's port.
packet_socket_below() {
	[ "$1" != bridge ] || return 0
	packet_socket_new "$D" wire
	check "ping beside a packet socket" in_ns "$C" ping -q -c $N -i 0.02 \
		-W 5 10.9.1.2
	packet_socket_has
}

# stack NS ADDR KIND [OPTION...]: a device `top' on wire, with that address
stack() {
	local ns=$1 addr=$2
	shift 2

	if [ "$1" = vlan ]; then
		must ip -n "$ns" link add link wire name top type vlan id 5
	else
		must ip -n "$ns" link add top type "$@"
		must ip -n "$ns" link set wire down
		must ip -n "$ns" link set wire master top
		must ip -n "$ns" link set wire up
	fi
	must ip -n "$ns" addr add $addr/24 dev top
	must ip -n "$ns" link set top up
}

# The device goes to another namespace, and comes back, with the hook or without.
device_moved() {
	sites 4
	must ip -n "$B" link set eth0 netns "$HB" name moved
	no_pings
	must ip -n "$HB" link set moved netns "$B" name eth0
	must ip -n "$B" addr add $B_IP/24 dev eth0
	must ip -n "$B" link set eth0 up
	must ip -n "$B" route add default via 198.51.100.254
	check_within 10000 "ping" in_ns "$HA" ping -q -c 1 -W 1 10.10.20.2
	pings
	adit_gone
}

# The neighbours of a device that needs none can be given, changed and flushed.
neighbours() {
	local n

	sites 4
	in_ns "$HA" ping -q -i 0.01 -c 100 -W 5 10.10.20.2 >"$WORK/ping" &
	n=$!
	for _ in 1 2 3; do
		must ip -n "$A" neigh replace 10.9.0.2 lladdr 1.2.3.4 dev adit0 \
			nud permanent
		must ip -n "$A" neigh replace 10.9.0.2 dev adit0 nud stale
		must ip -n "$A" neigh replace 10.9.0.2 dev adit0 nud probe
		must ip -n "$A" neigh flush dev adit0 nud all
		in_ns "$A" ping -q -c 2 -i 0.02 -W 5 10.9.0.2
	done
	wait $n
	check_match "loss" " 0% packet loss" "$(cat "$WORK/ping")"
	# down is down, for what is forwarded too
	must ip -n "$A" link set adit0 down
	no_pings
	must ip -n "$A" link set adit0 up
	must ip -n "$A" route add 10.10.20.0/24 dev adit0
	pings
	adit_gone
}

trap 'long_unwatch; on_exit' EXIT
case_run "packets are caught early" caught
case_run "counted alike: ip over IPv4" counted_alike 4
case_run "counted alike: ip over IPv6" counted_alike 6
case_run "counted alike: gre over IPv4" counted_alike 4 mode gre key 7
case_run "counted alike: fou over IPv4" counted_alike 4 encap fou \
	encap-dport 5555
case_run "counted alike: gue over IPv6" counted_alike 6 encap gue \
	encap-dport 6080
case_run "hooks see each packet once" hooks_see
case_run "hooks drop" hooks_drop
case_run "hooks queue" hooks_queue
case_run "hooks queue for longer than the tunnel lives" hooks_queue_late
case_run "hooks mark, and the route is another" hooks_mark
case_run "hooks translate addresses" hooks_nat
case_run "hooks change the port" hooks_redirect
case_run "rp_filter, switched on" strict
case_run "a raw socket has its copies" raw_socket
case_run "a packet socket of one protocol" packet_socket
case_run "captures have all packets" captured
case_run "tc has all packets" watched_by_tc
case_run "nft has all packets" watched_by_nft
case_run "RPS" watched_by_rps
case_run "bridge, bond, VLAN" devices_stacked
case_run "a device that is moved" device_moved
case_run "neighbours" neighbours
finish
