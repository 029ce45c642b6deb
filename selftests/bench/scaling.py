#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a packet costs while two processors forward packets of their own, against
what it costs with one at work, of what a guest with insnprof counted.

    scaling.py PREFIX LOG

PREFIX is what the plugin was given, LOG what guest printed: of each case first the
three marks by one processor, then those by two. Only functions that take part in
nearly every packet are counted: a clock that ticks does so by time, of which a
watched guest has much. Waiting for a lock is in the function that takes it.
"""
import collections
import sys

from insnprof import by_function, read_log

OFTEN = 0.9		# calls a packet


def calls(prefix, first, parts, symbols):
    """function -> calls a packet"""
    entry = dict(symbols)
    count = collections.Counter()
    for mark, times in ((0, 1), (1, -2), (2, 1)):
        with open(f"{prefix}.{first + mark}", encoding="utf-8") as lines:
            for line in lines:
                addr, _, runs = line.split()
                name = entry.get(int(addr, 16))
                if name:
                    count[name] += times * int(runs) / parts
    return count


def main(prefix, path):
    cases = read_log(path)
    costs = []
    for n, (_, _, packets, symbols) in enumerate(cases):
        called = calls(prefix, 3 * n, packets, symbols)
        cost = by_function(prefix, 3 * n, packets, symbols)
        costs.append({name: cost[name] for name in cost
                      if called[name] >= OFTEN})
    for n in range(0, len(cases), 2):
        one, two = costs[n:n + 2]
        was, now = sum(one.values()), sum(two.values())
        print(f"{cases[n][0]}: instructions a packet: by one processor"
              f" {was:.0f}, while two are at work {now:.0f}"
              f" ({100 * (now / was - 1):+.2f} %)")
        for name in sorted(set(one) | set(two)):
            more = two.get(name, 0) - one.get(name, 0)
            if abs(more) >= 1:
                print(f"    {more:+8.1f}  {name}")


main(*sys.argv[1:])
