"""What a page shows of one artifact: its head as text, table, picture or notebook.

Whatever an artifact claims to be, nothing in it runs here and little of it is read: pictures are
known by their first bytes and not by their names, HTML and SVG stay text, archives stay closed,
and pickles are binary like everything else that is not understood.
"""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Protocol

from jupyter_mltrack import wire
from jupyter_mltrack.server import preview_notebook, preview_tables
from jupyter_mltrack.server.preview_text import data_url, decoded, image_type, printable

HEAD_BYTES_MAX = 1 << 20
TEXT_CHARACTERS_MAX = 256 << 10
WHOLE_BYTES_MAX = 5 << 20
"""Of what is shown whole or not at all: a picture, a notebook, a table that comes from afar."""
_LANGUAGES = {
    ".bash": "shell", ".c": "c", ".cc": "c++", ".cfg": "properties files", ".cpp": "c++",
    ".cs": "c#", ".css": "css", ".dockerfile": "dockerfile", ".go": "go", ".h": "c",
    ".hpp": "c++", ".ini": "properties files", ".java": "java", ".jl": "julia",
    ".js": "javascript", ".jsx": "jsx", ".kt": "kotlin", ".lua": "lua", ".mjs": "javascript",
    ".pl": "perl", ".properties": "properties files", ".py": "python", ".pyi": "python",
    ".r": "r", ".rb": "ruby", ".rs": "rust", ".scala": "scala", ".sh": "shell", ".sql": "sql",
    ".swift": "swift", ".tex": "latex", ".toml": "toml", ".ts": "typescript", ".tsx": "tsx",
    ".xml": "xml", ".yaml": "yaml", ".yml": "yaml", ".zsh": "shell",
}  # fmt: skip
_NAMED = {"mlmodel": "yaml", "mlproject": "yaml", "dockerfile": "dockerfile"}
_TABLES = {".csv": ",", ".tsv": "\t"}
_JSON_LINES = {".jsonl", ".ndjson"}
_HTML = {".html", ".htm", ".xhtml"}
_MARKDOWN = {".md", ".markdown"}


class Source(Protocol):
    """An artifact that can be looked into; `size_bytes` is None when nobody says."""

    @property
    def path(self) -> str:
        """Below the run's artifact root."""

    @property
    def size_bytes(self) -> int | None:
        """Of the whole artifact."""

    def head(self, limit: int) -> bytes:
        """Its first bytes, at most `limit`."""

    def seekable(self, limit: int) -> BinaryIO | None:
        """The artifact as a file to jump about in; None when that would bring over `limit`."""


def preview(source: Source) -> wire.ArtifactPreview:
    """The head of an artifact in the form that a page shows it."""
    data = source.head(HEAD_BYTES_MAX)
    size = source.size_bytes
    whole = len(data) < HEAD_BYTES_MAX if size is None else size <= len(data)
    made = wire.ArtifactPreview(path=source.path, kind="binary", size_bytes=size)
    media_type = image_type(data)
    if media_type:
        return _image(made, source, media_type)
    name = PurePosixPath(source.path).name.lower()
    ending = PurePosixPath(name).suffix
    if ending == ".parquet":
        return preview_tables.parquet(made, source.seekable(WHOLE_BYTES_MAX))
    if ending == ".ipynb":
        whole_data = source.head(WHOLE_BYTES_MAX + 1)
        if len(whole_data) <= WHOLE_BYTES_MAX:
            cells = preview_notebook.cells(whole_data)
            if cells is not None:
                return _with(made, kind="notebook", cells=cells[0], truncated=cells[1])
    text = decoded(data)
    if text is None:
        return made
    if whole:
        return _of_text(made, name, ending, text, whole=True)
    return _of_text(made, name, ending, text.rstrip("\ufffd"), whole=False)


def _of_text(
    made: wire.ArtifactPreview, name: str, ending: str, text: str, *, whole: bool
) -> wire.ArtifactPreview:
    if ending in _HTML or ending == ".svg":
        kind = "svg" if ending == ".svg" else "html"
        return _with(made, kind=kind, text=text, truncated=not whole)
    table = None
    if ending in _TABLES:
        table = preview_tables.separated(text, _TABLES[ending], whole=whole)
    elif ending in _JSON_LINES:
        table = preview_tables.json_lines(text, whole=whole)
    elif ending == ".json" and whole:
        said = _parsed(text)
        table = preview_tables.split_json(said)
        if table is None and said is not None:
            text = indented(text)
    if table is not None:
        return preview_tables.filled(made, table)
    shown = printable(text)
    cut = len(shown) > TEXT_CHARACTERS_MAX or not whole
    language = _NAMED.get(name) or _LANGUAGES.get(ending, "")
    kind = "code" if language else "text"
    if ending in _MARKDOWN:
        kind = "markdown"
    elif ending == ".json":
        kind, language = "json", "json"
    shown = shown[:TEXT_CHARACTERS_MAX]
    return _with(made, kind=kind, language=language, text=shown, truncated=cut)


def _image(made: wire.ArtifactPreview, source: Source, media_type: str) -> wire.ArtifactPreview:
    data = source.head(WHOLE_BYTES_MAX + 1)
    if len(data) > WHOLE_BYTES_MAX:
        return _with(made, truncated=True)
    return _with(made, kind="image", data_url=data_url(media_type, data))


def _parsed(text: str) -> Any:
    """The value of JSON; None also for text that is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')
_LINE_CHARACTERS = 200


def indented(text: str) -> str:
    """JSON on lines of their own; numbers and texts stay as they were written.

    What has lines already is left as it is.
    """
    if len(text) < _LINE_CHARACTERS or text.count("\n") * _LINE_CHARACTERS > len(text):
        return text
    made: list[str] = []
    depth = length = 0
    for found in _TOKEN.finditer(text):
        sign = found[0]
        if sign in "]}":
            depth -= 1
        if made and (sign in "]}" or made[-1] in "[{,") and made[-1] + sign not in ("[]", "{}"):
            made.append("\n" + "  " * depth)
        made.append(sign if sign != ":" else ": ")
        if sign in "[{":
            depth += 1
        length += len(sign)
        if length > TEXT_CHARACTERS_MAX:
            break
    return "".join(made)


def _with(made: wire.ArtifactPreview, **fields: Any) -> wire.ArtifactPreview:
    import msgspec

    return msgspec.structs.replace(made, **fields)


class BytesSource:
    """An artifact that is at hand as bytes."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.size_bytes: int | None = len(data)
        self._data = data

    def head(self, limit: int) -> bytes:
        """Its first bytes."""
        return self._data[:limit]

    def seekable(self, limit: int) -> BinaryIO | None:
        """All of it."""
        return BytesIO(self._data) if len(self._data) <= limit else None
