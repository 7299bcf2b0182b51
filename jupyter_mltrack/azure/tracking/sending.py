"""Send the artifacts that wait in a journal to the runs that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jupyter_mltrack import errors
from jupyter_mltrack.azure.errors import AzureError, Missing
from jupyter_mltrack.azure.tracking import address, run_files
from jupyter_mltrack.journal.store_errors import translated
from jupyter_mltrack.journal.store_trouble import StoreTrouble

if TYPE_CHECKING:
    from jupyter_mltrack.journal.shipping import JournalShip
    from jupyter_mltrack.journal.spool import Waiting
    from jupyter_mltrack.journal.uploading import Moved, Outcome, Sender


def sender(ship: JournalShip) -> Sender:
    """What sends files of a journal."""
    stores: dict[tuple[str, str], run_files.RunFiles] = {}

    def send(batch: Sequence[Waiting], told: Outcome, moved: Moved) -> None:
        for group in _groups(batch):
            first = group[0]
            if first.run_id in ship.progress.refused:
                for one in group:
                    told(one, ValueError(ship.progress.refused[first.run_id]))
                continue
            key = (first.run_id, first.artifact_uri)
            with translated(ship.workspace.tracking_uri):
                store = stores.get(key)
                if store is None:
                    store = stores[key] = _store(ship, first)
            _send_group(ship, store, group, told, moved)

    return send


def _groups(batch: Sequence[Waiting]) -> list[list[Waiting]]:
    """Files of one run with different paths each; the same path again comes in a later group."""
    groups: list[list[Waiting]] = []
    open_groups: dict[str, tuple[list[Waiting], set[str]]] = {}
    for one in batch:
        group, paths = open_groups.get(one.run_id, ([], set()))
        if not group or one.path in paths:
            group, paths = [], set()
            groups.append(group)
        group.append(one)
        paths.add(one.path)
        open_groups[one.run_id] = group, paths
    return groups


def _store(ship: JournalShip, one: Waiting) -> run_files.RunFiles:
    """The files of a run in the service."""
    place = address.place_of(ship.workspace.tracking_uri)
    files = address.files_of(one.artifact_uri, place.tracking_uri)
    run_id = ship.resolve_id(one.run_id)
    if files is None or files.run_id != run_id or files.experiment == address.UNKNOWN_EXPERIMENT:
        if run_id == one.run_id and one.run_id not in ship.progress.ids and _born_here(files):
            raise StoreTrouble("connecting", f"The run {run_id} is still on its way.")
        files = run_files.where(place, run_id)
    from dataclasses import replace

    return run_files.RunFiles(replace(files, path=""))


def _born_here(files: address.Files | None) -> bool:
    return files is not None and files.experiment == address.UNKNOWN_EXPERIMENT


def _send_group(
    ship: JournalShip,
    store: run_files.RunFiles,
    group: list[Waiting],
    told: Outcome,
    moved: Moved,
) -> None:
    from jupyter_mltrack.journal import spool

    passing: list[BaseException] = []

    def outcome(at: int, error: BaseException | None) -> None:
        if error is None or not may_pass(error):
            told(group[at], error)
        else:
            passing.append(error)

    wanted = [(spool.copy_of(ship.path, one), one.path) for one in group]
    with translated(ship.workspace.tracking_uri):
        store.write_each(wanted, outcome, lambda at, size: moved(group[at], size))
        if passing:
            raise passing[0]


def may_pass(error: BaseException) -> bool:
    """Whether an error says nothing about the file: later it may be taken."""
    if isinstance(error, errors.SignedOut | errors.Unreachable | errors.Denied | Missing):
        return True
    return isinstance(error, AzureError) and error.code == "too_many_requests"
