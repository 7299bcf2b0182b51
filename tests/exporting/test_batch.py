"""A notebook executed as one run: its cells' runs below it, parameters, artifacts, and every way to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import patience
import pytest
from nbformat import v4

import jupyter_mltrack
from jupyter_mltrack.errors import MltrackError, UsageError
from jupyter_mltrack.exporting import parameters

SECRET = "ghp_" + "a1B2c3D4e5" * 3 + "F6g7H8"
CELLS = (
    "%load_ext jupyter_mltrack",
    "lr = 0.01\nsteps = 3",
    "%%track first\nfrom jupyter_mltrack import log\nfor step in range(steps):\n    log({'loss': lr / (step + 1)}, step=step)",
    "%%track second --quiet\ndepth = 2\nlog({'acc': 0.5})",
    f"print('{SECRET}')",
)
SLOW = (
    "%load_ext jupyter_mltrack",
    "%%track slow\nimport time\nfrom jupyter_mltrack import log\nfor step in range(600):\n"
    "    log({'x': step})\n    if step == 3:\n        open('begun', 'w').close()\n    time.sleep(0.1)",
)  # fmt: skip


def notebook_file(name: str, *cells: str, tagged: int | None = 1) -> Path:
    notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    if tagged is not None:
        notebook.cells[tagged].metadata["tags"] = ["parameters"]
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    nbformat.write(notebook, name)
    Path("mltrack.toml").touch()
    return Path(name)


def told(run: Any) -> tuple[Any, ...]:
    """What is the same in every way to run a cell."""
    detail = jupyter_mltrack.show(run.run_id)
    return (
        run.name,
        run.status,
        sorted((one.key, one.value) for one in run.metrics),
        {one.key: one.value for one in detail.params},
    )


def shell(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, timeout=280, check=False, **options
    )  # fmt: skip


# ------------------------------------------------------------------------------ whole runs


def test_a_notebook_is_one_run_with_its_cells_below_it_however_it_is_executed() -> None:
    notebook_file("train.ipynb", *CELLS)
    with pytest.raises(UsageError, match="cannot be written"):
        jupyter_mltrack.run("train.ipynb", out="nowhere/done.ipynb")
    answer = shell("jupyter_mltrack.cli", "run", "train.ipynb", "-p", "lr=0.5", "-o", "done.ipynb")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "✓ train · 5 of 5 cells" in answer.stdout
    parent, *_ = [run for run in jupyter_mltrack.runs().runs if run.name == "train"]
    children = [run for run in jupyter_mltrack.runs().runs if run.parent_run_id == parent.run_id]
    assert (parent.status, parent.children) == ("FINISHED", 2)
    detail = jupyter_mltrack.show(parent.run_id)
    assert {one.key: one.value for one in detail.params} == {"lr": "0.5"}
    wanted = sorted(map(told, children), key=str)
    assert [one[:2] for one in wanted] == [("first", "FINISHED"), ("second", "FINISHED")]
    _the_copies_are_whole_and_without_secrets(parent, children)
    (first,) = [run for run in children if run.name == "first"]
    _a_run_leaves_as_a_file(first)

    executed = {run.run_id for run in jupyter_mltrack.runs().runs}
    Path("elsewhere.py").write_text(
        "import nbformat, nbclient\n"
        "notebook = nbformat.read('done.ipynb', 4)\n"
        f"notebook.cells.append(nbformat.v4.new_code_cell('%mltrack restore {first.run_id}'))\n"
        "def told(execute_reply, **_): print(execute_reply['content'].get('payload'))\n"
        "nbclient.NotebookClient(notebook, on_cell_executed=told).execute()\n"
    )
    answer = shell("elsewhere")
    assert answer.returncode == 0, answer.stderr
    assert f"'text': {CELLS[2]!r}" in answer.stdout
    assert "set_next_input" in answer.stdout
    answer = shell("jupyter", "nbconvert", "--execute", "--to", "html", "done.ipynb")
    assert answer.returncode == 0, answer.stderr
    answer = shell("papermill", "train.ipynb", "mill.ipynb", "-p", "lr", "0.5", "--no-progress-bar")
    assert answer.returncode == 0, answer.stderr
    jupyter_mltrack.sync(wait=True)
    others = [run for run in jupyter_mltrack.runs().runs if run.run_id not in executed]
    assert {run.parent_run_id for run in others} == {None}
    assert sorted(map(told, others), key=str) == sorted(wanted * 3, key=str)


def _a_run_leaves_as_a_file(run: Any) -> None:
    for to in ("script", "notebook", "html"):
        assert Path(jupyter_mltrack.export(run.run_id, to).path).exists()
    with pytest.raises(UsageError, match="is there already"):
        jupyter_mltrack.export(run.run_id)
    with pytest.raises(UsageError, match="cannot be exported to 'pdf'"):
        jupyter_mltrack.export(run.run_id, "pdf")
    script = Path("first.py").read_text()
    assert 'with jupyter_mltrack.track("first", params="auto"):\n    from' in script
    assert "steps = 3" in script  # the cells before it, too
    page = Path("first.html").read_text()
    assert "data:image/svg+xml" in page
    assert "<script" not in page
    assert "://" not in page.replace("http://www.w3.org/2000/svg", "")
    notebook = nbformat.read("first.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[-1].source == CELLS[2]
    (output,) = notebook.cells[-1].outputs
    assert output.metadata["mltrack"]["run_id"] == run.run_id
    assert "data:image/svg+xml" in output.data["text/html"]


def _the_copies_are_whole_and_without_secrets(parent: Any, children: list[Any]) -> None:
    done = nbformat.read("done.ipynb", as_version=4)
    assert done.cells[2].source == "# Parameters\nlr = 0.5"
    assert done.cells[2].metadata["tags"] == ["injected-parameters"]
    by_name = {run.name: run for run in children}
    assert done.cells[3].metadata["mltrack"]["run_id"] == by_name["first"].run_id
    folder = Path(".mltrack/artifacts") / parent.run_id / "artifacts"
    if not folder.is_dir():
        (folder,) = Path(".mltrack/artifacts").rglob(f"{parent.run_id}/artifacts")
    page = (folder / "train.html").read_text()
    kept = (folder / "train.ipynb").read_text()
    assert "first" in page
    for text in (page, kept, (folder / "mltrack" / "source.py").read_text()):
        assert SECRET not in text
    assert 'src="http' not in page
    assert 'href="http' not in page.partition("<body")[0]


def test_a_cell_that_fails_ends_the_run_and_names_itself() -> None:
    notebook_file("bad.ipynb", CELLS[0], "x = 1", "%%track bad\nraise ValueError('boom')", "y = 1")
    with pytest.raises(MltrackError) as caught:
        jupyter_mltrack.run("bad.ipynb", {"x": 2}, "done.ipynb", name="tried", experiment="e")
    assert caught.value.message == "Cell 3 of tried failed: ValueError: boom"  # of its own
    jupyter_mltrack.experiment("e")
    parent = jupyter_mltrack.show("tried").summary
    assert (parent.status, parent.error, parent.experiment) == ("FAILED", "ValueError: boom", "e")
    assert caught.value.hint.endswith(f"show {parent.run_id[:8]}")
    assert "boom" in Path("done.ipynb").read_text()


def test_a_notebook_that_is_stopped_or_killed_leaves_no_run_that_seems_to_go_on() -> None:
    wanted = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}
    started = {}
    for number in wanted:
        name = number.name.lower()
        notebook_file(f"{name}.ipynb", *(cell.replace("begun", name) for cell in SLOW), tagged=None)
        words = ["run", f"{name}.ipynb", "-o", f"{name}-out.ipynb"]
        started[number] = subprocess.Popen(
            [sys.executable, "-m", "jupyter_mltrack.cli", *words], stderr=subprocess.PIPE, text=True
        )
    for number, process in started.items():
        until_s = time.monotonic() + patience.WAIT_S
        while not Path(number.name.lower()).exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until_s
            time.sleep(0.05)
        os.kill(process.pid, number)
    for number, process in started.items():
        process.communicate(timeout=150)
        assert process.returncode == wanted[number]
    until_s = time.monotonic() + patience.WAIT_S
    while True:
        runs = jupyter_mltrack.runs().runs
        if len(runs) == 6 and all(run.status in ("KILLED", "FAILED") for run in runs):
            break
        assert time.monotonic() < until_s, runs
        time.sleep(0.2)
    parents = {run.name: run for run in runs if run.parent_run_id is None}
    assert {name: run.status for name, run in parents.items()} == {
        "sigint": "KILLED", "sigterm": "KILLED", "sigkill": "FAILED",
    }  # fmt: skip
    for run in runs:
        if run.parent_run_id is not None:
            assert max(one.value or 0 for one in run.metrics) >= 3
    for name in parents:
        out = nbformat.read(f"{name}-out.ipynb", as_version=4)
        assert out.cells[0].execution_count == 1


# ----------------------------------------------------------------------------- parameters


def test_parameters_are_read_as_they_are_typed_and_put_below_the_notebooks_own() -> None:
    said = ["a=0.1", "b=true", "c=None", "d=[1, 'x']", "e=plain text", "f=1e-3", "g="]
    read = {"a": 0.1, "b": True, "c": None, "d": [1, "x"], "e": "plain text", "f": 1e-3, "g": ""}
    assert parameters.read(said) == read
    assert parameters.read({"a": 1}) == {"a": 1}
    for wrong in ("a", "1a=2", "for=1", "=1"):
        with pytest.raises(UsageError):
            parameters.read([wrong])
    notebook = nbformat.read(notebook_file("a.ipynb", "x = 1", "lr = 0.1", "y = 2"), 4)
    assert parameters.put_in(notebook, {"lr": "0.2"}) == ""
    assert parameters.put_in(notebook, {"lr": "it's"}) == ""
    sources = [cell.source for cell in notebook.cells]
    assert sources == ["x = 1", "lr = 0.1", '# Parameters\nlr = "it\'s"', "y = 2"]
    with pytest.raises(UsageError) as caught:
        parameters.put_in(notebook, {"ltr": 1})
    assert caught.value.hint == "Did you mean lr? It has: lr."
    plain = nbformat.read(notebook_file("b.ipynb", "x = 1", tagged=None), 4)
    assert "above the first cell" in parameters.put_in(plain, {"x": 2})
    assert plain.cells[0].source == "# Parameters\nx = 2"


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "There is no notebook"), ("import os", "is no notebook"), ("{}", "is no notebook")],
)
def test_what_is_no_notebook_is_told_and_makes_no_run(content: str | None, message: str) -> None:
    if content is not None:
        Path("x.ipynb").write_text(content)
    with pytest.raises(UsageError, match=message):
        jupyter_mltrack.run("x.ipynb")
    assert not jupyter_mltrack.runs().runs


def test_a_kernel_that_is_not_there_is_told() -> None:
    notebook_file("a.ipynb", "lr = 1", tagged=None)
    with pytest.raises(UsageError, match="There is no kernel 'nope'"):
        jupyter_mltrack.run("a.ipynb", kernel="nope")
