"""`log`: append metric points to the run of this cell, in about a microsecond.

The fast way is two look-ups and one append. Everything else, no context yet, a run not born, a
worker whose parent went on to another cell, an active MLflow run that is not the cell's, takes the
slow way below and comes back fast the next time. Nothing here raises into the user's code.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Mapping
from time import time_ns
from typing import Any

from jupyter_mltrack.tracking import caution, leaving
from jupyter_mltrack.tracking.context import CellContext, current, fast
from jupyter_mltrack.tracking.lineage import current_context


def log(metrics: Mapping[str, Any], step: int | None = None) -> None:
    """Log metric points to the current run; kept even if the process is killed right after.

    Args:
        metrics: numbers by name; names may be any text.
        step: None takes the step after the highest one of this run.
    """
    context = current.get() or fast.latest
    if context is not None:
        append = context.append
        if append is not None and (fast.check is None or fast.check(context)):
            append(metrics, step)
            return
    _log_slowly(metrics, step)


_under_way: dict[int, deque[tuple[Any, Any, int | None]]] = {}
"""Threads on the slow way, and what is to be logged there: first the call itself, then what signal
handlers and finalizers logged meanwhile."""


def _log_slowly(metrics: Any, step: Any) -> None:
    if fast.seam is not None and isinstance(metrics, Mapping):
        append = fast.seam.known_append()
        if append is not None:
            append(metrics, step)
            return
    thread = threading.get_ident()
    waiting = _under_way.get(thread)
    if waiting is not None:  # modules may be half imported, locks half taken: not now
        if isinstance(metrics, Mapping):
            waiting.append((dict(metrics), step, time_ns() // 1_000_000))
        return
    waiting = _under_way[thread] = deque([(metrics, step, None)])
    try:
        leaving.shielded(lambda: _log_all(waiting), raising=False)
    finally:
        del _under_way[thread]


def _log_all(waiting: deque[tuple[Any, Any, int | None]]) -> None:
    while waiting:
        _log_now(*waiting[0])
        waiting.popleft()


def _log_now(metrics: Any, step: Any, at_ms: int | None) -> None:
    try:
        if not isinstance(metrics, Mapping):
            caution.warn_once(
                "log-mapping",
                f"log() takes a dict of names and numbers, not {type(metrics).__name__}:"
                " nothing was logged.",
            )
            return
        append = _route()
        if append is not None:
            append(metrics, step, at_ms)
    except Exception as error:
        caution.trouble("log", "Points were not logged", error)


def _route() -> Any:
    """Return the `append` that a point of this thread goes to, now and from now on."""
    if fast.seam is not None:
        active = fast.seam.active_append()
        if active is not None:
            return active
    context = current_context()
    if context is None:
        context = implicit_context()
    if not context.born:
        context.birth()
    elif context.append is None:
        context.bind()
    return context.append


def implicit_context() -> CellContext:
    """Open a run for points logged outside of any `track`; it ends with the process or the cell.

    A script that only calls `log` gets its run like one that only calls `mlflow.log_metric`.
    """
    from jupyter_mltrack.tracking.run import make_context

    context = make_context(None, record_empty=False)
    context.scratch["implicit"] = True
    context.enter()
    current.set(None)  # other tasks and threads find it as the newest open context
    if "IPython" not in sys.modules:
        return context
    caution.warn_once(
        "log-untracked",
        f'log() was called outside of a tracked cell: the points go to the run "{context.name}".'
        " Put %%track on the cell to give it a run of its own.",
    )
    return context


def leave_implicit(error: BaseException | None = None) -> None:
    """End the run that `log` opened by itself, if there is one; called when a cell ends."""
    context = fast.latest
    if context is not None and context.scratch.get("implicit"):
        context.leave(error)


os.register_at_fork(after_in_child=_under_way.clear)
