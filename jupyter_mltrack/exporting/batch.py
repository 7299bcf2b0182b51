"""`run NOTEBOOK`: a notebook executed as one run, with the runs of its cells below it.

The kernel is told the parent by `MLTRACK_PARENT_RUN` and the notebook by `JPY_SESSION_NAME`, so its
cells track as they do in JupyterLab. The executed notebook and a page of it are kept with the run,
secrets taken out; the copy that was asked for with `-o` is written after each cell.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import MltrackError, UsageError
from jupyter_mltrack.exporting import parameters
from jupyter_mltrack.exporting.executing import Execution, raise_trouble

if TYPE_CHECKING:
    from jupyter_mltrack.tracking.context import CellContext

LOOK_S = 0.25
SYNC_S = 10.0
"""For what the kernel left behind to arrive, before the runs are listed."""
Show = Callable[[str], None]


class Terminated(KeyboardInterrupt):
    """The process was told to end (SIGTERM)."""

    exit_code = 128 + signal.SIGTERM


class Batch:
    """One notebook to be executed.

    Args:
        path: its file.
        values: its parameters.
        out: file for the executed notebook; None writes none.
        name: of the run; the file's if None.
        experiment: of the run; None takes what is chosen.
        kernel: name of the kernel; the notebook's own if empty.
        run_id: of the run, where one was promised before.
        tags: of the run, besides its own.
        show: is told how far it is, a few times a second.

    Raises:
        UsageError: it is no notebook, or has no such parameter.
    """

    def __init__(
        self,
        path: str,
        values: Mapping[str, Any],
        *,
        out: str | None = None,
        name: str | None = None,
        experiment: str | None = None,
        kernel: str = "",
        run_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        show: Show,
    ) -> None:
        self._path = Path(os.path.abspath(os.path.expanduser(path)))
        self._out = Path(os.path.abspath(os.path.expanduser(out))) if out else None
        self._values = dict(values)
        self._experiment = experiment
        self._kernel = kernel
        self._run_id = run_id
        self._tags = dict(tags or {})
        self._show = show
        self._name = name or self._path.stem
        self.notebook = _read(self._path)
        self.note = parameters.put_in(self.notebook, self._values)
        self._code = [
            at
            for at, cell in enumerate(self.notebook.cells)
            if cell.cell_type == "code" and cell.source.strip()
        ]
        self._cells = [
            at
            for at in self._code
            if parameters.GIVEN not in self.notebook.cells[at].metadata.get("tags", ())
        ]
        """Those that a person counts: the one that holds the values was put in."""
        self._done = 0
        self._began_s = time.monotonic()
        self._shown = ""

    def run(self) -> wire.NotebookRun:
        """Execute it; returns also when a cell failed, or when it was interrupted.

        Raises:
            MltrackError: it could not be executed at all.
        """
        from jupyter_mltrack.tracking import leaving

        if self._out is not None:
            self._write_out()
        context = self._context()
        error: BaseException | None = None
        stored: list[str] = []
        try:
            with _terminable():
                execution = self._execute(context)
            raise_trouble(execution.trouble)
            if execution.failed_at is not None:
                error = _CellFailed(execution.error)
        except BaseException as raised:
            error = raised
        finally:
            with contextlib.suppress(KeyboardInterrupt):
                stored = self._store(context)
            context.leave(error)
        if error is not None and not isinstance(error, _CellFailed):
            raise error
        status, line = leaving.outcome(error)
        return self._answer(context, execution, status, line or "", stored)

    # ------------------------------------------------------------------------ the parent

    def _context(self) -> CellContext:
        from jupyter_mltrack.tracking import remembering
        from jupyter_mltrack.tracking.run import make_context
        from jupyter_mltrack.tracking.surroundings import (
            NOTEBOOK_TAG,
            SOURCE_NAME_TAG,
            SOURCE_TYPE_TAG,
        )

        with contextlib.chdir(self._path.parent):  # the project is the notebook's
            context = make_context(
                self._name,
                experiment=self._experiment,
                params=self._values,
                tags={
                    **self._tags,
                    NOTEBOOK_TAG: str(self._path),
                    SOURCE_NAME_TAG: self._path.name,
                    SOURCE_TYPE_TAG: "NOTEBOOK",
                },
                nested=True,
                new_run_id=self._run_id,
            )
            context.scratch["source_text"] = self.source
            context.scratch["keep"] = context.scratch["keep"] - {"output"}
            context.scratch["quiet"] = True
            context.enter()
            remembering.begin(context)
            context.birth()
        return context

    def source(self) -> str:
        """The code cells one below the other."""
        cells = [self.notebook.cells[at].source for at in self._code]
        return "\n\n".join(f"# %%\n{source}" for source in cells)

    # ----------------------------------------------------------------------- execution

    def _execute(self, context: CellContext) -> Execution:
        from jupyter_mltrack.tracking.surroundings import PARENT_VARIABLE

        execution = Execution(
            self.notebook,
            str(self._path),
            kernel=self._kernel,
            environ={PARENT_VARIABLE: context.run_id},
            began=lambda _at, _cell: None,
            ended=lambda at, _cell: self._cell_ended(context, at),
        )
        self._tell(context)
        execution.start()
        try:
            while not execution.wait(LOOK_S):
                self._show(self._progress(execution))
        except KeyboardInterrupt:
            self._show("stopping ...")
            try:
                execution.stop()
            except KeyboardInterrupt:  # a second time: at once
                execution.kill()
            raise
        return execution

    def _progress(self, execution: Execution) -> str:
        from jupyter_mltrack.display_text import duration

        elapsed = duration(int((time.monotonic() - self._began_s) * 1000))
        if execution.at is None:
            return f"◐ {self._name} · starting a kernel · {elapsed}"
        number = self._number(execution.at)
        lines = self.notebook.cells[execution.at].source.strip().splitlines()
        first = lines[0][:60] if lines else ""
        return f"◐ {self._name} · cell {number} of {len(self._cells)} · {first} · {elapsed}"

    def _number(self, at: int) -> int:
        """The number of a cell; the values belong to the cell above them."""
        return max(1, sum(one <= at for one in self._cells))

    def _cell_ended(self, context: CellContext, at: int) -> None:
        """A cell has ended; called in the thread of the execution."""
        if at not in self._cells:
            return
        self._done += 1
        self._tell(context)
        if self._out is not None:
            self._write_out()

    def _tell(self, context: CellContext) -> None:
        """Have the live view draw how far it is."""
        if context.book is None:
            return
        progress = wire.Progress(done=self._done, total=len(self._cells), unit="cells")
        event = wire.RunProgressed(
            run_id=wire.RunId(context.run_id),
            progress=progress,
            at_ms=time.time_ns() // 1_000_000,
        )
        context.book.write_if_open(event)

    # -------------------------------------------------------------------------- results

    def _write_out(self) -> None:
        """Write the notebook as it is now; whoever reads it sees all of it or nothing.

        Raises:
            UsageError: it cannot be written.
        """
        import nbformat

        assert self._out is not None
        draft = self._out.with_name(f".{self._out.name}.{os.getpid()}")
        try:
            draft.write_text(nbformat.writes(self.notebook), encoding="utf-8")
            os.replace(draft, self._out)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink()
            raise UsageError(
                f"{self._out} cannot be written: {error.strerror}.",
                "Name another file: -o OUT.ipynb",
            ) from error

    def _store(self, context: CellContext) -> list[str]:
        """Keep the executed notebook and its page with the run; returns their names."""
        from jupyter_mltrack.exporting import pages
        from jupyter_mltrack.tracking import caution

        try:
            return pages.store(context, self.notebook, self._path.stem)
        except Exception as error:
            caution.trouble("notebook", "The executed notebook was not kept with its run", error)
            return []

    def _answer(
        self,
        context: CellContext,
        execution: Execution,
        status: str,
        error: str,
        stored: list[str],
    ) -> wire.NotebookRun:
        failed = execution.failed_at
        return wire.NotebookRun(
            run_id=wire.RunId(context.run_id),
            workspace_id=wire.WorkspaceId(context.workspace.id),
            name=context.name,
            notebook=str(self._path),
            status="FINISHED" if status == "FINISHED" else "FAILED",
            cells=len(self._cells),
            executed=self._done,
            took_ms=int((time.monotonic() - self._began_s) * 1000),
            failed_cell=None if failed is None else self._number(failed),
            error=error,
            out=str(self._out or ""),
            stored=stored,
            runs=_children(context),
            note=self.note,
        )


class _CellFailed(MltrackError):  # its message is what a run's end says
    """A cell of the notebook failed; the message is the cell's error in one line."""


