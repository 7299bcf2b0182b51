"""Bytes of a stranger as what they are: a picture, text, or neither."""

from __future__ import annotations

import base64
import re

PIXELS_MAX = 100_000_000
_ODD_SHARE_MAX = 0.05
_ODD_LOOKED_AT = 65_536
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BYTE_ORDER = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def image_type(data: bytes) -> str:
    """The media type that the first bytes of a picture say; empty for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
        return "image/png" if 0 < width * height <= PIXELS_MAX else ""
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return ""


def data_url(media_type: str, data: bytes) -> str:
    """The bytes as an address that needs no request."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def decoded(data: bytes) -> str | None:
    """The bytes as text; None when they are none."""
    if data.startswith(b"%PDF-"):
        return None
    encoding = _BYTE_ORDER.get(data[:2])
    if encoding:
        return data.decode(encoding, "replace").lstrip("\ufeff")
    text = data.decode("utf-8-sig", "replace")
    looked_at = text[:_ODD_LOOKED_AT]
    if "\0" in looked_at or looked_at.count("\ufffd") > _ODD_SHARE_MAX * len(looked_at) + 1:
        return None
    return text


def printable(text: str) -> str:
    """Text with its lines kept and its terminal escapes and control characters gone."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("\ufffd", _ESCAPES.sub("", text))
