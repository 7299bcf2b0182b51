"""Bring journals into the stores they belong to. Anyone may do it; nothing comes twice.

The facade of shipping, light enough for a kernel: what does the work is imported when it is
called. A kernel normally only starts its shipper process (`ensure_shipper`) and sometimes waits
for it (`wait_shipped`); `sync` is for people who want to see it done.
"""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mltrack.journal.progress import Cursor, Progress, local_ids, locked, run_alias
from jupyter_mltrack.journal.shipper_handle import ShipperHandle, ensure_shipper

if TYPE_CHECKING:
    from jupyter_mltrack import wire
    from jupyter_mltrack.journal.reader import JournalReader
    from jupyter_mltrack.journal.shipping import ShipResult
    from jupyter_mltrack.journal.shipping_state import Backlog

__all__ = [
    "ShipperHandle",
    "backlog",
    "ensure_shipper",
    "health",
    "local_ids",
    "recover",
    "run_alias",
    "ship",
    "shipped_until",
    "sync",
    "wait_shipped",
]


def ship(
    path: Path,
    *,
    deadline_s: float | None = None,
    until: Cursor | None = None,
    allow_mlflow: bool = False,
) -> ShipResult:
    """Ship a journal as far as it goes; returns at once when another process is at it.

    Args:
        path: the journal's folder.
        deadline_s: how long it may take; None is until nothing is left.
        until: stop when everything before this position is in the store.
        allow_mlflow: whether MLflow may be imported and a network waited for. A kernel and the
            server say no: they ship to SQLite stores only and leave the others to the shipper.
    """
    from jupyter_mltrack.journal.progress import LOCK_FILE
    from jupyter_mltrack.journal.shipping import JournalShip, ShipResult, run_until

    end_s = None if deadline_s is None else time.monotonic() + deadline_s
    with locked(path / LOCK_FILE) as mine:
        if not mine:
            return ShipResult(busy=True)
        worker = JournalShip(path, allow_mlflow=allow_mlflow, reader=_reader(path))
        try:
            return run_until(worker, end_s, until)
        finally:
            worker.close()


@lru_cache(maxsize=8)
def _reader(path: Path) -> JournalReader:
    """Return the reader of a journal; used under the journal's lock only."""
    from jupyter_mltrack.journal.reader import JournalReader

    return JournalReader(path)


def wait_shipped(
    journal_path: Path, until: Cursor, *, stall_s: float, timeout_s: float, start_s: float = 0.0
) -> bool:
    """Wait until the store has everything before `until`; as long as something moves.

    Helps along where that is quick (SQLite). Returns at once when it is known that the store
    cannot be reached.

    Args:
        journal_path: the journal's folder.
        until: a position that `Journal.event` or `Journal.position` returned.
        stall_s: how long nothing may move before waiting is given up.
        timeout_s: how long to wait at most.
        start_s: how long a shipper that has only begun may take until it asks the store; on a
            machine with much to do, importing MLflow takes longer than a store may stall.

    Returns:
        True when the store has it.
    """
    from jupyter_mltrack.journal.waiting import wait

    return wait(journal_path, until, stall_s=stall_s, timeout_s=timeout_s, start_s=start_s)


def sync(
    data_dir: Path,
    *,
    workspace_id: str | None = None,
    journal: Path | None = None,
    timeout_s: float,
) -> wire.SyncReport:
    """Ship everything now, journals of the living and the dead; wait for whoever is at it.

    Open runs of dead owners end as FAILED. Stores that need MLflow are served by shipper
    processes, so that a store that hangs holds up nothing but this wait.

    Args:
        data_dir: where the journals are.
        workspace_id: only this workspace.
        journal: only this journal.
        timeout_s: how long to wait at most; what is left then is in the report.
    """
    from jupyter_mltrack.journal.recovery import sync_all

    return sync_all(data_dir, workspace_id=workspace_id, journal=journal, timeout_s=timeout_s)


def recover(data_dir: Path) -> int:
    """Have the journals of dead owners finished; returns how many shippers were started.

    Cheap when there is nothing to do; anybody who looks at the data folder may call it.
    """
    from jupyter_mltrack.journal.recovery import start_for_left_behind

    return start_for_left_behind(data_dir)


def backlog(data_dir: Path) -> dict[str, Backlog]:
    """Return what waits for each workspace id; to ask often, keep a `BacklogMeter`."""
    from jupyter_mltrack.journal import shipping_state

    return shipping_state.backlog(data_dir)


def health(data_dir: Path, workspace_id: str) -> wire.Health | None:
    """Return how a shipper last saw the store, with what waits; None when none saw it lately."""
    from jupyter_mltrack.journal import shipping_state

    seen = shipping_state.read_health(data_dir, workspace_id)
    if seen is None:
        return None
    waits = shipping_state.backlog(data_dir).get(workspace_id, shipping_state.Backlog())
    return waits.added_to(seen)


def shipped_until(journal_path: Path) -> Cursor:
    """Return the position up to which the store has a journal."""
    return Progress.load(journal_path).cursor
