"""What lies in a model's files: MLmodel, signature, input example, requirements. Nothing is loaded.

Files on this machine are read in place, others are fetched one by one, and only the small ones. A
model's own files are data of a stranger: sizes are bounded, YAML is read without objects, and no
path leads out of the model's folder.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import MltrackError, NotFound, WorkspaceError

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

MLMODEL_BYTES_MAX = 1 << 20
EXAMPLE_BYTES_MAX = 1 << 20
REQUIREMENTS_MAX = 500
FILES_MAX = 1_000
_TYPES = 200


def detail(workspace: Workspace, version: wire.ModelVersionInfo) -> wire.ModelVersionDetail:
    """One version with what lies in its files; a `problem` where they cannot be read."""
    from jupyter_mltrack import models

    made = wire.ModelVersionDetail(version=version)
    try:
        uri = models.location(workspace, version.name, version.version)
        return _read(made, _opened(workspace, uri))
    except MltrackError as error:
        return _with(made, problem=problem_of(error))


def read_folder(folder: Path) -> wire.ModelVersionDetail:
    """What lies in a folder of a model's files; a `problem` where they cannot be read."""
    nowhere = wire.ModelVersionInfo(name="", version="", created_ms=0, updated_ms=0)
    made = wire.ModelVersionDetail(version=nowhere)
    try:
        return _read(made, _Local(folder))
    except MltrackError as error:
        return _with(made, problem=problem_of(error))


def problem_of(error: MltrackError) -> wire.Problem:
    """The error as an answer carries it."""
    code: Any = error.code
    return wire.Problem(code=code, message=error.message, hint=error.hint)


def _with(made: wire.ModelVersionDetail, **fields: Any) -> wire.ModelVersionDetail:
    import msgspec

    return msgspec.structs.replace(made, **fields)


class _Local:
    """Files of a model on this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def entries(self) -> list[wire.ArtifactInfo]:
        found: list[wire.ArtifactInfo] = []
        for folder, folders, files in os.walk(self._root):
            folders.sort()
            for name in sorted(files):
                path = Path(folder, name)
                if len(found) >= FILES_MAX:
                    return found
                if not path.is_symlink() and path.is_file():
                    inside = path.relative_to(self._root).as_posix()
                    found.append(
                        wire.ArtifactInfo(path=inside, is_dir=False, size_bytes=path.stat().st_size)
                    )
        return found

    def text(self, path: str, limit: int) -> str | None:
        try:
            handle = os.open(self._root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        with os.fdopen(handle, "rb") as file:
            return file.read(limit + 1)[:limit].decode("utf-8", "replace")


class _Remote:
    """Files of a model elsewhere, through MLflow's artifact repositories."""

    def __init__(self, workspace: Workspace, uri: str) -> None:
        self._workspace = workspace
        self._uri = uri

    def entries(self) -> list[wire.ArtifactInfo]:
        from jupyter_mltrack.runs.client_store import ask

        def question(_client: Any) -> list[wire.ArtifactInfo]:
            found: list[wire.ArtifactInfo] = []
            folders: list[str | None] = [None]
            repository = self._repository()
            # Azure ML's own list says no sizes
            listed = getattr(repository, "list_with_sizes", repository.list_artifacts)
            while folders and len(found) < FILES_MAX:
                for one in listed(folders.pop()):
                    if one.is_dir:
                        folders.append(one.path)
                    else:
                        found.append(
                            wire.ArtifactInfo(path=one.path, is_dir=False, size_bytes=one.file_size)
                        )
            return sorted(found, key=lambda one: one.path)

        return ask(self._workspace, question)

    def text(self, path: str, limit: int) -> str | None:
        from tempfile import TemporaryDirectory

        from jupyter_mltrack.runs.client_store import ask

        def question(_client: Any) -> str:
            with TemporaryDirectory() as folder:
                place = self._repository().download_artifacts(path, dst_path=folder)
                with open(place, "rb") as file:
                    return file.read(limit + 1)[:limit].decode("utf-8", "replace")

        known = {one.path: one.size_bytes for one in self.entries()}
        if path not in known or (known[path] or 0) > limit:
            return None
        return ask(self._workspace, question)

    def _repository(self) -> Any:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        return get_artifact_repository(self._uri, tracking_uri=self._workspace.tracking_uri)


