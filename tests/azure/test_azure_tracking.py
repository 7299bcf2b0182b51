"""A notebook that tracks into Azure ML with MLflow 3: what the service lacks is put in its place."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mltrack import workspaces
from jupyter_mltrack.azure.credentials import credential
from jupyter_mltrack.azure.scope import Scope
from jupyter_mltrack.azure.tracking import address, features
from jupyter_mltrack.journal import spool
from jupyter_mltrack.journal.ship import sync
from jupyter_mltrack.settings import data_dir
from jupyter_mltrack.tracking import attach, book
from jupyter_mltrack.workspaces import azureml
from tests.emulators.azure import mlflow_proxy

HISTORY = "/history/v1.0{S}/experiments/{experiment}/runs/{run}/artifacts"


@pytest.fixture
def tracked(azure: Any, scope: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """MLflow under our hands, pointed at a fresh workspace."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    mlflow_proxy.mlflow_of(azure.state).ready()
    credential(Scope.parse(scope.arm_id)).forget()  # other tests revoke it
    workspace = azureml.located(workspaces.resolve(f"azureml:{scope.arm_id}"))
    attach.point_to(workspace)
    attach.attach()
    import mlflow

    mlflow.set_tracking_uri(workspace.tracking_uri)
    mlflow.set_experiment("tries")
    yield mlflow
    while mlflow.active_run():
        mlflow.end_run()
    attach.detach()
    mlflow.tracking.fluent._active_experiment_id = None


