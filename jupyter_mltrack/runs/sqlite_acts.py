"""Change runs by SQL in a SQLite store whose tables are known; held to what MLflow writes."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jupyter_mltrack.errors import MltrackError, NotFound, Unreachable
from jupyter_mltrack.runs import tags

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

BUSY_TIMEOUT_S = 10.0
TAG_CHARACTERS_MAX = 8_000
_SET = (
    "INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)"
    " ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value"
)


@contextmanager
def writing(workspace: Workspace) -> Iterator[Acts | None]:
    """What changes the store in one transaction; None where MLflow's client has to.

    Raises:
        Unreachable: the database is locked or cannot be written.
    """
    from jupyter_mltrack.workspaces import local

    database = workspace.database
    try:
        known = database is not None and local.schema_of(database) in local.TESTED_SCHEMAS
        if database is None or not known:
            yield None
            return
        connection = sqlite3.connect(database, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield Acts(connection)
            connection.execute("COMMIT")
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise Unreachable(
            f"The store {database} cannot be written: {error}.",
            "Check that the file can be written and no other program locks it.",
        ) from error


class Acts:
    """The acts on one run within an open transaction; each says whether it could be done here."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def set_tag(self, run_id: str, key: str, value: str | None) -> bool:
        """Set a tag, or take it away.

        Raises:
            NotFound: there is no such run.
            MltrackError: the run is deleted.
        """
        self._check_active(run_id)
        if value is None:
            said = "DELETE FROM tags WHERE run_uuid = ? AND key = ?"
            self._connection.execute(said, (run_id, key))
        else:
            self._connection.execute(_SET, (key, value[:TAG_CHARACTERS_MAX], run_id))
        return True

    def rename(self, run_id: str, name: str) -> bool:
        """Give the run another name; MLflow keeps it twice.

        Raises:
            NotFound: there is no such run.
            MltrackError: the run is deleted.
        """
        self._check_active(run_id)
        self._connection.execute("UPDATE runs SET name = ? WHERE run_uuid = ?", (name, run_id))
        self._connection.execute(_SET, (tags.RUN_NAME, name, run_id))
        return True

    def delete(self, run_id: str) -> bool:
        """Mark the run as deleted; False where more than a mark is needed, which MLflow can do.

        Raises:
            NotFound: there is no such run.
        """
        self._stage(run_id)
        if self._has_assessments(run_id):
            return False
        self._connection.execute(
            "UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = ? WHERE run_uuid = ?",
            (int(time.time() * 1000), run_id),
        )
        return True

    def restore(self, run_id: str) -> bool:
        """Take the mark away.

        Raises:
            NotFound: there is no such run.
        """
        self._stage(run_id)
        self._connection.execute(
            "UPDATE runs SET lifecycle_stage = 'active', deleted_time = NULL WHERE run_uuid = ?",
            (run_id,),
        )
        return True

    def _has_assessments(self, run_id: str) -> bool:
        """Whether assessments came from the run: MLflow deletes them with it."""
        pattern = f'"mlflow.assessment.sourceRunId": "{run_id}"'
        asked = "SELECT 1 FROM assessments WHERE instr(assessment_metadata, ?) LIMIT 1"
        return self._connection.execute(asked, (pattern,)).fetchone() is not None

    def _stage(self, run_id: str) -> str:
        row = self._connection.execute(
            "SELECT lifecycle_stage FROM runs WHERE run_uuid = ?", (run_id,)
        ).fetchone()
        if row is None:
            raise NotFound(f"There is no run {run_id} any more.", "Refresh the list.")
        return str(row[0])

    def _check_active(self, run_id: str) -> None:
        if self._stage(run_id) != "active":
            raise MltrackError(
                f"Run {run_id} is deleted.", "Restore it to change it.", code="conflict"
            )
