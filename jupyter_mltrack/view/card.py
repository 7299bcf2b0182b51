"""The line of a run, and what it opens to.

    ✓ sweep-07 · loss 0.1021 · acc 0.951 · 06:58
      loss  █▆▄▃▂▂▁▁▁▁▁▁  2.3 → 0.1021
      acc   ▁▂▄▅▆▇▇▇████  0.1 → 0.951

The same in HTML is a line that opens to charts and a table of all metrics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean, duration, number, shorten, width
from jupyter_mltrack.journal.columns import metric_rank
from jupyter_mltrack.render import Column, View, note, table
from jupyter_mltrack.tracking.names import decode
from jupyter_mltrack.view.curves import CURVES_MAX, Curve, charts, curves_of, sparkline

MARKS = {"FINISHED": "✓", "FAILED": "✕", "KILLED": "■", "RUNNING": "◐"}
_MARK_COLOURS = {
    "FAILED": "var(--jp-error-color1,#d32f2f)",
    "KILLED": "var(--jp-warn-color1,#b26a00)",
    "RUNNING": "var(--jp-brand-color1,#1976d2)",
}
SHOWN_METRICS = 3
SPARKLINES = 3
ERROR_WIDTH = 60
ROWS_MAX = 50
_COURSE_CELLS = 16
_LINE = "font-family:var(--jp-code-font-family,monospace)"
_BODY = "font-size:.9em;margin:6px 0 6px 1.2em;overflow-x:auto"
_ON_PAPER = (
    "<style>@media print{details.mltrack-View::details-content{content-visibility:visible}}</style>"
)
"""On paper and in a PDF nobody can open a line: it is open there."""


class Shown(NamedTuple):
    """A run as a cell shows it. `columns` are its metrics, each thinned for a small chart."""

    run_id: str
    workspace_id: str
    name: str
    status: str
    start_ms: int
    end_ms: int | None
    error: str | None = None
    columns: Sequence[wire.Column] = ()
    newest: Mapping[str, float] | None = None
    """By metric; None takes the last point of each column."""
    points: int | None = None
    """How many there are; None where that was not counted."""
    sampled: bool = False
    """Whether the columns are a part of the points that is spread over the whole run."""
    progress: wire.Progress | None = None
    link: str | None = None
    """Web address of the run's own page."""

    def values(self) -> dict[str, float]:
        """Newest value of each metric, main metrics first."""
        found = dict(self.newest) if self.newest is not None else _last_values(self.columns)
        return {key: found[key] for key in sorted(found, key=metric_rank)}


def _last_values(columns: Sequence[wire.Column]) -> dict[str, float]:
    found = {}
    for column in columns:
        if column.values:
            at = len(column.values) - 1
            value = column.values[at]
            text = column.nonfinite.get(str(at), "nan")
            found[column.key] = float(text) if value is None else value
    return found


# ------------------------------------------------------------------------------ the line


def live_line(run: Shown, now_ms: int) -> View:
    """The line of a run that goes on: one line, whatever is known."""
    progress = _progress_words(run.progress) if run.progress is not None else ""
    took = duration(now_ms - run.start_ms)
    line = _line(run, [*_main_values(run), progress, took])
    style = f"{_LINE};white-space:nowrap;overflow:hidden;text-overflow:ellipsis"
    return View(line.plain, f'<div style="{style}">{line.html}</div>')


def _ended_line(run: Shown) -> View:
    took = duration((run.end_ms or run.start_ms) - run.start_ms)
    kept = f"{run.points} point{'' if run.points == 1 else 's'} kept" if run.points else ""
    if run.status == "FAILED":
        return _line(run, [shorten(run.error or "failed", ERROR_WIDTH), took, kept])
    if run.status == "KILLED":
        return _line(run, ["killed", *_main_values(run), took, kept])
    return _line(run, [*_main_values(run), took])


def _main_values(run: Shown) -> list[str]:
    shown = list(run.values().items())[:SHOWN_METRICS]
    return [f"{shorten(decode(key), 24)} {number(value)}" for key, value in shown]


def _line(run: Shown, parts: Sequence[str]) -> View:
    mark = MARKS.get(run.status, "?")
    words = [clean(part) for part in parts if part]
    name = clean(run.name)
    colour = _MARK_COLOURS.get(run.status, "inherit")
    html = " · ".join(
        [
            f'<span style="color:{colour}">{mark}</span> {_name(run, name)}',
            *(escape(word) for word in words),
        ]
    )
    return View(f"{mark} {' · '.join([name, *words])}", html)


