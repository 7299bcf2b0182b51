"""JupyterLab on a free port and a Chromium that looks at it, for figures of the page."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, clean_environment
from benchmarks.network import _wait_for

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-precise-memory-info",
]
TOKEN = "bench"
TAB = '.lm-TabBar-tab[data-id="jupyter-mltrack-panel"]'


def chromium_path() -> str | None:
    """The browser of this machine; None where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def server(command: list[str], place: Path, address: str, **more: str) -> Iterator[None]:
    """Run a server of its own process group until the block ends."""
    with (place / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=place,
            env=clean_environment(place) | more,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_for(address)
        yield
    finally:
        os.killpg(process.pid, 15)
        process.wait()


@contextlib.contextmanager
def lab(place: Path, **more: str) -> Iterator[str]:
    """JupyterLab on the files of `place`; gives its address."""
    port = free_port()
    extensions = place / "extensions"
    extensions.mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (extensions / "jupyter-mltrack").symlink_to(ROOT / "jupyter_mltrack" / "labextension")
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"]
    command += [f"--IdentityProvider.token={TOKEN}", "--LabApp.expose_app_in_browser=True"]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    command += [f"--LabServerApp.extra_labextensions_path={extensions}"]
    with server(command, place, f"http://127.0.0.1:{port}/api", **more):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """One headless Chromium; needs `chromium_path()`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield made
        made.close()


def started(page: Any, address: str) -> None:
    """Open JupyterLab as nobody left it, and wait until everything is where it belongs."""
    page.goto(f"{address}/lab/workspaces/{secrets.token_hex(4)}?token={TOKEN}")
    page.wait_for_function("() => window.jupyterapp !== undefined", timeout=60_000)
    page.evaluate("() => window.jupyterapp.restored.then(() => true)")
    page.wait_for_timeout(1500)  # what is loaded after that is not to be measured as ours
