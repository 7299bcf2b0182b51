"""The process of a job on this machine: the cell as a run of its own.

`python -m jupyter_mltrack.jobs.child JOB_DIR TIE_FD`. The descriptor is tied to the keeper: when
that is gone, the job is interrupted.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.jobs import body, folders
from jupyter_mltrack.jobs import order as orders
from jupyter_mltrack.jobs.process import OUTCOME, Outcome, inputs_of
from jupyter_mltrack.jobs.sources import NOTEBOOK
from jupyter_mltrack.jobs.submitting import TYPED

if TYPE_CHECKING:
    from types import ModuleType

    from jupyter_mltrack.tracking.context import CellContext

LEFT_S = 10.0
JOB_TAG = "mltrack.job"
_OURS = (os.path.join("jupyter_mltrack", "jobs"), "<frozen runpy>")


_told = threading.Event()
"""Set when the job has said how it ended."""


def _watch(tie: int) -> None:
    """Interrupt the job when its keeper is gone, and end it if it does not end by itself."""
    os.read(tie, 1)
    if _told.is_set():
        return  # only the way of the points to the store is still waited for
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(LEFT_S)
    os.kill(os.getpid(), signal.SIGTERM)


def _context(place: Path, order: orders.Order) -> CellContext:
    from jupyter_mltrack.tracking.run import make_context

    context = make_context(
        order.name,
        new_run_id=place.name,
        experiment=order.experiment,
        params=order.params,
        tags={**order.tags, JOB_TAG: order.on},
        autolog=order.autolog,
        system_metrics=order.system_metrics,
        alerts=order.alerts,
    )
    context.scratch["source_text"] = (place / TYPED).read_text
    context.scratch["quiet"] = True
    return context


class Job:
    """One job: its order, and the run that it is."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.order = orders.load(place)

    def run(self) -> int:
        """Run the cell or script, end its run, and say how it went; the exit code."""
        from jupyter_mltrack.tracking import remembering

        os.chdir(self.order.folder)
        if self.order.script.endswith(NOTEBOOK):
            outcome = self._notebook()
            self._tell(outcome)
            return 0 if outcome.state == "done" else 1
        sys.path[0] = self.order.folder
        sys.argv = [self.order.script or "cell", *self._arguments()]
        context = _context(self.place, self.order)
        context.enter()
        remembering.begin(context)
        context.birth()  # a job is a run from its beginning on, whatever it logs
        error: BaseException | None = None
        try:
            module = self._do()
            self._record(module, context)
        except BaseException as raised:  # whatever ends a cell ends its run
            error = raised
            _show(raised)
        outcome = _outcome_of(error)
        context.leave(error)
        self._tell(outcome)
        return 0 if outcome.state == "done" else 1

    def _notebook(self) -> Outcome:
        """Execute a notebook as the run of this job, the runs of its cells below it."""
        from jupyter_mltrack.exporting import parameters
        from jupyter_mltrack.exporting.batch import Batch

        order = self.order
        try:
            values = inputs_of(order.options) | parameters.of_words(order.arguments)
            batch = Batch(
                order.script, values, name=order.name,
                experiment=order.experiment, run_id=self.place.name,
                tags={**order.tags, JOB_TAG: order.on}, show=_Steps(),
            )  # fmt: skip
            if batch.note:
                print(batch.note, flush=True)
            found = batch.run()
        except BaseException as raised:
            _show(raised)
            return _outcome_of(raised)
        if found.status == "FINISHED":
            print(f"✓ {found.executed} of {found.cells} cells", flush=True)
            return Outcome(state="done")
        at = "" if found.failed_cell is None else f"cell {found.failed_cell} of {found.cells}: "
        print(f"✕ {at}{found.error}", flush=True)
        hint = "The executed notebook is among the artifacts of its run."
        return Outcome(state="failed", error=at + found.error, hint=hint if found.stored else "")

    def _arguments(self) -> list[str]:
        said = list(self.order.arguments)
        for name, path in inputs_of(self.order.options).items():
            said = [one.replace("${{inputs." + name + "}}", path) for one in said]
        return said

    def _do(self) -> ModuleType | None:
        if not self.order.is_cell:
            sys.path[0] = str(Path(self.order.script).parent)
            runpy.run_path(self.order.script, run_name="__main__")
            return None
        module = body.main_module()
        content = self.place / body.FOLDER
        body.bring_names(content, module.__dict__)
        module.__dict__.update(inputs_of(self.order.options))
        body.run_cell(content, module)
        return module

    def _record(self, module: ModuleType | None, context: CellContext) -> None:
        """What the header asked for: parameters, metrics, returned names."""
        if module is None:
            return
        from jupyter_mltrack.tracking import params
        from jupyter_mltrack.tracking.run import Tracked

        namespace, tracked = module.__dict__, Tracked(context)
        found, missing = params.named_params(self.order.variables, namespace)
        if found:
            tracked.log_params(found)
        for name in missing:
            print(f"--param {name}: there is no such variable.", file=sys.stderr)
        for name, expression in self.order.metrics:
            try:
                tracked.log({name: eval(expression, namespace)})  # noqa: S307  # the person's words
            except Exception as error:
                print(f"--metric {name} was not logged: {error}", file=sys.stderr)
        if self.order.literals:
            source = (self.place / body.FOLDER / body.CELL).read_text()
            context.scratch["automatic_params"] = params.literal_params(source)
        if self.order.returns:
            place = self.place / folders.RETURNED
            for trouble in body.keep_names(place, namespace, self.order.returns):
                print(trouble, file=sys.stderr)

    def _tell(self, outcome: Outcome) -> None:
        draft = self.place / ".outcome"
        draft.write_bytes(msgspec.json.encode(outcome))
        _told.set()
        os.replace(draft, self.place / OUTCOME)


class _Steps:
    """Prints how far a notebook is, a line for each cell."""

    def __init__(self) -> None:
        self._shown = ""

    def __call__(self, text: str) -> None:
        step = text.rpartition(" · ")[0]  # without the time, which moves on
        if step and step != self._shown:
            self._shown = step
            print(step, flush=True)


def _outcome_of(error: BaseException | None) -> Outcome:
    from jupyter_mltrack.tracking import leaving

    status, line = leaving.outcome(error)
    if status == "FINISHED":
        return Outcome(state="done")
    if status == "KILLED":
        return Outcome(state="cancelled")
    hint = error.hint if isinstance(error, MltrackError) else ""
    if isinstance(error, body.CannotTravel):
        line = str(error)
    return Outcome(state="failed", error=line or "", hint=hint)


def _show(error: BaseException) -> None:
    """The traceback from the person's own code on; what cannot travel in its words."""
    if isinstance(error, SystemExit):
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
        return
    if isinstance(error, body.CannotTravel | MltrackError):
        print(error, file=sys.stderr)
        return
    trace = error.__traceback__
    while trace is not None and any(ours in trace.tb_frame.f_code.co_filename for ours in _OURS):
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace)


def main() -> int:
    """Run the job that the arguments name."""
    place, tie = Path(sys.argv[1]), int(sys.argv[2])
    os.set_inheritable(tie, False)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_watch, args=(tie,), name="mltrack-tie", daemon=True).start()
    return Job(place).run()


if __name__ == "__main__":
    sys.exit(main())
