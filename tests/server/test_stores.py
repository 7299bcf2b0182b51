"""Stores that hang, lie or attack: the server answers at once, a problem is a problem, nothing leaks."""

from __future__ import annotations

import asyncio
import os
import re
import time
from pathlib import Path

import pytest

from jupyter_mltrack.journal import Journal
from jupyter_mltrack.workspaces import resolve

RUN = "b" * 32


def rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


@pytest.fixture
def used():
    """Have a kernel use the store, so that this server may ask it."""
    journals = []

    def use(url: str) -> str:
        journal = Journal.create(resolve(url))
        journals.append(journal)
        return resolve(url).id

    yield use
    for one in journals:
        one.close()


def hang(connection, request):
    time.sleep(600)  # longer than any test lasts: what is answered did not wait for it


# ---------------------------------------------------------------------------------- S37


async def test_s37_a_store_that_hangs_holds_up_nothing_but_its_own_answers(
    api, hostile_store, used, workspace, project, stalled_share
):
    store = hostile_store(hang)
    workspace_id = used(store.url)
    paths = [f"runs?workspace={workspace_id}", f"runs/{RUN}?workspace={workspace_id}"] * 3

    async def ask_all():
        answers = await asyncio.gather(*(api(path) for path in paths))
        for answer in answers:
            assert answer.status in (200, 429, 502, 504), answer.body
            if answer.status == 200:  # what waits here, with the reason why there is no more
                assert answer.json["problem"]["code"] in ("store_unreachable", "store_timeout")
                assert answer.json["runs"] == []
        return answers

    assert await stalled_share(ask_all()) < 0.2
    local = await api("workspaces?path=project/a.ipynb")
    local_id = next(one["id"] for one in local.json["workspaces"] if one["kind"] == "local")
    assert (await api(f"runs?workspace={local_id}")).status == 200


async def test_s37_requests_beyond_the_limit_are_refused_and_places_come_back(
    api, hostile_store, used, until
):
    store = hostile_store(hang)
    workspace_id = used(store.url)
    await api("live")
    before_mb = rss_mb(os.getpid())
    asked = [
        asyncio.ensure_future(api(f"runs?workspace={workspace_id}&limit={1 + at % 200}"))
        for at in range(300)
    ]

    def refused_now():
        return [one for one in asked if one.done() and one.result().status == 429]

    assert await until(lambda: len(refused_now()) >= 150)
    refused = refused_now()
    assert refused[0].result().json["retry_after_ms"] > 0
    assert rss_mb(os.getpid()) - before_mb < 50
    for one in asked:
        one.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    await asyncio.sleep(0.3)
    assert (await api("status")).status == 200


async def test_s37_one_user_cannot_take_all_places():
    from jupyter_mltrack.server.limits import RequestLimits, TooMany

    limits = RequestLimits(user_max=2, all_max=5)
    limits.enter("ann")
    limits.enter("ann")
    with pytest.raises(TooMany):
        limits.enter("ann")
    limits.enter("bob")
    limits.leave("ann")
    limits.enter("ann")
    for user in ("cy", "dee"):
        limits.enter(user)
    with pytest.raises(TooMany):
        limits.enter("eve")


async def test_s37_a_reader_process_that_hangs_is_killed_and_another_takes_its_place(
    api, app, workspace, project, until, monkeypatch
):
    await api("workspaces?path=project/a.ipynb")
    assert (await api(f"runs?workspace={workspace.id}")).status == 200
    (pid,) = app._pool.pids()
    os.kill(pid, 19)  # stopped: it answers nothing, as if it hung
    from jupyter_mltrack.server import pool, service

    limit_s = service.LOCAL_READ_LIMIT_S
    monkeypatch.setattr(pool, "FIRST_PAUSE_S", 8.0)
    monkeypatch.setattr(service, "LOCAL_READ_LIMIT_S", 0.5)
    answer = await api(f"runs?workspace={workspace.id}")
    monkeypatch.setattr(service, "LOCAL_READ_LIMIT_S", limit_s)
    assert (answer.status, answer.json["code"]) == (504, "store_timeout")
    assert not Path(f"/proc/{pid}").exists()
    again = await api(f"runs?workspace={workspace.id}")
    assert (again.status, again.json["code"]) == (502, "store_unreachable")

    async def works():
        return (await api(f"runs?workspace={workspace.id}")).status == 200

    assert await until(works)


# ----------------------------------------------------------------------------------- S8


