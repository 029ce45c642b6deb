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

# Words with an argument, and without.
WORDS="mode remote local dev ttl tos df fwmark ikey okey key encap encap-sport
	encap-dport encap-listen 6rd-prefix 6rd-relay deliver mss-clamp fastpath
	allow"
FLAGS="nodev noikey nookey nokey icsum ocsum csum noicsum noocsum nocsum iseq
	oseq seq noiseq nooseq noseq encap-csum noencap-csum external
	noexternal isatap noisatap"
REMOTE=192.0.2.9 REMOTE6=2001:db8::9
PLAIN="ttl 64 tos 0x0 df set"	# what is printed of every device

# add OPTION...: adit1 in A.
add() { ip -n "$A" link add adit1 type adit "$@"; }
change() { ip -n "$A" link set adit1 type adit "$@"; }
remove() { ip -n "$A" link del adit1; }

# text: the options of adit1, as printed.
text() {
	ip -n "$A" -d link show dev adit1 |
		sed -n '/^    adit /{ s///; s/ *addrgenmode.*//; s/ *$//; p }'
}

# json FILTER: of what -d -s -j prints of adit1.
json() { ip -n "$A" -d -s -j link show dev adit1 | jq -cr ".[0] | $1"; }
data() { info_data "$A" adit1; }

# check_json WHAT EXPECTED GOT: blanks aside.
check_json() { check_eq "$1" "${2//[[:space:]]/}" "$3"; }

# The options as the JSON has them, in words.
data_words() {
	# shellcheck disable=SC2016 # jq expands it
	json '.linkinfo.info_data | del(.mtu_auto) | to_entries[]
	      | .key as $k | .value
	      | if . == true then $k elif . == false then "no" + $k
	        elif type == "array" then .[] | "\($k) \(.)"
	        else "\($k) \(.)" end' | xargs
}

help_lists_options() {
	local word to_stdout to_stderr

	to_stdout=$(ip link help adit 2>/dev/null)
	to_stderr=$(ip link add type adit help 2>&1 >/dev/null)
	check_eq "both helps" "$to_stdout" "$to_stderr"
	for word in $WORDS $FLAGS; do
		check_match "$word in help" $'\n'"    $word " "$to_stdout"
	done
}

# Asked for the device itself, the kernel looks for a module of its name.
is_there() { in_ns "$A" grep -q "adit1:" /proc/net/dev; }

# refuses REGEX OPTION...: and there is no device then.
refuses() {
	local want=$1
	shift

	expect_extack "$want" add "$@"
	check_fails "the device after: $*" is_there
}

