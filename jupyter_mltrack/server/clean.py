"""Text and JSON as they leave the server: no control characters in messages, no bare NaN."""

from __future__ import annotations

import re
from typing import Any

import msgspec

MESSAGE_CHARACTERS_MAX = 2_000
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_FOLDERS = re.compile(r"(?:\b(?:sqlite|file):/+|(?<![\w.:/])/)(?:[^\s/'\"(),;:]+/)+")
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@")

_encoder = msgspec.json.Encoder()


def clean_text(text: str) -> str:
    """A message fit for a screen: no control or direction signs, no credentials, not endless."""
    text = _CREDENTIALS.sub("", _CONTROL.sub("", text[: 4 * MESSAGE_CHARACTERS_MAX]))
    if len(text) > MESSAGE_CHARACTERS_MAX:
        text = text[: MESSAGE_CHARACTERS_MAX - 1] + "…"
    return text


def without_folders(text: str) -> str:
    """The text with files of this machine named without the folders they lie in."""
    return _FOLDERS.sub("", text)


def encode_json(answer: Any) -> bytes:
    """The answer as strict JSON in UTF-8; what UTF-8 cannot hold is replaced."""
    try:
        return _encoder.encode(answer)
    except UnicodeEncodeError:
        return _encoder.encode(_encodable(msgspec.to_builtins(answer)))


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_encodable(one) for one in value]
    if isinstance(value, dict):
        return {_encodable(key): _encodable(one) for key, one in value.items()}
    return value
