"""Count how often a cell was tracked, and link each attempt to the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_mltrack.tracking.former import ATTEMPT_TAG, FORMER_TAG

if TYPE_CHECKING:
    from jupyter_mltrack.tracking.context import CellContext


class Attempt(NamedTuple):
    """One more attempt of a cell; `name` is the run name of the one before, None without one."""

    key: str
    tags: dict[str, str]
    name: str | None = None


class Attempts:
    """The attempts of one kernel's cells."""

    def __init__(self) -> None:
        self._last: dict[str, CellContext] = {}
        self._counts: dict[str, int] = {}

    def next(self, name: str | None, info: Any) -> Attempt:
        """The attempt that begins now, of a cell that is told by its id, else its name or text."""
        key = str(getattr(info, "cell_id", None) or name or getattr(info, "raw_cell", ""))
        last = self._last.get(key)
        before = self._counts.get(key, 0)
        if last is not None:
            before = max(before, last.scratch.get("attempt", 0))
        self._counts[key] = before + 1
        tags = {ATTEMPT_TAG: str(before + 1)}
        if last is None or not (last.born or last.runs):
            return Attempt(key, tags)
        return Attempt(key, tags | {FORMER_TAG: last.run_id}, last.name)

    def began(self, attempt: Attempt, context: CellContext) -> None:
        """The attempt has this context now."""
        self._last[attempt.key] = context
