"""Cells of a notebook as a page shows them: sources, plain text and PNG or JPEG pictures.

Everything else that an output may be (HTML, SVG, JavaScript, widgets) is left out: each rich
output carries plain text beside it. Markdown stays text, and pictures of it are not fetched.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.server.preview_text import data_url, image_type, printable

CELLS_MAX = 500
SOURCE_CHARACTERS_MAX = 50_000
OUTPUT_CHARACTERS_MAX = 20_000
OUTPUTS_MAX = 20
_PICTURES = ("image/png", "image/jpeg")


def cells(data: bytes) -> tuple[list[wire.NotebookCell], bool] | None:
    """The cells, and whether something of them was left out; None when it is no notebook."""
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return None
    found = said.get("cells") if isinstance(said, dict) else None
    if not isinstance(found, list):
        return None
    shown = [_cell(one) for one in found[:CELLS_MAX] if isinstance(one, dict)]
    return [one for one, _ in shown], len(found) > len(shown) or any(cut for _, cut in shown)


def _cell(said: dict[str, Any]) -> tuple[wire.NotebookCell, bool]:
    kind: Any = said.get("cell_type")
    if kind not in ("code", "markdown", "raw"):
        kind = "raw"
    source = _joined(said.get("source"))
    outputs = said.get("outputs")
    outputs = outputs if isinstance(outputs, list) else []
    texts: list[str] = []
    images: list[str] = []
    for one in outputs[:OUTPUTS_MAX]:
        text, picture = _output(one) if isinstance(one, dict) else ("", "")
        if picture:
            images.append(picture)
        elif text.strip():
            texts.append(text)
    cut = len(source) > SOURCE_CHARACTERS_MAX or len(outputs) > OUTPUTS_MAX
    cut = cut or any(len(text) > OUTPUT_CHARACTERS_MAX for text in texts)
    made = wire.NotebookCell(
        kind=kind,
        source=printable(source[:SOURCE_CHARACTERS_MAX]),
        outputs=[printable(text[:OUTPUT_CHARACTERS_MAX]) for text in texts],
        images=images,
    )
    return made, cut


def _output(said: dict[str, Any]) -> tuple[str, str]:
    """Text and picture of an output; either may be empty."""
    match said.get("output_type"):
        case "stream":
            return _joined(said.get("text")), ""
        case "error":
            lines = said.get("traceback")
            lines = lines if isinstance(lines, list) else []
            ends = f"{said.get('ename', '')}: {said.get('evalue', '')}"
            return "\n".join(map(str, lines)) or ends, ""
        case _:
            data = said.get("data")
            data = data if isinstance(data, dict) else {}
            return _joined(data.get("text/plain")), _picture(data)


def _picture(data: dict[str, Any]) -> str:
    """A picture that is what it says, as an address that needs no request."""
    for media_type in _PICTURES:
        text = _joined(data.get(media_type))
        if not text:
            continue
        try:
            content = base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            continue
        if image_type(content) == media_type:
            return data_url(media_type, content)
    return ""


def _joined(said: Any) -> str:
    if isinstance(said, list):
        return "".join(one for one in said if isinstance(one, str))
    return said if isinstance(said, str) else ""
