"""Names of artifacts in a store that takes each path only once.

Azure ML keeps what was written first; a second file of the same path gets the name `fig~2.png`, a
second model of the same name the folder `model~2`. Readers are shown one `fig.png`: the newest. A
name with a mark is a version only where the plain name is there too, so a user's own `a~2.txt`
alone stays what it is. `model~1` means the first one, whatever came later.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any


def numbered(name: str, number: int) -> str:
    """The name of the version with this number; 1 is the plain name."""
    if number == 1:
        return name
    stem, ending = os.path.splitext(name)
    return f"{stem}~{number}{ending}"


def parsed(name: str) -> tuple[str, int]:
    """Plain name and number of a name that may have a mark; (name, 0) when it has none."""
    stem, mark, rest = name.rpartition("~")
    digits, dot, ending = rest.partition(".")
    fits = mark and stem and digits.isdecimal() and digits.isascii() and len(digits) <= 6
    if not fits or digits.startswith("0") or "." in ending or (dot and not ending):
        return name, 0
    return f"{stem}{dot}{ending}", int(digits)


class Tree:
    """The files of a run as people are shown them, over the paths that the store has."""

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self._root: dict[str, Any] = {}
        for path in paths:
            self.add(path)

    def copy(self) -> Tree:
        """The same files, to which others can be added."""
        import copy

        made = Tree()
        made._root = copy.deepcopy(self._root)
        return made

    def add(self, path: str) -> None:
        """Take one more path of the store in."""
        *folders, name = [part for part in path.split("/") if part]
        place = self._root
        for folder in folders:
            below = place.setdefault(folder, {})
            if not isinstance(below, dict):  # a store where a file and a folder share a name
                below = place[folder] = {}
            place = below
        place.setdefault(name, None)

    def has(self, path: str) -> bool:
        """Whether the store has exactly this path, as a file or a folder."""
        return self._exact(path.split("/")) is not _NOTHING

    def physical(self, path: str) -> str | None:
        """The path in the store that a shown path stands for; None when there is none."""
        place: Any = self._root
        found = []
        for part in [part for part in path.split("/") if part]:
            if not isinstance(place, dict):
                return None
            name = _newest(place, part)
            if name is None:
                return None
            found.append(name)
            place = place[name]
        return "/".join(found)

    def older(self, path: str) -> list[str]:
        """Earlier versions of a file by their paths in the store, the newest first."""
        *folders, name = path.split("/")
        place = self._exact(folders)
        if not isinstance(place, dict):
            return []
        base, number = parsed(name)
        if number == 0 or base not in place:
            return []
        numbers = sorted((one for one in _numbers(place, base) if one < number), reverse=True)
        return ["/".join([*folders, numbered(base, one)]) for one in numbers]

    def for_writing(self, path: str) -> str:
        """The path in the store that a new file of this shown path is to have."""
        *folders, name = [part for part in path.split("/") if part]
        place: Any = self._root
        real = []
        for folder in folders:
            known = _newest(place, folder) if isinstance(place, dict) else None
            real.append(known or folder)
            place = place.get(known) if isinstance(place, dict) and known else None
        taken = place if isinstance(place, dict) else {}
        return "/".join([*real, _free(taken, name)])

    def children(self, path: str) -> list[tuple[str, bool]]:
        """(name, whether it is a folder) of what a shown folder holds; [] for anything else."""
        real = self.physical(path)
        place = self._exact(real.split("/")) if real else self._root if real == "" else None
        if not isinstance(place, dict):
            return []
        found = []
        for name in sorted(place):
            base, number = parsed(name)
            if number > 1 and base in place:
                continue  # shown under its plain name
            newest = _newest(place, name)
            found.append((name, isinstance(place[newest or name], dict)))
        return found

    def files(self, path: str) -> Iterator[tuple[str, str]]:
        """(shown path, path in the store) of every file below a shown folder."""
        for name, is_folder in self.children(path):
            shown = f"{path}/{name}" if path else name
            if is_folder:
                yield from self.files(shown)
            else:
                yield shown, self.physical(shown) or shown

    def is_folder(self, path: str) -> bool:
        """Whether a shown path is a folder."""
        real = self.physical(path)
        return real is not None and isinstance(self._exact(real.split("/")), dict)

    def _exact(self, parts: list[str]) -> Any:
        place: Any = self._root
        for part in parts:
            if part == "":
                continue
            if not isinstance(place, dict) or part not in place:
                return _NOTHING
            place = place[part]
        return place


_NOTHING = object()


def _newest(place: dict[str, Any], name: str) -> str | None:
    """The entry of a folder that a shown name stands for."""
    base, number = parsed(name)
    if number == 1 and name not in place:
        return base if base in place else None
    if number > 1:
        return name if name in place else None
    if name not in place:
        return None
    return numbered(name, max(_numbers(place, name)))


def _numbers(place: dict[str, Any], base: str) -> list[int]:
    found = [1]
    for other in place:
        plain, number = parsed(other)
        if plain == base and number > 1:
            found.append(number)
    return found


def _free(place: dict[str, Any], name: str) -> str:
    if name not in place:
        return name
    return numbered(name, max(_numbers(place, name)) + 1)
