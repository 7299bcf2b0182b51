"""Artifacts of a run and how a page shows them."""

from __future__ import annotations

from typing import Literal

from jupyter_mltrack.wire.base import Struct


class ArtifactInfo(Struct, frozen=True):
    """One entry of a run's artifact folder. `path` is relative to the run's artifact root."""

    path: str
    is_dir: bool
    size_bytes: int | None = None


class ArtifactList(Struct, frozen=True):
    """What one folder of a run's artifacts holds."""

    artifacts: list[ArtifactInfo]
    truncated: bool = False
    """True when the folder holds more entries than are listed."""


class ArtifactPreview(Struct, frozen=True):
    """The head of one artifact, in the form that a page shows it. Nothing in it runs."""

    path: str
    kind: Literal[
        "text", "code", "json", "markdown", "table", "image", "notebook", "html", "svg", "binary"
    ]
    size_bytes: int | None = None
    language: str = ""
    """Of code, as CodeMirror names it."""
    text: str = ""
    columns: list[str] = []
    rows: list[list[str]] = []
    """Text of each cell, at most 200 rows."""
    row_count: int | None = None
    data_url: str = ""
    """Of an image (PNG, JPEG, GIF, WebP) up to 5 MB: `data:` with base64."""
    cells: list[NotebookCell] = []
    truncated: bool = False
    """True when there is more than is shown: it can be downloaded."""


class NotebookCell(Struct, frozen=True):
    """One cell of a notebook, without what would run or be fetched."""

    kind: Literal["code", "markdown", "raw"]
    source: str
    outputs: list[str] = []
    """Plain text of its outputs."""
    images: list[str] = []
    """`data:` of its pictures, PNG and JPEG only."""
