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

from jupyter_mltrack.notebook.cell import ATTEMPT_TAG, Header, TrackedCell, notebook_tags
from jupyter_mltrack.notebook.options import TRACK_OPTIONS, flags

if TYPE_CHECKING:
    from types import FrameType

    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_mltrack.notebook.hooks import CellHooks
    from jupyter_mltrack.settings import Settings

_ELSE = "None leaves it to mltrack.toml and the environment."


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

    quiet = Bool(None, allow_none=True, help=f"Print no line after a tracked cell. {_ELSE}").tag(
        config=True
    )
    autolog = Bool(
        None,
        allow_none=True,
        help=f"Switch MLflow's autologging on or off in tracked cells. {_ELSE}",
    ).tag(config=True)
    params = Enum(
        ("auto", "none", None),
        default_value=None,
        allow_none=True,
        help="auto: literal assignments of a tracked cell (lr = 0.01) become parameters; "
        "none: they do not. " + _ELSE,
    ).tag(config=True)
    system_metrics = Bool(
        None,
        allow_none=True,
        help=f"Record the load of the machine while a tracked cell runs. {_ELSE}",
    ).tag(config=True)
    experiment = Unicode(
        None, allow_none=True, help=f"Experiment for new runs, for example 'digits'. {_ELSE}"
    ).tag(config=True)

    def __init__(self, shell: InteractiveShell, hooks: CellHooks) -> None:
        super().__init__(shell=shell)
        self.hooks = hooks
        self._attempts: dict[str, int] = {}

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
        tracked = self._enter(self._header(line), info, cell)
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

        tags = notebook_tags(self.shell, info)
        tags[ATTEMPT_TAG] = str(self._attempt(header, info))
        try:
            return TrackedCell(self.shell, header, self._source(info, cell)).enter(tags)
        except MltrackError as error:
            if not isinstance(error, JournalError):
                raise
            caution.trouble("enter", "This cell runs untracked", error)
        except Exception as error:
            caution.trouble("enter", "This cell runs untracked", error)
        return None

    def enter_without_header(self, info: Any) -> TrackedCell | None:
        """Enter a cell that has no header: it is recorded only if something is logged in it."""
        header = self._header("")
        tracked = TrackedCell(self.shell, header, self._source(info, None), explicit=False)
        return tracked.enter(notebook_tags(self.shell, info))

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

    def _attempt(self, header: Header, info: Any) -> int:
        """How often this cell was tracked in this kernel, this time included."""
        key = str(getattr(info, "cell_id", None) or header.name or getattr(info, "raw_cell", ""))
        self._attempts[key] = self._attempts.get(key, 0) + 1
        return self._attempts[key]

    # ---------------------------------------------------------------------------- header

    def _header(self, line: str) -> Header:
        """What a header says.

        Raises:
            UsageError: an option that is not known, or two that exclude each other.
        """
        from jupyter_mltrack.tracking import choice

        said = _parsed(self.track, line)
        _refuse_two(said)
        keywords: dict[str, Any] = {
            "experiment": said.experiment or self.experiment,
            "tags": dict(_pair("--tag", text) for text in said.tag),
            "nested": said.nested,
            "parent": said.parent,
            "resume": said.resume,
            "autolog": self.autolog if said.autolog is None else said.autolog,
            "system_metrics": self.system_metrics if said.system_metrics is None else True,
        }
        settings = choice.settings_for_runs()
        return Header(
            name=said.name,
            track=keywords,
            variables=tuple(name for name in said.param if name not in ("auto", "none")),
            literals=self._takes_literals(said.param, settings),
            metrics=tuple(_metric(text) for text in said.metric),
            quiet=self._is_quiet(said.quiet, settings),
        )

    def _takes_literals(self, asked: list[str], settings: Settings) -> bool:
        if "none" in asked:
            return False
        if "auto" in asked or self.params is not None:
            return "auto" in asked or self.params == "auto"
        return settings.params == "auto"

    def _is_quiet(self, asked: bool | None, settings: Settings) -> bool:
        if asked is not None or self.quiet is not None:
            return bool(asked if asked is not None else self.quiet)
        return settings.quiet

    # ---------------------------------------------------------------------------- %mltrack

    @line_magic  # type: ignore[untyped-decorator]
    def mltrack(self, line: str = "") -> None:
        """Look at runs and choose where they go: `%mltrack VERB`; `%mltrack help` lists them."""
        from jupyter_mltrack.verbs.door import answer

        shown = answer(line)
        self.shell.display_pub.publish(shown.bundle())


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


def _parsed(magic: Any, line: str) -> argparse.Namespace:
    from IPython.core.error import UsageError as IPythonUsageError

    from jupyter_mltrack.display_text import clean
    from jupyter_mltrack.errors import UsageError
    from jupyter_mltrack.verbs.table import nearest

    try:
        said: argparse.Namespace = magic.parser.parse_argstring(line)
    except (IPythonUsageError, ValueError) as error:
        text = clean(str(error)).strip()
        wrong = next(
            (
                word.split("=")[0]
                for word in line.split()
                if word.startswith("--") and word.split("=")[0] not in flags()
            ),
            "",
        )
        near = nearest(wrong, flags()) if wrong else ""
        if text.startswith("unrecognized arguments: ") and not wrong:
            hint = 'Quote a name that holds spaces: %%track "my run". All options: %%track?'
        else:
            hint = (
                f"Did you mean {near}? All options: %%track?" if near else "All options: %%track?"
            )
        raise UsageError(f"%%track: {text}.", hint) from None
    return said


def _refuse_two(said: argparse.Namespace) -> None:
    from jupyter_mltrack.errors import UsageError

    chosen = [f"--{name}" for name in ("nested", "parent", "resume") if getattr(said, name)]
    if len(chosen) > 1:
        raise UsageError(
            f"%%track: {' and '.join(chosen)} exclude each other.",
            f"Keep one of them; the run is {chosen[0]} or the other.",
        )


def _pair(option: str, text: str) -> tuple[str, str]:
    from jupyter_mltrack.display_text import clean
    from jupyter_mltrack.errors import UsageError

    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(
            f"%%track: {option} {clean(text)!r} has no name and value.",
            f"Write it like {option} owner=me",
        )
    return key.strip(), value


def _metric(text: str) -> tuple[str, str]:
    from jupyter_mltrack.errors import UsageError

    name, expression = _pair("--metric", text)
    try:
        compile(expression.strip(), "<metric>", "eval")
    except (SyntaxError, ValueError) as error:
        raise UsageError(
            f"%%track: --metric {name} is no expression: {expression.strip()!r}.",
            "Write it like --metric acc=model.score(X,y), in quotes if it holds spaces.",
        ) from error
    return name, expression.strip()
