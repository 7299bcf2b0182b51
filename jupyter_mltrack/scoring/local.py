"""Score here, in batches: the next one is read and the last one written while one is predicted.

Reading and writing have a thread each; the model runs in the caller's, so that an interrupt reaches
it. At most a few batches are in memory at a time.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import MltrackError, UsageError
from jupyter_mltrack.scoring import fitting
from jupyter_mltrack.scoring.data import FrameSource, Source
from jupyter_mltrack.scoring.out import Out
from jupyter_mltrack.scoring.predictions import Columns

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

T = TypeVar("T")
AHEAD = 2
BATCH_BYTES = 32 << 20
ROWS_MAX, ROWS_MIN = 100_000, 1_000
FIRST_ROWS = 1_000
PIECE_MIN_S, PIECE_MAX_S = 0.25, 2.0
_WAIT_S = 0.2

Told = Callable[[int, int | None, float, str], None]
"""Gets how many are done, how many there are if that is known, seconds passed, rows or tasks."""


class Part(NamedTuple):
    """Some rows: as the model gets them, and what of them goes into the output."""

    frame: pd.DataFrame
    kept: pa.Table | None
    rows: int


def rows_per_batch(source: Source) -> int:
    """How many rows make a batch of moderate size."""
    import pyarrow as pa

    row_bytes = 0
    for field in source.schema():
        try:
            row_bytes += max(1, field.type.bit_width // 8)
        except ValueError:  # no fixed width
            row_bytes += 1024 if pa.types.is_nested(field.type) else 64
    return max(ROWS_MIN, min(ROWS_MAX, BATCH_BYTES // max(1, row_bytes)))


def run(
    model: Any,
    source: Source,
    fit: fitting.Fit,
    *,
    kept: list[str],
    columns: Columns,
    out: Out,
    batch_rows: int,
    name: str,
    told: Told | None,
) -> int:
    """Score all rows and keep the output; the count of rows.

    Args:
        model: loaded by MLflow.
        source: the rows.
        fit: how the model gets them.
        kept: columns of the data that the output has.
        columns: makes columns of predictions.
        out: takes the output; it is closed when all is there, else abandoned.
        batch_rows: how many rows at a time.
        name: of the model, in a sentence.
        told: is called about once a batch.

    Raises:
        MltrackError: the model failed, or the output cannot be written.
    """
    began = time.monotonic()
    total = source.rows
    done = 0
    pace = Pace(batch_rows)
    try:
        with (
            Ahead(_parts(source, fit, kept, batch_rows, with_kept=out.wants_inputs)) as coming,
            Behind(out.write) as going,
        ):
            for part in coming:
                made = _predicted(model, part, columns, pace, before=done, name=name)
                going.put(_joined(part.kept, made))
                done += part.rows
                if told is not None:
                    told(done, total, time.monotonic() - began, "rows")
        if not done:
            raise UsageError(f"{source.name} has no rows.", "There is nothing to score.")
        out.close()
    except BaseException:
        out.abandon()
        raise
    return done


def _parts(
    source: Source, fit: fitting.Fit, kept: list[str], rows: int, *, with_kept: bool
) -> Iterator[Part]:
    if isinstance(source, FrameSource):
        for frame in source.frames(rows):
            given = frame if fit.inputs is None else frame[fit.inputs]
            table = source.table_of(frame, kept) if with_kept else None
            yield Part(fitting.cast_frame(given, fit.casts), table, len(frame))
        return
    inputs = source.schema().names if fit.inputs is None else fit.inputs
    for table in source.tables(rows, list(dict.fromkeys([*inputs, *kept]))):
        given = fitting.cast_table(table.select(inputs), fit.casts).to_pandas()
        yield Part(given, table.select(kept) if with_kept else None, table.num_rows)


class Pace:
    """How many rows the model gets at once: fewer where it is slow, so that one sees it move."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.rows = min(FIRST_ROWS, most)

    def took(self, rows: int, seconds: float) -> None:
        """Learn from the last piece."""
        if seconds < PIECE_MIN_S and rows >= self.rows:
            self.rows = min(self._most, self.rows * 10)
        elif seconds > PIECE_MAX_S:
            self.rows = max(1, self.rows // 2)


def _predicted(
    model: Any, part: Part, columns: Columns, pace: Pace, *, before: int, name: str
) -> pa.Table:
    import pyarrow as pa

    made = []
    at = 0
    while at < part.rows:
        piece = part.frame if pace.rows >= part.rows - at and not at else part.frame.iloc[
            at : at + pace.rows
        ]  # fmt: skip
        began = time.monotonic()
        try:
            value = model.predict(piece)
        except Exception as error:
            first = before + at + 1
            raise _failed(name, first, first + len(piece) - 1, error) from error
        made.append(columns.of(value, len(piece)))
        pace.took(len(piece), time.monotonic() - began)
        at += len(piece)
    return made[0] if len(made) == 1 else pa.concat_tables(made)


def _failed(name: str, first: int, last: int, error: Exception) -> MltrackError:
    text = " ".join(str(error).split())[:300]
    said = clean(f"{type(error).__name__}: {text}" if text else type(error).__name__)
    hint = "Nothing was written. Look at these rows, and at what the model takes: "
    return UsageError(
        f"{name} failed on rows {first:,} to {last:,}: {said}", f"{hint}%mltrack models {name}"
    )


def _joined(kept: pa.Table | None, made: pa.Table) -> pa.Table:
    if kept is None:
        return made
    for field in made.schema:
        kept = kept.append_column(field, made.column(field.name))
    return kept


# -------------------------------------------------------------------------------- threads


class Ahead(Generic[T]):
    """What an iterable gives, made in a thread a little ahead of who takes it."""

    def __init__(self, made: Iterable[T]) -> None:
        self._made = made
        self._ready: queue.Queue[tuple[str, Any]] = queue.Queue(AHEAD)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mltrack-read", daemon=True)

    def __enter__(self) -> Iterator[T]:
        self._thread.start()
        return self._taken()

    def _run(self) -> None:
        try:
            for one in self._made:
                if not self._put(("one", one)):
                    return
            self._put(("end", None))
        except BaseException as error:
            self._put(("error", error))

    def _put(self, what: tuple[str, Any]) -> bool:
        while not self._stop.is_set():
            with contextlib.suppress(queue.Full):
                self._ready.put(what, timeout=_WAIT_S)
                return True
        return False

    def _taken(self) -> Iterator[T]:
        while True:
            kind, value = self._ready.get()
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()


class Behind:
    """Does in a thread, one after the other, what it is given; its failure stops who gives."""

    def __init__(self, act: Callable[[Any], None]) -> None:
        self._act = act
        self._waiting: queue.Queue[Any] = queue.Queue(AHEAD)
        self._error: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mltrack-write", daemon=True)

    def __enter__(self) -> Behind:
        self._thread.start()
        return self

    def _run(self) -> None:
        while True:
            one = self._waiting.get()
            if one is None:
                return
            try:
                if self._error is None and not self._stop.is_set():
                    self._act(one)
            except BaseException as error:
                self._error = error

    def put(self, one: Any) -> None:
        """Hand over what is to be done; waits while enough is waiting."""
        if self._error is not None:
            raise self._error
        self._waiting.put(one)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._stop.set()
        self._waiting.put(None)
        self._thread.join()
        if error is None and self._error is not None:
            raise self._error
