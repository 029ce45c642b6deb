#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Where another module has a place that adit needs, adit does not load, leaves
# nothing behind, and loads once the place is free. For a tunnel's own places, such
# as a port, see extack.sh.

. ./lib.sh
require ping

require_unused
modinfo squatter >/dev/null 2>&1 ||
	skip_all "needs the module squatter, which the debug kernel has"
modprobe -q -r adit || skip_all "adit cannot be unloaded"

is_loaded() { grep -q '^adit ' /proc/modules; }

# occupied PLACE
occupied() {
	check "squat" modprobe squatter place="$1" || return
	check_fails "load" modprobe adit
	check_fails "it is loaded" is_loaded
	check "leave" modprobe -r squatter
	check "load" modprobe adit
	adit_pair
	ping_ok "$A" 10.9.0.2
	ping_ok "$A" fd09::2
	adit_gone
	check "unload" unload
}

topo_direct
case_run "receiving by IPv4" occupied ip4
case_run "receiving by IPv6" occupied ip6
case_run "receiving MPLS" occupied mpls
case_run "errors about UDP by IPv4" occupied slot_ip4
case_run "errors about UDP by IPv6" occupied slot_ip6
case_run "the kind" occupied kind
must modprobe adit
finish
