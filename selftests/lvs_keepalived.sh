#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# LVS with keepalived, and the examples as they are: the director's and the real
# server's. Checks go through the tunnel to the VIP, so that a server is taken
# out when it dies, and when only its tunnel does; what is left answers all
# requests. VRRP is off: there is one director, and the VIP is on it. See lvs.lib
# for who is who.
#
# shellcheck disable=SC2086 # numbers are words

. ./lvs.lib
require keepalived

EXAMPLES=/usr/share/doc/adit/examples/lvs
[ -d "$EXAMPLES" ] || EXAMPLES=../tools/examples/lvs
[ -d "$EXAMPLES" ] || skip_all "needs the examples, which make install installs"

# commands UNIT LINE: those of its lines of that name
commands() { sed -n "s/^$2=//p" "$EXAMPLES/$1"; }

# served_by: the real servers that IPVS has for a VIP
served_by() {
	ipvs -Ln | awk -v vip="$(brackets "$1"):80" '
		/^(TCP|FWM)/ { on = $2 == vip }
		on && $1 == "->" && $2 ~ /:80$/ { sub(":80$", "", $2); print $2 }' |
		sort | xargs
}

has_servers() { [ "$(served_by "$1")" = "${*:2}" ]; }

# in_service VIP SERVER...: within the time of two rounds of checks
in_service() {
	check_within 20000 "servers of $1: ${*:2}; they are $(served_by "$1")" \
		has_servers "$@"
}

keepalived_start() {
	ip netns exec "$D" keepalived -C -n -l -D -f "$EXAMPLES/keepalived.conf" \
		-p "$WORK/keepalived.pid" -c "$WORK/checkers.pid" \
		>"$WORK/keepalived.log" 2>&1 &
	KEEPALIVED=$!
	busywait 10000 grep -q "Activating BFD\|Startup complete" \
		"$WORK/keepalived.log"
}

keepalived_stop() {
	kill $KEEPALIVED
	wait $KEEPALIVED
}

# --- load

load_start() {
	touch "$WORK/load"
	while [ -e "$WORK/load" ]; do
		in_ns "$C" timeout 20 ab -q -r -s 3 -n 100 -c 10 \
			"http://$(brackets "$1")/"
	done >/dev/null 2>&1 &
	LOAD=$!
}

load_stop() {
	rm "$WORK/load"
	wait $LOAD
}

# --- cases

director_set_up() {
	check "the configuration" in_ns "$D" keepalived -t \
		-f "$EXAMPLES/keepalived.conf"
	check "sysctl" in_ns "$D" sysctl -qp "$EXAMPLES/director.sysctl"
	must in_ns "$D" sysctl -qw net.ipv4.conf.all.rp_filter=1 \
		net.ipv4.conf.eth0.rp_filter=1
	keepalived_start
	in_service $VIP 192.0.2.11 192.0.2.12 203.0.113.13
	in_service $VIP6 192.0.2.11 192.0.2.12
}

servers_set_up() {
	local n command

	commands adit-lvs.service ExecStart >"$WORK/start"
	check_match "of the unit" "^adit lvs $VIP $VIP6 from $DIRECTORS$" \
		"$(cat "$WORK/start")"
	for n in $SERVERS; do
		while read -r command; do
			must in_ns "$(server $n)" $command
		done <"$WORK/start"
	done
}

# The checks are asked of the VIP and through the tunnel, and answered directly.
through_the_tunnel() {
	local inner n

	capture_start "$D" eth0 wire "tcp or proto 4 or proto 41"
	capture_start "$RS1" eth0 check "ip proto 4"
	sleep 7			# of two rounds, one has to be whole
	capture_stop wire
	capture_stop check
	inner="192\.0\.2\.1\.[0-9]* > 192\.0\.2\.80\.80: Flags"
	for n in 192.0.2.11 192.0.2.12 203.0.113.13; do
		check_match "a check of $n" \
			"192\.0\.2\.1 > ${n//./\\.}: (IP )?$inner \[S\]" \
			"$(capture_show wire)"
	done
	check_match "a check by IPv6" "> 192\.0\.2\.11: IP6 \
2001:db8:1::1\.[0-9]* > 2001:db8:1::80\.80: Flags \[S\]" \
		"$(capture_show wire)"
	check_match "the answer" "192\.0\.2\.80\.80 > 192\.0\.2\.1\.[0-9]*: \
Flags \[S\.\]" "$(capture_show wire)"
	check_eq "checks past the tunnel" "" "$(capture_show wire \
		"src 192.0.2.1 and tcp")"
	check_match "the request that a client would make" "GET / HTTP/1" \
		"$(capture_show check -A)"
}

# All have a share. It need not be even, since a client's port that was used before
# leads to the server that it led to then.
balanced() {
	local n

	forget
	requests 300 10 $VIP
	requests 300 10 $VIP6
	for n in $(served $VIP); do
		check_range "requests of 300 to one of 3" 30 200 $n
	done
	for n in $(served $VIP6 | cut -d ' ' -f 1,2); do
		check_range "requests of 300 to one of 2" 50 250 $n
	done
}

