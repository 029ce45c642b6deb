# SPDX-License-Identifier: GPL-2.0-only
"""A chart of what tunnels cost, for the README: SVG, drawn by hand.

Owns: what is shown of the results, and how. Does not own: the results
(report.py).
"""
FORMATS = {
    "ip/44": ("IP", "4 in 4"), "ip/46": ("IP", "6 in 4"),
    "ip/64": ("IP", "4 in 6"), "ip/66": ("IP", "6 in 6"),
    "gre/44": ("GRE", "4 in 4"), "gre/66": ("GRE", "6 in 6"),
    "fou/44": ("FOU", "4 in 4"), "fou/66": ("FOU", "6 in 6"),
    "gue/44": ("GUE", "4 in 4"), "gue/66": ("GUE", "6 in 6"),
}
SERIES = {
    "kernel": "the kernel’s driver (1×)", "adit": "adit",
    "fast": "adit, fastpath on",
}

WIDTH, LEFT, RIGHT, TOP = 720, 92, 60, 62
BAR, GAP, SPACE = 9, 1, 9	# a bar, between those of a format, between formats
TICK = 2000

# Both modes' colours keep apart for those who tell few colours apart; a page
# that embeds it as a picture passes on whether it is dark.
STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.title { font-size: 14px; font-weight: 600; }
.soft { fill: #59636e; }
.count { font-size: 10px; fill: #59636e; }
.end { text-anchor: end; }
.mid { text-anchor: middle; }
.grid { stroke: #d1d9e0; stroke-width: 1; }
.axis { stroke: #818b98; stroke-width: 1; }
.kernel { fill: #9aa4af; }
.adit { fill: #0969da; }
.fast { fill: #1a9c74; }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; }
.soft, .count { fill: #9198a1; }
.grid { stroke: #2f3742; }
.axis { stroke: #656c76; }
.kernel { fill: #6e7681; }
.adit { fill: #4493f8; }
.fast { fill: #3fc79a; }
}
"""


def text(x, y, words, kind=""):
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{words}</text>'


def line(x1, y1, x2, y2, kind):
    return (f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"'
            f' class="{kind}"/>')


def bar(x, y, width, kind, title=""):
    return (f'<rect x="{x:g}" y="{y:g}" width="{width:.1f}" height="{BAR}"'
            f' class="{kind}"><title>{title}</title></rect>')


def legend():
    x = LEFT
    for who, name in SERIES.items():
        yield bar(x, 34, 14, who, name)
        yield text(x + 19, 43, name)
        x += 40 + 6.6 * len(name)


def grid(top, bottom, scale):
    for n in range(0, int(top) + 1, TICK):
        x = LEFT + n * scale
        yield line(x, TOP - 6, x, bottom, "grid" if n else "axis")
        yield text(x, bottom + 14, f"{n:,}", "soft mid")


def group(y, fmt, costs, scale):
    """A format's name, and a bar for each who"""
    kind, inside = FORMATS[fmt]
    middle = y + (3 * BAR + 2 * GAP) / 2 + 4
    yield text(LEFT - 52, middle, kind, "end")
    yield text(LEFT - 8, middle, inside, "soft end")
    for n, who in enumerate(SERIES):
        if who not in costs:
            continue
        top = y + n * (BAR + GAP)
        yield bar(LEFT, top, costs[who] * scale, who,
                  f"{kind} {inside}, {SERIES[who]}: {costs[who]}")
        label = f"{costs[who]:,}"
        if who != "kernel" and "kernel" in costs:
            label += f" = {costs[who] / costs['kernel']:.2f}×"
        yield text(LEFT + costs[who] * scale + 4, top + BAR - 1, label, "count")


def shown(results):
    """format -> who -> overhead, of the first kernel's 60-byte packets"""
    costs = {}
    for r in results:
        if (r["workload"] == "udp60" and r["format"] in FORMATS
                and r["kernel"] == results[0]["kernel"] and "overhead" in r):
            costs.setdefault(r["format"], {})[r["who"]] = r["overhead"]
    return costs


def draw(results):
    costs = shown(results)
    if not costs:
        raise SystemExit("chart: no format of udp60 has been measured")
    highest = max(max(by.values()) for by in costs.values())
    top = 1.05 * highest
    scale = (WIDTH - LEFT - RIGHT) / top
    step = 3 * BAR + 2 * GAP + SPACE
    bottom = TOP + len(costs) * step
    height = bottom + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}"'
        f' height="{height}" viewBox="0 0 {WIDTH} {height}" role="img"'
        f' aria-label="Instructions that a tunnel adds to a packet">',
        f"<style>\n{STYLE}</style>",
        text(LEFT, 20, "Instructions that a tunnel adds to a packet of 60 bytes",
             "title"),
        *legend(), *grid(top, bottom, scale)]
    for n, fmt in enumerate(fmt for fmt in FORMATS if fmt in costs):
        parts += group(TOP + n * step, fmt, costs[fmt], scale)
    return "\n".join(parts) + "\n</svg>\n"
