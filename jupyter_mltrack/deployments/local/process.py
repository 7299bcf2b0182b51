"""One replica as the keeper sees it: launched, loaded, proven, watched, ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_mltrack.deployments.local.children import Children, words
from jupyter_mltrack.deployments.local.launching import Line
from jupyter_mltrack.deployments.local.serving.app import PROOF_MARK
from jupyter_mltrack.deployments.local.serving.passing import NoAnswer, Other

LOAD_LIMIT_S = 900.0
PROOF_LIMIT_S = 120.0
PING_EVERY_S = 5.0
PING_LIMIT_S = 3.0
PINGS_MISSED_MAX = 3
WATCH_EVERY_S = 1.0
MEASURE_EVERY_S = 5.0
END_LIMIT_S = 12.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Refused(Exception):
    """The model cannot be loaded, or cannot answer its own example: trying again will not help."""


class Crashed(Exception):
    """The process ended, or had to be ended; another may do better."""


class Replica:
    """A process and the line to it."""

    def __init__(
        self,
        number: int,
        private: str,
        run: Path,
        children: Children,
        told: Callable[[dict[str, Any]], None],
    ) -> None:
        self.number = number
        self.private = private
        self.pid: int | None = None
        self.ready = False
        self.busy = 0
        self.detail = "starting"
        self.loaded_modules: list[str] = []
        self._other = Other(str(run), private)
        self._run = run
        self._children = children
        self._told = told
        self._line: Line | None = None
        self._reading: asyncio.Task[None] | None = None
        self._loaded = asyncio.Event()
        self._gone = asyncio.Event()
        self._problem: str | None = None
        self._routed = 0
        self._own_bytes: int | None = None
        self._measured_at_s = -MEASURE_EVERY_S

    def attach(self, line: Line) -> None:
        """Take the line to the process that was launched."""
        self._line = line
        self._reading = asyncio.create_task(self._read())
        self.detail = "loading the model"

    async def load(self) -> None:
        """Wait until the model is loaded.

        Raises:
            Refused: it cannot be loaded.
            Crashed: the process ended.
        """
        await _first(self._loaded, self._gone, LOAD_LIMIT_S)
        if self._problem is not None:
            raise Refused(self._problem)
        if not self._loaded.is_set():
            raise Crashed(
                await self._how_it_ended()
                if self._gone.is_set()
                else "the model was not loaded in time"
            )

    async def prove(self, body: bytes | None) -> None:
        """Have it answer the model's own example; `/ping` where there is none.

        Raises:
            Refused: the answer is an error.
            Crashed: the process ended or did not answer.
        """
        self.detail = "asking for a first prediction"
        headers = [(b"content-type", b"application/json"), (PROOF_MARK, b"1")]
        path = "/ping" if body is None else "/invocations"
        gone = asyncio.create_task(self._gone.wait())
        asking = asyncio.create_task(self._other.ask(path, headers, body))
        try:
            await asyncio.wait({gone, asking}, timeout=PROOF_LIMIT_S, return_when="FIRST_COMPLETED")
            if not asking.done():
                raise Crashed(
                    await self._how_it_ended()
                    if self._gone.is_set()
                    else f"no prediction within {PROOF_LIMIT_S:.0f} s"
                )
            answer = asking.result()
        except NoAnswer as error:
            raise Crashed(await self._how_it_ended()) from error
        finally:
            gone.cancel()
            asking.cancel()
        if answer.status != 200:
            raise Refused(said_by_mlflow(answer.body))

    async def watch(self, memory_limit_bytes: int) -> None:
        """Look after it until it is to be replaced.

        Raises:
            Crashed: it ended, took too much memory, or does not answer any more.
        """
        missed = 0
        pinged_at_s = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._gone.wait(), WATCH_EVERY_S)
                raise Crashed(await self._how_it_ended())
            used = self.resident_bytes()
            if memory_limit_bytes and used is not None and used > memory_limit_bytes:
                limit_mb, used_mb = memory_limit_bytes >> 20, used >> 20
                self.kill()
                raise Crashed(f"it took {used_mb} MB of memory, {limit_mb} MB are allowed")
            if time.monotonic() - pinged_at_s >= PING_EVERY_S:
                missed = 0 if await self._pings() else missed + 1
                pinged_at_s = time.monotonic()
                if missed >= PINGS_MISSED_MAX:
                    self.kill()
                    raise Crashed(f"it did not answer {missed} times in a row")

    def route(self, message: dict[str, Any]) -> None:
        """Say which requests are its own."""
        self._routed += 1
        if self._line is not None:
            self._line.tell({"op": "routes", "number": self._routed, **message})

    def resident_bytes(self) -> int | None:
        """Memory that it holds, shared pages included."""
        if self.pid is None:
            return None
        return resident_bytes(self.pid)

    def own_bytes(self) -> int | None:
        """Memory that it holds, its part of shared pages counted once."""
        now_s = time.monotonic()
        if self.pid is not None and now_s - self._measured_at_s > MEASURE_EVERY_S:
            self._own_bytes = _own_bytes(self.pid) or self.resident_bytes()
            self._measured_at_s = now_s
        return self._own_bytes

    def kill(self) -> None:
        """End it now."""
        self.ready = False
        if self.pid is not None:
            self._children.kill(self.pid)

    async def end(self, limit_s: float = END_LIMIT_S) -> None:
        """Let it finish what it does, then end it; returns when the process is gone."""
        self.ready = False
        try:
            if self._line is not None and not self._gone.is_set():
                self._line.tell({"op": "exit"})
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._gone.wait(), limit_s)
        finally:
            self.kill()
            if self._line is not None:
                self._line.close()
        if self.pid is not None:
            await self._children.ended(self.pid, 5)
        if self._reading is not None:
            self._reading.cancel()
        self._other.close()
        with contextlib.suppress(OSError):
            os.unlink(self._run / self.private)

    async def _read(self) -> None:
        assert self._line is not None
        while (event := await self._line.event()) is not None:
            kind = event.get("event")
            if kind == "hello":
                self.pid = int(event["pid"])
                self._children.expect(self.pid)
            elif kind == "loaded":
                self.loaded_modules = event["modules"]
                self._loaded.set()
            elif kind == "load_failed":
                self._problem = str(event["message"])
                self._loaded.set()
            else:
                self.busy = int(event.get("busy", self.busy))
                try:
                    self._told(event)
                except (KeyError, TypeError, ValueError):
                    traceback.print_exc()  # an odd event is none; the line goes on
        self.ready = False
        self._gone.set()

    async def _pings(self) -> bool:
        try:
            answer = await asyncio.wait_for(self._other.ask("/ping", []), PING_LIMIT_S)
        except (NoAnswer, TimeoutError):
            return False
        return answer.status == 200

    async def _how_it_ended(self) -> str:
        if self.pid is None:
            return "the process ended before it said a word"
        return f"the process was {words(await self._children.ended(self.pid, 2))}".replace(
            "was ended", "ended"
        )


def resident_bytes(pid: int) -> int | None:
    """Memory that a process holds; None where it is gone."""
    if not sys.platform.startswith("linux"):
        return _resident_by_ps(pid)
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE_BYTES
    except (OSError, ValueError, IndexError):
        return None


def _resident_by_ps(pid: int) -> int | None:
    command = ["ps", "-o", "rss=", "-p", str(pid)]
    try:
        said = subprocess.run(command, capture_output=True, timeout=5, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    return int(said) << 10 if said.strip().isdigit() else None


def _own_bytes(pid: int) -> int | None:
    """Memory of a process, its part of shared pages counted once; takes some milliseconds."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            found = re.search(rb"^Pss:\s+(\d+) kB", file.read(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) << 10 if found else None


def said_by_mlflow(body: bytes) -> str:
    """Return the message of an error answer, on one line."""
    text = body.decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if isinstance(found, dict):
        text = str(found.get("message") or found.get("detail") or text)
        trace = str(found.get("stack_trace") or "").strip().splitlines()
        if trace:
            text = f"{text} {trace[-1]}"
    return " ".join(text.split())[:1500]


async def _first(one: asyncio.Event, other: asyncio.Event, limit_s: float) -> None:
    waits = [asyncio.create_task(event.wait()) for event in (one, other)]
    try:
        await asyncio.wait(waits, timeout=limit_s, return_when="FIRST_COMPLETED")
    finally:
        for wait in waits:
            wait.cancel()
