"""Values that are assigned to a name such as `password`: in code, JSON, YAML, TOML, `.env` files.

Code is left as it is: what is computed, read from somewhere or merely named like a secret
(`password=password`) is none. A bare word counts only where it cannot be code: behind a name in
capitals (`DB_PASSWORD=...`) or as the last word of a line that does nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from jupyter_mltrack.tracking.secret_shapes import NAMES, SECRET_NAME

_BARE_TOKEN = re.compile(r"^token$|_token$", re.IGNORECASE)
_NO_SECRET = re.compile(
    r"(?:^|_)(?:max|min|num|n|eos|bos|pad|sep|cls|mask|unk|per|count|total|special|stop|end|start|prompt|next|image)_",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SIGN = re.compile(r":=|=>|[:=]")
_NAMED_SIGN = re.compile(
    r"(?:pass(?:w(?:or)?d|phrase|code)?|pwd|secret|key(?<=[a-z_\-]key)|token(?<=[a-z2_\-]token)"
    r"|conn(?:ection)?[_\-]?str(?:ing)?|credentials?|_auth)"
    r"(?:prod|dev|test|staging|live|old|new|primary|secondary|main|base64|b64|[0-9_\-])*+"
    r"[ \t\"'\\\]!]{0,80}+(?=[:=])"
)
"""The end of a name that secrets are assigned to, and what is between it and the sign."""
_VALUE = re.compile(
    r"[ \t]*(?:[rbuf]{1,2}(?=[\"']))?"
    r"(?P<value>\"[^\"\n]{4,}\"|'[^'\n]{4,}'|(?![\"'\[({<$=])(?:[^\s,;\"'&)\]}\\]|\\(?![nrt\"'\\])){6,2000})"
)
_REST = re.compile(r"[^\s,;\"'&)\]}\\]*")
"""Of a value that is longer."""
_LAST_WORD = re.compile(r"[a-z]{8,}[ \t]*(?=$|[\n\"'\\])")
_NAME_CHARACTERS = 80
_NAME_END = 32
_IN_NAMES = "abcdefghijklmnopqrstuvwxyz0123456789_.-"
_AROUND = " \t\"'\\]=!"
_ENDS = (
    "password", "passwd", "passphrase", "passcode", "pass", "pwd", "secret", "key", "token",
    "string", "connstr", "conn_str", "conn-str", "credential", "credentials", "_auth",
)  # fmt: skip
_KINDS = ("prod", "dev", "test", "staging", "live", "old", "new", "primary", "secondary", "main",
          "base64", "b64")  # fmt: skip
_IN_CAPITALS = re.compile(r"(?<![A-Za-z0-9_])[A-Z][A-Z0-9_]*\Z")
_ALONE = re.compile(r"(?:^|[\n\"'])[ \t]*(?:export[ \t]+)?[\w.\-]+\Z")

_WORDS = frozenset(
    ("None", "True", "False", "null", "true", "false", "required", "optional", "string", "bytes")
)
_PLACEHOLDER = re.compile(
    r"\[redacted.*|\*+|x+|X+|<.*>|\.{3}|\$\{?\w+\}?|\{+[^{}]*\}+|%\(?\w*\)?s|your[_\- ].*|\$\(.*",
    re.IGNORECASE | re.DOTALL,
)
_NUMBER = re.compile(r"[\d.,+\-e%]+")
_CODE = re.compile(r"~?[A-Za-z_][\w.]*(?:[(\[{].*|\.?)", re.DOTALL)
_PLAIN_WORD = re.compile(r"[A-Za-z_.]+")
_PATH = re.compile(r"(?:[~.]{0,2}/|[A-Za-z]:\\)[\w./\\ \-]*\.[\w./\\ \-]*")
_NAME = re.compile(r"[A-Za-z_\-]+")
_NAMED = re.compile(f"(?:{NAMES})\\Z")


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Say whether a variable, parameter or tag of this name holds a secret by its name."""
    if len(name) > 200:
        name = name[-200:]
    snake = _CAMEL.sub("_", name)
    if _BARE_TOKEN.search(snake):
        return _NO_SECRET.search(snake) is None
    return SECRET_NAME.search(snake) is not None