# Its web server crashes; the host is well, and its tunnel.
web_dies() {
	load_start $VIP
	web_kill 1
	in_service $VIP 192.0.2.12 203.0.113.13
	forget
	requests 2000 20 $VIP
	load_stop
	check_match "served by the others" "^0 [1-9][0-9]* [1-9][0-9]*$" \
		"$(served $VIP)"
	in_service $VIP6 192.0.2.12
	requests 200 10 $VIP6
	web_start 1
	in_service $VIP 192.0.2.11 192.0.2.12 203.0.113.13
	in_service $VIP6 192.0.2.11 192.0.2.12
	balanced
}

# The host vanishes, with connections to it.
host_dies() {
	load_start $VIP
	must ip -n "$S" link set server2 down
	in_service $VIP 192.0.2.11 203.0.113.13
	load_stop
	requests 2000 20 $VIP
	in_service $VIP6 192.0.2.11
	must ip -n "$S" link set server2 up
	in_service $VIP 192.0.2.11 192.0.2.12 203.0.113.13
	in_service $VIP6 192.0.2.11 192.0.2.12
	balanced
}

# All answers but through the tunnel: a check of the server's own address would
# find nothing wrong.
tunnel_dies() {
	must in_ns "$RS1" adit lvs $VIP $VIP6 from 192.0.2.99
	check "the web server itself" in_ns "$D" ab -q -n 1 http://192.0.2.11/
	in_service $VIP 192.0.2.12 203.0.113.13
	in_service $VIP6 192.0.2.12
	requests 200 10 $VIP
	must in_ns "$RS1" adit lvs $VIP $VIP6 from $DIRECTORS
	in_service $VIP 192.0.2.11 192.0.2.12 203.0.113.13
	in_service $VIP6 192.0.2.11 192.0.2.12
}

# A director that does not have the VIP at the moment has to know as well.
backup() {
	local n

	must ip -n "$D" addr del $VIP/32 dev eth0
	must ip -n "$D" addr del $VIP6/128 dev eth0
	web_kill 3
	in_service $VIP 192.0.2.11 192.0.2.12
	web_start 3
	in_service $VIP 192.0.2.11 192.0.2.12 203.0.113.13
	n=$(grep -c "Removing service .* from VS" "$WORK/keepalived.log")
	check_range "servers taken out" 1 99 "$n"
	sleep 8			# two rounds
	check_eq "and no more" "$n" \
		"$(grep -c "Removing service .* from VS" "$WORK/keepalived.log")"
	must ip -n "$D" addr add $VIP/32 dev eth0
	must ip -n "$D" addr add $VIP6/128 dev eth0 preferred_lft 0
}

# The other examples: a director by ipvsadm alone, and servers for all types.
by_ipvsadm() {
	local n type

	for n in 1 2; do
		check "real-server.sh of server $n" in_ns "$(server $n)" \
			"$EXAMPLES/real-server.sh"
		check "again" in_ns "$(server $n)" "$EXAMPLES/real-server.sh"
	done
	sed 's/203\.0\.113\.254/&/; s/192\.0\.2\.254/203.0.113.254/
		s/2001:db8:1::254/2001:db8:3::254/' \
		"$EXAMPLES/real-server.sh" >"$WORK/real-server.sh"
	check "real-server.sh of server 3" in_ns "$RS3" sh "$WORK/real-server.sh"
	for type in ipip gre gue; do
		by_type $type
	done
}

by_type() {
	local dev=lvs-$1 n vip was=()

	check "director.sh $1" in_ns "$D" "$EXAMPLES/director.sh" $1
	for n in $SERVERS; do
		drops_mark "$(server $n)" $dev
		was[n]=$(stat_get "$(server $n)" $dev rx_packets)
	done
	for vip in $VIP $VIP6; do
		forget
		requests 30 1 $vip
		check_eq "servers that served" 3 \
			"$(served $vip | xargs -n 1 | grep -vcx 0)"
	done
	for n in $SERVERS; do
		check_range "packets by $dev of server $n" 10 500 \
			$(($(stat_get "$(server $n)" $dev rx_packets) - was[n]))
		check_drops "$(server $n)" $dev
	done
}

topo_lvs
web_start $SERVERS
case_run "servers, by the unit" servers_set_up
case_run "director, by keepalived" director_set_up
case_run "checks go through the tunnel" through_the_tunnel
case_run "requests to all servers" balanced
case_run "a web server dies under load" web_dies
case_run "a host dies under load" host_dies
case_run "a tunnel dies" tunnel_dies
case_run "checks of a director without the VIP" backup
keepalived_stop
case_run "a director by ipvsadm, a server for all types" by_ipvsadm
finish
