"""A cell that runs elsewhere: submitted from its header, shown as one line, its names brought back.

The line follows the job while the kernel lives. Returned names are put into the notebook between
two cells, never while one runs. A restarted kernel asks for them: `%mltrack jobs JOB --get`.
"""

from __future__ import annotations

import os
import threading
import uuid
from typing import TYPE_CHECKING, Any

from jupyter_mltrack import wire
from jupyter_mltrack.render import View

if TYPE_CHECKING:
    import argparse

    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_mltrack.notebook.cell import Header

_MISSING = object()


def submit(
    shell: InteractiveShell,
    said: argparse.Namespace,
    header: Header,
    *,
    tags: dict[str, str],
    typed: str | None,
    body: str | None,
) -> None:
    """Submit the body of a cell as its header says, and show the line that follows the job.

    Raises:
        MltrackError: it cannot be submitted.
    """
    from jupyter_mltrack import jobs
    from jupyter_mltrack.errors import UsageError
    from jupyter_mltrack.jobs.submitting import Cell
    from jupyter_mltrack.tracking import choice
    from jupyter_mltrack.verbs.confirming import asker

    if body is None or not body.strip():
        raise UsageError("%%track --on: there is nothing to run.", "Write the cell below the line.")
    if header.track["nested"] or header.track["resume"] or header.track["parent"]:
        raise UsageError(
            "%%track: a job is a run of its own.", "Leave --nested, --parent and --resume out."
        )
    if said.alert:
        header.track["tags"].update(_alert_tags(said.alert))
    text = typed or body
    # IPython takes empty lines above a cell away; lines are counted from its end.
    first = next(line for line in body.splitlines(keepends=True) if line.strip())
    above = max(0, text.count("\n") - body[body.index(first) :].count("\n"))
    source = shell.transform_cell(body)
    compile(source, "<cell>", "exec", flags=_TOP_LEVEL_AWAIT, dont_inherit=True)
    hidden = shell.user_ns_hidden
    namespace = {
        name: value
        for name, value in shell.user_ns.items()
        if hidden.get(name, _MISSING) is not value
    }
    job = jobs.submit_cell(
        choice.workspace(),
        _order(said, header, tags),
        Cell(source, text, above, namespace),
        ask=asker(),
        yes=said.yes,
    )
    Following(shell, job).start()


_TOP_LEVEL_AWAIT = 0x2000
"""`ast.PyCF_ALLOW_TOP_LEVEL_AWAIT`."""


def _alert_tags(rules: list[str]) -> dict[str, str]:
    from jupyter_mltrack.journal import alerts

    return {alerts.TAG: alerts.tag_value(tuple(rules))}


def _order(said: argparse.Namespace, header: Header, tags: dict[str, str]) -> Any:
    from jupyter_mltrack.jobs.order import Order
    from jupyter_mltrack.tracking import choice

    chosen = {
        "inputs": said.inputs, "env": said.env, "instances": said.instances,
        "distribution": said.distribution, "code": said.code,
    }  # fmt: skip
    return Order(
        name=header.name or "",
        on=said.on,
        workspace="",
        folder=os.getcwd(),
        experiment=header.track["experiment"] or choice.experiment(),
        tags={**tags, **header.track["tags"]},
        literals=header.literals,
        variables=list(header.variables),
        metrics=list(header.metrics),
        autolog=header.track["autolog"],
        system_metrics=header.track["system_metrics"],
        returns=said.returns,
        options={key: value for key, value in chosen.items() if value},
    )


class Following:
    """The line below the cell, and the names that come back."""

    def __init__(self, shell: InteractiveShell, job: wire.SubmittedJob) -> None:
        self._shell = shell
        self._job = job
        self._display_id = uuid.uuid4().hex
        self._values: dict[str, Any] = {}
        self._ready = threading.Event()
        self._publish_lock = threading.Lock()

    def start(self) -> None:
        """Show the line, and follow the job in a thread."""
        self._show(self._job, update=False)
        if self._job.returns:
            self._shell.events.register("pre_run_cell", self._bring)
        threading.Thread(target=self._follow, name="mltrack-job-line", daemon=True).start()

    def _follow(self) -> None:
        from jupyter_mltrack import jobs
        from jupyter_mltrack.errors import MltrackError, NotFound

        shown = ""
        try:
            job = jobs.wait(self._job.id, self._seen)
            if job.returns:
                self._values = jobs.results(job.id)
        except NotFound:
            return  # it was removed
        except MltrackError as error:
            shown = error.message
        self._ready.set()
        if shown:
            from jupyter_mltrack.render import note

            self._publish(note(shown), update=True)

    def _seen(self, job: wire.SubmittedJob) -> None:
        self._show(job, update=True)

    def _show(self, job: wire.SubmittedJob, *, update: bool) -> None:
        from jupyter_mltrack.verbs.job_views import summary

        self._publish(summary(job), update=update)

    def _publish(self, view: View, *, update: bool) -> None:
        about = {"run_id": self._job.id, "workspace_id": self._job.workspace_id}
        with self._publish_lock:
            self._shell.display_pub.publish(
                view.bundle(),
                {"mltrack": about},
                transient={"display_id": self._display_id},
                update=update,
            )

    def _bring(self, _info: Any = None) -> None:
        """Before a cell runs: put what has come back into the notebook."""
        if not self._ready.is_set():
            return
        if self._bring in self._shell.events.callbacks["pre_run_cell"]:
            self._shell.events.unregister("pre_run_cell", self._bring)
        self._shell.push(self._values)
        self._values = {}
