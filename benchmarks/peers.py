"""One face for all trackers under test: `open`, `log`, `close`, `readable`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

KEYS = ("loss", "val_loss", "accuracy", "lr", "grad_norm")


class Mltrack:
    """`jupyter_mltrack.log`, the fast call."""

    def open(self, place: Path) -> None:
        import jupyter_mltrack

        self._track = jupyter_mltrack.track("bench", quiet=True)
        self._track.__enter__()
        self.log = jupyter_mltrack.log

    def close(self) -> None:
        self._track.__exit__(None, None, None)

    def readable(self, place: Path) -> int:
        """Ship, then count what a plain MLflow client in another process reads."""
        from jupyter_mltrack.journal.ship import sync
        from jupyter_mltrack.settings import data_dir

        sync(data_dir(), timeout_s=120)
        return _count_by_plain_client(place)


class MltrackMlflow(Mltrack):
    """Plain `mlflow.log_metrics` while the extension is there."""

    def open(self, place: Path) -> None:
        import mlflow

        super().open(place)
        self.log = mlflow.log_metrics


class Mlflow:
    """MLflow on SQLite, as it is."""

    synchronous: bool | None = None

    def open(self, place: Path) -> None:
        import mlflow

        self._mlflow = mlflow
        mlflow.set_tracking_uri(f"sqlite:///{place / 'mlflow.db'}")
        mlflow.start_run()
        log_metrics = mlflow.log_metrics
        synchronous = self.synchronous
        self.log = lambda metrics, step: log_metrics(metrics, step=step, synchronous=synchronous)

    def close(self) -> None:
        self._mlflow.end_run()

    def readable(self, place: Path) -> int:
        client = self._mlflow.MlflowClient()
        run = client.search_runs(["0"])[0]
        return sum(len(client.get_metric_history(run.info.run_id, key)) for key in KEYS)


class MlflowAsync(Mlflow):
    """MLflow on SQLite with its own asynchronous logging."""

    synchronous = False


class Wandb:
    """wandb, offline."""

    def open(self, place: Path) -> None:
        os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true", WANDB_DIR=str(place))
        import wandb

        self._wandb = wandb
        wandb.init(project="bench", settings=wandb.Settings(console="off", x_disable_stats=True))
        self.log = lambda metrics, step: wandb.log(metrics)

    def close(self) -> None:
        self._wandb.finish()


class Trackio:
    """trackio, local."""

    def open(self, place: Path) -> None:
        os.environ.update(TRACKIO_DIR=str(place / "trackio"), GRADIO_ANALYTICS_ENABLED="False")
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        import trackio

        self._trackio = trackio
        trackio.init("bench", name="bench", embed=False, auto_log_gpu=False, auto_log_cpu=False)
        self.log = lambda metrics, step: trackio.log(metrics, step=step)

    def close(self) -> None:
        self._trackio.finish()

    def readable(self, place: Path) -> int:
        from trackio.sqlite_storage import SQLiteStorage

        rows = SQLiteStorage.get_logs("bench", "bench")
        return sum(sum(key in row for key in KEYS) for row in rows)


class TensorboardX:
    """tensorboardX: a file of events."""

    def open(self, place: Path) -> None:
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(str(place / "tb"))
        add_scalar = self._writer.add_scalar

        def log(metrics: dict[str, float], step: int) -> None:
            for key, value in metrics.items():
                add_scalar(key, value, step)

        self.log = log

    def close(self) -> None:
        self._writer.close()


PEERS: dict[str, Any] = {
    "mltrack": Mltrack,
    "mltrack-mlflow": MltrackMlflow,
    "mlflow": Mlflow,
    "mlflow-async": MlflowAsync,
    "wandb": Wandb,
    "trackio": Trackio,
    "tensorboardX": TensorboardX,
}


def _count_by_plain_client(place: Path) -> int:
    import mlflow

    (database,) = place.glob("**/.mltrack/mlflow.db")
    client = mlflow.MlflowClient(f"sqlite:///{database}")
    runs = client.search_runs(["0"])
    return sum(
        len(client.get_metric_history(run.info.run_id, key)) for run in runs for key in KEYS
    )
