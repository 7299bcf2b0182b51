"""One measurement in a process of its own: `python -m benchmarks.child CASE PEER PLACE`; prints JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks.peers import PEERS


def quantiles(samples_ns: list[int]) -> dict[str, float]:
    """p50 and p99 in microseconds."""
    ordered = sorted(samples_ns)
    pick = lambda share: ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1000  # noqa: E731
    return {"p50_us": pick(0.5), "p99_us": pick(0.99)}


def metrics_of(step: int) -> dict[str, float]:
    value = 1.0 / (step + 1)
    return {
        "loss": value,
        "val_loss": value * 1.1,
        "accuracy": 1.0 - value,
        "lr": 0.001,
        "grad_norm": value * 3.0,
    }


def call(peer: str, place: Path, count: int) -> dict[str, float]:
    """The logging call of five metrics, as the training loop feels it."""
    tool = PEERS[peer]()
    tool.open(place)
    log = tool.log
    clock = time.perf_counter_ns
    for step in range(50):
        log(metrics_of(step), step=step)
    samples = []
    for step in range(50, 50 + count):
        metrics = metrics_of(step)
        before = clock()
        log(metrics, step=step)
        samples.append(clock() - before)
    tool.close()
    return quantiles(samples)


def training_step(peer: str, place: Path, count: int) -> dict[str, float]:
    """Time per step of a loop whose own work takes 0.75 ms, with and without logging."""

    def work() -> float:
        until = time.perf_counter_ns() + 750_000
        total = 0.0
        while time.perf_counter_ns() < until:
            total += 1.0
        return total

    def loop(log: object) -> float:
        before = time.perf_counter_ns()
        for step in range(count):
            work()
            if log is not None:
                log(metrics_of(step), step=step)  # type: ignore[operator]
            else:
                metrics_of(step)
        return (time.perf_counter_ns() - before) / count / 1000

    bare_before = loop(None)
    tool = PEERS[peer]()
    tool.open(place)
    tool.log(metrics_of(0), step=0)
    logged = loop(tool.log)
    tool.close()
    bare = min(bare_before, loop(None))
    return {"added_us": logged - bare}


def readable(peer: str, place: Path, count: int) -> dict[str, float]:
    """Points per second from the first call until the tool's own warm reader sees the last of them.

    The first call is outside the clock, and so is the proof that every single point came back.
    """
    tool = PEERS[peer]()
    tool.open(place)
    tool.log(metrics_of(0), step=0)
    _wait_for_step(tool, place, 0)
    before = time.perf_counter()
    for step in range(1, count):
        tool.log(metrics_of(step), step=step)
    tool.close()
    logged_s = time.perf_counter() - before
    _wait_for_step(tool, place, count - 1)
    total_s = time.perf_counter() - before
    points = tool.count(place)
    if points != count * 5:
        raise SystemExit(f"{peer}: {points} of {count * 5} points came back")
    return {"points_per_s": (count - 1) * 5 / total_s, "logged_s": logged_s, "total_s": total_s}


def _wait_for_step(tool: object, place: Path, step: int) -> None:
    until = time.monotonic() + 120
    while True:
        try:
            if tool.last_step(place) == step:  # type: ignore[attr-defined]
                return
        except ValueError:
            pass  # not there yet
        if time.monotonic() > until:
            raise SystemExit(f"step {step} never became readable")
        time.sleep(0.005)


def empty_run(peer: str, place: Path, count: int) -> dict[str, float]:
    """A run in which nothing happens, in a warm process."""
    if peer.startswith("mltrack"):
        import jupyter_mltrack

        def once() -> None:
            with jupyter_mltrack.track("empty", quiet=True):
                pass
    elif peer == "mlflow":
        import mlflow

        mlflow.set_tracking_uri(f"sqlite:///{place / 'mlflow.db'}")

        def once() -> None:
            with mlflow.start_run():
                pass
    else:
        tool = PEERS[peer]()

        def once() -> None:
            tool.open(place)
            tool.close()

    once()
    samples = []
    for _ in range(count):
        before = time.perf_counter_ns()
        once()
        samples.append(time.perf_counter_ns() - before)
    return {"p50_ms": quantiles(samples)["p50_us"] / 1000}


CASES = {"call": call, "training_step": training_step, "readable": readable, "empty_run": empty_run}

if __name__ == "__main__":
    case, peer, place, count = sys.argv[1:]
    result = CASES[case](peer, Path(place), int(count))
    print("RESULT " + json.dumps(result), flush=True)
