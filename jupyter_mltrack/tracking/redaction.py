"""Take secrets out of text before it is written anywhere.

Shapes that name themselves (keys of clouds and forges, Azure's connection strings and signatures,
JWTs, private keys, passwords in addresses), values assigned to a name such as `password`, and the
exact values of environment variables whose names look secret; each also behind escapes, in a URL
and in base64. Numbers, hashes, run ids and ordinary words are left alone: the marker says what was
taken out. Rules that guess from entropy are not used, because they hit ordinary data.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from jupyter_mltrack.tracking import shaped
from jupyter_mltrack.tracking.assigned import (
    assigned_secrets,
    is_harmless,
    is_placeholder,
    is_secret_name,
    may_be_assigned,
)

if TYPE_CHECKING:
    from jupyter_mltrack.tracking import encodings

__all__ = [
    "exact_secret",
    "hide_exactly",
    "is_secret_name",
    "redact",
    "redact_name",
    "redact_pair",
    "redact_pairs",
    "safe_cut",
]

_SHORTEST = 6
_SHORTEST_VALUE = 8
"""Shorter values of environment variables are too ordinary to be replaced everywhere."""


_finder: shaped.Finder | None = None
"""Made when first needed."""
_known: tuple[dict[object, object], tuple[str, ...], list[str]] | None = None
"""The environment and the held tokens of which the forms were made that are taken out exactly."""
_held: dict[str, None] = {}
"""Secrets that the product itself holds, the newest last."""
_HELD_MAX = 64
_SHORTEST_NAME = 16
"""No token is shorter; names of metrics are many."""
_NO_BRACKETS = str.maketrans("", "", "[]:")
_LONG = re.compile(r"[A-Za-z0-9_\-+/]{16}")
"""What each token and each word of base64 holds."""
_DEPTH = 2
"""Encodings within one another that are undone."""
_CONTEXT = 100
"""Characters before a secret that may say that it is one."""
_EXACT = "value of an environment variable"


class _Found(NamedTuple):
    """A secret, where it stands."""

    begin: int
    end: int
    kind: str


def hide_exactly(secret: str) -> None:
    """Have `secret`, a token that the product itself holds, taken out of every text from now on."""
    if len(secret) < _SHORTEST_VALUE or secret in _held:
        return
    _held[secret] = None
    while len(_held) > _HELD_MAX:
        _held.pop(next(iter(_held)), None)


def redact(text: str) -> str:
    """Return `text` with every secret replaced by a marker such as `[redacted: token]`."""
    if len(text) < _SHORTEST:
        return text
    found = _secrets(text, _DEPTH)
    if not found:
        return text
    found.sort(key=lambda one: (one.begin, -one.end))  # of two alike the first rule names it
    parts: list[str] = []
    at, until, kind = 0, -1, ""
    for one in found:
        if one.begin < until:
            until = max(until, one.end)
            continue
        if kind:
            parts.append(f"[redacted: {kind}]")
            at = until
        parts.append(text[at : one.begin])
        until, kind = one.end, one.kind
    return f"{''.join(parts)}[redacted: {kind}]{text[until:]}"


def safe_cut(text: str, at: int) -> int:
    """Where at or before `at` a text may be cut, so that each part shows its secrets by itself."""
    for one in sorted(_secrets(text, 1), reverse=True):
        if one.begin - _CONTEXT <= at < one.end:
            at = max(0, one.begin - _CONTEXT)
    return at


def exact_secret(text: str) -> bool:
    """Say whether a text holds the value of a secret environment variable, or a held token."""
    return any(True for _ in _exact(text))


def _secrets(text: str, depth: int) -> list[_Found]:
    """Every secret of a text; some may overlap."""
    if "\x1b" in text:
        from jupyter_mltrack.tracking import encodings

        return list(_behind(encodings.without_colours(text), depth))
    found = list(_exact(text)) if len(text) >= _SHORTEST_VALUE else []
    known = shaped.plain(text)
    found += _shaped(text, known)
    if may_be_assigned(known.lower):
        found += [
            _Found(begin, end, "secret") for begin, end in assigned_secrets(text, known.lower)
        ]
    if not depth:
        return found
    from jupyter_mltrack.tracking import encodings

    for view in encodings.views(text):
        found += _behind(view, depth - 1)
    if _LONG.search(text):
        for begin, end, plain in encodings.plain_base64(text):
            inner = _secrets(plain, depth - 1)
            if inner:
                found.append(_Found(begin, end, f"{inner[0].kind} in base64"))
    return found


def _behind(view: encodings.View, depth: int) -> Iterator[_Found]:
    """The secrets of a text without an encoding, at their places in the text with it."""
    for one in _secrets(view.text, depth):
        yield _Found(view.origin(one.begin), view.origin(one.end), one.kind)


def _shaped(text: str, known: shaped.Plain) -> Iterator[_Found]:
    """What the shapes of secrets find in a text."""
    global _finder
    if _finder is None:
        _finder = shaped.Finder()
    for kind, match in _finder.find(text, known):
        one = _taken(kind, match)
        if one is not None:
            yield one


def redact_pair(name: str, value: str) -> str:
    """Return the value of a parameter or tag as it may be written down."""
    if is_secret_name(name) and value not in ("", "None", "True", "False"):
        return "[redacted: named like a secret]"
    return redact(value)


def redact_name(name: str) -> str:
    """Return the name of a metric, parameter or tag as it may be written; MLflow takes it."""
    if len(name) < _SHORTEST_NAME:
        return name
    kept = redact(name)
    return name if kept == name else kept.translate(_NO_BRACKETS)


def redact_pairs(pairs: Mapping[str, object]) -> dict[str, str]:
    """Return parameters or tags as they may be written down."""
    return {redact_name(name): redact_pair(name, str(value)) for name, value in pairs.items()}


def _taken(kind: str, found: re.Match[str]) -> _Found | None:
    """What is to be taken out of what a rule found; None when it is plainly no secret."""
    name = found.lastgroup
    if name is None:
        return _Found(*found.span(), kind)
    secret = found.group(name)
    begin, end = found.span(name)
    quote = secret[0] if secret[0] in "\"'" else ""
    if quote:
        secret = secret[1:].removesuffix(quote)
        begin += 1
        end = begin + len(secret)
    if name == "basic" and not _is_user_and_password(secret):
        return None
    harmless = is_placeholder(secret) if name == "in_address" else is_harmless(secret, quoted=True)
    if not secret or harmless:
        return None
    return _Found(begin, end, kind)


def _is_user_and_password(word: str) -> bool:
    from jupyter_mltrack.tracking import encodings

    return any(":" in plain for _, _, plain in encodings.plain_base64(word))


def _exact(text: str) -> Iterator[_Found]:
    """Exact values of the environment and of held tokens, however they are spelled."""
    length = len(text)
    for form in _forms():
        if len(form) > length:
            return
        begin = text.find(form)
        while begin >= 0:
            yield _Found(begin, begin + len(form), _EXACT)
            begin = text.find(form, begin + len(form))


def _forms() -> list[str]:
    """What is taken out exactly, the shortest first; read anew when something changed."""
    global _known
    names = os.environ._data  # type: ignore[attr-defined]  # the mapping itself: no copy, no decoding
    if _known is None or _known[0] != names or _known[1] != tuple(_held):
        seen = (names.copy(), tuple(_held))
        values = {
            value
            for name, value in os.environ.items()
            if len(value) >= _SHORTEST_VALUE and is_secret_name(name) and not os.path.isabs(value)
        }
        forms = {form for value in values | set(_held) for form in _spellings(value)}
        _known = (*seen, sorted(forms, key=len))
    return _known[2]


def _spellings(value: str) -> Iterator[str]:
    """The value, as shells, URLs, JSON, Python, HTML and base64 write it."""
    import html
    import json
    import shlex
    from urllib.parse import quote, quote_plus

    raw = value.encode("utf-8", "surrogateescape")
    yield from (value, quote(raw), quote(raw, safe=""), quote_plus(raw), json.dumps(value)[1:-1])
    yield from (repr(value)[1:-1], repr(raw)[2:-1], html.escape(value))
    yield shlex.quote(value).removeprefix("'").removesuffix("'")
    for before in range(3):  # base64 of a longer text, in which the value begins anywhere
        word = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        word = word[(0, 2, 3)[before] : -1 if (before + len(raw)) % 3 else None]
        if len(word) >= _SHORTEST_VALUE:
            yield from (word, word.replace("+", "-").replace("/", "_"))
