"""Metrics against a truth that arrived later: joined by id, equal to scikit-learn's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from jupyter_mltrack.errors import NotFound, UsageError
from jupyter_mltrack.monitoring.quality import measure, truth_of


def measured(
    ids: object, predictions: pd.DataFrame, truth: pd.DataFrame
) -> dict[str, float | None]:
    found = measure(ids, predictions, truth_of(truth, "id"))
    return {one.key: one.value for one in found.metrics}


def test_numbers_are_measured_as_numbers_and_in_the_truth_s_order() -> None:
    generator = np.random.default_rng(0)
    y, z = generator.normal(size=100), generator.normal(size=100)
    truth = pd.DataFrame({"id": range(100), "y": y}).sample(frac=1, random_state=1)
    found = measured(range(100), pd.DataFrame({"prediction": z}), truth)
    assert found == {
        "mae": pytest.approx(metrics.mean_absolute_error(y, z)),
        "rmse": pytest.approx(metrics.root_mean_squared_error(y, z)),
        "r2": pytest.approx(metrics.r2_score(y, z)),
    }


def test_classes_are_measured_as_classes() -> None:
    y, z = ["a", "b", "b", "c"] * 10, ["a", "b", "c", "c"] * 10
    truth = pd.DataFrame({"id": range(40), "y": y})
    found = measured(range(40), pd.DataFrame({"prediction": z}), truth)
    assert found["accuracy"] == 0.75
    assert found["f1_macro"] == pytest.approx(metrics.f1_score(y, z, average="macro"))


def test_whole_numbers_booleans_and_gaps_are_one_language() -> None:
    truth = pd.DataFrame({"id": [1.0, 2.0, 3.0, np.nan], "y": [1.0, 0.0, np.nan, 1.0]})
    found = measured([1, 2, 3], pd.DataFrame({"prediction": [True, False, True]}), truth)
    assert found["accuracy"] == 1.0


def test_the_last_truth_of_an_id_counts_and_is_told() -> None:
    truth = pd.DataFrame({"id": ["a", "b", "a"], "y": ["no", "no", "yes"]})
    found = measure(["a", "b"], pd.DataFrame({"p": ["yes", "no"]}), truth_of(truth, "id"))
    assert found.metrics[0].value == 1.0
    assert found.detail == "2 predictions have their truth; 1 ids have several, the last one counts"


def test_of_several_outputs_the_one_of_the_truth_s_kind_is_measured() -> None:
    outputs = pd.DataFrame({"probability": [0.2, 0.9], "left": ["no", "yes"]})
    found = measure(
        ["a", "b"], outputs, truth_of(pd.DataFrame({"id": ["a", "b"], "y": ["no", "no"]}), "id")
    )
    assert found.metrics[0].value == 0.5
    assert "measured: left" in found.detail


def test_the_column_of_the_truth_is_found_by_its_name_or_asked_for() -> None:
    frame = pd.DataFrame({"id": [1], "other": [5], "left": ["no"]})
    assert truth_of(frame, "id", ["left"]).series.tolist() == ["no"]
    with pytest.raises(UsageError) as caught:
        truth_of(frame, "id")
    assert "2 columns beside id" in caught.value.message
    with pytest.raises(NotFound) as missing:
        truth_of(frame, "nowhere")
    assert "id, other, left" in missing.value.hint


def test_ids_that_do_not_meet_are_shown_from_both_sides() -> None:
    with pytest.raises(UsageError) as caught:
        measured(["a1"], pd.DataFrame({"p": [1]}), pd.DataFrame({"id": ["b1"], "y": [1]}))
    assert "a1" in caught.value.hint
    assert "b1" in caught.value.hint
