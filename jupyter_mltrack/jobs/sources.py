"""Scripts and notebooks that are to run as jobs: whether they can, and what they say."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.jobs.process import inputs_of

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_mltrack.jobs import door, snapshot
    from jupyter_mltrack.jobs.order import Order

NOTEBOOK = ".ipynb"


def source_of(script: Path, order: Order, backend: door.Backend) -> str:
    """What a script or the code cells of a notebook say.

    Raises:
        UsageError: there is no such file, or the backend or the notebook cannot take it so.
    """
    if script.suffix not in (".py", NOTEBOOK) or not script.is_file():
        raise UsageError(
            f"{clean(order.script)} is no Python script or notebook that is here.",
            "Name a file, for example: %mltrack submit train.py --on process",
        )
    if script.suffix == ".py":
        return script.read_text("utf-8", "replace")
    if backend.away:
        raise UsageError(
            f"A notebook does not run at {order.on}.",
            "Run it here (--on process), or send its script: "
            f"jupyter nbconvert --to mltrack-script {script.name}",
        )
    from jupyter_mltrack.exporting import parameters
    from jupyter_mltrack.exporting.batch import Batch

    values = inputs_of(order.options) | parameters.of_words(order.arguments)
    return Batch(str(script), values, show=lambda _text: None).source()


def require_travels(script: Path, files: snapshot.Files) -> None:
    """Refuse a script that is not among the files that go along.

    Raises:
        UsageError: it is not.
    """
    below = os.path.relpath(script, files.folder).replace(os.sep, "/")
    if below not in dict(files.found):
        why = next((one.why for one in files.left_out if one.path == clean(below)), "it is ignored")
        raise UsageError(
            f"{clean(below)} does not travel: {why}.",
            "A script reads secrets from the environment.",
        )
