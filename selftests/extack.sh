#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the kernel refuses: each time the right errno and text, the attribute
# that is to blame marked, no device created, and nothing of a device changed.
#
# nl.py makes the requests, because ip neither makes most of them nor shows
# which attribute was marked.
#
# shellcheck disable=SC2086 # addresses and the like are words

. ./lib.sh
require python3 socat ss

topo_direct
A_IP6=2001:db8::1
must ip -n "$A" addr add $A_IP6/64 dev eth0
must ip -n "$A" addr add fe80::a/64 dev eth0
must ip -n "$A" link add wire2 type dummy
REMOTE=192.0.2.9 REMOTE6=2001:db8::9

# What the core of netlink says of a length or a value that the policy forbids
BAD_LENGTH="(invalid attribute length|Attribute failed policy validation)"

# nl REQUEST...: the answer is in REPLY. One process serves them all.
coproc NL { in_ns "$A" "$LIB/nl.py"; }
nl() {
	REPLY="no answer"
	echo "$*" >&"${NL[1]}"
	read -r -t 30 REPLY <&"${NL[0]}"
}

# gives ANSWER REQUEST...: the answer matches.
gives() {
	nl "${@:2}"
	check_match "${*:2}" "^$1\$" "$REPLY"
}

# refuses_new ANSWER ATTR=VALUE...: as a request to create.
refuses_new() {
	gives "$1" create adit1 "${@:2}" || nl delete adit1
	gives "ENODEV.*" show adit1
}

# refuses_change ANSWER ATTR=VALUE...: as a change of adit0.
refuses_change() {
	local before

	nl show adit0
	before=$REPLY
	gives "$1" change adit0 "${@:2}"
	gives "$before" show adit0
}

# refuses ANSWER ATTR=VALUE: as either; as a change, among others that are good.
refuses() {
	case $2 in
	remote=*) refuses_new "$@" ;;
	*) refuses_new "$1" remote=$REMOTE "$2" ;;
	esac
	case $2 in
	tos=* | df=*) refuses_change "$1" ttl=7 "$2" fwmark=7 ;;
	*) refuses_change "$1" ttl=7 tos=8 "$2" fwmark=7 df=2 ;;
	esac
}

# refuses_rows: of stdin, a row a line, ANSWER|ATTR=VALUE...: each is refused as a
# device to create, and, with attributes that are good, as a change of adit0.
refuses_rows() {
	local answer words

	while IFS='|' read -r answer words; do
		refuses_new "$answer" $words
		refuses_change "$answer" ttl=7 tos=8 $words fwmark=7 df=2
	done
}

# takes_rows: of stdin, a row a line, ATTR=VALUE...: each can be created.
takes_rows() {
	local words

	while read -r words; do
		gives OK create adit1 $words
		gives OK delete adit1
	done
}

# changes_rows: of stdin, a row a line, ATTR=VALUE...|ANSWER|ATTR=VALUE...: a
# device of the first ones is created, and gives this answer to a change to the
# others, after which it is as before unless that was OK.
changes_rows() {
	local words answer change before

	while IFS='|' read -r words answer change; do
		gives OK create adit1 $words
		nl show adit1
		before=$REPLY
		gives "$answer" change adit1 ttl=7 $change
		nl show adit1
		if [ "$answer" = OK ]; then
			check_fails "$words, changed to $change, is as before" \
				[ "$before" = "$REPLY" ]
		else
			check_eq "$words after $change" "$before" "$REPLY"
		fi
		gives OK delete adit1
	done
}

no_remote() {
	refuses_new "EINVAL - adit: remote is required"
	refuses_new "EINVAL - adit: remote is required" external=0
	refuses_new "EINVAL - adit: remote is required" mode=gre encap=none
	refuses_new "EINVAL - adit: remote is required" data
	refuses_new "EINVAL - adit: remote is required" local=$A_IP ttl=3
}

# unfit END: addresses that neither end may have.
unfit() {
	local addr

	for addr in 224.0.0.1 239.255.255.255; do
		refuses "EINVAL $1 adit: $1 is a multicast address" "$1=$addr"
	done
	for addr in 127.0.0.1 127.255.255.254; do
		refuses "EINVAL $1 adit: $1 is a loopback address" "$1=$addr"
	done
	refuses "EINVAL $1 adit: $1 is in 0.0.0.0/8" "$1=0.1.2.3"
	refuses "EINVAL $1 adit: $1 is the broadcast address" \
		"$1=255.255.255.255"
	refuses "EINVAL $1 adit: $1 is a broadcast address" "$1=192.0.2.255"
}

ends() {
	unfit remote
	unfit local
	refuses "EINVAL remote adit: remote is an address of this host" \
		remote=$A_IP
	refuses_new "EINVAL local adit: local and remote are the same" \
		remote=$REMOTE local=$REMOTE
	refuses_change "EINVAL local adit: local and remote are the same" \
		local=$B_IP
}

