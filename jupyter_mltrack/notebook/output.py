"""One output of a cell: a line while a verb works, then its answer in the same place."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from jupyter_mltrack.render import View, line

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class Output:
    """Where a verb's progress and answer go; nothing is shown before there is something."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._id = ""

    def line(self, text: str | View) -> None:
        """Show a line in place of the one before."""
        self.show(text if isinstance(text, View) else line(text))

    def show(self, view: View) -> None:
        """Show this, in place of what was shown before."""
        if not self._id:
            self._id = uuid.uuid4().hex
            self._publish(view, update=False)
        else:
            self._publish(view, update=True)

    def clear(self) -> None:
        """Leave nothing of what was shown."""
        if self._id:
            self._publish(View("", ""), update=True)

    def _publish(self, view: View, *, update: bool) -> None:
        self._shell.display_pub.publish(
            view.bundle(), transient={"display_id": self._id}, update=update
        )
