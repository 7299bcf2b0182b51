"""How the answers of `monitor` and `drift` look: small pictures in a cell, lines in plain text."""

from __future__ import annotations

import time
from html import escape

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean, number, shorten, span, width
from jupyter_mltrack.monitoring import pictures
from jupyter_mltrack.monitoring.report import change_text, headline, in_order, p_text
from jupyter_mltrack.render import Column, View, line, note, table

MARKS = {"no_drift": "✓", "drift": "▲", "too_little_data": "◌"}
WORDS = {"drift": "▲ drift", "ok": "✓ ok", "not_tested": "◌ not tested"}
_SHOWN = 30
_PICTURES = 6
_CELLS = 60
_LABEL = 19
_MIXES_PLAIN = 3


def monitor(found: wire.MonitorReport, _now_ms: int) -> View:
    """Requests, latency and predictions of an endpoint over time."""
    window = f"last {span(found.until_ms - found.since_ms + 1)}"
    shown = line(
        found.endpoint,
        f"{found.requests:,} request{'' if found.requests == 1 else 's'}",
        f"{found.errors:,} failed" if found.errors else "",
        _latency(found.p50_ms, found.p95_ms),
        window,
    )
    if found.detail:
        shown += note(found.detail)
    if not found.requests:
        return shown
    shown += _over_time(found)
    for mix in found.mixes:
        shown += _mix(mix)
    if found.versions:
        shown += _versions(found.versions)
    return shown


def _latency(p50_ms: float | None, p95_ms: float | None) -> str:
    if p50_ms is None or p95_ms is None:
        return ""
    return f"p50 {number(p50_ms)} ms, p95 {number(p95_ms)} ms"


def _over_time(found: wire.MonitorReport) -> View:
    rows = [("requests", pictures.sparkline([float(one) for one in found.counts], _CELLS))]
    if found.errors:
        errors = [float(one) if one else None for one in found.error_counts]
        rows.append(("failed", pictures.sparkline(errors, _CELLS)))
    rows.append(("p95", pictures.sparkline(found.p95s_ms, _CELLS)))
    first, last = _clock(found.since_ms), _clock(found.until_ms)
    plain = [_beside(name, spark) for name, spark in rows]
    plain.append(f"{'':<{_LABEL}}{first}{last:>{max(1, _cells(found) - len(first))}}")
    each = f"each {span(found.bucket_ms)}"
    drawn = [pictures.bars(found.counts, found.error_counts, f"requests, {each}")]
    curves = [("p50", found.p50s_ms, pictures.BLUE), ("p95", found.p95s_ms, pictures.MIX[1])]
    drawn.append(pictures.lines(curves, "latency", " ms"))
    html = "".join(f'<div style="margin-top:6px">{one}</div>' for one in drawn)
    ends = f'<div style="width:480px;font-size:10px">{first}<span style="float:right">{last}</span>'
    return View("\n".join(plain), f"{html}{ends}</div>")


def _beside(label: str, drawn: str) -> str:
    """A picture of characters behind its label; all begin in the same column."""
    text = shorten(label, _LABEL - 1)
    return f"{text}{' ' * (_LABEL - width(text))}{drawn}"


def _cells(found: wire.MonitorReport) -> int:
    return min(_CELLS, len(found.counts))


def _clock(at_ms: int) -> str:
    return time.strftime("%m-%d %H:%M", time.localtime(at_ms / 1000))


def _mix(mix: wire.PredictionMix) -> View:
    rows = sorted(
        zip(mix.labels, mix.shares, strict=True), key=lambda one: -sum(one[1])
    )[:_MIXES_PLAIN]  # fmt: skip
    asked = [sum(parts) > 0 for parts in zip(*mix.shares, strict=True)]
    plain = [clean(mix.name)]
    for name, row in rows:
        drawn = [share if any_ else None for share, any_ in zip(row, asked, strict=True)]
        plain.append(_beside(f"  {clean(name)}", pictures.sparkline(drawn, _CELLS)))
    html = pictures.mix(mix.name, mix.labels, mix.shares)
    return View("\n".join(plain), f'<div style="margin-top:6px">{html}</div>')


def _versions(versions: list[wire.VersionShare]) -> View:
    heads = [
        Column("version"), Column("requests", right=True), Column("failed", right=True),
        Column("p50 ms", right=True), Column("p95 ms", right=True), Column(""),
    ]  # fmt: skip
    rows = [
        [
            one.version,
            f"{one.requests:,}",
            f"{one.errors:,}" if one.errors else "",
            "" if one.p50_ms is None else number(one.p50_ms),
            "" if one.p95_ms is None else number(one.p95_ms),
            "shadow" if one.shadow else "",
        ]
        for one in versions
    ]
    return table(heads, rows)


def drift(found: wire.DriftReport, _now_ms: int) -> View:
    """The verdict in one line, the columns with what speaks for it, and where the report is."""
    title = f"{found.model}/{found.version}" if found.version else found.model
    shown = line(
        headline(found),
        title,
        f"{found.data} ({found.rows_data:,} rows)",
        f"against {found.reference} ({found.rows_reference:,} rows)",
        mark=MARKS[found.verdict],
    )
    if found.schema_changes:
        rows = [[one.column, change_text(one)] for one in found.schema_changes[:_SHOWN]]
        hidden = len(found.schema_changes) - len(rows)
        shown += table([Column("column"), Column("")], rows, f"{hidden} more" if hidden else "")
    features = [*in_order(found.predictions), *in_order(found.features)]
    if features:
        shown += _features(found, features)
    if found.quality:
        texts = [
            f"{one.key} {one.text if one.value is None else number(one.value)}"
            for one in found.quality
        ]
        shown += line("against the truth", *texts)
    if found.detail:
        shown += note(found.detail)
    if found.run_id:
        shown += note(f"report: {found.report_path} of run {found.run_id[:8]}")
    return shown


def _features(found: wire.DriftReport, features: list[wire.DriftFeature]) -> View:
    outputs = {id(one) for one in found.predictions}
    heads = [
        Column("column"), Column(""), Column("effect", right=True), Column("p", right=True),
        Column("missing", right=True), Column("what"),
    ]  # fmt: skip
    rows = [
        [
            f"{one.name} (output)" if id(one) in outputs else one.name,
            WORDS[one.verdict],
            "" if one.effect is None else number(one.effect),
            "" if one.p_adjusted is None else p_text(one.p_adjusted),
            f"{one.missing_data:.1%}" if one.missing_reference or one.missing_data else "",
            _what(one),
        ]
        for one in features[:_SHOWN]
    ]
    hidden = len(features) - len(rows)
    shown = table(heads, rows, f"{hidden} more in the report" if hidden > 0 else "", 60)
    drawn = [one for one in features if one.verdict == "drift" and one.labels][:_PICTURES]
    html = "".join(
        '<div style="display:inline-block;margin:4px 12px 4px 0">'
        f"<div>{escape(clean(one.name))}</div>"
        f"{pictures.pair(one.labels, one.shares_reference, one.shares_data, one.name)}</div>"
        for one in drawn
    )
    return View(shown.plain, f"{shown.html}<div>{html}</div>" if html else shown.html)


def _what(one: wire.DriftFeature) -> str:
    new = f"new: {', '.join(one.new_categories[:5])}" if one.new_categories else ""
    return "; ".join(part for part in (one.detail, new) if part)
