"""Jobs in the panel: a cell sent away, its log, its run, stopping it; a script from the form."""

from __future__ import annotations

from typing import Any

import pytest

PANEL = "#jupyter-mltrack-panel"
JOBS = f'{PANEL} .mltrack-Section[data-section="jobs"]'


def row(name: str, state: str = "") -> str:
    """Selector of a row of the Jobs section."""
    said = f'[data-state="{state}"]' if state else ""
    return f'{JOBS} .mltrack-SubmittedRow{said}:has(.mltrack-Row-name[title="{name}"])'


CELL = """%%track far --on process --return total
import time
from jupyter_mltrack import log
for step in range(1000):
    log({"loss": 1 / (step + 1)})
    print("step", step, flush=True)
    time.sleep(0.3)
total = step
"""
FAILS = "%%track wrong --on process\nrows = [1, 2]\nprint(rows)\nrows[5]\n"
PART = """%%track part
import os, time
from jupyter_mltrack import log
log({"loss": rate})
while not os.path.exists("go-on"):
    time.sleep(0.05)
"""
SCRIPT = "import sys\nprint('told', sys.argv[1:], flush=True)\n"


def test_a_cell_sent_away_is_followed_stopped_and_forgotten_in_the_panel(
    screen: Any, lab: Any
) -> None:
    path = lab.project("%load_ext jupyter_mltrack", CELL, FAILS, "print(6 * 7)")
    (lab.folder(path) / "train.py").write_text(SCRIPT)
    screen.open(path)
    assert "Nothing runs elsewhere" in screen.wait(f"{JOBS} .mltrack-Empty-line").text_content()
    screen.picture("jobs-empty")
    screen.wait_kernel()
    screen.run_cell(0)
    screen.run_cell(1)
    screen.run_cell(3)  # the notebook is free meanwhile
    screen.wait(row("far", "running"))
    screen.page.click(row("far"))
    screen.wait(f'{JOBS} .mltrack-Lines:has-text("step 3")')
    screen.wait(screen.live_row("far", "RUNNING"))  # the same live view as any run
    screen.picture("jobs-running-light")
    screen.page.click(f'{JOBS} button:text-is("Stop …")')
    screen.wait(f'{JOBS} :text("Stop far? What it has logged stays.")')
    screen.page.keyboard.press("Escape")
    screen.wait(f'{JOBS} button:text-is("Stop …")')
    screen.page.click(f'{JOBS} button:text-is("Stop …")')
    screen.page.keyboard.press("Enter")
    screen.wait(row("far", "cancelled"))

    screen.run_cell(2)
    screen.wait(row("wrong", "failed"))
    screen.page.click(row("wrong"))
    screen.wait(f'{JOBS} .mltrack-Lines:has-text("IndexError")')
    screen.theme("JupyterLab Dark")
    screen.picture("jobs-failed-dark")

    screen.page.click(f'{JOBS} button:text-is("Submit a script or notebook …")')
    folder = path.rpartition("/")[0]
    screen.page.fill(f"{JOBS} .mltrack-Submit input >> nth=0", f"{folder}/train.py")
    screen.page.fill(f"{JOBS} .mltrack-Submit input >> nth=1", "--lr 0.1")
    screen.wait(f'{JOBS} .mltrack-Submit option:text-is("This machine")', state="attached")
    screen.picture("jobs-form-dark")
    screen.set_width(240)
    screen.picture("jobs-form-240")
    screen.page.click(f'{JOBS} .mltrack-Submit button[type="submit"]')
    screen.wait(row("train", "done"))
    screen.wait(f"""{JOBS} .mltrack-Lines:has-text("told ['--lr', '0.1']")""")
    screen.picture("jobs-240")
    opened = f'{JOBS} .mltrack-OpenedJob[aria-label="train"]'
    screen.page.click(f'{opened} button:text-is("Delete …")')
    screen.page.fill(f"{opened} .mltrack-Confirm input", "train")
    screen.page.keyboard.press("Enter")
    screen.page.wait_for_selector(row("train"), state="detached")


def test_the_notebook_in_front_runs_as_a_job_with_other_parameters(screen: Any, lab: Any) -> None:
    path = lab.project(
        "rate = 0.1\noptimiser = 'adam'  # or sgd", "%load_ext jupyter_mltrack", PART, name="study"
    )
    screen.open(path, show_panel=False)
    screen.wait_kernel()
    screen.page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.content.widgets[0].model
            .setMetadata('tags', ['parameters'])"""
    )
    screen.command("jupyter-mltrack:run-notebook")
    fields = f"{JOBS} .mltrack-Submit .mltrack-Parameters input"
    screen.wait(f"{fields} >> nth=1")
    assert screen.page.get_attribute(f"{fields} >> nth=1", "placeholder") == "'adam'"
    screen.page.fill(f"{fields} >> nth=0", "0.5")
    screen.picture("jobs-notebook-light")
    screen.theme("JupyterLab Dark")
    screen.set_width(240)
    screen.picture("jobs-notebook-240-dark")
    screen.page.click(f'{JOBS} .mltrack-Submit button[type="submit"]')
    screen.wait(f"{screen.live_row('study', 'RUNNING')} .mltrack-Row-progress")
    screen.wait(screen.live_row("part", "RUNNING"))
    assert "cells" in screen.page.text_content(screen.live_row("study"))
    screen.wait(f'{JOBS} .mltrack-Lines:has-text("study · cell 3 of 3")')
    screen.picture("jobs-notebook-running-dark")
    (lab.folder(path) / "go-on").touch()
    screen.wait(row("study", "done"))
    screen.wait(f'{JOBS} .mltrack-Lines:has-text("3 of 3 cells")')
    listed = lab.request(f"mltrack/api/workspaces?path={path}")["workspaces"]
    workspace = next(one["id"] for one in listed if one["current"])
    runs = lab.request(f"mltrack/api/runs?workspace={workspace}")["runs"]
    values = {run["name"]: [one["value"] for one in run["metrics"]] for run in runs}
    assert values["study"] == []
    detail = lab.request(f"mltrack/api/runs/{runs[0]['run_id']}?workspace={workspace}")
    assert {"key": "rate", "value": "0.5"} in detail["params"]


@pytest.fixture(autouse=True)
def end_jobs(lab: Any) -> Any:
    """A job that a test left behind does not run on."""
    yield
    for job in lab.request("mltrack/api/jobs")["jobs"]:
        if job["state"] not in ("done", "failed", "cancelled"):
            lab.request("mltrack/api/jobs/cancel", "POST", {"id": job["id"]})
