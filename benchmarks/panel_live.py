"""Fifty runs that go on at once, in the panel: what the page and the server pay.

The page's main thread is measured twice: as the browser counts it, which grows while others hold
the processor, and in processor time, which does not.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.lab import TAB, TOKEN, browser, lab, started
from benchmarks.measure import clean_environment, table, verdict

RUNS, METRICS, RATE = 50, 20, 10
SECONDS = 600 if "--long" in sys.argv else 120


def run() -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        (place / "pyproject.toml").touch()
        with lab(place) as address, browser() as chromium:
            page = chromium.new_page(viewport={"width": 1400, "height": 900})
            started(page, address)
            page.click(TAB)
            counts = [str(count) for count in (RUNS, METRICS, RATE, SECONDS + 90)]
            load = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.live_load", *counts],
                cwd=place,
                env=clean_environment(place),
                stderr=subprocess.DEVNULL,
            )
            try:
                _watch(page, address)
            finally:
                load.terminate()
                load.wait()


def _watch(page: Any, address: str) -> None:
    page.click(".mltrack-Live-more", timeout=60_000)  # all rows, not those that have room
    page.click(".mltrack-LiveRow")
    page.wait_for_selector(".mltrack-Charts canvas", timeout=30_000)
    page.wait_for_timeout(3_000)  # what opening cost is not what going on costs
    waits: list[float] = []
    done = threading.Event()
    asking = threading.Thread(target=_ask_status, args=(address, waits, done))
    asking.start()
    clocks = {domain: line_to(page, domain) for domain in ("timeTicks", "threadTicks")}
    line = clocks["timeTicks"]
    first = {domain: busy_s(one) for domain, one in clocks.items()}
    heaps = [_heap(line)]
    begun_s = time.monotonic()
    for _ in range(2):
        page.wait_for_timeout(SECONDS * 500)
        heaps.append(_heap(line))
    took_s = time.monotonic() - begun_s
    shares = {domain: (busy_s(one) - first[domain]) / took_s for domain, one in clocks.items()}
    page.click('.lm-TabBar-tab[data-id="filebrowser"]')
    page.wait_for_timeout(5_000)
    hidden = [_heap(line)]
    page.wait_for_timeout(25_000)
    hidden.append(_heap(line))
    done.set()
    asking.join()
    _tell(shares, heaps, hidden, sorted(waits))


def _tell(
    shares: dict[str, float], heaps: list[float], hidden: list[float], waits: list[float]
) -> None:
    busy = shares["timeTicks"]
    p99 = waits[int(len(waits) * 0.99)]
    rows = [("main thread busy", f"{busy:.0%}")]
    rows += [("main thread, processor time", f"{shares['threadTicks']:.0%}")]
    rows += [("heap MB at first, half-way, at last", ", ".join(f"{heap:.0f}" for heap in heaps))]
    rows += [("heap MB, hidden for 5 s and 30 s", ", ".join(f"{heap:.1f}" for heap in hidden))]
    rows += [("/api/status p50, p99 ms", f"{waits[len(waits) // 2]:.1f}, {p99:.1f}")]
    title = f"{RUNS} runs x {METRICS} metrics x {RATE} points/s for {SECONDS} s"
    table(title, ["what", "seen"], rows)
    print(f"\nbusy <= 30 %: {verdict(busy <= 0.3)}; heap < 300 MB: {verdict(heaps[-1] < 300)}")
    print(f"no growth when hidden: {verdict(hidden[1] <= hidden[0] * 1.02)}")
    print(f"/api/status p99 < 50 ms: {verdict(p99 < 50)}")


def line_to(page: Any, domain: str) -> Any:
    """A line to the browser whose durations are of this clock."""
    line = page.context.new_cdp_session(page)
    line.send("Performance.enable", {"timeDomain": domain})
    return line


def _metrics(line: Any) -> dict[str, float]:
    return {one["name"]: one["value"] for one in line.send("Performance.getMetrics")["metrics"]}


def busy_s(line: Any) -> float:
    """Seconds that the page's main thread was busy since it was there."""
    return _metrics(line)["TaskDuration"]


def _heap(line: Any) -> float:
    """Megabytes that are still reached from somewhere."""
    line.send("HeapProfiler.collectGarbage")
    return _metrics(line)["JSHeapUsedSize"] / 1e6


def _ask_status(address: str, waits: list[float], done: threading.Event) -> None:
    request = urllib.request.Request(f"{address}/api/status")
    request.add_header("Authorization", f"token {TOKEN}")
    while not done.wait(0.05):
        begun_s = time.perf_counter()
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
        waits.append((time.perf_counter() - begun_s) * 1000)
