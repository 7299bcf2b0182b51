"""From whom a thread has its context: its task, its process, the cell it outlived, a parent.

The context is found by the task first (a context variable), then by the process: threads of a cell
see the newest open context, for a thread of Python 3.11 starts with empty context variables. A
thread that outlives its cell stays with it, unless it is the worker of a pool, which belongs to
whichever cell uses it. A worker process asks the board. What is found here changes with each cell,
so it is kept in one object of this module.
"""

from __future__ import annotations

import os
import threading
from typing import Any

from jupyter_mltrack.tracking import board, caution
from jupyter_mltrack.tracking import context as contexts
from jupyter_mltrack.tracking.context import CellContext, current, fast

_POOLS = ("concurrent.futures", "multiprocessing", "joblib", "asyncio")
_POOL_NAMES = ("mltrack", "IPython", "ThreadPoolExecutor")


class _Lineage:
    def __init__(self) -> None:
        self.late: dict[int, tuple[threading.Thread, CellContext]] = {}
        """Threads that outlived their cell, and that cell."""
        self.given: board.Inherited | None = None
        self.given_context: CellContext | None = None
        self.looked_pid = 0


_lineage = _Lineage()


def current_context() -> CellContext | None:
    """Return the context that a call of this task and thread belongs to, if there is one."""
    found = current.get()
    if found is not None and not found.closed and not found.is_worker:
        return found
    late = late_context()
    if late is not None:
        return late
    latest = fast.latest
    if latest is not None and not latest.is_worker:
        return latest
    return _from_parent() or found or latest


# ------------------------------------------------------------------------------- threads


def late_context() -> CellContext | None:
    """Return the closed context that the calling thread outlived, if any."""
    found = _lineage.late.get(threading.get_ident())
    if found is None:
        return None
    if found[0] is threading.current_thread():
        return found[1]
    del _lineage.late[threading.get_ident()]  # another thread by now: idents are used again
    return None


def keep_threads(context: CellContext) -> None:
    """Let threads that began in a cell which ends, and still run, log into its run."""
    if context.is_worker or not context.runs:
        return
    late = {
        thread.ident: (thread, context)
        for thread in threading.enumerate()
        if thread.ident is not None
        and thread.ident not in context.threads_before
        and thread.ident != threading.get_ident()
        and thread.ident not in _lineage.late
        and not _is_of_a_pool(thread)
    }
    if late:
        _lineage.late.update(late)
        refresh_check()


def tidy() -> None:
    """Forget threads that have ended."""
    if _lineage.late:
        for ident, (thread, _) in list(_lineage.late.items()):
            if not thread.is_alive():
                _lineage.late.pop(ident, None)
        refresh_check()


def _is_of_a_pool(thread: threading.Thread) -> bool:
    target = getattr(thread, "_target", None)
    module = getattr(target, "__module__", "") or ""
    return module.startswith(_POOLS) or thread.name.startswith(_POOL_NAMES)


def refresh_check() -> None:
    """Decide anew what the fast call has to check."""
    seam_check = fast.seam.is_meant if fast.seam is not None else None
    late, given = _lineage.late, _lineage.given
    if not late and given is None:
        fast.check = seam_check
        return

    def check(context: CellContext) -> bool:
        if late and threading.get_ident() in late:
            return False
        if given is not None and given.changed():
            return False
        return seam_check is None or seam_check(context)

    fast.check = check


def forget() -> None:
    """Forget threads and parents."""
    _lineage.__init__()  # type: ignore[misc]
    refresh_check()


# ------------------------------------------------------------------------------- workers


def inherited_content() -> dict[str, Any] | None:
    """Return what this worker process was given by its parent; None in a process of its own."""
    return _lineage.given.content if _lineage.given is not None else None


def _from_parent() -> CellContext | None:
    """Return the context that a parent process opened, if this process is a worker of it."""
    if _lineage.looked_pid != os.getpid():
        _lineage.looked_pid = os.getpid()
        _lineage.given = board.inherited()
        _lineage.given_context = None
        refresh_check()
    if _lineage.given is None:
        return None
    _lineage.given.changed()
    content = _lineage.given.content
    if content is None:
        return None
    run_id = content.get("run_id")
    latest = fast.latest
    if latest is not None and latest.run_id == run_id:
        return latest
    if _lineage.given_context is None or _lineage.given_context.run_id != run_id:
        _lineage.given_context = _worker_context(content)
    return _lineage.given_context


def _worker_context(content: dict[str, Any]) -> CellContext | None:
    from jupyter_mltrack import workspaces

    try:
        workspace = workspaces.resolve()
        if workspace.id != content["workspace_id"]:
            workspace = workspaces.resolve(str(content["uri"]))
        context = CellContext(
            workspace,
            name=str(content["name"]),
            run_id=str(content["run_id"]),
            experiment=content.get("experiment"),
            tags={str(k): str(v) for k, v in dict(content.get("tags") or {}).items()},
            record_empty=False,
        )
        context.start_ms = int(content["start_ms"])
        context.scratch["owner_pid"] = int(content["pid"])
        context.scratch["born"] = bool(content.get("born"))
    except Exception as error:
        caution.trouble("inherit", "This worker does not know which run it belongs to", error)
        return None
    contexts.take_in_worker(context)
    return context


def _after_fork_in_child() -> None:
    _lineage.__init__()  # type: ignore[misc]
    contexts.after_fork_in_child()
    fast.check = None


os.register_at_fork(after_in_child=_after_fork_in_child)
