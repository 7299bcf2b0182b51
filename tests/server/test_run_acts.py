"""Lists, acts and live runs of other machines through the real routes."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from urllib.parse import quote

import pytest
from mlflow.tracking import MlflowClient

from benchmarks import ground
from jupyter_mltrack.journal import Journal


@pytest.fixture
def filled(project) -> str:
    """A project with 120 runs and a run of 5,000 points; the id of that one."""
    return ground.make(project, runs=120, points=5_000)["long_run"]


async def known(api) -> None:
    assert (await api("workspaces?path=project/a.ipynb")).status == 200


async def post(api, workspace, act: str, **body):
    return await api(f"runs/{act}", "POST", body={"workspace_id": workspace.id, **body})


async def test_rows_hold_the_columns_that_are_asked_for_and_pages_go_on_without_end(
    api, workspace, filled
):
    await known(api)
    query = f"runs?workspace={workspace.id}&limit=50&order_by={quote('metrics.acc DESC')}"
    query += "&columns=metrics.acc&columns=params.lr&columns=tags.team"
    names, token, pages = [], None, 0
    while True:
        more = f"&page_token={quote(token, safe='')}" if token else ""
        page = (await api(query + more)).json
        names += [run["name"] for run in page["runs"]]
        assert page["total"] == 121
        for run in page["runs"][:5]:
            assert [pair["key"] for pair in run["tags"]] == ["team"]
            assert [one["key"] for one in run["metrics"]] == ["acc"]
        pages += 1
        token = page["next_page_token"]
        if token is None:
            break
    assert (len(names), len(set(names)), pages) == (121, 121, 3)
    roots = (await api(f"runs?workspace={workspace.id}&roots=true&limit=200")).json
    parents = {run["run_id"]: run["children"] for run in roots["runs"] if run["children"]}
    assert set(parents.values()) == {3}
    parent = next(iter(parents))
    below = (await api(f"runs?workspace={workspace.id}&parent={parent}")).json["runs"]
    assert {run["parent_run_id"] for run in below} == {parent}
    assert roots["total"] + 3 * len(parents) == 121
    found = (await api(f"runs/columns?workspace={workspace.id}")).json
    columns = {(one["kind"], one["key"]): one for one in found["columns"]}
    assert columns["params", "dataset"]["differs"] is False
    assert columns["params", "optimizer"]["values"]
    assert columns["params", "lr"]["differs"] is True


async def test_a_filter_that_is_off_says_at_which_character(api, workspace, filled):
    await known(api)
    for search, at in (("metrics.acc > x", 14), ("  metrics.acc > 'x'", 16), ("acc > 1", 0)):
        for path in ("runs", "runs/columns"):
            answer = await api(f"{path}?workspace={workspace.id}&search={quote(search)}")
            assert (answer.status, answer.json["at"]) == (400, at), search
            assert answer.json["hint"]


async def test_runs_are_tagged_renamed_deleted_and_restored(api, workspace, filled):
    await known(api)
    page = (await api(f"runs?workspace={workspace.id}")).json
    one, other = (run["run_id"] for run in page["runs"][1:3])
    gone = "f" * 32
    done = await post(
        api, workspace, "tag", run_ids=[one, gone], key="mltrack.starred", value="true"
    )
    assert (done.json["run_ids"], len(done.json["problems"])) == ([one], 1)
    await post(api, workspace, "rename", run_id=one, name="<b>mine</b>")
    detail = (await api(f"runs/{one}?workspace={workspace.id}")).json
    assert (detail["summary"]["starred"], detail["summary"]["name"]) == (True, "<b>mine</b>")
    client = MlflowClient(tracking_uri=workspace.tracking_uri)
    assert client.get_run(one).info.run_name == "<b>mine</b>"
    assert client.get_run(one).data.tags["mlflow.runName"] == "<b>mine</b>"
    done = await post(api, workspace, "delete", run_ids=[one, other])
    assert done.json == {"run_ids": [one, other], "problems": []}
    answer = await api(f"runs/{one}?workspace={workspace.id}")
    assert (answer.status, answer.json["code"]) == (404, "not_found")
    assert "restore" in answer.json["hint"].lower()
    deleted = (await api(f"runs?workspace={workspace.id}&deleted=true")).json
    assert {run["run_id"] for run in deleted["runs"]} == {one, other}
    assert all(run["deleted"] for run in deleted["runs"])
    await post(api, workspace, "restore", run_ids=[one])
    assert client.get_run(one).info.lifecycle_stage == "active"
    await post(api, workspace, "tag", run_ids=[one], key="mltrack.starred", value=None)
    assert "mltrack.starred" not in client.get_run(one).data.tags
    for key in ("/x", "a/../b", "<b>", ""):
        refused = await post(api, workspace, "tag", run_ids=[one], key=key, value="x")
        assert refused.status == 400, key


async def test_a_run_that_only_a_journal_knows_is_shipped_first_and_a_live_one_is_not_deleted(
    api, workspace, project, begin_run, end_run
):
    journal = Journal.create(workspace)
    run_id = begin_run(journal, name="fresh")
    journal.sink(run_id).append({"loss": 1.0}, 0)
    await known(api)
    done = await post(api, workspace, "tag", run_ids=[run_id], key="team", value="vision")
    assert done.json == {"run_ids": [run_id], "problems": []}
    refused = await post(api, workspace, "delete", run_ids=[run_id])
    assert (refused.json["run_ids"], refused.json["problems"][0]["code"]) == ([], "conflict")
    await post(api, workspace, "rename", run_id=run_id, name="named")
    live = (await api(f"live?workspace={workspace.id}")).json["runs"]
    assert [run["summary"]["name"] for run in live] == ["named"]
    end_run(journal, run_id)
    journal.close()


async def test_a_secret_in_a_tag_from_the_page_is_not_kept(api, workspace, filled):
    await known(api)
    word = "ghp_" + "a1B2" * 9
    await post(api, workspace, "tag", run_ids=[filled], key="note", value=f"use {word}")
    detail = (await api(f"runs/{filled}?workspace={workspace.id}")).body
    assert word.encode() not in detail
    assert b"[redacted" in detail


async def test_a_part_of_a_long_run_is_answered_from_the_copy_until_the_store_has_more(
    api, workspace, filled
):
    await known(api)
    path = f"runs/{filled}/series?workspace={workspace.id}&max_points=100"
    whole = (await api(path)).json["columns"][0]
    assert (whole["total"], max(whole["values"])) == (5_000, 99.0)
    part = (await api(f"{path}&start=700&end=720")).json
    assert part["columns"][0]["steps"] == list(range(700, 721))
    by_time = (await api(f"{path}&start=0&end=9&x=time")).json
    assert by_time["columns"][0]["values"] == []
    table = (await api(f"runs/{filled}/metrics?workspace={workspace.id}")).json
    (stat,) = table["metrics"]
    assert (stat["maximum"], stat["maximum_step"], stat["count"]) == (99.0, 5_000 // 7, 5_000)
    client = MlflowClient(tracking_uri=workspace.tracking_uri)
    await asyncio.to_thread(
        client.log_metric, filled, "loss", 500.0, timestamp=int(time.time() * 1000), step=9_999
    )
    fresh = await api(path.replace("100", "101"))
    assert fresh.status == 200
    await asyncio.sleep(0)
    again = await _until_max(api, path, 500.0)
    assert again


async def _until_max(api, path: str, wanted: float) -> bool:
    """Within the seconds for which a copy counts as current."""
    end_s = time.monotonic() + 150
    while time.monotonic() < end_s:
        column = (await api(path)).json["columns"][0]
        if max(column["values"]) == wanted:
            return True
        await asyncio.sleep(0.5)
    return False


async def test_runs_of_other_machines_are_live_with_their_newest_values(
    api, workspace, project, until
):
    client = MlflowClient(tracking_uri=workspace.tracking_uri)
    await asyncio.to_thread(workspace.prepare)
    tags = {"mltrack.alerts": '["loss < 0.3"]'}
    run = await asyncio.to_thread(client.create_run, "0", run_name="far away", tags=tags)
    run_id = run.info.run_id
    client.log_metric(run_id, "loss", 0.5, step=1)
    old = client.create_run("0", start_time=1_000_000, run_name="left behind")
    await known(api)
    assert (await api("live")).json["runs"] == []

    async def seen():
        runs = (await api(f"live?workspace={workspace.id}")).json["runs"]
        return [run for run in runs if run["elsewhere"]]

    (row,) = await until(seen, 30)
    assert row["summary"]["name"] == "far away"
    assert [one["value"] for one in row["summary"]["metrics"]] == [0.5]
    client.log_metric(run_id, "loss", 0.25, step=2)

    async def moved():
        (now,) = await seen()
        return now if now["cursor"] > row["cursor"] else None

    now = await until(moved, 20)
    assert (row["alerts"], now["sparkline"]) == ([], [0.5, 0.25])
    assert [(one["rule"], one["message"]) for one in now["alerts"]] == [
        ("loss < 0.3", "loss is 0.25 at step 2.")
    ]
    assert now["summary"]["tags"] == []
    client.set_terminated(run_id)

    async def ended():
        return not await seen()

    assert await until(ended, 20)
    assert client.get_run(old.info.run_id).info.status == "RUNNING"


async def test_a_store_that_hangs_does_not_delay_the_live_runs(
    api, hostile_store, begin_run, until
):
    from jupyter_mltrack.workspaces import resolve

    store = hostile_store(lambda _connection, _request: time.sleep(600))
    place = resolve(store.url)
    journal = Journal.create(place)
    begin_run(journal, name="here")
    try:

        async def listed():
            return place.id in {one["id"] for one in (await api("workspaces")).json["workspaces"]}

        assert await until(listed)
        for _ in range(5):
            answer = await api(f"live?workspace={place.id}")
            assert [run["summary"]["name"] for run in answer.json["runs"]] == ["here"]
    finally:
        journal.close()


async def test_a_run_of_another_workspace_is_said_to_be_there(api, jp_root_dir, workspace, filled):
    from jupyter_mltrack.workspaces import resolve

    other = jp_root_dir / "other"
    (other / ".git").mkdir(parents=True)
    place = resolve("local", other)
    await asyncio.to_thread(place.prepare)
    await known(api)
    await api("workspaces?path=other/a.ipynb")
    answer = await api(f"runs/{filled}?workspace={place.id}")
    assert (answer.status, answer.json["code"]) == (404, "not_found")
    assert workspace.name in answer.json["message"]


def test_the_ground_is_what_mlflow_itself_reads(workspace, filled):
    client = MlflowClient(tracking_uri=workspace.tracking_uri)
    run = client.search_runs(["1"], "metrics.acc > 0.5 and params.optimizer = 'adam'")[0]
    assert (len(run.data.params), len(run.data.metrics)) == (20, 20)
    with sqlite3.connect(workspace.database) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


async def test_a_live_run_shows_its_metrics_in_numbers_before_the_store_has_them(
    api, workspace, project, begin_run
):
    journal = Journal.create(workspace)
    run_id = begin_run(journal)
    sink = journal.sink(run_id)
    for step in range(10):
        sink.append({"loss": 10.0 - step, "acc": float("nan")}, step)
    await known(api)
    table = (await api(f"runs/{run_id}/metrics?workspace={workspace.id}")).json
    loss, acc = table["metrics"]
    assert (loss["minimum"], loss["minimum_step"], loss["mean"], loss["count"]) == (1.0, 9, 5.5, 10)
    assert (acc["text"], acc["minimum"], acc["count"]) == ("nan", None, 10)
    one = (await api(f"runs/{run_id}/metrics?workspace={workspace.id}&search=LO&limit=1")).json
    assert ([stat["key"] for stat in one["metrics"]], one["total"]) == (["loss"], 1)
    journal.close()
