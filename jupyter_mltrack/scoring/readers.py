"""One reader for each kind of file: its columns without its rows, and its rows in batches.

Memory stays that of a few batches, whatever the file's size; a JSON array alone is read whole,
because it has no other way. A CSV file is looked through once before it is read, so that a column
whose later values are of another kind than the first ones gets the type that holds them all.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import MltrackError, Unreachable, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

ENDINGS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".arrow": "arrow",
    ".feather": "arrow",
}
PACKED = (".gz", ".bz2", ".zst", ".lz4")
BLOCK_BYTES = 4 << 20
BUFFER_BYTES = 1 << 20
LOOKED_ROWS = 10_000
_LIMIT_S = 30
_WIDER = {"null": "int64", "int64": "double", "double": "string"}


class Said:
    """A block in which a reader's own errors become two lines that name the data."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        import pyarrow as pa

        if error is None or isinstance(error, MltrackError):
            return
        if isinstance(error, KeyError):  # Arrow's too
            text = " ".join(str(one) for one in error.args)
            raise UsageError(
                f"The files of {self._name} have not the same columns: {clean(text)[:300]}",
                "Read those that are alike: name them, or a pattern that fits them alone.",
            ) from error
        if isinstance(error, pa.ArrowException | ValueError | EOFError):
            text = " ".join(str(one) for one in error.args)
            raise UsageError(
                f"{self._name} cannot be read: {clean(text)[:300]}",
                "It is damaged, or its ending says another kind than it is.",
            ) from error
        if isinstance(error, OSError):
            raise UsageError(
                f"{self._name} cannot be read: {clean(error.strerror or str(error))[:300]}",
                "It may be damaged, moved, or not yours to read.",
            ) from error


def rows(kind: str, system: Any, path: str) -> int | None:
    """How many rows a file has, where its own foot says so."""
    import pyarrow as pa

    if kind != "parquet":
        return None
    from pyarrow import parquet

    try:
        with system.open_input_file(path) as opened:
            return int(parquet.read_metadata(opened).num_rows)
    except (pa.ArrowException, OSError):
        return None


def schema(kind: str, system: Any, paths: list[str], wanted: dict[str, Any]) -> pa.Schema:
    """Names and types of the columns of all files.

    Args:
        kind: of the files.
        system: where they lie.
        paths: in the order of reading; the first one's columns are those of all.
        wanted: types to read columns of text as, where their values are such.
    """
    import pyarrow as pa

    if kind == "parquet":
        from pyarrow import parquet

        with system.open_input_file(paths[0]) as opened:
            return parquet.read_schema(opened).remove_metadata()
    if kind == "csv":
        return _one([_csv_schema(system, path, wanted) for path in paths])
    if kind == "arrow":
        with system.open_input_file(paths[0]) as opened:
            return _arrow(opened).schema.remove_metadata()
    found = [table.schema for path in paths for table in _json(kind, system, path, LOOKED_ROWS)]
    return _one(found) if found else pa.schema([])


def _one(found: list[pa.Schema]) -> pa.Schema:
    """The first one's columns with types that hold what all of them have; text holds anything."""
    import pyarrow as pa

    if len(set(found[0].names)) < len(found[0]):
        return found[0]  # refused by who asked
    fields = []
    for field in found[0]:
        kinds = [one.field(field.name) for one in found if field.name in one.names]
        try:
            whole = pa.unify_schemas(
                [pa.schema([one]) for one in kinds], promote_options="permissive"
            ).field(0)
        except pa.ArrowException:
            whole = pa.field(field.name, pa.string())
        fields.append(whole.with_type(pa.string()) if whole.type == pa.null() else whole)
    return pa.schema(fields)


def tables(
    kind: str, system: Any, path: str, columns: list[str], *, own: pa.Schema, rows_per_batch: int
) -> Iterator[pa.Table]:
    """A file's rows in order; `own` are the columns of the first file of the source."""
    import pyarrow as pa

    if kind == "parquet":
        from pyarrow import parquet

        with (
            system.open_input_file(path) as opened,
            parquet.ParquetFile(opened, pre_buffer=False, buffer_size=BUFFER_BYTES) as file,
        ):
            for batch in file.iter_batches(rows_per_batch, columns=columns):
                yield pa.Table.from_batches([batch]).replace_schema_metadata()
    elif kind == "csv":
        for batch in _csv(system, path, {field.name: field.type for field in own}, columns):
            yield pa.Table.from_batches([batch])
    elif kind == "arrow":
        with system.open_input_file(path) as opened:
            reader = _arrow(opened)
            at = range(reader.num_record_batches) if hasattr(reader, "get_batch") else None
            found = reader if at is None else (reader.get_batch(one) for one in at)
            for batch in found:
                yield pa.Table.from_batches([batch]).replace_schema_metadata().select(columns)
    else:
        for table in _json(kind, system, path, rows_per_batch):
            yield table.select(columns)


def regrouped(parts: Iterator[pa.Table], rows_per_batch: int) -> Iterator[pa.Table]:
    """The same rows with as many in each table as asked for; only the last has fewer."""
    import pyarrow as pa

    kept: list[pa.Table] = []
    count = 0
    for part in parts:
        at = 0
        while count + part.num_rows - at >= rows_per_batch:
            took = rows_per_batch - count
            kept.append(part.slice(at, took))
            yield pa.concat_tables(kept)
            kept, count, at = [], 0, at + took
        if at < part.num_rows:
            kept.append(part.slice(at))
            count += part.num_rows - at
    if kept:
        yield pa.concat_tables(kept)


