"""What the routes answer, for live runs, finished runs, and stores in every state."""

from __future__ import annotations

import asyncio
import json
import shutil
from urllib.parse import quote

import pytest

from jupyter_mltrack import wire
from jupyter_mltrack.journal import Journal
from jupyter_mltrack.journal.live import LiveIndex
from jupyter_mltrack.settings import data_dir
from jupyter_mltrack.workspaces import resolve

RUN = "a" * 32


async def current(api, path: str = "project/a.ipynb") -> dict:
    answer = await api(f"workspaces?path={path}")
    (found,) = [one for one in answer.json["workspaces"] if one["current"]]
    return found


@pytest.fixture
def finished(workspace, begin_run, end_run):
    """A run that was tracked, shipped, and whose kernel has gone: only the store and its series file are left."""
    from jupyter_mltrack.journal.ship import sync

    journal = Journal.create(workspace)
    begin_run(
        journal,
        run_id=RUN,
        name="done",
        experiment="digits",
        tags={"mlflow.source.name": "a.ipynb"},
    )
    sink = journal.sink(RUN)
    for step in range(300):
        sink.append({"loss": 1.0 / (step + 1), "acc": step / 300}, step, 10_000 + step)
    journal.event(wire.RunParams(run_id=wire.RunId(RUN), params={"lr": "0.1"}))
    end_run(journal, RUN)
    journal.close()
    report = sync(data_dir(), timeout_s=60)
    assert report.waiting_points == 0, report
    shutil.rmtree(data_dir() / "journals")
    return RUN


async def test_status_tells_versions(api):
    from importlib.metadata import version

    answer = (await api("status")).json
    assert answer.keys() == {"wire_version", "version", "now_ms"}
    assert (answer["wire_version"], answer["version"]) == (
        wire.WIRE_VERSION,
        version("jupyter_mltrack"),
    )


async def test_the_workspace_of_a_notebook_is_current_and_becomes_ready(
    api, project, workspace, until
):
    found = await current(api)
    assert (found["id"], found["kind"], found["name"], found["uri"]) == (
        workspace.id, "local", "project", workspace.display_uri,
    )  # fmt: skip

    async def is_ready():
        return (await current(api))["health"]["state"] == "ready"

    assert await until(is_ready)


async def test_a_notebook_in_a_folder_that_does_not_exist_belongs_to_the_nearest_one_that_does(
    api, project, workspace
):
    assert (await current(api, "project/new/deep/a.ipynb"))["id"] == workspace.id
    assert (await current(api, "RTC:project/a.ipynb"))["id"] == workspace.id


async def test_the_experiment_that_the_project_chose_is_told(api, project):
    (project / "mltrack.toml").write_text('experiment = "digits"\n')
    assert (await current(api))["experiment"] == "digits"


async def test_a_live_run_is_a_row_with_a_sparkline(api, journal, begin_run, workspace):
    run_id = begin_run(journal, name="sweep")
    sink = journal.sink(run_id)
    for step in range(400):
        sink.append({"loss": 400.0 - step, "acc": 0.5}, step)
    answer = (await api("live")).json
    (row,) = answer["runs"]
    assert row["summary"]["name"] == "sweep"
    assert row["sparkline_key"] == "loss"
    assert len(row["sparkline"]) <= 40
    assert row["sparkline"][-1] == 1.0
    assert answer["now_ms"] >= row["summary"]["start_ms"]
    assert (await api(f"live?workspace={'f' * 12}")).json["runs"] == []


async def test_a_live_run_is_on_the_first_page_of_runs_with_its_newest_values(
    api, journal, begin_run, workspace
):
    run_id = begin_run(journal, name="sweep")
    journal.sink(run_id).append({"loss": 0.25}, 7)
    await api("live")
    (row,) = (await api(f"runs?workspace={workspace.id}")).json["runs"]
    assert (row["run_id"], row["name"], row["status"], row["live"]) == (
        run_id,
        "sweep",
        "RUNNING",
        True,
    )
    assert [(one["key"], one["value"], one["step"]) for one in row["metrics"]] == [
        ("loss", 0.25, 7)
    ]


