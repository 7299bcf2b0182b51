"""What a person adds to the list of workspaces: addresses and folders, never a credential."""

from __future__ import annotations

import asyncio
import base64
import os
import stat
from pathlib import Path

import pytest

from jupyter_mltrack.journal import Journal
from jupyter_mltrack.server.user_list import UserList
from jupyter_mltrack.settings import data_dir
from jupyter_mltrack.workspaces import resolve


@pytest.fixture
def listener(hostile_store, http_answer):
    return hostile_store(lambda connection, request: http_answer(connection, b'{"experiments":[]}'))


async def names(api) -> set[str]:
    return {one["name"] for one in (await api("workspaces")).json["workspaces"]}


async def test_an_address_is_added_asked_kept_and_forgotten(api, app, listener, until):
    answer = await api(
        "workspaces/add", "POST", body={"spec": f"{listener.url}/", "name": "the \u202eteam's"}
    )
    assert answer.status == 200
    info = answer.json
    assert (info["kind"], info["uri"], info["current"]) == ("mlflow", listener.url, False)
    assert "\u202e" not in info["name"]
    assert info["name"] in await names(api)
    await api(f"experiments?workspace={info['id']}")
    assert await until(lambda: listener.requests, 20)
    kept = data_dir() / "listed.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    again = [one.spec for one in UserList(data_dir()).load().added]
    assert again == [listener.url]
    gone = await api("workspaces/forget", "POST", body={"workspace_id": info["id"]})
    assert gone.json == {"what": f"workspace {info['name']}", "done": True}
    assert info["name"] not in await names(api)
    assert (await api(f"runs?workspace={info['id']}")).status == 404
    assert UserList(data_dir()).load().added == []


async def test_a_folder_below_the_servers_is_added_by_its_path_there(api, jp_root_dir, workspace):
    other = jp_root_dir / "deep" / "other"
    other.mkdir(parents=True)
    await asyncio.to_thread(resolve("local", other).prepare)
    for spec in ("deep/other", "/deep/other/", str(other), "deep/other/.mltrack"):
        answer = await api("workspaces/add", "POST", body={"spec": spec, "name": ""})
        assert answer.status == 200, spec
        assert answer.json["kind"] == "local"
    assert len(UserList(data_dir()).load().added) == 1
    assert (await api(f"runs?workspace={answer.json['id']}")).json["runs"] == []


async def test_s7_nothing_but_web_addresses_and_folders_of_the_server_is_added(
    api, jp_root_dir, tmp_path, listener
):
    outside = tmp_path / "outside"
    outside.mkdir()
    await asyncio.to_thread(resolve("local", outside).prepare)
    os.symlink(outside, jp_root_dir / "link")
    (jp_root_dir / "empty").mkdir()
    new = tmp_path / "new.db"
    port = listener.port
    for spec in (
        f"sqlite:///{new}", "file:///etc", f"file://{outside}", "databricks://x", "azureml://x",
        f"postgresql://127.0.0.1:{port}/x", f"http://user:canary@127.0.0.1:{port}", "http://",
        f"http://127.0.0.1:{port}/?token=canary", f"http://127.0.0.1:{port}/#x", "http://a b/",
        "http://127.0.0.1:99999", "http://exa\u0441mple.org", "javascript:alert(1)", "C:\\x",
        "http:\\\\evil", "HTTP://", "../outside", "link", str(outside), "/etc", "~", "a\x00b",
        "empty", "nowhere", "deep/../../outside", "http://[::1", "local", "databricks", " ",
    ):  # fmt: skip
        answer = await api("workspaces/add", "POST", body={"spec": spec})
        assert answer.status in (400, 404), spec
        assert b"canary" not in answer.body
    for body in ({}, {"spec": ""}, {"spec": "x" * 2001}, {"spec": 7}, {"tracking_uri": "x"}):
        assert (await api("workspaces/add", "POST", body=body)).status == 400
    assert (await api("workspaces/forget", "POST", body={"workspace_id": "0" * 12})).status == 404
    await asyncio.sleep(0.2)
    assert listener.requests == []
    assert not new.exists()
    assert not (data_dir() / "listed.json").exists()


async def test_s7_what_the_environment_signs_in_with_is_not_sent_to_an_added_server(
    api, listener, until, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "canary-token")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "canary-word")
    credentials = Path(os.environ["HOME"]) / ".mlflow" / "credentials"
    credentials.parent.mkdir(exist_ok=True)
    credentials.write_text(
        "[mlflow]\nmlflow_tracking_username = me\nmlflow_tracking_password = canary-file\n"
    )
    info = (await api("workspaces/add", "POST", body={"spec": listener.url})).json
    await api(f"runs?workspace={info['id']}")
    assert await until(lambda: len(listener.requests) >= 2, 30)  # a check, and MLflow's client
    sent = b"".join(listener.requests)
    assert b"authorization" not in sent.lower()
    for word in ("canary-token", "canary-word", "canary-file"):
        assert word.encode() not in sent
        assert base64.b64encode(f"me:{word}".encode()) not in sent


async def test_a_forgotten_workspace_comes_back_when_a_kernel_uses_it_again(
    api, jp_root_dir, begin_run, until
):
    other = jp_root_dir / "other"
    (other / ".git").mkdir(parents=True)
    place = resolve("local", other)
    first = Journal.create(place)
    begin_run(first)
    assert await until(lambda: _listed(api, place.id))
    forgotten = await api("workspaces/forget", "POST", body={"workspace_id": place.id})
    assert forgotten.status == 200
    assert not await _listed(api, place.id)
    first.close()
    await asyncio.sleep(0.01)
    second = Journal.create(place)
    begin_run(second)
    assert await until(lambda: _listed(api, place.id))
    second.close()


async def _listed(api, workspace_id: str) -> bool:
    return workspace_id in {one["id"] for one in (await api("workspaces")).json["workspaces"]}


def test_a_damaged_or_linked_list_is_no_list(tmp_path):
    (tmp_path / "listed.json").write_text('{"added": [{"id": 7')
    assert UserList(tmp_path).load().added == []
    (tmp_path / "listed.json").unlink()
    (tmp_path / "victim").write_text('{"added": [{"id": "a", "spec": "b"}]}')
    (tmp_path / "listed.json").symlink_to(tmp_path / "victim")
    assert UserList(tmp_path).load().added == []
