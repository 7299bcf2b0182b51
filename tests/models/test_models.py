"""Registered models of a real store: read by SQL as MLflow reads them, and changed through verbs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from mlflow.models import infer_signature
from mlflow.tracking import MlflowClient

from jupyter_mltrack import models, wire, workspaces
from jupyter_mltrack.errors import Ambiguous, NotFound, UsageError
from jupyter_mltrack.models import client_models, files
from jupyter_mltrack.models.naming import ModelWords, parse_model
from jupyter_mltrack.tracking import choice
from jupyter_mltrack.verbs.door import answer
from jupyter_mltrack.workspaces import Workspace

MARK = "loaded-by-somebody"


class Doubled(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input["x"] * 2


def log_model(run_name: str, loss: float) -> str:
    """A run with a metric and a model; its id."""
    import pandas as pd

    example = pd.DataFrame({"x": [1.0, 2.0]})
    with mlflow.start_run(run_name=run_name) as run:
        mlflow.log_metric("loss", loss)
        mlflow.pyfunc.log_model(
            name="model",
            python_model=Doubled(),
            signature=infer_signature(example, example["x"]),
            input_example=example,
            pip_requirements=["mlflow"],
        )
    return str(run.info.run_id)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The embedded workspace of the project in the working folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "mltrack.toml").touch()
    monkeypatch.chdir(folder)
    made = workspaces.resolve("local")
    made.prepare()
    yield made
    choice.forget()


@pytest.fixture
def client(place: Workspace) -> MlflowClient:
    return MlflowClient(tracking_uri=place.tracking_uri)


@pytest.fixture
def fit(place: Workspace) -> dict[str, str]:
    """Two runs, each with a logged model; ids by name."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", place.tracking_uri)
        for name, loss in (("first", 0.5), ("second", 0.25)):
            found[name] = log_model(name, loss)
    return found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("churn", ModelWords("churn")),
        ("churn/3", ModelWords("churn", version="3")),
        ("churn/003", ModelWords("churn", version="3")),
        ("churn@best one", ModelWords("churn", alias="best one")),
        ("models:/churn/3", ModelWords("churn", version="3")),
        ("models:/churn@a", ModelWords("churn", alias="a")),
        ("models:/churn/latest", ModelWords("churn")),
        ("models:/churn/Production", ModelWords("churn", stage="Production")),
        (f"models:/m-{'a' * 32}", ModelWords(uri=f"models:/m-{'a' * 32}")),
        (f"runs:/{'0' * 32}/model", ModelWords(uri=f"runs:/{'0' * 32}/model")),
    ],
)
def test_words_that_name_a_model_are_taken_apart(text: str, words: ModelWords) -> None:
    assert parse_model(text) == words


@pytest.mark.parametrize(
    "text", ["", "/", "churn/", "/3", "@a", "churn@", "a/b@c", "churn/three", "runs:/x/model"]
)
def test_words_that_name_no_model_are_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_model(text)
    assert caught.value.hint


