"""The magics `%%track`, `%track` and `%mltrack`, and the options that `%config MLTrack` shows.

A magic parses what was typed and calls a public function. A wrong word in a header stops the cell
with two lines that say so; trouble of ours is told once and never stops a cell.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments
from traitlets import Bool, Enum, Unicode

from jupyter_mltrack.notebook.attempts import Attempts
from jupyter_mltrack.notebook.cell import Header, TrackedCell, notebook_tags
from jupyter_mltrack.notebook.header import (
    left_out,
    metric,
    pair,
    parsed,
    refuse_job_options,
    refuse_two,
)
from jupyter_mltrack.notebook.options import TRACK_OPTIONS
from jupyter_mltrack.notebook.parameters import ParameterCells
from jupyter_mltrack.settings import KEPT_PARTS, VIEWS

if TYPE_CHECKING:
    from types import FrameType

    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_mltrack.notebook.hooks import CellHooks
    from jupyter_mltrack.settings import Settings

UNSAID = "None leaves it to mltrack.toml and the environment."


def _switch(what: str) -> Any:
    """An option that is on, off, or left to the settings."""
    return Bool(None, allow_none=True, help=f"{what} {UNSAID}").tag(config=True)


def _with_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the magic the options of the table, and with them IPython's own argument help."""
    for option in reversed(TRACK_OPTIONS):
        settings = dict(option.settings)
        if settings.get("action") == "boolean":
            settings = {"action": argparse.BooleanOptionalAction, "default": None}
        function = argument(*option.flags, help=option.help, **settings)(function)
    documented: Callable[..., Any] = magic_arguments()(function)
    return documented


