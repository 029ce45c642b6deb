# SPDX-License-Identifier: GPL-2.0-only
"""Whether adit has become dearer: its part of the overhead of the kernel's driver,
against what it was when that was last written down.

Owns: the file of the baseline. Does not own: what is measured for it (run).
"""
GROWTH = 1.03		# of a ratio, that passes

HEAD = """\
# SPDX-License-Identifier: GPL-2.0-only
#
# What a tunnel takes of a packet, in instructions without those of the plain way:
# the kernel's own driver, and adit. `run --check` fails when the second part over
# the first grows by more than 3 %; `run --update-baseline` writes this file.
#
# KERNEL	CASE	DRIVER	ADIT
"""

MEANT = """\
# Where a ratio has grown by more than 3 %: selftests/bench/run --profile CASE --against
# CASE shows in which function the instructions are. If it is meant to be so, run
# selftests/bench/run --update-baseline, and say why where that is committed.
"""


def overheads(results):
    """(kernel, case) -> (the driver's overhead, adit's)"""
    found = {}
    for r in results:
        if "ratio" in r:
            case = f"{r['workload']}:{r['format']}:{r['who']}"
            found[r["kernel"], case] = (r["peer_overhead"], r["overhead"])
    return found


def load(path):
    found = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith("#") and line.split():
                kernel, case, driver, adit = line.split()
                found[kernel, case] = (int(driver), int(adit))
    return found


def update(path, results):
    with open(path, "w", encoding="utf-8") as out:
        out.write(HEAD)
        for (kernel, case), counts in overheads(results).items():
            out.write("\t".join((kernel, case, *map(str, counts))) + "\n")


def judge(was, now):
    """(is it well, what to say of it)"""
    if not now:
        return False, "was not measured"
    ratio = now[1] / now[0]
    if not was:
        return False, f"{ratio:.3f}, and is not in the baseline"
    growth = ratio / (was[1] / was[0])
    return growth <= GROWTH, (f"{ratio:.3f}, {100 * (growth - 1):+.1f} %"
                              f" ({now[1]}/{now[0]}, was {was[1]}/{was[0]})")


def check(path, results, broken):
    """Print a line for each case, and the count; true if none has failed. BROKEN
    are what has failed in the guest."""
    was, now = load(path), overheads(results)
    keys = list(dict.fromkeys([*was, *now]))
    measured = {": ".join(key) for key in keys}	# of which more is said below
    lines = [(False, line) for line in broken if line not in measured]
    for key in keys:
        well, text = judge(was.get(key), now.get(key))
        lines.append((well, f"{key[0]}: {key[1]}: {text}"))
    for well, text in lines:
        print("ok" if well else "not ok", text)
    passed = sum(well for well, _ in lines)
    if passed < len(lines):
        print(MEANT, end="")
    print(f"{passed} passed, {len(lines) - passed} failed, 0 skipped")
    return passed == len(lines)
