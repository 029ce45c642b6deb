#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# adit lvs: a real server is set up, by whatever it was before; run again it
# changes nothing; what it says it does is what it does; it names what is wrong,
# with its words and with the server.
#
#	A eth0 192.0.2.1/24 ---- 192.0.2.2/24 eth0 B
#	       2001:db8::1/64    2001:db8::2/64
#
# A is the director, and the client; B the real server. B2 is one that nobody
# speaks to.
#
# shellcheck disable=SC2086 # words of adit lvs and numbers are words

. ./lib.sh
require adit jq ping tcpdump python3 ethtool

VIP=192.0.2.80 VIP6=2001:db8::80

topology() {
	topo_direct
	ns_new B2
	must ip -n "$A" addr add 2001:db8::1/64 dev eth0
	must ip -n "$B" addr add 2001:db8::2/64 dev eth0
	must ip -n "$B" route add default via 192.0.2.1
	must ip -n "$B" route add default via 2001:db8::1
	must in_ns "$B" sysctl -qw net.ipv4.conf.all.rp_filter=1 \
		net.ipv4.conf.default.rp_filter=1 \
		net.ipv4.conf.eth0.rp_filter=1
}

lvs() { in_ns "$B" adit lvs "$@"; }
gone() { must ip -n "$B" link del "${1:-lvs-ipip}"; }

# options DEV: as adit show has them, of those that matter here
options() {
	in_ns "$B" adit show "$1" | sed -n '2s/ ttl 64 tos 0x0 df set//; 2s/^ *//p'
}

# addresses DEV
addresses() {
	ip -n "$B" -o addr show dev "$1" scope global |
		awk '{ print $4 }' | sort | xargs
}

is_up() { [ -n "$(ip -n "$B" link show dev "$1" up)" ]; }

# silent WORD...: it does what it should, without a word.
silent() {
	local out

	out=$(lvs "$@" 2>&1)
	check_eq "status of adit lvs $*" 0 $?
	check_eq "what adit lvs $* says" "" "$out"
}

# --- set-up

# makes DEV OPTIONS WORD...
makes() {
	silent $VIP $VIP6 "${@:3}"
	check_eq "options of $1" "$2" "$(options "$1")"
	check_eq "addresses of $1" "$VIP/32 $VIP6/128" "$(addresses "$1")"
	check "$1 is up" is_up "$1"
	gone "$1"
}

set_up() {
	makes lvs-ipip "mode ip remote any deliver underlay allow 192.0.2.1" \
		from 192.0.2.1
	makes lvs-ipip "mode ip remote any deliver underlay allow 192.0.2.0/24 \
allow 198.51.100.1 allow 2001:db8::/64" \
		type ipip from 2001:db8::/64 192.0.2.0/24,198.51.100.1
	makes lvs-gre "mode gre remote any deliver underlay allow 0.0.0.0/0 \
allow ::/0" from any type gre
	makes lvs-gue "mode ip remote any encap gue encap-sport auto \
encap-dport 6080 encap-listen auto noencap-csum deliver underlay \
allow 192.0.2.1" type gue from 192.0.2.1
	makes front "mode ip remote any encap gue encap-sport auto \
encap-dport 7000 encap-listen auto noencap-csum deliver underlay \
allow 192.0.2.1" name front port 7000 type gue from 192.0.2.1
}

# state DEV: all that ip tells of it, but for what no two devices share.
state() {
	ip -n "$2" -d -j addr show dev "$1" | jq -S '.[] |
		del(.ifindex, .stats64) |
		.addr_info |= map(select(.scope != "link"))'
}

# Nothing is even asked of the kernel that it would tell others of.
again() {
	local before

	lvs $VIP $VIP6 "$@" || fail "the first time: $?"
	before=$(state "$DEV" "$B")
	monitor_start "$B" link address route rule
	silent $VIP $VIP6 "$@"
	silent $VIP6 $VIP "$@"
	check_eq "a dry run" "" "$(lvs --dry-run $VIP $VIP6 "$@")"
	check "ip monitor goes on" monitor_stop
	check_eq "what the kernel told" "" "$(grep -v told0 "$WORK/monitor")"
	check_eq "the device" "$before" "$(state "$DEV" "$B")"
}

