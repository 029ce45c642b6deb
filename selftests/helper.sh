#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The command adit: it makes the same devices as ip does, and shows them in the
# same JSON; errors name the option; its exit status says whose error it was.

. ./lib.sh
require adit jq ethtool ping

topo_direct
REMOTE=192.0.2.9

adit_in() { in_ns "$1" adit "${@:2}"; }

# The options line of `adit show NAME`.
options() { adit_in "$A" show "$1" | sed -n '2s/^ *//p'; }

# as_ip NAME: at every path of what `adit show -j` prints, ip prints the same.
as_ip() {
	local paths='[.[0] | paths(type != "object" and type != "array")]'

	paths=$(adit_in "$A" show -j "$1" | jq -c "$paths")
	check_match "paths" '"info_data","remote"' "$paths"
	paths="${paths}[] as \$p | [\$p, (.[0] | getpath(\$p)?)]"
	check_eq "JSON of $1, adit's and ip's" \
		"$(ip -n "$A" -d -s -j link show dev "$1" | jq -c "$paths" 2>&1)" \
		"$(adit_in "$A" show -j "$1" | jq -c "$paths")"
}

usage() {
	local out

	check "help" adit help
	out=$(adit help)
	check_match "help" "adit add NAME .* remote \\{ ADDR" "${out//$'\n'/ }"
	out=$(adit 2>&1)
	check_eq "status without a command" 1 $?
	check_match "usage" "^Usage: adit add" "$out"
	out=$(adit frob 2>&1)
	check_eq "status of an unknown command" 1 $?
	check_match "error" '^adit: unknown command "frob"' "$out"
	adit help >/dev/full 2>&1
	check_eq "status on a full disk" 1 $?
	out=$(adit version)
	check_match "version of the tools" '^tools [0-9]+\.[0-9]+\.[0-9]+' "$out"
	check_match "version of the module" \
		"module $(cat /sys/module/adit/version)$" "$out"
}

add_and_del() {
	check "add" adit_in "$A" add h0 remote "$REMOTE"
	check_eq "options" "mode ip remote $REMOTE ttl 64 tos 0x0 df set" "$(options h0)"
	as_ip h0
	check_match "state" "h0: admin down, oper DOWN, mtu 1480 \(follows" \
		"$(adit_in "$A" show)"
	check "add another" adit_in "$A" add h1 remote "$REMOTE" mtu 1300 \
		local "$A_IP" dev eth0 ttl inherit tos 0x10 df unset fwmark 7
	check_eq "options" \
		"mode ip remote $REMOTE local $A_IP dev eth0 ttl inherit tos 0x10 df unset fwmark 0x7" \
		"$(options h1)"
	must ip -n "$A" link set h1 up
	as_ip h1
	check_match "state" "h1: admin up, oper UNKNOWN, mtu 1300 \(fixed\)" \
		"$(adit_in "$A" show h1)"
	check_eq "names" '["h0","h1"]' \
		"$(adit_in "$A" show -j | jq -c '[.[].ifname]')"
	check "delete" adit_in "$A" del h0
	check "delete another" adit_in "$A" del h1
	check_eq "nothing in text" "" "$(adit_in "$A" show)"
	check_eq "nothing in JSON" "[]" "$(adit_in "$A" show -j)"
}

# as_given OPTION...: they are printed, read back and are the same to ip.
as_given() {
	local words

	check "add $*" adit_in "$A" add h0 "$@" || return
	check_eq "options of $*" "$*" "$(options h0)"
	as_ip h0
	words=$(options h0)
	check "delete" adit_in "$A" del h0
	# shellcheck disable=SC2086 # words they are
	check "by ip: $words" ip -n "$A" link add h0 type adit $words
	check_eq "options by ip" "$words" "$(options h0)"
	check "delete" adit_in "$A" del h0
}

