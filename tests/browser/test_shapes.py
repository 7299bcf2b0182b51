"""Narrow and wide, 10,000 rows, the keyboard alone, other themes, and Jupyter Notebook 7."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from screen import LIMIT_MS

PANEL = "#jupyter-mltrack-panel"
LOAD = "%load_ext jupyter_mltrack"
TRAIN = """%%track {name}
import math
from jupyter_mltrack import log
lr, batch_size = 0.01, 64
for step in range(120):
    log({{"loss": math.exp(-step / 30) + 0.02 * math.sin(step), "val_loss": math.exp(-step / 34) + 0.05,
         "acc": 1 - 0.6 * math.exp(-step / 25), "val_acc": 1 - 0.7 * math.exp(-step / 25),
         "lr": 0.01 * 0.97 ** step}}, step=step)
"""
RUNNING = """
import math, os, sys, time
import jupyter_mltrack
with jupyter_mltrack.track(sys.argv[1]):
    for step in range(120):
        jupyter_mltrack.log({"loss": math.exp(-step / 30), "acc": 1 - math.exp(-step / 25)}, step=step)
    while not os.path.exists("go-on"):
        time.sleep(0.1)
"""
ROWS = 10_000


def _train(screen: Any, lab: Any, *names: str) -> str:
    path = lab.project(LOAD, *[TRAIN.format(name=name) for name in names])
    screen.open(path)
    screen.wait_kernel()
    for index in range(1 + len(names)):
        screen.run_cell(index)
    for name in names:
        screen.wait(screen.run_row(name, "FINISHED"))
    return path


def _overflow(screen: Any) -> list[str]:
    """Elements of the panel that stick out of it to the right."""
    return screen.page.evaluate(
        """() => { const panel = document.querySelector('#jupyter-mltrack-panel');
          const right = panel.getBoundingClientRect().right + 1;
          return [...panel.querySelectorAll('button, input, canvas, select, .mltrack-Row-line > *')]
            .filter(node => node.getBoundingClientRect().width > 0 && node.getBoundingClientRect().right > right)
            .map(node => node.className || node.tagName); }"""
    )


def test_240_pixels_hold_everything_and_wide_shows_columns(screen: Any, lab: Any) -> None:
    _train(screen, lab, "sweep-with-a-rather-long-name-01", "sweep-02")
    # JupyterLab itself keeps its sidebar at 250 pixels or more; other places may not.
    narrow = screen.page.add_style_tag(
        content=f"{PANEL} {{ width: 240px !important; min-width: 0 !important; }}"
    )
    assert screen.page.locator(PANEL).bounding_box()["width"] == 240
    screen.page.click(screen.run_row("sweep-02"))
    screen.wait(".mltrack-Charts canvas")
    screen.page.wait_for_timeout(400)
    assert _overflow(screen) == []
    screen.picture("narrow-240")
    screen.theme("JupyterLab Dark High Contrast")
    screen.picture("high-contrast")
    screen.theme("JupyterLab Light")
    narrow.evaluate("node => node.remove()")
    screen.set_width(760)
    heads = screen.wait(f"{PANEL} .mltrack-Heads")
    assert "loss" in heads.text_content()
    screen.page.wait_for_timeout(400)
    assert _overflow(screen) == []
    screen.picture("wide-760")
    screen.page.set_viewport_size({"width": 1600, "height": 900})
    screen.set_width(1000)
    screen.page.wait_for_timeout(400)
    assert _overflow(screen) == []
    screen.picture("wide-1600")


def test_what_is_awaited_has_its_place_already(screen: Any, lab: Any) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    path = _train(screen, lab, "placed")
    held: list[Any] = []
    screen.page.route("**/mltrack/api/runs?**", lambda route: held.append(route))  # noqa: PLW0108 - it needs a function
    screen.open(path)

    def place(node: Any) -> list[float]:
        """Left edge, distance from the search box, and height, all of one moment."""
        return node.evaluate(
            """(node, selector) => {
                const own = node.getBoundingClientRect();
                const box = document.querySelector(selector).getBoundingClientRect();
                return [own.x, Math.round(own.y - box.y), own.height];
            }""",
            f"{PANEL} .mltrack-Search",
        )

    skeleton = place(screen.wait(f"{PANEL} .mltrack-Runs .mltrack-Skeleton-row"))
    screen.picture("loading")
    screen.page.unroute("**/mltrack/api/runs?**")
    for route in held:
        with contextlib.suppress(playwright.Error):  # the page gave this one up and asked again
            route.continue_()
    assert place(screen.wait(screen.run_row("placed", "FINISHED"))) == skeleton


def test_zoom_smoothing_scale_and_axis_change_what_is_drawn(screen: Any, lab: Any) -> None:
    _train(screen, lab, "drawn")
    screen.page.click(screen.run_row("drawn"))
    screen.wait(".mltrack-Charts canvas")
    screen.wait_still()
    plain = screen.pixels()[0]
    over = screen.page.locator(f"{PANEL} .u-over").first
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    y = box["y"] + box["height"] / 2
    screen.page.mouse.move(box["x"] + box["width"] * 0.3, y)
    screen.page.mouse.down()
    screen.page.mouse.move(box["x"] + box["width"] * 0.7, y, steps=5)
    screen.page.mouse.up()
    screen.wait(f"{PANEL} .mltrack-Chart-reset")
    screen.until_redrawn([plain])
    screen.picture("zoomed")
    screen.page.mouse.dblclick(box["x"] + box["width"] * 0.5, y)
    screen.wait(f"{PANEL} .mltrack-Chart-reset", state="hidden")
    screen.page.mouse.move(5, 5)
    assert screen.until_here(lambda: screen.pixels()[0] == plain)
    controls = screen.page.locator(f"{PANEL} .mltrack-Controls").first
    seen = [plain]
    for change in (
        lambda: controls.locator("input[type=checkbox]").check(),
        lambda: controls.locator("input[type=range]").fill("0.9"),
        lambda: controls.locator("select").select_option("time"),
    ):
        change()
        assert screen.until_here(lambda: screen.pixels()[0] not in seen)
        seen.append(screen.pixels()[0])
    screen.picture("smoothed-log-time")


def _insert_runs(database: Path, artifacts: Path) -> None:
    """Finished runs as MLflow's own tables have them, far more than a list can show."""
    runs, tags, metrics = [], [], []
    for index in range(ROWS):
        run_id = uuid.uuid4().hex
        start_ms = 1_700_000_000_000 + index * 60_000
        uri = f"file://{artifacts}/{run_id}/artifacts"
        runs.append(
            (run_id, f"old-{index:05}", "FINISHED", start_ms, start_ms + 42_000, "active", uri, 0)
        )
        tags.append(("mlflow.runName", f"old-{index:05}", run_id))
        metrics.append(("loss", 1 / (index + 1), start_ms, 9, 0, run_id))
    with sqlite3.connect(database, timeout=30) as connection:
        connection.executemany(
            "INSERT INTO runs (run_uuid, name, status, start_time, end_time, lifecycle_stage, artifact_uri,"
            " experiment_id, source_type, source_name, entry_point_name, user_id, source_version)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'UNKNOWN', '', '', '', '')",
            runs,
        )
        connection.executemany("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", tags)
        connection.executemany(
            "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, ?, ?, ?)",
            metrics,
        )
    connection.close()


