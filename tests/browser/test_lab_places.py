"""What stands elsewhere in JupyterLab than in the sidebar: pages, chips, status bar, commands."""

from __future__ import annotations

from typing import Any

PANEL = "#jupyter-mltrack-panel"
LOAD = "%load_ext jupyter_mltrack"
PAGE = ".mltrack-PageHost"
CODE = "/lab/extensions/jupyter-mltrack/static/"
CHIP = ".jp-Notebook .mltrack-CellChip"
STATUS = ".mltrack-StatusItem-button"
TRAIN = """%%track {name}
import time
from jupyter_mltrack import log
for step in range({steps}):
    log({{"loss": 1 / (step + 1)}}, step=step)
    time.sleep({pause_s})
"""

UNTIL_TOLD = """%%track chipped
import os, time
from jupyter_mltrack import log
step = 0
while not os.path.exists("go-on"):
    log({"loss": 1 / (step := step + 1)}, step=step)
    time.sleep(0.05)
"""
WATCHED = """%%track watched --alert "loss > 5"
import time
from tqdm import tqdm
from jupyter_mltrack import log
for step in tqdm(range(20_000), unit="batch"):
    log({"loss": 1 + step / 4}, step=step)
    if step % 5 == 0:
        print("at step", step)
    time.sleep(0.2)
"""


def _own(urls: list[str]) -> list[str]:
    """The parts of this extension's code among requests."""
    return [url.partition(CODE)[2].partition("?")[0] for url in urls if CODE in url]


def _only_run(lab: Any, path: str) -> dict[str, Any]:
    """The run of a project with one, as the server lists it."""
    listed = lab.request(f"mltrack/api/workspaces?path={path}")["workspaces"]
    workspace = next(one for one in listed if one["current"])
    [run] = lab.request(f"mltrack/api/runs?workspace={workspace['id']}")["runs"]
    return run


def test_no_code_is_fetched_before_somebody_looks(screen: Any, lab: Any) -> None:
    screen.open(lab.project("1 + 1"), show_panel=False)
    screen.page.wait_for_timeout(800)
    before = _own(screen.requests)
    screen.page.click(".lm-TabBar-tab[data-id='jupyter-mltrack-panel']")
    screen.wait(f"{PANEL} .mltrack-Runs .mltrack-Empty-line")
    after = _own(screen.requests)
    assert len(after) > len(before)
    assert screen.page.evaluate("() => typeof window.jupyterapp.commands") == "object"


def test_a_page_opens_once_survives_a_reload_and_has_an_address(screen: Any, lab: Any) -> None:
    path = lab.project(LOAD, TRAIN.format(name="paged", steps=3, pause_s=0))
    screen.open(path)
    screen.wait_kernel()
    screen.run_cell(0)
    screen.run_cell(1)
    screen.wait(screen.run_row("paged"))
    run = _only_run(lab, path)
    args = {"kind": "run", "workspace": run["workspace_id"], "runIds": [run["run_id"]]}
    with screen.saved(run["run_id"]):
        screen.command("jupyter-mltrack:open-page", **args)
        screen.command("jupyter-mltrack:open-page", **args)
        screen.wait(f'{PAGE}[data-page="run"]')
        assert screen.page.locator(f'{PAGE}[data-page="run"]').count() == 1
    screen.page.reload()
    screen.wait(f'{PAGE}[data-page="run"] h2')
    tail = f"mltrack=run:{run['workspace_id']}:{run['run_id']}"
    screen.go(f"{lab.address}/lab/workspaces/other?token=browser&{tail}")
    screen.wait(f'{PAGE}[data-page="run"] h2')
    assert "mltrack=" not in screen.page.url


