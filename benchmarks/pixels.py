"""From `log` in a kernel to a changed pixel of the chart, in real JupyterLab in real Chromium."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat

from benchmarks.child import quantiles
from benchmarks.lab import TOKEN, browser, chromium_path, lab
from benchmarks.measure import table, verdict

POINTS = 60

CELL = f"""%%track pixels --quiet
import random, time
from jupyter_mltrack import log
chance = random.Random(7)
log({{"loss": 10.0}}, step=0)
time.sleep(6)
said = []
for step in range(1, {POINTS}):
    time.sleep(0.5 + chance.random() * 0.1)
    said.append(time.time() * 1000)
    log({{"loss": 10.0 / step + chance.random()}}, step=step)
time.sleep(1)
print("SAID", said)
"""

WATCH = """
() => {
  const changes = (window.__changes = []);
  let last = '';
  const look = () => {
    let sum = 0;
    for (const canvas of document.querySelectorAll('.mltrack-Charts canvas')) {
      if (canvas.width === 0 || canvas.height === 0) continue;
      const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
      for (let i = 0; i < data.length; i += 4) sum = (sum * 31 + data[i] + data[i + 3]) | 0;
    }
    const now = String(sum);
    if (now !== last) { changes.push(performance.timeOrigin + performance.now()); last = now; }
    requestAnimationFrame(look);
  };
  look();
}
"""


def run() -> None:
    if chromium_path() is None:
        print("\nNo Chromium on this machine: log to pixel not measured.")
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        (place / "pyproject.toml").touch()
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [
            nbformat.v4.new_code_cell("%load_ext jupyter_mltrack"),
            nbformat.v4.new_code_cell(CELL),
        ]
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, place / "pixels.ipynb")
        with lab(place) as address, browser() as chromium:
            latencies_ms = _measure(chromium, f"{address}/lab/tree/pixels.ipynb?token={TOKEN}")
    ordered = sorted(latencies_ms)
    p50 = quantiles([round(value * 1000) for value in ordered])["p50_us"]
    p95 = ordered[int(len(ordered) * 0.95)]
    table("log to changed pixel", ["points", "p50 ms", "p95 ms"], [(len(ordered), p50, p95)])
    print(f"\np50 <= 80 ms, p95 <= 250 ms: {verdict(p50 <= 80 and p95 <= 250)}")


def _measure(chromium: Any, address: str) -> list[float]:
    """Milliseconds from each `log` to the first change of the chart after it."""
    page: Any = chromium.new_page(viewport={"width": 1400, "height": 900})
    page.goto(address)
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
    page.click('.lm-TabBar-tab[data-id="jupyter-mltrack-panel"]')
    page.wait_for_selector("text=Python 3 (ipykernel) | Idle", timeout=60_000)
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.wait_for_selector(".mltrack-LiveRow", timeout=30_000)
    page.click(".mltrack-LiveRow")
    page.wait_for_selector(".mltrack-Charts canvas", timeout=30_000)
    page.evaluate(WATCH)
    page.wait_for_selector(".jp-OutputArea-output >> text=SAID", timeout=90_000)
    text = page.inner_text(".jp-OutputArea-output >> text=SAID")
    changes = page.evaluate("() => window.__changes")
    said = json.loads(text.split("SAID", 1)[1])
    latencies = []
    for at_ms, next_ms in zip(said, [*said[1:], time.time() * 1000], strict=True):
        seen = [change for change in changes if at_ms <= change < next_ms]
        latencies.append((seen[0] if seen else next_ms) - at_ms)
    return latencies
