"""`%mltrack` in a real kernel: workspaces that answer, hang, refuse; and exported notebooks."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import patience
import pytest


@pytest.fixture
def hanging_server() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def take() -> None:
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        for one in held:
            one.close()


def test_status_names_workspace_experiment_and_running_runs(kernel: Any) -> None:
    reply = kernel.run(
        "%%track now\nfrom jupyter_mltrack import log\nlog({'loss': 0.5})\n%mltrack status\n"
    )
    assert reply.status == "ok", reply.traceback
    assert reply.lines[0].startswith("✓ now · loss 0.5 · 00:")
    assert reply.lines[1].startswith("work · sqlite:///")
    assert reply.lines[2].startswith("◐ now · loss 0.5 · 00:")
    assert kernel.run("%mltrack sync --wait").shown.endswith("nothing waits")
    assert kernel.run("%mltrack status").lines[0].endswith("ready")


def test_verbs_give_html_that_stands_alone(kernel: Any) -> None:
    kernel.run("%%track a\nfrom jupyter_mltrack import log\nlog({'loss': 0.5})\n")
    for verb in ("status", "runs", "show last", "experiment", "help"):
        (bundle,) = kernel.run(f"%mltrack {verb}").bundles
        assert set(bundle) == {"text/plain", "text/html"}
        assert not any(
            word in bundle["text/html"] for word in ("<script", "http://", "https://", "src=")
        )


def test_using_a_server_out_of_reach_keeps_everything_and_says_so(kernel: Any, store: Any) -> None:
    reply = kernel.run("%mltrack use http://127.0.0.1:9")
    assert reply.status == "ok"
    assert "unreachable" in reply.lines[0]
    assert "connection refused" in reply.lines[1]
    assert "kept on this machine" in reply.lines[1]
    assert len(reply.lines) == 2
    cell = kernel.run("%%track far\nfrom jupyter_mltrack import log\nlog({'loss': 0.5})\n")
    assert cell.lines == ["✓ far · loss 0.5 · 00:00"]
    shown = kernel.run("%mltrack runs").shown
    assert "cannot be reached" in shown
    assert "far" in shown
    assert kernel.run("%mltrack show far").status == "ok"
    assert "waiting" in kernel.run("%mltrack status").shown
    assert kernel.run("%mltrack use local").status == "ok"
    assert kernel.run("%%track near\nlog({'loss': 0.1})\n").lines == ["✓ near · loss 0.1 · 00:00"]
    assert "far" not in kernel.run("%mltrack runs").shown
    assert "127.0.0.1:9" in kernel.run("%mltrack status").shown


def test_a_server_that_hangs_does_not_hold_the_kernel(kernel: Any, hanging_server: str) -> None:
    assert kernel.run(f"%mltrack use {hanging_server}").status == "ok"
    cell = kernel.run("%%track far\nfrom jupyter_mltrack import log\nlog({'loss': 0.5})\n")
    assert cell.lines[0].startswith("✓ far · loss 0.5 · 00:0")
    assert "far" in kernel.run("%mltrack runs").shown


@pytest.mark.parametrize("spec", ["no-such-place", "sqlite:///", "''", "http://"])
def test_a_workspace_that_means_nothing_is_two_lines_and_changes_nothing(
    shared_kernel: Any, spec: str
) -> None:
    before = shared_kernel.run("%mltrack status").lines[0]
    reply = shared_kernel.run(f"%mltrack use {spec}")
    assert reply.status == "error" or reply.lines[0] == before
    assert len(reply.traceback) <= 2
    assert shared_kernel.run("%mltrack status").lines[0].split(" · ")[1] == before.split(" · ")[1]


def test_damaged_settings_break_no_cell(kernel: Any) -> None:
    (Path(kernel.cwd) / "mltrack.toml").write_text("tracking = \n")
    reply = kernel.run(
        "%%track a\nfrom jupyter_mltrack import log\nlog({'x': 1.0})\nprint('ran')\n"
    )
    assert (reply.status, reply.stdout) == ("ok", "ran\n")
    assert reply.stderr.count("mltrack.toml, line 1") == 1
    reply = kernel.run("%mltrack experiment digits --save")
    assert len(reply.traceback) == 2
    assert "mltrack.toml, line 1" in reply.traceback[0]
    assert kernel.run("%mltrack status").lines[0].startswith("work · sqlite:///")
    (Path(kernel.cwd) / "mltrack.toml").unlink()
    reply = kernel.run("%mltrack runs")
    assert "a" in reply.shown, reply.traceback


def test_a_saved_workspace_is_used_by_the_next_kernel(new_kernel: Any, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    kernel = new_kernel()
    assert kernel.run(f"%mltrack use {tmp_path}/shared --save team").status == "ok"
    assert "team" in (Path(kernel.cwd) / "mltrack.toml").read_text()
    kernel.run("%%track one\nx = 1\n%mltrack sync --wait\n")
    other = new_kernel()
    assert "shared" in other.run("%mltrack status").lines[0]
    assert "one" in other.run("%mltrack runs").shown


def test_python_functions_return_structs(kernel: Any) -> None:
    kernel.run("%%track a\nfrom jupyter_mltrack import log\nlog({'loss': 0.5})\n")
    reply = kernel.run(
        "import jupyter_mltrack as m\n"
        "print(type(m.status()).__name__, type(m.runs()).__name__, type(m.show('last')).__name__,"
        " type(m.experiment()).__name__, type(m.sync()).__name__, m.auto())\n"
    )
    assert reply.stdout.split()[:5] == [
        "StatusReport",
        "RunPage",
        "RunDetail",
        "ExperimentList",
        "SyncReport",
    ]


NOTEBOOK = {
    "nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": {"name": "python3", "display_name": "p"}},
    "cells": [
        {"cell_type": "code", "id": f"c{number}", "metadata": {}, "execution_count": None, "outputs": [], "source": source}
        for number, source in enumerate([
            "%load_ext jupyter_mltrack",
            "%%track exported\nfrom jupyter_mltrack import log\nimport asyncio\nawait asyncio.sleep(0)\nlog({'loss': 0.25})",
        ])
    ],
}  # fmt: skip


def test_an_executed_and_exported_notebook_keeps_the_line(private_place: Path, store: Any) -> None:
    work = private_place / "work"
    (work / "book.ipynb").write_text(json.dumps(NOTEBOOK))
    executed = ["--execute", "book.ipynb", "--to", "notebook", "--output", "out"]
    for words in (executed, ["out.ipynb", "--to", "html"]):
        done = subprocess.run(
            [sys.executable, "-m", "nbconvert", *words],
            cwd=work, capture_output=True, text=True, timeout=patience.WAIT_S, check=False, env=dict(os.environ),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    saved = json.loads((work / "out.ipynb").read_text())
    (output,) = saved["cells"][1]["outputs"]
    text = output["data"]["text/plain"]
    assert re.fullmatch(r"✓ exported · loss 0.25 · 00:\d\d", "".join(text))
    (run,) = store.runs()
    assert (run["status"], run["id"]) == ("FINISHED", output["metadata"]["mltrack"]["run_id"])
    assert re.search(r"</b></span> · loss 0.25 · 00:\d\d", (work / "out.html").read_text())
