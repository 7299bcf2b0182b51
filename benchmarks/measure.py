"""Run a measurement in an empty folder and a clean environment; turns, medians, tables."""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULES = {"wandb": "wandb", "trackio": "trackio", "tensorboardX": "tensorboardX"}


def installed(peer: str) -> bool:
    return importlib.util.find_spec(MODULES.get(peer, "mlflow")) is not None


def clean_environment(place: Path) -> dict[str, str]:
    """This process's environment without any tracker's settings, with all data below `place`."""
    dropped = ("MLFLOW_", "MLTRACK_", "WANDB_", "TRACKIO_", "JUPYTER_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {
        "HOME": str(place),
        "MLTRACK_DATA_DIR": str(place / "mltrack-data"),
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
    }


def run_child(
    module: str, *arguments: str, place: Path, timeout_s: float = 600
) -> dict[str, float]:
    """The JSON that `python -m module arguments` prints after the word RESULT."""
    answer = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=place,
        env=clean_environment(place),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    for line in answer.stdout.splitlines():
        if line.startswith("RESULT "):
            return dict(json.loads(line.removeprefix("RESULT ")))
    raise RuntimeError(f"{module} {' '.join(arguments)} gave no result:\n{answer.stderr[-2000:]}")


def rounds(case: str, peers: dict[str, int], turns: int = 3) -> dict[str, dict[str, float]]:
    """Median of each figure of each peer over `turns`, the peers taking turns."""
    found: dict[str, list[dict[str, float]]] = {}
    for _ in range(turns):
        for peer, count in peers.items():
            if not installed(peer):
                continue
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                place = Path(folder)
                (place / "pyproject.toml").touch()
                result = run_child(
                    "benchmarks.child", case, peer, str(place), str(count), place=place
                )
                found.setdefault(peer, []).append(result)
    return {
        peer: {key: statistics.median(result[key] for result in results) for key in results[0]}
        for peer, results in found.items()
    }


def table(title: str, head: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a Markdown table."""
    head = list(head)
    print(f"\n### {title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print("| " + " | ".join(_text(cell) for cell in row) + " |", flush=True)


def verdict(reached: bool) -> str:
    return "reached" if reached else "FALLS SHORT"


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.3g}"
    return str(cell)