# Bound, addresses are those of that device's routing table: the same refusals.
ends_bound() {
	refuses_new "EINVAL remote adit: remote is an address of this host" \
		remote=$A_IP dev=eth0
	refuses_new "EINVAL remote adit: remote is a broadcast address" \
		remote=192.0.2.255 dev=eth0
	refuses_new "EINVAL local adit: local is a broadcast address" \
		remote=$REMOTE local=192.0.2.255 dev=eth0
}

# IPv6 has refusals of its own.
ends_ip6() {
	local end addr text unfit="
		ff02::1 a multicast address
		ff0e::1 a multicast address
		::1 the loopback address
		::ffff:192.0.2.9 an IPv4 address as IPv6 maps it"

	while read -r addr text; do
		[ -n "$addr" ] || continue
		refuses_rows <<-ROWS
			EINVAL remote adit: remote is $text|remote=$addr
			EINVAL local adit: local is $text|remote=$REMOTE6 local=$addr
			EINVAL local adit: local is $text|remote=any local=$addr
		ROWS
	done <<<"$unfit"
	refuses_rows <<-ROWS
		EINVAL remote adit: remote is an address of this host|remote=$A_IP6
		EINVAL remote adit: remote is an address of this host|remote=$A_IP6 dev=eth0
		EINVAL remote adit: remote is an address of this host|remote=$A_IP6 dev=wire2
		EINVAL remote adit: remote is an address of this host|remote=fe80::a dev=eth0
		EINVAL local adit: local and remote are the same|remote=$REMOTE6 local=$REMOTE6
		EINVAL remote adit: a link-local address needs dev|remote=fe80::b
		EINVAL [^ ]+ adit: a link-local address needs dev|remote=$REMOTE6 local=fe80::a
	ROWS
	takes_rows <<-ROWS
		remote=$REMOTE6
		remote=$REMOTE6 local=$A_IP6
		remote=$REMOTE6 local=::
		remote=$REMOTE6 local=2001:db8::77
		remote=fe80::b dev=eth0
		remote=fe80::a dev=wire2
		remote=$REMOTE6 local=fe80::a dev=eth0
		remote=fec0::1
		remote=::2
		remote=::
	ROWS
}

families() {
	local text="adit: local and remote are of different families"

	refuses_rows <<-ROWS
		EINVAL local $text|remote=$REMOTE local=$A_IP6
		EINVAL local $text|remote=$REMOTE6 local=$A_IP
		EINVAL local $text|remote=0.0.0.0 local=$A_IP6
		EINVAL local $text|remote=:: local=$A_IP
	ROWS
	changes_rows <<-ROWS
		remote=$REMOTE local=$A_IP|EINVAL remote $text|remote=$REMOTE6
		remote=$REMOTE6 local=$A_IP6|EINVAL remote $text|remote=$REMOTE
		remote=$REMOTE|EINVAL local $text|local=$A_IP6
		remote=:: local=$A_IP6|EINVAL local $text|local=$A_IP
		remote=$REMOTE local=$A_IP|OK|remote=$REMOTE6 local=$A_IP6
		remote=$REMOTE|OK|remote=$REMOTE6
		remote=any local=$A_IP|OK|local=$A_IP6
	ROWS
	takes_rows <<-ROWS
		remote=$REMOTE local=::
		remote=$REMOTE6 local=0.0.0.0
		remote=any
		remote=any local=$A_IP
		remote=any local=$A_IP6
		remote=0.0.0.0
		external=1
		external=1 local=$A_IP6
	ROWS
}

address_lengths() {
	local end bytes

	for end in local remote; do
		for bytes in c00002 c000020109 c0000201c0000201 \
			000102030405060708090a0b0c0d0e; do
			refuses "EINVAL $end adit: an address has 4 or 16 bytes" \
				$end=0x$bytes
		done
		refuses "(ERANGE|EINVAL) $end $BAD_LENGTH" \
			$end=0x000102030405060708090a0b0c0d0e0f10
	done
}

devices() {
	refuses "ENODEV dev adit: no such device in the netns of the underlay" \
		dev=nope
	refuses "ENODEV dev adit: no such device in the netns of the underlay" \
		dev=fifteen-bytes-1
	refuses "(ERANGE|EINVAL) dev $BAD_LENGTH" dev=sixteen-bytes-12
	refuses "(ERANGE|EINVAL) dev $BAD_LENGTH" dev=0x65746830
	refuses_change "EINVAL dev adit: a tunnel cannot be bound to itself" \
		dev=adit0
}

# lengths ATTR VALUE...: not the bytes of its type.
lengths() {
	local attr=$1 value
	shift

	for value; do
		refuses "(ERANGE|EINVAL) $attr $BAD_LENGTH" "$attr=$value"
	done
}