plugin_errors() {
	local word value

	for word in $WORDS; do
		refuses "\"$word .*\" is required" "$word"
	done
	for value in "remote $REMOTE" "local any" "dev eth0" "ttl 1" "tos 0" \
		"df set" "fwmark 1" "mode ip" "ikey 1" "okey 1" "key 1" \
		"encap fou" "encap-sport 1" "encap-dport 1" "encap-listen 1" \
		"6rd-prefix 2002::/16" "6rd-relay 10.0.0.0/8" "allow none"; do
		# shellcheck disable=SC2086 # two words
		refuses "duplicate \"${value% *}\": \"x\"" $value ${value% *} x
	done
	for value in "remote 1.2.3" "remote 1.2.3.4/32" "remote example.com" \
		"local ::g" "dev 1234567890123456" "ttl 0" "ttl 256" "ttl -1" \
		"ttl 64x" "tos 1" "tos 2" "tos 3" "tos 100" "tos fg" \
		"df clear" "df 1" "fwmark 0x100000000" "fwmark 1/2" \
		"fwmark -1" "mode sit" "mode 0" "mode 1" "remote none" \
		"ikey 0x100000000" "ikey 0x" "ikey a" "okey 1.2.3" "key -1" \
		"key none" \
		"encap vxlan" "encap 1" "encap-sport 0" "encap-sport 65536" \
		"encap-dport auto" "encap-dport 0" "encap-dport 0x10" \
		"encap-listen -1" "6rd-prefix 192.0.2.0/24" "6rd-prefix any" \
		"6rd-relay 2001:db8::/32" "6rd-relay 10.0.0.0/x" \
		"allow any" "allow 10.0.0.0/" "allow 10.0.0.0/-8" \
		"allow 10/8"; do
		# shellcheck disable=SC2086 # two words
		refuses "\"${value#* }\" is wrong: ${value% *}: not|neither" $value
	done
	refuses "is wrong: dev: not" dev ""
	refuses "is wrong: remote: not" remote ""
	refuses "is wrong: local: not of the address family of remote" \
		remote "$REMOTE" local 2001:db8::1
	for value in "6rd-prefix 2001:db8::/129" "6rd-relay 10.0.0.0/33" \
		"allow 10.0.0.0/33"; do
		# shellcheck disable=SC2086 # two words
		refuses "\"${value#* }\" is wrong: ${value% *}: longer than its address" \
			$value
	done
	for value in "6rd-prefix 2001:db8::1/32" "6rd-relay 10.0.0.1/8" \
		"allow 10.0.0.1/24"; do
		# shellcheck disable=SC2086 # two words
		refuses "\"${value#* }\" is wrong: ${value% *}: no prefix" \
			$value
	done
	# Of a list, the piece.
	refuses '"10.0.0.1/8" is wrong: allow: no prefix' \
		allow 10.0.0.0/8,10.0.0.1/8
	refuses '"none" is wrong: allow: not' allow 10.0.0.0/8,none
	refuses '"" is wrong: allow: not' allow 10.0.0.0/8,
	refuses 'duplicate "allow": "none"' allow 10.0.0.0/8 allow none
	refuses "\"key\" is duplicate, or \"ikey\"" key 1 ikey 2
	refuses "\"okey\" is duplicate, or \"nokey\"" okey 1 nokey
	refuses "\"csum\" is duplicate, or \"noicsum\"" csum noicsum
	refuses "\"oseq\" is duplicate, or \"oseq\"" oseq oseq
	refuses "\"external\" is duplicate, or \"noexternal\"" \
		external noexternal
	refuses "allow: longer than ip has room for, use: adit add, adit set" \
		remote any allow "$(prefixes 100)"
	refuses "is wrong: local: not of the address family of remote" \
		remote "$REMOTE6" local "$A_IP"
	refuses "\"dev\" is duplicate, or \"nodev\"" \
		remote "$REMOTE" dev eth0 nodev
	refuses "\"nodev\" is duplicate, or \"dev\"" \
		remote "$REMOTE" nodev dev eth0
	refuses 'unknown option "remot"' remot "$REMOTE"
	refuses 'unknown option "mtu_auto"' remote "$REMOTE" mtu_auto 1
}

# prefixes N: so many, after commas.
prefixes() { seq -s , -f "10.%g.0.0/16" 0 $(($1 - 1)); }

kernel_errors() {
	refuses "remote is required"
	refuses "remote is required" ttl 3
	refuses "no such device" remote "$REMOTE" dev nope
	refuses "remote is the loopback address" remote ::1
	refuses "remote is in 0.0.0.0/8" remote 0.0.0.1
	refuses "a key needs mode gre" remote "$REMOTE" key 1
	refuses "a port needs encap" remote "$REMOTE" encap-dport 5555
	refuses "encap-dport is required" remote "$REMOTE" encap fou
	refuses "external needs remote any" remote "$REMOTE" external
	refuses "allow needs remote any" remote "$REMOTE" allow 10.0.0.0/8
	refuses "6rd-relay needs 6rd-prefix" remote any 6rd-relay 10.0.0.0/8
	refuses "given twice" remote any allow 10.0.0.0/8 allow 10.0.0.0/8
	must add remote "$REMOTE"
	expect_extack "adit1 already has" ip -n "$A" link add adit2 type adit \
		remote "$REMOTE"
	must remove
}

defaults() {
	check "add" add remote "$REMOTE"
	check_eq "text" "mode ip remote $REMOTE ttl 64 tos 0x0 df set" "$(text)"
	check_json "JSON" \
		'{"mode":"ip","remote":"192.0.2.9","ttl":64,"tos":"0x0","df":"set",
		  "mtu_auto":true}' "$(data)"
	check "delete" remove
}

