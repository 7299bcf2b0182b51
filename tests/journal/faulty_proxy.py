"""An HTTP proxy before a real MLflow server that misbehaves on request."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HTML = b"<html><body>Welcome to the airport. Please sign in.\x1b]0;x\x07<img src=x onerror=alert(1)></body></html>"


class FaultyProxy:
    """`mode` says what happens to requests; `choose` may decide by method and path.

    pass, refuse (connection reset), hang, status:CODE, retry:SECONDS (429), html, garbage, deep, huge,
    trickle, cut (half of the answer), lost (the work is done, no answer), late (no answer; the work is done after that of the next try), redirect:URL, escape.
    """

    def __init__(self, upstream_port: int) -> None:
        self.upstream_port = upstream_port
        self.mode = "pass"
        self.choose: Callable[[str, str], str | None] = lambda _method, _path: None
        self.delay_s = 0.0
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.answered: list[tuple[str, str, str]] = []
        self._stop = threading.Event()
        proxy = self

        class Handler(_Handler):
            owner = proxy

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_: object) -> None:
                return

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def __enter__(self) -> FaultyProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()

    def wait(self, seconds: float) -> None:
        """Sleep, but not beyond the proxy's life or the present mode."""
        mode, end_s = self.mode, time.monotonic() + seconds
        while time.monotonic() < end_s and not self._stop.is_set() and self.mode == mode:
            time.sleep(0.02)


class _Handler(BaseHTTPRequestHandler):
    owner: FaultyProxy
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        return

    def _handle(self) -> None:
        owner = self.owner
        owner.seen.append((self.command, self.path, dict(self.headers)))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        mode = owner.choose(self.command, self.path.split("?")[0]) or owner.mode
        if owner.delay_s:
            time.sleep(owner.delay_s)
        kind, _, value = mode.partition(":")
        getattr(self, f"_{kind}")(body, value)
        owner.answered.append((self.command, self.path.split("?")[0], mode))

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle

    # ------------------------------------------------------------------------- manners

    def _upstream(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.owner.upstream_port, timeout=150)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
        connection.request(self.command, self.path, body=body, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        kept = [(k, v) for k, v in answer.getheaders() if k.lower() == "content-type"]
        connection.close()
        return answer.status, kept, content

    def _answer(
        self, status: int, content: bytes, headers: Any = (), declared: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) if declared is None else declared))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def _pass(self, body: bytes, _value: str) -> None:
        status, headers, content = self._upstream(body)
        self._answer(status, content, headers)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _refuse(self, _body: bytes, _value: str) -> None:
        self._reset()

    def _hang(self, _body: bytes, _value: str) -> None:
        self.owner.wait(150)
        self._reset()

    def _status(self, _body: bytes, value: str) -> None:
        self._answer(int(value), b"no", [("Content-Type", "text/plain")])

    def _retry(self, _body: bytes, value: str) -> None:
        self._answer(429, b"slow down", [("Retry-After", value)])

    def _html(self, _body: bytes, _value: str) -> None:
        self._answer(200, HTML, [("Content-Type", "text/html")])

    def _garbage(self, _body: bytes, _value: str) -> None:
        self._answer(200, bytes(range(256)) * 40, [("Content-Type", "application/json")])

    def _deep(self, _body: bytes, _value: str) -> None:
        self._answer(
            200,
            b'{"run":' * 100_000 + b"1" + b"}" * 100_000,
            [("Content-Type", "application/json")],
        )

    def _huge(self, _body: bytes, _value: str) -> None:
        try:
            self._answer(
                200, b'{"a":"' + b"x" * (30 << 20) + b'"}', [("Content-Type", "application/json")]
            )
        except OSError:
            self.close_connection = True

    def _trickle(self, _body: bytes, _value: str) -> None:
        self.wfile.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
        )
        end_s = time.monotonic() + 120
        try:
            while time.monotonic() < end_s and self.owner.mode == "trickle":
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.2)
        except OSError:
            pass
        self._reset()

    def _cut(self, body: bytes, _value: str) -> None:
        status, headers, content = self._upstream(body)
        self._answer(status, content[: len(content) // 2], headers, declared=len(content) + 10)
        self._reset()

    def _lost(self, body: bytes, _value: str) -> None:
        self._upstream(body)
        self._reset()

    def _late(self, body: bytes, _value: str) -> None:
        self._reset()
        next_try = (self.command, self.path.split("?")[0], "pass")
        end_s = time.monotonic() + 150
        while next_try not in self.owner.answered and time.monotonic() < end_s:
            time.sleep(0.02)
        self._upstream(body)

    def _redirect(self, _body: bytes, value: str) -> None:
        self._answer(302, b"", [("Location", value)])

    def _escape(self, _body: bytes, _value: str) -> None:
        content = b'{"error_code": "INTERNAL_ERROR", "message": "\\u001b]0;x\\u0007<img onerror>\\r\\nmore"}'
        self._answer(500, content, [("Content-Type", "application/json")])

    def _refused_record(self, body: bytes, value: str) -> None:
        if value.encode() in body:
            content = b'{"error_code": "INVALID_PARAMETER_VALUE", "message": "not this one"}'
            self._answer(400, content, [("Content-Type", "application/json")])
        else:
            self._pass(body, "")
