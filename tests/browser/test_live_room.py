"""More runs at once than the Live section has room for, and a tab of the browser that nobody sees."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

PANEL = "#jupyter-mltrack-panel"
ROWS = f"{PANEL} .mltrack-LiveRow"
MORE = f"{PANEL} .mltrack-Live-more"
PROGRAM = """
import os, sys, time
import jupyter_mltrack as m
with m.track(sys.argv[1]):
    step = 0
    while not os.path.exists("end"):
        m.log({"loss": (step := step + 1)}, step=step)
        time.sleep(0.05)
"""


@pytest.fixture
def start(lab: Any) -> Iterator[Callable[[str, str], None]]:
    """Begins a run in a program of its own; all of them end with the test."""
    programs: list[tuple[Any, Any]] = []

    def begin(path: str, name: str) -> None:
        folder = lab.folder(path)
        command = [sys.executable, "-c", PROGRAM, name]
        programs.append((folder, subprocess.Popen(command, cwd=folder, env=lab.environment)))

    yield begin
    for folder, program in programs:
        (folder / "end").touch()
        assert program.wait(120) == 0


def test_runs_that_begin_move_nothing_below_them(
    screen: Any, lab: Any, start: Callable[[str, str], None]
) -> None:
    path = lab.project("1")
    screen.open(path)
    screen.wait(f"{PANEL} [data-section=live] .mltrack-Empty-line")
    head = screen.page.locator(f'{PANEL} .mltrack-Section[aria-label="Runs"]')
    before = head.bounding_box()["y"]
    for count, name in enumerate(("one", "two", "three", "four"), 1):
        start(path, name)
        screen.wait(f'{PANEL} [data-section="live"] .mltrack-Section-count:text-is("{count}")')
        screen.until(
            "([rows, n]) => document.querySelectorAll(rows).length === n", [ROWS, min(count, 2)]
        )
        assert head.bounding_box()["y"] == before
    assert screen.wait(MORE).text_content() == "Show 2 more running"
    screen.picture("live-more-light")
    screen.theme("JupyterLab Dark")
    screen.picture("live-more-dark")
    screen.page.focus(MORE)
    screen.page.keyboard.press("Enter")
    screen.until("rows => document.querySelectorAll(rows).length === 4", ROWS)
    screen.page.wait_for_selector(f'{MORE}[aria-expanded="true"]:text-is("Show fewer")')
    screen.picture("live-all-dark")
    screen.page.keyboard.press("Enter")
    screen.until("rows => document.querySelectorAll(rows).length === 2", ROWS)
    assert head.bounding_box()["y"] == before


def test_a_tab_that_nobody_sees_asks_nothing_and_is_current_when_it_is_back(
    screen: Any, lab: Any, start: Callable[[str, str], None]
) -> None:
    path = lab.project("1")
    start(path, "followed")
    screen.open(path)
    row = screen.live_row("followed", "RUNNING")
    screen.page.click(row)
    screen.wait(f"{PANEL} .mltrack-Charts canvas")
    count = screen.point_count()
    assert screen.until_here(lambda: screen.point_count() > count)
    _hide(screen, hidden=True)
    _go_on(screen, lab, 60)  # What was under way is over then.
    asked, count = _asked(screen), screen.point_count()
    _go_on(screen, lab, 20)
    assert _asked(screen) == asked
    assert screen.point_count() == count
    _hide(screen, hidden=False)
    assert screen.until_here(lambda: screen.point_count() > count)


def _asked(screen: Any) -> int:
    """How often the page asked for what moves: live runs, and points."""
    return len([url for url in screen.requests if "/mltrack/api/live" in url or "/series" in url])


def _go_on(screen: Any, lab: Any, points: int) -> None:
    """Wait until the run has so many points more."""

    def newest() -> float:
        runs = [one["summary"] for one in lab.request("mltrack/api/live")["runs"]]
        [metric] = next(run["metrics"] for run in runs if run["name"] == "followed")
        return float(metric["value"])

    first = newest()
    assert screen.until_here(lambda: newest() >= first + points)


def _hide(screen: Any, *, hidden: bool) -> None:
    """Put the tab behind another one, or in front: what the browser tells a page of that."""
    screen.page.evaluate(
        """hidden => {
          Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
          document.dispatchEvent(new Event('visibilitychange'));
        }""",
        hidden,
    )
