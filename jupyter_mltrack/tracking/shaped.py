"""Find shapes of secrets in a text without trying each pattern everywhere.

A text is cut into its words once. A pattern is tried only where a word begins like its mark; so
ordinary text costs little, however many shapes there are.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from jupyter_mltrack.tracking.secret_shapes import COMMON_SIGNS, FRAMES, RARE, TOKENS

_HEAD_LENGTH = 4
_head = itemgetter(slice(_HEAD_LENGTH))
_IN_WORDS = f"{string.ascii_lowercase}{string.digits}".encode()
_TO_WORDS = bytes(sign if sign in _IN_WORDS else 32 for sign in bytes(range(128)).lower()).ljust(
    256
)
"""Makes letters small and anything that is no letter and no digit a space."""
_WORD = re.compile(rb"[a-z0-9]+")
_BEFORE_MAX, _AFTER_MAX = 100, 600
"""Characters around a mark in which a match is that does not begin with it."""
_compiled: dict[str, re.Pattern[str]] = {}
"""Compiled when first needed: compiling all costs more than the first point of a kernel."""


_Match: TypeAlias = tuple[str, re.Match[str]]
"""What was found, with its kind."""
_Rare: TypeAlias = tuple[str, int | None, str]
"""A kind, how much of a match is before the mark, and the pattern."""


class Plain(NamedTuple):
    """A text in small letters, with a question mark for each character that is not of ASCII."""

    lower: str
    words: list[bytes]


class _Mark(NamedTuple):
    """What a pattern begins with."""

    order: int
    mark: str
    kind: str
    source: str


def plain(text: str) -> Plain:
    """What marks are looked for in; every character keeps its place."""
    raw = text.encode("ascii", "replace")
    return Plain(raw.lower().decode(), raw.translate(_TO_WORDS).split())


class Finder:
    """Finds the shapes of some kinds; of all without `kinds` (tokens are always among them)."""

    def __init__(self, kinds: tuple[str, ...] = ()) -> None:
        self._by_head: dict[bytes, list[_Mark]] = {}
        frames = [rule for rule in FRAMES if not kinds or rule[0] in kinds]
        order = 0
        for kind, marks, source in (*TOKENS, *frames):
            for mark in marks:
                order += 1
                self._add(_Mark(order, mark, kind, source))
        self._heads = frozenset(self._by_head)
        self._by_rare: dict[str, list[_Rare]] = {}
        for kind, before, signs, source in RARE:
            if before or not kinds or kind in kinds:
                for sign in signs:
                    self._by_rare.setdefault(sign, []).append((kind, before, source))
        longest_first = sorted(self._by_rare, key=len, reverse=True)
        self._rare = re.compile(
            "|".join(COMMON_SIGNS.get(sign) or re.escape(sign) for sign in longest_first)
        )

    def _add(self, mark: _Mark) -> None:
        word = _WORD.search(mark.mark.encode())
        if word is None:
            raise ValueError(f"There is no word in the mark {mark.mark!r}.")
        heads = [word.group()[:_HEAD_LENGTH]]
        if word.end() == len(mark.mark):  # the word may go on
            for head in heads:
                if len(head) < _HEAD_LENGTH:
                    heads += [head + bytes((sign,)) for sign in _IN_WORDS]
        for head in heads:
            self._by_head.setdefault(head, []).append(mark)

    def find(self, text: str, known: Plain) -> list[_Match]:
        """Each match with its kind, in the order of the tables; some may overlap."""
        found: list[_Match] = []
        for rare in self._rare.finditer(text):
            found += self._at_rare(rare, text)
        hits = self._heads.intersection(map(_head, known.words))
        if hits:
            for mark in sorted({mark for hit in hits for mark in self._by_head[hit]}):
                if mark.mark in known.lower:
                    found += _at_marks(mark, text, known.lower)
        return found

    def _at_rare(self, rare: re.Match[str], text: str) -> Iterator[_Match]:
        """What is around one of the marks that are not at the beginnings of words."""
        at = rare.start()
        for kind, before, source in self._by_rare[rare.group()]:
            if before is None:
                begin, end = max(0, at - _BEFORE_MAX), at + _AFTER_MAX
                for match in _pattern(source).finditer(text, begin, end):
                    yield kind, match
            elif before <= at:
                one = _pattern(source).match(text, at - before)
                if one is not None:
                    yield kind, one


def _pattern(source: str) -> re.Pattern[str]:
    found = _compiled.get(source)
    if found is None:
        found = _compiled[source] = re.compile(source)
    return found


def _at_marks(mark: _Mark, text: str, lower: str) -> Iterator[_Match]:
    pattern = _pattern(mark.source)
    at = lower.find(mark.mark)
    while at >= 0:
        match = pattern.match(text, at)
        if match is not None:
            yield mark.kind, match
        at = lower.find(mark.mark, max(match.end() if match else 0, at + 1))
