"""Which packages a job needs, with the versions that are installed here."""

from __future__ import annotations

import ast
import pickletools
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

_STRINGS = frozenset({"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE"})
_GETS = frozenset({"BINGET", "LONG_BINGET", "GET"})
_SOURCES_MAX = 500


def versions_of(modules: Iterable[str]) -> dict[str, str]:
    """Return the packages that bring some modules, each with its version; Python's own are none."""
    known = metadata.packages_distributions()
    found: dict[str, str] = {}
    for module in {one.partition(".")[0] for one in modules}:
        if module in sys.stdlib_module_names:
            continue
        for package in known.get(module, [])[:1]:
            version = metadata.version(package)
            if "+" not in version and "dev" not in version:  # those are in no index
                found[package] = version
    return dict(sorted(found.items()))


def imported_by(source: str) -> set[str]:
    """Return the modules that a source imports anywhere; none if it is no Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


def imported_in(folder: str, paths: Iterable[str]) -> set[str]:
    """Return the modules that the Python files among some paths import."""
    found: set[str] = set()
    sources = [path for path in paths if path.endswith(".py")]
    for path in sources[:_SOURCES_MAX]:
        found |= imported_by(Path(folder, path).read_text("utf-8", "replace"))
    return found


def named_in(pickle: Path) -> set[str]:
    """Return the modules whose classes and functions a pickle names; nothing is unpickled."""
    found: set[str] = set()
    pushed: list[object] = []
    memo: list[object] = []
    with open(pickle, "rb") as file:
        for opcode, argument, _ in pickletools.genops(file):
            if opcode.name in _STRINGS:
                pushed.append(argument)
            elif opcode.name in _GETS:
                at = int(str(argument))
                pushed.append(memo[at] if at < len(memo) else None)
            elif opcode.name == "MEMOIZE":
                memo.append(pushed[-1] if pushed else None)
            elif opcode.name == "STACK_GLOBAL":
                module = pushed[-2] if len(pushed) > 1 else None
                if isinstance(module, str):
                    found.add(module)
                pushed.append(None)
            else:
                pushed.append(None)
            del pushed[:-4]
    return found
