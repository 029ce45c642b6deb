#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tunnel metadata drives a device: routes with encap, tc's tunnel_key, and BPF,
# out and in, in every mode.
#
#	A eth0 192.0.2.1/24, 2001:db8::1/64 ---- .2, ::2 eth0 B
#	  adit0 external                              adit0 external

. ./lib.sh
require python3 perl tcpdump socat ethtool tc

FLAGS=()		# of the metadata that routes have
PINS=/sys/fs/bpf/$ID	# there are no dots in names there

both() {
	must ip -n "$A" "$@"
	must ip -n "$B" "$@"
}

# externals OPTION...
externals() {
	both link add adit0 type adit external allow 192.0.2.0/24 \
		allow 2001:db8::/64 "$@"
	tunnel_addr "$A" adit0 10.9.0.1/32 fd09::1/128
	tunnel_addr "$B" adit0 10.9.0.2/32 fd09::2/128
}

# route FAMILY ID: by metadata of routes, over that family
route() {
	local a=$A_IP b=$B_IP kind=ip ttl=ttl

	[ "$1" = 4 ] ||
		{ a=2001:db8::1 b=2001:db8::2 kind=ip6 ttl=hoplimit; }
	must ip -n "$A" route replace 10.9.0.2 encap "$kind" id "$2" \
		src "$a" dst "$b" "$ttl" 7 "${FLAGS[@]}" dev adit0
	must ip -n "$A" -6 route replace fd09::2 encap "$kind" id "$2" \
		src "$a" dst "$b" "$ttl" 7 "${FLAGS[@]}" dev adit0
	must ip -n "$B" route replace 10.9.0.1 encap "$kind" id "$2" \
		dst "$a" "${FLAGS[@]}" dev adit0
	must ip -n "$B" -6 route replace fd09::1 encap "$kind" id "$2" \
		dst "$a" "${FLAGS[@]}" dev adit0
}

both_ways() {
	ping_ok "$A" 10.9.0.2
	ping_ok "$A" fd09::2
	check_eq "bytes received" 262144 \
		"$(tcp_bytes "$A" "$B" 10.9.0.2 262144)"
	check_eq "bytes received" 262144 \
		"$(tcp_bytes "$B" "$A" fd09::1 262144)"
}

# by_route FAMILY WIRE OPTION...: WIRE is on the wire, and TTL 7.
by_route() {
	local family=$1 wire=$2
	shift 2

	externals "$@"
	route "$family" 77
	capture_start "$A" eth0 wire \
		"(src $A_IP and not arp) or (src 2001:db8::1 and not icmp6)" ||
		return
	ping_ok "$A" 10.9.0.2
	capture_wait wire 3
	capture_stop wire
	check_match "on the wire" "$wire" \
		"$(capture_show wire -v -c 1 | paste -sd " ")"
	both_ways
	both link del adit0
}

# The far end is a tunnel with that remote and key.
far_end_is_fixed() {
	externals mode gre
	route 4 77
	must ip -n "$B" link del adit0
	must ip -n "$B" link add adit0 type adit local "$B_IP" remote "$A_IP" \
		mode gre key 77
	tunnel_addr "$B" adit0 10.9.0.2/32
	must ip -n "$B" route add 10.9.0.1 dev adit0
	ping_ok "$A" 10.9.0.2
	drops_mark "$B" adit0
	route_id 78
	check_fails "another key" in_ns "$A" ping -q -c 2 -i 0.2 -W 1 10.9.0.2
	check_drops "$B" adit0 rx_key 2
	both link del adit0
}
route_id() {
	must ip -n "$A" route replace 10.9.0.2 encap ip id "$1" dst "$B_IP" \
		key dev adit0
}

# Without metadata a packet has nowhere to go.
no_metadata() {
	externals mode gre
	must ip -n "$A" route add 10.99.0.0/24 dev adit0
	drops_mark "$A" adit0
	raw "$A" udp 10.99.0.1 3 100
	check_drops "$A" adit0 tx_no_remote 3
	both link del adit0
}

# Where there is no one remote nobody would hear that.
# shellcheck disable=SC2086 # two words
no_solicitations() {
	must in_ns "$A" sysctl -qw net.ipv6.conf.default.router_solicitations=7
	must ip -n "$A" link add any0 type adit remote any allow "$B_IP"
	must ip -n "$A" link add one0 type adit remote "$B_IP"
	must ip -n "$A" link add ext0 type adit external \
		allow "$B_IP" $UDP encap fou
	must ip -n "$A" link set any0 up
	must ip -n "$A" link set ext0 up
	must ip -n "$A" link set one0 up
	check_eq "to any" 0 "$(solicitations any0)"
	check_eq "by metadata" 7 "$(solicitations ext0)"
	check_eq "to one" 7 "$(solicitations one0)"
	must ip -n "$A" link del any0
	must ip -n "$A" link del ext0
	must ip -n "$A" link del one0
	must in_ns "$A" sysctl -qw net.ipv6.conf.default.router_solicitations=0
}
solicitations() { in_ns "$A" sysctl -n "net.ipv6.conf.$1.router_solicitations"; }

plain_routes() {
	must ip -n "$A" route add 10.9.0.2 dev adit0
	must ip -n "$B" route add 10.9.0.1 dev adit0
}

