# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What is sent along the way, that all of it arrived, and what that took.
#
# Owns: pktgen, TCP, and the making of a result out of repeated measurements.
# Does not own: the way (way.sh), which of it is sent when (guest).

PACKETS=1024		# sent at a time, see repeat
TIMES=5

# result UNIT PER NANOSECONDS...: the middle one, in instructions by PER. What the
# kernel does besides now and then, a timer or a grace period, makes them differ a
# little; those around the middle have to agree within a hundredth.
result() {
	local unit=$1 per=$2 all n

	mapfile -t all < <(printf '%s\n' "${@:3}" | sort -n)
	n=${#all[@]}
	check_range "spread of instructions by $unit (${all[*]})" \
		0 $((all[n / 2] / 100)) \
		$((all[n - 1 - n / 4] - all[n / 4])) || return
	echo "# RESULT $WORKLOAD:$FORMAT:$WHO $unit $((all[n / 2] / per))" >&"$OUT"
}

# hoard, hoard_gone: see hoard.py.
hoard() {
	bench/hoard.py >"$WORK/hoard" &
	HOARD=$!
	check_within 600000 "a hoard" grep -q ready "$WORK/hoard"
}

hoard_gone() {
	kill "$HOARD"
	wait "$HOARD" 2>/dev/null || :
}

# --- pktgen --------------------------------------------------------------------------

# pgset FILE COMMAND...
pgset() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_ns "${PG%/*}" bash -c 'cd /proc/net/pktgen &&
		for command in "${@:2}"; do
			echo "$command" >"$1" || exit
		done' - "$@" || fail "pktgen: ${*:2}"
}

# pktgen_new: G can send, and A can be given packets as if its device had
# received a batch of them.
pktgen_new() {
	must modprobe pktgen
	# It waits until all others are done: ksoftirqd, the workers of wireguard.
	pgrep -x 'kpktgend_[0-9]*' | xargs -n 1 chrt --idle -p 0
	PG=$G/eth0
	pgset kpktgend_0 "add_device eth0"
	PG=$A/lan0
	pgset kpktgend_0 "add_device lan0"
	pgset lan0 "xmit_mode netif_receive"
}

# pktgen_set: what is sent from now on, and where
pktgen_set() {
	PG=$G/eth0
	[ "$BURST" = 1 ] || PG=$A/lan0
	pktgen_ends 1024 "$FLOWS"
	pgset "${PG#*/}" "burst $BURST"
}

# pktgen_ends PORT FLOWS
pktgen_ends() {
	pgset "${PG#*/}" "dst_mac $(mac "$A" lan0)" "dst 10.2.0.9" \
		"src_min 10.1.0.2" "src_max 10.1.0.2" "src6 fd01::2" \
		"udp_src_min $1" "udp_src_max $(($1 + $2 - 1))"
}

# pktgen_count COUNT
pktgen_count() {
	local family="flag !IPV6" len=$((SIZE + 14))

	[ "$INNER" = 4 ] || family="dst6 fd02::9" len=$((len + 20))
	pgset "${PG#*/}" "$family" "pkt_size $len" "count $1"
}

