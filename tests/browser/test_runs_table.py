"""Runs at scale: filter with completion, sort, columns, tree, acts with undo, the wide table and its file."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PANEL = "#jupyter-mltrack-panel"
RUNS = f"{PANEL} .mltrack-Runs"
PAGE = ".mltrack-RunsPage"
BOX = f"{RUNS} .mltrack-Filter input"
COUNT = ".mltrack-Search-count"
ROOT = Path(__file__).parents[2]
DARK = "JupyterLab Dark"
NESTED = """import jupyter_mltrack
for outer in range(2):
    with jupyter_mltrack.track(f"sweep-{outer}", tags={"team": "vision"}):
        for inner in range(3):
            with jupyter_mltrack.track(f"child-{outer}-{inner}", nested=True, params={"lr": 10.0**-inner, "seed": 7}):
                jupyter_mltrack.log({"loss": 0.5 + inner - outer / 4, "val loss": 1.0 * inner}, step=0)
with jupyter_mltrack.track("alone", params={"lr": 0.5, "optimizer": "adam"}):
    jupyter_mltrack.log({"loss": 3.5, "val loss": 9.0}, step=0)
"""


@pytest.fixture(scope="module")
def ten_thousand(lab: Any) -> dict[str, str]:
    """A project with 10,000 runs of 20 parameters and 20 metrics, made once; `path` lies in it."""
    folder = lab.root / "ground"
    command = [sys.executable, "-m", "benchmarks.ground", str(folder), "--runs", "10000"]
    made = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    (folder / "note.ipynb").write_text(
        json.dumps(
            {
                "cells": [
                    {
                        "cell_type": "code",
                        "source": "1",
                        "metadata": {},
                        "outputs": [],
                        "execution_count": None,
                        "id": "one",
                    }
                ],
                "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
                "nbformat": 4,
                "nbformat_minor": 5,
            }
        )
    )
    return {**json.loads(made.stdout), "path": "ground/note.ipynb"}


def _nested(screen: Any, lab: Any) -> None:
    path = lab.project("%load_ext jupyter_mltrack", NESTED)
    screen.open(path)
    screen.wait_kernel()
    screen.run_cell(0)
    screen.run_cell(1)
    screen.wait(screen.run_row("alone", "FINISHED"))
    screen.wait(f"{RUNS} {COUNT}:has-text('3 runs')")
    screen.command("jupyter-mltrack:sync")  # A filter asks the store: all must have arrived there.


def _wait_names(screen: Any, names: list[str], root: str = RUNS) -> None:
    screen.page.wait_for_function(
        """([root, names]) => JSON.stringify(
            [...document.querySelectorAll(`${root} .mltrack-RunRow .mltrack-Row-name`)].map(node => node.title)
          ) === names""",
        arg=[root, json.dumps(names, separators=(",", ":"))],
    )


def _typed(screen: Any, text: str) -> None:
    """Wait until the box holds this and the caret stands behind it."""
    screen.until(
        """([box, text]) => { const input = document.querySelector(box);
            return input.value === text && input.selectionStart === text.length
              && document.activeElement === input; }""",
        [BOX, text],
    )


def _focus(screen: Any, name: str) -> None:
    screen.page.focus(screen.run_row(name))
    screen.focused(".mltrack-RunRow")


def test_child_runs_stand_below_their_parents_and_a_filter_finds_them(
    screen: Any, lab: Any
) -> None:
    _nested(screen, lab)
    _wait_names(screen, ["alone", "sweep-1", "sweep-0"])
    screen.page.click(f"{screen.run_row('sweep-1')} .mltrack-Branch-button")
    _wait_names(screen, ["alone", "sweep-1", "child-1-2", "child-1-1", "child-1-0", "sweep-0"])
    assert screen.page.get_attribute(screen.run_row("child-1-0"), "aria-level") == "2"
    screen.picture("runs-tree")
    _focus(screen, "sweep-1")
    screen.page.keyboard.press("ArrowLeft")
    _wait_names(screen, ["alone", "sweep-1", "sweep-0"])
    screen.page.fill(BOX, "child-1")
    _wait_names(screen, ["child-1-2", "child-1-1", "child-1-0"])
    screen.page.fill(BOX, "metrics.loss >")
    option = screen.wait(f"{RUNS} .mltrack-Filter [role=combobox][aria-invalid=true]")
    assert option
    assert screen.wait(f"{RUNS} .mltrack-FilterPlace").text_content().rstrip().endswith("^")
    screen.picture("runs-filter-wrong")


def test_keys_operators_and_values_are_proposed_as_they_are_typed(screen: Any, lab: Any) -> None:
    _nested(screen, lab)
    keyboard = screen.page.keyboard
    screen.page.click(BOX)
    keyboard.type("val")
    options = f"{RUNS} .mltrack-Proposal"
    screen.wait(f"{options}:has-text('val loss')")
    screen.picture("runs-completion")
    keyboard.press("ArrowDown")
    marked = screen.wait(f"{options}[aria-selected=true]")
    assert screen.page.get_attribute(BOX, "aria-activedescendant") == marked.get_attribute("id")
    keyboard.press("Enter")
    screen.wait(f"{options}:text-is('>=')")
    _typed(screen, "metrics.`val loss` ")
    keyboard.type("> 1 and params.opt")
    screen.wait(f"{options}:has-text('params.optimizer')")
    keyboard.press("ArrowDown")
    screen.wait(f"{options}[aria-selected=true]:has-text('params.optimizer')")
    keyboard.press("Tab")
    _typed(screen, "metrics.`val loss` > 1 and params.optimizer ")
    keyboard.type("= ")
    screen.wait(f"{options}:text-is('adam')")
    keyboard.press("ArrowDown")
    screen.wait(f"{options}[aria-selected=true]:has-text('adam')")
    keyboard.press("Enter")
    _typed(screen, "metrics.`val loss` > 1 and params.optimizer = 'adam' ")
    _wait_names(screen, ["alone"])
    keyboard.press("Escape")
    keyboard.press("Escape")


def test_runs_are_starred_renamed_tagged_deleted_and_all_of_it_undone(
    screen: Any, lab: Any
) -> None:
    _nested(screen, lab)
    keyboard = screen.page.keyboard
    row = screen.run_row("alone")
    screen.page.hover(row)
    screen.page.click(f"{row} .mltrack-Star")
    screen.wait(f"{row} .mltrack-Star[aria-pressed=true]")
    screen.page.click(f'{RUNS} [aria-label="Only runs with a star"]')
    _wait_names(screen, ["alone"])
    screen.page.click(f'{RUNS} [aria-label="Only runs with a star"]')
    _wait_names(screen, ["alone", "sweep-1", "sweep-0"])
    _focus(screen, "sweep-0")
    keyboard.press("F2")
    screen.focused(f"{RUNS} .mltrack-Rename")
    keyboard.type("renamed <b>run</b>")
    keyboard.press("Enter")
    screen.wait(screen.run_row("renamed <b>run</b>"))
    screen.undo("is now")
    screen.wait(screen.run_row("sweep-0"))
    screen.page.check(f"{screen.run_row('sweep-0')} input[type=checkbox]")
    screen.page.click(f"{screen.run_row('sweep-1')} input[type=checkbox]", modifiers=["Shift"])
    screen.wait(f"{RUNS} {COUNT}:has-text('2 selected')")
    screen.page.click(f"{RUNS} .mltrack-ListBar-acts >> text=Tags")
    screen.wait(f"{RUNS} .mltrack-TagRow:has-text('vision')")
    screen.page.fill(f'{RUNS} [aria-label="Name of a tag"]', "stage")
    screen.page.fill(f'{RUNS} [aria-label="Value of the tag"]', "=1+1")
    keyboard.press("Enter")
    screen.wait(f"{RUNS} .mltrack-TagRow:has-text('=1+1')")
    screen.picture("runs-tags")
    screen.theme(DARK)
    screen.picture("runs-tags-dark")
    screen.page.click(f'{RUNS} [aria-label="Take tag team away"]')
    screen.wait(f"{RUNS} .mltrack-TagRow:has-text('vision')", state="detached")
    screen.page.click(f"{RUNS} .mltrack-ListBar-acts >> text=Delete")
    screen.wait(f"{RUNS} .mltrack-Asked")
    screen.picture("runs-delete-question")
    screen.page.click(f"{RUNS} .mltrack-Asked .mltrack-mod-danger")
    _wait_names(screen, ["alone"])
    screen.undo("deleted")
    _wait_names(screen, ["alone", "sweep-1", "sweep-0"])
    _focus(screen, "alone")
    keyboard.press("Delete")
    screen.focused(f"{RUNS} .mltrack-Asked button")
    keyboard.press("Tab")
    screen.focused(f"{RUNS} .mltrack-Asked .mltrack-mod-danger")
    keyboard.press("Enter")
    _wait_names(screen, ["sweep-1", "sweep-0"])
    screen.page.click(f'{RUNS} [aria-label="Deleted runs"]')
    _wait_names(screen, ["alone"])
    screen.picture("runs-deleted")
    screen.page.click(f"{screen.run_row('alone')} input[type=checkbox]")
    screen.page.click(f"{RUNS} .mltrack-ListBar-acts >> text=Restore")
    screen.wait(f"{RUNS} .mltrack-Empty-line")
    screen.page.click(f'{RUNS} [aria-label="Deleted runs"]')
    _wait_names(screen, ["alone", "sweep-1", "sweep-0"])


def _open_table(screen: Any, made: dict[str, str], search: str = "") -> None:
    screen.command(
        "jupyter-mltrack:open-page",
        kind="runs",
        workspace=made["workspace"],
        experiment=made["experiment"],
        search=search,
    )
    screen.wait(f"{PAGE} .mltrack-RunRow")


FRAMES = """async selector => {
  const list = document.querySelector(selector);
  const times = [];
  let most = 0;
  const began = performance.now();
  let last = began;
  while (performance.now() - began < 1500 || times.length < 30) {
    list.scrollTop += 120;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    times.push(now - last);
    last = now;
    most = Math.max(most, document.querySelectorAll(`${selector} .mltrack-RunRow`).length);
  }
  times.sort((a, b) => a - b);
  return {frames: times.length, p95: times[Math.floor(times.length * 0.95)], most,
          top: list.scrollTop};
}"""


def _busy(meter: Any) -> dict[str, float]:
    """Seconds that the page's main thread has worked, by kind."""
    wanted = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration", "TaskDuration")
    metrics = meter.send("Performance.getMetrics")["metrics"]
    return {one["name"]: one["value"] for one in metrics if one["name"] in wanted}


