"""What the routes about a run's memory answer, with a store that answers and one that hangs."""

from __future__ import annotations

import time

import pytest

from jupyter_mltrack import wire
from jupyter_mltrack.journal import Journal, kept, printed
from jupyter_mltrack.settings import data_dir
from jupyter_mltrack.workspaces import resolve

LEFT, RIGHT = "a" * 32, "b" * 32


@pytest.fixture
def two_runs(workspace, begin_run, end_run):
    """Two runs in the store, with what they remember kept here."""
    from jupyter_mltrack.journal.ship import sync

    journal = Journal.create(workspace)
    for run_id, lr in ((LEFT, "0.1"), (RIGHT, "0.2")):
        begin_run(journal, run_id=run_id, name=f"lr-{lr}")
        journal.event(wire.RunParams(run_id=wire.RunId(run_id), params={"lr": lr}))
        end_run(journal, run_id)
        folder = kept.folder(data_dir(), workspace.id, run_id)
        kept.write(folder, kept.SOURCE, f"lr = {lr}\n".encode())
        line = printed.file_line(printed.Line("stdout", f"training with {lr}", 5))
        kept.write(folder, kept.OUTPUT, line.encode())
    journal.close()
    assert sync(data_dir(), timeout_s=60).waiting_points == 0


@pytest.mark.usefixtures("two_runs")
async def test_a_runs_memory_its_output_and_its_difference_are_answered(api, workspace):
    of = f"workspace={workspace.id}"
    await api("workspaces?path=project/a.ipynb")
    about = (await api(f"runs/{LEFT}/about?{of}")).json
    assert (about["source"], about["problems"]) == ("lr = 0.1\n", [])
    output = (await api(f"runs/{LEFT}/output?{of}")).json
    assert output["lines"] == [{"stream": "stdout", "text": "training with 0.1", "t_ms": 5}]
    again = (await api(f"runs/{LEFT}/output?{of}&since={output['cursor']}")).json
    assert again["lines"] == []
    diff = (await api(f"runs/diff?{of}&left={LEFT}&right={RIGHT}")).json
    assert diff["params"] == [{"key": "lr", "left": "0.1", "right": "0.2"}]
    assert [(one["left"], one["right"]) for one in diff["source"]] == [("lr = 0.1", "lr = 0.2")]
    for path in ("about", "output"):
        assert (await api(f"runs/{'c' * 32}/{path}?{of}")).status == 404


async def test_what_is_kept_here_is_answered_although_the_store_hangs(api, hostile_store):
    silent = resolve(hostile_store(lambda connection, request: time.sleep(60)).url)
    used = Journal.create(silent)  # a kernel uses the store, so that this server may ask it
    folder = kept.folder(data_dir(), silent.id, LEFT)
    kept.write(folder, kept.SOURCE, b"lr = 0.1\n")
    about = await api(f"runs/{LEFT}/about?workspace={silent.id}")
    assert about.json["source"] == "lr = 0.1\n"
    assert about.json["problems"][0]["code"] in ("store_timeout", "store_unreachable")
    gone = await api(f"runs/{RIGHT}/about?workspace={silent.id}")
    assert gone.json["code"] in ("store_timeout", "store_unreachable")
    used.close()


async def test_a_live_run_says_its_kernel_its_cell_and_its_notebook(
    api, journal, begin_run, project, tmp_path
):
    def began(run_id, path):
        begin_run(
            journal,
            run_id=run_id,
            tags={"mltrack.cell_id": "c-7", "mltrack.attempt": "3"},
            kernel_id="k-1",
            notebook_path=str(path),
        )

    began(LEFT, project / "a b.ipynb")
    began(RIGHT, tmp_path / "elsewhere" / "x.ipynb")
    run = wire.RunId(LEFT)
    progress = wire.Progress(done=1, total=4)
    journal.event(wire.RunProgressed(run_id=run, progress=progress, at_ms=1))
    journal.event(wire.RunPrinted(run_id=run, stream="stdout", text="one\n<b>two\n", at_ms=1))
    found = {one["summary"]["run_id"]: one for one in (await api("live")).json["runs"]}
    live = found[LEFT]
    assert (live["kernel_id"], live["cell_id"]) == ("k-1", "c-7")
    assert live["notebook_path"] == "project/a b.ipynb"
    assert live["summary"]["attempt"] == 3
    assert live["progress"]["done"] == 1
    assert live["output"] == ["one", "<b>two"]
    assert found[RIGHT]["notebook_path"] == ""


async def test_s13_a_runs_memory_is_read_from_its_own_artifacts_only(
    api, workspace, begin_run, end_run, tmp_path
):
    """Links among the artifacts, and a root that lies elsewhere, lead to nothing."""
    from jupyter_mltrack.journal.ship import sync

    secret = tmp_path / "secret.txt"
    secret.write_text("canary")
    outside = tmp_path / "outside" / "mltrack"
    outside.mkdir(parents=True)
    (outside / "source.py").write_text("canary")
    journal = Journal.create(workspace)
    roots = {LEFT: workspace.artifact_uri(LEFT), RIGHT: (tmp_path / "outside").as_uri()}
    for run_id, uri in roots.items():
        begin_run(journal, run_id=run_id, artifact_uri=uri)
        end_run(journal, run_id)
    journal.close()
    assert sync(data_dir(), timeout_s=60).waiting_points == 0
    folder = workspace.root / ".mltrack" / "artifacts" / LEFT / "artifacts" / "mltrack"
    folder.mkdir(parents=True)
    (folder / "source.py").symlink_to(secret)
    (folder / "output.log").symlink_to(secret)
    await api("workspaces?path=project/a.ipynb")
    for run_id in roots:
        for path in ("about", "output"):
            answer = await api(f"runs/{run_id}/{path}?workspace={workspace.id}")
            assert answer.status == 200
            assert b"canary" not in answer.body
