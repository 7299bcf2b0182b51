"""The first minute: an empty project, and a panel that keeps still until somebody looks."""

from __future__ import annotations

from typing import Any

from test_accessible import serious

PANEL = "#jupyter-mltrack-panel"
LOAD = "%load_ext jupyter_mltrack"


def test_an_empty_project_says_what_fills_it_and_the_button_does(screen: Any, lab: Any) -> None:
    path = lab.project("")
    screen.open(path)
    screen.wait_kernel()
    line = screen.wait(f"{PANEL} .mltrack-Runs .mltrack-Empty-line")
    assert "%%track" in line.text_content()
    screen.picture("empty-light")
    screen.theme("JupyterLab Dark")
    screen.picture("empty-dark")
    assert serious(screen, PANEL) == []
    screen.page.click(f"{PANEL} .mltrack-Empty .mltrack-Button")
    cells = screen.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.widgets.map(c => c.model.sharedModel.getSource())"
    )
    assert cells[0] == LOAD
    assert cells[1].startswith("%%track\n")
    assert len(cells) == 2
    screen.page.evaluate("() => void window.jupyterapp.commands.execute('notebook:run-all-cells')")
    row = screen.wait(f'{PANEL} .mltrack-LiveRow[data-status="RUNNING"]')
    assert "loss" in row.text_content()


def test_the_panel_asks_nothing_before_it_is_shown(screen: Any, lab: Any) -> None:
    path = lab.project("1 + 1")
    screen.open(path, show_panel=False)
    screen.page.wait_for_timeout(1000)
    assert [url for url in screen.requests if "/mltrack/" in url] == []
    screen.page.click(".lm-TabBar-tab[data-id='jupyter-mltrack-panel']")
    screen.wait(f"{PANEL} .mltrack-Runs .mltrack-Empty-line")
    assert [url for url in screen.requests if "/mltrack/" in url] != []
