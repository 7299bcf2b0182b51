"""The figures of a run inside its page, so that the page stands alone wherever it is sent.

Pictures only, as data of an `img`: there a picture runs no script and asks nobody. What is larger
than a mail takes stays among the run's artifacts, and the page says so.
"""

from __future__ import annotations

from base64 import b64encode
from html import escape
from pathlib import PurePath
from typing import TYPE_CHECKING

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.journal import kept

if TYPE_CHECKING:
    from jupyter_mltrack import wire
    from jupyter_mltrack.workspaces import Workspace

BYTES_MAX = 5 << 20
"""Of all pictures of a page together."""
FIGURES_MAX = 30
_KINDS = {
    ".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".gif": "gif", ".webp": "webp",
    ".svg": "svg+xml",
}  # fmt: skip


def html_of(detail: wire.RunDetail, workspace: Workspace) -> str:
    """The pictures that this machine keeps of the run, with their titles; empty for none."""
    from jupyter_mltrack.runs import remembered
    from jupyter_mltrack.settings import data_dir

    place = remembered.place_of(data_dir(), workspace.id, detail.summary.run_id)
    if place is None:
        return ""
    shown: list[str] = []
    left_bytes, left_out = BYTES_MAX, 0
    for name in kept.figures_in(place):
        path = PurePath(name)
        kind = _KINDS.get(path.suffix.lower())
        if kind is None:
            continue
        content = kept.read(place / name, left_bytes + 1) or b""
        if not content or len(content) > left_bytes or len(shown) == FIGURES_MAX:
            left_out += 1
            continue
        left_bytes -= len(content)
        title = escape(clean(path.stem), quote=True)
        data = b64encode(content).decode()
        shown.append(
            f'<figure><img alt="{title}" src="data:image/{kind};base64,{data}">'
            f"<figcaption>{title}</figcaption></figure>"
        )
    if left_out:
        shown.append(f"<p>Not shown here: {left_out} among the run's artifacts.</p>")
    return "\n".join(shown)
