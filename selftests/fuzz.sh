#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Hostile configuration: requests of all sorts, well-formed or not, from root and
# from a user namespace, and races of all that can be done to a device.
#
# Owns: where it is done, and what must hold afterwards. Does not own: the
# requests and what must hold after each (programs/fuzz*.c), refusals one by one
# (extack.sh).
#
#	fuzz.sh [seed=N] [PATTERN...]: the same N sends the same requests.

SEED=$(date +%s%N)
if [[ ${1-} == seed=* ]]; then
	SEED=${1#seed=}
	shift
fi
. ./lib.sh
require fuzz ss
echo "# seed=$SEED"

# fuzz_as NAME PHASE [FUZZ-ARG...]: a phase, in A.
fuzz_as() {
	check "$1" in_ns "$A" fuzz -s "$SEED" -g 10.9.0.2 "${@:2}" "$1"
	grep -h "^$1: .* sent" "$WORK/output" >&"$OUT" | sed 's/^/# /'
}

topo_direct
must ip -n "$A" addr add 2001:db8::1/64 dev eth0
must ip -n "$A" addr add fe80::a/64 dev eth0
must ip -n "$A" link add wire2 type dummy
adit_pair
case_run "each attribute at each length" fuzz_as lengths
case_run "any of all that" fuzz_as any -n 1000
finish
