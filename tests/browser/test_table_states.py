"""The wide table where there is nothing, where it is not allowed, and where its place is away."""

from __future__ import annotations

from typing import Any

import pytest
from test_accessible import serious
from test_run_page import in_both_themes

PANEL = "#jupyter-mltrack-panel"
PAGE = '.mltrack-PageHost[data-page="runs"]'
SINCE_MS = 1_700_000_000_000
PROBLEMS = {
    "denied": {
        "code": "forbidden",
        "message": 'You may not read runs of workspace "team".',
        "hint": "Ask its owner for the role AzureML Data Scientist.",
    },
    "unreachable": {
        "code": "store_unreachable",
        "message": 'Workspace "team" cannot be reached.',
        "hint": "What was logged is kept here and sent when it is back.",
    },
}


def _in_state(state: str) -> Any:
    """Have answers say that the workspace is in this state: what its server says to everything."""
    problem = PROBLEMS[state]
    health = {key: problem[key] for key in ("message", "hint")} | {"since_ms": SINCE_MS}

    def answer(route: Any) -> None:
        got = route.fetch()
        body = got.json()
        for workspace in body.get("workspaces", []):
            workspace["health"] |= health | {"state": state}
        if "runs" in body:
            body |= {"runs": [], "next_page_token": None, "total": 0}
            body["problem"] = problem | {"retry_after_ms": None}
        route.fulfill(response=got, json=body)

    return answer


def test_the_table_and_the_panel_in_each_state_without_a_run(screen: Any, lab: Any) -> None:
    path = lab.project("1")
    screen.open(path)
    screen.wait(f"{PANEL} .mltrack-Runs .mltrack-Empty-line")
    listed = lab.request(f"mltrack/api/workspaces?path={path}")["workspaces"]
    workspace = next(one["id"] for one in listed if one["current"])
    screen.command("jupyter-mltrack:open-page", kind="runs", workspace=workspace)
    assert "%%track" in screen.wait(f"{PAGE} .mltrack-Empty-line").text_content()
    in_both_themes(screen, "table-empty")
    assert serious(screen, PAGE) == []
    for state, problem in PROBLEMS.items():
        answer = _in_state(state)
        for address in ("**/mltrack/api/runs?**", "**/mltrack/api/workspaces?**"):
            screen.page.unroute(address)
            screen.page.route(address, answer)
        screen.page.click(f'{PANEL} .mltrack-IconButton[title="Refresh"]')
        screen.page.click(f'{PAGE} .mltrack-IconButton[title="Refresh"]')
        for place in (PAGE, PANEL):
            said = f"{place} .mltrack-Problem-message:text-is({problem['message']!r})"
            screen.wait(said)
            assert screen.page.locator(f"{place} .mltrack-Search-count").text_content() == ""
        assert screen.page.locator(f"{PAGE} .mltrack-Empty-line").count() == 0
        screen.theme("JupyterLab Light")
        in_both_themes(screen, f"table-{state}")
        assert serious(screen, PAGE) == []
        assert serious(screen, PANEL) == []


@pytest.mark.parametrize("place", [PANEL, PAGE])
def test_a_damaged_filter_says_no_number(screen: Any, lab: Any, place: str) -> None:
    path = lab.project("1")
    screen.open(path)
    screen.wait(f"{PANEL} .mltrack-Runs .mltrack-Empty-line")
    if place == PAGE:
        screen.page.keyboard.press("Alt+Shift+KeyR")
    screen.page.fill(f"{place} .mltrack-Search-input", "metrics.loss <<< 1")
    screen.wait(f"{place} .mltrack-FilterProblem .mltrack-Problem-message")
    assert screen.page.locator(f"{place} .mltrack-Search-count").text_content() == ""