# ------------------------------------------------------------------------------------ CSV


def _csv_schema(system: Any, path: str, wanted: dict[str, Any]) -> pa.Schema:
    """Types that hold every value of the file: those wanted, where they do, else those guessed.

    A guess is made of the first block; where a later one is of another kind, a wider type is taken
    and the file looked through again.

    Raises:
        UsageError: it is not text in UTF-8.
    """
    import re

    import pyarrow as pa

    types = dict(wanted)
    while True:
        try:
            with _csv_reader(system, path, types, None) as reader:
                found: pa.Schema = reader.schema
                if any(pa.types.is_binary(one.type) for one in found):
                    raise UsageError(
                        f"{clean(path)} is not text in UTF-8.", "Save it anew as UTF-8."
                    )
                if _size(system, path) > BLOCK_BYTES or path.endswith(PACKED):
                    for _ in reader:
                        pass
            return found
        except pa.ArrowInvalid as error:
            said = re.search(r"CSV column #(\d+).*conversion error to (\w+)", str(error), re.DOTALL)
            if said is None or said[2] == "string":
                raise
            with _csv_reader(system, path, {}, None) as reader:
                name = reader.schema.names[int(said[1])]
            if name in wanted and types.get(name) == wanted[name]:
                del types[name]
            else:
                types[name] = pa.type_for_alias(_WIDER.get(said[2], "string"))


def _csv(
    system: Any, path: str, types: dict[str, Any], columns: list[str] | None
) -> Iterator[pa.RecordBatch]:
    with _csv_reader(system, path, types, columns) as reader:
        yield from reader


def _csv_reader(system: Any, path: str, types: dict[str, Any], columns: list[str] | None) -> Any:
    from pyarrow import csv

    stream = system.open_input_stream(path)
    return csv.open_csv(
        stream,
        read_options=csv.ReadOptions(block_size=BLOCK_BYTES),
        parse_options=csv.ParseOptions(delimiter=_delimiter(system, path), newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=types, include_columns=columns or None, strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )  # fmt: skip


def _delimiter(system: Any, path: str) -> str:
    """The character between heads: a comma unless the first line has none of it."""
    with system.open_input_stream(path) as stream:
        head = bytes(stream.read(1 << 16)).split(b"\n", 1)[0]
    counts = {mark: head.count(mark.encode()) for mark in (",", ";", "\t", "|")}
    return "," if counts[","] else max(counts, key=lambda mark: counts[mark])


def _size(system: Any, path: str) -> int:
    return int(system.get_file_info(path).size or 0)


# ----------------------------------------------------------------------------- Arrow, JSON


def _arrow(opened: Any) -> Any:
    """A reader of an Arrow file or stream."""
    import pyarrow as pa

    try:
        return pa.ipc.open_file(opened)
    except pa.ArrowInvalid:
        opened.seek(0)
        return pa.ipc.open_stream(opened)


def _json(kind: str, system: Any, path: str, rows_per_batch: int) -> Iterator[pa.Table]:
    import json

    import pandas as pd

    from jupyter_mltrack.scoring.data import as_table, describe, open_data

    with system.open_input_stream(path) as stream:
        if kind == "jsonl":
            for rows in _lines(stream, rows_per_batch):
                yield as_table(pd.DataFrame(rows), describe(path))
            return
        value = json.loads(bytes(stream.read()))
    if isinstance(value, dict) and {"columns", "data"} <= set(value):
        value = pd.DataFrame(value["data"], columns=value["columns"])
    if not isinstance(value, list | dict | pd.DataFrame):
        raise UsageError(
            f"{describe(path)} holds no rows.", "A JSON file of data is an array of objects."
        )
    yield from open_data(value).tables(rows_per_batch)


def _lines(stream: Any, count: int) -> Iterator[list[dict[str, Any]]]:
    """Objects of JSON lines, so many at a time.

    Raises:
        ValueError: a line holds no object.
    """
    import io
    import json

    rows: list[dict[str, Any]] = []
    for number, text in enumerate(io.TextIOWrapper(stream, encoding="utf-8"), 1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
        if not isinstance(row, dict):
            raise ValueError(f"line {number} holds no object")  # noqa: TRY004  # of the data
        rows.append(row)
        if len(rows) == count:
            yield rows
            rows = []
    if rows:
        yield rows


# -------------------------------------------------------------------------------- address


def download(address: str) -> str:
    """What an address gives, as the one file of a new folder; the caller removes that.

    Raises:
        Unreachable: it gave no answer, or an answer that is an error.
    """
    import shutil
    import urllib.error
    import urllib.request
    from urllib.parse import urlsplit

    from jupyter_mltrack.scoring.data import describe

    ending = os.path.basename(urlsplit(address).path)[-40:]
    folder = tempfile.mkdtemp(prefix="mltrack-data-")
    place = os.path.join(folder, ending or "data")
    try:
        with (
            urllib.request.urlopen(address, timeout=_LIMIT_S) as answer,  # noqa: S310  # http(s) only
            open(place, "wb") as file,
        ):
            shutil.copyfileobj(answer, file, 1 << 20)
    except (urllib.error.URLError, TimeoutError, OSError, ValueError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        reason = getattr(error, "reason", None) or error
        raise Unreachable(
            f"{describe(address)} could not be fetched: {clean(str(reason))}",
            "Check the address, or fetch it yourself and name the file.",
        ) from error
    return place
