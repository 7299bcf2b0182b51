"""What a person does beyond looking: copies, shortcuts, settings, two pages, a laptop that slept."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from model_ground import MODELS, model_row, run_program, train, version
from screen import LIMIT_MS
from test_accessible import serious
from test_run_page import in_both_themes, open_page, run_of, runs_of, show

PANEL = "#jupyter-mltrack-panel"
RUNS = f"{PANEL} .mltrack-Runs"
PAGE = ".mltrack-PageHost"
LOAD = "%load_ext jupyter_mltrack"
CHIP = ".jp-Notebook .mltrack-CellChip"
THREE = """
import jupyter_mltrack as m
for index in range(3):
    with m.track(f"run-{index}", params={"lr": 0.1 * (index + 1), "note": "a|b"}):
        m.log({"loss": 1 / (index + 1)}, step=0)
"""
SLOW = """%%track slow
import time
from jupyter_mltrack import log
for step in range(30_000):
    log({"loss": 1 / (step + 1)}, step=step)
    time.sleep(0.1)
"""


def test_a_table_is_copied_as_a_link_and_as_markdown(make_screen: Any, lab: Any) -> None:
    screen = make_screen(permissions=["clipboard-read", "clipboard-write"])
    path = lab.project("1")
    run_program(lab, path, THREE)
    screen.open(path)
    screen.wait(screen.run_row("run-2", "FINISHED"))
    screen.page.click(f'{RUNS} [aria-label="Open as a table"]')
    screen.wait(f"{PAGE} .mltrack-RunRow")
    screen.wait(f"{PAGE} [role=columnheader] .mltrack-Name[title=lr]")
    screen.page.click(f'{PAGE} [aria-label="Copy the first 50 runs as Markdown"]')
    table = screen.copied(lambda text: text.startswith("|")).splitlines()
    assert [line.split("|")[1].strip() for line in table] == [
        *("name", "---"),
        *("run-2", "run-1", "run-0"),
    ]
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1
    screen.page.fill(f"{PAGE} .mltrack-Filter input", "metrics.loss < 0.4")
    screen.wait(f"{PAGE} .mltrack-Search-count:text-is('1 run')")
    screen.page.click(f'{PAGE} [aria-label="Copy link"]')
    link = screen.copied(lambda text: "mltrack=runs:" in text)
    screen.go(f"{link}&token=browser")
    screen.wait(f"{PAGE} .mltrack-RunRow")
    assert screen.page.input_value(f"{PAGE} .mltrack-Filter input") == "metrics.loss < 0.4"
    screen.wait(f"{PAGE} .mltrack-Search-count:text-is('1 run')")


def test_two_pages_at_once_show_the_same(make_screen: Any, lab: Any) -> None:
    path = lab.project("1")
    run_program(lab, path, THREE)
    one, other = make_screen(), make_screen()
    for screen in (one, other):
        screen.open(path)
        screen.wait(screen.run_row("run-0"))
    run = run_of(lab, path, "run-0")
    open_page(one, run)
    one.page.click(f"{PAGE} .mltrack-PageStar")
    other.wait(f"{other.run_row('run-0')} .mltrack-Star[aria-pressed=true]")
    other.page.focus(other.run_row("run-0"))
    other.page.keyboard.press("F2")
    other.wait(f"{RUNS} .mltrack-Rename")
    other.page.fill(f"{RUNS} .mltrack-Rename", "changed")
    other.page.keyboard.press("Enter")
    one.wait(f'{PAGE} .mltrack-PageHead-title[data-name="changed"]')
    one.wait(one.run_row("changed"))
    open_page(other, run)
    other.page.click(f'{PAGE} [data-act="delete"]')
    other.page.click(f"{PAGE} .mltrack-Confirm .mltrack-mod-danger")
    one.wait(f"{PAGE} .mltrack-PageNotice:has-text('deleted')")
    one.wait(one.run_row("changed"), state="detached")


def test_a_page_that_slept_an_hour_misses_nothing(screen: Any, lab: Any) -> None:
    screen.only_own_errors = True
    screen.page.clock.install()
    path = lab.project("1")
    go_on = lab.folder(path) / "go-on"
    program = """
import os, time
import jupyter_mltrack as m
with m.track("sleeper"):
    for step in range(100):
        m.log({"loss": 1.0}, step=step)
    while not os.path.exists("go-on"):
        time.sleep(0.1)
    for step in range(100, 250):
        m.log({"loss": 2.0}, step=step)
with m.track("meanwhile"):
    m.log({"loss": 3.0}, step=0)
