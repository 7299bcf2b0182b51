"""A tracking server far away, and one that fails in mid-cell."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import clean_environment, run_child, table, verdict
from benchmarks.proxy import Proxy

CALLS = 4000
FAULTS = ("refuse", "hang", "503", "401", "html")


@contextmanager
def tracking_server(place: Path) -> Iterator[int]:
    """A real MLflow server on loopback; its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(
        [*command, "--backend-store-uri", f"sqlite:///{place / 'server.db'}", "--workers", "1"],
        cwd=place,
        env=clean_environment(place) | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/health")
        yield port
    finally:
        os.killpg(server.pid, 15)
        server.wait()


def _wait_for(address: str) -> None:
    until = time.monotonic() + 90
    while True:
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def run() -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        (place / "pyproject.toml").touch()
        with tracking_server(place) as port:
            far = Proxy(port, delay_s=0.1)
            far.start()
            far_uri = f"http://127.0.0.1:{far.port}"
            ideal = run_child("benchmarks.network_child", "ideal", far_uri, str(CALLS), place=place)
            ours = run_child("benchmarks.network_child", "ours", far_uri, str(CALLS), place=place)
            local = run_child("benchmarks.network_child", "ours", "local", str(CALLS), place=place)
            far.stop()
            ratio = ours["total_s"] / ideal["total_s"]
            table(
                f"A server 100 ms away, {CALLS} calls of 5 metrics",
                ["way", "p50 of a call µs", "loop and end s", "times the ideal"],
                [
                    ("ideal log_batch of 1,000", "-", ideal["total_s"], 1.0),
                    ("jupyter_mltrack", ours["p50_us"], ours["total_s"], ratio),
                    ("jupyter_mltrack, embedded", local["p50_us"], local["total_s"], "-"),
                ],
            )
            as_fast = ours["p50_us"] <= 1.25 * local["p50_us"]
            print(
                f"\ncall as fast as local: {verdict(as_fast)}; at most 1.2 times: {verdict(ratio <= 1.2)}"
            )
            well = _fault(place, port, "pass")
            rows = [_fault(place, port, fault) for fault in FAULTS]
        table(
            "The server fails for 20 s in mid-cell: 2,799 calls and the end of the cell",
            [
                "how",
                "in our hands ms",
                "beyond a server that is well ms",
                "lost",
                "doubled",
                "status",
            ],
            [(row[0], row[1], row[1] - well[1], *row[2:]) for row in (well, *rows)],
        )
        reached = all(
            row[1] - well[1] <= 50 and row[2] == row[3] == 0 and row[4] == "FINISHED"
            for row in rows
        )
        print(f"\nat most 50 ms, 0 lost, 0 doubled: {verdict(reached)}")


def _fault(place: Path, port: int, fault: str) -> tuple[str, float, float, float, str]:
    proxy = Proxy(port)
    proxy.start()
    cell = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "benchmarks.network_child",
            "cell",
            f"http://127.0.0.1:{proxy.port}",
            "28",
        ],
        cwd=place,
        env=clean_environment(place),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert cell.stdout is not None
    for line in cell.stdout:
        if line.startswith("STARTED"):
            break
    time.sleep(3)
    proxy.turn(fault)
    time.sleep(20)
    proxy.turn("pass")
    import json

    result = {}
    for line in cell.stdout:
        if line.startswith("RESULT "):
            result = json.loads(line.removeprefix("RESULT "))
    cell.wait()
    found = run_child(
        "benchmarks.network_child", "audit", f"http://127.0.0.1:{port}", result["name"], place=place
    )
    proxy.stop()
    return (
        fault,
        result["added_ms"],
        result["points"] - found["distinct"],
        found["total"] - found["distinct"],
        str(found["status"]),
    )
