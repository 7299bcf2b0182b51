"""Write journal records straight into MLflow's SQLite tables, without MLflow and SQLAlchemy.

Used only for databases whose schema is one we have tested; there the rows equal those that
MLflow's own store writes (a test compares whole tables). One call of `apply` is one transaction
of at most some hundred milliseconds, so that other writers get in between. Repeating a call adds
nothing twice: MLflow's primary keys see to it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from jupyter_mltrack import wire
from jupyter_mltrack.journal import sqlite_inputs, sqlite_rows
from jupyter_mltrack.journal import sqlite_statements as statements
from jupyter_mltrack.journal.sqlite_statements import RUN_NAME_TAG, TAG_CHARACTERS_MAX
from jupyter_mltrack.journal.store_trouble import RunRefused, StoreTrouble
from jupyter_mltrack.workspaces.database import file_identity
from jupyter_mltrack.workspaces.local import TESTED_SCHEMAS, schema_of

ERROR_TAG = "mltrack.error"
_CACHE_KIB = 32_768
_CHECKPOINT_PAGES = 8_192
_DEFAULT_EXPERIMENT = 0


def usable(database: Path) -> bool:
    """Say whether the database has a schema that this module writes."""
    try:
        return schema_of(database) in TESTED_SCHEMAS
    except (sqlite3.Error, OSError):
        return False


class SqliteStore:
    """A store behind a SQLite file.

    Args:
        database: the file.
        refused: runs whose records are not written -> why; the caller adds to it.
        aside: takes (reason, record) of what is not written.
        call: does what needs MLflow itself, given the run's id in the store.
    """

    def __init__(
        self,
        database: Path,
        refused: Mapping[str, str],
        aside: Callable[[str, Any], None],
        call: Callable[[str, wire.RunCall], None],
    ) -> None:
        self.database = database
        self._refused = refused
        self._aside = aside
        self.busy_wait_s = 2.0
        """How long one attempt waits for another writer to finish."""
        self._call = call
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        """The file that is connected: another one may take its place."""
        self._experiments: dict[str, int] = {}

    # ------------------------------------------------------------------------- opening

    def is_current(self) -> bool:
        """Say whether the file that was connected is still the one of that name."""
        return self._connection is None or self._file == file_identity(self.database)

    def open(self) -> None:
        """Connect if not connected.

        Raises:
            StoreTrouble: the database is missing, locked, damaged or of another schema.
        """
        if self._connection is not None:
            if self.is_current():
                return
            self.close()
        self._file = file_identity(self.database)
        with _translated(self.database):
            if schema_of(self.database) not in TESTED_SCHEMAS:
                raise StoreTrouble("connecting", f"The database {self.database} is not ready yet.")
            connection = sqlite3.connect(
                f"{self.database.as_uri()}?mode=rw",
                uri=True,
                isolation_level=None,
                timeout=0,
                check_same_thread=False,
            )
            journal_mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            if journal_mode == "wal":  # else a commit must wait for the disk by itself
                connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            self._connection = connection

    def close(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._experiments.clear()

    def settle(self) -> bool:
        """Bring what was committed to the disk; False when somebody else is in the way."""
        if self._connection is None:
            return False
        try:
            busy, in_log, done = self._connection.execute(
                "PRAGMA wal_checkpoint(PASSIVE)"
            ).fetchone()
        except sqlite3.Error:
            return False
        return not busy and in_log == done

    def is_running(self, run_id: str) -> bool:
        """Say whether the store has this run and it has not ended.

        Raises:
            StoreTrouble: the database cannot be used now.
        """
        return self._of_run(run_id, "status") in ("RUNNING", "SCHEDULED")

    def artifact_uri(self, run_id: str) -> str:
        """Where a run keeps its artifacts; empty where that is not known.

        Raises:
            StoreTrouble: the database cannot be used now.
        """
        return self._of_run(run_id, "artifact_uri")

    def _of_run(self, run_id: str, column: Literal["status", "artifact_uri"]) -> str:
        self.open()
        assert self._connection is not None
        with _translated(self.database):
            row = self._connection.execute(
                f"SELECT {column} FROM runs WHERE run_uuid = ?", (run_id,)
            ).fetchone()
        return str(row[0] or "") if row is not None else ""

    # ------------------------------------------------------------------------- writing

    def apply(self, records: Sequence[Any], resolve_id: Callable[[str], str]) -> int:
        """Write records in one transaction; returns how many points they held.

        Raises:
            RunRefused: a run is missing or deleted; nothing was written.
            StoreTrouble: the database cannot be used now; nothing was written.
        """
        self.open()
        left_out = []
        if self._refused:
            left_out = [record for record in records if run_of(record) in self._refused]
            records = [record for record in records if run_of(record) not in self._refused]
        with _translated(self.database), self._transaction() as connection:
            points = self._write(connection, records, resolve_id)
        for record in records:
            call = getattr(record, "event", None)
            if isinstance(call, wire.RunCall) and not sqlite_inputs.is_plain(call):
                self._call(resolve_id(call.run_id), call)
        for record in left_out:
            self._aside(self._refused[run_of(record)], record)
        return points

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        assert connection is not None
        self._patiently(connection, "BEGIN IMMEDIATE")
        try:
            yield connection
            # without a write-ahead log a commit waits for readers; left open it locks them out
            self._patiently(connection, "COMMIT")
        except BaseException:
            self._experiments.clear()
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _patiently(self, connection: sqlite3.Connection, statement: str) -> None:
        until = time.monotonic() + self.busy_wait_s
        pause_s = 0.002
        while True:
            try:
                connection.execute(statement)
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() >= until:
                    raise
                time.sleep(pause_s)
                pause_s = min(pause_s * 1.5, 0.025)
            else:
                return

    def _write(
        self,
        connection: sqlite3.Connection,
        records: Sequence[Any],
        resolve_id: Callable[[str], str],
    ) -> int:
        gathered: dict[tuple[str, tuple[str, ...]], sqlite_rows.Columns] = {}
        seen: set[str] = set()
        points = 0
        for record in records:
            event = getattr(record, "event", None)
            if event is None:
                columns = gathered.get((record.run_id, record.keys))
                if columns is None:
                    run_id = resolve_id(record.run_id)
                    self._require(connection, seen, run_id, record.run_id)
                    columns = gathered[record.run_id, record.keys] = sqlite_rows.Columns(run_id)
                columns.steps.extend(record.steps)
                columns.times.extend(record.timestamps_ms)
                columns.values.extend(record.values)
            elif not isinstance(event, wire.Noted):
                points += self._write_event(connection, seen, event, resolve_id(event.run_id))
        if gathered:
            points += sqlite_rows.insert_columns(connection, gathered)
        return points

    def _require(
        self, connection: sqlite3.Connection, seen: set[str], run_id: str, local_id: str
    ) -> None:
        if run_id in seen:
            return
        row = connection.execute(
            "SELECT lifecycle_stage FROM runs WHERE run_uuid = ?", (run_id,)
        ).fetchone()
        if row is None:
            raise RunRefused(local_id, f"The store has no run {run_id}.", missing=True)
        if row[0] != "active":
            raise RunRefused(local_id, f"The run {run_id} was deleted.", missing=False)
        seen.add(run_id)

    def _write_event(
        self, connection: sqlite3.Connection, seen: set[str], event: Any, run_id: str
    ) -> int:
        if isinstance(event, wire.RunBorn):
            self._born(connection, event, run_id)
        self._require(connection, seen, run_id, event.run_id)
        if isinstance(event, wire.RunTags):
            for key, value in event.tags.items():
                statements.set_tag(connection, run_id, key, value)
        elif isinstance(event, wire.RunTagDeleted):
            connection.execute(
                "DELETE FROM tags WHERE run_uuid = ? AND key = ?", (run_id, event.key)
            )
        elif isinstance(event, wire.RunParams):
            statements.add_params(connection, run_id, event.params)
        elif isinstance(event, wire.RunUpdated):
            if event.status is not None:
                statements.update_run(connection, run_id, status=event.status)
            if event.name:
                statements.set_tag(connection, run_id, RUN_NAME_TAG, event.name)
        elif isinstance(event, wire.RunEnded):
            statements.update_run(connection, run_id, status=event.status, end_time=event.end_ms)
            if event.error:
                statements.set_tag(connection, run_id, ERROR_TAG, event.error)
        elif isinstance(event, wire.RunCall) and sqlite_inputs.is_plain(event):
            sqlite_inputs.add(connection, run_id, event)
        elif isinstance(event, wire.RunMetrics):
            return statements.add_metrics(connection, run_id, event.metrics)
        return 0

    # --------------------------------------------------------------------------- births

    def _born(self, connection: sqlite3.Connection, event: wire.RunBorn, run_id: str) -> None:
        there = connection.execute("SELECT 1 FROM runs WHERE run_uuid = ?", (run_id,)).fetchone()
        if there and event.resumed:
            statements.update_run(connection, run_id, status="RUNNING")
            for key, value in event.tags.items():
                statements.set_tag(connection, run_id, key, value)
        if there or event.created:
            return
        experiment_id, location = self._experiment(connection, event)
        name = event.tags.get(RUN_NAME_TAG) or event.name
        artifact_uri = event.artifact_uri or statements.join(location, run_id, "artifacts")
        connection.execute(
            "INSERT INTO runs(run_uuid, name, source_type, source_name, entry_point_name, user_id,"
            " status, start_time, end_time, deleted_time, source_version, lifecycle_stage,"
            " artifact_uri, experiment_id)"
            " VALUES (?, ?, 'UNKNOWN', '', '', ?, 'RUNNING', ?, NULL, NULL, '', 'active', ?, ?)",
            (run_id, name, event.user, event.start_ms, artifact_uri, experiment_id),
        )
        for key, value in {**event.tags, RUN_NAME_TAG: name}.items():
            connection.execute(
                "INSERT OR IGNORE INTO tags(key, value, run_uuid) VALUES (?, ?, ?)",
                (key, value[:TAG_CHARACTERS_MAX], run_id),
            )

    def _experiment(self, connection: sqlite3.Connection, event: wire.RunBorn) -> tuple[int, str]:
        """Return id and artifact location of the run's experiment; without a name "Default"."""
        found = None
        if event.experiment_id is not None and event.experiment_id.isdecimal():
            found = statements.find_experiment(
                connection, "experiment_id = ?", int(event.experiment_id)
            )
        if found is None and event.experiment:
            name = event.experiment[:500]
            found = statements.find_experiment(
                connection, "workspace = 'default' AND name = ?", name
            )
            if found is None:
                found = self._make_experiment(connection, name)
        if found is None or found[2] != "active":
            found = statements.find_experiment(connection, "experiment_id = ?", _DEFAULT_EXPERIMENT)
        if found is None or found[2] != "active":
            raise StoreTrouble(
                "broken",
                f"The database {self.database} has no usable experiment for the run {event.name}.",
                "Restore its experiment Default: mlflow experiments restore --experiment-id 0",
            )
        return found[0], found[1]

    def _make_experiment(self, connection: sqlite3.Connection, name: str) -> tuple[int, str, str]:
        base = statements.find_experiment(connection, "experiment_id = ?", _DEFAULT_EXPERIMENT)
        root = base[1].removesuffix("/0") if base else os.path.abspath("mlruns")
        now_ms = int(time.time() * 1000)
        cursor = connection.execute(
            "INSERT INTO experiments(name, workspace, artifact_location, lifecycle_stage,"
            " creation_time, last_update_time) VALUES (?, 'default', '', 'active', ?, ?)",
            (name, now_ms, now_ms),
        )
        number = int(cursor.lastrowid or 0)
        location = statements.join(root, str(number))
        connection.execute(
            "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?",
            (location, number),
        )
        return number, location, "active"


