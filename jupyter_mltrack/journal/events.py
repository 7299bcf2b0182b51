"""Events of a journal as bytes and back; the only place of the journal that needs msgspec."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import msgspec

from jupyter_mltrack import wire


@cache
def _decoder() -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(wire.JournalEvent)


def encode(event: wire.JournalEvent) -> bytes:
    """JSON of an event. Text that is not Unicode (a lone surrogate) is kept as an escape."""
    try:
        return msgspec.json.encode(event)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(event)).encode("ascii")


def decode(payload: bytes) -> wire.JournalEvent | None:
    """The event, or None when the bytes are not one that this version knows."""
    try:
        event: wire.JournalEvent = _decoder().decode(payload)
    except msgspec.ValidationError:
        return None
    except (msgspec.DecodeError, RecursionError):
        return _decode_escaped(payload)
    return event


def _decode_escaped(payload: bytes) -> wire.JournalEvent | None:
    try:
        event: wire.JournalEvent = msgspec.convert(json.loads(payload), wire.JournalEvent)
    except (ValueError, RecursionError, msgspec.ValidationError):
        return None
    return event