async def test_s8_a_redirect_to_another_host_is_not_followed(
    api, hostile_store, http_answer, used, monkeypatch, patient_with_stores
):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "canary-token")
    target = hostile_store(lambda connection, request: http_answer(connection, b"{}"))

    def redirect(connection, request):
        http_answer(
            connection,
            b"",
            "302 Found",
            more=f"Location: http://127.0.0.1:{target.port}/secret/path?q=1\r\n",
        )

    store = hostile_store(redirect)
    workspace_id = used(store.url)
    for path in (
        f"runs?workspace={workspace_id}",
        f"experiments?workspace={workspace_id}",
        f"runs/{RUN}?workspace={workspace_id}",
    ):
        answer = await api(path)
        assert answer.status in (200, 502, 504), answer.body
        assert b"secret/path" not in answer.body
        assert b"canary" not in answer.body
    assert store.requests
    assert target.requests == []


# ----------------------------------------------------------------------------------- S9


def garbage(connection, request):
    connection.sendall(os.urandom(4096))


def large(connection, request):
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 31457280\r\n\r\n"
    )
    for _ in range(480):
        connection.sendall(b" " * 65_536)


def deep(connection, request):
    body = b'{"runs":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    http_answer_plain(connection, body)


def wrong_types(connection, request):
    http_answer_plain(
        connection, b'{"runs": [{"info": 3, "data": "x"}], "experiments": 7, "run": [1]}'
    )


def a_page(connection, request):
    http_answer_plain(
        connection, b"<html><body>Sign in <script>alert(1)</script></body></html>", "text/html"
    )


def endless(connection, request):
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    for _ in range(2_000):
        connection.sendall(b"10000\r\n" + b"[" * 65_536 + b"\r\n")


def slow(connection, request):
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    )
    for _ in range(1000):
        connection.sendall(b" ")
        time.sleep(0.2)


def http_answer_plain(connection, body, media_type="application/json"):
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    connection.sendall(head.encode() + body)


async def test_s9_an_answer_that_is_no_answer_becomes_a_problem(
    api, hostile_store, used, app, until, stalled_share
):
    store = hostile_store(garbage)
    workspace_id = used(store.url)
    own_before_mb = rss_mb(os.getpid())

    async def ask_each():
        for behave in (garbage, large, deep, wrong_types, a_page, endless, slow):
            store.behave, asked_before = behave, len(store.requests)

            async def is_asked(behave=behave, asked_before=asked_before):
                answer = await api(f"experiments?workspace={workspace_id}")
                assert answer.status in (502, 504), (behave, answer.body)
                assert answer.json["code"] in ("store_unreachable", "store_timeout", "store_error")
                text = answer.body.decode()
                assert "Traceback" not in text
                assert "/site-packages" not in text
                return len(store.requests) > asked_before

            assert await until(is_asked), behave
            for pid in app._pool.pids():
                assert rss_mb(pid) < 600

    assert await stalled_share(ask_each()) < 0.2
    assert rss_mb(os.getpid()) - own_before_mb < 100


# ---------------------------------------------------------------------------------- S10


async def test_s10_a_message_of_a_store_loses_its_control_characters(
    api, hostile_store, http_answer, used, patient_with_stores
):
    def complain(connection, request):
        body = b'{"error_code": "INTERNAL_ERROR", "message": "\\u001b]0;x\\u0007 <img src=x onerror=alert(1)> \\u202e"}'
        http_answer(connection, body, "400 Bad Request")

    store = hostile_store(complain)
    workspace_id = used(store.url)
    answer = await api(f"experiments?workspace={workspace_id}")
    assert answer.status in (400, 502)
    message = answer.json["message"]
    assert not re.search(r"[\x00-\x1f\x7f\u202e]", message)
    assert answer.header("content-type") == "application/json"


# ----------------------------------------------------------------------- ends with the server


async def test_no_reader_process_outlives_the_server(api, app, workspace, project):
    await api("workspaces?path=project/a.ipynb")
    assert (await api(f"runs?workspace={workspace.id}")).status == 200
    (pid,) = app._pool.pids()
    assert Path(f"/proc/{pid}").exists()
    await app.stop_extension()
    assert not Path(f"/proc/{pid}").exists()


async def test_s21_a_reader_process_has_no_socket_that_anybody_could_connect_to(
    api, app, workspace, project
):
    await api("workspaces?path=project/a.ipynb")
    assert (await api(f"runs?workspace={workspace.id}")).status == 200
    (pid,) = app._pool.pids()
    inodes = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        found = re.match(r"socket:\[(\d+)\]", os.readlink(handle))
        if found:
            inodes.add(found[1])
    listening = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            if line.split()[3] == "0A":
                listening.add(line.split()[9])
    named = {
        line.split()[6]
        for line in Path("/proc/net/unix").read_text().splitlines()[1:]
        if len(line.split()) > 7
    }
    assert not inodes & (listening | named)
    arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
    assert b"sqlite" not in arguments
