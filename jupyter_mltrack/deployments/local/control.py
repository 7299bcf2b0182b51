"""The keeper's control socket: JSON lines, for this user only.

The socket lies in a private folder and has mode 0600; who connects is asked for besides, because a
folder's mode can be changed by accident.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from jupyter_mltrack.errors import MltrackError

LINE_BYTES_MAX = 8 << 20
Handle = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


def peer_uid(connection: socket.socket) -> int | None:
    """Return who is at the other end of a Unix socket; None where the system cannot say."""
    if hasattr(socket, "SO_PEERCRED"):
        found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", found)[1])
    local, peercred = 0, 1  # SOL_LOCAL, LOCAL_PEERCRED of the BSDs and macOS
    try:
        return int(struct.unpack("Ii", connection.getsockopt(local, peercred, 8))[1])
    except (OSError, struct.error):
        return None


class Control:
    """Answers on the control socket; other users are hung up on without a word."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._server: asyncio.Server | None = None
        self.refused = 0

    async def start(self, listener: socket.socket) -> None:
        """Begin to answer."""
        self._server = await asyncio.start_unix_server(
            self._serve, sock=listener, limit=LINE_BYTES_MAX
        )

    def close(self) -> None:
        """Take no more callers."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if peer_uid(writer.get_extra_info("socket")) != os.geteuid():
                self.refused += 1
                return
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            return  # the caller hung up, or sent more than a line may hold
        except asyncio.CancelledError:
            return  # the keeper ends; Python 3.11 would print a traceback for this task
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            message = json.loads(line)
            return {"ok": True, **(await self._handle(dict(message)))}
        except MltrackError as error:
            return {"ok": False, "code": error.code, "message": error.message, "hint": error.hint}
        except (OSError, ValueError, KeyError, TypeError) as error:
            words = f"{type(error).__name__}: {error}"
            return {"ok": False, "code": "internal", "message": words, "hint": ""}
