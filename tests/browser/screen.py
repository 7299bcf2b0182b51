"""A page of the browser on the server, and what a person does there; every wait is for something."""

from __future__ import annotations

import contextlib
import operator
import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conftest import Lab

PICTURES = Path(__file__).parent / "pictures"
TOKEN = "browser"
LIMIT_MS = 120_000
"""For what is sure to come: long, because the machine may be slow and busy. A bound of the product is no business of it."""
LIGHT = "JupyterLab Light"
PANEL = "#jupyter-mltrack-panel"
SPLASH = re.compile(r"[^\n]*'removeChild'[^\n]*\n +at \S*/jlab_core\.\S*")
"""A single frame, of a timer of JupyterLab's own: what React removes has a longer way."""
TAB = '.lm-TabBar-tab[data-id="jupyter-mltrack-panel"]'


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
        if SPLASH.fullmatch(error.stack or ""):
            return  # JupyterLab takes its splash away twice when it starts slowly.
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
        """Run a cell to its end. A number that it has already, of another time, is taken away."""
        prompt = self.page.wait_for_selector(
            f".jp-Notebook .jp-CodeCell >> nth={index} >> .jp-InputPrompt"
        )
        self.until(
            """([index, prompt]) => {
              const cells = window.jupyterapp.shell.currentWidget?.content?.widgets ?? [];
              const model = cells.filter(one => one.model.type === 'code')[index]?.model;
              if (model) model.executionCount = null;
              return model !== undefined && !/\\d/.test(prompt.textContent);
            }""",
            [index, prompt],
        )
        self.start_cell(index)
        self.until("prompt => /\\[\\d+\\]/.test(prompt.textContent)", prompt)

    def save(self) -> None:
        """Save the notebook in front, to its end."""
        self.command("docmanager:save")
        self.until("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")

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

    def until(self, expression: str, arg: Any = None, timeout_ms: float = LIMIT_MS) -> None:
        """Wait until an expression of the page is true."""
        self.page.wait_for_function(expression, arg=arg, timeout=timeout_ms)

    def until_here(self, holds: Callable[[], bool], timeout_s: float = LIMIT_MS / 1000) -> bool:
        """Ask again and again what only Python can tell; whether it came true in time."""
        until_s = time.monotonic() + timeout_s
        while not holds():
            if time.monotonic() > until_s:
                return False
            self.page.wait_for_timeout(50)
        return True

    def until_redrawn(self, before: list[int]) -> list[int]:
        """Wait until every chart shows something else than it did; what they show now."""

        def other() -> bool:
            now = self.pixels()[: len(before)]
            return len(now) == len(before) and all(map(operator.ne, before, now))

        assert self.until_here(other), "the charts stand still"
        return self.pixels()

    def wait_still(self) -> None:
        """Wait until charts have drawn all that they have: twice the same, with time between."""
        seen: list[list[int]] = []

        def same() -> bool:
            seen.append(self.pixels())
            self.page.wait_for_timeout(150)
            return len(seen) > 1 and seen[-1] == seen[-2] != []

        assert self.until_here(same), "the charts never stand still"

    def copied(self, said: Callable[[str], bool]) -> str:
        """What was copied, as soon as it is what was waited for; the page may read what it copies."""
        found: list[str] = []

        def was_said() -> bool:
            found.append(self.page.evaluate("() => navigator.clipboard.readText()"))
            return said(found[-1])

        assert self.until_here(was_said), found[-1]
        return found[-1]

    def undo(self, said: str) -> None:
        """Press Undo in the notification that says this, as soon as it is there: it does not stay."""
        self.until(
            """said => {
              const toast = [...document.querySelectorAll('.Toastify__toast')]
                .find(one => one.textContent.includes(said));
              const button = [...(toast?.querySelectorAll('button') ?? [])]
                .find(one => one.textContent.trim() === 'Undo');
              button?.click();
              return button !== undefined;
            }""",
            said,
        )

    def focused(self, selector: str) -> None:
        """Wait until the focus is on such an element."""
        self.until("selector => document.activeElement?.matches(selector)", selector)

    @contextlib.contextmanager
    def saved(self, text: str) -> Iterator[None]:
        """What is done inside makes JupyterLab save a layout or a state that holds this text."""

        def holds(answer: Any) -> bool:
            request = answer.request
            saves = request.method == "PUT" and "/lab/api/workspaces/" in request.url
            return saves and text in (request.post_data or "")

        with self.page.expect_response(holds, timeout=LIMIT_MS):
            yield

    def point_count(self) -> int:
        """How many points the opened run says it has."""
        return int(self.wait(f"{PANEL} .mltrack-PointCount").get_attribute("data-count"))
