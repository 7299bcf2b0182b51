"""Several runs side by side in a real browser: curves, parallel coordinates, scatter, table, source."""

from __future__ import annotations

from typing import Any

from model_ground import run_program
from test_run_page import LOAD, in_both_themes, run_of, runs_of

from benchmarks import ground

SWEEP = """
import math
import jupyter_mltrack
from jupyter_mltrack import log
for index in range(6):
    lr = 10 ** (-4 + index % 5)
    with jupyter_mltrack.track(f"sweep-{index:02d}", params={
            "lr": lr, "layers": 1 + index % 3, "optimizer": ["adam", "sgd", "lion"][index % 3],
            "batch": 32}, tags={"team": "vision"}):
        for step in range(60):
            log({"loss": math.exp(-step / (20 + 4 * index)) + 0.01 * index, "epoch": step // 10,
                 "acc": 1 - (0.3 + 0.02 * index) * math.exp(-step / 25)}, step=step)
"""
CELL = """%%track {name}
import time
from jupyter_mltrack import log
rate = {rate}
for step in range({steps}):
    log({{"loss": 1 / (1 + rate * step)}}, step=step)
    time.sleep({pause_s})
"""
COMPARE = ".mltrack-ComparePage"


def open_compare(screen: Any, runs: list[dict[str, Any]]) -> None:
    screen.command(
        "jupyter-mltrack:open-page",
        kind="compare",
        workspace=runs[0]["workspace_id"],
        runIds=[run["run_id"] for run in runs],
    )
    screen.wait(f"{COMPARE} .mltrack-Pick")


def show(screen: Any, tab: str) -> None:
    screen.page.click(f'{COMPARE} [role="tab"][data-tab="{tab}"]')
    screen.wait(f'{COMPARE} .mltrack-PageBody[data-shown="{tab}"]')


def test_runs_are_compared_in_every_way(screen: Any, lab: Any) -> None:
    path = lab.project("1")
    run_program(lab, path, SWEEP)
    screen.open(path)
    open_compare(screen, sorted(runs_of(lab, path), key=lambda run: run["name"]))
    screen.wait(f"{COMPARE} .mltrack-Charts canvas")
    in_both_themes(screen, "compare-curves")
    screen.page.select_option(f'{COMPARE} [aria-label="Horizontal axis"]', "metric epoch")
    screen.picture("compare-by-epoch-light")
    show(screen, "table")
    screen.wait(f"{COMPARE} .mltrack-Sheet-row:has-text('best')")
    best = screen.page.text_content(f"{COMPARE} .mltrack-Sheet-row:has-text('loss')")
    assert best.count("best") == 1
    assert screen.page.locator(f"{COMPARE} .mltrack-Sheet-row:has-text('batch')").count() == 0
    in_both_themes(screen, "compare-table")
    show(screen, "scatter")
    screen.wait(f"{COMPARE} .mltrack-Point >> nth=5")
    assert screen.page.locator(f"{COMPARE} .mltrack-Point").count() == 6
    screen.page.focus(f'{COMPARE} .mltrack-Point[tabindex="0"]')
    screen.page.keyboard.press("ArrowRight")
    in_both_themes(screen, "compare-scatter")
    show(screen, "parallel")
    handle = f'{COMPARE} [role="slider"][aria-label="Upper end on loss"]'
    screen.page.focus(handle)
    for _ in range(10):
        screen.page.keyboard.press("ArrowDown")
    screen.wait(f"{COMPARE} .mltrack-Within:has-text('3 of 6 runs within')")
    in_both_themes(screen, "compare-parallel")
    grab = screen.page.locator(f"{COMPARE} .mltrack-Axis-grab").first.bounding_box()
    x = grab["x"] + grab["width"] / 2
    screen.page.mouse.move(x, grab["y"] + 6)
    screen.page.mouse.down()
    screen.page.mouse.move(x, grab["y"] + grab["height"] * 0.7, steps=4)
    screen.page.mouse.up()
    screen.wait(f"{COMPARE} .mltrack-Axis-brush >> nth=1")
    screen.page.click(f"{COMPARE} .mltrack-Within >> text=Keep only these")
    kept = screen.page.locator(f"{COMPARE} .mltrack-Pick input:checked")
    assert screen.until_here(lambda: kept.count() == 2)


def test_a_running_run_grows_beside_one_that_ended(screen: Any, lab: Any) -> None:
    path = lab.project(
        LOAD,
        CELL.format(name="ended", rate=1, steps=30, pause_s=0),
        CELL.format(name="going", rate=2, steps=20_000, pause_s=0.02),
    )
    screen.open(path)
    screen.wait_kernel()
    screen.run_cell(0)
    screen.run_cell(1)
    screen.start_cell(2)
    screen.wait(screen.live_row("going", "RUNNING"))
    open_compare(screen, [run_of(lab, path, "ended"), run_of(lab, path, "going")])
    screen.wait(f"{COMPARE} .mltrack-Charts canvas")
    before = screen.pixels()
    assert screen.until_here(lambda: screen.pixels() != before)
    show(screen, "source")
    screen.wait(f"{COMPARE} .mltrack-Diff-sign:has-text('±')")
    in_both_themes(screen, "compare-source")
    screen.page.set_viewport_size({"width": 700, "height": 860})
    show(screen, "curves")
    in_both_themes(screen, "compare-narrow")


def test_fifty_runs_are_compared(screen: Any, lab: Any) -> None:
    path = lab.project("1")
    ground.make(lab.folder(path), runs=60)
    screen.open(path)
    open_compare(screen, runs_of(lab, path)[:50])
    screen.wait(f"{COMPARE} .mltrack-Charts canvas")
    screen.wait(f"{COMPARE} .mltrack-Pick >> nth=49")
    assert screen.page.locator(f"{COMPARE} .mltrack-Pick").count() == 50
    in_both_themes(screen, "compare-fifty-curves")
    for tab in ("parallel", "scatter", "table"):
        show(screen, tab)
        screen.picture(f"compare-fifty-{tab}-light")
    assert screen.page.locator(f"{COMPARE} .mltrack-Sheet-row").count() < 100
