"""Creating things at most once (S32): a lost answer is looked for, never asked for again.

Each thing carries the mark of the job that made it. Where a PUT gave no answer, the thing is read:
with our mark it arrived, and its end is waited for; without one it did not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.azure.manage.place import API, properties, text
from jupyter_mltrack.errors import NotFound, Unreachable, WorkspaceError

if TYPE_CHECKING:
    from jupyter_mltrack.azure.manage.place import Place

MARK = "mltrack.job"
LOOKS = 4
LOOK_INTERVAL_S = 2.0
WAIT_S = 3_600.0
_ENDS = frozenset({"succeeded", "failed", "canceled"})

Told = Callable[[str], None]


def put(place: Place, path: str, body: dict[str, Any], mark: str, told: Told) -> dict[str, Any]:
    """PUT something and wait for its end, also where an answer was lost on the way.

    Raises:
        AzureError: it was refused, or failed later.
        Unreachable: it did not arrive.
    """
    try:
        made = place.arm.put(
            path, API, body, wait=True, progress=lambda state, _: told(state), wait_s=WAIT_S
        )
    except Unreachable as error:
        return _arrived(place, path, mark, told, error)
    return dict(made)


def _arrived(place: Place, path: str, mark: str, told: Told, lost: Unreachable) -> dict[str, Any]:
    """What arrived although its answer was lost, at its end."""
    looks = 0
    end_s = time.monotonic() + WAIT_S
    while time.monotonic() < end_s:
        try:
            found = place.arm.get(path, API)
        except (NotFound, Unreachable):
            found = None
        if found is None or (found.get("tags") or {}).get(MARK) != mark:
            looks += 1
            if looks >= LOOKS:
                raise lost
        else:
            looks = 0
            state = text(properties(found), "provisioningState")
            told(state)
            if state.lower() in _ENDS or not state:
                return _succeeded(dict(found), state)
        time.sleep(LOOK_INTERVAL_S)
    raise lost


def _succeeded(found: dict[str, Any], state: str) -> dict[str, Any]:
    if state.lower() in ("failed", "canceled"):
        raise WorkspaceError(
            f"Azure did not create {text(found, 'name')}: it is {state.lower()}.",
            f"Its log says more: %mltrack logs {text(found, 'name')}",
        )
    return found
