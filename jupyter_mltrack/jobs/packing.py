"""Bring the names that a cell uses into files; refuse what is too large, or a secret.

DataFrames go as Parquet, modules by their name, everything else by cloudpickle, in one piece, so
that what two names share is shared again where the job runs (a model and its optimizer). What
looks like a secret does not travel: it would lie in a file, and in a service's storage.
"""

from __future__ import annotations

import pickletools
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from jupyter_mltrack import wire
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.jobs import body
from jupyter_mltrack.tracking.redaction import is_secret_name, redact

_DEPTH = 4
_NODES_MAX = 20_000
_TEXT_MAX = 100_000
_ELSEWHERE = "Read it in the cell itself, from the environment or a key vault."


class Packed(NamedTuple):
    """What went along."""

    names: list[wire.Travelling]
    modules: dict[str, str]
    size_bytes: int


def pack(
    wanted: Iterable[str], namespace: Mapping[str, Any], folder: Path, limit_bytes: int
) -> Packed:
    """Write the wanted names of a namespace into a folder.

    Args:
        wanted: names; those that are not there are left out.
        namespace: the notebook's.
        folder: where the files go; it exists.
        limit_bytes: how large all may be together.

    Raises:
        UsageError: a name cannot travel; it says which, and what to do.
    """
    there = {name: namespace[name] for name in wanted if name in namespace}
    modules = {
        name: value.__name__ for name, value in there.items() if isinstance(value, ModuleType)
    }
    values = {name: value for name, value in there.items() if name not in modules}
    for name, value in values.items():
        _refuse_secret(name, value)
    _refuse_large_frames(values, limit_bytes)
    said: list[wire.Travelling] = []
    size = 0
    for name in [name for name, value in values.items() if body.keep_frame(folder, name, value)]:
        bytes_ = (folder / f"{name}{body.FRAME_ENDING}").stat().st_size
        size += bytes_
        said.append(wire.Travelling(name=name, kind="DataFrame", size_bytes=bytes_))
        values.pop(name)
    if values:
        size += _pickle(values, folder, limit_bytes - size)
        said += [wire.Travelling(name=name, kind=_kind(value)) for name, value in values.items()]
    if size > limit_bytes:
        raise _too_large(max(said, key=lambda one: one.size_bytes or 0).name, limit_bytes)
    return Packed(said, modules, size)


def _pickle(values: dict[str, Any], folder: Path, limit_bytes: int) -> int:
    path = folder / body.NAMES
    try:
        size = body.pack(path, values, limit_bytes)
    except body.CannotTravel as error:
        path.unlink(missing_ok=True)
        name = body.culprit(values, limit_bytes)
        if str(error).startswith("larger than"):
            raise _too_large(name, limit_bytes) from error
        raise UsageError(
            f"{name} ({_kind(values[name])}) cannot go along: {redact(str(error))}.",
            "Make it in the cell itself: what holds a file, a connection or a lock cannot travel.",
        ) from error
    secret = _secret_in_pickle(path)
    if secret:
        path.unlink(missing_ok=True)
        raise UsageError(
            f"Something that the cell uses holds a secret ({secret}); secrets do not travel.",
            _ELSEWHERE,
        )
    return size


def _too_large(name: str, limit_bytes: int) -> UsageError:
    return UsageError(
        f"{name} is too large to go along: the names of a cell may take {limit_bytes >> 20} MB.",
        f"Write it to a file and read it in the cell, or bring it as data: --inputs {name}=PATH",
    )


def _refuse_large_frames(values: Mapping[str, Any], limit_bytes: int) -> None:
    """Parquet may halve a frame, but hardly takes a quarter of it: nothing huge is tried."""
    for name, value in values.items():
        if body.is_frame(value) and int(value.memory_usage().sum()) > 4 * limit_bytes:
            raise _too_large(name, limit_bytes)


def _kind(value: Any) -> str:
    return type(value).__name__ if not callable(value) else "function"


# ------------------------------------------------------------------------------- secrets


def _refuse_secret(name: str, value: Any) -> None:
    where = (
        name if is_secret_name(name) and isinstance(value, str | bytes) else _secret_in(name, value)
    )
    if where:
        raise UsageError(f"{where} looks like a secret; secrets do not travel.", _ELSEWHERE)


def _secret_in(name: str, value: Any) -> str:
    """Where a secret stands in plain containers; empty when none is found."""
    left = [(name, value, 0)]
    looked = 0
    while left and looked < _NODES_MAX:
        where, one, depth = left.pop()
        looked += 1
        if isinstance(one, str):
            if redact(one[:_TEXT_MAX]) != one[:_TEXT_MAX]:
                return where
        elif depth < _DEPTH and isinstance(one, Mapping):
            for key, inner in list(one.items())[:_NODES_MAX]:
                if isinstance(inner, str) and len(inner) >= 4 and is_secret_name(str(key)):
                    return f"{where}[{key!r}]"
                left.append((f"{where}[{key!r}]", inner, depth + 1))
        elif depth < _DEPTH and isinstance(one, list | tuple | set | frozenset):
            left += [(where, inner, depth + 1) for inner in list(one)[:_NODES_MAX]]
    return ""


def _secret_in_pickle(path: Path) -> str:
    """Say what kind of secret the texts of a pickle hold; empty when none."""
    from jupyter_mltrack.jobs.secrets import strong_secret

    with open(path, "rb") as file:
        for _, argument, _ in pickletools.genops(file):
            if isinstance(argument, str) and 8 <= len(argument) <= _TEXT_MAX:
                found = strong_secret(argument)
                if found:
                    return found
    return ""
