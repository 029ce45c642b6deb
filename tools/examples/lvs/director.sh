#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The director, with ipvsadm alone: director.sh [ipip | gre | gue]. Nothing
# checks the servers then.

set -e

VIPS="192.0.2.80 [2001:db8:1::80]"
SERVERS="192.0.2.11 192.0.2.12 203.0.113.13"

case ${1:-ipip} in
ipip) tunnel="--tun-type ipip" ;;
gre) tunnel="--tun-type gre" ;;
gue) tunnel="--tun-type gue --tun-port 6080 --tun-csum" ;;
*) echo "Usage: $0 [ipip | gre | gue]" >&2; exit 2 ;;
esac

ip addr replace 192.0.2.80/32 dev eth0
# Not to be the source of what is sent to the servers
ip addr replace 2001:db8:1::80/128 dev eth0 preferred_lft 0

ipvsadm -C
for vip in $VIPS; do
	ipvsadm -A -t "$vip:80" -s wlc
	for server in $SERVERS; do
		# shellcheck disable=SC2086 # options are words
		ipvsadm -a -t "$vip:80" -r "$server:80" -i $tunnel
	done
done
