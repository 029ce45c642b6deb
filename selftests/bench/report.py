#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""report.py KERNEL LOG: the table of what guest measured.

A line for each format: what the kernel's own driver, adit, and adit's fast path
take for a packet; in brackets what they take over the plain route; and adit's
overhead as a part of the kernel's.
"""
import sys

WHO = ("kernel", "adit", "fast")


def read(path):
    """(format, who) -> instructions a packet"""
    result = {}
    with open(path, encoding="utf-8") as log:
        for line in log:
            word = line.split()
            if word[:2] == ["#", "RESULT"]:
                result[tuple(word[2].split(":"))] = int(word[3])
    return result


def row(result, fmt):
    plain = result.get((f"plain/{fmt[-1]}", "none"))
    cells = [fmt]
    over = {}
    for who in WHO:
        cost = result.get((fmt, who))
        if cost is not None and plain is not None:
            over[who] = cost - plain
        cells.append("-" if cost is None else str(cost))
        cells.append(f"({over[who]})" if who in over else "")
        if who != "kernel":
            both = who in over and over.get("kernel")
            cells.append(f"{over[who] / over['kernel']:.3f}" if both else "")
    return cells


def table(kernel, result):
    rows = [[kernel, "kernel", "", "adit", "", "ratio", "fast", "", "ratio"]]
    for fmt in dict.fromkeys(fmt for fmt, who in result):
        if fmt.startswith("plain/"):
            rows.append([fmt, str(result[fmt, "none"])] + [""] * 7)
        else:
            rows.append(row(result, fmt))
    width = [max(map(len, column)) for column in zip(*rows)]
    for cells in rows:
        head, rest = cells[0].ljust(width[0]), zip(cells[1:], width[1:])
        print("  ".join([head, *(c.rjust(w) for c, w in rest)]).rstrip())


table(sys.argv[1], read(sys.argv[2]))
