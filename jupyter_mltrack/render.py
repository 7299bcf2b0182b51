"""Tables and lines that a cell or a terminal shows, each as `text/plain` and as `text/html`.

The HTML stands alone: no script, no network, colours only from JupyterLab's variables with a
fallback. Every text that came from elsewhere is cleaned of control and direction characters and
escaped; it can never become markup.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from html import escape
from typing import NamedTuple

from jupyter_mltrack.display_text import clean, shorten, width

CELL_WIDTH = 48
VALUE_WIDTH = 400
_TABLE = "border-collapse:collapse;font-family:var(--jp-code-font-family,monospace);font-size:0.9em"
_MUTED = "color:var(--jp-ui-font-color2,#666)"
_MAGIC = "%mltrack"
_door: ContextVar[str] = ContextVar("door", default=_MAGIC)


@contextlib.contextmanager
def told_at(door: str) -> Iterator[None]:
    """Have notes name commands as they are typed at this door, `jupyter mltrack` for example."""
    token = _door.set(door)
    try:
        yield
    finally:
        _door.reset(token)


class View(NamedTuple):
    """One output in both forms."""

    plain: str
    html: str

    def bundle(self) -> dict[str, str]:
        """The output as a display message takes it."""
        return {"text/plain": self.plain, "text/html": self.html}

    def __add__(self, other: object) -> View:
        if not isinstance(other, View):
            return NotImplemented
        return View(f"{self.plain}\n{other.plain}", self.html + other.html)


class Column(NamedTuple):
    """Head of a column; numbers stand to the right."""

    title: str
    right: bool = False


def line(*parts: str, mark: str = "") -> View:
    """One line; parts that are empty are left out."""
    shown = [clean(part) for part in parts if part]
    plain = " · ".join(shown)
    html = " · ".join(escape(part) for part in shown)
    if mark:
        plain, html = f"{mark} {plain}", f"{escape(mark)} {html}"
    return View(
        plain, f'<div style="font-family:var(--jp-code-font-family,monospace)">{html}</div>'
    )


def note(text: str) -> View:
    """A line that explains, in a quieter colour; `%mltrack` in it is said as the door has it."""
    cleaned = clean(text).replace(_MAGIC, _door.get())
    return View(cleaned, f'<div style="{_MUTED}">{escape(cleaned)}</div>')


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    left_out: str = "",
    cell_width: int = CELL_WIDTH,
) -> View:
    """Rows under their heads, aligned; `left_out` says what is not shown."""
    cells = [[clean(text) for text in row] for row in rows]
    short = [[shorten(text, cell_width) for text in row] for row in cells]
    widths = [
        max([width(column.title), *(width(row[at]) for row in short)])
        for at, column in enumerate(columns)
    ]
    heads = [column.title for column in columns]
    lines = [_aligned(heads, widths, columns)]
    lines += [_aligned(row, widths, columns) for row in short]
    plain = "\n".join(lines)
    html = _html_table(columns, cells)
    if left_out:
        plain = f"{plain}\n{clean(left_out)}"
        html += f'<div style="{_MUTED}">{escape(clean(left_out))}</div>'
    return View(plain, html)


def _aligned(texts: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> str:
    parts = []
    for text, wide, column in zip(texts, widths, columns, strict=True):
        space = " " * (wide - width(text))
        parts.append(space + text if column.right else text + space)
    return "  ".join(parts).rstrip()


def _html_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    sides = ["right" if column.right else "left" for column in columns]
    head = "".join(
        f'<th scope="col" style="text-align:{side};padding:2px 8px">{escape(column.title)}</th>'
        for column, side in zip(columns, sides, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td style="text-align:{side};padding:2px 8px">{escape(text)}</td>'
            for text, side in zip(row, sides, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def pairs(title: str, rows: Sequence[tuple[str, str]], left_out: str = "") -> View:
    """Names and values, one pair a line, under a title."""
    return table([Column(title), Column("")], [list(row) for row in rows], left_out, VALUE_WIDTH)