def test_s33_ten_thousand_runs_scroll_sort_filter_and_become_a_file(
    screen: Any, lab: Any, ten_thousand: dict[str, str]
) -> None:
    screen.open(ten_thousand["path"])
    screen.wait(f"{RUNS} {COUNT}:has-text('9,400 runs')")
    screen.picture("runs-ten-thousand")
    sizes: list[int] = []

    def weigh(answer: Any) -> None:
        if "/mltrack/api/runs?" in answer.url:
            sizes.append(len(answer.body()))

    screen.page.on("response", weigh)
    _open_table(screen, ten_thousand)
    screen.wait(f"{PAGE} {COUNT}:has-text('9,400 runs')")
    screen.wait(f"{PAGE} [role=columnheader]:has-text('started')")
    screen.page.wait_for_timeout(500)
    screen.picture("table-light")
    screen.theme(DARK)
    screen.picture("table-dark")
    screen.theme("JupyterLab Light")
    meter = screen.page.context.new_cdp_session(screen.page)
    meter.send("Performance.enable")
    before = _busy(meter)
    moved = screen.page.evaluate(FRAMES, f"{PAGE} .mltrack-List")
    frames = max(1, moved["frames"])
    moved |= {name: 1000 * (now - before[name]) / frames for name, now in _busy(meter).items()}
    print("scrolling", moved)
    assert moved["most"] <= 200
    assert moved["top"] > 1000
    assert max(sizes) < 300_000, sizes
    loss = f"{PAGE} [role=columnheader]:has(.mltrack-Name[title=loss]) .mltrack-Table-sort"
    began = screen.page.evaluate("() => performance.now()")
    screen.page.click(loss)
    screen.wait(f"{PAGE} [role=columnheader][aria-sort=descending] .mltrack-Name[title=loss]")
    screen.page.click(loss)
    screen.wait(f"{PAGE} [role=columnheader][aria-sort=ascending] .mltrack-Name[title=loss]")
    print("two sorts, ms", screen.page.evaluate("() => performance.now()") - began)
    with screen.saved("metrics.loss < 0.2"):
        screen.page.fill(f"{PAGE} .mltrack-Filter input", "metrics.loss < 0.2")
    screen.page.wait_for_function(
        "selector => /^[1-9][\\d,]* runs?$/.test(document.querySelector(selector).textContent)"
        " && !/9,400/.test(document.querySelector(selector).textContent)",
        arg=f"{PAGE} {COUNT}",
    )
    text = screen.page.text_content(f"{PAGE} {COUNT}")
    with screen.page.expect_download() as waited:
        screen.page.click(f"{PAGE} [aria-label='Export all runs that fit as CSV']")
    lines = list(csv.reader(io.StringIO(Path(waited.value.path()).read_text("utf-8-sig"))))
    assert len(lines) - 1 == int(text.split()[0].replace(",", ""))
    assert lines[0][:3] == ["run_id", "name", "status"]
    at = lines[0].index("metrics.loss")
    values = [float(line[at]) for line in lines[1:]]
    assert max(values) < 0.2
    assert values == sorted(values)
    screen.page.reload()
    screen.wait(f"{PAGE} .mltrack-RunRow")
    assert screen.page.input_value(f"{PAGE} .mltrack-Filter input") == "metrics.loss < 0.2"


