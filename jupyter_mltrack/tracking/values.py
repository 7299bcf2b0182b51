"""A number, or a dict of numbers, that a cell ends with: metrics of its run.

Named after the expression that gave it: `accuracy` or `model.score(X, y)` say their name, a dict
has the names as keys, and what says none is called `result`. A cell that ends with a semicolon
has no last value, as ever in a notebook.
"""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

VALUES_MAX = 100
_NAMELESS = "result"
_ACTS = {"write", "system", "call", "seek", "truncate", "log"}
_LOGS = ("log_", "set_")
"""Calls that do something and answer with a number that is no result: `file.write(text)`."""


def metrics_of(value: object, source: str) -> dict[str, float | int]:
    """The metrics that a cell's last value is; empty where it is something else."""
    if isinstance(value, Mapping):
        return _of_mapping(value)
    found = _number(value)
    name = _name(source) if found is not None else ""
    return {name: found} if name and found is not None else {}


def _of_mapping(value: Mapping[Any, Any]) -> dict[str, float | int]:
    if not 0 < len(value) <= VALUES_MAX:
        return {}
    found: dict[str, float | int] = {}
    for key, one in value.items():
        number = _number(one)
        if number is None or not isinstance(key, str) or not key:
            return {}
        found[key] = number
    return found


def _number(value: Any) -> float | int | None:
    """The number that a value is, also an array or tensor without dimensions; a truth is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    if type(value).__module__.split(".")[0] == "builtins" or getattr(value, "ndim", None) != 0:
        return None
    found = value.item()
    return _number(found) if type(found) in {int, float} else None


def _name(source: str) -> str:
    """What the last expression of a cell is called; empty for a call that only does something."""
    import ast

    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _NAMELESS
    node: Any = body[-1].value if body and isinstance(body[-1], ast.Expr) else None
    is_call = False
    while True:
        if isinstance(node, ast.Await):
            node = node.value
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in {"float", "int", "round"}:
                node = node.args[0] if node.args else None
            else:
                node, is_call = node.func, True
        else:
            break
    if is_call and _only_acts(node):
        return ""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr if node.attr != "item" else _of_item(node)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return str(node.slice.value) if isinstance(node.slice.value, str) else _NAMELESS
    return _NAMELESS


def _only_acts(function: Any) -> bool:
    name = getattr(function, "attr", None) or getattr(function, "id", None) or ""
    return name in _ACTS or name.startswith(_LOGS)


def _of_item(node: Any) -> str:
    """`loss.item()` is a loss."""
    inner = node.value
    return str(getattr(inner, "id", None) or getattr(inner, "attr", None) or _NAMELESS)
