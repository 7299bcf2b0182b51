"""Passing a request on to a replica of another version, over its Unix socket."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from typing import Any, NamedTuple

from jupyter_mltrack.deployments.local.serving.addresses import socket_address
from jupyter_mltrack.deployments.local.serving.guard import Headers

_IDLE_LINES_MAX = 8
_ANSWER_HEAD_MAX = 65_536


class NoAnswer(Exception):
    """The other replica did not answer."""


class Passed(NamedTuple):
    """An answer of another replica."""

    status: int
    headers: Headers
    body: bytes


class Other:
    """One replica of another version."""

    def __init__(self, folder: str, name: str) -> None:
        self._folder = folder
        self._name = name
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, path: str, headers: Headers, body: bytes | None = None) -> Passed:
        """Send a request (GET where there is no body) and wait for the answer.

        Raises:
            NoAnswer: it cannot be reached, or hung up.
        """
        request = _request(path, headers, body)
        while self._idle:  # a line that was idle may have been hung up: the next one is tried
            line = self._idle.pop()
            try:
                return await self._through(line, request)
            except (OSError, asyncio.IncompleteReadError, ValueError):
                line[1].close()
        try:
            address = socket_address(self._folder, self._name)
            line = await asyncio.open_unix_connection(address, limit=_ANSWER_HEAD_MAX)
        except OSError as error:
            raise NoAnswer from error
        try:
            return await self._through(line, request)
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            line[1].close()
            raise NoAnswer from error

    def close(self) -> None:
        """Hang up."""
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()

    async def _through(
        self, line: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes
    ) -> Passed:
        reader, writer = line
        try:
            writer.write(request)
            await writer.drain()
            answer, keep = await _answer(reader)
        except asyncio.CancelledError:
            writer.close()
            raise
        except asyncio.LimitOverrunError as error:
            raise ValueError("The head of the answer is too long.") from error
        if keep and len(self._idle) < _IDLE_LINES_MAX:
            self._idle.append(line)
        else:
            writer.close()
        return answer


def _request(path: str, headers: Headers, body: bytes | None) -> bytes:
    method = b"GET " if body is None else b"POST "
    lines = [method + path.encode("ascii") + b" HTTP/1.1", b"host: localhost"]
    lines += [name + b": " + value for name, value in headers]
    if body is not None:
        lines.append(b"content-length: %d" % len(body))
    return b"\r\n".join([*lines, b"", b""]) + (body or b"")


async def _answer(reader: asyncio.StreamReader) -> tuple[Passed, bool]:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *rest = head[:-4].split(b"\r\n")
    status = int(first.split(b" ", 2)[1])
    headers = []
    for line in rest:
        name, _, value = line.partition(b":")
        headers.append((name.strip().lower(), value.strip()))
    found = dict(headers)
    body = await reader.readexactly(int(found.get(b"content-length", b"0")))
    return Passed(status, headers, body), found.get(b"connection", b"").lower() != b"close"


class Routes:
    """Which version answers a request, as the keeper last said."""

    def __init__(self, label: str, folder: str) -> None:
        self.label = label
        self._folder = folder
        self._others: dict[str, Other] = {}
        self._shares: list[tuple[str, float, list[str]]] = []
        self._shadows: list[tuple[str, list[str]]] = []
        self._turn = 0

    def set(self, message: dict[str, Any]) -> None:
        """Take what the keeper says; holds from the next request on."""
        self._shares = [
            (label, float(share), list(names)) for label, share, names in message["shares"]
        ]
        self._shadows = [(label, list(names)) for label, names in message["shadows"]]
        wanted = {name for _, _, names in self._shares for name in names}
        wanted |= {name for _, names in self._shadows for name in names}
        for name in self._others.keys() - wanted:
            self._others.pop(name).close()
        for name in wanted - self._others.keys():
            self._others[name] = Other(self._folder, name)

    def choose(self) -> tuple[str, Other] | None:
        """Return another version that shall answer this request; None where it is this one."""
        point = random.random() * 100  # noqa: S311 (a share of traffic, no secret)
        for label, share, names in self._shares:
            point -= share
            if point < 0:
                return None if not names else (label, self._next(names))
        return None

    def shadows(self) -> Iterable[tuple[str, Other]]:
        """Return the versions that get a copy."""
        return [(label, self._next(names)) for label, names in self._shadows if names]

    def _next(self, names: list[str]) -> Other:
        self._turn += 1
        return self._others[names[self._turn % len(names)]]
