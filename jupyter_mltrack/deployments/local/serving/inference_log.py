"""What was asked and answered, one JSON line for each request, written after the answer was sent.

A thread formats and writes. A file that is large or old enough is closed by renaming it; whoever
reads the folder takes closed ones for finished. Nothing here ever reaches the caller: where the
disk is full the line is lost and that is said once in the replica's log.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from jupyter_mltrack.deployments.local.serving.predicting import Seen
from jupyter_mltrack.deployments.local.serving.tables import Table, redact, table

CLOSED = ".closed.jsonl"
_FILE_BYTES_MAX = 4 << 20
_FILE_AGE_MAX_S = 600.0
_LOOK_S = 5.0
_WAITING_MAX = 2_000


class Record(NamedTuple):
    """One request and its answer."""

    t_ms: int
    request_id: str
    status: int
    latency_ms: float
    seen: Seen | None
    shadow: bool
    error: str | None


class InferenceLog:
    """Writes the records of one replica."""

    def __init__(
        self,
        folder: str,
        label: str,
        options: dict[str, Any],
        names: tuple[list[str], list[str]],
        closed: Callable[[], object],
    ) -> None:
        self.enabled = bool(options.get("log_inference", True))
        self._folder = folder
        self._label = label
        self._rows_max = int(options.get("log_rows_max", 100))
        self._redacted = frozenset(options.get("redact_columns", ()))
        self._input_names, self._output_names = names
        self._closed = closed
        self._queue: queue.SimpleQueue[Record | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._handle: int | None = None
        self._path = ""
        self._bytes = 0
        self._opened_at_s = 0.0
        self._said = False

    def start(self) -> None:
        """Begin to write."""
        if self.enabled:
            self._thread = threading.Thread(target=self._write, name="mltrack-log", daemon=True)
            self._thread.start()

    def add(self, record: Record) -> None:
        """Have a record written soon; under a flood without what went in and came out."""
        if self._queue.qsize() > _WAITING_MAX:
            record = record._replace(seen=None)
        self._queue.put(record)

    def close(self) -> None:
        """Write what waits and close the file."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(5)
            self._thread = None

    def _write(self) -> None:
        going = True
        while going:
            going = self._write_waiting()
            old = time.monotonic() - self._opened_at_s > _FILE_AGE_MAX_S
            if self._handle is not None and (old or not going or self._bytes > _FILE_BYTES_MAX):
                self._close_file()

    def _write_waiting(self) -> bool:
        """Wait for records and write them; False when there will be no more."""
        try:
            records = [self._queue.get(timeout=_LOOK_S)]
        except queue.Empty:
            return True
        while len(records) < 200 and not self._queue.empty():
            records.append(self._queue.get())
        lines = b"".join(self._line(record) for record in records if record is not None)
        try:
            self._append(lines)
        except OSError as error:
            if not self._said:
                print(f"The inference log cannot be written: {error}", file=sys.stderr, flush=True)
                self._said = True
        return None not in records

    def _append(self, lines: bytes) -> None:
        if not lines:
            return
        if self._handle is None:
            name = f"{self._label}-{os.getpid()}-{time.time_ns() // 1_000_000}.jsonl"
            self._path = os.path.join(self._folder, name)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            self._handle = os.open(self._path, flags, 0o600)
            self._bytes, self._opened_at_s = 0, time.monotonic()
        while lines:
            written = os.write(self._handle, lines)
            self._bytes += written
            lines = lines[written:]
        self._said = False

    def _close_file(self) -> None:
        if self._handle is None:
            return
        os.close(self._handle)
        self._handle = None
        try:
            os.rename(self._path, self._path[: -len(".jsonl")] + CLOSED)
        except OSError:
            return  # the endpoint was removed
        self._closed()

    def _line(self, record: Record) -> bytes:
        line = {
            "t_ms": record.t_ms,
            "id": record.request_id,
            "version": self._label,
            "status": record.status,
            "latency_ms": round(record.latency_ms, 3),
            "rows": None,
            "inputs": None,
            "outputs": None,
            "shadow": record.shadow,
            "error": record.error,
        }
        if record.seen is not None:
            line["rows"] = record.seen.rows
            line["inputs"] = self._table(record.seen.inputs, self._input_names)
            if record.status < 400:
                line["outputs"] = self._table(record.seen.outputs, self._output_names)
        return json.dumps(line, allow_nan=False, separators=(",", ":")).encode() + b"\n"

    def _table(self, value: Any, names: list[str]) -> Table | None:
        if value is None:
            return None
        try:
            return redact(table(value, self._rows_max, names), self._redacted)
        except Exception:  # a model's own classes: whatever they raise, the line is still written
            return None
