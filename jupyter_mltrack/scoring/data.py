"""Data as a person names it: a variable, a file, a folder or an address, read as frames of pandas.

Whoever takes `--data` comes here, so that the same words mean the same rows everywhere. Values in
memory are never copied whole; files are read in batches, so that one larger than memory is no
trouble. What needs a cluster (a table's name) is not read here: see `spark.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from jupyter_mltrack.display_text import clean, shorten
from jupyter_mltrack.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ROWS_PER_BATCH = 100_000
_NAME_WIDTH = 200


class NamedData(NamedTuple):
    """A variable of the notebook that was named as data."""

    value: Any
    name: str


class OutVariable(NamedTuple):
    """A variable of the notebook that takes a result."""

    name: str
    namespace: dict[str, Any]

    def set(self, value: Any) -> None:
        """Put the result where the notebook sees it."""
        self.namespace[self.name] = value


class Source(Protocol):
    """Data that was found and not read yet.

    Attributes:
        name: how to call it in a sentence.
        rows: how many; None when only reading tells.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def rows(self) -> int | None: ...  # noqa: D102

    def schema(self) -> pa.Schema:
        """Names and types of the columns, without reading all rows."""

    def tables(
        self, rows_per_batch: int, columns: Sequence[str] | None = None
    ) -> Iterator[pa.Table]:
        """Rows in order, at most so many at a time."""

    def frames(
        self, rows_per_batch: int, columns: Sequence[str] | None = None
    ) -> Iterator[pd.DataFrame]:
        """The same as frames of pandas."""


class FrameSource:
    """A frame that is in memory already."""

    def __init__(self, value: pd.DataFrame, name: str) -> None:
        self.frame = value
        self.name = name
        self._schema: pa.Schema | None = None

    @property
    def rows(self) -> int | None:
        """How many rows there are."""
        return len(self.frame)

    def schema(self) -> pa.Schema:
        """Names and types of the columns; those of Python's objects are looked through.

        Raises:
            UsageError: a column holds values of several kinds, or two have one name.
        """
        if self._schema is None:
            from pandas.api.types import is_object_dtype

            objects = [is_object_dtype(one) for one in self.frame.dtypes]
            whole = as_table(self.frame.loc[:, objects], self.name).schema
            head = as_table(self.frame.iloc[:1000], self.name).schema
            for at, field in enumerate(head):
                if field.name in whole.names:
                    head = head.set(at, whole.field(field.name))
            self._schema = head.remove_metadata()
        return self._schema

    def tables(
        self, rows_per_batch: int, columns: Sequence[str] | None = None
    ) -> Iterator[pa.Table]:
        """Rows in order, at most so many at a time."""
        for part in self.frames(rows_per_batch):
            yield self.table_of(part, columns)

    def table_of(self, part: pd.DataFrame, columns: Sequence[str] | None) -> pa.Table:
        """Some rows as a table whose columns have the types of the whole frame's."""
        import pyarrow as pa

        schema = self.schema()
        chosen = schema.names if columns is None else list(columns)
        target = pa.schema([schema.field(name) for name in chosen])
        return as_table(part, self.name).select(chosen).cast(target)

    def frames(
        self, rows_per_batch: int, columns: Sequence[str] | None = None
    ) -> Iterator[pd.DataFrame]:
        """Slices of the frame with its own index; nothing is copied."""
        chosen = self.frame if columns is None else self.frame[list(columns)]
        for at in range(0, len(chosen), rows_per_batch):
            yield chosen.iloc[at : at + rows_per_batch]


def open_data(data: Any) -> Source:
    """What the words or the value mean, found and not read yet.

    Args:
        data: a frame or series of pandas, an array, rows as a list of dicts, columns as a dict,
            an Arrow table, a frame of polars or Spark, `NamedData`, or a path or address of CSV,
            Parquet, JSON, JSON lines or Arrow files (a folder and `*` mean all of them).

    Raises:
        NotFound: there is no such file; the hint names those that are near.
        UsageError: it is nothing that rows can be read from.
    """
    value = data.value if isinstance(data, NamedData) else data
    if isinstance(value, str | os.PathLike):
        from jupyter_mltrack.scoring import files

        return files.find(os.fspath(value))
    return FrameSource(_frame_of(value, describe(data)), describe(data))


