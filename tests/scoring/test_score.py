"""`score` on this machine: real models of a real registry, over files and variables."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from scoring_ground import customers, files

import jupyter_mltrack
from jupyter_mltrack import track, wire
from jupyter_mltrack.errors import MltrackError, NotFound, UsageError
from jupyter_mltrack.journal import ship
from jupyter_mltrack.models.trust import ConsentNeeded
from jupyter_mltrack.scoring.data import NamedData, OutVariable
from jupyter_mltrack.scoring.score import score
from jupyter_mltrack.settings import data_dir
from jupyter_mltrack.verbs.door import answer
from jupyter_mltrack.workspaces import Workspace

BAD_DATA = [
    (lambda rows: rows.drop(columns=["age", "balance"]), "does not fit churn/1: missing age, balance"),
    (lambda rows: rows.assign(balance="much"), "balance is string, not double"),
    (lambda rows: rows.assign(children=1.5), "children is double, not long"),
    (lambda rows: rows.assign(age=pd.Timestamp("2026-01-01")), "age is datetime, not double"),
    (lambda rows: rows.assign(age=True), "age is boolean, not double"),
    (lambda rows: rows.iloc[:0], "has no rows"),
    (lambda rows: rows[[]], "has no columns"),
    (lambda rows: rows.assign(age=[[1.0]] * len(rows)), "age is list<"),
]  # fmt: skip


def run_of(store: Workspace, report: wire.ScoreReport) -> Run:
    """The scoring's run as the store has it."""
    assert report.run_id is not None
    ship.sync(data_dir(), workspace_id=store.id, timeout_s=20)
    return MlflowClient(store.tracking_uri).get_run(report.run_id)


def test_a_file_is_scored_into_a_file_and_the_scoring_is_a_run(here: Workspace) -> None:
    rows = customers(2500).assign(id=range(2500))
    rows.to_parquet("in.parquet")
    report = score("churn", "in.parquet", out="out.parquet", batch_rows=1000, trust=True)
    found = pd.read_parquet("out.parquet")
    pd.testing.assert_frame_equal(found[rows.columns], rows)
    assert (found["churned"] == np.where(rows["balance"] > 0, "yes", "no")).mean() > 0.9
    assert files() == ["in.parquet", "out.parquet"]
    assert report.columns == [*rows.columns, "churned"]
    assert (report.rows, report.model, report.version, report.on) == (2500, "churn", "1", "local")
    assert report.detail == "1 column not of the model: id"
    run = run_of(here, report)
    assert run.info.run_name == "score churn/1"
    assert run.info.status == "FINISHED"
    assert run.data.tags["mltrack.kind"] == "score"
    assert run.data.params == {
        "model": "churn",
        "version": "1",
        "data": "in.parquet",
        "on": "local",
        "out": "out.parquet",
    }
    assert run.data.metrics["rows"] == 2500
    assert run.data.metrics["rows_per_s"] == pytest.approx(2500 / run.data.metrics["seconds"])
    (noted,) = run.inputs.dataset_inputs
    assert noted.dataset.name == "in.parquet"
    columns = json.loads(noted.dataset.schema)["mlflow_colspec"]
    assert {one["name"]: one["type"] for one in columns} == {
        "age": "double",
        "balance": "double",
        "last seen": "double",
        "children": "long",
        "id": "long",
    }
    assert noted.tags[0].value == "scoring"


def test_a_variable_is_scored_into_a_variable(store: Workspace) -> None:
    rows = customers(50).sample(frac=1.0, random_state=1)
    notebook: dict[str, Any] = {}
    report = score(
        "churn/1",
        NamedData(rows, "rows"),
        out=OutVariable("scored", notebook),
        columns=["children", "age"],
        workspace=store,
        trust=True,
    )
    found = notebook["scored"]
    assert found.columns.tolist() == ["children", "age", "churned"]
    assert found.index.tolist() == rows.index.tolist()
    pd.testing.assert_frame_equal(found[["children", "age"]], rows[["children", "age"]])
    assert (report.data, report.out) == ("rows", "scored")
    assert "churned" not in rows


