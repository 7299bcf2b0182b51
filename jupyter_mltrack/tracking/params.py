"""Find the parameters that a cell states: its top-level assignments of literals.

Only the source is read, nothing is evaluated. What is computed is not a parameter; what looks
like a secret, begins with an underscore or is an empty container (a place for results) is left
out. The last literal value of a name wins; a name that the cell later sets to something computed,
or sets in a loop, is left out, for its literal is not what ran.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from jupyter_mltrack.tracking import redaction

MAX_PARAMS = 100
_MAX_VALUE = 500
_MAX_ITEMS = 20


def literal_params(source: str) -> dict[str, str]:
    """Return the literal assignments of a cell's source as parameters, in the order of the cell."""
    import ast

    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                _assign(target, node.value, found)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            _assign(node.target, node.value, found)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for part in ast.walk(node):  # a loop's counter, a total, the best so far
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                    found.pop(part.id, None)
    return dict(list(found.items())[:MAX_PARAMS])


def named_params(
    names: Iterable[str], namespace: Mapping[str, object]
) -> tuple[dict[str, str], list[str]]:
    """Read variables that were asked for by name; the second value lists the missing ones."""
    found: dict[str, str] = {}
    missing: list[str] = []
    for name in names:
        if name in namespace:
            text = redaction.redact_pair(name, _text(namespace[name]))
            found[name] = text
        else:
            missing.append(name)
    return found, missing


def held_params(source: str, namespace: Mapping[str, object]) -> dict[str, str]:
    """Return the literal assignments of a cell that ran before, with the values they have now."""
    found: dict[str, str] = {}
    for name, literal in literal_params(source).items():
        if name not in namespace:
            continue
        value = namespace[name]
        text = str(value) if _is_small(value, 2) else literal
        if len(text) <= _MAX_VALUE and redaction.redact(text) == text:
            found[name] = text
    return found


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # a user's own __str__ may fail
        return f"<{type(value).__name__}: {type(error).__name__}>"


def _assign(target: object, value: object, found: dict[str, str]) -> None:
    import ast

    if isinstance(target, ast.Name):
        literal = _literal(value)
        if literal is None or not _is_wanted(target.id):
            found.pop(target.id, None)
            return
        found.pop(target.id, None)
        if redaction.redact(literal) == literal:
            found[target.id] = literal
    elif isinstance(target, ast.Tuple | ast.List):
        parts = value.elts if isinstance(value, ast.Tuple | ast.List) else ()
        starred = any(isinstance(part, ast.Starred) for part in (*target.elts, *parts))
        if len(parts) == len(target.elts) and not starred:
            for one, its in zip(target.elts, parts, strict=True):
                _assign(one, its, found)
        else:
            _forget(target, found)


def _forget(target: object, found: dict[str, str]) -> None:
    import ast

    if isinstance(target, ast.Name):
        found.pop(target.id, None)
    elif isinstance(target, ast.Tuple | ast.List):
        for one in target.elts:
            _forget(one, found)


def _is_wanted(name: str) -> bool:
    return not name.startswith("_") and not redaction.is_secret_name(name)


def _literal(node: object) -> str | None:
    """Return the text of a literal; None for anything computed, large or with a secret's name."""
    import ast

    try:
        value = ast.literal_eval(node)  # type: ignore[arg-type]
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
    if not _is_small(value, 2) or (isinstance(value, tuple | list | dict) and not value):
        return None
    text = str(value)
    return text if len(text) <= _MAX_VALUE else None


def _is_small(value: object, depth: int) -> bool:
    if value is None or isinstance(value, bool | int | str):
        return True
    if isinstance(value, float):
        return not math.isnan(value)
    if depth and isinstance(value, tuple | list | set):
        return len(value) <= _MAX_ITEMS and all(_is_small(one, depth - 1) for one in value)
    if depth and isinstance(value, dict):
        return len(value) <= _MAX_ITEMS and all(
            isinstance(key, str | int)
            and not redaction.is_secret_name(str(key))
            and _is_small(one, depth - 1)
            for key, one in value.items()
        )
    return False
