"""The plot: a bar a call with its median, a whisker to its 99th percentile, on a logarithmic scale."""

import math
from xml.sax.saxutils import escape

from .table import CALLS

ROW, LEFT, WIDTH, RIGHT = 30, 300, 460, 150


def render(figures):
    """An SVG, as text."""
    rows = [(what, figures[name].value, figures.get(f"{name}_p99")) for name, what in CALLS if name in figures]
    values = [value for _, value, _ in rows] + [p99.value for _, _, p99 in rows if p99]
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    empty = rows[0][1]

    def x(value):
        return LEFT + WIDTH * (math.log10(value) - first) / max(last - first, 1)

    height = ROW * (len(rows) + 2)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}" '
        'font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for power in range(first, last + 1):
        at = f"{x(10**power):.1f}"
        parts.append(f'<line x1="{at}" y1="10" x2="{at}" y2="{height - ROW}" stroke="#ddd"/>')
        parts.append(f'<text x="{at}" y="{height - 10}" text-anchor="middle">{10**power:,} us</text>')
    for number, (what, value, p99) in enumerate(rows):
        top, end = 16 + number * ROW, x(value)
        parts.append(f'<text x="{LEFT - 8}" y="{top + 13}" text-anchor="end">{escape(what)}</text>')
        parts.append(f'<rect x="{LEFT}" y="{top}" width="{end - LEFT:.1f}" height="18" fill="#4878a8"/>')
        if p99:
            tip = x(p99.value)
            parts.append(f'<path d="M{end:.1f} {top + 9}H{tip:.1f}M{tip:.1f} {top + 4}v10" stroke="#222" fill="none"/>')
            end = max(end, tip)
        parts.append(f'<text x="{end + 6:.1f}" y="{top + 13}">{value:,.0f} us, x {value / empty:,.2f}</text>')
    return "\n".join([*parts, "</svg>", ""])
