"""Bring the kept files of runs to their artifacts, so that other machines and pages see them.

Done by whoever ships the run's journal, after the store has the run. On this machine they are
copied; elsewhere MLflow's own client uploads them, in a process that may wait for a network. An
artifact store that refuses them holds nothing up: the files stay here, where they are read first.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from jupyter_mltrack import own_log
from jupyter_mltrack.journal import guarded_http, kept
from jupyter_mltrack.journal.store_trouble import StoreTrouble

if TYPE_CHECKING:
    from jupyter_mltrack.journal.shipping import JournalShip

UPLOAD_LIMIT_S = 60.0
TRIM_EVERY_S = 600.0
_log = own_log.logger("jupyter_mltrack")


def bring(ship: JournalShip) -> None:
    """Bring what is named in `ship.bringing`; what fails is left here and not tried again.

    Raises:
        StoreTrouble: the store cannot be used now, or another process has to do it.
    """
    for run_id in sorted(ship.bringing):
        place = kept.find(ship.data_dir, ship.meta.workspace_id, [run_id])
        if place is not None and run_id not in ship.progress.refused:
            _bring_one(ship, ship.resolve_id(run_id), place)
        ship.bringing.discard(run_id)
    if ship.allow_mlflow:  # a process of ours, whose time nobody waits for
        _trim_once_in_a_while(ship.data_dir)


_trimmed_at_s: dict[Path, float] = {}


def _trim_once_in_a_while(data_dir: Path) -> None:
    now_s = time.monotonic()
    if now_s - _trimmed_at_s.get(data_dir, -TRIM_EVERY_S) >= TRIM_EVERY_S:
        _trimmed_at_s[data_dir] = now_s
        kept.trim(data_dir)


def _bring_one(ship: JournalShip, run_id: str, place: Path) -> None:
    names = kept.names_in(place)
    if not names:
        return
    try:
        root = _local_root(ship, run_id)
        if root is not None:
            kept.copy_to(place, root)
            return
    except OSError as error:
        _log.warning("The kept files of run %s were not copied: %s", run_id, error)
        return
    if not ship.allow_mlflow:
        raise StoreTrouble("connecting", f"The files of run {run_id} are left to the shipper.")
    try:
        guarded_http.BoundedCalls(UPLOAD_LIMIT_S).run(
            lambda: _upload(ship.workspace.tracking_uri, run_id, [place / name for name in names])
        )
    except Exception as error:
        _log.warning("The kept files of run %s were not uploaded: %r", run_id, error)


def _local_root(ship: JournalShip, run_id: str) -> Path | None:
    """The folder of the run's artifacts, where it lies on this machine."""
    from jupyter_mltrack.journal.sqlite_bulk import SqliteStore

    store = ship.store()
    if not isinstance(store, SqliteStore):
        return None
    uri = store.artifact_uri(run_id)
    if uri.startswith("/"):
        return Path(uri)
    parts = urlsplit(uri)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _upload(tracking_uri: str, run_id: str, paths: list[Path]) -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=tracking_uri)
    for path in paths:
        folder = kept.ARTIFACT_FOLDER
        if path.parent.name == kept.FIGURES:
            folder = f"{folder}/{kept.FIGURES}"
        client.log_artifact(run_id, str(path), folder)