more_options() {
	local plain="ttl 64 tos 0x0 df set"

	# shellcheck disable=SC2086 # words they are
	{
		as_given mode ip remote 2001:db8::9 local 2001:db8::1 $plain
		as_given mode gre remote "$REMOTE" $plain ikey 1 okey 0 icsum \
			ocsum iseq oseq
		as_given mode gre remote "$REMOTE" $plain encap gue \
			encap-sport auto encap-dport 5555 encap-listen 7 \
			noencap-csum
		as_given mode ip remote any $plain external 6rd-prefix \
			2001:db8::/40 6rd-relay 10.0.0.0/8 isatap allow \
			10.0.0.0/8 allow ::/0
	}
	monitor_start "$A" link
	check "many prefixes" adit_in "$A" add h0 remote any \
		allow "$(prefixes 1024)"
	check_eq "of them" 1024 "$(adit_in "$A" show -j h0 |
		jq '.[0].linkinfo.info_data.allow | length')"
	as_ip h0
	refused 1 '^adit: allow: .* one prefix more than 1024' set h0 \
		allow "$(prefixes 1025)"
	long_list_is_no_event
	check "none of them" adit_in "$A" set h0 allow none
	check_eq "options" "mode ip remote any $plain" "$(options h0)"
	check "delete" adit_in "$A" del h0
	check "many prefixes" adit_in "$A" add h0 remote any \
		allow "$(prefixes 1024)"
	check "delete" adit_in "$A" del h0
	check_within 5000 "an event of that" end_is_told
	check "ip monitor goes on" monitor_stop
}

# Who listens has room for less than the list, and did not ask for it.
long_list_is_no_event() {
	check "up" ip -n "$A" link set h0 up
	check_within 5000 "an event of h0" grep -q ' h0[:@].*,UP' "$WORK/monitor"
	check "down" ip -n "$A" link set h0 down
	check_within 5000 "another" down_told
}

end_is_told() { [ "$(grep -c '^Deleted.* h0[:@]' "$WORK/monitor")" = 2 ]; }
down_told() { grep ' h0[:@]' "$WORK/monitor" | tail -n 1 | grep -v ,UP; }

# prefixes N: so many, after commas.
prefixes() {
	local i text=

	for ((i = 0; i < $1; i++)); do
		text+=,2001:db8:0:$(printf %x "$i")::/64
	done
	echo "${text#,}"
}

# A device made by one reads back in the other.
with_ip() {
	local words

	must ip -n "$A" link add h0 type adit remote "$REMOTE" ttl 3 df inherit
	words=$(options h0)
	must ip -n "$A" link del h0
	# shellcheck disable=SC2086 # words they are
	check "add from text" adit_in "$A" add h0 $words
	check_eq "text" "$words" "$(options h0)"
	check_match "by ip" "adit $words " "$(ip -n "$A" -d link show dev h0)"
	check "delete" adit_in "$A" del h0
}

changes() {
	check "add" adit_in "$A" add h0 remote "$REMOTE" ttl 3
	check "set" adit_in "$A" set h0 tos inherit df unset
	check_eq "options" "mode ip remote $REMOTE ttl 3 tos inherit df unset" \
		"$(options h0)"
	check "fix the MTU" adit_in "$A" set h0 mtu 1400
	check_match "fixed" "mtu 1400 \(fixed" "$(adit_in "$A" show h0)"
	check "let it follow" adit_in "$A" set h0 mtu 0 ttl 4
	check_match "following" "mtu 1480 \(follows the underlay\)" \
		"$(adit_in "$A" show h0)"
	refused 2 "^adit: dev: no such device" set h0 ttl 9 dev nope
	check_eq "after a refusal" "mode ip remote $REMOTE ttl 4 tos inherit df unset" \
		"$(options h0)"
	check "delete" adit_in "$A" del h0
}

# refused STATUS REGEX WORD...: no more than a line, about the right word.
refused() {
	local status=$1 want=$2 out
	shift 2

	out=$(adit_in "$A" "$@" 2>&1)
	check_eq "status of adit $*" "$status" $?
	check_match "error of adit $*" "$want" "$out"
	check_eq "lines of that" 1 "$(wc -l <<<"$out")"
}

