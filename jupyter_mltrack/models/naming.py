"""Words that name a model: `churn`, `churn/3`, `churn@champion`, `models:/churn/3`, `runs:/ID/m`.

Only reading of words; what they mean in a workspace is `find_version`'s to say.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import UsageError

_LOGGED = re.compile(r"m-[0-9a-f]{8,}\Z")
_VERSION = re.compile(r"\d{1,9}\Z")
HINT = "Write NAME, NAME/VERSION or NAME@ALIAS; those there are: %mltrack models"


class ModelWords(NamedTuple):
    """What was typed, taken apart. `uri` is for what is in no registry: runs:/ and models:/m-ID."""

    name: str = ""
    version: str | None = None
    alias: str | None = None
    stage: str | None = None
    uri: str | None = None

    def __str__(self) -> str:
        if self.uri is not None:
            return self.uri
        if self.alias is not None:
            return f"{self.name}@{self.alias}"
        tail = self.version or self.stage
        return f"{self.name}/{tail}" if tail else self.name


def parse_model(text: str) -> ModelWords:
    """Take apart what names a model.

    Raises:
        UsageError: the words name nothing.
    """
    words = text.strip()
    if words.startswith("runs:/"):
        if not re.match(r"runs:/[0-9a-f]{32}/.+\Z", words):
            raise UsageError(
                f"{clean(words)!r} names no model of a run.", "Write runs:/RUN_ID/PATH."
            )
        return ModelWords(uri=words)
    is_uri = words.startswith("models:/")
    if is_uri:
        words = words.removeprefix("models:").lstrip("/")
        if _LOGGED.match(words):
            return ModelWords(uri=f"models:/{words}")
    name, at, alias = words.partition("@")
    if at:
        if not name or not alias or "/" in name:
            raise UsageError(f"{clean(text)!r} names no model.", HINT)
        return ModelWords(name, alias=alias)
    name, slash, tail = words.partition("/")
    if not name or (slash and not tail):
        raise UsageError(f"{clean(text)!r} names no model.", HINT)
    if not slash:
        return ModelWords(name)
    if _VERSION.match(tail):
        return ModelWords(name, version=str(int(tail)))
    if is_uri and tail == "latest":
        return ModelWords(name)
    if is_uri and "/" not in tail:
        return ModelWords(name, stage=tail)
    raise UsageError(
        f"{clean(tail)!r} is no version of a model.",
        "A version is a number: NAME/3; an alias: NAME@champion.",
    )
