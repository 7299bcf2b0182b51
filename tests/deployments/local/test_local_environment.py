"""A model in a Python of its own: made by MLflow's tools, never in the one that runs here."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from importlib import metadata
from pathlib import Path

import pytest
from local_ground import Ground, act

from jupyter_mltrack.deployments.local import deploying, environment, keeper_client
from jupyter_mltrack.errors import MltrackError, UsageError

_NO_NETWORK = ("error sending request", "dns error", "Failed to fetch", "No interpreter found")


def _installed() -> str:
    found = sorted(f"{one.metadata['Name']}=={one.version}" for one in metadata.distributions())
    return hashlib.sha256("\n".join(found).encode()).hexdigest()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_model_runs_in_an_environment_of_its_own(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    monkeypatch.setenv("MLFLOW_ENV_ROOT", str(tmp_path / "envs"))
    code = tmp_path / "telling.py"
    code.write_text(
        "import sys, mlflow\n"
        "class Telling(mlflow.pyfunc.PythonModel):\n"
        "    def predict(self, context, model_input, params=None):\n"
        "        ours = [one for one in sys.modules if one.startswith('jupyter_mltrack')]\n"
        "        parts = [getattr(sys.modules[one], '__file__', None) for one in ours]\n"
        "        return [[sys.executable, str(sorted(ours)), str('msgspec' in sys.modules)]]\n"
        "mlflow.models.set_model(Telling())\n"
    )
    import pandas as pd

    folder = tmp_path / "telling"
    mlflow.pyfunc.save_model(
        folder,
        python_model=str(code),
        input_example=pd.DataFrame({"act": ["x"]}),
        pip_requirements=[f"mlflow=={mlflow.__version__}", "iniconfig==2.0.0"],
    )
    ground.models["telling"] = folder
    before = _installed()
    try:
        info = ground.deploy("own", "telling", env="uv")
    except MltrackError as error:
        lines = " ".join(getattr(error, "lines", []))
        if any(word in lines for word in _NO_NETWORK):
            pytest.skip(f"no package registry can be reached: {error.message[:200]}")
        raise
    ((python, ours, msgspec),) = json.loads(keeper_client.ask("own", act("x")).body)["predictions"]
    assert info.state == "ready"
    assert python.startswith(str(tmp_path / "envs"))
    assert python != sys.executable
    assert msgspec == "False"
    for part in json.loads(ours.replace("'", '"')):
        assert part in _PARENTS or part.startswith("jupyter_mltrack.deployments.local.serving"), (
            part
        )
    assert _installed() == before, "nothing was installed into the Python that runs here"
    assert ("environment", "done") in ground.steps
    pid = next(pid for pid in ground.processes() if _exe(pid).startswith(str(tmp_path)))
    assert b"PYTHONPATH" not in Path(f"/proc/{pid}/environ").read_bytes()


_PARENTS = ("jupyter_mltrack", "jupyter_mltrack.deployments", "jupyter_mltrack.deployments.local")


def _exe(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()


def test_a_manager_that_is_not_installed_is_named_with_what_to_do(
    models: dict[str, Path], private_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(private_place / "python"))
    monkeypatch.setenv("PATH", str(private_place))
    for manager, word in (
        ("uv", "pip install uv"),
        ("conda", "Miniforge"),
        ("virtualenv", "pyenv"),
    ):
        with pytest.raises(UsageError) as caught:
            environment.make(models["plain"], manager, lambda *_: None)
        assert word in caught.value.hint
    with pytest.raises(UsageError, match="'poetry' makes no environments"):
        environment.make(models["plain"], "poetry", lambda *_: None)


def test_an_environment_that_cannot_be_made_fails_with_the_last_lines(
    tmp_path: Path, models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    monkeypatch.setenv("MLFLOW_ENV_ROOT", str(tmp_path / "envs"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "model"
    shutil.copytree(models["plain"], folder)
    (folder / "requirements.txt").write_text("no-such-package-of-this-name==1.0\n")
    steps: list[str] = []
    with pytest.raises(MltrackError, match="cannot be made with uv") as caught:
        environment.make(folder, "uv", lambda _name, _title, state, detail="": steps.append(detail))
    assert caught.value.lines  # type: ignore[attr-defined]
    assert len(steps) > 1, "progress was told"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            [
                "error: No solution found when resolving dependencies",
                "cause: Because away was not found in the package registry",
                "Traceback (most recent call last):",
                "mlflow.utils.process.ShellCommandException: Non-zero exit code: 1",
                "Command: ['bash', '-c', 'uv pip install']",
            ],
            "Because away was not found in the package registry",
        ),
        (
            ["Collecting away", "ERROR: No matching distribution found for away", "[notice] new"],
            "No matching distribution found for away",
        ),
        (["killed"], "killed"),
        ([], "it said nothing"),
    ],
)
def test_the_cause_is_what_the_manager_says(lines: list[str], said: str) -> None:
    assert environment.cause(lines) == said


@pytest.mark.parametrize(
    ("flavors", "requirements", "expected"),
    [
        (["python_function", "sklearn"], "mlflow\nscikit-learn==1.5\n", True),
        (["python_function", "pytorch"], "mlflow\n", False),
        (["python_function"], "torch>=2 ; python_version > '3.8'\n", False),
        (["python_function"], "torchless==1\n", True),
        (["python_function", "onnx"], "", False),
    ],
)
def test_models_of_runtimes_that_bear_no_fork_get_a_fresh_process(
    tmp_path: Path, flavors: list[str], requirements: str, expected: bool
) -> None:
    import yaml

    (tmp_path / "MLmodel").write_text(yaml.safe_dump({"flavors": {name: {} for name in flavors}}))
    (tmp_path / "requirements.txt").write_text(requirements)
    assert deploying.may_fork(tmp_path) is expected


def test_a_folder_without_a_readable_mlmodel_is_not_forked(tmp_path: Path) -> None:
    assert not deploying.may_fork(tmp_path)
    (tmp_path / "MLmodel").write_text("- a list")
    assert not deploying.may_fork(tmp_path)


def test_a_replica_does_not_inherit_what_opens_the_server_or_the_store(
    own_ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = (
        "JUPYTER_TOKEN",
        "JUPYTERHUB_API_TOKEN",
        "MLFLOW_TRACKING_TOKEN",
        "MLFLOW_TRACKING_PASSWORD",
    )
    for name in names:
        monkeypatch.setenv(name, "canary-of-a-secret")
    own_ground.deploy("churn", "odd")
    pids = own_ground.processes()[1:]
    assert len(pids) == 2
    for pid in pids:
        assert b"canary-of-a-secret" not in Path(f"/proc/{pid}/environ").read_bytes()
    assert os.environ["JUPYTER_TOKEN"] == "canary-of-a-secret"