def frame(
    data: Any, *, limit_rows: int | None = None, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """All rows (or the first `limit_rows`) as one frame; `data` as `open_data` takes it.

    Raises:
        NotFound: there is no such file.
        UsageError: it cannot be read, or lacks a column of `columns`.
    """
    source = open_data(data)
    if isinstance(source, FrameSource):
        found = source.frame if limit_rows is None else source.frame.iloc[:limit_rows]
        return found if columns is None else found[list(columns)]
    import pyarrow as pa

    wanted = ROWS_PER_BATCH if limit_rows is None else max(1, min(limit_rows, ROWS_PER_BATCH))
    parts: list[pa.Table] = []
    left = limit_rows
    for part in source.tables(wanted, columns):
        parts.append(part if left is None else part.slice(0, left))
        if left is not None:
            left -= parts[-1].num_rows
            if left <= 0:
                break
    if not parts:
        schema = source.schema()
        chosen = [schema.field(name) for name in schema.names if columns is None or name in columns]
        parts = [pa.schema(chosen).empty_table()]
    return pa.concat_tables(parts).to_pandas()


def batches(
    data: Any, rows_per_batch: int = ROWS_PER_BATCH, *, columns: Sequence[str] | None = None
) -> Iterator[pd.DataFrame]:
    """Frames of at most so many rows, in order; files are read as they are asked for.

    Raises:
        NotFound: there is no such file.
        UsageError: it cannot be read.
    """
    return open_data(data).frames(rows_per_batch, columns)


def describe(data: Any) -> str:
    """How to call the data in a sentence or parameter: a variable's name, a path, or its shape."""
    if isinstance(data, NamedData):
        return data.name
    if isinstance(data, str | os.PathLike):
        return shorten(clean(without_password(os.fspath(data))), _NAME_WIDTH)
    kind = type(data).__name__
    shape = getattr(data, "shape", None)
    if isinstance(shape, tuple) and all(isinstance(one, int) for one in shape):
        return f"{kind} of {' x '.join(map(str, shape))}"
    if isinstance(data, list | dict):
        return f"{kind} of {len(data)}"
    return kind


def without_password(address: str) -> str:
    """The address without the user name and password, and the query, that may stand in it."""
    scheme, mark, rest = address.partition("://")
    if not mark:
        return address
    place, slash, path = rest.partition("/")
    return f"{scheme}://{place.rpartition('@')[2]}{slash}{path.partition('?')[0]}"


def as_table(part: pd.DataFrame, name: str) -> pa.Table:
    """A frame as an Arrow table, without its index; names become text.

    Raises:
        UsageError: a column holds values of several kinds, or two have one name.
    """
    import pyarrow as pa

    part = part.rename(columns=str) if any(not isinstance(one, str) for one in part) else part
    if not part.columns.is_unique:
        twice = part.columns[part.columns.duplicated()][0]
        raise UsageError(f"{name} has two columns {clean(twice)!r}.", "Rename one of them.")
    try:
        return pa.Table.from_pandas(part, preserve_index=False)
    except pa.ArrowException as error:
        text = " ".join(str(one) for one in error.args)
        raise UsageError(
            f"{name} has a column whose values are of several kinds: {clean(text)}.",
            "Make them of one kind: frame['column'] = frame['column'].astype(str)",
        ) from error


def _frame_of(value: Any, name: str) -> pd.DataFrame:
    """A value in memory as a frame.

    Raises:
        UsageError: it holds no rows.
    """
    import numpy as np
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        return value
    if isinstance(value, pd.Series):
        return value.to_frame(value.name if value.name is not None else "0")
    for method in ("to_pandas", "toPandas"):  # Arrow and polars; Spark
        if callable(getattr(value, method, None)):
            found = getattr(value, method)()
            return found if isinstance(found, pd.DataFrame) else _frame_of(found, name)
    try:
        if isinstance(value, np.ndarray):
            return pd.DataFrame(value)
        if isinstance(value, Mapping):
            plain = all(
                isinstance(one, str) or not hasattr(one, "__len__") for one in value.values()
            )
            return pd.DataFrame([dict(value)] if plain and value else dict(value))
        if isinstance(value, list | tuple):
            return pd.DataFrame(list(value))
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"{name} cannot be read as rows: {clean(str(error))}",
            "Rows are a frame, a list of dicts of one shape, or a dict of columns of one length.",
        ) from error
    raise UsageError(
        f"{name} holds no rows: it is a {type(value).__name__}.",
        "Data is a frame, an array, a list of dicts, a dict of columns, or a path.",
    )
