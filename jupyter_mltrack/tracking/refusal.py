"""What MLflow's stores say of a parameter that changes.

As long as its first value waits on this machine, the store would take the second one: it has to be
refused here, in the store's words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_CODE = "INVALID_PARAMETER_VALUE"


def of_param(run_id: str, before: Mapping[str, str], param: Any, *, remote: bool) -> Exception:
    """Return what a store raises of one parameter.

    Args:
        run_id: the run as the caller named it.
        before: the values that the run has.
        param: what was to be logged.
        remote: the store answers over a network, so its client makes the exception.
    """
    said = (
        f"Changing param values is not allowed. Param with key='{param.key}' was already logged"
        f" with value='{before[param.key]}' for run ID='{run_id}'."
        f" Attempted logging new value '{param.value}'."
    )
    return _refusal(said, remote=remote)


def of_batch(
    run_id: str, before: Mapping[str, str], params: Sequence[Any], *, remote: bool
) -> Exception:
    """Return what a store raises of a batch of parameters, those that change first."""
    changed = [
        {"key": param.key, "old_value": before[param.key], "new_value": param.value}
        for param in params
        if before.get(param.key, param.value) != param.value
    ]
    said = (
        "Changing param values is not allowed. Params were already logged="
        f"'{changed}' for run ID='{run_id}'."
    )
    return _refusal(said, remote=remote)


def _refusal(said: str, *, remote: bool) -> Exception:
    from mlflow.exceptions import ErrorCode, MlflowException, RestException

    found: Exception = (
        RestException({"error_code": _CODE, "message": said})
        if remote
        else MlflowException(said, ErrorCode.Value(_CODE))
    )
    return found
