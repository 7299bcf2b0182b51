"""Read a filter in MLflow's language, and say where it is wrong.

MLflow's own parser has to be imported first, which takes seconds in a fresh process, and does not
tell the place of a fault. What is read here means what it means to MLflow (held by a test over
many filters); what is not read here is asked of MLflow, which has the last word.
"""

from __future__ import annotations

import re
from typing import Any

_SPACE = re.compile(r"\s*")
_KIND = re.compile(r"([A-Za-z_]+)\.")
_TICKED = re.compile(r"`([^`]*)`")
_QUOTED = re.compile(r'"([^"]*)"')
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAME = re.compile(r"[^\s=<>!'\"`(),]+")
_COMPARATOR = re.compile(
    r"!=|>=|<=|=|>|<|NOT\s+IN\b|IN\b|IS\s+NOT\s+NULL\b|IS\s+NULL\b|LIKE\b|ILIKE\b", re.IGNORECASE
)
_SIGNS = re.compile(r"[=<>!]+")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])")
_TEXT = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_LIST = re.compile(r"\(\s*(?:'[^'()\\]*'\s*,\s*)*'[^'()\\]*'\s*\)")
_AND = re.compile(r"AND\b", re.IGNORECASE)
_OR = re.compile(r"OR\b", re.IGNORECASE)
KINDS = {
    "metric": "metric",
    "metrics": "metric",
    "param": "parameter",
    "params": "parameter",
    "parameter": "parameter",
    "parameters": "parameter",
    "tag": "tag",
    "tags": "tag",
    "attribute": "attribute",
    "attributes": "attribute",
    "attr": "attribute",
    "run": "attribute",
}
"""How MLflow's language names each kind of key."""
_NUMERIC_ATTRIBUTES = frozenset({"start_time", "end_time", "created"})
_TEXT_ATTRIBUTES = frozenset({"run_id", "run_name", "status", "artifact_uri", "user_id"})
_OF_NUMBERS = frozenset({"=", "!=", ">", ">=", "<", "<="})
_OF_TEXTS = frozenset({"=", "!=", "LIKE", "ILIKE"})
_OF_LISTS = frozenset({"IN", "NOT IN"})
_OF_NOTHING = frozenset({"IS NULL", "IS NOT NULL"})


class Fault(Exception):
    """The filter is none that is read here.

    Attributes:
        at: index of the character where it goes wrong.
        message: what is wrong there.
        hint: what would be right.
    """

    def __init__(self, at: int, message: str, hint: str) -> None:
        super().__init__(message)
        self.at = at
        self.message = message
        self.hint = hint


def read(text: str) -> list[dict[str, Any]]:
    """The comparisons of a filter, in the form that MLflow's parser gives them.

    Raises:
        Fault: it is not read here; MLflow may still take it.
    """
    found: list[dict[str, Any]] = []
    at = _space(text, 0)
    while True:
        made, at = _comparison(text, at)
        found.append(made)
        at = _space(text, at)
        if at == len(text):
            return found
        joined = _AND.match(text, at)
        if joined is None:
            raise _not_joined(text, at)
        at = _space(text, joined.end())
        if at == len(text):
            raise Fault(at, "Nothing follows `and`.", "Add a comparison, or take `and` away.")


def _space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _not_joined(text: str, at: int) -> Fault:
    if _OR.match(text, at):
        return Fault(at, "Comparisons cannot be joined by `or`.", "Join them by `and`, or use IN.")
    return Fault(
        at, f"{_shown(text, at)} does not belong here.", "Join comparisons by `and`, without ( )."
    )


def _comparison(text: str, start: int) -> tuple[dict[str, Any], int]:
    kind, key, at = _key(text, start)
    at = _space(text, at)
    found = _COMPARATOR.match(text, at)
    if found is None or text[found.end() : found.end() + 1] in ("=", "<", ">", "!"):
        what = f"{_shown(text, at)} is no comparison."
        if at == len(text):
            what = f"Nothing is said about {text[start:at].strip()}."
        raise Fault(at, what, f"Write one of {_allowed(kind, key)}.")
    comparator = " ".join(found[0].upper().split())
    if comparator not in _comparators(kind, key):
        raise Fault(
            at, f"{comparator} does not compare {_called(kind, key)}.",
            f"Write one of {_allowed(kind, key)}.",
        )  # fmt: skip
    at = _space(text, found.end())
    value: Any = None
    if comparator not in _OF_NOTHING:
        value, at = _value(text, at, kind, key, comparator)
    return {"type": kind, "key": key, "comparator": comparator, "value": value}, at


# ---------------------------------------------------------------------------------- keys


