"""A page of runs through MLflow's client; what MLflow cannot sort out is sorted out here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.runs import tags
from jupyter_mltrack.runs.client_store import (
    EXPERIMENTS_MAX,
    LISTED_METRICS,
    ask,
    summary,
)
from jupyter_mltrack.runs.query import Wanted, parse_filter

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

    from jupyter_mltrack.workspaces import Workspace

_SCAN_PAGES = 20
_SCAN_PAGE = 200
_NESTED_COUNTED = 200


def page(workspace: Workspace, wanted: Wanted, experiment_id: str | None) -> wire.RunPage:
    """A page of runs. Plain words are matched here, over the newest few thousand runs."""

    def question(client: MlflowClient) -> wire.RunPage:
        names = _experiment_names(client, experiment_id)
        terms = [str(term) for term in wanted.order] or ["attributes.start_time DESC"]
        words = [word.casefold() for word in (wanted.text or "").split()]
        scans = bool(words or wanted.roots)
        token, found = wanted.page_token, []
        for _ in range(_SCAN_PAGES if scans else 1):
            runs = client.search_runs(
                list(names),
                filter_string=_filter_of(wanted),
                run_view_type=_view_of(wanted),
                order_by=terms,
                max_results=_SCAN_PAGE if scans else wanted.limit,
                page_token=token,
            )
            token = runs.token or None
            for run in runs:
                row = summary(run, workspace.id, names, LISTED_METRICS, wanted)
                fits = not wanted.roots or row.parent_run_id in (None, row.run_id)
                if fits and all(_matches(word, row) for word in words):
                    found.append(row)
            if token is None or len(found) >= wanted.limit:
                break
        if wanted.roots and found:
            found = _with_children(client, list(names), found, wanted)
        return wire.RunPage(runs=found, next_page_token=token)

    try:
        return ask(workspace, question)
    except UsageError:
        if wanted.filter:
            parse_filter(wanted.filter)  # says at which character it is wrong
        raise


def newest_runs(
    workspace: Workspace, wanted: Wanted, experiment_id: str | None, limit: int
) -> list[Run]:
    """Whole runs, newest first, that fit the filter; plain words are matched among them."""

    def question(client: MlflowClient) -> list[Run]:
        names = _experiment_names(client, experiment_id)
        runs = client.search_runs(
            list(names),
            filter_string=_filter_of(wanted),
            run_view_type=_view_of(wanted),
            order_by=["attributes.start_time DESC"],
            max_results=limit,
        )
        words = [word.casefold() for word in (wanted.text or "").split()]
        rows = ((run, summary(run, workspace.id, names, 0)) for run in runs if words)
        if not words:
            return list(runs)
        return [run for run, row in rows if all(_matches(word, row) for word in words)]

    return ask(workspace, question)


def _filter_of(wanted: Wanted) -> str:
    """The filter for MLflow, with the parent that is asked for."""
    parts = [wanted.filter.strip()] if wanted.filter else []
    if wanted.parent is not None:
        parts.append(f"tags.`{tags.PARENT}` = '{wanted.parent}'")
    return " and ".join(parts)


def _view_of(wanted: Wanted) -> int:
    from mlflow.entities import ViewType

    return int(ViewType.DELETED_ONLY if wanted.deleted else ViewType.ACTIVE_ONLY)


def _with_children(
    client: MlflowClient, names: list[str], rows: list[wire.RunSummary], wanted: Wanted
) -> list[wire.RunSummary]:
    """The rows with how many runs are nested below each, counted over the newest nested runs."""
    nested = client.search_runs(
        names,
        filter_string=f"tags.`{tags.PARENT}` LIKE '%'",
        run_view_type=_view_of(wanted),
        max_results=_NESTED_COUNTED,
    )
    counts = Counter(run.data.tags.get(tags.PARENT) for run in nested)
    return [msgspec.structs.replace(row, children=counts[row.run_id]) for row in rows]


def _experiment_names(client: MlflowClient, experiment_id: str | None) -> dict[str, str]:
    if experiment_id is not None:
        return {experiment_id: client.get_experiment(experiment_id).name}
    found = client.search_experiments(max_results=EXPERIMENTS_MAX)
    return {str(one.experiment_id): one.name for one in found}


def _matches(word: str, row: wire.RunSummary) -> bool:
    texts = (row.name, row.notebook or "", row.experiment or "")
    if any(word in text.casefold() for text in texts):
        return True
    return len(word) >= 4 and row.run_id.startswith(word)
