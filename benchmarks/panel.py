"""What a person waits for in the panel: lists of 10,000 runs, a million points, many live runs.

MLflow's own page stands beside it where it can do the same, in the same browser. `--long` watches
the live runs for ten minutes. To be run alone: all of it shares the machine's processors.
"""

from __future__ import annotations

import gzip
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import ground, panel_live, panel_mlflow
from benchmarks.lab import TAB, TOKEN, browser, chromium_path, lab, started
from benchmarks.measure import ROOT, table, verdict

RUNS = 10_000
POINTS = 1_000_000
TURNS = 5
KEYS_APART_MS = 70
START_TURNS = 15
OURS = "/lab/extensions/jupyter-mltrack/"
ROWS = ".mltrack-Runs .mltrack-RunRow"
PAGE = ".mltrack-RunsPage"
TABLE_ROWS = f"{PAGE} .mltrack-RunRow"
LOSS = f'{PAGE} [role=columnheader]:has(.mltrack-Name[title="loss"]) .mltrack-Table-sort'

UNTIL = """
async ([act, selector, changed]) => {
  const text = () => document.querySelector(selector)?.textContent ?? null;
  const before = text();
  const begun = performance.now();
  if (act === null) {
    window.jupyterapp.shell.activateById('jupyter-mltrack-panel');
  } else {
    document.querySelector(act).click();
  }
  while (performance.now() - begun < 60000) {
    await new Promise(done => requestAnimationFrame(done));
    const now = text();
    if (now !== null && (!changed || now !== before)) {
      return performance.now() - begun;
    }
  }
  return NaN;
}
"""

SCROLL = """
async selector => {
  const list = document.querySelector(selector);
  const gaps = [];
  let rows = 0;
  let last = performance.now();
  const until = last + 4000;
  while (last < until) {
    list.scrollTop += 120;
    await new Promise(done => requestAnimationFrame(done));
    const now = performance.now();
    gaps.push(now - last);
    last = now;
    rows = Math.max(rows, list.querySelectorAll('.mltrack-RunRow').length);
  }
  gaps.sort((a, b) => a - b);
  return { mean: gaps.reduce((a, b) => a + b) / gaps.length,
           p95: gaps[Math.floor(gaps.length * 0.95)], rows };
}
"""


class Traffic:
    """Bytes of answers to our routes, as they came over the line."""

    def __init__(self, page: Any) -> None:
        self.bytes: list[int] = []
        page.on("requestfinished", self._note)

    def _note(self, request: Any) -> None:
        if "/mltrack/api/runs?" in request.url:
            self.bytes.append(request.sizes()["responseBodySize"])


def run() -> None:
    if chromium_path() is None:
        print("\nNo Chromium on this machine: the panel was not measured.")
        return
    bundle()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        (place / "pyproject.toml").touch()
        made = ground.make(place, runs=RUNS, points=POINTS)
        with browser() as chromium:
            theirs = panel_mlflow.measured(chromium, place, made)
            with lab(place) as address:
                lists(chromium, address, made, theirs)
                million(chromium, address, made, theirs)
    panel_live.run()


# ------------------------------------------------------------------------------- size


def bundle() -> None:
    """How much JavaScript there is, and what JupyterLab's start pays for it."""
    files = sorted((ROOT / "jupyter_mltrack" / "labextension" / "static").glob("*.js"))
    packed = sum(len(gzip.compress(file.read_bytes(), 9)) for file in files)
    found: dict[str, list[tuple[float, float]]] = {"with": [], "without": []}
    before: list[str] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        off = place / "off" / "labconfig"
        off.mkdir(parents=True)
        (off / "page_config.json").write_text(
            json.dumps({"disabledExtensions": {"jupyter-mltrack": True}})
        )
        without = lab(place, JUPYTER_CONFIG_DIR=str(place / "off"))
        with browser() as chromium, lab(place) as one, without as other:
            both = [("with", one), ("without", other)]
            for turn in range(START_TURNS + 1):
                both.reverse()  # whoever comes second finds the machine warmer
                for name, address in both:
                    took, asked = _start(chromium, address)
                    if turn:  # the first one fills caches
                        found[name].append(took)
                    if name == "with":
                        before = asked
    medians = {
        name: [statistics.median(column) for column in zip(*values, strict=True)]
        for name, values in found.items()
    }
    more = medians["with"][0] - medians["without"][0]
    rows = [(name, START_TURNS, *both) for name, both in medians.items()]
    table("JupyterLab's start", ["extension", "turns", "p50 ms", "p50 processor ms"], rows)
    chunks = sum((ROOT / "jupyter_mltrack" / "labextension" / "static" / name).stat().st_size
                 for name in before)  # fmt: skip
    print(f"\nJavaScript in all, gzip: {packed / 1000:.0f} kB; before the panel is shown:"
          f" {len(before)} files, {chunks / 1000:.0f} kB unpacked.")  # fmt: skip
    print(f"<= 250 kB: {verdict(packed <= 250_000)}")
    print(f"start at most 30 ms slower: {more:+.0f} ms: {verdict(more <= 30)}")


