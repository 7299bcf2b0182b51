"""The journals of this process: one for each workspace, made when first needed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mltrack.journal.living import living
from jupyter_mltrack.journal.place import JOURNALS, fallback_dir
from jupyter_mltrack.journal.trouble import Trouble
from jupyter_mltrack.journal.writer import DEFAULT_MAX_BYTES, Journal
from jupyter_mltrack.settings import unsafe_reason

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace


def open_for(
    workspace: Workspace,
    *,
    parent_journal_id: str | None = None,
    max_bytes: int = DEFAULT_MAX_BYTES,
    on_trouble: Callable[[Trouble], None] | None = None,
) -> Journal:
    """The journal of this process for a workspace; made if there is none yet.

    `parent_journal_id` (of a worker process), `max_bytes` (0: no limit) and `on_trouble` count
    only when it is made.
    """
    with living.lock:
        journal = living.by_workspace.get(workspace.id)
        if journal is None or journal.closed:
            journal = Journal(workspace, parent_journal_id=parent_journal_id, max_bytes=max_bytes)
            journal.on_write_trouble = on_trouble
            living.by_workspace[workspace.id] = journal
            journal.open()
        living.newest = journal
        return journal


def current_journal() -> Journal | None:
    """The journal that was last asked for in this process; None when there was none."""
    journal = living.newest
    return None if journal is None or journal.closed else journal


def open_journals() -> list[Journal]:
    """All journals that this process writes."""
    return [journal for journal in list(living.journals) if not journal.closed]


def list_journals(data_dir: Path) -> list[Path]:
    """Folders of all journals of this user under a data folder or its stand-in, oldest first."""
    found = []
    for parent in (Path(data_dir), fallback_dir(Path(data_dir))):
        with contextlib.suppress(OSError), os.scandir(parent / JOURNALS) as entries:
            if unsafe_reason(os.lstat(parent)) or unsafe_reason(os.lstat(parent / JOURNALS)):
                continue
            found += [Path(entry.path) for entry in entries if _is_journal(entry)]
    return sorted(found, key=lambda path: path.name)


def _is_journal(entry: os.DirEntry[str]) -> bool:
    try:
        return not entry.name.startswith(".") and not unsafe_reason(
            entry.stat(follow_symlinks=False)
        )
    except OSError:
        return False
