"""A notebook of a stranger only lies there: nothing that it says makes the page or the server ask anybody."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import nbformat
import pytest
from screen import LIMIT_MS

PANEL = "#jupyter-mltrack-panel"
CONNECT = f"{PANEL} .mltrack-Header button[title='Connect']"
RUN = "0123456789abcdef0123456789abcdef"
AFTER_MS = 3_000
"""Longer than the page waits between two questions."""


class Stranger:
    """A server that counts who comes, and hangs up."""

    def __init__(self) -> None:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        self.asked = threading.Semaphore(0)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                visitor, _ = self._door.accept()
            except OSError:
                return
            self.asked.release()
            visitor.close()

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    made = Stranger()
    yield made
    made.close()


def _write_notebook(path: str, address: str) -> None:
    """Every place of a notebook that we read names the stranger."""
    told = {"run_id": RUN, "workspace_id": address, "name": "x", "start_ms": 1}
    wrong = {**told, "tracking_uri": address, "workspace": address, "connect": True}
    notebook = nbformat.read(path, 4)
    notebook.metadata["mltrack"] = wrong
    for cell in notebook.cells:
        cell.metadata["mltrack"] = wrong
        data = {"application/vnd.mltrack.run+json": wrong, "text/plain": "a line"}
        cell.outputs = [
            nbformat.v4.new_output("display_data", data, metadata={"mltrack": wrong}),
            nbformat.v4.new_output(
                "display_data", {"text/plain": "x"}, metadata={"mltrack": wrong}
            ),
        ]
    nbformat.write(notebook, path)


def test_s23_a_notebook_that_names_a_workspace_connects_to_nothing_before_a_click(
    screen: Any, lab: Any, stranger: Stranger
) -> None:
    command = f"%mltrack use {stranger.address}"
    path = lab.project(command, "%%track x\nx = 1", settings=f'tracking = "{stranger.address}"\n')
    _write_notebook(str(lab.root / path), stranger.address)
    screen.open(path)
    screen.wait_kernel()
    screen.wait(CONNECT)
    screen.page.wait_for_timeout(AFTER_MS)
    assert not stranger.asked.acquire(blocking=False)
    assert [url for url in screen.requests if url.startswith(stranger.address)] == []
    assert screen.page.locator(".jp-Notebook .mltrack-CellChip").count() == 0
    screen.page.click(CONNECT)
    assert stranger.asked.acquire(timeout=LIMIT_MS / 1000)
