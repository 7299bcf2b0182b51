"""Descriptions and stages of models through the real routes, as MLflow's client reads them."""

from __future__ import annotations

import asyncio

from mlflow.tracking import MlflowClient


async def test_models_and_versions_are_described_and_staged(api, workspace, project, tmp_path):
    await asyncio.to_thread(workspace.prepare)
    client = MlflowClient(tracking_uri=workspace.tracking_uri)
    client.create_registered_model("churn")
    client.create_model_version("churn", (tmp_path / "model").as_uri())
    assert (await api("workspaces?path=project/a.ipynb")).status == 200
    words = {"workspace_id": workspace.id, "name": "churn"}

    async def post(route: str, **body: object):
        return await api(f"models/{route}", "POST", body={**words, **body})

    answer = await post("describe", description="who <b>leaves</b>")
    assert (answer.status, answer.json["description"]) == (200, "who <b>leaves</b>")
    await post("describe", description="first", version="1")
    assert client.get_model_version("churn", "1").description == "first"
    assert client.get_registered_model("churn").description == "who <b>leaves</b>"
    answer = await post("stage", version="1", stage="Staging")
    assert (answer.status, answer.json["stage"]) == (200, "Staging")
    answer = await post("stage", version="1", stage="None")
    assert answer.json["stage"] is None
    for route, body in (
        ("stage", {"version": "1", "stage": "Nowhere"}),
        ("stage", {"version": "x", "stage": "Staging"}),
        ("describe", {"description": "x" * 5_001}),
    ):
        assert (await post(route, **body)).status == 400
    assert (await post("describe", description="x", version="7")).status == 404
    assert (await post("stage", version="7", stage="Staging")).status == 404
