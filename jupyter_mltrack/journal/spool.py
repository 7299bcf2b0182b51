"""Artifacts on their way: copies in the journal's folder until the store has them.

Logging an artifact copies the file here and returns; the shipper of the journal uploads it. What
lies here survives the end of the kernel and of the network. Each file has a note that is written
after it: a copy without a note was never acknowledged and is swept away with the journal.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from jupyter_mltrack.journal import progress as notes
from jupyter_mltrack.journal.current import list_journals
from jupyter_mltrack.settings import ensure_private_dir

FOLDER = "spool"
PROGRESS = "progress.json"
FREE_LEFT_BYTES = 256 << 20
"""Room that a copy leaves on the disk."""
_NOTE = ".note"
_counter = itertools.count()


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One artifact that waits."""

    name: str
    """Of the copy in the folder; copies sort by the order of logging."""
    run_id: str
    artifact_uri: str
    """Address of the run's files as the process that logged it knew it."""
    path: str
    size_bytes: int
    at_ms: int


class SentOfRun(msgspec.Struct, kw_only=True):
    """The same of one run; `moving_bytes` of files that are under way."""

    files: int = 0
    size_bytes: int = 0
    moving_bytes: int = 0


class Sent(msgspec.Struct, kw_only=True):
    """How far the uploads of a journal are, for people who look."""

    files: int = 0
    size_bytes: int = 0
    last_ms: int = 0
    runs: dict[str, SentOfRun] = {}


def put(journal: Path, run_id: str, artifact_uri: str, files: Iterable[tuple[Path, str]]) -> None:
    """Copy files; (source, artifact path) each.

    Raises:
        OSError: a copy cannot be made, for example for want of room; nothing of this call waits.
    """
    folder = journal / FOLDER
    ensure_private_dir(folder)
    made: list[Waiting] = []
    try:
        for source, path in files:
            size = source.stat().st_size
            if shutil.disk_usage(folder).free - size < FREE_LEFT_BYTES:
                raise OSError(28, "not enough room for a copy", str(source))
            name = f"{time.time_ns():020d}-{next(_counter):06d}"
            _copy(source, folder / name)
            made.append(
                Waiting(
                    name=name,
                    run_id=run_id,
                    artifact_uri=artifact_uri,
                    path=path,
                    size_bytes=(folder / name).stat().st_size,
                    at_ms=time.time_ns() // 1_000_000,
                )
            )
        for one in made:
            notes.replace_file(folder / f"{one.name}{_NOTE}", msgspec.json.encode(one))
    except OSError:
        for one in made:
            done(journal, one)
        raise


def _copy(source: Path, target: Path) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(source, "rb") as read, os.fdopen(os.open(target, flags, 0o600), "wb") as write:
        shutil.copyfileobj(read, write, 1 << 20)


def waiting(journal: Path) -> list[Waiting]:
    """What waits in a journal, in the order of logging."""
    found = []
    try:
        names = sorted(os.listdir(journal / FOLDER))
    except OSError:
        return []
    for name in names:
        if not name.endswith(_NOTE):
            continue
        try:
            found.append(msgspec.json.decode((journal / FOLDER / name).read_bytes(), type=Waiting))
        except (OSError, msgspec.DecodeError):
            continue
    return found


def is_empty(journal: Path) -> bool:
    """Whether nothing waits in a journal."""
    try:
        return not any(name.endswith(_NOTE) for name in os.listdir(journal / FOLDER))
    except OSError:
        return True


def copy_of(journal: Path, one: Waiting) -> Path:
    """Where the copy lies."""
    return journal / FOLDER / os.path.basename(one.name)


def done(journal: Path, one: Waiting) -> None:
    """Forget an artifact: the store has it, or will never take it."""
    for path in (copy_of(journal, one).with_name(one.name + _NOTE), copy_of(journal, one)):
        with contextlib.suppress(OSError):
            path.unlink()


def of_runs(data_dir: Path, run_ids: Iterable[str]) -> Iterator[tuple[Path, Waiting]]:
    """(journal, artifact) of what waits for a run under any of its ids, in the order of logging."""
    wanted = set(run_ids)
    found = [
        (journal, one)
        for journal in list_journals(data_dir)
        for one in waiting(journal)
        if one.run_id in wanted
    ]
    yield from sorted(found, key=lambda pair: pair[1].name)


def read_sent(journal: Path) -> Sent:
    """How many were sent since nothing waited."""
    try:
        return msgspec.json.decode((journal / FOLDER / PROGRESS).read_bytes(), type=Sent)
    except (OSError, msgspec.DecodeError):
        return Sent()


def write_sent(journal: Path, sent: Sent) -> None:
    """Say how many were sent."""
    with contextlib.suppress(OSError):
        notes.replace_file(journal / FOLDER / PROGRESS, msgspec.json.encode(sent))
