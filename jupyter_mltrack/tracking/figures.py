"""Figures, images, tables and other rich outputs of a cell, as files with names that can be read.

A file is named after the title of what it shows, where that has one. What the cell clears is
taken away again, and what it updates is written anew, so that the files are what the notebook
shows. Text among them goes through the redactor. What is not kept is said, with the reason.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from jupyter_mltrack.tracking.cells import redact_long
from jupyter_mltrack.tracking.redaction import redact

FIGURES_MAX = 200
FIGURE_BYTES_MAX = 25 << 20
ALL_BYTES_MAX = 200 << 20
_STEM_CHARACTERS = 60
_PICTURES = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
}
_CHARTS = re.compile(r"application/vnd\.(plotly|vegalite|vega|bokehjs_exec)(?:\.v\d+)?\+json")
_TEXTS = {
    "text/html": "html",
    "text/markdown": "md",
    "text/latex": "tex",
    "application/json": "json",
}
_WIDGET = "application/vnd.jupyter.widget-view+json"
_FIGURE = "<Figure size"
"""How matplotlib's figures begin as text."""
_PAGE = '<!doctype html>\n<meta charset="utf-8">\n'


class Display(NamedTuple):
    """One output as it went to the notebook; `bundle` is None where the cell cleared its output."""

    bundle: Mapping[str, Any] | None
    title: str = ""
    display_id: str = ""
    is_update: bool = False

    def size(self) -> int:
        """Roughly how much memory it takes."""
        values = (self.bundle or {}).values()
        return sum(len(value) for value in values if isinstance(value, str | bytes))


class _Item:
    """One output and its files: name -> content; None once they are written."""

    def __init__(self, display: Display, stem: str) -> None:
        self.display_id = display.display_id
        self.stem = stem
        self.names: list[str] = []
        self.fresh: dict[str, bytes] = {}


class Gallery:
    """The rich outputs of one run."""

    def __init__(self) -> None:
        self._items: list[_Item] = []
        self._numbers: dict[str, int] = {}
        self._stale: set[str] = set()
        self._sizes: dict[str, int] = {}
        self.left_out: dict[str, int] = {}
        """Why something was not kept -> how many were not."""

    def take(self, display: Display) -> None:
        """One more output, an update of one, or the clearing of all."""
        bundle = display.bundle
        if bundle is None:
            for item in self._items:
                self._stale.update(item.names)
            self._items, self._numbers = [], {}
            return
        if _WIDGET in bundle:
            return
        if _is_undrawn(bundle):
            self._leave_out("a figure that could not be drawn")
            return
        if display.is_update:
            shown = [one for one in self._items if one.display_id == display.display_id]
            for item in shown:
                self._fill(item, bundle)
            return
        forms = _forms_of(bundle)
        if not forms:
            return
        if len(self._items) >= FIGURES_MAX:
            self._leave_out(f"a figure beyond the first {FIGURES_MAX}")
            return
        item = _Item(display, self._stem(display, bundle, forms))
        self._items.append(item)
        self._fill(item, bundle)

    def files(self) -> tuple[dict[str, bytes], list[str]]:
        """What has to be written now, and the names of what has to go."""
        fresh: dict[str, bytes] = {}
        for item in self._items:
            fresh |= item.fresh
            item.fresh = {}
        gone = sorted(self._stale - {name for item in self._items for name in item.names})
        self._stale = set()
        for name in gone:
            self._sizes.pop(name, None)
        return fresh, gone

    def _fill(self, item: _Item, bundle: Mapping[str, Any]) -> None:
        names: list[str] = []
        for mime, suffix in _forms_of(bundle).items():
            content = _content(mime, bundle[mime])
            name = f"{item.stem}.{suffix}"
            if content is None:
                self._leave_out("an output that is not what it says")
                continue
            others = sum(size for other, size in self._sizes.items() if other != name)
            if len(content) > FIGURE_BYTES_MAX or others + len(content) > ALL_BYTES_MAX:
                limit = FIGURE_BYTES_MAX if len(content) > FIGURE_BYTES_MAX else ALL_BYTES_MAX
                self._leave_out(f"a figure beyond the limit of {limit >> 20} MB")
                continue
            self._sizes[name] = len(content)
            item.fresh[name] = content
            names.append(name)
        self._stale.update(set(item.names) - set(names))
        item.names = names

    def _stem(self, display: Display, bundle: Mapping[str, Any], forms: dict[str, str]) -> str:
        """The name of the files, without what their kind adds."""
        slug = _slug(redact(display.title or _title_in(bundle)))
        kind = slug or _kind(bundle, forms)
        number = self._numbers[kind] = self._numbers.get(kind, 0) + 1
        return slug if slug and number == 1 else f"{kind}-{number}"

    def _leave_out(self, why: str) -> None:
        self.left_out[why] = self.left_out.get(why, 0) + 1


def _is_undrawn(bundle: Mapping[str, Any]) -> bool:
    return str(bundle.get("text/plain", "")).startswith(_FIGURE) and not _forms_of(bundle)


def _forms_of(bundle: Mapping[str, Any]) -> dict[str, str]:
    """The forms of an output that are kept, each with the end of its file's name."""
    forms = dict([(mime, end) for mime, end in _PICTURES.items() if mime in bundle][:1])
    if "image/svg+xml" in bundle:
        forms["image/svg+xml"] = "svg"
    for mime in bundle:
        chart = _CHARTS.fullmatch(mime)
        if chart is not None:
            forms[mime] = f"{chart[1]}.json"
    if not any(mime in forms for mime in (*_PICTURES, "image/svg+xml")):
        forms |= {mime: end for mime, end in _TEXTS.items() if mime in bundle}
    return forms


def _content(mime: str, value: Any) -> bytes | None:
    """What the file holds; None where the value is damaged."""
    import json

    if mime in _PICTURES:
        if isinstance(value, bytes):
            return value
        try:
            return base64.b64decode("".join(value.split()), validate=True)
        except (binascii.Error, AttributeError, TypeError, ValueError):
            return None
    if not isinstance(value, str):
        try:
            value = json.dumps(value, default=str)
        except (TypeError, ValueError, RecursionError):
            return None
    text = redact_long(value)
    if mime == "text/html" and "<html" not in text[:2_000].lower():
        text = _PAGE + text
    return text.encode("utf-8", "backslashreplace")


def _kind(bundle: Mapping[str, Any], forms: dict[str, str]) -> str:
    if str(bundle.get("text/plain", "")).startswith(_FIGURE):
        return "figure"
    if any(mime in forms for mime in (*_PICTURES, "image/svg+xml")):
        return "image"
    if any(_CHARTS.fullmatch(mime) for mime in forms):
        return "chart"
    html = bundle.get("text/html")
    return "table" if isinstance(html, str) and "<table" in html[:5_000] else "output"


def _title_in(bundle: Mapping[str, Any]) -> str:
    """The title that a chart of plotly or Vega states."""
    for mime, value in bundle.items():
        if _CHARTS.fullmatch(mime) and isinstance(value, Mapping):
            within = value.get("layout")
            title = (within if isinstance(within, Mapping) else value).get("title")
            if isinstance(title, Mapping):
                title = title.get("text")
            if isinstance(title, str):
                return title
    return ""


def _slug(title: str) -> str:
    """A title as the name of a file; of other scripts than Latin the letters stay."""
    words = re.findall(r"[^\W_]+(?:\.\d+)?", re.sub(r"<[^>]*>|\$", " ", title.lower()))
    return "-".join(words)[:_STEM_CHARACTERS].strip("-.")
