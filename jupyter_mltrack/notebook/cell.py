"""One tracked cell, from its header to the line that is shown when it has ended.

The cell enters the public `track`; what only a notebook knows is added here: the cell's source
and id, the variables and expressions that its header names, and the output.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

CELL_ID_TAG = "mltrack.cell_id"
NOTEBOOK_TAG = "mltrack.notebook"
ATTEMPT_TAG = "mltrack.attempt"


class Header(NamedTuple):
    """What the header of a cell says, checked; `track` are the keywords of `track(...)`."""

    name: str | None = None
    track: Mapping[str, Any] = MappingProxyType({})
    variables: tuple[str, ...] = ()
    literals: bool = True
    metrics: tuple[tuple[str, str], ...] = ()
    quiet: bool = False


class TrackedCell:
    """A cell that was entered and will be left by the hooks."""

    def __init__(
        self,
        shell: InteractiveShell,
        header: Header,
        source: Callable[[], str | None],
        *,
        explicit: bool = True,
    ) -> None:
        self.explicit = explicit
        """Whether the user said so: then a run is recorded even if nothing is logged."""
        self._shell = shell
        self._header = header
        self._source = source
        self._manager: Any = None
        self._tracked: Any = None
        self._since: tuple[int, int] | None = None
        self.left = False
        self._logged = False
        self.display_id: str | None = None
        self.place: Any = None
        """Where the header stands, for the magic to tell one cell from another."""

    def enter(self, context_tags: dict[str, str]) -> TrackedCell:
        """Enter the context.

        Raises:
            MltrackError: the header names a run or workspace that is not there.
        """
        from jupyter_mltrack import track

        keywords = dict(self._header.track)
        keywords["tags"] = {**context_tags, **keywords.get("tags", {})}
        self._since = _position()
        self._manager = track(self._header.name, quiet=self._header.quiet, **keywords)
        self._tracked = self._manager.__enter__()
        context = self._tracked.context
        context.record_empty = self.explicit
        context.scratch["cell"] = True
        return self

    def leave(self, error: BaseException | None) -> None:
        """Record what the header asks for, end the runs, and show the line; twice does no harm."""
        if self._tracked is None:
            return
        context = self._tracked.context
        if not self.left:
            if not context.closed and (context.born or context.record_empty):
                error = self._record(error)
            self._logged = bool(context.runs)
            self._manager.__exit__(type(error) if error else None, error, None)
            self.left = True
        if not self._header.quiet:
            self._header = self._header._replace(quiet=True)
            self._show(context)

    # ------------------------------------------------------------------------ recording

    def _record(self, error: BaseException | None) -> BaseException | None:
        """Parameters, and metrics of a cell that succeeded; returns how it has ended by now."""
        from jupyter_mltrack.tracking import caution

        try:
            self._record_params(error)
            if error is None:
                for name, expression in self._header.metrics:
                    self._record_metric(name, expression)
        except KeyboardInterrupt as interrupt:
            return error or interrupt
        except Exception as trouble:
            caution.trouble(
                "record", "Something could not be recorded with this cell's run", trouble
            )
        return error

    def _record_params(self, error: BaseException | None) -> None:
        from jupyter_mltrack.tracking import caution, params

        context = self._tracked.context
        if self._header.variables:
            found, missing = params.named_params(self._header.variables, self._shell.user_ns)
            if found:
                self._tracked.log_params(found)
            if missing and error is None:
                names = ", ".join(missing)
                caution.warn_once(f"param {names}", f"--param {names}: there is no such variable.")
        source = self._source() if self._header.literals else None
        if source:
            context.scratch["automatic_params"] = params.literal_params(source)

    def _record_metric(self, name: str, expression: str) -> None:
        from jupyter_mltrack.tracking import caution
        from jupyter_mltrack.tracking.leaving import error_line

        try:
            value = eval(expression, self._shell.user_global_ns, self._shell.user_ns)  # noqa: S307  # the user's own words
        except Exception as error:
            caution.warn_once(
                f"metric {name} {expression}",
                f"--metric {name}={expression} was not logged: {error_line(error)}",
            )
            return
        self._tracked.log({name: value})

    # -------------------------------------------------------------------------- showing

    def _show(self, context: Any) -> None:
        from jupyter_mltrack.notebook.outcome import outcome_view

        if not context.runs:
            return
        shown = outcome_view(context, self._since, with_values=self._logged)
        if shown is None:
            return
        book, run_id = context.runs[0]
        about = {"run_id": run_id, "workspace_id": book.workspace.id}
        self.display_id = f"mltrack-{context.run_id}"
        self._shell.display_pub.publish(
            shown.bundle(),
            {"mltrack": about},
            transient={"display_id": self.display_id},
        )


def _position() -> tuple[int, int] | None:
    """Where the journal of this process stands; None when there is none yet."""
    module = sys.modules.get("jupyter_mltrack.journal")
    journal = module.current_journal() if module is not None else None
    return None if journal is None else journal.position()


def notebook_tags(shell: InteractiveShell, info: Any) -> dict[str, str]:
    """Where the cell stands: the notebook, as far as anything tells it, and the cell's id."""
    tags: dict[str, str] = {}
    path = notebook_path(shell)
    if path:
        tags[NOTEBOOK_TAG] = path
    cell_id = getattr(info, "cell_id", None)
    if cell_id:
        tags[CELL_ID_TAG] = str(cell_id)[:100]
    return tags


def notebook_path(shell: InteractiveShell) -> str | None:
    """Path of the notebook, below the project's folder if it lies there; None if nothing tells it.

    The Jupyter server names it in the kernel's environment, VS Code in a variable of the notebook.
    """
    for found in (os.environ.get("JPY_SESSION_NAME"), shell.user_ns.get("__vsc_ipynb_file__")):
        if isinstance(found, str) and found.endswith(".ipynb"):
            return _short(found)
    return None


def _short(path: str) -> str:
    if not os.path.isabs(path):
        return path
    from jupyter_mltrack.settings import project_root

    root = str(project_root())
    if path.startswith(root + os.sep):
        return path[len(root) + 1 :]
    return os.path.basename(path)
