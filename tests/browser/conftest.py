"""Real JupyterLab in real Chromium with real kernels: one server and one browser for all tests of the folder."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest

HERE = Path(__file__).parent
PICTURES = HERE / "pictures"
EXTENSION = HERE.parents[1] / "jupyter_mltrack" / "labextension"
TOKEN = "browser"
START_LIMIT_S = 60
LIMIT_MS = 30_000
LIGHT = "JupyterLab Light"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PANEL = "#jupyter-mltrack-panel"
TAB = '.lm-TabBar-tab[data-id="jupyter-mltrack-panel"]'


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Remember that a test failed, so that a picture of the last moment is kept."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them, and put them last: playwright keeps an event loop running in its process."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: HERE in item.path.parents)


# ------------------------------------------------------------------------------- server


@dataclass
class Lab:
    """A running Jupyter server. `root` is its folder, `data` where journals are."""

    address: str
    root: Path
    data: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    def project(self, *sources: str, settings: str = "", name: str = "note") -> str:
        """Make a project with a notebook of these cells; returns the notebook's path below the root."""
        folder = self.root / f"p-{uuid.uuid4().hex[:8]}"
        folder.mkdir()
        (folder / "mltrack.toml").write_text(settings)
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in sources],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        path = folder / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return path.relative_to(self.root).as_posix()

    def folder(self, path: str) -> Path:
        return (self.root / path).parent

    def request(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """Ask the server, decoded from JSON; None for an empty answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/{path}", data=data, method=method)
        request.add_header("Authorization", f"token {TOKEN}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def kernel_pid(self, path: str) -> int:
        """The process id of a notebook's kernel: it wrote it beside its notebook."""
        return int((self.folder(path) / "pid").read_text())

    def stop_kernels(self) -> None:
        for session in self.request("api/sessions"):
            self.request(f"api/sessions/{session['id']}", "DELETE")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One Jupyter server with the extension, its data in a temporary place."""
    if not (EXTENSION / "package.json").exists():
        pytest.skip("the labextension is not built: npm run build:prod in labextension/")
    place = tmp_path_factory.mktemp("lab")
    root = place / "root"
    root.mkdir()
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MLFLOW_", "MLTRACK_", "JUPYTER", "IPYTHON"))
    }
    environment |= {
        "HOME": str(place / "home"),
        "MLTRACK_DATA_DIR": str(place / "data"),
        "JUPYTER_CONFIG_DIR": str(place / "config"),
        "JUPYTER_DATA_DIR": str(place / "share"),
        "JUPYTER_RUNTIME_DIR": str(place / "runtime"),
        "IPYTHONDIR": str(place / "ipython"),
    }
    (place / "home").mkdir()
    settings = place / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *(
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}",
            f"--IdentityProvider.token={TOKEN}",
        ),
        *(f"--ServerApp.root_dir={root}", "--LabApp.expose_app_in_browser=True"),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    with (place / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=log)
    made = Lab(f"http://127.0.0.1:{port}", root, place / "data", environment, process)
    try:
        _wait_for_server(made, place / "server.log")
        yield made
        made.stop_kernels()
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_server(lab: Lab, log: Path) -> None:
    until_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < until_s:
        try:
            lab.request("mltrack/api/status")
        except OSError:
            if lab.process.poll() is not None:
                break
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


# ------------------------------------------------------------------------------ browser


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One headless Chromium of the system."""
    sync_api = pytest.importorskip("playwright.sync_api")
    names = ("chromium", "chromium-browser", "google-chrome")
    executable = next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        pytest.skip("no Chromium: sh tests/browser/install_browser.sh")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS, headless=True)
        yield browser
        browser.close()