all_options() {
	check "add" add fwmark 23 df inherit tos b8 ttl 255 dev eth0 \
		local "$A_IP" remote "$REMOTE"
	check_eq "text" \
		"mode ip remote $REMOTE local $A_IP dev eth0 ttl 255 tos 0xb8 df inherit fwmark 0x17" \
		"$(text)"
	check_json "JSON" \
		'{"mode":"ip","remote":"192.0.2.9","local":"192.0.2.1","dev":"eth0",
		  "ttl":255,"tos":"0xb8","df":"inherit","fwmark":"0x17",
		  "mtu_auto":true}' "$(data)"
	check "delete" remove
}

# prints TEXT JSON OPTION...: what a device of these options has.
prints() {
	local want_text=$1 want_json=$2
	shift 2

	check "add $*" add "$@" || return
	check_eq "text of $*" "$want_text" "$(text)"
	check_json "JSON of $*" "$want_json" "$(data)"
	check "delete" remove
}

# Of the flags, only those that are on.
new_options() {
	prints "mode gre remote $REMOTE $PLAIN" \
		'{"mode":"gre","remote":"192.0.2.9","ttl":64,"tos":"0x0",
		  "df":"set","mtu_auto":true}' mode gre remote "$REMOTE"
	prints "mode gre remote $REMOTE6 local 2001:db8::1 $PLAIN ikey 1 okey 4294967295 icsum ocsum iseq oseq" \
		'{"mode":"gre","remote":"2001:db8::9","local":"2001:db8::1",
		  "ttl":64,"tos":"0x0","df":"set","ikey":1,"okey":4294967295,
		  "icsum":true,"ocsum":true,"iseq":true,"oseq":true,
		  "mtu_auto":true}' \
		mode gre remote "$REMOTE6" local 2001:db8::1 ikey 1 \
		okey 0xffffffff csum seq
	prints "mode ip remote $REMOTE $PLAIN encap fou encap-sport auto encap-dport 5555 encap-listen auto encap-csum" \
		'{"mode":"ip","remote":"192.0.2.9","ttl":64,"tos":"0x0",
		  "df":"set","encap":"fou","encap-sport":"auto",
		  "encap-dport":5555,"encap-listen":"auto","encap-csum":true,
		  "mtu_auto":true}' remote "$REMOTE" encap fou encap-dport 5555
	prints "mode gre remote $REMOTE $PLAIN okey 0 oseq encap gue encap-sport 1 encap-dport 65535 encap-listen 7 noencap-csum" \
		'{"mode":"gre","remote":"192.0.2.9","ttl":64,"tos":"0x0",
		  "df":"set","okey":0,"oseq":true,"encap":"gue",
		  "encap-sport":1,"encap-dport":65535,"encap-listen":7,
		  "encap-csum":false,"mtu_auto":true}' \
		encap-listen 7 noencap-csum encap-sport 1 encap gue oseq \
		encap-dport 65535 okey 0 mode gre remote "$REMOTE"
	prints "mode ip remote any $PLAIN external 6rd-prefix 2001:db8::/40 6rd-relay 10.0.0.0/8 isatap allow 10.0.0.0/8 allow 192.0.2.1 allow 2001:db8::/32" \
		'{"mode":"ip","remote":"any","ttl":64,"tos":"0x0","df":"set",
		  "external":true,"6rd-prefix":"2001:db8::/40",
		  "6rd-relay":"10.0.0.0/8","isatap":true,
		  "allow":["10.0.0.0/8","192.0.2.1","2001:db8::/32"],
		  "mtu_auto":true}' \
		allow 2001:db8::/32,192.0.2.1/32 allow 10.0.0.0/8 isatap \
		6rd-relay 10.0.0.0/8 6rd-prefix 2001:db8::/40 external
	prints "mode ip remote any $PLAIN deliver underlay mss-clamp on fastpath on allow 192.0.2.1" \
		'{"mode":"ip","remote":"any","ttl":64,"tos":"0x0","df":"set",
		  "deliver":"underlay","mss-clamp":"on","fastpath":"on",
		  "allow":["192.0.2.1"],"mtu_auto":true}' \
		fastpath on mss-clamp on deliver underlay remote any allow 192.0.2.1
	prints "mode ip remote any local 2001:db8::1 $PLAIN" \
		'{"mode":"ip","remote":"any","local":"2001:db8::1","ttl":64,
		  "tos":"0x0","df":"set","mtu_auto":true}' \
		local 2001:db8::1 remote any allow none
	prints "mode ip remote :: $PLAIN" \
		'{"mode":"ip","remote":"::","ttl":64,"tos":"0x0","df":"set",
		  "mtu_auto":true}' remote :: local any noexternal noisatap \
		6rd-prefix none nokey nocsum noseq encap none \
		deliver tunnel mss-clamp off fastpath off
}

