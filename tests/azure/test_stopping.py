"""A run that is a job of Azure is stopped and put away from a machine that never submitted it."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest

from jupyter_mltrack import jobs, workspaces
from jupyter_mltrack.azure.manage import place as places
from jupyter_mltrack.azure.scope import Scope as ProductScope
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.runs import changing
from jupyter_mltrack.tracking import choice
from jupyter_mltrack.verbs import endpoint_acts, model_acts
from tests.emulators.azure import computes, mlflow_proxy
from tests.emulators.azure.handle import Azure, Scope
from tests.emulators.azure.jobs import jobs_of

LIMIT_S = 150.0


def _submitted(azure: Azure, scope: Scope, command: str) -> tuple[str, Any]:
    """A job that somebody else's client submitted: its name, and what the emulator knows of it."""
    computes.add(azure.state, azure.workspace(scope), "cpu", vmSize="Standard_DS3_v2")
    mlflow_proxy.mlflow_of(azure.state).ready()
    name = f"far-{uuid.uuid4().hex[:8]}"
    there = places.place_of(ProductScope.parse(scope.arm_id))
    inner = {
        "jobType": "Command", "command": command, "displayName": "far-away",
        "computeId": there.path("computes/cpu"),
        "environmentId": there.path("environments/any/versions/1"),
    }  # fmt: skip
    there.arm.put(there.path(f"jobs/{name}"), "2024-04-01", {"properties": inner}, wait=False)
    return name, jobs_of(azure.workspace(scope))[name]


def _wait(job: Any, status: str) -> None:
    end_s = time.monotonic() + LIMIT_S
    while job.status != status:
        assert time.monotonic() < end_s, job.status
        time.sleep(0.05)


def test_a_job_of_another_machine_is_stopped_by_its_run_and_archived_with_it(
    azure: Azure, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, job = _submitted(azure, scope, "sleep 300")
    _wait(job, "Running")
    workspace = workspaces.resolve(f"azureml:{scope.arm_id}")
    monkeypatch.setattr(choice, "workspace", lambda: workspace)
    with pytest.raises(UsageError, match="still runs"):
        model_acts.rm(f"run:{name}", yes=True)
    refused = changing.delete(workspace, [name])  # the panel's way
    assert refused.run_ids == []
    assert "still runs" in refused.problems[0].message
    stopped = endpoint_acts.stop(f"run:{name}", yes=True)
    assert (getattr(stopped, "name", ""), getattr(stopped, "done", False)) == ("far-away", True)
    _wait(job, "Canceled")
    with pytest.raises(UsageError, match="is not running"):
        endpoint_acts.stop(f"run:{name}", yes=True)
    with pytest.raises(UsageError, match="is no job of workspace"):
        jobs.stop_run(workspace, "nonesuch")
    assert model_acts.rm(f"run:{name}", yes=True).done
    assert job.properties["isArchived"] is True


def test_a_job_that_still_waits_for_its_compute_is_stopped_as_well(
    azure: Azure, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azure.state.switches, "job_prepare_s", 3 * LIMIT_S)
    name, job = _submitted(azure, scope, "true")
    _wait(job, "Queued")
    workspace = workspaces.resolve(f"azureml:{scope.arm_id}")
    monkeypatch.setattr(choice, "workspace", lambda: workspace)
    assert getattr(endpoint_acts.stop(f"run:{name}", yes=True), "done", False)
    _wait(job, "Canceled")
    assert "Running" not in job.states
