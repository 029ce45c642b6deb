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
require python3

topo_direct
REMOTE=192.0.2.9

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

no_remote() {
	refuses_new "EINVAL - adit: remote is required"
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
	refuses "EINVAL remote adit: remote is in 0.0.0.0/8" remote=0.0.0.0
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

families() {
	local end

	for end in local remote; do
		refuses "EAFNOSUPPORT $end adit: no IPv6 underlay in this version of adit" \
			$end=2001:db8::1
	done
	refuses_new "EAFNOSUPPORT remote adit: no IPv6 underlay in this version of adit" \
		remote=2001:db8::1 local=$A_IP
	refuses_new "EAFNOSUPPORT remote adit: no IPv6 underlay in this version of adit" \
		remote=2001:db8::1 local=2001:db8::2
}

address_lengths() {
	local end bytes

	for end in local remote; do
		for bytes in "" c00002 c000020109 c0000201c0000201 \
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
	lengths fwmark 0x 0x0001 0x0000000000000001
	lengths ttl 0x 0x4000 0x40000000
	lengths tos 0x 0x1000 0x10000000
	lengths df 0x 0x0100 0x01000000
}

values() {
	local value

	for value in 2 3 185 255; do
		refuses "EINVAL tos adit: the ECN bits of tos are not yours to set" \
			tos=$value
	done
	for value in 3 255; do
		refuses "ERANGE df integer out of range" df=$value
	done
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

	for attr in 9 10 31 50; do
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
	refuses_new "EINVAL - mtu greater than device maximum" \
		remote=$REMOTE link.mtu=65516
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
case_run "IPv6 addresses, families mixed" families
case_run "length of addresses" address_lengths
case_run "devices" devices
case_run "length of other attributes" attribute_lengths
case_run "values out of range" values
case_run "read-only attribute" read_only
case_run "unknown attributes" unknown
case_run "generic attributes without a meaning" generic
case_run "MTU out of range" mtu
case_run "twins" twins
case_run "the bounds are right" taken
case_run "refused by another part of the kernel" by_others
case_run "ip shows the text" by_ip
eval "exec ${NL[1]}>&-"
finish
