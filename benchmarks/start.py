"""What it costs to begin: loading the extension, and the first point that a kill cannot lose."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from benchmarks.kernel import kernel
from benchmarks.measure import installed, table, verdict

TURNS = 5

LOAD = """
import os, time
def _rss_mb():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20
get_ipython().run_line_magic("load_ext", "warm_up_ext")
_memory, _cpu = _rss_mb(), time.process_time()
get_ipython().run_line_magic("load_ext", "{name}")
print((time.process_time() - _cpu) * 1000, _rss_mb() - _memory)
import sys; assert "{name}" != "jupyter_mltrack" or "mlflow" not in sys.modules
"""

FIRST_POINT = {
    "jupyter_mltrack.log": [
        "%load_ext jupyter_mltrack",
        "%%track --quiet\nfrom jupyter_mltrack import log\nlog({'loss': 1.0}, step=0)\nprint(time.process_time())",
    ],
    "tensorboardX": [
        "from tensorboardX import SummaryWriter\nw = SummaryWriter('tb')\nw.add_scalar('loss', 1.0, 0)\n"
        "w.flush()\nprint(time.process_time())",
    ],
    "trackio": [
        "import os; os.environ['TRACKIO_DIR'] = os.path.abspath('trackio'); os.environ['HF_HUB_OFFLINE'] = '1'\n"
        "import trackio\ntrackio.init('b', embed=False, auto_log_gpu=False, auto_log_cpu=False)\n"
        "trackio.log({'loss': 1.0})\nprint(time.process_time())",
    ],
    "wandb": [
        "import os; os.environ['WANDB_MODE'] = 'offline'; os.environ['WANDB_SILENT'] = 'true'\n"
        "import wandb\nwandb.init(project='b')\nwandb.log({'loss': 1.0})\nprint(time.process_time())",
    ],
    "mlflow": [
        "import mlflow\nmlflow.set_tracking_uri('sqlite:///mlflow.db')\nmlflow.start_run()\n"
        "mlflow.log_metric('loss', 1.0)\nprint(time.process_time())",
    ],
    "import mlflow alone": ["import mlflow\nprint(time.process_time())"],
    "mlflow.log_metric under the extension": [
        "%load_ext jupyter_mltrack",
        "%%track --quiet\nimport mlflow\nmlflow.log_metric('loss', 1.0)\nprint(time.process_time())",
    ],
}


def _fresh(cells: list[str]) -> str:
    """What the last cell prints in a fresh kernel in an empty project."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        (place / "pyproject.toml").touch()
        for name in ("warm_up_ext", "empty_ext"):
            (place / f"{name}.py").write_text("def load_ipython_extension(shell): pass\n")
        with kernel(place) as running:
            running.run("import time, sys; sys.path.insert(0, '')\nprint(time.process_time())")
            printed = ""
            for cell in cells:
                printed = running.run(cell)
            return printed.strip().splitlines()[-1]


def _cpu_ms(cells: list[str]) -> float:
    """CPU of the kernel process from its first idle moment to the end of the last cell."""
    start, *_ = ["print(time.process_time())"]
    samples = []
    for _ in range(TURNS):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            place = Path(folder)
            (place / "pyproject.toml").touch()
            with kernel(place) as running:
                before = float(running.run("import time\n" + start))
                printed = [running.run(cell) for cell in cells]
                samples.append((float(printed[-1].split()[-1]) - before) * 1000)
    return statistics.median(samples)


def run() -> None:
    figures = {}
    for name in ("empty_ext", "jupyter_mltrack", "wandb"):
        if installed(name):
            pairs = [
                tuple(map(float, _fresh([LOAD.format(name=name)]).split())) for _ in range(TURNS)
            ]
            figures[name] = [statistics.median(column) for column in zip(*pairs, strict=True)]
    table(
        "%load_ext",
        ["extension", "CPU ms", "MB"],
        [(name, cpu, memory) for name, (cpu, memory) in figures.items()],
    )
    cpu_ms = figures["jupyter_mltrack"][0] - figures["empty_ext"][0]
    memory_mb = figures["jupyter_mltrack"][1] - figures["empty_ext"][1]
    print(f"\nbeyond an empty one at most 20 ms, 5 MB: {verdict(cpu_ms <= 20 and memory_mb <= 5)}")

    first = {name: _cpu_ms(cells) for name, cells in FIRST_POINT.items() if installed(name)}
    ours = first["jupyter_mltrack.log"]
    table(
        "Fresh kernel to first point",
        ["tool", "CPU ms", "times jupyter_mltrack.log"],
        [(name, cpu, cpu / ours) for name, cpu in first.items()],
    )
    ratio = first["mlflow.log_metric under the extension"] / first["import mlflow alone"]
    print(f"\nat most 300 ms: {verdict(ours <= 300)}")
    print(
        f"mlflow.log_metric at most 1.1 times import mlflow: {ratio:.2f}: {verdict(ratio <= 1.1)}"
    )
