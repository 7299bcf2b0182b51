"""Runs of a real MLflow server, and of servers that refuse, hang or lie."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import mlflow_ground
import pytest
from mlflow.tracking import MlflowClient

from jupyter_mltrack import runs, workspaces
from jupyter_mltrack.errors import (
    Denied,
    NotFound,
    SignedOut,
    Unreachable,
    UsageError,
    WorkspaceError,
)
from jupyter_mltrack.workspaces import Workspace


@pytest.fixture(scope="session")
def server(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of these tests alone, as they look at all that it has."""
    place = tmp_path_factory.mktemp("server")
    shutil.copy(empty_database, place / "mlflow.db")
    address, process = mlflow_ground.start(place, place / "mlflow.db")
    yield address
    mlflow_ground.end(process.pid)
    process.wait(150)


@pytest.fixture(scope="session")
def filled(server: str) -> dict[str, str]:
    client = MlflowClient(tracking_uri=server)
    other = client.create_experiment("digits")
    ids = {}
    for number, (name, experiment) in enumerate([("a", "0"), ("b", "0"), ("c", other)]):
        run = client.create_run(experiment, start_time=1_000 + number, run_name=name)
        for step in range(3):
            client.log_metric(run.info.run_id, "loss", number - step, step=step)
        client.log_param(run.info.run_id, "lr", number)
        client.set_tag(run.info.run_id, "mltrack.notebook", f"{name}.ipynb")
        client.set_terminated(run.info.run_id)
        ids[name] = run.info.run_id
    return ids


@pytest.fixture
def place(server: str, filled: dict[str, str]) -> Workspace:
    return workspaces.resolve(server)


def test_lists_details_and_series_come_through_mlflows_client(
    place: Workspace, filled: dict[str, str]
) -> None:
    assert [row.name for row in runs.list_runs(place).runs] == ["c", "b", "a"]
    row = runs.list_runs(place, experiment="digits").runs[0]
    assert (row.experiment, row.status, row.notebook) == ("digits", "FINISHED", "c.ipynb")
    assert [(one.key, one.value, one.step) for one in row.metrics] == [("loss", 0.0, 2)]
    assert [row.name for row in runs.list_runs(place, filter="params.lr = '1'").runs] == ["b"]
    assert [row.name for row in runs.list_runs(place, order_by="metrics.loss ASC").runs] == [
        "a",
        "b",
        "c",
    ]
    assert [row.name for row in runs.list_runs(place, text="B.ipynb").runs] == ["b"]
    first = runs.list_runs(place, limit=2)
    second = runs.list_runs(place, limit=2, page_token=first.next_page_token)
    assert [row.name for row in first.runs + second.runs] == ["c", "b", "a"]
    detail = runs.get_run(place, filled["a"])
    assert [(one.key, one.value) for one in detail.params] == [("lr", "0")]
    assert detail.link == f"{place.display_uri}/#/experiments/0/runs/{filled['a']}"
    (column,) = runs.series(place, filled["b"]).columns
    assert (column.steps, column.values) == ([0, 1, 2], [1.0, 0.0, -1.0])
    assert {one.name for one in runs.list_experiments(place).experiments} == {"Default", "digits"}
    assert runs.find_run(place, "best:loss") == filled["a"]
    assert runs.find_run(place, filled["b"][:8]) == filled["b"]


def test_what_is_not_there_or_off_is_told_as_for_a_file(place: Workspace) -> None:
    with pytest.raises(NotFound):
        runs.get_run(place, "0" * 32)
    with pytest.raises(NotFound):
        runs.find_run(place, "nobody")
    with pytest.raises(NotFound):
        runs.list_runs(place, experiment="nothing")
    with pytest.raises(UsageError):
        runs.list_runs(place, filter="metrics.loss LIKE 'x'")


