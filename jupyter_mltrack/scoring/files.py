"""Files as a source of rows: one, a folder, or all that fit a pattern, here or at an address.

Everything is read in batches in the order of the files' names. Files of one source have one kind
and the first one's columns. A folder as Spark writes it (`_SUCCESS`, `key=value` folders) is read
like any other.
"""

from __future__ import annotations

import glob
import os
import shutil
import weakref
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import NotFound, Unreachable, UsageError
from jupyter_mltrack.scoring import readers
from jupyter_mltrack.scoring.data import describe

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

PARTITION_NULL = "__HIVE_DEFAULT_PARTITION__"
_NEAR = 3


class FileSource:
    """Files of one kind, in the order in which they are read."""

    def __init__(self, name: str, kind: str, paths: list[str], root: str, system: Any) -> None:
        self.name = name
        self.kind = kind
        self.paths = paths
        self._system = system
        self._partitions = [_partition(path, root) for path in paths]
        self._schema: pa.Schema | None = None
        self._wanted: dict[str, Any] = {}

    @property
    def is_text(self) -> bool:
        """Whether the files say nothing of types: CSV."""
        return self.kind == "csv"

    def expect(self, types: dict[str, Any]) -> None:
        """Read columns of text as these types of Arrow, where all their values are such."""
        self._wanted = dict(types)
        self._schema = None

    @property
    def rows(self) -> int | None:
        """How many rows; None where only reading tells."""
        counted = [readers.rows(self.kind, self._system, path) for path in self.paths[:1000]]
        if len(self.paths) > 1000 or None in counted:
            return None
        return sum(one or 0 for one in counted)

    def schema(self) -> pa.Schema:
        """Names and types of the columns, those of `key=value` folders last."""
        if self._schema is None:
            with self._said():
                own = readers.schema(self.kind, self._system, self.paths, self._wanted)
            _refuse_twice(own.names, self.name)
            for field in self._partition_fields():
                own = own.append(field)
            self._schema = own
        return self._schema

    def tables(
        self, rows_per_batch: int, columns: Sequence[str] | None = None
    ) -> Iterator[pa.Table]:
        """Rows in order, at most so many at a time.

        Raises:
            UsageError: a file is damaged, or its columns are not those of the first one.
        """
        schema = self.schema()
        wanted = schema.names if columns is None else list(columns)
        missing = [one for one in wanted if one not in schema.names]
        if missing:
            raise UsageError(
                f"{self.name} has no column {', '.join(map(clean, missing))}.",
                f"It has: {clean(', '.join(schema.names))}",
            )
        with self._said():
            yield from readers.regrouped(
                self._parts(schema, wanted, rows_per_batch), rows_per_batch
            )

    def frames(
        self, rows_per_batch: int, columns: Sequence[str] | None = None
    ) -> Iterator[pd.DataFrame]:
        """The same as frames of pandas."""
        for table in self.tables(rows_per_batch, columns):
            yield table.to_pandas()

    def _parts(self, schema: pa.Schema, wanted: list[str], rows: int) -> Iterator[pa.Table]:
        import pyarrow as pa

        partitions = {field.name: field for field in self._partition_fields()}
        own = pa.schema([field for field in schema if field.name not in partitions])
        chosen = [name for name in wanted if name not in partitions]
        for path, values in zip(self.paths, self._partitions, strict=True):
            for part in readers.tables(
                self.kind, self._system, path, chosen, own=own, rows_per_batch=rows
            ):
                table = part
                for name, field in partitions.items():
                    if name in wanted:
                        same = pa.repeat(_scalar(values.get(name), field.type), part.num_rows)
                        table = table.append_column(field, same)
                target = pa.schema([schema.field(name) for name in wanted])
                table = table.select(wanted)
                yield table if table.schema.equals(target) else self._cast(table, target, path)

    def _cast(self, table: pa.Table, target: pa.Schema, path: str) -> pa.Table:
        import pyarrow as pa

        try:
            return table.cast(target)
        except (pa.ArrowException, ValueError) as error:
            raise UsageError(
                f"The columns of {describe(path)} are not those of the first file: "
                f"{clean(str(error))}",
                "Files of one source have the same columns of the same types.",
            ) from error

    def _partition_fields(self) -> list[pa.Field]:
        import pyarrow as pa

        names = list(self._partitions[0])
        fields = []
        for name in names:
            texts = [one.get(name) for one in self._partitions]
            numbers = all(text is None or text.lstrip("-").isdecimal() for text in texts)
            fields.append(pa.field(name, pa.int64() if numbers else pa.string()))
        return fields

    def _said(self) -> readers.Said:
        return readers.Said(self.name)


def find(words: str) -> FileSource:
    """The files that a path, a folder, a pattern or an address means.

    Raises:
        NotFound: there are none; the hint names those that are near.
        UsageError: their ending says no kind that can be read.
        Unreachable: the address gave no answer.
    """
    name = describe(words)
    if words.startswith(("http://", "https://")):
        kind = _kind(words.partition("?")[0], name)
        path = readers.download(words)
        source = FileSource(name, kind, [path], "", _local())
        weakref.finalize(source, shutil.rmtree, os.path.dirname(path), ignore_errors=True)
        return source
    if "://" in words and not words.startswith("file://"):
        return _far(words, name)
    path = os.path.expanduser(words.removeprefix("file://"))
    if os.path.isdir(path):
        paths, root = _below(path), path
    elif os.path.exists(path):
        paths, root = [path], ""
    else:
        paths = sorted(one for one in glob.glob(path, recursive=True) if _is_data(one))
        root = path[: min(path.find(mark) for mark in "*?[" if mark in path)] if paths else ""
    if not paths:
        raise _nothing(path, name)
    return FileSource(name, _one_kind(paths, name), paths, root, _local())