def run_of(record: Any) -> str:
    """Return the id of the run that a record belongs to; empty for one that belongs to none."""
    event = getattr(record, "event", None)
    found = record.run_id if event is None else event.run_id
    return found or ""


# --------------------------------------------------------------------------------- trouble


@contextlib.contextmanager
def _translated(database: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise _trouble(database, error) from error
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.IntegrityError):
            raise
        raise StoreTrouble(
            "broken",
            f"The database {database} is damaged: {error}.",
            "Move it away to start a new one; what is recorded meanwhile is kept.",
        ) from error
    except OSError as error:
        raise StoreTrouble("broken", f"The database {database} cannot be read: {error}.") from error


def _trouble(database: Path, error: sqlite3.OperationalError) -> StoreTrouble:
    text = str(error)
    if "locked" in text or "busy" in text:
        return StoreTrouble("connecting", f"The database {database} is locked by another program.")
    if "full" in text:
        return StoreTrouble(
            "broken", f"No room on the disk for {database}.", "Make room; it goes on by itself."
        )
    if "readonly" in text:
        return StoreTrouble("broken", f"The database {database} is read-only.", "Make it writable.")
    if "unable to open" in text:
        return StoreTrouble("connecting", f"The database {database} is not there.")
    return StoreTrouble("broken", f"The database {database} cannot be used: {text}.")
