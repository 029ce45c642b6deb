#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Cache lines of the kernel that two processors share while each forwards packets
of its own, of what a guest with the plugin sharing measured.

    sharing.py PREFIX LOG

PREFIX is what the plugin was given, LOG what guest printed. A line counts when
one processor writes it for each packet, and the other uses it as often. What is not
of packets seldom comes in equal numbers on both; where it does, the functions tell.
Lines of the plain way are there with a tunnel too, so of a tunnel those are shown
that the plain way has not.
"""
import bisect
import sys

from insnprof import read_log

LEAST = 0.95		# of the packets that use a line
ALIKE = 1.05		# how much more often one processor uses it


def name_of(symbols, addr):
    return symbols[bisect.bisect_right(symbols, (addr, "\x7f")) - 1][1]


def functions(words, kind, symbols):
    return tuple(sorted({name_of(symbols, int(word[1:], 16))
                         for word in words if word[0] == kind}))


def shared(path, packets, symbols):
    """{(writers, readers): [(line, writes by each, reads by each)]}"""
    symbols.sort()
    found = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            addr, *words = line.split()
            counts = [int(n) for n in words[:4]]
            writes, reads = counts[:2], counts[2:]
            used = [max(pair) for pair in zip(writes, reads)]
            if (max(writes) >= LEAST * packets and min(used) >= LEAST * packets
                    and max(used) <= ALIKE * min(used)):
                who = (functions(words[4:], "w", symbols),
                       functions(words[4:], "r", symbols))
                found.setdefault(who, []).append((addr, writes, reads))
    return found


def show(found, packets):
    for (writers, readers), lines in sorted(found.items()):
        print(f"    written by {', '.join(writers)}")
        if readers:
            print(f"    read by    {', '.join(readers)}")
        for addr, writes, reads in lines:
            per = [f"{n / packets:.2f}" for n in (*writes, *reads)]
            print(f"      {addr}: a packet, {per[0]} and {per[1]} writes,"
                  f" {per[2]} and {per[3]} reads")


def main(prefix, path):
    plain = set()
    for n, (case, _, packets, symbols) in enumerate(read_log(path)):
        found = shared(f"{prefix}.{n}", packets, symbols)
        new = {who: lines for who, lines in found.items() if who not in plain}
        count = sum(map(len, new.values()))
        if case.endswith(":none"):
            plain |= set(found)
            print(f"{case}: lines that both use: {count}")
        else:
            print(f"{case}: lines that both use, and the plain way has not:"
                  f" {count}")
        show(new, packets)


main(*sys.argv[1:])