# Numbers may be given in more than one way.
spellings() {
	check "hex" add remote "$REMOTE" tos 0x10 fwmark 0xffffffff ttl 0x10
	check_eq "text" \
		"mode ip remote $REMOTE ttl 16 tos 0x10 df set fwmark 0xffffffff" \
		"$(text)"
	check "bare hex, decimal" change tos 20 fwmark 4294967294 ttl 32
	check_eq "text" \
		"mode ip remote $REMOTE ttl 32 tos 0x20 df set fwmark 0xfffffffe" \
		"$(text)"
	check "zeros before it" change tos 010 fwmark 010 ttl 0X09
	check_eq "text" "mode ip remote $REMOTE ttl 9 tos 0x10 df set fwmark 0xa" \
		"$(text)"
	check "delete" remove
	check "keys" add mode gre remote "$REMOTE" ikey 0x10 okey 0.0.1.0
	check_eq "keys in text" \
		"mode gre remote $REMOTE $PLAIN ikey 16 okey 256" "$(text)"
	check "keys with zeros before them" change ikey 010 okey 08
	check_eq "them, in text" "mode gre remote $REMOTE $PLAIN ikey 10 okey 8" \
		"$(text)"
	check "one key for both" change key 4294967295
	check_eq "it, in text" \
		"mode gre remote $REMOTE $PLAIN ikey 4294967295 okey 4294967295" \
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
	reads_back remote "$REMOTE6" local 2001:db8::1 df inherit
	reads_back remote fe80::9 dev eth0 mode gre
	reads_back remote "$REMOTE" mode gre key 7 csum seq
	reads_back remote "$REMOTE" mode gre ikey 0 ocsum iseq
	reads_back remote "$REMOTE" encap fou encap-dport 5555
	reads_back remote "$REMOTE6" encap gue encap-dport 5555 \
		encap-sport 6000 encap-listen 7000 noencap-csum mode gre okey 1
	reads_back remote any
	reads_back remote 0.0.0.0 allow 0.0.0.0/0
	reads_back remote any local 2001:db8::1 allow ::/0,10.0.0.0/8
	reads_back external mode gre allow 10.0.0.0/8,10.1.0.0/16,10.1.2.3
	reads_back remote any 6rd-prefix 2002::/16 isatap
	reads_back remote any 6rd-prefix 2001:db8::/40 6rd-relay 10.0.0.0/8
}

# What is not given stays.
change_keeps_the_rest() {
	local is="mode ip remote $REMOTE local $A_IP dev eth0 ttl 9 tos 0x10 df unset fwmark 0x1"
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
	check_eq "text" "mode ip remote 192.0.2.10 ttl inherit tos inherit df inherit" \
		"$(text)"
	expect_extack "no such device" change ttl 7 dev nope
	check_eq "text after a refusal" \
		"mode ip remote 192.0.2.10 ttl inherit tos inherit df inherit" "$(text)"
	check "delete" remove
}

# becomes TEXT OPTION...: adit1, by this change.
becomes() {
	check "set ${*:2}" change "${@:2}"
	check_eq "text after set ${*:2}" "$1" "$(text)"
}

