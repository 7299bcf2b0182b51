"""The run of a cell in the cell's own output: live, opened, after a reload, and as it stays."""

from __future__ import annotations

import json
from typing import Any

LOAD = "%load_ext jupyter_mltrack"
VIEW = ".jp-Notebook .mltrack-CellView"
FOLD = f"{VIEW} .mltrack-CellView-fold"
VALUE = f"{FOLD} .mltrack-Metric-value"
STATIC = ".jp-Notebook .jp-OutputArea details"
RUN_MIME = "application/vnd.mltrack.run+json"
TRAIN = """%%track {name}
import math, os, time
from tqdm import tqdm
from jupyter_mltrack import log
for step in tqdm(range(9_999), desc="epoch"):
    loss = math.exp(-step / 30)
    log({{"loss": 2 * loss, "val_loss": 2.1 * loss + 0.1, "acc": 1 - loss}}, step=step)
    end = time.perf_counter() + 0.06
    while time.perf_counter() < end:
        pass
    if os.path.exists("go-on"):
        break
"""


def _texts(screen: Any, selector: str) -> list[str]:
    return [one.inner_text() for one in screen.page.query_selector_all(selector)]


def _drawn(screen: Any) -> list[bool]:
    """Of each picture of the static form, whether it is decoded and has its size."""
    return screen.page.eval_on_selector_all(
        f"{STATIC} img, details.mltrack-View img",
        "all => all.map(one => one.complete && one.naturalWidth > 0 && one.clientHeight === 110)",
    )


def _saved_output(lab: Any, path: str) -> dict[str, Any]:
    """The run's output in the file of the notebook."""
    notebook = json.loads((lab.root / path).read_text())
    outputs = notebook["cells"][1]["outputs"]
    return next(one for one in outputs if "mltrack" in one.get("metadata", {}))


def _height(screen: Any) -> float:
    return float(screen.page.locator(VIEW).bounding_box()["height"])


def test_a_cell_shows_its_run_live_and_keeps_it_when_it_has_ended(screen: Any, lab: Any) -> None:
    path = lab.project(LOAD, TRAIN.format(name="seen"))
    screen.open(path, show_panel=False)
    screen.wait_kernel()
    screen.run_cell(0)
    screen.start_cell(1)
    screen.wait(VALUE)
    screen.wait(f"{FOLD} .mltrack-Row-progress")
    line_height = _height(screen)
    first = _texts(screen, VALUE)
    assert screen.until_here(lambda: _texts(screen, VALUE) != first), "the line stands still"
    assert _height(screen) == line_height
    screen.picture("cell-line-live")
    wide = screen.page.viewport_size
    screen.page.set_viewport_size({"width": 760, "height": 860})
    name = "node => node.clientWidth < 300 && node.scrollWidth <= node.clientWidth"
    assert screen.until_here(
        lambda: screen.page.eval_on_selector(f"{VIEW} .mltrack-CellView-name", name)
    ), "the name is cut where there is room"
    assert _height(screen) == line_height
    screen.picture("cell-line-narrow")
    screen.page.set_viewport_size(wide)

    screen.page.click(FOLD)
    screen.wait(f"{VIEW} canvas")
    opened_height = _height(screen)
    before = screen.pixels()
    screen.until_redrawn(before)
    assert _height(screen) == opened_height
    screen.picture("cell-opened-live")
    screen.theme("JupyterLab Dark")
    screen.picture("cell-opened-live-dark")
    screen.page.click(FOLD)
    assert screen.until_here(lambda: _height(screen) == line_height)
    screen.theme("JupyterLab Light")

    (lab.folder(path) / "go-on").touch()
    screen.wait(STATIC)
    screen.wait(VIEW, state="detached")
    assert screen.page.locator(f"{STATIC} img").first.is_visible() is False  # it was closed
    screen.page.click(f"{STATIC} summary", position={"x": 5, "y": 8})
    screen.wait(f"{STATIC} img")
    screen.picture("cell-static")
    screen.theme("JupyterLab Dark")
    screen.picture("cell-static-dark")
    screen.theme("JupyterLab Light")
    screen.page.click(f"{STATIC} .mltrack-ViewName")
    screen.wait('.mltrack-PageHost[data-page="run"] h2')


