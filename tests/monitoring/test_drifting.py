"""Drift of new data from what a model was trained on: real models, real runs, known changes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient
from watch_ground import INPUTS, Ground, customers, served

import jupyter_mltrack
from jupyter_mltrack import runs, wire
from jupyter_mltrack.errors import MltrackError, NotFound, UsageError
from jupyter_mltrack.journal import ship
from jupyter_mltrack.models.files import local_folder
from jupyter_mltrack.monitoring import drift
from jupyter_mltrack.scoring.data import NamedData
from jupyter_mltrack.settings import data_dir
from jupyter_mltrack.verbs.door import answer
from jupyter_mltrack.workspaces import Workspace


def verdicts(report: wire.DriftReport) -> dict[str, str]:
    return {one.name: one.verdict for one in (*report.features, *report.predictions)}


def test_data_of_the_same_kind_is_no_drift(here: Workspace) -> None:
    report = drift("churn/1", NamedData(customers(2_000, 5), "new"))
    assert report.verdict == "no_drift"
    assert verdicts(report) == dict.fromkeys([*INPUTS, "left"], "ok")
    assert (report.model, report.version, report.drifted) == ("churn", "1", 0)
    assert (report.data, report.rows_data, report.rows_reference) == ("new", 2_000, 4_000)
    assert report.reference == "training data of churn/1 (customers)"
    assert (report.correction, report.alpha, report.effect_threshold) == ("Holm", 0.05, 0.1)
    assert report.schema_changes == []
    assert report.detail == ""


def test_older_customers_and_another_mix_of_cities_are_found_at_their_size(here: Workspace) -> None:
    rows = customers(2_000, 5, shift=5)
    rows["city"] = rows["city"].map({"Basel": "Bern", "Bern": "Genf", "Genf": "Zug"})
    report = drift("churn/1", rows)
    assert report.verdict == "drift"
    assert verdicts(report) == {
        "age": "drift", "city": "drift", "visits": "ok", "member": "ok", "left": "drift",
    }  # fmt: skip
    age, city = report.features[0], report.features[1]
    assert age.effect == pytest.approx(0.5, abs=0.06)
    assert (age.test, age.effect_name.split()[0]) == ("Kolmogorov-Smirnov", "Wasserstein")
    assert city.effect == pytest.approx(0.5, abs=0.04)
    assert (city.new_categories, city.missing_categories) == (["Zug"], ["Basel"])
    assert report.drifted == 3


def test_checks_of_one_model_are_points_of_one_run_with_its_reports(here: Workspace) -> None:
    reports = [
        drift("churn/1", customers(500, 31, shift=shift), reference=customers(900, 30))
        for shift in (0, 10)
    ]
    assert reports[0].run_id == reports[1].run_id
    ship.sync(data_dir(), workspace_id=here.id, timeout_s=20)
    client = MlflowClient(here.tracking_uri)
    run = client.get_run(reports[0].run_id)
    assert (run.info.run_name, run.info.status) == ("drift churn/1", "FINISHED")
    tags = {
        key: run.data.tags[f"mltrack.{key}"] for key in ("kind", "drift.model", "drift.verdict")
    }
    assert tags == {"kind": "drift", "drift.model": "churn/1", "drift.verdict": "drift"}
    curve = client.get_metric_history(reports[0].run_id, "drift.age.effect")
    assert [one.step for one in curve] == [0, 1]
    assert curve[0].value < 0.15
    assert curve[1].value == pytest.approx(1.05, abs=0.15)
    shares = [one.value for one in client.get_metric_history(run.info.run_id, "drift.share")]
    assert shares == [0.0, 2 / 5]
    uri = runs.get_run(here, run.info.run_id).artifact_uri
    assert uri is not None
    folder = local_folder(uri)
    assert folder is not None
    kept = sorted(one.relative_to(folder).as_posix() for one in folder.rglob("drift*/*"))
    assert kept == [f"mltrack/drift/000{n}.{kind}" for n in (0, 1) for kind in ("html", "json")]
    page = (folder / reports[1].report_path).read_text()
    assert "<svg" in page
    assert "Drift: 2 of 5 columns" in page
    assert "<script" not in page
    assert json.loads((folder / "mltrack/drift.json").read_text())["run_id"] == run.info.run_id


def test_columns_that_went_or_changed_are_told_and_others_are_left_alone(here: Workspace) -> None:
    rows = customers(500, 8).drop(columns=["visits", "left"]).assign(note="x", id=range(500))
    rows["member"] = rows["member"].map({True: "y", False: "n"})
    report = drift("churn/1", rows)
    assert report.verdict == "drift"
    assert [(one.column, one.change) for one in report.schema_changes] == [
        ("visits", "missing"), ("member", "type"),
    ]  # fmt: skip
    assert verdicts(report) == {"age": "ok", "city": "ok", "member": "not_tested"}
    assert report.detail.startswith("predictions are not compared: the data does not fit churn/1")


def test_few_rows_give_no_verdict(here: Workspace) -> None:
    report = drift("churn/1", customers(12, 9))
    assert report.verdict == "too_little_data"
    assert set(verdicts(report).values()) == {"not_tested"}


def test_files_columns_thresholds_and_other_references_can_be_named(
    here: Workspace, ground: Ground
) -> None:
    customers(800, 10, shift=3).to_parquet("new.parquet")
    customers(800, 11).to_csv("old.csv", index=False)
    report = drift("churn/1", "new.parquet", reference="old.csv", columns=["age", "city"])
    assert verdicts(report)["age"] == "drift"
    assert list(verdicts(report)) == ["age", "city", "left"]
    assert (report.reference, report.data) == ("old.csv", "new.parquet")
    strict = drift("churn/1", "new.parquet", reference="old.csv", effect=0.6)
    assert verdicts(strict)["age"] == "ok"
    by_run = drift("churn/1", "new.parquet", reference="fit churn")
    assert by_run.reference == f"training data of run {ground.runs['churn'][:8]}"
    assert verdicts(by_run)["age"] == "drift"


def test_a_model_of_an_array_takes_columns_by_their_place(here: Workspace) -> None:
    generator = np.random.default_rng(12)
    same = drift("price", generator.normal(size=(500, 3)))
    assert same.verdict == "no_drift"
    assert list(verdicts(same)) == ["0", "1", "2", "prediction"]
    named = pd.DataFrame(generator.normal([0, 0, 1], 1, size=(500, 3)), columns=["a", "b", "c"])
    moved = drift("price", named)
    assert verdicts(moved) == {"0": "ok", "1": "ok", "2": "drift", "prediction": "drift"}


def test_s16_a_model_that_was_not_made_here_is_not_loaded_unasked(
    here: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = drift("churn/2", customers(500, 13))
    assert report.predictions == []
    assert report.detail == (
        "predictions are not compared: the model was not made here; --trust loads it"
    )
    assert report.verdict == "no_drift"
    trusted = drift("churn/2", customers(500, 13), trust=True)
    assert verdicts(trusted)["left"] == "ok"


def test_the_log_of_an_endpoint_is_data_with_the_answers_it_gave(here: Workspace) -> None:
    rows = customers(400, 14, shift=8)
    served(rows[INPUTS], "churn-local", predict=lambda frame: ["yes"] * len(frame))
    report = drift("churn/1", "churn-local")
    assert report.data == "endpoint churn-local"
    assert report.rows_data == 400
    assert verdicts(report) == {
        "age": "drift", "city": "ok", "visits": "ok", "member": "ok", "left": "drift",
    }  # fmt: skip
    assert report.predictions[0].missing_categories == ["no"]
    shown = answer(
        "drift churn/1 --data asked --reference run", {"asked": "churn-local", "run": "fit churn"}
    )
    assert "endpoint churn-local (400 rows)" in shown.plain
    recent = drift("churn/1", "churn-local", window_s=200)
    assert 190 <= recent.rows_data <= 200


def test_answers_of_other_versions_and_redacted_columns_do_not_count(here: Workspace) -> None:
    rows = customers(300, 15)
    served(rows[INPUTS], "two", predict=lambda frame: rows["left"], redact="age")
    served(rows[INPUTS], "two", predict=lambda frame: ["yes"] * len(frame), version="7")
    report = drift("churn/1", "endpoint:two")
    assert verdicts(report) == {"city": "ok", "visits": "ok", "member": "ok", "left": "ok"}
    assert report.schema_changes == []
    assert report.detail.startswith("not kept by the endpoint: age")


def test_the_truth_joins_by_the_request_s_id(here: Workspace) -> None:
    rows = customers(400, 16)
    ids = served(rows[INPUTS], "judged", predict=lambda frame: rows["left"])
    truth = pd.DataFrame({"request_id": ids[:200], "left": rows["left"][:200]})
    truth.loc[:49, "left"] = np.where(truth.loc[:49, "left"] == "yes", "no", "yes")
    report = drift("churn/1", "judged", truth=truth)
    found = {one.key: one.value for one in report.quality}
    assert found["accuracy"] == 0.75
    assert set(found) == {"accuracy", "f1_macro", "precision_macro", "recall_macro"}
    assert "200 predictions have their truth" in report.detail
    ship.sync(data_dir(), workspace_id=here.id, timeout_s=30)
    run = runs.get_run(here, str(report.run_id)).summary
    assert {one.key: one.value for one in run.metrics}["quality.accuracy"] == 0.75


def test_the_truth_joins_by_a_column_of_the_data(here: Workspace) -> None:
    rows = customers(400, 17).assign(customer=range(400))
    truth = rows[["customer", "left"]].sample(frac=1, random_state=1)
    report = drift("churn/1", rows.drop(columns="left"), truth=truth, id_column="customer")
    accuracy = {one.key: one.value for one in report.quality}["accuracy"]
    assert accuracy is not None
    assert 0.7 < accuracy < 1
    ids = served(rows[[*INPUTS, "customer"]], "asked", predict=lambda frame: rows["left"])
    assert len(ids) == 400
    by_log = drift("churn/1", "asked", truth=truth, id_column="customer")
    assert {one.key: one.value for one in by_log.quality}["accuracy"] == 1.0


@pytest.mark.parametrize(
    ("model", "options", "kind", "words"),
    [
        ("churm", {}, NotFound, "Did you mean churn?"),
        ("churn/9", {}, NotFound, "Versions 1 to 2 exist"),
        ("bare", {}, NotFound, "--reference DATA"),
        ("orphan", {}, NotFound, "--reference DATA"),
        ("churn", {"alpha": 0}, UsageError, "--alpha cannot be 0"),
        ("churn", {"alpha": 1.5}, UsageError, "--alpha cannot be 1.5"),
        ("churn", {"effect": -1}, UsageError, "--effect cannot be -1"),
        ("churn", {"effect": float("nan")}, UsageError, "--effect cannot be nan"),
        ("churn", {"columns": ["agee"]}, UsageError, "No column 'agee'"),
        ("churn", {"reference": "no such"}, NotFound, "is no file, no variable and no run"),
        ("churn", {"reference": "gone.csv"}, NotFound, "gone.csv"),
        ("churn", {"data": "gone.parquet"}, NotFound, "gone.parquet"),
        ("churn", {"data": "endpoint:gone"}, NotFound, "No endpoint 'gone'"),
        ("churn", {"window_s": 60}, UsageError, "--window is for the log of an endpoint"),
        ("churn", {"data": pd.DataFrame({"age": []})}, UsageError, "has no rows"),
        ("churn", {"truth": "gone.csv", "id_column": "x"}, MltrackError, "no column 'x'"),
        ("churn", {"truth": customers(9)}, UsageError, "--id COLUMN"),
    ],
)
def test_what_is_off_is_said_with_what_to_do(
    here: Workspace, model: str, options: dict[str, object], kind: type[MltrackError], words: str
) -> None:
    data = options.pop("data", customers(100, 18))
    try:
        with pytest.raises(kind) as caught:
            drift(model, data, **options)  # type: ignore[arg-type]
    finally:
        if not isinstance(data, pd.DataFrame) or len(data) != 100:
            options["data"] = data
    assert words in str(caught.value)
    assert caught.value.hint


def test_an_endpoint_that_keeps_no_inputs_is_said(here: Workspace) -> None:
    served(customers(0)[INPUTS], "silent", predict=lambda frame: [])
    with pytest.raises(UsageError) as caught:
        drift("churn/1", "silent")
    assert caught.value.message == "The log of endpoint silent holds no inputs."


def test_hostile_names_reach_neither_terminal_nor_page(here: Workspace) -> None:
    evil = "<script>alert(1)</script>\x1b[31m\u202e"
    rows = pd.DataFrame({evil: ["a", "b"] * 100, "x": [1.5, 2.5] * 100})
    new = pd.DataFrame({evil: ["a", f"b{evil}"] * 100, "x": [1.5, 2.5] * 100})
    report = drift("bare", new, reference=rows, columns=[evil, "x"])
    from jupyter_mltrack.monitoring.report import page
    from jupyter_mltrack.verbs.views import view

    shown = view(report)
    for text in (page(report), shown.html, shown.plain):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "<script" not in page(report) + shown.html


def test_the_verb_says_the_verdict_and_draws_what_drifted(here: Workspace) -> None:
    rows = customers(600, 19, shift=6)
    shown = answer("drift churn/1 --data fresh --alpha 0.01", {"fresh": rows})
    lines = shown.plain.splitlines()
    assert lines[0].startswith("▲ Drift: 2 of 5 columns · churn/1 · fresh (600 rows) · against")
    assert any(line.startswith("age") and "▲ drift" in line for line in lines)
    assert lines[-1].startswith("report: mltrack/drift.html of run ")
    assert shown.html.count("<svg") == 2
    told = json.loads(answer("drift churn/1 --data fresh --json", {"fresh": rows}).plain)
    assert told["verdict"] == "drift"


def test_a_check_inside_a_tracked_cell_leaves_the_cell_s_run_alone(here: Workspace) -> None:
    with jupyter_mltrack.track("outer", quiet=True) as outer:
        jupyter_mltrack.log({"before": 1.0})
        report = drift("churn/1", customers(200, 20), reference=customers(200, 21))
        jupyter_mltrack.log({"after": 2.0})
    assert report.run_id != outer.run_id
    ship.sync(data_dir(), workspace_id=here.id, timeout_s=30)
    found = runs.get_run(here, outer.run_id)
    assert sorted(one.key for one in found.summary.metrics) == ["after", "before"]
    assert found.summary.status == "FINISHED"


def test_the_page_stands_alone(here: Workspace, tmp_path: Path) -> None:
    import re

    from jupyter_mltrack.monitoring.report import page

    text = page(drift("churn/1", customers(300, 22, shift=9)))
    assert re.findall(r"(?:src|href)\s*=|url\(|@import", text) == []
    assert "default-src 'none'" in text
