"""Two sides of columns compared: a test for each column, one correction over all, verdicts.

A column has drifted when its corrected p-value is below alpha and its effect is at least the
threshold: the first keeps chance out, the second what is too small to matter. All tests of a
report (columns, missing values, predictions) are one family for the correction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import number
from jupyter_mltrack.monitoring import two_samples
from jupyter_mltrack.monitoring.columns import Column, as_booleans, may_compare, time_parts
from jupyter_mltrack.monitoring.two_samples import Compared

ROWS_MIN = 30
"""Fewer values than this on a side are not tested."""
NAMES_SHOWN = 20
_BINS = 20
_BARS = 12
_PICTURE_ROWS = 50_000

Columns = Mapping[str, Column]


class Found(NamedTuple):
    """One column with what is still to be corrected and judged."""

    feature: wire.DriftFeature
    compared: Compared | None
    missing: Compared | None


class Judged(NamedTuple):
    """What the comparison of two sides says."""

    features: list[wire.DriftFeature]
    predictions: list[wire.DriftFeature]
    changes: list[wire.SchemaChange]


def compare(
    reference: Columns,
    data: Columns,
    predictions: tuple[Columns, Columns] = ({}, {}),
    *,
    alpha: float,
    effect: float,
    others: Sequence[str] = (),
) -> Judged:
    """Compare columns, and predictions in the same family of tests.

    Args:
        reference: columns by name; their kinds count.
        data: columns by name, read as the kinds of the reference.
        predictions: outputs on the reference and on the data.
        alpha: chance of even one false alarm in the whole report.
        effect: least effect that counts as drift.
        others: columns of the data that are no features.
    """
    changes: list[wire.SchemaChange] = []
    found = _columns(reference, data, changes)
    outputs = _columns(predictions[0], predictions[1], [])
    changes += [
        wire.SchemaChange(column=name, change="new", detail=data[name].type)
        for name in data
        if name not in reference and name not in others
    ]
    both = [*found, *outputs]
    tests = [one for each in both for one in (each.compared, each.missing) if one is not None]
    corrected = iter(two_samples.holm([one.p_value for one in tests]))
    judged = [_judged(each, corrected, alpha, effect) for each in both]
    return Judged(judged[: len(found)], judged[len(found) :], changes)


def _columns(reference: Columns, data: Columns, changes: list[wire.SchemaChange]) -> list[Found]:
    """What each column of both sides gives; adds to `changes` what went or holds something else."""
    found = []
    for name in reference:
        one = reference[name]
        if name not in data:
            detail = f"was {one.type}"
            changes.append(wire.SchemaChange(column=name, change="missing", detail=detail))
            continue
        other = data[name]
        if not may_compare(one.type, other.type):
            detail = f"{one.type} became {other.type}"
            changes.append(wire.SchemaChange(column=name, change="type", detail=detail))
        found.append(_column(one, other))
    return found


# ---------------------------------------------------------------------------- one column


def _column(reference: Column, data: Column) -> Found:
    missing = None
    if reference.rows and data.rows and (reference.missing or data.missing):
        missing = two_samples.shares(reference.missing, reference.rows, data.missing, data.rows)
    base = wire.DriftFeature(
        name=reference.name,
        kind=reference.kind or "category",
        test="",
        verdict="not_tested",
        missing_reference=reference.missing / max(1, reference.rows),
        missing_data=data.missing / max(1, data.rows),
    )
    why = _not_tested(reference, data)
    if why:
        return Found(msgspec.structs.replace(base, detail=why), None, missing)
    if reference.kind in ("number", "text"):
        return _numbers(base, reference, data, missing)
    return _mixes(base, reference, data, missing)


def _not_tested(reference: Column, data: Column) -> str:
    if not may_compare(reference.type, data.type):
        return f"{reference.type} became {data.type}"
    for side, one in (("reference", reference), ("data", data)):
        if one.type == "nested":
            return "values are lists or objects"
        if one.type == "empty":
            return f"no values in the {side}"
        count = one.present if one.numbers is None else len(one.numbers)
        if count < ROWS_MIN:
            return f"{count} values in the {side}, {ROWS_MIN} are needed"
    return "" if reference.kind == data.kind else f"{reference.type} became {data.type}"


def _numbers(
    base: wire.DriftFeature, reference: Column, data: Column, missing: Compared | None
) -> Found:
    import numpy as np

    before, after = reference.numbers, data.numbers
    first = before[0]
    if (before == first).all():  # a constant has no spread to measure a distance by
        word = number(float(first))
        counts = [
            {word: int((side == first).sum()), "other": int((side != first).sum())}
            for side in (before, after)
        ]
        compared = two_samples.categories(counts[0], counts[1])
        detail = f"constant {word}" + ("" if (after == first).all() else " in the reference")
        return Found(_with_bars(base, *counts, detail=detail), compared, missing)
    compared = two_samples.numbers(before, after)
    edges, labels = _edges(before, after)
    shown = [
        np.diff(np.searchsorted(np.sort(_some(side)), edges, "left")) for side in (before, after)
    ]
    shares = [(counts / max(1, counts.sum())).tolist() for counts in shown]
    what = "length " if reference.kind == "text" else ""
    detail = (
        f"{what}mean {number(float(_mean(before)))} became {number(float(_mean(after)))}, "
        f"std {number(float(_std(before)))} became {number(float(_std(after)))}"
    )
    feature = msgspec.structs.replace(
        base,
        labels=labels,
        shares_reference=shares[0],
        shares_data=shares[1],
        detail=detail,
    )
    if reference.kind == "text":
        compared = compared._replace(test=f"{compared.test} of the length")
    return Found(feature, compared, missing)


def _mean(values: Any) -> Any:
    import numpy as np

    finite = values[np.isfinite(values)]
    return finite.mean() if len(finite) else np.nan


def _std(values: Any) -> Any:
    import numpy as np

    finite = values[np.isfinite(values)]
    return finite.std() if len(finite) else np.nan


def _some(values: Any) -> Any:
    """Enough of the values for a picture."""
    step = max(1, len(values) // _PICTURE_ROWS)
    return values[::step]


def _edges(before: Any, after: Any) -> tuple[Any, list[str]]:
    """Edges of equal bins over the middle of both; the outermost ones reach on without end."""
    import numpy as np

    both = np.concatenate([_some(before), _some(after)])
    both = both[np.isfinite(both)]
    low, high = np.quantile(both, [0.005, 0.995]) if len(both) else (0.0, 1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    inner = np.linspace(low, high, _BINS - 1)
    words = [number(float(one)) for one in inner]
    labels = [f"< {words[0]}"]
    labels += [f"{words[at]} to {words[at + 1]}" for at in range(len(words) - 1)]
    labels.append(f"≥ {words[-1]}")
    return np.concatenate([[-np.inf], inner, [np.inf]]), labels


def _mixes(
    base: wire.DriftFeature, reference: Column, data: Column, missing: Compared | None
) -> Found:
    before, after, what = reference.counts, data.counts, ""
    if reference.kind == "datetime":
        what, before, after = time_parts(reference, data)
        if not what:
            detail = "two weeks on each side are needed to compare days of the week"
            return Found(msgspec.structs.replace(base, detail=detail), None, missing)
    elif "boolean" in (reference.type, data.type) and reference.type != data.type:
        before, after = as_booleans(before), as_booleans(after)
    compared = two_samples.categories(before, after)
    if what:
        compared = compared._replace(test=f"{compared.test} of the {what}")
    feature = _with_bars(base, before, after, detail=what)
    if not what:
        new = sorted(set(after) - set(before), key=lambda one: -after[one])
        gone = sorted(set(before) - set(after), key=lambda one: -before[one])
        feature = msgspec.structs.replace(
            feature,
            new_categories=new[:NAMES_SHOWN],
            missing_categories=gone[:NAMES_SHOWN],
            detail=_named(new, gone, after),
        )
    return Found(feature, compared, missing)


def _named(new: list[str], gone: list[str], after: Mapping[str, int]) -> str:
    parts = []
    if new:
        share = sum(after[one] for one in new) / sum(after.values())
        parts.append(f"{len(new)} new ({share:.1%} of the data)")
    if gone:
        parts.append(f"{len(gone)} not seen any more")
    return ", ".join(parts)


def _with_bars(
    base: wire.DriftFeature,
    before: Mapping[str, int],
    after: Mapping[str, int],
    *,
    detail: str,
) -> wire.DriftFeature:
    together = {name: before.get(name, 0) + after.get(name, 0) for name in {*before, *after}}
    names = sorted(together, key=lambda name: (-together[name], name))
    if all(name.isdigit() for name in names):
        names.sort(key=lambda name: (len(name), name))
    shown, rest = (names, []) if len(names) <= _BINS + 4 else (names[:_BARS], names[_BARS:])
    sides = []
    for side in (before, after):
        total = max(1, sum(side.values()))
        shares = [side.get(name, 0) / total for name in shown]
        sides.append([*shares, sum(side.get(name, 0) for name in rest) / total] if rest else shares)
    return msgspec.structs.replace(
        base,
        labels=[*shown, f"{len(rest)} others"] if rest else shown,
        shares_reference=sides[0],
        shares_data=sides[1],
        detail=detail,
    )


# ------------------------------------------------------------------------------ verdicts


def _judged(found: Found, corrected: Any, alpha: float, least: float) -> wire.DriftFeature:
    feature, compared, missing = found
    values: dict[str, Any] = {}
    drifted = False
    notes = [feature.detail] if feature.detail else []
    if compared is not None:
        p_adjusted = next(corrected)
        drifted = p_adjusted < alpha and compared.effect >= least
        values = {
            "test": compared.test,
            "statistic": compared.statistic,
            "p_value": compared.p_value,
            "p_adjusted": p_adjusted,
            "effect": compared.effect,
            "effect_name": compared.effect_name,
            "psi": compared.psi,
            "verdict": "drift" if drifted else "ok",
        }
    if missing is not None:
        values["missing_p_adjusted"] = p_adjusted = next(corrected)
        if p_adjusted < alpha and missing.effect >= least:
            values["verdict"] = "drift"
            notes.append(
                f"missing values: {feature.missing_reference:.1%} became {feature.missing_data:.1%}"
            )
    return msgspec.structs.replace(feature, **values, detail="; ".join(notes))
