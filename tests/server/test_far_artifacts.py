"""Artifacts of a workspace elsewhere: a real MLflow server, and servers that send astray or never end."""

from __future__ import annotations

import asyncio
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from jupyter_mltrack import wire
from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.journal import Journal
from jupyter_mltrack.server.far_artifacts import checked
from jupyter_mltrack.workspaces import resolve

RUN = "e" * 32
SERVER = "https://mlflow.example:5000/base"


@pytest.fixture
def used(app: Any, project: Path) -> Any:
    """The id of a workspace that a kernel of this machine has used."""

    def use(address: str) -> str:
        place = resolve(address, project)
        Journal.create(place).close()
        return place.id

    return use


@pytest.fixture
def warm(api: Any, until: Any) -> Any:
    """Have the process that reads a workspace be there: it takes seconds on a busy machine."""

    async def wait(workspace_id: str, run_id: str = RUN) -> None:
        async def answers() -> bool:
            found = await api(f"runs/{run_id}?workspace={workspace_id}")
            return bool(found.status == 200)

        assert await until(answers, 90)

    return wait


# ------------------------------------------------------------------------------- addresses

OWN = [
    "mlflow-artifacts:/0/run/artifacts",
    "mlflow-artifacts://mlflow.example:5000/0/run/artifacts",
    "https://mlflow.example:5000/api/2.0/mlflow-artifacts/artifacts/0/run/artifacts",
    "s3://bucket/runs/artifacts",
    "gs://bucket/runs",
    "dbfs:/databricks/mlflow/run",
    "wasbs://box@account.blob.core.windows.net/runs",
    "abfss://box@account.dfs.core.windows.net/runs",
]
ANOTHERS = [
    "mlflow-artifacts://internal:5000/0/run", "mlflow-artifacts://mlflow.example/0/run", "mlflow-artifacts://mlflow.example:5001/0/run",
    "http://mlflow.example:5000/x", "http://internal/x", "https://internal/x", "https://mlflow.example:5000@internal/x",
    "https://mlflow.example:99999999/x", "file:///home/user", "/home/user", "ftp://internal/x", "sftp://internal/x", "hdfs://internal/x",
    "runs:/abc/x", "models:/churn/1", "wasbs://box@account.evil.example/x", "abfss://box@evil.example/x", "mlflow-artifacts:/0/../../secret",
    "mlflow-artifacts:/0/%2e%2e/secret", "https://mlflow.example:5000/x?y", "https://mlflow.example:5000/x#y", "mlflow-artifacts:/a\\b",
    "s3://bucket/a b", "", "x", "sqlite:///x.db", "r2://bucket@evil.example/x",
]  # fmt: skip


@pytest.mark.parametrize("uri", OWN)
def test_s14_an_address_of_the_workspace_itself_or_of_a_cloud_is_asked(uri):
    assert checked(resolve(SERVER), uri) == uri


@pytest.mark.parametrize("uri", ANOTHERS)
def test_s14_any_other_address_is_refused_before_anything_is_asked(uri):
    with pytest.raises(MltrackError) as refused:
        checked(resolve(SERVER), uri)
    assert refused.value.code == "forbidden"


def test_s14_a_store_in_a_folder_serves_what_lies_in_it_and_nothing_beside(tmp_path):
    from jupyter_mltrack.server.artifacts import list_folder

    store = tmp_path / "runs"
    (store / "0" / RUN / "artifacts").mkdir(parents=True)
    (store / "0" / RUN / "artifacts" / "a.txt").write_text("x")
    (tmp_path / "secret").mkdir()
    place = resolve(store.as_uri())
    found = list_folder(place, (store / "0" / RUN / "artifacts").as_uri(), "")
    assert [one.path for one in found.artifacts] == ["a.txt"]
    database = resolve(f"sqlite:///{tmp_path}/mlflow.db")
    kept = tmp_path / "mlruns" / "0" / RUN / "artifacts"
    kept.mkdir(parents=True)
    assert list_folder(database, str(kept), "").artifacts == []
    for workspace in (place, database, resolve(SERVER)):
        for uri in ((tmp_path / "secret").as_uri(), str(tmp_path), "/etc", tmp_path.as_uri()):
            with pytest.raises(MltrackError) as refused:
                list_folder(workspace, uri, "")
            assert refused.value.code == "forbidden"


# -------------------------------------------------------------------------- a real server


