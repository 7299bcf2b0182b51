"""Nothing of a model runs before somebody agreed to exactly these files."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

import jupyter_mltrack
from jupyter_mltrack import deployments, models, workspaces
from jupyter_mltrack.models import files, trust
from jupyter_mltrack.models.trust import ConsentNeeded
from jupyter_mltrack.tracking import attach, choice
from jupyter_mltrack.verbs.door import answer
from jupyter_mltrack.workspaces import Workspace

LOADER = """
from pathlib import Path

def _load_pyfunc(path):
    Path({marker!r}).write_text("loaded")
    class Model:
        def predict(self, data):
            return [1.0] * len(data)
    return Model()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """An embedded workspace, and MLflow pointed at it without the extension."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "mltrack.toml").touch()
    monkeypatch.chdir(folder)
    made = workspaces.resolve("local")
    made.prepare()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", made.tracking_uri)
    yield made
    choice.forget()


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """The file that the stranger's model writes when it is loaded."""
    return tmp_path / "loaded-by-somebody"


@pytest.fixture
def listener() -> Iterator[tuple[int, list[str]]]:
    """A port, and who connected to it."""
    seen: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                seen.append("hit")
                connection.close()

        threading.Thread(target=listen, daemon=True).start()
        yield server.getsockname()[1], seen


def stranger(place: Workspace, marker: Path, tmp_path: Path, requirement: str = "mlflow") -> str:
    """A registered model whose loading runs a stranger's code; its name."""
    code = tmp_path / "code"
    code.mkdir()
    (code / "hostile_loader.py").write_text(LOADER.format(marker=str(marker)))
    folder = tmp_path / "model"
    mlflow.pyfunc.save_model(
        str(folder), loader_module="hostile_loader", code_paths=[str(code / "hostile_loader.py")],
        pip_requirements=["mlflow"],
    )  # fmt: skip
    (folder / "requirements.txt").write_text(f"{requirement}\n")
    marker.unlink(missing_ok=True)  # saving infers requirements by loading
    with mlflow.start_run(run_name="theirs") as run:
        mlflow.log_artifacts(str(folder), "model")
    client = mlflow.MlflowClient(place.tracking_uri)
    client.create_registered_model("theirs")
    client.create_model_version("theirs", f"{run.info.artifact_uri}/model", run.info.run_id)
    return "theirs"


def test_s16_looking_at_a_strangers_model_and_planning_its_deploy_runs_nothing(
    place: Workspace, marker: Path, tmp_path: Path
) -> None:
    stranger(place, marker, tmp_path)
    models.list_models(place)
    files.detail(place, models.find_version(place, "theirs"))
    plan = deployments.plan_deploy(place, "theirs")
    answer("models theirs/1")
    assert plan.needs_consent
    assert plan.code_files == ["code/hostile_loader.py"]
    assert plan.made_by
    assert plan.run_name == "theirs"
    assert len(plan.digest) == 64
    assert not marker.exists()


def test_s16_a_strangers_model_is_neither_deployed_nor_loaded_without_consent(
    place: Workspace, marker: Path, tmp_path: Path
) -> None:
    stranger(place, marker, tmp_path)
    with pytest.raises(ConsentNeeded) as caught:
        deployments.start_deploy(place, "theirs")
    assert caught.value.code == "conflict"
    with pytest.raises(ConsentNeeded) as caught:
        trust.ensure(place, models.find_version(place, "theirs"))
    assert "--trust" in caught.value.hint
    with pytest.raises(ConsentNeeded):
        answer("deploy theirs")
    assert not marker.exists()


