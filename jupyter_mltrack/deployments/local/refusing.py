"""Answers in the place of replicas where none will come: the endpoint is stopped or has failed.

Without it a caller would wait for ever, because the socket is kept and nobody takes from it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable

from jupyter_mltrack.deployments.local.serving.guard import SAFE_HEADERS

_HEAD_LIMIT_S = 2.0
_HEAD_MAX = 65_536


class Refuser:
    """Takes connections from a listening socket and answers 503."""

    def __init__(self, listener: socket.socket, why: Callable[[], str]) -> None:
        self._listener = listener
        self._why = why
        self._tasks: set[asyncio.Task[None]] = set()
        self.active = False

    def set(self, *, active: bool) -> None:
        """Begin or cease."""
        if active == self.active:
            return
        self.active = active
        loop = asyncio.get_running_loop()
        if active:
            loop.add_reader(self._listener, self._take)
        else:
            loop.remove_reader(self._listener)

    def _take(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        task = asyncio.create_task(self._answer(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection, limit=_HEAD_MAX)
        try:
            with contextlib.suppress(
                TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
            ):
                await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _HEAD_LIMIT_S)
            body = json.dumps({"message": self._why()}).encode()
            lines = [b"HTTP/1.1 503 Service Unavailable", b"content-type: application/json"]
            lines += [b"content-length: %d" % len(body), b"connection: close"]
            lines += [name + b": " + value for name, value in SAFE_HEADERS]
            writer.write(b"\r\n".join([*lines, b"", body]))
            await writer.drain()
        except OSError:
            return
        finally:
            writer.close()
