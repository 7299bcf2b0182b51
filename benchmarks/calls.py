"""What a logging call costs the training loop."""

from __future__ import annotations

from benchmarks.measure import rounds, table, verdict


def run() -> None:
    found = rounds(
        "call",
        {
            "mltrack": 20_000,
            "mltrack-mlflow": 20_000,
            "trackio": 20_000,
            "tensorboardX": 20_000,
            "wandb": 5_000,
            "mlflow-async": 400,
            "mlflow": 150,
        },
    )
    ours, front = found["mltrack"], found["mltrack-mlflow"]
    trackio = found.get("trackio", {"p50_us": float("nan")})
    table(
        "One call of 5 metrics",
        ["tool", "p50 µs", "p99 µs", "times jupyter_mltrack.log"],
        [
            (peer, f["p50_us"], f["p99_us"], f["p50_us"] / ours["p50_us"])
            for peer, f in found.items()
        ],
    )
    print(
        f"\njupyter_mltrack.log: p50 <= 2, p99 <= 50: {verdict(ours['p50_us'] <= 2 and ours['p99_us'] <= 50)}"
    )
    print(
        "mlflow.log_metrics under the extension: p50 <= 12 and <= trackio's: "
        f"{verdict(front['p50_us'] <= min(12, trackio['p50_us']))}"
    )
    found = rounds(
        "training_step",
        {"mltrack": 3000, "trackio": 3000, "wandb": 2000, "tensorboardX": 3000, "mlflow": 200},
    )
    table(
        "Added to a training step of 0.75 ms that logs 5 metrics",
        ["tool", "added µs"],
        [(peer, figures["added_us"]) for peer, figures in found.items()],
    )
    print(f"\nat most 12 µs: {verdict(found['mltrack']['added_us'] <= 12)}")
    found = rounds("empty_run", {"mltrack": 200, "trackio": 100, "wandb": 5, "mlflow": 30}, turns=2)
    table(
        "Empty run in a warm process, enter to leave",
        ["tool", "p50 ms"],
        [(peer, figures["p50_ms"]) for peer, figures in found.items()],
    )
    print(f"\nat most 2 ms: {verdict(found['mltrack']['p50_ms'] <= 2)}")
