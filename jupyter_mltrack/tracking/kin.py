"""Journals of processes that work with this one: its workers, and the one that it works for."""

from __future__ import annotations

import time
from pathlib import Path

_workspaces: dict[str, tuple[str, str | None]] = {}
"""Journal id -> (workspace id, parent journal id); it never changes."""


def settle(workspace_id: str, paths: list[Path], *, timeout_s: float) -> None:
    """Wait until the store has what kin of this process wrote so far."""
    from jupyter_mltrack.journal import open_journals
    from jupyter_mltrack.journal.ship import wait_shipped

    own = {journal.path.name for journal in open_journals()}
    parents = {journal.parent_journal_id for journal in open_journals()} - {None}
    until_s = time.monotonic() + timeout_s
    for path in paths:
        about = _about(path)
        if about is None or about[0] != workspace_id:
            continue
        if about[1] not in own and about[1] not in parents and path.name not in parents:
            continue
        end = _end_of(path)
        if end is not None:
            left_s = max(0.0, until_s - time.monotonic())
            wait_shipped(path, end, stall_s=min(2.0, left_s), timeout_s=left_s)


def _about(path: Path) -> tuple[str, str | None] | None:
    found = _workspaces.get(path.name)
    if found is None:
        from jupyter_mltrack.errors import JournalError
        from jupyter_mltrack.journal import JournalReader

        try:
            meta = JournalReader(path).meta
        except (JournalError, OSError):
            return None
        found = _workspaces[path.name] = (meta.workspace_id, meta.parent_journal_id)
    return found


def _end_of(path: Path) -> tuple[int, int] | None:
    """Return where a journal ends now; None when all of it was shipped."""
    from jupyter_mltrack.journal import JournalReader
    from jupyter_mltrack.journal.ship import shipped_until

    reader, begin = JournalReader(path), shipped_until(path)
    cursor = begin
    while True:
        batch = reader.read(cursor)
        if batch.cursor == cursor:
            return cursor if cursor != begin else None
        cursor = batch.cursor