def _start(chromium: Any, address: str) -> tuple[tuple[float, float], list[str]]:
    """Milliseconds by the clock and of the page's thread; our scripts that were fetched."""
    context = chromium.new_context()
    page = context.new_page()
    line = panel_live.line_to(page, "threadTicks")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/lab?token={TOKEN}")
    page.wait_for_function("() => window.jupyterapp !== undefined", timeout=60_000)
    ms = page.evaluate("() => window.jupyterapp.restored.then(() => performance.now())")
    thread_ms = panel_live.busy_s(line) * 1000
    context.close()
    ours = [url.split("/")[-1].split("?")[0] for url in asked if OURS in url]
    return (ms, thread_ms), [name for name in ours if name.endswith(".js")]


# -------------------------------------------------------------------------------- lists


def lists(chromium: Any, address: str, made: dict[str, str], theirs: dict[str, float]) -> None:
    """First rows, filter, sort and scrolling over the store of many runs."""
    names = ("first rows", "wide table", "sort", "filter", "filter, in a word")
    ours: dict[str, list[float]] = {name: [] for name in names}
    sizes: list[int] = []
    frames: list[dict[str, float]] = []
    for _ in range(TURNS):
        page = chromium.new_page(viewport={"width": 1400, "height": 900})
        traffic = Traffic(page)
        started(page, address)
        ours["first rows"].append(page.evaluate(UNTIL, [None, ROWS, False]))
        ours["wide table"].append(_open_table(page, made))
        page.wait_for_selector(LOSS)
        page.wait_for_timeout(1_000)
        ours["sort"].append(page.evaluate(UNTIL, [LOSS, TABLE_ROWS, True]))
        page.wait_for_timeout(500)
        frames.append(page.evaluate(SCROLL, f"{PAGE} .mltrack-List"))
        ours["filter"].append(_filter(page, "metrics.loss < 0.", "5"))
        ours["filter, in a word"].append(_filter(page, "metrics.loss < 0.0", "12"))
        sizes += traffic.bytes
        page.close()
    rows = [
        (name, statistics.median(values), max(values), theirs.get(name, "-"))
        for name, values in ours.items()
    ]
    table(f"{RUNS:,} runs", ["what", "p50 ms", "worst ms", "mlflow ui p50 ms"], rows)
    frame = statistics.median(one["mean"] for one in frames)
    late = statistics.median(one["p95"] for one in frames)
    print(f"\nlargest page of runs: {max(sizes) / 1000:.0f} kB; scrolling: {1000 / frame:.0f}"
          f" frames/s, p95 gap {late:.0f} ms, at most {max(one['rows'] for one in frames):.0f}"
          " rows in the document")  # fmt: skip
    medians = {name: statistics.median(values) for name, values in ours.items()}
    print(f"first rows <= 500 ms: {verdict(medians['first rows'] <= 500)}")
    quick = max(medians[name] for name in ("sort", "filter", "filter, in a word"))
    print(f"filter, sort <= 300 ms: {verdict(quick <= 300)}")
    print(f"a page < 300 kB: {verdict(max(sizes) < 300_000)}")
    print(f"scrolling >= 50 frames/s: {verdict(1000 / frame >= 50)}")


def _filter(page: Any, before: str, typed: str) -> float:
    """From the last key to the rows that the filter finds."""
    box = page.locator(f"{PAGE} .mltrack-Filter input")
    box.fill(before + typed)
    page.wait_for_timeout(1_500)
    wanted = page.locator(TABLE_ROWS).first.text_content()
    box.fill(before)
    page.wait_for_timeout(1_500)
    for key in typed[:-1]:
        page.keyboard.type(key)
        page.wait_for_timeout(KEYS_APART_MS)
    page.evaluate(
        """([selector, wanted]) => {
        const there = () => document.querySelector(selector)?.textContent === wanted;
        window.__changed = (async () => { const begun = await new Promise(done =>
          document.addEventListener('keydown', () => done(performance.now()), { once: true,
            capture: true }));
          while (!there()) await new Promise(done => requestAnimationFrame(done));
          return performance.now() - begun; })(); }""",
        [TABLE_ROWS, wanted],
    )
    page.keyboard.type(typed[-1])
    return float(page.evaluate("() => window.__changed"))


