"""What a deploy would do and what would run, found out without loading anything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_mltrack import wire
from jupyter_mltrack.deployments import azure
from jupyter_mltrack.deployments import subject as subjects
from jupyter_mltrack.deployments.subject import Subject
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.models import fetching, trust

if TYPE_CHECKING:
    from jupyter_mltrack.models.fetching import Fetched
    from jupyter_mltrack.workspaces import Workspace

CODE_FILES_MAX = 200
COST = {
    "azureml": "It costs money: Azure bills each instance by the hour until it is deleted.",
    "aci": "It costs money: Azure bills the container by the second until it is deleted.",
}
_RUNS = frozenset({".cloudpickle", ".joblib", ".pickle", ".pkl", ".pt", ".pth", ".py", ".so"})


class Planned(NamedTuple):
    """A plan, the model that it is for, and the checked copy of its files."""

    plan: wire.DeployPlan
    subject: Subject
    fetched: Fetched


def plan(workspace: Workspace, words: str, target: str, name: str | None = None) -> Planned:
    """What a deploy would do, and the checked copy of the model's files that it would use.

    Raises:
        NotFound: no such model, or it has no files.
        UsageError: the words or the name are off.
        Unreachable: the store gave no answer.
    """
    found = subjects.find(workspace, words)
    endpoint = subjects.endpoint_name(found, target, name)
    fetched = fetching.fetch(workspace, found.source)
    return Planned(_described(workspace, found, endpoint, fetched, target), found, fetched)


def _described(
    workspace: Workspace, found: Subject, endpoint: str, fetched: Fetched, target: str
) -> wire.DeployPlan:
    from jupyter_mltrack.models import files

    detail = files.read_folder(fetched.path)
    why = trust.why_trusted(fetched.digest)
    run = _run(workspace, found.run_id)
    unmet = unmet_requirements(detail.requirements)
    hints = [COST[target]] if target in COST else []
    if detail.input_example is None:
        hints.append("It has no input example: that it is ready is known from its start only.")
    if unmet and not azure.is_ours(target):
        hints.append("This Python differs from what the model asks for: --env uv makes its own.")
    return wire.DeployPlan(
        model=found.model,
        version=found.version,
        uri=found.uri,
        label=found.label,
        name=endpoint,
        digest=fetched.digest,
        needs_consent=why is None,
        reason={
            "made": "It was made here.",
            "agreed": "You agreed to run these files before.",
        }.get(why or "", "It was not made here; loading it runs its code."),
        run_id=wire.RunId(found.run_id) if found.run_id else None,
        run_name=run.summary.name if run else None,
        made_by=next((one.value for one in run.tags if one.key == "mlflow.user"), "")
        if run
        else "",
        made_ms=run.summary.start_ms if run else None,
        flavors=detail.flavors,
        code_files=code_files(fetched.path),
        requirements=detail.requirements,
        unmet=unmet,
        size_bytes=fetched.size_bytes,
        existing=_existing(endpoint),
        hints=hints,
        costs=target in COST,
    )


def _run(workspace: Workspace, run_id: str | None) -> wire.RunDetail | None:
    from jupyter_mltrack import runs
    from jupyter_mltrack.errors import MltrackError

    if run_id is None:
        return None
    try:
        return runs.get_run(workspace, run_id)
    except MltrackError:  # the run is deleted, or the store is slow: the plan is right without it
        return None


def code_files(folder: Path) -> list[str]:
    """Files of a model that run, or may run, when it is loaded."""
    found = [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in _RUNS and path.is_file()
    ]
    return found[:CODE_FILES_MAX]


def _existing(endpoint: str) -> str:
    from jupyter_mltrack import deployments
    from jupyter_mltrack.errors import MltrackError, NotFound

    try:
        known = deployments.get_endpoint(endpoint)
    except NotFound:
        return ""
    except MltrackError as error:
        return clean(error.message)
    served = ", ".join(
        f"{one.model or one.uri}/{one.label} ({one.traffic_percent} %)" for one in known.deployments
    )
    return served or "nothing"


# ---------------------------------------------------------------------- requirements


def unmet_requirements(lines: list[str]) -> list[str]:
    """Requirements that this Python does not meet, each with what there is."""
    found = []
    for line in lines:
        problem = _unmet(line)
        if problem:
            found.append(problem)
    return found


def _unmet(line: str) -> str | None:
    from importlib import metadata

    from packaging.requirements import InvalidRequirement, Requirement

    try:
        wanted: Any = Requirement(line)
    except InvalidRequirement:
        return f"{clean(line)} (not checked)"
    if wanted.marker is not None and not wanted.marker.evaluate():
        return None
    try:
        there = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return f"{clean(line)} (not installed)"
    if wanted.url:
        return f"{clean(line)} (here: {there})"
    if wanted.specifier.contains(there, prereleases=True):
        return None
    return f"{clean(line)} (here: {there})"
