"""All open journals of this process, for the two moments that concern them all: fork and exit."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from typing import TYPE_CHECKING

from jupyter_mltrack.journal import lease

if TYPE_CHECKING:
    from jupyter_mltrack.journal.writer import Journal


class _Living:
    """The registry. One object for the process."""

    def __init__(self) -> None:
        self.journals: weakref.WeakSet[Journal] = weakref.WeakSet()
        self.by_workspace: dict[str, Journal] = {}
        self.newest: Journal | None = None
        self.lock = threading.RLock()
        self._hooked = False

    def add(self, journal: Journal) -> None:
        """Have a journal closed at exit and renewed in forked children."""
        self.journals.add(journal)
        if self._hooked:
            return
        self._hooked = True
        atexit.register(self.close_all)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._become_child)

    def close_all(self) -> None:
        """Close every journal; a later `open_for` begins a new one."""
        self.by_workspace.clear()
        self.newest = None
        for journal in list(self.journals):
            journal.close()
            self.journals.discard(journal)

    def _become_child(self) -> None:
        self.lock = threading.RLock()
        lease.forget_after_fork()
        for journal in list(self.journals):
            journal.become_child()


living = _Living()
