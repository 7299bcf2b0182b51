"""The ASGI application of a replica: MLflow's scoring protocol behind a guard.

Bodies, content types and error texts are those of MLflow's own scoring server, because its own
functions make them; what is added is who may ask, which version answers, and what is kept.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from jupyter_mltrack.deployments.local.serving.guard import SAFE_HEADERS, Headers, header, refusal
from jupyter_mltrack.deployments.local.serving.inference_log import InferenceLog, Record
from jupyter_mltrack.deployments.local.serving.passing import NoAnswer, Other, Passed, Routes
from jupyter_mltrack.deployments.local.serving.predicting import Answer, Predictor
from jupyter_mltrack.deployments.local.serving.tally import Tally

BODY_BYTES_MAX = 100 * 1024 * 1024
_SHADOWS_MAX = 16
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:@/+=-]{1,128}\Z")
_PASSED = (b"content-type", b"accept", b"user-agent")
_SHADOW_MARK = b"x-mltrack-shadow"
PROOF_MARK = b"x-mltrack-proof"
"""On a private request: the keeper asks; it is neither counted nor kept."""
_JSON = "application/json"

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class _Gone(Exception):
    """The caller hung up."""


class _TooLarge(Exception):
    """The body is over the limit."""


class App:
    """What one replica answers, on its public socket and on its private one."""

    def __init__(
        self,
        predictor: Predictor,
        routes: Routes,
        tally: Tally,
        log: InferenceLog,
        *,
        port: int,
        token: bytes,
    ) -> None:
        self._predictor = predictor
        self._routes = routes
        self._tally = tally
        self._log = log
        self._port = port
        self._token = token
        self._label = routes.label
        self._background: set[asyncio.Task[None]] = set()

    async def public(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer whoever has the token."""
        refused = refusal(scope["headers"], self._port, self._token)
        if refused:
            extra = [(b"www-authenticate", b"Bearer")] if refused[0] == 401 else []
            await self._send_words(send, *refused, extra)
            return
        await self._answer(scope, receive, send, private=False)

    async def private(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the keeper and replicas of other versions: only this user reaches this socket."""
        await self._answer(scope, receive, send, private=True)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, *, private: bool) -> None:
        path, method = scope["path"], scope["method"]
        if path not in ("/ping", "/health", "/version", "/invocations"):
            await self._send(send, 404, b'{"detail":"Not Found"}', _JSON)
        elif method != ("POST" if path == "/invocations" else "GET"):
            await self._send(send, 405, b'{"detail":"Method Not Allowed"}', _JSON)
        elif path == "/version":
            await self._send(send, 200, self._predictor.mlflow_version.encode(), _JSON)
        elif path != "/invocations":
            await self._send(send, 200, b"\n", _JSON)
        else:
            self._tally.busy += 1
            try:
                await self._invocations(scope, receive, send, private=private)
            finally:
                self._tally.busy -= 1

    async def _invocations(
        self, scope: Scope, receive: Receive, send: Send, *, private: bool
    ) -> None:
        started = time.perf_counter()
        started_ms = time.time_ns() // 1_000_000
        headers: Headers = scope["headers"]
        given = header(headers, b"x-request-id") or b""
        request_id = given if _REQUEST_ID.match(given) else secrets.token_hex(16).encode()
        try:
            body = await _read(receive, headers)
        except _Gone:
            return
        except _TooLarge:
            limit = f"The body is larger than {BODY_BYTES_MAX >> 20} MB."
            await self._send_words(send, 413, limit)
            return
        passed_on = None if private else await self._pass_on(headers, request_id, body)
        if passed_on is not None:
            await self._relay(send, passed_on, request_id)
            self._copy_to_shadows(headers, request_id, body, private=private)
            return
        kind = header(headers, b"content-type")
        answer = await self._predictor.answer(body, kind.decode("latin-1") if kind else "None")
        latency_ms = (time.perf_counter() - started) * 1000
        proof = private and header(headers, PROOF_MARK) is not None
        if not proof:
            self._tally.count(latency_ms, answer.status)
        extra = [(b"x-request-id", request_id), (b"x-model-version", self._label.encode())]
        await self._send(send, answer.status, answer.body, answer.kind, extra)
        if proof:
            return
        shadow = private and header(headers, _SHADOW_MARK) is not None
        self._note(answer, request_id.decode(), started_ms, latency_ms, shadow=shadow)
        self._copy_to_shadows(headers, request_id, body, private=private)

    # ------------------------------------------------------------------ other versions

    async def _pass_on(self, headers: Headers, request_id: bytes, body: bytes) -> Passed | None:
        chosen = self._routes.choose()
        if chosen is None:
            return None
        label, other = chosen
        try:
            return await asyncio.wait_for(
                other.ask("/invocations", _passed(headers, request_id), body),
                self._predictor.timeout_s,
            )
        except NoAnswer:
            self._tally.count_unanswered(label)
            return None  # this version answers in its place
        except (asyncio.TimeoutError, TimeoutError):  # noqa: UP041 (two classes before Python 3.11)
            self._tally.count_unanswered(label)
            return Passed(
                504,
                [(b"x-model-version", label.encode())],
                b"Request processing time exceeded limit",
            )

    async def _relay(self, send: Send, answer: Passed, request_id: bytes) -> None:
        found = dict(answer.headers)
        kind = found.get(b"content-type", _JSON.encode()).decode("latin-1")
        version = found.get(b"x-model-version", b"")
        extra = [(b"x-request-id", request_id), (b"x-model-version", version)]
        await self._send(send, answer.status, answer.body, kind, extra)

    def _copy_to_shadows(
        self, headers: Headers, request_id: bytes, body: bytes, *, private: bool
    ) -> None:
        if private:
            return
        marked = [*_passed(headers, request_id), (_SHADOW_MARK, b"1")]
        for label, other in self._routes.shadows():
            if len(self._background) >= _SHADOWS_MAX:
                self._tally.count_unanswered(label)  # it is too slow for this traffic
                continue
            task = asyncio.create_task(self._ask_shadow(label, other, marked, body))
            self._background.add(task)
            task.add_done_callback(self._background.discard)

    async def _ask_shadow(self, label: str, other: Other, headers: Headers, body: bytes) -> None:
        try:
            await asyncio.wait_for(
                other.ask("/invocations", headers, body), self._predictor.timeout_s
            )
        except (NoAnswer, asyncio.TimeoutError, TimeoutError):  # noqa: UP041 (two classes before Python 3.11)
            self._tally.count_unanswered(label)

    # ------------------------------------------------------------------------- answers

    def _note(
        self, answer: Answer, request_id: str, t_ms: int, latency_ms: float, *, shadow: bool
    ) -> None:
        if not self._log.enabled:
            return
        error = None
        if answer.status >= 400:
            error = answer.body[:2000].decode("utf-8", "replace")
        self._log.add(
            Record(t_ms, request_id, answer.status, latency_ms, answer.seen, shadow, error)
        )

    async def _send_words(
        self, send: Send, status: int, words: str, extra: Headers | None = None
    ) -> None:
        await self._send(send, status, json.dumps({"message": words}).encode(), _JSON, extra)

    async def _send(
        self, send: Send, status: int, body: bytes, kind: str, extra: Headers | None = None
    ) -> None:
        if kind.startswith("text/") and "charset" not in kind:
            kind += "; charset=utf-8"
        headers = [
            (b"content-type", kind.encode("latin-1")),
            (b"content-length", b"%d" % len(body)),
            *SAFE_HEADERS,
            *(extra or ()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _passed(headers: Headers, request_id: bytes) -> Headers:
    kept = [(name, value) for name, value in headers if name in _PASSED]
    return [*kept, (b"x-request-id", request_id)]


async def _read(receive: Receive, headers: Headers) -> bytes:
    length = header(headers, b"content-length")
    if length is not None and int(length) > BODY_BYTES_MAX:
        raise _TooLarge
    parts = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        part = message.get("body", b"")
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise _TooLarge
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts) if len(parts) > 1 else part