# Ingress sees the metadata of what comes, egress says where to.
by_tc() {
	local ns

	externals mode gre
	plain_routes
	for ns in "$A $A_IP $B_IP" "$B $B_IP $A_IP"; do
		# shellcheck disable=SC2086 # three words
		set -- $ns
		must tc -n "$1" qdisc add dev adit0 clsact
		must tc -n "$1" filter add dev adit0 egress protocol ip \
			matchall action tunnel_key set id 9 src_ip "$2" \
			dst_ip "$3" nocsum pass
		must tc -n "$1" filter add dev adit0 ingress pref 1 \
			protocol ip flower enc_key_id 9 enc_src_ip "$3" \
			action pass
		must tc -n "$1" filter add dev adit0 ingress pref 2 \
			matchall action drop
	done
	ping_ok "$A" 10.9.0.2
	check_eq "bytes received" 262144 \
		"$(tcp_bytes "$A" "$B" 10.9.0.2 262144)"
	must tc -n "$B" filter del dev adit0 ingress pref 1
	check_fails "without the filter" in_ns "$A" ping -q -c 1 -W 1 10.9.0.2
	both link del adit0
}

# bpf_at NS ADDR ID: the same in BPF; ID is what comes.
bpf_at() {
	must ./bpf.pl set 11 "$2" "$PINS-set-${2//./-}"
	must ./bpf.pl get "$3" "$2" "$PINS-get-${2//./-}"
	must in_ns "$1" tc qdisc add dev adit0 clsact
	must in_ns "$1" tc filter add dev adit0 egress bpf direct-action \
		object-pinned "$PINS-set-${2//./-}"
	must in_ns "$1" tc filter add dev adit0 ingress bpf direct-action \
		object-pinned "$PINS-get-${2//./-}"
}

# bpf_fs: it is mounted; else the case is skipped.
bpf_fs() {
	[ -d /sys/fs/bpf ] || { skip "no BPF file system"; return 1; }
	mountpoint -q /sys/fs/bpf || must mount -t bpf bpf /sys/fs/bpf
}

# by_bpf ID OPTION...
by_bpf() {
	local id=$1
	shift

	bpf_fs || return 0
	externals "$@"
	plain_routes
	bpf_at "$A" "$B_IP" "$id"
	bpf_at "$B" "$A_IP" "$id"
	ping_ok "$A" 10.9.0.2
	check_eq "bytes received" 262144 \
		"$(tcp_bytes "$A" "$B" 10.9.0.2 262144)"
	both link del adit0
	rm -f "$PINS"-*
}

# BPF may have sources that are not this host's.
any_source() {
	bpf_fs || return 0
	lines 6.0 "$(uname -r)" | sort -CV ||
		{ skip "BPF has no local address"; return; }
	externals "$@"
	plain_routes
	must ./bpf.pl set 11 "$B_IP" "$PINS-set" 203.0.113.7
	must in_ns "$A" tc qdisc add dev adit0 clsact
	must in_ns "$A" tc filter add dev adit0 egress bpf direct-action \
		object-pinned "$PINS-set"
	settle "$A" adit0
	drops_mark "$A" adit0
	capture_start "$B" eth0 wire src 203.0.113.7
	check_fails "ping" in_ns "$A" ping -q -c 3 -i 0.2 -W 1 10.9.0.2
	capture_wait wire 3
	capture_stop wire
	check_eq "packets from there" 3 "$(capture_show wire | wc -l)"
	check_drops "$A" adit0
	both link del adit0
	rm -f "$PINS"-*
}

# From whom is not allowed, nothing
not_allowed() {
	externals mode gre
	route 4 5
	must ip -n "$B" link set adit0 type adit allow 192.0.2.77
	drops_mark "$B" adit0
	check_fails "from A" in_ns "$A" ping -q -c 2 -i 0.2 -W 1 10.9.0.2
	check_drops "$B" adit0 rx_source 2
	both link del adit0
}

topo_direct
must ip -n "$A" addr add 2001:db8::1/64 dev eth0
must ip -n "$B" addr add 2001:db8::2/64 dev eth0
raw_start "$A"
UDP="encap-dport 5555"
case_run "route, ip, IPv4" by_route 4 'ttl 7,.*proto IPIP'
case_run "route, ip, IPv6" by_route 6 'hlim 7, next-header IPIP'
FLAGS=(key)
case_run "route, gre, IPv4" by_route 4 'ttl 7,.*key=0x4d' mode gre
case_run "route, gre, IPv6" by_route 6 'hlim 7, next-header GRE.*key=0x4d' \
	mode gre
# shellcheck disable=SC2086 # two words
{
case_run "route, fou, IPv4" by_route 4 'ttl 7,.*\.5555: UDP' encap fou $UDP
case_run "route, fou, IPv6" by_route 6 'hlim 7, next-header UDP.*\.5555' \
	encap fou $UDP
case_run "route, gue, IPv4" by_route 4 'ttl 7,.*\.5555: UDP' encap gue $UDP
case_run "route, gre in gue, IPv6" by_route 6 'hlim 7, next-header UDP' \
	encap gue mode gre $UDP
}
case_run "the far end is a tunnel with a key" far_end_is_fixed
case_run "no metadata" no_metadata
case_run "not allowed" not_allowed
case_run "tc" by_tc
case_run "BPF, ip" by_bpf 0		# which has no place for it
case_run "BPF, gre" by_bpf 11 mode gre
case_run "BPF, another source" any_source mode gre
case_run "nobody solicits routers" no_solicitations
finish