async def test_a_finished_run_is_drawn_from_its_series_file_without_asking_the_store(
    api, app, finished, project, workspace
):
    await current(api)
    answer = (await api(f"runs/{RUN}/series?workspace={workspace.id}")).json
    columns = {one["key"]: one for one in answer["columns"]}
    assert columns["loss"]["values"] == [1.0 / (step + 1) for step in range(300)]
    assert columns["acc"]["steps"] == list(range(300))
    assert (answer["status"], answer["reset"]) == ("FINISHED", True)
    again = (await api(f"runs/{RUN}/series?workspace={workspace.id}&since={answer['cursor']}")).json
    assert (again["columns"], again["reset"]) == ([], False)
    thin = (await api(f"runs/{RUN}/series?workspace={workspace.id}&max_points=10&keys=loss")).json
    (column,) = thin["columns"]
    assert (len(column["values"]) <= 10, column["total"], column["values"][0]) == (True, 300, 1.0)


async def test_without_a_series_file_the_store_is_asked(api, finished, project, workspace):
    shutil.rmtree(data_dir() / "series")
    await current(api)
    answer = (await api(f"runs/{RUN}/series?workspace={workspace.id}")).json
    columns = {one["key"]: one for one in answer["columns"]}
    assert columns["loss"]["values"] == [1.0 / (step + 1) for step in range(300)]
    assert answer["reset"] is True
    again = (await api(f"runs/{RUN}/series?workspace={workspace.id}&since={answer['cursor']}")).json
    assert (again["columns"], again["reset"]) == ([], False)


async def test_a_finished_run_has_its_parameters_tags_and_experiment(
    api, finished, project, workspace
):
    await current(api)
    detail = (await api(f"runs/{RUN}?workspace={workspace.id}")).json
    assert {"key": "lr", "value": "0.1"} in detail["params"]
    assert {"key": "mlflow.source.name", "value": "a.ipynb"} in detail["tags"]
    assert (detail["summary"]["experiment"], detail["summary"]["status"]) == ("digits", "FINISHED")
    assert (detail["merged"], detail["summary"]["live"]) == (False, False)
    found = (await api(f"experiments?workspace={workspace.id}")).json["experiments"]
    assert "digits" in {one["name"] for one in found}


async def test_runs_are_searched_by_words_and_by_filters_and_come_in_pages(
    api, workspace, project, begin_run, end_run
):
    journal = Journal.create(workspace)
    for at in range(7):
        run_id = begin_run(journal, name=f"sweep-{at}")
        journal.sink(run_id).append({"acc": at / 10}, 0)
        end_run(journal, run_id)
    journal.close()
    from jupyter_mltrack.journal.ship import sync

    await asyncio.to_thread(sync, data_dir(), timeout_s=60)
    await current(api)
    first = (await api(f"runs?workspace={workspace.id}&limit=3")).json
    assert len(first["runs"]) == 3
    token = quote(first["next_page_token"], safe="")
    second = (await api(f"runs?workspace={workspace.id}&limit=3&page_token={token}")).json
    names = [run["name"] for run in first["runs"] + second["runs"]]
    assert len(set(names)) == 6
    words = (await api(f"runs?workspace={workspace.id}&search=sweep-4")).json
    assert [run["name"] for run in words["runs"]] == ["sweep-4"]
    filtered = (await api(f"runs?workspace={workspace.id}&search=metrics.acc%20%3E%200.45")).json
    assert {run["name"] for run in filtered["runs"]} == {"sweep-5", "sweep-6"}
    off = await api(f"runs?workspace={workspace.id}&search=metrics.acc%20%3E%20%3E")
    assert (off.status, off.json["code"]) == (400, "bad_request")


async def test_a_run_that_nobody_knows_is_not_found(api, project, workspace):
    await current(api)
    for path in (f"runs/{RUN}", f"runs/{RUN}/series"):
        answer = await api(f"{path}?workspace={workspace.id}")
        assert (answer.status, answer.json["code"]) == (404, "not_found"), path


