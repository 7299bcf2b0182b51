"""`%mltrack score` in a real kernel: variables by name, a question that nobody can answer."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient

SETUP = """%load_ext jupyter_mltrack
import numpy as np, pandas as pd
frame = pd.DataFrame(np.zeros((4, 3)), columns=["age", "balance", "last seen"]).assign(children=1)"""


@pytest.mark.usefixtures("here")
def test_a_notebook_scores_its_variables() -> None:
    cells = [
        SETUP,
        "%mltrack score churn --data frame --out scored",
        "%mltrack score churn --data frame --out scored --columns age --trust",
        "print(scored.columns.tolist(), len(scored))",
        "%mltrack score churn --data fram --out scored",
        "%%track nightly\n%mltrack score churn --data frame --out scored",
        "%mltrack runs",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells])
    NotebookClient(notebook, timeout=150, allow_errors=True).execute()
    shown = [[_text(output) for output in cell.outputs] for cell in notebook.cells]
    assert "was not made here" in shown[1][-1]
    assert "--trust" in shown[1][-1]
    assert len(shown[2]) == 1
    assert shown[2][0].startswith("✓ churn/1: 4 rows scored · frame → scored")
    assert shown[3] == ["['age', 'churned'] 4\n"]
    assert "There is no variable and no file 'fram'" in shown[4][0]
    assert any("4 rows scored" in text for text in shown[5])
    lines = shown[6][0].splitlines()
    assert [line.split()[1] for line in lines[1:4]] == ["score", "nightly", "score"]


def _text(output: nbformat.NotebookNode) -> str:
    if output.output_type == "error":
        return "\n".join(output.traceback)
    return str(output.get("text") or output.data["text/plain"])