@pytest.mark.parametrize("data", ["in.csv", "in.jsonl", "folder"])
@pytest.mark.parametrize("out", ["out.csv", "out.parquet"])
def test_every_way_gives_the_same_predictions(here: Workspace, data: str, out: str) -> None:
    rows = customers(300).assign(age=lambda frame: frame["age"].round())
    rows.to_csv("in.csv", index=False)
    rows.to_json("in.jsonl", orient="records", lines=True, double_precision=15)
    Path("folder").mkdir()
    rows[:100].to_parquet("folder/1.parquet")
    rows[100:].to_parquet("folder/2.parquet")
    notebook: dict[str, Any] = {}
    score("churn", rows, out=OutVariable("direct", notebook), trust=True)
    score("churn", data, out=out, batch_rows=70)
    found = pd.read_csv(out) if out.endswith("csv") else pd.read_parquet(out)
    assert found["churned"].tolist() == notebook["direct"]["churned"].tolist()
    np.testing.assert_allclose(found["balance"], rows["balance"], rtol=1e-12)


def test_whole_numbers_where_the_model_takes_any_are_taken(store: Workspace) -> None:
    rows = customers(300).assign(age=7, balance=np.arange(300, dtype="int32"))
    rows.to_csv("whole.csv", index=False)
    for data in (rows, "whole.csv"):
        report = score("churn", data, out="out.csv", trust=True, workspace=store)
        assert report.rows == 300
    assert pd.read_csv("out.csv")["age"].unique().tolist() == [7]


def test_text_that_looks_like_a_number_stays_text_where_the_model_takes_text(
    store: Workspace,
) -> None:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    from jupyter_mltrack.scoring import fitting
    from jupyter_mltrack.scoring.data import open_data

    Path("zip.csv").write_text("zip,other\n00123,1\n04567,2\n")
    source = open_data("zip.csv")
    signature = ModelSignature(inputs=Schema([ColSpec("string", "zip")]))
    fit = fitting.fit(signature, source, "m/1")
    assert (fit.inputs, fit.casts, fit.unused) == (["zip"], {}, ["other"])
    assert [one["zip"].tolist() for one in source.frames(10)] == [["00123", "04567"]]


@pytest.mark.parametrize(("change", "words"), BAD_DATA)
@pytest.mark.parametrize("as_file", [False, True])
def test_data_that_does_not_fit_is_said_before_anything_is_computed(
    store: Workspace, change: Any, words: str, as_file: bool
) -> None:
    changed = change(customers(20))
    data: Any = NamedData(changed, "rows")
    if as_file:
        if not len(changed.columns):
            pytest.skip("Parquet of pandas keeps an index at least")
        changed.to_parquet("in.parquet", index=False)
        data = "in.parquet"
    with pytest.raises(UsageError) as caught:
        score("churn", data, out="out.parquet", workspace=store)
    assert words in caught.value.message
    assert ("rows " if not as_file else "in.parquet ") in caught.value.message
    assert caught.value.hint
    assert not Path("out.parquet").exists()


def test_a_column_that_was_renamed_is_guessed(store: Workspace) -> None:
    rows = customers(5).rename(columns={"age": "Age", "balance": "balanc"})
    with pytest.raises(UsageError) as caught:
        score("churn", rows, out="out.csv", workspace=store)
    assert "missing age, balance; not asked for Age, balanc" in caught.value.message
    assert "rename(columns={'Age': 'age', 'balanc': 'balance'})" in caught.value.hint


