#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tables of what guest measured.

    report.py [--json FILE] [--svg FILE] DIR/KERNEL...
    report.py --check BASELINE | --update-baseline BASELINE DIR/KERNEL...

DIR/KERNEL.log is what guest printed on that kernel.

A line for each format, with what the kernel's own driver, adit, and adit with its
fast path take for a packet; in brackets what of that is the tunnel's, which is
the cost without the cost of the plain way; and adit's part over the kernel's.
What TCP takes is shown as the speed of a processor of 10^9 instructions a second,
and as a part of the plain way's speed.

Owns: reading the results, tables. Does not own: the chart (chart.py), comparing
with what has been (baseline.py).
"""
import argparse
import json
import os
import sys

import baseline
import chart

WHO = ("kernel", "adit", "fast")


def read(path):
    """The results in a log of guest, in order, and what failed"""
    results, broken, ended = [], [], False
    with open(path + ".log", encoding="utf-8") as log:
        for line in log:
            word = line.split()
            ended |= line.startswith("1..")
            if word[:2] == ["not", "ok"]:
                broken.append(f"{os.path.basename(path)}: {' '.join(word[3:])}")
            if word[:2] == ["#", "RESULT"]:
                workload, fmt, who = word[2].split(":")
                results.append({
                    "kernel": os.path.basename(path), "workload": workload,
                    "format": fmt, "who": who, "unit": word[3],
                    "value": int(word[4])})
    if not ended:
        broken.append(f"{os.path.basename(path)}: did not end")
    return results, broken


def complete(results):
    """Add to each what is known from the others: overhead, ratio."""
    cost = {(r["workload"], r["format"], r["who"]): r["value"]
            for r in results if r["workload"] != "manage"}
    for r in results:
        plain = cost.get((r["workload"], "plain/" + r["format"][-1], "none"))
        peer = cost.get((r["workload"], r["format"], "kernel"))
        if r["who"] == "none" or plain is None:
            continue
        r["overhead"] = r["value"] - plain
        r["of_plain"] = round(plain / r["value"], 4)
        if r["who"] != "kernel" and peer is not None:
            r["peer_overhead"] = peer - plain
            r["ratio"] = round(r["overhead"] / (peer - plain), 4)


def packet_cells(result):
    if not result:
        return "-", ""
    over = f"({result['overhead']})" if "overhead" in result else ""
    return str(result["value"]), over


def packet_row(found, fmt):
    """FORMAT kernel () adit () ratio fast () ratio"""
    if ("none",) == tuple(found):
        return [fmt, str(found["none"]["value"])]
    cells = [fmt]
    for who in WHO:
        cells += packet_cells(found.get(who))
        if who != "kernel":
            ratio = found.get(who, {}).get("ratio")
            cells.append(f"{ratio:.3f}" if ratio is not None else "")
    return cells


def speed_row(found, fmt):
    """FORMAT none part kernel part adit part fast part"""
    cells = [fmt]
    for who in WHO if "none" not in found else ("none",):
        r = found.get(who)
        cells.append(f"{8e6 / r['value']:.2f}" if r else "-")
        part = r and r.get("of_plain")
        cells.append(f"{part:.3f}" if part else "")
    return cells


def number_row(found, fmt):
    """FORMAT kernel adit ratio fast ratio"""
    cells = [fmt]
    for who in WHO:
        r = found.get(who)
        cells.append(str(r["value"]) if r else "-")
        if who != "kernel":
            both = r and "kernel" in found
            cells.append(f"{r['value'] / found['kernel']['value']:.3f}"
                         if both else "")
    return cells


NUMBERS = ["kernel", "adit", "ratio", "fast", "ratio"]
LAYOUT = {	# by unit
    "packet": (packet_row, "instructions a packet",
               ["kernel", "", "adit", "", "ratio", "fast", "", "ratio"]),
    "MB": (speed_row, "Gbit/s",
           ["kernel", "of plain", "adit", "of plain", "fast", "of plain"]),
    "create": (number_row, "instructions to create a tunnel", NUMBERS),
    "delete": (number_row, "instructions to delete a tunnel", NUMBERS),
    "bytes": (number_row, "bytes of memory a tunnel", NUMBERS),
}


def align(rows):
    columns = max(map(len, rows))
    rows = [row + [""] * (columns - len(row)) for row in rows]
    width = [max(map(len, column)) for column in zip(*rows)]
    for head, *cells in rows:
        line = [head.ljust(width[0])]
        line += [cell.rjust(w) for cell, w in zip(cells, width[1:])]
        print("  ".join(line).rstrip())


def table(kernel, workload, results):
    make, unit, head = LAYOUT[results[0]["unit"]]
    print(f"{kernel}, {workload}: {unit}")
    rows = [["", *head]]
    for fmt in dict.fromkeys(r["format"] for r in results):
        rows.append(make({r["who"]: r for r in results if r["format"] == fmt},
                         fmt))
    align(rows)
    print()


def tables(kernel, results):
    for group in dict.fromkeys((r["workload"], r["unit"]) for r in results):
        table(kernel, group[0],
              [r for r in results if (r["workload"], r["unit"]) == group])


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json")
    parser.add_argument("--svg")
    parser.add_argument("--check")
    parser.add_argument("--update-baseline")
    parser.add_argument("log", nargs="+")
    return parser.parse_args()


def write(path, text):
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)


def main(args):
    everything, broken = [], []
    for path in args.log:
        results, failed = read(path)
        complete(results)
        tables(os.path.basename(path), results)
        everything += results
        broken += failed
    if args.json:
        write(args.json, json.dumps(everything, indent=1) + "\n")
    if args.svg:
        write(args.svg, chart.draw(everything))
    if args.update_baseline and not broken:
        baseline.update(args.update_baseline, everything)
    if args.check:
        return baseline.check(args.check, everything, broken)
    return not broken


sys.exit(0 if main(arguments()) else 1)
