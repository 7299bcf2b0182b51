"""A run leaves the browser as a file, and comes back as a cell; its cell knows it after a reload."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import nbformat
from test_run_page import LOAD, PAGE, in_both_themes, open_page, run_of, show

SOURCE = """%%track grün
import math
import mlflow
from jupyter_mltrack import log
rate = 0.1
mlflow.log_param("layers", 3)
for step in range(80):
    log({"loss": math.exp(-rate * step / 3), "acc": 1 - 0.6 * math.exp(-step / 25)}, step=step)"""
EXPORTS = f"{PAGE} .mltrack-Exports"
CHIP = ".jp-Notebook .mltrack-CellChip[data-status='FINISHED']"


def _download(screen: Any, to: str, folder: Path) -> Path:
    with screen.page.expect_download() as waiting:
        screen.page.click(f'{EXPORTS} [data-export="{to}"]')
    made = waiting.value
    path = folder / made.suggested_filename
    made.save_as(path)
    return path


def _metadata(lab: Any, path: str, index: int) -> dict[str, Any]:
    """What the file of the notebook says of a cell's run."""
    cell = json.loads((lab.root / path).read_text())["cells"][index]
    assert cell["outputs"] == []
    return dict(cell["metadata"].get("mltrack", {}))


def test_a_run_is_exported_restored_and_known_to_its_cell(screen: Any, lab: Any) -> None:
    path = lab.project(LOAD, SOURCE)
    screen.open(path)
    screen.wait_kernel()
    screen.run_cell(0)
    screen.run_cell(1)
    screen.wait(CHIP)
    run = run_of(lab, path, "grün")
    open_page(screen, run)

    # Export: each form is saved under the run's name, and is what it says.
    screen.page.click(f'{PAGE} [data-act="export"]')
    screen.wait(EXPORTS)
    in_both_themes(screen, "run-export")
    folder = lab.folder(path)
    script = _download(screen, "script", folder)
    assert script.name == "grün.py"
    program = ast.unparse(ast.parse(script.read_text()))
    assert "jupyter_mltrack.track('grün'" in program
    assert "IPython" not in program
    notebook = _download(screen, "notebook", folder)
    page = _download(screen, "html", folder)
    cell = nbformat.read(notebook, as_version=4).cells[-1]
    assert "data:image/svg+xml" in cell.outputs[0].data["text/html"]
    assert (cell.source, cell.metadata["mltrack"]["run_id"]) == (SOURCE, run["run_id"])

    # Restore: the source is a new cell of the notebook, and nothing was executed.
    show(screen, "source")
    screen.page.click(f'{PAGE} button:has-text("Restore to a new cell")')
    screen.wait(".jp-Notebook .jp-CodeCell >> nth=2")
    active = "() => window.jupyterapp.shell.currentWidget.content.activeCell.model.toJSON()"
    restored = screen.page.evaluate(active)
    source = "".join(restored["source"])
    assert (source, restored["execution_count"]) == (SOURCE, None)
    in_both_themes(screen, "run-restored")

    # What was not kept is said; the page gives no empty file.
    for kept in (*lab.data.rglob("source.py"), *folder.rglob("source.py")):
        if run["run_id"] in str(kept):
            kept.unlink()
    open_page(screen, run)
    screen.page.click(f'{EXPORTS} [data-export="script"]')
    screen.wait(f'{PAGE} :text("was not kept")')
    in_both_themes(screen, "run-export-failed")
    screen.page.click('.lm-TabBar-tabLabel:text-is("note.ipynb")')
    screen.wait(".jp-Notebook:visible")

    # The cell's own metadata names its run: without outputs and without a kernel its chip is there.
    screen.command("notebook:clear-all-cell-outputs")
    screen.command("docmanager:save")
    assert _metadata(lab, path, 1) == {
        "run_id": run["run_id"], "workspace_id": run["workspace_id"]
    }  # fmt: skip
    assert _metadata(lab, path, 0) == _metadata(lab, path, 2) == {}
    lab.stop_kernels()
    screen.page.reload()
    screen.wait(f"{CHIP}:has-text('grün')")
    in_both_themes(screen, "chip-reopened")
    screen.page.click(CHIP)
    screen.wait(f"{PAGE} .mltrack-PageHead-title:visible")

    # Another file and other cells: nothing but the metadata leads to the run.
    copy = nbformat.read(lab.root / path, as_version=4)
    for number, one in enumerate(copy.cells):
        one.id = f"other-{number}"
    nbformat.write(copy, folder / "copy.ipynb")
    screen.open((folder / "copy.ipynb").relative_to(lab.root).as_posix(), show_panel=False)
    screen.wait(f"{CHIP}:has-text('grün')")
    assert screen.page.locator(CHIP).count() == 1

    # The exported notebook opens with its numbers; its page opens with the network off.
    screen.open(notebook.relative_to(lab.root).as_posix(), show_panel=False)
    screen.wait(".jp-Notebook .jp-OutputArea :text('0.9745')")
    in_both_themes(screen, "run-exported-notebook")
    screen.page.context.set_offline(True)
    screen.page.goto(page.as_uri())
    screen.wait("img[src^='data:image/svg']")
    for scheme in ("light", "dark"):
        screen.page.emulate_media(color_scheme=scheme)
        screen.picture(f"run-exported-page-{scheme}")
    screen.page.context.set_offline(False)
