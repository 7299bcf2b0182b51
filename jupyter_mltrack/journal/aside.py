"""Records that a store refuses for ever: found among the good ones, and kept beside the journal."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from jupyter_mltrack.journal.records import Rows

FILE = "set_aside.jsonl"


def keep(journal: Path, reason: str, record: dict[str, Any]) -> None:
    """Add a record as one line of JSON to the journal's file of what was set aside."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(journal / FILE, flags, 0o600)
    line = {"at_ms": int(time.time() * 1000), "reason": reason, "record": record}
    try:
        os.write(handle, json.dumps(line, ensure_ascii=True).encode() + b"\n")
    finally:
        os.close(handle)


def rows_body(rows: Rows) -> dict[str, Any]:
    """Return rows as JSON can hold them; numbers as exact text."""
    return {
        "run_id": rows.run_id,
        "keys": list(rows.keys),
        "steps": rows.steps,
        "timestamps_ms": rows.timestamps_ms,
        "values": [[repr(value) for value in row] for row in rows.values],
    }


def halves(record: Any) -> list[Rows]:
    """Return rows in two parts, by key or by row; nothing when it cannot be divided."""
    if getattr(record, "event", None) is not None:
        return []
    if len(record.keys) > 1:
        return [
            record._replace(keys=(key,), values=[(row[at],) for row in record.values])
            for at, key in enumerate(record.keys)
        ]
    middle = len(record.steps) // 2
    if not middle:
        return []
    return [
        record._replace(
            steps=record.steps[part],
            timestamps_ms=record.timestamps_ms[part],
            values=record.values[part],
        )
        for part in (slice(None, middle), slice(middle, None))
    ]
