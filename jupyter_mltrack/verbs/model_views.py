"""How the answers of the verbs on registered models look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import ago, clean, number
from jupyter_mltrack.render import Column, View, line, note, pairs, table
from jupyter_mltrack.tracking.names import decode
from jupyter_mltrack.verbs.job_views import size

if TYPE_CHECKING:
    from collections.abc import Sequence

_NONE_HERE = "No registered models yet: %mltrack register RUN NAME"
_EXAMPLE_SHOWN = 400
_FILES_SHOWN = 30


def page(found: wire.ModelPage, now_ms: int) -> View:
    """The list of models, one row each."""
    if not found.models:
        return note(_NONE_HERE)
    heads = [
        Column("model"), Column("newest", right=True), Column("aliases"), Column("main metric"),
        Column("changed"),
    ]  # fmt: skip
    rows = []
    for model in found.models:
        newest = model.versions[0] if model.versions else None
        rows.append(
            [
                model.name,
                newest.version if newest else "",
                ", ".join(f"{one.key} ({one.value})" for one in model.aliases),
                _main_metric(newest),
                ago(model.updated_ms, now_ms),
            ]
        )
    hidden = (found.total or 0) - len(found.models)
    return table(heads, rows, f"{hidden} more: --limit {found.total}" if hidden > 0 else "")


def model(found: wire.ModelInfo, now_ms: int) -> View:
    """One model with its versions."""
    count = found.version_count if found.version_count is not None else len(found.versions)
    shown = line(found.name, f"{count} version{'' if count == 1 else 's'}", found.description)
    if found.tags:
        shown += pairs("tag", [(one.key, one.value) for one in found.tags])
    if not found.versions:
        return shown
    heads = [
        Column("version", right=True), Column("aliases"), Column("stage"), Column("status"),
        Column("run"), Column("main metric"), Column("made"),
    ]  # fmt: skip
    rows = [
        [
            one.version,
            ", ".join(one.aliases),
            one.stage or "",
            "" if one.status == "READY" else one.status.lower().replace("_", " "),
            one.run_name or (one.run_id or "")[:8],
            _main_metric(one),
            ago(one.created_ms, now_ms),
        ]
        for one in found.versions
    ]
    heads, rows = _without_empty(heads, rows)
    left = f"{count - len(rows)} older versions" if count > len(rows) else ""
    return shown + table(heads, rows, left)


def version(one: wire.ModelVersionInfo, now_ms: int) -> View:
    """One version in a line: what was registered."""
    origin = f"from {one.run_name or one.run_id[:8]}" if one.run_id else ""
    aliases = " ".join(f"@{alias}" for alias in one.aliases)
    made = ago(one.created_ms, now_ms)
    return line(f"{one.name}/{one.version}", aliases, origin, _main_metric(one), made, mark="✓")


def detail(found: wire.ModelVersionDetail, now_ms: int) -> View:
    """One version with what lies in its files."""
    one = found.version
    shown = version(one, now_ms)
    facts = [
        ("status", one.status.lower().replace("_", " ")),
        ("stage", one.stage or ""),
        ("run", one.run_id or ""),
        ("source", one.source),
        ("flavors", ", ".join(found.flavors)),
        ("size", "" if found.size_bytes is None else size(found.size_bytes)),
        ("description", one.description),
    ]
    shown += pairs("version", [(name, text) for name, text in facts if text])
    if found.problem is not None:
        return shown + note(found.problem.message) + note(found.problem.hint)
    if found.signature is not None:
        for title, fields in (
            ("input", found.signature.inputs),
            ("output", found.signature.outputs),
            ("parameter", found.signature.params),
        ):
            shown = shown + _fields(title, fields) if fields else shown
    if found.input_example is not None:
        text = found.input_example
        shown += note(
            f"input example: {text[:_EXAMPLE_SHOWN]}{'…' if len(text) > _EXAMPLE_SHOWN else ''}"
        )
    if found.requirements:
        shown += note(f"requirements: {', '.join(found.requirements)}")
    if one.tags:
        shown += pairs("tag", [(each.key, each.value) for each in one.tags])
    rows = [[each.path, str(each.size_bytes or 0)] for each in found.files[:_FILES_SHOWN]]
    hidden = len(found.files) - len(rows)
    if rows:
        heads = [Column("file"), Column("bytes", right=True)]
        shown += table(heads, rows, f"{hidden} more files" if hidden else "")
    return shown


def removed(answer: wire.Removed, _: int) -> View:
    """What was deleted, or that nothing was."""
    if answer.done:
        return line(f"deleted {answer.what}", mark="✓")
    return note("Nothing was deleted.")


def pair(one: wire.Pair, _: int) -> View:
    """A tag that was set."""
    return line(f"{one.key} = {one.value}", mark="✓")


def _fields(title: str, fields: Sequence[wire.ModelField]) -> View:
    rows = [
        [
            one.name,
            one.type,
            "" if one.shape is None else str(one.shape),
            "" if one.required else "optional",
            one.default or "",
        ]
        for one in fields
    ]
    heads = [Column(title), Column("type"), Column("shape"), Column(""), Column("default")]
    return table(*_without_empty(heads, rows))


def _without_empty(
    heads: list[Column], rows: list[list[str]]
) -> tuple[list[Column], list[list[str]]]:
    """The table without columns that say nothing."""
    kept = [at for at in range(len(heads)) if at == 0 or any(row[at] for row in rows)]
    return [heads[at] for at in kept], [[row[at] for at in kept] for row in rows]


def _main_metric(version: wire.ModelVersionInfo | None) -> str:
    if version is None or not version.metrics:
        return ""
    first = version.metrics[0]
    text = first.text if first.value is None else number(first.value)
    return f"{clean(decode(first.key))} {text}"