attribute_lengths() {
	local attr value

	lengths fwmark 0x 0x0001 0x0000000000000001
	lengths ttl 0x 0x4000 0x40000000
	lengths tos 0x 0x1000 0x10000000
	lengths df 0x 0x0100 0x01000000
	for attr in mode icsum ocsum iseq oseq encap encap-csum external \
		isatap deliver mss-clamp fastpath; do
		lengths $attr 0x 0x0100
	done
	for attr in sport dport listen; do
		lengths encap-$attr 0x 0x15 0x15b3cd
	done
	for attr in ikey okey; do
		lengths $attr 0x0000000001
		for value in 0x01 0x000001; do
			refuses "EINVAL $attr adit: a key has 4 bytes, or none for no key" \
				$attr=$value
		done
	done
	lengths 6rd-prefix 0x2020010db800000000000000000000000000
	lengths 6rd-relay 0x080a00000000
}

values() {
	local value

	for value in 2 3 185 255; do
		refuses "EINVAL tos adit: the ECN bits of tos are not yours to set" \
			tos=$value
	done
	for value in df=3 mode=2 icsum=2 ocsum=2 iseq=2 oseq=2 encap=3 \
		encap-csum=2 external=2 isatap=2 deliver=2 mss-clamp=2 \
		fastpath=2; do
		refuses "ERANGE ${value%=*} integer out of range" $value
		refuses "ERANGE ${value%=*} integer out of range" \
			${value%=*}=255
	done
}

# What belongs to GRE, and to UDP, is nothing without.
modes() {
	local attr

	for attr in ikey okey; do
		refuses "EINVAL $attr adit: a key needs mode gre" $attr=0
		refuses "EINVAL $attr adit: a key needs mode gre" $attr=7
	done
	for attr in icsum ocsum; do
		refuses "EINVAL $attr adit: csum needs mode gre" $attr=1
	done
	for attr in iseq oseq; do
		refuses "EINVAL $attr adit: seq needs mode gre" $attr=1
	done
	for attr in sport dport listen; do
		refuses "EINVAL encap-$attr adit: a port needs encap fou or gue" \
			encap-$attr=5555
	done
	for attr in 0 1; do
		refuses "EINVAL encap-csum adit: encap-csum needs encap fou or gue" \
			encap-csum=$attr
	done
	refuses_rows <<-ROWS
		EINVAL encap adit: encap-dport is required with fou and gue|remote=$REMOTE encap=fou
		EINVAL encap adit: encap-dport is required with fou and gue|remote=$REMOTE encap=gue
		EINVAL encap adit: encap-dport is required with fou and gue|remote=$REMOTE encap=fou encap-sport=5555
		EINVAL encap adit: encap-dport is required with fou and gue|remote=$REMOTE encap=fou encap-listen=5555
		EINVAL ikey adit: a key needs mode gre|remote=$REMOTE encap=fou encap-dport=5555 ikey=1
		EINVAL external adit: with external, keys come with the packets|remote=any external=1 mode=gre ikey=1
		EINVAL external adit: with external, keys come with the packets|remote=any external=1 mode=gre okey=1
		EINVAL iseq adit: iseq needs a fixed remote: .*|remote=any mode=gre iseq=1
	ROWS
	takes_rows <<-ROWS
		remote=$REMOTE ikey=none okey=none icsum=0 ocsum=0 iseq=0 oseq=0
		remote=$REMOTE encap=none encap-sport=0 encap-dport=0 encap-listen=0
		remote=$REMOTE mode=gre ikey=0 okey=0xffffffff icsum=1 ocsum=1 iseq=1 oseq=1
		remote=$REMOTE6 mode=gre ikey=0
		remote=$REMOTE encap=fou encap-dport=5555
		remote=$REMOTE encap=gue encap-dport=65535 encap-sport=1 encap-csum=0
		remote=$REMOTE6 encap=gue encap-dport=5555 mode=gre ikey=1
		external=1 mode=gre ocsum=1
	ROWS
	# What belongs to GRE or UDP goes with it, unless it is named.
	changes_rows <<-ROWS
		remote=$REMOTE mode=gre ikey=1|OK|mode=ip
		remote=$REMOTE mode=gre okey=1|OK|mode=ip
		remote=$REMOTE mode=gre ocsum=1|OK|mode=ip
		remote=$REMOTE mode=gre iseq=1|OK|mode=ip
		remote=any mode=gre ikey=1|EINVAL external adit: with external, .*|external=1
		remote=$REMOTE mode=gre ikey=1 oseq=1|OK|mode=ip ikey=none oseq=0
		remote=$REMOTE encap=gue encap-dport=5555|OK|encap=none
		remote=$REMOTE encap=gue encap-dport=5555|EINVAL [^ ]+ adit: encap-dport is required .*|encap-dport=0
		remote=$REMOTE encap=gue encap-dport=5555|OK|encap=none encap-dport=0
	ROWS
}

