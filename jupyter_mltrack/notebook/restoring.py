"""`%mltrack restore RUN`: the source of a run's cell, in a new cell of this notebook."""

from __future__ import annotations

import sys


def restore(run: str) -> str:
    """Put the source of a run's cell into a new cell below; nothing is executed.

    Raises:
        NotFound: no run fits, or its source was not kept.
    """
    from jupyter_mltrack.exporting import run_files
    from jupyter_mltrack.verbs import acts

    detail = acts.show(run)
    source = run_files.source_of(detail)
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None:
        shell.set_next_input(source, replace=False)
    if detail.summary.notebook is None:
        return f"{detail.summary.name}: its script is in the cell below"
    return f"{detail.summary.name}: its cell is below; run it to make its next attempt"
