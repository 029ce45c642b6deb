#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Instructions by function of the kernel, of what a guest with insnprof measured.

    insnprof.py PREFIX LOG [TOP]

PREFIX is what the plugin was given, LOG what guest printed: after each three
marks, the case that they are of, and the guest's symbols. What lies between the
second and the third mark is that between the first and the second twice, so
that the difference is without what surrounds it.

Prints a column for each case, by how much the last one takes over the one before.
"""
import bisect
import collections
import sys

TOP = 60
USER = 1 << 63		# addresses below are of user space


def read_log(path):
    """[(case, unit, parts, [(address, name)])]"""
    cases = []
    with open(path, encoding="utf-8") as log:
        for line in log:
            word = line.split()
            if word[:2] == ["#", "PROFILE"]:
                cases.append((word[2], word[3], int(word[4]), []))
            elif word[:2] == ["#", "SYMBOL"]:
                cases[-1][3].append((int(word[2], 16), " ".join(word[3:])))
    return cases


def read_counts(prefix, first, parts):
    """address -> instructions executed in the block there, and how often it was, by
    unit"""
    insns, runs = collections.Counter(), collections.Counter()
    for mark, times in ((0, 1), (1, -2), (2, 1)):
        with open(f"{prefix}.{first + mark}", encoding="utf-8") as counts:
            for line in counts:
                addr, size, n = line.split()
                n = times * int(n) / parts
                insns[int(addr, 16)] += int(size) * n
                runs[int(addr, 16)] += n
    return insns, runs


def by_function(insns, symbols):
    symbols.sort()
    starts = [addr for addr, _ in symbols]
    cost = collections.Counter()
    for addr, n in insns.items():
        i = bisect.bisect_right(starts, addr) - 1
        name = "(user space)" if addr < USER or i < 0 else symbols[i][1]
        cost[name] += n
    return cost


def main(prefix, path, top=TOP):
    cases = read_log(path)
    costs = [by_function(read_counts(prefix, 3 * n, parts)[0], symbols)
             for n, (_, _, parts, symbols) in enumerate(cases)]
    last, ref = costs[-1], costs[-2] if len(costs) > 1 else {}
    names = sorted(set().union(*costs),
                   key=lambda name: -abs(last[name] - ref.get(name, 0)))
    print(f"instructions by {cases[-1][1]}")
    for n, case in enumerate(cases):
        print(f"  [{n}] {case[0]}")
    head = "".join(f"{f'[{n}]':>9}" for n in range(len(cases)))
    print(f"{'delta':>9}{head}  function")
    total = [sum(cost.values()) for cost in costs]
    print(f"{total[-1] - sum(ref.values()):9.1f}"
          + "".join(f"{t:9.1f}" for t in total) + "  all")
    for name in names[:int(top)]:
        print(f"{last[name] - ref.get(name, 0):9.1f}"
              + "".join(f"{cost[name]:9.1f}" for cost in costs) + f"  {name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
