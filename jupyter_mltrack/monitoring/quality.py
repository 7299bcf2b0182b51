"""How good predictions were, once the truth has arrived: joined by id, measured by scikit-learn."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import NotFound, UsageError
from jupyter_mltrack.monitoring.columns import FEW, label, type_of

if TYPE_CHECKING:
    import pandas as pd

REQUEST_ID = "request_id"
_ID_NAMES = (REQUEST_ID, "id")
_TRUTH_NAMES = ("truth", "target", "label", "y", "actual")


class Measured(NamedTuple):
    """Metrics, and what should be known of them."""

    metrics: list[wire.MetricValue]
    detail: str


class Truth(NamedTuple):
    """True values by id, each id once."""

    series: pd.Series
    repeated: int


def truth_of(frame: pd.DataFrame, id_column: str | None, hints: Sequence[str] = ()) -> Truth:
    """The true values in a frame.

    Args:
        frame: ids and true values.
        id_column: None means the column of the requests' ids.
        hints: names that the column of true values may have, the likeliest first.

    Raises:
        NotFound: a column is not there.
        UsageError: several columns may hold the true values.
    """
    names = list(map(str, frame.columns))
    frame = frame.set_axis(names, axis=1)
    if id_column is None:
        id_column = next((name for name in _ID_NAMES if name in names), None)
    if id_column is None or id_column not in names:
        raise NotFound(
            f"The truth has no column {clean(id_column or REQUEST_ID)!r} to join by.",
            f"Name one of its columns: --id COLUMN, of {clean(', '.join(names[:20]))}",
        )
    others = [name for name in names if name != id_column]
    value = next((name for name in (*hints, *_TRUTH_NAMES) if name in others), None)
    if value is None and len(others) != 1:
        raise UsageError(
            f"The truth has {len(others)} columns beside {clean(id_column)}"
            + (f": {clean(', '.join(others[:10]))}." if others else "."),
            "Leave it the id and one column with the true values, or name that one 'truth'.",
        )
    found = frame.set_index(keyed(frame[id_column]))[value or others[0]]
    found = found[found.notna()]
    last = ~found.index.duplicated(keep="last")
    return Truth(found[last], int((~last).sum()))


def keyed(ids: Any) -> Any:
    """Ids as text, so that 7 in a file and 7.0 in a frame with gaps are one."""
    import pandas as pd

    return pd.Index([label(one) for one in pd.Series(ids).tolist()], dtype=object)


def measure(ids: Any, predictions: pd.DataFrame, truth: Truth) -> Measured:
    """Metrics over the rows whose truth is known.

    Args:
        ids: of each row of `predictions`.
        predictions: the first column that has values of the truth's kind counts.
        truth: true values by id.

    Raises:
        UsageError: no id is on both sides.
    """
    index = keyed(ids)
    places = truth.series.index.get_indexer(index)
    known = places >= 0
    if not known.any():
        ours = ", ".join(map(str, list(index[:2])))
        theirs = ", ".join(map(str, list(truth.series.index[:2])))
        raise UsageError(
            "No id of the truth is among those of the data.",
            f"Data has ids such as {clean(ours)}, the truth such as {clean(theirs)}.",
        )
    true = truth.series.iloc[places[known]].reset_index(drop=True)
    given = predictions[known].reset_index(drop=True)
    column = _column(given, true)
    predicted = given.iloc[:, column]
    whole = predicted.notna()
    true, predicted = true[whole], predicted[whole]
    values = _classes(true, predicted) if _is_class(true, predicted) else _numbers(true, predicted)
    notes = [f"{len(true)} predictions have their truth"]
    if truth.repeated:
        notes.append(f"{truth.repeated} ids have several, the last one counts")
    if given.shape[1] > 1:
        notes.append(f"measured: {clean(str(given.columns[column]))}")
    now_ms = int(time.time() * 1000)
    return Measured(
        [
            wire.MetricValue(
                key=key,
                value=value if math.isfinite(value) else None,
                text=repr(value),
                step=0,
                timestamp_ms=now_ms,
            )
            for key, value in values.items()
        ],
        "; ".join(notes),
    )


def _column(given: pd.DataFrame, true: pd.Series) -> int:
    """The prediction that can be compared with the truth."""
    wanted = type_of(true)
    for at in range(given.shape[1]):
        if type_of(given.iloc[:, at]) == wanted:
            return at
    return 0


def _is_class(true: pd.Series, predicted: pd.Series) -> bool:
    """Whether these are classes: text, booleans, or a few whole numbers on both sides."""
    import numpy as np

    if type_of(true) != "number" or type_of(predicted) != "number":
        return True
    for side in (true, predicted):
        values = side.to_numpy(dtype=np.float64)
        if (values != np.floor(values)).any() or len(np.unique(values)) > FEW:
            return False
    return True


def _classes(true: pd.Series, predicted: pd.Series) -> dict[str, float]:
    from sklearn import metrics

    y, z = _labels(true, predicted)
    return {
        "accuracy": float(metrics.accuracy_score(y, z)),
        "f1_macro": float(metrics.f1_score(y, z, average="macro", zero_division=0)),
        "precision_macro": float(metrics.precision_score(y, z, average="macro", zero_division=0)),
        "recall_macro": float(metrics.recall_score(y, z, average="macro", zero_division=0)),
    }


def _labels(true: pd.Series, predicted: pd.Series) -> tuple[list[str], list[str]]:
    sides = [[label(one) for one in side.tolist()] for side in (true, predicted)]
    if "boolean" in (type_of(true), type_of(predicted)):
        names = {"0": "False", "1": "True"}
        sides = [[names.get(one, one) for one in side] for side in sides]
    return sides[0], sides[1]


def _numbers(true: pd.Series, predicted: pd.Series) -> dict[str, float]:
    import numpy as np
    from sklearn import metrics

    y, z = (side.to_numpy(dtype=np.float64) for side in (true, predicted))
    finite = np.isfinite(y) & np.isfinite(z)
    y, z = y[finite], z[finite]
    if not len(y):
        return {}
    found = {
        "mae": float(metrics.mean_absolute_error(y, z)),
        "rmse": float(np.sqrt(metrics.mean_squared_error(y, z))),
    }
    if len(y) > 1:
        found["r2"] = float(metrics.r2_score(y, z))
    return found