def _wait_for_store(database: Path) -> None:
    """Wait until the first run was brought there: the page knows it sooner, from its journal."""
    until_s = time.monotonic() + LIMIT_MS / 1000
    while time.monotonic() < until_s:
        try:
            asked = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)
            with contextlib.closing(asked) as connection:
                if connection.execute("SELECT count(*) FROM runs").fetchone() != (0,):
                    return
        except sqlite3.OperationalError:
            pass  # not made yet
        time.sleep(0.1)
    raise AssertionError(f"No run came to {database}")


def test_s33_ten_thousand_runs_keep_the_page_small(screen: Any, lab: Any) -> None:
    path = _train(screen, lab, "newest")
    place = lab.folder(path) / ".mltrack"
    _wait_for_store(place / "mlflow.db")
    _insert_runs(place / "mlflow.db", place / "artifacts")
    screen.page.click(f'{PANEL} .mltrack-IconButton[title="Refresh"]')
    screen.wait(f"{PANEL} .mltrack-Search-count:has-text('10,001')")
    screen.picture("ten-thousand")
    most = 0
    last = f"{PANEL} .mltrack-List .mltrack-RunRow >> nth=-1"
    until_s = time.monotonic() + LIMIT_MS / 1000
    shown = 0
    while shown <= 1000 and time.monotonic() < until_s:
        screen.page.evaluate(
            "() => { const l = document.querySelector('.mltrack-List'); l.scrollTop = l.scrollHeight; }"
        )
        screen.page.wait_for_timeout(60)
        rows = screen.page.evaluate("() => document.querySelectorAll('.mltrack-RunRow').length")
        most = max(most, rows)
        shown = int(screen.page.get_attribute(last, "aria-rowindex"))
    assert most <= 200
    assert shown > 1000
    heap = screen.page.evaluate("() => performance.memory.usedJSHeapSize")
    assert heap < 300e6
    box = screen.page.locator(f"{PANEL} .mltrack-Search-input")
    box.fill("old-00007")
    screen.wait(screen.run_row("old-00007"))


