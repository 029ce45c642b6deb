#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The device's MTU follows the underlay until the user sets one, and again after
# `mtu 0`.

. ./lib.sh
require jq

ELSEWHERE=203.0.113.1	# where the routes to it lead varies

auto_of() {
	ip -n "$1" -d -j link show dev "$2" |
		jq '.[0].linkinfo.info_data.mtu_auto'
}

# now DEV MTU AUTO: what it is at once.
now() {
	# (what has RTNL has looked at all tunnels when this ends)
	check_eq "mtu_auto of $1" "$3" "$(auto_of "$A" "$1")"
	check_eq "MTU of $1" "$2" "$(mtu_get "$A" "$1")"
}

# soon DEV MTU [NS]: what it becomes.
soon() {
	check_within 5000 "MTU $2 of $1" mtu_is "${3:-$A}" "$1" "$2" ||
		ip -n "${3:-$A}" link show dev "$1"
}

# stays DEV MTU: some time after what might have changed it
stays() {
	nap 0.5
	now "$1" "$2" true
}

add() { check "add $*" ip -n "$A" link add "$1" type adit "${@:2}"; }
set_link() { check "set $*" ip -n "$A" link set "$@"; }
route() { check "route $*" ip -n "$A" route "$@"; }
del() { check "del $1" ip -n "$A" link del "$1"; }

follows_device() {
	add t0 remote "$B_IP"
	now t0 1480 true
	set_link eth0 mtu 1400
	soon t0 1380
	set_link eth0 mtu 9000
	soon t0 8980
	set_link eth0 mtu 1500
	soon t0 1480
	now t0 1480 true
	del t0
}

follows_route() {
	route add "$ELSEWHERE" via "$B_IP" mtu 1400
	add t0 remote "$ELSEWHERE"
	now t0 1380 true
	route replace "$ELSEWHERE" via "$B_IP" mtu 1350
	soon t0 1330
	route replace "$ELSEWHERE" via "$B_IP"
	soon t0 1480
	route replace "$ELSEWHERE" dev wide
	soon t0 1980
	# The better route goes
	route add "$ELSEWHERE" via "$B_IP" metric 10 mtu 1450
	route del "$ELSEWHERE" dev wide
	soon t0 1430
	route del "$ELSEWHERE"
	stays t0 1430
	set_link t0 type adit remote 198.18.0.99
	now t0 1480 true
	del t0
}

route_comes_later() {
	check_fails "a route" ip -n "$A" route get "$ELSEWHERE"
	add t0 remote "$ELSEWHERE"
	now t0 1480 true
	route add "$ELSEWHERE" dev wide
	soon t0 1980
	gone_for_a_moment
	route del "$ELSEWHERE"
	stays t0 1980
	del t0
}

# Nobody is told of it.
gone_for_a_moment() {
	monitor_start "$A" link
	route del "$ELSEWHERE"
	stays t0 1980
	route add "$ELSEWHERE" dev wide
	route add 198.18.0.98 dev wide mtu 1300
	add t1 remote 198.18.0.98
	route replace 198.18.0.98 dev wide mtu 1320
	soon t1 1300
	now t0 1980 true
	check_match "events of t1" . "$(grep ' t1@\| t1:' "$WORK/monitor")"
	check "ip monitor goes on" monitor_stop
	check_eq "events of t0" "" "$(grep ' t0@\| t0:' "$WORK/monitor")"
	del t1
	route del 198.18.0.98
}

bound() {
	add t0 remote "$ELSEWHERE" dev wide
	now t0 1980 true
	add t1 remote "$B_IP" dev eth0
	now t1 1480 true
	set_link wide mtu 1900
	soon t0 1880
	now t1 1480 true
	set_link wide mtu 2000
	soon t0 1980
	set_link t0 type adit dev eth0
	now t0 1480 true
	del t0
	del t1
	# (IPv4 takes all for neighbours that has no route)
	add t0 remote 2001:db8:98::1 dev wide
	now t0 1960 true
	route add 2001:db8:98::/64 dev wide mtu 1400
	soon t0 1360
	route del 2001:db8:98::/64
	stays t0 1360
	set_link t0 type adit dev eth0
	now t0 1460 true
	del t0
}

