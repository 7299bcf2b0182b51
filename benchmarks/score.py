"""Batch scoring of a file beside the loop that one writes by hand: rows a second, and memory."""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path

from benchmarks.measure import run_child, table, verdict

ROWS = int(os.environ.get("MLTRACK_BENCH_ROWS", "10_000_000"))
FEATURES = 10
TURNS = 3


def run() -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        for kind in ("linear", "forest"):
            prepare(place, kind)
            found: dict[str, list[dict[str, float]]] = {"hand": [], "score": []}
            for _ in range(TURNS):
                for way, results in found.items():
                    results.append(run_child("benchmarks.score_child", way, folder, place=place))
            check_same(place)
            report(kind, {way: medians(results) for way, results in found.items()})


def medians(results: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(one[key] for one in results) for key in results[0]}


def report(kind: str, figures: dict[str, dict[str, float]]) -> None:
    hand, ours = figures["hand"], figures["score"]
    rows = rows_of(kind)
    table(
        f"{rows:,} rows of {FEATURES} columns, {kind} model of scikit-learn, Parquet to Parquet",
        ["way", "seconds", "CPU s", "rows/s", "peak beyond the model, MB"],
        [
            (way, f["seconds"], f["cpu_s"], rows / f["seconds"], f["added_mb"])
            for way, f in figures.items()
        ],
    )
    ratio = hand["seconds"] / ours["seconds"]
    print(f"\nat least 0.9 times the loop: {ratio:.2f}: {verdict(ratio >= 0.9)}")
    print(f"peak below 1 GB: {verdict(ours['added_mb'] < 1024)}")


def rows_of(kind: str) -> int:
    return ROWS if kind == "linear" else ROWS // 10


def prepare(place: Path, kind: str) -> None:
    """Write the data a million rows at a time, and a model with a signature."""
    import mlflow.sklearn
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq
    from mlflow.models import infer_signature
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.linear_model import LinearRegression

    rng = np.random.default_rng(7)
    names = [f"x{at}" for at in range(FEATURES)]
    fit_on = pd.DataFrame(rng.normal(size=(2000, FEATURES)), columns=names)
    target = fit_on.sum(axis=1)
    made = (
        LinearRegression()
        if kind == "linear"
        else RandomForestRegressor(n_estimators=20, max_depth=8)
    )
    made.fit(fit_on, target)
    path = place / "model"
    if path.exists():
        import shutil

        shutil.rmtree(path)
    predicted = pd.DataFrame({"prediction": made.predict(fit_on)})
    mlflow.sklearn.save_model(
        made,
        str(path),
        signature=infer_signature(fit_on, predicted),
        serialization_format="cloudpickle",
        pip_requirements=["scikit-learn"],
    )
    writer = None
    left = rows_of(kind)
    while left:
        count = min(left, 1_000_000)
        frame = pd.DataFrame(rng.normal(size=(count, FEATURES)), columns=names)
        part = pa.Table.from_pandas(frame, preserve_index=False)
        writer = writer or pq.ParquetWriter(place / "data.parquet", part.schema)
        writer.write_table(part)
        left -= count
    assert writer is not None
    writer.close()


def check_same(place: Path) -> None:
    """Both ways must have written the same rows."""
    import pyarrow.parquet as pq

    one, other = (pq.ParquetFile(place / f"{way}.parquet") for way in ("hand", "score"))
    assert one.metadata.num_rows == other.metadata.num_rows
    column = "prediction"
    for mine, theirs in zip(
        one.iter_batches(100_000, columns=[column]),
        other.iter_batches(100_000, columns=[column]),
        strict=True,
    ):
        assert mine.column(0).equals(theirs.column(0))
