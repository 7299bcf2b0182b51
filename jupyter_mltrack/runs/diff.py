"""What differs between two runs: parameters, metrics, tags, packages, surroundings and source.

Only what differs is answered. The sources stand side by side: blocks that changed, each with a few
lines around it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mltrack import wire
from jupyter_mltrack.errors import NotFound
from jupyter_mltrack.runs.about import LIMIT_S, how_made
from jupyter_mltrack.runs.remembered import Read

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

CONTEXT_LINES = 3
SOURCE_LINES_MAX = 5_000
_OWN_TAGS = ("mlflow.", "mltrack.")


def get_diff(
    workspace: Workspace,
    left: str,
    right: str,
    *,
    data_dir: Path | None = None,
    read: Read | None = None,
    limit_s: float = LIMIT_S,
) -> wire.RunDiff:
    """What differs between the runs `left` and `right`.

    Raises:
        NotFound: one of them is not there.
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack import runs

    found = runs.get_runs(workspace, [left, right], data_dir=data_dir)
    if found.missing:
        raise NotFound(
            f"No run {found.missing[0]!r} in workspace {workspace.name}.",
            "The runs it has: %mltrack runs",
        )
    one, other = found.runs[0], found.runs[-1]
    mine, theirs = (
        how_made(workspace, run, data_dir=data_dir, read=read, limit_s=limit_s)
        for run in (one, other)
    )
    return wire.RunDiff(
        left=one.summary,
        right=other.summary,
        params=_rows(_values(one.params), _values(other.params)),
        metrics=_rows(_metrics(one), _metrics(other)),
        tags=_rows(_users(one.tags), _users(other.tags)),
        packages=_rows(_values(mine.packages), _values(theirs.packages)),
        surroundings=_rows(_surroundings(mine), _surroundings(theirs)),
        source=source_lines(mine.source, theirs.source),
    )


def _values(pairs: list[wire.Pair]) -> dict[str, str]:
    return {one.key: one.value for one in pairs}


def _users(tags: list[wire.Pair]) -> dict[str, str]:
    """Tags of people; MLflow's own and ours differ always and say nothing."""
    return {one.key: one.value for one in tags if not one.key.startswith(_OWN_TAGS)}


def _metrics(run: wire.RunDetail) -> dict[str, str]:
    return {one.key: one.text for one in run.summary.metrics}


def _surroundings(about: wire.RunAbout) -> dict[str, str]:
    said = {
        "Python": about.python,
        "Platform": about.platform,
        "Notebook or script": about.notebook_path,
        "Git commit": about.git_commit,
        "Git branch": about.git_branch,
        "Git remote": about.git_remote,
        "Uncommitted changes": ("yes" if about.git_dirty else "no") if about.git_commit else "",
        **_values(about.hardware),
    }
    said |= {f"Dataset {one.name}": one.digest for one in about.data}
    return {key: value for key, value in said.items() if value}


def _rows(left: dict[str, str], right: dict[str, str]) -> list[wire.DiffRow]:
    keys = [*left, *(key for key in right if key not in left)]
    return [
        wire.DiffRow(key=key, left=left.get(key), right=right.get(key))
        for key in keys
        if left.get(key) != right.get(key)
    ]


def source_lines(left: str, right: str) -> list[wire.DiffLine]:
    """Both sources side by side where they differ; empty when they are the same or one is not kept.

    Between two blocks that are not next to each other the numbers of the lines jump.
    """
    import difflib

    if not left or not right or left == right:
        return []
    mine = left.splitlines()[:SOURCE_LINES_MAX]
    theirs = right.splitlines()[:SOURCE_LINES_MAX]
    matcher = difflib.SequenceMatcher(None, mine, theirs, autojunk=len(mine) > 2_000)
    found: list[wire.DiffLine] = []
    for group in matcher.get_grouped_opcodes(CONTEXT_LINES):
        for kind, begin, end, start, stop in group:
            for step in range(max(end - begin, stop - start)):
                at = begin + step if begin + step < end else None
                to = start + step if start + step < stop else None
                found.append(
                    wire.DiffLine(
                        left=None if at is None else mine[at],
                        right=None if to is None else theirs[to],
                        left_number=None if at is None else at + 1,
                        right_number=None if to is None else to + 1,
                        same=kind == "equal",
                    )
                )
    return found
