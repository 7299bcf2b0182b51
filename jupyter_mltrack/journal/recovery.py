"""Find journals that were left behind, and have everything shipped for people who ask for it."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from jupyter_mltrack import wire
from jupyter_mltrack.errors import JournalError, MltrackError
from jupyter_mltrack.journal import progress as notes
from jupyter_mltrack.journal import shipping_state, spool
from jupyter_mltrack.journal.current import list_journals
from jupyter_mltrack.journal.ending import remove_if_finished
from jupyter_mltrack.journal.lease import owner_alive
from jupyter_mltrack.journal.reader import JournalReader
from jupyter_mltrack.journal.shipper_handle import SHIPPER_LOCK, launch_for_left_behind

LOOK_FILE = "looked"
LOOK_AGAIN_S = 900.0
"""A journal of another workspace is given a shipper at most this often by those who only look."""
POKE_FILE = "poke"
_POLL_S = 0.02


def meta_of(path: Path) -> wire.JournalMeta | None:
    """Return whose journal it is; None when it does not say."""
    try:
        return JournalReader(path).meta
    except JournalError:
        return None


def unattended(data_dir: Path, mine: set[Path]) -> list[tuple[Path, wire.JournalMeta]]:
    """Return the journals that no shipper follows."""
    found = []
    for path in list_journals(data_dir):
        if path in mine or notes.is_locked(path / SHIPPER_LOCK):
            continue
        meta = meta_of(path)
        if meta is not None:
            found.append((path, meta))
    return found


def start_once(path: Path, meta: wire.JournalMeta, known_id: str | None) -> bool:
    """Start a shipper for a journal unless somebody has tried lately."""
    mark = path / LOOK_FILE
    try:
        age_s = time.time() - mark.stat().st_mtime
    except OSError:
        age_s = LOOK_AGAIN_S
    if 0 <= age_s < LOOK_AGAIN_S:
        return False
    try:
        notes.replace_file(mark, b"")
        launch_for_left_behind(path, meta.workspace_id, known_id)
    except OSError:  # no room now: whoever looks next may try again
        mark.unlink(missing_ok=True)
        return False
    return True


def start_for_left_behind(data_dir: Path) -> int:
    """See `ship.recover`: one shipper for each workspace that has journals of dead owners."""
    started: set[str] = set()
    known_id = current_workspace_id()
    for path, meta in unattended(data_dir, set()):
        if meta.workspace_id in started or owner_alive(path):
            continue
        if start_once(path, meta, known_id):
            started.add(meta.workspace_id)
    return len(started)


def current_workspace_id() -> str | None:
    """Return the id of the workspace that this process means by itself; None when it is none."""
    from jupyter_mltrack.workspaces import resolve

    try:
        return resolve().id
    except (MltrackError, OSError):
        return None


# --------------------------------------------------------------------------------- sync


def sync_all(
    data_dir: Path, *, workspace_id: str | None, journal: Path | None, timeout_s: float
) -> wire.SyncReport:
    """See `ship.sync`."""
    end_s = time.monotonic() + timeout_s
    chosen = [
        (path, meta)
        for path in list_journals(data_dir)
        if (journal is None or path == journal)
        and (meta := meta_of(path)) is not None
        and (workspace_id is None or meta.workspace_id == workspace_id)
    ]
    shipped = 0
    problems: dict[str, wire.Problem] = {}
    waiting = []
    known_id = current_workspace_id() if chosen else None
    for path, meta in chosen:
        before = notes.Progress.load(path).shipped_points
        if _ship_here(path, end_s) is None:
            shipped += max(0, _shipped_points(path, before) - before)
            continue
        poke(path)
        if not notes.is_locked(path / SHIPPER_LOCK):
            launch_for_left_behind(path, meta.workspace_id, known_id)
        waiting.append((path, meta, before))
    for path, meta, before in waiting:
        problem = _wait_for(path, meta, data_dir, end_s)
        shipped += max(0, _shipped_points(path, before) - before)
        if problem is not None:
            problems[problem.message] = problem
    left = shipping_state.backlog(data_dir)
    ids = {meta.workspace_id for _, meta in chosen}
    return wire.SyncReport(
        shipped_points=shipped,
        waiting_points=sum(left[found].points for found in ids if found in left),
        problems=list(problems.values()),
    )


def _shipped_points(path: Path, otherwise: int) -> int:
    return notes.Progress.load(path).shipped_points if path.is_dir() else otherwise


def _ship_here(path: Path, end_s: float) -> str | None:
    """Ship in this process where MLflow is not needed; returns why it was not enough."""
    from jupyter_mltrack.journal.ship import ship

    try:
        result = ship(path, deadline_s=max(0.05, end_s - time.monotonic()))
    except (JournalError, OSError) as error:
        return str(error)
    if result.busy:
        return "another process is shipping it"
    if result.trouble is not None:
        return result.trouble.message
    if not result.done:
        return "not done in time"
    if not spool.is_empty(path):
        return "artifacts are on their way"
    with notes.locked(path / notes.LOCK_FILE) as mine:
        if mine:
            remove_if_finished(path)
    return None


def _wait_for(
    path: Path, meta: wire.JournalMeta, data_dir: Path, end_s: float
) -> wire.Problem | None:
    """Wait for the shipper of a journal; returns what stands in the way, if something does."""
    begun_ms = shipping_state.now_ms()
    while True:
        if not path.is_dir() or is_drained(path):
            return None
        health = shipping_state.read_health(data_dir, meta.workspace_id)
        bad = health is not None and health.state not in ("ready", "connecting")
        if (
            bad
            and health is not None
            and shipping_state.checked_ms(data_dir, meta.workspace_id) > begun_ms
        ):
            code: wire.ProblemCode = (
                "signed_out" if health.state == "signed_out" else "store_unreachable"
            )
            return wire.Problem(code=code, message=health.message, hint=health.hint)
        if time.monotonic() >= end_s:
            message = health.message if health is not None and health.message else ""
            return wire.Problem(
                code="store_timeout",
                message=message or f"{meta.workspace_name} did not take everything in time.",
                hint="It goes on in the background; look again with: %mltrack status",
            )
        time.sleep(_POLL_S)


def is_drained(path: Path) -> bool:
    """Say whether everything readable is shipped, and the journal finished if its owner is gone."""
    progress = notes.Progress.load(path)
    if not spool.is_empty(path):
        return False
    if progress.finished_ms:
        return True
    if not owner_alive(path):
        return False
    batch = JournalReader(path).read(progress.cursor, limit_bytes=4096)
    return not batch.records


def poke(path: Path) -> None:
    """Have the shipper of a journal try now, however long it meant to wait."""
    with contextlib.suppress(OSError):
        notes.replace_file(path / POKE_FILE, b"")


def poked_at(path: Path) -> float:
    """Return when `poke` was last called; 0 when never."""
    try:
        return os.stat(path / POKE_FILE).st_mtime
    except OSError:
        return 0.0
