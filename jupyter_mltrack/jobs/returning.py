"""What a job returned, as it lies on this machine.

Unpickling runs code: only what jobs of this person's own returned is read, from a folder that
nobody else can write to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.jobs import body, folders


def results(job_id: str) -> dict[str, Any]:
    """Return the values of a job by their names; those that are not there yet are left out.

    Raises:
        NotFound: there is no such job.
        MltrackError: a value cannot be read here.
    """
    place = folders.place_of(folders.get(job_id).id) / folders.RETURNED
    found: dict[str, Any] = {}
    try:
        body._read_values(place, found, None)
    except body.CannotTravel as error:
        raise MltrackError(
            f"What the job returned cannot be read here: {error}",
            "Load it in an environment like the job's.",
            code="bad_request",
        ) from error
    return found


def described(place: Path, returns: list[str]) -> list[wire.Travelling]:
    """Return which of the names lie in a folder; pickled ones are told by the pickle's size."""
    found = []
    packed = place / body.NAMES
    names = _packed_names(packed) if packed.exists() else set()
    for name in returns:
        frame = place / f"{name}{body.FRAME_ENDING}"
        if frame.exists():
            size = frame.stat().st_size
            found.append(wire.Travelling(name=name, kind="DataFrame", size_bytes=size))
        elif name in names:
            found.append(wire.Travelling(name=name, kind="value"))
    return found


def _packed_names(path: Path) -> set[str]:
    """Texts of a pickle, the keys among them; nothing is unpickled."""
    import pickletools

    with open(path, "rb") as file:
        return {
            argument for _, argument, _ in pickletools.genops(file) if isinstance(argument, str)
        }
