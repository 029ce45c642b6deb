#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Hostile packets: malformed and mutated ones of every format, of which each one
# is delivered as it was or counted under exactly one cause; after each hundred
# a good one still gets through.
#
#	C eth0 ---- eth0 A 192.0.2.1, 2001:db8::1; the device is in D
#	nobody is here: all packets are programs/hostile's, the peer's as well
#
# hostile.sh [seed=N] [count=N] [class=NAME] [first=N] [CASE...]: seed, what all
# packets follow from (1 unless given, so that a run can be had again; in the long
# form the time); count, packets of each class and tunnel. What is not accounted
# for is named by all of these and the tunnel, and so can be seen again:
#
#	./hostile.sh seed=1795612067 class=ip first=29 count=1 gre4

OPTIONS="seed count class first"
. ./lib.sh
require hostile ethtool

SEED=1 EACH=40
! long_form || SEED=$(date +%s) EACH=2500
SEED=${OPTION[seed]-$SEED} EACH=${OPTION[count]-$EACH}
OPTS=(${OPTION[class]+-c "${OPTION[class]}"} ${OPTION[first]+-f "${OPTION[first]}"})

# Of each tunnel, a name and its options. A device that is said to be in place
# stays in A, so that what comes out of it may be for it again.
TUNNELS="
ip4		4
ip6		6
ip4-in-place	4 in-place
ip4-any		4 any
ip4-fast	4 fastpath on
ip6-fast	6 fastpath on
ip4-clamp	4 mss-clamp on
ip4-underlay	4 deliver underlay
ip4-6to4	4 any 6rd-prefix 2002::/16
ip4-isatap	4 any isatap
gre4		4 mode gre
gre6		6 mode gre
gre4-key	4 mode gre key 5
gre4-checked	4 mode gre key 5 csum seq
gre6-checked	6 mode gre key 5 csum seq
gre4-external	4 mode gre external
gre4-fast	4 mode gre fastpath on
gre6-in-place	6 mode gre in-place
fou4		4 encap fou encap-dport 6080
fou6		6 encap fou encap-dport 6080
fou4-fast	4 encap fou encap-dport 6080 fastpath on
fou4-gre	4 mode gre key 5 encap fou encap-dport 6080
gue4		4 encap gue encap-dport 6080
gue6		6 encap gue encap-dport 6080
gue6-nocsum	6 encap gue encap-dport 6080 noencap-csum
gue4-ports	4 encap gue encap-sport 6080 encap-dport 6080
gue4-fast	4 encap gue encap-dport 6080 fastpath on mss-clamp on
gue4-gre	4 mode gre encap gue encap-dport 6080
gue4-gre-key	4 mode gre key 5 encap gue encap-dport 6080
gue6-gre-all	6 mode gre key 5 csum seq encap gue encap-dport 6080
gue4-external	4 mode gre external encap gue encap-dport 6080
"

topo() {
	ns_new A C D
	must ip -n "$C" link add eth0 mtu 2100 type veth \
		peer name eth0 mtu 2100 netns "$A"
	must in_ns "$C" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	must in_ns "$A" sysctl -qw net.ipv4.ip_forward=0 \
		net.ipv6.conf.all.forwarding=0 net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.eth0.rp_filter=0 net.ipv4.ipfrag_time=2 \
		net.ipv6.ip6frag_time=2 net.ipv4.ipfrag_high_thresh=67108864 \
		net.ipv6.ip6frag_high_thresh=67108864
	must ip -n "$A" addr add 192.0.2.1/32 dev eth0
	must ip -n "$A" addr add 2001:db8::1/128 dev eth0 nodad
	must ip -n "$A" link set eth0 up
	must ip -n "$C" link set eth0 up
	must ip -n "$A" route add 192.0.2.0/24 dev eth0
	must ip -n "$A" route add 2001:db8::/64 dev eth0
	for peer in 192.0.2.2 192.0.2.3 2001:db8::2 2001:db8::3; do
		must ip -n "$A" neigh add $peer lladdr 02:00:00:00:00:01 \
			dev eth0
	done
}

# tunnel FAMILY WORD...: make it; its options in OPTIONS, where it is in AT.
tunnel() {
	local local=192.0.2.1 remote=192.0.2.2 in_place='' words=()

	[ "$1" = 4 ] || local=2001:db8::1 remote=2001:db8::2
	shift
	for word; do
		case $word in
		in-place) in_place=1 ;;
		any) remote=any words+=(allow 192.0.2.2/32) ;;
		external) remote='' words+=(external allow 192.0.2.2/32) ;;
		*) words+=("$word") ;;
		esac
	done
	OPTIONS=(local "$local" ${remote:+remote "$remote"} "${words[@]}")
	must ip -n "$A" link add adit0 type adit "${OPTIONS[@]}"
	AT=$A
	[ -n "$in_place" ] || { must ip -n "$A" link set adit0 netns "$D"; AT=$D; }
	must in_ns "$AT" sysctl -qw net.ipv4.conf.adit0.rp_filter=0
	must ip -n "$AT" link set adit0 up
	OPTIONS+=(${in_place:+in-place})
}

account() {
	# shellcheck disable=SC2086 # words
	tunnel $1
	check "every packet" hostile -s "$SEED" -n "$EACH" \
		"${OPTS[@]}" "$C/eth0" "$A/eth0" "$AT/adit0" \
		"${OPTIONS[@]}"
	must ip -n "$AT" link del adit0
}

modprobe -q gre		# which swallows packets in silence: let it always
topo
echo "# seed $SEED"
while read -r name words; do
	[ -z "$name" ] || case_run "$name" account "$words"
done <<<"$TUNNELS"
finish
