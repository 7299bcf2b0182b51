"""How an executed notebook and an exported run look."""

from __future__ import annotations

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import duration
from jupyter_mltrack.render import View, line, note
from jupyter_mltrack.verbs.job_views import size

_SHOWN_RUNS = 20


def notebook_run(found: wire.NotebookRun, now_ms: int) -> View:
    """One line for the notebook, and a table of its cells' runs."""
    shown = line(
        found.name,
        f"{found.executed} of {found.cells} cells",
        duration(found.took_ms),
        found.out,
        f"run {found.run_id[:8]}",
        mark="✓" if found.status == "FINISHED" else "✕",
    )
    if found.runs:
        from jupyter_mltrack.verbs.views import view

        page = wire.RunPage(runs=found.runs[:_SHOWN_RUNS], total=len(found.runs))
        shown += view(page, now_ms)
    return shown + note(found.note) if found.note else shown


def exported(found: wire.Exported, _: int) -> View:
    """One line: which file it is."""
    return line(found.name, found.path, size(found.size_bytes), mark="✓")
