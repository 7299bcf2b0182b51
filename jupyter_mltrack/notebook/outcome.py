"""What a tracked cell shows when it has ended: a line for each of its runs, with its curves.

    ✓ sweep-07 · loss 0.1021 · acc 0.951 · 06:58
    ✕ sweep-05 · ValueError: shapes (64,10) and (3,) · 00:03 · 41 points kept

Values come from the cell's own journal, through what followed it while the cell ran.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mltrack.view import Shown, shown_runs
from jupyter_mltrack.view.gathering import LAST_LOOK_BYTES, Follower

if TYPE_CHECKING:
    from jupyter_mltrack.render import View
    from jupyter_mltrack.tracking.book import Book
    from jupyter_mltrack.tracking.context import CellContext
    from jupyter_mltrack.tracking.run_state import RunState
    from jupyter_mltrack.view.gathering import Since

SHOWN_RUNS = 5


class Outcome:
    """The runs of a context, looked at while its cell runs and once more when it has ended."""

    def __init__(self, context: CellContext, since: Since | None) -> None:
        self._context = context
        self._since = since
        self._followers: dict[int, Follower] = {}

    def look(self) -> None:
        """Read what the runs logged since the last look."""
        for book, _ in self._context.runs[:SHOWN_RUNS]:
            self._follower(book).look()

    def running(self) -> Shown | None:
        """The cell's own run as it goes on; None before it is born."""
        for book, run_id in self._context.runs[:1]:
            return self._shown(book, run_id)
        return None

    def ended(self) -> View | None:
        """The runs as they stay in the notebook; None when there is none."""
        runs = self._context.runs
        for book in {id(book): book for book, _ in runs[:SHOWN_RUNS]}.values():
            self._follower(book).look(
                LAST_LOOK_BYTES
            )  # workers may have logged what the cell did not
        shown = [self._shown(book, run_id) for book, run_id in runs[:SHOWN_RUNS]]
        kept = [one for one in shown if one is not None]
        return shown_runs(kept, len(runs) - SHOWN_RUNS) if kept else None

    def _follower(self, book: Book) -> Follower:
        if id(book) not in self._followers:
            self._followers[id(book)] = Follower(book, self._since)
        return self._followers[id(book)]

    def _shown(self, book: Book, run_id: str) -> Shown | None:
        run = book.runs.get(run_id)
        if run is None:
            return None
        made = Shown(
            run_id=run_id,
            workspace_id=book.workspace.id,
            name=run.name,
            status=run.status,
            start_ms=run.start_ms,
            end_ms=run.end_ms,
            error=run.error,
            link=_link(book, run),
        )
        follower = self._followers.get(id(book))
        if follower is None:
            return made
        found = follower.found
        return made._replace(
            columns=found.columns_of(run_id),
            newest=found.values_of(run_id),
            points=None if follower.sampled else found.points.get(run_id, 0),
            sampled=follower.sampled,
            progress=found.progress.get(run_id),
        )


def _link(book: Book, run: RunState) -> str | None:
    """Web address of a run that the store knows by this id and experiment."""
    workspace = book.workspace
    if run.experiment_id is None and workspace.kind != "azureml":
        return None
    return workspace.run_link(run.run_id, run.experiment_id)
