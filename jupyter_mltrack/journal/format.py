"""How bytes lie in a segment of a journal; pure functions, no files.

A segment is a header and then frames, each aligned to 8 bytes:

    u16 magic | u8 type | u8 flags | u32 payload length | u32 crc32(type..length, payload) | payload

All numbers are little endian. The two magic bytes never occur in UTF-8, so no text a user logs
can imitate the start of a frame. Each segment names its runs and schemas itself, twice, so that
it can be read alone and a damaged name costs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from struct import Struct
from typing import Any, NamedTuple
from zlib import crc32

FORMAT = 1
MAGIC = 0xFEF9
MAGIC_BYTES = MAGIC.to_bytes(2, "little")

ROW, SCHEMA, EVENT, RUN, META = 1, 2, 3, 4, 5
KINDS = frozenset((ROW, SCHEMA, EVENT, RUN, META))

ALIGN_BYTES = 8
HEAD = Struct("<HBBII")
HEAD_BYTES = HEAD.size
ROW_HEAD = Struct("<IIqq")
ROW_HEAD_BYTES = ROW_HEAD.size
MAX_PAYLOAD_BYTES = 32 << 20
"""No frame is larger; a length beyond this is damage."""

HEADER = Struct("<8sIIQ28xIQ")
HEADER_BYTES = HEADER.size
HINT = Struct("<Q")
HINT_OFFSET = HEADER_BYTES - HINT.size
"""The owner notes here, now and then, how far it has written. Only a hint: it may be old."""
HEADER_MARK = b"MLTRACK\n"
_HEADER_CHECKED = 24

_PREFIX = Struct("<HBBI")
_CRC = Struct("<I")


def aligned(size_bytes: int) -> int:
    """Round up to the next place where a frame may begin."""
    return (size_bytes + ALIGN_BYTES - 1) & -ALIGN_BYTES


def seed(kind: int, length: int, flags: int = 0) -> int:
    """Checksum of a frame's type, flags and length: where that of the payload goes on from."""
    return crc32(_PREFIX.pack(MAGIC, kind, flags, length)[2:])


def frame(kind: int, payload: bytes, flags: int = 0) -> bytes:
    """One whole frame, padded to the alignment."""
    length = len(payload)
    prefix = _PREFIX.pack(MAGIC, kind, flags, length)
    checksum = _CRC.pack(crc32(payload, crc32(prefix[2:])))
    pad = bytes(aligned(HEAD_BYTES + length) - HEAD_BYTES - length)
    return b"".join((prefix, checksum, payload, pad))


def header(number: int, created_ms: int) -> bytes:
    """The first bytes of segment `number`."""
    raw = HEADER.pack(HEADER_MARK, FORMAT, number, created_ms, 0, 0)
    checksum = _CRC.pack(crc32(raw[:_HEADER_CHECKED]))
    return raw[: HINT_OFFSET - 4] + checksum + raw[HINT_OFFSET:]


def header_format(raw: bytes) -> int | None:
    """The format a header claims; None when the header is damaged."""
    if len(raw) < HEADER_BYTES or raw[:8] != HEADER_MARK:
        return None
    if _CRC.unpack_from(raw, HINT_OFFSET - 4)[0] != crc32(raw[:_HEADER_CHECKED]):
        return None
    return int.from_bytes(raw[8:12], "little")


class RowCodec(NamedTuple):
    """What writing and reading rows of one width needs, made once for each width."""

    pack: Callable[..., bytes]
    """(run_no | schema_no << 32, step, timestamp_ms, *values) -> payload"""
    seed: int
    head: int
    """Magic, type, flags and length as one u64."""
    frame: Callable[[int, int, bytes], bytes]
    """(head, crc, payload) -> frame"""
    frame_bytes: int
    whole: Struct
    """Unpacks a frame: head, crc, run and schema, step, timestamp_ms, *values."""


@lru_cache(maxsize=256)
def row_codec(width: int) -> RowCodec:
    """Codec for rows of `width` values."""
    length = ROW_HEAD_BYTES + 8 * width
    size = aligned(HEAD_BYTES + length)
    pad = size - HEAD_BYTES - length
    return RowCodec(
        pack=Struct(f"<Qqq{width}d").pack,
        seed=seed(ROW, length),
        head=int.from_bytes(_PREFIX.pack(MAGIC, ROW, 0, length), "little"),
        frame=Struct(f"<QI{length}s{pad}x").pack,
        frame_bytes=size,
        whole=Struct(f"<QIQqq{width}d{pad}x"),
    )


def schema_payload(number: int, keys: Sequence[str]) -> bytes:
    """Name the columns of rows. Escaped JSON keeps any string, lone surrogates too."""
    return json.dumps({"no": number, "keys": keys}, separators=(",", ":")).encode("ascii")


def run_payload(number: int, run_id: str) -> bytes:
    """Name the run of rows."""
    return json.dumps({"no": number, "run_id": run_id}, separators=(",", ":")).encode("ascii")


def parse_schema(payload: bytes) -> tuple[int, tuple[str, ...]] | None:
    """Number and keys of a SCHEMA frame; None when the payload is not one."""
    body = _parse_numbered(payload)
    if body is None:
        return None
    keys = body.get("keys")
    if not isinstance(keys, list) or not keys or not all(type(key) is str for key in keys):
        return None
    return body["no"], tuple(keys)


def parse_run(payload: bytes) -> tuple[int, str] | None:
    """Number and id of a RUN frame; None when the payload is not one."""
    body = _parse_numbered(payload)
    if body is None or not isinstance(body.get("run_id"), str):
        return None
    return body["no"], body["run_id"]


def _parse_numbered(payload: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or type(body.get("no")) is not int:
        return None
    return body
