#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Everything at the same time, for 20 seconds or, in the long form, ten minutes:
# tunnels of every kind are created, changed and deleted, their options toggled
# under traffic of several kinds, namespaces come and go. Nothing is left then,
# and memory is what it was.
#
# What is compared is memory after the first half and after the second, when
# nothing of ours is there: what warms up once does so in the first half, while
# what leaks does in both.
#
#	soak.sh [seed=N] [PATTERN...]
#
# shellcheck disable=SC2086 # options and numbers are words

OPTIONS=seed
. ./lib.sh
. ./faults.lib
require ping iperf3 jq

HALF=10		# seconds
! long_form || HALF=300
SEED=${OPTION[seed]-$RANDOM}
RANDOM=$SEED
echo "# seed=$SEED"

# --- the load ----------------------------------------------------------------------

pick() { local words=("$@"); echo "${words[RANDOM % $#]}"; }

on_off() { pick on off; }

# kind N: options of some tunnel, the Nth: no two have the same ends.
kind() {
	local remote=10.8.$(($1 / 250 % 250)).$(($1 % 250 + 1)) far

	[ $((RANDOM % 3)) != 0 ] || remote=2001:db8:8::$(printf %x $1)
	far="remote $remote"
	case $((RANDOM % 9)) in
	0) echo "$far" ;;
	1) echo "$far mode gre key $RANDOM csum seq" ;;
	2) echo "$far encap fou encap-dport $((5600 + $1 % 50))" ;;
	3) echo "$far encap gue encap-dport $((6100 + $1 % 50))" ;;
	4) echo "$far mode gre encap gue encap-dport $((6200 + $1 % 50))" ;;
	5) echo "$far deliver underlay fastpath on" ;;
	6) echo "remote any allow 10.0.0.0/8,2001:db8::/32 ikey $1 okey $1 mode gre" ;;
	7) echo "external encap fou encap-dport $((6300 + $1))" ;;
	8) echo "$far dev eth0 mss-clamp on ttl inherit" ;;
	esac
}

# change N
change() {
	pick "ttl $((RANDOM % 255))" "tos 0x10" "df inherit" "df unset" \
		"mss-clamp $(on_off)" "fastpath $(on_off)" "deliver underlay" \
		"deliver tunnel" "encap none" "mode gre okey 7" "mode ip" "nodev"
}

# batch FROM: lines for `ip -batch`, of tunnels that begin, change and end.
batch() {
	local i from=$1

	for ((i = from; i < from + 10; i++)); do
		echo "link add many$i type adit $(kind $i)"
		echo "link set many$i up"
	done
	for ((i = from; i < from + 10; i++)); do
		echo "link set many$i type adit $(change)"
	done
	echo "link show"
	for ((i = from; i < from + 10; i++)); do
		echo "link del many$i"
	done
}

goes_on() { [ -e "$WORK/goes_on" ]; }

# Some changes are refused, and then the rest goes on.
churn_tunnels() {
	local n=0

	RANDOM=$1
	while goes_on; do
		batch $((n % 5000)) | ip -n "$A" -s -d -force -batch -
		n=$((n + 10))
		echo $n >"$WORK/made"
	done
}

toggle_options() {
	RANDOM=$1
	while goes_on; do
		ip -n "$A" link set adit0 type adit ttl $((RANDOM % 255)) \
			df "$(pick inherit unset)" fastpath "$(on_off)" \
			mss-clamp "$(on_off)"
		ip -n "$B" link set adit0 type adit fastpath "$(on_off)" \
			deliver "$(pick tunnel underlay)"
		ip -n "$A" link set eth0 mtu "$(pick 1500 1400)"
		ip -n "$A" link set adit0 "$(pick up up down)"
		ip -n "$A" link set adit0 up
		ip -n "$A" addr replace fd09::1/64 dev adit0
		sleep 0.3
	done
}

