"""The log of what an endpoint was asked and answered: reading it, and packing what is closed.

A replica appends one JSON line for each request to `LABEL-PID-STARTMS.jsonl`; a file that it is
done with is named `*.closed.jsonl`, and `compact` packs it into Parquet. Inputs and outputs stay
JSON text in one column each, because versions of a model differ in their columns. A line that is
cut or damaged is skipped and counted, never an error: the writer may have been killed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MAX_BYTES = 256 << 20
LINE_BYTES_MAX = 64 << 20
_COLUMNS = (
    "t_ms", "id", "version", "status", "latency_ms", "rows", "shadow", "error", "inputs", "outputs",
)  # fmt: skip
_ROWS_PER_TABLE = 5_000
_TRIES = 5
CLOSED = ".closed.jsonl"


class _Line(msgspec.Struct):
    """One request as the replica writes it; inputs and outputs are kept as they stand."""

    t_ms: int
    id: str
    version: str
    status: int
    latency_ms: float
    rows: int | None = None
    inputs: msgspec.Raw = msgspec.Raw(b"null")
    outputs: msgspec.Raw = msgspec.Raw(b"null")
    shadow: bool = False
    error: str | None = None


class _Table(msgspec.Struct):
    """Rows with the names of their columns."""

    columns: list[Any]
    data: list[list[Any]]


class Log(NamedTuple):
    """Requests in order of time.

    Attributes:
        requests: one row each.
        damaged: how many lines or files could not be read.
        cut: older requests were left out, because only so many rows were asked for.
    """

    requests: pd.DataFrame
    damaged: int
    cut: bool = False


class _Wanted(NamedTuple):
    """What `read` was asked for."""

    since_ms: int | None
    until_ms: int | None
    columns: list[str]
    rows_max: int | None
    every: int


class Rows(NamedTuple):
    """Rows of many requests under each other, with what they belong to.

    Attributes:
        frame: the columns; a column that a request lacks is missing in its rows.
        request: index in `Log.requests` of each row.
        row: number of each row within its request.
    """

    frame: pd.DataFrame
    request: Any
    row: Any


# ------------------------------------------------------------------------------- reading


def read(
    folder: Path,
    *,
    since_ms: int | None = None,
    until_ms: int | None = None,
    columns: Sequence[str] = _COLUMNS,
    rows_max: int | None = None,
    every: int = 1,
) -> Log:
    """Requests of `since_ms` <= time < `until_ms`; no folder means no requests.

    Args:
        folder: an endpoint's `inference` folder.
        since_ms: None means from the first one.
        until_ms: None means to the newest one.
        columns: which to read; inputs and outputs cost the most.
        rows_max: only the newest requests, with at most about so many rows; needs column `rows`.
        every: only each so-manieth request of a file, for shares that need not be exact.
    """
    import pandas as pd
    import pyarrow as pa

    wanted = _Wanted(
        since_ms, until_ms, list(dict.fromkeys(["t_ms", *columns])), rows_max, max(1, every)
    )
    from jupyter_mltrack.monitoring.log_packing import held

    with held(folder):
        for again in range(_TRIES):
            try:
                tables, damaged = _all_tables(folder, wanted, forgiving=again == _TRIES - 1)
                break
            except FileNotFoundError:  # its writer closed it meanwhile
                continue
    if not tables:
        return Log(schema().empty_table().select(wanted.columns).to_pandas(), damaged)
    found = pa.concat_tables(tables).sort_by("t_ms").to_pandas()
    assert isinstance(found, pd.DataFrame)
    if rows_max is None or _weight(found["rows"]) <= rows_max:
        return Log(found, damaged)
    weights = found["rows"].clip(lower=1)[::-1].cumsum()[::-1]
    return Log(found[weights <= rows_max].reset_index(drop=True), damaged, cut=True)


def _weight(rows: Any) -> int:
    return int(rows.clip(lower=1).sum())


def _all_tables(folder: Path, wanted: _Wanted, *, forgiving: bool) -> tuple[list[pa.Table], int]:
    """What the files hold, the newest first, each request once.

    Raises:
        FileNotFoundError: a file went away between listing and reading, unless `forgiving`.
    """
    found: dict[str, list[pa.Table]] = {}
    joined: set[str] = set()
    damaged = weight = 0
    began_ms, before = int(time.time() * 1000), _stems(folder)
    for path in _files(folder, wanted.since_ms, forgiving=forgiving):
        if wanted.rows_max is not None and weight > wanted.rows_max:
            break
        if path.name in joined:
            continue
        try:
            tables, bad = _tables(path, wanted.columns)
        except FileNotFoundError:
            if not forgiving:
                raise
            continue
        damaged += bad
        found[path.name] = []
        for table in tables:
            names = (table.schema.metadata or {}).get(b"joined", b"").decode()
            joined.update(filter(None, names.split("\n")))
            kept = _within(table.replace_schema_metadata(None), wanted)
            if wanted.rows_max is not None:
                weight += _weight(kept["rows"].to_pandas())
            found[path.name].append(kept)
    if not forgiving and any(_began_ms(one) < began_ms for one in _stems(folder) - before):
        raise FileNotFoundError  # a folder that is listed while a file is renamed may lack it
    return [one for name, tables in found.items() if name not in joined for one in tables], damaged


def rows_of(log: Log, column: str) -> Rows:
    """The rows of `inputs` or `outputs` of all requests that have them, under each other."""
    import numpy as np
    import pandas as pd

    decode = msgspec.json.Decoder(_Table).decode
    groups: dict[tuple[str, ...], tuple[list[list[Any]], list[int], list[int]]] = {}
    for at, text in enumerate(log.requests[column].tolist()):
        if not isinstance(text, str):
            continue
        try:
            table = decode(text)
        except msgspec.MsgspecError:
            continue
        names = tuple(map(str, table.columns))
        data, requests, numbers = groups.setdefault(names, ([], [], []))
        for number, row in enumerate(table.data):
            if len(row) == len(names):
                data.append(row)
                requests.append(at)
                numbers.append(number)
    frames = [
        pd.DataFrame.from_records(data, columns=list(names))
        for names, (data, _, _) in groups.items()
    ]
    requests = [one for _, found, _ in groups.values() for one in found]
    numbers = [one for _, _, found in groups.values() for one in found]
    values = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    return Rows(values, np.array(requests, dtype=np.int64), np.array(numbers, dtype=np.int64))


def _stems(folder: Path) -> set[str]:
    try:
        return {stem(Path(name)) for name in os.listdir(folder) if not name.startswith(".")}
    except (FileNotFoundError, NotADirectoryError):
        return set()


def _began_ms(name: str) -> int:
    """When a file was begun, by its name; now for a name that does not say it."""
    tail = name.rpartition("-")[2]
    return int(tail) if tail.isdecimal() else int(time.time() * 1000)


def _files(folder: Path, since_ms: int | None, *, forgiving: bool) -> list[Path]:
    """Files that may hold requests since then, the newest first; lines packed already are not."""
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    packed = {name.removesuffix(".parquet") for name in names if name.endswith(".parquet")}
    found: list[tuple[int, Path]] = []
    for name in names:
        if name.endswith(".jsonl") and stem(Path(name)) in packed:
            continue
        if not name.endswith((".jsonl", ".parquet")) or name.startswith("."):
            continue
        path = folder / name
        try:
            mtime_ns = path.stat().st_mtime_ns
        except FileNotFoundError:
            if not forgiving:
                raise
            continue
        if since_ms is None or mtime_ns // 1_000_000 + 1 >= since_ms:
            found.append((mtime_ns, path))
    return [path for _, path in sorted(found, reverse=True)]


def _tables(path: Path, columns: list[str]) -> tuple[list[pa.Table], int]:
    """What a file holds, and how much of it is damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix == ".parquet":
        with open(path, "rb") as file:
            try:
                table = pq.read_table(file, columns=columns).select(columns)
                kinds = pa.schema([schema().field(name) for name in columns])
                return [table.cast(kinds.with_metadata(table.schema.metadata))], 0
            except (pa.ArrowException, OSError, KeyError):
                return [], 1
    counter = [0]
    return [table.select(columns) for table in parsed(path, counter)], counter[0]


