"""Every request the emulator was asked, in memory for tests and as JSON lines in its folder."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

_BODY_LIMIT = 1_000_000


@dataclass(frozen=True)
class Recorded:
    """One request: `template` is the route that took it, None where the service has none."""

    method: str
    template: str | None
    path: str
    query: dict[str, str]
    body: Any  # the JSON, or the fields of a form; else None
    size: int
    status: int | None  # None: no answer (cut, hang)
    principal: str  # who the token says asked; "" without one
    headers: dict[str, str] = field(repr=False)
    fault: str = ""
    at_s: float = field(default_factory=time.time, repr=False)
    took_s: float = field(default=0.0, repr=False)


class Recorder:
    """The record; iterating gives a copy, oldest first."""

    def __init__(self, file: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._all: list[Recorded] = []
        self._file: TextIO | None = file.open("a", encoding="utf-8") if file else None

    def add(self, row: Recorded) -> None:
        with self._lock:
            self._all.append(row)
            if self._file and not self._file.closed:
                kept = asdict(row)
                kept["headers"].pop("authorization", None)  # the log is read by people
                self._file.write(json.dumps(kept, default=str) + "\n")
                self._file.flush()

    def close(self) -> None:
        with self._lock:
            if self._file:
                self._file.close()

    def __iter__(self) -> Iterator[Recorded]:
        with self._lock:
            return iter(list(self._all))

    def __len__(self) -> int:
        return len(self._all)

    def mark(self) -> int:
        """A place in the record, for `since`."""
        return len(self._all)

    def since(self, mark: int) -> list[Recorded]:
        with self._lock:
            return self._all[mark:]

    def of(self, method: str, template: str, since: int = 0) -> list[Recorded]:
        """Requests of one route, named as in its module's table ("{S}/computes/{compute}")."""
        return [
            row for row in self.since(since)
            if row.method == method and (row.template or "").lower() == template.lower()
        ]  # fmt: skip

    def lines(self, since: int = 0) -> list[str]:
        """`METHOD template -> status` of each request: what tests compare."""
        return [
            f"{row.method} {row.template or row.path} -> {row.status}" for row in self.since(since)
        ]

    def unknown(self, since: int = 0) -> list[Recorded]:
        """Requests for which the service has no route."""
        return [row for row in self.since(since) if row.template is None]

    def clear(self) -> None:
        with self._lock:
            self._all.clear()


def readable(body: bytes, content_type: str) -> Any:
    """The JSON or the form fields of a body, None for what is neither or too large."""
    if not body or len(body) > _BODY_LIMIT:
        return None
    if "x-www-form-urlencoded" in content_type:
        from urllib.parse import parse_qsl

        fields = dict(parse_qsl(body.decode("latin-1")))
        return fields | {
            name: "***" for name in ("client_secret", "refresh_token") if name in fields
        }
    if "json" in content_type:
        try:
            return json.loads(body)
        except ValueError:
            return None
    return None
