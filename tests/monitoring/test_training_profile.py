"""The profile of the training data: made when a run logs data, kept with its model."""

from __future__ import annotations

import json
import time
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient
from watch_ground import Ground, customers

import jupyter_mltrack
from jupyter_mltrack import runs
from jupyter_mltrack.errors import NotFound, WorkspaceError
from jupyter_mltrack.journal import ship
from jupyter_mltrack.models.files import local_folder
from jupyter_mltrack.monitoring import profile
from jupyter_mltrack.settings import data_dir
from jupyter_mltrack.workspaces import Workspace


def artifact(workspace: Workspace, run_id: str) -> Path:
    ship.sync(data_dir(), workspace_id=workspace.id, timeout_s=30)
    uri = runs.get_run(workspace, run_id).artifact_uri
    assert uri is not None
    folder = local_folder(uri)
    assert folder is not None
    return folder / profile.ARTIFACT


def test_a_run_that_logs_data_and_a_model_keeps_the_data_s_profile(
    here: Workspace, ground: Ground
) -> None:
    found = profile.of_run(here, ground.runs["churn"])
    assert (found.name, found.rows, found.looked_at, found.targets) == (
        "customers", 4_000, 4_000, ["left"],
    )  # fmt: skip
    assert {one.name: (one.kind, one.type) for one in found.columns} == {
        "age": ("number", "number"),
        "city": ("category", "string"),
        "visits": ("category", "number"),
        "member": ("category", "boolean"),
        "left": ("category", "string"),
    }
    rows = customers(4_000)
    age, city = found.columns[0], found.columns[1]
    assert age.mean == pytest.approx(rows["age"].mean())
    assert age.quantiles[50] == pytest.approx(rows["age"].median())
    assert city.categories == rows["city"].value_counts().to_dict()
    pd.testing.assert_frame_equal(profile.rows(found), rows)


def test_the_profile_of_an_array_has_numbers_for_names_though_the_model_came_first(
    here: Workspace, ground: Ground
) -> None:
    found = profile.of_run(here, ground.runs["price"])
    assert found.positional
    assert [one.name for one in found.columns] == ["0", "1", "2"]
    assert found.rows == 1_000


def test_a_run_without_logged_data_keeps_none_and_the_error_names_the_way_out(
    here: Workspace, ground: Ground
) -> None:
    with pytest.raises(NotFound) as caught:
        profile.of_run(here, ground.runs["bare"])
    assert "--reference DATA" in caught.value.hint


def test_autologging_keeps_it_too(here: Workspace) -> None:
    from sklearn.linear_model import LinearRegression

    rows = customers(300)
    with jupyter_mltrack.track("by autologging", quiet=True) as run:
        mlflow.sklearn.autolog(log_input_examples=False, log_model_signatures=False, silent=True)
        try:
            LinearRegression().fit(rows[["age", "visits"]], rows["visits"])
        finally:
            mlflow.sklearn.autolog(disable=True, silent=True)
    found = profile.of_run(here, run.run_id)
    assert [one.name for one in found.columns] == ["age", "visits"]
    assert found.rows == 300


def test_evaluation_data_is_no_training_data_and_the_first_training_data_counts(
    here: Workspace,
) -> None:
    with jupyter_mltrack.track("several", quiet=True) as run:
        for rows, context in ((10, "eval"), (300, "training"), (20, "training")):
            mlflow.log_input(mlflow.data.from_pandas(customers(rows)), context=context)
        assert not artifact(here, run.run_id).exists()  # nobody asks before there is a model
        client = MlflowClient(here.tracking_uri)
        model = client.create_logged_model("0", source_run_id=run.run_id)
        client.log_outputs(run.run_id, [mlflow.entities.LoggedModelOutput(model.model_id, 0)])
    assert profile.of_run(here, run.run_id).rows == 300


