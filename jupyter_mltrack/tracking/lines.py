"""Turn what a program writes to its output, piece by piece, into lines without secrets.

A line is taken when its end was written, so a secret that was written in several pieces is seen
whole. A carriage return ends a *state* of a line: progress bars write many, the newest is shown
and only the last is kept. Signs that steer a terminal are left out. A private key that has begun
is held back until its end was written too.
"""

from __future__ import annotations

import re

from jupyter_mltrack.journal.printed import LINE_CHARACTERS_MAX, Line, Stream
from jupyter_mltrack.tracking.redaction import redact, safe_cut

UNENDED_CHARACTERS_MAX = 65_536
"""A line that is longer is taken before its end."""
HELD_CHARACTERS = 4_096
"""Of such a line as many wait for what comes: a secret may have begun in them."""
REDACTED_AT_ONCE = 32_768
"""Characters that are looked at in one go: other threads wait no longer than that takes."""
HELD_LINES_MAX = 400
_STEERING = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
_LOWER_BAR = re.compile(r"\n+\r?[^\n\r]*?(?:\x1b\[A)+")
"""A progress bar below another: it goes down, writes, and comes up again."""
_ENDS = re.compile(r"\r?\n|\r")
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY")
_KEY_ENDS = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY")


class LineMaker:
    """One stream. `state` is the newest state of a line that has not ended; empty without one."""

    def __init__(self, stream: Stream) -> None:
        self._stream: Stream = stream
        self._unended = ""
        self._raw_state = ""
        self._held: list[Line] = []
        self.state = ""

    def feed(self, pieces: list[tuple[str, int]]) -> list[Line]:
        """The lines that ended with these pieces of text, each with the time it was written."""
        made: list[Line] = []
        before = self._raw_state
        if any("\x1b[A" in text for text, _ in pieces):
            pieces = [("".join(text for text, _ in pieces), pieces[-1][1])]
        for text, at_ms in pieces:
            self._take(text, at_ms, made)
        if self._raw_state != before:
            self.state = redact(self._raw_state)[:LINE_CHARACTERS_MAX]
        return self._without_secrets(made, last=False)

    def finish(self, at_ms: int) -> list[Line]:
        """What is left when nothing more comes."""
        made: list[Line] = []
        if self._unended or self._raw_state:
            self._take("\n", at_ms, made)
        return self._without_secrets(made, last=True)

    def _take(self, text: str, at_ms: int, made: list[Line]) -> None:
        if "\n" not in text and "\r" not in text and len(self._unended) < UNENDED_CHARACTERS_MAX:
            self._unended += text
            return
        whole = self._unended + text
        if "\x1b[A" in whole:
            whole = _LOWER_BAR.sub("", whole)
        begin = 0
        for end in _ENDS.finditer(whole):
            line = _cleaned(whole[begin : end.start()])
            begin = end.end()
            if end.group().endswith("\n"):
                made.append(Line(self._stream, line or self._raw_state, at_ms))
                self._raw_state = ""
            elif line.strip():
                self._raw_state = line
        self._unended = whole[begin:]
        if len(self._unended) > UNENDED_CHARACTERS_MAX:
            whole = _cleaned(self._unended)
            at = safe_cut(whole, len(whole) - HELD_CHARACTERS) or len(whole)
            made.append(Line(self._stream, whole[:at], at_ms))
            self._unended = whole[at:]

    def _without_secrets(self, made: list[Line], *, last: bool) -> list[Line]:
        lines, self._held = self._held + made, []
        if not last:
            at = _unended_key(lines)
            if at is not None and len(lines) - at <= HELD_LINES_MAX:
                lines, self._held = lines[:at], lines[at:]
        found: list[Line] = []
        begin = size = 0
        for at, line in enumerate(lines):
            size += len(line.text) + 1
            if size > REDACTED_AT_ONCE and not _is_in_key(lines, at):
                found += _redacted(lines[begin : at + 1])
                begin, size = at + 1, 0
        return found + _redacted(lines[begin:])


def _cleaned(text: str) -> str:
    if "\x1b" in text:
        text = _STEERING.sub("", text)
    return text if text.isprintable() else _CONTROL.sub("", text)


def _redacted(lines: list[Line]) -> list[Line]:
    """The lines without secrets, looked at together; a key of several lines becomes one marker."""
    if not lines:
        return []
    texts = redact("\n".join(line.text for line in lines)).split("\n")
    if len(texts) != len(lines):
        return [lines[0]._replace(text=text[:LINE_CHARACTERS_MAX]) for text in texts]
    return [
        line._replace(text=text[:LINE_CHARACTERS_MAX])
        for line, text in zip(lines, texts, strict=True)
    ]


def _unended_key(lines: list[Line]) -> int | None:
    """Where a private key begins that does not end; None without one."""
    for at in range(len(lines) - 1, -1, -1):
        text = lines[at].text
        if "PRIVATE KEY" in text:
            if _KEY_ENDS.search(text):
                return None
            if _KEY_BEGINS.search(text):
                return at
    return None


def _is_in_key(lines: list[Line], at: int) -> bool:
    return _unended_key(lines[max(0, at - HELD_LINES_MAX) : at + 1]) is not None
