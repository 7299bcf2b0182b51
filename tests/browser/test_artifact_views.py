"""Artifacts of a run in the browser: a tree, previews of every kind, and strangers that stay quiet."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from artifact_ground import MAKE, PLAIN, TRAINING, TRAPS
from model_ground import run_program
from screen import LIMIT_MS

VIEW = ".mltrack-Artifacts"
TREE = f"{VIEW} [role=tree]"
BODY = f"{VIEW} .mltrack-Preview-body"
OPEN_PAGE = "jupyter-mltrack:open-page"


@dataclass
class Trap:
    """A listener that nobody may ask anything."""

    address: str
    hits: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def trap() -> Iterator[Trap]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.hits.append(self.path)
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_said: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Trap(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()


@pytest.fixture(scope="module")
def ids(lab: Any, trap: Trap) -> tuple[str, str, str]:
    """Workspace, a run with artifacts of all kinds, and one without."""
    path = lab.project("1")
    files = {
        name: text.replace("https://trap.invalid", trap.address)
        for name, text in (PLAIN | TRAPS).items()
    }
    run_program(lab, path, MAKE, json.dumps(files))
    found = json.loads((lab.folder(path) / "ids").read_text())
    lab.request(f"mltrack/api/workspaces?path={path}")
    return found[0], found[1], found[2]


def open_view(screen: Any, ids: tuple[str, str, str], run: int = 1, theme: str = "") -> None:
    screen.open()
    if theme:
        screen.theme(theme)
    screen.command(OPEN_PAGE, kind="run", workspace=ids[0], runIds=[ids[run]])
    screen.page.click("[data-tab=artifacts]")
    screen.wait(f"{TREE}, .mltrack-Artifacts-empty")


def row(path: str) -> str:
    return f"{TREE} [data-path={json.dumps(path)}]"


def choose(screen: Any, path: str) -> None:
    """Open the folders on the way and click the file."""
    parts = path.split("/")
    for count in range(1, len(parts)):
        folder = row("/".join(parts[:count]))
        screen.wait(folder)
        if screen.page.get_attribute(folder, "aria-expanded") == "false":
            screen.page.click(folder)
    screen.wait(row(path))
    screen.page.click(row(path))
    screen.wait(f'{VIEW} .mltrack-Preview[aria-busy="false"] .mltrack-Preview-body')


KINDS = [
    ("train.py", "code", "pre"),
    ("README.md", "markdown", ".mltrack-Preview-heading"),
    ("config.json", "json", "pre"),
    ("predictions.csv", "table", "td"),
    ("data/train.parquet", "table", "td"),
    ("plots/confusion.png", "image", "img"),
    ("report.ipynb", "notebook", ".mltrack-Preview-outputPicture"),
    ("report.html", "html", "iframe"),
    ("shape.svg", "svg", "img"),
    ("weights.bin", "binary", ".mltrack-Preview-note"),
]


AXE = Path(__file__).parents[2] / "labextension" / "node_modules" / "axe-core" / "axe.min.js"


def serious(screen: Any) -> list[str]:
    """What axe-core finds serious in the view; nothing where it is not installed."""
    if not AXE.exists():
        return []
    if not screen.page.evaluate("() => 'axe' in window"):
        screen.page.add_script_tag(path=str(AXE))
    return screen.page.evaluate(
        """async view => {
          const found = await axe.run(view, {resultTypes: ['violations'], iframes: false});
          return found.violations.filter(one => ['serious', 'critical'].includes(one.impact))
            .flatMap(one => one.nodes.map(node => `${one.id}: ${node.html.slice(0, 150)} ${node.failureSummary}`));
        }""",
        VIEW,
    )


@pytest.mark.parametrize("theme", ["", "JupyterLab Dark", "JupyterLab Dark High Contrast"])
def test_every_kind_of_artifact_has_a_preview(screen: Any, ids: Any, theme: str) -> None:
    open_view(screen, ids, theme=theme)
    shade = theme.removeprefix("JupyterLab ").lower().replace(" ", "-") or "light"
    screen.picture(f"artifacts-{shade}")
    for path, kind, inside in KINDS:
        choose(screen, path)
        screen.wait(f'{BODY}[data-kind="{kind}"] {inside}')
        screen.page.wait_for_timeout(150)
        screen.picture(f"artifact-{kind}-{path.rpartition('.')[2]}-{shade}")
        assert serious(screen) == [], path
    pictures = screen.page.evaluate("() => [...document.images].map(one => one.naturalWidth)")
    assert all(pictures)
    choose(screen, "train.py")
    screen.wait(f"{BODY} pre code span")
    colours = screen.page.evaluate(
        "sel => new Set([...document.querySelectorAll(sel)].map(one => getComputedStyle(one).color)).size",
        f"{BODY} pre code span",
    )
    assert colours > 1


def test_s11_what_strangers_wrote_runs_nothing_and_fetches_nothing(
    screen: Any, ids: Any, trap: Trap
) -> None:
    open_view(screen, ids)
    theme = screen.page.evaluate("() => document.body.dataset.jpThemeName")
    body_id = screen.page.evaluate("() => document.body.id")
    for path in TRAPS:
        choose(screen, path)
        screen.page.wait_for_timeout(400)
        screen.picture(f"hostile-artifact-{path.rpartition('.')[2]}")
        made = screen.page.evaluate(
            """() => [...document.querySelectorAll('.mltrack-Artifacts *')].filter(node =>
                ['SCRIPT', 'OBJECT', 'EMBED', 'USE', 'STYLE', 'LINK', 'META', 'BASE', 'FORM', 'VIDEO', 'AUDIO'].includes(node.tagName.toUpperCase())
                || [...node.attributes].some(one => one.name.startsWith('on') || one.name.startsWith('data-commandlinker'))
            ).map(node => node.outerHTML)"""
        )
        assert made == [], path
        images = screen.page.evaluate(
            "() => [...document.querySelectorAll('.mltrack-Artifacts img')].map(one => one.src.slice(0, 5))"
        )
        assert set(images) <= {"data:"}, path
        links = screen.page.evaluate(
            "() => [...document.querySelectorAll('.mltrack-Artifacts a')].map(one => one.className)"
        )
        assert links == ["mltrack-Button mltrack-Preview-download"], path
    assert trap.hits == []
    assert screen.dialogs == []
    assert screen.page.evaluate("() => document.body.dataset.jpThemeName") == theme
    assert screen.page.evaluate("() => document.body.id") == body_id


def test_s11_the_frame_of_a_page_shows_it_and_gives_it_nothing(screen: Any, ids: Any) -> None:
    open_view(screen, ids)
    choose(screen, "hostile/page.html")
    frame = screen.wait(f"{BODY} iframe")
    assert frame.get_attribute("sandbox") == ""
    inner = frame.content_frame()
    inner.wait_for_selector("h1:has-text('Seen')")
    said = inner.evaluate(
        """() => { const seen = {origin: self.origin};
                   try { seen.parent = parent.document.title } catch (error) { seen.parent = error.name }
                   try { seen.cookie = document.cookie } catch (error) { seen.cookie = error.name }
                   try { seen.store = typeof localStorage } catch (error) { seen.store = error.name }
                   return seen }"""
    )
    assert said == {
        "origin": "null",
        "parent": "SecurityError",
        "cookie": "SecurityError",
        "store": "SecurityError",
    }


def test_s11_a_page_that_a_link_leads_out_of_is_closed(screen: Any, ids: Any, trap: Trap) -> None:
    open_view(screen, ids)
    choose(screen, "linked.html")
    inner = screen.wait(f"{BODY} iframe").content_frame()
    address = screen.page.url
    inner.click("text=inside")
    screen.page.wait_for_timeout(300)
    assert screen.page.locator(f"{BODY} iframe").count() == 1
    inner.click("text=above")
    inner.click("text=beside")
    screen.page.wait_for_timeout(300)
    assert screen.page.locator(f"{BODY} iframe").count() == 1
    assert trap.hits == []
    inner.click("text=away")
    screen.wait(f"{BODY} iframe", state="detached")
    assert "it was closed" in screen.page.text_content(BODY)
    assert screen.page.url == address
    trap.hits.clear()


def test_the_tree_is_walked_by_keyboard(screen: Any, ids: Any) -> None:
    open_view(screen, ids)
    page = screen.page
    page.focus(f"{TREE} [role=treeitem][tabindex='0']")

    def focused() -> str:
        return page.evaluate("() => document.activeElement.dataset.path ?? ''")

    page.keyboard.press("Home")
    assert focused() == "data"
    page.keyboard.press("ArrowRight")
    screen.wait(row("data/train.parquet"))
    page.keyboard.press("ArrowRight")
    assert focused() == "data/train.parquet"
    page.keyboard.press("Enter")
    screen.wait(f'{BODY}[data-kind="table"] td')
    assert focused() == "data/train.parquet"
    page.keyboard.press("ArrowLeft")
    assert focused() == "data"
    page.keyboard.press("ArrowLeft")
    screen.wait(row("data/train.parquet"), state="detached")
    page.keyboard.type("pl")
    assert focused() == "plots"
    page.keyboard.press("End")
    assert focused() != "plots"
    assert page.locator(f"{TREE} [tabindex='0']").count() == 1


def test_a_folder_of_a_thousand_says_that_there_is_more(screen: Any, ids: Any) -> None:
    open_view(screen, ids)
    screen.page.click(row("many"))
    screen.wait(f"{TREE} .mltrack-Tree-note:has-text('There is more in this folder')")
    assert screen.page.locator(f"{TREE} [role=treeitem][aria-level='2']").count() == 1_000


def test_a_download_brings_the_whole_file_and_5_gb_begin_at_once(
    screen: Any, lab: Any, ids: Any, tmp_path: Path
) -> None:
    open_view(screen, ids)
    choose(screen, "train.py")
    with screen.page.expect_download() as waiting:
        screen.page.click(f"{VIEW} .mltrack-Preview-download")
    waiting.value.save_as(tmp_path / "got")
    assert (tmp_path / "got").read_text(encoding="utf-8") == TRAINING
    assert waiting.value.suggested_filename == "train.py"
    choose(screen, "weights.bin")
    assert "5.4 GB" in screen.page.text_content(f"{VIEW} .mltrack-Preview-size")
    request = urllib.request.Request(
        f"{lab.address}/mltrack/api/runs/{ids[1]}/artifacts/file?workspace={ids[0]}&path=weights.bin"
    )
    request.add_header("Authorization", "token browser")
    with urllib.request.urlopen(request, timeout=LIMIT_MS / 1000) as answer:
        assert answer.headers["Content-Length"] == str(5 << 30)
        assert answer.read(3) == b"\0\1\2"


def test_empty_narrow_and_gone(screen: Any, ids: Any) -> None:
    open_view(screen, ids, run=2)
    screen.wait(".mltrack-Artifacts-empty")
    screen.picture("artifacts-empty")
    open_view(screen, ids)
    choose(screen, "plots/confusion.png")
    screen.page.set_viewport_size({"width": 620, "height": 860})
    screen.page.wait_for_timeout(300)
    screen.picture("artifacts-narrow")
    wide = screen.page.evaluate(
        "() => { const view = document.querySelector('.mltrack-Artifacts'); return view.scrollWidth - view.clientWidth }"
    )
    assert wide <= 0
    screen.page.set_viewport_size({"width": 1600, "height": 860})
    choose(screen, f"{'long-name-' * 12}end.txt")
    screen.picture("artifacts-wide")
    screen.page.route("**/artifacts/preview?**", lambda route: route.abort())
    screen.page.click(row("empty.txt"))
    screen.wait(f"{VIEW} .mltrack-Preview .mltrack-Problem")
    screen.picture("artifact-failed")
