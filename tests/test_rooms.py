"""The rooms keep to their arrows: who may import whom, read from the source itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "jupyter_mltrack"
HEAVY = {"mlflow", "numpy", "pandas", "sqlalchemy", "anywidget", "ipywidgets"}
CORE_NEVER = {"IPython", "anywidget", "ipywidgets", "tornado", "jupyter_server", "ipykernel"}

# a package that its own modules may import, though nothing else of ours
OWN = {"wire": "jupyter_mltrack.wire"}

# room -> what it never imports, at module level or inside a function
NEVER = {
    "wire": {"jupyter_mltrack", *HEAVY, *CORE_NEVER},
    "errors.py": {"jupyter_mltrack", *HEAVY, *CORE_NEVER},
    "journal": {*CORE_NEVER, "azure", "jupyter_mltrack.notebook", "jupyter_mltrack.server"},
    "settings.py": {*CORE_NEVER, "jupyter_mltrack.notebook", "jupyter_mltrack.server"},
    "workspaces": {*CORE_NEVER, "jupyter_mltrack.notebook", "jupyter_mltrack.server"},
    "tracking": {*CORE_NEVER, "jupyter_mltrack.notebook", "jupyter_mltrack.server"},
    "runs": {*CORE_NEVER, "jupyter_mltrack.notebook", "jupyter_mltrack.server"},
    "monitoring": {*CORE_NEVER, "jupyter_mltrack.notebook", "jupyter_mltrack.server"},
    "models": {*CORE_NEVER, "jupyter_mltrack.notebook", "jupyter_mltrack.server"},
    "scoring": {*CORE_NEVER, "jupyter_mltrack.notebook", "jupyter_mltrack.server"},
    "deployments": {*CORE_NEVER, "jupyter_mltrack.notebook", "jupyter_mltrack.server"},
    "jobs": {*CORE_NEVER, "jupyter_mltrack.notebook", "jupyter_mltrack.server"},
    "deployments/local/serving": {"msgspec", *CORE_NEVER, "jupyter_mltrack.wire"},
    "verbs": {*CORE_NEVER, "jupyter_mltrack.notebook", "jupyter_mltrack.server"},
    "view": {*CORE_NEVER, "jupyter_mltrack.notebook", "jupyter_mltrack.server"},
    "exporting": {"tornado", "jupyter_server", "anywidget", "ipykernel", "jupyter_mltrack.server"},
    "notebook": {"tornado", "jupyter_server", "jupyter_mltrack.server"},
    "server": {"IPython", "anywidget", "ipykernel", "jupyter_mltrack.notebook"},
}


def imported(source: Path) -> Iterator[tuple[str, int, bool]]:
    """Each imported module of a file: its name, line, and whether the import is at module level."""
    tree = ast.parse(source.read_text())
    top_level = {id(node) for node in _module_level(tree.body)}
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            yield name, node.lineno, id(node) in top_level


def _module_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run on import; blocks under `if TYPE_CHECKING` do not."""
    for node in body:
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
            yield from _module_level(node.body + node.orelse)
        elif isinstance(node, ast.Try):
            yield from _module_level(node.body + node.orelse + node.finalbody)


def files_of(room: str) -> list[Path]:
    place = PACKAGE / room
    return [place] if place.suffix else sorted(place.rglob("*.py"))


def falls_under(name: str, packages: set[str]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in packages)


@pytest.mark.parametrize("room", NEVER)
def test_a_room_imports_nothing_that_it_must_not_know(room: str) -> None:
    sources = files_of(room)
    assert sources, f"no source in room {room}"
    wrong = [
        f"{source.relative_to(PACKAGE)}:{line} imports {name}"
        for source in sources
        for name, line, _ in imported(source)
        if falls_under(name, NEVER[room]) and not falls_under(name, {OWN.get(room, room)})
    ]
    assert wrong == []


def test_no_module_imports_a_heavy_package_at_its_top() -> None:
    wrong = [
        f"{source.relative_to(PACKAGE)}:{line} imports {name}"
        for source in sorted(PACKAGE.rglob("*.py"))
        for name, line, top in imported(source)
        if top and falls_under(name, HEAVY)
    ]
    assert wrong == []
