"""The cells that a kernel had executed when a run began, as a notebook without outputs.

They are what the user typed, in the order of execution, the cell of the run last; so a run can be
made again although the notebook was edited, or never saved. Of a long session the newest cells
are kept, and the first cell says how many are not.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import Any

import msgspec

from jupyter_mltrack.tracking.redaction import redact

CELLS_MAX = 1_000
CHARACTERS_MAX = 1_000_000
REDACTED_AT_ONCE = 32_768
"""Characters that are looked at in one go: other threads wait no longer than that takes."""
_ENDS = ("\n", ">", ",", ";", " ")
"""Where a piece may end, the best first."""

Executed = Sequence[str]
"""The text of each cell, its place being its execution count; empty ones are no cells."""


def notebook_of(executed: Executed) -> tuple[bytes, str]:
    """The notebook, and what was left out of it; empty when it has all cells."""
    kept: list[dict[str, Any]] = []
    room = CHARACTERS_MAX
    cells = [(count, text) for count, text in enumerate(executed) if count and text.strip()]
    for count, text in reversed(cells[-CELLS_MAX:]):
        room -= len(text)
        if room < 0 and kept:
            break
        kept.append(_cell("code", f"cell-{count}", redact_long(text[:CHARACTERS_MAX])))
        kept[-1] |= {"execution_count": count, "outputs": []}
    left_out = ""
    missing = len(cells) - len(kept)
    if missing:
        left_out = f"{missing} cells that were executed long before"
        kept.append(_cell("markdown", "left-out", f"*{left_out.capitalize()} are not kept.*"))
    said = {
        "cells": kept[::-1],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "version": platform.python_version()},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return msgspec.json.format(msgspec.json.encode(said), indent=1) + b"\n", left_out


def _cell(kind: str, name: str, text: str) -> dict[str, Any]:
    sound = text.encode("utf-8", "backslashreplace").decode()
    return {"cell_type": kind, "id": name, "metadata": {}, "source": sound}


def redact_long(text: str) -> str:
    """The text without secrets, looked at in pieces that end where no secret goes on."""
    if len(text) <= REDACTED_AT_ONCE or "PRIVATE KEY" in text:
        return redact(text)
    pieces: list[str] = []
    begin = 0
    while begin < len(text):
        end = begin + REDACTED_AT_ONCE
        if end < len(text):
            found = (text.rfind(sign, begin, end) for sign in _ENDS)
            end = next((at + 1 for at in found if at > begin), end)
        pieces.append(redact(text[begin:end]))
        begin = end
    return "".join(pieces)
