"""What the journal's tests share: a workspace, reading everything, a process to kill."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from jupyter_mltrack.journal import Damage, Event, Journal, JournalReader, Rows
from jupyter_mltrack.workspaces import Workspace

WORKSPACE = Workspace(
    id="0123456789ab",
    kind="local",
    name="project",
    tracking_uri="sqlite:////nowhere/mlflow.db",
    display_uri="sqlite:////nowhere/mlflow.db",
    root=Path("/nowhere"),
)

PRELUDE = """
import itertools, os, signal, sys, threading, time
sys.path.insert(0, {here!r})
from journal_rig import WORKSPACE, small_segments
from jupyter_mltrack import wire
from jupyter_mltrack.journal import Journal, current_journal, open_for, owner_alive
"""


def small_segments(max_bytes: int = 0, segment_bytes: int = 64 << 10) -> Journal:
    """An open journal with small segments."""
    journal = Journal(WORKSPACE, max_bytes=max_bytes)
    journal._space.segment_bytes = segment_bytes
    journal.open()
    return journal


def read_all(
    path: Path, limit_bytes: int = 1 << 20, cursor: tuple[int, int] = (1, 0)
) -> tuple[list[Rows | Event], list[Damage]]:
    """Everything a fresh reader finds, read in bites."""
    reader = JournalReader(path)
    records: list[Rows | Event] = []
    damaged: list[Damage] = []
    while True:
        batch = reader.read(cursor, limit_bytes)
        records += batch.records
        damaged += batch.damaged
        if batch.cursor == cursor:
            return records, damaged
        assert batch.cursor > cursor
        cursor = batch.cursor


def points(records: list[Rows | Event]) -> Iterator[tuple[str, int, str, float]]:
    """(run, step, key, value) for each point in rows, in order."""
    for record in records:
        if isinstance(record, Rows):
            for step, values in zip(record.steps, record.values, strict=True):
                for key, value in zip(record.keys, values, strict=True):
                    yield record.run_id, step, key, value


def events(records: list[Rows | Event]) -> list[object]:
    return [record.event for record in records if isinstance(record, Event)]


def only_journal() -> Path:
    """The one journal under the test's data folder."""
    folder = Path(os.environ["MLTRACK_DATA_DIR"]) / "journals"
    (path,) = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    return path


def start_python(code: str, **options: object) -> subprocess.Popen[str]:
    """Run code in a Python of its own, with the rig imported; its stdout is a pipe."""
    text = PRELUDE.format(here=str(Path(__file__).parent)) + textwrap.dedent(code)
    return subprocess.Popen(
        [sys.executable, "-u", "-c", text], stdout=subprocess.PIPE, text=True, **options
    )


def run_python(code: str, timeout_s: float = 60, **options: object) -> str:
    """Run code in a Python of its own and return what it printed; it must end well."""
    process = start_python(code, stderr=subprocess.PIPE, **options)
    out, err = process.communicate(timeout=timeout_s)
    assert process.returncode == 0, err
    return out