def _key(text: str, start: int) -> tuple[str, str, int]:
    kinds = _KIND.match(text, start)
    if kinds is None:
        return _attribute(text, start)
    kind = KINDS.get(kinds[1].lower() if kinds[1].lower() in KINDS else kinds[1])
    at = kinds.end()
    if kind is None or kinds[1] != kinds[1].lower():
        raise Fault(
            start, f"Runs have no {kinds[1]}.", "Write metrics., params., tags. or attributes."
        )
    for quotes in (_TICKED, _QUOTED):
        quoted = quotes.match(text, at)
        if quoted and quoted[1]:
            return kind, _checked(kind, quoted[1], at), quoted.end()
    if text[at : at + 1] in ("`", '"'):
        raise Fault(at, f"The {text[at]} is not closed.", f"End the name with another {text[at]}.")
    word = _WORD.match(text, at)
    name = _NAME.match(text, at)
    if word is None or name is None:
        raise Fault(at, f"The name of the {kind} is missing.", f"Write {kinds[0]}NAME.")
    if name.end() != word.end():
        right = f"{kinds[0]}`{name[0]}`"
        raise Fault(at, f"{name[0]} is not a plain word.", f"Put it between backticks: {right}")
    return kind, _checked(kind, word[0], at), word.end()


def _checked(kind: str, key: str, at: int) -> str:
    if kind == "attribute" and key not in _NUMERIC_ATTRIBUTES | _TEXT_ATTRIBUTES:
        names = ", ".join(sorted(_NUMERIC_ATTRIBUTES | _TEXT_ATTRIBUTES))
        raise Fault(at, f"Runs have no attribute {key}.", f"They have {names}.")
    return key


def _attribute(text: str, start: int) -> tuple[str, str, int]:
    """A word without its kind in front is an attribute."""
    word = _NAME.match(text, start)
    if text[start : start + 1] == "(":
        raise Fault(start, "Comparisons cannot be grouped.", "Take the ( away; join them by `and`.")
    if word and word[0] in _NUMERIC_ATTRIBUTES | _TEXT_ATTRIBUTES:
        return "attribute", word[0], word.end()
    if word is None:
        raise Fault(
            start,
            f"{_shown(text, start)} begins no comparison.",
            "Begin with a key, such as metrics.loss, params.lr or tags.team.",
        )
    if word[0][0].isdigit():
        raise Fault(
            start, f"{word[0]} begins no comparison.", "Write the key first: metrics.loss < 1."
        )
    plain = word[0] if _WORD.fullmatch(word[0]) else f"`{word[0]}`"
    raise Fault(
        start, f"It is not said what {word[0]} is.", f"Write metrics.{plain} or params.{plain}."
    )


# -------------------------------------------------------------------------------- values


def _is_number(kind: str, key: str) -> bool:
    return kind == "metric" or (kind == "attribute" and key in _NUMERIC_ATTRIBUTES)


def _comparators(kind: str, key: str) -> frozenset[str]:
    if kind == "metric" or _is_number(kind, key):
        return _OF_NUMBERS
    if kind == "attribute":
        return _OF_TEXTS | _OF_LISTS
    return _OF_TEXTS | _OF_NOTHING


def _allowed(kind: str, key: str) -> str:
    return ", ".join(sorted(_comparators(kind, key), key=lambda word: (len(word), word)))


def _called(kind: str, key: str) -> str:
    return key if kind == "attribute" else f"a {kind}"


def _value(text: str, at: int, kind: str, key: str, comparator: str) -> tuple[Any, int]:
    if comparator in _OF_LISTS:
        listed = _LIST.match(text, at)
        if listed is None:
            raise Fault(at, "A list is missing.", f"Write {key} {comparator} ('one', 'other').")
        return tuple(one[1] for one in re.finditer(r"'([^']*)'", listed[0])), listed.end()
    if _is_number(kind, key):
        number = _NUMBER.match(text, at)
        if number is None:
            what = "A number is missing" if at == len(text) else f"{_shown(text, at)} is no number"
            raise Fault(at, f"{what}.", "Write a number, such as 0.9 or 1e-3, without quotes.")
        return number[0], number.end()
    quoted = _TEXT.match(text, at)
    if quoted is None:
        raise _no_text(text, at, kind, key)
    inner = quoted[1] if quoted[1] is not None else quoted[2]
    if not inner or text[quoted.end() : quoted.end() + 1] in ("'", '"') or "\\" in inner:
        raise Fault(
            at, "This text is not understood.", "Put it between quotes, without quotes in it."
        )
    return inner, quoted.end()


def _no_text(text: str, at: int, kind: str, key: str) -> Fault:
    if at == len(text):
        return Fault(at, "A value is missing.", "Write it between quotes, such as 'adam'.")
    if text[at] in "'\"":
        return Fault(at, f"The {text[at]} is not closed.", f"End the text with another {text[at]}.")
    name = _NAME.match(text, at)
    value = name[0] if name else "adam"
    of = _called(kind, key)
    return Fault(at, f"The value of {of} is not between quotes.", f"Write '{value}'.")


def _shown(text: str, at: int) -> str:
    if at >= len(text):
        return "Nothing"
    found = _NAME.match(text, at) or _SIGNS.match(text, at) or _TEXT.match(text, at)
    word = found[0] if found else text[at]
    return word if len(word) <= 40 else f"{word[:39]}…"