"""
    running = subprocess.Popen(
        [sys.executable, "-c", program], cwd=lab.folder(path), env=lab.environment
    )
    screen.open(path)
    screen.page.click(screen.live_row("sleeper", "RUNNING"))
    count = f"{PANEL} .mltrack-PointCount"
    screen.wait(f'{count}[data-count="100"]')
    screen.page.context.set_offline(True)
    go_on.touch()
    assert running.wait(LIMIT_MS / 1000) == 0
    screen.page.clock.fast_forward(3_600_000)
    screen.page.context.set_offline(False)
    screen.wait(f'{count}[data-count="250"]')
    screen.wait(screen.run_row("sleeper", "FINISHED"))
    screen.wait(screen.run_row("meanwhile", "FINISHED"))
    screen.wait(f"{PANEL} .mltrack-Notice", state="detached")


@pytest.fixture
def own_settings(lab: Any) -> Iterator[None]:
    """What the user changes is taken back."""
    yield
    lab.request("lab/api/settings/jupyter-mltrack:panel", "PUT", {"raw": "{}"})


@pytest.mark.usefixtures("own_settings")
def test_settings_take_chips_and_status_bar_away_at_once(screen: Any, lab: Any) -> None:
    path = lab.project(LOAD, SLOW)
    screen.open(path)
    screen.wait_kernel()
    screen.run_cell(0)
    screen.start_cell(1)
    screen.wait(f'{CHIP}[data-status="RUNNING"]')
    screen.wait(".mltrack-StatusItem-button")
    screen.page.click(f'{PANEL} .mltrack-IconButton[title="Settings"]')
    form = ".jp-SettingsPanel, .jp-SettingsEditor"
    screen.wait(form)
    for name in ("chips", "statusBar"):
        screen.page.uncheck(f'input[type=checkbox][id$="_{name}"]')
    screen.picture("settings")
    screen.wait(CHIP, state="detached")
    screen.wait(".mltrack-StatusItem-button", state="hidden")
    screen.page.check('input[type=checkbox][id$="_chips"]')
    screen.wait(f'{CHIP}[data-status="RUNNING"]', state="attached")


def test_shortcuts_open_the_newest_compare_the_chosen_and_stop(screen: Any, lab: Any) -> None:
    path = lab.project(LOAD, SLOW)
    run_program(lab, path, THREE)
    screen.open(path)
    screen.wait_kernel()
    keyboard = screen.page.keyboard
    for name in ("run-0", "run-2"):
        screen.page.check(f"{screen.run_row(name)} input[type=checkbox]")
    keyboard.press("Alt+Shift+KeyC")
    screen.wait(f'{PAGE}[data-page="compare"] .mltrack-Pick >> nth=1')
    screen.command("docmanager:open", path=path)
    screen.run_cell(0)
    screen.start_cell(1)
    screen.wait(screen.live_row("slow", "RUNNING"))
    keyboard.press("Escape")
    keyboard.press("Alt+Shift+KeyN")
    screen.wait(f'{PAGE}[data-page="run"] .mltrack-PageHead-title[data-name="slow"]')
    screen.page.click(f'{PAGE}[data-page="run"] [role="tab"][data-tab="source"]')
    screen.page.click(f'{PAGE}[data-page="run"] button:has-text("notebook")')
    screen.page.wait_for_function(
        """path => { const widget = window.jupyterapp.shell.currentWidget;
          return widget?.context?.path === path && widget.content.activeCellIndex === 1; }""",
        arg=path,
    )
    keyboard.press("Alt+Shift+KeyK")
    screen.wait(".jp-Dialog:has-text('Stop slow?')")
    screen.picture("stop-question")
    screen.page.click(".jp-Dialog button:has-text('Stop')")
    screen.wait(screen.live_row("slow", "KILLED"))


def test_a_model_is_registered_from_the_run_and_from_the_list(screen: Any, lab: Any) -> None:
    path = lab.project("1")
    train(lab, path, {"run": "with-model"})
    run_program(lab, path, THREE)
    screen.open(path)
    for name in ("with-model", "run-0"):
        screen.page.check(f"{screen.run_row(name)} input[type=checkbox]")
    asked = f"{RUNS} .mltrack-Asked"
    screen.page.click(f"{RUNS} .mltrack-ListBar-acts >> text=Register")
    screen.page.click(f'{asked} button:text-is("Register model …")')
    screen.page.fill(f"{asked} form.mltrack-Register input", "from-the-list")
    in_both_themes(screen, "runs-register")
    screen.page.click(f'{asked} button:text-is("Register")')
    screen.wait(f'{asked} .mltrack-Register:has-text("version 1 of")')
    screen.wait(model_row("from-the-list"))
    open_page(screen, run_of(lab, path, "with-model"))
    show(screen, "models")
    tab = '.mltrack-RunPage [role="tabpanel"]'
    screen.page.click(f'{tab} button:text-is("Register model …")')
    screen.page.fill(f"{tab} form.mltrack-Register input", "from-the-page")
    in_both_themes(screen, "run-models-register")
    screen.page.click(f'{tab} button:text-is("Register")')
    screen.wait(f'{tab} .mltrack-Register:has-text("version 1 of")')
    screen.wait(model_row("from-the-page"))
    show(screen, "parameters")
    screen.page.click(f'{tab} button:text-is("Add a tag")')
    screen.page.fill(f'{tab} input[aria-label="Name of the tag"]', "team")
    screen.page.fill(f'{tab} input[aria-label="Value of the tag"]', "vision")
    screen.page.keyboard.press("Enter")
    screen.wait(f'{tab} [aria-label="Change tag team"]')
    in_both_themes(screen, "run-tags")
    assert serious(screen, tab) == []
    screen.page.click(f'{tab} [aria-label="Take tag team away"]')
    screen.wait(f'{tab} [aria-label="Change tag team"]', state="detached")
    screen.undo("Tag team is gone")
    screen.wait(f'{tab} [aria-label="Change tag team"]')


STAGED = """
import warnings
from mlflow.tracking import MlflowClient
from jupyter_mltrack import workspaces
place = workspaces.resolve("local")
place.prepare()
client = MlflowClient(tracking_uri=place.tracking_uri)
client.create_registered_model("staged")
for stage in ("Production", "None"):
    made = client.create_model_version("staged", "file:///nowhere")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client.transition_model_version_stage("staged", made.version, stage)
