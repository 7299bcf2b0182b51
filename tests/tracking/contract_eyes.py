"""What MLflow's contract is tried with: scenarios, and the eyes that write down what they see."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mlflow import MlflowClient

Scenario = Callable[["Eyes"], None]
SCENARIOS: list[Scenario] = []


class Eyes:
    """Writes down what a scenario sees, with ids and times replaced."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self._ids: dict[str, str] = {}
        self.client = MlflowClient()

    def know(self, run_id: str) -> str:
        self._ids.setdefault(run_id, f"RUN-{len(self._ids) + 1}")
        return run_id

    def see(self, *things: Any) -> None:
        self.seen.append(tuple(self._plain(thing) for thing in things))

    def error(self, act: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Write down the exception of a call, or its result when there is none."""
        try:
            result = act(*args, **kwargs)
        except Exception as error:
            code = getattr(error, "error_code", None)
            self.see("raised", type(error).__module__, type(error).__name__, code, str(error))
        else:
            self.see("returned", result)

    def run(self, run_id: str) -> None:
        """Write down everything that MLflow tells of a run."""
        run = self.client.get_run(run_id)
        info = run.info
        metrics = {key: self.history(run_id, key) for key in sorted(run.data.metrics)}
        tags = {k: v for k, v in run.data.tags.items() if not k.startswith("mltrack.")}
        self.see(
            (info.run_id, info.status, info.lifecycle_stage, info.end_time is None, info.user_id),
            ("name", info.run_name if "-" not in (info.run_name or "") else "made up"),
            sorted(run.data.params.items()),
            sorted(
                (k, v if k != "mlflow.runName" or "-" not in v else "made up")
                for k, v in tags.items()
            ),
            sorted(run.data.metrics.items()),
            sorted(metrics.items()),
            info.artifact_uri is not None
            and info.artifact_uri.endswith(f"{info.run_id}/artifacts"),
        )

    def history(self, run_id: str, key: str) -> list[tuple[float, int, bool]]:
        points = self.client.get_metric_history(run_id, key)
        return sorted((p.value, p.step, p.timestamp > 0) for p in points)

    def _plain(self, thing: Any) -> Any:
        if isinstance(thing, str):
            for run_id, name in self._ids.items():
                thing = thing.replace(run_id, name)
            return re.sub(r"\b1[0-9]{12}\b", "TIME", thing)
        if isinstance(thing, float):
            return repr(thing)
        if isinstance(thing, (list, tuple)):
            return tuple(self._plain(one) for one in thing)
        if isinstance(thing, dict):
            kept = {k: v for k, v in thing.items() if not str(k).startswith("mltrack.")}
            return {key: self._plain(value) for key, value in kept.items()}
        if thing is None or isinstance(thing, (int, bool)):
            return thing
        return type(thing).__name__


def scenario(function: Scenario) -> Scenario:
    SCENARIOS.append(function)
    return function