@magics_class
class MLTrack(Magics):  # type: ignore[misc]  # IPython has no types of its own
    """Tracking of cells as MLflow runs."""

    quiet = _switch("Print no line after a tracked cell.")
    view = Enum(
        (*VIEWS, None),
        default_value=None,
        allow_none=True,
        help="How a tracked cell is shown while it runs. auto: live in JupyterLab, a widget in "
        "VS Code and Colab; widget; line: one line of HTML; end: nothing before its end. " + UNSAID,
    ).tag(config=True)
    autolog = _switch("Switch MLflow's autologging on or off in tracked cells.")
    params = Enum(
        ("auto", "none", None),
        default_value=None,
        allow_none=True,
        help="auto: literal assignments of a tracked cell (lr = 0.01) become parameters; "
        "none: they do not. " + UNSAID,
    ).tag(config=True)
    last_value = _switch("Log a number, or a dict of numbers, that a cell ends with as metrics.")
    system_metrics = _switch("Record the load of the machine while a tracked cell runs.")
    keep_source = _switch("Keep the source of a tracked cell.")
    keep_cells = _switch("Keep the cells that were executed before, as a notebook.")
    keep_environment = _switch("Keep Python's version, platform, packages and hardware.")
    keep_git = _switch("Keep commit, branch, remote and uncommitted changes of the project.")
    keep_output = _switch("Keep what a tracked cell prints.")
    keep_data = _switch("Keep shape, columns and digest of the data that a tracked cell used.")
    keep_order = _switch("Warn of names from cells further below, or edited or deleted since.")
    keep_figures = _switch("Keep figures, images and tables that a tracked cell shows.")
    experiment = Unicode(
        None, allow_none=True, help=f"Experiment for new runs, for example 'digits'. {UNSAID}"
    ).tag(config=True)

    def __init__(self, shell: InteractiveShell, hooks: CellHooks) -> None:
        super().__init__(shell=shell)
        self.hooks = hooks
        self.parameters = ParameterCells(shell)
        self._attempts = Attempts()
        self._nothing_said: argparse.Namespace | None = None
        """What an empty header says; parsed once."""

    # --------------------------------------------------------------------------- %%track

    @_with_options
    @line_cell_magic  # type: ignore[untyped-decorator]
    def track(self, line: str = "", cell: str | None = None) -> None:
        """Record this cell as one MLflow run, with everything that is logged in it.

        The cell stays an ordinary cell: await, tracebacks and other magics work as ever. It ends
        FINISHED, FAILED or KILLED as the cell ends. `%track` does the same from its line on.
        """
        from jupyter_mltrack.errors import UsageError

        info, opened = self.hooks.current()
        said = parsed(self.track, line)
        header = self._header(said)
        if said.on:
            from jupyter_mltrack.notebook import elsewhere

            tags = notebook_tags(info) | self._attempts.next(header.name, info).tags
            typed = _typed(info, cell)()
            elsewhere.submit(self.shell, said, header, tags=tags, typed=typed, body=cell)
            return
        refuse_job_options(said)
        frame = _calling_frame(self.shell)
        for one in reversed(opened):
            if not isinstance(one, TrackedCell) or one.left or one.place is None:
                continue
            if not one.place.is_at_work():
                one.leave(
                    None
                )  # a silent cell, such as one of `%run other.ipynb`: IPython tells no end
            elif frame is not None and one.place.is_cell_of(frame):
                raise UsageError(
                    "This cell is tracked already.",
                    "Keep one %%track line; runs inside it: mlflow.start_run(nested=True).",
                )
        tracked = None if self.hooks.is_out else self._enter(header, info, cell)
        if tracked is not None and frame is not None:
            tracked.place = Place(frame)
        if cell is None:
            if tracked is not None:
                self.hooks.opened(tracked)
            return
        self._run_body(cell, tracked)

    def _enter(self, header: Header, info: Any, cell: str | None) -> TrackedCell | None:
        """Enter the cell; None when trouble of ours leaves it untracked."""
        from jupyter_mltrack.errors import JournalError, MltrackError
        from jupyter_mltrack.tracking import caution

        attempt = self._attempts.next(header.name, info)
        if header.track["resume"] is not None:  # it goes on with a run: no attempt of its own
            attempt = attempt._replace(tags={})
        elif header.name is None:
            header = header._replace(name=attempt.name)
        try:
            tracked = TrackedCell(
                self.shell,
                header,
                self._source(info, cell),
                typed=_typed(info, cell),
                parameters=self.parameters.values,
                executed=(self.hooks.ledger, self.hooks.executed),
            )
            tracked.enter(notebook_tags(info) | attempt.tags)
            self._attempts.began(attempt, tracked.context)
            return tracked
        except MltrackError as error:
            if not isinstance(error, JournalError):
                raise
            caution.trouble("enter", "This cell runs untracked", error)
        except Exception as error:
            caution.trouble("enter", "This cell runs untracked", error)
        return None

    def enter_without_header(self, info: Any) -> TrackedCell | None:
        """Enter a cell that has no header: it is recorded only if something is logged in it."""
        if self._nothing_said is None:
            self._nothing_said = parsed(self.track, "")
        header = self._header(self._nothing_said)
        source, typed = self._source(info, None), _typed(info, None)
        tracked = TrackedCell(
            self.shell,
            header,
            source,
            typed=typed,
            explicit=False,
            parameters=self.parameters.values,
            executed=(self.hooks.ledger, self.hooks.executed),
        )
        return tracked.enter(notebook_tags(info))

    def _source(self, info: Any, cell: str | None) -> Callable[[], str | None]:
        """How to get the cell's source when it is needed."""
        return lambda: cell if cell is not None else _source_of(self.shell, info)

    def _run_body(self, cell: str, tracked: TrackedCell | None) -> None:
        """Run the body for a caller that did not pass the header, such as an exported script."""
        try:
            code = compile(self.shell.transform_cell(cell), "<tracked cell>", "exec")
            exec(code, self.shell.user_global_ns, self.shell.user_ns)  # noqa: S102  # the user's own cell
        except BaseException as error:
            if tracked is not None:
                tracked.leave(error)
            raise
        if tracked is not None:
            tracked.leave(None)

    # ---------------------------------------------------------------------------- header

    def _header(self, said: argparse.Namespace) -> Header:
        """What a header says.

        Raises:
            UsageError: an option that is not known, or two that exclude each other.
        """
        from jupyter_mltrack.tracking import choice

        refuse_two(said)
        if said.alert:
            from jupyter_mltrack.journal import alerts

            alerts.tag_value(said.alert)  # a condition that is none stops the cell here
        keywords: dict[str, Any] = {
            "experiment": said.experiment or self.experiment,
            "tags": dict(pair("--tag", text) for text in said.tag),
            "nested": said.nested,
            "parent": said.parent,
            "resume": said.resume,
            "autolog": self.autolog if said.autolog is None else said.autolog,
            "alerts": said.alert,
            "system_metrics": self.system_metrics if said.system_metrics is None else True,
            "keep": {**self._kept(), **left_out(said.without)},
        }
        settings = choice.settings_for_runs()
        return Header(
            name=said.name,
            track=keywords,
            variables=tuple(name for name in said.param if name not in ("auto", "none")),
            literals=self._takes_literals(said.param, settings),
            metrics=tuple(metric(text) for text in said.metric if text not in ("auto", "none")),
            last_value=self._takes_value(said.metric, settings),
            quiet=self._is_quiet(said.quiet, settings),
            view=self.view if self.view is not None else settings.view,
        )

    def _kept(self) -> dict[str, bool]:
        """The parts of what runs remember that `%config` switches on or off."""
        said = {part: getattr(self, f"keep_{part}", None) for part in KEPT_PARTS}
        return {part: is_on for part, is_on in said.items() if is_on is not None}

    def _takes_literals(self, asked: list[str], settings: Settings) -> bool:
        if "none" in asked:
            return False
        if "auto" in asked or self.params is not None:
            return "auto" in asked or self.params == "auto"
        return settings.params == "auto"

    def _takes_value(self, asked: list[str], settings: Settings) -> bool:
        if "none" in asked or "auto" in asked:
            return "none" not in asked
        return bool(settings.last_value if self.last_value is None else self.last_value)

    def _is_quiet(self, asked: bool | None, settings: Settings) -> bool:
        if asked is not None or self.quiet is not None:
            return bool(asked if asked is not None else self.quiet)
        return settings.quiet

    # ---------------------------------------------------------------------------- %mltrack

    @line_magic  # type: ignore[untyped-decorator]
    def mltrack(self, line: str = "") -> None:
        """Look at runs and choose where they go: `%mltrack VERB`; `%mltrack help` lists them."""
        from jupyter_mltrack.notebook.output import Output
        from jupyter_mltrack.verbs.door import answer
        from jupyter_mltrack.verbs.progress import painted_by

        output = Output(self.shell)
        try:
            with painted_by(output.line):
                shown = answer(line, self.shell.user_ns)
        except BaseException:
            output.clear()
            raise
        output.show(shown)


