"""What the verbs do that lead out of a notebook: `run` executes one, `export` writes a run down."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import MltrackError


def run(
    notebook: str,
    param: Mapping[str, Any] | Iterable[str] = (),
    out: str | None = None,
    *,
    name: str | None = None,
    experiment: str | None = None,
    kernel: str = "",
) -> wire.NotebookRun:
    """Execute a notebook as one run, with the runs of its cells below it.

    Args:
        notebook: its file.
        param: values by name, or `NAME=VALUE` words, in place of those of its parameters cell.
        out: file for the executed notebook; without it the run alone keeps it.
        name: of the run; the notebook's without it.
        experiment: of the run.
        kernel: name of the kernel; the notebook's own without it.

    Raises:
        UsageError: it is no notebook, has no such parameter, or its kernel is not there.
        MltrackError: a cell failed; the run and `out` have what was done until then.
    """
    from jupyter_mltrack.exporting import parameters
    from jupyter_mltrack.exporting.batch import Batch
    from jupyter_mltrack.verbs.progress import OneLine

    with OneLine() as shown:
        batch = Batch(
            notebook,
            parameters.read(param),
            out=out,
            name=name,
            experiment=experiment,
            kernel=kernel,
            show=shown.show,
        )
        found = batch.run()
    if found.failed_cell is not None:
        raise MltrackError(
            f"Cell {found.failed_cell} of {clean(found.name)} failed: {clean(found.error)}",
            f"What was done until then: %mltrack show {found.run_id[:8]}",
        )
    return found


def export(
    run: str, to: str = "script", out: str | None = None, *, replace: bool = False
) -> wire.Exported:
    """Write a run to a file: its cell as a script, a notebook, or a page with its curves.

    Args:
        run: id, beginning of an id, name, `last`, `best:METRIC` ...
        to: `script`, `notebook` or `html`.
        out: the file; without it, one in this folder that is named after the run.
        replace: write over a file that is there.

    Raises:
        NotFound: no run fits, or its source was not kept.
        UsageError: the file is there already, or cannot be written.
    """
    from jupyter_mltrack.exporting import run_files
    from jupyter_mltrack.verbs import acts

    detail = acts.show(run)
    if detail.summary.waiting_points:
        with contextlib.suppress(MltrackError):  # without a store: what is known here
            acts.sync()
        detail = acts.show(detail.summary.run_id)
    return run_files.write(detail, to, out, replace=replace)
