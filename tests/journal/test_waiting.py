"""How long a journal is waited for: as long as its shipper begins, or brings something forward."""

from __future__ import annotations

import patience
from ship_ground import born

from jupyter_mltrack import workspaces
from jupyter_mltrack.journal import Journal, shipping_state
from jupyter_mltrack.journal.progress import locked
from jupyter_mltrack.journal.ship import wait_shipped
from jupyter_mltrack.journal.shipper_handle import SHIPPER_LOCK
from jupyter_mltrack.settings import data_dir

FOR_EVER_S = 10 * patience.WAIT_S


def far_journal() -> Journal:
    journal = Journal.create(workspaces.resolve("http://127.0.0.1:9"))
    born(journal)
    return journal


def gave_up(journal: Journal, start_s: float) -> bool:
    return not wait_shipped(
        journal.path, journal.position(), stall_s=0.05, timeout_s=FOR_EVER_S, start_s=start_s
    )


def test_a_shipper_that_has_only_begun_is_waited_for_longer_than_a_store_that_stalls() -> None:
    journal = far_journal()
    with locked(journal.path / SHIPPER_LOCK) as mine:
        assert mine
        watch = patience.Watch()
        assert gave_up(journal, 1.0)
        assert watch.took_s > 0.5
    journal.close()


def test_without_a_shipper_a_journal_is_not_waited_for() -> None:
    journal = far_journal()
    assert gave_up(journal, FOR_EVER_S)
    journal.close()


def test_a_store_that_was_asked_once_stalls_like_any_other() -> None:
    journal = far_journal()
    with locked(journal.path / SHIPPER_LOCK):
        with shipping_state.in_flight(journal.path):
            assert gave_up(journal, FOR_EVER_S)
        shipping_state.write_health(data_dir(), journal.workspace.id, "connecting")
        assert gave_up(journal, FOR_EVER_S)
    journal.close()
