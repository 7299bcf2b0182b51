"""What a `with track(...)` block gives its run at its end, as the header of a cell does.

The word `auto` takes the literal assignments of the block itself, read from the source of the file
or cell that it stands in; a name takes that variable; a metric is what its function returns then.
Nothing here raises into the user's code.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Iterable, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.tracking import caution

if TYPE_CHECKING:
    from jupyter_mltrack.tracking.context import CellContext

AUTO = "auto"
Metrics = Mapping[str, Callable[[], Any]]


def follow(
    context: CellContext,
    frame: FrameType,
    params: Iterable[str],
    metrics: Metrics | None,
    value: Callable[[], Any] | None,
) -> None:
    """Have the end of the context read parameters and metrics of the block in this frame."""
    names = [params] if isinstance(params, str) else list(params)
    line = frame.f_lineno

    def at_end(context: CellContext, error: BaseException | None) -> None:
        body = body_at(frame, line) if AUTO in names or value is not None else ""
        if AUTO in names:
            from jupyter_mltrack.tracking.params import literal_params

            context.scratch["automatic_params"] = literal_params(body)
        _take_params(context, frame, names, ended_well=error is None)
        if error is None:
            _take_metrics(context, metrics or {})
            if value is not None:
                _take_value(context, value, body)

    context.before_end.append(at_end)


def _take_params(
    context: CellContext, frame: FrameType, names: list[str], *, ended_well: bool
) -> None:
    from jupyter_mltrack.tracking import params
    from jupyter_mltrack.tracking.run import Tracked

    wanted = [name for name in names if name != AUTO]
    if not wanted:
        return
    found, missing = params.named_params(wanted, {**frame.f_globals, **frame.f_locals})
    if found:
        Tracked(context).log_params(found)
    if missing and ended_well:
        caution.warn_once(
            f"block params {missing}", f"params: there is no variable {', '.join(missing)}."
        )


def _take_metrics(context: CellContext, metrics: Metrics) -> None:
    from jupyter_mltrack.tracking.leaving import error_line
    from jupyter_mltrack.tracking.run import Tracked

    for name, value_of in metrics.items():
        try:
            value = value_of()
        except Exception as error:
            caution.warn_once(
                f"block metric {name}", f"The metric {name} was not logged: {error_line(error)}"
            )
            continue
        Tracked(context).log({name: value})


def _take_value(context: CellContext, value: Callable[[], Any], body: str) -> None:
    from jupyter_mltrack.tracking.leaving import error_line
    from jupyter_mltrack.tracking.run import Tracked

    try:
        found = value()
    except Exception as error:
        caution.warn_once("block value", f"The last value was not logged: {error_line(error)}")
        return
    Tracked(context).last_value(found, body)


def body_at(frame: FrameType, line: int) -> str:
    """The body of the innermost `with` block whose head is on this line; empty without one."""
    text = "".join(linecache.getlines(frame.f_code.co_filename, frame.f_globals))
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    found: ast.With | ast.AsyncWith | None = None
    for node in ast.walk(tree):
        if not isinstance(node, ast.With | ast.AsyncWith):
            continue
        below = max(node.body[0].lineno, node.lineno + 1)
        if node.lineno <= line < below and (found is None or node.lineno >= found.lineno):
            found = node
    return "" if found is None else ast.unparse(ast.Module(found.body, []))