async def test_sync_ships_what_waits(api, project, workspace, journal, begin_run, end_run):
    run_id = begin_run(journal)
    journal.sink(run_id).append({"loss": 1.0}, 0)
    end_run(journal, run_id)
    answer = await api("sync", "POST", body={"workspace_id": workspace.id})
    assert (answer.status, answer.json["waiting_points"]) == (200, 0)
    import sqlite3

    with sqlite3.connect(workspace.database) as database:
        assert database.execute("SELECT COUNT(*) FROM metrics").fetchone() == (1,)
    database.close()


async def test_a_store_that_cannot_be_reached_is_told_with_the_runs_that_wait(
    api, begin_run, until, patient_with_stores
):
    unreachable = resolve("http://127.0.0.1:9")
    journal = Journal.create(unreachable)
    try:
        run_id = begin_run(journal, name="offline")
        journal.sink(run_id).append({"loss": 1.0}, 0)
        answer = await api(f"runs?workspace={unreachable.id}")
        page = answer.json
        assert answer.status == 200
        assert [run["name"] for run in page["runs"]] == ["offline"]
        assert page["problem"]["code"] in ("store_unreachable", "store_error")
        detail = (await api(f"runs/{run_id}?workspace={unreachable.id}")).json
        assert detail["merged"] is True

        async def health():
            listed = (await api("workspaces")).json["workspaces"]
            (found,) = [one for one in listed if one["id"] == unreachable.id]
            return found["health"]

        async def is_unreachable():
            return (await health())["state"] == "unreachable"

        assert await until(is_unreachable, 30)

        async def waits():
            return (await health())["waiting_points"] >= 1

        assert await until(waits, 15)
    finally:
        journal.close()


async def test_a_run_whose_store_gave_it_another_id_is_drawn_from_its_own_journal(
    api, journal, begin_run, workspace
):
    from jupyter_mltrack.journal.progress import remember_ids

    local = begin_run(journal)
    remote = "f" * 32
    remember_ids(data_dir(), workspace.id, {local: remote})
    journal.sink(local).append({"loss": 0.5}, 0)
    answer = (await api(f"runs/{remote}/series?workspace={workspace.id}")).json
    assert (answer["run_id"], answer["columns"][0]["values"]) == (remote, [0.5])


async def test_the_schema_of_the_nudge_is_registered(jp_serverapp):
    from jupyter_mltrack.schema import NUDGE_SCHEMA_ID

    schema = jp_serverapp.event_logger.schemas.get(NUDGE_SCHEMA_ID)
    assert json.loads(json.dumps(schema.properties))


def test_an_index_over_a_folder_that_is_not_there_is_empty(tmp_path):
    index = LiveIndex(tmp_path / "nothing")
    assert index.poll() == []
    assert index.live_runs().runs == []


@pytest.mark.parametrize("from_store", [False, True], ids=["series file", "store"])
async def test_a_resumed_run_is_drawn_with_its_older_points(
    api, finished, project, workspace, begin_run, from_store, until
):
    if from_store:
        shutil.rmtree(data_dir() / "series")
    journal = Journal.create(workspace)
    try:
        begin_run(journal, run_id=RUN, resumed=True)
        journal.sink(RUN).append({"loss": 7.0}, 300, 99_000)
        answer = (await api(f"runs/{RUN}/series?workspace={workspace.id}")).json
        columns = {one["key"]: one for one in answer["columns"]}
        assert columns["loss"]["steps"] == list(range(301))
        assert columns["loss"]["values"] == [*(1.0 / (step + 1) for step in range(300)), 7.0]
        assert columns["acc"]["steps"] == list(range(300))
        assert (answer["status"], answer["reset"]) == ("RUNNING", True)
        journal.sink(RUN).append({"loss": 8.0}, 301, 99_001)

        async def newer():
            path = f"runs/{RUN}/series?workspace={workspace.id}&since={answer['cursor']}"
            found = (await api(path)).json
            return found if found["columns"] else None

        more = await until(newer)
        assert [(one["key"], one["values"]) for one in more["columns"]] == [("loss", [8.0])]
        assert more["reset"] is False
    finally:
        journal.close()
