"""Ten thousand runs and a run of a million points at the routes, beside MLflow's own server.

The store is the same file for all: the routes of a real Jupyter server, the REST calls that
MLflow's page makes (asked once: they take seconds), and the SQL alone. Every other figure is the
median of five answers over HTTP.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from benchmarks import ground
from benchmarks.measure import clean_environment, table, verdict
from benchmarks.network import _wait_for

RUNS = int(os.environ.get("MLTRACK_BENCH_RUNS", "10_000"))
POINTS = int(os.environ.get("MLTRACK_BENCH_POINTS", "1_000_000"))
TURNS = 5
LIMITS_MS = {"first page": 100, "sorted by a metric": 150, "filtered by a metric": 150}
COLUMNS = ("metrics.acc", "metrics.loss", "params.lr", "params.optimizer", "tags.team")
NEWEST = "ORDER BY r.start_time DESC LIMIT 50"
SQL = {
    "first page": f"SELECT * FROM runs r WHERE lifecycle_stage = 'active' {NEWEST}",
    "sorted by a metric": "SELECT r.* FROM runs r LEFT JOIN latest_metrics m ON m.run_uuid ="
    " r.run_uuid AND m.key = 'acc' ORDER BY m.is_nan, m.value DESC LIMIT 50",
    "filtered by a metric": "SELECT r.* FROM runs r WHERE EXISTS (SELECT 1 FROM latest_metrics m"
    f" WHERE m.run_uuid = r.run_uuid AND m.key = 'acc' AND m.value > 0.5) {NEWEST}",
}
ASKED = {
    "first page": {},
    "sorted by a metric": {"order_by": "metrics.acc DESC"},
    "filtered by a metric": {"search": "metrics.acc > 0.5"},
}

Figure = tuple[float, int]
"""Milliseconds and bytes of an answer."""


def run() -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        os.environ["MLTRACK_DATA_DIR"] = str(place / "mltrack-data")
        made = ground.make(place, runs=RUNS, points=POINTS)
        database = place / ".mltrack" / "mlflow.db"
        with _jupyter(place) as ours:
            _lists(made["workspace"], ours, database, place)
            _long_run(made, ours, place)


def _lists(workspace: str, ours: _Server, database: Path, place: Path) -> None:
    with _mlflow(database, place) as theirs:
        theirs.answer("experiments/get?experiment_id=1")
        rows = []
        for name, asked in ASKED.items():
            query = f"runs?workspace={workspace}&limit=50"
            query += "".join(f"&{key}={quote(value)}" for key, value in asked.items())
            query += "".join(f"&columns={quote(column)}" for column in COLUMNS)
            mine = ours.median(query)
            body = {"experiment_ids": ["1"], "max_results": 50}
            body |= {"order_by": [asked["order_by"]]} if "order_by" in asked else {}
            body |= {"filter": asked["search"]} if "search" in asked else {}
            other = theirs.once("runs/search", json.dumps(body).encode())
            rows.append((name, mine, other, _sql_ms(database, SQL[name])))
    table(
        f"{RUNS:,} runs x {ground.PARAMS} parameters x {ground.METRICS} metrics: a page of 50",
        ["what", "route ms", "route kB", "MLflow's REST ms", "MLflow's kB", "SQL alone ms"],
        [(n, a[0], a[1] / 1000, b[0], b[1] / 1000, sql) for n, a, b, sql in rows],
    )
    for name, mine, _, _ in rows:
        limit_ms = LIMITS_MS[name]
        print(f"\n{name}: at most {limit_ms} ms: {verdict(mine[0] <= limit_ms)}", end="")
    print(f"\nunder 300 kB a page: {verdict(max(row[1][1] for row in rows) < 300_000)}")
    pages_ms = ours.pages(f"runs?workspace={workspace}&limit=200&order_by=metrics.acc")
    last = statistics.median(pages_ms[-5:])
    print(f"page 2: {pages_ms[1]:.0f} ms, the last ones: {last:.0f} ms of {len(pages_ms)} pages")


def _long_run(made: dict[str, str], ours: _Server, place: Path) -> None:
    path = f"runs/{made['long_run']}/series?workspace={made['workspace']}"
    first = ours.once(path)
    copied = ours.median(path)
    zoomed = ours.median(f"{path}&start={POINTS // 10}&end={9 * POINTS // 10}")
    near = ours.median(f"{path}&start={POINTS // 7 - 500}&end={POINTS // 7 + 500}")
    numbers = ours.median(f"runs/{made['long_run']}/metrics?workspace={made['workspace']}")
    shutil.rmtree(place / "mltrack-data" / "series", ignore_errors=True)
    table(
        f"A run of {POINTS:,} points of one metric, at most 2,000 answered",
        ["what", "ms", "kB"],
        [
            ("first read, from the store", first[0], first[1] / 1000),
            ("again, from its series file", copied[0], copied[1] / 1000),
            ("zoom to eight tenths", zoomed[0], zoomed[1] / 1000),
            ("zoom to a thousand points", near[0], near[1] / 1000),
            ("minimum, maximum, mean", numbers[0], numbers[1] / 1000),
        ],
    )
    print(f"\nfirst at most 3,000 ms: {verdict(first[0] <= 3_000)}; ", end="")
    print(f"again at most 400 ms: {verdict(copied[0] <= 400)}; ", end="")
    print(f"zoom at most 150 ms: {verdict(max(zoomed[0], near[0]) <= 150)}")


def _sql_ms(database: Path, statement: str) -> float:
    connection = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)
    try:
        return statistics.median(
            _timed(lambda: connection.execute(statement).fetchall()) for _ in range(TURNS)
        )
    finally:
        connection.close()


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


class _Server:
    """A server that is asked over one connection."""

    def __init__(self, port: int, prefix: str, headers: dict[str, str]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._prefix = prefix
        self._headers = headers

    def answer(self, path: str, body: bytes | None = None) -> bytes:
        method = "GET" if body is None else "POST"
        headers = self._headers | ({"Content-Type": "application/json"} if body else {})
        self._connection.request(method, self._prefix + path, body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}: {content[:300]!r}")
        return content

    def once(self, path: str, body: bytes | None = None) -> Figure:
        content = b""

        def work() -> None:
            nonlocal content
            content = self.answer(path, body)

        return _timed(work), len(content)

    def median(self, path: str, body: bytes | None = None) -> Figure:
        self.answer(path, body)
        found = [self.once(path, body) for _ in range(TURNS)]
        return statistics.median(ms for ms, _ in found), found[0][1]

    def pages(self, path: str) -> list[float]:
        """Milliseconds of each page, from the first to the last."""
        took: list[float] = []
        token: str | None = ""
        while token is not None:
            more = f"&page_token={quote(token, safe='')}" if token else ""
            began = time.perf_counter()
            token = json.loads(self.answer(path + more))["next_page_token"]
            took.append((time.perf_counter() - began) * 1000)
        return took


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _process(command: list[str], place: Path, address: str) -> Iterator[None]:
    server = subprocess.Popen(
        command,
        cwd=place,
        env=clean_environment(place) | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(address)
        yield
    finally:
        os.killpg(server.pid, 15)
        server.wait()


@contextmanager
def _jupyter(place: Path) -> Iterator[_Server]:
    port = _free_port()
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"]
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"]
    command += ["--ServerApp.jpserver_extensions={'jupyter_mltrack': True}"]
    command += ["--IdentityProvider.token=bench"]
    with _process(command, place, f"http://127.0.0.1:{port}/api"):
        server = _Server(port, "/mltrack/api/", {"Authorization": "token bench"})
        server.answer("workspaces")
        yield server


@contextmanager
def _mlflow(database: Path, place: Path) -> Iterator[_Server]:
    port = _free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{database}"]
    with _process(command, place, f"http://127.0.0.1:{port}/health"):
        yield _Server(port, "/api/2.0/mlflow/", {})
