"""A tracking server that is slow, silent, broken or gone: the cell runs on, and everything arrives once."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import mlflow
import patience
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from jupyter_mltrack import log, track

FAULTS = ["refuse", "hang", "503", "401", "html"]


class Line:
    """A line to the real server that can be disturbed."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.mode = "up"
        self.requests: list[str] = []
        line = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length) if length else None
                line.requests.append(self.path)
                mode = line.mode
                if mode == "refuse":
                    self.close_connection = True
                    return
                if mode == "hang":
                    while line.mode == "hang":
                        time.sleep(0.05)
                    self.close_connection = True
                    return
                if mode in ("503", "401", "html"):
                    self._send(
                        200 if mode == "html" else int(mode),
                        b"<html>sign in here</html>",
                        "text/html",
                    )
                    return
                status, answer, kind = line.forward(
                    self.command, self.path, body, dict(self.headers)
                )
                if mode == "lose create" and self.path.endswith("/runs/create"):
                    line.mode = "up"
                    self.close_connection = True
                    return
                self._send(status, answer, kind)

            def _send(self, status: int, body: bytes, kind: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.uri = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def forward(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes, str]:
        kept = {k: v for k, v in headers.items() if k.lower() in ("content-type", "accept")}
        request = urllib.request.Request(self.target + path, body, kept, method=method)
        try:
            with urllib.request.urlopen(request, timeout=150) as answer:
                return answer.status, answer.read(), answer.headers.get("Content-Type", "")
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers.get("Content-Type", "")

    def close(self) -> None:
        self.mode = "refuse"
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def line(mlflow_server: str) -> Iterator[Line]:
    made = Line(mlflow_server)
    mlflow.set_tracking_uri(made.uri)
    yield made
    made.close()


@pytest.fixture
def arrived(mlflow_server: str) -> Callable[[str, int], Any]:
    """Wait until a run of this name is in the store and ended, with so many points of "m"."""

    def wait(name: str, points: int) -> Any:
        client = MlflowClient(mlflow_server)
        until_s = time.monotonic() + patience.WAIT_S
        while True:
            found = client.search_runs(["0"], f"attributes.run_name = '{name}'")
            if found and found[0].info.status != "RUNNING":
                history = client.get_metric_history(found[0].info.run_id, "m")
                if len(history) >= points or time.monotonic() > until_s:
                    assert len(found) == 1, found
                    assert sorted(p.step for p in history) == list(range(points))
                    return found[0]
            assert time.monotonic() < until_s, (found, "not there in time")
            time.sleep(0.2)

    return wait


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("patient_with_stores")
def test_a_run_of_a_server_has_the_servers_id_and_is_there_when_read(line: Line) -> None:
    with track("plain") as cell:
        with mlflow.start_run() as run:
            assert run.info.run_id == cell.run_id
            mlflow.log_metrics({"m": 1.0})
            log({"m": 2.0}, step=1)
            mlflow.log_param("p", 1)
        found = mlflow.get_run(run.info.run_id)
    assert (found.info.run_id, found.info.status) == (run.info.run_id, "FINISHED")
    assert (found.data.metrics, found.data.params) == ({"m": 2.0}, {"p": "1"})


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("patient_with_stores")
def test_a_run_born_by_log_is_found_under_its_own_id(line: Line) -> None:
    with track("ours") as cell:
        log({"m": 1.0})
        found = mlflow.get_run(cell.run_id)
        assert found.data.metrics == {"m": 1.0}
        assert found.data.tags["mltrack.run_id"] == cell.run_id
        MlflowClient().log_metric(found.info.run_id, "m", 2.0, step=1)
        assert mlflow.get_run(found.info.run_id).data.metrics == {"m": 2.0}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_mid_cell_costs_the_cell_nothing_and_loses_nothing(
    line: Line, fault: str, arrived: Callable[[str, int], Any]
) -> None:
    name = f"mid-{fault}"
    with track(name), mlflow.start_run():
        mlflow.log_metric("m", 0.0, step=0)
        line.mode = fault
        time.sleep(0.5)
        watch = patience.Watch()
        for at in range(1, 200):
            mlflow.log_metrics({"m": float(at)}, step=at)
            mlflow.log_param(f"p{at}", at)
            mlflow.set_tag("t", at)
        took_s = watch.took_s
        watch.restart()
    ended_s = watch.took_s
    line.mode = "up"
    assert took_s < 5, "599 calls; each costs MLflow's own front, and none waits for the server"
    assert ended_s < 3
    found = arrived(name, 200)
    assert (found.data.params["p199"], found.data.tags["t"]) == ("199", "199")
    assert found.info.status == "FINISHED"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fault", ["refuse", "hang", "401"])
def test_a_cell_that_starts_without_a_server_runs_within_seconds_and_arrives_once(
    line: Line, fault: str, arrived: Callable[[str, int], Any]
) -> None:
    line.mode = fault
    watch = patience.Watch()
    name = f"without-{fault}"
    with track(name), mlflow.start_run() as run:
        for at in range(20):
            mlflow.log_metric("m", at, step=at)
        mlflow.log_param("p", 1)
        assert mlflow.active_run().info.run_id == run.info.run_id
    assert watch.took_s < 60, "MLflow itself takes minutes"
    line.mode = "up"
    found = arrived(name, 20)
    assert found.data.tags["mltrack.run_id"] == run.info.run_id


@pytest.mark.filterwarnings("ignore")
def test_a_lost_answer_to_create_run_makes_no_second_run(
    line: Line, arrived: Callable[[str, int], Any]
) -> None:
    line.mode = "lose create"
    with track("lost"), mlflow.start_run():
        mlflow.log_metric("m", 1.0, step=0)
    arrived("lost", 1)


@pytest.mark.filterwarnings("ignore")
def test_a_parameter_that_changes_while_its_first_value_waits_is_refused_in_the_stores_words(
    line: Line, arrived: Callable[[str, int], Any]
) -> None:
    name = "changed"
    with track(name), mlflow.start_run() as run:
        mlflow.log_param("there", 1)
        mlflow.log_metric("m", 1.0, step=0)
        with pytest.raises(MlflowException) as of_the_store:
            mlflow.log_param("there", 2)
        with pytest.raises(MlflowException) as of_the_stores_batch:
            mlflow.log_params({"q": 1, "there": 2})
        line.mode = "refuse"
        mlflow.log_param("waits", 1)
        with pytest.raises(MlflowException) as of_ours:
            mlflow.log_param("waits", 2)
        with pytest.raises(MlflowException) as of_our_batch:
            mlflow.log_params({"q": 1, "waits": 2})
        line.mode = "up"
    for theirs, ours in ((of_the_store, of_ours), (of_the_stores_batch, of_our_batch)):
        assert str(ours.value) == str(theirs.value).replace("there", "waits")
        assert type(ours.value) is type(theirs.value)
    found = arrived(name, 1)
    assert run.info.run_id == found.info.run_id
    assert found.data.params == {"there": "1", "waits": "1"}


@pytest.mark.filterwarnings("ignore")
def test_reads_are_answered_from_the_journal_while_the_server_is_gone(line: Line) -> None:
    with track("away") as cell, mlflow.start_run():
        mlflow.log_metric("m", 1.0, step=0)
        mlflow.log_param("p", 1)
        mlflow.get_run(cell.run_id)
        line.mode = "refuse"
        mlflow.log_metric("m", 2.0, step=1)
        watch = patience.Watch()
        found = mlflow.get_run(cell.run_id)
        took_s = watch.took_s
        again = mlflow.get_run(cell.run_id)
        history = MlflowClient().get_metric_history(cell.run_id, "m")
        listed = MlflowClient().search_runs(["0"])
    line.mode = "up"
    assert took_s < 60, "MLflow itself takes minutes"
    assert found.data.metrics == again.data.metrics == {"m": 2.0}
    assert found.data.params == {"p": "1"}
    assert "mltrack.waiting" in again.data.tags
    assert [point.value for point in history] == [1.0, 2.0]
    assert [run.info.run_id for run in listed] == [cell.run_id]


@pytest.mark.filterwarnings("ignore")
def test_a_cell_that_names_experiments_and_data_without_a_server_arrives_where_it_was_meant(
    line: Line, mlflow_server: str
) -> None:
    import pandas as pd

    mlflow.data.from_pandas(pd.DataFrame({"a": [1]}), name="frame")  # loads parts of MLflow
    line.mode = "refuse"
    watch = patience.Watch()
    name = f"meant-{time.time_ns()}"
    with track("meant"):
        mlflow.set_experiment(name)
        with mlflow.start_run():
            mlflow.log_metric("m", 1.0, step=0)
            mlflow.log_input(mlflow.data.from_pandas(pd.DataFrame({"a": [1]}), name="frame"))
    assert watch.took_s < 60, "MLflow itself takes minutes"
    line.mode = "up"
    client = MlflowClient(mlflow_server)
    until_s = time.monotonic() + patience.WAIT_S
    found: list[Any] = []
    while time.monotonic() < until_s and not (found and found[0].inputs.dataset_inputs):
        time.sleep(0.3)
        experiment = client.get_experiment_by_name(name)
        found = list(client.search_runs([experiment.experiment_id])) if experiment else []
    (run,) = found
    assert run.data.metrics == {"m": 1.0}
    assert [one.dataset.name for one in run.inputs.dataset_inputs] == ["frame"]