# prefixes N: so many, one after the other.
prefixes() {
	local i text=

	for ((i = 0; i < $1; i++)); do
		text+=,2001:db8:0:$(printf %x $i)::/64
	done
	echo "${text#,}"
}

# What only remote any has, and prefixes.
peers() {
	local many
	local own="adit: allow needs remote any: a fixed remote is the only one"
	local external="adit: external needs remote any: remotes come with the packets"
	local beyond="adit: a prefix is too long, or has bits beyond its length"
	local size="adit: a prefix is a length and 4 or 16 bytes"
	local rd="adit: 6rd and isatap need remote any over IPv4"
	local place="adit: external needs deliver tunnel: metadata belongs to the device"
	local long="adit: 6rd-prefix leaves less than 64 bits beside the IPv4 address"
	local of="adit: a 6rd prefix is of IPv6, a relay prefix of IPv4"
	local relay="adit: 6rd-relay needs 6rd-prefix"
	local nest=$((0x8000 | 21))	# allow, as bytes

	refuses_rows <<-ROWS
		EINVAL external $external|remote=$REMOTE external=1
		EINVAL external $external|remote=$REMOTE6 external=1
		EINVAL allow $own|remote=$REMOTE allow=192.0.2.0/24
		EINVAL allow $own|remote=$REMOTE6 allow=::/0
		EEXIST allow adit: a prefix is given twice|remote=any allow=10.0.0.0/8,10.0.0.0/8
		EEXIST allow adit: a prefix is given twice|remote=any allow=::/0,2001:db8::/32,10.0.0.0/8,2001:db8::/32
		EINVAL prefix $beyond|remote=any allow=10.0.0.1/24
		EINVAL prefix $beyond|remote=any allow=10.0.0.0/33
		EINVAL prefix $beyond|remote=any allow=2001:db8::1/127
		EINVAL prefix $beyond|remote=any allow=2001:db8::/129
		EINVAL prefix $beyond|remote=any allow=0.0.0.1/0
		EINVAL allow NLA_F_NESTED is missing|remote=any allow=0x
		EINVAL nested $size|remote=any allow=1@0x200a0000
		EINVAL nested $size|remote=any allow=1@0x
		EINVAL nested $size|remote=any allow=10.0.0.0/8,1@0x080a000000ff
		EINVAL nested adit: allow holds prefixes only|remote=any allow=10.0.0.0/8,2@10.0.0.0/8
		EINVAL $nest adit: allow ends in what is no attribute|remote=any $nest=0x09000100080a00000000000003000100
		EINVAL $nest adit: allow ends in what is no attribute|remote=any $nest=0x0900010008
		EINVAL 6rd-prefix $beyond|remote=any 6rd-prefix=2001:db8::1/32
		EINVAL 6rd-prefix $beyond|remote=any 6rd-prefix=2001:db8::/129
		EINVAL 6rd-prefix $size|remote=any 6rd-prefix=0x20
		EINVAL 6rd-prefix $size|remote=any 6rd-prefix=0x2020010db8000000
		EINVAL 6rd-prefix $of|remote=any 6rd-prefix=192.0.2.0/24
		EINVAL 6rd-prefix adit: a 6rd prefix is at least .*|remote=any 6rd-prefix=::/0
		EINVAL 6rd-relay $beyond|remote=any 6rd-prefix=2002::/16 6rd-relay=10.0.0.1/8
		EINVAL 6rd-relay $beyond|remote=any 6rd-prefix=2002::/16 6rd-relay=10.0.0.0/33
		EINVAL 6rd-relay $size|remote=any 6rd-prefix=2002::/16 6rd-relay=0x080a
		EINVAL 6rd-relay $relay|remote=any 6rd-relay=10.0.0.0/8
		EINVAL 6rd-prefix $long|remote=any 6rd-prefix=2001:db8::/33
		EINVAL 6rd-prefix $long|remote=any 6rd-prefix=2001:db8::/64
		EINVAL 6rd-prefix $long|remote=any 6rd-prefix=2001:db8::/41 6rd-relay=10.0.0.0/8
		EINVAL 6rd-prefix $rd|remote=$REMOTE 6rd-prefix=2002::/16
		EINVAL 6rd-prefix $rd|remote=:: 6rd-prefix=2002::/16
		EINVAL 6rd-prefix $rd|remote=any local=$A_IP6 6rd-prefix=2002::/16
		EINVAL isatap $rd|remote=$REMOTE isatap=1
		EINVAL isatap $rd|remote=:: isatap=1
		EINVAL isatap $rd|external=1 remote=any local=$A_IP6 isatap=1
		EINVAL deliver $place|remote=any external=1 deliver=underlay
	ROWS
	many=$(prefixes 1025)
	refuses_rows <<-ROWS
		E2BIG allow adit: more than 1024 prefixes|remote=any allow=$many
	ROWS
	takes_rows <<-ROWS
		remote=any allow=${many%,*}
		remote=any allow=none
		remote=$REMOTE allow=none
		remote=any allow=0.0.0.0/0,::/0,10.0.0.0/8,10.0.0.0/9,10.1.2.3/32
		external=1 allow=10.0.0.0/8
		remote=any 6rd-prefix=2002::/16
		remote=0.0.0.0 6rd-prefix=2001:db8::/32
		remote=any local=$A_IP 6rd-prefix=2001:db8::/40 6rd-relay=10.0.0.0/8
		remote=any 6rd-prefix=2001:db8::/64 6rd-relay=10.1.2.3/32
		remote=any 6rd-prefix=none 6rd-relay=none
		remote=any 6rd-prefix=2002::/16 isatap=1
	ROWS
	changes_rows <<-ROWS
		remote=any allow=10.0.0.0/8|EINVAL [^ ]+ $own|remote=$REMOTE
		remote=any allow=10.0.0.0/8|EINVAL prefix $beyond|allow=11.0.0.0/8,10.0.0.1/8
		remote=any allow=10.0.0.0/8|EEXIST allow adit: .*|allow=11.0.0.0/8,11.0.0.0/8
		remote=any allow=10.0.0.0/8|OK|allow=none remote=$REMOTE
		remote=any allow=10.0.0.0/8|OK|allow=11.0.0.0/8,::/0
		external=1|EINVAL [^ ]+ $external|remote=$REMOTE
		external=1|OK|external=0 remote=$REMOTE
		external=1|EINVAL deliver $place|deliver=underlay
		external=1|OK|external=0 remote=any deliver=underlay
		remote=any deliver=underlay|EINVAL external $place|external=1
		remote=any deliver=underlay|OK|deliver=tunnel external=1
		remote=any isatap=1|EINVAL [^ ]+ $rd|remote=$REMOTE
		remote=any isatap=1|EINVAL [^ ]+ $rd|local=$A_IP6
		remote=any 6rd-prefix=2002::/16|EINVAL [^ ]+ $rd|remote=::
		remote=any 6rd-prefix=2002::/16 6rd-relay=10.0.0.0/8|EINVAL [^ ]+ $relay|6rd-prefix=none
		remote=any 6rd-prefix=2001:db8::/40 6rd-relay=10.0.0.0/8|EINVAL [^ ]+ $long|6rd-relay=none
		remote=any 6rd-prefix=2002::/16 6rd-relay=10.0.0.0/8|OK|6rd-prefix=none 6rd-relay=none
	ROWS
}

