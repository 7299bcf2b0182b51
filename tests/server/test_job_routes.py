"""The routes about jobs: a script is submitted once, looked at, stopped, forgotten."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import patience
import pytest

from jupyter_mltrack import jobs


async def ask(jp_fetch: Any, route: str, body: Any = None, **query: Any) -> Any:
    method = "GET" if body is None else "POST"
    sent = None if body is None else json.dumps(body)
    headers = {"Content-Type": "application/json"} if body is not None else None
    answer = await jp_fetch(
        "mltrack/api", *route.split("/"), method=method, body=sent, params=query, headers=headers
    )
    return json.loads(answer.body)


async def test_a_script_is_submitted_once_looked_at_stopped_and_forgotten(
    jp_fetch: Any, jp_root_dir: Path
) -> None:
    (jp_root_dir / "train.py").write_text(
        "import sys, time\nprint('args', sys.argv[1:], flush=True)\ntime.sleep(300)\n"
    )
    known = (await ask(jp_fetch, "workspaces"))["workspaces"]
    workspace = next(one["id"] for one in known if one["current"])
    backends = (await ask(jp_fetch, "jobs/backends"))["backends"]
    assert [one["name"] for one in backends][:2] == ["process", "azureml"]
    order = {
        "workspace_id": workspace, "file": "train.py", "key": "0123456789abcdef",
        "arguments": "--lr 0.1",
    }  # fmt: skip
    first = await ask(jp_fetch, "jobs/submit", order)
    again = await ask(jp_fetch, "jobs/submit", order)
    assert first["id"] == again["id"]
    (listed,) = (await ask(jp_fetch, "jobs"))["jobs"]
    assert (listed["name"], listed["what"]) == ("train", "train.py --lr 0.1")
    end_s = time.monotonic() + patience.WAIT_S
    text = ""
    while "args ['--lr', '0.1']" not in text:
        assert time.monotonic() < end_s
        await asyncio.sleep(0.2)
        text = (await ask(jp_fetch, "jobs/log", id=first["id"]))["text"]
    forget = {"id": first["id"], "confirm": "train"}
    with pytest.raises(Exception, match="409"):
        await ask(jp_fetch, "jobs/remove", forget)
    stopped = await ask(jp_fetch, "jobs/cancel", {"id": first["id"]})
    assert stopped["cancel_asked"]
    await asyncio.to_thread(jobs.wait, first["id"], None, 60)
    with pytest.raises(Exception, match="400"):
        await ask(jp_fetch, "jobs/remove", {**forget, "confirm": "other"})
    assert (await ask(jp_fetch, "jobs/remove", forget))["done"]
    assert (await ask(jp_fetch, "jobs"))["jobs"] == []


@pytest.mark.parametrize("file", ["../outside.py", "link.py", "/etc/passwd", "gone.py"])
async def test_no_file_outside_of_the_servers_folder_is_run(
    jp_fetch: Any, jp_root_dir: Path, file: str
) -> None:
    (jp_root_dir.parent / "outside.py").write_text("print(1)\n")
    (jp_root_dir / "link.py").symlink_to(jp_root_dir.parent / "outside.py")
    known = (await ask(jp_fetch, "workspaces"))["workspaces"]
    workspace = next(one["id"] for one in known if one["current"])
    order = {"workspace_id": workspace, "file": file, "key": "0123456789abcdef"}
    with pytest.raises(Exception, match="400"):
        await ask(jp_fetch, "jobs/submit", order)
    assert (await ask(jp_fetch, "jobs"))["jobs"] == []
