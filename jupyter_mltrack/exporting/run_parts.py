"""What a notebook and a page say of a run: facts, cells, metrics in numbers and curves."""

from __future__ import annotations

import contextlib
import re
import time
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.display_text import clean, duration, number
from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.render import Column, View, note, table
from jupyter_mltrack.tracking.names import decode

if TYPE_CHECKING:
    from jupyter_mltrack import wire
    from jupyter_mltrack.workspaces import Workspace

METRICS_MAX = 500


def cells_of(source: str) -> list[str]:
    """The cells of a source, told apart by lines that begin with `# %%`; a plain script is one."""
    parts = re.split(r"(?m)^# %%(?:[ \t\[].*)?\n", source)
    return [part.strip("\n") for part in parts if part.strip()]


def made_by(detail: wire.RunDetail, about: wire.RunAbout, workspace: Workspace) -> list[str]:
    """The cells that made the run, those before it too where they were kept."""
    return _kept_cells(detail, workspace) or cells_of(about.source)


def is_script(about: wire.RunAbout) -> bool:
    """Whether the source is a whole script, and no cell of a notebook."""
    return about.notebook_path.endswith(".py")


def _kept_cells(detail: wire.RunDetail, workspace: Workspace) -> list[str]:
    """The cells that the kernel had executed up to the run, its own last; none if not kept."""
    import nbformat

    from jupyter_mltrack.journal import kept
    from jupyter_mltrack.runs import remembered
    from jupyter_mltrack.settings import data_dir

    try:
        files = remembered.files_of(
            workspace, detail.summary.run_id, [kept.CELLS], artifact_uri=None, data_dir=data_dir()
        )
        found = nbformat.reads(remembered.text(files, kept.CELLS) or "{}", as_version=4)
    except Exception:  # damaged: the run's own cell does
        return []
    return [cell.source for cell in found.cells if cell.cell_type == "code"]


def facts(detail: wire.RunDetail, about: wire.RunAbout) -> list[tuple[str, str]]:
    """What is said of the run, in the order of interest."""
    run = detail.summary
    took = "" if run.end_ms is None else duration(max(0, run.end_ms - run.start_ms))
    began = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(run.start_ms / 1000))
    commit = f"{about.git_commit[:12]} {'with changes' if about.git_dirty else ''}".strip()
    found: list[tuple[str, Any]] = [
        ("run", run.run_id), ("status", run.status), ("error", run.error),
        ("experiment", run.experiment), ("user", run.user), ("began", began), ("took", took),
        ("script" if is_script(about) else "notebook", about.notebook_path), ("git", commit),
        ("python", about.python),
    ]  # fmt: skip
    return [(name, clean(str(value))) for name, value in found if value]


def metric_row(one: wire.MetricStat) -> list[str]:
    """Name, newest value, minimum, maximum, points."""
    newest = one.text if one.last is None else number(one.last)
    ends = ["" if value is None else number(value) for value in (one.minimum, one.maximum)]
    return [decode(one.key), newest, *ends, str(one.count) if one.count else ""]


def results(
    run: wire.RunSummary, columns: list[wire.Column], metrics: list[wire.MetricStat]
) -> View:
    """Curves and numbers of a run as the output of a cell."""
    from jupyter_mltrack.view.curves import charts, curves_of

    heads = [Column("metric"), *(Column(name, right=True) for name in
             ("newest", "minimum", "maximum", "points"))]  # fmt: skip
    shown = table(heads, [metric_row(one) for one in metrics])
    drawn, left_out = charts(curves_of(columns))
    more = left_out + len(run.metrics) - len(drawn_keys(run))
    said = note(f"{more} more curves are not drawn.").html if drawn and more else ""
    return View(shown.plain, drawn + said + shown.html)


def drawn_keys(run: wire.RunSummary) -> list[str]:
    """The metrics whose curves are drawn."""
    from jupyter_mltrack.view.curves import CURVES_MAX

    return [value.key for value in run.metrics[:CURVES_MAX]]


def stored_results(workspace: Workspace, detail: wire.RunDetail) -> View:
    """The same from the run's store; what it does not give now is left out."""
    from jupyter_mltrack.runs import numbers, points
    from jupyter_mltrack.view.curves import POINTS_A_CURVE

    run = detail.summary
    keys = drawn_keys(run)
    columns: list[wire.Column] = []
    with contextlib.suppress(MltrackError):
        if keys:
            columns = points.series(workspace, run.run_id, keys, POINTS_A_CURVE).columns
    try:
        found = numbers.metric_table(workspace, run.run_id, limit=METRICS_MAX)
    except MltrackError:
        found = numbers.newest_table({value.key: value for value in run.metrics})
    return results(run, columns, found.metrics)
