#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The plugin of ip(8): what it prints, as text and as JSON, reads back as input;
# errors name the option, be it the plugin that refuses or the kernel.

. ./lib.sh
require jq ethtool ping
ip link help adit 2>/dev/null | grep -q 'type adit' ||
	skip_all "ip finds no plugin link_adit.so"

topo_direct
must ip -n "$A" link add wire2 type dummy

WORDS="remote local dev nodev ttl tos df fwmark"
REMOTE=192.0.2.9

# add OPTION...: adit1 in A.
add() { ip -n "$A" link add adit1 type adit "$@"; }
change() { ip -n "$A" link set adit1 type adit "$@"; }
remove() { ip -n "$A" link del adit1; }

# text: the options of adit1, as printed.
text() {
	ip -n "$A" -d link show dev adit1 |
		sed -n 's/^    adit //p' | sed 's/ *addrgenmode.*//; s/ *$//'
}

# json FILTER: of what -d -s -j prints of adit1.
json() { ip -n "$A" -d -s -j link show dev adit1 | jq -cr ".[0] | $1"; }
data() { json .linkinfo.info_data; }

# check_json WHAT EXPECTED GOT: blanks aside.
check_json() { check_eq "$1" "$(jq -c . <<<"$2")" "$3"; }

# The options as the JSON has them, in words.
data_words() {
	json '.linkinfo.info_data | to_entries[]
	      | select(.key != "mtu_auto") | "\(.key) \(.value)"' | xargs
}

help_lists_options() {
	local word to_stdout to_stderr

	to_stdout=$(ip link help adit 2>/dev/null)
	to_stderr=$(ip link add type adit help 2>&1 >/dev/null)
	check_eq "both helps" "$to_stdout" "$to_stderr"
	for word in $WORDS; do
		check_match "$word in help" $'\n'"    $word " "$to_stdout"
	done
}

# refuses REGEX OPTION...: and there is no device then.
refuses() {
	local want=$1
	shift

	expect_extack "$want" add "$@"
	check_fails "the device after: $*" ip -n "$A" link show dev adit1
}

plugin_errors() {
	local word value

	for word in $WORDS; do
		[ "$word" = nodev ] || refuses "\"$word .*\" is required" "$word"
	done
	for value in "remote $REMOTE" "local any" "dev eth0" "ttl 1" "tos 0" \
		"df set" "fwmark 1"; do
		# shellcheck disable=SC2086 # two words
		refuses "duplicate \"${value% *}\": \"x\"" $value ${value% *} x
	done
	for value in "remote 1.2.3" "remote 1.2.3.4/32" "remote example.com" \
		"local ::g" "dev 1234567890123456" "ttl 0" "ttl 256" "ttl -1" \
		"ttl 64x" "tos 1" "tos 2" "tos 3" "tos 100" "tos fg" \
		"df clear" "df 1" "fwmark 0x100000000" "fwmark 1/2" \
		"fwmark -1"; do
		# shellcheck disable=SC2086 # two words
		refuses "\"${value#* }\" is wrong: ${value% *}: not|neither" $value
	done
	refuses "is wrong: dev: not" dev ""
	refuses "is wrong: remote: not" remote ""
	refuses "is wrong: local: not of the address family of remote" \
		remote "$REMOTE" local 2001:db8::1
	refuses "\"dev\" is duplicate, or \"nodev\"" \
		remote "$REMOTE" dev eth0 nodev
	refuses "\"nodev\" is duplicate, or \"dev\"" \
		remote "$REMOTE" nodev dev eth0
	refuses 'unknown option "remot"' remot "$REMOTE"
	refuses 'unknown option "mtu_auto"' remote "$REMOTE" mtu_auto 1
}

kernel_errors() {
	refuses "remote is required"
	refuses "remote is required" ttl 3
	refuses "no such device" remote "$REMOTE" dev nope
	refuses "no IPv6 underlay" remote 2001:db8::1
	refuses "no IPv6 underlay" local any remote 2001:db8::1
	refuses "remote is in 0.0.0.0/8" remote any
	must add remote "$REMOTE"
	expect_extack "adit1 already has" ip -n "$A" link add adit2 type adit \
		remote "$REMOTE"
	must remove
}

defaults() {
	check "add" add remote "$REMOTE"
	check_eq "text" "remote $REMOTE ttl 64 tos 0x0 df set" "$(text)"
	check_json "JSON" \
		'{"remote":"192.0.2.9","ttl":64,"tos":"0x0","df":"set",
		  "mtu_auto":true}' "$(data)"
	check "delete" remove
}

all_options() {
	check "add" add fwmark 23 df inherit tos b8 ttl 255 dev eth0 \
		local "$A_IP" remote "$REMOTE"
	check_eq "text" \
		"remote $REMOTE local $A_IP dev eth0 ttl 255 tos 0xb8 df inherit fwmark 0x17" \
		"$(text)"
	check_json "JSON" \
		'{"remote":"192.0.2.9","local":"192.0.2.1","dev":"eth0",
		  "ttl":255,"tos":"0xb8","df":"inherit","fwmark":"0x17",
		  "mtu_auto":true}' "$(data)"
	check "delete" remove
}

# Numbers may be given in more than one way.
spellings() {
	check "hex" add remote "$REMOTE" tos 0x10 fwmark 0xffffffff ttl 0x10
	check_eq "text" \
		"remote $REMOTE ttl 16 tos 0x10 df set fwmark 0xffffffff" \
		"$(text)"
	check "bare hex, decimal" change tos 20 fwmark 4294967294 ttl 32
	check_eq "text" \
		"remote $REMOTE ttl 32 tos 0x20 df set fwmark 0xfffffffe" \
		"$(text)"
	check "delete" remove
}

