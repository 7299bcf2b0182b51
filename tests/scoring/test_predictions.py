"""Whatever a model gives becomes columns that are alike in all batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.scoring.predictions import Columns


@pytest.mark.parametrize(
    ("value", "columns"),
    [
        (np.array([1.0, 2.0]), {"prediction": [1.0, 2.0]}),
        (np.array([[1], [2]]), {"prediction": [1, 2]}),
        (np.array([[1, 2], [3, 4]]), {"prediction_0": [1, 3], "prediction_1": [2, 4]}),
        (np.ones((2, 1, 2)), {"prediction": [[[1.0, 1.0]], [[1.0, 1.0]]]}),
        (np.array(["a", "b"], dtype=object), {"prediction": ["a", "b"]}),
        (np.array(["a", "b"]), {"prediction": ["a", "b"]}),
        (np.array([True, False]), {"prediction": [True, False]}),
        (["a", None], {"prediction": ["a", None]}),
        ([[1, 2], [3]], {"prediction": [[1, 2], [3]]}),
        (pd.Series([1, 2], name="n"), {"n": [1, 2]}),
        (pd.Series([1, 2]), {"prediction": [1, 2]}),
        (pd.DataFrame({"p": [0.5, 1.0], "q": ["a", "b"]}), {"p": [0.5, 1.0], "q": ["a", "b"]}),
        (pd.DataFrame([[1, 2], [3, 4]]), {"prediction_0": [1, 3], "prediction_1": [2, 4]}),
        ({"p": np.array([1, 2])}, {"p": [1, 2]}),
        ([{"p": 1}, {"p": 2}], {"p": [1, 2]}),
        (scipy.sparse.csr_matrix([[1.0], [0.0]]), {"prediction": [1.0, 0.0]}),
    ],
)
def test_predictions_of_any_kind_become_columns(value: Any, columns: dict[str, list[Any]]) -> None:
    found = Columns(None, []).of(value, 2)
    assert found.to_pydict() == columns


def test_the_signature_names_and_types_the_columns() -> None:
    outputs = Schema([ColSpec("double", "low"), ColSpec("double", "high")])
    columns = Columns(ModelSignature(outputs=outputs), ["low"])
    found = columns.of(np.array([[1, 2], [3, 4]]), 2)
    assert found.schema == pa.schema([("prediction_low", pa.float64()), ("high", pa.float64())])
    assert columns.renamed == [("low", "prediction_low")]
    assert columns.names == ["prediction_low", "high"]


def test_every_batch_has_the_type_of_the_first_one() -> None:
    columns = Columns(None, [])
    assert columns.of([1.5, None], 2).schema.field(0).type == pa.float64()
    assert columns.of([1, 2], 2).schema.field(0).type == pa.float64()
    columns = Columns(None, [])
    assert columns.of([None], 1).schema.field(0).type == pa.float64()
    columns = Columns(None, [])
    columns.of([1], 1)
    with pytest.raises(UsageError, match="several kinds where int64 came before"):
        columns.of(["a"], 1)
    with pytest.raises(UsageError, match="2 columns for some rows and 1 for others"):
        columns.of(np.ones((1, 2)), 1)


def test_values_of_several_kinds_in_one_batch_are_refused() -> None:
    with pytest.raises(UsageError, match="are of several kinds"):
        Columns(None, []).of([1, "a"], 2)
