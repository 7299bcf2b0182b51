"""The notebook that a program executes in this kernel, found by its cells among the files near by.

A program that drives a kernel with the functions of nbclient, nbconvert or papermill tells it
neither the file nor the tags of cells. A file counts only while every cell that was executed stands
in it, in the same order from the first on. Files are read once in a kernel's life, and only where
nothing else tells the notebook.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from jupyter_mltrack.settings import working_folder

FILES_MAX = 100
FOLDERS_MAX = 20
ENTRIES_MAX = 2_000
"""Of one folder, so many names are looked at."""
FILE_BYTES_MAX = 4 << 20
ALL_BYTES_MAX = 16 << 20
TAGS = frozenset({"parameters", "injected-parameters"})
INJECTED = re.compile(r"\s*# Parameters[ \t]*(?:\r?\n|\Z)")
"""How a cell begins in which papermill sets parameters."""
_ASSIGNMENTS = re.compile(r"(?:[^\W\d]\w* = [^\n]*(?:\n|\Z))+")
"""All that jupyter-scheduler puts in: it has no first line of its own."""
_NOT_EXECUTED = "skip-execution"


class Found(NamedTuple):
    """One notebook that may be the one.

    Attributes:
        path: absolute.
        cells: what is executed of it, without the cells that papermill puts in.
        tagged: those of them that hold parameters.
        is_output: whether papermill has written it.
    """

    path: str
    cells: list[str]
    tagged: list[str]
    is_output: bool


class NearBy:
    """The notebooks in a folder, and in those directly below, that a kernel may execute.

    Args:
        executed: gives the cells that were executed until now, the one that runs included.
    """

    def __init__(self, executed: Callable[[], Sequence[str]]) -> None:
        self._executed = executed
        self._folder = working_folder()
        self._left: list[Found] | None = None

    def path(self) -> str | None:
        """The notebook's path; None where none fits, or several do."""
        found = self._fitting()
        first = [one for one in found if not one.is_output] or found
        return first[0].path if len(first) == 1 else None

    def tagged(self) -> list[str]:
        """Its cells with the tag `parameters`; none where files that fit and have some disagree."""
        told = [one.tagged for one in self._fitting() if one.tagged]
        return told[0] if told and all(one == told[0] for one in told) else []

    def _fitting(self) -> list[Found]:
        if self._left == []:
            return []
        cells = [text.strip() for text in self._executed() if not INJECTED.match(text)]
        cells = [text for text in cells if text]
        if not cells:
            return []
        if self._left is None:
            self._left = list(_read(self._folder, cells[-1]))
        self._left = [one for one in self._left if _fits(one, cells)]
        return [one for one in self._left if one.cells[: len(cells)] == cells] or self._left


_followed: list[NearBy] = []


def follow(near: NearBy | None) -> None:
    """Have `path` and `tagged` answer by these notebooks; None has them know none."""
    _followed[:] = [] if near is None else [near]


def path() -> str | None:
    """The path of the notebook that a program executes in this kernel, where that is sure."""
    return _followed[0].path() if _followed else None


def tagged() -> list[str]:
    """The cells of parameters of that notebook."""
    return _followed[0].tagged() if _followed else []


def _fits(one: Found, cells: list[str]) -> bool:
    """Whether the notebook begins so; one cell that sets parameters may have been put in."""
    if one.cells[: len(cells)] == cells:
        return True
    at = one.cells.index(one.tagged[0]) + 1 if one.tagged else 0
    if at >= len(cells) or not _ASSIGNMENTS.fullmatch(cells[at]):
        return False
    rest = cells[:at] + cells[at + 1 :]
    return one.cells[: len(rest)] == rest


def _read(folder: str, cell: str) -> Iterator[Found]:
    """The notebooks in and below the folder that seem to hold this cell."""
    line = next(iter(cell.splitlines()), "")
    sought = json.dumps(line)[1:-1].encode() if line.isascii() else b""
    room = ALL_BYTES_MAX
    for place in islice(_notebooks(folder), FILES_MAX):
        try:
            with open(place, "rb") as file:
                content = file.read(min(FILE_BYTES_MAX, room) + 1)
        except OSError:
            continue
        room -= len(content)
        if room < 0:
            return
        if len(content) <= FILE_BYTES_MAX and sought in content:
            found = _parsed(place, content)
            if found is not None:
                yield found


def _notebooks(folder: str) -> Iterator[str]:
    below: list[str] = []
    for entry in _entries(folder):
        if entry.name.endswith(".ipynb"):
            yield entry.path
        elif len(below) < FOLDERS_MAX and entry.is_dir():
            below.append(entry.path)
    for place in below:
        yield from (one.path for one in _entries(place) if one.name.endswith(".ipynb"))


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [one for one in islice(entries, ENTRIES_MAX) if not one.name.startswith(".")]
    except OSError:
        return []


def _parsed(place: str, content: bytes) -> Found | None:
    try:
        said = json.loads(content)
        cells: list[str] = []
        tagged: list[str] = []
        for cell in said.get("cells", []):
            text, tags = _source(cell), set(cell.get("metadata", {}).get("tags", []))
            if cell.get("cell_type") != "code" or not text or _NOT_EXECUTED in tags:
                continue
            if INJECTED.match(text):
                continue  # papermill's own are known by their first line
            cells.append(text)
            if tags & TAGS:
                tagged.append(text)
        is_output = bool(said.get("metadata", {}).get("papermill"))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return None  # it is no notebook
    return Found(place, cells, tagged, is_output)


def _source(cell: Any) -> str:
    text = cell.get("source", "")
    return (text if isinstance(text, str) else "".join(text)).strip()