# Another remote, another MTU, at once.
follows_change() {
	route add "$ELSEWHERE" dev wide
	add t0 remote "$B_IP"
	now t0 1480 true
	set_link t0 type adit remote "$ELSEWHERE"
	now t0 1980 true
	set_link t0 mtu 1500
	set_link t0 type adit remote "$B_IP"
	now t0 1500 false
	del t0
	route del "$ELSEWHERE"
}

# t1 shows when t0 would have followed.
user_mtu_stays() {
	add t0 remote "$B_IP"
	add t1 remote "$B_IP" dev eth0
	check "add with an MTU" ip -n "$A" link add t2 mtu 1420 type adit \
		remote "$B_IP" local "$A_IP"
	now t2 1420 false
	set_link t0 mtu 1300
	now t0 1300 false
	set_link eth0 mtu 1350
	soon t1 1330
	now t0 1300 false
	now t2 1420 false
	set_link eth0 mtu 1500
	soon t1 1480
	now t0 1300 false
	now t2 1420 false
	del t0
	del t1
	del t2
}

follows_again() {
	add t0 remote "$B_IP"
	set_link t0 mtu 1300
	now t0 1300 false
	set_link t0 mtu 0
	now t0 1480 true
	set_link eth0 mtu 1400
	soon t0 1380
	set_link eth0 mtu 1500
	soon t0 1480
	del t0
	check "add with MTU 0" ip -n "$A" link add t0 mtu 0 type adit \
		remote "$B_IP"
	now t0 1480 true
	set_link eth0 mtu 1400
	soon t0 1380
	set_link eth0 mtu 1500
	soon t0 1480
	del t0
}

# Less than what IPv6 needs is nothing to follow.
floor() {
	add t0 remote "$B_IP"
	set_link eth0 mtu 1300
	soon t0 1280
	set_link eth0 mtu 1301
	soon t0 1281
	set_link eth0 mtu 600
	soon t0 1280
	add t1 remote "$B_IP" dev eth0
	now t1 1280 true
	set_link t0 mtu 580
	now t0 580 false
	set_link eth0 mtu 1500
	soon t1 1480
	now t0 580 false
	del t0
	del t1
}

limits() {
	local mtu

	add t0 remote "$B_IP"
	for mtu in 1 67 65516 70000; do
		check_fails "MTU $mtu" ip -n "$A" link set t0 mtu "$mtu"
		now t0 1480 true
		check_fails "MTU $mtu at creation" \
			ip -n "$A" link add t1 mtu "$mtu" type adit \
			remote "$ELSEWHERE"
		check_fails "that device" ip -n "$A" link show dev t1
	done
	expect_extack "MTU less than 68" ip -n "$A" link add t1 mtu 67 type adit \
		remote "$ELSEWHERE"
	for mtu in 68 65515; do
		set_link t0 mtu "$mtu"
		now t0 "$mtu" false
	done
	del t0
}

nested() {
	add t0 remote "$B_IP"
	check "address" ip -n "$A" addr add 10.9.0.1/30 dev t0
	set_link t0 up
	add t1 remote 10.9.0.2
	now t1 1460 true
	set_link eth0 mtu 1400
	soon t0 1380
	soon t1 1360
	set_link t0 mtu 1350
	soon t1 1330
	set_link t0 mtu 0
	soon t1 1360
	set_link eth0 mtu 1500
	soon t1 1460
	del t1
	del t0
}

# The underlay stays where the device was made.
other_netns() {
	add t0 remote "$B_IP"
	set_link t0 netns "$B"
	set_link eth0 mtu 1400
	soon t0 1380 "$B"
	set_link eth0 mtu 1500
	soon t0 1480 "$B"
	check "del" ip -n "$B" link del t0
}

topo_direct
must ip -n "$B" link set eth0 mtu 9000
must ip -n "$A" link add wide mtu 2000 type dummy
must ip -n "$A" link set wide up

case_run "the MTU of the underlay's device" follows_device
case_run "the MTU of the route, and another device's" follows_route
case_run "a tunnel before its route" route_comes_later
case_run "a tunnel bound to a device" bound
case_run "a tunnel that changes" follows_change
case_run "a user's MTU stays" user_mtu_stays
case_run "MTU 0 follows again" follows_again
case_run "no less than 1280" floor
case_run "MTUs refused" limits
case_run "a tunnel in a tunnel" nested
case_run "a tunnel in another namespace" other_netns
finish
