"""Small pictures as inline SVG, without script, for a cell and for the static report.

Colours are JupyterLab's where it is there. Every text is cleaned and escaped here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from jupyter_mltrack.display_text import clean, number, shorten

BLUE = "var(--jp-brand-color1,#1976d2)"
RED = "var(--jp-error-color1,#d32f2f)"
GREY = "var(--jp-ui-font-color3,#9e9e9e)"
MIX = ("#1976d2", "#f57c00", "#388e3c", "#8e24aa", "#00838f", "#c0ca33", "#6d4c41", "#ec407a")
_TEXT = 'font-size="10" fill="var(--jp-ui-font-color1,#444)"'
_BARS = "▁▂▃▄▅▆▇█"
_NAMED = 8


def sparkline(values: Sequence[float | None], cells: int = 60) -> str:
    """Values as a row of block characters; a gap where there is none."""
    if len(values) > cells:
        width = len(values) / cells
        parts = [values[int(at * width) : int((at + 1) * width)] for at in range(cells)]
        values = [max((one for one in part if one is not None), default=None) for part in parts]
    top = max((one for one in values if one is not None), default=0.0)
    if top <= 0:
        return "".join(" " if one is None else _BARS[0] for one in values)
    return "".join(
        " " if one is None else _BARS[min(7, int(max(0.0, one) / top * 7.999))] for one in values
    )


def svg(body: str, width: int, height: int, title: str) -> str:
    """A picture with a name for those who cannot see it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" style="max-width:100%">'
        f"<title>{_safe(title)}</title>{body}</svg>"
    )


def bars(
    counts: Sequence[int], errors: Sequence[int], title: str, width: int = 480, height: int = 64
) -> str:
    """Requests of each bucket, those that failed in red at the bottom."""
    top = max([1, *counts])
    step = width / max(1, len(counts))
    floor = height - 2
    parts = []
    for at, (count, failed) in enumerate(zip(counts, errors, strict=True)):
        for value, colour in ((count, BLUE), (failed, RED)):
            if value:
                tall = max(1.0, value / top * (height - 16))
                parts.append(_rect(at * step, floor - tall, max(0.5, step - 0.6), tall, colour))
    parts.append(_line_at(floor, width))
    parts.append(f'<text x="0" y="10" {_TEXT}>{_safe(title)}, at most {number(float(top))}</text>')
    return svg("".join(parts), width, height, title)


def lines(
    rows: Sequence[tuple[str, Sequence[float | None], str]],
    title: str,
    unit: str = "",
    width: int = 480,
    height: int = 64,
) -> str:
    """Curves over the same buckets, each with a name and a colour; gaps stay gaps."""
    top = max((one for _, row, _ in rows for one in row if one is not None), default=0.0) or 1.0
    parts = []
    for _, row, colour in rows:
        step = width / max(1, len(row))
        run: list[str] = []
        for at, value in enumerate([*row, None]):
            if value is not None and math.isfinite(value):
                x, y = (at + 0.5) * step, height - 2 - value / top * (height - 16)
                run.append(f"{x:.1f},{y:.1f}")
            elif run:
                parts.append(_curve(run, colour))
                run = []
    names = "".join(f'<tspan fill="{colour}">{_safe(name)} </tspan>' for name, _, colour in rows)
    head = f"{_safe(title)}, at most {number(top)}{_safe(unit)} "
    parts.append(_line_at(height - 2, width))
    parts.append(f'<text x="0" y="10" {_TEXT}>{head}{names}</text>')
    return svg("".join(parts), width, height, title)


def _curve(points: list[str], colour: str) -> str:
    if len(points) == 1:
        x, y = points[0].split(",")
        return f'<circle cx="{x}" cy="{y}" r="1.5" fill="{colour}"/>'
    return (
        f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    )


def mix(
    title: str,
    labels: Sequence[str],
    shares: Sequence[Sequence[float]],
    width: int = 480,
    height: int = 78,
) -> str:
    """Shares over time as bars that fill up, with a legend."""
    step = width / max(1, len(shares[0]) if shares else 1)
    parts = []
    for at in range(len(shares[0]) if shares else 0):
        bottom = float(height - 2)
        for code, row in enumerate(shares):
            tall = row[at] * (height - 32)
            if tall > 0:
                bottom -= tall
                colour = MIX[code % len(MIX)]
                parts.append(_rect(at * step, bottom, max(0.5, step - 0.6), tall, colour))
    legend = "".join(
        f'<tspan fill="{MIX[code % len(MIX)]}">■ </tspan>{_safe(shorten(clean(name), 16))}  '
        for code, name in enumerate(labels)
    )
    parts.append(f'<text x="0" y="10" {_TEXT}>{_safe(shorten(clean(title), 60))}</text>')
    parts.append(f'<text x="0" y="24" {_TEXT}>{legend}</text>')
    parts.append(_line_at(height - 2, width))
    return svg("".join(parts), width, height, title)


def pair(
    labels: Sequence[str],
    before: Sequence[float],
    after: Sequence[float],
    title: str,
    *,
    width: int = 320,
    height: int = 84,
) -> str:
    """Two distributions beside each other: grey is the reference, blue the data."""
    top = max([1e-9, *before, *after])
    step = width / max(1, len(labels))
    side = step * 0.4
    floor = height - 14
    parts = []
    for at, (label, one, other) in enumerate(zip(labels, before, after, strict=True)):
        tip = f"{label}: {one:.1%} became {other:.1%}"
        inside = ""
        for offset, value, colour in ((0.1 * step, one, GREY), (0.5 * step, other, BLUE)):
            tall = value / top * (floor - 4)
            inside += _rect(at * step + offset, floor - tall, max(0.5, side), tall, colour)
        parts.append(f"<g><title>{_safe(tip)}</title>{inside}</g>")
    parts += _under(labels, width, height - 3)
    parts.append(_line_at(floor, width))
    return svg("".join(parts), width, height, title)


def _under(labels: Sequence[str], width: int, y: int) -> list[str]:
    """Names below the bars: all of a few, else the first and the last."""
    if len(labels) <= _NAMED:
        step = width / max(1, len(labels))
        places = [((at + 0.5) * step, "middle", name) for at, name in enumerate(labels)]
        room = max(3, int(step / 6.5))
    else:
        places = [(0.0, "start", labels[0]), (float(width), "end", labels[-1])]
        room = 22
    return [
        f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" {_TEXT}>'
        f"{_safe(shorten(clean(name), room))}</text>"
        for x, anchor, name in places
    ]


def gauge(value: float, threshold: float, width: int = 90, height: int = 10) -> str:
    """An effect as a bar, with a line where drift begins."""
    top = max(threshold * 4, 1e-9)
    wide = min(1.0, max(0.0, value) / top) * width
    mark = threshold / top * width
    colour = RED if value >= threshold else BLUE
    body = _rect(0, 2, wide, height - 4, colour)
    body += f'<line x1="{mark:.1f}" y1="0" x2="{mark:.1f}" y2="{height}" stroke="{GREY}"/>'
    return svg(body, width, height, f"effect {number(value)}")


def _rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{max(0.0, height):.1f}" '
        f'fill="{colour}"/>'
    )


def _line_at(y: float, width: int) -> str:
    return f'<line x1="0" y1="{y}" x2="{width}" y2="{y}" stroke="{GREY}" stroke-width="0.5"/>'


def _safe(text: str) -> str:
    return escape(clean(text))
