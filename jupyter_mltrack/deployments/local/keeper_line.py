"""The line to the keeper of local endpoints; see `keepers`."""

from __future__ import annotations

from typing import Any

from jupyter_mltrack.deployments.local.spec import PROTOCOL, Places
from jupyter_mltrack.errors import Ambiguous, MltrackError, NotFound, UsageError
from jupyter_mltrack.keepers import Keeper
from jupyter_mltrack.settings import data_dir

CALL_LIMIT_S = 30.0
_ERRORS: dict[str, type[MltrackError]] = {
    one.code: one for one in (UsageError, NotFound, Ambiguous)
}


def _keeper(places: Places) -> Keeper:
    return Keeper(
        title="local endpoints",
        module="jupyter_mltrack.deployments.local.keeper",
        folder=places.root,
        socket="keeper.sock",
        log="keeper.log",
        protocol=PROTOCOL,
    )


def ensure() -> None:
    """Start the keeper of this data folder unless it is there; it restores what is wanted.

    Raises:
        MltrackError: it cannot be started; the hint names its log.
    """
    _keeper(Places(data_dir())).ensure()


def hello(places: Places) -> dict[str, Any] | None:
    """Ask whether there is a keeper and which; None where there is none."""
    return _keeper(places).hello()


def call(message: dict[str, Any], timeout_s: float = CALL_LIMIT_S) -> dict[str, Any]:
    """Send a command and return the answer.

    Raises:
        MltrackError: the keeper refused, or gave no answer.
    """
    return _keeper(Places(data_dir())).call(message, timeout_s, _ERRORS)


def send(places: Places, message: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """Send a command to the keeper of a data folder and return its answer as it came.

    Raises:
        OSError: there is no keeper, or it hung up.
        ValueError: the answer is none.
    """
    return _keeper(places).send(message, timeout_s)
