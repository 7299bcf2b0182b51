"""MLflow's run context provider: gives runs that begin in a tracked cell the cell's tags.

MLflow loads it by entry point in every process that imports MLflow. In a worker of a cell that is
the moment to take the store over, before the first point; in a process that has nothing to do
with a cell it says "not in context", and nothing else happens.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from jupyter_mltrack.tracking import board, surroundings

if TYPE_CHECKING:
    from jupyter_mltrack.tracking.context import CellContext

PARENT = "mlflow.parentRunId"


class CellRunContext:
    """Answers for the open context; follows `mlflow.tracking.context.RunContextProvider`."""

    def __init__(self) -> None:
        if os.environ.get(board.VARIABLE) and not board.is_own():
            from jupyter_mltrack.tracking import attach

            attach.attach()

    def in_context(self) -> bool:
        """Say whether a tracked cell is open for the caller, or a run is above this process's."""
        return self._context() is not None or surroundings.parent_run() is not None

    def tags(self) -> dict[str, str]:
        """Return the tags of the cell for a run that is about to begin."""
        context = self._context()
        if context is None:
            above = surroundings.parent_run()
            return {} if above is None else {PARENT: above}
        from jupyter_mltrack.tracking import belonging

        return belonging.tags_for_new_run(context)

    def _context(self) -> CellContext | None:
        from jupyter_mltrack.tracking import attach

        if not attach.is_attached():
            return None
        from jupyter_mltrack.tracking.lineage import current_context

        return current_context()