def test_profile_false_in_the_settings_keeps_none(
    here: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLTRACK_PROFILE", "false")
    client = MlflowClient(here.tracking_uri)
    with jupyter_mltrack.track("unwanted", quiet=True) as run:
        mlflow.log_input(mlflow.data.from_pandas(customers(300)), context="training")
        model = client.create_logged_model("0", source_run_id=run.run_id)
        client.log_outputs(run.run_id, [mlflow.entities.LoggedModelOutput(model.model_id, 0)])
    assert not artifact(here, run.run_id).exists()


def test_data_that_cannot_be_looked_at_does_not_disturb_the_run(here: Workspace) -> None:
    class Odd:
        def __str__(self) -> str:
            raise RuntimeError("no")

    rows = pd.DataFrame({"odd": [Odd()] * 40, "list": [[1]] * 40, "x": [1.5] * 40})
    found = profile.make(rows)
    assert [one.kind for one in found.columns] == [None, None, "number"]
    assert list(found.sample) == ["x"]
    with jupyter_mltrack.track("odd", quiet=True) as run:
        mlflow.log_input(mlflow.data.from_numpy(np.zeros((10, 2, 2, 2))), context="training")
    assert runs.get_run(here, run.run_id).summary.status == "FINISHED"


def test_a_damaged_or_foreign_profile_is_refused_in_two_lines(here: Workspace) -> None:
    with jupyter_mltrack.track("damaged", quiet=True) as run:
        jupyter_mltrack.log({"x": 1.0})
    path = artifact(here, run.run_id)
    path.parent.mkdir(parents=True, exist_ok=True)  # what the run remembers may be there already
    good = json.loads(profile.encode(profile.make(customers(50))))
    for text in (
        "{",
        "[]",
        json.dumps(good | {"format": 99}),
        json.dumps(good | {"sample": {"a": [1], "b": [1, 2]}}),
        json.dumps(good | {"columns": [{"name": 1}]}),
    ):
        path.write_text(text)
        with pytest.raises(WorkspaceError) as caught:
            profile.of_run(here, run.run_id)
        assert "--reference" in caught.value.hint


def test_large_data_is_looked_at_in_part_and_quickly() -> None:
    generator = np.random.default_rng(0)
    wide = pd.DataFrame(generator.normal(size=(400_000, 20))).rename(columns=str)
    began = time.process_time()
    found = profile.make(wide)
    text = profile.encode(found)
    assert time.process_time() - began < 5
    assert (found.rows, found.looked_at) == (400_000, profile.LOOKED_AT_ROWS)
    assert len(found.sample["0"]) == profile.SAMPLE_ROWS
    assert len(text) < profile.BYTES_MAX // 4
    long = pd.DataFrame({"text": [f"{number} " + "x" * 1_900 for number in range(20_000)]})
    text = profile.encode(profile.make(long))
    assert len(text) < profile.BYTES_MAX // 4
    assert len(profile.rows(profile.decode(text))) > 100


def test_kept_rows_come_back_with_their_types() -> None:
    rows = pd.DataFrame(
        {
            "f32": np.array([1.5, np.nan, 2.5], dtype="float32"),
            "i32": np.array([1, 2, 3], dtype="int32"),
            "flag": [True, False, True],
            "word": ["a", None, "c"],
            "kind": pd.Categorical(["a", "b", None]),
            "at": pd.to_datetime(["2024-01-01 00:00:00", None, "2024-01-03 05:06:07"]),
            "there": pd.to_datetime(["2024-01-01", None, "2024-01-03"], utc=True),
            "gap": pd.array([1, None, 3], dtype="Int64"),
        }
    )
    found = profile.rows(profile.decode(profile.encode(profile.make(rows))))
    pd.testing.assert_frame_equal(found, rows, check_dtype=False, check_categorical=False)
    assert [str(found[name].dtype) for name in ("f32", "i32", "flag", "gap")] == [
        "float32", "int32", "bool", "Int64",
    ]  # fmt: skip


def test_a_column_that_is_nearly_always_missing_is_compared_by_its_gaps_alone() -> None:
    from jupyter_mltrack.monitoring import comparison
    from jupyter_mltrack.monitoring.sides import FrameColumns

    values = np.full(60_000, np.nan)
    values[::600] = np.arange(100) / 3
    kept = profile.columns(profile.make(pd.DataFrame({"rare": values})))
    new = pd.DataFrame({"rare": np.arange(900) / 3})
    found = comparison.compare(
        kept, FrameColumns(new, ["rare"], like=kept), alpha=0.05, effect=0.1
    ).features[0]
    assert (found.p_value, found.verdict) == (None, "drift")
    assert found.detail.endswith("30 are needed; missing values: 99.8% became 0.0%")
