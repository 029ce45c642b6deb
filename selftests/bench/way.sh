# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The way that is measured: namespaces, routes, tunnels.
#
# Owns: what is on the way from G to S. Does not own: what is sent along it
# (load.sh), what a format is (formats).
#
# Sourced by guest, which has lib.sh.

MODULES=(adit fou6 fou ipip sit ip6_gre ip_gre ip6_tunnel gre ip_tunnel vxlan
	geneve wireguard)

# batch NS COMMAND...: of ip(8), each a word here.
batch() { must ip -n "$1" -batch - < <(printf '%s\n' "${@:2}"); }

mac() { ip netns exec "$1" cat "/sys/class/net/$2/address"; }

# topo_line: no packet but those that are measured, no neighbour to be asked for.
#
#	G eth0 10.1.0.2 -- .1 lan0 A eth0 192.0.2.1 -- .2 eth0 B lan0 10.2.0.1 -- .2 S
#	       fd01::2     ::1            2001:db8::1  ::2            fd02::1     ::2
#
# 10.2.0.9 and fd02::9 are the sink: B has a wrong address for it, so that what
# arrives at S is counted by the device and thrown away at once.
topo_line() {
	ns_new G A B S
	link_ns "$G" eth0 10.1.0.2/24 "$A" lan0 10.1.0.1/24
	link_ns "$A" eth0 192.0.2.1/24 "$B" eth0 192.0.2.2/24
	link_ns "$B" lan0 10.2.0.1/24 "$S" eth0 10.2.0.2/24
	forwarding "$A" "$B"
	end_of "$G" eth0 fd01::2 "$A" lan0 10.1.0.1 fd01::1
	end_of "$A" lan0 fd01::1 "$G" eth0 10.1.0.2 fd01::2
	end_of "$A" eth0 2001:db8::1 "$B" eth0 192.0.2.2 2001:db8::2
	end_of "$B" eth0 2001:db8::2 "$A" eth0 192.0.2.1 2001:db8::1
	end_of "$B" lan0 fd02::1 "$S" eth0 10.2.0.2 fd02::2
	end_of "$S" eth0 fd02::2 "$B" lan0 10.2.0.1 fd02::1
	batch "$B" "neigh add 10.2.0.9 lladdr 02:00:00:00:00:01 dev lan0" \
		"neigh add fd02::9 lladdr 02:00:00:00:00:01 dev lan0"
	batch "$G" "route add default via 10.1.0.1" "route add default via fd01::1"
	batch "$S" "route add default via 10.2.0.1" "route add default via fd02::1"
}

# end_of NS DEV ADDR6 NS2 DEV2 ADDR4-OF-2 ADDR6-OF-2
end_of() {
	batch "$1" "addr add $3/64 dev $2" \
		"neigh add $6 lladdr $(mac "$4" "$5") dev $2" \
		"neigh add $7 lladdr $(mac "$4" "$5") dev $2"
}

# --- routes ----------------------------------------------------------------------

route_plain() {
	batch "$A" "route replace 10.2.0.0/24 via 192.0.2.2" \
		"route replace fd02::/64 via 2001:db8::2"
	batch "$B" "route replace 10.1.0.0/24 via 192.0.2.1" \
		"route replace fd01::/64 via 2001:db8::1"
}

# route_tunnel [dev]: through tun0, which may have neighbours (an Ethernet).
route_tunnel() {
	local ns net far

	for ns in "$A 2 $B" "$B 1 $A"; do
		read -r ns net far <<<"$ns"
		if [ "$LAYER" = 3 ]; then
			batch "$ns" "route replace 10.$net.0.0/24 dev tun0" \
				"route replace fd0$net::/64 dev tun0"
			continue
		fi
		far=$(mac "$far" tun0)
		batch "$ns" "neigh add 10.9.0.1 lladdr $far dev tun0" \
			"neigh add fe80::9 lladdr $far dev tun0" \
			"route replace 10.$net.0.0/24 via 10.9.0.1 dev tun0 onlink" \
			"route replace fd0$net::/64 via fe80::9 dev tun0"
	done
}

# --- tunnels -----------------------------------------------------------------------

# format_read: FORMAT
format_read() {
	LAYER=3
	read -r _ MODE ENCAP PORT CSUM DRIVER < \
		<(awk -v format="$FORMAT" '$1 == format' bench/formats)
	INNER=${FORMAT: -1} OUTER=${FORMAT: -2:1}
	A_OUT=192.0.2.1 B_OUT=192.0.2.2 OTHERS=198.18.
	[ "$OUTER" = 4 ] ||
		A_OUT=2001:db8::1 B_OUT=2001:db8::2 OTHERS=2001:db8:5::
}