class Place:
    """Where in the user's code a header stands; IPython compiles each statement of a cell alone."""

    def __init__(self, frame: FrameType) -> None:
        self._code = frame.f_code
        self._line = frame.f_lineno

    def is_at_work(self) -> bool:
        """Whether this call was made, however indirectly, by the rest of that cell.

        The same text run a second time is compiled anew and begins above: it is another cell.
        """
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            code = frame.f_code
            if code is self._code:
                return True
            if code.co_filename == self._code.co_filename and frame.f_lineno > self._line:
                return True
            frame = frame.f_back
        return False

    def is_cell_of(self, frame: FrameType) -> bool:
        """Whether the frame belongs to the same cell."""
        return frame.f_code.co_filename == self._code.co_filename


def _calling_frame(shell: InteractiveShell) -> FrameType | None:
    """The frame of the user's code that called the magic."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals is not shell.user_global_ns:
        frame = frame.f_back
    return frame


def _typed(info: Any, cell: str | None) -> Callable[[], str | None]:
    """How to get the cell as its author wrote it, header and all."""
    return lambda: getattr(info, "raw_cell", None) or cell


def _source_of(shell: InteractiveShell, info: Any) -> str | None:
    """The cell as Python, without a cell magic that stands above its body."""
    from jupyter_mltrack.notebook.transform import is_tracked, split_header

    transformed: str | None = getattr(info, "transformed_cell", None)
    if transformed is not None and ".run_cell_magic(" not in transformed:
        return transformed
    body = getattr(info, "raw_cell", None) or ""
    while body.lstrip().startswith("%%") and "\n" in body:
        body = split_header(body)[1] if is_tracked(body) else body.lstrip().split("\n", 1)[1]
    text: str = shell.transform_cell(body)
    return text
