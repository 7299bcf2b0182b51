"""Curves of a run as SVG in the page itself and as a row of block characters.

What stays in a notebook is SVG as the data of an image: JupyterLab takes `<svg>` out of a notebook
that is not trusted, GitHub and others out of any, and all keep `<img>`. Its colours are legible on
white and on black, for it sees no theme. The picture holds lines only; every word stands beside it
as HTML, so that a page which takes all pictures away still reads well. Each text is cleaned and
escaped.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean, number, shorten
from jupyter_mltrack.tracking.names import decode
from jupyter_mltrack.view.families import families

POINTS_A_CURVE = 240
CURVES_MAX = 40
CHARTS_MAX = 16
_WIDTH, _HEIGHT = 600, 200
_SHOWN_WIDTH, _SHOWN_HEIGHT = 420, 110
_PLACE = f"min-width:0;width:100%;height:{_SHOWN_HEIGHT}px;display:block"
_AXES = (
    'fill="none" stroke="#808080" stroke-opacity=".6" stroke-width="2" '
    'vector-effect="non-scaling-stroke"'
)
_BLOCKS = "▁▂▃▄▅▆▇█"
_MUTED = "color:var(--jp-ui-font-color2,inherit);opacity:.8"
_COLOURS = ("#1976d2", "#c2571a", "#00805b", "#a23b82", "#7a6a00", "#3d7ea6", "#7b7b7b")
_DASHES = ("", "6 4", "2 3", "8 3 2 3", "12 4", "4 2", "1 4")
_SAMPLES = ("━━", "╍╍", "┉┉", "━┉", "━╍", "┅┅", "··")
"""The same in characters, for people and pages that tell no colours apart."""


class Curve(NamedTuple):
    """One metric as it is drawn: places on the axis, ascending, and values; None where none is."""

    key: str
    steps: Sequence[float]
    values: Sequence[float | None]


def curves_of(columns: Sequence[wire.Column]) -> list[Curve]:
    """The metrics that have a course, over steps, or over time where all steps are the same.

    One that was never a finite number has none.
    """
    found = []
    for column in columns:
        if len(column.values) < 2 or all(value is None for value in column.values):
            continue
        by_step = column.steps[0] != column.steps[-1] or len(set(column.steps)) > 1
        begin = column.timestamps_ms[0]
        axis = column.steps if by_step else [(at - begin) / 1000 for at in column.timestamps_ms]
        rows = sorted(zip(axis, column.values, strict=True), key=lambda row: row[0])
        found.append(Curve(column.key, [row[0] for row in rows], [row[1] for row in rows]))
    return found


def sparkline(curve: Curve, cells: int = 24) -> str:
    """A curve as a row of block characters, from its minimum to its maximum."""
    values = _binned(curve, min(cells, len(curve.values)))
    finite = [value for value in values if value is not None]
    limits = min(finite, default=0.0), max(finite, default=0.0)
    return "".join(
        " " if value is None else _BLOCKS[min(7, int(_share(value, limits) * 7.999))]
        for value in values
    ).rstrip()


def _binned(curve: Curve, cells: int) -> list[float | None]:
    """The mean of each stretch of the axis; one without points goes on as the one before."""
    axis = curve.steps[0], curve.steps[-1]
    bins: list[list[float]] = [[] for _ in range(cells)]
    for step, value in zip(curve.steps, curve.values, strict=True):
        if value is not None:
            bins[min(cells - 1, int(_share(step, axis) * cells))].append(value)
    found: list[float | None] = []
    for values in bins:
        before = found[-1] if found else None
        found.append(math.fsum(one / len(values) for one in values) if values else before)
    return found


def charts(
    curves: Sequence[Curve], room: int = CURVES_MAX, *, as_images: bool = True
) -> tuple[str, int]:
    """Charts as HTML, one for each family of metrics, and how many curves were left out.

    What is renewed while somebody looks is no image: a page fetches an image anew, and flickers.
    """
    by_key = {curve.key: curve for curve in curves}
    parts: list[str] = []
    drawn = 0
    for name, every in families(by_key):
        keys = every[: min(len(_COLOURS), room - drawn)]
        if len(parts) == CHARTS_MAX or not keys:
            break
        parts.append(_chart(name, [by_key[key] for key in keys], as_image=as_images))
        drawn += len(keys)
    html = f'<div style="display:flex;flex-wrap:wrap;gap:12px 20px">{"".join(parts)}</div>'
    return (html if parts else ""), len(curves) - drawn


def _chart(name: str, curves: Sequence[Curve], *, as_image: bool) -> str:
    finite = [value for curve in curves for value in curve.values if value is not None]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    first = min(curve.steps[0] for curve in curves)
    last = max(curve.steps[-1] for curve in curves)
    paths = "".join(_path(curve, (first, last), (low, high), at) for at, curve in enumerate(curves))
    newest = ", ".join(f"{_word(curve.key)} {_newest(curve)}" for curve in curves)
    label = escape(f"Chart of {shorten(_word(name), 60)}, newest values {newest}", quote=True)
    return (
        '<div style="flex:1 1 260px;max-width:420px;min-width:200px">'
        f"<div>{_legend(curves)}</div>"
        '<div style="display:grid;grid-template-columns:minmax(3.5em,max-content) 1fr;gap:0 6px">'
        f'<div style="{_MUTED};display:flex;flex-direction:column;justify-content:space-between;'
        f'text-align:right"><span>{escape(number(high))}</span> '
        f"<span>{escape(number(low))}</span></div>{_picture(paths, label, as_image=as_image)}"
        f'<span></span><div style="{_MUTED};display:flex;justify-content:space-between">'
        f"<span>{escape(number(first))}</span> <span>{escape(number(last))}</span></div>"
        "</div></div>"
    )


def _picture(paths: str, label: str, *, as_image: bool) -> str:
    """Lines over their axes, as wide as there is room."""
    begin = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'preserveAspectRatio="none"'
    )
    axes = f'<path d="M0 0V{_HEIGHT}H{_WIDTH}" {_AXES}/>'
    if not as_image:
        return f'{begin} role="img" aria-label="{label}" style="{_PLACE}">{axes}{paths}</svg>'
    data = base64.b64encode(f"{begin}>{axes}{paths}</svg>".encode("ascii")).decode("ascii")
    size = f'width="{_SHOWN_WIDTH}" height="{_SHOWN_HEIGHT}"'  # for a page that takes styles away
    return f'<img alt="{label}" {size} style="{_PLACE}" src="data:image/svg+xml;base64,{data}">'


def _legend(curves: Sequence[Curve]) -> str:
    """Names and newest values in the colours of the lines."""
    parts = []
    for at, curve in enumerate(curves):
        name = escape(shorten(_word(curve.key), 32))
        parts.append(
            f'<span style="white-space:nowrap;margin-right:10px">'
            f'<span style="color:{_COLOURS[at]}">{_SAMPLES[at]}</span> {name} '
            f"<b>{escape(_newest(curve))}</b></span>"
        )
    return " ".join(parts)


def _word(key: str) -> str:
    return clean(decode(key))


def _newest(curve: Curve) -> str:
    finite = [value for value in curve.values if value is not None]
    return number(finite[-1]) if finite else "-"


def _path(curve: Curve, x_range: tuple[float, float], y_range: tuple[float, float], at: int) -> str:
    """One line; it breaks where a value is none."""
    words: list[str] = []
    broken = True
    lonely = False
    for step, value in zip(curve.steps, curve.values, strict=True):
        if value is None or not math.isfinite(value):
            broken = True
            continue
        if broken and lonely:
            words.append("h.1")  # a single point between two gaps is seen as a dot
        x = _share(step, x_range) * _WIDTH
        y = _HEIGHT - 4 - _share(value, y_range) * (_HEIGHT - 8)
        words.append(f"{'M' if broken else 'L'}{x:.0f} {y:.0f}")
        lonely, broken = broken, False
    if lonely:
        words.append("h.1")
    dash = f' stroke-dasharray="{_DASHES[at]}"' if _DASHES[at] else ""
    return (
        f'<path d="{"".join(words)}" fill="none" stroke="{_COLOURS[at]}" stroke-width="1.6" '
        f'stroke-linejoin="round" stroke-linecap="round" vector-effect="non-scaling-stroke"{dash}/>'
    )


def _share(value: float, limits: tuple[float, float]) -> float:
    """Where a value lies between its limits, from 0 to 1; the middle where they are one."""
    low, high = limits
    if high <= low:
        return 0.5
    return (value / 2 - low / 2) / (high / 2 - low / 2)
