"""What remembering costs an empty tracked cell: milliseconds from its start to its end, in a real kernel.

The project is a git repository with uncommitted changes, and the kernel has executed cells before. Each cell begins
when all is written that the one before left; beside it MLflow's own run without any of this package.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.kernel import Kernel, kernel
from benchmarks.measure import table, verdict

TURNS = 40
ROUNDS = 5
HISTORY = 100
GOAL_MS = 30.0
AUTO_GOAL_MS = 1.0
ROWS = 10_000_000
PARTS = "source,cells,environment,git,output,figures"
MLFLOW = "import mlflow\nmlflow.start_run()\nmlflow.end_run()"
FIGURE = "%%track\nfrom IPython.display import display, Image\ndisplay(Image(data=PNG))"
SETTLE = "from jupyter_mltrack.tracking import remembering\nremembering.finish()"
CASES = {
    "an empty cell without tracking": "pass",
    "%%track, nothing remembered": f"%%track --without {PARTS}\npass",
    "%%track, everything remembered": "%%track\npass",
    "%%track that shows a picture of 1 MB": FIGURE,
    "%%track with 200 lines of output": "%%track\nfor line in range(200):\n    print('epoch', line)",
}
LOAD = "%load_ext jupyter_mltrack"
PLAIN = "value = sum(range(10))"
FRAME = (
    "import numpy as np, pandas as pd\n"
    f"frame = pd.DataFrame({{name: np.random.default_rng(0).random({ROWS}) for name in 'abcd'}})"
)
OF_FRAMES = {
    "%%track, a frame is used, data not remembered": "%%track --without data\nframe.shape",
    "%%track, a frame is used": "%%track\nframe.shape",
}


def _took_ms(running: Kernel, cells: dict[str, str], settle: str) -> dict[str, list[float]]:
    """Times of each cell, sorted; the cells take turns."""
    found: dict[str, list[float]] = {name: [] for name in cells}
    for _ in range(TURNS):
        for name, cell in cells.items():
            running.run(settle)
            began = time.perf_counter()
            running.run(cell)
            found[name].append((time.perf_counter() - began) * 1000)
    return {name: sorted(times) for name, times in found.items()}


def _repository(place: Path) -> None:
    lines = "".join(f"line {number}\n" for number in range(5_000))
    (place / "pyproject.toml").touch()
    (place / "code.py").write_text(lines)
    who = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "begin")):
        subprocess.run(["git", *who, *words], cwd=place, check=True)
    (place / "code.py").write_text(lines.replace("line 7", "changed 7"))


def _in_a_kernel(
    cells: dict[str, str], *first: str, settle: str = "pass"
) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        _repository(place)
        with kernel(place) as running:
            for number in range(HISTORY):
                running.run(f"value_{number} = {number}\n" * 10)
            for cell in first:
                running.run(cell)
            for cell in cells.values():
                running.run(cell)
            return _took_ms(running, cells, settle)


def _processor_ms(running: Kernel, cell: str) -> float:
    """The kernel's processor time for a cell, its least of some rounds: others use the machine too."""
    asked = "import time\nprint(time.process_time())"
    found = []
    for _ in range(ROUNDS):
        began_s = float(running.run(asked))
        for _ in range(TURNS):
            running.run(cell)
        found.append((float(running.run(asked)) - began_s) / TURNS * 1000)
    return min(found)


def _auto_on() -> None:
    """What `auto on` costs a cell that logs nothing."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        _repository(Path(folder))
        with kernel(Path(folder)) as running:
            running.run(LOAD)
            off_ms = _processor_ms(running, PLAIN)
            running.run("%mltrack auto on")
            on_ms = _processor_ms(running, PLAIN)
    added = on_ms - off_ms
    table(
        "A plain cell that logs nothing, milliseconds of the kernel's processor time",
        ("auto off", "auto on", "added"),
        [(off_ms, on_ms, added)],
    )
    print(f"\nat most {AUTO_GOAL_MS:.0f} ms: {verdict(added <= AUTO_GOAL_MS)}")


def _large_frame() -> None:
    """What remembering data adds to a tracked cell that uses a frame of 10,000,000 rows."""
    found = _in_a_kernel(OF_FRAMES, LOAD, FRAME, settle=SETTLE)
    without = statistics.median(found["%%track, a frame is used, data not remembered"])
    rows = [
        (name, statistics.median(times), times[int(len(times) * 0.9)], statistics.median(times) - without)
        for name, times in found.items()
    ]  # fmt: skip
    heads = ("cell", "p50 ms", "p90 ms", "added ms, p50")
    table(f"A tracked cell that uses a frame of {ROWS:,} rows", heads, rows)
    added = max(row[3] for row in rows)
    print(f"\nat most {GOAL_MS:.0f} ms: {verdict(added <= GOAL_MS)}")


def run() -> None:
    png = "PNG = b'\\x89PNG\\r\\n\\x1a\\n' + bytes(1 << 20)"
    found = _in_a_kernel(CASES, LOAD, png, settle=SETTLE)
    address = "import mlflow\nmlflow.set_tracking_uri('sqlite:///mlflow.db')"
    theirs = _in_a_kernel({"mlflow.start_run, mlflow.end_run": MLFLOW}, address)
    found |= theirs
    plain = statistics.median(found["an empty cell without tracking"])
    rows = [
        (name, statistics.median(times), times[int(len(times) * 0.9)], statistics.median(times) - plain)
        for name, times in found.items()
    ]  # fmt: skip
    heads = ("cell", "p50 ms", "p90 ms", "added ms, p50")
    table("What remembering costs a cell", heads, rows)
    added = rows[2][3]
    print(
        f"\nAn empty tracked cell costs {added:.1f} ms more; at most {GOAL_MS:.0f}: {verdict(added <= GOAL_MS)}."
    )
    _auto_on()
    _large_frame()
