"""Which names of the notebook a cell needs, read from its source; nothing is evaluated."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator

_NOT_THE_CELL_S = frozenset({"In", "Out", "exit", "quit", "open", "get_ipython", "display"})
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def needed(source: str) -> list[str]:
    """Return the names that a cell reads and does not make itself, in the order of the cell.

    A name that the cell sets in any case before it reads it is its own. What a function reads is
    needed only if the cell does not set it anywhere, because the function runs later.

    Raises:
        SyntaxError: the source is no Python.
    """
    tree = ast.parse(source)
    made: set[str] = set()
    wanted: dict[str, None] = {}
    later: dict[str, None] = {}
    for statement in tree.body:
        reads, inside = _reads(statement)
        wanted.update(dict.fromkeys(name for name in reads if name not in made))
        later.update(dict.fromkeys(inside))
        made.update(_sets(statement))
    wanted.update(dict.fromkeys(name for name in later if name not in made))
    return [
        name
        for name in wanted
        if not hasattr(builtins, name) and name not in _NOT_THE_CELL_S and not _is_hidden(name)
    ]


def _is_hidden(name: str) -> bool:
    """IPython's own: `_`, `__`, `_12`, `_i3`."""
    bare = name.lstrip("_")
    return name.startswith("_") and (
        not bare or bare.lstrip("i").isdecimal() or bare in {"i", "ii"}
    )


def _sets(statement: ast.stmt) -> Iterator[str]:
    """Names that a statement sets whatever happens."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        for one in statement.names:
            yield one.asname or one.name.partition(".")[0]
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from _stored(target)
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        yield from _stored(statement.target)
    elif isinstance(statement, ast.With | ast.AsyncWith):
        for item in statement.items:
            if item.optional_vars is not None:
                yield from _stored(item.optional_vars)
        for inner in statement.body:
            yield from _sets(inner)


def _stored(target: ast.expr) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _reads(statement: ast.stmt) -> tuple[list[str], list[str]]:
    """Names that a statement reads when it runs, and those that functions in it read later."""
    reader = _Reader()
    reader.visit(statement)
    return list(reader.now), list(reader.later)


class _Reader(ast.NodeVisitor):
    """Walks one statement with the scopes that functions and comprehensions open."""

    def __init__(self) -> None:
        self.now: dict[str, None] = {}
        self.later: dict[str, None] = {}
        self._own: list[set[str]] = []
        """Names of the scopes around, from the outside in."""
        self._in_function = 0

    def visit_Name(self, node: ast.Name) -> None:
        """A name that is read, unless a scope around has it."""
        if not isinstance(node.ctx, ast.Store) and not any(node.id in own for own in self._own):
            (self.later if self._in_function else self.now)[node.id] = None

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        """`x += 1` reads x too."""
        if isinstance(node.target, ast.Name):
            self.visit_Name(ast.Name(node.target.id, ast.Load()))
        self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        """The loop's own names are set before its body reads them."""
        self._loop(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        """Likewise."""
        self._loop(node)

    def _loop(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self._within(set(_stored(node.target)), node.body)
        self._within(set(), node.orelse)

    def visit_If(self, node: ast.If) -> None:
        """What a branch sets first is its own."""
        self._branches(node.test, node.body, node.orelse)

    def visit_While(self, node: ast.While) -> None:
        """Likewise."""
        self._branches(node.test, node.body, node.orelse)

    def _branches(self, test: ast.expr, *bodies: list[ast.stmt]) -> None:
        self.visit(test)
        for body in bodies:
            self._within(set(), body)

    def visit_With(self, node: ast.With) -> None:
        """Its names are set before its body reads them."""
        self._with(node)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> None:
        """Likewise."""
        self._with(node)

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        own: set[str] = set()
        for item in node.items:
            self.visit(item.context_expr)
            own.update(_stored(item.optional_vars) if item.optional_vars else ())
        self._within(own, node.body)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Its body runs later; defaults and decorators now."""
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        """Likewise."""
        self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """Likewise."""
        self._function(node)

    def _function(self, node: _Function) -> None:
        arguments = node.args
        self._visit_all([*arguments.defaults, *(one for one in arguments.kw_defaults if one)])
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        named += [one for one in (arguments.vararg, arguments.kwarg) if one]
        own = {one.arg for one in named}
        if not isinstance(node, ast.Lambda):
            self._visit_all(node.decorator_list)
            own |= _locals_of(node.body)
        self._in_function += 1
        self._within(own, body)
        self._in_function -= 1

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Its body runs now, in a scope of its own."""
        self._visit_all([*node.decorator_list, *node.bases, *node.keywords])
        self._within(set(), node.body)

    def generic_visit(self, node: ast.AST) -> None:
        """Comprehensions open a scope; everything else is walked through."""
        if isinstance(node, _COMPREHENSIONS):
            self._within(
                {name for one in node.generators for name in _stored(one.target)},
                list(ast.iter_child_nodes(node)),
            )
        elif isinstance(node, ast.ExceptHandler):
            self._visit_all([node.type] if node.type else [])
            self._within({node.name} if node.name else set(), node.body)
        else:
            super().generic_visit(node)

    def _within(self, own: set[str], nodes: Iterable[ast.AST]) -> None:
        self._own.append(own)
        for node in nodes:
            self.visit(node)
            if isinstance(node, ast.stmt):
                own.update(_sets(node))
        self._own.pop()

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)


def _locals_of(body: list[ast.stmt]) -> set[str]:
    """Names that are local in a function; those it declares global are not."""
    found: set[str] = set()
    outer: set[str] = set()
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                found.update(one.asname or one.name.partition(".")[0] for one in node.names)
            elif isinstance(node, ast.ExceptHandler) and node.name:
                found.add(node.name)
            elif isinstance(node, ast.Global):
                outer.update(node.names)
    return found - outer
