"""Where a journal lies: its folder, made in one step with `meta.json` and lease inside.

When the data folder cannot be written (read-only home, no room, somebody else's folder), a private
folder under the system's temporary folder is taken, under a name made from the data folder, so
that `list_journals` finds it there too. When that fails as well there is no folder for now, and
the writer keeps points in memory until there is one.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.journal import format as fmt
from jupyter_mltrack.journal import lease
from jupyter_mltrack.journal.segments import close_handle, open_private
from jupyter_mltrack.journal.trouble import Trouble, of_error, other_folder
from jupyter_mltrack.settings import data_dir, ensure_private_dir

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

JOURNALS = "journals"
META = "meta.json"


def fallback_dir(data_folder: Path) -> Path:
    """The private folder that stands in for a data folder that cannot be written."""
    import hashlib
    import tempfile

    mark = hashlib.sha256(os.fsencode(data_folder)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"mltrack-{os.geteuid()}-{mark}"


class Place:
    """The folder of one journal. `open` makes it, `close` gives up the lease."""

    def __init__(self, workspace: Workspace, parent_journal_id: str | None) -> None:
        created_ms = time.time_ns() // 1_000_000
        self.id = f"{created_ms:012x}-{uuid.uuid4().hex[:12]}"
        self.path = data_dir() / JOURNALS / self.id
        self.opened = False
        meta = _meta(workspace, self.id, created_ms, parent_journal_id)
        self.meta_frame = fmt.frame(fmt.META, json.dumps(meta, separators=(",", ":")).encode())
        self._meta = meta

    def open(self) -> Trouble | None:
        """Make the folder; a trouble when it is not where it should be.

        Raises:
            OSError: no folder can be made anywhere. Likewise MltrackError.
        """
        if self.opened:
            return None
        wanted = data_dir()
        try:
            self._make(wanted / JOURNALS)
        except (OSError, MltrackError) as error:
            instead = fallback_dir(wanted)
            try:
                ensure_private_dir(instead)
                self._make(instead / JOURNALS)
            except (OSError, MltrackError):
                raise error from None
            return other_folder(of_error(error, wanted), instead)
        return None

    def _make(self, parent: Path) -> None:
        hidden = parent / f".{self.id}"
        target = parent / self.id
        try:
            ensure_private_dir(parent)
            os.mkdir(hidden, 0o700)
            os.chmod(hidden, 0o700)
            handle = open_private(hidden / META)
            try:
                _write_all(handle, json.dumps(self._meta, indent=1).encode())
            finally:
                close_handle(handle)
            lease.acquire(hidden, self.id)
            os.rename(hidden, target)
        except BaseException:
            lease.release(self.id)
            for name in (META, lease.LEASE):
                with contextlib.suppress(OSError):
                    os.unlink(hidden / name)
            with contextlib.suppress(OSError):
                os.rmdir(hidden)
            raise
        self.path = target
        self.opened = True

    def sync(self) -> None:
        """Bring the folder's own entries to the disk.

        Raises:
            OSError: the disk fails.
        """
        if not self.opened:
            return
        for path in (self.path / META, self.path, self.path.parent):
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                close_handle(handle)

    def close(self) -> None:
        """Give up the lease: whoever comes next may finish what is here."""
        lease.release(self.id)


def _meta(
    workspace: Workspace, journal_id: str, created_ms: int, parent_journal_id: str | None
) -> dict[str, Any]:
    """What `wire.JournalMeta` says, made without it: msgspec is not needed to log a point."""
    return {
        "format": fmt.FORMAT,
        "journal_id": journal_id,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "boot_id": lease.boot_id(),
        "created_ms": created_ms,
        "tracking_uri": workspace.display_uri,
        "workspace_id": workspace.id,
        "workspace_kind": workspace.kind,
        "workspace_name": workspace.name,
        "project_root": str(workspace.root) if workspace.root is not None else "",
        "parent_journal_id": parent_journal_id,
    }


def _write_all(handle: int, content: bytes) -> None:
    while content:
        content = content[os.write(handle, content) :]
