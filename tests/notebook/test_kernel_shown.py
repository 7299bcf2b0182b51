"""What cells show and which cells came before, with a real kernel: figures, tables, the notebook so far."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mltrack import settings, workspaces
from jupyter_mltrack.journal import kept
from jupyter_mltrack.runs.about import get_about

CANARY = "ghp_" + "Yy7" * 12
SHOWN = """%%track study
import matplotlib.pyplot as plt, plotly.graph_objects as go, pandas as pd
from PIL import Image
from IPython.display import display, HTML, Markdown
figure, axes = plt.subplots()
axes.set_title('Loss by epoch')
plt.show()
plt.figure()
plt.plot([3])
display(Image.new('RGB', (5, 5)))
go.Figure(layout={'title': {'text': 'Über alles'}}, data=go.Scatter(y=[1, 2])).show()
handle = display(HTML('<b>one</b>'), display_id=True)
handle.update(HTML(f'<b>{token}</b>'))
pd.DataFrame({'a': [1]})
"""
CLEARED = """%%track cleared
from IPython.display import clear_output
import time
for step in range(3):
    clear_output(wait=True)
    plt.plot([step])
    plt.title(f'step {step}')
    plt.show()
    time.sleep(0.4)
"""
UNDRAWN = """%%track undrawn
class Bad(plt.matplotlib.lines.Line2D):
    def draw(self, renderer):
        raise RuntimeError('no drawing')
figure, axes = plt.subplots()
axes.add_line(Bad([0, 1], [0, 1]))
plt.show()
print('ran on')
"""


@pytest.fixture
def place(private_place: Path) -> workspaces.Workspace:
    return workspaces.resolve("local", private_place / "work")


def kept_of(place: workspaces.Workspace, run_id: str) -> Path:
    return kept.folder(settings.data_dir(), place.id, run_id)


def figures(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / kept.FIGURES).glob("*"))


def test_a_run_keeps_what_its_cell_shows_and_the_cells_before_it(
    new_kernel: Any, store: Any, place: workspaces.Workspace
) -> None:
    kernel = new_kernel(load=False)
    assert kernel.run(f"before = 1\ntoken = {CANARY!r}").status == "ok"
    assert kernel.run("%load_ext jupyter_mltrack").status == "ok"
    for cell in (SHOWN, CLEARED, UNDRAWN):
        reply = kernel.run(cell, timeout_s=120)
        assert reply.status == "ok", reply.traceback
    kernel.run("%%track failing\ndef inner():\n    raise ValueError('deep')\ninner()")
    kernel.run(f"%%track plain --without figures,cells\ndisplay(HTML('x'))\nprint('{'x' * 30}')")
    kernel.run("%config MLTrack.keep_figures = False\n")
    kernel.run("%%track by-config\ndisplay(HTML('x'))\n")
    assert kernel.run("%%track --without nothing\nprint('ran')").stdout == ""
    kernel.run("import time; time.sleep(1)\nplt.title('of no run')\nplt.show()")
    runs = {run["name"]: run for run in store.runs()}
    folders = {name: kept_of(place, run["id"]) for name, run in runs.items()}

    shown = ["figure-1.png", "image-1.png", "loss-by-epoch.png", "output-1.html",
             "table-1.html", "über-alles.plotly.json"]  # fmt: skip
    assert figures(folders["study"]) == shown
    assert (folders["study"] / "figures/loss-by-epoch.png").read_bytes()[:4] == b"\x89PNG"
    assert "[redacted: token]" in (folders["study"] / "figures/output-1.html").read_text()
    assert figures(folders["cleared"]) == ["step-2.png"]
    assert figures(folders["undrawn"]) == figures(folders["plain"]) == []
    assert figures(folders["by-config"]) == []

    notebook = nbformat.reads((folders["study"] / kept.CELLS).read_text(), as_version=4)
    nbformat.validate(notebook)
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3]
    assert [cell.source.splitlines()[0] for cell in notebook.cells] == [
        "before = 1", "%load_ext jupyter_mltrack", "%%track study",
    ]  # fmt: skip
    assert CANARY not in json.dumps(notebook)
    assert not (folders["plain"] / kept.CELLS).exists()

    assert runs["undrawn"]["tags"]["mltrack.left_out"] == "a figure that could not be drawn"
    assert get_about(place, runs["undrawn"]["id"]).left_out == ["a figure that could not be drawn"]
    assert "ran on" in (folders["undrawn"] / kept.OUTPUT).read_text()
    assert "mltrack.left_out" not in runs["study"]["tags"]
    trace = (folders["failing"] / kept.TRACEBACK).read_text().splitlines()
    assert (trace[0], trace[-1]) == ("Traceback (most recent call last):", "ValueError: deep")

    artifacts = place.root / ".mltrack/artifacts" / runs["study"]["id"] / "artifacts/mltrack"
    until_s = time.monotonic() + 150
    while not (artifacts / kept.FIGURES).exists() and time.monotonic() < until_s:
        time.sleep(0.05)
    assert figures(artifacts) == shown


def test_displays_are_given_back_when_the_extension_is_unloaded(kernel: Any) -> None:
    look = "import sys\nprint(get_ipython().display_pub.publish.__qualname__, get_ipython().display_formatter.mimebundle_formatter.deferred_printers)"
    with_us = kernel.run(look).stdout
    kernel.run("%unload_ext jupyter_mltrack")
    without = kernel.run(look).stdout
    assert "matplotlib" in with_us
    assert without.startswith("ZMQDisplayPublisher.publish {}")