def test_what_is_logged_to_a_run_arrives_in_the_workspace(
    azure: Any, scope: Any, tracked: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    mark = azure.requests.mark()
    with tracked.start_run(run_name="first") as run:
        tracked.log_params({"a": 1})
        for step in range(2_500):
            tracked.log_metrics({"x": 1.0, "y": 2.0}, step=step)
        tracked.set_tag("note", "é")
    client = tracked.MlflowClient()
    kept = client.get_run(run.info.run_id)
    assert (kept.info.status, kept.data.params, kept.data.tags["note"]) == (
        "FINISHED", {"a": "1"}, "é",
    )  # fmt: skip
    assert len(client.get_metric_history(run.info.run_id, "x")) == 2_500
    sent = azure.requests.of("POST", "/mlflow/{version}{S}/api/2.0/mlflow/runs/log-batch", mark)
    assert 5 <= len(sent) <= 9
    said = capsys.readouterr().out
    assert f"https://ml.azure.com/runs/{run.info.run_id}?wsid={scope.arm_id}" in said
    assert "/#/experiments/" not in said


def test_the_same_artifact_path_can_be_logged_again_and_the_newest_is_read(
    azure: Any, tracked: Any, tmp_path: Path
) -> None:
    client = tracked.MlflowClient()
    folder = tmp_path / "folder"
    folder.mkdir()
    with tracked.start_run() as run:
        run_id = run.info.run_id
        for count in range(3):
            tracked.log_text(f"version {count}", "notes/a.txt")
            tracked.log_dict({"count": count}, "d.json")
        (folder / "one.bin").write_bytes(b"")
        (folder / "ü b.txt").write_text("x")
        tracked.log_artifacts(str(folder), "more")
        (folder / "ü b.txt").write_text("yy")
        tracked.log_artifacts(str(folder), "more")
        shown = [one.path for one in client.list_artifacts(run_id)]
        assert shown == ["d.json", "more", "notes"]  # also while they are on their way
        assert tracked.artifacts.load_text(f"runs:/{run_id}/notes/a.txt") == "version 2"
    assert sync(data_dir(), timeout_s=60).problems == []
    assert [one.path for one in client.list_artifacts(run_id, "notes")] == ["notes/a.txt"]
    assert tracked.artifacts.load_text(f"runs:/{run_id}/notes/a.txt") == "version 2"
    assert tracked.artifacts.load_dict(f"runs:/{run_id}/d.json") == {"count": 2}
    place = Path(client.download_artifacts(run_id, "more", str(tmp_path)))
    assert {one.name: one.read_bytes() for one in place.iterdir()} == {
        "one.bin": b"", "ü b.txt": b"yy",
    }  # fmt: skip
    listed = mlflow_files(azure, run.info.artifact_uri)
    assert {"notes/a.txt", "notes/a~2.txt", "notes/a~3.txt", "more/ü b~2.txt"} <= set(listed)
    assert "more/one~2.bin" not in listed  # an empty file again is the same file


def mlflow_files(azure: Any, artifact_uri: str) -> list[str]:
    from jupyter_mltrack.azure.tracking.address import files_of
    from jupyter_mltrack.azure.tracking.run_files import RunFiles

    files = files_of(artifact_uri, None)
    assert files is not None
    return RunFiles(files)._paths()


def test_a_large_file_goes_and_comes_in_blocks(azure: Any, tracked: Any, tmp_path: Path) -> None:
    source = tmp_path / "large.bin"
    source.write_bytes(bytes(range(256)) * (9 << 12))
    with tracked.start_run() as run:
        tracked.log_artifact(str(source))
    assert sync(data_dir(), timeout_s=60).problems == []
    brought = tracked.artifacts.download_artifacts(f"runs:/{run.info.run_id}/large.bin")
    assert Path(brought).read_bytes() == source.read_bytes()


def test_models_of_any_flavor_are_logged_registered_and_loaded(azure: Any, tracked: Any) -> None:
    import numpy as np
    from sklearn.linear_model import LinearRegression

    client = tracked.MlflowClient()
    data = np.eye(2)
    mark = azure.requests.mark()
    with tracked.start_run() as run:
        tracked.log_param("a", 1)
        tracked.log_metric("r2", 0.5)
        first = tracked.sklearn.log_model(
            LinearRegression().fit(data, [1, 2]), name="model", pip_requirements=["scikit-learn"]
        )
        second = tracked.sklearn.log_model(
            LinearRegression().fit(data, [3, 4]),
            name="model",
            pip_requirements=["scikit-learn"],
            registered_model_name="lin",
        )
    run_id = run.info.run_id
    names = [one.path for one in client.list_artifacts(run_id, "model")]
    assert sorted(names) == sorted(set(names))
    assert "model/MLmodel" in names

    def predicted(uri: str) -> list[float]:
        return [float(one) for one in tracked.pyfunc.load_model(uri).predict(data).round()]

    assert predicted(first.model_uri) == [1, 2]
    assert predicted(second.model_uri) == [3, 4]
    assert predicted(f"runs:/{run_id}/model") == [3, 4]
    assert predicted("models:/lin/1") == [3, 4]
    older = tracked.register_model(first.model_uri, "lin")
    newest = tracked.register_model(f"runs:/{run_id}/model", "lin")
    assert (older.source, newest.source) == (
        f"{run.info.artifact_uri}/model", f"{run.info.artifact_uri}/model~2",
    )  # fmt: skip
    assert predicted("models:/lin/2") == [1, 2]
    assert predicted("models:/lin/3") == [3, 4]
    model = client.get_logged_model(first.model_id)
    assert (model.name, model.status.value, model.source_run_id) == ("model", "READY", run_id)
    assert model.params == {"a": "1"}
    found = tracked.search_logged_models(filter_string="name = 'model'", output_format="list")
    assert [one.model_id for one in found] == [second.model_id, first.model_id]
    assert [one.model_id for one in client.get_run(run_id).outputs.model_outputs] == [
        first.model_id, second.model_id,
    ]  # fmt: skip
    asked = {row.path for row in azure.requests.since(mark)}
    assert not any("logged-models/" in one and "search" not in one for one in asked)


def test_aliases_work_with_and_without_the_service_knowing_them(azure: Any, tracked: Any) -> None:
    client = tracked.MlflowClient()
    client.create_registered_model("m")
    with tracked.start_run() as run:
        for _ in range(3):
            client.create_model_version("m", run.info.artifact_uri + "/model", run.info.run_id)
    client.set_registered_model_alias("m", "champion", 1)
    client.set_registered_model_alias("m", "champion", 3)
    client.set_registered_model_alias("m", "old", 1)
    assert client.get_model_version_by_alias("m", "champion").version == "3"
    assert client.get_registered_model("m").aliases == {"champion": "3", "old": "1"}
    shown = {one.version: one.aliases for one in client.search_model_versions("name = 'm'")}
    assert shown == {"1": ["old"], "2": [], "3": ["champion"]}
    assert all(not one.tags for one in client.search_model_versions("name = 'm'"))
    client.delete_registered_model_alias("m", "old")
    assert client.get_registered_model("m").aliases == {"champion": "3"}
    with pytest.raises(tracked.exceptions.MlflowException, match="alias old not found"):
        client.get_model_version_by_alias("m", "old")


def test_autologging_logs_models_too(azure: Any, tracked: Any) -> None:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    tracked.sklearn.autolog(log_input_examples=False, log_model_signatures=False, silent=True)
    try:
        with tracked.start_run() as run:
            LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])
    finally:
        tracked.sklearn.autolog(disable=True)
    kept = tracked.MlflowClient().get_run(run.info.run_id)
    assert "training_score" in kept.data.metrics
    assert len(kept.outputs.model_outputs) == 1
    assert tracked.sklearn.load_model(f"runs:/{run.info.run_id}/model") is not None


def test_an_outage_holds_no_artifact_up_and_loses_none(azure: Any, tracked: Any) -> None:
    with tracked.start_run() as run:
        tracked.log_text("before", "a.txt")
        assert sync(data_dir(), timeout_s=60).problems == []
        azure.faults.add("error", status=503, times=None)
        tracked.log_text("while away", "a.txt")
        tracked.log_metric("x", 1.0)
        assert tracked.artifacts.load_text(f"runs:/{run.info.run_id}/a.txt") == "while away"
        azure.faults.clear()
    assert sync(data_dir(), timeout_s=60).problems == []
    journal = next(one.journal().path for one in book.all_books() if one.is_open)
    assert spool.is_empty(journal)
    assert tracked.artifacts.load_text(f"runs:/{run.info.run_id}/a.txt") == "while away"


