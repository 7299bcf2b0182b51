"""A real Jupyter server with the extension, journals as kernels write them, and servers that misbehave."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mltrack import wire
from jupyter_mltrack.journal import Journal
from jupyter_mltrack.workspaces import Workspace, resolve

pytest_plugins = ["pytest_jupyter.jupyter_server"]


@pytest.fixture
def jp_server_config(jp_root_dir: Path) -> dict[str, object]:
    return {"ServerApp": {"jpserver_extensions": {"jupyter_mltrack": True}}}


@pytest.fixture
def project(jp_root_dir: Path) -> Path:
    """The folder of a project below the server's root."""
    folder = jp_root_dir / "project"
    (folder / ".git").mkdir(parents=True)
    return folder


@pytest.fixture
def workspace(project: Path) -> Workspace:
    return resolve("local", project)


@pytest.fixture
def journal(workspace: Workspace) -> Iterator[Journal]:
    """A journal that this process owns, as a kernel would."""
    made = Journal.create(workspace)
    yield made
    made.close()


def begin_run(journal: Journal, name: str = "run", run_id: str | None = None, **more: object) -> str:
    """Have a run born in the journal; returns its id."""
    run_id = run_id or uuid.uuid4().hex
    born = wire.RunBorn(run_id=wire.RunId(run_id), name=name, start_ms=int(time.time() * 1000), **more)
    journal.event(born)
    return run_id


def end_run(journal: Journal, run_id: str, status: str = "FINISHED", error: str | None = None) -> None:
    journal.event(
        wire.RunEnded(
            run_id=wire.RunId(run_id), status=status, end_ms=int(time.time() * 1000), error=error
        )
    )
