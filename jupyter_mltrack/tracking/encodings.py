"""Text as it was before it was encoded, with the way back to where each character stands.

A view undoes one encoding (escapes of JSON and Python, URLs, signs that colour a terminal) where a
text has codes of it, with some lines around; what is no code of that encoding stays as it is.
Base64 is undone word by word, and only where it gives plain text: pictures and models stay what
they are.
"""

from __future__ import annotations

import base64
import bisect
import re
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import NamedTuple

from jupyter_mltrack.tracking.around import lines_around

_URL = re.compile(r"%[0-9A-Fa-f]{2}|\+")
_IS_URL = re.compile(r"%[2-7][0-9A-Fa-f]")
_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[nrt\"'\\/])")
_COLOUR = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_]|)")
_SHELL = re.compile(r"'\\''|'\"'\"'")
_HTML = re.compile(r"&(?:amp|quot|lt|gt|#39|#x27|#34|#43|#61);")
_LETTERS = {
    "n": "\n", "r": "\r", "t": "\t", "&amp;": "&", "&quot;": '"', "&lt;": "<", "&gt;": ">",
    "&#39;": "'", "&#x27;": "'", "&#34;": '"', "&#43;": "+", "&#61;": "=",
}  # fmt: skip
_LETTERS_64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def _class(allowed: Callable[[int], bool]) -> str:
    return f"[{''.join(letter for at, letter in enumerate(_LETTERS_64) if allowed(at))}]"


# Which letters may stand where, when each of three bytes is plain text: others are no candidates.
_FIRST = _class(lambda at: 8 <= at < 32 or at in (2, 3))
_SECOND = _class(lambda at: at % 16 in (0, 2, 3, 4, 5, 6, 7))
_THIRD = _class(lambda at: at % 4 < 2)
_BASE64 = re.compile(
    rf"{_FIRST}(?<![A-Za-z0-9].){_SECOND}{_THIRD}[A-Za-z0-9+/_\-](?:\r?\n)?"
    rf"(?:{_FIRST}{_SECOND}{_THIRD}[A-Za-z0-9+/_\-](?:\r?\n)?){{2,}}"
    rf"(?:{_FIRST}{_SECOND}(?:{_THIRD}=?|={{0,2}}))?"
)
_PLAIN = re.compile(r"[\t\n\r\x20-\x7e]*\Z")
_URL_SAFE = str.maketrans("-_", "+/", "\r\n")


class View(NamedTuple):
    """A text without one encoding. Each code of it stood for one character, or for none."""

    text: str
    ends: list[int]
    """Behind which of this text's characters the codes stood."""
    longer: list[int]
    """By how many characters the codes up to there were longer than what they stand for."""
    begin: int = 0
    """Where in the whole text this part of it began."""

    def origin(self, at: int) -> int:
        """Where the character at a place of this text stood."""
        behind = bisect.bisect_right(self.ends, at)
        return self.begin + at + (self.longer[behind - 1] if behind else 0)


def without_colours(text: str) -> View:
    """The text without signs that steer a terminal."""
    return _view(text, _COLOUR)


def views(text: str) -> Iterator[View]:
    """The parts of a text without each of the encodings that they have codes of."""
    if "\\" in text:
        yield from _parts(text, _ESCAPE, _ESCAPE)
    if "'\\''" in text or "'\"'\"'" in text:
        yield from _parts(text, _SHELL, _SHELL)
    if "%" in text:
        yield from _parts(text, _IS_URL, _URL)
    if "&" in text:
        yield from _parts(text, _HTML, _HTML)


def plain_base64(text: str) -> Iterator[tuple[int, int, str]]:
    """Each stretch of base64 that stands for plain text: its begin, its end, that text."""
    for found in _BASE64.finditer(text):
        bare = found.group().translate(_URL_SAFE).rstrip("=")
        if len(bare) % 4 == 1:
            bare = bare[:-1]
        try:
            plain = base64.b64decode(bare + "=" * (-len(bare) % 4)).decode("ascii")
        except ValueError:
            continue
        if _PLAIN.match(plain):
            yield found.start(), found.end(), plain


def _parts(text: str, marks: re.Pattern[str], codes: re.Pattern[str]) -> Iterator[View]:
    """A view of each part of a text that has marks: their lines, and some around."""
    mark = marks.search(text)
    while mark is not None:
        begin, end = lines_around(text, *mark.span())
        while mark := marks.search(text, end):
            next_begin, next_end = lines_around(text, *mark.span())
            if next_begin > end:
                break
            end = next_end
        yield _view(text[begin:end], codes)._replace(begin=begin)


def _view(text: str, codes: re.Pattern[str]) -> View:
    parts: list[str] = []
    ends: list[int] = []
    longer: list[int] = []
    at = length = 0
    for found in codes.finditer(text):
        begin, end = found.span()
        meant = _meant(found.group())
        parts += (text[at:begin], meant)
        length += begin - at + len(meant)
        ends.append(length)
        longer.append(end - begin - len(meant))
        at = end
    parts.append(text[at:])
    return View("".join(parts), ends, list(accumulate(longer)))


def _meant(code: str) -> str:
    """The character that a code stands for; none for a sign that steers a terminal."""
    first = code[0]
    if first == "\x1b":
        return ""
    if first == "%":
        return chr(int(code[1:], 16))
    if first == "+":
        return " "
    if first == "&":
        return _LETTERS[code]
    if first == "'":
        return "'"
    if code[1] in "ux":
        return chr(int(code[2:6], 16))
    return _LETTERS.get(code[1], code[1])
