"""One model deployed and asked, beside `mlflow models serve` in the same run.

    python -m benchmarks deploy

Deploy: from the call to the first answered prediction, in a place that has served a model before
(warm) and in one that has not (cold). Requests: one row, the same client, in turns. Memory: what
one more process of the same model takes, shared pages divided among those that share them.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import run_child, table, verdict

WARM_TURNS = 20
COLD_TURNS = 3
REQUESTS = 600
FURTHER = 4
COLUMNS = [f"x{number}" for number in range(8)]
ROW = json.dumps({"dataframe_split": {"columns": COLUMNS, "data": [[0.5] * 8]}}).encode()


def run() -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        (place / "pyproject.toml").touch()
        found = run_child("benchmarks.deploy", str(place), place=place, timeout_s=1800)
    table(
        "Deploy to first answered prediction, s",
        ["", "p50", "p95", "worst", "turns", "reach", ""],
        [
            [
                "jupyter_mltrack, warm",
                found["warm_p50_s"],
                found["warm_p95_s"],
                found["warm_max_s"],
                WARM_TURNS,
                "p50 <= 1.5, p95 <= 3",
                verdict(found["warm_p50_s"] <= 1.5 and found["warm_p95_s"] <= 3),
            ],
            [
                "jupyter_mltrack, cold",
                found["cold_s"],
                "",
                "",
                COLD_TURNS,
                "<= 1.0 of the next",
                verdict(found["cold_s"] <= found["bare_cold_s"]),
            ],
            ["mlflow models serve", found["bare_cold_s"], "", "", COLD_TURNS, "", ""],
        ],
    )
    ratio = found["request_p50_ms"] / found["bare_request_p50_ms"]
    table(
        "One row, one client, ms",
        ["", "p50", "p95", "ratio of p50", "reach", ""],
        [
            [
                "jupyter_mltrack",
                found["request_p50_ms"],
                found["request_p95_ms"],
                ratio,
                "<= 1.1",
                verdict(ratio <= 1.1),
            ],
            [
                "mlflow models serve",
                found["bare_request_p50_ms"],
                found["bare_request_p95_ms"],
                "",
                "",
                "",
            ],
        ],
    )
    share = found["further_mb"] / found["bare_mb"]
    table(
        "Memory of one more process of the same model, MB (PSS)",
        ["", "MB", "ratio", "reach", ""],
        [
            [
                "jupyter_mltrack, further replica",
                found["further_mb"],
                share,
                "<= 0.5",
                verdict(share <= 0.5),
            ],
            ["mlflow models serve", found["bare_mb"], "", "", ""],
            ["jupyter_mltrack, keeper and warm process", found["standing_mb"], "", "", ""],
        ],
    )


# ----------------------------------------------------------------------------- in the child


def _model(place: Path) -> Path:
    import mlflow
    import numpy as np
    import pandas as pd
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from jupyter_mltrack import workspaces

    frame = pd.DataFrame(np.random.default_rng(0).random((1000, 8)), columns=COLUMNS)
    target = (frame.sum(axis=1) > 4).astype(int)
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, target)
    folder = place / "model"
    signature = mlflow.models.infer_signature(frame, fitted.predict(frame))
    save = {"signature": signature, "input_example": frame.head(3)}
    mlflow.sklearn.save_model(fitted, folder, **save)
    workspace = workspaces.resolve()
    workspace.prepare()
    mlflow.set_tracking_uri(workspace.tracking_uri)
    with mlflow.start_run():
        mlflow.sklearn.log_model(fitted, name="model", registered_model_name="bench", **save)
    return folder


def _deploy(name: str) -> float:
    """Seconds from the word `deploy` to the first answered prediction, all processes included."""
    import jupyter_mltrack
    from jupyter_mltrack.deployments.local import keeper_client

    started = time.perf_counter()
    jupyter_mltrack.deploy("bench/1", name=name, trust=True)
    answer = keeper_client.ask(name, ROW)
    assert answer.status == 200, answer
    return time.perf_counter() - started


@contextlib.contextmanager
def _bare(model: Path) -> Iterator[tuple[int, int, float]]:
    """`mlflow models serve`: its process, its port, and seconds to its first prediction."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.perf_counter()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(model)]
    command += ["--env-manager", "local", "--port", str(port)]
    binaries = os.path.dirname(sys.executable)
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"},
    )
    try:
        while True:
            try:
                status = _ask(http.client.HTTPConnection("127.0.0.1", port, timeout=60), {})
            except OSError:
                if time.perf_counter() - started > 180:
                    raise
                time.sleep(0.01)
            else:
                assert status == 200
                break
        yield process.pid, port, time.perf_counter() - started
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _ask(connection: http.client.HTTPConnection, headers: dict[str, str]) -> int:
    connection.request("POST", "/invocations", ROW, {"content-type": "application/json", **headers})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def _requests(bare_port: int, port: int, token: str) -> dict[str, float]:
    """Latencies of both, in turns over lines that are kept open."""
    lines = {
        "bare_request": (http.client.HTTPConnection("127.0.0.1", bare_port), {}),
        "request": (
            http.client.HTTPConnection("127.0.0.1", port),
            {"authorization": f"Bearer {token}"},
        ),
    }
    found: dict[str, list[float]] = {name: [] for name in lines}
    for turn in range(REQUESTS + 50):
        for name, (line, headers) in lines.items():
            started = time.perf_counter()
            assert _ask(line, headers) == 200
            if turn >= 50:
                found[name].append((time.perf_counter() - started) * 1000)
    made = {}
    for name, times in found.items():
        made[f"{name}_p50_ms"] = statistics.median(times)
        made[f"{name}_p95_ms"] = statistics.quantiles(times, n=20)[-1]
    return made


