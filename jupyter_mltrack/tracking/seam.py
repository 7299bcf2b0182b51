"""What entering and leaving a cell does to MLflow's active runs, and which one a point means."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from jupyter_mltrack.tracking.context import CellContext
from jupyter_mltrack.tracking.lineage import late_context


class MlflowSeam:
    """MLflow's side of a context; see `context.Seam`.

    Args:
        fluent: MLflow's module of that name.
        routes: run id -> how its points reach the journal.
        make_route: finds out the route of a run; None when its points must go the long way.
    """

    def __init__(
        self, fluent: Any, routes: dict[str, Any], make_route: Callable[[str], Any]
    ) -> None:
        self._fluent = fluent
        self._routes = routes
        self._make_route = make_route
        self._local = fluent._active_run_stack
        self.met: Any = None
        self.met_in: CellContext | None = None
        """An active run that is the cell's own run, and that cell: seen at every point."""

    def entered(self, context: CellContext) -> None:
        """Hide runs that are active already, so that the cell's logs are the cell's."""
        context.scratch["experiment_before"] = self._fluent._active_experiment_id
        if "hidden" in context.scratch:
            return
        stack = self._fluent._active_run_stack.get()
        context.scratch["hidden"] = list(stack)
        stack.clear()

    def leaving(self, context: CellContext) -> None:
        """Stop monitors, and take the cell's runs off the stacks of all threads."""
        fluent = self._fluent
        ids = {run_id for _, run_id in context.runs}
        ids |= {
            local for book, _ in context.runs for local, here in book.aliases.items() if here in ids
        }
        for run_id in ids:
            monitor = fluent.run_id_to_system_metrics_monitor.pop(run_id, None)
            if monitor is not None:
                monitor.finish()
        mine = threading.get_ident()
        for thread, stack in fluent._active_run_stack.get_all_thread_values().items():
            gone = [run for run in stack if run.info.run_id in ids]
            if thread != mine:
                gone = [run for run in gone if run.info.run_id == context.run_id]
            for run in gone:
                stack.remove(run)
            if gone and thread == mine:
                fluent._last_active_run_id.set(gone[-1].info.run_id)

    def left(self, context: CellContext) -> None:
        """Give back the runs that were active before."""
        hidden = context.scratch.pop("hidden", None)
        if hidden:
            stack = self._fluent._active_run_stack.get()
            stack[:0] = hidden

    def is_meant(self, context: CellContext) -> bool:
        """Say whether a point of this thread belongs to the context's own run."""
        try:
            stack, pid = self._local.thread_local.value
        except AttributeError:
            return True
        if not stack:
            return True
        active = stack[-1]
        if active is self.met and context is self.met_in:
            return True
        if pid != os.getpid():  # of the process that this one was forked from
            return True
        if active.info.run_id != context.run_id:
            return False
        self.met, self.met_in = active, context
        return True

    def known_append(self) -> Any:
        """Return where points of MLflow's active run go, if that was found out before."""
        try:
            stack, pid = self._local.thread_local.value
        except AttributeError:
            return None
        route = self._routes.get(stack[-1].info.run_id) if stack and pid == os.getpid() else None
        return route.append if route is not None and route.pid == pid else None

    def active_append(self) -> Any:
        """Return where points of MLflow's active run of this thread go; None without one."""
        stack = self._local.get()
        if not stack:
            late = late_context()
            return late.append if late is not None else None
        run_id = stack[-1].info.run_id
        route = self._routes.get(run_id)
        if route is None or route.pid != os.getpid():
            route = self._make_route(run_id)
        return route.append if route is not None else None
