"""One tracked cell, from its header to the line that is shown when it has ended.

The cell enters the public `track`; what only a notebook knows is added here: the cell's source
and id, the variables and expressions that its header names, and the output.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_mltrack.notebook.live import LiveLine
    from jupyter_mltrack.notebook.outcome import Outcome
    from jupyter_mltrack.tracking.context import CellContext
    from jupyter_mltrack.view.gathering import Since

CELL_ID_TAG = "mltrack.cell_id"
NOTEBOOK_TAG = "mltrack.notebook"


class Header(NamedTuple):
    """What the header of a cell says, checked; `track` are the keywords of `track(...)`."""

    name: str | None = None
    track: Mapping[str, Any] = MappingProxyType({})
    variables: tuple[str, ...] = ()
    literals: bool = True
    metrics: tuple[tuple[str, str], ...] = ()
    quiet: bool = False
    view: str = "auto"
    last_value: bool = True


class TrackedCell:
    """A cell that was entered and will be left by the hooks."""

    def __init__(
        self,
        shell: InteractiveShell,
        header: Header,
        source: Callable[[], str | None],
        *,
        typed: Callable[[], str | None],
        explicit: bool = True,
        parameters: Callable[[], dict[str, str]] = dict,
        executed: tuple[Any, Any] = (None, None),
    ) -> None:
        self.explicit = explicit
        """Whether the user said so: then a run is recorded even if nothing is logged."""
        self._shell = shell
        self._header = header
        self._source = source
        self._typed = typed
        """How to get the cell as its author wrote it."""
        self._parameters = parameters
        """Gives the parameters that the notebook states for all its cells."""
        self._executed = executed
        """The ledger of the kernel's cells, and this cell in it."""
        self._manager: Any = None
        self._tracked: Any = None
        self._since: Since | None = None
        self.left = False
        self._line: LiveLine | None = None
        self._outcome: Outcome | None = None
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
        context.scratch["source_text"] = self._typed
        if self._header.literals:
            self._state_parameters(context)
        if "uses" in context.scratch:
            if self.explicit:
                self._look(context)
            else:
                context.when_born.append(self._look)
        self._begin_line(context)
        return self

    def _look(self, context: Any) -> None:
        """Have the data looked at that the cell uses."""
        from jupyter_mltrack.tracking import caution

        try:
            ledger, cell = self._executed
            uses = context.scratch["uses"]
            uses.look(self._shell.user_ns, self._typed() or "", self._source, ledger, cell)
        except Exception as trouble:
            caution.trouble("uses", "The data that this cell uses is not kept", trouble)

    @property
    def context(self) -> CellContext:
        """The context of a cell that was entered."""
        context: CellContext = self._tracked.context
        return context

    def leave(self, error: BaseException | None, value: object = None) -> None:
        """Record what the header asks for, end the runs, and show the line; twice does no harm.

        `value` is the last one of a cell that succeeded.
        """
        if self._tracked is None:
            return
        context = self._tracked.context
        if not self.left:
            if not context.closed and (context.born or context.record_empty):
                error = self._record(error, value)
            self._manager.__exit__(type(error) if error else None, error, None)
            self.left = True
        if not self._header.quiet:
            self._header = self._header._replace(quiet=True)
            self._show(context)

    # ------------------------------------------------------------------------ recording

    def _state_parameters(self, context: CellContext) -> None:
        """Take the notebook's parameters as they are when the cell begins, or logs first."""
        from jupyter_mltrack.tracking import caution

        def take(context: CellContext) -> None:
            try:
                context.scratch["automatic_params"] = self._parameters()
            except Exception as error:
                caution.trouble("parameters", "The notebook's parameters are not kept", error)

        if self.explicit:
            take(context)
        else:
            context.when_born.append(take)

    def _record(self, error: BaseException | None, value: object) -> BaseException | None:
        """Parameters, and metrics of a cell that succeeded; returns how it has ended by now."""
        from jupyter_mltrack.tracking import caution

        try:
            self._record_params(error)
            if error is None:
                for name, expression in self._header.metrics:
                    self._record_metric(name, expression)
                if self._header.last_value and value is not None:
                    self._record_value(value)
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
            stated = context.scratch.get("automatic_params", {})
            context.scratch["automatic_params"] = stated | params.literal_params(source)

    def _record_metric(self, name: str, expression: str) -> None:
        from jupyter_mltrack.tracking import caution
        from jupyter_mltrack.tracking.leaving import error_line

        try:
            value = eval(expression, self._shell.user_global_ns, self._shell.user_ns)  # noqa: S307  # the user's own words
        except (Exception, SystemExit) as error:
            caution.warn_once(
                f"metric {name} {expression}",
                f"--metric {name}={expression} was not logged: {error_line(error)}",
            )
            return
        self._tracked.log({name: value})

    def _record_value(self, value: object) -> None:
        """The numbers that the cell ends with, but for those that it has logged itself."""
        from jupyter_mltrack.tracking import names
        from jupyter_mltrack.tracking.values import metrics_of
        from jupyter_mltrack.view.gathering import LAST_LOOK_BYTES, Follower

        found = metrics_of(value, self._source() or "")
        context = self.context
        if found and context.book is not None:
            follower = Follower(context.book, self._since)
            follower.look(LAST_LOOK_BYTES)
            logged = follower.found.values_of(context.run_id)
            found = {key: one for key, one in found.items() if names.encode(key) not in logged}
        if found:
            self._tracked.log(found)

    # -------------------------------------------------------------------------- showing

    def _begin_line(self, context: CellContext) -> None:
        """Show the line, of a cell without a header when its run is born."""
        if self._header.quiet:
            return
        from jupyter_mltrack.notebook.live import LiveLine
        from jupyter_mltrack.notebook.outcome import Outcome

        view = view_of(self._header, self._shell)
        self._outcome = Outcome(context, self._since)
        line = self._line = LiveLine(self._shell, context, self._outcome, view)
        if self.explicit:
            line.begin()
        else:
            context.when_born.append(lambda _context: line.begin())

    def _show(self, context: CellContext) -> None:
        if self._line is None or self._outcome is None:
            return
        from jupyter_mltrack.render import note

        self._line.stop()
        book, run_id = context.runs[0] if context.runs else (None, context.run_id)
        workspace = book.workspace if book is not None else context.workspace
        shown = self._outcome.ended()
        doubts = context.scratch["uses"].notice() if "uses" in context.scratch else ""
        if shown is not None and doubts:
            shown += note(f"⚠ {doubts}")
        self._line.end(shown, {"run_id": run_id, "workspace_id": workspace.id})


def view_of(header: Header, shell: InteractiveShell) -> str:
    """How the cell is shown while it runs: `auto` is a widget where no page of ours is likely."""
    if header.view != "auto":
        return header.view
    elsewhere = "__vsc_ipynb_file__" in shell.user_ns or "google.colab" in sys.modules
    return "widget" if elsewhere else "page"


def _position() -> Since | None:
    """Which journal this process wrote last, and where it stands; None when there is none yet."""
    module = sys.modules.get("jupyter_mltrack.journal")
    current = getattr(module, "current_journal", None)  # another thread may be importing it
    journal = current() if current is not None else None
    return None if journal is None else (journal.path, journal.position())


def notebook_tags(info: Any) -> dict[str, str]:
    """Where the cell stands: the notebook, as far as anything tells it, and the cell's id."""
    from jupyter_mltrack.tracking import surroundings

    tags: dict[str, str] = {}
    path = surroundings.notebook_name()
    if path:
        tags[NOTEBOOK_TAG] = path
    cell_id = getattr(info, "cell_id", None)
    if cell_id:
        tags[CELL_ID_TAG] = str(cell_id)[:100]
    return tags