"""


def test_stages_are_shown_and_moved_where_people_go_by_them(screen: Any, lab: Any) -> None:
    path = lab.project("1")
    run_program(lab, path, STAGED)
    screen.open(path)
    screen.page.click(model_row("staged"))
    screen.wait(f'{version(1)} .mltrack-Chip:has-text("Production")')
    screen.page.click(f"{version(2)} .mltrack-VersionRow")
    choice = f"{version(2)} .mltrack-Stage select"
    screen.page.select_option(choice, "Staging")
    screen.wait(f'{version(2)} .mltrack-VersionRow .mltrack-Chip:has-text("Staging")')
    screen.undo("is in stage Staging")
    screen.wait(f"{version(2)} .mltrack-VersionRow .mltrack-Chip", state="detached")
    assert screen.page.input_value(choice) == "None"
    in_both_themes(screen, "models-stages")
    assert serious(screen, MODELS) == []


FAR = """
import sys, time
from mlflow.tracking import MlflowClient
client = MlflowClient(tracking_uri=sys.argv[1])
run = client.create_run("0", run_name="far-away", tags={"mltrack.alerts": '["loss > 5"]'})
print(run.info.run_id, flush=True)
for step, value in enumerate((1.0, 0.9, 9.0)):
    client.log_metric(run.info.run_id, "loss", value, step=step)
    sys.stdin.readline()
client.set_terminated(run.info.run_id)
"""


def test_runs_of_other_machines_are_live_and_their_alerts_are_told(
    screen: Any, lab: Any, tmp_path: Path
) -> None:
    path = lab.project("1")
    run_program(lab, path, THREE)  # The store is there.
    store = f"sqlite:///{lab.folder(path) / '.mltrack' / 'mlflow.db'}"
    far = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", FAR, store],
        cwd=tmp_path,
        env=os.environ | {"MLTRACK_DATA_DIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert far.stdin is not None
    assert far.stdout is not None
    assert far.stdout.readline().strip()
    screen.open(path)
    row = screen.live_row("far-away", "RUNNING")
    screen.wait(f"{row} .mltrack-Row-place")
    assert screen.page.locator(".Toastify__toast").count() == 0
    for _ in range(2):
        far.stdin.write("\n")
        far.stdin.flush()
    screen.wait(".Toastify__toast:has-text('far-away: loss is 9 at step 2')")
    screen.wait(f"{row} .mltrack-Row-alert")
    in_both_themes(screen, "live-elsewhere")
    far.stdin.close()
    assert far.wait(LIMIT_MS / 1000) == 0
    screen.wait(screen.run_row("far-away", "FINISHED"))
    assert runs_of(lab, path)[0]["name"] == "far-away"
