"""Which names a cell reads and binds, told from its source alone; nothing is evaluated."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any, NamedTuple

SOURCE_CHARACTERS_MAX = 1_000_000
FUNCTIONS_MAX = 50
_CACHED_MAX = 500
_TOP_LEVEL_AWAIT = 0x2000
"""`ast.PyCF_ALLOW_TOP_LEVEL_AWAIT`."""
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_WORD = re.compile(r"[^\W\d]\w*")
_READERS = ("read_", "scan_")


class Names(NamedTuple):
    """The global names of one cell."""

    needs: frozenset[str] = frozenset()
    """Read before the cell itself binds them: their values come from other cells."""
    loads: frozenset[str] = frozenset()
    """Read anywhere in the cell, its functions included."""
    stores: frozenset[str] = frozenset()
    """Bound at top level: assigned, imported, defined."""
    drops: frozenset[str] = frozenset()
    """Deleted at top level."""
    reads: tuple[str, ...] = ()
    """Literal first arguments of calls such as `read_csv(...)`."""


def names_of(source: str) -> Names:
    """The names of a cell; empty for one that does not parse."""
    with _lock:
        found = _cached.get(source)
        if found is not None:
            _cached.move_to_end(source)
            return found
    found = _read(source)
    with _lock:
        _cached[source] = found
        while len(_cached) > _CACHED_MAX:
            _cached.popitem(last=False)
    return found


_cached: OrderedDict[str, Names] = OrderedDict()
_lock = threading.Lock()


def words_of(source: str) -> set[str]:
    """All words of a text: a quick superset of the names that a cell reads."""
    return set(_WORD.findall(source[:SOURCE_CHARACTERS_MAX]))


def with_functions(words: set[str], namespace: Mapping[str, Any]) -> set[str]:
    """The words, and the global names that the notebook's own functions among them use."""
    found = set(words)
    waiting = [word for word in words if type(namespace.get(word)) is FunctionType]
    seen: set[int] = set()
    while waiting and len(seen) < FUNCTIONS_MAX:
        function = namespace.get(waiting.pop())
        if type(function) is not FunctionType or id(function) in seen:
            continue
        seen.add(id(function))
        if function.__globals__ is not namespace:
            continue
        for name in _names_in(function.__code__):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def _read(source: str) -> Names:
    import ast

    if len(source) > SOURCE_CHARACTERS_MAX:
        return Names()
    try:
        # The parser warns of odd escapes, and the user was warned already: they are taken out.
        quiet = _ESCAPE.sub(_without_odd_escape, source)
        tree = compile(quiet, "<cell>", "exec", ast.PyCF_ONLY_AST | _TOP_LEVEL_AWAIT)
        inner = _globals_of_functions(quiet)
        walk = _Walk()
        for node in tree.body:
            walk.visit(node)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Names()
    return Names(
        needs=frozenset(walk.needs | (inner - walk.stores)),
        loads=frozenset(walk.loads | inner),
        stores=frozenset(walk.stores),
        drops=frozenset(walk.drops - walk.stores),
        reads=tuple(walk.reads),
    )


def _without_odd_escape(found: re.Match[str]) -> str:
    return found[0] if found[1] in "\n\r\\'\"" else "/" + found[1]


def _globals_of_functions(source: str) -> set[str]:
    """Global names that functions, classes and comprehensions of a cell read."""
    import symtable

    found: set[str] = set()
    try:
        waiting = symtable.symtable(source, "<cell>", "exec").get_children()
    except SyntaxError:  # a top-level `await` in an odd place
        return found
    while waiting:
        table = waiting.pop()
        found |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_global() and symbol.is_referenced()
        }
        waiting.extend(table.get_children())
    return found


class _Walk:
    """Goes through the statements of a cell in the order in which they are evaluated."""

    def __init__(self) -> None:
        self.needs: set[str] = set()
        self.loads: set[str] = set()
        self.stores: set[str] = set()
        self.drops: set[str] = set()
        self.reads: list[str] = []

    def visit(self, node: Any) -> None:
        """Take one statement or expression."""
        _SPECIAL.get(type(node).__name__, _Walk._children)(self, node)

    def _children(self, node: Any) -> None:
        import ast

        for child in ast.iter_child_nodes(node):
            self.visit(child)

    def _store(self, name: str) -> None:
        self.stores.add(name)
        self.drops.discard(name)

    def _name(self, node: Any) -> None:
        kind = type(node.ctx).__name__
        if kind == "Load":
            self.loads.add(node.id)
            if node.id not in self.stores:
                self.needs.add(node.id)
        elif kind == "Store":
            self._store(node.id)
        else:
            self.drops.add(node.id)
            self.stores.discard(node.id)

    def _assign(self, node: Any) -> None:
        self.visit(node.value)
        for target in node.targets:
            self.visit(target)

    def _add_to(self, node: Any) -> None:
        if type(node.target).__name__ == "Name":
            self.loads.add(node.target.id)
            if node.target.id not in self.stores:
                self.needs.add(node.target.id)
        self.visit(node.value)
        self.visit(node.target)

    def _annotated(self, node: Any) -> None:
        if node.value is not None:
            self.visit(node.value)
            self.visit(node.target)

    def _loop(self, node: Any) -> None:
        self.visit(node.iter)
        self.visit(node.target)
        for child in (*node.body, *node.orelse):
            self.visit(child)

    def _import(self, node: Any) -> None:
        for alias in node.names:
            self._store((alias.asname or alias.name).split(".")[0])

    def _function(self, node: Any) -> None:
        for child in (*node.decorator_list, *node.args.defaults, *node.args.kw_defaults):
            if child is not None:
                self.visit(child)
        self._store(node.name)

    def _class(self, node: Any) -> None:
        for child in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(child)
        self._store(node.name)

    def _lambda(self, node: Any) -> None:
        for child in (*node.args.defaults, *node.args.kw_defaults):
            if child is not None:
                self.visit(child)

    def _comprehension(self, node: Any) -> None:
        self.visit(node.generators[0].iter)  # the rest has a scope of its own

    def _except(self, node: Any) -> None:
        if node.name:
            self._store(node.name)
        self._children(node)

    _captured = _except

    def _call(self, node: Any) -> None:
        called = getattr(node.func, "attr", "") or getattr(node.func, "id", "")
        first = getattr(node.args[0], "value", None) if node.args else None
        if called.startswith(_READERS) and isinstance(first, str):
            self.reads.append(first)
        self._children(node)


_SPECIAL = {
    "Name": _Walk._name,
    "Assign": _Walk._assign,
    "AugAssign": _Walk._add_to,
    "AnnAssign": _Walk._annotated,
    "For": _Walk._loop,
    "AsyncFor": _Walk._loop,
    "Import": _Walk._import,
    "ImportFrom": _Walk._import,
    "FunctionDef": _Walk._function,
    "AsyncFunctionDef": _Walk._function,
    "ClassDef": _Walk._class,
    "Lambda": _Walk._lambda,
    "ListComp": _Walk._comprehension,
    "SetComp": _Walk._comprehension,
    "DictComp": _Walk._comprehension,
    "GeneratorExp": _Walk._comprehension,
    "ExceptHandler": _Walk._except,
    "MatchAs": _Walk._captured,
    "MatchStar": _Walk._captured,
    "Call": _Walk._call,
}
