"""Ask before something is deleted; `--yes` answers ahead, and where nobody can be asked it must."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable

from jupyter_mltrack.errors import UsageError

_YES = frozenset({"y", "yes"})


def confirm(question: str, *, yes: bool) -> bool:
    """Whether it may be done.

    Args:
        question: what will be done to what, as a question.
        yes: the answer given ahead.

    Raises:
        UsageError: nobody can be asked.
    """
    if yes:
        return True
    said = _answer(question) if can_ask() else None
    if said is not None:
        return said
    raise UsageError(f"{question} Nobody can be asked here.", "Add --yes to do it.")


def asker() -> Callable[[str], bool] | None:
    """What asks the person a question; None where nobody can be asked."""
    return (lambda question: bool(_answer(question))) if can_ask() else None


def _answer(question: str) -> bool | None:
    said = typed(f"{question} [y/N] ")
    return None if said is None else said.lower() in _YES


def typed(question: str) -> str | None:
    """What the person types; None where nobody could be asked after all."""
    # A front end that takes no input raises the one, a terminal that was closed the other.
    with contextlib.suppress(NotImplementedError, EOFError):
        return input(question).strip()
    return None


def can_ask() -> bool:
    """A person sits at the terminal, or a kernel passes questions on to a notebook."""
    in_kernel = getattr(input, "__module__", "") != "builtins" and "ipykernel" in sys.modules
    return in_kernel or (sys.stdin is not None and sys.stdin.isatty())
