"""How far a run is, read from the progress bars of tqdm that are open.

The bars are looked at a few times a second from a thread of ours: the loop that moves them is left
as it is, and tqdm is never imported for it. The outermost bar of a cell is its progress.
"""

from __future__ import annotations

import math
import sys
from typing import Any

from jupyter_mltrack import wire

_LABEL_CHARACTERS_MAX = 80


class Bars:
    """The bars that were opened since one moment."""

    def __init__(self, since_s: float) -> None:
        self._since_s = since_s
        self._followed: Any = None
        self._told: wire.Progress | None = None

    def news(self) -> wire.Progress | None:
        """How far the outermost bar is; None when that is what was told before."""
        outermost = self._outermost()
        if self._followed is not None and outermost is not self._followed:
            done = _progress(self._followed)  # it has ended: say where
            self._followed = outermost
            if done is not None and done != self._told:
                self._told = done
                return done
        self._followed = outermost
        found = _progress(outermost) if outermost is not None else None
        if found is None or found == self._told:
            return None
        self._told = found
        return found

    def _outermost(self) -> Any:
        module = sys.modules.get("tqdm.std")
        kind = getattr(module, "tqdm", None)
        try:
            bars = list(getattr(kind, "_instances", ()))
        except RuntimeError:  # one was opened or closed this very moment
            return self._followed
        mine = [bar for bar in bars if getattr(bar, "start_t", 0) >= self._since_s]
        return min(mine, key=lambda bar: bar.start_t, default=None)


def _progress(bar: Any) -> wire.Progress | None:
    from jupyter_mltrack.tracking.redaction import redact

    try:
        done = float(bar.n)
        total = float(bar.total) if bar.total is not None else None
        unit, label = str(bar.unit), str(bar.desc or "")
    except (AttributeError, TypeError, ValueError):
        return None  # not set up yet, or a bar of another make
    if not math.isfinite(done) or (total is not None and not math.isfinite(total)):
        total = None
    if not math.isfinite(done):
        return None
    label = redact(label.strip().rstrip(":"))[:_LABEL_CHARACTERS_MAX]
    return wire.Progress(done=done, total=total, unit=unit.strip()[:20], label=label)