idempotent() {
	DEV=lvs-ipip again from 192.0.2.1 2001:db8::/64
	DEV=lvs-ipip again
	gone
	DEV=lvs-gue again type gue from any port 6081
	DEV=lvs-gue again type gue
	gone lvs-gue
	DEV=lvs-gre again type gre from any
	gone lvs-gre
}

in_line() {
	silent $VIP from 192.0.2.1
	silent $VIP $VIP6 198.51.100.80
	check_eq "more VIPs" "$VIP/32 198.51.100.80/32 $VIP6/128" \
		"$(addresses lvs-ipip)"
	check_match "the director stays" "allow 192.0.2.1$" "$(options lvs-ipip)"
	silent $VIP6
	check_eq "fewer VIPs" "$VIP6/128" "$(addresses lvs-ipip)"
	silent $VIP6 from 192.0.2.3 2001:db8::3
	check_match "other directors" "allow 192.0.2.3 allow 2001:db8::3$" \
		"$(options lvs-ipip)"
	must ip -n "$B" link set lvs-ipip down type adit deliver tunnel ttl 3
	must ip -n "$B" addr add $VIP/24 dev lvs-ipip
	must ip -n "$B" addr add 192.0.2.81/24 dev lvs-ipip
	must ip -n "$B" addr add $VIP6/64 dev lvs-ipip
	silent $VIP $VIP6
	check_eq "addresses" "$VIP/32 $VIP6/128" "$(addresses lvs-ipip)"
	check_match "options" "^mode ip remote any ttl 3 .*deliver underlay" \
		"$(options lvs-ipip)"
	check "up" is_up lvs-ipip
	must ip -n "$B" addr flush dev lvs-ipip scope global
	must ip -n "$B" addr add $VIP/24 dev lvs-ipip scope link
	must ip -n "$B" addr add 192.0.2.81/32 dev lvs-ipip scope link
	silent $VIP
	check_eq "addresses of the link's scope" "" \
		"$(ip -n "$B" -4 -o addr show dev lvs-ipip scope link)"
	check_eq "addresses" "$VIP/32" "$(addresses lvs-ipip)"
	with_peers "$B"
	silent $VIP $VIP6
	check_eq "addresses" "$VIP/32 $VIP6/128" "$(addresses lvs-ipip)"
	check_eq "of them with a peer" "" \
		"$(ip -n "$B" -o addr show dev lvs-ipip | grep peer)"
	gone
}

# with_peers NS: addresses that it has not made itself, one of them of a VIP
with_peers() {
	must ip -n "$1" addr add 10.0.0.1 peer 10.0.0.2 dev lvs-ipip
	must ip -n "$1" addr add 10.0.1.1 peer 10.0.1.2/24 dev lvs-ipip
	must ip -n "$1" addr add $VIP peer 10.0.0.2 dev lvs-ipip
	must ip -n "$1" addr add fd00::1 peer fd00::2/64 dev lvs-ipip
}