@pytest.mark.parametrize(
    ("keywords", "kind", "message"),
    [
        ({"model": "churm"}, NotFound, "No model 'churm'"),
        ({"model": "churn/7"}, NotFound, "No model version churn/7"),
        ({"data": "nothing.csv"}, NotFound, "There is no file"),
        ({"out": None}, UsageError, "needs a place"),
        ({"out": "x.xlsx"}, UsageError, "x.xlsx has no ending that says its kind"),
        ({"out": "scored"}, UsageError, "scored has no ending"),
        ({"out": "nowhere/x.csv"}, NotFound, "There is no folder 'nowhere'"),
        ({"out": "folder.csv"}, UsageError, "folder.csv is a folder"),
        ({"out": "s3://bucket/x.csv"}, UsageError, "is an address"),
        ({"out": "./in.parquet"}, UsageError, "./in.parquet is the data itself"),
        ({"columns": ["age", "agee"]}, UsageError, "has no column 'agee'"),
        ({"on": "moon"}, UsageError, "cannot run on 'moon'"),
        ({"batch_rows": 0}, UsageError, "A batch of 0 rows is none"),
    ],
)
def test_bad_words_are_refused_before_anything_is_computed(
    store: Workspace, keywords: dict[str, Any], kind: type[MltrackError], message: str
) -> None:
    customers(20).to_parquet("in.parquet")
    Path("folder.csv").mkdir()
    before = files()
    given = {"model": "churn", "data": "in.parquet", "out": "out.csv", **keywords}
    with pytest.raises(kind) as caught:
        score(given.pop("model"), given.pop("data"), workspace=store, **given)
    assert message in caught.value.message
    assert caught.value.hint
    assert files() == before


def test_a_model_that_was_not_made_here_is_loaded_only_when_somebody_agrees(
    store: Workspace,
) -> None:
    rows = customers(20)
    with pytest.raises(ConsentNeeded) as caught:
        score("churn", rows, out="out.csv", workspace=store)
    assert "--trust" in caught.value.hint
    asked: list[str] = []
    with pytest.raises(ConsentNeeded):
        score("churn", rows, out="out.csv", workspace=store, ask=lambda q: bool(asked.append(q)))
    assert len(asked) == 1
    assert files() == []
    score("churn", rows, out="out.csv", workspace=store, ask=lambda question: True)
    score("churn", rows, out="out.csv", workspace=store)
    assert files() == ["out.csv"]


def test_a_failing_model_leaves_no_file_and_says_which_rows(here: Workspace) -> None:
    rows = pd.DataFrame({"a": np.arange(500.0)})
    rows.loc[450, "a"] = -1.0
    rows.to_parquet("in.parquet")
    Path("out.csv").write_text("before")
    with pytest.raises(UsageError) as caught:
        score("odd", "in.parquet", out="out.csv", batch_rows=100, trust=True)
    said = "odd/1 failed on rows 401 to 500: ArithmeticError: a is below zero"
    assert caught.value.message == said
    assert files() == ["in.parquet", "out.csv"]
    assert Path("out.csv").read_text() == "before"
    ship.sync(data_dir(), workspace_id=here.id, timeout_s=20)
    (run, *_) = MlflowClient(here.tracking_uri).search_runs(["0"], max_results=1)
    assert run.info.status == "FAILED"
    assert run.data.tags["mltrack.error"] == said
    assert "rows" not in run.data.metrics


def test_a_model_without_a_signature_gets_all_columns(store: Workspace) -> None:
    rows = pd.DataFrame({"a": [1.0, 2.0], "note": ["x", "y"]})
    report = score("odd", rows, out="out.parquet", trust=True, workspace=store)
    assert report.columns == ["a", "note", "prediction"]
    assert pd.read_parquet("out.parquet")["prediction"].tolist() == ["1", "2"]
    array = customers(30).to_numpy()
    score("unsigned", array, out="out.parquet", trust=True, workspace=store)
    found = pd.read_parquet("out.parquet")
    assert found.columns.tolist() == ["0", "1", "2", "3", "prediction"]
    np.testing.assert_allclose(found["prediction"], array[:, 0] * 2)


def test_a_prediction_that_is_called_like_a_column_gets_another_name(store: Workspace) -> None:
    report = score("twin", customers(10), out="out.csv", trust=True, workspace=store)
    assert report.columns == ["age", "balance", "last seen", "children", "prediction_age"]
    assert "age is in the data: predicted as prediction_age" in report.detail
    found = pd.read_csv("out.csv")
    np.testing.assert_allclose(found["prediction_age"], found["age"] * 3)