def test_a_model_goes_from_a_run_to_an_alias_and_is_deleted(
    place: Workspace, client: MlflowClient, fit: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer("models").plain == "No registered models yet: %mltrack register RUN NAME"
    assert answer("register first churn").plain.startswith("✓ churn/1 · from first · loss 0.5")
    assert answer("register last/model churn").plain.startswith("✓ churn/2 · from second")
    answer("alias churn/1 champion")
    answer("tag churn/1 checked=yes")
    answer("tag churn owner=me")
    answer("tag second kept=no")
    theirs = client.get_model_version_by_alias("churn", "champion")
    assert (theirs.version, theirs.run_id, theirs.tags) == (1, fit["first"], {"checked": "yes"})
    assert client.get_registered_model("churn").tags == {"owner": "me"}
    assert client.get_run(fit["second"]).data.tags["kept"] == "no"

    whole = models.get_model(place, "churn")
    assert (whole.version_count, [one.version for one in whole.versions]) == (2, ["2", "1"])
    assert models.find_version(place, "churn@champion").version == "1"
    assert models.find_version(place, "churn").version == "2"
    shown = answer("models").plain
    assert "churn" in shown
    assert "champion (1)" in shown
    shown = answer("models churn@champion").plain
    assert "input example" in shown
    assert "MLmodel" in shown

    answer("alias churn champion --remove")
    with pytest.raises(NotFound) as caught:
        answer("models churn@champion")
    assert caught.value.hint == "Give one: %mltrack alias churn/1 champion"
    assert answer("rm churn/2 --yes").plain == "✓ deleted model version churn/2"
    assert [one.version for one in models.get_model(place, "churn").versions] == ["1"]
    assert answer("rm churn --yes").plain == "✓ deleted model churn with 1 version"
    assert client.search_registered_models() == []
    assert answer("rm second --yes").plain.startswith("✓ deleted run second (")
    assert client.get_run(fit["second"]).info.lifecycle_stage == "deleted"


def test_sql_answers_what_mlflows_client_answers(
    place: Workspace, client: MlflowClient, fit: dict[str, str]
) -> None:
    for number in range(7):
        answer("register first many")
        if number % 3 == 0:
            answer("register second few")
    answer("alias many/2 a")
    answer("alias many/2 b")
    client.update_registered_model("few", "some words")
    client.update_model_version("many", "3", "the third")
    client.transition_model_version_stage("many", "4", "Staging")
    client.delete_model_version("many", "6")
    for name in ("many", "few"):
        ours = models.get_model(place, name)
        theirs = client_models.model(place, name, models.VERSIONS)
        assert ours == wire_with_count(theirs, len(ours.versions))
        for one in ours.versions:
            assert models.get_version(place, name, one.version) == client_models.version(
                place, name, one.version
            )
            uri = client_models.location(place, name, one.version)
            assert files.local_folder(models.location(place, name, one.version)) == (
                files.local_folder(uri)
            ) or uri.startswith("models:/")
    ours_page = models.list_models(place, text="")
    theirs_page = client_models.page(place, [], 50, None)
    assert [one.name for one in ours_page.models] == [one.name for one in theirs_page.models]
    assert [one.versions for one in ours_page.models] == [
        one.versions for one in theirs_page.models
    ]
    assert [one.name for one in models.list_models(place, text="AN").models] == ["many"]
    first = models.list_models(place, limit=1)
    second = models.list_models(place, limit=1, page_token=first.next_page_token)
    assert [one.name for one in first.models + second.models] == [
        one.name for one in ours_page.models
    ]
    assert second.next_page_token is None
    with pytest.raises(UsageError):
        models.list_models(place, page_token="x")


def wire_with_count(model: wire.ModelInfo, count: int) -> wire.ModelInfo:
    import msgspec

    return msgspec.structs.replace(model, version_count=count)


def test_a_version_shows_what_lies_in_its_files(place: Workspace, fit: dict[str, str]) -> None:
    answer("register first churn")
    found = files.detail(place, models.find_version(place, "churn"))
    assert found.problem is None
    assert found.signature == wire.ModelSignature(
        inputs=[wire.ModelField(name="x", type="double")],
        outputs=[wire.ModelField(name="x", type="double")],
    )
    assert found.input_example == '{"columns": ["x"], "data": [[1.0], [2.0]]}'
    assert found.flavors == ["python_function"]
    assert found.requirements == ["mlflow"]
    assert "MLmodel" in {one.path for one in found.files}
    assert found.size_bytes == sum(one.size_bytes or 0 for one in found.files)


def test_files_that_are_gone_or_damaged_are_a_problem_and_the_rest_stays(
    place: Workspace, fit: dict[str, str]
) -> None:
    answer("register first churn")
    version = models.find_version(place, "churn")
    folder = files.local_folder(models.location(place, "churn", "1"))
    assert folder is not None
    (folder / "MLmodel").write_text("{[")
    found = files.detail(place, version)
    assert found.version == version
    assert found.problem is not None
    assert "damaged" in found.problem.message
    (folder / "MLmodel").unlink()
    outside = place.root / "secret"
    outside.write_text("canary: 1")
    (folder / "MLmodel").symlink_to(outside)
    found = files.detail(place, version)
    assert "canary" not in repr(found)
    assert found.problem is not None
    folder.rename(folder.with_name("gone"))
    found = files.detail(place, version)
    assert found.problem is not None
    assert "are gone" in found.problem.message


_BROWSE = """
import sys
from jupyter_mltrack.verbs.door import answer
for words in ("models", "models churn", "models churn/1", "models churn/1 --json"):
    assert "churn" in answer(words).plain, words
import os
assert not os.path.exists(sys.argv[1]), "the model was loaded"
"""


def test_s16_browsing_a_model_loads_none_of_its_code(place: Workspace, fit: dict[str, str]) -> None:
    answer("register first churn")
    folder = files.local_folder(models.location(place, "churn", "1"))
    assert folder is not None
    mark = place.root / MARK
    (folder / "code").mkdir()
    (folder / "code" / "hostile_loader.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    (folder / "MLmodel").write_text(
        "flavors:\n  python_function:\n    loader_module: hostile_loader\n    code: code\n"
        f"    x: !!python/object/apply:os.mknod [{str(mark)!r}]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", _BROWSE, str(mark)],
        capture_output=True, text=True, check=False, env=dict(os.environ),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert not mark.exists()


def test_what_does_not_fit_is_said_in_two_lines(place: Workspace, fit: dict[str, str]) -> None:
    answer("register first churn")
    for words, message, hint in (
        ("models chrun", "No model 'chrun' in workspace", "Did you mean churn?"),
        ("models churn/7", "No model version churn/7 in workspace", "Version 1 exists: %mltrack"),
        ("models churn@best", "Model churn has no alias 'best'", "Give one: %mltrack alias"),
        ("register nothing churn", "No run 'nothing'", "The runs it has"),
        ("register first/none churn", "Run first has no model 'none'", "It has: model"),
        ("register first a/b", "A model cannot be named 'a/b'", "A name holds no slash"),
        ("tag churn/1 word", "'word' is no tag", "Write KEY=VALUE."),
        ("tag nobody a=b", "No run, model or endpoint 'nobody'", "Those there are"),
        ("rm churn", "Delete model churn with 1 version? Nobody can be asked", "Add --yes"),
    ):
        with pytest.raises((NotFound, UsageError)) as caught:
            answer(words)
        assert caught.value.message.startswith(message), words
        assert caught.value.hint.startswith(hint), words
    answer("register first second")
    with pytest.raises(Ambiguous):
        answer("rm second --yes")
    answer("rm model:second --yes")
    assert [one.name for one in models.list_models(place).models] == ["churn"]


@pytest.fixture
def server(shared_server: str) -> Iterator[str]:
    yield shared_server
    choice.forget()


def test_a_server_takes_the_same_words(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    log_model("afar", 0.125)
    assert answer("register afar churn").plain.startswith("✓ churn/1 · from afar · loss 0.125")
    answer("register afar churn")
    answer("alias churn/1 champion")
    answer("tag churn/2 checked=yes")
    known = models.list_models(workspaces.resolve(server)).models
    (model,) = [one for one in known if one.name == "churn"]
    assert [(one.version, one.aliases, one.tags) for one in model.versions] == [
        ("2", [], [wire.Pair(key="checked", value="yes")]),
        ("1", ["champion"], []),
    ]
    found = files.detail(
        workspaces.resolve(server),
        models.find_version(workspaces.resolve(server), "churn@champion"),
    )
    assert found.problem is None
    assert found.flavors == ["python_function"]
    assert found.input_example == '{"columns": ["x"], "data": [[1.0], [2.0]]}'
    with pytest.raises(NotFound) as caught:
        answer("models churn/9")
    assert caught.value.hint == "Versions 1 to 2 exist: %mltrack models churn"
    answer("rm churn --yes")
    with pytest.raises(NotFound):
        answer("models churn")


def test_a_run_without_a_model_says_how_one_is_logged(place: Workspace) -> None:
    run = MlflowClient(tracking_uri=place.tracking_uri).create_run("0", run_name="bare")
    with pytest.raises(NotFound) as caught:
        answer(f"register {run.info.run_id} churn")
    assert "has no model" in caught.value.message
    assert "log_model" in caught.value.hint
    with pytest.raises(NotFound):
        models.get_model(place, "churn")
