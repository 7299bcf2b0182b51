"""A cell of a real kernel sent to a cluster of Azure ML, and what the notebook has of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.notebook.conftest import Kernel

CELL = """%%track far --on azureml:cpu --return total --param base --metric final=total
import mlflow
lr = 0.5
for step in range(3):
    mlflow.log_metric("loss", 1 / (step + 1), step=step)
print("printed there")
total = scaled(4)
"""


def test_a_cell_goes_to_a_cluster_and_its_name_comes_back_into_the_notebook(
    azure: Any, scope: Any, private_place: Path
) -> None:
    azure.workspace(scope).collection("computes")["cpu"] = {
        "id": f"{scope.arm_id}/computes/cpu", "name": "cpu",
        "properties": {"computeType": "AmlCompute", "provisioningState": "Succeeded", "properties": {}},
    }  # fmt: skip
    kernel = Kernel(private_place / "work")
    try:
        kernel.run("%load_ext jupyter_mltrack")
        refused = kernel.run(CELL)
        assert refused.traceback[0].startswith("A job of Azure ML has its run there")
        assert kernel.run(f"%mltrack use azureml:{scope.arm_id}").status == "ok"
        kernel.run("base = 10\ndef scaled(x):\n    return x * base\n")
        sent = kernel.run(CELL)
        assert sent.status == "ok", sent.traceback
        assert sent.lines[0].startswith("◌ far · azureml:cpu · queued · sent 0 files, 0 B · job ")
        done = kernel.run("%mltrack jobs last --wait --get\nprint(total)", timeout_s=200)
        assert done.stdout == "40\n", done.traceback
        assert "printed there" in kernel.run("%mltrack logs job:last").shown
        shown = kernel.run("%mltrack jobs last").shown
        assert "✓ far · azureml:cpu · done · returned total" in shown
        assert "ml.azure.com/runs/" in shown
        reply = kernel.run("%mltrack show last")
        words = " ".join(reply.shown.split())
        assert words.startswith("✓ far · finished · loss 0.3333 · final 40"), reply.traceback
        assert "base 10 lr 0.5" in words
    finally:
        kernel.close()