churn_namespaces() {
	local ns=adit-churn-$ID

	while goes_on; do
		ip netns add $ns
		ip -n $ns link add eth0 type veth peer name churn0 netns "$B"
		ip -n $ns addr add 198.51.100.1/24 dev eth0
		ip -n $ns link set eth0 up
		ip -n "$B" link set churn0 up
		ip -n $ns link add adit0 type adit remote 198.51.100.2 \
			encap gue encap-dport 6080
		ip -n $ns addr add 10.9.3.1/30 dev adit0
		ip -n $ns link set adit0 up
		in_ns $ns ping -q -c 5 -i 0.01 -W 1 10.9.3.2
		ip -n $ns link set adit0 netns "$B"
		ip netns del $ns
		sleep 0.3
	done
}

# load SECONDS: all of it, and then nothing of it is left.
load() {
	local workers=

	topo_direct
	adit_pair mode gre key 5 encap gue encap-dport 6080
	rm -f "$WORK/made"
	: >"$WORK/goes_on"
	flood "$B" iperf3 -s
	busywait 10000 listens "$B" 5201
	# no more than leaves time for the rest
	flood "$A" bash -c "while :; do iperf3 -c 10.9.0.2 -b 5M -t 2; sleep 0.1; done"
	flood "$A" ping -q -i 0.01 10.9.0.2
	flood "$B" ping -q -i 0.01 -s 1400 10.9.0.1
	flood "$A" ping -q -i 0.01 fd09::2
	for worker in churn_tunnels toggle_options churn_namespaces; do
		$worker $RANDOM >/dev/null 2>&1 &
		workers+=" $!"
	done
	sleep $1
	rm "$WORK/goes_on"
	wait $workers
	flood_stop
	check_within 10000 "the tunnel works" works
	check_range "tunnels made" 10 1000000 "$(cat "$WORK/made")"
	MADE=$(cat "$WORK/made")
	ns_gone A
	ns_gone B
	check_within 30000 "no namespace is left" none_left
}

works() {
	ip -n "$B" link set adit0 type adit deliver tunnel
	in_ns "$A" ping -q -c 1 -W 1 10.9.0.2
}

# The devices, the sockets and what was to be freed are gone when unloading
# comes to an end; namespaces are, when their caches are shrunk.
none_left() {
	! ip netns list | grep -q -- "-$ID" && unload && modprobe adit
}

# --- memory ------------------------------------------------------------------------

# memory: bytes in the caches that tunnels, packets and namespaces are made from.
memory() {
	local i

	for i in 1 2 3; do
		sync
		echo 3 >/proc/sys/vm/drop_caches
		for cache in /sys/kernel/slab/*/shrink; do
			echo 1 2>/dev/null >$cache
		done
		sleep 1
	done
	awk '
		NR == FNR {
			if ($1 ~ /^(kmalloc|skbuff|net_namespace|ip_dst|ip6_dst|UDP|fib6|ip_fib|nf_|sock_inode)/)
				slab += $2 * $4
			next
		}
		$1 == "Percpu:" { percpu = $2 * 1024 }
		END { print slab, percpu }
	' /proc/slabinfo /proc/meminfo
}

first_half() {
	load $HALF
	read -r SLAB PERCPU < <(memory)
	echo "slabs $SLAB, per CPU $PERCPU, $MADE tunnels"
	check_range "bytes in slabs" 100000 10000000000 $SLAB
}

# Room for what a few pages of the caches come to, and for less than the smallest
# object for each tunnel. What has grown more is looked at once more: memory that
# leaks grows each time.
second_half() {
	local slab percpu room n

	for n in 1 2 3; do
		load $HALF
		read -r slab percpu < <(memory)
		room=$((65536 + MADE * 32))
		echo "# slabs $SLAB and then $slab, per CPU $PERCPU and then $percpu bytes, after $MADE tunnels" >&$OUT
		[ $((slab - SLAB)) -gt $room ] || [ $((percpu - PERCPU)) -gt $room ] ||
			break
		[ $n = 3 ] || SLAB=$slab PERCPU=$percpu
	done
	check_range "growth of slabs" -1000000000 $room $((slab - SLAB))
	check_range "growth of memory per CPU" -1000000000 $room $((percpu - PERCPU))
}

require_unused
[ -r /proc/slabinfo ] || skip_all "needs /proc/slabinfo"
case_run "the first half" first_half
case_run "the second half, and memory" second_half
finish
