"""Find the one run that a person means: id, prefix, name, `last~2`, `best:loss`, `worst:acc`.

A cell that is run again makes runs of one name: `train (2)`, as lists show it, is attempt 2.
Several fit: the choices are named and nothing is done. `best` means the lowest value for a metric
whose name speaks of a loss or an error, else the highest; a value that is no number never wins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import ago, clean, lower_is_better
from jupyter_mltrack.errors import Ambiguous, NotFound, UsageError
from jupyter_mltrack.runs.query import Order

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

_LAST = re.compile(r"last(?:~(\d{1,6}))?\Z")
_BEST = re.compile(r"(best|worst):(.+)\Z", re.DOTALL)
_ATTEMPT = re.compile(r"(.+) \((\d{1,6})\)\Z", re.DOTALL)
_ID = re.compile(r"[0-9a-f]{4,32}\Z")
_CHOICES_SHOWN = 8

ListRuns = Callable[..., wire.RunPage]


def is_relative(spec: str) -> bool:
    """Whether the words mean a place among all runs (`last`, `best:loss`), not a run by itself."""
    spec = spec.strip()
    return _LAST.match(spec) is not None or _BEST.match(spec) is not None


def find(
    workspace: Workspace, spec: str, list_runs: ListRuns, experiment: str | None = None
) -> wire.RunSummary:
    """The run that `spec` means. `experiment` narrows `last`, `best` and `worst`.

    Raises:
        NotFound: no run fits.
        Ambiguous: several do.
        UsageError: the words are empty.
    """
    spec = spec.strip()
    if not spec:
        raise UsageError("No run is named.", "Say an id, a name, last or best:METRIC.")
    if found := _LAST.match(spec):
        return _last(workspace, int(found[1] or 0), list_runs, experiment)
    if found := _BEST.match(spec):
        return _best(workspace, found[1], found[2], list_runs, experiment)
    named = _by_name_or_id(workspace, spec, list_runs)
    if not named:
        raise NotFound(
            f"No run {clean(spec)!r} in workspace {workspace.title}.",
            "The runs it has: %mltrack runs --all",
        )
    if len(named) > 1:
        raise _ambiguous(spec, named)
    return named[0]


def _last(
    workspace: Workspace, back: int, list_runs: ListRuns, experiment: str | None
) -> wire.RunSummary:
    token, passed = None, 0
    while True:
        page = list_runs(workspace, experiment=experiment, limit=200, page_token=token)
        if back - passed < len(page.runs):
            return page.runs[back - passed]
        passed += len(page.runs)
        token = page.next_page_token
        if token is None:
            break
    if passed == 0:
        raise NotFound(
            f"Workspace {workspace.name} has no run yet.",
            "Begin a cell with %%track to record one.",
        )
    raise NotFound(
        f"There is no last~{back}: workspace {workspace.name} has {passed} "
        f"run{'' if passed == 1 else 's'}.",
        "The runs it has: %mltrack runs --all",
    )


def _best(
    workspace: Workspace, word: str, metric: str, list_runs: ListRuns, experiment: str | None
) -> wire.RunSummary:
    ascending = lower_is_better(metric) == (word == "best")
    order = str(Order("metric", metric, ascending))
    page = list_runs(workspace, experiment=experiment, order_by=[order], limit=20)
    for run in page.runs:
        if any(value.key == metric and value.text != "nan" for value in run.metrics):
            return run
    raise no_metric(metric, page.runs)


def no_metric(metric: str, runs: Iterable[wire.RunSummary]) -> NotFound:
    """No run has a metric of this name; `runs` tell which ones there are."""
    known = sorted({value.key for run in runs for value in run.metrics})
    hint = (
        f"Metrics of the newest runs: {', '.join(known[:8])}."
        if known
        else "No metric was logged yet."
    )
    return NotFound(f"No run has a metric {clean(metric)!r}.", clean(hint))


def _by_name_or_id(workspace: Workspace, spec: str, list_runs: ListRuns) -> list[wire.RunSummary]:
    """Runs whose id or name is `spec`; if there is none, those it is an attempt or a prefix of."""
    named: dict[str, wire.RunSummary] = {}
    tried: dict[str, wire.RunSummary] = {}
    prefixed: dict[str, wire.RunSummary] = {}
    meant = _ATTEMPT.match(spec)
    attempt = (meant[1], int(meant[2])) if meant else None
    token = None
    while True:
        page = list_runs(workspace, text=spec.split(maxsplit=1)[0], limit=200, page_token=token)
        for run in page.runs:
            if run.run_id == spec:
                return [run]
            if run.name == spec:
                named[run.run_id] = run
            elif (run.name, run.attempt) == attempt:
                tried[run.run_id] = run
            elif _ID.match(spec) and run.run_id.startswith(spec):
                prefixed[run.run_id] = run
        token = page.next_page_token
        if token is None or len(named) > 1_000:
            break
    return list((named or tried or prefixed).values())


def _ambiguous(spec: str, runs: list[wire.RunSummary]) -> Ambiguous:
    import time

    now_ms = int(time.time() * 1000)
    runs = sorted(runs, key=lambda run: -run.start_ms)
    again = any(run.attempt > 1 for run in runs)
    titles = [f"{run.name} ({run.attempt})" if again else run.name for run in runs]
    choices = [
        f"{run.run_id[:8]} ({clean(title)}, {run.status.lower()}, {ago(run.start_ms, now_ms)})"
        for run, title in zip(runs, titles, strict=True)
    ]
    shown = ", ".join(choices[:_CHOICES_SHOWN])
    more = f", and {len(choices) - _CHOICES_SHOWN} more" if len(choices) > _CHOICES_SHOWN else ""
    return Ambiguous(
        f"{len(runs)} runs fit {clean(spec)!r}; nothing was done.",
        f"Say one of the ids: {shown}{more}",
        choices=[run.run_id for run in runs],
    )