def may_be_assigned(lower: str) -> bool:
    """Say whether a part of a name that secrets are assigned to is in a text in small letters."""
    return (
        "key" in lower
        or "token" in lower
        or "pass" in lower
        or "secret" in lower
        or "pwd" in lower
        or "conn" in lower
        or "credential" in lower
        or "_auth" in lower
    )


def assigned_secrets(text: str, lower: str) -> Iterator[tuple[int, int]]:
    """Where the values stand that are assigned to names of secrets, without their quotes.

    `lower`: the text in small letters, each character in its place.
    """
    taken = 0
    for named in _NAMED_SIGN.finditer(lower):
        before = named.end()
        if before < taken:
            continue  # within a value
        for sign in _SIGN.finditer(text, before):
            if text[before : sign.start()].strip(_AROUND):
                break  # stands behind something else
            before = sign.end()
            value = _assigned(text, sign)
            if value is not None:
                yield value
                taken = value[1]
            if sign.group()[0] == ":":
                break


def _assigned(text: str, sign: re.Match[str]) -> tuple[int, int] | None:
    """Where the secret behind a sign stands; None when there is none."""
    at = sign.start()
    name = text[max(0, at - _NAME_CHARACTERS) : at].rstrip(_AROUND)
    if not _is_named(name):
        return None
    found = _VALUE.match(text, sign.end())
    if found is None:
        return None
    begin, end = found.span("value")
    value = found["value"]
    if value[0] in "\"'":
        if not is_harmless(value[1:-1], quoted=True):
            return begin + 1, end - 1
    elif not is_harmless(value, quoted=False) or _is_word_of_a_file(
        text, name, value, begin, tight=sign.end() == begin and text[at - 1] not in " \t"
    ):
        rest = _REST.match(text, end)
        return begin, rest.end() if rest else end
    return None


def _is_named(name: str) -> bool:
    """Say whether a text ends with a name that secrets are assigned to."""
    name = name[-_NAME_END:].lower()
    return _is_end_of_name(name[len(name.rstrip(_IN_NAMES)) :])


@lru_cache(maxsize=1024)
def _is_end_of_name(name: str) -> bool:
    name = name.rstrip("0123456789").rstrip("_-")
    if name.endswith(_KINDS):
        for kind in _KINDS:
            name = name.removesuffix(kind)
        name = name.rstrip("_-")
    return name.endswith(_ENDS) and _NAMED.search(name) is not None


def _is_word_of_a_file(text: str, name: str, value: str, begin: int, *, tight: bool) -> bool:
    """Say whether a bare word is a value in a file of settings, and not code."""
    if tight and _IN_CAPITALS.search(name):
        if any(sign in value for sign in "([{."):
            return False
    elif _LAST_WORD.match(text, begin) is None or _ALONE.search(name) is None:
        return False
    if value in _WORDS or _PLACEHOLDER.fullmatch(value) or _NUMBER.fullmatch(value):
        return False
    return not is_secret_name(value)


def is_placeholder(secret: str) -> bool:
    """Say whether a password in an address stands for one: `user:password@`, `user:${WORD}@`."""
    return secret.lower() in _ENDS or _PLACEHOLDER.fullmatch(secret) is not None


def is_harmless(secret: str, *, quoted: bool) -> bool:
    """Say whether a value is plainly no secret: a number, code, the name of one, a placeholder."""
    if not quoted:
        if _NUMBER.fullmatch(secret) or _PLAIN_WORD.fullmatch(secret):
            return True
        if _CODE.fullmatch(secret) and (
            "_" in secret.strip("_") or any(sign in secret for sign in "([{.")
        ):
            return True
    if secret in _WORDS or secret.startswith("[redacted") or _PLACEHOLDER.fullmatch(secret):
        return True
    if _PATH.fullmatch(secret):
        return True
    return _NAME.fullmatch(secret) is not None and is_secret_name(secret)
