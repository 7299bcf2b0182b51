"""Which run a new run of MLflow is: the cell's own, one more that belongs to the cell, or a child.

The first `start_run` of a cell takes the cell's run, whether it was born before or not. Later ones
are runs of their own with the cell's tags, named after it. One that is begun with `nested=True`, or
in a worker thread or process, is a child of the cell's run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mltrack.tracking.book import PARENT, RUN_NAME
from jupyter_mltrack.tracking.context import CELL_TAG

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_mltrack.tracking.book import Book
    from jupyter_mltrack.tracking.context import CellContext


def tags_for_new_run(context: CellContext) -> dict[str, str]:
    """Return what `mlflow.start_run` adds to the user's own tags."""
    from jupyter_mltrack.tracking import surroundings

    tags = {**surroundings.tags(), **context.tags, CELL_TAG: context.run_id}
    tags[RUN_NAME] = context.peek_name() if context.in_own_thread else f"{context.name}-worker"
    if not context.in_own_thread:
        tags[PARENT] = context.run_id
    elif context.parent_run_id and not context.explicit_used:
        tags[PARENT] = context.parent_run_id
    elif (above := surroundings.parent_run()) is not None:
        tags[PARENT] = above
    return tags


def takes_cells_run(context: CellContext, tags: Mapping[str, str], book: Book) -> bool:
    """Say whether a run that is being created is the cell's own run."""
    if context.explicit_used or context.closed or not context.in_own_thread:
        return False
    if context.book is not None and context.book is not book:
        return False
    return tags.get(PARENT) in (None, context.parent_run_id)