# module_alone MODULE...: of all tunnels' modules, these are loaded. Receivers
# of one protocol are asked in turn, and nobody is to wait for another's answer.
module_alone() {
	local module

	for module in "${MODULES[@]}"; do
		[ ! -e "/sys/module/$module" ] || must modprobe -r "$module"
	done
	[ $# = 0 ] || must modprobe -a "$@"
}

# tunnels NS LOCAL REMOTE OPTION...: tun0, up, in the middle of as many others
# as are wanted besides. Only tun0 has IPv6: each device that has adds routes of
# the same prefixes to those of all others, and to go past these takes the square
# of their number.
tunnels() {
	local half=$(((TUNNELS - 1) / 2))

	must in_ns "$1" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	{
		others 1 "$half" "$2" "${@:4}"
		echo "link add tun0 ${*:4} local $2 remote $3"
		echo "link set tun0 up"
		others $((half + 1)) $((TUNNELS - 1)) "$2" "${@:4}"
	} >"$WORK/batch"
	must ip -n "$1" -batch "$WORK/batch"
	must in_ns "$1" sysctl -qw net.ipv6.conf.default.disable_ipv6=0 \
		net.ipv6.conf.tun0.disable_ipv6=0
}

# others FROM TO LOCAL OPTION...: lines of ip(8) for tunnels to nobody, up
others() {
	awk -v from="$1" -v to="$2" -v local="$3" -v options="${*:4}" \
		-v net="$OTHERS" '
		BEGIN {
			sep = net ~ /:/ ? ":" : "."
			for (i = from; i <= to; i++) {
				remote = net int(i / 250) sep i % 250 + 1
				print "link add x" i, options, "local", local,
					"remote", remote
				print "link set x" i " up"
			}
		}'
}

# adit_options [OPTION...], kernel_options: set OPTIONS, but for the ends.
adit_options() {
	OPTIONS="type adit mode $MODE encap $ENCAP $*"
	module_alone adit
	[ "$ENCAP" = none ] || OPTIONS+=" encap-dport $PORT"
	[ "$CSUM" != no ] || OPTIONS+=" noencap-csum"
}

kernel_options() {
	OPTIONS="type $DRIVER"
	module_alone
	case $DRIVER in
	vxlan*) OPTIONS+=" dstport 4789" LAYER=2 ;;
	geneve*) LAYER=2 ;;
	esac
	[ "$ENCAP" = none ] || fou_new
}

# fou_new: A and B listen, as with adit, and OPTIONS says where.
fou_new() {
	local inside="ipproto 4" no='' ns

	[ "$INNER" = 4 ] || inside="ipproto 41"
	[ "$MODE" = ip ] || inside="ipproto 47"
	[ "$ENCAP" != gue ] || inside=gue
	[ "$CSUM" = yes ] || no=no
	must modprobe -a fou fou6
	for ns in "$A" "$B"; do
		# shellcheck disable=SC2086 # words they are
		must ip -n "$ns" "-$OUTER" fou add port "$PORT" $inside
	done
	OPTIONS+=" encap $ENCAP encap-sport auto encap-dport $PORT"
	[ "$OUTER" = 4 ] && OPTIONS+=" ${no}encap-csum" ||
		OPTIONS+=" ${no}encap-udp6-csum"
}

fou_gone() {
	local ns

	[ "$ENCAP" != none ] && [ "$WHO" = kernel ] || return 0
	for ns in "$A" "$B"; do
		must ip -n "$ns" "-$OUTER" fou del port "$PORT"
	done
}

tunnel_new() {
	case $DRIVER in
	geneve*) geneve_new ;;
	wireguard) wireguard_new ;;
	*)
		tunnels "$A" "$A_OUT" "$B_OUT" "$OPTIONS"
		tunnels "$B" "$B_OUT" "$A_OUT" "$OPTIONS"
		;;
	esac
}

# tunnel_gone: what is many goes faster with its module.
tunnel_gone() {
	batch "$A" "link del tun0"
	batch "$B" "link del tun0"
	[ "$TUNNELS" = 1 ] || module_alone
}

# Without `local`, which it does not know
geneve_new() {
	batch "$A" "link add tun0 $OPTIONS remote $B_OUT" "link set tun0 up"
	batch "$B" "link add tun0 $OPTIONS remote $A_OUT" "link set tun0 up"
}

wireguard_new() {
	local ns

	for ns in "$A" "$B"; do
		(umask 077 && wg genkey >"$WORK/$ns.key")
		batch "$ns" "link add tun0 type wireguard" "link set tun0 up"
	done
	wireguard_peer "$A" "$B" "$B_OUT" 1
	wireguard_peer "$B" "$A" "$A_OUT" 0
	check_within 600000 "a handshake" wireguard_knows "$A" &&
		wireguard_peer "$A" "$B" "$B_OUT" 0
}

# wireguard_knows NS: has it had a handshake, at a time other than 0?
wireguard_knows() {
	in_ns "$1" wg show tun0 latest-handshakes | awk '{ exit !$2 }'
}

# wireguard_peer NS FAR ADDR KEEPALIVE: which has it speak at once.
wireguard_peer() {
	local addr=$3

	[ "$OUTER" = 4 ] || addr="[$addr]"
	must in_ns "$1" wg set tun0 listen-port 51820 \
		private-key "$WORK/$1.key" \
		peer "$(wg pubkey <"$WORK/$2.key")" endpoint "$addr:51820" \
		allowed-ips 0.0.0.0/0,::/0 persistent-keepalive "$4"
}
