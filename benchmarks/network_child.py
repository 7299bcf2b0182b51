"""The processes that `network.py` measures: the ideal, ours, a cell over a fault, the audit."""

from __future__ import annotations

import json
import sys
import time

from benchmarks.child import metrics_of, quantiles


def ideal(uri: str, calls: int) -> dict[str, float]:
    """The fewest requests MLflow's own API needs: batches of 1,000 metrics, one after the other."""
    import mlflow
    from mlflow.entities import Metric

    client = mlflow.MlflowClient(uri)
    run_id = client.create_run("0").info.run_id
    before = time.perf_counter()
    batch: list[Metric] = []
    for step in range(calls):
        for key, value in metrics_of(step).items():
            batch.append(Metric(key, value, int(time.time() * 1000), step))
        if len(batch) >= 1000:
            client.log_batch(run_id, metrics=batch)
            batch = []
    if batch:
        client.log_batch(run_id, metrics=batch)
    client.set_terminated(run_id)
    return {"total_s": time.perf_counter() - before}


def ours(uri: str, calls: int) -> dict[str, float]:
    """Loop and end until every point is in the store; the shipper is warm, as in a kernel at work."""
    import jupyter_mltrack
    from jupyter_mltrack.journal.ship import sync
    from jupyter_mltrack.settings import data_dir

    with jupyter_mltrack.track("far", workspace=uri, quiet=True):
        jupyter_mltrack.log(metrics_of(0), step=0)
        sync(data_dir(), timeout_s=60)
        samples = []
        before = time.perf_counter()
        for step in range(1, calls):
            metrics = metrics_of(step)
            start = time.perf_counter_ns()
            jupyter_mltrack.log(metrics, step=step)
            samples.append(time.perf_counter_ns() - start)
    while sync(data_dir(), timeout_s=120).waiting_points:
        time.sleep(0.01)
    return {"total_s": time.perf_counter() - before} | quantiles(samples)


def cell(uri: str, seconds: float) -> dict[str, object]:
    """A loop of fixed work; what it takes longer than its own work is what tracking added."""
    import jupyter_mltrack

    name = f"fault-{time.time_ns()}"
    steps = int(seconds * 100)
    with jupyter_mltrack.track(name, workspace=uri, quiet=True):
        jupyter_mltrack.log(metrics_of(0), step=0)
        time.sleep(5)
        print("STARTED", flush=True)
        added_ns = 0
        for step in range(1, steps):
            time.sleep(0.01)
            before = time.perf_counter_ns()
            jupyter_mltrack.log(metrics_of(step), step=step)
            added_ns += time.perf_counter_ns() - before
        before = time.perf_counter_ns()
    added_ns += time.perf_counter_ns() - before
    return {"name": name, "points": steps * 5, "added_ms": added_ns / 1e6}


def audit(uri: str, name: str) -> dict[str, object]:
    """What a plain client reads, once everything had time to arrive."""
    import mlflow

    from jupyter_mltrack.journal.ship import sync
    from jupyter_mltrack.settings import data_dir

    until = time.monotonic() + 90
    while sync(data_dir(), timeout_s=30).waiting_points and time.monotonic() < until:
        time.sleep(0.2)
    client = mlflow.MlflowClient(uri)
    (run,) = client.search_runs(["0"], f"attributes.run_name = '{name}'")
    points = [
        (key, point.step, point.value)
        for key in metrics_of(0)
        for point in client.get_metric_history(run.info.run_id, key)
    ]
    return {"total": len(points), "distinct": len(set(points)), "status": run.info.status}


if __name__ == "__main__":
    what, uri, value = sys.argv[1:]
    parts = {"ideal": ideal, "ours": ours, "cell": cell, "audit": audit}
    argument = value if what == "audit" else float(value) if what == "cell" else int(value)
    print("RESULT " + json.dumps(parts[what](uri, argument)), flush=True)  # type: ignore[operator]