# Another type by the same name, and back
other_type() {
	silent $VIP from 192.0.2.1 name front
	silent $VIP name front type gue
	check_match "gue" "encap gue .*encap-dport 6080 .*allow 192.0.2.1$" \
		"$(options front)"
	silent $VIP name front port 7000
	check_match "port" "encap gue .*encap-dport 7000 " "$(options front)"
	silent $VIP name front
	check_match "port" "encap gue .*encap-dport 7000 " "$(options front)"
	must ip -n "$B" link set front type adit encap-csum
	silent $VIP name front
	check_match "checksums stay" " encap-csum" "$(options front)"
	silent $VIP name front type gue
	check_match "a director's have none" " noencap-csum" "$(options front)"
	must ip -n "$B" link set front type adit encap-listen 9 encap-sport 8
	silent $VIP name front
	silent $VIP name front type gue
	check_match "no port given" "sport 8 encap-dport 7000 encap-listen 9 " \
		"$(options front)"
	silent $VIP name front port 7000
	check_match "the port that packets come to" \
		"sport auto encap-dport 7000 encap-listen auto " \
		"$(options front)"
	must ip -n "$B" link set front type adit encap fou encap-listen 9
	silent $VIP name front type gue
	check_match "from another kind of UDP" \
		"encap gue encap-sport auto encap-dport 6080 encap-listen auto" \
		"$(options front)"
	silent $VIP name front type gre
	check_eq "gre" "mode gre remote any deliver underlay allow 192.0.2.1" \
		"$(options front)"
	silent $VIP name front
	check_match "gre" "^mode gre" "$(options front)"
	silent $VIP name front type ipip
	check_eq "ipip" "mode ip remote any deliver underlay allow 192.0.2.1" \
		"$(options front)"
	gone front
}

# --- what it stands for

host_state() { ip -n "$B" -d -j addr; ip -n "$B" route show table all; }

# same_as_ip DEV WORD...: a dry run changes nothing; what it prints is done in
# B2, and what it stands for in B.
same_as_ip() {
	local commands before dev=$1
	shift

	before=$(host_state)
	commands=$(lvs --dry-run "$@") || fail "status $?"
	check_match "commands" "^ip (link|addr) " "$commands"
	check_eq "after a dry run" "$before" "$(host_state)"
	check "the commands of: $*" in_ns "$B2" bash -e <<<"$commands"
	silent "$@"
	check_eq "by ip and by adit lvs $*" "$(state "$dev" "$B2")" \
		"$(state "$dev" "$B")"
}

dry_run() {
	local dev="it's\$(a)name"

	same_as_ip lvs-ipip $VIP $VIP6 from 192.0.2.1 2001:db8::/64
	same_as_ip lvs-ipip $VIP6 198.51.100.7
	with_peers "$B"
	with_peers "$B2"
	same_as_ip lvs-ipip $VIP6 198.51.100.7
	same_as_ip lvs-ipip $VIP from any
	same_as_ip lvs-gre $VIP from any type gre
	same_as_ip lvs-gue $VIP $VIP6 from any type gue port 5
	same_as_ip lvs-gue $VIP $VIP6 type gue port 6
	gone_both lvs-ipip lvs-gre lvs-gue
	same_as_ip "$dev" $VIP from any name "$dev"
	same_as_ip "$dev" $VIP $VIP6 type gue name "$dev"
	same_as_ip "$dev" $VIP type gre name "$dev"
	gone_both "$dev"
}

gone_both() {
	local dev

	for dev; do
		must ip -n "$B" link del "$dev"
		must ip -n "$B2" link del "$dev"
	done
}

# --- refusals

# refused STATUS REGEX WORD...: one line, about the right word, and nothing done.
refused() {
	local status=$1 want=$2 out before
	shift 2

	before=$(ip -n "$B" -j addr)
	out=$(lvs "$@" 2>&1)
	check_eq "status of adit lvs $*" "$status" $?
	check_match "error of adit lvs $*" "$want" "$out"
	check_eq "lines of that" 1 "$(wc -l <<<"$out")"
	check_eq "the host after it" "$before" "$(ip -n "$B" -j addr)"
}

