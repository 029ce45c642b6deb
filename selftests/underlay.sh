#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The underlay's link, addresses, routes, device and namespace go and come back,
# with traffic and without: every packet that the tunnel is given is sent or
# counted, and it works again without being touched.
#
# Does not own: what a change of addresses and routes leads to (renumber.sh, mtu.sh), a
# device that is deleted under traffic (lifecycle.sh), a bad wire (netfaults.sh).
#
# shellcheck disable=SC2086 # options and numbers are words

. ./lib.sh
. ./faults.lib
require ping python3 jq ethtool

N=50		# packets where all of them have the same fate
MANY=1000	# packets while something happens

# --- packets given and sent --------------------------------------------------------

give() { packet "$A" send 10.9.0.2 "n=1,size=100,times=$1"; }

account_start() {
	drops_mark "$A" adit0
	WAS=$(account)
}

# account: packets sent or dropped since ever.
account() {
	echo $(($(stat_get "$A" adit0 tx_packets) +
		$(drops_all "$A" adit0 | awk '/ tx_/ || /^tx_/ { n += $2 } END { print n + 0 }')))
}

# balanced N CAUSE...: so many packets were given, and no others were dropped.
balanced() {
	local cause drops

	check_eq "packets sent or dropped" "$1" $(($(account) - WAS))
	shift
	drops=" $(drops_since "$A" adit0 | sed 's/ +[0-9]*//g') "
	for cause; do
		drops=${drops/ $cause / }
	done
	check_eq "causes of drops beside $*" "" "${drops// /}"
}

# under COMMAND...: run it while packets are sent.
under() {
	local pid

	account_start
	give $MANY &
	pid=$!
	"$@"
	wait $pid || fail "the sender failed"
	balanced $MANY tx_no_route tx_underlay
}

# lost CAUSE: all packets are, for this one.
lost() {
	account_start
	give $N
	check_drops "$A" adit0 "$1" $N
}

# no_way: without a route, no packet goes; but the kernel takes whatever goes to a
# given device by IPv4 for on the link.
no_way() {
	if [ -n "$BOUND" ]; then
		works
	else
		lost tx_no_route
	fi
}

delivers() { in_ns "$A" ping -q -c 1 -W 1 10.9.0.2; }

# works: again, by itself, and then all of it.
works() {
	local rx

	check_within 10000 "the tunnel works" delivers || return
	settle "$B" adit0
	rx=$(stat_get "$B" adit0 rx_packets)
	account_start
	give $N
	balanced $N
	check_within 5000 "$N received" received $((rx + N))
}

received() { [ "$(stat_get "$B" adit0 rx_packets)" = "$1" ]; }

# --- the underlay ------------------------------------------------------------------

plug() { link_ns "$A" eth0 $A_IP/24 "$B" eth0 $B_IP/24; plug_ip6; }

# The addresses of IPv6 stay when the link goes down, as those of IPv4 do.
plug_ip6() {
	local ns

	for ns in "$A" "$B"; do
		must in_ns "$ns" sysctl -qw \
			net.ipv6.conf.eth0.disable_ipv6=0 \
			net.ipv6.conf.eth0.keep_addr_on_down=1
	done
	must ip -n "$A" addr add $A_IP6/64 dev eth0
	must ip -n "$B" addr add $B_IP6/64 dev eth0
}

addr() { must ip -n "$A" addr "$1" $A_IP/24 dev eth0 && must ip -n "$A" addr "$1" $A_IP6/64 dev eth0; }

flap() {
	for _ in 1 2 3 4; do
		check "down" ip -n "$1" link set eth0 down
		sleep 0.05
		check "up" ip -n "$1" link set eth0 up
		sleep 0.05
	done
}

link_flaps() {
	under flap "$A"
	works
	under flap "$B"
	works
	must ip -n "$A" link set eth0 down
	lost tx_no_route
	must ip -n "$A" link set eth0 up
	works
}

move_address() {
	for _ in 1 2 3 4; do
		addr del
		addr add
	done
}

address_goes() {
	under move_address
	works
	addr del
	lost tx_no_route
	addr add
	works
}

route() { must ip -n "$A" route "$@"; }

churn_routes() {
	local type

	for _ in $(seq 10); do
		for type in blackhole unreachable prohibit throw; do
			route replace $type $REMOTE
		done
		route replace $REMOTE dev eth0
	done
	route del $REMOTE
}

# Each is met by a route that the tunnel has in its cache.
routes_go() {
	local type

	for type in blackhole unreachable prohibit throw; do
		check "route" ip -n "$A" route replace $REMOTE dev eth0
		works
		route del $REMOTE
		route add $type $REMOTE
		no_way
		route del $type $REMOTE
		works
	done
	under churn_routes
	works
}

