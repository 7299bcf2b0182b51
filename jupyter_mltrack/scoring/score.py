"""`score`: a registered model's predictions over data, recorded as a run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import MltrackError, UsageError
from jupyter_mltrack.scoring import fitting, local
from jupyter_mltrack.scoring.data import OutVariable, describe, open_data
from jupyter_mltrack.scoring.out import open_out
from jupyter_mltrack.scoring.predictions import Columns

if TYPE_CHECKING:
    from jupyter_mltrack.models.fetching import Fetched
    from jupyter_mltrack.tracking.run import Tracked
    from jupyter_mltrack.workspaces import Workspace

KIND_TAG = "mltrack.kind"
KIND = "score"
PLACES = ("local", "spark")
Ask = Callable[[str], bool]


class Scorer(NamedTuple):
    """A model whose files may be loaded.

    Attributes:
        name: registered name; empty for a model that is in no registry.
        version: its number there.
        title: what a sentence calls it.
        uri: how MLflow calls it.
        files: a checked copy of them.
        signature: MLflow's `ModelSignature`, or None.
    """

    name: str
    version: str | None
    title: str
    uri: str
    files: Fetched
    signature: Any


class Done(NamedTuple):
    """What scoring gave: how many rows, the output's columns, and remarks for the person."""

    rows: int
    columns: list[str]
    remarks: list[str]


def score(
    model: str,
    data: Any,
    *,
    on: str = "local",
    out: Any = None,
    columns: Sequence[str] | None = None,
    batch_rows: int | None = None,
    trust: bool = False,
    workspace: Workspace | None = None,
    ask: Ask | None = None,
    told: local.Told | None = None,
) -> wire.ScoreReport:
    """Write a model's predictions for all rows of the data, beside the data's own columns.

    Args:
        model: `NAME`, `NAME/VERSION`, `NAME@ALIAS`, `models:/...` or `runs:/...`.
        data: as `data.open_data` takes it; with Spark also its frames and names of its tables.
        on: `local` or `spark`.
        out: a path that ends in .parquet or .csv, or an `OutVariable`; with Spark also a folder or
            the name of a table.
        columns: of the data, for the output; None keeps all of them.
        batch_rows: rows at a time; None chooses by their size.
        trust: the model may be loaded although it was not made here.
        workspace: whose model, and where the run goes; None takes the one that is set.
        ask: asks the person whether the model may be loaded.
        told: is called now and then; see `local.Told`.

    Raises:
        NotFound: no such model, file or table.
        UsageError: the data does not fit the model, or the output cannot be what it should be.
        ConsentNeeded: the model was not made here and nobody agreed to load it.
        MltrackError: the model failed, or the output cannot be written.
    """
    if on not in PLACES:
        raise UsageError(f"score cannot run on {clean(on)!r}.", f"Places: {', '.join(PLACES)}")
    if out is None:
        raise UsageError(
            "score needs a place for the predictions.", "Say it: --out scores.parquet, or a name"
        )
    if batch_rows is not None and batch_rows < 1:
        raise UsageError(f"A batch of {batch_rows} rows is none.", "Say 1 or more, or leave it.")
    from jupyter_mltrack.models import trust as trusting
    from jupyter_mltrack.tracking import choice

    here = workspace or choice.workspace()
    scorer = _scorer(here, model)
    if on == "spark":
        from jupyter_mltrack.scoring import spark

        job = spark.prepare(scorer, data, out=out, columns=columns, batch_rows=batch_rows)
    else:
        job = _prepare(scorer, data, out=out, columns=columns, batch_rows=batch_rows)
    try:
        trusting.permit(scorer.files, scorer.title, trust=trust, ask=ask)
    except BaseException:
        job.drop()
        raise
    return _recorded(scorer, job, on=on, data=data, out=out, told=told, workspace=workspace)


class Job(NamedTuple):
    """Checked and ready to be computed.

    Attributes:
        run: computes; gets who is told of progress.
        schema: of the data, in MLflow's types.
        drop: lets go of what was opened for it, where it is not run.
    """

    run: Callable[[local.Told | None], Done]
    schema: Any
    drop: Callable[[], None]


def _scorer(workspace: Workspace, words: str) -> Scorer:
    """The model that the words mean, its files fetched; nothing is loaded."""
    from jupyter_mltrack.deployments import subject
    from jupyter_mltrack.models import fetching

    found = subject.find(workspace, words)
    fetched = fetching.fetch(workspace, found.source)
    title = clean(found.title)
    signature = _signature(fetched.path, title)
    return Scorer(found.model, found.version, title, found.uri, fetched, signature)


def _signature(path: Path, title: str) -> Any:
    from mlflow.models import Model

    try:
        return Model.load(str(path)).signature
    except Exception as error:
        raise _unloadable(title, path, error) from error


def load(path: Path, title: str) -> Any:
    """The model itself; this runs its code.

    Raises:
        MltrackError: it cannot be loaded; the hint says what it needs.
    """
    import mlflow.pyfunc

    try:
        return mlflow.pyfunc.load_model(str(path))
    except Exception as error:
        raise _unloadable(title, path, error) from error


