"""What a run remembers of how it was made, put together from where its parts are.

Its files (source, surroundings, changes) come from this machine or its artifacts; datasets, model
versions and kin from the store. A part that cannot be read is named in `problems`; the rest is
answered all the same.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mltrack import wire
from jupyter_mltrack.errors import MltrackError, NotFound, WorkspaceError
from jupyter_mltrack.journal import kept
from jupyter_mltrack.runs import remembered, tags
from jupyter_mltrack.runs.remembered import Read

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

LIMIT_S = 20.0
KIN_MAX = 200
ATTEMPTS_MAX = 50
_TEXTS = (kept.SOURCE, kept.SURROUNDINGS, kept.DIFF)


def get_about(
    workspace: Workspace,
    run_id: str,
    *,
    data_dir: Path | None = None,
    read: Read | None = None,
    limit_s: float = LIMIT_S,
) -> wire.RunAbout:
    """What the run remembers.

    Args:
        workspace: whose run it is.
        run_id: its id in the store, or the one it was born with here.
        data_dir: where the kept files are; None takes the user's.
        read: reads an artifact that lies on this machine.
        limit_s: how long the parts may take together.

    Raises:
        NotFound: nobody knows the run.
        Unreachable: the store gave no answer, and nothing of the run is kept here.
    """
    from jupyter_mltrack import models, runs
    from jupyter_mltrack.journal.progress import run_alias
    from jupyter_mltrack.runs.inputs import datasets

    folder = _data_dir(data_dir)
    run_id = run_alias(folder, run_id)
    problems: list[wire.Problem] = []
    try:
        detail = runs.get_run(workspace, run_id, data_dir=folder)
    except (NotFound, WorkspaceError) as error:
        found = about_here(workspace, run_id, data_dir=folder)
        if found is None:
            raise
        return _with(found, problems=[_problem(error)])
    labels = {one.key: one.value for one in detail.tags}
    kin = _Kin(workspace, folder, detail.summary)
    parts = _Parts(problems, limit_s, at_once=workspace.database is None)
    uri = detail.artifact_uri
    parts.start(
        "Source and environment",
        lambda: remembered.files_of(
            workspace, run_id, _TEXTS, artifact_uri=uri, data_dir=folder, read=read
        ),
    )
    parts.start("Datasets", lambda: datasets(workspace, run_id))
    parts.start("Models", lambda: models.versions_of_run(workspace, run_id))
    parts.start("The parent", kin.parent)
    parts.start("Nested runs", kin.children)
    parts.start("Attempts", lambda: kin.attempts(labels))
    made = _from_files(wire.RunId(run_id), parts.get("Source and environment", {}), labels)
    return _with(
        made,
        data=parts.get("Datasets", []),
        versions=parts.get("Models", []),
        parent=parts.get("The parent", None),
        children=parts.get("Nested runs", []),
        attempts=parts.get("Attempts", []),
        problems=problems,
    )


def how_made(
    workspace: Workspace,
    run: wire.RunDetail,
    *,
    data_dir: Path | None = None,
    read: Read | None = None,
    limit_s: float = LIMIT_S,
) -> wire.RunAbout:
    """The files and the datasets of a run whose row is known; nothing of its kin."""
    from jupyter_mltrack.runs.inputs import datasets

    run_id, problems = run.summary.run_id, list[wire.Problem]()
    parts = _Parts(problems, limit_s, at_once=workspace.database is None)
    uri, folder = run.artifact_uri, _data_dir(data_dir)
    parts.start(
        "Source and environment",
        lambda: remembered.files_of(
            workspace, run_id, _TEXTS, artifact_uri=uri, data_dir=folder, read=read
        ),
    )
    parts.start("Datasets", lambda: datasets(workspace, run_id))
    labels = {one.key: one.value for one in run.tags}
    made = _from_files(run_id, parts.get("Source and environment", {}), labels)
    return _with(made, data=parts.get("Datasets", []), problems=problems)


def about_here(
    workspace: Workspace, run_id: str, *, data_dir: Path | None = None
) -> wire.RunAbout | None:
    """What is kept of the run on this machine, without asking a store; None where nothing is."""
    folder = _data_dir(data_dir)
    if remembered.place_of(folder, workspace.id, run_id) is None:
        return None
    files = remembered.files_of(workspace, run_id, _TEXTS, artifact_uri=None, data_dir=folder)
    return _from_files(wire.RunId(run_id), files, {})


def _from_files(
    run_id: wire.RunId, files: dict[str, bytes], labels: dict[str, str]
) -> wire.RunAbout:
    """The files' content; what they do not say, MLflow's own tags may."""
    said = remembered.surroundings(files)
    packages = [one.partition(" ") for one in said.packages]
    return wire.RunAbout(
        run_id=run_id,
        source=remembered.text(files, kept.SOURCE),
        notebook_path=said.notebook_path
        or labels.get(tags.NOTEBOOK, "")
        or labels.get(tags.SOURCE_NAME, ""),
        cell_id=said.cell_id or labels.get(tags.CELL_ID, ""),
        python=said.python,
        platform=said.platform,
        packages=[wire.Pair(key=name, value=version) for name, _, version in packages],
        hardware=[wire.Pair(key=key, value=value) for key, value in said.hardware.items()],
        git_commit=said.git_commit or labels.get(tags.GIT_COMMIT, ""),
        git_branch=said.git_branch or labels.get(tags.GIT_BRANCH, ""),
        git_remote=said.git_remote or _without_user(labels.get(tags.GIT_REMOTE, "")),
        git_dirty=said.git_dirty,
        git_diff=remembered.text(files, kept.DIFF),
        left_out=said.left_out or [one for one in [labels.get(tags.LEFT_OUT, "")] if one],
    )


def _without_user(address: str) -> str:
    from jupyter_mltrack.tracking.redaction import redact

    return redact(address)


class _Parts:
    """Reads parts, those of a store elsewhere side by side; trouble with one costs only that one.

    Args:
        problems: takes what could not be read.
        limit_s: how long all of them together may take.
        at_once: whether each has a thread of its own.
    """

    def __init__(self, problems: list[wire.Problem], limit_s: float, *, at_once: bool) -> None:
        self._problems = problems
        self._until_s = time.monotonic() + limit_s
        self._at_once = at_once
        self._found: dict[str, Any] = {}
        self._ended: dict[str, threading.Event] = {}

    def start(self, what: str, ask: Callable[[], Any]) -> None:
        """Begin to read a part."""
        ended = self._ended[what] = threading.Event()

        def work() -> None:
            try:
                self._found[what] = ask()
            except MltrackError as error:
                self._problems.append(_problem(error, f"{what} could not be read: "))
            finally:
                ended.set()

        if self._at_once:
            threading.Thread(target=work, name="mltrack-about", daemon=True).start()
        else:
            work()

    def get(self, what: str, nothing: Any) -> Any:
        """The part, or `nothing` where it cannot be read in time."""
        if not self._ended[what].wait(max(0.0, self._until_s - time.monotonic())):
            text = f"{what} could not be read: no answer in time."
            self._problems.append(wire.Problem(code="store_timeout", message=text))
            return nothing
        return self._found.get(what, nothing)


class _Kin:
    """Runs that belong to a run: its parent, its children, other executions of its cell."""

    def __init__(self, workspace: Workspace, data_dir: Path, run: wire.RunSummary) -> None:
        self._workspace = workspace
        self._data_dir = data_dir
        self._run = run

    def parent(self) -> wire.RunSummary | None:
        if not self._run.parent_run_id:
            return None
        from jupyter_mltrack import runs

        try:
            found = runs.get_run(self._workspace, self._run.parent_run_id, data_dir=self._data_dir)
        except NotFound:
            return None
        return found.summary

    def children(self) -> list[wire.RunSummary]:
        from jupyter_mltrack import runs

        page = runs.list_runs(
            self._workspace, parent=self._run.run_id, limit=KIN_MAX, data_dir=self._data_dir
        )
        return page.runs

    def attempts(self, labels: dict[str, str]) -> list[wire.RunSummary]:
        cell_id = labels.get(tags.CELL_ID)
        if not cell_id:
            return []
        found = self._with_tag(tags.CELL_ID, cell_id, ATTEMPTS_MAX)
        return [one for one in found if one.notebook == self._run.notebook]

    def _with_tag(self, key: str, value: str, limit: int) -> list[wire.RunSummary]:
        from jupyter_mltrack import runs

        if "'" in value or "\\" in value:
            return []  # no id that this package gives holds one, and a filter cannot quote it
        page = runs.list_runs(
            self._workspace,
            filter=f"tags.`{key}` = '{value}'",
            ship_first=False,
            limit=limit,
            data_dir=self._data_dir,
        )
        return page.runs


def _problem(error: MltrackError, before: str = "") -> wire.Problem:
    code: Any = error.code
    return wire.Problem(code=code, message=before + error.message, hint=error.hint)


def _with(made: wire.RunAbout, **fields: Any) -> wire.RunAbout:
    import msgspec

    return msgspec.structs.replace(made, **fields)


def _data_dir(chosen: Path | None) -> Path:
    if chosen is not None:
        return chosen
    from jupyter_mltrack.settings import data_dir

    return data_dir()
