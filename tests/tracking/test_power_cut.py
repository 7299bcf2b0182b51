"""After a run has ended, a power cut takes nothing of it: the journal was brought to the disk."""

from __future__ import annotations

import jupyter_mltrack
from jupyter_mltrack.journal import current_journal


def test_everything_is_on_the_disk_once_a_tracked_block_has_ended() -> None:
    with jupyter_mltrack.track("first", quiet=True):
        jupyter_mltrack.log({"loss": 1.0}, step=0)
    journal = current_journal()
    assert journal is not None
    for name in ("second", "third", "fourth"):
        with jupyter_mltrack.track(name, quiet=True):
            jupyter_mltrack.log({"loss": 1.0}, step=0)
        assert not journal._space.unsynced
