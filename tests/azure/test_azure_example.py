"""The example notebook goes from sign-in to clean-up, by routes of the service's contract only."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from as_script import EXAMPLES, AsScript
from leftovers import end_keeper
from nbclient import NotebookClient

from tests.emulators.azure.handle import Azure, Scope

EXAMPLE = EXAMPLES / "azure_ml.ipynb"


def folder_for(scope: Scope, folder: Path) -> Path:
    """A project folder that names the workspace."""
    folder.mkdir()
    (folder / "mltrack.toml").touch()
    named = {
        "subscription_id": scope.subscription_id,
        "resource_group": scope.resource_group,
        "workspace_name": scope.workspace_name,
    }
    (folder / "config.json").write_text(json.dumps(named))
    return folder


@pytest.fixture
def script(azure: Azure, tmp_path: Path) -> Iterator[AsScript]:
    """The same notebook as a script, that runs meanwhile in a workspace of its own."""
    folder, data = folder_for(azure.fresh_workspace(), tmp_path / "script"), tmp_path / "data"
    one = AsScript(EXAMPLE.name, folder, data)
    yield one
    one.stop()
    end_keeper(data)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_azure_notebook_goes_the_whole_way_and_leaves_nothing_that_costs_nor_does_its_script(
    azure: Azure, scope: Scope, script: AsScript, tmp_path: Path
) -> None:
    folder = folder_for(scope, tmp_path / "kernel")
    shutil.copy(EXAMPLE, folder)
    notebook = nbformat.read(folder / EXAMPLE.name, as_version=4)
    place = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=280, kernel_name="python3", resources=place)
    client.execute()
    shown = "\n".join(
        output.get("text") or output.get("data", {}).get("text/plain", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    )
    printed = script.printed(500)
    print(shown, printed)
    assert f"{scope.workspace_name} · Azure ML" in shown
    assert "✓ tumours-boosting · val_loss " in shown
    for text in (shown, printed):
        for words in (
            "tumours · 1 version",
            "· ready · tumours 1 · https://",
            " answered · version 1",
            "▲ Drift: 2 of 31 columns",
            ": its machines are billed until it is deleted",
            "✓ deleted endpoint tumours-",
            "✓ deleted compute mltrack-cpu",
        ):
            assert words in text
        assert "billed" not in text.partition("✓ deleted compute")[2]
    assert "✓ tumours-forest · azureml:mltrack-cpu · done · returned accuracy" in shown
    assert azure.unknown() == []
