"""The cells that a kernel has executed, and whether what one of them used still stands as it ran.

A cell's names come from the cells that bound them last. Such a cell may have been edited or deleted
since, or stand below the one that used its names: then the notebook, run from top to bottom, gives
something else. What the notebook looks like now is read from its file, if it was saved since.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from jupyter_mltrack.tracking.used.names import names_of

CELLS_MAX = 5_000
FILE_BYTES_MAX = 50 << 20
SHOWN_NAMES = 5
EDITED = "a cell that was edited since it ran"
DELETED = "a cell that was deleted since it ran"
GONE = "a cell that was edited or deleted since it ran"
BELOW = "a cell further below"


class Executed(NamedTuple):
    """One execution of a cell."""

    number: int
    cell_id: str
    """Empty where the frontend gives none."""
    source: str
    at_s: float


class _Document(NamedTuple):
    """The code cells of a notebook's file, from top to bottom: (id, source)."""

    cells: list[tuple[str, str]]
    saved_s: float

    def place_of(self, cell: Executed) -> int | None:
        """Where a cell stands; None for one that is not there, or there more than once."""
        if cell.cell_id:
            ids = [cell_id for cell_id, _ in self.cells]
            return ids.index(cell.cell_id) if cell.cell_id in ids else None
        same = [at for at, (_, source) in enumerate(self.cells) if _is_same(source, cell.source)]
        return same[0] if len(same) == 1 else None


class CellLedger:
    """What a kernel has executed.

    Args:
        earlier: gives the sources that it executed before anybody wrote them down here.
        notebook: gives the path of the notebook's file; None where nobody knows it.
    """

    def __init__(
        self,
        earlier: Callable[[], Iterable[str]] = tuple,
        notebook: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.notebook = notebook
        self._earlier: Callable[[], Iterable[str]] | None = earlier
        self._cells: list[Executed] = []

    def note(self, number: int, cell_id: str | None, source: str) -> Executed:
        """A cell begins to run; it takes a microsecond."""
        plain = cell_id or ""
        if ":" in plain:  # an address of VS Code's, which the file does not know
            plain = ""
        cell = Executed(number, plain, source, time.time())
        self._cells.append(cell)
        if len(self._cells) > CELLS_MAX:
            del self._cells[: CELLS_MAX // 2]
        return cell

    def before(self, cell: Executed) -> list[Executed]:
        """What was executed before a cell, oldest first."""
        if self._earlier is not None:
            earlier, self._earlier = self._earlier, None
            first = self._cells[0].number if self._cells else cell.number
            told = list(earlier())[: max(0, first - 1)]
            self._cells[:0] = [Executed(at, "", source, 0.0) for at, source in enumerate(told, 1)]
        cells = self._cells.copy()
        at = next((at for at, one in enumerate(cells) if one is cell), len(cells))
        return cells[:at]

    def doubts(self, cell: Executed, needs: Iterable[str]) -> str:
        """Why the names that a cell used may not be those of the notebook; empty if they are.

        Args:
            cell: that runs or ran.
            needs: names that it reads and that other cells have bound.
        """
        before = self.before(cell)
        document = _document(self.notebook())
        found: dict[str, list[str]] = {}
        for name in sorted(needs):
            maker = _maker_of(name, before)
            reason = _doubt(maker, cell, before, document) if maker is not None else ""
            if reason:
                found.setdefault(reason, []).append(name)
        return "; ".join(f"{_listed(names)} from {reason}" for reason, names in found.items())


def _maker_of(name: str, cells: list[Executed]) -> Executed | None:
    """The cell that bound a name last; None if none did, or one took it away since."""
    for cell in reversed(cells):
        if name not in cell.source:
            continue
        names = names_of(_as_python(cell.source))
        if name in names.stores:
            return cell
        if name in names.drops:
            return None
    return None


def _doubt(
    maker: Executed,
    cell: Executed,
    before: list[Executed],
    document: _Document | None,
) -> str:
    if maker.cell_id:
        again = [
            one for one in before if one.cell_id == maker.cell_id and one.number > maker.number
        ]
        if any(not _is_same(one.source, maker.source) for one in again):
            return EDITED
    if maker.cell_id and maker.cell_id == cell.cell_id:
        return ""  # its own earlier run
    here = document.place_of(cell) if document is not None else None
    if document is None or here is None or document.saved_s < maker.at_s:
        return ""
    there = document.place_of(maker)
    if there is None:
        if maker.cell_id:
            return DELETED
        copies = sum(_is_same(source, maker.source) for _, source in document.cells)
        return GONE if maker.at_s and not copies else ""
    if not _is_same(document.cells[there][1], maker.source):
        return EDITED
    return BELOW if there > here else ""


def _listed(names: list[str]) -> str:
    hidden = len(names) - SHOWN_NAMES
    return ", ".join(names[:SHOWN_NAMES]) + (f" and {hidden} more" if hidden > 0 else "")


def _is_same(one: str, other: str) -> bool:
    return one.strip().replace("\r\n", "\n") == other.strip().replace("\r\n", "\n")


def _as_python(source: str) -> str:
    """A cell as it was typed without its magics, so that the rest can be read as Python."""
    lines = source.split("\n")
    return "\n".join("" if line.lstrip()[:1] in ("%", "!") else line for line in lines)


# ------------------------------------------------------------------------------- document


def _document(path: str | None) -> _Document | None:
    """The notebook as its file has it; None where it cannot be read."""
    try:
        if path is None or os.path.getsize(path) > FILE_BYTES_MAX:
            return None
        saved_s = os.path.getmtime(path)
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        cells = [
            (str(cell.get("id") or ""), _text(cell.get("source")))
            for cell in content["cells"]
            if cell.get("cell_type") == "code"
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return _Document(cells, saved_s)


def _text(source: object) -> str:
    if isinstance(source, list):
        return "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""
