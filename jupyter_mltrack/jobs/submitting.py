"""From what was typed to a job's folder and its keeper.

Everything that can be refused is refused here, before anything is sent: an option that the backend
does not have, a name that is too large or a secret, code that is no Python. What goes to another
machine is told with its size, and asked for when it is large.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.errors import MltrackError, UsageError
from jupyter_mltrack.jobs import (
    body,
    door,
    folders,
    names,
    packages,
    packing,
    snapshot,
    sources,
)
from jupyter_mltrack.jobs.order import ORDER_FILE, Order
from jupyter_mltrack.jobs.process import inputs_of
from jupyter_mltrack.tracking.redaction import is_secret_name, redact

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

TYPED = "typed.py"
KEPT_ENDED = 200
"""Jobs that ended are kept; beyond this many the oldest go."""
Ask = Callable[[str], bool]
_TOLD = 3


class Cell(NamedTuple):
    """A cell as the notebook has it."""

    source: str
    """As Python; magics are calls by now."""
    typed: str
    """As its author wrote it, header and all."""
    above: int
    """Lines of the header, so that line numbers are those of the cell."""
    namespace: Mapping[str, Any]


def submit_cell(
    workspace: Workspace, order: Order, cell: Cell, *, ask: Ask | None = None, yes: bool = False
) -> wire.SubmittedJob:
    """Submit a cell; returns as soon as its keeper has it.

    Args:
        workspace: where its run goes.
        order: what was asked for.
        cell: the cell.
        ask: asks the person before more than 100 MB go; None where nobody can be asked.
        yes: the answer, given ahead.

    Raises:
        UsageError: something of it cannot travel, or the backend does not have an option.
        SyntaxError: the cell is no Python.
    """
    backend, order = _checked(workspace, order)
    _refuse_secrets_of(cell)
    files = _files(backend, order, ask=ask, yes=yes)
    job_id = uuid.uuid4().hex
    place = _made(job_id)
    try:
        packed = _pack(place, order, cell, backend.carries_bytes)
        if backend.away:
            order = _with_packages(place, order, cell.source, packed, files)
        return _start(
            workspace, backend, job_id, order,
            what="cell", travelling=packed.names, files=files,
        )  # fmt: skip
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def submit_file(
    workspace: Workspace,
    order: Order,
    *,
    ask: Ask | None = None,
    yes: bool = False,
    key: str | None = None,
) -> wire.SubmittedJob:
    """Submit a script or a notebook; returns as soon as its keeper has it.

    Args:
        workspace: where its run goes.
        order: what was asked for.
        ask: as in `submit_cell`.
        yes: the answer, given ahead.
        key: of the caller's choice, one for each thing that was wanted: the same key is one job.

    Raises:
        UsageError: there is no such file, the backend does not have an option, or the notebook
            has no such parameter.
    """
    backend, order = _checked(workspace, order)
    script = Path(order.folder, os.path.expanduser(order.script)).resolve()
    source = sources.source_of(script, order, backend)
    job_id = uuid.uuid4().hex if key is None else hashlib.sha256(key.encode()).hexdigest()[:32]
    if key is not None and (folders.place_of(job_id) / folders.JOB_FILE).exists():
        return folders.get(job_id)
    order = msgspec.structs.replace(order, script=str(script), is_cell=False)
    files = _files(backend, order, ask=ask, yes=yes)
    if backend.away and files is None:
        raise UsageError("A script travels as a file.", "Leave --code none out.")
    if files is not None:
        sources.require_travels(script, files)
        found = packages.imported_in(str(files.folder), files.paths)
        order = msgspec.structs.replace(order, packages=packages.versions_of(found))
    place = _made(job_id)
    try:
        (place / TYPED).write_text(redact(source))
        words = shlex.join([script.name, *order.arguments])
        return _start(
            workspace, backend, job_id, order, what=redact(words), travelling=[], files=files
        )
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def plan(
    workspace: Workspace, on: str, script: str, options: Mapping[str, Any]
) -> wire.CodeSnapshot:
    """Return the files that would travel with a script; none for a backend of this machine."""
    path = Path(script)
    order = Order(
        name=path.stem,
        on=on,
        workspace="",
        folder=str(path.parent),
        options=dict(options),
        script=script,
        is_cell=False,
    )
    backend, order = _checked(workspace, order)
    if not backend.away:
        return wire.CodeSnapshot(folder=str(path.parent))
    place = _code_folder(order)
    return wire.CodeSnapshot(folder="") if place is None else snapshot.look(place).described()


def _checked(workspace: Workspace, order: Order) -> tuple[door.Backend, Order]:
    from jupyter_mltrack.deployments.targets import checked_options

    backend, target = door.backend_of(order.on)
    why_not = backend.why_not()
    if why_not:
        raise UsageError(
            f"Backend {backend.name} cannot be used: {why_not}", "Others: %mltrack help submit"
        )
    options = checked_options(backend.form(), dict(order.options))
    backend.check(target, options, workspace, Path(order.folder))
    for name in order.variables:
        if is_secret_name(name):
            raise UsageError(f"--param {name} is named like a secret.", "Leave it out.")
    return backend, msgspec.structs.replace(
        order, options=options, workspace=workspace.display_uri, name=_name(order.name)
    )


def _name(name: str) -> str:
    text = "".join(sign if sign.isprintable() else " " for sign in name).strip()
    return redact(text)[:250]


def _refuse_secrets_of(cell: Cell) -> None:
    """The source lies in a file, and goes to a service: a secret in it is told, not taken along.

    Raises:
        UsageError: there is one.
        SyntaxError: the cell is no Python.
    """
    for number, line in enumerate(cell.source.splitlines(), 1 + cell.above):
        if redact(line) != line:
            raise UsageError(
                f"Line {number} of the cell holds a secret; secrets do not travel.",
                "Read it there from the environment or a key vault: os.environ[...]",
            )
    if redact(cell.source) != cell.source:
        raise UsageError(
            "The cell holds a secret; secrets do not travel.",
            "Read it there from the environment or a key vault: os.environ[...]",
        )


# -------------------------------------------------------------------------------- folder


def _made(job_id: str) -> Path:
    from jupyter_mltrack.settings import ensure_private_dir

    place = folders.place_of(job_id)
    ensure_private_dir(place)
    return place


def _pack(place: Path, order: Order, cell: Cell, limit_bytes: int) -> packing.Packed:
    content = place / body.FOLDER
    content.mkdir(mode=0o700)
    wanted = list(names.needed(cell.source))
    wanted += [name for name in order.variables if name in cell.namespace and name not in wanted]
    packed = packing.pack(wanted, cell.namespace, content, limit_bytes)
    (content / body.CELL).write_text("\n" * cell.above + cell.source)
    (place / TYPED).write_text(redact(cell.typed))
    (content / body.SOURCE).write_text(redact(cell.typed))
    from jupyter_mltrack.tracking.params import literal_params

    literals = literal_params(cell.source) if order.literals else {}
    about = {
        "python": list(sys.version_info[:2]),
        "modules": packed.modules,
        "params": {**literals, **order.params},
        "variables": order.variables,
        "metrics": order.metrics,
        "returns": order.returns,
        "autolog": order.autolog,
        "below": _below(order),
    }
    (content / body.ABOUT).write_text(json.dumps(about))
    return packed


def _with_packages(
    place: Path, order: Order, source: str, packed: packing.Packed, files: snapshot.Files | None
) -> Order:
    """The order with the packages that the cell, its names and its files need."""
    found = packages.imported_by(source) | set(packed.modules.values())
    pickle = place / body.FOLDER / body.NAMES
    if pickle.exists():
        found |= packages.named_in(pickle)
    if files is not None:
        found |= packages.imported_in(str(files.folder), files.paths)
    return msgspec.structs.replace(order, packages=packages.versions_of(found))


def _below(order: Order) -> str:
    """The notebook's folder below the one that travels."""
    try:
        below = os.path.relpath(order.folder, _code_folder(order) or order.folder)
    except ValueError:
        return ""
    return "" if below == "." or below.startswith("..") else below