def test_columns_are_chosen_made_wider_and_remembered(
    screen: Any, lab: Any, ten_thousand: dict[str, str]
) -> None:
    screen.open(ten_thousand["path"], show_panel=False)
    _open_table(screen, ten_thousand)
    heads = f"{PAGE} [role=columnheader] .mltrack-Name"
    screen.wait(f"{heads}[title=loss]")
    screen.page.click(f'{PAGE} button[aria-label="Columns"]')
    screen.wait(f"{PAGE} .mltrack-Columns-group")
    screen.page.wait_for_timeout(300)
    screen.picture("table-columns")
    screen.page.keyboard.type("loss")
    screen.page.uncheck(f"{PAGE} .mltrack-Check:has(.mltrack-Name[title=loss]) input")
    screen.wait(f"{heads}[title=loss]", state="detached")
    screen.page.keyboard.press("Escape")
    edge = f'{PAGE} [role=separator][aria-label="Width of started"]'
    screen.page.locator(edge).focus()
    with screen.saved(",184]"):
        for _ in range(4):
            screen.page.keyboard.press("ArrowRight")
        screen.wait(f'{edge}[aria-valuenow="184"]')
    screen.page.reload()
    screen.wait(f'{edge}[aria-valuenow="184"]')
    assert screen.page.locator(f"{heads}[title=loss]").count() == 0


