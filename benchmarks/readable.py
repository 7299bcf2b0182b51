"""Points per second until a reader that knows nothing of us has them."""

from __future__ import annotations

from benchmarks.measure import rounds, table, verdict


def run() -> None:
    found = rounds(
        "readable",
        {"mltrack": 40_000, "mltrack-mlflow": 40_000, "trackio": 40_000, "mlflow": 300},
    )
    ours = found["mltrack"]["points_per_s"]
    table(
        "Points per second until a plain client reads them back",
        ["tool", "points a second", "logged after s", "read after s", "ours is so many times"],
        [
            (peer, f["points_per_s"], f["logged_s"], f["total_s"], ours / f["points_per_s"])
            for peer, f in found.items()
        ],
    )
    if "trackio" in found:
        reached = ours >= 1.2 * found["trackio"]["points_per_s"]
        print(f"\nat least 1.2 times trackio: {verdict(reached)}")
