"""Profile, drift and its curve where runs and files are kept by an MLflow server."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest
from mlflow.tracking import MlflowClient
from watch_ground import customers, train_churn

import jupyter_mltrack
from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.monitoring import drift
from jupyter_mltrack.tracking import choice


@pytest.fixture
def server(
    mlflow_server: tuple[str, subprocess.Popen[bytes]],
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    yield mlflow_server
    choice.forget()


@pytest.mark.slow
def test_a_server_keeps_the_profile_and_the_curve(
    server: tuple[str, subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, process = server
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    run_id = train_churn()
    jupyter_mltrack.register(run_id, "churn")
    reports = [drift("churn", customers(600, 3, shift=shift)) for shift in (0, 6)]
    assert [one.verdict for one in reports] == ["no_drift", "drift"]
    assert reports[0].run_id == reports[1].run_id
    client = MlflowClient(address)
    run = client.get_run(str(reports[0].run_id))  # the id is the server's own
    assert run.info.run_name == "drift churn/1"
    curve = client.get_metric_history(run.info.run_id, "drift.share")
    assert [(one.step, one.value) for one in curve] == [(0, 0.0), (1, 2 / 5)]
    kept = [one.path for one in client.list_artifacts(run.info.run_id, "mltrack")]
    assert "mltrack/drift.html" in kept

    os.killpg(process.pid, 9)
    process.wait(150)
    with pytest.raises(MltrackError) as caught:
        drift("churn", customers(600, 3))
    assert caught.value.code == "store_unreachable"
