"""The same waits in MLflow's own page, where it can do what the panel does."""

from __future__ import annotations

import statistics
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.lab import free_port, server

TURNS = 3
ROW = 'a[href*="/runs/"]'
LIST = "#/experiments/1/runs"
LIMIT_MS = 60_000

CHANGED = """
async ([selector, hash]) => {
  const text = () =>
    [...document.querySelectorAll(selector)].slice(0, 5).map(one => one.textContent).join();
  const before = text();
  const begun = performance.now();
  location.hash = hash;
  while (performance.now() - begun < 60000) {
    await new Promise(done => requestAnimationFrame(done));
    const now = text();
    if (now !== '' && now !== before) return performance.now() - begun;
  }
  return null;
}
"""


def measured(chromium: Any, place: Path, made: dict[str, str]) -> dict[str, float]:
    """Measure MLflow's page on the store of a project; what it cannot show in time is left out."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    store = f"sqlite:///{place / '.mltrack' / 'mlflow.db'}"
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with server(command, place, f"{address}/health", MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false"):
        found = _lists(chromium, address)
        return found | _million(chromium, f"{address}/#/experiments/1/runs/{made['long_run']}")


def _lists(chromium: Any, address: str) -> dict[str, float]:
    from playwright.sync_api import TimeoutError as TooLong

    asked = {
        "sort": f"{LIST}?orderByKey={quote('metrics.`loss`')}&orderByAsc=true",
        "filter": f"{LIST}?searchFilter={quote('metrics.loss < 0.5')}",
    }
    found: dict[str, list[float]] = {}
    for _ in range(TURNS):
        shown = chromium.new_page(viewport={"width": 1400, "height": 900})
        with suppress(TooLong):
            begun_s = time.perf_counter()
            shown.goto(f"{address}/{LIST}", wait_until="commit")
            shown.wait_for_selector(ROW, timeout=LIMIT_MS)
            found.setdefault("first rows", []).append((time.perf_counter() - begun_s) * 1000)
            for name, hash_ in asked.items():
                shown.wait_for_timeout(1_500)
                ms = shown.evaluate(CHANGED, [ROW, hash_])
                if ms is not None:
                    found.setdefault(name, []).append(ms)
        shown.close()
    return {name: statistics.median(values) for name, values in found.items()}


def _million(chromium: Any, address: str) -> dict[str, float]:
    """Until the chart of the run's only metric has a line."""
    from playwright.sync_api import TimeoutError as TooLong

    shown = chromium.new_page(viewport={"width": 1400, "height": 900})
    try:
        begun_s = time.perf_counter()
        shown.goto(f"{address}/model-metrics", wait_until="commit")
        shown.wait_for_selector(".js-plotly-plot .trace path.js-line", timeout=LIMIT_MS)
        return {"million points": (time.perf_counter() - begun_s) * 1000}
    except TooLong:
        return {}
    finally:
        shown.close()
