"""How a workspace is, asked for without MLflow and within a time limit."""

import os
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import patience
import pytest

from jupyter_mltrack import workspaces


class _Answers:
    def __init__(self) -> None:
        self.status, self.body, self.headers = 200, b"{}", {}
        self.seen: list[dict[str, str]] = []
        self.trickle = False
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.seen.append(dict(self.headers))
                if owner.trickle:
                    for _ in range(1_200):
                        self.wfile.write(b"H")
                        time.sleep(0.05)
                    return
                self.send_response(owner.status)
                for name, value in owner.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(owner.body)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.uri = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()


@pytest.fixture
def answers() -> Iterator[_Answers]:
    made = _Answers()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "state", "words"),
    [
        (200, b"{}", "ready", ""),
        (200, b'{"experiments": []}', "ready", ""),
        (200, b"<html>sign in</html>", "broken", "not MLflow's"),
        (200, b"[" * 100_000, "broken", "not MLflow's"),
        (401, b"", "signed_out", "sign-in (401)"),
        (403, b"", "denied", "(403)"),
        (404, b"", "broken", "answered 404"),
        (503, b"\x1b]0;x\x07", "unreachable", "answered 503"),
    ],
)
def test_an_answer_is_judged(
    answers: _Answers, status: int, body: bytes, state: str, words: str
) -> None:
    answers.status, answers.body = status, body
    found = workspaces.resolve(answers.uri).check(5)
    assert (found.state, words in found.message) == (state, True)
    assert found.message.isprintable()


def test_s08_a_redirect_is_named_and_not_followed(
    answers: _Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = _Answers()
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "canary")
    answers.status, answers.headers = (
        302,
        {"Location": f"http://user:word@{elsewhere.uri[7:]}/x?q=canary"},
    )
    found = workspaces.resolve(answers.uri).check(5)
    assert found.state == "broken"
    assert elsewhere.uri[7:] in found.message
    assert "word" not in found.message
    assert "canary" not in found.message
    assert elsewhere.seen == []
    elsewhere.server.shutdown()
    elsewhere.server.server_close()


def test_s09_a_server_that_hangs_or_trickles_is_unreachable_in_time(answers: _Answers) -> None:
    answers.trickle = True
    watch = patience.Watch()
    assert workspaces.resolve(answers.uri).check(0.4).state == "unreachable"
    assert watch.took_s < 20  # it trickles on for a minute


def test_nobody_at_the_address_is_unreachable() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = workspaces.resolve(f"http://127.0.0.1:{port}").check(2)
    assert (found.state, found.message) == (
        "unreachable",
        f"127.0.0.1:{port} cannot be reached: connection refused.",
    )
    assert (
        workspaces.resolve(f"postgresql://u:p@127.0.0.1:{port}/db").check(2).state == "unreachable"
    )


def test_credentials_go_as_mlflow_sends_them(
    answers: _Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "word")
    workspaces.resolve(answers.uri).check(5)
    workspaces.resolve(answers.uri.replace("//", "//me:mine@")).check(5)
    assert [seen["Authorization"] for seen in answers.seen] == ["Bearer word", "Basic bWU6bWluZQ=="]


def test_s07_credentials_for_one_server_do_not_go_to_another(
    answers: _Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://elsewhere.example")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "canary")
    workspaces.resolve(answers.uri).check(5)
    assert "Authorization" not in answers.seen[0]


def test_an_embedded_workspace_is_ready_before_it_is_made_and_after(tmp_path: Path) -> None:
    workspace = workspaces.resolve(str(tmp_path))
    assert workspace.check(1).state == "ready"
    workspace.prepare()
    assert workspace.check(1).state == "ready"
    assert workspace.database is not None
    with sqlite3.connect(workspace.database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    assert workspace.check(1).state == "connecting"
    workspace.database.write_bytes(b"no database" * 100)
    assert workspace.check(1).state == "broken"


def test_asking_needs_no_mlflow() -> None:
    import subprocess

    code = (
        "import sys; from jupyter_mltrack import workspaces\n"
        "workspaces.resolve('http://127.0.0.1:1').check(1)\nprint('mlflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    assert done.stdout.strip() == "False"