# ports: those of A's UDP sockets, each as often as it is bound.
ports() {
	in_ns "$A" ss -Huln | awk '{ sub(".*:", "", $4); print $4 }' | sort -n |
		xargs
}

# udp_taken FAMILY PORT OPTION: another program has it, in A.
udp_taken() {
	ip netns exec "$A" socat -u "UDP$1-RECV:$2,$3" OPEN:/dev/null &
	TAKERS+=" $!"
	check_within 10000 "a socket on port $2" udp_listens "$A" "$2"
}

udp() {
	local TAKERS='' use="is in use" other="is a tunnel's with another encapsulation"
	local fou="encap=fou encap-dport=5555" gue="encap=gue encap-dport=5555"

	udp_taken 4 7000 bind=0.0.0.0
	udp_taken 6 7006 ipv6only=1
	udp_taken 4 7001 bind=$A_IP
	gives OK create adit2 remote=$B_IP $fou
	check_eq "ports at first" "5555 7000 7001 7006" "$(ports)"
	refuses_rows <<-ROWS
		EADDRINUSE [^ ]+ adit: UDP port 7000 $use|remote=$REMOTE encap=fou encap-dport=7000
		EADDRINUSE [^ ]+ adit: UDP port 7000 $use|remote=$REMOTE encap=gue encap-dport=1 encap-sport=7000
		EADDRINUSE [^ ]+ adit: UDP port 7000 $use|remote=$REMOTE encap=gue encap-dport=1 encap-listen=7000
		EADDRINUSE [^ ]+ adit: UDP port 7000 $use|remote=$REMOTE local=$A_IP encap=fou encap-dport=7000
		EADDRINUSE [^ ]+ adit: UDP port 7001 $use|remote=$REMOTE encap=fou encap-dport=7001
		EADDRINUSE [^ ]+ adit: UDP port 7006 $use|remote=$REMOTE6 encap=fou encap-dport=7006
		EADDRINUSE [^ ]+ adit: UDP port 7006 $use|remote=any encap=fou encap-dport=7006
		EADDRINUSE [^ ]+ adit: UDP port 5555 $other|remote=$REMOTE $gue
		EADDRINUSE [^ ]+ adit: UDP port 5555 $other|remote=$REMOTE $fou mode=gre
		EADDRINUSE [^ ]+ adit: UDP port 5555 $other|remote=$REMOTE encap=gue encap-dport=1 encap-listen=5555
		EADDRINUSE [^ ]+ adit: UDP port 5555 $other|remote=any $gue
	ROWS
	check_eq "ports after all that" "5555 7000 7001 7006" "$(ports)"
	takes_rows <<-ROWS
		remote=$REMOTE $fou
		remote=$REMOTE local=$A_IP $fou
		remote=$REMOTE6 $gue
		remote=$REMOTE6 encap=fou encap-dport=7000
		remote=$REMOTE encap=fou encap-dport=7006
		remote=$REMOTE encap=fou encap-dport=7000 encap-listen=7002
		remote=$REMOTE local=$A_IP encap=gue encap-dport=6666
		remote=$REMOTE local=192.0.2.77 encap=fou encap-dport=6666
		remote=$REMOTE6 local=2001:db8::77 encap=gue encap-dport=6666
	ROWS
	check_eq "ports after what was taken" "5555 7000 7001 7006" "$(ports)"
	gives OK delete adit2
	check_eq "ports at the end" "7000 7001 7006" "$(ports)"
	kill $TAKERS
	wait $TAKERS
	check_eq "ports without adit" "" "$(ports)"
}

