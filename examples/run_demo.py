"""Execute the quickstart notebook in a real kernel, show what happened, and say how to open it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

NOTEBOOK = Path(__file__).with_name("quickstart.ipynb")


def outputs_as_text(cell: nbformat.NotebookNode) -> str:
    """What a terminal can show of a cell's outputs."""
    texts: list[str] = []
    for output in cell.get("outputs", []):
        if output.output_type == "stream" and output.name == "stdout":
            texts.append(output.text)
        elif "data" in output and "text/plain" in output.data:
            texts.append(output.data["text/plain"])
    return "\n".join(text.rstrip() for text in texts)


def main() -> int:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    place = {"metadata": {"path": NOTEBOOK.parent}}
    client = NotebookClient(notebook, kernel_name="python3", timeout=600, resources=place)
    print(f"Executing {NOTEBOOK.name} in a kernel ...", flush=True)
    started = time.monotonic()
    try:
        client.execute()
    except CellExecutionError as error:
        print(error, file=sys.stderr)
        return 1
    for cell in notebook.cells:
        text = outputs_as_text(cell) if cell.cell_type == "code" else ""
        if text:
            print(f"\n> {cell.source.splitlines()[0]}\n{text}")
    workspace = NOTEBOOK.parents[1] / ".mltrack"
    print(
        f"\nDone in {time.monotonic() - started:.0f} s. The runs are in {workspace}."
        "\nThe endpoint digits-local answers on this machine, and sleeps when nobody asks;"
        " delete it: .venv/bin/jupyter mltrack rm digits-local"
        "\nOpen the notebook and the panel that draws its runs live:  make lab"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