def test_tokens_that_end_every_few_seconds_and_a_revoked_sign_in_lose_nothing(
    azure: Any, scope: Any, tracked: Any, recwarn: pytest.WarningsRecorder
) -> None:
    workspace = workspaces.resolve(f"azureml:{scope.arm_id}")
    with tracked.start_run() as run:
        tracked.log_metric("x", 0.0, step=0)
        assert sync(data_dir(), timeout_s=60).problems == []
        azure.login.token_s = 2.0
        azure.login.expire()
        mark = azure.requests.mark()
        for step in range(1, 120):
            tracked.log_metric("x", float(step), step=step)
            time.sleep(0.05)
        tracked.log_text("a", "a.txt")
        assert sync(data_dir(), timeout_s=60).problems == []
        fetched = [one for one in azure.requests.since(mark) if one.path.endswith("/token")]
        assert len(fetched) >= 3
        azure.login.refuse(azure.login.service, "invalid_client", "The secret has been revoked.")
        azure.login.revoke(azure.login.service)
        for step in range(120, 200):
            tracked.log_metric("x", float(step), step=step)
        tracked.log_text("b", "b.txt")
        report = sync(data_dir(), timeout_s=60)
        assert [one.code for one in report.problems] == ["signed_out"]
        assert report.waiting_points >= 80
        assert workspace.check(5).state == "signed_out"
    azure.login.reset()
    until_s = time.monotonic() + 150
    while sync(data_dir(), timeout_s=30).problems and time.monotonic() < until_s:
        time.sleep(1)
    assert sync(data_dir(), timeout_s=30).problems == []
    credential(workspace.scope).forget()  # this process remembers for seconds that it was refused
    client = tracked.MlflowClient()
    points = client.get_metric_history(run.info.run_id, "x")
    assert [point.value for point in points] == [float(step) for step in range(200)]
    assert client.get_run(run.info.run_id).info.status == "FINISHED"
    assert [one.path for one in client.list_artifacts(run.info.run_id)] == ["a.txt", "b.txt"]


VICTIM = """
import jupyter_mltrack, mlflow, os, sys, time
with jupyter_mltrack.track("victim", workspace=sys.argv[1]):
    for step in range(500):
        mlflow.log_metrics({"x": step}, step=step)
    mlflow.log_text("left behind", "notes.txt")
    print(mlflow.active_run().info.run_id, flush=True)
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("network", ["there", "away"])
def test_a_killed_kernel_leaves_every_point_and_file_and_an_honest_end(
    azure: Any, scope: Any, tracked: Any, network: str
) -> None:
    uri = f"azureml:{scope.arm_id}"
    if network == "away":
        azure.faults.add("refused", template="*/subscriptions/*", times=None)
    command = [sys.executable, "-c", VICTIM, uri]
    victim = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert victim.returncode == -9, victim.stderr
    azure.faults.clear()
    assert sync(data_dir(), timeout_s=150).problems == []
    client = tracked.MlflowClient()
    experiments = [one.experiment_id for one in client.search_experiments()]
    (run,) = client.search_runs(experiments, "attributes.run_name = 'victim'")
    assert run.info.status == "FAILED"
    values = [point.value for point in client.get_metric_history(run.info.run_id, "x")]
    assert values == [float(step) for step in range(500)]
    assert tracked.artifacts.load_text(f"runs:/{run.info.run_id}/notes.txt") == "left behind"


FIRST_CELL = """
import sys
import jupyter_mltrack
with jupyter_mltrack.track("first", workspace=sys.argv[1]):
    heavy = sorted(
        name for name in sys.modules
        if name.split(".")[0] in ("mlflow", "azure", "azureml", "msal", "requests", "pandas")
    )
    jupyter_mltrack.log({"x": 1.0}, step=0)
print(heavy)
"""


def test_a_tracked_cell_begins_without_any_client_of_azure(
    azure: Any, scope: Any, tracked: Any
) -> None:
    command = [sys.executable, "-c", FIRST_CELL, f"azureml:{scope.arm_id}"]
    first = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    assert first.stdout.splitlines()[-1] == "[]"


def test_traced_calls_work_although_the_service_keeps_no_traces(
    azure: Any, scope: Any, tracked: Any, caplog: pytest.LogCaptureFixture
) -> None:
    # the sender asks once per workspace what there is, some time after its first batch
    features.probe(address.place_of(tracked.get_tracking_uri()))
    mark = azure.requests.mark()

    @tracked.trace
    def doubled(value: int) -> int:
        return 2 * value

    with tracked.start_run():
        assert doubled(2) == 4
    tracked.flush_trace_async_logging()
    assert tracked.search_traces(return_type="list") == []
    assert [one for one in caplog.records if "trace" in one.getMessage().lower()] == []
    asked = [one.path for one in azure.requests.since(mark) if scope.arm_id in one.path]
    assert [path for path in asked if "/traces" in path] == []