def test_a_reload_in_mid_run_goes_on_and_what_stays_is_read_without_a_kernel(
    screen: Any, lab: Any
) -> None:
    path = lab.project(LOAD, TRAIN.format(name="reloaded"))
    screen.open(path, show_panel=False)
    screen.wait_kernel()
    screen.run_cell(0)
    screen.start_cell(1)
    screen.wait(VALUE)
    screen.command("docmanager:save")
    assert RUN_MIME in _saved_output(lab, path)["data"]
    screen.page.reload()
    screen.wait(VALUE)
    first = _texts(screen, VALUE)
    assert screen.until_here(lambda: _texts(screen, VALUE) != first), "it does not go on"
    screen.picture("cell-line-reloaded")
    screen.page.click(FOLD)
    screen.wait(f"{VIEW} canvas")
    (lab.folder(path) / "go-on").touch()
    # No kernel's message reaches this page: it asked the server. What was open is open.
    screen.wait(f"{STATIC}[open] img")
    screen.command("docmanager:save")
    data = _saved_output(lab, path)["data"]
    assert set(data) == {"text/html", "text/plain"}
    assert "".join(data["text/plain"]).startswith("✓ reloaded · loss ")
    assert "data:image/svg+xml" in "".join(data["text/html"])

    lab.stop_kernels()
    screen.page.reload()
    screen.wait(STATIC)
    screen.wait(".jp-Notebook .mltrack-CellChip[data-status='FINISHED']")
    screen.page.click(f"{STATIC} summary", position={"x": 5, "y": 8})
    screen.wait(f"{STATIC} img")
    screen.picture("cell-reopened-without-kernel")

    # Exported, without a network: it opens without a script, and is open on paper.
    from nbconvert.exporters.html import HTMLExporter

    page = lab.folder(path) / "page.html"
    exporter = HTMLExporter(mathjax_url="", require_js_url="", jquery_url="")
    page.write_text(exporter.from_filename(str(lab.root / path))[0])
    screen.page.context.set_offline(True)
    screen.page.goto(page.as_uri())
    height = "() => document.querySelector('details').getBoundingClientRect().height"
    assert screen.page.evaluate(height) < 40
    screen.page.emulate_media(media="print")
    screen.until(f"() => ({height})() > 200")
    screen.page.emulate_media(media="screen")
    screen.page.click("details summary")
    assert screen.until_here(lambda: _drawn(screen) == [True, True])
    screen.picture("cell-exported")
    screen.page.context.set_offline(False)

    # The same notebook from somebody else is not trusted: pictures and words are there as well.
    foreign = json.loads((lab.root / path).read_text())
    foreign["cells"][1]["id"] = "another"
    (lab.folder(path) / "foreign.ipynb").write_text(json.dumps(foreign))
    screen.open(f"{path.rpartition('/')[0]}/foreign.ipynb", show_panel=False)
    screen.wait(STATIC)
    assert screen.page.locator(f"{STATIC} style").count() == 0, "the notebook is trusted"
    screen.page.click(f"{STATIC} summary", position={"x": 5, "y": 8})
    assert screen.until_here(lambda: _drawn(screen) == [True, True])
    words = screen.page.inner_text(STATIC)
    assert "✓ reloaded · loss" in words
    assert "val_loss" in words
    screen.picture("cell-not-trusted")
    screen.theme("JupyterLab Dark")
    screen.picture("cell-not-trusted-dark")
    screen.theme("JupyterLab Light")


def test_notebook_7_shows_the_run_of_a_cell_too(screen: Any, lab: Any) -> None:
    path = lab.project(LOAD, TRAIN.format(name="seven"))
    screen.only_own_errors = True  # Notebook 7.6 has one of its own at each start.
    screen.page.goto(f"{lab.address}/notebooks/{path}?token=browser")
    screen.wait(".jp-Notebook .jp-CodeCell")
    screen.wait_kernel()
    screen.run_cell(0)
    screen.start_cell(1)
    screen.wait(VALUE)
    screen.page.click(FOLD)
    screen.wait(f"{VIEW} canvas")
    screen.picture("cell-notebook-7")
    (lab.folder(path) / "go-on").touch()
    screen.wait(f"{STATIC}[open] img")


def test_a_page_without_our_extension_shows_a_line_and_a_widget(screen: Any, lab: Any) -> None:
    path = lab.project(
        LOAD,
        TRAIN.format(name="plain"),
        "%config MLTrack.view = 'widget'",
        TRAIN.format(name="drawn").replace("go-on", "go-on-too"),
    )
    screen.only_own_errors = True
    screen.page.context.route("**/extensions/jupyter-mltrack/**", lambda route: route.abort())
    screen.page.goto(f"{lab.address}/lab/tree/{path}?token=browser")
    screen.wait(".jp-Notebook .jp-CodeCell")
    screen.wait_kernel()
    assert not screen.page.evaluate("() => window.jupyterapp.hasPlugin('jupyter-mltrack:panel')")
    screen.run_cell(0)
    screen.start_cell(1)
    line = ".jp-Notebook .jp-OutputArea-output:has(> div > .mltrack-ViewName)"
    screen.wait(f"{line}:has-text('loss')")
    before = screen.page.inner_text(line)
    assert screen.until_here(lambda: screen.page.inner_text(line) != before), "it stands still"
    screen.picture("cell-line-elsewhere")
    (lab.folder(path) / "go-on").touch()
    screen.wait(STATIC)

    screen.run_cell(2)
    screen.start_cell(3)
    _watch_widget(screen, "cell-widget")
    (lab.folder(path) / "go-on-too").touch()
    screen.wait(f"{STATIC}.mltrack-View[open]:has-text('drawn') img")
    screen.picture("cell-widget-ended")

    (lab.folder(path) / "go-on-too").unlink()
    screen.command("docmanager:save")
    screen.page.goto(f"{lab.address}/notebooks/{path}?token=browser")
    screen.wait(".jp-Notebook .jp-CodeCell")
    screen.wait_kernel()
    screen.start_cell(3)
    _watch_widget(screen, "cell-widget-notebook-7")
    (lab.folder(path) / "go-on-too").touch()
    screen.wait(f"{STATIC}.mltrack-View[open]:has-text('drawn') img")


def _watch_widget(screen: Any, picture: str) -> None:
    """The widget goes on while the main thread is busy, closed and open, at one height."""
    widget = ".jp-Notebook .jp-OutputArea-output details:not(.mltrack-View)"
    screen.wait(f"{widget} > summary:has-text('loss')")
    place = screen.page.locator(widget)
    height, before = place.bounding_box()["height"], place.inner_text()
    assert screen.until_here(lambda: place.inner_text() != before), "it stands still"
    assert place.bounding_box()["height"] == height < 30
    screen.page.click(f"{widget} > summary", position={"x": 5, "y": 8})
    screen.wait(f"{widget} svg path")
    height, before = place.bounding_box()["height"], place.inner_text()
    assert screen.until_here(lambda: place.inner_text() != before), "it stands still"
    assert place.bounding_box()["height"] == height
    screen.picture(picture)