def test_chip_and_status_bar_follow_a_run_while_the_panel_is_closed(screen: Any, lab: Any) -> None:
    path = lab.project(LOAD, UNTIL_TOLD, "1 + 1")
    screen.open(path, show_panel=False)
    screen.wait_kernel()
    screen.run_cell(0)
    screen.start_cell(1)
    screen.wait(f"{STATUS}:has-text('running')")
    screen.wait(f'{CHIP}[data-status="RUNNING"]')
    before = screen.page.locator(STATUS).text_content()
    screen.page.wait_for_function(
        "([selector, before]) => document.querySelector(selector)?.textContent !== before",
        arg=[STATUS, before],
    )
    screen.picture("lab-chip-live-light")
    screen.theme("JupyterLab Dark")
    screen.picture("lab-chip-live-dark")
    (lab.folder(path) / "go-on").touch()
    chip = screen.wait(f'{CHIP}[data-status="FINISHED"]')
    assert "chipped · loss" in chip.text_content()
    screen.wait(STATUS, state="hidden")
    screen.save()
    screen.page.reload()
    screen.wait(f'{CHIP}[data-status="FINISHED"]')
    assert screen.page.locator(CHIP).count() == 1
    screen.wait_kernel()
    screen.page.click(CHIP)
    # The notebook that the address names may come to the front once more, before the page or after.
    screen.wait(f'{PAGE}[data-page="run"] h2', state="attached")


def test_a_cell_is_tracked_by_a_button_a_shortcut_and_snippets(screen: Any, lab: Any) -> None:
    screen.open(lab.project("rate = 1", ""), show_panel=False)
    sources = """() => window.jupyterapp.shell.currentWidget.content.widgets
        .map(c => c.model.sharedModel.getSource())"""
    screen.page.click(".jp-Notebook .jp-CodeCell >> nth=0")
    screen.page.click('.jp-Notebook .jp-cell-toolbar [data-command="jupyter-mltrack:track-cell"]')
    screen.until(f"source => ({sources})()[0] === source", "%%track\nrate = 1")
    screen.page.click(".jp-Notebook .jp-CodeCell >> nth=1")
    screen.page.keyboard.press("Escape")
    screen.page.keyboard.press("Alt+Shift+KeyL")
    screen.until(f"() => ({sources})()[1].includes('jupyter_mltrack import log')")
    screen.command("jupyter-mltrack:insert-snippet", snippet="deploy")
    assert screen.page.evaluate(sources)[2].startswith("%mltrack register last")
    screen.picture("lab-cell-toolbar-light")
    screen.page.keyboard.press("Alt+Shift+KeyM")
    screen.wait(f"{PANEL} .mltrack-Header")
    screen.page.keyboard.press("Alt+Shift+KeyR")
    screen.wait(f'{PAGE}[data-page="runs"]')


def test_a_live_run_shows_progress_output_and_alerts_and_is_stopped(screen: Any, lab: Any) -> None:
    path = lab.project(LOAD, WATCHED)
    screen.open(path)
    screen.wait_kernel()
    screen.run_cell(0)
    screen.start_cell(1)
    screen.wait(".Toastify__toast:has-text('watched')")
    row = screen.live_row("watched", "RUNNING")
    screen.wait(f"{row} .mltrack-Row-progress")
    screen.until("row => /\\/20,?000/.test(document.querySelector(row)?.textContent)", row)
    screen.page.click(row)
    screen.wait(f"{PANEL} .mltrack-Alerts li")
    screen.page.click(f"{PANEL} .mltrack-Output summary")
    screen.page.wait_for_function(
        "s => document.querySelector(s)?.textContent.includes('at step')",
        arg=f"{PANEL} .mltrack-Output pre",
    )
    screen.picture("live-parts-light")
    screen.theme("JupyterLab Dark")
    screen.picture("live-parts-dark")
    screen.page.click(f'{PANEL} button[aria-label="Stop watched"]')
    screen.picture("live-stop-dark")
    screen.page.click(f'{PANEL} .mltrack-Confirm button:text-is("Stop")')
    screen.wait(screen.live_row("watched", "KILLED"))
