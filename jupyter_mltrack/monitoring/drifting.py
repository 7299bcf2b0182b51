"""Drift of new data away from what a model was trained on: from the question to the kept report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import MltrackError, UsageError
from jupyter_mltrack.monitoring import comparison, profile, quality, sides, two_samples
from jupyter_mltrack.monitoring.columns import Column, look
from jupyter_mltrack.monitoring.predicting import Model
from jupyter_mltrack.monitoring.sides import Data, FrameColumns, Reference

if TYPE_CHECKING:
    import pandas as pd

    from jupyter_mltrack.deployments.subject import Subject
    from jupyter_mltrack.workspaces import Workspace

PREDICTED_ROWS = 20_000
"""Of larger data so many rows, drawn at random, are given to the model."""


@dataclass(frozen=True)
class Question:
    """What `monitoring.drift` was asked; see there."""

    model: str
    data: Any
    reference: Any
    truth: Any
    id_column: str | None
    alpha: float
    effect: float
    columns: Sequence[str] | None
    window_s: float | None
    workspace: Workspace | None
    trust: bool


class _Predictions(NamedTuple):
    """What the model says of both sides, and why it could not be asked."""

    reference: Mapping[str, Column]
    data: Mapping[str, Column]
    note: str


def compare_with_training(question: Question) -> wire.DriftReport:
    """The report; it is kept as a run. Arguments and errors are those of `monitoring.drift`."""
    from jupyter_mltrack.deployments import subject as subjects
    from jupyter_mltrack.monitoring import keeping
    from jupyter_mltrack.tracking import choice

    _check(question)
    workspace = question.workspace or choice.workspace()
    subject = subjects.find(workspace, question.model)
    model = Model(workspace, subject, trust=question.trust)
    data = sides.data_of(question.data, subject.version, question.window_s)
    reference = sides.reference_of(workspace, question.reference, subject.run_id, subject.title)
    report = _report(question, subject, model, reference, sides.renamed(reference, data))
    return keeping.keep(report, workspace)


def _check(question: Question) -> None:
    if not 0 < question.alpha < 1:
        raise UsageError(
            f"--alpha cannot be {question.alpha:g}.", "Say a chance between 0 and 1, such as 0.05."
        )
    if not question.effect >= 0:
        raise UsageError(
            f"--effect cannot be {question.effect:g}.", "Say 0 or more; 0.1 if not said."
        )


def _report(
    question: Question, subject: Subject, model: Model, reference: Reference, data: Data
) -> wire.DriftReport:
    notes: list[str] = []
    names, others = sides.chosen(question.columns, _inputs(model, notes), reference, data)
    others = [*others, *([question.id_column] if question.id_column else [])]
    if data.redacted:
        notes.append(f"not kept by the endpoint: {', '.join(data.redacted)}")
    before = reference.columns(names)
    extra = [name for name in map(str, data.frame.columns) if name not in others]
    after = FrameColumns(data.frame, [*names, *extra], like=before)
    asked = _predictions(model, reference, data)
    if asked.note:
        notes.append(asked.note)
    judged = comparison.compare(
        before,
        after,
        (asked.reference, asked.data),
        alpha=question.alpha,
        effect=question.effect,
        others=others,
    )
    metrics = _quality(question, model, data, reference, notes)
    drifted = sum(one.verdict == "drift" for one in (*judged.features, *judged.predictions))
    return wire.DriftReport(
        model=subject.model or subject.uri,
        version=subject.version,
        reference=reference.name,
        data=data.name,
        rows_reference=reference.rows,
        rows_data=len(data.frame),
        alpha=question.alpha,
        effect_threshold=question.effect,
        correction=two_samples.CORRECTION,
        verdict=_verdict(judged, reference, data, drifted),
        drifted=drifted,
        features=judged.features,
        predictions=judged.predictions,
        schema_changes=judged.changes,
        quality=metrics,
        detail="; ".join(notes),
    )


def _verdict(judged: comparison.Judged, reference: Reference, data: Data, drifted: int) -> Any:
    if drifted or any(one.change != "new" for one in judged.changes):
        return "drift"
    few = min(reference.rows, len(data.frame)) < comparison.ROWS_MIN
    tested = any(one.verdict != "not_tested" for one in judged.features)
    return "no_drift" if tested and not few else "too_little_data"


def _inputs(model: Model, notes: list[str]) -> list[str]:
    """Names of the model's inputs, where its files say them."""
    try:
        return model.inputs()
    except MltrackError as error:
        notes.append(f"the model's inputs are not known: {sides.said(error)}")
        return []


