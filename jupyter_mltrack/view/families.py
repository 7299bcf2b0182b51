"""Which metrics share a chart: `loss` with `val_loss`, `train/acc` with `val/acc`.

The panel groups them alike. A family is the name of a metric without the words that only say on
which part of the data it was measured.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SPLIT_WORDS = {
    *("dev", "eval", "evaluation", "holdout", "test", "testing"),
    *("train", "training", "val", "valid", "validation"),
}
_SAME = {"accuracy": "acc"}
_FIRST = ("loss", "acc", "error", "mse", "mae", "rmse", "f1", "auc", "r2", "score")
_BETWEEN = re.compile(r"([/_.\-\s]+)")


def family_of(key: str) -> str:
    """The family's name: `val_loss` -> `loss`, `train/loss` -> `loss`, `val` -> `val`."""
    parts = _BETWEEN.split(key)
    kept: list[str] = []
    for at in range(0, len(parts), 2):
        if parts[at].lower() in _SPLIT_WORDS:
            continue
        if kept:
            kept.append(parts[at - 1])
        kept.append(parts[at])
    name = "".join(kept)
    return _SAME.get(name.lower(), name) if name else key


def families(keys: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Keys by family; well-known families first, then in the order of their first key."""
    found: dict[str, list[str]] = {}
    for key in keys:
        found.setdefault(family_of(key), []).append(key)
    return sorted(found.items(), key=lambda one: _rank(one[0]))


def _rank(name: str) -> int:
    return _FIRST.index(name.lower()) if name.lower() in _FIRST else len(_FIRST)
