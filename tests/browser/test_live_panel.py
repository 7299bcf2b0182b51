"""A tracked cell draws itself while it runs, and is there again after a reload."""

from __future__ import annotations

import os
import signal
from typing import Any

LOAD = "%load_ext jupyter_mltrack"
TRAIN = """%%track {name}
import math, os, time
from jupyter_mltrack import log
open("pid", "w").write(str(os.getpid()))
lr = 0.01
for step in range({steps}):
    log({{"loss": math.exp(-step / 30), "val_loss": math.exp(-step / 34) + 0.05,
         "acc": 1 - 0.6 * math.exp(-step / 25), "grad_norm": 1 + math.sin(step / 5)}}, step=step)
    time.sleep({pause_s})
"""


def _train(name: str, steps: int = 20_000, pause_s: float = 0.03) -> str:
    return TRAIN.format(name=name, steps=steps, pause_s=pause_s)


def test_a_running_cell_draws_itself_and_is_there_after_a_reload(screen: Any, lab: Any) -> None:
    path = lab.project(LOAD, _train("grows"))
    screen.open(path)
    screen.wait_kernel()
    screen.run_cell(0)
    screen.start_cell(1)
    screen.wait(screen.live_row("grows", "RUNNING"))
    screen.page.click(screen.live_row("grows"))
    screen.wait(".mltrack-Charts canvas")
    assert screen.until_here(lambda: screen.point_count() > 0)
    count = screen.point_count()
    screen.until_redrawn(screen.pixels())
    assert screen.until_here(lambda: screen.point_count() > count)
    later_count = screen.point_count()
    screen.wait(screen.live_row("grows", "RUNNING"))
    screen.picture("live-light")

    screen.page.reload()
    screen.wait(screen.live_row("grows", "RUNNING"))
    screen.page.click(screen.live_row("grows"))
    screen.wait(".mltrack-Charts canvas")
    assert screen.until_here(lambda: screen.point_count() > later_count)


def test_a_killed_kernel_turns_its_run_failed_in_both_themes(screen: Any, lab: Any) -> None:
    path = lab.project(LOAD, _train("shot"))
    screen.open(path)
    screen.wait_kernel()
    screen.run_cell(0)
    screen.start_cell(1)
    screen.wait(screen.live_row("shot", "RUNNING"))
    screen.page.click(screen.live_row("shot"))
    screen.wait(".mltrack-Charts canvas")
    screen.theme("JupyterLab Dark")
    screen.picture("live-dark")
    os.kill(lab.kernel_pid(path), signal.SIGKILL)
    screen.wait(screen.live_row("shot", "FAILED"))
    screen.wait(screen.run_row("shot", "FAILED"))
    screen.picture("failed-dark")
    screen.theme("JupyterLab Light")
    screen.picture("failed-light")


def test_a_failed_cell_shows_the_last_line_of_its_error(screen: Any, lab: Any) -> None:
    path = lab.project(
        LOAD,
        "%%track broken\nimport jupyter_mltrack\njupyter_mltrack.log({'loss': 1.0})\nint('seven')",
        "%%track fine\nimport jupyter_mltrack\njupyter_mltrack.log({'loss': 0.5})",
    )
    screen.open(path)
    screen.wait_kernel()
    screen.run_cell(0)
    screen.run_cell(1)
    screen.run_cell(2)
    row = screen.wait(screen.run_row("broken", "FAILED"))
    assert "invalid literal for int()" in row.text_content()
    mark = row.query_selector(".mltrack-Status")
    assert mark.get_attribute("aria-label") == "failed"
    screen.wait(screen.run_row("fine", "FINISHED"))
    screen.page.click(screen.run_row("fine"))
    screen.wait(".mltrack-Charts canvas")
    screen.picture("finished-light")