# pktgen_run COUNT: prints how many microseconds it took.
pktgen_run() {
	local dev=${PG#*/}

	pktgen_count "$1" &&
		pgset pgctrl start &&
		in_ns "${PG%/*}" sed -n 's/^Result: OK: \([0-9]*\)(.*/\1/p' \
			"/proc/net/pktgen/$dev"
}

# counted: what has come through, at each point where it is counted.
counted() {
	stat_get "$S" eth0 rx_packets
	family_in
	[ "$WHO" = none ] || {
		stat_get "$A" tun0 tx_packets
		stat_get "$B" tun0 rx_packets
	}
}

# family_in: packets that A has received, of the inner family
family_in() {
	# shellcheck disable=SC2016 # awk's
	if [ "$INNER" = 4 ]; then
		in_ns "$A" awk '$1 == "Ip:" { n = $4 } END { print n }' \
			/proc/net/snmp
	else
		in_ns "$A" awk '$1 == "Ip6InReceives" { print $2 }' \
			/proc/net/dev_snmp6/lan0
	fi
}

# send COUNT: sets TOOK, and fails unless all arrive.
send() {
	local was is n

	mapfile -t was < <(counted)
	TOOK=$(pktgen_run "$1")
	mapfile -t is < <(counted)
	for n in "${!is[@]}"; do
		check_eq "packets that arrived (count $n)" "$1" \
			$((is[n] - was[n])) || return
	done
	check_range "microseconds" 1 1000000000 "$TOOK"
}

# forward: measure packets.
forward() {
	local all=()

	sleep 5		# takes no instructions; what is not settled comes to an end
	send $((PACKETS / 2)) || return
	for _ in $(seq "$TIMES"); do
		send "$PACKETS" || return
		all+=($((TOOK * 1000)))
	done
	result packet "$PACKETS" "${all[@]}"
}

# --- filters ---------------------------------------------------------------------------

# conntrack_new NS...: a stateful firewall there, as one would have it.
conntrack_new() {
	local ns

	for ns; do
		must in_ns "$ns" nft -f - <<-EOT
		table inet bench {
			chain input {
				type filter hook input priority filter
				ct state vmap { established : accept, related : accept, invalid : drop }
				counter accept
			}
			chain forward {
				type filter hook forward priority filter
				ct state vmap { established : accept, related : accept, invalid : drop }
				counter accept
			}
			chain output {
				type filter hook output priority filter
				ct state vmap { established : accept, related : accept, invalid : drop }
				counter accept
			}
		}
		EOT
	done
}

conntrack_gone() {
	local ns

	for ns; do
		must in_ns "$ns" nft delete table inet bench
	done
}

# --- TCP ---------------------------------------------------------------------------------

# offload GSO GRO: on or off, of all devices on the way but the tunnels
offload() {
	local end

	for end in "$G/eth0" "$A/lan0" "$A/eth0" "$B/eth0" "$B/lan0" "$S/eth0"; do
		must in_ns "${end%/*}" ethtool -K "${end#*/}" tso "$1" gso "$1" \
			gro "$2"
	done
}

# transfer PARTS: so many times BYTES, in one connection. The receiver never
# waits for the sender on their one processor: it reads what is there at once, as
# if it had one of its own. (To let the scheduler decide costs the repeatability.)
transfer() {
	local from to src dst total=$(($1 * BYTES)) pid

	read -r from to src dst <<<"$A $B 10.1.0.1 10.2.0.1"
	[ "$ENDS" != sites ] ||
		read -r from to src dst <<<"$G $S 10.1.0.2 10.2.0.2"
	[ "$INNER" = 4 ] || src=fd01::${src##*.} dst=fd02::${dst##*.}
	in_ns "$to" bench/tcp.py receive "$dst" "$BYTES" >"$WORK/tcp" &
	pid=$!
	check_within 600000 "a receiver" listens "$to" 5201 || return
	check "send" in_ns "$from" chrt --idle 0 \
		bench/tcp.py send "$dst" "$total" "$src" ||
		{ kill "$pid"; return 1; }
	wait "$pid" || fail "receive: status $?"
	check_eq "bytes received" "$total" "$(tail -n 1 "$WORK/tcp")"
}

# tcp: measure a connection. In the first part it finds its pace.
tcp() {
	local all

	transfer $((TIMES + 1)) || return
	mapfile -t all <"$WORK/tcp"
	result MB $((BYTES / 1000000)) "${all[@]:1:TIMES}"
}

# --- to create and to delete ----------------------------------------------------------------

# busy: how many nanoseconds the processor has not been idle
busy() {
	awk '
		$1 == "now" { now = $3 }
		$1 ~ /^[.](idle|iowait)_sleeptime$/ { idle += $3 }
		END { printf "%.0f\n", now - idle }' /proc/timer_list
}

# memory: KiB that the kernel has taken for other than files and programs
memory() {
	echo 2 >/proc/sys/vm/drop_caches
	awk '/^(Slab|Percpu|VmallocUsed):/ { n += $2 } END { print n }' \
		/proc/meminfo
}

# batch_took FILE: sets TOOK, all of what it causes included.
batch_took() {
	local start

	sleep 2
	start=$(busy)
	check "batch" ip -n "$A" -batch "$1" || return
	sleep 2
	TOOK=$(($(busy) - start))
}

# manage OPTIONS...: many tunnels with these in A. The first of three times is for
# the slabs to grow.
manage() {
	local n=$TUNNELS before used='' create=() delete=()

	"$@"
	others 1 "$n" "$A_OUT" "$OPTIONS" >"$WORK/create"
	sed -n 's/^link add \([^ ]*\) .*/link del \1/p' "$WORK/create" \
		>"$WORK/delete"
	# What comes with the first of all is not a tunnel's.
	head -n 2 "$WORK/create" >"$WORK/first"
	head -n 1 "$WORK/delete" >>"$WORK/first"
	check "the first" ip -n "$A" -batch "$WORK/first" || return
	before=$(memory)
	for _ in 1 2 3; do
		batch_took "$WORK/create" || return
		create+=("$TOOK")
		used=${used:-$(($(memory) - before))}
		batch_took "$WORK/delete" || return
		delete+=("$TOOK")
	done
	fou_gone
	result create "$n" "${create[@]:1}"
	result delete "$n" "${delete[@]:1}"
	result bytes "$n" $((used * 1024))
}

# --- profiles ------------------------------------------------------------------------------

# share_forward: packets by two processors, and then between marks
share_forward() {
	flows_gone
	flow_new 0
	flow_new 1
	flows_run "$PACKETS" 0 1 && ./mark &&
		flows_run "$PACKETS" 0 1 && ./mark && symbols packet "$PACKETS"
}

# scale_forward: packets by one processor, and then by two at a time, each in three
# steps as profile_forward has them; many, since what takes its time here is little
# to each
scale_forward() {
	local PACKETS=16384

	flows_gone
	flow_new 0
	sleep 5
	scale_steps one 0 || return
	flow_new 1
	scale_steps two 0 1
}

# scale_steps NAME N...
scale_steps() {
	flows_run $((PACKETS / 2)) "${@:2}" && ./mark &&
		flows_run "$PACKETS" "${@:2}" && ./mark &&
		flows_run $((2 * PACKETS)) "${@:2}" && ./mark &&
		symbols "$1" $((PACKETS * ($# - 1)))
}

# flow_new N: of G, by its processor N
flow_new() {
	PG=$G/eth0@$1
	pgset "kpktgend_$1" "add_device eth0@$1"
	pktgen_ends $((1024 + $1)) 1
}

flows_gone() {
	PG=$G/eth0
	pgset kpktgend_0 rem_device_all
	pgset kpktgend_1 rem_device_all
}

# flows_run COUNT N...: from each of these; fails unless all arrive.
flows_run() {
	local was is n

	for n in "${@:2}"; do
		PG=$G/eth0@$n
		pktgen_count "$1"
	done
	mapfile -t was < <(counted)
	pgset pgctrl start
	mapfile -t is < <(counted)
	for n in "${!is[@]}"; do
		check_eq "packets that arrived (count $n)" $(($1 * ($# - 1))) \
			$((is[n] - was[n])) || return
	done
}

# profile_forward, profile_tcp: the same in three steps; between the marks there
# is a part of it, and two.
profile_forward() {
	sleep 5
	send $((PACKETS / 2)) && ./mark && send "$PACKETS" && ./mark &&
		send $((2 * PACKETS)) && ./mark && symbols packet "$PACKETS"
}

profile_tcp() {
	transfer 1 && ./mark && transfer 2 && ./mark && transfer 4 && ./mark &&
		symbols MB $((2 * BYTES / 1000000))
}

# symbols UNIT PARTS: what has to be known of the kernel now to read the counts
symbols() {
	{
		echo "# PROFILE $WORKLOAD:$FORMAT:$WHO $1 $2"
		awk '$2 ~ /[tTwW]/ { print "# SYMBOL", $1, $3, $4 }' /proc/kallsyms
	} >&"$OUT"
}
