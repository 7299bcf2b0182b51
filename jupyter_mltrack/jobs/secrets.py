"""Find what is a secret beyond doubt in code and files that would go to another machine.

The redactor guesses from names too (`password = ...`), which is right for what is shown, but would
leave out half of an ordinary program. Here only shapes count that name themselves, and the exact
values of environment variables whose names look secret.
"""

from __future__ import annotations

from functools import lru_cache

from jupyter_mltrack.tracking import redaction, shaped

_SURE = ("private key", "Azure key", "Azure storage key")
"""Kinds that are beyond doubt too, though other words stand around them."""


def strong_secret(text: str) -> str:
    """Return what kind of secret a text holds; empty when none that is sure."""
    for kind, _ in _finder().find(text, shaped.plain(text)):
        return kind
    if redaction.exact_secret(text):
        return "value of an environment variable"
    return ""


@lru_cache(maxsize=1)
def _finder() -> shaped.Finder:
    return shaped.Finder(_SURE)
