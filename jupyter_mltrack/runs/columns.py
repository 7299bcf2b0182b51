"""What a list of runs can show as columns: which keys its newest runs have, and what differs."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jupyter_mltrack import wire
from jupyter_mltrack.journal.columns import metric_rank
from jupyter_mltrack.runs import tags
from jupyter_mltrack.runs.query import Wanted, parse_order
from jupyter_mltrack.runs.sqlite_store import chunks, marks

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

LOOKED_AT = 1_000
LOOKED_AT_ELSEWHERE = 200
"""Of a store that sends whole runs."""
COLUMNS_MAX = 1_000
LACKING_SHARE = 0.1
"""A key with one value differs where so many of the runs lack it; a run cut short is no reason."""
VALUES_MAX = 10
VALUE_CHARACTERS_MAX = 100
Kind = Literal["metrics", "params", "tags"]


class _Seen:
    """How often each value of each key was seen. Metrics are only told apart, not listed."""

    def __init__(self) -> None:
        self.counts: dict[tuple[Kind, str], Counter[str]] = {}

    def add(self, kind: Kind, key: str, value: str, runs: int = 1) -> None:
        self.counts.setdefault((kind, key), Counter())[value] += runs

    def columns(self, looked_at: int) -> wire.RunColumns:
        found = [
            _column(kind, key, counts, looked_at) for (kind, key), counts in self.counts.items()
        ]
        found.sort(key=lambda one: (-one.runs, one.kind, metric_rank(one.key)))
        truncated = len(found) > COLUMNS_MAX
        found = found[:COLUMNS_MAX]
        found.sort(key=lambda one: (one.kind, metric_rank(one.key)))
        return wire.RunColumns(columns=found, runs=looked_at, truncated=truncated)


def _column(kind: Kind, key: str, counts: Counter[str], looked_at: int) -> wire.ColumnInfo:
    runs = counts.total()
    values: list[str] = []
    if kind != "metrics":
        frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        values = [value for value, _ in frequent if len(value) <= VALUE_CHARACTERS_MAX]
    return wire.ColumnInfo(
        kind=kind,
        key=key,
        runs=runs,
        differs=len(counts) > 1 or runs <= looked_at * (1 - LACKING_SHARE),
        values=values[:VALUES_MAX],
    )


def list_columns(
    workspace: Workspace,
    *,
    experiment: str | None = None,
    text: str | None = None,
    filter: str | None = None,  # noqa: A002  # MLflow's own word
    deleted: bool = False,
    data_dir: Path | None = None,
) -> wire.RunColumns:
    """Keys of the newest runs that fit; a run that lacks a key differs from those that have it.

    Raises:
        Unreachable: the store gave no answer.
        UsageError: the filter is off.
        NotFound: there is no such experiment.
    """
    from jupyter_mltrack import settings
    from jupyter_mltrack.runs.listing import experiment_of
    from jupyter_mltrack.runs.waiting import waiting_runs

    wanted = Wanted(
        experiment=experiment,
        text=text,
        filter=filter,
        order=(parse_order("attributes.start_time DESC"),),
        limit=LOOKED_AT,
        deleted=deleted,
    )
    waiting = waiting_runs(data_dir or settings.data_dir(), workspace.id)
    number = experiment_of(workspace, wanted, waiting)
    seen = _Seen()
    ids: Iterable[str] | None = [] if number == "" else _by_sql(workspace, wanted, number, seen)
    if ids is None:
        ids = _by_client(workspace, wanted, number, seen)
    known = set(ids)
    from jupyter_mltrack.runs.merge import fits

    for run in waiting.values():
        if run.run_id not in known and run.facts.born and not deleted and not filter:
            if not fits(run, wanted):
                continue
            known.add(run.run_id)
            _add_pairs(seen, run.params, run.tags)
            for value in run.newest.values():
                seen.add("metrics", value.key, value.text)
    return seen.columns(len(known))


def _add_pairs(seen: _Seen, params: dict[str, str], labels: dict[str, str]) -> None:
    for key, value in params.items():
        seen.add("params", key, value)
    for key, value in labels.items():
        if tags.is_shown(key):
            seen.add("tags", key, value)


def _by_sql(
    workspace: Workspace, wanted: Wanted, number: str | None, seen: _Seen
) -> list[str] | None:
    """Ids of the runs looked at; None where MLflow must answer."""
    from jupyter_mltrack.runs import sqlite_page, sqlite_store

    database = workspace.database
    if database is None:
        return None
    with sqlite_store.reading(database) as connection:
        if connection is None:
            return []
        ids = sqlite_page.newest_ids(connection, wanted, number)
        for some in chunks(ids or []):
            _count(connection, some, seen)
        return ids


def _count(connection: sqlite3.Connection, ids: Sequence[str], seen: _Seen) -> None:
    asked: tuple[tuple[Kind, str], ...] = (
        ("params", f"SELECT key, value, COUNT(*) FROM params WHERE run_uuid IN ({marks(ids)})"),
        (
            "tags",
            "SELECT key, substr(value, 1, 1000), COUNT(*) FROM tags"
            f" WHERE run_uuid IN ({marks(ids)})",
        ),
        (
            "metrics",
            "SELECT key, CASE WHEN is_nan THEN 'nan' ELSE value END, COUNT(*) FROM latest_metrics"
            f" WHERE run_uuid IN ({marks(ids)})",
        ),
    )
    for kind, question in asked:
        for key, value, runs in connection.execute(f"{question} GROUP BY 1, 2", list(ids)):
            if kind != "tags" or tags.is_shown(key):
                seen.add(kind, key, str(value or ""), runs)


def _by_client(workspace: Workspace, wanted: Wanted, number: str | None, seen: _Seen) -> list[str]:
    """The same, of whole runs that MLflow's client gives."""
    from jupyter_mltrack.runs import client_page

    runs = client_page.newest_runs(workspace, wanted, number, LOOKED_AT_ELSEWHERE)
    for run in runs:
        _add_pairs(seen, run.data.params, run.data.tags)
        for metric in run.data._metric_objs:
            seen.add("metrics", metric.key, repr(float(metric.value)))
    return [run.info.run_id for run in runs]