def test_everything_can_be_reached_by_the_keyboard_alone(
    screen: Any, lab: Any, request: pytest.FixtureRequest
) -> None:
    path = lab.project("1")
    names = ("one", "two", "three")
    # They run on: what ended leaves the section of live runs after a while.
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", RUNNING, name], cwd=lab.folder(path), env=lab.environment
        )
        for name in names
    ]
    request.addfinalizer(lambda: [program.kill() for program in programs])
    screen.open(path)
    for name in names:
        screen.wait(screen.run_row(name, "RUNNING"))
    screen.page.wait_for_function(
        "selector => document.querySelectorAll(selector).length === 2",  # as many as have room
        arg=f'{PANEL} .mltrack-LiveRow[data-status="RUNNING"]',
    )
    keyboard = screen.page.keyboard
    keyboard.press("Escape")
    keyboard.press("Control+Shift+c")
    screen.wait(".lm-CommandPalette-input")
    keyboard.type("MLTrack: Show panel")
    screen.wait('.lm-CommandPalette-item.lm-mod-active:has-text("MLTrack: Show panel")')
    keyboard.press("Enter")
    screen.focused(f"{PANEL} .mltrack-LiveRow")
    assert (
        screen.page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
        == "solid"
    )
    screen.picture("keyboard-focus")
    first = screen.page.evaluate("() => document.activeElement.dataset.runId")
    keyboard.press("ArrowDown")
    screen.until("first => (document.activeElement.dataset.runId ?? first) !== first", first)
    keyboard.press("Enter")
    screen.wait(f'{PANEL} .mltrack-LiveRow[aria-expanded="true"]')
    screen.wait(".mltrack-Charts canvas")
    stops = []
    for _ in range(60):
        keyboard.press("Tab")
        stops.append(
            screen.page.evaluate(
                "() => { const a = document.activeElement;"
                " return a.getAttribute('aria-label') ?? a.className.split(' ')[0] ?? a.tagName }"
            )
        )
        if "mltrack-Row" in stops[-1] and "Filter runs" in " ".join(stops):
            break
    walked = " | ".join(stops)
    for stop in (
        "Horizontal axis",
        "Smoothing",
        "mltrack-Legend-item",
        "mltrack-Section-button",
        "Filter runs",
    ):
        assert stop in walked
    keyboard.press("End")
    screen.focused('[aria-rowindex="3"]')
    keyboard.press("Enter")
    screen.wait(f'{PANEL} .mltrack-RunRow[aria-expanded="true"]')
    unnamed = screen.page.evaluate(
        """() => [...document.querySelectorAll('#jupyter-mltrack-panel :is(button, input, select)')]
            .filter(node => !(node.textContent.trim() || node.getAttribute('aria-label') || node.labels?.length))
            .map(node => node.className)"""
    )
    assert unnamed == []
    (lab.folder(path) / "go-on").touch()
    assert [program.wait(LIMIT_MS / 1000) for program in programs] == [0, 0, 0]


def test_jupyter_notebook_shows_the_panel(screen: Any, lab: Any) -> None:
    path = lab.project(LOAD, TRAIN.format(name="classic"))
    screen.only_own_errors = True  # Notebook 7.6 has one of its own at each start.
    screen.page.goto(f"{lab.address}/notebooks/{path}?token=browser")
    screen.wait(".jp-Notebook .jp-CodeCell")
    screen.page.click('.lm-MenuBar-itemLabel:text-is("View")')
    screen.page.hover('.lm-Menu-itemLabel:text-is("Left Sidebar")')
    screen.page.click('.lm-Menu-itemLabel:text-matches("MLTrack")')
    screen.wait(f"{PANEL} .mltrack-Header")
    screen.wait_kernel()
    screen.run_cell(0)
    screen.start_cell(1)
    screen.wait(screen.run_row("classic", "FINISHED"))
    screen.page.click(screen.run_row("classic"))
    screen.wait(".mltrack-Charts canvas")
    screen.page.wait_for_timeout(400)
    screen.picture("notebook-7")


def test_the_palette_command_puts_the_magic_on_top_of_a_cell_once(screen: Any, lab: Any) -> None:
    screen.open(lab.project("x = 1"))
    screen.wait_kernel()
    screen.page.click(".jp-Notebook .jp-CodeCell >> nth=0")
    screen.command("jupyter-mltrack:track-cell")
    screen.command("jupyter-mltrack:track-cell")
    source = "() => window.jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.getSource()"
    assert screen.page.evaluate(source) == "%%track\nx = 1"


def test_a_reader_who_wants_less_motion_sees_a_still_mark(make_screen: Any, lab: Any) -> None:
    path = lab.project(
        LOAD,
        "%%track still\nimport time\nfrom jupyter_mltrack import log\nlog({'loss': 1.0})\ntime.sleep(3600)",
    )
    for motion, animation in (("reduce", "none"), ("no-preference", "mltrack-spin")):
        screen = make_screen(reduced_motion=motion)
        screen.open(path)
        if motion == "reduce":
            screen.wait_kernel()
            screen.run_cell(0)
            screen.start_cell(1)
        screen.wait(screen.live_row("still", "RUNNING"))
        mark = screen.wait(f"{PANEL} .mltrack-LiveRow .mltrack-spin")
        assert mark.evaluate("node => getComputedStyle(node).animationName") == animation
