"""What can stand between a journal and its store, told apart by what helps.

`StoreTrouble` passes: it is tried again, and nothing is lost meanwhile. `RunRefused` does not:
the store will never take this run's records, so they are set aside and the rest goes on.
Messages come from servers and files of others: what could move a terminal's cursor or hold a
password is taken out before anybody sees them.
"""

from __future__ import annotations

import re

from jupyter_mltrack.wire import HealthState

_MESSAGE_CHARACTERS_MAX = 300
_USER_INFO = re.compile(r"(?i)\b([a-z][a-z0-9+.\-]*://)[^/@\s]+@")
_BEARER = re.compile(r"(?i)\b(basic|bearer)\s+[A-Za-z0-9+/=._~\-]{6,}")


class StoreTrouble(Exception):
    """The store cannot be used now; the journal keeps what it has.

    Args:
        state: the health of the workspace that follows from it.
        message: what happened, on one line.
        hint: what would help; empty when waiting is all there is to do.
        retry_after_s: what the store asked for.
        hopeless: True when waiting will not help: only a person can.
    """

    def __init__(
        self,
        state: HealthState,
        message: str,
        hint: str = "",
        *,
        retry_after_s: float | None = None,
        hopeless: bool = False,
    ) -> None:
        self.state: HealthState = state
        self.message = plain(message)
        self.hint = hint
        self.retry_after_s = retry_after_s
        self.hopeless = hopeless
        super().__init__(self.message)


class RunRefused(Exception):
    """The store does not take records of this run.

    Args:
        run_id: as the journal knows it.
        reason: on one line.
        missing: True when the store has no such run: it may still come from another journal.
    """

    def __init__(self, run_id: str, reason: str, *, missing: bool) -> None:
        self.run_id = run_id
        self.reason = plain(reason)
        self.missing = missing
        super().__init__(self.reason)


def plain(text: str) -> str:
    """Return `text` on one short line without control characters and credentials."""
    from jupyter_mltrack.display_text import clean

    line = " ".join(str(text)[: 20 * _MESSAGE_CHARACTERS_MAX].split())
    line = _USER_INFO.sub(r"\1", line)
    line = _BEARER.sub(r"\1 ***", line)
    line = clean(line)
    if len(line) > _MESSAGE_CHARACTERS_MAX:
        line = line[: _MESSAGE_CHARACTERS_MAX - 3] + "..."
    return line