own_errors() {
	local word

	for word in remote local dev ttl tos df fwmark mtu netns mode ikey \
		okey key encap encap-sport encap-dport encap-listen \
		6rd-prefix 6rd-relay allow; do
		refused 1 "^adit: $word: .*expected" add h0 "$word"
	done
	refused 1 '^adit: remote: "x" is not' add h0 remote x
	refused 1 '^adit: remote: given twice' add h0 remote "$REMOTE" remote x
	refused 1 '^adit: local: "::1" is not' add h0 remote "$REMOTE" local ::1
	refused 1 '^adit: dev: cannot go with' add h0 dev eth0 nodev
	refused 1 '^adit: ttl: "0" is not' add h0 remote "$REMOTE" ttl 0
	refused 1 '^adit: tos: "1" is not' add h0 remote "$REMOTE" tos 1
	refused 1 '^adit: df: "0" is neither' add h0 remote "$REMOTE" df 0
	refused 1 '^adit: fwmark: "x" is not' add h0 remote "$REMOTE" fwmark x
	refused 1 '^adit: mode: "sit" is neither' add h0 mode sit
	refused 1 '^adit: encap-dport: "auto" is not' add h0 encap-dport auto
	refused 1 '^adit: okey: "x" is not' add h0 okey x
	refused 1 '^adit: key: cannot go with' add h0 key 1 nookey
	refused 1 '^adit: allow: "10.0.0.1/8"' add h0 allow ::/0,10.0.0.1/8
	refused 1 '^adit: mtu: "x" is not' add h0 remote "$REMOTE" mtu x
	refused 1 '^adit: mtu: given twice' add h0 mtu 0 mtu 0
	refused 1 '^adit: netns: there is no' add h0 remote "$REMOTE" netns nope
	refused 1 '^adit: netns: only' set h0 netns "$B"
	refused 1 '^adit: name: "1234567890123456"' add 1234567890123456
	refused 1 '^adit: unknown option "x"' add h0 x
	refused 1 '^adit: unknown option "mtu_auto"' add h0 mtu_auto
	refused 1 '^adit: nothing to set' set h0
	refused 1 '^adit: add: too few words' add
	refused 1 '^adit: del: too many words' del h0 h1
	refused 1 '^adit: show: ' show h0 h1
	refused 1 '^adit: show: ' show -x
}

kernel_errors() {
	refused 2 '^adit: h0: remote is required' add h0
	refused 2 '^adit: remote: remote is a loopback' add h0 remote 127.0.0.1
	refused 2 '^adit: remote: .* multicast' add h0 remote 224.0.0.1
	refused 2 '^adit: remote: .* this host' add h0 remote "$A_IP"
	refused 2 '^adit: local: ' add h0 remote "$REMOTE" local 224.0.0.1
	refused 2 '^adit: remote: .* IPv6 maps' add h0 remote ::ffff:192.0.2.9
	refused 2 '^adit: ikey: a key needs' add h0 remote "$REMOTE" key 1
	refused 2 '^adit: encap: encap-dport is' add h0 remote "$REMOTE" encap fou
	refused 2 '^adit: external: ' add h0 remote "$REMOTE" external
	refused 2 '^adit: allow: .* twice' add h0 remote any allow ::/0,::/0
	refused 2 '^adit: 6rd-relay: ' add h0 remote any 6rd-relay 10.0.0.0/8
	refused 2 '^adit: dev: no such device' add h0 dev nope remote "$REMOTE"
	refused 2 '^adit: mtu: ' add h0 remote "$REMOTE" mtu 67
	must adit_in "$A" add h0 remote "$REMOTE"
	refused 2 '^adit: remote: h0 already has' add h1 remote "$REMOTE"
	refused 2 '^adit: h0: File exists' add h0 remote 192.0.2.10
	must adit_in "$A" del h0
	refused 2 '^adit: h0: No such device' del h0
	refused 2 '^adit: h0: No such device' set h0 ttl 1
	refused 2 '^adit: h0: No such device' show h0
	refused 2 '^adit: eth0: not an adit device \(kind veth\)' del eth0
	refused 2 '^adit: eth0: not an adit device' set eth0 mtu 1400
	refused 2 '^adit: eth0: not an adit device' show eth0
	check_eq "MTU of eth0" 1500 \
		"$(ip -n "$A" -j link show dev eth0 | jq .[0].mtu)"
}

namespaces() {
	check "add into B" adit_in "$A" add h0 netns "$B" remote "$REMOTE" dev eth0
	check_eq "nothing here" "" "$(adit_in "$A" show)"
	check_match "there" "underlay in netns $A" "$(adit_in "$B" show h0)"
	check_eq "name in JSON" "$A" \
		"$(adit_in "$B" show -j h0 | jq -r .[0].link_netns)"
	check_eq "number in JSON, as ip's" \
		"$(ip -n "$B" -j link show dev h0 | jq .[0].link_netnsid)" \
		"$(adit_in "$B" show -j h0 | jq .[0].link_netnsid)"
	check "delete" adit_in "$B" del h0
}