def _log(address: str, folder: Path) -> str:
    """Log a run with files; its id."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=address)
    run = client.create_run(client.create_experiment("files"), run_name="far")
    (folder / "plots").mkdir(parents=True)
    (folder / "a.txt").write_text("hello from afar")
    (folder / "plots" / "empty.txt").write_text("")
    (folder / "plots" / "page.html").write_text("<h1>far</h1>")
    (folder / "plots" / "50 of é+1.txt").write_text("odd name")
    (folder / "large.txt").write_bytes(b"0123456789abcde\n" * (12 << 16))
    client.log_artifacts(run.info.run_id, str(folder))
    client.set_terminated(run.info.run_id)
    return str(run.info.run_id)


async def test_artifacts_of_a_tracking_server_are_listed_shown_and_brought(
    api, shared_server, used, tmp_path, warm
):
    address = shared_server
    workspace_id = used(address)
    run_id = await asyncio.to_thread(_log, address, tmp_path / "made")

    await warm(workspace_id, run_id)

    async def ask(act: str, path: str = "") -> Any:
        query = f"workspace={workspace_id}" + (f"&path={path}" if path else "")
        return await api(f"runs/{run_id}/artifacts{act}?{query}")

    listed = (await ask("")).json["artifacts"]
    assert [(one["path"], one["is_dir"], one["size_bytes"]) for one in listed] == [
        ("plots", True, None),
        ("a.txt", False, 15),
        ("large.txt", False, 12 << 20),
    ]
    inner = (await ask("", "plots")).json["artifacts"]
    assert [one["path"] for one in inner] == [
        "plots/50 of é+1.txt",
        "plots/empty.txt",
        "plots/page.html",
    ]
    seen = (await ask("/preview", "a.txt")).json
    assert (seen["kind"], seen["text"], seen["size_bytes"]) == ("text", "hello from afar", 15)
    empty = (await ask("/preview", "plots/empty.txt")).json
    assert (empty["kind"], empty["text"], empty["size_bytes"]) == ("text", "", 0)
    large = (await ask("/preview", "large.txt")).json
    assert (large["truncated"], large["size_bytes"]) == (True, 12 << 20)
    view = await ask("/view", "plots/page.html")
    assert (view.status, view.body) == (200, b"<h1>far</h1>")
    assert (await ask("/file", "plots/50%20of%20%C3%A9%2B1.txt")).body == b"odd name"
    got = await ask("/file", "large.txt")
    assert got.header("content-length") == str(12 << 20)
    assert got.body == b"0123456789abcde\n" * (12 << 16)
    for path in ("../a.txt", "nothing.txt", "plots", "/etc/passwd", "a.txt%00"):
        for act in ("/preview", "/file"):
            answer = await ask(act, path)
            assert answer.status in (400, 403, 404, 502), (path, act, answer.body)
    assert (await ask("/file", "nothing.txt")).json["code"] == "not_found"


# --------------------------------------------------------------------- servers that misbehave


def run_answer(address: str) -> bytes:
    """What a tracking server says of a run whose artifacts it keeps itself."""
    info = (
        f'{{"run_id":"{RUN}","run_uuid":"{RUN}","run_name":"far","experiment_id":"0","status":"FINISHED",'
        f'"start_time":1,"end_time":2,"lifecycle_stage":"active","artifact_uri":"mlflow-artifacts:/0/{RUN}/artifacts"}}'
    )
    return f'{{"run":{{"info":{info},"data":{{}},"inputs":{{}}}}}}'.encode()


@pytest.fixture
def far(hostile_store: Any, http_answer: Any, used: Any) -> Any:
    """A server that answers for runs as one should and for artifacts as a test tells it to."""

    def start(behave: Any) -> tuple[Any, str]:
        def answer(connection: Any, request: bytes) -> None:
            target = request.split(b" ", 2)[1]
            if b"mlflow-artifacts/artifacts" in target:
                behave(connection, request)
            elif b"runs/get" in target:
                http_answer(connection, run_answer(""))
            else:
                http_answer(connection, b"{}")

        store = hostile_store(answer)
        return store, used(store.url)

    return start


async def test_s8_a_redirect_of_an_artifact_is_not_followed(
    api, far, hostile_store, http_answer, monkeypatch, warm
):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "canary-token")
    target = hostile_store(lambda connection, _request: http_answer(connection, b"secret"))

    def redirect(connection: Any, _request: bytes) -> None:
        more = f"Location: http://127.0.0.1:{target.port}/secret\r\n"
        http_answer(connection, b"", "302 Found", more=more)

    store, workspace_id = far(redirect)
    await warm(workspace_id)
    for act in ("?", "/preview?path=a.txt&", "/file?path=a.txt&", "/view?path=a.html&"):
        answer = await api(f"runs/{RUN}/artifacts{act}workspace={workspace_id}")
        assert answer.status in (502, 504), (act, answer.body)
        assert b"canary" not in answer.body
    assert any(b"mlflow-artifacts" in request for request in store.requests)
    assert target.requests == []


async def test_s9_of_an_endless_artifact_only_the_head_is_read(api, far, warm):
    def endless(connection: Any, _request: bytes) -> None:
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        while True:
            connection.sendall(b"10000\r\n" + b"line of text\n\xe2\x82\xac" * 4096 + b"\r\n")

    _, workspace_id = far(endless)
    await warm(workspace_id)
    answer = await api(f"runs/{RUN}/artifacts/preview?path=a.txt&workspace={workspace_id}")
    said = answer.json
    assert (said["kind"], said["truncated"], said["size_bytes"]) == ("text", True, None)
    assert len(answer.body) < 1 << 20
    view = await api(f"runs/{RUN}/artifacts/view?path=a.html&workspace={workspace_id}")
    assert (view.status, view.json["code"]) == (413, "too_large")


async def test_s10_what_a_server_says_of_an_artifact_loses_its_control_characters(
    api, far, http_answer, warm
):
    said = b'{"error_code": "INTERNAL_ERROR", "message": "\\u001b]0;x\\u0007 <img src=x onerror=alert(1)> \\u202e"}'

    def complain(connection: Any, _request: bytes) -> None:
        http_answer(connection, said, "500 Internal Server Error")

    _, workspace_id = far(complain)
    await warm(workspace_id)
    for act in ("?", "/preview?path=a.txt&", "/file?path=a.txt&", "/view?path=a.html&"):
        answer = await api(f"runs/{RUN}/artifacts{act}workspace={workspace_id}")
        assert answer.status in (502, 504), (act, answer.body)
        assert not re.search(r"[\x00-\x1f\x7f\u202e]", answer.json["message"])


async def test_a_download_that_nobody_waits_for_ends(
    api, far, http_server_port, jp_serverapp, until, warm
):
    sent: list[int] = []

    def large(connection: Any, _request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5368709120\r\n\r\n")
        for _ in range(5 << 10):
            connection.sendall(b"x" * (1 << 20))
            sent.append(1)

    _, workspace_id = far(large)
    await warm(workspace_id)
    before_kb = rss_kb()
    reader, writer = await asyncio.open_connection("127.0.0.1", http_server_port[1])
    token = jp_serverapp.identity_provider.token
    target = f"/a%40b/mltrack/api/runs/{RUN}/artifacts/file?path=a.bin&workspace={workspace_id}"
    head = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:8888\r\nAuthorization: token {token}\r\n\r\n"
    writer.write(head.encode())
    began = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 150)
    assert b"Content-Length: 5368709120" in began
    await asyncio.wait_for(reader.readexactly(8 << 20), 150)
    assert children("far_download")
    writer.close()
    assert await until(lambda: not children("far_download"))
    assert len(sent) < 512
    assert rss_kb() - before_kb < 100 << 10


async def test_a_file_that_ends_early_is_no_whole_file(api, far, warm):
    def short(connection: Any, _request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")

    _, workspace_id = far(short)
    await warm(workspace_id)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await api(f"runs/{RUN}/artifacts/file?path=a.txt&workspace={workspace_id}")


async def test_more_downloads_than_a_few_at_once_are_asked_to_wait(api, far, until, warm):
    def silent(connection: Any, _request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        time.sleep(600)

    _, workspace_id = far(silent)
    await warm(workspace_id)
    path = f"runs/{RUN}/artifacts/file?path=a.txt&workspace={workspace_id}"
    waiting = [asyncio.ensure_future(api(path)) for _ in range(4)]
    assert await until(lambda: len(children("far_download")) == 4, 30)
    answer = await api(path)
    assert (answer.status, answer.json["code"]) == (429, "too_many_requests")
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert await until(lambda: not children("far_download"), 30)


def children(name: str) -> list[int]:
    """Processes of this one that run a module of ours."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes()
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if parent == os.getpid() and name.encode() in words:
            found.append(int(place.name))
    return found


def rss_kb() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def test_what_a_store_names_outside_the_folder_is_left_out():
    from types import SimpleNamespace

    from jupyter_mltrack.server import far_artifacts

    said = [
        SimpleNamespace(path=path, is_dir=False, file_size=1)
        for path in ("../x", "/etc/passwd", "a\\b", "a\x00", "deep/x", "good.txt", "a//b")
    ]
    entries = [far_artifacts._entry(one) for one in said]
    kept = [one for one in entries if one is not None and far_artifacts._is_child(one.path, "")]
    assert kept == [wire.ArtifactInfo(path="good.txt", is_dir=False, size_bytes=1)]