def _read(path: Path) -> Any:
    import nbformat

    try:
        text = path.read_text(encoding="utf-8")
        notebook = nbformat.reads(text, as_version=4)
    except FileNotFoundError:
        raise UsageError(
            f"There is no notebook {clean(str(path))}.", "Name a file that ends in .ipynb."
        ) from None
    except OSError as error:
        raise UsageError(
            f"{clean(str(path))} cannot be read: {error.strerror}.", "Name a notebook's file."
        ) from error
    except Exception as error:  # whatever nbformat and its schemas raise
        raise UsageError(
            f"{clean(str(path))} is no notebook: {clean(str(error).splitlines()[0])[:200]}",
            "Name a file that JupyterLab opens as a notebook.",
        ) from error
    return notebook


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Have SIGTERM end what is done here in good order, where nobody else has a say in it."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _children(context: CellContext) -> list[wire.RunSummary]:
    """The runs of the cells, as far as they are known; oldest first."""
    from jupyter_mltrack import runs
    from jupyter_mltrack.journal import ship
    from jupyter_mltrack.settings import data_dir

    assert context.book is not None
    try:
        ship.sync(data_dir(), timeout_s=SYNC_S)
        page = runs.list_runs(context.book.workspace, parent=context.run_id, limit=200)
    except MltrackError:
        return []  # the store gives no answer now; the answer goes without them
    return sorted(page.runs, key=lambda one: one.start_ms)
