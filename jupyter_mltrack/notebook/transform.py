"""Turn the header `%%track ...` into a first line, so that the cell stays an ordinary cell.

A cell magic that runs its body itself breaks top-level `await` and shifts the lines of a
traceback. So the header becomes one call, on the same line, and the body follows as it was
typed. The functions here are pure: text in, text out, nothing of IPython's state is touched.
"""

from __future__ import annotations

import re

_HEADER = re.compile(r"%%track(?=[ \t\r\n]|$)")
_ELSEWHERE = re.compile(r"(?:^|\s)--on(?=[\s=]|$)")
_CELL_MAGIC = re.compile(r"%%(?!track(?:[ \t\r\n]|$))\w+(?!\w*\?)")


def is_tracked(cell: str) -> bool:
    """Whether the text begins with a `%%track` header (`%%track?` asks for help and is none)."""
    return _HEADER.match(cell.lstrip()) is not None


def split_header(cell: str) -> tuple[str, str]:
    """The header's arguments and the body of a cell that `is_tracked`."""
    lines = cell.lstrip().splitlines(keepends=True)
    arguments, used = _joined_header(lines)
    return arguments, "".join(lines[used:])


def rewrite_header(lines: list[str]) -> list[str]:
    """A cleanup transform of IPython: `%%track ARGS` becomes the call of the line magic `track`.

    Each line of the body keeps its number, also when the header is continued with backslashes.
    Another cell magic right under the header (`%%time`) gets the rest of the cell.
    """
    if not lines or not _HEADER.match(lines[0]):
        return lines
    arguments, used = _joined_header(lines)
    if _ELSEWHERE.search(arguments):  # the body does not run here: it goes to the magic as text
        body = "\n" * (used - 1) + "".join(lines[used:])
        return [f"get_ipython().run_cell_magic('track', {arguments!r}, {body!r})\n"]
    head = [f"get_ipython().run_line_magic('track', {arguments!r})\n", *["\n"] * (used - 1)]
    return head + _inner_magic(lines[used:])


# IPython asks the transforms without side effects whether a cell typed at a prompt is complete.
# With the header rewritten it would take `%%track` alone for complete and run it without a body.
rewrite_header.has_side_effects = True  # type: ignore[attr-defined]


def _joined_header(lines: list[str]) -> tuple[str, int]:
    """Arguments of the header and how many lines it takes."""
    parts: list[str] = []
    used = 0
    for line in lines:
        used += 1
        text = line.rstrip()
        if text.endswith("\\") and used < len(lines):
            parts.append(text[:-1].strip())
            continue
        parts.append(text.strip())
        break
    return " ".join(parts)[len("%%track") :].strip(), used


def _inner_magic(body: list[str]) -> list[str]:
    """The body, with a cell magic on its first line that is not empty turned into its call."""
    for index, line in enumerate(body):
        if not line.strip():
            continue
        if _HEADER.match(line):
            return body[:index] + rewrite_header(body[index:])
        if _CELL_MAGIC.match(line):
            name, _, arguments = line[2:].rstrip().partition(" ")
            rest = "".join(body[index + 1 :])
            call = f"get_ipython().run_cell_magic({name!r}, {arguments!r}, {rest!r})\n"
            return [*body[:index], call]
        break
    return body