def _code_folder(order: Order) -> Path | None:
    """The folder whose files travel; None when none do."""
    said = str(order.options.get("code") or "")
    if said == "none":
        return None
    if not said and not order.is_cell:
        return Path(order.script).parent
    return Path(order.folder, os.path.expanduser(said)).resolve()


def _files(
    backend: door.Backend, order: Order, *, ask: Ask | None, yes: bool
) -> snapshot.Files | None:
    """What travels with the job as code; None for a backend of this machine, or without code.

    Raises:
        UsageError: that, or an input that goes along, is large and nobody agreed.
    """
    if not backend.away:
        return None
    place = _code_folder(order)
    files = None if place is None else snapshot.look(place)
    inputs = _inputs(order)
    size = sum(one.size_bytes for one in inputs) + (0 if files is None else files.size_bytes)
    if size > snapshot.ASKS_BYTES and not yes:
        parts = sorted([*inputs, *([files] if files else [])], key=lambda one: -one.size_bytes)
        said = " and ".join(one.words for one in parts[:_TOLD] if one.found)
        if ask is None or not ask(f"Send {said} to {order.on}?"):
            raise UsageError(
                f"{said} were not sent to {order.on}.",
                "List what stays here in .amlignore, name another folder (--code FOLDER, or none), "
                "put large data into a datastore (%mltrack data put), or add --yes.",
            )
    return files