# A socket is there for as long as there is a tunnel for it.
sockets() {
	local fou="encap=fou encap-dport=5555"

	gives OK create adit1 remote=$REMOTE $fou
	gives OK create adit2 remote=$B_IP $fou
	check_eq "two tunnels, one socket" 5555 "$(ports)"
	gives OK delete adit1
	check_eq "after one is deleted" 5555 "$(ports)"
	gives OK change adit2 encap-dport=5556
	check_eq "after the port is changed" 5556 "$(ports)"
	gives OK change adit2 encap-listen=5557
	check_eq "with a port of its own" 5557 "$(ports)"
	gives OK change adit2 ttl=7
	check_eq "after another change" 5557 "$(ports)"
	gives OK change adit2 remote=any
	check_eq "any remote has a socket of each family" "5557 5557" "$(ports)"
	gives OK change adit2 remote=$REMOTE6
	check_eq "IPv6 has one" 5557 "$(ports)"
	gives OK change adit2 encap=none encap-dport=0 encap-listen=0
	check_eq "after encap none" "" "$(ports)"
	gives OK change adit2 $fou
	check_eq "after encap fou" 5555 "$(ports)"
	gives OK delete adit2
	check_eq "after all are deleted" "" "$(ports)"
}

# What the only tunnel of a port listens by is in nobody's way.
own_socket() {
	changes_rows <<-ROWS
		remote=$REMOTE encap=fou encap-dport=5555|OK|local=$A_IP
		remote=$REMOTE local=$A_IP encap=fou encap-dport=5555|OK|local=0.0.0.0
		remote=$REMOTE6 local=$A_IP6 encap=fou encap-dport=5555|OK|local=::
		remote=$REMOTE encap=fou encap-dport=5555|OK|encap=gue
		remote=$REMOTE encap=fou encap-dport=5555|OK|mode=gre
		remote=$REMOTE encap=gue encap-dport=5555|OK|mode=gre
	ROWS
	check_eq "sockets that are left" "" "$(ports)"
}

# with_module MODULE FUNCTION [ARG...]: while it is loaded.
with_module() {
	if [ -e "/sys/module/$1" ] || ! modprobe -q "$1"; then
		skip "needs $1 to load and unload"
		return
	fi
	LOADED+=("$1")
	"${@:2}"
	check "$1 unloads" modprobe -r "$1"
}

# gre_taken TEXT REMOTE OTHER: of that family GRE is taken, of the other not.
gre_taken() {
	refuses_rows <<-ROWS
		EBUSY [^ ]+ adit: GRE is taken: unload $1|remote=$2 mode=gre
		EBUSY [^ ]+ adit: GRE is taken: unload $1|remote=$2 mode=gre ikey=7
		EBUSY [^ ]+ adit: GRE is taken: unload $1|remote=any mode=gre
		EBUSY [^ ]+ adit: GRE is taken: unload $1|external=1 remote=any mode=gre
	ROWS
	takes_rows <<-ROWS
		remote=$2
		remote=$3 mode=gre
		remote=$2 mode=gre encap=fou encap-dport=5555
		remote=$2 mode=gre encap=gue encap-dport=5555
	ROWS
	changes_rows <<-ROWS
		remote=$3 mode=gre|EBUSY [^ ]+ adit: GRE is taken: unload $1|remote=$2
		remote=$2 mode=gre encap=fou encap-dport=5555|EBUSY [^ ]+ adit: GRE is taken: unload $1|encap=none encap-dport=0
	ROWS
}

