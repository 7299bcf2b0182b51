"""The append-only journal: what was logged is safe here before anybody else hears of it."""

from jupyter_mltrack.journal.current import (
    current_journal,
    list_journals,
    open_for,
    open_journals,
)
from jupyter_mltrack.journal.lease import owner_alive
from jupyter_mltrack.journal.reader import Batch, JournalReader
from jupyter_mltrack.journal.records import Cursor, Damage, Event, Rows
from jupyter_mltrack.journal.sink import RunSink
from jupyter_mltrack.journal.trouble import Trouble
from jupyter_mltrack.journal.writer import Journal

__all__ = [
    "Batch",
    "Cursor",
    "Damage",
    "Event",
    "Journal",
    "JournalReader",
    "Rows",
    "RunSink",
    "Trouble",
    "current_journal",
    "list_journals",
    "open_for",
    "open_journals",
    "owner_alive",
]
