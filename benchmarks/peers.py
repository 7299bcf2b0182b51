"""One face for all trackers under test.

`log` and `close` are what a user calls; `last_step` is the newest step that the tool's own reader
sees, asked of a reader that is already warm; `count` reads every point back, to prove it.
"""

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

    def last_step(self, place: Path) -> int | None:
        """By a plain MLflow client on the embedded database, which knows nothing of us."""
        return _last_step(self._plain(place))

    def count(self, place: Path) -> int:
        return _count(self._plain(place))

    def _plain(self, place: Path) -> Any:
        """The store class of MLflow itself, not the one that this process has decorated."""
        if not hasattr(self, "_store"):
            from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

            (database,) = place.glob("**/.mltrack/mlflow.db")
            self._store = SqlAlchemyStore(f"sqlite:///{database}", str(place / "unused"))
        return self._store


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

    def last_step(self, place: Path) -> int | None:
        return _last_step(self._mlflow.MlflowClient()._tracking_client.store)

    def count(self, place: Path) -> int:
        return _count(self._mlflow.MlflowClient()._tracking_client.store)


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

    def last_step(self, place: Path) -> int | None:
        from trackio.sqlite_storage import SQLiteStorage

        return SQLiteStorage.get_last_step("bench", "bench")

    def count(self, place: Path) -> int:
        from trackio.sqlite_storage import SQLiteStorage

        rows = SQLiteStorage.get_logs("bench", "bench", max_points=None)
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


def _only_run(store: Any) -> Any:
    from mlflow.entities import ViewType

    (run,) = store.search_runs(["0"], "", ViewType.ALL, 2, [], None)
    return run


def _last_step(store: Any) -> int | None:
    """Step of the newest value of the metric that is logged last."""
    run = store.get_run(_only_run(store).info.run_id)
    steps = [metric.step for metric in run.data._metric_objs]
    return min(steps) if len(steps) == len(KEYS) else None


def _count(store: Any) -> int:
    run_id = _only_run(store).info.run_id
    return sum(len(store.get_metric_history(run_id, key)) for key in KEYS)
