"""Where predictions go: a Parquet or CSV file, or a variable.

A file gets its name when it is whole: what is written until then lies beside it under another name
and is removed when the scoring is interrupted or fails.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import MltrackError, NotFound, UsageError
from jupyter_mltrack.scoring.data import FrameSource, OutVariable, Source, describe

if TYPE_CHECKING:
    import pyarrow as pa

SYNC_BYTES = 64 << 20
LOOKED_ROWS = 10_000
ENDINGS = (".parquet", ".pq", ".csv")


class Out(Protocol):
    """What takes tables, one after the other."""

    wants_inputs: bool

    def write(self, table: pa.Table) -> None:
        """Take the next rows."""

    def close(self) -> None:
        """Everything was taken: keep it."""

    def abandon(self) -> None:
        """Leave nothing behind."""


class FileOut:
    """A file that is there whole or not at all."""

    wants_inputs = True

    def __init__(self, path: str) -> None:
        self._path = path
        self._real = os.path.realpath(path)
        self._draft = os.path.join(
            os.path.dirname(self._real),
            f".{os.path.basename(self._real)}.{secrets.token_hex(6)}.partial",
        )
        self._file: BinaryIO | None = None
        self._writer: Any = None
        self._synced_bytes = 0

    def write(self, table: pa.Table) -> None:
        """Append the rows.

        Raises:
            MltrackError: the disk is full, or a column has no place in such a file.
        """
        import pyarrow as pa

        try:
            if self._writer is None:
                self._open(table)
            if not table.schema.equals(self._writer_schema):
                table = table.cast(self._writer_schema)
            self._writer.write_table(table)
            self._to_disk()
        except OSError as error:
            raise self._failed(error) from error
        except pa.ArrowException as error:
            raise UsageError(
                f"{describe(self._path)} cannot hold this: {clean(str(error))}",
                "Parquet holds lists and structures, CSV does not; --columns chooses.",
            ) from error

    def _to_disk(self) -> None:
        """Bring it to the disk bit by bit, while rows are predicted, not all at the end."""
        assert self._file is not None
        self._file.flush()
        if self._file.tell() - self._synced_bytes >= SYNC_BYTES:
            self._synced_bytes = self._file.tell()
            os.fsync(self._file.fileno())

    def _open(self, table: pa.Table) -> None:
        # a plain open: the file's mode follows the umask, and the name is nobody else's
        self._file = open(self._draft, "xb")  # noqa: SIM115  # closed in close() and abandon()
        self._writer_schema = table.schema
        if self._path.lower().endswith(".csv"):
            from pyarrow import csv

            self._writer = csv.CSVWriter(self._file, table.schema)
        else:
            from pyarrow import parquet

            self._writer = parquet.ParquetWriter(
                self._file, table.schema, use_dictionary=_repeating(table)
            )

    def close(self) -> None:
        """Give the file its name.

        Raises:
            MltrackError: the disk is full, or the name cannot be had.
        """
        try:
            if self._writer is not None and self._file is not None:
                self._writer.close()
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()
                if os.path.exists(self._real):
                    shutil.copymode(self._real, self._draft)
                os.replace(self._draft, self._real)
        except OSError as error:
            self.abandon()
            raise self._failed(error) from error

    def abandon(self) -> None:
        """Remove what was written."""
        with contextlib.suppress(Exception):
            if self._writer is not None:
                self._writer.close()
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.close()
        with contextlib.suppress(OSError):
            os.unlink(self._draft)

    def _failed(self, error: OSError) -> MltrackError:
        return MltrackError(
            f"{describe(self._path)} cannot be written: {clean(error.strerror or str(error))}.",
            "Nothing was left under its name. Free some space, or choose another place.",
        )


def _repeating(table: pa.Table) -> list[str]:
    """Columns whose values repeat: a dictionary of those that do not costs time and room."""
    import pyarrow as pa
    from pyarrow import compute

    found = []
    head = table.slice(0, LOOKED_ROWS)
    for name in head.column_names:
        try:
            distinct = compute.count_distinct(head.column(name)).as_py()
        except pa.ArrowException:  # lists and structures
            continue
        if distinct <= head.num_rows / 2:
            found.append(name)
    return found


class VariableOut:
    """A variable that gets one frame; rows of a frame in memory are not copied on their way."""

    def __init__(self, variable: OutVariable, source: Source, kept: list[str]) -> None:
        self._variable = variable
        self._source = source
        self._kept = kept
        self._tables: list[Any] = []
        self.wants_inputs = not isinstance(source, FrameSource)

    def write(self, table: pa.Table) -> None:
        """Keep the rows."""
        self._tables.append(table)

    def close(self) -> None:
        """Set the variable."""
        import pandas as pd
        import pyarrow as pa

        found = pa.concat_tables(self._tables).to_pandas()
        if isinstance(self._source, FrameSource):
            frame = self._source.frame
            found.index = frame.index
            labels = {str(one): one for one in frame.columns}
            found = pd.concat([frame[[labels[one] for one in self._kept]], found], axis=1)
        self._variable.set(found)

    def abandon(self) -> None:
        """Leave the variable as it was."""
        self._tables.clear()


def open_out(out: Any, source: Source, kept: list[str]) -> Out:
    """What takes the predictions.

    Raises:
        UsageError: it is no variable and no file of a known kind, or it is the data itself.
        NotFound: its folder is not there.
    """
    if isinstance(out, OutVariable):
        return VariableOut(out, source, kept)
    path = os.path.expanduser(os.fspath(out)).removeprefix("file://")
    check_path(path, ENDINGS)
    if os.path.isdir(path):
        raise UsageError(f"{describe(path)} is a folder.", "Name a file: folder/out.parquet")
    if any(_is_same(path, one) for one in getattr(source, "paths", ())):
        raise UsageError(
            f"{describe(path)} is the data itself.", "Write to another file, so that it stays."
        )
    return FileOut(path)


def check_path(path: str, endings: tuple[str, ...]) -> None:
    """Refuse what cannot be written, before anything is computed.

    Raises:
        UsageError: the ending says no kind that can be written, or the folder is not one's own.
        NotFound: the folder is not there.
    """
    if "://" in path:
        raise UsageError(
            f"{describe(path)} is an address.", "Write to a file here, or use --on spark."
        )
    if not path.lower().endswith(endings):
        hint = f"Endings that can be written: {' '.join(one for one in endings if one)}"
        if path.isidentifier():
            hint += "; a variable's name works in a notebook"
        raise UsageError(f"{describe(path)} has no ending that says its kind.", hint)
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        folder = os.path.dirname(path) or folder
        raise NotFound(
            f"There is no folder {clean(folder)!r}.", f"Make it: mkdir -p {clean(folder)}"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"Folder {clean(folder)!r} cannot be written to.", "Choose another place.")


def _is_same(one: str, other: str) -> bool:
    with contextlib.suppress(OSError):
        return os.path.samefile(one, other)
    return False