@pytest.fixture
def answering() -> Iterator[Callable[[int, bytes, dict[str, str]], Workspace]]:
    """Makes servers that always give one answer."""
    made: list[ThreadingHTTPServer] = []

    def make(status: int, body: bytes, headers: dict[str, str]) -> Workspace:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made.append(server)
        return workspaces.resolve(f"http://127.0.0.1:{server.server_address[1]}")

    yield make
    for server in made:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, b"", SignedOut),
        (403, b"", Denied),
        (500, b"boom", Unreachable),
        (503, b"", Unreachable),
        (200, b"<html>Sign in</html>", WorkspaceError),
        (200, b"\xff\x00garbage", WorkspaceError),
        (200, b"[" * 100_000, WorkspaceError),
        (302, b"", WorkspaceError),
    ],
)
def test_a_refusal_or_a_lie_is_an_error_at_once_and_never_an_empty_list(
    answering: Callable[..., Workspace], status: int, body: bytes, kind: type[WorkspaceError]
) -> None:
    place = answering(status, body, {"Location": "http://127.0.0.1:9/"} if status == 302 else {})
    for ask in (
        lambda: runs.list_runs(place),
        lambda: runs.get_run(place, "0" * 32),
        lambda: runs.list_experiments(place),
        lambda: runs.series(place, "0" * 32),
        lambda: runs.find_run(place, "last"),
    ):
        with pytest.raises(kind) as caught:
            ask()
        lines = str(caught.value).split("\n")
        assert len(lines) <= 2
        assert all(line.isprintable() for line in lines)


def test_s10_escapes_in_a_servers_words_do_not_reach_a_terminal(
    answering: Callable[..., Workspace],
) -> None:
    body = b'{"error_code": "INTERNAL_ERROR", "message": "\\u001b]0;x\\u0007<img onerror>"}'
    with pytest.raises(WorkspaceError) as caught:
        runs.list_runs(answering(500, body, {}))
    assert "\x1b" not in str(caught.value)
    assert "\x07" not in str(caught.value)


def test_a_server_that_hangs_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = workspaces.resolve(f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(Unreachable):  # pytest's own limit tells when it is not
            runs.list_runs(place)


def test_columns_trees_and_acts_go_through_mlflows_client_too(server: str) -> None:
    from jupyter_mltrack.runs import changing, columns, numbers

    place = workspaces.resolve(server)
    client = MlflowClient(tracking_uri=server)
    experiment = client.create_experiment("acts")
    made = {}
    for name in ("parent", "child", "other"):
        run = client.create_run(experiment, run_name=name)
        made[name] = run.info.run_id
        client.log_param(run.info.run_id, "lr", "1" if name == "other" else "2")
        client.log_param(run.info.run_id, "same", "x")
        for step in range(3):
            client.log_metric(run.info.run_id, "loss", float(step), step=step)
    client.set_tag(made["child"], "mlflow.parentRunId", made["parent"])

    def names(**more: object) -> list[str]:
        page = runs.list_runs(place, experiment="acts", order_by="attributes.run_name ASC", **more)  # type: ignore[arg-type]
        return [row.name for row in page.runs]

    assert names(roots=True) == ["other", "parent"]
    assert names(parent=made["parent"]) == ["child"]
    rows = runs.list_runs(place, experiment="acts", roots=True, columns=["params.lr"]).runs
    assert {(row.name, row.children) for row in rows} == {("parent", 1), ("other", 0)}
    assert all([one.key for one in row.params] == ["lr"] and not row.metrics for row in rows)
    found = {one.key: one for one in columns.list_columns(place, experiment="acts").columns}
    assert (found["lr"].differs, found["same"].differs, found["lr"].values) == (
        True,
        False,
        ["2", "1"],
    )
    (stat,) = numbers.metric_table(place, made["other"]).metrics
    assert (stat.minimum, stat.maximum, stat.mean, stat.count) == (0.0, 2.0, 1.0, 3)
    ids = [made["other"], "f" * 32]
    done = changing.set_tag(place, ids, "mltrack.starred", "true")
    assert (done.run_ids, [one.code for one in done.problems]) == ([ids[0]], ["not_found"])
    assert runs.list_runs(place, experiment="acts", filter="run_name = 'other'").runs[0].starred
    assert changing.set_tag(place, ids[:1], "nothing", None).run_ids == ids[:1]
    changing.rename(place, made["other"], "third")
    assert changing.delete(place, [made["other"]]).run_ids == [made["other"]]
    assert (names(), names(deleted=True)) == (["child", "parent"], ["third"])
    changing.restore(place, [made["other"]])
    assert names() == ["child", "parent", "third"]
    details = runs.get_runs(place, [made["child"], "f" * 32, made["parent"]])
    assert [run.summary.name for run in details.runs] == ["child", "parent"]
    assert details.missing == ["f" * 32]
