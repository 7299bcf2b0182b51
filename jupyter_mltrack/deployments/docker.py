"""The target `docker` of `mlflow.deployments`: an image that serves a model.

Where a container engine runs, the image is built by MLflow itself. Where none does, everything
that a build needs is put into one folder, and the command that builds it is said: the model, the
Dockerfile and nothing else. Nothing is run here but the build: where the image runs is not ours
to decide.
"""

# ruff: noqa: ARG002 (the parameters are those of MLflow's interface)

from __future__ import annotations

import contextlib
import functools
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

ENGINE_LIMIT_S = 10.0
BUILD_LIMIT_S = 3600.0
SERVED_PORT = 8080
_IMAGE = re.compile(r"[a-z0-9]+(?:[._/-][a-z0-9]+)*(?::[A-Za-z0-9_.-]{1,128})?\Z")
_LINES = 30


def engine() -> str:
    """Return the version of the container engine that answers here; empty where none does."""
    docker = shutil.which("docker")
    if docker is None:
        return ""
    try:
        answer = subprocess.run(
            [docker, "version", "--format", "{{.Server.Version}}"],
            capture_output=True,
            text=True,
            timeout=ENGINE_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""


def target_form() -> dict[str, Any]:
    """Return the form of a deploy: JSON Schema with a default for every field."""
    return {
        "title": "Docker image",
        "type": "object",
        "properties": {
            "image": {
                "type": "string",
                "title": "Image",
                "description": "Name of the image; empty: that of the endpoint.",
                "default": "",
            },
            "out": {
                "type": "string",
                "title": "Folder",
                "description": "For the build context, without an engine; empty: NAME-docker.",
                "default": "",
                "x-advanced": True,
            },
            "base_image": {
                "type": "string",
                "title": "Base image",
                "description": "Empty: MLflow chooses, by the Python that the model was made with.",
                "default": "",
                "x-advanced": True,
            },
        },
    }


def target_help() -> str:
    """Return what MLflow's command line shows for this target."""
    fields = target_form()["properties"]
    lines = [f"    {name}: {field['description']}" for name, field in fields.items()]
    return "\n".join(
        [
            "Make a Docker image that serves a model on port 8080 by MLflow's scoring protocol.",
            "Without a container engine the complete build context is written to a folder.",
            "",
            "Fields of the configuration:",
            *lines,
        ]
    )


def run_local(
    name: str, model_uri: str, flavor: str | None = None, config: dict[str, Any] | None = None
) -> None:
    """Make the image; running it is left to whoever has the engine."""
    DockerTarget("docker").create_deployment(name, model_uri, flavor, config)


class DockerTarget:
    """What the client of this target does; `DockerDeployments` is the same with MLflow's base."""

    def __init__(self, target_uri: str) -> None:
        self.target_uri = target_uri
        self.on_step: Callable[..., None] | None = None

    def create_deployment(
        self,
        name: str,
        model_uri: str,
        flavor: str | None = None,
        config: dict[str, Any] | None = None,
        endpoint: str | None = None,
    ) -> dict[str, Any]:
        """Build the image, or write its build context where no engine runs."""
        config = config or {}
        image = str(config.get("image") or "") or _image_of(endpoint or name)
        if not _IMAGE.match(image):
            raise _refused(f"{image!r} cannot name an image: lower-case letters, digits, - and _.")
        base_image = str(config.get("base_image") or "") or None
        version = engine()
        if version:
            self._step("image", f"Build the image with Docker {version}", "running")
            self._build(model_uri, image, base_image)
            self._step("image", f"Build the image with Docker {version}", "done")
            run = f"docker run --rm -p 127.0.0.1:{SERVED_PORT}:{SERVED_PORT} {image}"
            return {
                "name": name,
                "flavor": flavor,
                "image": image,
                "state": "ready",
                "detail": f"image {image} is built; run it: {run}",
            }
        own = f"{(endpoint or name).removesuffix('-docker')}-docker"
        folder = Path(str(config.get("out") or "") or own).absolute()
        self._step("context", "Write the build context", "running")
        _write_context(model_uri, folder, base_image)
        self._step("context", "Write the build context", "done")
        command = f"docker build -t {image} {folder}"
        return {
            "name": name,
            "flavor": flavor,
            "image": image,
            "folder": str(folder),
            "command": command,
            "state": "stopped",
            "detail": f"no container engine runs here; where one does, build it: {command}",
        }

    def update_deployment(
        self,
        name: str,
        model_uri: str | None = None,
        flavor: str | None = None,
        config: dict[str, Any] | None = None,
        endpoint: str | None = None,
    ) -> None:
        """Build anew."""
        if model_uri is None:
            raise _refused("An image is made from a model: give model_uri.")
        self.create_deployment(name, model_uri, flavor, config, endpoint)

    def delete_deployment(
        self, name: str, config: dict[str, Any] | None = None, endpoint: str | None = None
    ) -> None:
        """Forget it: images and folders are the user's own and stay."""

    def list_deployments(self, endpoint: str | None = None) -> list[dict[str, Any]]:
        """Return the images that MLflow's build made here, if an engine runs."""
        if not engine():
            return []
        answer = subprocess.run(
            ["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"],
            capture_output=True,
            text=True,
            timeout=ENGINE_LIMIT_S,
            check=False,
        )
        names = [line for line in answer.stdout.splitlines() if line.startswith("mltrack-")]
        return [{"name": name.removeprefix("mltrack-"), "image": name} for name in names]

    def get_deployment(self, name: str, endpoint: str | None = None) -> dict[str, Any]:
        """Return one image."""
        for found in self.list_deployments():
            if found["name"].partition(":")[0] == name.lower():
                return {**found, "name": name}
        raise _refused(f"No image of {name} is known to an engine here.")

    def predict(
        self, deployment_name: str | None = None, inputs: Any = None, endpoint: str | None = None
    ) -> Any:
        """Refuse: an image does not answer, a container that somebody runs does."""
        raise _refused(
            f"Run the image, then ask http://127.0.0.1:{SERVED_PORT}/invocations: "
            "an image by itself answers nothing."
        )

    def _step(self, name: str, title: str, state: str, detail: str = "") -> None:
        if self.on_step is not None:
            self.on_step(name, title, state, detail)

    def _build(self, model_uri: str, image: str, base_image: str | None) -> None:
        import sys

        command = [sys.executable, "-m", "mlflow", "models", "build-docker"]
        command += ["-m", model_uri, "-n", image]
        if base_image:
            command += ["--base-image", base_image]
        try:
            answer = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=BUILD_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise _refused(
                f"The image was not built within {BUILD_LIMIT_S / 60:.0f} min."
            ) from error
        print(answer.stdout, flush=True)  # into the job's log
        if answer.returncode:
            last = answer.stdout.strip().splitlines()[-_LINES:]
            failed = _refused(f"The image was not built: {last[-1] if last else 'no word why'}")
            failed.lines = last  # type: ignore[attr-defined]
            raise failed


def _image_of(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return f"mltrack-{plain or 'model'}"


def _write_context(model_uri: str, folder: Path, base_image: str | None) -> None:
    """Write Dockerfile and model into a folder that is not there yet, whole or not at all."""
    from mlflow.models import flavor_backend_registry

    if folder.exists() and any(folder.iterdir()):
        raise _refused(f"{folder} exists and is not empty: name another with --out.")
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        backend = flavor_backend_registry.get_flavor_backend(
            model_uri, docker_build=True, env_manager=None
        )
        backend.generate_dockerfile(
            model_uri, str(draft), base_image=base_image, install_mlflow=False
        )
        with contextlib.suppress(OSError):
            folder.rmdir()
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@functools.cache
def _client_class() -> type:
    from mlflow.deployments import BaseDeploymentClient

    return type("DockerDeployments", (DockerTarget, BaseDeploymentClient), {"__module__": __name__})


def __getattr__(name: str) -> Any:
    if name == "DockerDeployments":
        return _client_class()
    raise AttributeError(name)


def __dir__() -> list[str]:
    return sorted([*globals(), "DockerDeployments"])


def _refused(message: str) -> Exception:
    from mlflow.exceptions import MlflowException

    refused: Exception = MlflowException(message)
    return refused
