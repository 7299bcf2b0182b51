"""The first rows of tables: CSV, JSON lines, MLflow's own tables, Parquet.

Rows, columns and the text of a cell are bounded. Of a Parquet file the footer and the first pages
of some columns are read, in bounded memory: what its pages unfold to is a stranger's word.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import msgspec

from jupyter_mltrack import wire

ROWS_MAX = 200
COLUMNS_MAX = 50
CELL_CHARACTERS_MAX = 300
FOOTER_BYTES_MAX = 16 << 20
MEMORY_BYTES_MAX = 1 << 30
"""What reading a Parquet file may take on top of what the process has."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass
class Table:
    """Rows as text. `row_count` is None when not all were seen."""

    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)
    row_count: int | None = None
    truncated: bool = False


def filled(made: wire.ArtifactPreview, table: Table) -> wire.ArtifactPreview:
    """The preview of a table."""
    wide = len(table.columns) > COLUMNS_MAX
    return msgspec.structs.replace(
        made,
        kind="table",
        columns=[cell(name) for name in table.columns[:COLUMNS_MAX]],
        rows=table.rows,
        row_count=table.row_count,
        truncated=table.truncated or wide,
    )


def cell(value: Any) -> str:
    """One value as the text of its cell, on one line."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    text = value if isinstance(value, str) else _said(value)
    text = _CONTROL.sub(" ", text[: CELL_CHARACTERS_MAX + 1])
    return text if len(text) <= CELL_CHARACTERS_MAX else text[: CELL_CHARACTERS_MAX - 1] + "…"


def _said(value: Any) -> str:
    if isinstance(value, dict | list | bool):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def separated(text: str, delimiter: str, *, whole: bool) -> Table | None:
    """Rows of CSV or TSV; None when it is no table. The first row names the columns."""
    if delimiter == ",":
        delimiter = _delimiter(text)
    found: list[list[str]] = []
    count = 0
    try:
        for row in csv.reader(text.splitlines(keepends=True), delimiter=delimiter):
            count += 1
            if not whole and len(found) > ROWS_MAX:
                break  # only a whole file has a number of rows to be told
            if len(found) <= ROWS_MAX:
                found.append([cell(one) for one in row[:COLUMNS_MAX]] if found else row)
    except csv.Error:
        return None
    if not found or not found[0]:
        return None
    if not whole and count == len(found) > 1:
        found.pop()  # its end may be missing
    columns, *rows = found
    more = not whole or count > len(found)
    return Table(columns, rows, count - 1 if whole else None, truncated=more)


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    counts = {sign: first.count(sign) for sign in ",;\t|"}
    return max(counts, key=lambda sign: counts[sign])


def json_lines(text: str, *, whole: bool) -> Table | None:
    """Rows of one JSON value a line; None when a line is none."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not whole:
        lines = lines[:-1]
    try:
        values = [json.loads(line) for line in lines[:ROWS_MAX]]
    except (ValueError, RecursionError):
        return None
    if not values:
        return None
    records = [one if isinstance(one, dict) else {"value": one} for one in values]
    columns = list(dict.fromkeys(name for record in records for name in record))
    rows = [[cell(record.get(name)) for name in columns[:COLUMNS_MAX]] for record in records]
    more = not whole or len(lines) > len(rows)
    return Table(columns, rows, len(lines) if whole else None, truncated=more)


def split_json(said: Any) -> Table | None:
    """Rows of a table as `mlflow.log_table` writes it; None for any other JSON."""
    if not isinstance(said, dict) or not {"columns", "data"} <= said.keys() or len(said) > 3:
        return None
    columns, data = said["columns"], said["data"]
    if not isinstance(columns, list) or not isinstance(data, list):
        return None
    if not all(isinstance(row, list) for row in data):
        return None
    rows = [[cell(one) for one in row[:COLUMNS_MAX]] for row in data[:ROWS_MAX]]
    return Table([str(name) for name in columns], rows, len(data), len(data) > ROWS_MAX)


# -------------------------------------------------------------------------------- parquet


def parquet(made: wire.ArtifactPreview, file: BinaryIO | None) -> wire.ArtifactPreview:
    """The first rows of a Parquet file; without rows when it is too large or damaged."""
    if file is None:
        return msgspec.structs.replace(made, truncated=True)
    with file:
        if not _is_parquet(file):
            return made
        import pyarrow.parquet

        pyarrow.allocate_buffer(1)  # before the bound: it reserves much and uses little of it

        try:
            with bounded_memory(MEMORY_BYTES_MAX):
                table = _parquet_rows(file)
        # Arrow names what it cannot read, a codec it was built without too, in all these ways.
        except (MemoryError, OSError, ValueError, KeyError, NotImplementedError):
            return msgspec.structs.replace(made, truncated=True)
    return filled(made, table)


def _is_parquet(file: BinaryIO) -> bool:
    """Both ends are those of a Parquet file, and its footer is of a size to be read."""
    size = file.seek(0, 2)
    if size < 12:
        return False
    file.seek(0)
    begins = file.read(4)
    file.seek(size - 8)
    footer, ends = int.from_bytes(file.read(4), "little"), file.read(4)
    file.seek(0)
    return begins == ends == b"PAR1" and footer <= min(size, FOOTER_BYTES_MAX)


def _parquet_rows(file: BinaryIO) -> Table:
    import pyarrow.parquet

    # The buffer makes it read page by page and not whole columns.
    opened = pyarrow.parquet.ParquetFile(file, buffer_size=1 << 16, pre_buffer=False)
    names = opened.schema_arrow.names
    count = opened.metadata.num_rows
    columns = list(names)
    rows: list[list[str]] = []
    if opened.metadata.num_row_groups and names:
        batches = opened.iter_batches(
            batch_size=ROWS_MAX, row_groups=[0], columns=columns[:COLUMNS_MAX], use_threads=False
        )
        batch = next(batches, None)
        if batch is not None:
            columns = [*batch.schema.names, *columns[COLUMNS_MAX:]]
            rows = _rows([column.to_pylist() for column in batch.slice(0, ROWS_MAX).columns])
    return Table(columns, rows, count, count > len(rows))


def _rows(columns: Sequence[Sequence[Any]]) -> list[list[str]]:
    return [[cell(one) for one in row] for row in zip(*columns, strict=True)]


@contextmanager
def bounded_memory(more_bytes: int) -> Iterator[None]:
    """Have this process take no more than `more_bytes` on top of what it has."""
    try:
        import resource

        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
    except (ImportError, OSError, ValueError):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = used + more_bytes
    if soft != resource.RLIM_INFINITY:
        wanted = min(wanted, soft)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