def _inputs(order: Order) -> list[snapshot.Files]:
    """The inputs that are paths of this machine; one that is not there is told of later."""
    found: list[snapshot.Files] = []
    for said in inputs_of(order.options).values():
        if said.startswith("azureml:") or "://" in said:
            continue
        path = Path(order.folder, said).expanduser()
        if path.is_dir():
            found.append(snapshot.look(path))
        elif path.is_file():
            found.append(snapshot.Files(path))
            found[-1].found.append((path.name, path.stat().st_size))
    return found


def _start(
    workspace: Workspace,
    backend: door.Backend,
    job_id: str,
    order: Order,
    *,
    what: str,
    travelling: list[wire.Travelling],
    files: snapshot.Files | None,
) -> wire.SubmittedJob:
    place = folders.place_of(job_id)
    if files is not None:
        order = msgspec.structs.replace(
            order, snapshot_folder=str(files.folder), snapshot_paths=files.paths
        )
    from jupyter_mltrack.tracking.context import made_up_name

    order = msgspec.structs.replace(order, name=order.name or made_up_name(job_id))
    (place / ORDER_FILE).write_bytes(msgspec.json.encode(order))
    job = wire.SubmittedJob(
        id=wire.RunId(job_id),
        name=order.name,
        backend=backend.name,
        target=order.on,
        what=what,
        state="queued",
        workspace_id=wire.WorkspaceId(workspace.id),
        workspace_name=workspace.name,
        submitted_ms=int(time.time() * 1000),
        experiment=order.experiment,
        notebook=order.tags.get("mltrack.notebook", ""),
        cell_id=order.tags.get("mltrack.cell_id", ""),
        names=travelling,
        returns=order.returns,
        snapshot=None if files is None else files.described(),
        away=backend.away,
    )
    try:
        folders.start_keeper(place, workspace, job)
    except OSError as error:
        raise MltrackError(
            f"The process that follows the job cannot be started: {error.strerror}.",
            "Free memory or room on the disk, then submit again.",
        ) from error
    _tidy()
    return folders.get(job_id)


def _tidy() -> None:
    """Forget the oldest of very many jobs that ended."""
    ended = [job for job in folders.listed() if job.state in folders.ENDED]
    for job in ended[KEPT_ENDED:]:
        shutil.rmtree(folders.place_of(job.id), ignore_errors=True)
