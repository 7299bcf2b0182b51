"""The lines of a text around a place."""

from __future__ import annotations

LINES_AROUND = 1
"""Lines before and behind a place in which the rest of a secret may stand."""


def lines_around(text: str, begin: int, end: int) -> tuple[int, int]:
    """Begin and end of the lines that hold `text[begin:end]`, and of some before and behind."""
    for _ in range(LINES_AROUND + 1):
        begin = text.rfind("\n", 0, begin)
        if begin < 0:
            break
    for _ in range(LINES_AROUND + 1):
        end = text.find("\n", end) + 1
        if not end:
            return begin + 1, len(text)
    return begin + 1, end
