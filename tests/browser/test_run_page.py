"""The page of one run: everything that it keeps, live and afterwards, in a real browser."""

from __future__ import annotations

import json
import re
from typing import Any

from model_ground import run_program

from benchmarks import ground

LOAD = "%load_ext jupyter_mltrack"
TRAIN = """%%track {name}
import math, os, sys, time
import mlflow
from jupyter_mltrack import log
mlflow.log_params({{"batch": 32, "layers": 3, "note": "two lines\\nof text"}})
mlflow.set_tag("team", "vision")
for step in range({steps}):
    log({{"loss": math.exp(-step / 30), "val_loss": math.exp(-step / 34) + 0.05,
         "acc": 1 - 0.6 * math.exp(-step / 25), "grad_norm": 1 + math.sin(step / 5)}}, step=step)
    if step % 10 == 0:
        print("step", step)
while {waits} and not os.path.exists("go-on"):
    time.sleep(0.05)
print("almost done", file=sys.stderr)
"""
IMAGES = "import numpy as np\nimages = np.zeros((600, 28, 28), 'float32')"
HOSTILE = "\"><img src='/trap-img' onerror=alert(1)>\u202egnirts"
ODD = """
import json, sys
import jupyter_mltrack, mlflow
hostile = json.loads(sys.argv[1])
with jupyter_mltrack.track(hostile, params={"p" + hostile[:40]: hostile}, tags={"t": hostile}):
    for step in range(40):
        jupyter_mltrack.log({
            "gaps": float("nan") if step % 7 == 3 else float(step),
            "huge": 1e308 * (-1) ** step, "tiny": 1e-300 * step, "all_nan": float("nan"),
            "endless": float("inf") if step == 20 else 1.0, hostile: float(step),
            "__proto__": 1.0}, step=step)
with jupyter_mltrack.track("wide"):
    for step in range(2):
        jupyter_mltrack.log({f"layer_{i:05d}/norm": float(i + step) for i in range(10_000)}, step=step)
"""
PAGE = ".mltrack-RunPage"


def train(name: str, steps: int = 60, *, waits: bool = False) -> str:
    """A cell; one that waits goes on when a file is there."""
    return TRAIN.format(name=name, steps=steps, waits=waits)


def runs_of(lab: Any, path: str) -> list[dict[str, Any]]:
    """The runs of a notebook's project, newest first, as the server tells them."""
    places = lab.request(f"mltrack/api/workspaces?path={path}")["workspaces"]
    place = next(one for one in places if one["current"])
    return list(lab.request(f"mltrack/api/runs?workspace={place['id']}")["runs"])


def run_of(lab: Any, path: str, name: str) -> dict[str, Any]:
    return next(one for one in runs_of(lab, path) if one["name"] == name)


def open_page(screen: Any, run: dict[str, Any]) -> None:
    screen.command(
        "jupyter-mltrack:open-page",
        kind="run",
        workspace=run["workspace_id"],
        runIds=[run["run_id"]],
    )
    screen.wait(f"{PAGE} .mltrack-PageHead-title:visible")


def show(screen: Any, tab: str) -> None:
    screen.page.click(f'{PAGE} [role="tab"][data-tab="{tab}"]')
    screen.wait(f'{PAGE} .mltrack-PageBody[data-shown="{tab}"]')


def in_both_themes(screen: Any, name: str) -> None:
    screen.page.wait_for_timeout(200)
    screen.picture(f"{name}-light")
    screen.theme("JupyterLab Dark")
    screen.picture(f"{name}-dark")
    screen.theme("JupyterLab Light")