def test_s12_hostile_names_in_the_table_its_file_and_its_tags_stay_text(
    screen: Any, lab: Any
) -> None:
    names = [
        "=cmd|' /C calc'!A0",
        "<img src=/trap-x onerror=alert(1)>",
        "\u202egnirts",
        "__proto__",
        "x" * 3000,
    ]
    cell = f"""import jupyter_mltrack
for name in {names!r}:
    with jupyter_mltrack.track(name, params={{"__proto__": name[:400], "constructor": "1", "@note": name[:400]}}):
        jupyter_mltrack.log({{"<b>loss</b>": float(len(name))}}, step=0)
"""
    path = lab.project("%load_ext jupyter_mltrack", cell)
    screen.open(path)
    screen.wait_kernel()
    screen.run_cell(0)
    screen.run_cell(1)
    screen.wait(f"{RUNS} {COUNT}:has-text('5 runs')")
    screen.page.click(f'{RUNS} [aria-label="Open as a table"]')
    screen.wait(f"{PAGE} .mltrack-RunRow")
    screen.wait(f"{PAGE} [role=columnheader] .mltrack-Name[title=__proto__]")
    screen.page.wait_for_timeout(500)
    screen.picture("table-hostile")
    with screen.page.expect_download() as waited:
        screen.page.click(f"{PAGE} [aria-label='Export all runs that fit as CSV']")
    lines = list(csv.reader(io.StringIO(Path(waited.value.path()).read_text("utf-8-sig"))))
    fields = [field for line in lines for field in line]
    assert "'=cmd|' /C calc'!A0" in fields
    assert not [field for field in fields if field.startswith(("=", "@", "+"))]
    made = screen.page.evaluate(
        """selector => [...document.querySelectorAll(selector + ' *')].filter(node =>
            ['IMG', 'SCRIPT', 'IFRAME', 'B'].includes(node.tagName)
            || [...node.attributes].some(one => one.name.startsWith('on'))).map(node => node.outerHTML)""",
        PAGE,
    )
    assert made == []
    text = screen.page.evaluate("selector => document.querySelector(selector).textContent", PAGE)
    assert not set(text) & set("\u202e\u2066\u200b")
    assert [url for url in screen.requests if "/trap-" in url] == []


