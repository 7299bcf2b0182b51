"""A notebook as a plain Python script that runs where IPython is not.

Each `%%track` cell becomes a `with jupyter_mltrack.track(...)` block around the cell's own lines.
A cell with top-level `await` becomes a coroutine that binds its names in the script. Nothing is
dropped silently: what a script cannot do stands there as a comment with a note.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import symtable
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.exporting import headers, magics
from jupyter_mltrack.exporting.indenting import indented, parsed

PARAMETERS = frozenset({"parameters", "injected-parameters"})
"""Tags of cells whose values are the notebook's own parameters."""
_TOP_LEVEL_AWAIT = 0x2000
_RUNNER = "runner"
_RUN = "_run"
_SAYS_NOTHING = re.compile(r"print|display|log|set_|plot|show|save|fit|append|update|close|end_")
"""How functions begin that give no number back."""


class Part(NamedTuple):
    """Lines of a cell, and the header that tracks them, if one does."""

    text: str
    header: str | None = None


class Script:
    """A script that is being made, cell by cell.

    Args:
        title: what it is made from; stands in its first line.
        literals: whether literal assignments become parameters where a header says nothing.
        last_value: whether numbers that a cell ends with become metrics.
    """

    def __init__(self, title: str, *, literals: bool = True, last_value: bool = True) -> None:
        self._title = title
        self._literals = literals
        self._last_value = last_value
        self._pieces: list[str] = []
        self._settings: dict[str, object] = {}
        self._parameters: list[str] = []
        self._futures: list[str] = []
        self._names: set[str] = set()
        """Names that the cells read."""
        self._cells = 0

    # ---------------------------------------------------------------------------- cells

    def add_text(self, text: str, kind: str = "markdown") -> None:
        """Add a cell that is no code, as comments."""
        lines = [f"# {line}".rstrip() for line in text.splitlines()]
        self._pieces.append("\n".join([f"# %% [{kind}]", *lines]) + "\n")

    def add_code(self, source: str, tags: Sequence[str] = ()) -> None:
        """Add a cell of code."""
        self._cells += 1
        shown = " ".join(["# %%", *(f'tags=["{tag}"]' for tag in tags if tag in PARAMETERS)])
        try:
            text = magics.as_python(source)
            tree = parsed(text)
            made = "".join(self._part(part) for part in _parts(text, tree))
        except (SyntaxError, ValueError, RecursionError, MemoryError, UsageError) as error:
            lines = [f"# {line}".rstrip() for line in source.splitlines()]
            made = "\n".join([f"# This cell cannot run: {_one_line(error)}", *lines]) + "\n"
            self._pieces.append(f"{shown}\n{made}")
            return
        self._note_names(made)
        if PARAMETERS & set(tags):
            from jupyter_mltrack.tracking.params import literal_params

            found = [name for name in literal_params(text) if name not in self._parameters]
            self._parameters += found
        self._pieces.append(f"{shown}\n{made}")

    def text(self) -> str:
        """The whole script."""
        blocks = [self._head(), *self._pieces]
        if self._uses(_RUNNER):
            blocks.append(f"{_RUNNER}.close()\n")
        return "\n".join(block.rstrip("\n") + "\n" for block in blocks if block.strip())

    # ---------------------------------------------------------------------------- parts

    def _part(self, part: Part) -> str:
        text = self._without_futures(magics.without_magics(part.text, self._settings))
        waits = _waits(text)
        if part.header is None:
            return self._coroutine(text, text) if waits else text.rstrip("\n") + "\n"
        text, value = _with_last_value(text, self._settings.get("last_value", self._last_value))
        call, notes = headers.call_of(
            part.header, self._settings, self._parameters, value, literals=self._literals
        )
        lines = [f"# {note}\n" for note in notes]
        given = f" as {_RUN}" if f"{_RUN}.last_value(" in text else ""
        block = "".join([*lines, f"with {call}{given}:\n", indented(text)])
        return self._coroutine(block, text) if waits else block

    def _coroutine(self, block: str, body: str) -> str:
        """The block as a function that waits; the names that it binds are those of the script."""
        name = f"cell_{self._cells}"
        bound, annotated = _bound(body)
        shared = [one for one in bound if one not in annotated]
        lines = [f"async def {name}():\n"]
        if shared:
            lines.append(f"    global {', '.join(shared)}\n")
        lines.append(indented(block))
        if annotated:
            given = ", ".join(f"{one}={one}" for one in annotated)
            lines.append(f"    globals().update({given})\n")
        return "".join([*lines, f"\n\n{_RUNNER}.run({name}())\n"])

    def _without_futures(self, text: str) -> str:
        """Imports from `__future__` may stand at the top of a file only."""
        lines = text.splitlines(keepends=True)
        for node in parsed(text).body:
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                first, last = node.lineno - 1, node.end_lineno or node.lineno
                self._futures.append("".join(lines[first:last]).rstrip())
                lines[first:last] = ["# (the import from __future__ stands at the top)\n"] + [
                    "\n"
                ] * (last - first - 1)
        return "".join(lines)

    # ----------------------------------------------------------------------------- head

    def _head(self) -> str:
        lines = [f"# {self._title}", "# Each cell stands below its # %% line."]
        lines += dict.fromkeys(self._futures)
        imports = []
        if self._uses(_RUNNER):
            imports.append("import asyncio")
        if self._uses("jupyter_mltrack.track("):
            imports.append("import jupyter_mltrack")
        if self._uses(f"print({magics.ANSWER}("):
            imports.append(f"from jupyter_mltrack.verbs.door import answer as {magics.ANSWER}")
        if imports:
            lines += ["", *imports]
        if self._uses(_RUNNER):
            lines += ["", f"{_RUNNER} = asyncio.Runner()"]
        if "display" in self._names:
            lines += ["", "", "def display(*values, **options):", "    print(*values)"]
        return "\n".join(lines) + "\n"

    def _uses(self, words: str) -> bool:
        words = f"{words}.run(" if words == _RUNNER else words
        return any(words in piece for piece in self._pieces)

    def _note_names(self, made: str) -> None:
        self._names |= {
            node.id
            for node in ast.walk(ast.parse(made))
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        }


