"""What a model's signature takes, what it does not, and what can be brought to it without loss."""

from __future__ import annotations

import datetime as dt
import decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec

from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.scoring import fitting
from jupyter_mltrack.scoring.data import open_data


def taking(kind: str, *, required: bool = True) -> ModelSignature:
    return ModelSignature(inputs=Schema([ColSpec(kind, "x", required=required)]))


MOMENT = dt.datetime(2026, 1, 1)
ZONED = pd.Timestamp("2026-01-01", tz="UTC")
CASES = [
    ("double", [1.5], True),
    ("double", [1, 2], True),
    ("double", pd.array([1, None], "Int64"), True),
    ("double", [decimal.Decimal("1.5")], True),
    ("double", np.array([1.5], "float32"), True),
    ("double", ["1.5"], False),
    ("double", [True], False),
    ("double", [None, None], True),
    ("float", np.array([1.5], "float32"), True),
    ("float", np.array([3], "int16"), True),
    ("float", [1.5], False),
    ("long", [1], True),
    ("long", np.array([1], "int8"), True),
    ("long", [1.0], False),
    ("integer", [1], True),
    ("integer", np.array([1], "int32"), True),
    ("string", ["a", None], True),
    ("string", pd.Categorical(["a", "b"]), True),
    ("string", [1], False),
    ("boolean", [True], True),
    ("boolean", [1], False),
    ("boolean", [True, None], True),
    ("datetime", [MOMENT], True),
    ("datetime", [dt.date(2026, 1, 1)], True),
    ("datetime", [ZONED], False),
    ("datetime", ["2026-01-01"], False),
    ("binary", [b"a"], True),
    ("binary", ["a"], True),
]


@pytest.mark.parametrize(("kind", "values", "fits"), CASES)
def test_what_fits_is_what_mlflow_takes_then(kind: str, values: object, fits: bool) -> None:
    from mlflow.models.utils import _enforce_schema

    signature = taking(kind)
    source = open_data(pd.DataFrame({"x": values}))
    if not fits:
        with pytest.raises(UsageError, match="x is "):
            fitting.fit(signature, source, "m/1")
        return
    fit = fitting.fit(signature, source, "m/1")
    (frame,) = source.frames(10)
    _enforce_schema(fitting.cast_frame(frame, fit.casts), signature.inputs)


@pytest.mark.parametrize(("kind", "values", "fits"), CASES)
def test_a_file_fits_as_its_frame_does(kind: str, values: object, fits: bool) -> None:
    from mlflow.models.utils import _enforce_schema

    pq.write_table(pa.Table.from_pandas(pd.DataFrame({"x": values})), "x.parquet")
    source = open_data("x.parquet")
    if not fits:
        with pytest.raises(UsageError, match="x is "):
            fitting.fit(taking(kind), source, "m/1")
        return
    fit = fitting.fit(taking(kind), source, "m/1")
    (table,) = source.tables(10)
    _enforce_schema(fitting.cast_table(table, fit.casts).to_pandas(), taking(kind).inputs)


def test_a_number_that_is_too_large_is_said_not_cut() -> None:
    source = open_data({"x": [1, 2**40]})
    fit = fitting.fit(taking("integer"), source, "m/1")
    (frame,) = source.frames(10)
    with pytest.raises(UsageError, match="Column x holds a value that is no integer"):
        fitting.cast_frame(frame, fit.casts)


def test_a_cast_keeps_index_order_and_other_columns() -> None:
    frame = pd.DataFrame({"y": ["a", "b"], "x": [1, 2]}, index=[7, 3])
    found = fitting.cast_frame(frame, {"x": pa.float64()})
    pd.testing.assert_frame_equal(found, frame.astype({"x": "float64"}))


def test_an_optional_column_may_be_missing() -> None:
    source = open_data({"y": [1, 2]})
    fit = fitting.fit(taking("double", required=False), source, "m/1")
    assert (fit.inputs, fit.unused) == ([], ["y"])


@pytest.mark.parametrize(
    ("inputs", "columns", "fits"),
    [
        (Schema([ColSpec("double"), ColSpec("double")]), 2, True),
        (Schema([ColSpec("double"), ColSpec("double")]), 3, True),
        (Schema([ColSpec("double"), ColSpec("double")]), 1, False),
        (Schema([TensorSpec(np.dtype("float64"), (-1, 4))]), 4, True),
        (Schema([TensorSpec(np.dtype("float64"), (-1, 4))]), 5, False),
        (Schema([TensorSpec(np.dtype("float64"), (-1, 2, 2))]), 4, True),
        (Schema([TensorSpec(np.dtype("float64"), (-1, -1))]), 9, True),
    ],
)
def test_where_no_column_is_named_their_number_counts(
    inputs: Schema, columns: int, fits: bool
) -> None:
    source = open_data(np.ones((3, columns)))
    signature = ModelSignature(inputs=inputs)
    if fits:
        assert fitting.fit(signature, source, "m/1").inputs is None
        return
    with pytest.raises(UsageError, match=f"it has {columns} columns"):
        fitting.fit(signature, source, "m/1")


def test_csv_is_read_as_the_model_takes_it() -> None:
    Path("x.csv").write_text("x,when\n007,2026-01-01\n008,2026-01-02\n")
    signature = ModelSignature(inputs=Schema([ColSpec("string", "x"), ColSpec("datetime", "when")]))
    source = open_data("x.csv")
    fitting.fit(signature, source, "m/1")
    (frame,) = source.frames(10)
    assert frame["x"].tolist() == ["007", "008"]
    assert frame["when"].dt.day.tolist() == [1, 2]
    wrong = ModelSignature(inputs=Schema([ColSpec("boolean", "when")]))
    source = open_data("x.csv")
    with pytest.raises(UsageError, match="when is datetime, not boolean"):
        fitting.fit(wrong, source, "m/1")
