"""The line to the keeper: commands come in, events go out, and its end is the replica's end.

A thread reads it, so that a replica that loads a model or computes for minutes still notices.
On Linux the kernel ends the process too when the keeper dies, whatever Python does at the time.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

Message = dict[str, Any]


def _prctl(option: int, value: int) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    try:
        return int(ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)) == 0
    except (OSError, AttributeError):
        return False


def end_with_parent() -> bool:
    """Have the system kill this process when its parent dies; Linux only."""
    return _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> bool:
    """Become the parent of grandchildren whose parents end; Linux only."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_now() -> None:
    """End this process and what it has started, without another line of Python."""
    try:
        if os.getpgrp() == os.getpid():
            os.killpg(os.getpid(), signal.SIGKILL)
    finally:
        os._exit(70)


class Lifeline:
    """The replica's end of the line."""

    def __init__(self, line: socket.socket) -> None:
        line.setblocking(True)
        self._line = line
        self._lock = threading.Lock()
        self._waiting: list[Message] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._receive: Callable[[Message], None] | None = None

    def read_first(self) -> Message:
        """Wait for the first message; reads not a byte more."""
        read = bytearray()
        while not read.endswith(b"\n"):
            byte = self._line.recv(1)
            if not byte:
                end_now()
            read += byte
        return dict(json.loads(read))

    def start(self) -> None:
        """Begin to watch."""
        threading.Thread(target=self._watch, name="mltrack-lifeline", daemon=True).start()

    def listen(self, receive: Callable[[Message], None]) -> None:
        """Have `receive` called in the running event loop, also for what came before."""
        with self._lock:
            self._loop, self._receive = asyncio.get_running_loop(), receive
            for message in self._waiting:
                self._loop.call_soon(receive, message)
            self._waiting = []

    def tell(self, message: Message) -> bool:
        """Send an event without waiting; False where the keeper does not read now."""
        data = json.dumps(message).encode() + b"\n"
        try:
            sent = self._line.send(data, socket.MSG_DONTWAIT)
            if sent < len(data):
                self._line.sendall(data[sent:])
        except BlockingIOError:
            return False
        except OSError:
            return False  # the keeper is gone; the watching thread acts on it
        return True

    def _watch(self) -> None:
        try:
            with self._line.makefile("rb") as lines:
                for line in lines:
                    self._deliver(dict(json.loads(line)))
        except (OSError, ValueError):
            end_now()
        end_now()

    def _deliver(self, message: Message) -> None:
        with self._lock:
            if self._loop is None or self._receive is None:
                self._waiting.append(message)
                return
            loop, receive = self._loop, self._receive
        try:
            loop.call_soon_threadsafe(receive, message)
        except RuntimeError:
            return  # the loop has ended: the process is about to
