"""A drift report as one static page: pictures are inline, nothing is loaded and nothing runs."""

from __future__ import annotations

import time
from html import escape

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean, number
from jupyter_mltrack.monitoring import pictures

VERDICTS = {
    "no_drift": "No drift",
    "drift": "Drift",
    "too_little_data": "Too little data to tell",
}
_STYLE = """
body{font:14px/1.5 system-ui,sans-serif;color:#222;background:#fff;max-width:60em;margin:2em auto;
padding:0 1em}table{border-collapse:collapse}td,th{padding:2px 10px 2px 0;text-align:left;
vertical-align:top}section{border-top:1px solid #ddd;padding:.8em 0}h1{font-size:1.5em}
h2{font-size:1.15em;margin:1.5em 0 .3em}h3{font-size:1em;margin:0 0 .3em}.bad{color:#c62828}
.ok{color:#2e7d32}.quiet{color:#666}@media(prefers-color-scheme:dark){body{color:#ddd;
background:#181818}section{border-color:#444}.quiet{color:#aaa}.bad{color:#ef9a9a}
.ok{color:#a5d6a7}}
"""


def page(report: wire.DriftReport) -> str:
    """The whole page."""
    title = f"{report.model}/{report.version}" if report.version else report.model
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Drift of {_safe(title)}</title><style>{_STYLE}</style></head><body>"
    )
    parts = [head, f"<h1>Drift of {_safe(title)}</h1>", _summary(report), _schema(report)]
    for name, features in (("Predictions", report.predictions), ("Inputs", report.features)):
        if features:
            parts.append(f"<h2>{name}</h2>")
            parts += [_feature(one, report.effect_threshold) for one in in_order(features)]
    parts += [_quality(report), _method(report), "</body></html>"]
    return "".join(parts)


def in_order(features: list[wire.DriftFeature]) -> list[wire.DriftFeature]:
    """Drifted ones first, then by the size of the effect."""
    rank = {"drift": 0, "ok": 1, "not_tested": 2}
    return sorted(features, key=lambda one: (rank[one.verdict], -(one.effect or 0.0)))


def p_text(value: float) -> str:
    """A p-value in short form."""
    return "< 1e-300" if value == 0 else f"{value:.2g}"


def headline(report: wire.DriftReport) -> str:
    """The verdict with its counts, in one line."""
    tested = [one for one in (*report.features, *report.predictions) if one.verdict != "not_tested"]
    counts = f": {report.drifted} of {len(tested)} columns" if tested else ""
    return VERDICTS[report.verdict] + (counts if report.verdict != "too_little_data" else "")


def _summary(report: wire.DriftReport) -> str:
    mood = "bad" if report.verdict == "drift" else "ok" if report.verdict == "no_drift" else "quiet"
    rows = [
        ("reference", f"{report.reference}, {report.rows_reference:,} rows"),
        ("data", f"{report.data}, {report.rows_data:,} rows"),
        ("made", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())),
        ("run", report.run_id or ""),
        ("remarks", report.detail),
    ]
    body = "".join(f"<tr><th>{name}</th><td>{_safe(text)}</td></tr>" for name, text in rows if text)
    return f'<p class="{mood}"><b>{_safe(headline(report))}</b></p><table>{body}</table>'


def _schema(report: wire.DriftReport) -> str:
    if not report.schema_changes:
        return ""
    rows = "".join(
        f"<tr><td>{_safe(one.column)}</td><td>{_safe(change_text(one))}</td></tr>"
        for one in report.schema_changes
    )
    return f"<h2>Columns that changed</h2><table>{rows}</table>"


def change_text(one: wire.SchemaChange) -> str:
    """What became of a column, in words."""
    words = {"missing": "is missing", "new": "is new", "type": "has another type"}[one.change]
    return f"{words} ({one.detail})" if one.detail else words


def _feature(one: wire.DriftFeature, threshold: float) -> str:
    mood = {"drift": "bad", "ok": "ok", "not_tested": "quiet"}[one.verdict]
    said = {"drift": "drift", "ok": "ok", "not_tested": "not tested"}[one.verdict]
    facts = [("what", one.detail), ("test", _test(one)), ("missing", _missing(one))]
    if one.effect is not None:
        text = f"{number(one.effect)} ({one.effect_name})"
        facts.append(("effect", text))
    if one.psi is not None:
        facts.append(("PSI", number(one.psi)))
    facts.append(("new", ", ".join(one.new_categories)))
    facts.append(("not seen", ", ".join(one.missing_categories)))
    rows = "".join(
        f'<tr><td class="quiet">{name}</td><td>{_safe(text)}</td></tr>'
        for name, text in facts
        if text
    )
    gauge = "" if one.effect is None else pictures.gauge(one.effect, threshold)
    picture = ""
    if one.labels:
        picture = pictures.pair(one.labels, one.shares_reference, one.shares_data, one.name)
    return (
        f'<section><h3>{_safe(one.name)} <span class="{mood}">{said}</span> {gauge}</h3>'
        f"{picture}<table>{rows}</table></section>"
    )


def _test(one: wire.DriftFeature) -> str:
    if one.p_value is None or one.statistic is None or one.p_adjusted is None:
        return ""
    return (
        f"{one.test}: statistic {number(one.statistic)}, p {p_text(one.p_value)}, "
        f"corrected {p_text(one.p_adjusted)}"
    )


def _missing(one: wire.DriftFeature) -> str:
    if not one.missing_reference and not one.missing_data:
        return ""
    sure = "" if one.missing_p_adjusted is None else f", p {p_text(one.missing_p_adjusted)}"
    return f"{one.missing_reference:.1%} became {one.missing_data:.1%}{sure}"


def _quality(report: wire.DriftReport) -> str:
    if not report.quality:
        return ""
    rows = "".join(
        f"<tr><td>{_safe(one.key)}</td>"
        f"<td>{one.text if one.value is None else number(one.value)}</td></tr>"
        for one in report.quality
    )
    return f"<h2>Against the truth</h2><table>{rows}</table>"


def _method(report: wire.DriftReport) -> str:
    text = (
        f"A column has drifted when its corrected p-value is below {number(report.alpha)} and its "
        f"effect is at least {number(report.effect_threshold)}. Numbers: Kolmogorov-Smirnov test; "
        "effect: Wasserstein distance in standard deviations of the reference (outermost 1 % "
        "pulled in). Categories: chi-square test, rare ones pooled, or Fisher's exact test; "
        "effect: total variation. Missing values: test of two shares; effect: their difference. "
        f"{report.correction}'s correction over all tests: on unchanged data the chance that "
        f"even one column is called drifted is at most {number(report.alpha * 100)} %. "
    )
    if report.predictions:
        text += (
            "A model often predicts the rows it was trained on more sharply than new ones: where "
            "predictions alone have drifted, name rows it has not seen as the reference. "
        )
    text += "Grey is the reference, blue the data."
    return f'<h2>How</h2><p class="quiet">{_safe(text)}</p>'


def _safe(text: str) -> str:
    return escape(clean(text))
