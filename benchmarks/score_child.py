"""One way to score a large file, in a process of its own: `python -m benchmarks.score_child WAY PLACE`.

Prints seconds from the loaded model on (of `score` all of them), and by how much it raised the peak of the process's memory.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

BATCH_ROWS = 100_000


def peak_mb() -> float:
    """The most memory that this process has had resident."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmHWM")


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def by_hand(model_path: str, data: str, out: str) -> None:
    """The loop that one writes without us."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from mlflow import pyfunc

    model = pyfunc.load_model(model_path)
    began_mb = resident_mb()
    began = Began()
    writer = None
    source = pq.ParquetFile(data)
    for batch in source.iter_batches(BATCH_ROWS):
        frame = batch.to_pandas()
        frame["prediction"] = model.predict(frame)
        table = pa.Table.from_pandas(frame, preserve_index=False)
        if writer is None:
            writer = pq.ParquetWriter(out, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()
    report(began, began_mb)


def by_score(model_path: str, data: str, out: str) -> None:
    """The verb itself, its run, the copying and the loading of the model with it."""
    from mlflow import pyfunc
    from mlflow.tracking import MlflowClient

    import jupyter_mltrack
    from jupyter_mltrack import workspaces

    here = workspaces.resolve("local")
    here.prepare()
    client = MlflowClient(here.tracking_uri)
    client.create_registered_model("bench")
    client.create_model_version("bench", Path(model_path).as_uri())
    pyfunc.load_model(model_path)  # what is imported for it is part of the model
    began_mb = resident_mb()
    began = Began()
    jupyter_mltrack.score("bench", data, out=out, trust=True)
    report(began, began_mb)
    client.delete_registered_model("bench")


class Began:
    """When it began, by the clock and by the work of the processor."""

    def __init__(self) -> None:
        self.at_s, self.cpu_s = time.perf_counter(), time.process_time()


def report(began: Began, began_mb: float) -> None:
    found = {
        "seconds": time.perf_counter() - began.at_s,
        "cpu_s": time.process_time() - began.cpu_s,
        "added_mb": peak_mb() - began_mb,
    }
    print("RESULT " + json.dumps(found))


if __name__ == "__main__":
    way, place = sys.argv[1:3]
    paths = (f"{place}/model", f"{place}/data.parquet", f"{place}/{way}.parquet")
    {"hand": by_hand, "score": by_score}[way](*paths)
