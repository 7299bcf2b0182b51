"""Runs: a list's rows and columns, one run, several beside each other."""

from __future__ import annotations

from typing import Literal

from jupyter_mltrack.wire.base import (
    ExperimentId,
    Pair,
    Problem,
    RunId,
    RunStatus,
    Struct,
    WorkspaceId,
)
from jupyter_mltrack.wire.metrics import MetricValue
from jupyter_mltrack.wire.models import ModelField


class Progress(Struct, frozen=True):
    """How far a run is, as its outermost progress bar says."""

    done: float
    total: float | None = None
    unit: str = ""
    label: str = ""


class RunSummary(Struct, frozen=True):
    """One row of a list of runs."""

    run_id: RunId
    workspace_id: WorkspaceId
    experiment_id: ExperimentId | None
    experiment: str | None
    name: str
    status: RunStatus
    start_ms: int
    end_ms: int | None
    metrics: list[MetricValue]
    """Newest value of each metric, main metrics first (loss, accuracy ...), then by name."""
    parent_run_id: RunId | None = None
    notebook: str | None = None
    error: str | None = None
    """The error that ended the run, in one line."""
    waiting_points: int = 0
    """Points of this run that the store has not got yet."""
    live: bool = False
    """True when a journal on this machine is being written for this run."""
    hidden_metrics: int = 0
    """How many metrics the run has beyond `metrics`: a list shows the first ones only."""
    params: list[Pair] = []
    """Those that a list was asked for as columns."""
    tags: list[Pair] = []
    """Those that a list was asked for as columns."""
    user: str = ""
    starred: bool = False
    deleted: bool = False
    children: int = 0
    """How many runs are nested right below it."""
    attempt: int = 1
    """Which execution of the same cell it is."""


class RunPage(Struct, frozen=True):
    """One page of a list of runs."""

    runs: list[RunSummary]
    next_page_token: str | None = None
    total: int | None = None
    problem: Problem | None = None
    """Why the store could not be asked; `runs` is then what waits on this machine."""


class RunDetail(Struct, frozen=True):
    """One run with its parameters and tags."""

    summary: RunSummary
    params: list[Pair]
    tags: list[Pair]
    artifact_uri: str | None = None
    link: str | None = None
    """Address of the run's page in the workspace's own web page, if it has one."""
    merged: bool = False
    """True when the store could not be asked and the answer comes from the journal alone."""
    models: list[str] = []
    """Names of the models that it logged."""
    data: list[DataInfo] = []
    """What it used, where that was asked for."""


class ColumnInfo(Struct, frozen=True):
    """A metric, parameter or tag that a list of runs can show as a column."""

    kind: Literal["metrics", "params", "tags"]
    key: str
    runs: int
    """How many of the runs have it."""
    differs: bool
    """True when not all of them have the same value, or a tenth of all runs lacks it."""
    values: list[str] = []
    """At most 10 of its values, the most frequent first; for completion."""


class RunColumns(Struct, frozen=True):
    """What the newest runs of a list have, for the choice of columns and for completion."""

    columns: list[ColumnInfo]
    runs: int
    """How many runs were looked at."""
    truncated: bool = False
    """True when there are more columns than are listed."""


class RunsChanged(Struct, frozen=True):
    """What an act on several runs did."""

    run_ids: list[RunId]
    problems: list[Problem] = []


class DataInfo(Struct, frozen=True):
    """One dataset that a run used."""

    name: str
    digest: str
    source: str = ""
    context: str = ""
    """training, evaluation ...; empty where it was not said."""
    rows: int | None = None
    shape: list[int] = []
    """Of a table: its rows and columns; empty where it was not said."""
    size_bytes: int | None = None
    columns: list[ModelField] = []
    note: str = ""
    """What its digest or its columns leave out."""


class RunDetails(Struct, frozen=True):
    """Several runs side by side, in the order that they were asked for."""

    runs: list[RunDetail]
    missing: list[RunId] = []
    """Runs that are not there any more, or belong to another workspace."""