# A refusal keeps nothing: the other family's module loads after one of both.
gre() {
	with_module ip_gre gre_taken ip_gre $REMOTE $REMOTE6
	with_module ip6_gre gre_taken ip6_gre $REMOTE6 $REMOTE
	with_module ip_gre pass
	takes_rows <<-ROWS
		remote=$REMOTE mode=gre
		remote=$REMOTE6 mode=gre
		remote=any mode=gre
	ROWS
}

read_only() {
	local value

	for value in 0 1; do
		refuses "EINVAL mtu_auto read only: .*" \
			mtu_auto=$value
	done
}

# What a later version may know must not be ignored by this one.
unknown() {
	local attr

	for attr in 29 30 31 50; do
		refuses "EINVAL $attr attribute not known to this version of adit" \
			$attr=1
	done
}

generic() {
	refuses "EOPNOTSUPP link.address adit: the device has no link-layer address" \
		link.address=0x020000000001
	refuses "EOPNOTSUPP link.broadcast adit: the device has no link-layer broadcast address" \
		link.broadcast=0xffffffffffff
	refuses "EOPNOTSUPP link.link adit: use dev to bind the tunnel to a device" \
		link.link=1
}

mtu() {
	local mtu

	for mtu in 1 67; do
		refuses "EINVAL link.mtu adit: MTU less than 68; 0 follows the underlay" \
			link.mtu=$mtu
	done
	for mtu in 65516 4294967295; do
		refuses "EINVAL link.mtu adit: MTU more than 65515" \
			link.mtu=$mtu
	done
}

# adit0 has remote .2; its twins have the same ends and binding.
twins() {
	local text="adit: adit0 already has this remote, local and dev"
	local other="adit: adit2 already has this remote, local and dev"

	refuses_new "EEXIST remote $text" remote=$B_IP
	refuses_new "EEXIST remote $text" remote=$B_IP local=0.0.0.0 ttl=3
	gives OK create adit2 remote=$B_IP local=$A_IP
	refuses_new "EEXIST remote $other" remote=$B_IP local=$A_IP
	refuses_change "EEXIST local $other" ttl=9 local=$A_IP
	gives OK change adit2 local=0.0.0.0 dev=eth0
	refuses_new "EEXIST remote $other" remote=$B_IP dev=eth0
	refuses_change "EEXIST dev $other" ttl=9 dev=eth0
	gives OK change adit2 dev=0x00 remote=$REMOTE
	refuses_change "EEXIST remote $other" ttl=9 remote=$REMOTE
	gives OK change adit2 remote=$REMOTE local=0.0.0.0 dev=0x00
	gives OK delete adit2
}

# twin_rows: of stdin, a row a line, ATTR=VALUE...|ATTR=VALUE...: beside a device of
# the first ones there can be none of the others, nor can one become it.
twin_rows() {
	local is twin text="adit: adit1 already has this remote, local and dev"

	while IFS='|' read -r is twin; do
		gives OK create adit1 $is
		gives "EEXIST remote $text" create adit2 $twin
		gives "ENODEV.*" show adit2
		refuses_change "EEXIST remote $text" ttl=7 $twin
		gives OK delete adit1
	done
}

# beside_rows: likewise, but there can be both.
beside_rows() {
	local is other

	while IFS='|' read -r is other; do
		gives OK create adit1 $is
		gives OK create adit2 $other
		gives OK delete adit1
		gives OK delete adit2
	done
}

