"""Jobs at services that nobody follows since this machine was shut down are followed again.

A kernel looks once, a moment after loading, in a thread of its own; a server looks at its start.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

LOOK_AFTER_S = 1.0


def look_soon() -> Callable[[], None]:
    """Have the jobs looked at in a moment; returns what takes that back."""
    timer = threading.Timer(LOOK_AFTER_S, _look)
    timer.name = "mltrack-waking"
    timer.daemon = True
    timer.start()
    return timer.cancel


def _look() -> None:
    """Never raises: nobody asked for this."""
    try:
        from jupyter_mltrack.settings import data_dir

        if os.path.isdir(data_dir() / "jobs"):
            from jupyter_mltrack.jobs import folders

            folders.resume()
    except Exception:  # whoever asks for the jobs by name is told
        return
