"""Pages of runs in the states that are no success: failed, killed, mismatch, narrow; and Notebook 7."""

from __future__ import annotations

from typing import Any

from model_ground import run_program
from test_accessible import THEMES, serious
from test_run_page import in_both_themes, open_page, run_of, show

PANEL = "#jupyter-mltrack-panel"
PAGE = ".mltrack-RunPage"
ENDS = """
import math
import jupyter_mltrack as m
try:
    with m.track("failed-run", params={"lr": 0.1, "layers": 3}, tags={"team": "vision"}):
        for step in range(60):
            m.log({"loss": math.exp(-step / 20), "acc": 1 - math.exp(-step / 20)}, step=step)
        raise ValueError("shapes (64, 10) and (3,) are not aligned")
except ValueError:
    pass
try:
    with m.track("killed-run", params={"lr": 0.2}):
        for step in range(30):
            m.log({"loss": math.exp(-step / 10)}, step=step)
        raise KeyboardInterrupt
except KeyboardInterrupt:
    pass
with m.track("good-run", params={"lr": 0.3}):
    import mlflow
    mlflow.log_text("first line\\nsecond line", "notes/about.md")
    mlflow.log_dict({"lr": 0.3}, "config.json")
    m.log({"loss": 0.5}, step=0)
"""


def test_failed_and_killed_runs_say_how_they_ended(screen: Any, lab: Any) -> None:
    path = lab.project("1")
    run_program(lab, path, ENDS)
    screen.open(path)
    screen.wait(screen.run_row("killed-run", "KILLED"))
    screen.wait(screen.run_row("failed-run", "FAILED"))
    for name, status in (("failed-run", "FAILED"), ("killed-run", "KILLED")):
        open_page(screen, run_of(lab, path, name))
        page = f"{PAGE}:visible"
        screen.wait(f'{page} .mltrack-PageHead .mltrack-Status[data-status="{status}"]')
        screen.wait(f"{page} .mltrack-Charts canvas")
        in_both_themes(screen, f"run-{status.lower()}")
    screen.command("jupyter-mltrack:open-page", **_args(run_of(lab, path, "failed-run")))
    said = screen.wait(f"{PAGE}:visible .mltrack-PageError").text_content()
    assert "shapes (64, 10) and (3,) are not aligned" in said
    assert serious(screen, '.mltrack-PageHost[data-page="run"]') == []
    assert serious(screen, PANEL) == []


def _args(run: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "run", "workspace": run["workspace_id"], "runIds": [run["run_id"]]}


def test_artifacts_fit_into_240_pixels(screen: Any, lab: Any) -> None:
    path = lab.project("1")
    run_program(lab, path, ENDS)
    screen.open(path)
    open_page(screen, run_of(lab, path, "good-run"))
    screen.page.add_style_tag(content=f"{PAGE} {{ width: 240px !important; }}")
    show(screen, "artifacts")
    row = f'{PAGE} [role=tree] [data-path="config.json"]'
    screen.wait(row)
    screen.page.click(row)
    screen.wait(f'{PAGE} .mltrack-Preview[aria-busy="false"] pre')
    in_both_themes(screen, "artifacts-240")
    wide = screen.page.evaluate(
        f"""() => {{ const page = document.querySelector('{PAGE}');
            const right = page.getBoundingClientRect().right + 1;
            return [...page.querySelectorAll('button, [role=treeitem], pre, .mltrack-Preview-size')]
              .filter(node => node.getBoundingClientRect().width > 0
                && node.getBoundingClientRect().right > right && !node.closest('.mltrack-Tabs'))
              .map(node => node.className || node.tagName) }}"""
    )
    assert wide == []
    for tab in ("metrics", "parameters", "logs", "source"):
        show(screen, tab)
        screen.picture(f"run-240-{tab}-light")


def test_pages_of_a_server_of_another_version_say_so(screen: Any, lab: Any) -> None:
    def of_another_version(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"wire_version": 999})

    screen.page.route("**/mltrack/api/status*", of_another_version)
    screen.open(lab.project("1"), show_panel=False)
    for kind, ids in (("run", ["a"]), ("compare", ["a", "b"]), ("runs", [])):
        screen.command("jupyter-mltrack:open-page", kind=kind, workspace="any", runIds=ids)
        page = f'.mltrack-PageHost[data-page="{kind}"]'
        notice = screen.wait(f"{page} .mltrack-Notice").text_content()
        assert "different versions" in notice
        assert screen.page.locator(f"{page} .mltrack-Problem").count() == 0
        in_both_themes(screen, f"mismatch-{kind}")
        assert serious(screen, page) == []


def test_notebook_7_shows_pages_below_the_notebook(screen: Any, lab: Any) -> None:
    path = lab.project("1")
    run_program(lab, path, ENDS)
    lab.request(f"mltrack/api/workspaces?path={path}")
    screen.only_own_errors = True  # Notebook 7.6 has one of its own at each start.
    screen.page.goto(f"{lab.address}/notebooks/{path}?token=browser")
    screen.wait(".jp-Notebook .jp-CodeCell")
    screen.page.wait_for_function("() => window.jupyterapp?.started")
    screen.theme(THEMES[0])
    runs = [run_of(lab, path, name) for name in ("failed-run", "good-run")]
    ids = [run["run_id"] for run in runs]
    for kind, named, inside in (
        ("run", ids[:1], ".mltrack-PageHead-title"),
        ("runs", [], ".mltrack-RunRow"),
        ("compare", ids, ".mltrack-Pick"),
    ):
        screen.command(
            "jupyter-mltrack:open-page",
            kind=kind,
            workspace=runs[0]["workspace_id"],
            runIds=named,
        )
        page = f'.mltrack-PageHost[data-page="{kind}"]'
        screen.wait(f"{page} {inside}")
        screen.picture(f"notebook-7-{kind}-light")
        assert screen.page.evaluate(LOOK_AT, page) > 160  # So much of its height can be seen.


LOOK_AT = """selector => {
  const box = document.querySelector(selector).getBoundingClientRect();
  return Math.min(box.bottom, window.innerHeight) - Math.max(box.top, 0);
}"""
