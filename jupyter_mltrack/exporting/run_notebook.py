"""A run as a notebook: what it was, the cells that made it, and its results as their output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.exporting.run_parts import facts, made_by, stored_results

if TYPE_CHECKING:
    from jupyter_mltrack import wire
    from jupyter_mltrack.render import View
    from jupyter_mltrack.workspaces import Workspace

_LOAD = "%load_ext jupyter_mltrack"


def text_of(
    detail: wire.RunDetail, about: wire.RunAbout, workspace: Workspace, view: View | None
) -> str:
    """The notebook's file; `view` is its results, None takes those of its store."""
    import nbformat
    import nbformat.v4

    made = nbformat.v4
    cells = [made.new_markdown_cell(_head(detail, about))]
    sources = made_by(detail, about, workspace)
    if sources and not any(_LOAD in source for source in sources):
        cells.append(made.new_code_cell(_LOAD))
    cells += [made.new_code_cell(source) for source in sources]
    if sources:
        cells[-1].outputs = [_results(detail, view or stored_results(workspace, detail))]
        cells[-1].metadata["mltrack"] = _whose(detail)
    about_kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": about_kernel, "language_info": {"name": "python"}}
    return str(nbformat.writes(made.new_notebook(cells=cells, metadata=metadata)))


def _whose(detail: wire.RunDetail) -> dict[str, str]:
    run = detail.summary
    return {"run_id": run.run_id, "workspace_id": run.workspace_id}


def _head(detail: wire.RunDetail, about: wire.RunAbout) -> str:
    rows = "\n".join(f"| {_cell(name)} | {_cell(text)} |" for name, text in facts(detail, about))
    params = "\n".join(f"| {_cell(one.key)} | {_cell(one.value)} |" for one in detail.params)
    text = f"# {_cell(detail.summary.name)}\n\n| | |\n|---|---|\n{rows}\n"
    return f"{text}\n| parameter | |\n|---|---|\n{params}\n" if params else text


def _cell(text: str) -> str:
    """A text within Markdown's table, where it can be neither markup nor a link."""
    plain = "".join(f"\\{sign}" if sign in "\\`*_[]<>|#!&$~" else sign for sign in clean(text))
    return plain.replace("\n", " ")


def _results(detail: wire.RunDetail, view: View) -> Any:
    """Curves and numbers as an output that stands alone."""
    import nbformat.v4

    return nbformat.v4.new_output(
        "display_data", data=view.bundle(), metadata={"mltrack": _whose(detail)}
    )
