"""`%mltrack auto on`: every cell that logs or trains becomes a run, without a header."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mltrack.notebook.cell import TrackedCell
from jupyter_mltrack.notebook.transform import is_tracked

if TYPE_CHECKING:
    from jupyter_mltrack.notebook.magics import MLTrack


def auto(state: str | bool | None = None) -> str:
    """Track every cell from the next one on (`on`), or only those with a header (`off`).

    Raises:
        UsageError: the state is neither.
    """
    from jupyter_mltrack.errors import UsageError
    from jupyter_mltrack.tracking import choice

    if state is not None:
        if state not in ("on", "off", True, False):
            raise UsageError(f"auto cannot be {state!r}.", "Write: auto on, or auto off")
        choice.choose_auto(state in ("on", True))
    if choice.auto():
        return "auto on: every cell that logs or trains is tracked"
    return "auto off: cells with %%track are tracked"


class EveryCell:
    """Opens a context for a cell while `auto` is on; nothing logged in it, no run."""

    def __init__(self, magics: MLTrack) -> None:
        self._magics = magics

    def __call__(self, info: Any) -> TrackedCell | None:
        """The context of a cell that begins; None when it has its own header or auto is off."""
        from jupyter_mltrack.tracking import choice

        raw = getattr(info, "raw_cell", None) or ""
        if not choice.auto() or is_tracked(raw):
            return None
        return self._magics.enter_without_header(info)