@dataclass
class Screen:
    """A page on the server, and what a person does there."""

    page: Any
    lab: Lab
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    only_own_errors: bool = False

    def open(self, path: str | None = None, *, show_panel: bool = True) -> None:
        """JupyterLab on a notebook (or on nothing), in a layout of its own, panel in front."""
        tail = f"/tree/{path}" if path else ""
        self.go(f"{self.lab.address}/lab/workspaces/w{uuid.uuid4().hex[:8]}{tail}?token={TOKEN}")
        self.page.wait_for_selector(TAB, timeout=LIMIT_MS)
        if path:
            self.page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=LIMIT_MS)
        if self.page.evaluate("() => document.body.dataset.jpThemeName") != LIGHT:
            self.theme(LIGHT)  # The last test's choice was saved for all pages.
        if show_panel:
            self.page.click(TAB)
            self.wait(f"{PANEL} .mltrack-Header")

    def on_error(self, error: Any) -> None:
        """Keep an error that nobody caught; those of the application itself may be left out."""
        if not self.only_own_errors or "jupyter-mltrack" in (error.stack or ""):
            self.errors.append(f"{error}\n{error.stack}")

    def on_dialog(self, dialog: Any) -> None:
        """Leave a page with unsaved changes; any other dialog is a failure."""
        if dialog.type == "beforeunload":
            dialog.accept()
        else:
            self.dialogs.append(dialog.message)
            dialog.dismiss()

    def go(self, address: str) -> None:
        self.page.goto(address)
        self.page.wait_for_function("() => window.jupyterapp?.started", timeout=LIMIT_MS)

    def command(self, name: str, **args: Any) -> None:
        """Execute a command of the application."""
        self.page.evaluate(
            "async ([name, args]) => { await window.jupyterapp.commands.execute(name, args) }",
            [name, args],
        )

    def wait(self, selector: str, state: str = "visible", timeout_ms: float = LIMIT_MS) -> Any:
        return self.page.wait_for_selector(selector, state=state, timeout=timeout_ms)

    def wait_kernel(self) -> None:
        """The notebook in front has a kernel that answered and takes cells."""
        self.page.wait_for_function(
            """async () => {
              const context = window.jupyterapp.shell.currentWidget?.sessionContext;
              if (!context) return false;
              await context.ready;
              const kernel = context.session?.kernel;
              if (!kernel) return false;
              await kernel.info;
              return kernel.connectionStatus === 'connected' && kernel.status === 'idle';
            }""",
            timeout=LIMIT_MS,
        )

    def start_cell(self, index: int) -> None:
        """Run a cell without waiting for its end."""
        self.page.click(f".jp-Notebook .jp-CodeCell >> nth={index}")
        self.page.keyboard.press("Control+Enter")

    def run_cell(self, index: int) -> None:
        """Run a cell to its end, which must not be an error."""
        self.start_cell(index)
        cell = f".jp-Notebook .jp-CodeCell >> nth={index} >> .jp-InputPrompt"
        self.page.wait_for_function(
            "cell => /\\[\\d+\\]/.test(cell.textContent)",
            arg=self.page.wait_for_selector(cell),
            timeout=LIMIT_MS,
        )

    def live_row(self, name: str, status: str = "") -> str:
        """Selector of a row of the Live section."""
        state = f'[data-status="{status}"]' if status else ""
        return f'{PANEL} .mltrack-LiveRow{state}:has(.mltrack-Row-name[title="{name}"])'

    def run_row(self, name: str, status: str = "") -> str:
        """Selector of a row of the Runs section."""
        state = f'[data-status="{status}"]' if status else ""
        return f'{PANEL} .mltrack-RunRow{state}:has(.mltrack-Row-name[title="{name}"])'

    def set_width(self, width_px: int) -> None:
        """Drag the edge of the sidebar."""
        box = self.page.locator(PANEL).bounding_box()
        y = box["y"] + box["height"] / 2
        edge = box["x"] + box["width"] + 3
        self.page.mouse.move(edge, y)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + width_px + 3, y, steps=4)
        self.page.mouse.up()
        self.page.wait_for_timeout(150)

    def theme(self, name: str) -> None:
        self.command("apputils:change-theme", theme=name)
        self.page.wait_for_function(
            "name => document.body.dataset.jpThemeName === name", arg=name, timeout=LIMIT_MS
        )
        self.page.wait_for_timeout(200)

    def picture(self, name: str) -> None:
        """Leave a picture for people to look at."""
        PICTURES.mkdir(exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png")

    def pixels(self) -> list[int]:
        """A number for what each chart shows: a changed pixel changes it."""
        return self.page.evaluate(
            """() => [...document.querySelectorAll('.mltrack-Charts canvas')].map(canvas => {
              const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
              let sum = 0;
              for (let i = 0; i < data.length; i++) sum = (sum * 31 + data[i]) | 0;
              return sum;
            })"""
        )

    def point_count(self) -> int:
        """How many points the opened run says it has."""
        return int(self.wait(f"{PANEL} .mltrack-PointCount").get_attribute("data-count"))


@pytest.fixture
def make_screen(
    chromium: Any, lab: Lab, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Screen]]:
    """Makes pages of their own; afterwards none of them may have seen an error or a dialog."""
    made: list[tuple[Any, Screen]] = []

    def make(**options: Any) -> Screen:
        options.setdefault("viewport", {"width": 1280, "height": 860})
        context = chromium.new_context(**options)
        screen = Screen(context.new_page(), lab)
        screen.page.on("pageerror", screen.on_error)
        screen.page.on("dialog", screen.on_dialog)
        screen.page.on("request", lambda request: screen.requests.append(request.url))
        made.append((context, screen))
        return screen

    yield make
    for context, screen in made:
        if request.node.stash.get(FAILED, False):
            screen.picture(f"at-the-end-of-{request.node.name}")
        context.close()
    lab.stop_kernels()
    assert [screen.errors for _, screen in made] == [[] for _ in made]
    assert [screen.dialogs for _, screen in made] == [[] for _ in made]


@pytest.fixture
def screen(make_screen: Callable[..., Screen]) -> Screen:
    return make_screen()
