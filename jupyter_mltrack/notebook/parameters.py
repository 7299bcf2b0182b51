"""The parameter cells that a kernel has executed: those with the tag `parameters`, and papermill's.

JupyterLab sends a cell's tags along when it runs the cell. Of a notebook that a command or a
program executes, or that VS Code has open, the file says which cells have the tag. What papermill
injects begins with a comment that names it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.tracking import driven

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_CELLS_MAX = 20
FILE_BYTES_MAX = 16 << 20


class ParameterCells:
    """Those of one kernel, in the order of execution."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._cells: list[str] = []
        self._looked_at: tuple[str, int] | None = None
        """The file that was read, and when it was changed."""
        self._tagged: list[str] = []
        """Cells of that file that have the tag."""

    def note(self, info: Any) -> None:
        """A cell begins."""
        raw = getattr(info, "raw_cell", None)
        if not isinstance(raw, str) or not raw:
            return
        if driven.INJECTED.match(raw) or not driven.TAGS.isdisjoint(self._sent_tags()):
            others = [cell for cell in self._cells if cell != raw]
            self._cells = [*others[1 - _CELLS_MAX :], raw]

    def values(self) -> dict[str, str]:
        """The parameters that these cells state, with the values that they have now."""
        from jupyter_mltrack.tracking.params import held_params

        found: dict[str, str] = {}
        for cell in [*self._from_file(), *self._cells]:
            found |= held_params(self._shell.transform_cell(cell), self._shell.user_ns)
        return found

    def _sent_tags(self) -> list[str]:
        ask = getattr(self._shell, "get_parent", None)
        if ask is None:
            return []
        tags = (ask() or {}).get("metadata", {}).get("tags")
        return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []

    def _from_file(self) -> list[str]:
        """Tagged cells of the notebook's file that this kernel has executed as they stand there."""
        from jupyter_mltrack.tracking import surroundings

        path = surroundings.notebook_path()
        if path is None:
            return driven.tagged()
        if path == surroundings.session_notebook():
            return []  # who sends cells to be run sends their tags
        try:
            state = os.stat(path)
            if self._looked_at != (path, state.st_mtime_ns):
                self._looked_at = (path, state.st_mtime_ns)
                small = state.st_size <= FILE_BYTES_MAX
                self._tagged = _tagged_in(path) if small else []
        except OSError:
            self._tagged = []
        if not self._tagged:
            return []
        history = getattr(self._shell.history_manager, "input_hist_raw", ())
        executed = {text.strip() for text in history}
        return [cell for cell in self._tagged if cell.strip() in executed]


def _tagged_in(path: str) -> list[str]:
    """The sources of a notebook's cells that have the tag."""
    import json

    try:
        with open(path, encoding="utf-8") as file:
            cells = json.load(file).get("cells", [])
        found = []
        for cell in cells:
            tags = cell.get("metadata", {}).get("tags", [])
            if cell.get("cell_type") == "code" and not driven.TAGS.isdisjoint(tags):
                source = cell.get("source", "")
                found.append(source if isinstance(source, str) else "".join(source))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return []  # it is no notebook
    return found[:_CELLS_MAX]