def _within(table: pa.Table, wanted: _Wanted) -> pa.Table:
    import pyarrow.compute as pc

    if wanted.since_ms is not None:
        table = table.filter(pc.greater_equal(table["t_ms"], wanted.since_ms))
    if wanted.until_ms is not None:
        table = table.filter(pc.less(table["t_ms"], wanted.until_ms))
    return table if wanted.every == 1 else table.take(list(range(0, len(table), wanted.every)))


def schema() -> pa.Schema:
    """Columns of a packed file."""
    import pyarrow as pa

    return pa.schema(
        [
            ("t_ms", pa.int64()),
            ("id", pa.string()),
            ("version", pa.string()),
            ("status", pa.int32()),
            ("latency_ms", pa.float64()),
            ("rows", pa.int32()),
            ("shadow", pa.bool_()),
            ("error", pa.string()),
            ("inputs", pa.string()),
            ("outputs", pa.string()),
        ]
    )


def parsed(path: Path, damaged: list[int]) -> Iterator[pa.Table]:
    """A file of lines as tables; adds to `damaged[0]`. The last line may still be written."""
    import pyarrow as pa

    decode = msgspec.json.Decoder(_Line).decode
    fields = schema()
    rows: list[dict[str, Any]] = []
    with open(path, "rb") as file:
        while line := file.readline(LINE_BYTES_MAX):
            is_last = not line.endswith(b"\n")
            try:
                rows.append(_row(decode(line)))
            except (msgspec.MsgspecError, UnicodeDecodeError, OverflowError):
                # what is cut at the end of a file that is still open is not damage yet
                damaged[0] += 0 if is_last and not path.name.endswith(CLOSED) else 1
            if len(rows) >= _ROWS_PER_TABLE:
                yield pa.Table.from_pylist(rows, fields)
                rows = []
    if rows:
        yield pa.Table.from_pylist(rows, fields)


