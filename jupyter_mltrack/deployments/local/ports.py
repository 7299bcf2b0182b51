"""Ports of endpoints: kept as long as the endpoint, and given to no other one soon after."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from pathlib import Path

from jupyter_mltrack.deployments.local.spec import write_private

REST_S = 600.0
_TRIES = 50


def listen(port: int) -> socket.socket:
    """Return a socket that listens on loopback; port 0 lets the system choose.

    Raises:
        OSError: the port is taken.
    """
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(("127.0.0.1", port))
        found.listen(512)
        found.setblocking(False)
    except BaseException:
        found.close()
        raise
    return found


class Ports:
    """Which ports rest, in a file that outlives the keeper."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._resting: dict[int, float] = {}
        with contextlib.suppress(OSError, ValueError, AttributeError):
            found = json.loads(path.read_text())
            self._resting = {int(port): float(since_s) for port, since_s in found.items()}

    def release(self, port: int) -> None:
        """Let a port rest."""
        self._drop()
        self._resting[port] = time.time()
        write_private(self._path, json.dumps(self._resting).encode())

    def open(self, taken: set[int]) -> socket.socket:
        """Return a listening socket whose port is no other endpoint's and does not rest."""
        self._drop()
        refused = []
        try:
            for _ in range(_TRIES):
                found = listen(0)
                if found.getsockname()[1] not in taken | self._resting.keys():
                    return found
                refused.append(found)  # held meanwhile, so that the system chooses another
        finally:
            for other in refused:
                other.close()
        raise OSError("No free port was found on 127.0.0.1.")

    def _drop(self) -> None:
        oldest = time.time() - REST_S
        self._resting = {port: at for port, at in self._resting.items() if at > oldest}