def _open_table(page: Any, made: dict[str, str]) -> float:
    """From the command to the first rows of the wide table, its code fetched meanwhile."""
    args = {"kind": "runs", "workspace": made["workspace"], "experiment": made["experiment"]}
    page.evaluate(
        """args => { window.__begun = performance.now();
        void window.jupyterapp.commands.execute('jupyter-mltrack:open-page', args); }""",
        args,
    )
    return float(
        page.evaluate(
            """async selector => { while (document.querySelector(selector) === null)
            await new Promise(done => requestAnimationFrame(done));
            return performance.now() - window.__begun; }""",
            TABLE_ROWS,
        )
    )


# ------------------------------------------------------------------------------ million


def million(chromium: Any, address: str, made: dict[str, str], theirs: dict[str, float]) -> None:
    """A run of a million points: on screen at first, again, and closer."""
    args = {"kind": "run", "workspace": made["workspace"], "runIds": [made["long_run"]]}
    shown: list[float] = []
    closer: list[float] = []
    for turn in range(TURNS + 1):
        page = chromium.new_page(viewport={"width": 1400, "height": 900})
        started(page, address)
        page.click(TAB)
        page.wait_for_selector(ROWS)
        shown.append(page.evaluate(DRAWN, args))
        if turn:
            closer.append(_zoom(page))
        page.close()
    first, again = shown[0], statistics.median(shown[1:])
    near = statistics.median(closer)
    rows: list[tuple[str, object]] = [("chart on screen, never opened here", first)]
    rows += [("opened here before", again)]
    rows += [("from the end of a drag to the closer points", near)]
    rows += [("mlflow ui: chart on screen", theirs.get("million points", "-"))]
    table(f"a run of {POINTS:,} points", ["what", "ms"], rows)
    print(f"\nfirst <= 3 s: {verdict(first <= 3_000)}; again <= 400 ms: {verdict(again <= 400)};"
          f" zoom <= 150 ms: {verdict(near <= 150)}")  # fmt: skip


DRAWN = """
async args => {
  const begun = performance.now();
  void window.jupyterapp.commands.execute('jupyter-mltrack:open-page', args);
  const inked = canvas => {
    if (canvas.width === 0 || canvas.height === 0) return false;
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let inks = 0;
    for (let i = 3; i < data.length; i += 4) inks += data[i] > 200 ? 1 : 0;
    return inks > 300;
  };
  while (performance.now() - begun < 120000) {
    await new Promise(done => requestAnimationFrame(done));
    if ([...document.querySelectorAll('.mltrack-RunPage canvas')].some(inked)) {
      return performance.now() - begun;
    }
  }
  return NaN;
}
"""

CLOSER = """
async () => {
  const asked = () => performance.getEntriesByType('resource')
    .filter(one => one.name.includes('/series?') && /[?&]start=/.test(one.name));
  const known = asked().length;
  const ended = await new Promise(done =>
    document.addEventListener('mouseup', () => done(performance.now()), { once: true,
      capture: true }));
  const until = ended + 20000;
  while (performance.now() < until) {
    await new Promise(done => requestAnimationFrame(done));
    const now = asked();
    if (now.length > known && now.at(-1).responseEnd > 0) {
      await new Promise(done => requestAnimationFrame(done));
      return performance.now() - ended;
    }
  }
  return NaN;
}
"""


def _zoom(page: Any) -> float:
    """From the end of a drag over the chart to the frame after the closer points came."""
    place = page.locator(".mltrack-RunPage .u-over").first.bounding_box()
    page.evaluate(f"() => {{ window.__closer = ({CLOSER})(); }}")
    middle = place["y"] + place["height"] / 2
    page.mouse.move(place["x"] + place["width"] * 0.3, middle)
    page.mouse.down()
    page.mouse.move(place["x"] + place["width"] * 0.6, middle, steps=5)
    page.mouse.up()
    return float(page.evaluate("() => window.__closer"))
