"""Runs that a store calls running and no journal of this machine knows."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mltrack import settings, wire

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

RUNNING_MAX = 20
SILENT_MS = 24 * 3600 * 1000
"""A run without a sign of life for so long was left behind by a process that is gone."""


def running_elsewhere(workspace: Workspace, *, data_dir: Path | None = None) -> wire.RunPage:
    """The newest of them, without those that have been silent for a day.

    Rows hold the tag that says what a person wants to hear of.

    Raises:
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack.journal.alerts import TAG
    from jupyter_mltrack.runs.listing import list_runs
    from jupyter_mltrack.runs.waiting import waiting_runs

    folder = data_dir or settings.data_dir()
    page = list_runs(
        workspace,
        filter="attributes.status = 'RUNNING'",
        limit=2 * RUNNING_MAX,
        also_tags=[TAG],
        data_dir=folder,
        ship_first=False,
    )
    mine = waiting_runs(folder, workspace.id)
    now_ms = time.time() * 1000
    found = [
        run
        for run in page.runs
        if run.run_id not in mine and now_ms - _sign_of_life(run) < SILENT_MS
    ]
    return wire.RunPage(runs=found[:RUNNING_MAX])


def _sign_of_life(run: wire.RunSummary) -> int:
    return max([run.start_ms, *(value.timestamp_ms for value in run.metrics)])
