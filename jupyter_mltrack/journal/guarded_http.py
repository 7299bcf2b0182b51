"""Bounds on what a tracking server may do to a process of ours that asks it.

Installed only in processes that this package starts for talking to stores, never in a kernel:
there the user's own MLflow calls keep MLflow's own behaviour. Answers are read up to a size and
within a time, redirects are not followed (a credential never goes to another host), urllib3's
own retries are off because the shipper has its own, and the status of the newest answer of each
thread is kept, because MLflow's exceptions do not carry it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

OWN_SETTINGS = {
    "MLFLOW_ALLOW_HTTP_REDIRECTS": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
ANSWER_BYTES_MAX = 10 << 20
ANSWER_S_MAX = 30.0
CONNECT_S_MAX = 5.0
_CHUNK_BYTES = 65_536


@dataclass(frozen=True)
class Answer:
    """What the newest answer in this thread looked like; status 0 when there was none."""

    status: int = 0
    retry_after_s: float | None = None
    redirect_host: str = ""
    is_json: bool = False


_local = threading.local()


def newest() -> Answer:
    """Return how the newest request of this thread was answered."""
    return getattr(_local, "answer", Answer())


def forget() -> None:
    """Start a request: no answer yet."""
    _local.answer = Answer()


@contextmanager
def head_of(size_bytes: int) -> Iterator[None]:
    """In this thread: of a longer answer only its first `size_bytes` are read."""
    _local.head_bytes = size_bytes
    try:
        yield
    finally:
        _local.head_bytes = None


def install() -> None:
    """Put the bounds on; only the first call does anything."""
    from requests.adapters import HTTPAdapter
    from requests.exceptions import ConnectionError as RequestsConnectionError
    from requests.exceptions import Timeout
    from urllib3.util.retry import Retry

    if getattr(HTTPAdapter.send, "guarded", False):
        return
    os.environ.update(OWN_SETTINGS)
    no_retries = Retry(total=0, read=False, redirect=False)
    original = HTTPAdapter.send

    def send(
        self: Any, request: Any, stream: bool = False, timeout: Any = None, **rest: Any
    ) -> Any:
        del stream
        forget()
        self.max_retries = no_retries
        until = time.monotonic() + ANSWER_S_MAX
        limits = (CONNECT_S_MAX, _read_limit_s(timeout))
        response = original(self, request, stream=True, timeout=limits, **rest)
        chunks: list[bytes] = []
        size = 0
        while chunk := response.raw.read(_CHUNK_BYTES, decode_content=True):
            size += len(chunk)
            chunks.append(chunk)
            head_bytes = getattr(_local, "head_bytes", None)
            if head_bytes is not None and size >= head_bytes:
                response.close()
                break
            if size > ANSWER_BYTES_MAX:
                response.close()
                raise RequestsConnectionError("the answer is larger than anything MLflow sends")
            if time.monotonic() > until:
                response.close()
                raise Timeout("the answer did not end in time")
        response._content = b"".join(chunks)
        response._content_consumed = True
        _local.answer = _describe(response)
        return response

    send.guarded = True  # type: ignore[attr-defined]
    setattr(HTTPAdapter, "send", send)  # noqa: B010 - a method, to the type checker


def _read_limit_s(timeout: Any) -> float:
    try:
        wanted = float(timeout[1] if isinstance(timeout, tuple) else timeout)
    except (TypeError, ValueError):
        return ANSWER_S_MAX
    return min(wanted, ANSWER_S_MAX)


def _describe(response: Any) -> Answer:
    host = ""
    if 300 <= response.status_code < 400:
        try:
            host = urlsplit(response.headers.get("Location", "")).netloc.rpartition("@")[2]
        except ValueError:
            host = ""
        host = host or "another address"
    return Answer(
        status=int(response.status_code),
        retry_after_s=_retry_after_s(response.headers.get("Retry-After")),
        redirect_host=host,
        is_json=response.content.lstrip()[:1] in (b"{", b""),
    )


def _retry_after_s(text: str | None) -> float | None:
    if not text:
        return None
    text = text.strip()
    if text.isdecimal():
        return float(text[:6])
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


class LostCall(Exception):
    """A call did not come back within its limit; its thread was left to itself."""


class BoundedCalls:
    """Runs calls in threads of its own and gives up on one that does not come back.

    A socket that trickles one byte at a time passes every timeout of the HTTP libraries; only
    leaving the thread behind ends it. `lost` counts those that never came back.

    Args:
        limit_s: how long to wait for a call.
        slow_s: when `on_slow` is called, so that others need not wait as long to know.
        on_slow: called with True for a call that takes longer than `slow_s`, and with False when
            it came back after all.
    """

    def __init__(
        self, limit_s: float, slow_s: float = 0.0, on_slow: Callable[[bool], None] | None = None
    ) -> None:
        self.limit_s = limit_s
        self.slow_s = slow_s
        self.on_slow = on_slow
        self.lost = 0

    def run(self, call: Any) -> Any:
        """Return what `call()` returns, or raise what it raises.

        Raises:
            LostCall: it took longer than the limit.
        """
        outcome: dict[str, Any] = {}
        done = threading.Event()

        def body() -> None:
            forget()
            try:
                outcome["value"] = call()
            except BaseException as error:
                outcome["error"] = error
            finally:
                outcome["answer"] = newest()
                done.set()

        threading.Thread(target=body, name="mltrack-call", daemon=True).start()
        if not self._wait(done):
            self.lost += 1
            raise LostCall(f"no answer within {self.limit_s:.0f} s")
        _local.answer = outcome["answer"]
        if "error" in outcome:
            raise outcome["error"]
        return outcome.get("value")

    def _wait(self, done: threading.Event) -> bool:
        if self.on_slow is None or done.wait(self.slow_s):
            return done.wait(self.limit_s)
        self.on_slow(True)
        came = done.wait(max(0.0, self.limit_s - self.slow_s))
        if came:
            self.on_slow(False)
        return came
