"""One column as the tests see it: its kind, what is missing, and its values or counts.

The kind follows from the reference alone, and new data is read as that kind; where it cannot be,
the type has changed. Whole numbers with few different values and booleans are categories. A
position in time always moves on, so of times the hour of the day (or the day of the week) is
compared; of free text its length.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["number", "category", "datetime", "text"]
Type = Literal["number", "boolean", "string", "datetime", "nested", "empty"]

FEW = 20
"""Whole numbers with at most so many different values are categories."""
MANY = 1_000
"""Text with more different values is free text."""
TEXT_MAX = 10_000
"""A text is taken for no longer than so many characters; a profile keeps no more of one."""
_ROWS_EACH = 5
_TEXT_FROM = 50
_LOOK = 10_000
_WEEKS_MS = 14 * 86_400_000
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class Column:
    """A column of one side.

    Attributes:
        kind: how it is tested; None where it cannot be.
        type: what its values are.
        rows: all rows.
        missing: rows without a value.
        numbers: the values, or lengths of text, without the missing; None for categories and times.
        counts: rows of each category, or of each hour of the day.
        weekdays: rows of each day of the week, of times.
        first_ms: the earliest time.
        last_ms: the latest time.
    """

    name: str
    kind: Kind | None
    type: Type
    rows: int
    missing: int
    numbers: Any = None
    counts: dict[str, int] = field(default_factory=dict)
    weekdays: dict[str, int] = field(default_factory=dict)
    first_ms: int | None = None
    last_ms: int | None = None

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing


def look(series: pd.Series, *, kind: Kind | None = None) -> Column:
    """A column of a frame, of its own kind or read as the `kind` of the reference."""
    name = str(series.name)
    found = _plain(series)
    if kind == "datetime" and type_of(found) == "string":
        times = _times(found)
        found = times if times.notna().sum() == found.notna().sum() else found
    own = type_of(found)
    rows, missing = len(found), int(found.isna().sum())
    if missing == rows:
        return Column(name, None, "empty", rows, missing)
    if own == "nested":
        return Column(name, None, own, rows, missing)
    present = found[found.notna()] if missing else found
    made = _made(name, present, own, kind)
    return Column(**{**vars(made), "rows": rows, "missing": missing})


def _made(name: str, present: pd.Series, own: Type, kind: Kind | None) -> Column:
    """The column without its missing values."""
    if kind is None:
        kind = _kind_of(present, own)
    rows = len(present)
    if kind == "datetime":
        return _of_times(name, present) if own == "datetime" else Column(name, None, own, rows, 0)
    if kind == "number":
        if own not in ("number", "boolean"):
            return Column(name, None, own, rows, 0)
        return Column(name, kind, own, rows, 0, numbers=_floats(present))
    if kind == "text":
        if own != "string":
            return Column(name, None, own, rows, 0)
        return Column(name, kind, own, rows, 0, numbers=_lengths(present))
    if own == "datetime":
        return Column(name, None, own, rows, 0)
    return Column(name, "category", own, rows, 0, counts=_counts(present))


def may_compare(reference: Type, data: Type) -> bool:
    """Whether values of these types can be the same column."""
    plain: set[Type] = {"number", "boolean"}
    return reference == data or "empty" in (reference, data) or {reference, data} <= plain


# --------------------------------------------------------------------------------- kinds


def type_of(series: pd.Series) -> Type:
    """What the values are; of mixed objects what the first ones are."""
    import pandas as pd
    from pandas.api import types

    kind = series.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return type_of(pd.Series(series.cat.categories))
    if types.is_bool_dtype(kind):
        return "boolean"
    if types.is_datetime64_any_dtype(kind):
        return "datetime"
    if types.is_numeric_dtype(kind) and not types.is_complex_dtype(kind):
        return "number"
    if types.is_timedelta64_dtype(kind):
        return "number"
    if isinstance(kind, pd.StringDtype):
        return "string"
    word = types.infer_dtype(series.dropna().iloc[:_LOOK], skipna=True)
    if word in ("integer", "floating", "mixed-integer-float", "decimal"):
        return "number"
    known: dict[str, Type] = {
        "boolean": "boolean",
        "string": "string",
        "mixed-integer": "string",
        "empty": "empty",
    }
    return known.get(word, "datetime" if word in ("datetime", "date", "datetime64") else "nested")


def _plain(series: pd.Series) -> pd.Series:
    """Objects that are numbers, times or booleans as such."""
    import pandas as pd

    if isinstance(series.dtype, pd.PeriodDtype):
        return series.dt.to_timestamp()
    if series.dtype != object:
        return series
    own = type_of(series)
    if own == "datetime":
        return _times(series)
    return pd.to_numeric(series, errors="coerce") if own == "number" else series


def _kind_of(present: pd.Series, own: Type) -> Kind:
    if own == "datetime":
        return "datetime"
    if own == "boolean":
        return "category"
    if own == "number":
        return "category" if _few(present) else "number"
    distinct = present.nunique()
    if distinct > MANY or (distinct > _TEXT_FROM and distinct > len(present) / 2):
        return "text"
    return "category"


def _few(present: pd.Series) -> bool:
    """Whether these are whole numbers of which each of a few occurs several times."""
    import numpy as np
    import pandas as pd
    from pandas.api import types

    if isinstance(present.dtype, pd.CategoricalDtype):
        return True
    if types.is_timedelta64_dtype(present.dtype):
        return False
    for part in (present.iloc[:_LOOK], present):  # the first ones rule nearly every column out
        values = _floats(part)
        if not np.isfinite(values).all() or (values != np.floor(values)).any():
            return False
        distinct = len(pd.unique(values))
        if distinct > FEW:
            return False
    return len(present) >= _ROWS_EACH * distinct


# -------------------------------------------------------------------------------- values


def _floats(present: pd.Series) -> Any:
    import numpy as np
    import pandas as pd
    from pandas.api import types

    if isinstance(present.dtype, pd.CategoricalDtype):
        present = present.astype(present.cat.categories.dtype)
    if types.is_timedelta64_dtype(present.dtype):
        return present.dt.total_seconds().to_numpy(dtype=np.float64)
    return present.to_numpy(dtype=np.float64)


def _lengths(present: pd.Series) -> Any:
    import numpy as np

    return np.minimum(_floats(present.astype(str).str.len()), float(TEXT_MAX))


def _counts(present: pd.Series) -> dict[str, int]:
    """Rows of each category, by its label: 3 and 3.0 are one, as a missing value makes them."""
    found: dict[str, int] = {}
    for value, count in present.value_counts().items():
        if count:
            name = label(value)
            found[name] = found.get(name, 0) + int(count)
    return found


def label(value: Any) -> str:
    """How a category is called: 3 and 3.0 are one."""
    import numpy as np

    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def as_booleans(counts: dict[str, int]) -> dict[str, int]:
    """Counts of 0 and 1 as counts of False and True."""
    return {{"0": "False", "1": "True"}.get(name, name): count for name, count in counts.items()}


def _times(series: pd.Series) -> pd.Series:
    import pandas as pd

    return pd.to_datetime(series, errors="coerce", utc=True, format="ISO8601")


def _of_times(name: str, present: pd.Series) -> Column:
    import numpy as np

    times = present.dt.tz_convert("UTC").dt.tz_localize(None) if present.dt.tz else present
    ms = times.to_numpy().astype("datetime64[ms]").astype(np.int64)
    hours = np.bincount((ms // 3_600_000) % 24, minlength=24)
    days = np.bincount((ms // 86_400_000 + 3) % 7, minlength=7)  # the epoch began on a Thursday
    return Column(
        name,
        "datetime",
        "datetime",
        len(present),
        0,
        counts={f"{hour:02d}": int(count) for hour, count in enumerate(hours) if count}
        if (ms % 86_400_000).any()
        else {},
        weekdays={DAYS[day]: int(count) for day, count in enumerate(days) if count},
        first_ms=int(ms.min()),
        last_ms=int(ms.max()),
    )


def time_parts(reference: Column, data: Column) -> tuple[str, dict[str, int], dict[str, int]]:
    """Which part of two columns of times is compared, and its counts; "" where none can be."""
    if reference.counts and data.counts:
        return "hour of the day", reference.counts, data.counts
    spans = [(one.last_ms or 0) - (one.first_ms or 0) for one in (reference, data)]
    if min(spans) >= _WEEKS_MS:
        return "day of the week", reference.weekdays, data.weekdays
    return "", {}, {}
