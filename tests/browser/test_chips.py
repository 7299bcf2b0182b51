"""The chip beside a cell tells what the cell's newest execution made, and outlives the kernel."""

from __future__ import annotations

from typing import Any

CHIP = ".jp-Notebook .mltrack-CellChip"
LOAD = "%load_ext jupyter_mltrack"
GOOD = "%%track good\nfrom jupyter_mltrack import log\nlog({'loss': 0.25})"
BAD = "%%track bad\nfrom jupyter_mltrack import log\nlog({'loss': 4.0})\nraise ValueError('no')"
ENDLESS = "%%track endless\nimport time\nfrom jupyter_mltrack import log\nlog({'loss': 2.0})\ntime.sleep(600)"
QUIET = "%%track silent --quiet\nfrom jupyter_mltrack import log\nlog({'loss': 0.5})"
RUN_OF = """index => window.jupyterapp.shell.currentWidget.content.widgets[index]
    .model.getMetadata('mltrack')?.run_id ?? ''"""
TYPE = """([index, source]) => window.jupyterapp.shell.currentWidget.content.widgets[index]
    .model.sharedModel.setSource(source)"""


def chip_of(index: int, status: str = "") -> str:
    """The chip of a cell of the notebook."""
    state = f'[data-status="{status}"]' if status else ""
    return f'.jp-Notebook .jp-Cell[data-windowed-list-index="{index}"] .mltrack-CellChip{state}'


def test_chips_tell_what_cells_made_last_and_stay_without_a_kernel(screen: Any, lab: Any) -> None:
    path = lab.project(LOAD, GOOD, BAD, ENDLESS, QUIET)
    screen.open(path, show_panel=False)
    screen.wait_kernel()
    for index in (0, 1, 4, 2):
        screen.run_cell(index)
    screen.start_cell(3)
    screen.wait(chip_of(3, "RUNNING"))
    screen.command("notebook:interrupt-kernel")
    states = {1: "FINISHED", 2: "FAILED", 3: "KILLED", 4: "FINISHED"}
    for index, status in states.items():
        screen.wait(chip_of(index, status))
        screen.until(f"index => ({RUN_OF})(index) !== ''", index)
    screen.picture("lab-chips-light")
    screen.theme("JupyterLab Dark")
    screen.picture("lab-chips-dark")
    screen.save()
    lab.stop_kernels()
    screen.page.reload()
    for index, status in states.items():
        screen.wait(chip_of(index, status))
    screen.wait_kernel()
    screen.run_cell(0)
    screen.run_cell(1)
    screen.page.evaluate(TYPE, [1, "6 * 7"])
    screen.run_cell(1)
    screen.wait(chip_of(1), state="detached")
    screen.until(f"index => ({RUN_OF})(index) === ''", 1)
    screen.until("chip => document.querySelectorAll(chip).length === 3", CHIP)