def test_as_many_predictions_as_rows_are_expected(store: Workspace) -> None:
    with pytest.raises(UsageError, match="The model gave 1 predictions for 10 rows"):
        score("short", customers(10), out="out.csv", trust=True, workspace=store)
    assert files() == []


def test_missing_whole_numbers_are_said_with_their_rows(store: Workspace) -> None:
    table = pa.Table.from_pandas(customers(300))
    children = pa.array([*range(250), None, *range(49)], pa.int64())
    at = table.schema.get_field_index("children")
    pq.write_table(table.set_column(at, "children", children), "in.parquet")
    with pytest.raises(UsageError) as caught:
        score("churn", "in.parquet", out="out.csv", batch_rows=100, trust=True, workspace=store)
    assert "churn/1 failed on rows 201 to 300" in caught.value.message
    assert "children" in caught.value.message


def test_a_scoring_inside_a_tracked_block_is_its_child(here: Workspace) -> None:
    with track("nightly") as outer:
        report = score("churn", customers(10), out="out.csv", trust=True)
    run = run_of(here, report)
    assert run.data.tags["mlflow.parentRunId"] == outer.run_id
    parent = MlflowClient(here.tracking_uri).get_run(outer.run_id)
    assert (parent.data.params, parent.data.metrics) == ({}, {})


def test_a_model_of_a_run_is_scored_without_being_registered(here: Workspace) -> None:
    import mlflow
    from sklearn.linear_model import LinearRegression

    rows = customers(20)
    with track("train") as tracked:
        fitted = LinearRegression().fit(rows, rows["age"])
        mlflow.sklearn.log_model(fitted, name="model", pip_requirements=["scikit-learn"])
    ship.sync(data_dir(), workspace_id=here.id, timeout_s=20)
    report = score(f"runs:/{tracked.run_id}/model", rows, out="out.csv")
    assert (report.model, report.version) == (f"runs:/{tracked.run_id}/model", None)
    np.testing.assert_allclose(pd.read_csv("out.csv")["prediction"], rows["age"], atol=1e-9)


def test_progress_is_told_and_no_thread_is_left(store: Workspace) -> None:
    customers(1000).to_parquet("in.parquet")
    seen: list[tuple[int, int | None]] = []
    score(
        "churn",
        "in.parquet",
        out="out.csv",
        batch_rows=300,
        trust=True,
        workspace=store,
        told=lambda done, total, seconds, unit: seen.append((done, total)),
    )
    assert seen == [(300, 1000), (600, 1000), (900, 1000), (1000, 1000)]
    assert not [
        one for one in threading.enumerate() if one.name in ("mltrack-read", "mltrack-write")
    ]


def test_the_verb_scores_and_says_so_in_one_line(here: Workspace) -> None:
    customers(1500).assign(id=1).to_parquet("in.parquet")
    shown = answer("score churn --data in.parquet --out out.csv --columns id --trust").plain
    first, second = shown.split("\n")
    assert first.startswith("✓ churn/1: 1,500 rows scored · in.parquet → out.csv · 00:0")
    assert second == "1 column not of the model: id"
    assert pd.read_csv("out.csv").columns.tolist() == ["id", "churned"]
    report = json.loads(answer("score churn --data in.parquet --out out.csv --json").plain)
    assert (report["rows"], report["version"]) == (1500, "1")
    report = jupyter_mltrack.score("churn", customers(3), out="out.csv", columns=["age"])
    assert report.columns == ["age", "churned"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("score", "score needs MODEL"),
        ("score churn --out x.csv", "score needs --data"),
        ("score churn --data x.csv", "score needs --out"),
        ("score churn --data x.csv --out y.csv --on moon", "score does not take 'moon'"),
        ("score churn --data x.csv --out y.csv --columns ,", "--columns names no column"),
        ("score churn --data x.csv --out y.csv --batch-rows many", "--batch-rows 'many'"),
    ],
)
def test_wrong_words_are_said_in_two_lines(here: Workspace, words: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        answer(words)
    assert message in caught.value.message
    assert caught.value.hint
