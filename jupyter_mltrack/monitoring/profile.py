"""What the training data looked like, small enough to keep with the model.

A profile has numbers for each column, and up to 5,000 whole rows drawn at random: drift is tested
against those rows, and a model's predictions on them are the reference for its predictions. It is
the artifact `mltrack/profile.json` of the run that logged the data. Whatever is read from there was
written by others: it is decoded into structs and bounded.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import MltrackError, NotFound, WorkspaceError
from jupyter_mltrack.monitoring.columns import TEXT_MAX, Column, Kind, Type, look

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from jupyter_mltrack.workspaces import Workspace

ARTIFACT = "mltrack/profile.json"
FORMAT = 1
SAMPLE_ROWS = 5_000
SAMPLE_CELLS = 500_000
LOOKED_AT_ROWS = 100_000
"""Of larger data so many rows, drawn at random, are looked at: making a profile stays quick."""
COLUMNS_MAX = 2_000
BYTES_MAX = 32 << 20
QUANTILES = 101


class ColumnProfile(msgspec.Struct, kw_only=True, frozen=True):
    """Numbers of one column; `dtype` is what pandas calls it."""

    name: str
    kind: Kind | None
    type: Type
    dtype: str
    rows: int
    missing: int
    mean: float | None = None
    std: float | None = None
    min: float | None = None
    max: float | None = None
    quantiles: list[float | None] = []
    """From 0 to 100 %."""
    categories: dict[str, int] = {}
    """Rows of each; for times rows of each hour of the day."""
    weekdays: dict[str, int] = {}
    first_ms: int | None = None
    last_ms: int | None = None


class Profile(msgspec.Struct, kw_only=True, frozen=True):
    """What data looked like."""

    format: int
    name: str
    digest: str
    made_ms: int
    rows: int
    looked_at: int
    """How many of the rows the numbers are of."""
    columns: list[ColumnProfile]
    positional: bool = False
    """The data had no names of columns, as an array has none: they are numbers."""
    targets: list[str] = []
    """Columns that are no inputs."""
    sample: dict[str, list[Any]] = {}
    """Whole rows, column by column."""


# -------------------------------------------------------------------------------- making


def make(
    frame: pd.DataFrame,
    *,
    name: str = "",
    digest: str = "",
    targets: Sequence[str] = (),
    positional: bool = False,
) -> Profile:
    """The profile of a frame; the frame is not changed. The same frame gives the same rows."""
    import numpy as np

    generator = np.random.default_rng(0)
    frame = frame.iloc[:, :COLUMNS_MAX]
    looked = drawn(frame, LOOKED_AT_ROWS, generator)
    wanted = min(SAMPLE_ROWS, max(500, SAMPLE_CELLS // max(1, frame.shape[1])))
    kept = drawn(looked, wanted, generator)
    columns = [_profiled(looked.iloc[:, at]) for at in range(looked.shape[1])]
    return Profile(
        format=FORMAT,
        name=name,
        digest=digest,
        made_ms=int(time.time() * 1000),
        rows=len(frame),
        looked_at=len(looked),
        columns=columns,
        positional=positional,
        targets=list(targets),
        sample={
            column.name: _kept(kept.iloc[:, at])
            for at, column in enumerate(columns)
            if column.kind is not None
        },
    )


def drawn(frame: pd.DataFrame, rows: int, generator: Any = None) -> pd.DataFrame:
    """At most so many rows of the frame, drawn at random, in their order; always the same ones."""
    if len(frame) <= rows:
        return frame
    import numpy as np

    generator = np.random.default_rng(0) if generator is None else generator
    return frame.iloc[np.sort(generator.choice(len(frame), rows, replace=False))]


def _profiled(series: pd.Series) -> ColumnProfile:
    import numpy as np

    column = look(series)
    numbers: dict[str, Any] = {}
    if column.numbers is not None:
        finite = column.numbers[np.isfinite(column.numbers)]
        if len(finite):
            numbers = {
                "mean": float(finite.mean()),
                "std": float(finite.std()),
                "min": float(finite.min()),
                "max": float(finite.max()),
                "quantiles": np.quantile(finite, np.linspace(0, 1, QUANTILES)).tolist(),
            }
    return ColumnProfile(
        name=column.name,
        kind=column.kind,
        type=column.type,
        dtype=str(series.dtype),
        rows=column.rows,
        missing=column.missing,
        categories=column.counts,
        weekdays=column.weekdays,
        first_ms=column.first_ms,
        last_ms=column.last_ms,
        **numbers,
    )


def _kept(series: pd.Series) -> list[Any]:
    """Values as JSON holds them; what is missing is None."""
    from pandas.api import types

    if types.is_datetime64_any_dtype(series.dtype):
        series = series.astype(object).map(lambda one: one.isoformat(), na_action="ignore")
    values = series.astype(object).where(series.notna(), None).tolist()
    return [_plain(one) for one in values]


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "item"):
        return _plain(value.item())
    return str(value)[:TEXT_MAX]


def encode(profile: Profile) -> bytes:
    """The profile as JSON, with fewer rows where it would be too large."""
    text = msgspec.json.encode(profile)
    while len(text) > BYTES_MAX // 4 and any(profile.sample.values()):
        sample = {name: values[::2] for name, values in profile.sample.items()}
        if all(len(values) <= 1 for values in sample.values()):
            sample = {}
        profile = msgspec.structs.replace(profile, sample=sample)
        text = msgspec.json.encode(profile)
    return text


# ------------------------------------------------------------------------------- reading


def decode(text: bytes) -> Profile:
    """The profile that was kept.

    Raises:
        WorkspaceError: it is damaged, or of a newer version of this package.
    """
    try:
        found = msgspec.json.decode(text, type=Profile)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise WorkspaceError(
            f"The profile of the training data is damaged: {clean(str(error))}",
            "Name other data to compare with: --reference DATA",
        ) from error
    lengths = {len(values) for values in found.sample.values()}
    if found.format != FORMAT or len(lengths) > 1:
        raise WorkspaceError(
            "The profile of the training data was made by another version.",
            "Name other data to compare with: --reference DATA",
        )
    return found


def rows(profile: Profile) -> pd.DataFrame:
    """The kept rows, with the types that they had where those can be had again."""
    import pandas as pd

    dtypes = {column.name: column.dtype for column in profile.columns}
    made = {name: _typed(values, dtypes.get(name, "")) for name, values in profile.sample.items()}
    return pd.DataFrame(made)


def _typed(values: list[Any], dtype: str) -> pd.Series:
    import pandas as pd

    series = pd.Series(values, dtype=object)
    if dtype.startswith("datetime64"):
        found = pd.to_datetime(series, errors="coerce", format="ISO8601", utc="," in dtype)
    elif dtype.lower().startswith(("int", "uint", "float", "bool", "str", "category")):
        try:
            found = series.astype(dtype)
        except (TypeError, ValueError):
            found = series.infer_objects()
    else:
        found = series.infer_objects()
    assert isinstance(found, pd.Series)
    return found


def columns(profile: Profile, names: Sequence[str] | None = None) -> dict[str, Column]:
    """Columns for the tests: counts of all rows looked at, values of the kept rows."""
    import numpy as np

    kept = rows(profile)
    found = {}
    for one in profile.columns:
        if (names is not None and one.name not in names) or one.name in profile.targets:
            continue
        values = None
        if one.kind in ("number", "text"):
            values = look(kept[one.name], kind=one.kind).numbers if one.name in kept else None
            values = np.empty(0) if values is None else values
        found[one.name] = Column(
            name=one.name,
            kind=one.kind,
            type=one.type,
            rows=one.rows,
            missing=one.missing,
            numbers=values,
            counts=one.categories,
            weekdays=one.weekdays,
            first_ms=one.first_ms,
            last_ms=one.last_ms,
        )
    return found


def of_run(workspace: Workspace, run_id: str) -> Profile:
    """The profile that a run keeps.

    Raises:
        NotFound: it keeps none.
        WorkspaceError: it is damaged.
        Unreachable: the store gave no answer.
    """
    text = _read(workspace, run_id)
    if text is None:
        raise NotFound(
            f"Run {run_id[:8]} keeps no profile of its training data.",
            "Name data to compare with: --reference DATA; or log the data when training: "
            "mlflow.log_input(mlflow.data.from_pandas(frame), context='training')",
        )
    return decode(text)


def _read(workspace: Workspace, run_id: str) -> bytes | None:
    from jupyter_mltrack import runs
    from jupyter_mltrack.models.files import local_folder
    from jupyter_mltrack.runs.client_store import ask

    uri = runs.get_run(workspace, run_id).artifact_uri
    folder = local_folder(uri) if uri else None
    if folder is not None:
        try:
            return _bounded(folder / ARTIFACT)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def question(client: Any) -> bytes | None:
        from tempfile import TemporaryDirectory

        parent = ARTIFACT.rpartition("/")[0]
        known = {one.path: one.file_size for one in client.list_artifacts(run_id, parent)}
        if ARTIFACT not in known or (known[ARTIFACT] or 0) > BYTES_MAX:
            return None
        with TemporaryDirectory() as place:
            return _bounded(Path(client.download_artifacts(run_id, ARTIFACT, place)))

    return ask(workspace, question)


def _bounded(path: Path) -> bytes:
    with open(path, "rb") as file:
        text = file.read(BYTES_MAX + 1)
    if len(text) > BYTES_MAX:
        raise MltrackError(
            "The profile of the training data is too large to be one of ours.",
            "Name other data to compare with: --reference DATA",
        )
    return text
