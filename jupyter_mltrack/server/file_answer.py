"""An answer of bytes, and how a browser may take it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True)
class FileAnswer:
    """An answer of bytes: `open` gives the file, already checked; at most `size_bytes` are sent.

    Attributes:
        name: what a download is called.
        size_bytes: None when nobody knows before the end.
        policy: Content-Security-Policy; `{ancestors}` stands for those who may frame it.
        attached: whether a browser keeps it as a file rather than show it.
        cancel: called when nobody waits for the bytes any more.
    """

    name: str
    size_bytes: int | None
    open: Callable[[], BinaryIO]
    media_type: str = "application/octet-stream"
    policy: str = "sandbox; default-src 'none'"
    attached: bool = True
    cancel: Callable[[], None] | None = None
