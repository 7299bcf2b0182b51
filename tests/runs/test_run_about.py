"""What a run remembers: from the files kept here, from its artifacts, and from the store."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow.data.http_dataset_source import HTTPDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import DatasetInput, InputTag
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, Schema

from jupyter_mltrack import settings, wire, workspaces
from jupyter_mltrack.errors import NotFound
from jupyter_mltrack.journal import kept, printed
from jupyter_mltrack.runs.about import get_about
from jupyter_mltrack.runs.diff import get_diff, source_lines
from jupyter_mltrack.runs.output import get_output
from jupyter_mltrack.workspaces import Workspace

SOURCE = "lr = 0.1\nfor step in range(3):\n    print(step)\n"


@pytest.fixture
def place(empty_database: Path, tmp_path: Path) -> Workspace:
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    return workspaces.resolve(f"sqlite:///{tmp_path}/mlflow.db")


@pytest.fixture
def client(place: Workspace) -> MlflowClient:
    return MlflowClient(tracking_uri=place.tracking_uri)


def begin(client: MlflowClient, name: str, **tags: str) -> str:
    told = {key.replace("__", "."): value for key, value in tags.items()}
    return str(client.create_run("0", run_name=name, tags=told).info.run_id)


def keep(place: Workspace, run_id: str, source: str = SOURCE, **said: Any) -> Path:
    folder = kept.folder(settings.data_dir(), place.id, run_id)
    kept.write(folder, kept.SOURCE, source.encode())
    kept.write(folder, kept.SURROUNDINGS, json.dumps(said).encode())
    return folder


def test_a_run_remembers_its_files_its_data_its_models_and_its_kin(
    place: Workspace, client: MlflowClient
) -> None:
    tags = {"mltrack__cell_id": "c1", "mltrack__notebook": "a.ipynb"}
    parent = begin(client, "parent")
    run_id = begin(client, "child", mlflow__parentRunId=parent, **tags)
    again = begin(client, "again", **tags)
    begin(client, "elsewhere", mltrack__cell_id="c1", mltrack__notebook="b.ipynb")
    grandchild = begin(client, "grandchild", mlflow__parentRunId=run_id)
    data = MetaDataset(
        HTTPDatasetSource("https://me:secret-word@example.org/x.csv"),
        name="wine",
        schema=Schema([ColSpec("double", "acid")]),
    )
    tag = InputTag("mlflow.data.context", "training")
    client.log_inputs(run_id, [DatasetInput(data._to_mlflow_entity(), [tag])])
    client.create_registered_model("churn")
    client.create_model_version("churn", "file:///nowhere", run_id)
    folder = keep(
        place, run_id, python="3.11.2", packages=["numpy 2.0", "mlflow 3.17"],
        hardware={"CPU": "2 cores"}, git_commit="abc", git_dirty=True,
    )  # fmt: skip
    kept.write(folder, kept.DIFF, b"+new line\n")
    about = get_about(place, run_id)
    assert (about.source, about.python, about.cell_id) == (SOURCE, "3.11.2", "c1")
    assert (about.git_commit, about.git_dirty, about.git_diff) == ("abc", True, "+new line\n")
    assert about.packages == [
        wire.Pair(key="numpy", value="2.0"),
        wire.Pair(key="mlflow", value="3.17"),
    ]
    assert about.parent is not None
    assert about.parent.run_id == parent
    assert [one.run_id for one in about.children] == [grandchild]
    assert {one.run_id for one in about.attempts} == {run_id, again}
    (used,) = about.data
    assert (used.name, used.context) == ("wine", "training")
    assert used.source == "https://me:[redacted: password]@example.org/x.csv"
    assert [(one.name, one.type) for one in used.columns] == [("acid", "double")]
    assert [(one.name, one.version) for one in about.versions] == [("churn", "1")]
    assert about.problems == []


def test_what_only_the_artifacts_have_is_read_from_there(
    place: Workspace, client: MlflowClient, tmp_path: Path
) -> None:
    run_id = begin(client, "from-another-machine")
    client.log_text(run_id, SOURCE, "mltrack/source.py")
    line = printed.file_line(printed.Line("stderr", "careful", 1_700_000_000_123))
    client.log_text(run_id, line, "mltrack/output.log")
    root = Path(client.get_run(run_id).info.artifact_uri.removeprefix("file://"))

    def read(_uri: str, path: str, limit: int) -> bytes | None:
        return kept.read(root / path, limit)

    assert get_about(place, run_id, read=read).source == SOURCE
    found = get_output(place, run_id, read=read)
    assert found.lines == [wire.OutputLine(stream="stderr", text="careful", t_ms=1_700_000_000_123)]
    assert get_about(place, run_id).source == ""  # nobody said how to read on this machine


def test_a_plain_mlflow_run_remembers_what_its_tags_say(
    place: Workspace, client: MlflowClient
) -> None:
    run_id = begin(
        client, "plain", mlflow__source__name="train.py", mlflow__source__git__commit="f00"
    )
    about = get_about(place, run_id)
    assert (about.notebook_path, about.git_commit, about.source) == ("train.py", "f00", "")
    with pytest.raises(NotFound):
        get_about(place, "0" * 32)


def test_damaged_files_cost_only_themselves(place: Workspace, client: MlflowClient) -> None:
    run_id = begin(client, "damaged")
    folder = keep(place, run_id)
    kept.write(folder, kept.SURROUNDINGS, b'{"python": 3, "packages": "no"')
    kept.write(folder, kept.SOURCE, b"\xff\xfe = 1\n")
    about = get_about(place, run_id)
    assert about.python == ""
    assert about.source == "\ufffd\ufffd = 1\n"
    (folder / kept.DIFF).symlink_to("/etc/passwd")
    assert get_about(place, run_id).git_diff == ""


def test_output_is_followed_with_a_cursor_and_its_end_is_shown_first(
    place: Workspace, client: MlflowClient
) -> None:
    run_id = begin(client, "chatty")
    path = keep(place, run_id) / kept.OUTPUT
    lines = [printed.file_line(printed.Line("stdout", f"line {n}", n)) for n in range(10)]
    path.write_text("".join(lines) + "2026-01-01T00:00:00.000Z out half a li")
    found = get_output(place, run_id, lines=3)
    assert [one.text for one in found.lines] == ["line 7", "line 8", "line 9"]
    assert found.dropped == 7
    with path.open("a") as file:
        file.write("ne\nno head at all\n")
    more = get_output(place, run_id, since=found.cursor)
    assert [one.text for one in more.lines] == ["half a line", "no head at all"]
    assert more.dropped == 0
    assert get_output(place, run_id, since=more.cursor).lines == []
    assert get_output(place, begin(client, "silent")).lines == []
    with pytest.raises(NotFound):
        get_output(place, "0" * 32)


def test_only_what_differs_between_two_runs_is_told(place: Workspace, client: MlflowClient) -> None:
    left, right = begin(client, "left", owner="me"), begin(client, "right", owner="you")
    for run_id, lr in ((left, "0.1"), (right, "0.2")):
        client.log_param(run_id, "lr", lr)
        client.log_param(run_id, "same", "1")
    client.log_metric(left, "acc", 0.5)
    keep(place, left, python="3.11", packages=["numpy 1.0", "old 1"])
    keep(place, right, SOURCE.replace("3", "4"), python="3.11", packages=["numpy 2.0"])
    found = get_diff(place, left, right)
    assert found.params == [wire.DiffRow(key="lr", left="0.1", right="0.2")]
    assert found.metrics == [wire.DiffRow(key="acc", left="0.5", right=None)]
    assert found.tags == [wire.DiffRow(key="owner", left="me", right="you")]
    assert found.packages == [
        wire.DiffRow(key="numpy", left="1.0", right="2.0"),
        wire.DiffRow(key="old", left="1", right=None),
    ]
    assert found.surroundings == []
    assert [(one.left, one.right, one.same) for one in found.source] == [
        ("lr = 0.1", "lr = 0.1", True),
        ("for step in range(3):", "for step in range(4):", False),
        ("    print(step)", "    print(step)", True),
    ]


def test_long_sources_are_cut_to_what_changed() -> None:
    lines = [f"line {number}" for number in range(100)]
    changed = [*lines[:50], "new", *lines[50:]]
    found = source_lines("\n".join(lines), "\n".join(changed))
    assert [one.right_number for one in found] == [48, 49, 50, 51, 52, 53, 54]
    assert [one.left for one in found if not one.same] == [None]
    assert source_lines("same", "same") == []
