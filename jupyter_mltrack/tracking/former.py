"""Link a run to the former attempt of its cell, also to one of a kernel that is gone.

Within a kernel the attempts are counted as they come. The first one of a kernel asks the embedded
workspace, in the thread that writes down what runs remember; a server elsewhere is not asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mltrack.tracking.book import Book
    from jupyter_mltrack.tracking.context import CellContext

ATTEMPT_TAG = "mltrack.attempt"
CELL_ID_TAG = "mltrack.cell_id"
FORMER_TAG = "mltrack.former"
_LOOKED_AT = 5


def link(context: CellContext, book: Book, run_id: str) -> None:
    """Set the tags of a run that is the first attempt of its cell in this kernel."""
    cell_id = context.tags.get(CELL_ID_TAG, "")
    if context.tags.get(ATTEMPT_TAG) != "1" or not cell_id or context.resumed:
        return
    if book.workspace.database is None or "'" in cell_id or "\\" in cell_id:
        return
    from jupyter_mltrack import runs

    found = runs.list_runs(
        book.workspace,
        filter=f"tags.`{CELL_ID_TAG}` = '{cell_id}'",
        ship_first=False,
        limit=_LOOKED_AT,
    )
    mine = book.runs[run_id]
    notebook = mine.tags.get("mlflow.source.name")
    former = [
        one
        for one in found.runs
        if one.run_id != run_id and one.start_ms <= mine.start_ms and one.notebook == notebook
    ]
    if former:
        attempt = former[0].attempt + 1
        context.scratch["attempt"] = attempt
        book.set_tags(run_id, {ATTEMPT_TAG: str(attempt), FORMER_TAG: former[0].run_id})
