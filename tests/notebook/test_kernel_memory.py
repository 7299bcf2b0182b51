"""What a cell's run remembers, with a real kernel: source, surroundings, output, progress, alerts."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import patience
import pytest

from jupyter_mltrack import settings, workspaces
from jupyter_mltrack.journal import kept
from jupyter_mltrack.journal.live import LiveIndex
from jupyter_mltrack.runs.about import get_about
from jupyter_mltrack.runs.output import get_output


def until(found: Callable[[], Any], limit_s: float = 15) -> Any:
    end_s = time.monotonic() + patience.least(limit_s)
    while True:
        value = found()
        if value or time.monotonic() > end_s:
            return value
        time.sleep(0.05)


@pytest.fixture
def place(private_place: Path) -> workspaces.Workspace:
    return workspaces.resolve("local", private_place / "work")


def kept_by(place: workspaces.Workspace, *names: str) -> Path:
    """The one folder of kept files, once it has all the names."""

    def whole() -> Path | None:
        folders = list((settings.data_dir() / "keep" / place.id).glob("*"))
        if len(folders) == 1 and all((folders[0] / name).exists() for name in names):
            return folders[0]
        return None

    found = until(whole)
    assert found, list((settings.data_dir() / "keep").glob("*/*/*"))
    return found


def test_a_cell_leaves_its_source_its_surroundings_and_what_it_printed(
    kernel: Any, store: Any, place: workspaces.Workspace
) -> None:
    cell = (
        "%%track study\n"
        "import sys\n"
        "print('half ', end='')\n"
        "print('a line')\n"
        "print('careful', file=sys.stderr)\n"
    )
    assert kernel.run(cell, cellId="c-1").status == "ok"
    folder = kept_by(place, kept.SOURCE, kept.SURROUNDINGS, kept.OUTPUT)
    about = get_about(place, folder.name)
    assert about.source == cell.rstrip("\n") or about.source == cell
    assert about.cell_id == "c-1"
    assert "mlflow" in {one.key for one in about.packages}
    assert "CPython" in about.python
    assert {"CPU", "Memory"} <= {one.key for one in about.hardware}
    lines = until(lambda: get_output(place, folder.name).lines)
    said = {(one.stream, one.text) for one in lines}
    assert {("stdout", "half a line"), ("stderr", "careful")} <= said
    assert kernel.run("print('not of any run')").stdout == "not of any run\n"
    (run,) = store.runs()
    artifacts = place.root / ".mltrack" / "artifacts" / run["id"] / "artifacts" / "mltrack"
    assert until((artifacts / kept.OUTPUT).exists)
    assert (artifacts / kept.SOURCE).read_bytes() == (folder / kept.SOURCE).read_bytes()
    assert b"not of any run" not in (folder / kept.OUTPUT).read_bytes()


def test_a_block_in_a_cell_keeps_the_cell(kernel: Any, place: workspaces.Workspace) -> None:
    cell = "import jupyter_mltrack\nwith jupyter_mltrack.track('block'):\n    print('in it')\n"
    assert kernel.run(cell).status == "ok"
    folder = kept_by(place, kept.SOURCE, kept.OUTPUT)
    assert (folder / kept.SOURCE).read_text().strip() == cell.strip()


def test_a_failed_cell_keeps_its_traceback_from_its_own_code_on(
    kernel: Any, place: workspaces.Workspace
) -> None:
    kernel.run("%%track broken\ndef inner():\n    raise ValueError('no such thing')\ninner()\n")
    folder = kept_by(place, kept.OUTPUT)
    texts = [one.text for one in get_output(place, folder.name).lines]
    assert texts[0] == "Traceback (most recent call last):"
    assert texts[-1] == "ValueError: no such thing"
    assert not any("interactiveshell" in text for text in texts)


def test_output_and_progress_are_seen_while_the_cell_runs_and_survive_its_kernel(
    kernel: Any, store: Any, place: workspaces.Workspace
) -> None:
    cell = (
        "%%track long --alert 'loss > 5'\n"
        "import time, jupyter_mltrack\n"
        "from tqdm import tqdm\n"
        "for epoch in tqdm(range(1000), desc='epochs'):\n"
        "    jupyter_mltrack.log({'loss': float(epoch)})\n"
        "    print('epoch', epoch)\n"
        "    time.sleep(0.05)\n"
    )
    kernel.start(cell, cellId="c-2")
    index = LiveIndex(settings.data_dir())

    def shown() -> Any:
        index.poll(0.2)
        runs = index.live_runs().runs
        whole = runs and runs[0].progress and runs[0].alerts and len(runs[0].output) >= 2
        return runs[0] if whole else None

    run = until(shown, 30)
    assert run, index.live_runs()
    assert (run.progress.total, run.progress.label, run.progress.unit) == (1000, "epochs", "it")
    assert any(text.startswith("epoch ") for text in run.output)
    assert [one.message for one in run.alerts] == ["loss is 6 at step 6."]
    assert run.cell_id == "c-2"
    assert run.kernel_id in kernel.manager.connection_file
    folder = kept.folder(settings.data_dir(), place.id, run.summary.run_id)
    assert until((folder / kept.SOURCE).exists)
    kernel.kill()
    (ended,) = store.runs()
    assert (ended["status"], ended["id"]) == ("FAILED", run.summary.run_id)
    artifacts = place.root / ".mltrack" / "artifacts" / ended["id"] / "artifacts" / "mltrack"
    log = (artifacts / kept.OUTPUT).read_text()
    assert "out epoch 0\n" in log
    assert log == (folder / kept.OUTPUT).read_text()
    assert (artifacts / kept.SOURCE).exists()


def test_a_condition_that_is_none_stops_the_cell_before_it_runs(kernel: Any) -> None:
    reply = kernel.run("%%track --alert 'loss is bad'\nprint('ran')\n")
    assert (reply.status, reply.stdout) == ("error", "")
    assert len(reply.traceback) == 2


def test_what_is_switched_off_is_not_kept(new_kernel: Any, place: workspaces.Workspace) -> None:
    off = [f"keep_{part}" for part in settings.KEPT_PARTS]
    (place.root / "mltrack.toml").write_text("".join(f"{name} = false\n" for name in off))
    kernel = new_kernel()
    assert kernel.run("%%track plain\nprint(1)\n").status == "ok"
    kernel.run("import time; time.sleep(1); import sys; assert 'write' not in vars(sys.stdout)")
    assert list((settings.data_dir() / "keep").glob("*/*/*")) == []


def test_streams_are_given_back_when_no_cell_is_tracked(kernel: Any) -> None:
    def writes(header: str) -> str:
        cell = f"{header}import sys\nprint(sys.stdout.write.__qualname__)\n"
        return str(kernel.run(cell).stdout)

    before = writes("")
    assert "Tee" in writes("%%track a\n")
    assert "Tee" not in before
    assert writes("") == before
    assert kernel.run("import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()):\n"
                      "    print('unseen')\nprint('seen')").stdout == "seen\n"  # fmt: skip
