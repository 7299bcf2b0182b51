"""What stands in a script in place of IPython's words: code that does the same, or a comment.

IPython's own transformer turns a cell into Python, as the kernel would; here the calls that it
wrote for magics and shell commands are taken out again. A magic that runs Python once (`%%time`)
leaves its code, `%mltrack` becomes a call; every other one is kept as a comment with a note.
"""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from jupyter_mltrack.exporting.indenting import parsed

RUNS_ITS_BODY = frozenset({"time", "capture", "prun"})
"""Cell magics whose body runs once, in the notebook's own names."""
ANSWER = "mltrack"
"""What the script calls the door to the verbs."""
RAN_HERE = "ran here"
"""The setting that says that a cell of a job stands above: a script runs it in its own process."""
_SETTINGS = re.compile(r"MLTrack\.(\w+)\s*=\s*(.+)\Z")


class Said(NamedTuple):
    """One call that IPython wrote for a magic or a shell command."""

    node: ast.stmt
    method: str
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the magic; empty for a shell command."""
        return self.words[0] if self.method.endswith("_magic") else ""

    @property
    def rest(self) -> str:
        """What follows the magic's name on its line."""
        return self.words[1] if len(self.words) > 1 else ""

    @property
    def body(self) -> str:
        """The lines below a cell magic."""
        return self.words[2] if self.method == "run_cell_magic" else ""


def as_python(source: str) -> str:
    """The cell as the kernel would run it, its magics turned into calls."""
    from IPython.core.inputtransformer2 import TransformerManager

    from jupyter_mltrack.notebook.transform import rewrite_header

    manager = TransformerManager()
    manager.cleanup_transforms.append(rewrite_header)
    text: str = manager.transform_cell(source)
    return text


def said_in(statements: list[ast.stmt]) -> list[Said]:
    """The calls for magics and shell commands, in their order, those in blocks too."""
    found = []
    for statement in statements:
        for node in ast.walk(statement):
            one = said_by(node)
            if one is not None:
                found.append(one)
    return sorted(found, key=lambda one: one.node.lineno)


def said_by(node: ast.AST) -> Said | None:
    """The call that this statement is, if IPython wrote it."""
    if not isinstance(node, ast.Expr | ast.Assign):
        return None
    call = node.value
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return None
    shell, method = call.func.value, call.func.attr
    is_shell = (
        isinstance(shell, ast.Call)
        and isinstance(shell.func, ast.Name)
        and shell.func.id == "get_ipython"
    )
    words = tuple(
        one.value for one in call.args if isinstance(one, ast.Constant) and type(one.value) is str
    )
    known = {"run_line_magic": 2, "run_cell_magic": 3, "system": 1, "getoutput": 1}
    if not is_shell or known.get(method) != len(words) or len(words) != len(call.args):
        return None
    return Said(node, method, words)


def replacement(said: Said, settings: dict[str, object]) -> list[str]:
    """Lines for a script in place of a magic; they begin at the left.

    Args:
        said: the magic.
        settings: takes what `%config MLTrack` sets, for the headers that follow; `RAN_HERE` too.
    """
    plain_call = isinstance(said.node, ast.Expr)
    if said.method == "run_line_magic" and plain_call:
        if said.name == "mltrack" and not _has_no_use(said.rest, settings):
            return [f"print({ANSWER}({text_of(said.rest)}, globals()).plain)"]
        if said.name == "time" and _is_python(said.rest):
            return ["# %time", *said.rest.splitlines()]
        if said.name == "config":
            _take_setting(said.rest, settings)
    if said.name in RUNS_ITS_BODY and said.method == "run_cell_magic":
        text = as_python(said.body)
        if _is_python(text):
            head = f"# %%{said.name} {said.rest}".rstrip()
            return [head, *without_magics(text, settings).splitlines()]
    lines = [f"# {line}".rstrip() for line in _as_typed(said).splitlines()]
    return [f"{lines[0]}  {_note(said)}", *lines[1:]]


def without_magics(text: str, settings: dict[str, object]) -> str:
    """Python of a cell with its magics replaced; other lines stay as they are."""
    lines = text.splitlines(keepends=True)
    for said in reversed(said_in(parsed(text).body)):
        first, last = said.node.lineno - 1, said.node.end_lineno or said.node.lineno
        margin = " " * said.node.col_offset
        made = replacement(said, settings)
        if margin and all(line.startswith("#") for line in made):
            made.append("pass")
        lines[first:last] = [f"{margin}{line}\n" if line else "\n" for line in made]
    return "".join(lines)


def quoted(text: str) -> str:
    """A literal of the text, in double quotes where that needs no escape."""
    plain = text.isprintable() and not set(text) & {'"', "\\"}
    return f'"{text}"' if plain else repr(text)


def text_of(text: str) -> str:
    """A literal of the text, in which IPython would have put variables in place of `{name}`."""
    if "{" in text or "$" in text:
        opened = re.sub(r"\$\$|\$([A-Za-z_]\w*)", _opened, text)
        literal = f"f{quoted(opened)}"
        try:
            value = ast.parse(literal, mode="eval").body
        except (SyntaxError, ValueError):
            return quoted(text)
        if isinstance(value, ast.JoinedStr) and any(
            isinstance(part, ast.FormattedValue) for part in value.values
        ):
            return literal
    return quoted(text)


def _opened(found: re.Match[str]) -> str:
    return "{" + found[1] + "}" if found[1] else "$"


def _is_python(text: str) -> bool:
    try:
        parsed(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _has_no_use(words: str, settings: dict[str, object]) -> bool:
    """Whether the words are for notebooks only, or for a job where the script has none."""
    from jupyter_mltrack.verbs import VERBS

    verb = words.split(maxsplit=1)[0] if words.strip() else "status"
    if verb == "jobs" and RAN_HERE in settings:
        return True
    return any(one.name == verb and one.notebook_only for one in VERBS)


def _take_setting(words: str, settings: dict[str, object]) -> None:
    found = _SETTINGS.match(words.strip())
    if found is not None:
        try:
            settings[found[1]] = ast.literal_eval(found[2])
        except (ValueError, SyntaxError):
            return  # computed: the header keeps what it says itself


def _as_typed(said: Said) -> str:
    """The magic as a person writes it."""
    target = ""
    if isinstance(said.node, ast.Assign):
        target = f"{', '.join(map(ast.unparse, said.node.targets))} = "
    if said.method in ("system", "getoutput"):
        return f"{target}!{said.words[0]}"
    if said.method == "run_cell_magic":
        return f"%%{said.name} {said.rest}".rstrip() + "\n" + said.body.rstrip("\n")
    if said.name in ("pinfo", "pinfo2"):
        return said.rest + ("?" if said.name == "pinfo" else "??")
    return f"{target}%{said.name} {said.rest}".rstrip()


def _note(said: Said) -> str:
    if said.name in ("load_ext", "reload_ext") and said.rest.strip() == "jupyter_mltrack":
        return "(a script needs no extension)"
    if said.name == "config" and said.rest.strip().startswith("MLTrack"):
        return "(the blocks below say it themselves)"
    if said.name == "mltrack" and said.rest.split()[:1] == ["auto"]:
        return "(a script tracks what stands in a `with jupyter_mltrack.track(...)` block)"
    if said.name == "mltrack" and said.rest.split()[:1] == ["jobs"]:
        return "(there is no job: its cell ran in this process, and its names are here)"
    if said.method == "run_cell_magic":
        return "(a cell magic: left out, it needs IPython)"
    if said.method in ("system", "getoutput"):
        return "(a shell command: left out, it needs IPython)"
    return "(left out, it needs IPython)"
