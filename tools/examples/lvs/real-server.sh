#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A real server whose directors use all three tunnels, one each: a device takes
# one type. Run it as often as you like.

set -e

VIPS="192.0.2.80 2001:db8:1::80"
DIRECTORS="192.0.2.1 2001:db8:1::1"

# shellcheck disable=SC2086 # addresses are words
{
	adit lvs $VIPS from $DIRECTORS type ipip
	adit lvs $VIPS from $DIRECTORS type gre
	adit lvs $VIPS from $DIRECTORS type gue port 6080
}

# Tell clients what fits through the tunnels, for where ICMP errors get lost on
# the way to them: 1500 bytes, less those of the outer headers (at most 40 of
# IPv6, and 20 of UDP and GUE), less those of TCP and IP (40, with IPv6 60).
ip -4 route change default via 192.0.2.254 dev eth0 advmss 1400
ip -6 route change default via 2001:db8:1::254 dev eth0 advmss 1380

adit lvs --check
