"""axe-core finds nothing serious in the panel or on its pages, in light, dark and high contrast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from model_ground import train

PANEL = "#jupyter-mltrack-panel"
PAGE = ".mltrack-PageHost"
AXE = Path(__file__).parents[2] / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
THEMES = ("JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast")
TRAIN = """%%track {name}
from jupyter_mltrack import log
rate = {rate}
for step in range(20):
    log({{"loss": rate / (step + 1), "acc": step / 20}}, step=step)
"""
LOOK = """async selector => {
  const found = await axe.run(selector, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
    resultTypes: ['violations']
  });
  return found.violations
    .filter(one => one.impact === 'serious' || one.impact === 'critical')
    .flatMap(one => one.nodes.slice(0, 5).map(node =>
      `${one.id}: ${node.html.slice(0, 160)} (${node.failureSummary.slice(0, 200)})`));
}"""


def serious(screen: Any, selector: str) -> list[str]:
    """What axe-core calls serious or critical below an element, in each theme."""
    if not AXE.exists():
        pytest.skip("axe-core is not there: npm ci in labextension/")
    screen.page.add_script_tag(path=str(AXE))
    found = []
    for theme in THEMES:
        screen.theme(theme)
        found += [f"{theme}: {one}" for one in screen.page.evaluate(LOOK, selector)]
    return found


def _by_tab(screen: Any, page: str) -> list[str]:
    """The same for a page and each of its tabs; a theme is put on once for all of them."""
    screen.page.add_script_tag(path=str(AXE))
    tabs = screen.page.locator(f"{page} [role=tab]")
    found = []
    for theme in THEMES:
        screen.theme(theme)
        for index in range(tabs.count()):
            tabs.nth(index).click()
            screen.wait(f"{page} .mltrack-Skeleton-row", state="detached")
            name = tabs.nth(index).text_content()
            found += [f"{theme}, {name}: {one}" for one in screen.page.evaluate(LOOK, page)]
        if tabs.count() == 0:
            found += [f"{theme}: {one}" for one in screen.page.evaluate(LOOK, page)]
    return found


def _tracked(screen: Any, lab: Any) -> tuple[str, list[str]]:
    """A project with two finished runs in front; its workspace and their ids."""
    sources = [TRAIN.format(name=f"run-{rate}", rate=rate) for rate in (1, 2)]
    path = lab.project("%load_ext jupyter_mltrack", *sources)
    screen.open(path)
    screen.wait_kernel()
    for cell in range(3):
        screen.run_cell(cell)
    screen.wait(screen.run_row("run-2"))
    listed = lab.request(f"mltrack/api/workspaces?path={path}")["workspaces"]
    workspace = next(one["id"] for one in listed if one["current"])
    runs = lab.request(f"mltrack/api/runs?workspace={workspace}")["runs"]
    return workspace, [run["run_id"] for run in runs]


def test_the_panel_its_sections_and_what_they_open(screen: Any, lab: Any) -> None:
    _tracked(screen, lab)
    assert serious(screen, PANEL) == []
    screen.page.click(screen.run_row("run-2"))
    screen.wait(f"{PANEL} .mltrack-Charts canvas")
    assert serious(screen, PANEL) == []
    assert serious(screen, ".jp-Notebook .mltrack-CellChip") == []


@pytest.mark.parametrize("kind", ["run", "compare", "runs"])
def test_pages_of_runs(screen: Any, lab: Any, kind: str) -> None:
    workspace, ids = _tracked(screen, lab)
    about = {"run": {"runIds": ids[:1]}, "compare": {"runIds": ids}, "runs": {}}
    screen.command("jupyter-mltrack:open-page", kind=kind, workspace=workspace, **about[kind])
    page = f'{PAGE}[data-page="{kind}"]'
    screen.wait(f"{page} h2, {page} .mltrack-RunsPage")
    screen.wait(f"{page} :is(.mltrack-Charts canvas, .mltrack-RunRow)")
    assert _by_tab(screen, page) == []


def test_the_page_of_a_version_and_the_section_of_models(screen: Any, lab: Any) -> None:
    path = lab.project("")
    train(lab, path, {"run": "made", "model": "churn"})
    screen.open(path)
    screen.page.click(f'{PANEL} .mltrack-ModelRow[data-model="churn"]')
    screen.page.click(f"{PANEL} .mltrack-VersionRow")
    screen.wait(f"{PANEL} .mltrack-Signature")
    assert serious(screen, PANEL) == []
    screen.page.click(f'{PANEL} .mltrack-VersionDetail button:text-is("Open page")')
    page = f'{PAGE}[data-page="version"]'
    screen.wait(f"{page} [role=tab]")
    assert _by_tab(screen, page) == []