drops() {
	local count

	check "add" adit_in "$A" add h0 remote 203.0.113.1
	must ip -n "$A" addr add 10.9.9.1/24 dev h0
	must ip -n "$A" link set h0 up
	settle "$A" h0
	in_ns "$A" ping -c 3 -i 0.2 -W 1 10.9.9.2 >/dev/null
	settle "$A" h0
	count=$(drop_get "$A" h0 tx_no_route)
	check_range "of them" 3 100 "$count"
	check_match "in text" \
		"^    drops\|        tx_no_route $count \(no route to the [^|]*\)$" \
		"$(adit_in "$A" show h0 | tail -n +4 | paste -sd '|')"
	as_ip h0
	check_eq "all in JSON" "$(drops_all "$A" h0 | grep -c ': [0-9]*$')" \
		"$(adit_in "$A" show -j h0 |
			jq '.[0].linkinfo.info_xstats.drops | length')"
	check "delete" adit_in "$A" del h0
}

traffic() {
	local dir packets

	adit_pair
	ping_ok "$A" 10.9.0.2
	settle "$A" adit0
	as_ip adit0
	for dir in rx tx; do
		packets=$(stat_get "$A" adit0 "${dir}_packets")
		check_range "$dir packets" 3 100 "$packets"
		check_match "counters" \
			"$dir $packets packets $(stat_get "$A" adit0 "${dir}_bytes") bytes" \
			"$(adit_in "$A" show adit0)"
	done
	adit_gone
}

# The kernel takes bytes in a name that JSON does not.
odd_names() {
	local name names=('a"b\c' $'tab\x01' $'latin1\xe9' $'utf8\xc3\xa9' "\$(id)"
		$'last\xf4\x8f\xbf\xbf' $'beyond\xf4\x90\x80\x80')
	local i=0 out

	for name in "${names[@]}"; do
		i=$((i + 1))
		check "add" adit_in "$A" add "$name" remote "192.0.2.10$i"
	done
	out=$(adit_in "$A" show -j)
	check_eq "devices in JSON" ${#names[@]} "$(jq length <<<"$out")"
	check_eq "quotes" 'a"b\c' "$(jq -r '.[0].ifname' <<<"$out")"
	check_eq "bytes that are not UTF-8" $'latin1\xef\xbf\xbd' \
		"$(jq -r '.[2].ifname' <<<"$out")"
	check_eq "UTF-8" $'utf8\xc3\xa9' "$(jq -r '.[3].ifname' <<<"$out")"
	check_match "the last of Unicode" $'"last\xf4\x8f\xbf\xbf"' "$out"
	check_match "what is beyond it" '"beyond(\\ufffd){4}"' "$out"
	for name in "${names[@]}"; do
		check "show" adit_in "$A" show "$name"
		check "delete" adit_in "$A" del "$name"
	done
}

# Many devices make many messages, and a list that changes is read again.
MANY=1000

many_links() {
	local i

	for ((i = 0; i < MANY; i++)); do
		echo "link add m$i type adit remote 10.$((i / 250)).$((i % 250)).1"
	done
}

churn() {
	while :; do
		adit_in "$A" add churn0 remote "$REMOTE"
		adit_in "$A" del churn0
	done
}

many() {
	local out pid

	check "add $MANY" ip -n "$A" -b <(many_links)
	check_eq "in JSON" "$MANY" "$(adit_in "$A" show -j | jq length)"
	check_eq "in text" "$MANY" "$(adit_in "$A" show | grep -c '^m[0-9]*: ')"
	churn &
	pid=$!
	for _ in 1 2 3; do
		out=$(adit_in "$A" show -j 2>/dev/null |
			jq -c '[.[].ifname | select(. != "churn0")]
			       | [length, (unique | length)]')
		check_eq "while they change" "[$MANY,$MANY]" "$out"
	done
	kill "$pid"
	wait "$pid" 2>/dev/null
	check "delete all" in_ns "$A" sh -c \
		'ip -br link show type adit | sed "s/[@ ].*//; s/^/link del /" |
			ip -force -b -'
}

case_run "help, version, and status" usage
case_run "add, show and del" add_and_del
case_run "the same as with ip" with_ip
case_run "options of IPv6, GRE, UDP and many remotes" more_options
case_run "set" changes
case_run "the command's errors name the option" own_errors
case_run "the kernel's errors name the option" kernel_errors
case_run "an underlay in another namespace" namespaces
case_run "drops by name, with the reason" drops
case_run "counters of traffic" traffic
case_run "names that JSON cannot hold as they are" odd_names
case_run "$MANY devices, and a list that changes" many
finish