def _row(line: _Line) -> dict[str, Any]:
    rows = line.rows or 0
    if not (-(2**62) < line.t_ms < 2**62 and abs(line.status) < 2**31 and 0 <= rows < 2**31):
        raise OverflowError
    return {
        "t_ms": line.t_ms,
        "id": line.id,
        "version": line.version,
        "status": line.status,
        "latency_ms": line.latency_ms,
        "rows": rows,
        "shadow": line.shadow,
        "error": line.error,
        "inputs": _text(line.inputs),
        "outputs": _text(line.outputs),
    }


def _text(raw: msgspec.Raw) -> str | None:
    held = bytes(raw)
    return None if held == b"null" else held.decode()


def stem(path: Path) -> str:
    """The name without its endings: the same for a file open, closed and packed."""
    return path.name.removesuffix(".jsonl").removesuffix(".closed").removesuffix(".parquet")


# ------------------------------------------------------------------------------- packing


def compact(folder: Path | str, max_bytes: int = MAX_BYTES) -> int:
    """Pack what is closed, join small files, and drop the oldest beyond the limit.

    Safe beside writers, readers and another packing, and when killed at any moment: a packed file
    appears whole or not at all, and the lines that it holds are removed after that.

    Args:
        folder: an endpoint's `inference` folder.
        max_bytes: how much may stay; the file that is being written to counts but stays.

    Returns:
        How many files of lines were packed; 0 while another packing is under way.
    """
    from jupyter_mltrack.monitoring import log_packing

    return log_packing.pack(Path(folder), max_bytes)