def _local() -> Any:
    from pyarrow import fs

    return fs.LocalFileSystem()


def _below(folder: str) -> list[str]:
    """Files below a folder in the order of their names, without hidden ones and marks."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if not one.startswith((".", "_")))
        found += [os.path.join(place, one) for one in sorted(names)]
    return [one for one in found if _is_data(one)]


def _is_data(path: str) -> bool:
    return not os.path.basename(path).startswith((".", "_")) and not os.path.isdir(path)


def _far(words: str, name: str) -> FileSource:
    """Files at an address of a store that Arrow knows: s3, gs, abfs, hdfs."""
    import pyarrow as pa
    from pyarrow import fs

    try:
        system, path = fs.FileSystem.from_uri(words)
        info = system.get_file_info(path)
        if info.type == fs.FileType.Directory:
            found = system.get_file_info(fs.FileSelector(path, recursive=True))
            paths = sorted(one.path for one in found if one.is_file and _is_data(one.path))
        else:
            paths = [path] if info.type == fs.FileType.File else []
    except (pa.ArrowInvalid, NotImplementedError) as error:  # Arrow was built without this scheme
        raise UsageError(
            f"{name} is no address that can be read: {clean(str(error))}",
            "Addresses begin with https://, s3://, gs://, abfs://, hdfs:// or file://.",
        ) from error
    except OSError as error:
        raise Unreachable(
            f"{name} could not be read: {clean(str(error))}", "Try again, or fetch it first."
        ) from error
    if not paths:
        raise NotFound(f"There is nothing at {name}.", "Check the address.")
    return FileSource(name, _one_kind(paths, name), paths, path, system)


def _kind(path: str, name: str) -> str:
    """What kind of file the ending says.

    Raises:
        UsageError: none that can be read.
    """
    lowered = path.lower()
    for packed in readers.PACKED:
        lowered = lowered.removesuffix(packed)
    for ending, kind in readers.ENDINGS.items():
        if lowered.endswith(ending):
            return kind
    ending = os.path.splitext(lowered)[1]
    raise UsageError(
        f"{name} ends in {clean(ending)!r}, which says no kind of data."
        if ending
        else f"{name} has no ending that says its kind.",
        f"Endings that can be read: {' '.join(readers.ENDINGS)}",
    )


def _one_kind(paths: list[str], name: str) -> str:
    """The kind of all files.

    Raises:
        UsageError: they are of several, or of none that can be read.
    """
    kinds = sorted({_kind(one, name if len(paths) == 1 else describe(one)) for one in paths})
    if len(kinds) > 1:
        raise UsageError(
            f"{name} holds files of several kinds: {', '.join(kinds)}.",
            "Name those of one kind: 'folder/*.parquet'",
        )
    return kinds[0]


def _nothing(path: str, name: str) -> NotFound:
    import difflib

    if os.path.isdir(path):
        return NotFound(f"There is no file in {name}.", "Name a file or another folder.")
    folder, last = os.path.split(path)
    try:
        names = [one for one in os.listdir(folder or ".") if not one.startswith(".")]
    except OSError:
        return NotFound(
            f"There is no folder {clean(folder)!r}.", f"Paths begin at {clean(os.getcwd())}"
        )
    if any(mark in path for mark in "*?["):
        return NotFound(f"No file fits {name}.", f"Paths begin at {clean(os.getcwd())}")
    near = difflib.get_close_matches(last, names, n=_NEAR, cutoff=0.5)
    hint = f"Did you mean {clean(', '.join(os.path.join(folder, one) for one in near))}? "
    what = "file" if "." in last or folder else "variable and no file"
    return NotFound(
        f"There is no {what} {name!r}.",
        (hint if near else "") + f"Paths begin at {clean(os.getcwd())}",
    )


def _partition(path: str, root: str) -> dict[str, str | None]:
    """Values that `key=value` folders between the root and the file say."""
    from urllib.parse import unquote

    found: dict[str, str | None] = {}
    if root:
        for piece in path[len(root) :].replace(os.sep, "/").split("/")[:-1]:
            key, equals, value = piece.partition("=")
            if equals and key:
                found[unquote(key)] = None if value == PARTITION_NULL else unquote(value)
    return found


def _scalar(text: str | None, kind: Any) -> Any:
    import pyarrow as pa

    value = int(text) if text is not None and pa.types.is_integer(kind) else text
    return pa.scalar(value, kind)


def _refuse_twice(names: Sequence[str], name: str) -> None:
    twice = sorted({one for one in names if list(names).count(one) > 1})
    if twice:
        raise UsageError(f"{name} has two columns {clean(twice[0])!r}.", "Rename one of them.")
