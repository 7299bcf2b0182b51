"""A Python of the model's own, made by MLflow's tools from the model's files.

It is made in a process of its own and never changes the Python that runs here. The same
requirements give the same environment, so that the next deploy finds it ready.

    python -m jupyter_mltrack.deployments.local.environment MODEL_DIR uv|virtualenv|conda
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

from jupyter_mltrack.errors import MltrackError, UsageError

MANAGERS = ("local", "uv", "virtualenv", "conda")
TITLE = "Make the model's environment"
_MARK = "MLTRACK_PYTHON "
_TAIL = 60
_CAUSE = re.compile(r"(?:cause|error|fatal|╰─▶|\xd7)\W+(.+)", re.IGNORECASE)
_TRACEBACK = "Traceback (most recent call last):"
_TOOLS = {
    "uv": ("uv", "Install it: pip install uv"),
    "virtualenv": ("pyenv", "Install pyenv, or use --env uv."),
    "conda": ("conda", "Install Miniforge, or use --env uv."),
}
_NEEDED = "import mlflow.pyfunc, mlflow.pyfunc.scoring_server, pandas, uvicorn"


def make(folder: Path, manager: str, step: Callable[..., None]) -> str:
    """Return the interpreter of the model's environment, made now if it is not there.

    Args:
        folder: the model's files.
        manager: `uv`, `virtualenv` or `conda`.
        step: told what goes on.

    Raises:
        UsageError: there is no such manager, or it is not installed.
        MltrackError: the environment cannot be made; `lines` has the last lines said.
    """
    if manager not in _TOOLS:
        raise UsageError(f"{manager!r} makes no environments.", f"One of: {', '.join(MANAGERS)}")
    tool, hint = _TOOLS[manager]
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    if shutil.which(tool, path=path) is None:
        raise UsageError(f"{tool} is not installed.", hint)
    step("environment", TITLE, "running", "this can take minutes the first time")
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", __spec__.name, str(folder), manager],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    lines: deque[str] = deque(maxlen=_TAIL)
    python = ""
    with process.stdout as said:
        for line in said:
            text = " ".join(line.split())
            if text.startswith(_MARK):
                python = text.removeprefix(_MARK)
            elif text:
                print(text, flush=True)  # into the job's log
                lines.append(text)
                step("environment", TITLE, "running", text[:200])
    if process.wait() or not python:
        raise _failed(manager, list(lines))
    step("environment", TITLE, "done", python)
    return python


def _failed(manager: str, lines: list[str]) -> MltrackError:
    error = MltrackError(
        f"The model's environment cannot be made with {manager}: {cause(lines)}",
        "It asks for what its requirements.txt says; what went before: %mltrack logs ENDPOINT",
    )
    error.lines = lines  # type: ignore[attr-defined]
    return error


def cause(lines: list[str]) -> str:
    """The line by which a manager says what is wrong; MLflow's own error after it says nothing."""
    told = lines[: lines.index(_TRACEBACK)] if _TRACEBACK in lines else lines
    found = [match[1] for line in told if (match := _CAUSE.match(line))]
    return (found or lines or ["it said nothing"])[-1]


def _activation(folder: str, manager: str) -> str:
    """Make the environment, or find it, and return the command that enters it."""
    if manager == "conda":
        from mlflow.utils.conda import get_or_create_conda_env

        found = get_or_create_conda_env(os.path.join(folder, "conda.yaml"))
        command = found.get_activate_command()
        return command if isinstance(command, str) else " && ".join(command)
    from mlflow.utils import virtualenv

    return str(virtualenv._get_or_create_virtualenv(folder, env_manager=manager))


def main(folder: str, manager: str) -> None:
    """Make the environment and say where its Python is."""
    entering = _activation(folder, manager)
    asked = f"{entering} && python -c 'import sys; print(sys.executable)'"
    python = subprocess.run(
        ["bash", "-c", asked], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.split("\n")[-2]
    check = subprocess.run([python, "-c", _NEEDED], check=False, capture_output=True, text=True)
    if check.returncode:
        install = "uv pip install --python" if manager == "uv" else ""
        command = (
            [*install.split(), python, "uvicorn", "pandas"]
            if install
            else [python, "-m", "pip", "install", "uvicorn", "pandas"]
        )
        print(shlex.join(command), flush=True)
        subprocess.run(command, check=True)
        subprocess.run([python, "-c", _NEEDED], check=True)
    print(f"{_MARK}{python}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
