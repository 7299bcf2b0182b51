"""The verbs: one table, the functions behind it, how words are read and answers are drawn."""

from __future__ import annotations

from typing import Any

from jupyter_mltrack.verbs.rows import Verb
from jupyter_mltrack.verbs.table import VERBS, find_verb

__all__ = ["FUNCTIONS", "VERBS", "Verb", "find_verb", "function_of"]


def function_of(verb: Verb) -> Any:
    """The function of a verb, imported now."""
    from importlib import import_module

    module, _, name = verb.function.partition(":")
    return getattr(import_module(module), name)


class _Functions(dict[str, Any]):
    """Functions by the name of their verb; a function is imported when it is looked up."""

    def __missing__(self, name: str) -> Any:
        from importlib import import_module

        if name in (
            "runs",
            "models",
            "jobs",
        ):  # the readers' packages, which can be called as the verb
            self[name] = import_module(f"jupyter_mltrack.{name}")
        else:
            self[name] = function_of(find_verb(name))
        return self[name]

    def __contains__(self, name: object) -> bool:
        return any(verb.name == name for verb in VERBS)


FUNCTIONS = _Functions()
