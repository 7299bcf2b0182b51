"""Say our own trouble once for each cause, where the user reads it, and never raise it.

A warning filter that turns warnings into errors must not turn our trouble into an error of the
user's cell either: then the text goes to stderr.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from typing import TYPE_CHECKING

from jupyter_mltrack import own_log
from jupyter_mltrack.errors import MltrackWarning

if TYPE_CHECKING:
    from types import FrameType

_log = own_log.logger("jupyter_mltrack")
_said: set[str] = set()
_EVENTS = os.path.join("IPython", "core", "events.py")
"""Calls us when a cell begins and ends; a reader of the notebook has no use for its line."""
_HEADER = "%%track"
_INSIDE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def warn_once(cause: str, message: str) -> None:
    """Warn about `cause` if that was not done before in this process."""
    if cause in _said:
        return
    _said.add(cause)
    try:
        level, frame = _outside()
        if frame is not None and frame.f_code.co_filename.endswith(_EVENTS):
            warnings.warn_explicit(message, MltrackWarning, _HEADER, 1)
        else:
            warnings.warn(message, MltrackWarning, stacklevel=level)
    except MltrackWarning:
        with contextlib.suppress(Exception):  # a replaced sys.stderr may be broken
            sys.stderr.write(f"{message}\n")
    except Exception as broken:  # a replaced warnings.showwarning may be broken
        _log.debug("%s could not be said: %s", message, broken)


def forget() -> None:
    """Let every cause be said again."""
    _said.clear()


def trouble(cause: str, what: str, error: BaseException) -> None:
    """Warn once that something of ours failed; `what` says what that means for the user."""
    from jupyter_mltrack.tracking.redaction import redact

    line = " ".join(str(error).split())[:300]
    said = f"{type(error).__name__}: {line}" if line else type(error).__name__
    warn_once(cause, f"{what} ({redact(said)})")


def _outside() -> tuple[int, FrameType | None]:
    """The first frame that is not ours, and how many frames up that is from our caller."""
    level = 2
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith(_INSIDE):
        frame, level = frame.f_back, level + 1
    return level, frame
