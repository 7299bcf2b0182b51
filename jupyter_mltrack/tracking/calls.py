"""What a call of a tracked function gives its run: its small literal arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any


def signature_of(function: Callable[..., Any]) -> inspect.Signature | None:
    """The function's signature; None where it has none."""
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None


def arguments_of(
    signature: inspect.Signature | None, args: Iterable[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the small literal arguments of a call as parameters."""
    if signature is None:
        return {}
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError:
        return {}
    bound.apply_defaults()
    return {
        name: value
        for name, value in bound.arguments.items()
        if not name.startswith("_")
        and (value is None or isinstance(value, bool | int | float | str))
        and len(str(value)) <= 500
    }
