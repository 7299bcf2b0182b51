"""A server that dies and comes back, and a page that slept: nothing that was logged is missed."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from screen import LIMIT_MS

PANEL = "#jupyter-mltrack-panel"
BEFORE, POINTS = 40, 120
PROGRAM = f"""
import os, time
import jupyter_mltrack
with jupyter_mltrack.track("goes-on"):
    for step in range({POINTS}):
        jupyter_mltrack.log({{"loss": 1 / (step + 1)}}, step=step)
        while step == {BEFORE} and not os.path.exists("crashed"):
            time.sleep(0.05)
    while not os.path.exists("is-back"):
        time.sleep(0.05)
"""


def test_a_restarted_server_is_found_again_and_no_point_is_missed(screen: Any, lab: Any) -> None:
    screen.only_own_errors = True
    path = lab.project("")
    screen.open(path)
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=lab.folder(path), env=lab.environment
    )
    screen.page.click(screen.live_row("goes-on", "RUNNING"))
    screen.wait(f"{PANEL} .mltrack-Charts canvas")
    lab.crash()
    (lab.folder(path) / "crashed").touch()
    lab.start()
    (lab.folder(path) / "is-back").touch()
    screen.wait(f'{PANEL} .mltrack-PointCount[data-count="{POINTS}"]')
    assert program.wait(LIMIT_MS / 1000) == 0
    screen.wait(screen.run_row("goes-on", "FINISHED"))


def test_pages_of_another_version_ask_for_a_reload(screen: Any, lab: Any) -> None:
    def of_another_version(route: Any) -> None:
        answer = route.fetch()
        body = answer.json() | {"wire_version": 999_999}
        route.fulfill(response=answer, json=body)

    screen.page.route("**/mltrack/api/status*", of_another_version)
    screen.open(lab.project(""), show_panel=False)
    args = {"kind": "run", "workspace": "any", "runIds": ["any"]}
    screen.command("jupyter-mltrack:open-page", **args)
    notice = screen.wait(".mltrack-PageHost .mltrack-Notice")
    assert "different versions" in notice.text_content()
    screen.picture("page-mismatch-light")
