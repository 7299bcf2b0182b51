"""A run as a file over HTTP: a script, a notebook, a page; and why there is none."""

from __future__ import annotations

import ast
import asyncio

import nbformat
import pytest

from jupyter_mltrack import wire
from jupyter_mltrack.journal import Journal, kept
from jupyter_mltrack.journal.ship import sync
from jupyter_mltrack.settings import data_dir

KEPT, BARE = "a" * 32, "b" * 32
NAME = 'über/../"><script>alert(1)</script>'
SOURCE = "%%track\nrate = 0.1\nprint('grün')\n"


@pytest.fixture
def exported(workspace, begin_run, end_run):
    """A run with its source and a curve, and one of which nothing was kept."""
    journal = Journal.create(workspace)
    for run_id, name in ((KEPT, NAME), (BARE, "bare")):
        begin_run(journal, run_id=run_id, name=name)
        journal.event(wire.RunParams(run_id=wire.RunId(run_id), params={"rate": "0.1"}))
        sink = journal.sink(run_id)
        for step in range(20):
            sink.append({"loss": 1 / (step + 1)}, step)
        end_run(journal, run_id)
    journal.close()
    folder = kept.folder(data_dir(), workspace.id, KEPT)
    kept.write(folder, kept.SOURCE, SOURCE.encode())
    assert sync(data_dir(), timeout_s=60).waiting_points == 0


@pytest.mark.usefixtures("exported")
async def test_a_run_is_a_download_in_each_form(api, workspace):
    of = f"workspace={workspace.id}"
    answers = {}
    for to, media_type in (
        ("script", "text/x-python"),
        ("notebook", "application/x-ipynb+json"),
        ("html", "text/html"),
    ):
        answer = await api(f"runs/{KEPT}/export?{of}&to={to}")
        assert answer.status == 200, answer.body
        assert answer.header("content-type") == f"{media_type}; charset=utf-8"
        assert answer.header("content-security-policy") == "sandbox; default-src 'none'"
        attached = answer.header("content-disposition")
        assert attached.startswith("attachment")
        assert "/" not in attached.replace("%2F", "/")
        assert "<" not in attached
        answers[to] = answer.body.decode()
    await asyncio.to_thread(_check, answers)


async def test_points_that_still_wait_are_in_the_file(api, journal, begin_run, workspace):
    begin_run(journal, run_id=KEPT, name="live")
    sink = journal.sink(KEPT)
    for step in range(20):
        sink.append({"loss": 1 / (step + 1)}, step)
    journal.sync()
    page = await api(f"runs/{KEPT}/export?workspace={workspace.id}&to=html")
    assert "data:image/svg+xml" in page.body.decode()
    assert ">20<" in page.body.decode()


def _check(answers: dict[str, str]) -> None:
    script = ast.unparse(ast.parse(answers["script"]))
    assert "jupyter_mltrack.track(" in script
    assert "print('grün')" in script
    assert "IPython" not in script
    notebook = nbformat.reads(answers["notebook"], as_version=4)
    nbformat.validate(notebook)
    last = notebook.cells[-1]
    assert last.source == SOURCE.strip()
    assert last.metadata["mltrack"]["run_id"] == KEPT
    assert "data:image/svg+xml" in last.outputs[0].data["text/html"]
    assert "data:image/svg+xml" in answers["html"]
    assert "grün" in answers["html"]
    assert "<script" not in answers["html"].lower()


@pytest.mark.usefixtures("exported")
async def test_why_there_is_no_file_is_said(api, workspace):
    of = f"workspace={workspace.id}"
    for path, status, words in (
        (f"runs/{BARE}/export?{of}&to=script", 404, "source of run bare was not kept"),
        (f"runs/{'c' * 32}/export?{of}&to=html", 404, ""),
        (f"runs/{KEPT}/export?workspace={'0' * 12}&to=html", 404, "No workspace"),
        (f"runs/{KEPT}/export?{of}&to=pdf", 400, ""),
        (f"runs/{KEPT}/export?to=html", 400, "workspace"),
    ):
        answer = await api(path)
        assert answer.status == status, (path, answer.body)
        assert words in answer.json["message"]
        assert answer.header("content-disposition") is None
    for to in ("notebook", "html"):  # what is there of it is given
        assert (await api(f"runs/{BARE}/export?{of}&to={to}")).status == 200
