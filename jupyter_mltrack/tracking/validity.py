"""Tell quickly what MLflow would take without a word; all else is left to MLflow itself.

These checks accept less than MLflow does, never more. What is not accepted here is not an error:
the call is passed on to the real store, which raises, cuts or accepts in its own words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jupyter_mltrack.tracking import names
from jupyter_mltrack.tracking.book import MAX_PARAM, MAX_TAG

METRICS_MAX = 1000
PAIRS_MAX = 100
_INT64_MAX = 2**63 - 1
_KEYS_MAX = 100_000
_valid_keys: set[str] = set()


def is_key(key: object) -> bool:
    """Say whether MLflow takes `key` as the name of a metric, parameter or tag."""
    if type(key) is not str:
        return False
    if key in _valid_keys:
        return True
    if not key or not names.is_taken(key):
        return False
    if len(_valid_keys) < _KEYS_MAX:
        _valid_keys.add(key)
    return True


def is_metric(metric: Any) -> bool:
    """Say whether a metric entity is beyond doubt."""
    return (
        type(metric.value) is float
        and type(metric.step) is int
        and -_INT64_MAX <= metric.step <= _INT64_MAX
        and type(metric.timestamp) is int
        and 0 <= metric.timestamp <= _INT64_MAX
        and is_key(metric.key)
    )


def is_pair(pair: Any, limit: int) -> bool:
    """Say whether a parameter or tag entity is beyond doubt and will not be cut."""
    return type(pair.value) is str and len(pair.value) <= limit and is_key(pair.key)


def is_batch(metrics: Sequence[Any], params: Sequence[Any], tags: Sequence[Any]) -> bool:
    """Say whether a batch is within MLflow's limits and all in it is beyond doubt."""
    if len(metrics) > METRICS_MAX or len(params) > PAIRS_MAX or len(tags) > PAIRS_MAX:
        return False
    if len(metrics) + len(params) + len(tags) > METRICS_MAX:
        return False
    return (
        all(map(is_metric, metrics))
        and all(is_pair(param, MAX_PARAM) for param in params)
        and len({param.key for param in params}) == len(params)
        and all(is_pair(tag, MAX_TAG) for tag in tags)
    )


def is_run_id(run_id: str) -> bool:
    """Say whether MLflow takes `run_id` as the id of a run."""
    return (
        len(run_id) <= 256
        and run_id.isascii()
        and run_id.replace("-", "").replace("_", "").isalnum()
    )


def cut(pair: Any) -> Any:
    """Return a parameter or tag as MLflow cuts it; the same where MLflow would refuse it."""
    from mlflow.environment_variables import MLFLOW_TRUNCATE_LONG_VALUES
    from mlflow.utils import validation

    if not MLFLOW_TRUNCATE_LONG_VALUES.get():
        return pair
    check = (
        validation._validate_param if type(pair).__name__ == "Param" else validation._validate_tag
    )
    return check(pair.key, pair.value)
