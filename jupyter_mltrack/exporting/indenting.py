"""Python text, indented one level deeper without a change to what it says.

Lines inside a string of several lines must stay where they are, so the tokens say which lines
move; the syntax tree is compared afterwards.
"""

from __future__ import annotations

import ast
import io
import token
import tokenize

INDENT = "    "
_FSTRING_START = getattr(token, "FSTRING_START", -1)
_FSTRING_END = getattr(token, "FSTRING_END", -1)
_TOP_LEVEL_AWAIT = 0x2000
"""`ast.PyCF_ALLOW_TOP_LEVEL_AWAIT`."""


def parsed(source: str) -> ast.Module:
    """The tree of a cell, in which `await` may stand outside of a function.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it is no Python.
    """
    flags = ast.PyCF_ONLY_AST | _TOP_LEVEL_AWAIT
    tree: ast.Module = compile(source, "<cell>", "exec", flags=flags, dont_inherit=True)
    return tree


def is_same(one: ast.AST, other: ast.AST) -> bool:
    """Whether two trees say the same; where they stand in a file does not count."""
    return ast.dump(one) == ast.dump(other)


def indented(source: str) -> str:
    """The source one level deeper; `pass` where it holds no statement.

    Raises:
        SyntaxError: it is no Python.
    """
    tree = parsed(source)
    inside = _lines_inside_strings(source)
    lines = source.splitlines(keepends=True)
    moved = "".join(
        line if number in inside or not line.strip() else INDENT + line
        for number, line in enumerate(lines, 1)
    )
    if not tree.body:
        return f"{moved.rstrip()}\n{INDENT}pass\n".lstrip("\n")
    if not _is_block_of(moved, tree):  # form feeds and the like: its meaning counts, not its look
        moved = "".join(f"{INDENT}{line}\n" for line in ast.unparse(tree).splitlines())
    return moved.rstrip("\n") + "\n"


def _is_block_of(moved: str, tree: ast.Module) -> bool:
    try:
        (block,) = parsed(f"async def block():\n{moved}").body
    except (SyntaxError, ValueError):
        return False
    assert isinstance(block, ast.AsyncFunctionDef)
    return is_same(ast.Module(block.body, []), ast.Module(tree.body, []))


def _lines_inside_strings(source: str) -> set[int]:
    """Numbers of the lines that begin within a string."""
    found: set[int] = set()
    begun: list[int] = []
    for one in tokenize.generate_tokens(io.StringIO(source).readline):
        if one.type == token.STRING:
            found.update(range(one.start[0] + 1, one.end[0] + 1))
        elif one.type == _FSTRING_START:
            begun.append(one.start[0])
        elif one.type == _FSTRING_END:
            found.update(range(begun.pop() + 1, one.end[0] + 1))
    return found
