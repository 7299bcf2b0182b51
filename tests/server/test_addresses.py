"""No address comes from the browser: workspaces are known by id, and connected by an act only."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest

from jupyter_mltrack.journal import Journal
from jupyter_mltrack.settings import data_dir
from jupyter_mltrack.verbs.acts import use
from jupyter_mltrack.workspaces import resolve, used

RUN = "c" * 32


@pytest.fixture
def listener(hostile_store, http_answer):
    return hostile_store(lambda connection, request: http_answer(connection, b"{}"))


async def test_s7_no_route_takes_an_address(api, listener, workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "canary")
    new = tmp_path / "new.db"
    addresses = [
        listener.url,
        f"sqlite:///{new}",
        "file:///etc",
        "databricks",
        f"http://user:canary@127.0.0.1:{listener.port}",
    ]
    paths = [
        "status",
        "live",
        "workspaces",
        "experiments",
        "runs",
        f"runs/{RUN}",
        f"runs/{RUN}/series",
        f"runs/{RUN}/artifacts",
    ]
    for address in addresses:
        for path in paths:
            for name in ("tracking_uri", "uri", "workspace_uri"):
                answer = await api(
                    f"{path}?{name}={quote(address, safe='')}&workspace={workspace.id}"
                )
                assert answer.status == 400, (path, name)
            answer = await api(f"{path}?workspace={quote(address, safe='')}")
            assert answer.status == 400, path
        for body in ({"tracking_uri": address}, {"workspace_id": address}, {"workspace": address}):
            assert (await api("sync", "POST", body=body)).status == 400
    await asyncio.sleep(0.3)
    assert listener.requests == []
    assert not new.exists()


@pytest.mark.parametrize(
    "path", ["..", "../..", "/etc/passwd/../../..", "a/../../b", "a\\..\\b", "x\x00y", "..%2f.."]
)
async def test_s7_a_notebook_path_does_not_leave_the_servers_folder(api, path, jp_root_dir):
    answer = await api(f"workspaces?path={quote(path, safe='%')}")
    if answer.status == 200:
        (current,) = [one for one in answer.json["workspaces"] if one["current"]]
        assert current["uri"].startswith(f"sqlite:///{jp_root_dir}")
    else:
        assert answer.status == 400


async def test_s7_an_address_in_a_projects_file_is_shown_and_not_asked_until_the_user_says_so(
    api, listener, project, until
):
    (project / "mltrack.toml").write_text(
        f'tracking = "http://me:canary@127.0.0.1:{listener.port}"\n'
    )
    answer = await api("workspaces?path=project/a.ipynb")
    (current,) = [one for one in answer.json["workspaces"] if one["current"]]
    assert current["uri"] == listener.url
    assert b"canary" not in answer.body
    assert current["health"]["state"] == "connecting"
    assert "never used here" in current["health"]["message"]
    for path in ("runs", "experiments", f"runs/{RUN}", f"runs/{RUN}/series"):
        refused = await api(f"{path}?workspace={current['id']}")
        assert (refused.status, refused.json["code"]) == (409, "conflict")
    await asyncio.sleep(0.5)
    assert listener.requests == []
    connected = await api("sync", "POST", body={"workspace_id": current["id"]})
    assert connected.status == 200
    await api(f"experiments?workspace={current['id']}")
    assert await until(lambda: listener.requests)


async def test_s7_a_workspace_that_a_kernel_used_is_known_and_asked(api, listener, until):
    journal = Journal.create(resolve(listener.url))
    try:
        await api(f"experiments?workspace={resolve(listener.url).id}")
        assert await until(lambda: listener.requests)
    finally:
        journal.close()


async def test_s7_a_workspace_that_was_chosen_in_a_notebook_is_known_and_asked(
    api, listener, until, monkeypatch
):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    chosen = use(f"http://me:canary@127.0.0.1:{listener.port}")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert [one.workspace_name for one in used.listed(data_dir())] == [chosen.name]
    assert b"canary" not in b"".join(
        path.read_bytes() for path in data_dir().rglob("*") if path.is_file()
    )
    before = len(listener.requests)
    await api(f"experiments?workspace={chosen.id}")
    assert await until(lambda: len(listener.requests) > before)


async def test_s7_requests_for_two_workspaces_at_once_do_not_mix(api, jp_root_dir, begin_run):
    journals, names = [], {}
    for name in ("one", "two"):
        folder = jp_root_dir / name
        (folder / ".git").mkdir(parents=True)
        workspace = resolve("local", folder)
        journals.append(Journal.create(workspace))
        names[workspace.id] = name
        for at in range(3):
            begin_run(journals[-1], name=f"{name}-{at}")
    try:
        asked = [workspace_id for _ in range(10) for workspace_id in names]
        answers = await asyncio.gather(*(api(f"runs?workspace={one}") for one in asked))
        for workspace_id, answer in zip(asked, answers, strict=True):
            found = {
                (run["name"].split("-")[0], run["workspace_id"]) for run in answer.json["runs"]
            }
            assert found == {(names[workspace_id], workspace_id)}
    finally:
        for journal in journals:
            journal.close()


async def test_a_workspace_nobody_knows_is_not_found(api):
    answer = await api("runs?workspace=0123456789ab")
    assert (answer.status, answer.json["code"]) == (404, "not_found")


async def test_a_damaged_settings_file_is_a_problem_that_names_the_line(api, project):
    (project / "mltrack.toml").write_text("tracking = \n")
    answer = await api("workspaces?path=project/a.ipynb")
    assert (answer.status, answer.json["code"]) == (400, "bad_request")
    assert answer.json["message"].startswith("mltrack.toml, line 1: ")
