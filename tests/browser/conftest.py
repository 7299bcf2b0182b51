"""Real JupyterLab in real Chromium with real kernels: one server and one browser for all tests of the folder."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
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
from model_ground import opened, project
from screen import LIMIT_MS, TOKEN, Screen

__all__ = ["opened", "project"]

HERE = Path(__file__).parent
EXTENSION = HERE.parents[1] / "jupyter_mltrack" / "labextension"
START_LIMIT_S = 600
END_LIMIT_S = 60
PORTS = (20_000, 32_000)
TEST_LIMIT_S = 1200
"""A test has many waits, each with a limit of its own; this one is for what hangs in none of them."""
WIDGETS = ("@jupyter-widgets/jupyterlab-manager", "anywidget")
"""The other extensions of the page: those of other packages would make each page slower to open."""
LEFT_OUT = ("@jupyterlab/apputils-extension:splash",)
"""It moves until the page is there, which costs a machine without a graphics card a second each time."""
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


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
            item.add_marker(pytest.mark.timeout(TEST_LIMIT_S))
    items.sort(key=lambda item: HERE in item.path.parents)


# ------------------------------------------------------------------------------- server


@dataclass
class Lab:
    """A running Jupyter server. `root` is its folder, `data` where journals are."""

    address: str
    root: Path
    data: Path
    environment: dict[str, str]
    command: list[str]
    log: Path
    process: subprocess.Popen[bytes] = field(init=False)

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
        with urllib.request.urlopen(request, timeout=LIMIT_MS / 1000) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def kernel_pid(self, path: str) -> int:
        """The process id of a notebook's kernel, as soon as it wrote it beside its notebook."""
        file = self.folder(path) / "pid"
        until_s = time.monotonic() + LIMIT_MS / 1000
        while not (file.exists() and file.read_text()):
            assert time.monotonic() < until_s, "the kernel wrote nothing"
            time.sleep(0.05)
        return int(file.read_text())

    def start(self) -> None:
        """Start the server, or start it anew where it was, and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.root, env=self.environment, stdout=log, stderr=log
            )
        until_s = time.monotonic() + START_LIMIT_S
        while time.monotonic() < until_s and self.process.poll() is None:
            try:
                self.request("mltrack/api/status")
            except OSError:
                time.sleep(0.2)
            else:
                return
        pytest.fail(f"JupyterLab did not start:\n{self.log.read_text()[-3000:]}")

    def crash(self) -> None:
        """Kill the server; kernels and keepers live on for a while."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End the server, and whatever it or a test started with its data and has not ended yet."""
        self.process.terminate()
        try:
            self.process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.crash()
        for number in (signal.SIGTERM, signal.SIGKILL):
            until_s = time.monotonic() + END_LIMIT_S / 4
            for pid in self._left():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            while self._left() and time.monotonic() < until_s:
                time.sleep(0.1)

    def _left(self) -> list[int]:
        """Processes that were started with this server's data: kernels, programs, keepers."""
        mine = os.fsencode(self.data)
        found = []
        for one in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                said = (one / "cmdline").read_bytes() + (one / "environ").read_bytes()
                if mine in said and int(one.name) != os.getpid():
                    found.append(int(one.name))
        return found

    def stop_kernels(self) -> None:
        for session in self.request("api/sessions"):
            self.request(f"api/sessions/{session['id']}", "DELETE")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One Jupyter server with the extension, its data in a temporary place."""
    with serve_lab(tmp_path_factory.mktemp("lab"), {}) as made:
        yield made


@contextlib.contextmanager
def serve_lab(place: Path, more: dict[str, str]) -> Iterator[Lab]:
    """A Jupyter server with everything of its own in `place`, `more` in its environment."""
    if not (EXTENSION / "package.json").exists():
        pytest.skip("the labextension is not built: npm run build:prod in labextension/")
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
    } | more
    (place / "home").mkdir()
    (place / "extensions").mkdir()
    (place / "extensions" / "jupyter-mltrack").symlink_to(EXTENSION)
    for name in WIDGETS:
        if (installed := Path(sys.prefix, "share/jupyter/labextensions", name)).exists():
            (place / "extensions" / name).parent.mkdir(exist_ok=True)
            (place / "extensions" / name).symlink_to(installed)
    (place / "config" / "labconfig").mkdir(parents=True)
    (place / "config" / "labconfig" / "page_config.json").write_text(
        json.dumps({"disabledExtensions": dict.fromkeys(LEFT_OUT, True)})
    )
    settings = place / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    port = _free_port()
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *(
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={TOKEN}",
        ),
        *(f"--ServerApp.root_dir={root}", "--LabApp.expose_app_in_browser=True"),
        "--JupyterNotebookApp.expose_app_in_browser=True",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        f"--LabServerApp.labextensions_path={place / 'extensions'}",
    ]
    made = Lab(
        f"http://127.0.0.1:{port}",
        root,
        place / "data",
        environment,
        command,
        place / "server.log",
    )
    try:
        made.start()
        yield made
        made.stop_kernels()
    finally:
        made.stop()


def _free_port() -> int:
    """A port that no kernel, which takes what the system offers, can have before the server has it."""
    while True:
        port = random.randrange(*PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


# ------------------------------------------------------------------------------ browser


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One headless Chromium of the system; the one without windows takes a third of the time."""
    sync_api = pytest.importorskip("playwright.sync_api")
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    executable = next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        pytest.skip("no Chromium: sh tests/browser/install_browser.sh")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS, headless=True)
        yield browser
        browser.close()


@pytest.fixture
def make_screen(
    chromium: Any, lab: Lab, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Screen]]:
    """Makes pages of their own; afterwards none of them may have seen an error or a dialog."""
    made: list[tuple[Any, Screen]] = []

    def make(**options: Any) -> Screen:
        options.setdefault("viewport", {"width": 1280, "height": 860})
        context = chromium.new_context(**options)
        context.set_default_timeout(LIMIT_MS)
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