def script_of(notebook: Any, title: str, *, literals: bool = True, last_value: bool = True) -> str:
    """The notebook as a script.

    Args:
        notebook: a notebook of nbformat 4.
        title: its first line.
        literals: as in `Script`.
        last_value: as in `Script`.

    Raises:
        UsageError: it is no notebook of Python.
    """
    language = _language(notebook)
    if language not in ("python", "ipython", ""):
        raise UsageError(
            f"The notebook is written in {language}, not in Python.",
            "Export it with its own exporter: jupyter nbconvert --to script",
        )
    script = Script(title, literals=literals, last_value=last_value)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            if cell.source.strip():
                script.add_code(cell.source, cell.metadata.get("tags", ()))
        elif cell.source.strip():
            script.add_text(cell.source, cell.cell_type)
    return script.text()


def hides_a_module(name: str) -> bool:
    """Whether a script of this name would be imported in place of a module that is installed."""
    if not name.isidentifier():
        return False
    if name in sys.stdlib_module_names:
        return True
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    places = (
        [] if found is None else [found.origin or "", *(found.submodule_search_locations or [])]
    )
    return any("-packages" in place for place in places)


def _language(notebook: Any) -> str:
    about = notebook.metadata
    named = about.get("language_info", {}).get("name") or about.get("kernelspec", {}).get(
        "language", ""
    )
    return str(named).lower()


def _parts(text: str, tree: ast.Module) -> Iterator[Part]:
    """The lines above a header and those that it tracks."""
    lines = text.splitlines(keepends=True)
    for statement in tree.body:
        said = magics.said_by(statement)
        if said is None or said.name != "track" or not isinstance(statement, ast.Expr):
            continue
        above = "".join(lines[: statement.lineno - 1])
        if above.strip():
            yield Part(above)
        if said.method == "run_cell_magic":
            yield Part(magics.as_python(said.body), said.rest)
        else:
            below = "".join(lines[statement.end_lineno or statement.lineno :])
            yield Part(below.lstrip("\n"), said.rest)
        return
    yield Part(text)


def _with_last_value(text: str, wanted: object) -> tuple[str, str]:
    """The lines, and the expression for the numbers that they end with; empty without one.

    What computes nothing is read again at the block's end; a call is made once, where it stands.
    """
    body = parsed(text).body
    last = body[-1] if body else None
    if not wanted or not isinstance(last, ast.Expr) or text.rstrip().endswith(";"):
        return text, ""
    node = last.value
    inner = list(ast.walk(node))
    if not any(isinstance(one, ast.Name) for one in inner):
        return text, ast.unparse(node) if _says_numbers(node) else ""
    if not any(isinstance(one, _COMPUTES) for one in inner):
        return text, ast.unparse(node)
    called = node.value if isinstance(node, ast.Await) else node
    if isinstance(called, ast.Call) and isinstance(called.func, ast.Name | ast.Attribute):
        name = called.func.id if isinstance(called.func, ast.Name) else called.func.attr
        if _SAYS_NOTHING.match(name):
            return text, ""
    lines = text.splitlines(keepends=True)
    first = last.lineno - 1
    if lines[first][: last.col_offset].strip():
        return text, ""  # behind another statement on its line
    said = ast.get_source_segment(text, node) or ast.unparse(node)
    named = magics.quoted(ast.unparse(node)) if len(said) < 60 else '"result"'
    below = lines[last.end_lineno or last.lineno :]
    return "".join([*lines[:first], f"{_RUN}.last_value({said}, {named})\n", *below]), ""


def _says_numbers(node: ast.expr) -> bool:
    """Whether a literal is a number, or a dict of numbers."""
    from jupyter_mltrack.tracking.values import metrics_of

    try:
        return bool(metrics_of(ast.literal_eval(node), "result"))
    except (ValueError, TypeError):
        return False


_COMPUTES = (ast.Call, ast.Await, ast.Yield, ast.NamedExpr, ast.ListComp, ast.GeneratorExp)


def _waits(text: str) -> bool:
    code = compile(text, "<cell>", "exec", flags=_TOP_LEVEL_AWAIT, dont_inherit=True)
    return bool(code.co_flags & inspect.CO_COROUTINE)


def _bound(body: str) -> tuple[list[str], list[str]]:
    """Names that the lines bind, and those of them that may not be declared global."""
    table = symtable.symtable(f"async def block():\n{indented(body)}", "<cell>", "exec")
    (block,) = table.get_children()
    bound = [
        one.get_name()
        for one in block.get_symbols()
        if one.is_assigned() or one.is_imported() or one.is_namespace()
    ]
    annotated = {
        node.target.id
        for node in ast.walk(parsed(body))
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    return sorted(bound), sorted(annotated & set(bound))


def _one_line(error: Exception) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error).splitlines()[0]
    return text.rstrip(".") + "."