# The same of what came with GRE, UDP and many remotes.
change_keeps_the_rest_too() {
	local gre="mode gre remote $REMOTE $PLAIN"
	local udp="encap gue encap-sport auto encap-dport 5555 encap-listen auto"

	check "add" add mode gre remote "$REMOTE" key 1 csum seq
	becomes "$gre ikey 2 okey 1 icsum ocsum iseq oseq" ikey 2
	becomes "$gre okey 1 icsum ocsum iseq oseq" noikey
	becomes "$gre okey 1 ocsum iseq oseq" noicsum
	becomes "$gre okey 1 ocsum oseq" noiseq
	becomes "$gre okey 1 ocsum oseq $udp encap-csum" \
		encap gue encap-dport 5555
	becomes "$gre ocsum oseq $udp encap-csum" nookey
	becomes "$gre $udp encap-csum" nocsum noseq
	becomes "$gre $udp noencap-csum" noencap-csum
	becomes "$gre ${udp/sport auto/sport 7} noencap-csum" encap-sport 7
	becomes "$gre $udp noencap-csum" encap-sport auto
	becomes "${gre/gre/ip} ${udp/listen auto/listen 9} noencap-csum" \
		mode ip encap-listen 9
	expect_extack "a key needs mode gre" change encap-listen 8 key 1
	check_eq "text after a refusal" \
		"${gre/gre/ip} ${udp/listen auto/listen 9} noencap-csum" \
		"$(text)"
	check "delete" remove

	check "add" add remote any allow 10.0.0.0/8
	becomes "mode ip remote any $PLAIN external allow 10.0.0.0/8" external
	becomes "mode ip remote any $PLAIN external isatap allow 10.0.0.0/8" \
		isatap
	becomes "mode ip remote any $PLAIN isatap allow 192.0.2.0/24 allow ::/0" \
		noexternal allow ::/0,192.0.2.0/24
	becomes "mode ip remote any $PLAIN 6rd-prefix 2002::/16 allow 192.0.2.0/24 allow ::/0" \
		noisatap 6rd-prefix 2002::/16
	becomes "mode ip remote any $PLAIN 6rd-prefix 2002::/16 deliver underlay mss-clamp on" \
		allow none deliver underlay mss-clamp on
	becomes "mode ip remote any $PLAIN 6rd-prefix 2002::/16 mss-clamp on" \
		deliver tunnel
	becomes "mode ip remote any $PLAIN 6rd-prefix 2002::/16" mss-clamp off
	becomes "mode ip remote $REMOTE6 $PLAIN" 6rd-prefix none remote "$REMOTE6"
	check "delete" remove
}

# Who comes back to GRE or UDP starts anew.
change_forgets_the_unused() {
	local plain="remote $REMOTE $PLAIN"
	local udp="encap fou encap-sport 7 encap-dport 5555 encap-listen 9 noencap-csum"

	# shellcheck disable=SC2086
	check "add" add mode gre remote "$REMOTE" key 1 csum seq $udp
	becomes "mode ip $plain $udp" mode ip
	becomes "mode gre $plain $udp" mode gre
	becomes "mode gre $plain" encap none
	becomes "mode gre $plain encap fou encap-sport auto encap-dport 1 encap-listen auto encap-csum" \
		encap fou encap-dport 1
	check "delete" remove
}

mtu_auto() {
	check "add" add remote "$REMOTE"
	check_eq "at first" true "$(json .linkinfo.info_data.mtu_auto)"
	check_eq "MTU" 1480 "$(json .mtu)"
	check "fix the MTU" ip -n "$A" link set adit1 mtu 1300
	check_eq "fixed" false "$(json .linkinfo.info_data.mtu_auto)"
	check_eq "text" "mode ip remote $REMOTE ttl 64 tos 0x0 df set" "$(text)"
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
case_run "options of IPv6, GRE, UDP and many remotes" new_options
case_run "numbers in decimal and hexadecimal" spellings
case_run "what is printed reads back" all_read_back
case_run "a change keeps the rest" change_keeps_the_rest
case_run "a change keeps the rest of these, too" change_keeps_the_rest_too
case_run "a change forgets what it leaves no use for" change_forgets_the_unused
case_run "mtu_auto in JSON" mtu_auto
case_run "an underlay in another namespace" underlay_elsewhere
case_run "drops by name" xstats
finish
