"""How far the artifacts of runs are on their way to their stores, for whoever shows runs.

It is read from the folders of what waits (`spool`), also of journals whose process has ended: a
look costs one `stat` a journal while nothing changes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_mltrack import wire
from jupyter_mltrack.errors import JournalError
from jupyter_mltrack.journal import spool
from jupyter_mltrack.journal.current import list_journals

LOOK_S = 0.4
RunKey = tuple[wire.WorkspaceId, str]
"""Workspace, and the run's id as its journal knows it."""


@dataclass
class _Journal:
    """What is known of one journal's folder."""

    workspace_id: wire.WorkspaceId
    stamp: int = 0
    runs: dict[str, wire.Uploads] = field(default_factory=dict)


class UploadsSeen:
    """Looks at all journals below `data_dir`."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._journals: dict[Path, _Journal] = {}
        self._looked_at_s = -LOOK_S
        self.runs: dict[RunKey, wire.Uploads] = {}
        """Runs with files on their way."""

    def look(self) -> set[RunKey]:
        """Look again if it is time; returns the runs for which something changed."""
        now_s = time.monotonic()
        if now_s - self._looked_at_s < LOOK_S:
            return set()
        self._looked_at_s = now_s
        before, self.runs = self.runs, self._read()
        return {
            key for key in before.keys() | self.runs.keys() if before.get(key) != self.runs.get(key)
        }

    def _read(self) -> dict[RunKey, wire.Uploads]:
        found: dict[RunKey, wire.Uploads] = {}
        paths = list_journals(self._data_dir)
        for gone in set(self._journals).difference(paths):
            del self._journals[gone]
        for path in paths:
            journal = self._renewed(path)
            if journal is not None:
                for run_id, uploads in journal.runs.items():
                    key = (journal.workspace_id, run_id)
                    found[key] = _together(found.get(key), uploads)
        return found

    def _renewed(self, path: Path) -> _Journal | None:
        try:
            stamp = (path / spool.FOLDER).stat().st_mtime_ns
        except OSError:
            return None  # no artifact was ever logged there
        journal = self._journals.get(path)
        if journal is None:
            from jupyter_mltrack.journal.reader import JournalReader

            try:
                journal = _Journal(JournalReader(path).meta.workspace_id)
            except (OSError, JournalError):
                return None
            self._journals[path] = journal
        if stamp != journal.stamp:
            journal.stamp, journal.runs = stamp, _of_journal(path)
        return journal


def _of_journal(path: Path) -> dict[str, wire.Uploads]:
    """Run -> what was sent and what waits; only runs that wait for something."""
    sent = spool.read_sent(path).runs
    waits: dict[str, tuple[int, int]] = {}
    for one in spool.waiting(path):
        files, size = waits.get(one.run_id, (0, 0))
        waits[one.run_id] = files + 1, size + one.size_bytes
    found = {}
    for run_id, (files, size) in waits.items():
        done = sent.get(run_id, spool.SentOfRun())
        found[run_id] = wire.Uploads(
            files=files + done.files,
            sent_files=done.files,
            size_bytes=size + done.size_bytes,
            sent_bytes=done.size_bytes + min(done.moving_bytes, size),
        )
    return found


def _together(one: wire.Uploads | None, other: wire.Uploads) -> wire.Uploads:
    """A run that several processes log files to."""
    if one is None:
        return other
    return wire.Uploads(
        files=one.files + other.files,
        sent_files=one.sent_files + other.sent_files,
        size_bytes=one.size_bytes + other.size_bytes,
        sent_bytes=one.sent_bytes + other.sent_bytes,
    )