def test_a_run_shows_all_that_it_keeps_live_and_when_it_ended(screen: Any, lab: Any) -> None:
    source = train("whole", steps=250, waits=True) + "print(images.mean())\n"
    path = lab.project(LOAD, source, IMAGES)
    screen.open(path)
    screen.wait_kernel()
    screen.run_cell(0)
    screen.run_cell(2)
    screen.save()
    screen.start_cell(1)
    screen.wait(screen.live_row("whole", "RUNNING"))
    open_page(screen, run_of(lab, path, "whole"))
    screen.wait(f'{PAGE} .mltrack-Status[data-status="RUNNING"]')
    screen.wait(f"{PAGE} .mltrack-Charts canvas")
    screen.wait(f"{PAGE} .mltrack-Sheet-row")
    screen.wait(f'{PAGE} .mltrack-PointCount[data-count="1000"]')
    in_both_themes(screen, "run-live")
    (lab.folder(path) / "go-on").touch()
    screen.wait(f'{PAGE} .mltrack-PageHead .mltrack-Status[data-status="FINISHED"]')
    screen.wait(f'{PAGE} .mltrack-PointCount[data-count="1000"]')
    screen.wait(f"{PAGE} .mltrack-Sheet-row:has-text('grad_norm')")
    note = screen.wait(f"{PAGE} [data-note='order']").text_content()
    assert "images from a cell further below" in note
    screen.wait(f'{PAGE} [data-tab="data"] .mltrack-Tab-count')
    for tab in ("metrics", "parameters", "logs", "source", "environment", "data", "models"):
        show(screen, tab)
        screen.wait(f"{PAGE} .mltrack-PageBody .mltrack-Skeleton-row", state="detached")
        screen.picture(f"run-{tab}-light")
    show(screen, "data")
    size = screen.wait(f"{PAGE} .mltrack-Dataset-size").text_content()
    assert size == "600 × 28 × 28 float32 · 1.9 MB"
    screen.page.set_viewport_size({"width": 660, "height": 860})
    screen.page.wait_for_timeout(400)
    in_both_themes(screen, "run-data-narrow")
    show(screen, "metrics")
    screen.page.wait_for_timeout(400)
    in_both_themes(screen, "run-narrow")
    screen.page.set_viewport_size({"width": 1600, "height": 900})
    screen.page.wait_for_timeout(400)
    screen.picture("run-wide-light")
    show(screen, "parameters")
    in_both_themes(screen, "run-parameters")
    assert "two lines" in screen.page.text_content(f"{PAGE} .mltrack-Pairs")


def test_a_run_is_renamed_starred_deleted_and_restored(screen: Any, lab: Any) -> None:
    path = lab.project("1")
    run_program(lab, path, "import jupyter_mltrack as m\nwith m.track('first'): m.log({'loss': 1})")
    run_program(
        lab, path, "import jupyter_mltrack as m\nwith m.track('second'): m.log({'loss': 2})"
    )
    run = run_of(lab, path, "first")
    screen.open(path)
    open_page(screen, run)
    screen.page.click(f'{PAGE} [aria-label="Rename the run"]')
    screen.page.fill(f'{PAGE} [aria-label="Name of the run"]', "renamed <b>run</b>")
    screen.page.keyboard.press("Enter")
    screen.wait(f'{PAGE} .mltrack-PageHead-title[data-name="renamed <b>run</b>"]')
    screen.page.click(f"{PAGE} .mltrack-PageStar")
    screen.wait(f'{PAGE} .mltrack-PageStar[aria-pressed="true"]')
    screen.page.click(f'{PAGE} [data-act="code"]')
    assert run["run_id"] in screen.page.text_content(f"{PAGE} .mltrack-Snippets")
    screen.page.click(f'{PAGE} [data-act="compare"]')
    screen.page.click(f"{PAGE} .mltrack-CompareWith-row:has-text('second')")
    in_both_themes(screen, "run-compare-with")
    screen.page.keyboard.press("Escape")
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    screen.page.route("**/series?*", hold)
    screen.page.click(f'{PAGE} [data-act="delete"]')
    screen.page.click(f"{PAGE} .mltrack-Confirm .mltrack-mod-danger")
    screen.wait(f"{PAGE} .mltrack-PageNotice:has-text('deleted')")
    assert held
    for late in held:  # its points, which are there still, do not make it one that is not deleted
        with screen.page.expect_response(late.request.url):
            late.continue_()
    screen.page.unroute("**/series?*")
    in_both_themes(screen, "run-deleted")
    screen.page.click(f"{PAGE} .mltrack-PageNotice button:has-text('Restore')")
    screen.wait(f"{PAGE} .mltrack-PageNotice", state="detached")
    (found,) = (one for one in runs_of(lab, path) if one["run_id"] == run["run_id"])
    assert (found["name"], found["starred"]) == ("renamed <b>run</b>", True)


