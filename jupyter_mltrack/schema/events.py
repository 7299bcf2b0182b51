"""The Jupyter event that says "something changed", as a schema made from its struct."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec

from jupyter_mltrack import wire

NUDGE_SCHEMA_ID = "https://schema.jupyter-mltrack.org/nudge/v1"


def nudge_event_schema() -> dict[str, Any]:
    """Schema of `wire.Nudge` in the form that jupyter_events registers."""
    _, components = msgspec.json.schema_components([wire.Nudge])
    nudge = components["Nudge"]
    return {
        "$id": NUDGE_SCHEMA_ID,
        "version": "1",
        "title": "Something changed in a workspace or a run",
        "description": inspect.cleandoc(nudge["description"]),
        "type": "object",
        "properties": nudge["properties"],
        "required": nudge["required"],
    }