def _pss_mb(pids: list[int]) -> float:
    total = 0.0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) / 1024
    return total


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for entry in os.scandir("/proc"):
            if entry.name.isdecimal():
                with contextlib.suppress(OSError):
                    fields = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
                    if int(fields[1]) == parent:
                        found.append(int(entry.name))
    return found


def _child(place: Path) -> dict[str, float]:
    from jupyter_mltrack.deployments.local import keeper_client
    from jupyter_mltrack.deployments.local.spec import Places

    model = _model(place)
    cold, bare_cold = [], []
    for turn in range(COLD_TURNS):
        with _bare(model) as (_, _, seconds):
            bare_cold.append(seconds)
        os.environ["MLTRACK_DATA_DIR"] = str(place / f"data{turn}")
        cold.append(_deploy("cold"))
        if turn < COLD_TURNS - 1:
            _quit()
    time.sleep(8)  # the warm process does what can wait
    warm = [_deploy(f"warm{turn}") for turn in range(WARM_TURNS)]
    for turn in range(WARM_TURNS):
        keeper_client.remove(f"warm{turn}")
    places = Places(os.environ["MLTRACK_DATA_DIR"])
    with _bare(model) as (bare_pid, bare_port, _):
        _deploy("asked")
        port = int(keeper_client.endpoint("asked").address.rpartition(":")[2])
        made = _requests(bare_port, port, places.token("asked").read_text())
        bare_mb = _pss_mb(_tree(bare_pid))
    keeper_client.remove("asked")
    keeper = int((places.root / "keeper.lock").read_text())
    before = _pss_mb(_tree(keeper))
    for number in range(FURTHER):
        _deploy(f"further{number}")
    after = _pss_mb(_tree(keeper))
    for number in range(FURTHER):
        keeper_client.remove(f"further{number}")
    keeper_client.remove("cold")
    time.sleep(1)
    standing = _pss_mb(_tree(keeper))
    _quit()
    return made | {
        "warm_p50_s": statistics.median(warm),
        "warm_p95_s": sorted(warm)[int(0.95 * len(warm)) - 1],
        "warm_max_s": max(warm),
        "cold_s": statistics.median(cold),
        "bare_cold_s": statistics.median(bare_cold),
        "further_mb": (after - before) / FURTHER,
        "bare_mb": bare_mb,
        "standing_mb": standing,
    }


def _quit() -> None:
    """End the keeper, and with it everything that it looks after."""
    from jupyter_mltrack.deployments.local.spec import Places

    lock = Places(os.environ["MLTRACK_DATA_DIR"]).root / "keeper.lock"
    keeper = int(lock.read_text())
    pids = _tree(keeper)
    os.kill(keeper, signal.SIGTERM)
    while any(os.path.exists(f"/proc/{pid}") for pid in pids):
        time.sleep(0.05)


if __name__ == "__main__":
    print("RESULT", json.dumps(_child(Path(sys.argv[1]))))