own_errors() {
	local word

	refused 1 '^adit: VIP: address expected' from any
	refused 1 '^adit: VIP: "x" is not an IPv4 or IPv6' x from any
	refused 1 '^adit: VIP: "192.0.2.80/32" is not' $VIP/32 from any
	refused 1 '^adit: VIP: "224.0.0.1" is no unicast' 224.0.0.1 from any
	refused 1 '^adit: VIP: "127.0.0.1" is no unicast' 127.0.0.1 from any
	refused 1 '^adit: VIP: "fe80::1" is no global' fe80::1 from any
	refused 1 '^adit: VIP: "::ffff:1.2.3.4" is no' ::ffff:1.2.3.4 from any
	refused 1 '^adit: VIP: given twice' $VIP $VIP6 2001:db8:0::80 from any
	refused 1 '^adit: from: name the directors, or say "from any"' $VIP
	refused 1 '^adit: from: "x" is not an IPv4 or' $VIP from 192.0.2.1 x
	refused 1 '^adit: from: "192.0.2.1/24" is no prefix' $VIP \
		from 192.0.2.1/24
	refused 1 '^adit: type: "vxlan" is neither' $VIP type vxlan
	refused 1 '^adit: port: only with type gue' $VIP from any port 6080
	refused 1 '^adit: port: only with type gue' $VIP from any type gre \
		port 1
	refused 1 '^adit: port: "0" is not' $VIP from any type gue port 0
	refused 1 '^adit: name: "1234567890123456" is' $VIP from any \
		name 1234567890123456
	refused 1 '^adit: name: "lvs%d" is a pattern' $VIP from any name lvs%d
	refused 1 '^adit: name: "lvs%d" is a pattern' --check name lvs%d
	refused 1 '^adit: name: eth0 is not an adit device \(kind veth\)' \
		$VIP from any name eth0
	refused 1 '^adit: unknown option "b"' $VIP from any name a b
	refused 1 '^adit: lvs: "--force" is an unknown flag' $VIP --force
	refused 1 '^adit: -j: only with --check' -j $VIP from any
	refused 1 '^adit: --dry-run: not with --check' --check --dry-run
	refused 1 '^adit: from: not with --check' --check from any
	for word in from type port name; do
		refused 1 "^adit: $word: value expected" $VIP $word
		refused 1 "^adit: $word: value expected" $VIP $word name a
	done
	refused 1 '^adit: from: given twice' $VIP from any type gre from any
	refused 1 '^adit: type: given twice' $VIP type gre type ipip
	refused 1 '^adit: port: given twice' $VIP port 1 type gue port 1
	refused 1 '^adit: name: given twice' $VIP name a from any name a
}

kernel_errors() {
	must ip -n "$B" link add mine type adit remote 192.0.2.1
	refused 1 '^adit: name: mine is a tunnel to one remote' $VIP from any \
		name mine
	gone mine
	must ip -n "$B" link add mine type adit remote any allow ::/0
	refused 2 '^adit: type: mine already has' $VIP from any
	gone mine
	refused 2 '^adit: from: .*twice' $VIP from 192.0.2.1 192.0.2.1/32
	silent $VIP from 192.0.2.1 192.0.2.3
	refused 2 '^adit: from: .*twice' $VIP from 192.0.2.1 192.0.2.1/32
	refused 2 '^adit: from: .*twice' $VIP from 192.0.2.3 192.0.2.3
	gone
	must ip -n "$B" link add mine type adit remote 192.0.2.1 encap fou \
		encap-dport 6080
	refused 2 '^adit: (port|type): ' $VIP from any type gue
	gone mine
	# Halfway: the device is there, the first VIP on it, and then ...
	must in_ns "$B" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	refused 2 "^adit: $VIP6: " $VIP $VIP6 from any
	silent $VIP from any
	refused_here 2 "^adit: $VIP6: " 192.0.2.81 $VIP6
	check "it stays when it was there before" is_up lvs-ipip
	check_match "what it served" "$VIP/32" "$(addresses lvs-ipip)"
	gone
	must in_ns "$B" sysctl -qw net.ipv6.conf.default.disable_ipv6=0
}

# refused_here STATUS REGEX WORD...: of a device that is there.
refused_here() {
	local status=$1 want=$2 out
	shift 2

	out=$(lvs "$@" 2>&1)
	check_eq "status of adit lvs $*" "$status" $?
	check_match "error of adit lvs $*" "$want" "$out"
}

