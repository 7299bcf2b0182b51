"""The same cells under nbconvert, papermill and nbclient: the notebook's name, its parameters, its runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mltrack.tracking import driven, headless

CELLS = [
    ("%load_ext jupyter_mltrack", []),
    ("lr = 0.1\nepochs = 5\nlabels = []\npassword = 'hunter2222'", ["parameters"]),
    ("lr = lr * 2", []),
    ("%%track study\nbatch = 3\naccuracy = lr + epochs\n{'accuracy': accuracy, 'rate': lr}", []),
]


def write_notebook(path: Path, cells: Any = CELLS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = [
        nbformat.v4.new_code_cell(source, metadata={"tags": tags} if tags else {})
        for source, tags in cells
    ]
    notebook = nbformat.v4.new_notebook(cells=made)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    notebook.metadata.language_info = {"name": "python"}
    nbformat.write(notebook, path)


def jupyter(work: Path, *words: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", *words], cwd=work, capture_output=True, text=True, timeout=280,
        check=False, env={**os.environ, "JPY_SESSION_NAME": "/elsewhere/outer.ipynb"},
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr[-2000:]


def test_runs_of_a_command_have_the_notebooks_path_and_its_parameters(
    private_place: Path, store: Any
) -> None:
    work = private_place / "work"
    (work / "pyproject.toml").touch()
    write_notebook(work / "deep" / "study.ipynb")
    jupyter(work, "nbconvert", "--execute", "--to", "notebook", "--output", "out.ipynb",
            "deep/study.ipynb")  # fmt: skip
    jupyter(work, "papermill", "deep/study.ipynb", "made.ipynb", "-p", "lr", "0.3", "-p", "epochs", "7")  # fmt: skip
    jupyter(work, "jupyter", "execute", "deep/study.ipynb")
    runs = store.runs()
    names = [run["tags"]["mltrack.notebook"] for run in runs]
    assert names == ["deep/study.ipynb"] * 3
    plain = {"lr": "0.2", "epochs": "5", "batch": "3"}
    assert [run["params"] for run in runs] == [plain, {**plain, "lr": "0.6", "epochs": "7"}, plain]
    assert [run["metrics"] for run in runs] == [
        {"accuracy": 5.2, "rate": 0.2},
        {"accuracy": 7.6, "rate": 0.6},
        {"accuracy": 5.2, "rate": 0.2},
    ]
    assert {run["status"] for run in runs} == {"FINISHED"}


def test_a_page_with_saved_widgets_shows_the_curves_once(private_place: Path) -> None:
    from nbclient import NotebookClient
    from nbconvert.exporters.html import HTMLExporter

    train = (
        "%%track drawn\nimport time\nfrom jupyter_mltrack import log\n"
        "for step in range(40):\n    log({'loss': 1 / (step + 1)}, step=step)\n    time.sleep(0.05)"
    )
    sources = ["%load_ext jupyter_mltrack", "%config MLTrack.view = 'widget'", train]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    place = {"metadata": {"path": str(private_place / "work")}}
    NotebookClient(notebook, store_widget_state=True, resources=place).execute()
    (kind,) = notebook.metadata.widgets
    states = notebook.metadata.widgets[kind]["state"].values()
    ours = [one["state"] for one in states if "body" in one["state"]]
    assert [(one["line"], one["body"]) for one in ours] == [("", "")]
    (output,) = notebook.cells[2].outputs
    assert set(output.data) == {"text/plain", "text/html"}
    page = HTMLExporter().from_notebook_node(notebook)[0]
    assert page.count('<details class="mltrack-View"') == 1
    assert page.count("<img alt=") == 1
    assert '<script type="application/vnd.jupyter.widget-view+json"' not in page  # none is drawn


PROGRAM = """
import nbformat, papermill
from nbclient import NotebookClient
from nbconvert.preprocessors import ExecutePreprocessor

def place():
    return {"metadata": {"path": "deep"}}

NotebookClient(nbformat.read("deep/study.ipynb", 4), resources=place()).execute()
ExecutePreprocessor().preprocess(nbformat.read("deep/study.ipynb", 4), place())
papermill.execute_notebook("deep/study.ipynb", "deep/made.ipynb", {"lr": 0.3}, progress_bar=False)
"""


def test_a_program_that_drives_kernels_makes_the_same_runs(private_place: Path, store: Any) -> None:
    work = private_place / "work"
    (work / "pyproject.toml").touch()
    write_notebook(work / "deep" / "study.ipynb")
    write_notebook(work / "study-of-another.ipynb", [*CELLS[:2], ("x = 1", [])])
    (work / "program.py").write_text(PROGRAM)
    jupyter(work, "program")
    runs = store.runs()
    assert [run["tags"]["mltrack.notebook"] for run in runs] == ["deep/study.ipynb"] * 3
    plain = {"lr": "0.2", "epochs": "5", "batch": "3"}
    assert [run["params"] for run in runs] == [plain, plain, {**plain, "lr": "0.6"}]
    assert [run["metrics"]["accuracy"] for run in runs] == [5.2, 5.2, 5.6]


def test_a_notebook_is_known_by_all_its_cells_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_notebook(tmp_path / "deep" / "study.ipynb")
    write_notebook(tmp_path / "other.ipynb", [*CELLS[:2], ("x = 1", []), CELLS[3]])
    write_notebook(tmp_path / "untagged.ipynb", [*CELLS[:1], (CELLS[1][0], []), ("y = 1", [])])
    (tmp_path / "broken.ipynb").write_text("{}" + CELLS[1][0])
    executed = [CELLS[0][0]]
    near = driven.NearBy(lambda: executed)
    assert near.path() is None  # all begin so
    assert near.tagged() == [CELLS[1][0]]
    executed += [CELLS[1][0], "# Parameters\nlr = 3\n", CELLS[2][0] + "\n"]
    assert near.path() == str(tmp_path / "deep" / "study.ipynb")
    executed[2] = "lr = 3\nepochs = 4"  # as jupyter-scheduler puts them in
    assert near.path() == str(tmp_path / "deep" / "study.ipynb")
    executed.append("y = 2")
    assert (near.path(), near.tagged()) == (None, [])
    executed.pop()
    assert near.path() is None  # it is not looked for again


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("python /bin/jupyter-nbconvert --to html --execute a.ipynb", "a.ipynb"),
        ("/bin/python3 -m nbconvert --execute a.ipynb --output b.ipynb", "a.ipynb"),
        ("python /bin/jupyter nbconvert --execute a.ipynb b.ipynb", None),
        ("python /bin/papermill -p lr 3 a.ipynb b.ipynb", "a.ipynb"),
        ("python /bin/jupyter-execute a", "a.ipynb"),
        ("python /bin/jupyter-mltrack run a.ipynb -p lr=0.1 -o b.ipynb", "a.ipynb"),
        ("python /bin/jupyter-lab a.ipynb", None),
        ("python /bin/jupyter-nbconvert --execute missing.ipynb", None),
        ("python train.py a.ipynb", None),
    ],
)
def test_a_notebook_is_known_by_the_command_that_executes_it(
    tmp_path: Path, words: str, found: str | None
) -> None:
    for name in ("a.ipynb", "b.ipynb"):
        (tmp_path / name).touch()
    told = headless.notebook_in(words.split(), str(tmp_path))
    assert told == (str(tmp_path / found) if found else None)