def test_s16_consent_is_kept_for_these_files_and_written_down(
    place: Workspace, marker: Path, tmp_path: Path, private_place: Path
) -> None:
    stranger(place, marker, tmp_path)
    version = models.find_version(place, "theirs")
    asked: list[str] = []

    def no(question: str) -> bool:
        asked.append(question)
        return False

    with pytest.raises(ConsentNeeded):
        trust.ensure(place, version, ask=no)
    assert "was not made here" in asked[0]
    found = trust.ensure(place, version, ask=lambda _question: True)
    assert trust.ensure(place, version, ask=no) == found
    assert len(asked) == 1
    said = [json.loads(line) for line in (private_place / "data" / "audit.jsonl").open()]
    assert [(one["act"], one["digest"], one["model"]) for one in said] == [
        ("agreed", found.digest, "theirs/1")
    ]
    mlflow.pyfunc.load_model(str(found.path))
    assert marker.exists()


def test_s17_one_byte_changed_after_consent_is_refused(
    place: Workspace, marker: Path, tmp_path: Path
) -> None:
    stranger(place, marker, tmp_path)
    agreed = deployments.plan_deploy(place, "theirs").digest
    root = files.local_folder(models.location(place, "theirs", "1"))
    assert root is not None
    with (root / "code" / "hostile_loader.py").open("a") as file:
        file.write("#")
    with pytest.raises(ConsentNeeded) as caught:
        deployments.start_deploy(place, "theirs", consent_digest=agreed)
    assert caught.value.code == "conflict"
    assert "was changed since you agreed" in caught.value.message
    assert not marker.exists()


def test_s17_an_alias_that_moved_is_another_model(
    place: Workspace, marker: Path, tmp_path: Path
) -> None:
    stranger(place, marker, tmp_path)
    client = mlflow.MlflowClient(place.tracking_uri)
    client.set_registered_model_alias("theirs", "best", "1")
    agreed = deployments.plan_deploy(place, "theirs@best")
    trust.agree(agreed.digest, model="theirs/1")
    root = files.local_folder(models.location(place, "theirs", "1"))
    assert root is not None
    (root / "more.py").write_text("pass")
    client.create_model_version("theirs", str(root))
    client.set_registered_model_alias("theirs", "best", "2")
    with pytest.raises(ConsentNeeded):
        deployments.start_deploy(place, "theirs@best", consent_digest=agreed.digest)


def test_s18_requirements_are_shown_and_nobody_is_asked_for_them_before_consent(
    place: Workspace, marker: Path, tmp_path: Path, listener: tuple[int, list[str]]
) -> None:
    port, hits = listener
    evil = f"evil @ http://127.0.0.1:{port}/evil.whl"
    stranger(place, marker, tmp_path, requirement=evil)
    plan = deployments.plan_deploy(place, "theirs")
    assert plan.requirements == [evil]
    assert plan.unmet == [f"{evil} (not installed)"]
    with pytest.raises(ConsentNeeded):
        deployments.start_deploy(place, "theirs", options={"env": "uv"})
    assert hits == []


def test_ones_own_tracked_model_needs_no_question_until_a_byte_of_it_changes(
    place: Workspace,
) -> None:
    class Doubled(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return model_input

    attach.attach()
    try:
        with jupyter_mltrack.track("mine"):
            mlflow.pyfunc.log_model(
                name="model", python_model=Doubled(), pip_requirements=["mlflow"]
            )
    finally:
        attach.detach()
    answer("register mine mine")
    plan = deployments.plan_deploy(place, "mine")
    assert (plan.needs_consent, plan.reason) == (False, "It was made here.")
    root = files.local_folder(models.location(place, "mine", "1"))
    assert root is not None
    (root / "python_model.pkl").write_bytes(b"x")
    assert deployments.plan_deploy(place, "mine").needs_consent


def test_a_model_that_is_all_a_tracked_cell_logs_belongs_to_its_run(place: Workspace) -> None:
    class Doubled(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return model_input

    attach.attach()
    try:
        with jupyter_mltrack.track("only-a-model"):
            mlflow.pyfunc.log_model(
                name="model", python_model=Doubled(), pip_requirements=["mlflow"]
            )
    finally:
        attach.detach()
    run = jupyter_mltrack.show("only-a-model")
    assert run.summary.status == "FINISHED"
    assert run.models == ["model"]
