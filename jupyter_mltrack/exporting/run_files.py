"""A run as a file: the script of its cell, a notebook, or a page that stands alone."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import NotFound, UsageError
from jupyter_mltrack.exporting.run_parts import is_script, made_by
from jupyter_mltrack.exporting.script import hides_a_module

if TYPE_CHECKING:
    from jupyter_mltrack.render import View
    from jupyter_mltrack.workspaces import Workspace

ENDINGS = {"script": ".py", "notebook": ".ipynb", "html": ".html"}
_NAME_MAX = 80


def write(
    detail: wire.RunDetail, to: str, out: str | None = None, *, replace: bool = False
) -> wire.Exported:
    """Write a run of the chosen workspace to a file; see `verbs.export_acts.export`.

    Raises:
        NotFound: its source was not kept.
        UsageError: the form is none, the file is there already, or it cannot be written.
    """
    if to not in ENDINGS:
        raise UsageError(f"A run cannot be exported to {clean(to)!r}.", "script|notebook|html")
    name = detail.summary.name
    path = Path(os.path.abspath(os.path.expanduser(out or file_name(name, to))))
    if path.exists() and not replace:
        raise UsageError(f"{path} is there already.", "Name another: -o FILE. Or: --replace")
    content = content_of(detail, to).encode("utf-8", "backslashreplace")
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}.", "Name another file: -o FILE"
        ) from error
    return wire.Exported(
        run_id=detail.summary.run_id,
        name=name,
        to=to,  # type: ignore[arg-type]  # looked at above
        path=str(path),
        size_bytes=len(content),
    )


def file_name(name: str, to: str) -> str:
    """A file's name from a run's: no folder, nothing that a shell or a system reads otherwise."""
    plain = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:_NAME_MAX] or "run"
    if to == "script" and hides_a_module(plain):
        plain += "-run"
    return plain + ENDINGS[to]


def content_of(
    detail: wire.RunDetail,
    to: str,
    workspace: Workspace | None = None,
    view: View | None = None,
) -> str:
    """What the file holds; `view` is its curves and numbers, None takes those of its store.

    Raises:
        NotFound: the run's source was not kept, for a script.
    """
    from jupyter_mltrack.exporting import run_notebook, run_page

    about = _about(detail, workspace)
    if to == "script":
        source = _source(detail, about)
        if is_script(about):
            return source  # it was one, and stays as it is
        return _script(detail, made_by(detail, about, workspace or _workspace()))
    if to == "notebook":
        return run_notebook.text_of(detail, about, workspace or _workspace(), view)
    return run_page.text_of(detail, about, workspace or _workspace(), view)


def source_of(detail: wire.RunDetail) -> str:
    """The cell or script that made the run.

    Raises:
        NotFound: it was not kept.
    """
    return _source(detail, _about(detail, None))


def _workspace() -> Workspace:
    from jupyter_mltrack.tracking import choice

    return choice.workspace()


def _about(detail: wire.RunDetail, workspace: Workspace | None) -> wire.RunAbout:
    from jupyter_mltrack.runs.about import how_made

    return how_made(workspace or _workspace(), detail)


def _source(detail: wire.RunDetail, about: wire.RunAbout) -> str:
    if not about.source.strip():
        raise NotFound(
            f"The source of run {clean(detail.summary.name)} was not kept.",
            "keep_source in mltrack.toml says whether it is.",
        )
    return about.source


def _script(detail: wire.RunDetail, cells: list[str]) -> str:
    from jupyter_mltrack.exporting.script import Script

    run = detail.summary
    script = Script(f"Run {clean(run.name)} ({run.run_id}) as a script.")
    for cell in cells:
        script.add_code(cell)
    return script.text()
