"""A notebook as a script: each body as it was, no IPython, the same runs."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import v4

import jupyter_mltrack
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.exporting.exporter import ScriptExporter
from jupyter_mltrack.exporting.indenting import indented, is_same, parsed
from jupyter_mltrack.exporting.run_files import file_name
from jupyter_mltrack.exporting.script import script_of
from jupyter_mltrack.notebook.transform import split_header

NO_IPYTHON = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("IPython", "ipykernel", "ipywidgets"):
            raise ImportError(f"{name} is not here")

sys.meta_path.insert(0, Refuse())
import runpy
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def notebook_of(*cells: str, tags: dict[int, str] | None = None) -> Any:
    made = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    for at, tag in (tags or {}).items():
        made.cells[at].metadata["tags"] = [tag]
    return made


def scripted(*cells: str, **options: Any) -> str:
    return script_of(notebook_of(*cells, **options), "test")


def run_without_ipython(script: str, folder: Path) -> str:
    (folder / "script.py").write_text(script)
    (folder / "mltrack.toml").touch()
    environ = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    answer = subprocess.run(
        [sys.executable, "-c", NO_IPYTHON, "script.py"],
        cwd=folder, env=environ, capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, f"{script}\n{answer.stderr}"
    return answer.stdout


# -------------------------------------------------------------------------------- bodies

BODIES = [
    "x = 1",
    "text = '''\na\n  b'''\nraw = r\"\"\"\n\\d\n\"\"\"",
    "value = 3\nt = f'''\n{value\n+ 1}\n  x {f'{value}'}'''",
    "def f(a,\n      b=2):\n    '''Doc\n    more.'''\n    return a + \\\n        b\n\n\nclass C:\n    y: int = 3",
    "if True:\n\tx = 1\n\ty = '''\n\ttab'''",
    "# only a comment",
    "async def g():\n    yield 1\nz = [a async for a in g()]\nk = await h()\n",
    "with open('a') as f, open('b'): pass\nx = 1; y = 2;",
    "lines = [\n1,\n2,\n]  # last\n\n\n# end",
    "b'''\nbytes\n'''",
    "x = 1\n\x0c\ny = 2",
]


@pytest.mark.parametrize("body", BODIES)
def test_the_syntax_tree_of_a_body_in_its_block_is_that_of_the_cell(body: str) -> None:
    text = scripted(f"%%track a --quiet\n{body}")
    (block,) = [node for node in ast.walk(parsed(text)) if _tracks(node)]
    wanted = ast.Module(parsed(body).body or [ast.Pass()], [])
    assert is_same(ast.Module(block.body, []), wanted)


def _tracks(node: ast.AST) -> bool:
    return isinstance(node, ast.With) and "jupyter_mltrack.track" in ast.unparse(node.items[0])


def test_bodies_of_the_examples_and_of_this_package_stay_as_they_are() -> None:
    root = Path(__file__).resolve().parents[2]
    for path in sorted((root / "examples").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        blocks = [node for node in ast.parse(script_of(notebook, path.name)).body if _tracks(node)]
        tracked = [cell.source for cell in notebook.cells if cell.source.startswith("%%track")]
        assert len(blocks) == len(tracked)
        for block, source in zip(blocks, tracked, strict=True):
            body = parsed(split_header(source)[1])
            assert is_same(ast.Module(block.body, []), ast.Module(body.body, []))
    for path in sorted((root / "jupyter_mltrack" / "tracking").glob("*.py"))[::4]:
        source = path.read_text()
        (block,) = ast.parse(f"if True:\n{indented(source)}").body
        assert is_same(ast.Module(block.body, []), ast.Module(ast.parse(source).body, []))


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab \t\n'\"\\{}#=()1", max_size=30))
def test_whatever_parses_means_the_same_one_level_deeper(source: str) -> None:
    try:
        tree = parsed(source)
    except (SyntaxError, ValueError):
        return
    (block,) = parsed(f"async def block():\n{indented(source)}").body
    assert is_same(ast.Module(block.body, []), ast.Module(tree.body or [ast.Pass()], []))


# -------------------------------------------------------------------------------- magics


def test_magics_become_comments_with_a_note_and_ours_become_calls() -> None:
    text = scripted(
        "%load_ext jupyter_mltrack\n%matplotlib inline\n!ls -l\nfiles = !ls\nlen?",
        "for i in range(2):\n    %timeit i\n%time y = 3",
        "%%bash\necho hi",
        "%%time\nz = y + 1",
        "%mltrack runs --sort loss\n%mltrack show run-$z\n%mltrack auto on\n%mltrack rm {y}",
        "def broken(:",
    )
    for line in (
        "# %matplotlib inline  (left out, it needs IPython)",
        "# !ls -l  (a shell command: left out, it needs IPython)",
        "# files = !ls  (a shell command: left out, it needs IPython)",
        "# len?  (left out, it needs IPython)",
        "    # %timeit i  (left out, it needs IPython)\n    pass",
        "# %time\ny = 3",
        "# %%bash  (a cell magic: left out, it needs IPython)\n# echo hi",
        "# %%time\nz = y + 1",
        'print(mltrack("runs --sort loss", globals()).plain)',
        'print(mltrack(f"show run-{z}", globals()).plain)',
        'print(mltrack(f"rm {y}", globals()).plain)',
        "# %mltrack auto on  (a script tracks what stands in a",
        "# This cell cannot run: invalid syntax.\n# def broken(:",
    ):
        assert line in text
    assert "get_ipython" not in text
    ast.parse(text)


def test_a_header_becomes_the_same_words_of_track() -> None:
    text = scripted(
        "%config MLTrack.experiment = 'digits'",
        "lr = 0.1\nname = 'x'",
        "%%track run-{name} --tag a=b --tag 's=$name' --param n --metric 'acc=f(1, 2)' --alert 'loss > 5' \\\n"
        "    --nested --no-autolog --system-metrics --quiet\nn = 1",
        "%%track --param none --resume last --experiment other\nn = 2",
        "a = 1\n%track rest\nb = 2",
        "%mltrack jobs",
        "%%track far --on process --return v\nv = 1",
        "%mltrack jobs last --wait --get",
        tags={1: "parameters"},
    )  # fmt: skip
    for line in (
        'with jupyter_mltrack.track(f"run-{name}", experiment="digits", params=["auto", "n", "lr", "name"], '
        'metrics={"acc": lambda: f(1, 2)}, tags={"a": "b", "s": f"{name}"}, nested=True, '
        'autolog=False, system_metrics=True, alerts=["loss > 5"], quiet=True):\n    n = 1',
        'with jupyter_mltrack.track(experiment="other", params=["lr", "name"], resume="last"):\n    n = 2',
        'a = 1\nwith jupyter_mltrack.track("rest", experiment="digits", params=["auto", "lr", "name"]):\n    b = 2',
        '\nprint(mltrack("jobs", globals()).plain)',
        "# %mltrack jobs last --wait --get  (there is no job: its cell ran in this process, and its names are here)",
        '# The cell ran --on process; here it runs in this process.\nwith jupyter_mltrack.track("far"',
        '# %% tags=["parameters"]',
    ):  # fmt: skip
        assert line in text


def test_a_notebook_of_another_language_is_refused() -> None:
    notebook = notebook_of("1 + 1")
    notebook.metadata["kernelspec"] = {"language": "R", "name": "ir", "display_name": "R"}
    with pytest.raises(UsageError, match="written in r"):
        script_of(notebook, "test")


# ----------------------------------------------------------------------------------- runs

CELLS = (
    "%load_ext jupyter_mltrack\n%matplotlib inline",
    "from __future__ import annotations\n\nepochs = 3",
    "%%track first --param n --metric total=sum(seen) --tag kind=test\n"
    "from jupyter_mltrack import log\n\nlr = 0.5\nseen = []\nn = len('abc')\n"
    "for epoch in range(epochs):\n    seen.append(epoch)\n    log({'loss': lr / (epoch + 1)}, step=epoch)\nscores = {'f1': 0.25}\nscores",
    "%%track waits\nimport asyncio\n\nz: int = 4\nawait asyncio.sleep(0)\nlog({'z': z})\nz",
    "%%track plain\n%%time\na = 1\nlog({'acc': 0.5})\ndisplay(z)\n(a / 4).hex\nmax(a, 7)",
    "%%track written-down\n{'acc': 0.91}",
    "%%track number\n7",
    "%mltrack runs",
)  # fmt: skip


def _compared(run: Any) -> dict[str, Any]:
    return {
        "status": run.summary.status,
        "params": sorted((one.key, one.value) for one in run.params),
        "metrics": sorted((one.key, one.value) for one in run.summary.metrics),
        "kind": [one.value for one in run.tags if one.key == "kind"],
    }


def test_the_exported_script_gives_the_same_runs_where_ipython_cannot_be_imported(
    private_place: Path,
) -> None:
    work = private_place / "work"
    (work / "mltrack.toml").touch()
    notebook = notebook_of(*CELLS, tags={1: "parameters"})
    nbformat.write(notebook, work / "cells.ipynb")
    answer = subprocess.run(
        [sys.executable, "-m", "jupyter", "nbconvert", "--to", "mltrack-script", "cells.ipynb"],
        cwd=work, capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    script = (work / "cells.py").read_text()
    done = jupyter_mltrack.run("cells.ipynb")
    (private_place / "alone").mkdir()
    printed = run_without_ipython(script, private_place / "alone")
    assert printed.startswith("4\n")
    assert "first" in printed  # the table of runs
    here = {run.name: _compared(jupyter_mltrack.show(run.run_id)) for run in done.runs}
    os.chdir(private_place / "alone")
    jupyter_mltrack.use("local")
    alone = {}
    for run in jupyter_mltrack.runs().runs:
        alone[run.name] = _compared(jupyter_mltrack.show(run.run_id))
    assert alone == here
    assert here["first"]["params"] == [
        ("epochs", "3"), ("lr", "0.5"), ("n", "3"), ("scores", "{'f1': 0.25}"),
    ]  # fmt: skip


def test_a_block_takes_its_parameters_and_metrics_at_its_end() -> None:
    rate, missing = 0.1, "nobody"
    with jupyter_mltrack.track(
        "block",
        params=["auto", "rate", missing],
        metrics={"double": lambda: rate * 2, "bad": lambda: 1 / 0},
    ):
        depth = 3
        jupyter_mltrack.log({"loss": depth})

    def fail() -> None:
        with jupyter_mltrack.track("fails", params="auto", metrics={"m": lambda: 1}):
            depth = 4
            _ = depth / 0

    with pytest.raises(ZeroDivisionError):
        fail()
    first, second = jupyter_mltrack.show("block"), jupyter_mltrack.show("fails")
    assert {one.key: one.value for one in first.params} == {"depth": "3", "rate": "0.1"}
    assert {one.key: one.value for one in first.summary.metrics} == {"loss": 3.0, "double": 0.2}
    assert {one.key: one.value for one in second.params} == {"depth": "4"}
    assert (second.summary.status, second.summary.metrics) == ("FAILED", [])


# ------------------------------------------------------------------------ runs of a script

TRAIN = '''"""Trains."""

import os

import jupyter_mltrack
from joblib import Parallel, delayed

API_TOKEN = "ghp_a1B2c3D4e5a1B2c3D4e5a1B2c3D4e5F6g7H8"


def trial(rate):
    with jupyter_mltrack.track("trial", nested=True):
        jupyter_mltrack.log({"loss": rate})


def main():
    with jupyter_mltrack.track(os.path.basename(__file__)[:-3]):
        Parallel(n_jobs=2)(delayed(trial)(rate) for rate in [RATE])


if __name__ == "__main__":
    main()
'''


def test_a_script_is_the_source_of_its_runs_and_leaves_as_it_was() -> None:
    Path("deep").mkdir()
    Path("mltrack.toml").touch()
    texts = {rate: TRAIN.replace("RATE", rate) for rate in ("0.1", "0.2")}
    started = []
    for name, text in zip(("first_", "second"), texts.values(), strict=True):
        Path("deep", f"{name}.py").write_text(text)
        started.append(subprocess.Popen([sys.executable, f"deep/{name}.py"]))
    for process in started:
        assert process.wait(150) == 0
    jupyter_mltrack.sync(wait=True)
    runs = jupyter_mltrack.runs().runs
    assert len(runs) == 4
    first, second = (jupyter_mltrack.show(name) for name in ("first_", "second"))
    assert "deep/second.py" in [one.value for one in second.tags]
    found = jupyter_mltrack.diff("first_", "second")
    changed = [(one.left or "", one.right or "") for one in found.source if not one.same]
    line = "        Parallel(n_jobs=2)(delayed(trial)(rate) for rate in [RATE])"
    assert changed == [(line.replace("RATE", "0.1"), line.replace("RATE", "0.2"))]
    # the worker's run has the script too, and nothing of the library that began the worker
    (trial,) = [run for run in runs if run.parent_run_id == second.summary.run_id]
    clean = texts["0.2"].replace("ghp_a1B2c3D4e5a1B2c3D4e5a1B2c3D4e5F6g7H8", "[redacted: token]")
    for run, name in ((second.summary, "second.py"), (trial, "trial.py")):
        assert Path(jupyter_mltrack.export(run.run_id).path).name == name
        assert Path(name).read_text() == clean
    jupyter_mltrack.export(first.summary.run_id, "notebook")
    cells = nbformat.read("first_.ipynb", as_version=4).cells
    assert "| script | deep/first\\_.py |" in cells[0].source
    assert [cell.source for cell in cells[1:]] == [
        "%load_ext jupyter_mltrack",
        clean.replace("0.2", "0.1").strip("\n"),
    ]


def test_a_script_does_not_take_the_name_of_a_module() -> None:
    names = [file_name(name, "script") for name in ("random", "mlflow", "first", "a b")]
    assert names == ["random-run.py", "mlflow-run.py", "first.py", "a-b.py"]
    assert file_name("random", "html") == "random.html"
    nbformat.write(notebook_of("x = 1"), "random.ipynb")
    source, _ = ScriptExporter().from_filename("random.ipynb")
    assert "# Give it another name: random.py hides the module random.\n" in source