def test_workspaces_are_added_chosen_and_taken_off_the_list(
    screen: Any, lab: Any, ten_thousand: dict[str, str]
) -> None:
    screen.open(lab.project("1"))
    face = f"{PANEL} .mltrack-Switcher > button"
    screen.page.click(face)
    screen.wait(f"{PANEL} .mltrack-WorkspaceRow")
    screen.page.click("text=Add workspace …")
    field = f"{PANEL} .mltrack-AddWorkspace input >> nth=0"
    screen.page.fill(field, "file:///etc")
    screen.page.keyboard.press("Enter")
    screen.wait(f"{PANEL} .mltrack-AddWorkspace .mltrack-Problem")
    screen.picture("workspaces-refused")
    screen.page.fill(field, "ground")
    screen.page.fill(f"{PANEL} .mltrack-AddWorkspace input >> nth=1", "<b>big</b> one")
    screen.page.keyboard.press("Enter")
    screen.wait(f"{PANEL} .mltrack-Header-name[title='<b>big</b> one']")
    screen.wait(f"{RUNS} {COUNT}:has-text('9,400 runs')")
    screen.page.click(face)
    screen.wait(f"{PANEL} .mltrack-WorkspaceRow")
    screen.picture("workspaces")
    screen.theme(DARK)
    screen.picture("workspaces-dark")
    screen.page.click(f"{PANEL} [aria-label='Take <b>big</b> one off the list']")
    screen.wait(f"{PANEL} .mltrack-Header-name[title='<b>big</b> one']", state="detached")


def test_240_pixels_hold_the_filter_the_rows_and_what_is_selected(screen: Any, lab: Any) -> None:
    _nested(screen, lab)
    screen.page.add_style_tag(
        content=f"{PANEL} {{ width: 240px !important; min-width: 0 !important; }}"
    )
    screen.page.check(f"{screen.run_row('sweep-0')} input[type=checkbox]")
    screen.page.check(f"{screen.run_row('alone')} input[type=checkbox]")
    screen.page.wait_for_timeout(300)
    screen.picture("runs-240-selected")
    right = screen.page.locator(PANEL).bounding_box()
    inside = screen.page.evaluate(
        """([selector, right]) => [...document.querySelectorAll(`${selector} button, ${selector} input`)]
            .filter(node => node.getBoundingClientRect().right > right + 1).map(node => node.textContent)""",
        [RUNS, right["x"] + right["width"]],
    )
    assert inside == []
    screen.page.click(f'{RUNS} button[aria-label="Columns"]')
    screen.wait(f"{RUNS} .mltrack-Columns-group")
    screen.picture("runs-240-columns")
    screen.page.keyboard.press("Escape")
    screen.page.click(f"{RUNS} .mltrack-ListBar-acts >> text=Compare")
    screen.wait(".mltrack-PageHost[data-page=compare]")