nexthop() { must ip -n "$A" -$FAMILY nexthop "$@"; }

nexthops_go() {
	if ! ip -n "$A" -$FAMILY nexthop add id 7 via $REMOTE dev eth0; then
		skip "no objects of next hops"
		return
	fi
	route add $REMOTE/$HOST nhid 7
	works
	nexthop replace id 7 blackhole
	no_way
	nexthop replace id 7 via $REMOTE dev eth0 onlink
	works
	nexthop del id 7
	works
}

# Nothing is sent meanwhile, so that what the tunnel has in its cache is stale.
device_goes_idle() {
	check "delete" timeout 60 ip -n "$A" link del eth0
	lost tx_no_route
	plug
	if [ -n "$BOUND" ]; then
		lost tx_no_route
		check "bind" ip -n "$A" link set adit0 type adit dev eth0
		check "bind" ip -n "$B" link set adit0 type adit dev eth0
	fi
	works
}

roam() {
	check "to X" ip -n "$A" link set eth0 netns "$X"
	sleep 0.1
	check "back" ip -n "$X" link set eth0 netns "$A"
	must ip -n "$A" link set eth0 up
	must ip -n "$A" addr add $A_IP/24 dev eth0
	must in_ns "$A" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0 \
		net.ipv6.conf.eth0.keep_addr_on_down=1
	must ip -n "$A" addr add $A_IP6/64 dev eth0
}

# It has the same index again.
device_roams() {
	under roam
	works
}

# underlay NAME FAMILY LOCAL OPTION...: all of that, under a tunnel like this.
underlay() {
	local name=$1 family=$2 local=$3 here
	shift 3

	BOUND="" FAMILY=$family HOST=32 REMOTE=$B_IP here=$A_IP
	[[ " $* " != *" dev "* ]] || BOUND=1
	[ $family = 4 ] || HOST=128 REMOTE=$B_IP6 here=$A_IP6
	[ $local = any ] || local=$here
	adit_new "$A" $local $REMOTE "$@"
	adit_new "$B" $REMOTE $here "$@"
	tunnel_addr "$A" adit0 10.9.0.1/30
	tunnel_addr "$B" adit0 10.9.0.2/30
	case_run "$name: it works" works
	case_run "$name: the link flaps" link_flaps
	case_run "$name: the address goes" address_goes
	case_run "$name: routes go" routes_go
	case_run "$name: next hops go" nexthops_go
	case_run "$name: the device goes elsewhere and comes back" device_roams
	case_run "$name: the device is another one" device_goes_idle
	adit_gone
}

# --- its namespace -----------------------------------------------------------------

# netns_goes OPTION...: the underlay's ends under traffic, the tunnel being in X.
netns_goes() {
	local GONE

	for _ in 1 2 3; do
		ns_new GONE
		link_ns "$GONE" eth0 198.51.100.1/24 "$B" gone0 198.51.100.2/24
		must ip -n "$X" link add adit0 link-netns "$GONE" type adit \
			local 198.51.100.1 remote 198.51.100.2 "$@"
		must ip -n "$B" link add adit1 type adit \
			local 198.51.100.2 remote 198.51.100.1 "$@"
		tunnel_addr "$X" adit0 10.9.1.1/30
		tunnel_addr "$B" adit1 10.9.1.2/30
		flood "$X" ping -q -f 10.9.1.2
		flood "$B" ping -q -f 10.9.1.1
		flows "$B" adit1
		ns_gone GONE
		check_within 30000 "the tunnel is gone" has_not "$X" adit0
		check_within 30000 "the namespace is gone" has_not "$B" gone0
		flood_stop
		must ip -n "$B" link del adit1
	done
}

topo_direct
ns_new X
A_IP6=2001:db8::1 B_IP6=2001:db8::2
plug_ip6
for ns in "$A" "$B" "$X"; do
	must in_ns "$ns" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
done

underlay "IPv4" 4 any
underlay "IPv4, fast, FOU, bound" 4 fixed dev eth0 encap fou encap-dport 5555 fastpath on
underlay "IPv6, GRE" 6 fixed mode gre key 5 csum
underlay "IPv6, fast, GUE" 6 any encap gue encap-dport 6080 fastpath on
case_run "namespace: ip" netns_goes
case_run "namespace: gre, fast" netns_goes mode gre fastpath on
case_run "namespace: fou" netns_goes encap fou encap-dport 5555
case_run "namespace: gue, fast, delivered to the underlay" netns_goes \
	encap gue encap-dport 6080 fastpath on deliver underlay
finish
