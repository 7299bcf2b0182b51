"""Who may ask an endpoint, and who may command the keeper."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from local_ground import ROW, Ground, alive, wait_until

from jupyter_mltrack.deployments.local import control, keeper_client, keeper_line
from jupyter_mltrack.deployments.local.serving import addresses, app, guard

SAFE = {
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


def _port(ground: Ground, name: str) -> int:
    return int(keeper_client.endpoint(name).address.rpartition(":")[2])


def test_s19_without_the_right_token_nothing_is_answered(ground: Ground) -> None:
    ground.deploy("churn")
    token = ground.places.token("churn").read_text()
    wrong = [
        None,
        "Bearer",
        "Bearer ",
        f"Bearer {token[:-1]}",
        f"Bearer {token}x",
        f"Basic {token}",
        token,
        "Bearer é",
    ]
    for authorization in wrong:
        for method, path in (
            ("POST", "/invocations"),
            ("GET", "/ping"),
            ("GET", "/version"),
            ("GET", "/none"),
        ):
            body = ROW if method == "POST" else None
            status, headers, content = ground.request(
                "churn", method, path, body, authorization=authorization
            )
            assert status == 401, (authorization, path)
            assert b"predictions" not in content
            assert headers["www-authenticate"] == "Bearer"
            assert SAFE.items() <= headers.items()
    assert len(token) == 43
    assert ground.request("churn")[0] == 200


def test_s19_s4_a_host_that_is_not_loopback_with_the_right_port_is_refused(ground: Ground) -> None:
    ground.deploy("churn")
    port = _port(ground, "churn")
    for host in (
        "evil.example",
        f"evil.example:{port}",
        f"127.0.0.1.evil.example:{port}",
        f"localhost:{port}.evil.example",
        f"10.evil.example:{port}",
        f"localhost:{port + 1}",
        "127.0.0.1",
        "",
        None,
        [f"127.0.0.1:{port}", f"evil.example:{port}"],
        f"user@127.0.0.1:{port}",
        f"0.0.0.0:{port}",
        f"169.254.169.254:{port}",
    ):
        status, _, content = ground.request("churn", host=host)
        assert status in (400, 403), host
        assert b"predictions" not in content
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}", f"[::1]:{port}"):
        assert ground.request("churn", host=host)[0] == 200, host


def test_s19_a_page_of_another_site_is_refused_and_gets_no_permission(ground: Ground) -> None:
    ground.deploy("churn")
    port = _port(ground, "churn")
    for origin in (
        "http://evil.example",
        "null",
        f"https://127.0.0.1:{port}",
        "http://localhost:8888",
        "file://",
    ):
        status, headers, _ = ground.request("churn", origin=origin)
        assert status == 403, origin
        assert not [name for name in headers if name.startswith("access-control")]
    status, headers, _ = ground.request(
        "churn", "OPTIONS", "/invocations", None, origin="http://evil.example"
    )
    assert status == 403
    assert not [name for name in headers if name.startswith("access-control")]
    assert ground.request("churn", origin=f"http://127.0.0.1:{port}")[0] == 200


def test_s19_the_socket_is_bound_to_loopback_alone(ground: Ground) -> None:
    ground.deploy("churn")
    wanted = f"{_port(ground, 'churn'):04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{wanted}")]
    assert listening == [f"0100007F:{wanted}"]
    assert f":{wanted} " not in Path("/proc/net/tcp6").read_text()


def test_s19_the_token_is_in_no_argument_environment_log_or_answer(ground: Ground) -> None:
    ground.deploy("churn")
    ground.request("churn")
    token = ground.places.token("churn").read_text()
    assert ground.places.token("churn").stat().st_mode & 0o777 == 0o600
    seen = 0
    for pid in ground.processes():
        for name in ("cmdline", "environ"):
            assert token.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()
            seen += 1
    assert seen >= 6
    answer = json.dumps(keeper_line.call({"op": "endpoints"}))
    assert token not in answer
    for path in ground.places.root.rglob("*"):
        if path.is_file() and path.name != "token":
            assert token.encode() not in path.read_bytes(), path


def test_s36_every_answer_forbids_frames_also_when_it_is_stopped(ground: Ground) -> None:
    ground.deploy("churn")
    for method, path, body in (
        ("POST", "/invocations", ROW),
        ("GET", "/ping", None),
        ("GET", "/none", None),
        ("PUT", "/ping", None),
    ):
        _, headers, _ = ground.request("churn", method, path, body)
        assert SAFE.items() <= headers.items(), path
    keeper_client.stop("churn")
    status, headers, _ = ground.request("churn")
    assert status == 503
    assert SAFE.items() <= headers.items()


def test_a_body_over_the_limit_is_refused_before_it_is_read(ground: Ground) -> None:
    ground.deploy("churn")
    status, _, content = ground.request(
        "churn", body=b"{", content_length=str(app.BODY_BYTES_MAX + 1)
    )
    assert (status, json.loads(content)) == (413, {"message": "The body is larger than 100 MB."})


def test_a_body_that_grows_over_the_limit_while_it_comes_is_refused() -> None:
    import asyncio

    async def receive() -> dict:
        return {"type": "http.request", "body": b"x" * (40 << 20), "more_body": True}

    with pytest.raises(app._TooLarge):
        asyncio.run(app._read(receive, []))


def test_the_token_is_compared_in_constant_time() -> None:
    source = Path(guard.__file__).read_text()
    assert "hmac.compare_digest(given" in source
    assert not re.search(r"token\s*==|==\s*token", source)


def test_s21_the_control_socket_is_for_this_user_alone(ground: Ground) -> None:
    keeper_client.ensure()
    path = ground.places.root / "keeper.sock"
    assert path.stat().st_mode & 0o777 == 0o600
    assert ground.places.root.stat().st_mode & 0o777 == 0o700
    ground.deploy("churn")
    for one in ground.places.run.iterdir():
        assert one.stat().st_mode & 0o777 == 0o600
    assert ground.places.run.stat().st_mode & 0o777 == 0o700


def test_s21_another_user_is_hung_up_on(
    private_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    from jupyter_mltrack.deployments.local.launching import bind_private

    async def ask() -> tuple[bytes, int]:
        async def handle(_: dict) -> dict:
            raise AssertionError("a command of another user was taken")

        server = control.Control(handle)
        await server.start(bind_private(private_place, "k.sock"))
        reader, writer = await asyncio.open_unix_connection(str(private_place / "k.sock"))
        writer.write(b'{"op": "quit"}\n')
        try:
            found = await reader.read()
        except ConnectionResetError:
            found = b""
        server.close()
        return found, server.refused

    monkeypatch.setattr(control, "peer_uid", lambda _: os.geteuid() + 1)
    assert asyncio.run(ask()) == (b"", 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_s21_a_process_of_another_user_gets_no_answer_even_where_the_mode_lets_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        code = (
            "import asyncio, sys; from pathlib import Path\n"
            "from jupyter_mltrack.deployments.local import control, launching\n"
            "async def handle(message):\n    return {'done': True}\n"
            "async def main():\n"
            "    server = control.Control(handle)\n"
            "    await server.start(launching.bind_private(Path(sys.argv[1]), 'k.sock'))\n"
            "    print('up', flush=True)\n    await asyncio.sleep(60)\n"
            "asyncio.run(main())\n"
        )
        root = str(Path(control.__file__).parents[3])
        server = subprocess.Popen(
            [sys.executable, "-c", code, folder],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": root},
        )
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"up\n"
            os.chmod(place, 0o755)
            os.chmod(place / "k.sock", 0o666)
            asking = (
                "import os, socket, sys; os.setuid(int(sys.argv[2]))\n"
                "line = socket.socket(socket.AF_UNIX); line.connect(sys.argv[1] + '/k.sock')\n"
                'line.sendall(b\'{"op": "x"}\\n\'); print(line.makefile().readline())'
            )
            said = {
                uid: subprocess.run(
                    [sys.executable, "-c", asking, folder, str(uid)],
                    capture_output=True,
                    text=True,
                    check=False,
                )
                for uid in (0, 65534)
            }
        finally:
            server.kill()
            server.wait()
            server.stdout.close()
    assert '"done": true' in said[0].stdout
    assert "done" not in said[65534].stdout + said[65534].stderr


def test_a_garbled_command_harms_nobody(ground: Ground) -> None:
    keeper_client.ensure()
    pid = ground.keeper_pid()
    address = addresses.socket_address(ground.places.root, "keeper.sock")
    for line in (
        b"\n",
        b"{\n",
        b"[]\n",
        b'{"op": 1}\n',
        b'{"op": "deploy"}\n',
        b'{"op": "traffic", "name": "x"}\n',
        b"\xff\xfe\n",
    ):
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(address)
            one.sendall(line)
            assert json.loads(one.makefile("rb").readline())["ok"] is False
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(address)
        one.settimeout(10)
        try:
            one.sendall(b"x" * (control.LINE_BYTES_MAX + 10))
            assert one.recv(10) == b""
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert alive(pid)
    assert keeper_line.call({"op": "hello"})["pid"] == pid


def test_half_a_request_holds_nobody_up(ground: Ground) -> None:
    ground.deploy("churn")
    port = _port(ground, "churn")
    lines = [socket.create_connection(("127.0.0.1", port)) for _ in range(30)]
    for line in lines:
        line.sendall(b"POST /invocations HTTP/1.1\r\nhost: 127.0.0.1")
    assert ground.request("churn")[0] == 200
    for line in lines:  # none was closed to make room
        line.setblocking(False)
        with pytest.raises(BlockingIOError):
            line.recv(1)
        line.close()
    wait_until(lambda: ground.request("churn")[0] == 200)


@pytest.mark.parametrize(
    ("hosts", "right"),
    [
        ([b"127.0.0.1:8000"], True),
        ([b"[::1]:8000"], True),
        ([b"127.0.0.1:8000", b"127.0.0.1:8000"], False),
        ([b"127.0.0.1:8000", b"evil.example"], False),
        ([], False),
        ([b"127.0.0.1:8000 "], False),
        ([b"127.0.0.1:08000"], True),
        ([b"127.1:8000"], False),
        ([b"2130706433:8000"], False),
        ([b"[::ffff:127.0.0.1]:8000"], False),
        ([b"127.0.0.1:800000"], False),
        ([b"localhost.:8000"], False),
        (["localhoſt:8000".encode()], False),
    ],
)
def test_s4_a_host_is_compared_as_parsed(hosts: list[bytes], right: bool) -> None:
    assert guard.host_is_right([(b"host", one) for one in hosts], 8000) is right
