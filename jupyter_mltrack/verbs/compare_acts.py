"""The verbs that put runs beside each other, and how their answers look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean, shorten
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.render import Column, View, line, note, table
from jupyter_mltrack.runs.tags import title_of

COMPARED_MAX = 50
_SHOWN_ROWS = 200
_SHOWN_LINES = 400
_NAME_WIDTH = 20
_MISSING = "-"
_SAME = "Nothing that is kept differs."
_OWN_TAGS = ("mlflow.", "mltrack.")


def diff(run: str, other: str) -> wire.RunDiff:
    """What differs between two runs.

    Raises:
        NotFound: no run fits.
        Ambiguous: several do.
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack.runs.diff import get_diff
    from jupyter_mltrack.tracking import choice

    workspace = choice.workspace()
    left, right = _found([run, other])
    return get_diff(workspace, left, right)


def compare(run: str | Sequence[str], all: bool = False) -> wire.RunDetails:  # noqa: A002  # the option that is typed
    """Runs side by side; without `all` only parameters and metrics that are not the same in all.

    Args:
        run: what names the runs, as one text of words or a list; two at least.
        all: what is the same in all of them, too.

    Raises:
        NotFound: no run fits one of the words.
        Ambiguous: several fit one.
        UsageError: it is one run only, or too many.
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack import runs
    from jupyter_mltrack.tracking import choice
    from jupyter_mltrack.verbs.parsing import split_line

    names = [word.text for word in split_line(run)] if isinstance(run, str) else list(run)
    if not 2 <= len(names) <= COMPARED_MAX:
        raise UsageError(
            f"compare takes 2 to {COMPARED_MAX} runs, not {len(names)}.",
            "Write: compare RUN RUN ...",
        )
    found = runs.get_runs(choice.workspace(), _found(names))
    return found if all else _only_differing(found)


def _found(names: Iterable[str]) -> list[str]:
    from jupyter_mltrack import runs
    from jupyter_mltrack.tracking import choice

    workspace = choice.workspace()
    ids = []
    for name in names:
        within = choice.experiment() if name.startswith(("best:", "worst:")) else None
        ids.append(str(runs.find_run(workspace, name, experiment=within)))
    return ids


def _only_differing(found: wire.RunDetails) -> wire.RunDetails:
    params = _differing([_pairs(one.params) for one in found.runs])
    tags = _differing([_pairs(one.tags) for one in found.runs])
    metrics = _differing([_metrics(one) for one in found.runs])
    kept = []
    for one in found.runs:
        shown = [value for value in one.summary.metrics if value.key in metrics]
        kept.append(
            msgspec.structs.replace(
                one,
                params=[pair for pair in one.params if pair.key in params],
                tags=[pair for pair in one.tags if pair.key in tags],
                summary=msgspec.structs.replace(one.summary, metrics=shown),
            )
        )
    return msgspec.structs.replace(found, runs=kept)


def _differing(sides: list[dict[str, str]]) -> set[str]:
    keys = {key for side in sides for key in side}
    return {key for key in keys if len({side.get(key) for side in sides}) > 1}


def _pairs(pairs: list[wire.Pair]) -> dict[str, str]:
    return {one.key: one.value for one in pairs}


def _metrics(run: wire.RunDetail) -> dict[str, str]:
    return {one.key: one.text for one in run.summary.metrics}


# -------------------------------------------------------------------------------- views


def diff_view(found: wire.RunDiff, _now_ms: int) -> View:
    """What differs, as a table, and the sources line by line."""
    heads = [Column(""), Column(""), Column(_title(found.left)), Column(_title(found.right))]
    rows: list[list[str]] = []
    for title, some in (
        ("parameter", found.params),
        ("metric", found.metrics),
        ("tag", found.tags),
        ("package", found.packages),
        ("surroundings", found.surroundings),
    ):
        rows += [[title, one.key, _text(one.left), _text(one.right)] for one in some]
    shown = line(_title(found.left), _title(found.right), mark="≠")
    if not rows and not found.source:
        return shown + note(_SAME)
    if rows:
        hidden = len(rows) - _SHOWN_ROWS
        left_out = f"{hidden} more rows: --json has them" if hidden > 0 else ""
        shown += table(heads, rows[:_SHOWN_ROWS], left_out)
    if found.source:
        shown += _source(found.source)
    return shown


def _title(run: wire.RunSummary) -> str:
    name = title_of(shorten(run.name or "run", _NAME_WIDTH), run.attempt)
    return f"{name} {run.run_id[:8]}"


def _text(value: str | None) -> str:
    return _MISSING if value is None else value


def _source(lines: list[wire.DiffLine]) -> View:
    """The sources as a person knows it from `diff`: what went, what came, what stands around."""
    told: list[str] = []
    went: list[str] = []
    came: list[str] = []
    before: int | None = None
    for one in lines:
        number = one.left_number or one.right_number or 0
        if one.same:
            told += [*went, *came]
            went, came = [], []
            if before is not None and number > before + 1:
                told.append("  ...")
            told.append(f"  {clean(one.left or '')}")
        else:
            went += [] if one.left is None else [f"- {clean(one.left)}"]
            came += [] if one.right is None else [f"+ {clean(one.right)}"]
        before = number
    told += [*went, *came]
    hidden = len(told) - _SHOWN_LINES
    if hidden > 0:
        told = [*told[:_SHOWN_LINES], f"{hidden} more lines: --json has them"]
    text = "\n".join(told)
    return View(text, f"<pre>{escape(text)}</pre>")


def compare_view(found: wire.RunDetails, _now_ms: int) -> View:
    """One column a run, one row a parameter or metric."""
    runs = found.runs
    heads = [Column(""), Column(""), *(Column(_title(one.summary)) for one in runs)]
    rows = [["", "status", *(one.summary.status.lower() for one in runs)]]
    for title, read in _ROWS:
        sides = [read(one) for one in runs]
        keys = dict.fromkeys(key for side in sides for key in side)
        rows += [[title, key, *(_text(side.get(key)) for side in sides)] for key in keys]
    shown = table(heads, rows[:_SHOWN_ROWS], _left_out(len(rows)))
    if len(rows) == 1:
        shown += note("The same parameters and metrics: --all shows them.")
    if found.missing:
        shown += note(f"Not there any more: {', '.join(found.missing)}")
    return shown


def _left_out(count: int) -> str:
    return f"{count - _SHOWN_ROWS} more rows: --json has them" if count > _SHOWN_ROWS else ""


def _users_tags(run: wire.RunDetail) -> dict[str, str]:
    return {one.key: one.value for one in run.tags if not one.key.startswith(_OWN_TAGS)}


_ROWS: tuple[tuple[str, Callable[[wire.RunDetail], dict[str, str]]], ...] = (
    ("parameter", lambda run: _pairs(run.params)),
    ("metric", _metrics),
    ("tag", _users_tags),
)
