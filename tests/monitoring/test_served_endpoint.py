"""From a model to an answer that is watched: a real endpoint, its log, and drift of what it was asked."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import patience
import pytest
from watch_ground import INPUTS, customers

from jupyter_mltrack.monitoring import drift, endpoint_folder, monitor
from jupyter_mltrack.settings import data_dir
from jupyter_mltrack.verbs.door import answer
from jupyter_mltrack.workspaces import Workspace


def processes_of(place: Path) -> list[int]:
    """Processes that have the data folder in their arguments, as the keeper has."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if str(place) in words:
                    found.append(int(entry.name))
    return found


@pytest.fixture
def serving(here: Workspace) -> Iterator[Workspace]:
    """The workspace, with a keeper that ends with the test."""
    yield here
    place = data_dir()
    for pid in processes_of(place):
        os.kill(pid, signal.SIGTERM)
    until_s = time.monotonic() + patience.WAIT_S
    while processes_of(place) and time.monotonic() < until_s:
        time.sleep(0.1)
    shutil.rmtree(place / "deployments", ignore_errors=True)


def logged(name: str, count: int) -> int:
    """Wait until so many requests are in the log: it is written after the answer."""
    until_s = time.monotonic() + patience.WAIT_S
    while True:
        found = monitor(name).requests
        if found >= count or time.monotonic() > until_s:
            return found
        time.sleep(0.2)


@pytest.mark.slow
def test_what_an_endpoint_is_asked_is_watched_and_compared(serving: Workspace) -> None:
    assert "ready" in answer("deploy churn/1 --name watched").plain
    older = customers(300, 41, shift=8)[INPUTS]
    for at in range(0, 300, 10):
        answer("predict watched --data rows", {"rows": older.iloc[at : at + 10]})
    assert logged("watched", 30) == 30
    report = monitor("watched")
    assert (report.requests, report.errors) == (30, 0)
    assert sum(report.counts) == 30
    assert [(one.version, one.requests) for one in report.versions] == [("1", 30)]
    assert [(one.name, set(one.labels)) for one in report.mixes] == [("left", {"no", "yes"})]

    found = drift("churn/1", "watched")
    assert found.rows_data == 300
    told = {one.name: one.verdict for one in (*found.features, *found.predictions)}
    assert told == {
        "age": "drift", "city": "ok", "visits": "ok", "member": "ok", "left": "drift",
    }  # fmt: skip
    answer("stop watched --yes")
    until_s = time.monotonic() + patience.WAIT_S
    while not list(endpoint_folder("watched").glob("*.parquet")) and time.monotonic() < until_s:
        time.sleep(0.2)  # the keeper has closed files packed
    assert list(endpoint_folder("watched").glob("*.parquet"))
    assert monitor("watched").requests == 30
    assert drift("churn/1", "watched").rows_data == 300
