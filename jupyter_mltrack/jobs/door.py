"""What a backend of jobs is, and how it is found.

A backend is a class without arguments, an entry point of the group `jupyter_mltrack.jobs`. Its
object is used by one keeper process for one job; `handle` is all it may rely on after that process
was gone (a closed laptop), so it holds what finds the job again and never a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import UsageError

if TYPE_CHECKING:
    from jupyter_mltrack.jobs.order import Package

GROUP = "jupyter_mltrack.jobs"
OURS = {
    "process": "jupyter_mltrack.jobs.process:ProcessBackend",
    "azureml": "jupyter_mltrack.azure.jobs:AzureBackend",
}
"""Our own, by name, so that an old installation of the package finds new ones too."""

Handle = Mapping[str, Any]
Tell = Callable[[str], None]


class Status(NamedTuple):
    """How a job stands at its backend."""

    state: Literal["queued", "preparing", "running", "finishing", "done", "failed", "cancelled"]
    detail: str = ""
    """The backend's own word for it."""
    error: str = ""
    hint: str = ""
    """What to do, where the error says it."""
    link: str = ""

    @property
    def ended(self) -> bool:
        """Say whether nothing more will come."""
        return self.state in ("done", "failed", "cancelled")


class Backend(Protocol):
    """Where jobs run. Methods may take seconds; they raise MltrackError and nothing else.

    One whose service keeps jobs for ever has `archive(handle)` besides, for those put away.
    """

    name: str
    title: str
    help: str
    away: bool
    """The job runs on another machine: code travels as files, and the job outlives its keeper."""
    carries_bytes: int
    """How much the variables of a cell may take together."""
    poll_s: float
    """How long to wait between two looks at a running job."""

    def form(self) -> dict[str, Any]:
        """Return the JSON Schema of the options; asks nobody."""

    def why_not(self) -> str:
        """Return why it cannot be used here; empty when it can. Asks nobody."""

    def check(self, target: str, options: Mapping[str, Any], workspace: Any, folder: Path) -> None:
        """Refuse early what cannot work.

        Args:
            target: what stands behind the colon.
            options: with the types of the form.
            workspace: where the run goes.
            folder: where relative paths of the options begin.

        Raises:
            MltrackError: it cannot be done.
        """

    def submit(self, package: Package, tell: Tell) -> dict[str, Any]:
        """Start the job, and return what finds it again.

        It may be called twice for the same job, when an answer was lost: there is one job then.
        """

    def status(self, handle: Handle) -> Status:
        """Return how the job stands."""

    def logs(self, handle: Handle, position: int) -> bytes:
        """Return what the job printed from `position` on, as far as it is known by now."""

    def cancel(self, handle: Handle) -> None:
        """Have the job stopped; returns before it has."""

    def results(self, handle: Handle, folder: Path) -> None:
        """Put the files of the returned names into `folder`."""


def names() -> list[str]:
    """Backends that are installed, ours first."""
    found = {one.name for one in metadata.entry_points(group=GROUP)}
    return [*OURS, *sorted(found - OURS.keys())]


def backend_of(on: str) -> tuple[Backend, str]:
    """Return the backend that `--on` means, and what stands behind its colon.

    Raises:
        UsageError: there is none of this name, or it cannot be imported.
    """
    name, _, target = on.partition(":")
    place = OURS.get(name)
    if place is None:
        for one in metadata.entry_points(group=GROUP):
            if one.name == name:
                place = one.value
    if place is None:
        raise UsageError(
            f"There is no backend {clean(name)!r} to run on.",
            f"Backends here: {', '.join(names())}. Write for example --on process",
        )
    module, _, attribute = place.partition(":")
    try:
        made: Backend = getattr(import_module(module), attribute)()
    except Exception as error:
        raise UsageError(
            f"Backend {clean(name)} cannot be used: {clean(str(error))[:200]}.",
            f"Repair or remove the package that brings it: {module.split('.')[0]}",
        ) from error
    return made, target


def backends() -> wire.JobBackends:
    """Return all backends with their forms; those that cannot be used say why."""
    return wire.JobBackends(backends=[_info(name) for name in names()])


def _info(name: str) -> wire.JobBackend:
    import json

    try:
        backend, _ = backend_of(name)
        why_not = backend.why_not()
        form = json.dumps(backend.form())
    except Exception as error:  # another package's code
        why_not = error.message if isinstance(error, UsageError) else str(error)
        return wire.JobBackend(
            name=name, title=name, help="", available=False, why_not=clean(why_not)[:300]
        )
    return wire.JobBackend(
        name=name,
        title=backend.title,
        help=backend.help,
        available=not why_not,
        why_not=why_not,
        form=form,
    )
