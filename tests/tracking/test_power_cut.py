"""After a run has ended, a power cut takes nothing of it: the journal was brought to the disk."""

from __future__ import annotations

import jupyter_mltrack
from jupyter_mltrack.journal import Journal, current_journal


def ends_on_the_disk(journal: Journal) -> int:
    """How many ends of runs the disk has; what is written in the background may still be on its way."""
    segment = journal._space.current
    return segment.path.read_bytes()[: segment.synced].count(b"run_ended")


def test_everything_is_on_the_disk_once_a_tracked_block_has_ended() -> None:
    with jupyter_mltrack.track("first", quiet=True):
        jupyter_mltrack.log({"loss": 1.0}, step=0)
    journal = current_journal()
    assert journal is not None
    before = ends_on_the_disk(journal)
    for number, name in enumerate(("second", "third", "fourth"), 1):
        with jupyter_mltrack.track(name, quiet=True):
            jupyter_mltrack.log({"loss": 1.0}, step=0)
        assert ends_on_the_disk(journal) == before + number
