"""A server that dies and comes back, and a page that slept: nothing that was logged is missed."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

PANEL = "#jupyter-mltrack-panel"
POINTS = 150
PROGRAM = f"""
import time
import jupyter_mltrack
with jupyter_mltrack.track("goes-on"):
    for step in range({POINTS}):
        jupyter_mltrack.log({{"loss": 1 / (step + 1)}}, step=step)
        time.sleep(0.15)
"""


def _restart(lab: Any) -> None:
    """Kill the server as a crash would, and start it again where it was."""
    arguments = lab.process.args
    lab.process.kill()
    lab.process.wait()
    lab.process = subprocess.Popen(
        arguments,
        cwd=lab.root,
        env=lab.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s:
        try:
            lab.request("mltrack/api/status")
        except OSError:
            time.sleep(0.2)
        else:
            return


def test_a_restarted_server_is_found_again_and_no_point_is_missed(screen: Any, lab: Any) -> None:
    screen.only_own_errors = True
    path = lab.project("")
    screen.open(path)
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=lab.folder(path), env=lab.environment
    )
    screen.page.click(screen.live_row("goes-on", "RUNNING"))
    screen.wait(f"{PANEL} .mltrack-Charts canvas")
    _restart(lab)
    assert program.wait(120) == 0
    screen.page.wait_for_function(
        "([selector, count]) => document.querySelector(selector)?.dataset.count === String(count)",
        arg=[f"{PANEL} .mltrack-PointCount", POINTS],
        timeout=90_000,
    )
    screen.wait(screen.run_row("goes-on", "FINISHED"), timeout_ms=60_000)


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
