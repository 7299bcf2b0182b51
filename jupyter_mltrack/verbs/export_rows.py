"""Rows of the verbs that lead into a notebook and out of it; importing this imports nothing."""

from __future__ import annotations

from jupyter_mltrack.verbs.rows import JSON, RUN, Argument, Verb

_ACTS = "jupyter_mltrack.verbs.export_acts"

EXPORT_VERBS = (
    Verb(
        "run",
        "Execute a notebook as one run, its cells' runs below it; it keeps the executed notebook.",
        (
            Argument("NOTEBOOK", "Its file.", required=True),
            Argument(
                "--param", "Value in place of one of its parameters cell; more than once.", "K=V",
                short="-p", many=True,
            ),
            Argument("--out", "Write the executed notebook to this file too.", "OUT", short="-o"),
            Argument("--name", "Of the run; the notebook's if not said.", "NAME"),
            Argument("--experiment", "Of the run.", "E", kind="experiment"),
            Argument("--kernel", "Kernel to run in; the notebook's own if not said.", "KERNEL"),
            JSON,
        ),
        (
            ("train.ipynb -p lr=0.1 -p epochs=20", "with other parameters"),
            ("train.ipynb -o executed.ipynb", "the executed notebook as a file, too"),
        ),
        f"{_ACTS}:run",
    ),
    Verb(
        "export",
        "Write a run to a file: its cell as a script, a notebook, or a page with its curves.",
        (
            Argument("RUN", RUN, kind="run", required=True),
            Argument("--to", "What to write; script if not said.", "FORM",
                     kind="script|notebook|html"),
            Argument("--out", "File to write; named after the run if not said.", "OUT", short="-o"),
            Argument("--replace", "A file that is there already, too."),
            JSON,
        ),
        (
            ("best:acc --to html", "a page that needs no server"),
            ("last --to script -o train.py", "Python without IPython"),
        ),
        f"{_ACTS}:export",
    ),
    Verb(
        "restore",
        "Put the source of a run's cell into a new cell.",
        (Argument("RUN", RUN, kind="run", required=True),),
        (("best:acc", "the cell that made the best run"),),
        "jupyter_mltrack.notebook.restoring:restore",
        notebook_only=True,
    ),
)  # fmt: skip