def test_a_link_opens_the_page_and_a_reload_keeps_it(screen: Any, lab: Any) -> None:
    path, other = lab.project("1"), lab.project("1")
    for place in (path, other):
        run_program(
            lab,
            place,
            "import jupyter_mltrack as m\nwith m.track('linked'): m.log({'loss': 1})",
        )
    run, stranger = run_of(lab, path, "linked"), run_of(lab, other, "linked")
    screen.open(path)
    address = re.sub(r"/lab.*", "/lab", screen.page.url)
    with screen.saved(run["run_id"]):
        screen.go(f"{address}?mltrack=run:{run['workspace_id']}:{run['run_id']}&token=browser")
        screen.wait(f'{PAGE} .mltrack-PageHead-title[data-name="linked"]')
    screen.page.reload()
    screen.wait(f'{PAGE} .mltrack-PageHead-title[data-name="linked"]')
    screen.command(
        "jupyter-mltrack:open-page",
        kind="run",
        workspace=run["workspace_id"],
        runIds=[stranger["run_id"]],
    )
    screen.wait(f"{PAGE} .mltrack-PageNotice .mltrack-Problem")
    in_both_themes(screen, "run-of-another-workspace")


def test_odd_values_and_ten_thousand_metrics_are_shown_as_they_are(screen: Any, lab: Any) -> None:
    path = lab.project("1")
    run_program(lab, path, ODD, json.dumps(HOSTILE))
    screen.open(path)
    open_page(screen, run_of(lab, path, "wide"))
    screen.wait(f"{PAGE} .mltrack-Sheet-count:has-text('10,000 metrics')")
    assert screen.page.locator(f"{PAGE} .mltrack-Sheet-row").count() < 100
    screen.page.fill(f'{PAGE} [aria-label="Search metrics"]', "00420")
    screen.wait(f"{PAGE} .mltrack-Sheet-count:has-text('1 metric')")
    screen.wait(f"{PAGE} .mltrack-Legend:has-text('layer_00420') ~ .mltrack-Chart-plot canvas")
    in_both_themes(screen, "run-ten-thousand-metrics")
    open_page(screen, next(one for one in runs_of(lab, path) if one["name"].startswith('">')))
    hostile = f"{PAGE}:visible"
    screen.wait(f"{hostile} .mltrack-Chart-plot canvas")
    screen.page.wait_for_timeout(500)
    in_both_themes(screen, "run-hostile")
    for tab in ("parameters", "models", "data", "source"):
        screen.page.click(f'{hostile} [role="tab"][data-tab="{tab}"]')
        screen.page.wait_for_timeout(200)
        made = screen.page.evaluate(
            f"""() => [...document.querySelectorAll('{PAGE} *')].filter(node =>
                ['IMG', 'SCRIPT', 'IFRAME', 'OBJECT', 'EMBED'].includes(node.tagName.toUpperCase())
                || [...node.attributes].some(one => one.name.startsWith('on')))
                .map(node => node.outerHTML)"""
        )
        assert made == []
    assert [url for url in screen.requests if "/trap-" in url] == []


def test_a_million_points_are_drawn_and_a_zoom_asks_for_its_part(screen: Any, lab: Any) -> None:
    path = lab.project("1")
    made = ground.make(lab.folder(path), runs=3, points=1_000_000)
    screen.open(path)
    run = next(one for one in runs_of(lab, path) if one["run_id"] == made["long_run"])
    open_page(screen, run)
    screen.wait(f"{PAGE} .mltrack-Charts canvas")
    screen.requests.clear()
    plot = screen.page.locator(f"{PAGE} .mltrack-Chart-plot .u-over").first
    box = plot.bounding_box()
    with screen.page.expect_response(lambda answer: "start=" in answer.url) as asked:
        screen.page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 40)
        screen.page.mouse.down()
        screen.page.mouse.move(box["x"] + box["width"] * 0.42, box["y"] + 60, steps=3)
        screen.page.mouse.up()
    (column,) = asked.value.json()["columns"]
    assert 100 < len(column["steps"]) <= 2_000
    assert column["steps"][-1] - column["steps"][0] < 100_000
    in_both_themes(screen, "run-zoomed")
    screen.page.dblclick(f"{PAGE} .mltrack-Chart-plot .u-over >> nth=0")
    screen.wait(f"{PAGE} .mltrack-Chart-reset >> nth=0", state="hidden")
    screen.page.focus(f"{PAGE} .mltrack-Chart-plot >> nth=0")
    screen.page.keyboard.press("+")
    screen.wait(f"{PAGE} .mltrack-Chart-reset >> nth=0")