# Whoever owns GRE is named, and so is the word.
gre_is_taken() {
	if [ -e /sys/module/ip_gre ] || ! modprobe -q ip_gre; then
		skip "needs the module ip_gre, and to load it itself"
		return
	fi
	refused 2 '^adit: type: .*ip_gre' $VIP from any type gre
	finds advice host 'ip_gre is loaded' 3
	must modprobe -r ip_gre ip6_gre gre
	silent $VIP from any type gre
	gone lvs-gre
}

# --- what is wrong

# finds LEVEL WHOM REGEX STATUS [WORD...]: it says so, as JSON and in a line.
finds() {
	local out text

	out=$(lvs --check -j "${@:5}")
	check_eq "status of adit lvs --check ${*:5}" "$4" $?
	out=$(jq -r '.[] | .level + ": " + .about + ": " + .what + ". " + .cure' \
		<<<"$out")
	text=$(lvs --check "${@:5}")
	[ -n "${MOVES-}" ] || check_eq "text and JSON" "$out" "$text"
	check_match "findings" $'(^|\n)'"$1: $2: [^"$'\n'"]*($3)" "$text"
}

# well [WORD...]: nothing is wrong, nor could be.
well() {
	check_eq "findings" "" "$(lvs --check "$@" 2>&1)"
	check "adit lvs --check $*" lvs --check "$@"
	check_eq "findings in JSON" "[]" "$(lvs --check -j "$@")"
}

# serve [WORD...]: a server to which A has sent something, and who tells clients
# what fits.
serve() {
	silent $VIP $VIP6 from 192.0.2.1 "$@"
	advmss 1440 1420
	must ip -n "$A" link add d0 type adit local 192.0.2.1 remote 192.0.2.2
	must ip -n "$A" link set d0 up
	must ip -n "$A" route add $VIP dev d0 src 192.0.2.1
	ping_ok "$A" $VIP
}

advmss() {
	must ip -n "$B" -4 route replace default via 192.0.2.1 ${1:+advmss $1}
	must ip -n "$B" -6 route replace default via 2001:db8::1 \
		${2:+advmss $2}
}

served() {
	ip -n "$A" link del d0
	gone
}

check_address() {
	serve
	well
	well $VIP6 $VIP
	well 2001:db8:0:0::80
	finds problem 192.0.2.99 "it is on no device of LVS" 3 192.0.2.99 $VIP
	must ip -n "$B" addr del $VIP/32 dev lvs-ipip
	well
	finds problem $VIP "on no device of LVS. adit lvs $VIP" 3 $VIP
	must ip -n "$B" addr add $VIP/24 dev lvs-ipip
	finds problem $VIP "$VIP/24 leads a whole prefix into lvs-ipip" 3
	must ip -n "$B" addr del $VIP/24 dev lvs-ipip
	silent $VIP $VIP6
	elsewhere eth0 $VIP/24
	elsewhere eth0 $VIP6/64
	elsewhere lo $VIP/32
	elsewhere lo $VIP/32 scope link
	elsewhere eth0 "$VIP peer 10.0.0.2/32"
	must in_ns "$B" sysctl -qw net.ipv4.conf.all.arp_ignore=1
	must ip -n "$B" addr add $VIP/32 dev lo
	must ip -n "$B" addr add $VIP6/128 dev lo
	well
	must ip -n "$B" addr del $VIP/32 dev lo
	must ip -n "$B" addr del $VIP6/128 dev lo
	must in_ns "$B" sysctl -qw net.ipv4.conf.all.arp_ignore=0
	silent $VIP $VIP6 from 192.0.2.1 type gue
	must ip -n "$B" addr add $VIP/24 dev lvs-gue
	must ip -n "$B" addr add $VIP/32 dev lo
	check_eq "what is said of a VIP on three devices" \
		"it is on lo|leads a whole prefix into lvs-gue" \
		"$(lvs --check | grep -oE \
			"it is on lo|leads a whole prefix into lvs-gue" |
			sort | paste -sd '|')"
	must ip -n "$B" addr del $VIP/32 dev lo
	gone lvs-gue
	served
}