# Twins are what a packet could not tell apart.
twins_beyond_ends() {
	local fou="remote=$REMOTE encap=fou encap-dport=5555"

	twin_rows <<-ROWS
		remote=$REMOTE6|remote=$REMOTE6
		remote=$REMOTE6 local=$A_IP6|remote=$REMOTE6 local=$A_IP6 ttl=3
		remote=any|remote=any
		remote=any|remote=0.0.0.0
		remote=any|remote=::
		remote=:: allow=::/0|remote=any local=::
		remote=$REMOTE mode=gre|remote=$REMOTE mode=gre
		remote=$REMOTE mode=gre|remote=$REMOTE mode=gre okey=5 icsum=1 iseq=1
		remote=$REMOTE mode=gre ikey=5|remote=$REMOTE mode=gre ikey=5
		remote=$REMOTE mode=gre ikey=5 okey=1|remote=$REMOTE mode=gre ikey=5 okey=2
		remote=$REMOTE6 mode=gre ikey=0|remote=$REMOTE6 mode=gre ikey=0
		$fou|$fou
		$fou|$fou encap-csum=0
		$fou|remote=$REMOTE encap=fou encap-dport=1 encap-listen=5555
		$fou mode=gre ikey=5|$fou mode=gre ikey=5
		$fou encap-sport=7|$fou encap-sport=7
	ROWS
	beside_rows <<-ROWS
		remote=$REMOTE|remote=$REMOTE mode=gre
		remote=$REMOTE|$fou
		remote=$REMOTE mode=gre|$fou mode=gre
		remote=$REMOTE mode=gre|remote=$REMOTE mode=gre ikey=0
		remote=$REMOTE mode=gre ikey=5|remote=$REMOTE mode=gre ikey=6
		remote=$REMOTE mode=gre ikey=5 okey=1|remote=$REMOTE mode=gre ikey=6 okey=1
		remote=any mode=gre ikey=5|remote=any mode=gre ikey=6
		remote=$REMOTE|remote=any
		remote=0.0.0.0|remote=::
		$fou|remote=$REMOTE encap=fou encap-dport=5556
		$fou encap-sport=7|remote=$REMOTE encap=fou encap-dport=5556 encap-sport=7
		$fou mode=gre ikey=5|$fou mode=gre ikey=6
		$fou|remote=$REMOTE6 encap=fou encap-dport=5555
	ROWS
	check_eq "sockets that are left" "" "$(ports)"
}

# What is next to the refused is taken.
taken() {
	local word

	for word in ttl=0 ttl=255 tos=1 tos=252 df=0 df=2 fwmark=0xffffffff \
		link.mtu=68 link.mtu=0 link.mtu=65515 link.link=0 dev=eth0 \
		dev=0x00 local=$A_IP local=0.0.0.0 local=192.0.2.77; do
		gives OK create adit1 remote=$REMOTE $word
		gives OK delete adit1
	done
	for word in 223.255.255.255 1.0.0.0 126.255.255.255 128.0.0.0; do
		gives OK create adit1 remote=$word
		gives OK delete adit1
	done
}

# The words reach the user of ip.
by_ip() {
	expect_extack "adit: remote is an address of this host" \
		ip -n "$A" link add adit1 type adit remote $A_IP
	expect_extack "adit: adit0 already has this remote, local and dev" \
		ip -n "$A" link add adit1 type adit remote $B_IP
	expect_extack "adit: remote is the loopback address" \
		ip -n "$A" link add adit1 type adit remote ::1
	expect_extack "adit: a key needs mode gre" \
		ip -n "$A" link add adit1 type adit remote $REMOTE key 7
	expect_extack "adit: allow needs remote any" \
		ip -n "$A" link add adit1 type adit remote $REMOTE allow ::/0
}

# The last word is not adit's: where another part of the kernel refuses the
# device, nothing of it stays behind. (No device may have the name of a sysctl.)
by_others() {
	local _

	for _ in 1 2 3; do
		gives "EINVAL.*" create default remote=$REMOTE
		gives "ENODEV.*" show default
	done
	gives OK create adit1 remote=$REMOTE
	gives OK delete adit1
}

# What refuses() adds to a change is good by itself, and would show.
change_is_possible() {
	local before

	nl show adit0
	before=$REPLY
	gives OK change adit0 ttl=7 tos=8 fwmark=7 df=2
	nl show adit0
	check_fails "the device is as before" [ "$before" = "$REPLY" ]
	gives OK change adit0 ttl=64 tos=0 fwmark=0 df=0
	gives "$before" show adit0
}

must ip -n "$A" link add adit0 type adit remote $B_IP
case_run "a change that is not refused" change_is_possible
case_run "no remote" no_remote
case_run "addresses that cannot be an end" ends
case_run "addresses that cannot be an end, bound" ends_bound
case_run "IPv6 addresses that cannot be an end" ends_ip6
case_run "families mixed" families
case_run "length of addresses" address_lengths
case_run "devices" devices
case_run "length of other attributes" attribute_lengths
case_run "values out of range" values
case_run "options of GRE and UDP without these" modes
case_run "remotes, prefixes, and what needs remote any" peers
case_run "UDP ports that are taken" udp
case_run "UDP sockets come and go with tunnels" sockets
case_run "a tunnel's own socket does not stop a change" own_socket
case_run "GRE that is taken" gre
case_run "read-only attribute" read_only
case_run "unknown attributes" unknown
case_run "generic attributes without a meaning" generic
case_run "MTU out of range" mtu
case_run "twins" twins
case_run "twins by key, port and family" twins_beyond_ends
case_run "the bounds are right" taken
case_run "refused by another part of the kernel" by_others
case_run "ip shows the text" by_ip
eval "exec ${NL[1]}>&-"
finish
