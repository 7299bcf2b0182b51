"""What the verb `score` does: words are read, progress is shown, the work is `scoring`'s."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean, duration
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.render import View, line, note
from jupyter_mltrack.verbs.progress import OneLine

FIRST_S = 1.0
EVERY_S = 1.0
LATER_EVERY_S = 5.0


def score(
    model: str,
    data: Any,
    *,
    on: str = "local",
    out: Any = None,
    columns: str | Sequence[str] | None = None,
    batch_rows: int | str | None = None,
    trust: bool = False,
) -> wire.ScoreReport:
    """Write a model's predictions for all rows of the data, beside the data's own columns.

    Args:
        model: `NAME`, `NAME/VERSION` (or `NAME`, its newest version), `NAME@ALIAS`.
        data: a frame, or a path or address of CSV, Parquet, JSON or Arrow files; with Spark also
            one of its frames, or the name of a table.
        on: `local` or `spark`.
        out: a path that ends in .parquet or .csv; with Spark also a folder or the name of a table.
        columns: of the data, for the output, as a list or `A,B`; without it, all of them.
        batch_rows: how many rows at a time; without it, it follows from their size.
        trust: load the model although it was not made here.

    Raises:
        NotFound: no such model, file or table.
        UsageError: the data does not fit the model, or the output cannot be what it should be.
        ConsentNeeded: the model was not made here and nobody agreed to load it.
    """
    from jupyter_mltrack.scoring.score import score as scored
    from jupyter_mltrack.verbs.confirming import asker

    with Progress() as progress:
        return scored(
            model,
            data,
            on=on,
            out=out,
            columns=_names(columns),
            batch_rows=_rows(batch_rows),
            trust=trust,
            ask=asker(),
            told=progress.told,
        )


def _names(columns: str | Sequence[str] | None) -> list[str] | None:
    if columns is None:
        return None
    parts = columns.split(",") if isinstance(columns, str) else list(columns)
    names = [one.strip() for one in parts if one.strip()]
    if not names:
        raise UsageError("--columns names no column.", "Write --columns id,name")
    return names


def _rows(words: int | str | None) -> int | None:
    if words is None:
        return None
    try:
        return int(str(words).replace(",", "").replace("_", ""))
    except ValueError:
        raise UsageError(
            f"--batch-rows {clean(str(words))!r} is no number.", "Write --batch-rows 10000"
        ) from None


class Progress(OneLine):
    """How far a scoring is, in one line, now and then."""

    def __init__(self) -> None:
        super().__init__()
        self._next_s = FIRST_S

    def __enter__(self) -> Progress:
        return self

    def told(self, done: int, total: int | None, seconds: float, unit: str = "rows") -> None:
        """Show how far it is, if it is time to."""
        if not self.watched or seconds < self._next_s or done == total:
            return
        self._next_s = seconds + (EVERY_S if seconds < 60 else LATER_EVERY_S)
        self.show(" · ".join(_parts(total, done, seconds, unit)))


def _parts(total: int | None, done: int, seconds: float, unit: str) -> Iterator[str]:
    if unit != "rows":
        yield f"{done} of {total} {unit}"
        yield duration(int(1000 * seconds))
        return
    if total:
        yield f"{100 * done / total:.0f}%"
    yield f"{done:,} {unit}"
    if done and seconds > 0:
        yield f"{done / seconds:,.0f} {unit}/s"
        if total:
            yield f"{duration(int(1000 * seconds * (total - done) / done))} left"


def view(report: wire.ScoreReport, _: int) -> View:
    """The picture of what was scored."""
    name = f"{report.model}/{report.version}" if report.version else report.model
    pace = report.rows / report.seconds if report.seconds > 0 else 0
    shown = line(
        f"{name}: {report.rows:,} rows scored",
        f"{report.data} → {report.out}",
        duration(int(report.seconds * 1000)),
        f"{pace:,.0f} rows/s" if pace >= 1 else "",
        "" if report.run_id is None else f"run {report.run_id[:8]}",
        mark="✓",
    )
    return shown + note(report.detail) if report.detail else shown
