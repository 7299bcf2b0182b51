"""The contract as files: `openapi.json` here and `labextension/src/wire.ts`, both committed.

Run `python -m jupyter_mltrack.schema` after a change of `wire/`, `server/requests.py` or
`server/routes.py`; a test compares the files with what would be written.
"""

from __future__ import annotations

from jupyter_mltrack.schema.events import NUDGE_SCHEMA_ID, nudge_event_schema
from jupyter_mltrack.schema.openapi import openapi_document, openapi_text

__all__ = ["NUDGE_SCHEMA_ID", "nudge_event_schema", "openapi_document", "openapi_text"]