def _name(run: Shown, name: str) -> str:
    """The name; JupyterLab makes it a door to the run's page, elsewhere a web address may be."""
    text = f'<b style="font-weight:600">{escape(name)}</b>'
    known = (
        f'class="mltrack-ViewName" data-mltrack-run="{escape(run.run_id, quote=True)}" '
        f'data-mltrack-workspace="{escape(run.workspace_id, quote=True)}"'
    )
    if run.link is not None and run.link.startswith(("https://", "http://")):
        href = escape(run.link, quote=True)
        return (
            f'<a {known} href="{href}" target="_blank" rel="noopener noreferrer" '
            f'style="color:inherit">{text}</a>'
        )
    return f"<span {known}>{text}</span>"


def _progress_words(progress: wire.Progress) -> str:
    done = number(progress.done)
    words = done if progress.total is None else f"{done}/{number(progress.total)}"
    unit = progress.unit if progress.unit not in ("", "it") else ""
    return " ".join(part for part in (progress.label, words, unit) if part)


# ------------------------------------------------------------------------- what it opens to


def shown_runs(runs: Sequence[Shown], more: int = 0) -> View:
    """Runs that ended as they stay in the notebook; `more` says how many are not shown."""
    views = []
    curves_left, rows_left = CURVES_MAX, ROWS_MAX
    for run in runs:
        curves = curves_of(run.columns)
        views.append(_card(run, curves, curves_left, rows_left))
        curves_left = max(0, curves_left - len(curves))
        rows_left = max(0, rows_left - len(run.columns))
    if more > 0:
        views.append(note(f"and {more} more runs of this cell: %mltrack runs"))
    return View("\n".join(view.plain for view in views), "".join(view.html for view in views))


def _card(run: Shown, curves: Sequence[Curve], curves_left: int, rows_left: int) -> View:
    head = _ended_line(run)
    body = opened(run, curves, curves_left, rows_left)
    plain = "\n".join([head.plain, *_sparklines(curves)])
    if not body:
        return View(plain, f'<div style="{_LINE}">{head.html}</div>')
    return View(
        plain,
        f'{_ON_PAPER}<details class="mltrack-View" style="{_LINE}">'
        f'<summary style="cursor:pointer">{head.html}</summary>'
        f'<div style="{_BODY}">{body}</div></details>',
    )


def opened(
    run: Shown,
    curves: Sequence[Curve],
    curves_left: int = CURVES_MAX,
    rows_left: int = ROWS_MAX,
    *,
    as_images: bool = True,
) -> str:
    """Charts and table as HTML; empty for a run without metrics."""
    drawn, left_out = charts(curves, curves_left, as_images=as_images)
    said = []
    if left_out and drawn:
        said.append(f"{left_out} more curves are on the run's page.")
    if run.sampled:
        said.append("The curves are drawn from a part of the points; the run's page has them all.")
    return drawn + "".join(note(one).html for one in said) + _table(run, curves, rows_left)


def _table(run: Shown, curves: Sequence[Curve], rows_left: int) -> str:
    """All metrics in numbers, with their course in characters for a page that takes pictures."""
    values = run.values()
    courses = {curve.key: sparkline(curve, _COURSE_CELLS) for curve in curves}
    if not values or rows_left <= 0:
        return ""
    columns = {column.key: column for column in run.columns}
    rows = []
    for key in list(values)[:rows_left]:
        column = columns.get(key)
        finite = [value for value in column.values if value is not None] if column else []
        rows.append(
            [
                shorten(clean(decode(key)), 40),
                number(values[key]),
                number(min(finite)) if finite else "",
                number(max(finite)) if finite else "",
                str(column.total) if column and not run.sampled else "",
                courses.get(key, ""),
            ]
        )
    heads = [
        Column("metric"), Column("newest", True), Column("minimum", True),
        Column("maximum", True), Column("points", True), Column("course"),
    ]  # fmt: skip
    more = len(values) - len(rows)
    return table(heads, rows, f"and {more} more metrics on the run's page" if more else "").html


def _sparklines(curves: Sequence[Curve]) -> list[str]:
    """The course of the main metrics in plain text."""
    first = sorted(curves, key=lambda curve: metric_rank(curve.key))[:SPARKLINES]
    names = [shorten(clean(decode(curve.key)), 24) for curve in first]
    wide = max(map(width, names), default=0)
    lines = []
    for name, curve in zip(names, first, strict=True):
        finite = [value for value in curve.values if value is not None]
        if finite:
            space = " " * (wide - width(name))
            course = f"{number(finite[0])} → {number(finite[-1])}"
            lines.append(f"  {name}{space}  {sparkline(curve)}  {course}")
    return lines