def _opened(workspace: Workspace, uri: str) -> _Local | _Remote:
    root = local_folder(uri)
    if root is None:
        return _Remote(workspace, uri)
    if not root.is_dir():
        raise NotFound(
            f"The files of the model are gone: {clean(str(root))}.", "Register it from a run anew."
        )
    return _Local(root)


def local_folder(uri: str) -> Path | None:
    """The folder on this machine that an address names; None for any other address."""
    from urllib.parse import unquote, urlsplit

    if uri.startswith("file:"):
        return Path(unquote(urlsplit(uri).path))
    return Path(uri) if uri.startswith("/") else None


def _read(made: wire.ModelVersionDetail, place: _Local | _Remote) -> wire.ModelVersionDetail:
    files = place.entries()
    sizes = [one.size_bytes or 0 for one in files]
    made = _with(made, files=files, size_bytes=sum(sizes) if len(files) < FILES_MAX else None)
    text = place.text("MLmodel", MLMODEL_BYTES_MAX)
    if text is None:
        raise NotFound("The model has no MLmodel file.", "It was not logged by MLflow.")
    said = _parsed(text)
    flavors = said.get("flavors")
    requirements = place.text("requirements.txt", MLMODEL_BYTES_MAX) or ""
    lines = [line.strip() for line in requirements.splitlines()]
    return _with(
        made,
        mlmodel=text,
        flavors=sorted(map(str, flavors)) if isinstance(flavors, dict) else [],
        signature=_signature(said.get("signature")),
        input_example=_example(place, said.get("saved_input_example_info")),
        requirements=[line for line in lines if line and not line.startswith("#")][
            :REQUIREMENTS_MAX
        ],
    )


def _parsed(text: str) -> dict[str, Any]:
    import yaml

    try:
        said = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise WorkspaceError(
            f"The MLmodel file is damaged: {clean(str(error).splitlines()[0])}",
            "Log the model anew.",
        ) from error
    if not isinstance(said, dict):
        raise WorkspaceError("The MLmodel file says nothing.", "Log the model anew.")
    return said


def _example(place: _Local | _Remote, info: Any) -> str | None:
    if not isinstance(info, dict):
        return None
    name = info.get("artifact_path")
    if not isinstance(name, str) or not name or "/" in name or "\\" in name or name.startswith("."):
        return None
    text = place.text(name, EXAMPLE_BYTES_MAX)
    if text is None:
        return None
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    return text


# ----------------------------------------------------------------------------- signature


def _signature(said: Any) -> wire.ModelSignature | None:
    if not isinstance(said, dict):
        return None
    return wire.ModelSignature(
        inputs=_fields(said.get("inputs")),
        outputs=_fields(said.get("outputs")),
        params=_fields(said.get("params")),
    )


def _fields(text: Any) -> list[wire.ModelField]:
    try:
        columns = json.loads(text) if isinstance(text, str) else []
    except (ValueError, RecursionError):
        return []
    return fields_of(columns) if isinstance(columns, list) else []


def fields_of(columns: list[Any]) -> list[wire.ModelField]:
    """Columns as MLflow's JSON of a schema names them."""
    return [_field(at, one) for at, one in enumerate(columns) if isinstance(one, dict)]


def _field(at: int, said: dict[str, Any]) -> wire.ModelField:
    kind = str(said.get("type", ""))
    shape = said.get("shape")
    tensor = said.get("tensor-spec")
    if isinstance(tensor, dict):
        kind = f"tensor({tensor.get('dtype', '')})"
        shape = tensor.get("shape")
    elif kind in ("array", "object", "map"):
        inner = {key: said[key] for key in ("items", "properties", "values") if key in said}
        kind = f"{kind}({json.dumps(inner)[:_TYPES]})"
    whole = isinstance(shape, list) and all(isinstance(one, int) for one in shape)
    return wire.ModelField(
        name=str(said.get("name") or at),
        type=kind,
        required=bool(said.get("required", True)),
        shape=shape if whole else None,
        default=json.dumps(said["default"]) if said.get("default") is not None else None,
    )