# elsewhere DEV PREFIX [WORD...]: the cure that it names helps, too.
elsewhere() {
	must ip -n "$B" addr add $2 dev $1 "${@:3}"
	finds problem ${2%%[ /]*} "it is on $1, so that this host answers for it \
on eth0. ip addr del $2 dev $1" 3
	must ip -n "$B" addr del $2 dev $1
	well
}

# answered ADDR: B says on the wire that it has it.
answered() {
	ip -n "$A" neigh del $1 dev eth0
	in_ns "$A" ping -q -c 1 -W 1 -I eth0 $1
	ip -n "$A" neigh show to $1 dev eth0 | grep lladdr
}

# answers DEV PREFIX SCOPE VALUE...: with these of arp_ignore it does, with the
# others not, and that is what it finds.
answers() {
	local value addr=${2%/*}

	must ip -n "$B" addr add $2 dev $1 scope $3
	for value in 0 1 2 3 8 9; do
		must in_ns "$B" sysctl -qw net.ipv4.conf.eth0.arp_ignore=$value
		if [[ " ${*:4} " == *" $value "* ]]; then
			check "$2 on $1, arp_ignore $value" answered $addr
			finds problem $addr "it is on $1, so that this host \
answers for it on eth0" 3
		else
			check_fails "$2 on $1, arp_ignore $value" answered $addr
			well
		fi
	done
	must in_ns "$B" sysctl -qw net.ipv4.conf.eth0.arp_ignore=0
	must ip -n "$B" addr del $2 dev $1
}

# eth0 has 192.0.2.2/24, and lvs-ipip the VIPs.
check_arp() {
	serve
	answers lo $VIP/32 global 0 3 9
	answers lo $VIP/32 host 0 3 9
	answers eth0 $VIP/32 global 0 1 2 3 9
	must ip -n "$B" addr del $VIP/32 dev lvs-ipip
	must ip -n "$B" addr add $VIP/32 dev lvs-ipip scope host
	answers lo $VIP/32 host 0 9
	answers eth0 $VIP/32 host 0 1 2 9
	silent $VIP $VIP6 198.51.100.80
	must ip -n "$A" route add 198.51.100.80 dev eth0
	answers eth0 198.51.100.80/32 global 0 1 3 9
	must ip -n "$A" route del 198.51.100.80
	port_of_bridge
	served
}

# For its ports a bridge answers; they themselves are not asked.
port_of_bridge() {
	must ip -n "$B" link add br0 type bridge
	must ip -n "$B" link add dummy0 type dummy
	must ip -n "$B" link set dummy0 master br0 up
	must ip -n "$B" link set br0 up
	must in_ns "$B" sysctl -qw net.ipv4.conf.{eth0,br0}.arp_ignore=1
	silent $VIP $VIP6
	must ip -n "$B" addr add $VIP/32 dev lo
	well
	must in_ns "$B" sysctl -qw net.ipv4.conf.br0.arp_ignore=0
	finds problem $VIP "it is on lo, so that this host answers for it on br0" 3
	must ip -n "$B" addr del $VIP/32 dev lo
	must ip -n "$B" link del br0
	must ip -n "$B" link del dummy0
	must in_ns "$B" sysctl -qw net.ipv4.conf.eth0.arp_ignore=0
}

check_device() {
	finds problem host "there is no device of LVS" 3
	finds problem host "there is no device of LVS" 3 name front
	serve
	finds problem front "there is no adit device of that name. adit lvs \
VIP... from DIRECTOR... name front" 3 name front
	finds problem eth0 "there is no adit device of that name" 3 name eth0
	well name lvs-ipip
	must ip -n "$B" addr flush dev lvs-ipip scope global
	finds problem host "there is no VIP" 3
	must ip -n "$B" link set lvs-ipip down
	finds problem lvs-ipip "it is down. ip link set lvs-ipip up" 3
	silent $VIP $VIP6
	well
	must ip -n "$B" link set lvs-ipip type adit allow none
	finds problem lvs-ipip "no director is allowed" 3
	silent $VIP $VIP6 from 192.0.2.1
	must ip -n "$B" link add dummy0 type dummy
	must ip -n "$B" link set lvs-ipip type adit dev dummy0
	finds problem lvs-ipip "bound to dummy0, which is down" 3
	must ip -n "$B" link del dummy0
	finds problem lvs-ipip "bound to if[0-9]+, which is gone. ip link set \
lvs-ipip type adit nodev" 3
	must ip -n "$B" link set lvs-ipip type adit nodev
	well
	# Of A's dummy0, B knows nothing.
	must ip -n "$A" link add dummy0 type dummy
	must ip -n "$A" link add lvs-gue netns "$B" type adit remote any \
		dev dummy0 encap gue encap-dport 6080 allow 192.0.2.1
	check_eq "of another namespace's device" "" \
		"$(lvs --check | grep bound)"
	gone lvs-gue
	must ip -n "$A" link del dummy0
	well
	must ip -n "$B" link set lvs-ipip type adit deliver tunnel
	check_fails "ping past rp_filter" \
		in_ns "$A" ping -q -c 1 -W 1 $VIP
	finds problem lvs-ipip "rp_filter is strict on it.*deliver underlay" 3
	finds problem $VIP "it is on lvs-ipip, so that this host answers for \
it on eth0. ip link set lvs-ipip type adit deliver underlay" 3
	finds advice host "rp_filter has dropped 1 packets" 3
	served
}

# director OPTION...: A sends so.
director() {
	must ip -n "$A" link set d0 type adit "$@"
	in_ns "$A" ping -q -c 3 -i 0.2 -W 1 $VIP || :
}

check_director() {
	serve
	served
	silent $VIP from 192.0.2.3
	must ip -n "$A" link add d0 type adit local 192.0.2.1 remote 192.0.2.2
	must ip -n "$A" link set d0 up
	must ip -n "$A" route add $VIP dev d0 src 192.0.2.1
	finds advice lvs-ipip "nothing has come yet" 0
	director local 192.0.2.1
	finds problem lvs-ipip "rx_source 3 .* adit lvs VIP... from DIREC" 3
	silent $VIP from 192.0.2.1
	director local 192.0.2.1
	finds advice lvs-ipip "rx_source 3 .*, none of it now" 0
	silent $VIP from 192.0.2.3
	ip netns exec "$A" ping -q -i 0.1 -c 300 $VIP &
	MOVES=1 finds problem lvs-ipip "rx_source [0-9]+ " 3
	kill $!
	wait $!
	gone
	silent $VIP from 192.0.2.1
	director encap fou encap-dport 6080
	finds advice host "packets of a UDP port that nobody takes \
\(UdpNoPorts\). if a director sends gue: adit lvs .* type gue" 0
	modprobe -qr gre	# which swallows packets in silence
	raw "$A" ip 192.0.2.1 192.0.2.2 47 3 00000800
	finds advice host "a protocol that nobody takes .*type gre" 0
	gone
	silent $VIP from 192.0.2.1 type gre
	director encap none mode gre key 5
	finds problem lvs-gre "rx_key 3 " 3
	director mode ip nokey
	finds problem lvs-gre "rx_encap 3 .* adit lvs VIP... type TYPE" 3
	gone lvs-gre
	must ip -n "$A" link del d0
}

# room MSS4 MSS6 WORD...: of an underlay of 1500 bytes; with those it is well.
room() {
	silent $VIP $VIP6 "${@:3}" from $FROM
	advmss "" ""
	finds advice eth0 "IPv4 clients are told an MSS of 1460, and $1 fits \
.*add advmss $1 to the default route by eth0" 0
	finds advice eth0 "IPv6 clients are told an MSS of 1440, and $2 fits \
.*add advmss $2 to the default route by eth0" 0
	advmss "$1" "$2"
	check_eq "of that" "" "$(lvs --check | grep MSS)"
	advmss $(($1 + 1)) "$2"
	finds advice eth0 "IPv4 clients are told an MSS of $(($1 + 1))," 0
	gone "lvs-${4-ipip}"
}

check_route() {
	FROM=192.0.2.1 room 1440 1420
	FROM=2001:db8::/64 room 1420 1400
	FROM=192.0.2.1 room 1432 1412 type gre
	FROM="192.0.2.1 2001:db8::1" room 1400 1380 type gue
	silent $VIP from 192.0.2.1
	must ip -n "$B" -4 route del default
	finds advice host "there is no IPv4 default route" 0
	advmss "" ""
	must ip -n "$B" link set eth0 mtu 9000
	check_eq "of a jumbo frame's" "" "$(lvs --check | grep MSS)"
	must ip -n "$B" link set eth0 mtu 1500
	must ip -n "$A" link set eth0 down
	check_within 5000 "eth0 without carrier" no_carrier eth0
	finds problem eth0 "answers go by it, and it is down or has no carrier" 3
	must ip -n "$A" link set eth0 up
	must ip -n "$A" addr add 2001:db8::1/64 dev eth0
	standby
	gone
}

# A default route that is not used may well have no carrier.
standby() {
	advmss 1440 1420
	must ip -n "$B" link add dummy0 type dummy
	must ip -n "$B" link set dummy0 up
	must ip -n "$B" -4 route add default dev dummy0 metric 2000
	must ip -n "$B" -6 route add default dev dummy0 metric 2000
	must ip -n "$B" link set dummy0 carrier off
	check_within 5000 "dummy0 without carrier" no_carrier dummy0
	check_eq "of a standby route" "" "$(lvs --check | grep dummy0)"
	must ip -n "$B" -4 route del default dev eth0
	finds problem dummy0 "answers go by it, and it is down or has no" 3
	must ip -n "$B" -4 route add default via 192.0.2.1 metric 3000
	finds problem dummy0 "answers go by it, and it is down or has no" 3
	must in_ns "$B" sysctl -qw \
		net.ipv4.conf.all.ignore_routes_with_linkdown=1
	check_eq "where that is ignored" "" "$(lvs --check | grep dummy0)"
	must in_ns "$B" sysctl -qw \
		net.ipv4.conf.all.ignore_routes_with_linkdown=0
	must ip -n "$B" link del dummy0
	by_object
	advmss 1440 1420
}

# Of an object for the next hop, the route tells nothing but the number.
by_object() {
	must ip -n "$B" -4 route flush default
	must ip -n "$B" nexthop add id 1 via 192.0.2.1 dev eth0
	must ip -n "$B" -4 route add default nhid 1
	must in_ns "$B" sysctl -qw net.ipv4.nexthop_compat_mode=0
	check_eq "a route by an object" "" "$(lvs --check | grep IPv4)"
	must in_ns "$B" sysctl -qw net.ipv4.nexthop_compat_mode=1
	must ip -n "$B" nexthop del id 1
}

no_carrier() { ip -n "$B" link show dev "$1" | grep NO-CARRIER; }

topology
raw_start "$A"
case_run "a real server of each type" set_up
case_run "again: nothing" idempotent
case_run "what was something else is brought in line" in_line
case_run "another type by the same name" other_type
case_run "what a dry run prints is what is done" dry_run
case_run "the command's errors name the word" own_errors
case_run "the kernel's errors name the word" kernel_errors
case_run "ip_gre has GRE" gre_is_taken
case_run "--check: a VIP that is not there, or elsewhere" check_address
case_run "--check: who answers for it" check_arp
case_run "--check: the device" check_device
case_run "--check: the director" check_director
case_run "--check: the way to clients" check_route
finish
