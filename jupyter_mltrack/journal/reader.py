"""Read a journal while it is written, after its owner was killed, and after it was damaged.

A reader never writes into a journal, keeps no file open between calls and raises nothing because
of what it finds. Bytes that are no frame are skipped up to the next whole frame and reported as
`Damage`. Zeros where the owner still writes are no damage but the place to wait at.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jupyter_mltrack.errors import JournalError
from jupyter_mltrack.journal import format as fmt
from jupyter_mltrack.journal.lease import owner_alive
from jupyter_mltrack.journal.names import Names
from jupyter_mltrack.journal.place import META
from jupyter_mltrack.journal.records import Cursor, Damage, Event, Found, Rows
from jupyter_mltrack.journal.scan import Scan
from jupyter_mltrack.journal.segments import (
    close_handle,
    open_existing,
    open_private,
    read_existing,
    segment_numbers,
    segment_path,
)

if TYPE_CHECKING:
    from jupyter_mltrack import wire

START: Cursor = (1, 0)
DEFAULT_LIMIT_BYTES = 4 << 20


class Batch(NamedTuple):
    """What one `read` found. Read on from `cursor`; an unchanged cursor means nothing new."""

    records: list[Rows | Event]
    cursor: Cursor
    damaged: list[Damage]
    points: int = 0


class JournalReader:
    """Reads one journal. Holds no resources; one thread at a time."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._names = Names(self.path)

    @property
    def meta(self) -> wire.JournalMeta:
        """Whose journal it is and where its runs belong.

        Raises:
            JournalError: `meta.json` is missing or damaged.
        """
        import msgspec

        from jupyter_mltrack import wire

        try:
            raw = read_existing(self.path / META, 0, 1 << 20)
            return msgspec.json.decode(raw, type=wire.JournalMeta)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            saved = self._names.meta()
            if saved is not None:
                with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                    return msgspec.json.decode(saved, type=wire.JournalMeta)
            raise JournalError(
                f"The journal {self.path} does not say whose it is: {error}",
                "Its points cannot be sent; move the folder away to keep them.",
            ) from error

    def read(self, cursor: Cursor = START, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> Batch:
        """Records from `cursor` on, at most about `limit_bytes` of them (one frame at least)."""
        number, offset = cursor
        found = Found()
        left = max(limit_bytes, fmt.HEADER_BYTES)
        while left > 0:
            # In this order: when the next segment is there, this one was sealed before we read it.
            numbers = segment_numbers(self.path)
            later = [n for n in numbers if n > number]
            if number not in numbers:
                if not later:
                    break
                number, offset = later[0], 0
                continue
            start = max(offset, fmt.HEADER_BYTES)
            end, done = self._read_segment(number, start, left, found, sealed=bool(later))
            left -= end - start
            offset = end
            if done and later:
                number, offset = later[0], 0
            elif end == start or done:
                break
        return Batch(found.records, (number, offset), found.damaged, found.points)

    def _read_segment(
        self, number: int, start: int, limit: int, found: Found, *, sealed: bool
    ) -> tuple[int, bool]:
        """Read on in one segment; returns the new offset and whether the segment is exhausted."""
        try:
            handle, size = open_existing(segment_path(self.path, number))
        except OSError as error:
            if sealed:
                found.damage(Damage(number, start, 0, f"cannot be read: {error.strerror}"))
            return start, sealed
        try:
            version = fmt.header_format(os.pread(handle, fmt.HEADER_BYTES, 0))
            if version is not None and version > fmt.FORMAT:
                found.damage(Damage(number, 0, size, f"format {version} is newer than this one"))
                return start, False
            scan = Scan(handle, size, number, found, self._names)
            return scan.read(start, limit, sealed=sealed, owner_alive=self._owner_alive)
        finally:
            close_handle(handle)

    def _owner_alive(self) -> bool:
        return owner_alive(self.path)

    def keep_aside(self, damage: Damage) -> Path | None:
        """Copy damaged bytes into `damaged/`; for the one who ships, under its lock."""
        from jupyter_mltrack.settings import ensure_private_dir

        if damage.length == 0:
            return None
        folder = self.path / "damaged"
        target = folder / f"{damage.segment:08d}-{damage.offset}-{damage.length}.bin"
        source = segment_path(self.path, damage.segment)
        with contextlib.suppress(FileExistsError):
            ensure_private_dir(folder)
            out = open_private(target)
            try:
                for at in range(damage.offset, damage.offset + damage.length, 1 << 20):
                    count = min(1 << 20, damage.offset + damage.length - at)
                    os.write(out, read_existing(source, at, count))
            finally:
                close_handle(out)
        return target