# reads_back OPTION...: a device made of what is printed of another is its twin.
reads_back() {
	local as_text as_json words

	check "add with: $*" add "$@" || return
	as_text=$(text) as_json=$(data) words=$(data_words)
	check_eq "words of the JSON" "$as_text" "$words"
	check "delete" remove
	# shellcheck disable=SC2086 # words they are
	check "add with the text: $as_text" add $as_text || return
	check_eq "text of the twin" "$as_text" "$(text)"
	check_eq "JSON of the twin" "$as_json" "$(data)"
	# shellcheck disable=SC2086
	check "set with the text" change $as_text
	check_eq "text after set" "$as_text" "$(text)"
	check "delete the twin" remove
}

all_read_back() {
	reads_back remote "$REMOTE"
	reads_back remote "$REMOTE" local any ttl inherit tos inherit df unset
	reads_back remote "$REMOTE" local "$A_IP" ttl 1 tos fc df inherit
	reads_back remote "$REMOTE" dev eth0 fwmark 0x80000000
	reads_back remote "$REMOTE" nodev fwmark 0
}

# What is not given stays.
change_keeps_the_rest() {
	local is="remote $REMOTE local $A_IP dev eth0 ttl 9 tos 0x10 df unset fwmark 0x1"
	local new was

	# shellcheck disable=SC2086
	check "add" add $is
	for new in "ttl inherit" "tos inherit" "df inherit" "fwmark 0x2" \
		"remote 192.0.2.10" "dev wire2" "local 192.0.2.77"; do
		# shellcheck disable=SC2086
		check "set $new" change $new
		was="${new% *} [^ ]+"
		[[ $is =~ ^(.*)$was(.*)$ ]]
		is="${BASH_REMATCH[1]}$new${BASH_REMATCH[2]}"
		check_eq "text after set $new" "$is" "$(text)"
	done
	check "unset three" change nodev local any fwmark 0
	check_eq "text" "remote 192.0.2.10 ttl inherit tos inherit df inherit" \
		"$(text)"
	expect_extack "no such device" change ttl 7 dev nope
	check_eq "text after a refusal" \
		"remote 192.0.2.10 ttl inherit tos inherit df inherit" "$(text)"
	check "delete" remove
}

mtu_auto() {
	check "add" add remote "$REMOTE"
	check_eq "at first" true "$(json .linkinfo.info_data.mtu_auto)"
	check_eq "MTU" 1480 "$(json .mtu)"
	check "fix the MTU" ip -n "$A" link set adit1 mtu 1300
	check_eq "fixed" false "$(json .linkinfo.info_data.mtu_auto)"
	check_eq "text" "remote $REMOTE ttl 64 tos 0x0 df set" "$(text)"
	check "let it follow" ip -n "$A" link set adit1 mtu 0
	check_eq "following" true "$(json .linkinfo.info_data.mtu_auto)"
	check_eq "MTU again" 1480 "$(json .mtu)"
	check "delete" remove
}

# dev is the name of a device where the outer packets are.
underlay_elsewhere() {
	must ip -n "$A" link set wire2 name onlyhere
	check "add" ip -n "$A" link add adit1 type adit remote "$REMOTE" \
		dev onlyhere
	check "move" ip -n "$A" link set adit1 netns "$B"
	check_match "text in the other namespace" "dev onlyhere" \
		"$(ip -n "$B" -d link show dev adit1)"
	check "set it there" ip -n "$B" link set adit1 type adit dev eth0
	check_match "text after" "dev eth0" "$(ip -n "$B" -d link show dev adit1)"
	check "delete" ip -n "$B" link del adit1
}

# drops_text: the line of drops below the options.
drops_text() {
	ip -n "$A" -d -s link show dev adit1 | sed -n 's/^ *drops *//p' |
		sed 's/ *$//'
}

xstats() {
	# nowhere: there is no route to it
	check "add" add remote 203.0.113.1
	must ip -n "$A" addr add 10.9.9.1/24 dev adit1
	check_eq "drops at first" "" "$(drops_text)"
	must ip -n "$A" link set adit1 up
	settle "$A" adit1
	in_ns "$A" ping -c 3 -i 0.2 -W 1 10.9.9.2 >/dev/null
	settle "$A" adit1
	check_eq "drops in text" \
		"tx_no_route $(drop_get "$A" adit1 tx_no_route)" "$(drops_text)"
	check_range "of them" 3 100 "$(drop_get "$A" adit1 tx_no_route)"
	check_eq "drops in JSON" "$(drops_all "$A" adit1 | sed -n 's/: \([0-9]*\)$/ \1/p')" \
		"$(json '.linkinfo.info_xstats.drops | to_entries[]
		         | "\(.key) \(.value)"')"
	check_match "what follows them" "^    addrgenmode" \
		"$(ip -n "$A" -d -s link show dev adit1 | grep addrgenmode)"
	check_eq "without -s" "" \
		"$(ip -n "$A" -d link show dev adit1 | grep drops)"
	check_eq "lines of -o" 1 \
		"$(ip -n "$A" -o -d -s link show dev adit1 | wc -l)"
	check "delete" remove
}

case_run "help lists the options" help_lists_options
case_run "the plugin's errors name the option" plugin_errors
case_run "the kernel's errors get through" kernel_errors
case_run "defaults" defaults
case_run "all options" all_options
case_run "numbers in decimal and hexadecimal" spellings
case_run "what is printed reads back" all_read_back
case_run "a change keeps the rest" change_keeps_the_rest
case_run "mtu_auto in JSON" mtu_auto
case_run "an underlay in another namespace" underlay_elsewhere
case_run "drops by name" xstats
finish
