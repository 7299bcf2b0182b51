"""The line of a tracked cell while the cell runs: the first of its outputs, at one height.

A thread of ours looks at the cell's journal and renews the output in place, so the line goes on
while the main thread trains, and the cell's own loop does nothing for it. JupyterLab draws the run
itself from its MIME type; a widget does so where `view` says so; any other page gets the line as
HTML. When the cell has ended the same output becomes the static one.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.tracking import caution
from jupyter_mltrack.view import Shown, live_line

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_mltrack.notebook.outcome import Outcome
    from jupyter_mltrack.notebook.widget import RunWidget
    from jupyter_mltrack.render import View
    from jupyter_mltrack.tracking.context import CellContext

LIVE_MIME = "application/vnd.mltrack.run+json"
LOOK_S = 0.5
LATER_LOOK_S = 1.0
LATER_S = 20.0


class LiveLine:
    """One cell's output, from its begin to its end."""

    def __init__(
        self, shell: InteractiveShell, context: CellContext, outcome: Outcome, view: str
    ) -> None:
        self.display_id = f"mltrack-{context.run_id}"
        self._publisher = shell.display_pub
        self._context = context
        self._outcome = outcome
        self._wants_widget = view == "widget"
        self._is_drawn_there = view == "page"
        """Whether JupyterLab may draw the run from its MIME type."""
        self._lives = view != "end" and hasattr(self._publisher, "pub_socket")
        self._widget: RunWidget | None = None
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._pid = os.getpid()
        self._shown = False

    # ------------------------------------------------------------------------ begin, end

    def begin(self) -> None:
        """Show the line, and keep it current; a page that cannot do so gets it at the end."""
        if not self._lives:
            return
        try:
            self._publish(self._line(), live=True)
            self._publisher.register_hook(self._look_for_clearing)
            threading.Thread(target=self._follow, name="mltrack-line", daemon=True).start()
        except Exception as error:
            self._lives = False
            caution.trouble("line", "This cell shows no line before its end", error)

    def end(self, view: View | None, about: dict[str, str]) -> None:
        """Put what stays into the output's place."""
        if not self.stop():
            return
        if view is not None:
            self._publish(view, about=about)
        elif self._shown:
            self._publish(self._line())
        if self._widget is not None:
            self._widget.close()

    def stop(self) -> bool:
        """Renew the line no more; False in a forked child, whose parent goes on with it."""
        if os.getpid() != self._pid:
            return False
        self._ended.set()
        if self._lives:
            with self._lock:  # the thread has finished what it was at
                self._publisher.unregister_hook(self._look_for_clearing)
        return True

    def _look_for_clearing(self, message: Any) -> Any:
        """Note that the cell cleared its outputs, ours with them: the end shows the line anew."""
        if message["header"]["msg_type"] == "clear_output":
            self._shown = False
            self._ended.set()
        return message

    # -------------------------------------------------------------------------- meanwhile

    def _follow(self) -> None:
        began_s = time.monotonic()
        pause_s = LOOK_S
        while not self._ended.wait(pause_s):
            try:
                self._renew()
            except Exception as error:
                caution.trouble("line", "The line of this cell stands still until its end", error)
                return
            pause_s = LOOK_S if time.monotonic() - began_s < LATER_S else LATER_LOOK_S

    def _renew(self) -> None:
        if self._wants_widget:
            self._make_widget()
        with self._lock:
            if self._ended.is_set() or os.getpid() != self._pid:
                return
            self._outcome.look()
            if self._widget is not None:
                self._widget.show(self._run(), _now_ms())
            else:
                self._publish(self._line(), live=True)

    def _make_widget(self) -> None:
        """Put a widget into the output's place; its packages are imported here, in our thread."""
        from jupyter_mltrack.notebook.widget import RunWidget

        self._wants_widget = False
        widget = RunWidget.make()
        if widget is None:
            caution.warn_once(
                "widget", "view is widget, but the package anywidget is not installed here."
            )
            return
        with self._lock:
            if self._ended.is_set():
                widget.close()
                return
            self._outcome.look()
            widget.show(self._run(), _now_ms())
            self._widget = widget
            self._publish(self._line(), live=True)

    # ---------------------------------------------------------------------------- showing

    def _run(self) -> Shown:
        context = self._context
        return self._outcome.running() or Shown(
            run_id=context.run_id,
            workspace_id=context.workspace.id,
            name=context.name,
            status="RUNNING",
            start_ms=context.start_ms,
            end_ms=None,
        )

    def _line(self) -> View:
        return live_line(self._run(), _now_ms())

    def _publish(
        self, view: View, *, live: bool = False, about: dict[str, str] | None = None
    ) -> None:
        run = self._run()
        about = about or {"run_id": run.run_id, "workspace_id": run.workspace_id}
        bundle: dict[str, Any] = view.bundle()
        metadata: dict[str, Any] = {"mltrack": about}
        if live and self._widget is not None:
            shown, said = self._widget.bundle()
            bundle, metadata = bundle | shown, metadata | said
        elif live and self._is_drawn_there:
            bundle[LIVE_MIME] = {**about, "name": run.name, "start_ms": run.start_ms}
        self._publisher.publish(
            bundle,
            metadata,
            transient={"display_id": self.display_id},
            update=self._shown,
        )
        self._shown = True


def _now_ms() -> int:
    return int(time.time() * 1000)