# ---------------------------------------------------------------------------- predictions


def _predictions(model: Model, reference: Reference, data: Data) -> _Predictions:
    """The model's answers on both sides; an endpoint's own answers where it has some."""
    if reference.sample is None or not len(reference.sample.columns):
        return _Predictions({}, {}, "the reference has no rows to ask the model about")
    try:
        expected = model.predict(reference.sample)
    except MltrackError as error:
        return _Predictions({}, {}, f"predictions are not compared: {_reason(error)}")
    try:
        given = data.outputs
        if given is None:
            given = model.predict(profile.drawn(data.frame, PREDICTED_ROWS))
    except MltrackError as error:
        return _Predictions({}, {}, f"predictions are not compared: {_reason(error)}")
    if given.shape[1] != expected.shape[1]:
        note = f"the reference has {expected.shape[1]} outputs, the data {given.shape[1]}"
        return _Predictions({}, {}, f"predictions are not compared: {note}")
    given = given.set_axis(list(expected.columns), axis=1)
    before = _looked(expected, {})
    return _Predictions(before, _looked(given, before), "")


def _looked(frame: pd.DataFrame, like: Mapping[str, Column]) -> dict[str, Column]:
    found = {}
    for at, name in enumerate(map(str, frame.columns)):
        kind = like[name].kind if name in like else None
        found[name] = look(frame.iloc[:, at].rename(name), kind=kind)
    return found


def _reason(error: MltrackError) -> str:
    if error.code == "conflict":
        return "the model was not made here; --trust loads it"
    return sides.said(error)


# -------------------------------------------------------------------------------- quality


def _quality(
    question: Question, model: Model, data: Data, reference: Reference, notes: list[str]
) -> list[wire.MetricValue]:
    """Metrics against the truth; none where none was given.

    Raises:
        MltrackError: the truth cannot be joined, or the model cannot be asked.
    """
    if question.truth is None:
        return []
    from jupyter_mltrack.scoring.data import frame

    ids, predictions = _answers(question, model, data)
    hints = [*map(str, predictions.columns), *reference.targets]
    truth = quality.truth_of(frame(question.truth), question.id_column, hints)
    measured = quality.measure(ids, predictions, truth)
    notes.append(measured.detail)
    return measured.metrics


def _answers(question: Question, model: Model, data: Data) -> tuple[Any, pd.DataFrame]:
    """Ids and predictions, row by row."""
    import pandas as pd

    name = question.id_column
    columns = list(map(str, data.frame.columns))
    there = clean(", ".join(columns[:20]))
    by_request = data.ids is not None and name in (None, quality.REQUEST_ID, "id")
    if by_request and name not in columns:
        if data.outputs is not None:
            return data.output_ids, data.outputs
        return data.ids, model.predict(data.frame)
    if name is None:
        raise UsageError("--truth needs a column to join by.", f"Say --id COLUMN, of {there}")
    if name not in columns:
        raise UsageError(
            f"The data has no column {clean(name)!r} to join the truth by.",
            f"Say --id COLUMN, of {there}",
        )
    ids = data.frame.iloc[:, columns.index(name)]
    if data.outputs is None:
        return ids, model.predict(data.frame)
    by_row = pd.Series(ids.to_numpy(dtype=object), index=pd.Index(data.ids, dtype=object))
    by_row = by_row[~by_row.index.duplicated(keep="last")]
    return by_row.reindex(data.output_ids), data.outputs
