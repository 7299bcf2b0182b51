"""Load and unload: what one does the other undoes, step by step and in reverse.

Loading is on the way of every kernel that uses the package, so it imports neither MLflow nor
msgspec, reads no file and opens nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_ATTRIBUTE = "_jupyter_mltrack"


def load(shell: InteractiveShell) -> None:
    """Add magics, hooks, the header's transform and completion to a shell; once is enough."""
    if getattr(shell, _ATTRIBUTE, None) is not None:
        return
    undo: list[Callable[[], None]] = []
    setattr(shell, _ATTRIBUTE, undo)
    try:
        _attach(undo)
        _add_magics(shell, undo)
        _add_transform(shell, undo)
        _add_completion(shell, undo)
        _look_for_jobs(undo)
    except BaseException:
        unload(shell)
        raise


def unload(shell: InteractiveShell) -> None:
    """Put everything back as it was; open contexts are left first."""
    undo = getattr(shell, _ATTRIBUTE, None)
    if undo is None:
        return
    while undo:
        undo.pop()()
    delattr(shell, _ATTRIBUTE)


def _attach(undo: list[Callable[[], None]]) -> None:
    from jupyter_mltrack.tracking import attach

    attach.attach()
    undo.append(_forget_choices)
    undo.append(attach.detach)


def _forget_choices() -> None:
    from jupyter_mltrack.tracking import choice

    choice.forget()


def _add_magics(shell: InteractiveShell, undo: list[Callable[[], None]]) -> None:
    from jupyter_mltrack.notebook.auto import EveryCell
    from jupyter_mltrack.notebook.displays import Displays
    from jupyter_mltrack.notebook.hooks import CellHooks
    from jupyter_mltrack.notebook.magics import MLTrack
    from jupyter_mltrack.tracking import driven, remembering

    hooks = CellHooks(shell)
    manager = shell.magics_manager
    registry: dict[str, Any] = manager.registry
    before = {kind: dict(table) for kind, table in manager.magics.items()}
    known = registry.get(MLTrack.__name__)
    magics = MLTrack(shell, hooks)
    shell.register_magics(magics)

    def take_out() -> None:
        for kind, table in manager.magics.items():
            for name in magics.magics[kind]:
                if name in before[kind]:
                    table[name] = before[kind][name]
                else:
                    table.pop(name, None)
        registry.pop(MLTrack.__name__, None)
        if known is not None:
            registry[MLTrack.__name__] = known
        if magics in shell.configurables:
            shell.configurables.remove(magics)

    undo.append(take_out)
    hooks.every_cell = EveryCell(magics)
    hooks.begins = magics.parameters.note
    hooks.ledger = _ledger(shell)
    hooks.install()
    undo.append(hooks.remove)
    remembering.follow_cells(
        lambda: getattr(hooks.current()[0], "raw_cell", None), lambda: _executed(shell)
    )
    undo.append(lambda: remembering.follow_cells(None))
    driven.follow(driven.NearBy(lambda: _executed(shell)))
    undo.append(lambda: driven.follow(None))
    displays = Displays(shell)
    displays.install()
    undo.append(displays.remove)


def _executed(shell: InteractiveShell) -> tuple[str, ...]:
    """The cells of this session as they were typed, also those before the extension was loaded."""
    return tuple(getattr(shell.history_manager, "input_hist_raw", ()))


def _ledger(shell: InteractiveShell) -> Any:
    """Where the cells of this kernel are noted; those before the extension are in its history."""
    from jupyter_mltrack.tracking import surroundings
    from jupyter_mltrack.tracking.used.ledger import CellLedger

    def earlier() -> list[str]:
        return list(shell.history_manager.input_hist_raw[1:])

    return CellLedger(earlier, surroundings.notebook_path)


def _add_transform(shell: InteractiveShell, undo: list[Callable[[], None]]) -> None:
    from jupyter_mltrack.notebook.transform import rewrite_header

    transforms = shell.input_transformers_cleanup
    transforms.append(rewrite_header)

    def take_out() -> None:
        if rewrite_header in transforms:
            transforms.remove(rewrite_header)

    undo.append(take_out)


def _add_completion(shell: InteractiveShell, undo: list[Callable[[], None]]) -> None:
    from jupyter_mltrack.notebook.completion import matcher

    completer = getattr(shell, "Completer", None)
    if completer is None or not hasattr(completer, "custom_matchers"):
        return
    completer.custom_matchers.append(matcher)

    def take_out() -> None:
        if matcher in completer.custom_matchers:
            completer.custom_matchers.remove(matcher)

    undo.append(take_out)


def _look_for_jobs(undo: list[Callable[[], None]]) -> None:
    from jupyter_mltrack.notebook import waking

    undo.append(waking.look_soon())
