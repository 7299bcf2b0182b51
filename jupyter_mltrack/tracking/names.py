"""Map any key to a name that MLflow takes, and back.

MLflow refuses names with characters other than letters, digits, `_-./: ` and names that would be
another path when read as one. `jupyter_mltrack.log` takes any key: what MLflow would refuse is
written as `_.x<hex>_` (the code point), so the original can be read back from the name alone. A
name over MLflow's length limit is cut and carries a hash; its original is kept in tags.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re

MAX_LENGTH = 250
TAG_PREFIX = "mltrack.name."
_EMPTY = "_.empty_"
_TAG_PIECE = 5000
_VALID = re.compile(r"[/\w.\- :]*\Z")
_ESCAPE = re.compile(r"_\.x([0-9a-f]{1,6})_")
_CUT = re.compile(r"_\.cut[0-9a-f]{24}_\Z")


def is_taken(name: str) -> bool:
    """Say whether MLflow takes `name` as it is."""
    return 0 < len(name) <= MAX_LENGTH and _VALID.match(name) is not None and _is_own_path(name)


def is_plain(name: object) -> bool:
    """Say whether MLflow takes `name` as it is and it does not look like one of ours."""
    return type(name) is str and is_taken(name) and not name.isspace() and "_." not in name


def encode(key: object) -> str:
    """Return a name that MLflow takes; `decode` gives the original back."""
    name = key if isinstance(key, str) else str(key)
    if is_plain(name):
        return str(name)
    if not name:
        return _EMPTY
    if name == _EMPTY or _CUT.search(name):
        encoded = _escape(name, "_")
    else:
        encoded = _escape(name, "")
        if not _is_own_path(encoded) or encoded.isspace():
            encoded = _escape(name, "/. ")
    if len(encoded) <= MAX_LENGTH:
        return encoded
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    head = encoded[:200]
    if "_.x" in head[-10:]:  # never end inside an escape
        head = head[: head.rindex("_.x")]
    return f"{head}_.cut{digest}_"


def decode(name: str, tags: dict[str, str] | None = None) -> str:
    """Return the key that `encode` was given; `tags` of the run are needed for cut names only."""
    if name == _EMPTY:
        return ""
    if _CUT.search(name) and tags is not None:
        kept = _from_tags(name, tags)
        if kept is not None:
            return kept
    return _ESCAPE.sub(lambda found: chr(int(found.group(1), 16)), name)


def original_tags(key: object, encoded: str) -> dict[str, str]:
    """Return the tags that keep the original of a key that had to be changed."""
    name = key if isinstance(key, str) else str(key)
    if name == encoded:
        return {}
    text = json.dumps(name)  # ASCII, so lone surrogates and control characters are harmless
    pieces = [text[at : at + _TAG_PIECE] for at in range(0, len(text), _TAG_PIECE)]
    short = hashlib.sha256(encoded.encode()).hexdigest()[:24]
    place = TAG_PREFIX + (encoded if len(encoded) <= 200 else f"{encoded[:120]}_.{short}")
    if len(pieces) == 1:
        return {place: text}
    return {f"{place}.{number}": piece for number, piece in enumerate(pieces)}


def _from_tags(name: str, tags: dict[str, str]) -> str | None:
    short = hashlib.sha256(name.encode()).hexdigest()[:24]
    place = TAG_PREFIX + (name if len(name) <= 200 else f"{name[:120]}_.{short}")
    text = tags.get(place)
    if text is None:
        pieces: list[str] = []
        while (piece := tags.get(f"{place}.{len(pieces)}")) is not None:
            pieces.append(piece)
        text = "".join(pieces)
    if not text:
        return None
    return str(json.loads(text))


def _escape(name: str, also: str) -> str:
    out = []
    for at, char in enumerate(name):
        if (
            char in also
            or not _VALID.match(char)
            or (char == "_" and name.startswith((".x", ".cut", ".empty"), at + 1))
        ):
            out.append(f"_.x{ord(char):x}_")
        else:
            out.append(char)
    return "".join(out)


def _is_own_path(name: str) -> bool:
    return posixpath.normpath(name) == name and name != "." and name[:1] != "/" and name[:2] != ".."
