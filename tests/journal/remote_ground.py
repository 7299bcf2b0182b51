"""What the tests of shipping to a server share: points, and what the server has of them."""

import json
import time
from typing import Any

import patience
import ship_ground
from ship_ground import Shipped

from jupyter_mltrack import wire
from jupyter_mltrack.journal.ship import health, run_alias, sync
from jupyter_mltrack.settings import data_dir


def log_points(line: Shipped, count: int = 300, first: int = 0) -> None:
    sink = line.journal.sink(ship_ground.RUN)
    for step in range(first, first + count):
        sink.append({"loss": 1 / (step + 1), "acc": float(step)}, step, 10_000 + step)


def arrived(line: Shipped, timeout_s: float = 60) -> None:
    """Wait for everything; a person who is tired of waiting types sync."""
    report = sync(data_dir(), workspace_id=line.workspace.id, timeout_s=timeout_s)
    end_s = time.monotonic() + patience.least(timeout_s)
    while report.waiting_points and time.monotonic() < end_s:
        time.sleep(0.1)
        report = sync(data_dir(), workspace_id=line.workspace.id, timeout_s=5)
    assert report.waiting_points == 0, report


def assert_all_there_once(port: int, count: int, status: str = "FINISHED") -> dict[str, Any]:
    remote = run_alias(data_dir(), ship_ground.RUN)
    assert remote != ship_ground.RUN
    run = get(port, "runs/get", run_id=remote)["run"]
    for key, value in (("loss", lambda s: 1 / (s + 1)), ("acc", float)):
        points = get(port, "metrics/get-history", run_id=remote, metric_key=key)["metrics"]
        found = [(int(p.get("step", 0)), int(p["timestamp"]), p.get("value", 0.0)) for p in points]
        assert found == [(s, 10_000 + s, value(s)) for s in range(count)]
    assert run["info"]["status"] == status
    return dict(run)


def get(port: int, path: str, **query: str) -> dict[str, Any]:
    import urllib.parse
    import urllib.request

    address = f"http://127.0.0.1:{port}/api/2.0/mlflow/{path}?{urllib.parse.urlencode(query)}"
    answer: dict[str, Any] = json.loads(urllib.request.urlopen(address, timeout=150).read())
    return answer


def runs_with_tag(port: int, view: str = "ALL") -> int:
    """How many runs the server has for our run."""
    body = {
        "experiment_ids": ["0"],
        "filter": f"tags.`mltrack.run_id` = '{ship_ground.RUN}'",
        "run_view_type": view,
    }
    return len(post(port, "runs/search", body).get("runs", []))


def bad_health(workspace_id: str) -> wire.Health | None:
    seen = health(data_dir(), workspace_id)
    return seen if seen is not None and seen.state not in ("ready", "connecting") else None


def post(port: int, path: str, body: dict[str, Any]) -> dict[str, Any]:
    import urllib.request

    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/2.0/mlflow/{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    answer: dict[str, Any] = json.loads(urllib.request.urlopen(request, timeout=150).read())
    return answer
