"""Parameters of a notebook, as papermill knows them: a tagged cell, and one put in below it."""

from __future__ import annotations

import ast
import keyword
from collections.abc import Iterable, Mapping
from typing import Any

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import UsageError

DEFAULTS = "parameters"
GIVEN = "injected-parameters"
FIRST_LINE = "# Parameters"
_WORDS = {"true": True, "false": False, "none": None, "null": None}


def read(said: Iterable[str] | Mapping[str, Any]) -> dict[str, Any]:
    """Values by name; words as they are typed (`lr=0.1`) are read as Python's literals.

    Raises:
        UsageError: one has no name, or none that a variable can have.
    """
    pairs = dict(said) if isinstance(said, Mapping) else dict(map(_pair, said))
    for name in pairs:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise UsageError(
                f"A parameter cannot be called {clean(name)!r}.", "Write it like -p lr=0.1"
            )
    return pairs


def of_words(words: Iterable[str]) -> dict[str, Any]:
    """Values from the words of a command: `-p lr=0.1 -p epochs=20`.

    Raises:
        UsageError: there is another word, or one has no value.
    """
    rest, pairs = iter(words), []
    for word in rest:
        flag, equals, joined = word.partition("=")
        if flag == "--param" and equals:
            pairs.append(joined)
        elif word in ("-p", "--param"):
            pairs.append(next(rest, ""))
        else:
            raise UsageError(
                f"{clean(word)!r} is no parameter of a notebook.", "Write it like -p lr=0.1"
            )
    return read(pairs)


def _pair(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"-p {clean(text)!r} has no value.", "Write it like -p lr=0.1")
    return name.strip(), _value(value.strip())


def _value(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def put_in(notebook: Any, values: Mapping[str, Any]) -> str:
    """Put a cell with the values below the notebook's own parameters; returns a note, if any.

    Raises:
        UsageError: the notebook has parameters, and none of this name.
    """
    if not values:
        return ""
    import nbformat.v4

    cells = notebook.cells
    known = _tagged(cells, DEFAULTS)
    if known is not None:
        _refuse_unknown(cells[known].source, values)
    lines = [FIRST_LINE, *(f"{name} = {value!r}" for name, value in values.items())]
    made = nbformat.v4.new_code_cell("\n".join(lines), metadata={"tags": [GIVEN]})
    before = _tagged(cells, GIVEN)
    if before is not None:
        cells[before] = made
    else:
        cells.insert(0 if known is None else known + 1, made)
    if known is None and before is None:
        return "No cell is tagged parameters: the values stand above the first cell."
    return ""


def _tagged(cells: Any, tag: str) -> int | None:
    found = (at for at, cell in enumerate(cells) if tag in cell.metadata.get("tags", ()))
    return next(found, None)


def _refuse_unknown(source: str, values: Mapping[str, Any]) -> None:
    from jupyter_mltrack.verbs.table import nearest

    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # with magics; the kernel says what is wrong with it
    known = [
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    for name in values:
        if name not in known:
            near = nearest(name, known)
            raise UsageError(
                f"The notebook has no parameter {name!r}.",
                (f"Did you mean {near}? " if near else "") + f"It has: {', '.join(known)}.",
            )
