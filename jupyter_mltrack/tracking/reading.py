"""What the decorated store does with a read: ship first, then ask the real store.

A read sees what this process wrote and what its workers wrote. What a store out of reach cannot
answer is left to `offline`.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.tracking import entities
from jupyter_mltrack.tracking.book import now_ms
from jupyter_mltrack.tracking.leaving import wait_for
from jupyter_mltrack.tracking.offline import Offline
from jupyter_mltrack.tracking.run_state import RunState

if TYPE_CHECKING:
    from jupyter_mltrack.tracking.ledger import Ledger

STALL_S = 60.0
"""For a store that is being made ready or connected: its first shipper imports MLflow."""
STALL_CONNECTED_S = 20.0
TIMEOUT_S = 300.0
OTHERS_S = 10.0


class Reading:
    """The reads of one decorated store."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._book = ledger.book
        self._local = ledger.workspace.database is not None
        self._offline = Offline(ledger, self)

    def settle(self) -> bool:
        """Ship what this process and its workers wrote; False when the store has not got it all."""
        done = True
        if self._book.is_open:
            stall_s = STALL_CONNECTED_S if not self._local and self._is_connected() else STALL_S
            done = wait_for(self._book, stall_s=stall_s, timeout_s=TIMEOUT_S)
        self._settle_workers()
        return done

    def _settle_workers(self) -> None:
        """Wait for journals of worker processes of this one, and of the one it works for."""
        from jupyter_mltrack.journal import list_journals
        from jupyter_mltrack.settings import data_dir

        own = self._book.journal().path.name if self._book.is_open else None
        paths = [path for path in list_journals(data_dir()) if path.name != own]
        if paths:
            from jupyter_mltrack.tracking import kin

            kin.settle(self._ledger.workspace.id, paths, timeout_s=OTHERS_S)

    def _is_connected(self) -> bool:
        from jupyter_mltrack.journal.shipping_state import read_health
        from jupyter_mltrack.settings import data_dir

        health = read_health(data_dir(), self._ledger.workspace.id)
        return health is not None and health.state != "connecting"

    def unreachable(self) -> bool:
        """Say whether it is known that the store cannot be reached now."""
        if self._local:
            return False
        from jupyter_mltrack.journal.shipping_state import known_unreachable
        from jupyter_mltrack.settings import data_dir

        return known_unreachable(data_dir(), self._ledger.workspace.id)

    def promised_name(self, experiment_id: Any) -> str | None:
        """Return the name of an experiment whose id we made up; None for ids of the store."""
        return self._offline.experiment_name(experiment_id)

    def store_id(self, run_id: Any) -> Any:
        """Return the id that the store knows a run by."""
        if self._local or type(run_id) is not str or run_id not in self._book.runs:
            return run_id
        from jupyter_mltrack.journal.progress import run_alias
        from jupyter_mltrack.settings import data_dir

        found = run_alias(data_dir(), run_id)
        if found != run_id:
            self._book.aliases[found] = run_id
        return found

    def fetch(self, run_id: str) -> RunState:
        """Return the state of a run that was not met yet.

        Raises:
            MlflowException: the store has no such run, as the store says it.
        """
        from mlflow.exceptions import MlflowException

        if self.unreachable():
            unknown = RunState(run_id, "", now_ms())
            unknown.complete = False
            return unknown
        try:
            found = self._ledger.real.get_run(run_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            self._settle_workers()  # a run of this process's parent may still be on its way
            found = self._ledger.real.get_run(run_id)
        return entities.state_of(found)

    def experiment_location(self, experiment_id: str) -> str | None:
        """Return where an active experiment of a SQLite store keeps artifacts; None if unknown."""
        database = self._ledger.workspace.database
        if database is None or not experiment_id.isdecimal() or not database.is_file():
            return None
        if experiment_id == "0" and self._ledger.workspace.kind == "local":
            return ""
        return _location(database, int(experiment_id))

    # ---------------------------------------------------------------------------- reads

    def read(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Do one of the store's other calls after everything that was written before."""
        shipped = self.settle()
        if not self._local:
            answered = self._offline.answer(method, args, kwargs, shipped=shipped)
            if answered is not None:
                return answered[0]
        args = tuple(self.store_id(value) for value in args)
        kwargs = {name: self.store_id(value) for name, value in kwargs.items()}
        answer = getattr(self._ledger.real, method)(*args, **kwargs)
        self._note(method, args, kwargs)
        return answer

    def _note(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Keep in mind what a call changed."""
        if method in ("delete_run", "restore_run"):
            run_id = args[0] if args else kwargs.get("run_id")
            run = self._book.runs.get(self._book.canonical(str(run_id)))
            if run is not None:
                run.lifecycle = "deleted" if method == "delete_run" else "active"
                from jupyter_mltrack.tracking import front

                front.forget_routes()
        elif "experiment" in method:
            self._ledger.births.experiments.clear()


def _location(database: Path, experiment_id: int) -> str | None:
    try:
        connection = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=0.2)
        try:
            row = connection.execute(
                "SELECT artifact_location FROM experiments"
                " WHERE experiment_id = ? AND lifecycle_stage = 'active'",
                (experiment_id,),
            ).fetchone()
        finally:
            connection.close()
    except sqlite3.Error:
        return None
    return str(row[0]) if row and row[0] else None
