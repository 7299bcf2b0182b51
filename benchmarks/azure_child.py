"""The processes that `azure.py` measures: ours, the ideal, plain azureml-mlflow, the victim."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.child import metrics_of, quantiles

FILE_BYTES = 100_000


def _workspace(spec: str) -> Any:
    from jupyter_mltrack import workspaces
    from jupyter_mltrack.workspaces import azureml

    return azureml.located(workspaces.resolve("local" if spec == "local" else f"azureml:{spec}"))


def _plain_mlflow(spec: str) -> Any:
    """MLflow with Azure's own plugin and a credential of azure-identity, as its manual says."""
    import mlflow
    from azure.identity import ClientSecretCredential
    from azureml.mlflow import get_mlflow_tracking_uri_v2

    from jupyter_mltrack.azure.scope import Scope

    uri = _workspace(spec).tracking_uri
    scope = Scope.parse(spec)
    credential = ClientSecretCredential(
        os.environ["AZURE_TENANT_ID"], os.environ["AZURE_CLIENT_ID"],
        os.environ["AZURE_CLIENT_SECRET"], authority=os.environ["AZURE_AUTHORITY_HOST"],
        disable_instance_discovery=True,
    )  # fmt: skip

    class Named:
        ml_flow_tracking_uri = uri.replace("/v2.0", "/v1.0", 1)

    host = uri.partition("://")[2].partition("/")[0]
    context = {
        "subscription_id": scope.subscription_id, "resource_group_name": scope.resource_group,
        "workspace_name": scope.workspace_name, "auth": credential, "host_url": f"https://{host}",
    }  # fmt: skip
    mlflow.set_tracking_uri(get_mlflow_tracking_uri_v2(Named(), context))
    mlflow.set_experiment("figures")
    return mlflow


def _our_mlflow(spec: str) -> Any:
    from jupyter_mltrack.tracking import attach

    attach.point_to(_workspace(spec))
    attach.attach()
    import mlflow

    mlflow.set_experiment("figures")
    return mlflow


def _all_there() -> None:
    from jupyter_mltrack.journal.ship import sync
    from jupyter_mltrack.settings import data_dir

    while True:
        report = sync(data_dir(), timeout_s=120)
        if not report.waiting_points and not report.problems:
            return
        time.sleep(0.01)


def connect(spec: str) -> dict[str, Any]:
    return {"uri": _workspace(spec).tracking_uri}


SDKS = ("azure.ai", "azureml", "azure.mgmt", "mlflow")


def overview(spec: str) -> dict[str, Any]:
    """The panel's look at a workspace: in a process that just began, and once more."""
    before = time.perf_counter()
    from jupyter_mltrack.azure.manage import overview as overviews
    from jupyter_mltrack.azure.manage import place

    imported = time.perf_counter()
    there = place.here(spec)
    found = overviews.look(there)
    looked = time.perf_counter()
    overviews.look(there)
    again_s = time.perf_counter() - looked
    return {
        "import_s": imported - before, "first_s": looked - before, "again_s": again_s,
        "computes": len(found.computes), "endpoints": len(found.endpoints),
        "models": found.models, "problems": [one.message for one in found.problems],
        "sdks": sorted({one for one in sys.modules for sdk in SDKS
                        if one == sdk or one.startswith(f"{sdk}.")}),
    }  # fmt: skip


def first(spec: str) -> dict[str, float]:
    before = time.perf_counter()
    import jupyter_mltrack

    with jupyter_mltrack.track("first", workspace=f"azureml:{spec}", quiet=True):
        return {"first_line_s": time.perf_counter() - before}


def ideal(spec: str, steps: str) -> dict[str, float]:
    """The fewest requests MLflow's own API needs: batches of 1,000 metrics, one after the other."""
    mlflow = _plain_mlflow(spec)
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("figures").experiment_id
    before = time.perf_counter()
    run_id = client.create_run(experiment).info.run_id
    batch: list[Any] = []
    for step in range(int(steps)):
        for key, value in metrics_of(step).items():
            batch.append(mlflow.entities.Metric(key, value, int(time.time() * 1000), step))
        if len(batch) >= 1000:
            client.log_batch(run_id, metrics=batch)
            batch = []
    client.log_batch(run_id, metrics=batch)
    client.set_terminated(run_id)
    return {"total_s": time.perf_counter() - before}


def _logged(mlflow: Any, steps: int) -> list[int]:
    samples = []
    for step in range(1, steps):
        metrics = metrics_of(step)
        start = time.perf_counter_ns()
        mlflow.log_metrics(metrics, step=step)
        samples.append(time.perf_counter_ns() - start)
    return samples


def ours(spec: str, steps: str) -> dict[str, float]:
    """Loop and end until every point is in the store; the shipper is warm, as in a kernel at work."""
    mlflow = _our_mlflow(spec)
    with mlflow.start_run():
        mlflow.log_metrics(metrics_of(0), step=0)
        _all_there()
    before = time.perf_counter()
    with mlflow.start_run():
        samples = _logged(mlflow, int(steps))
    _all_there()
    return {"total_s": time.perf_counter() - before} | quantiles(samples)


def plain(spec: str, steps: str) -> dict[str, float]:
    mlflow = _plain_mlflow(spec)
    with mlflow.start_run():
        return quantiles(_logged(mlflow, int(steps)))


def _files(count: int) -> list[Path]:
    folder = Path(tempfile.mkdtemp())
    made = [folder / f"{number:03d}.bin" for number in range(count)]
    for path in made:
        path.write_bytes(os.urandom(FILE_BYTES))
    return made


def files(spec: str, count: str) -> dict[str, float]:
    mlflow = _our_mlflow(spec)
    with mlflow.start_run():
        mlflow.log_text("warm", "warm.txt")
        _all_there()
        return _logged_files(mlflow, int(count))


def plain_files(spec: str, count: str) -> dict[str, float]:
    mlflow = _plain_mlflow(spec)
    with mlflow.start_run():
        mlflow.log_text("warm", "warm.txt")
        return _logged_files(mlflow, int(count))


def _logged_files(mlflow: Any, count: int) -> dict[str, float]:
    made = _files(count)
    before = time.perf_counter()
    for path in made:
        mlflow.log_artifact(str(path), "many")
    cell_s = time.perf_counter() - before
    _all_there()
    total_s = time.perf_counter() - before
    run_id = mlflow.active_run().info.run_id
    uri = mlflow.active_run().info.artifact_uri
    del run_id
    assert len(mlflow.artifacts.list_artifacts(artifact_uri=f"{uri}/many")) == count
    return {"cell_s": cell_s, "total_s": total_s}


def victim(spec: str, name: str) -> dict[str, float]:
    import jupyter_mltrack

    with jupyter_mltrack.track(name, workspace=f"azureml:{spec}", quiet=True):
        for step in range(1000):
            jupyter_mltrack.log(metrics_of(step), step=step)
        os.kill(os.getpid(), 9)
    return {}


def audit(spec: str, name: str) -> dict[str, object]:
    mlflow = _our_mlflow(spec)
    _all_there()
    client = mlflow.MlflowClient()
    experiments = [one.experiment_id for one in client.search_experiments()]
    (run,) = client.search_runs(experiments, f"attributes.run_name = '{name}'")
    found = sum(
        len({point.step for point in client.get_metric_history(run.info.run_id, key)})
        for key in metrics_of(0)
    )
    return {"lost": 5000 - found, "status": run.info.status}


if __name__ == "__main__":
    print("RESULT " + json.dumps(globals()[sys.argv[1]](*sys.argv[2:])), flush=True)
