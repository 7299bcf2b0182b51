"""Credentials on their way to an MLflow server: to whom they go, and where they never stand."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import ship_ground
from faulty_proxy import FaultyProxy
from remote_ground import arrived, assert_all_there_once, bad_health, log_points
from ship_ground import Shipped, born, ended, journals, until

from jupyter_mltrack import workspaces
from jupyter_mltrack.journal import Journal
from jupyter_mltrack.journal.ship import backlog, sync
from jupyter_mltrack.settings import data_dir

pytestmark = pytest.mark.usefixtures("run_of_this_test")


class Elsewhere:
    """A host that must never see a credential."""

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def _handle(self) -> None:
                owner.seen.append(dict(self.headers))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_GET = do_POST = _handle

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://localhost:{self.server.server_address[1]}/other"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def test_s08_a_redirect_to_another_host_is_not_followed(
    proxy: FaultyProxy, server_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = Elsewhere()
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "canary-token")
    workspace = workspaces.resolve(proxy.uri)
    proxy.mode = f"redirect:{elsewhere.uri}?secret=canary-query"
    with Shipped(workspace) as line:
        born(line.journal)
        log_points(line, 10)
        ended(line.journal)
        seen = until(lambda: bad_health(workspace.id), timeout_s=30)
        assert seen.state == "broken"
        assert seen.message.endswith(
            f"sends to localhost:{elsewhere.server.server_address[1]} instead of answering; it was not followed."
        )
        assert elsewhere.seen == []
        proxy.mode = "pass"
        arrived(line)
    assert elsewhere.seen == []
    assert any(h.get("Authorization") == "Bearer canary-token" for _, _, h in proxy.seen)
    assert_all_there_once(server_port, 10)
    elsewhere.server.shutdown()


def test_s28_credentials_are_in_no_file_and_in_no_process_arguments(
    proxy: FaultyProxy, server_port: int
) -> None:
    uri = proxy.uri.replace("http://", "http://someone:canary-password@")
    workspace = workspaces.resolve(uri)
    proxy.mode = "status:500"
    with Shipped(workspace) as line:
        born(line.journal)
        log_points(line, 10)
        ended(line.journal)
        until(lambda: bad_health(workspace.id), timeout_s=30)
        arguments = Path(f"/proc/{line.handle.process.pid}/cmdline").read_bytes()  # type: ignore[union-attr]
        assert b"canary" not in arguments
        for path in data_dir().rglob("*"):
            if path.is_file():
                assert b"canary-password" not in path.read_bytes(), path
        proxy.mode = "pass"
        arrived(line)
    assert any(h.get("Authorization", "").startswith("Basic ") for _, _, h in proxy.seen)


def test_s30_credentials_of_one_server_do_not_go_to_the_journal_of_another(
    proxy: FaultyProxy, server_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal.create(workspaces.resolve(proxy.uri))
    born(journal)
    journal.sink(ship_ground.RUN).append({"loss": 1.0, "acc": 0.0}, 0, 10_000)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "canary-token")
    report = sync(data_dir(), timeout_s=40)
    journal.close()
    assert (report.shipped_points, report.waiting_points) == (2, 0)
    assert proxy.seen
    assert [h for _, _, h in proxy.seen if "Authorization" in h] == []
    until(lambda: journals() == [], timeout_s=20)


def test_signing_in_later_sends_what_waits(
    proxy: FaultyProxy, server_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose(_method: str, _path: str) -> str | None:
        return None if proxy.seen[-1][2].get("Authorization") == "Bearer good" else "status:401"

    proxy.choose = choose
    workspace = workspaces.resolve(proxy.uri)
    with Shipped(workspace) as line:
        born(line.journal)
        log_points(line, 20)
        ended(line.journal)
        line.handle.wake()
        seen = until(lambda: bad_health(workspace.id), timeout_s=30)
        assert seen.state == "signed_out"
        assert "MLFLOW_TRACKING_TOKEN" in seen.hint
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "good")
        line.handle.wake()
        assert wait_shipped_after_sign_in(line)
    assert_all_there_once(server_port, 20)


def wait_shipped_after_sign_in(line: Shipped) -> bool:
    """The health file still says signed out for a moment: wait by what arrives."""
    until(lambda: backlog(data_dir())[line.workspace.id].points == 0, timeout_s=20)
    return True
