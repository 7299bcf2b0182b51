"""What does not fit: the cell runs on, and the run says what was left out and why. With a real kernel."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from jupyter_mltrack import settings, workspaces
from jupyter_mltrack.journal import kept
from jupyter_mltrack.runs.about import get_about

FLOOD = """%%track flood
import jupyter_mltrack, sys
jupyter_mltrack.log({'x': 1.0})
for _ in range(2200):
    sys.stdout.write(('y' * 99 + '\\n') * 100)
done = 'all of it'
"""
ODD = """%%track odd
import sys
print('lone \\udcff surrogate')
sys.stdout.buffer.write(b'bytes \\xff\\xfe\\n') if hasattr(sys.stdout, 'buffer') else None
!printf 'shell \\xff\\xfe end\\n'
print('\\x00\\x1b[31mred\\x1b[0m')
"""
SELF = """%%track loops
class Odd:
    def __repr__(self): raise RuntimeError('no words')
    def _repr_html_(self): return '<p>' + '\\udcff' * 3
loop = []
loop.append(loop)
display(Odd())
{'loop': loop}
"""


@pytest.fixture
def place(private_place: Path) -> workspaces.Workspace:
    return workspaces.resolve("local", private_place / "work")


def test_cells_run_on_and_their_runs_say_what_is_missing(
    new_kernel: Any, store: Any, place: workspaces.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place.root / ".git").mkdir()
    programs = place.root / "programs"
    programs.mkdir()
    (programs / "sh").symlink_to("/bin/sh")
    with monkeypatch.context() as patched:
        patched.setenv("PATH", str(programs))  # a kernel without git
        kernel = new_kernel()
    long = "%%track long\n" + "".join(f"value_{n} = {n}\n" for n in range(10_000))
    for cell in (FLOOD, ODD, SELF, long):
        reply = kernel.run(cell, timeout_s=120)
        assert reply.status == "ok", reply.traceback
    assert kernel.run("print(done, value_9999)").stdout == "all of it 9999\n"
    kernel.run(
        "from jupyter_mltrack.tracking import remembering\nremembering.finish(60)", timeout_s=90
    )
    runs = {run["name"]: run for run in store.runs()}
    about = {name: get_about(place, run["id"]) for name, run in runs.items()}
    no_git = "the state of git: there is no program git"
    no_git, *output = about["flood"].left_out
    assert no_git == "the state of git: there is no program git"
    assert output
    assert set(output) <= {"output beyond 20 MB", "output that came faster than it could be taken"}
    assert runs["flood"]["tags"]["mltrack.left_out"].startswith(f"{no_git}; output ")
    assert about["odd"].left_out == [no_git]
    folder = kept.folder(settings.data_dir(), place.id, runs["odd"]["id"])
    output = (folder / kept.OUTPUT).read_text()
    assert "lone \\udcff surrogate" in output
    assert "red" in output
    assert about["long"].source.count("\n") >= 10_000
    assert len(runs["long"]["params"]) == 100
    assert {run["status"] for run in runs.values()} == {"FINISHED"}
    assert runs["odd"]["tags"]["mlflow.source.name"] == "notebook"


ODD_CELLS = {
    "gone": "import os\nhome = os.getcwd()\nos.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')",
    "nowhere": "print('still here')",
    "reset": "%cd {home}\n%reset -f\nprint('names are gone')",
    "hidden": "json = os = sys = time = print = log = 3\ndel print\nprint('shadowed')",
    "deaf": "import io, sys\nkept, sys.stdout = sys.stdout, io.StringIO()\nprint('swallowed')",
    "hears": "sys.stdout = kept",
    "bars": "for n in range(20_000):\n    sys.stdout.write(f'\\r{n} of 20000')",
    "leaves": "--metric 'a=exit_()' --metric b=2 --param nowhere\nimport sys\nexit_ = sys.exit",
    "memory": "raise MemoryError",
    "based": "class Based(BaseException): pass\nraise Based('base')",
    "blank": "x_ = get_ipython\ndel get_ipython",
    "last": "print('as ever')\n0.5",
}


def test_odd_cells_are_tracked_like_others_and_leave_the_next_ones_alone(
    kernel: Any, store: Any, place: workspaces.Workspace
) -> None:
    said = {}
    for name, source in ODD_CELLS.items():
        head, _, body = source.partition("\n") if source.startswith("--") else ("", "", source)
        said[name] = kernel.run(f"%%track {name} {head}\n{body}\n")
    kernel.run("from jupyter_mltrack.tracking import remembering\nremembering.finish(60)")
    runs = {run["name"]: run for run in store.runs()}
    kinds = {name: reply.error for name, reply in said.items() if reply.error}
    assert kinds == {"memory": "MemoryError", "based": "Based"}
    failed = {name for name, run in runs.items() if run["status"] != "FINISHED"}
    assert (failed, set(runs)) == (set(kinds), set(ODD_CELLS))
    assert said["leaves"].stderr.startswith("%%track:1: MltrackWarning: --param nowhere: ")
    assert "--metric a=exit_() was not logged: SystemExit" in said["leaves"].stderr
    assert (runs["leaves"]["metrics"], runs["last"]["metrics"]) == ({"b": 2.0}, {"result": 0.5})
    printed = {}
    for name in ("nowhere", "reset", "hidden", "bars", "last"):
        folder = kept.folder(settings.data_dir(), place.id, runs[name]["id"])
        printed[name] = (folder / kept.OUTPUT).read_text().partition(" out ")[2].strip()
    assert printed == {
        "nowhere": "still here", "reset": printed["reset"], "hidden": "shadowed",
        "bars": "19999 of 20000", "last": "as ever",
    }  # fmt: skip
    assert "names are gone" in printed["reset"]


def test_a_project_that_cannot_be_written_to_stops_no_cell(
    new_kernel: Any, place: workspaces.Workspace
) -> None:
    (place.root / ".mltrack").write_text("a file where the folder should be")  # also root's
    kernel = new_kernel()
    reply = kernel.run("%%track here\nx = 1\nprint('ran')")
    assert reply.stdout == "ran\n" or reply.error == "WorkspaceError"


def test_files_that_cannot_be_kept_stop_no_cell(kernel: Any, store: Any) -> None:
    keep = settings.data_dir() / "keep"
    keep.parent.mkdir(parents=True, exist_ok=True)
    keep.write_text("a file where the folder should be")
    reply = kernel.run("%%track here\nx = 1\nprint('ran')\n0.5")
    assert (reply.status, reply.stdout) == ("ok", "ran\n")
    time.sleep(1)
    reply = kernel.run("%%track here\nprint('ran')\n0.5")
    assert reply.stdout == "ran\n"
    assert [run["metrics"] for run in store.runs()] == [{"result": 0.5}] * 2
