"""The lines that a run printed, as they stand in its `output.log`.

    2026-01-31T12:00:00.250Z out epoch 1
    2026-01-31T12:00:00.251Z err a warning

One line of the file for each line that was printed. A file that somebody else wrote may hold
anything: what does not begin like this is a line of standard output without a time.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal, NamedTuple

Stream = Literal["stdout", "stderr"]
STREAMS: tuple[Stream, ...] = ("stdout", "stderr")
LINE_CHARACTERS_MAX = 8_000
_HEAD = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})Z (out|err) ?")
_NAMES: dict[str, Stream] = {"out": "stdout", "err": "stderr"}


class Line(NamedTuple):
    """One line that was printed."""

    stream: Stream
    text: str
    at_ms: int


def file_line(line: Line) -> str:
    """The line as the file has it, with its end."""
    moment = datetime.fromtimestamp(line.at_ms / 1000, UTC)
    name = "err" if line.stream == "stderr" else "out"
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{line.at_ms % 1000:03d}Z {name} {line.text}\n"


def parsed(text: str) -> Line:
    """The line that a line of the file means."""
    found = _HEAD.match(text)
    if found is None:
        return Line("stdout", text[:LINE_CHARACTERS_MAX], 0)
    try:
        moment = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    except ValueError:
        return Line("stdout", text[:LINE_CHARACTERS_MAX], 0)
    at_ms = int(moment.timestamp()) * 1000 + moment.microsecond // 1000
    return Line(_NAMES[found[2]], text[found.end() :][:LINE_CHARACTERS_MAX], at_ms)
