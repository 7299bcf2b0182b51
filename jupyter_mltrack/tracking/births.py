"""How a run of MLflow begins: as the cell's own, as one more of the cell, or outside of any cell.

Runs begin in the journal where we may choose their id (a SQLite store); other stores are asked for
one, but not for long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.tracking import belonging, entities, validity
from jupyter_mltrack.tracking.book import DEFAULT_EXPERIMENT_ID, MAX_TAG, PARENT, RUN_NAME
from jupyter_mltrack.tracking.context import CELL_TAG, made_up_name
from jupyter_mltrack.tracking.lineage import current_context
from jupyter_mltrack.tracking.run_state import RunState

if TYPE_CHECKING:
    from mlflow.entities import Run

    from jupyter_mltrack.tracking.context import CellContext
    from jupyter_mltrack.tracking.ledger import Ledger


@dataclass
class Wish:
    """What the caller wants of a new run."""

    experiment_id: Any
    user_id: str
    start_ms: int
    tags: dict[str, str]
    run_name: str | None = None

    @property
    def name(self) -> str | None:
        """The name, wherever it is said."""
        return self.run_name or self.tags.get(RUN_NAME)


class Births:
    """Where runs of one decorated store begin."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.book = ledger.book
        self.experiments: dict[str, str] = {}
        """Active experiments -> their artifact location ("": the embedded workspace's own)."""

    def create_run(
        self, experiment_id: Any, user_id: str, start_time: int, tags: Any, run_name: str | None
    ) -> Run:
        """Begin a run; the arguments are those of MLflow's stores."""
        from jupyter_mltrack.tracking import asking

        context = current_context()
        given = {tag.key: tag.value for tag in tags or ()}
        wish = Wish(experiment_id, user_id, start_time, given, run_name)
        at_odds = run_name and given.get(RUN_NAME, run_name) != run_name
        if at_odds or not all(validity.is_pair(tag, MAX_TAG) for tag in tags or ()):
            return asking.create_run(self._ledger, context, wish)
        if context is not None:
            if not context.in_own_thread and given.get(PARENT) == context.run_id:
                self.adopt(context)
            if belonging.takes_cells_run(context, given, self.book):
                taken = self._take_cells_run(context, wish)
                if taken is not None:
                    return taken
        location = self._location(experiment_id)
        if location is None:
            return asking.create_run(self._ledger, context, wish)
        import uuid

        run = self.new_state(context, uuid.uuid4().hex, wish)
        run.experiment_id, run.experiment = str(experiment_id), None
        run.artifact_uri = self._artifact_uri(location, run.run_id)
        self.book.begin(run)
        self.count(context, run)
        return entities.run_of(run)

    def adopt(self, context: CellContext) -> RunState:
        """Have the cell's run born where MLflow points now, for a worker or an implicit log."""
        if not context.born and not context.is_worker:
            from mlflow.tracking import fluent

            from jupyter_mltrack.tracking import asking

            tags = {RUN_NAME: context.name}
            wish = Wish(fluent._get_experiment_id(), context.user(), context.start_ms, tags)
            if self._take_cells_run(context, wish) is None:
                asking.birth(self._ledger, context, wish)
            context.explicit_used = False
        return context.birth(self.book)

    def new_state(self, context: CellContext | None, run_id: str, wish: Wish) -> RunState:
        """Return the state of one more run, of the cell if there is one; writes nothing."""
        name = wish.name
        if context is not None:
            own = context.next_name() if context.explicit_used and context.in_own_thread else None
            if wish.tags.get(RUN_NAME) in (None, own):
                name = own or name
            run = context.new_run(self.book, run_id, name or context.name, wish.start_ms)
            run.tags = {**run.tags, **wish.tags, RUN_NAME: run.name}
        else:
            run = RunState(run_id, name or made_up_name(run_id), wish.start_ms)
            run.tags = {**wish.tags, RUN_NAME: run.name}
        run.user = wish.user_id
        return run

    def count(self, context: CellContext | None, run: RunState) -> None:
        """Let one more run belong to the cell."""
        if context is not None:
            if context.in_own_thread:
                context.explicit_used = True
            context.runs.append((self.book, run.run_id))

    def cell_tags(self, context: CellContext) -> dict[str, str]:
        """Return the tags of the cell's own run."""
        from jupyter_mltrack.tracking import surroundings

        tags = {**surroundings.tags(), **context.tags, CELL_TAG: context.run_id}
        if context.parent_run_id:
            tags[PARENT] = context.parent_run_id
        return tags

    # ------------------------------------------------------------------------ cell's run

    def _take_cells_run(self, context: CellContext, wish: Wish) -> Run | None:
        """Let `start_run` have the cell's run; None when it cannot be born here."""
        fresh = {key: value for key, value in wish.tags.items() if key != RUN_NAME}
        if context.born:
            self._take_over(self.book.runs[context.run_id], fresh, wish.name)
        else:
            location = self._location(wish.experiment_id)
            if location is None:
                return None
            context.birth(
                self.book,
                experiment_id=str(wish.experiment_id),
                experiment=None,
                start_ms=wish.start_ms,
                name=wish.name or context.name,
                user=wish.user_id,
                tags={**self.cell_tags(context), **fresh},
                artifact_uri=self._artifact_uri(location, context.run_id),
            )
        context.explicit_used = True
        return entities.run_of(self.book.runs[context.run_id])

    def _take_over(self, run: RunState, tags: dict[str, str], name: str | None) -> None:
        """Give a run that was born already what `start_run` says of it."""
        changed = {key: value for key, value in tags.items() if run.tags.get(key) != value}
        if changed:
            self.book.set_tags(run.run_id, changed)
        if name and name != run.name:
            self.book.update(run.run_id, name=name)
        if run.ended:
            self.book.update(run.run_id, status="RUNNING")

    # ------------------------------------------------------------------------- artifacts

    def _location(self, experiment_id: Any) -> str | None:
        """Return where an active experiment keeps artifacts ("" for the workspace's own root).

        None when it has to be asked for in the real store.
        """
        workspace = self._ledger.workspace
        if workspace.database is None:
            return None
        key = str(experiment_id) if experiment_id is not None else DEFAULT_EXPERIMENT_ID
        if key in self.experiments:
            return self.experiments[key]
        found = self._ledger.reading.experiment_location(key)
        if found is None and key == DEFAULT_EXPERIMENT_ID and workspace.kind == "local":
            found = ""
        if found is not None:
            self.experiments[key] = found
        return found

    def _artifact_uri(self, location: str, run_id: str) -> str | None:
        if not location:
            return self._ledger.workspace.artifact_uri(run_id)
        from mlflow.utils.uri import append_to_uri_path

        return str(append_to_uri_path(location, run_id, "artifacts"))
