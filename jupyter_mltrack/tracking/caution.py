"""Say our own trouble once for each cause, where the user reads it, and never raise it.

A warning filter that turns warnings into errors must not turn our trouble into an error of the
user's cell either: then the text goes to stderr.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings

from jupyter_mltrack.errors import MltrackWarning

_log = logging.getLogger("jupyter_mltrack")
_said: set[str] = set()
_INSIDE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def warn_once(cause: str, message: str) -> None:
    """Warn about `cause` if that was not done before in this process."""
    if cause in _said:
        return
    _said.add(cause)
    try:
        warnings.warn(message, MltrackWarning, stacklevel=_level())
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


def _level() -> int:
    """Count the frames up to the first one that is not ours."""
    level, frame = 2, sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith(_INSIDE):
        frame, level = frame.f_back, level + 1  # type: ignore[assignment]
    return level
