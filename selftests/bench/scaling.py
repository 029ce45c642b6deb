#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a packet costs while two processors forward packets of their own, against
what it costs with one at work, of what a guest with insnprof counted.

    scaling.py PREFIX LOG

PREFIX is what the plugin was given, LOG what guest printed: of each case first the
three marks by one processor, then those by two, which QEMU runs in turn.

What is told first is of functions that take part in nearly every packet, which is
all that a packet is bound to cost; then of all, less what the plain way has: the
clock, which ticks by time, of which a watched guest has much, and the scheduler, and
waiting for locks if there were any. It does not tell what processors cost each other
by the lines of their caches: sharing.py does.
"""
import sys

from insnprof import by_function, read_counts, read_log

OFTEN = 0.9		# calls a packet


def main(prefix, path):
    cases = read_log(path)
    costs, often = [], []
    for n, (_, _, packets, symbols) in enumerate(cases):
        insns, runs = read_counts(prefix, 3 * n, packets)
        costs.append(by_function(insns, symbols))
        often.append({name for addr, name in symbols if runs[addr] >= OFTEN})
    plain = [sum(cost.values()) for cost in costs[:2]]
    for n in range(0, len(cases), 2):
        one, two = costs[n:n + 2]
        names = often[n] | often[n + 1]
        was, now = (sum(cost[name] for name in names) for cost in (one, two))
        print(f"{cases[n][0]}: instructions a packet: by one processor"
              f" {was:.0f}, while two are at work {now:.0f}")
        if n:
            was, now = (sum(cost.values()) - less
                        for cost, less in zip((one, two), plain))
            print(f"    all that the plain way has not: {was:.0f}, {now:.0f}")
        for name in sorted(names):
            more = two[name] - one[name]
            if abs(more) >= 1:
                print(f"    {more:+8.1f}  {name}")


main(*sys.argv[1:])
