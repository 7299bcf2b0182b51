"""A real Jupyter server with the extension, journals as kernels write them, and stores that misbehave."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import patience
import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403 - its fixtures and its runner of coroutines

from jupyter_mltrack import wire
from jupyter_mltrack.journal import Journal
from jupyter_mltrack.server import pool, service
from jupyter_mltrack.workspaces import Workspace, resolve

BASE = "/a%40b"


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    return {"ServerApp": {"jpserver_extensions": {"jupyter_mltrack": True}}}


@pytest.fixture(autouse=True)
def patient_with_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store on this machine may take its time: the tests leave it little of the processor."""
    monkeypatch.setattr(service, "LOCAL_READ_LIMIT_S", 60.0)
    monkeypatch.setattr(pool, "START_LIMIT_S", patience.WAIT_S)


@pytest.fixture
def patient_with_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store elsewhere may too: what it says is the point, not when a page gives it up."""
    monkeypatch.setattr(service, "READ_LIMIT_S", 60.0)


@pytest.fixture
def app(jp_serverapp: Any) -> Any:
    """The extension as the server holds it."""
    (found,) = jp_serverapp.extension_manager.extension_apps["jupyter_mltrack"]
    return found


@pytest.fixture
def project(jp_root_dir: Path) -> Path:
    """The folder of a project below the server's root."""
    folder = jp_root_dir / "project"
    (folder / ".git").mkdir(parents=True)
    return folder


@pytest.fixture
def workspace(project: Path) -> Workspace:
    return resolve("local", project)


@pytest.fixture
def journal(workspace: Workspace) -> Iterator[Journal]:
    """A journal that this process owns, as a kernel would."""
    made = Journal.create(workspace)
    yield made
    made.close()


@pytest.fixture
def begin_run() -> Callable[..., str]:
    """Have a run born in a journal; returns its id."""

    def begin(journal: Journal, name: str = "run", run_id: str | None = None, **more: Any) -> str:
        run_id = run_id or uuid.uuid4().hex
        now_ms = int(time.time() * 1000)
        journal.event(wire.RunBorn(run_id=wire.RunId(run_id), name=name, start_ms=now_ms, **more))
        return run_id

    return begin


@pytest.fixture
def end_run() -> Callable[..., None]:
    def end(
        journal: Journal, run_id: str, status: Any = "FINISHED", error: str | None = None
    ) -> None:
        now_ms = int(time.time() * 1000)
        journal.event(
            wire.RunEnded(run_id=wire.RunId(run_id), status=status, end_ms=now_ms, error=error)
        )

    return end


# ------------------------------------------------------------------------------- requests


@dataclass
class Answer:
    """What came back: `headers` are pairs, names in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    @property
    def json(self) -> Any:
        return json.loads(self.body, parse_constant=_refuse)


def _refuse(token: str) -> None:
    raise AssertionError(f"bare {token} in JSON")


@pytest.fixture
def raw(http_server: Any, http_server_port: Any) -> Callable[..., Any]:
    """Send bytes as they are, on a connection of their own."""

    async def send(head: str, body: bytes = b"", wait_s: float = patience.WAIT_S) -> Answer:
        reader, writer = await asyncio.open_connection("127.0.0.1", http_server_port[1])
        try:
            writer.write(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n" + body)
            await writer.drain()
            first = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), wait_s)
            lines = first.decode("latin-1").split("\r\n")
            headers = [
                (name.lower(), value.strip())
                for name, _, value in (line.partition(":") for line in lines[1:] if line)
            ]
            answer = Answer(int(lines[0].split()[1]), headers, b"")
            length = answer.header("content-length")
            if length is not None and not head.startswith("HEAD"):
                answer.body = await asyncio.wait_for(reader.readexactly(int(length)), wait_s)
            return answer
        finally:
            writer.close()

    return send


@pytest.fixture
def api(raw: Any, jp_serverapp: Any) -> Callable[..., Any]:
    """Ask a route with the token; `path` is below the API's prefix, or the server's base with a `/`."""

    async def ask(
        path: str,
        method: str = "GET",
        *,
        body: Any = None,
        headers: dict[str, str] | None = None,
        token: str | None = jp_serverapp.identity_provider.token,
        wait_s: float = patience.WAIT_S,
    ) -> Answer:
        given = {"Host": "127.0.0.1:8888", "Connection": "close", **(headers or {})}
        if token is not None:
            given.setdefault("Authorization", f"token {token}")
        content = b""
        if body is not None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            given.setdefault("Content-Type", "application/json")
        if body is not None or method not in ("GET", "HEAD"):
            given.setdefault("Content-Length", str(len(content)))
        place = path if path.startswith("/") else f"/mltrack/api/{path}"
        lines = "\n".join(f"{name}: {value}" for name, value in given.items())
        return await raw(f"{method} {BASE}{place} HTTP/1.1\n{lines}", content, wait_s)

    return ask


async def _until(question: Callable[[], Any], limit_s: float = 10) -> Any:
    end_s = time.monotonic() + patience.least(limit_s)
    while True:
        answer = question()
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer or time.monotonic() > end_s:
            return answer
        await asyncio.sleep(0.02)


@pytest.fixture
def until() -> Callable[..., Any]:
    """Ask again and again until the answer is true; the last answer is returned."""
    return _until


@pytest.fixture
def stalled_share(api: Any) -> Callable[..., Any]:
    """The share of the time of some work in which the server's own status took over 200 ms.

    Not the slowest answer, and without the time in which the loop could have run and the machine
    ran something else.
    """

    async def measure(work: Any) -> float:
        task = asyncio.ensure_future(work)
        took_s = []
        began_s = time.perf_counter()
        while not task.done():
            watch = patience.Watch(of_all=True)
            await asyncio.sleep(0.02)  # the loop is stalled for this too when something blocks it
            assert (await api("/api/status")).status == 200
            took_s.append(watch.took_s - 0.02)
        await task
        whole_s = max(1.0, time.perf_counter() - began_s)
        return sum(one for one in took_s if one > 0.2) / whole_s

    return measure


# ------------------------------------------------------------------------- hostile stores


@dataclass
class HostileStore:
    """A server on loopback that answers whatever a test tells it to."""

    port: int
    behave: Callable[[socket.socket, bytes], None]
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def hostile_store() -> Iterator[Callable[..., HostileStore]]:
    """Start a server whose connections are handled by `behave(connection, request)`."""
    sockets: list[socket.socket] = []

    def start(behave: Callable[[socket.socket, bytes], None]) -> HostileStore:
        listener = socket.create_server(("127.0.0.1", 0))
        sockets.append(listener)
        store = HostileStore(listener.getsockname()[1], behave)

        def serve(connection: socket.socket) -> None:
            try:
                request = connection.recv(65_536)
                store.requests.append(request)
                store.behave(connection, request)
            except OSError:
                pass
            finally:
                connection.close()

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return store

    yield start
    for one in sockets:
        one.close()


def http_answer(
    connection: socket.socket,
    body: bytes,
    status: str = "200 OK",
    media_type: str = "application/json",
    more: str = "",
) -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n{more}Connection: close\r\n\r\n"
    connection.sendall(head.encode() + body)


@pytest.fixture(name="http_answer")
def http_answer_fixture() -> Callable[..., None]:
    return http_answer