def _unloadable(title: str, path: Path, error: Exception) -> MltrackError:
    text = " ".join(str(error).split())[:300]
    hint = f"See what it holds: %mltrack models {title}"
    if isinstance(error, ImportError) and (path / "requirements.txt").exists():
        hint = f"Install what it needs: pip install -r {path / 'requirements.txt'}"
    return UsageError(f"{title} cannot be loaded: {clean(f'{type(error).__name__}: {text}')}", hint)


# ---------------------------------------------------------------------------------- local


def _prepare(
    scorer: Scorer, data: Any, *, out: Any, columns: Sequence[str] | None, batch_rows: int | None
) -> Job:
    source = open_data(data)
    if source.rows == 0:
        raise UsageError(f"{source.name} has no rows.", "There is nothing to score.")
    fit = fitting.fit(scorer.signature, source, scorer.title)
    if fit.inputs is not None:
        fitting.named_as_text(source)
    names = source.schema().names
    kept = names if columns is None else chosen(columns, names, source.name)
    taker = open_out(out, source, kept)
    made = Columns(scorer.signature, kept)

    def run(told: local.Told | None) -> Done:
        rows = local.run(
            load(scorer.files.path, scorer.title),
            source,
            fit,
            kept=kept,
            columns=made,
            out=taker,
            batch_rows=batch_rows or local.rows_per_batch(source),
            name=scorer.title,
            told=told,
        )
        return Done(rows, [*kept, *made.names], remarks(fit.unused, made.renamed))

    return Job(run, fitting.mlflow_schema(source.schema()), lambda: None)


def chosen(columns: Sequence[str], names: Sequence[str], data: str) -> list[str]:
    """The columns that were asked for, each once.

    Raises:
        UsageError: the data lacks one.
    """
    import difflib

    for one in columns:
        if one not in names:
            near = difflib.get_close_matches(one, names, n=1)
            hint = f"Did you mean {clean(near[0])}? " if near else ""
            raise UsageError(
                f"{data} has no column {clean(one)!r}.",
                f"{hint}It has: {clean(', '.join(list(names)[:20]))}",
            )
    return list(dict.fromkeys(columns))


def remarks(unused: Sequence[str], renamed: Sequence[tuple[str, str]]) -> list[str]:
    """What the person should know of the output."""
    said = []
    if unused:
        more = " ..." if len(unused) > 3 else ""
        word = "column" if len(unused) == 1 else "columns"
        said.append(f"{len(unused)} {word} not of the model: {clean(', '.join(unused[:3]))}{more}")
    said += [f"{clean(old)} is in the data: predicted as {clean(new)}" for old, new in renamed]
    return said


# ------------------------------------------------------------------------------------ run


def _recorded(
    scorer: Scorer,
    job: Job,
    *,
    on: str,
    data: Any,
    out: Any,
    told: local.Told | None,
    workspace: Workspace | None,
) -> wire.ScoreReport:
    """Compute inside a run that says of which model, which data and where to."""
    from jupyter_mltrack.tracking import choice
    from jupyter_mltrack.tracking.run import track

    here = workspace or choice.workspace()
    params = {"model": scorer.name or scorer.uri, "data": describe(data), "on": on}
    params |= {"out": place(out)} | ({"version": scorer.version} if scorer.version else {})
    with track(
        f"score {scorer.title}",
        tags={KIND_TAG: KIND},
        params=params,
        nested=True,
        autolog=False,
        quiet=True,
        workspace=None if workspace is None else workspace.tracking_uri,
    ) as tracked:
        _log_input(tracked, here, data, job.schema)
        began = time.monotonic()
        done = job.run(told)
        seconds = time.monotonic() - began
        tracked.log(
            {
                "rows": float(done.rows),
                "seconds": seconds,
                "rows_per_s": done.rows / max(seconds, 1e-9),
            }
        )
    return wire.ScoreReport(
        model=scorer.name or scorer.uri,
        version=scorer.version,
        on="spark" if on == "spark" else "local",
        data=describe(data),
        out=place(out),
        rows=done.rows,
        seconds=seconds,
        columns=done.columns,
        run_id=wire.RunId(tracked.run_id),
        detail="; ".join(done.remarks),
    )


def place(out: Any) -> str:
    """How to call the output."""
    return out.name if isinstance(out, OutVariable) else describe(os.fspath(out))


def _log_input(tracked: Tracked, workspace: Workspace, data: Any, schema: Any) -> None:
    """Note the data as the run's input: its name and columns, nothing of its rows."""
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.entities import DatasetInput, InputTag
    from mlflow.tracking import MlflowClient
    from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

    from jupyter_mltrack.tracking import caution

    try:
        source = CodeDatasetSource(tags={"mltrack.data": describe(data)})
        dataset = MetaDataset(source, name=describe(data)[:500], schema=schema)
        noted = DatasetInput(
            dataset._to_mlflow_entity(), [InputTag(MLFLOW_DATASET_CONTEXT, "scoring")]
        )
        tracked.context.birth()
        MlflowClient(workspace.tracking_uri).log_inputs(tracked.run_id, [noted])
    except Exception as error:
        caution.trouble("score_input", "The data was not noted as the run's input", error)
