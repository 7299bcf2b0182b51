"""Take secrets out of text before it is written anywhere.

Shapes that name themselves (keys of clouds and forges, Azure's connection strings and signatures,
JWTs, private keys, passwords in addresses), values assigned to a name such as `password`, and the
exact values of environment variables whose names look secret. Numbers, hashes, run ids and
ordinary words are left alone: the marker says what was taken out. Rules that guess from entropy
are not used, because they hit ordinary data.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Mapping

from jupyter_mltrack.tracking.secret_shapes import RULES, SECRET_NAME

_BARE_TOKEN = re.compile(r"^token$|_token$", re.IGNORECASE)
_NO_SECRET = re.compile(
    r"(?:^|_)(?:max|min|num|n|eos|bos|pad|sep|cls|mask|unk|per|count|total|special|stop|end|start|prompt|next|image)_",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SHORTEST = 6
_SHORTEST_VALUE = 8
"""Shorter values of environment variables are too ordinary to be replaced everywhere."""


def is_secret_name(name: str) -> bool:
    """Say whether a variable, parameter or tag of this name holds a secret by its name."""
    if len(name) > 200:
        name = name[-200:]
    snake = _CAMEL.sub("_", name)
    if _BARE_TOKEN.search(snake):
        return _NO_SECRET.search(snake) is None
    return SECRET_NAME.search(snake) is not None


_compiled: dict[str, re.Pattern[str]] = {}
"""Compiled when first needed: compiling all costs more than the first point of a kernel."""
_environment: tuple[int, Callable[[str], str]] | None = None


def redact(text: str) -> str:
    """Return `text` with every secret replaced by a marker such as `[redacted: token]`."""
    if len(text) < _SHORTEST:
        return text
    if len(text) >= _SHORTEST_VALUE:
        text = _environment_rule()(text)
    lower = text.lower()
    there: dict[str, bool] = {}
    for kind, marks, source in RULES:
        if any(_is_there(mark, lower, there) for mark in marks):
            pattern = _compiled.get(source)
            if pattern is None:
                pattern = _compiled[source] = re.compile(source)
            text = pattern.sub(functools.partial(_marked, kind), text)
    return text


def _is_there(mark: str, text: str, known: dict[str, bool]) -> bool:
    found = known.get(mark)
    if found is None:
        found = known[mark] = mark in text
    return found


def redact_pair(name: str, value: str) -> str:
    """Return the value of a parameter or tag as it may be written down."""
    if is_secret_name(name) and value not in ("", "None", "True", "False"):
        return "[redacted: named like a secret]"
    return redact(value)


def redact_pairs(pairs: Mapping[str, object]) -> dict[str, str]:
    """Return parameters or tags as they may be written down."""
    return {name: redact_pair(name, str(value)) for name, value in pairs.items()}


def _marked(kind: str, found: re.Match[str]) -> str:
    groups = [name for name, value in found.groupdict().items() if value is not None]
    if not groups:
        return f"[redacted: {kind}]"
    secret = found.group(groups[0])
    if secret.startswith("[redacted") or _is_harmless(secret):
        return found.group(0)
    begin, end = found.span(groups[0])
    whole, at = found.group(0), found.start()
    quote = secret[0] if secret[0] in "\"'" else ""
    return f"{whole[: begin - at]}{quote}[redacted: {kind}]{quote}{whole[end - at :]}"


def _is_harmless(secret: str) -> bool:
    """Say whether a value is plainly no secret: a number, a word of Python, a placeholder."""
    bare = secret.strip("\"'")
    if bare in ("None", "True", "False", "null", "true", "false", "required", "optional"):
        return True
    return bool(
        re.fullmatch(
            r"[\d.,+\-e]+|\*+|<[^>]*>|\.{3}|os\.environ\S*|getpass\S*|self\.\S*|str|bytes", bare
        )
    )


def _environment_rule() -> Callable[[str], str]:
    """Return the rule for exact values of the environment, made anew when that changed."""
    global _environment
    names = os.environ._data  # type: ignore[attr-defined]  # the mapping itself: no copy, no decoding
    mark = hash(frozenset(names.items()))
    if _environment is None or _environment[0] != mark:
        _environment = (mark, _exact_rule(os.environ))
    return _environment[1]


def _exact_rule(environ: Mapping[str, str]) -> Callable[[str], str]:
    values = sorted(
        {
            v
            for k, v in environ.items()
            if len(v) >= _SHORTEST_VALUE and is_secret_name(k) and not os.path.isabs(v)
        },
        key=len,
        reverse=True,
    )
    forms = [form for value in values for form in _spellings(value)]
    if not forms:
        return lambda text: text
    pattern = re.compile("|".join(re.escape(form) for form in forms))
    return lambda text: pattern.sub("[redacted: value of an environment variable]", text)


def _spellings(value: str) -> list[str]:
    import base64
    import json
    from urllib.parse import quote, quote_plus

    raw = value.encode("utf-8", "surrogateescape")
    found = [
        value,
        quote(raw, safe=""),
        quote_plus(raw),
        json.dumps(value)[1:-1],
        base64.b64encode(raw).decode(),
    ]
    return list(dict.fromkeys(found))
