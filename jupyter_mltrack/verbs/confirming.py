"""Ask before something is deleted; `--yes` answers ahead, and where nobody can be asked it must."""

from __future__ import annotations

import contextlib
import sys

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
    if _can_ask():
        # A front end that takes no input raises the one, a terminal that was closed the other.
        with contextlib.suppress(NotImplementedError, EOFError):
            return input(f"{question} [y/N] ").strip().lower() in _YES
    raise UsageError(f"{question} Nobody can be asked here.", "Add --yes to do it.")


def _can_ask() -> bool:
    """A person sits at the terminal, or a kernel passes questions on to a notebook."""
    in_kernel = getattr(input, "__module__", "") != "builtins" and "ipykernel" in sys.modules
    return in_kernel or (sys.stdin is not None and sys.stdin.isatty())
