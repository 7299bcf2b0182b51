"""The targets as MLflow knows them: found by name, with help and form, and doing what they say."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pandas as pd
import pytest
from local_ground import COLUMNS, Ground
from mlflow.deployments import get_deploy_client
from mlflow.exceptions import MlflowException

from jupyter_mltrack.deployments import docker, targets
from jupyter_mltrack.deployments.local import keeper_client, plugin
from jupyter_mltrack.deployments.local.spec import Options

ROWS = pd.DataFrame([[0.1, 0.2, 0.3, 0.4]] * 3, columns=COLUMNS)


def test_mlflow_finds_the_targets_by_name() -> None:
    for name in ("local", "docker"):
        client = get_deploy_client(name)
        assert type(client).__name__.lower() == f"{name}deployments"
        assert targets.module_of(name).target_help()
    assert [one.name for one in targets.listed().targets][:2] == ["local", "docker"]


def test_each_field_of_the_form_has_a_default_that_the_target_takes() -> None:
    for module in (plugin, docker):
        form = module.target_form()
        for name, field in form["properties"].items():
            assert {"type", "title", "description", "default"} <= set(field), name
            targets.checked_options(form, {name: field["default"]})
    assert set(plugin.target_form()["properties"]) == set(Options.__struct_fields__)


def test_mlflows_own_calls_deploy_ask_split_and_delete(ground: Ground) -> None:
    client = get_deploy_client("local")
    assert client is not None
    steps = []
    client.on_step = lambda name, _title, state, _detail="": steps.append((name, state))
    config = {"model_dir": str(ground.models["plain"]), "digest": "d", "workspace_id": "w"}
    made = client.create_deployment("churn", "models:/churn/4", config=config)
    assert made == {"name": "churn/4", "flavor": "python_function"}
    assert ("prediction", "done") in steps
    assert len(client.predict("churn", ROWS)["predictions"]) == 3
    assert len(client.predict("churn", {"inputs": ROWS.to_dict("list")})["predictions"]) == 3
    with pytest.raises(MlflowException, match="exists"):
        client.create_deployment("churn", "models:/churn/4", config=config)
    client.create_deployment("churn/5", "models:/churn/5", config={**config, "traffic": 20})
    assert [one["name"] for one in client.list_deployments()] == ["churn/4", "churn/5"]
    assert client.get_deployment("churn/5")["traffic_percent"] == 20
    client.create_deployment(
        "churn/6",
        "models:/churn/6",
        config={**config, "shadow": "true", "log_rows_max": "7", "redact_columns": "a,b"},
    )
    options = json.loads(client.get_endpoint("churn")["options"])
    assert (options["log_rows_max"], options["redact_columns"]) == (7, ["a", "b"])
    assert client.get_deployment("churn/6")["shadow"] is True
    client.delete_deployment("churn/6")
    client.update_endpoint("churn", {"traffic": {"4": 0, "5": 100}})
    assert client.get_endpoint("churn")["deployments"][1]["traffic_percent"] == 100
    client.delete_deployment("churn/4")
    client.delete_deployment("churn/4", endpoint="churn")
    assert [one["label"] for one in client.list_deployments("churn")] == ["5"]
    client.delete_endpoint("churn")
    client.delete_endpoint("churn")
    assert client.list_endpoints() == []


def test_a_target_that_fails_says_why_and_keeps_the_lines(ground: Ground) -> None:
    client = get_deploy_client("local")
    assert client is not None
    config = {"model_dir": str(ground.models["broken"]), "digest": "d"}
    with pytest.raises(Exception, match="no_such_library_at_all") as caught:
        client.create_deployment("bad", "models:/bad/1", config=config)
    assert caught.value.lines  # type: ignore[attr-defined]


def test_an_unknown_option_is_named(ground: Ground) -> None:
    client = get_deploy_client("local")
    assert client is not None
    config = {"model_dir": str(ground.models["plain"]), "colour": "blue"}
    with pytest.raises(Exception, match="colour"):
        client.create_deployment("bad", "models:/bad/1", config=config)
    assert keeper_client.endpoints() == []


def test_without_an_engine_docker_writes_the_whole_context_and_says_the_command(
    models: dict[str, Path], private_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(private_place))  # no docker there
    client = get_deploy_client("docker")
    assert client is not None
    made = client.create_deployment("churn", str(models["plain"]))
    folder = Path.cwd() / "churn-docker"
    assert made["folder"] == str(folder)
    assert made["state"] == "stopped"
    assert made["command"] == f"docker build -t mltrack-churn {folder}"
    assert made["command"] in made["detail"]
    dockerfile = (folder / "Dockerfile").read_text()
    copied = [line.split()[1] for line in dockerfile.splitlines() if line.startswith("COPY")]
    assert copied
    assert all((folder / one).exists() for one in copied), copied
    assert list(folder.rglob("MLmodel"))
    with pytest.raises(MlflowException, match="not empty"):
        client.create_deployment("churn", str(models["plain"]))
    assert not list(Path.cwd().glob(".*draft"))


def test_with_an_engine_docker_has_mlflow_build_the_image(
    models: dict[str, Path], private_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine here is a script that answers as `docker` does and keeps what it was told."""
    folder = private_place / "bin"
    folder.mkdir()
    script = folder / "docker"
    script.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {folder}/said\n'
        'if [ "$1" = version ]; then echo 27.0.1; fi\n'
        f'if [ "$1" = build ]; then for last; do :; done; cp "$last/Dockerfile" {folder}/; fi\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.path.dirname(sys.executable)}:/usr/bin:/bin")
    client = get_deploy_client("docker")
    assert client is not None
    made = client.create_deployment("churn", str(models["plain"]), config={"image": "team/churn:4"})
    assert (made["state"], made["image"]) == ("ready", "team/churn:4")
    assert "docker run" in made["detail"]
    said = (folder / "said").read_text()
    assert "build -t team/churn:4" in said
    assert (folder / "Dockerfile").read_text().startswith("# Build an image")


def test_a_name_that_is_no_image_is_refused() -> None:
    client = get_deploy_client("docker")
    assert client is not None
    with pytest.raises(MlflowException, match="cannot name an image"):
        client.create_deployment("x", "models:/x/1", config={"image": "-v /:/host"})


def test_importing_the_targets_imports_no_mlflow() -> None:
    import subprocess

    code = (
        "import sys, json, jupyter_mltrack.deployments.docker, jupyter_mltrack.deployments.local.plugin;"
        "print(json.dumps([one for one in ('mlflow', 'pandas', 'numpy') if one in sys.modules]))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert json.loads(answer.stdout) == []
