"""Workspaces, computes, data and environments looked after by the verbs, on the emulator."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mltrack import wire
from jupyter_mltrack.azure.manage import computes, datastores, overview, place
from jupyter_mltrack.errors import Denied, MltrackError, NotFound, UsageError
from jupyter_mltrack.verbs import azure_acts, azure_data_acts, door
from tests.emulators.azure import computes as machines
from tests.emulators.azure.handle import Azure, Scope


@pytest.fixture
def chosen(azure: Azure, scope: Scope, monkeypatch: pytest.MonkeyPatch) -> Scope:
    """The test's own workspace, as Azure ML's own compute would say it."""
    monkeypatch.setenv("AZUREML_ARM_SUBSCRIPTION", scope.subscription_id)
    monkeypatch.setenv("AZUREML_ARM_RESOURCEGROUP", scope.resource_group)
    monkeypatch.setenv("AZUREML_ARM_WORKSPACE_NAME", scope.workspace_name)
    return scope


def add(azure: Azure, scope: Scope, name: str, kind: str, **properties: object) -> None:
    machines.add(azure.state, azure.workspace(scope), name, kind, **properties)


def test_workspaces_are_listed_shown_made_and_deleted(azure: Azure, chosen: Scope) -> None:
    found = azure_acts.workspace("list")
    assert isinstance(found, wire.AzureWorkspaceList)
    assert chosen.workspace_name in [one.name for one in found.workspaces]
    shown = azure_acts.workspace("show")
    assert isinstance(shown, wire.AzureWorkspaceInfo)
    assert (shown.name, shown.resource_group) == (chosen.workspace_name, chosen.resource_group)
    made = azure_acts.workspace("create", "made-here", location="westeurope", yes=True)
    assert isinstance(made, wire.AzureWorkspaceInfo)
    assert (made.name, made.location, made.state) == ("made-here", "westeurope", "Succeeded")
    with pytest.raises(UsageError, match="exists"):
        azure_acts.workspace("create", "made-here", yes=True)
    gone = azure_acts.workspace("delete", "made-here", yes=True)
    assert isinstance(gone, wire.Removed)
    assert gone.done
    with pytest.raises(NotFound):
        azure_acts.workspace("show", "made-here")


def test_a_new_workspace_is_private_unless_it_is_said_to_be_public(
    azure: Azure, chosen: Scope
) -> None:
    mark = azure.requests.mark()
    azure_acts.workspace("create", "quiet", yes=True, location="eastus")
    put = [one for one in azure.requests.since(mark) if one.method == "PUT"]
    bodies = [one.body for one in put if "deployments" in one.path]
    assert bodies[0]["properties"]["parameters"]["publicNetworkAccess"]["value"] == "Disabled"
    azure_acts.workspace("delete", "quiet", yes=True)


def test_deleting_asks_and_says_what_it_deletes(chosen: Scope) -> None:
    with pytest.raises(UsageError, match="Delete workspace") as said:
        azure_acts.workspace("delete")
    assert "--with-group" in said.value.message
    assert "--yes" in said.value.hint


def test_a_group_is_deleted_with_all_that_is_in_it_after_it_was_listed(
    azure: Azure, chosen: Scope, capsys: pytest.CaptureFixture[str]
) -> None:
    azure_acts.workspace("create", "alone", resource_group="spare", location="eastus", yes=True)
    with pytest.raises(UsageError, match="Delete resource group spare"):
        azure_acts.workspace("delete", "alone", resource_group="spare", with_group=True)
    assert "Microsoft.MachineLearningServices/workspaces  alone" in capsys.readouterr().out
    gone = azure_acts.workspace(
        "delete", "alone", resource_group="spare", with_group=True, yes=True
    )
    assert isinstance(gone, wire.Removed)
    assert gone.what.startswith("resource group spare with ")
    with pytest.raises(NotFound):
        azure_acts.workspace("show", "alone", resource_group="spare")


def test_a_cluster_is_made_with_no_nodes_at_rest_and_deleted(azure: Azure, chosen: Scope) -> None:
    mark = azure.requests.mark()
    made = azure_acts.compute("create", "cpu", max="4", size="Standard_DS3_v2", yes=True)
    assert isinstance(made, wire.ComputeInfo)
    assert (made.kind, made.nodes_min, made.nodes_max, made.costs) == ("AmlCompute", 0, 4, "")
    assert made.idle_stop_s == 900
    puts = [one for one in azure.requests.since(mark) if one.method == "PUT"]
    assert [one.template for one in puts] == ["{S}/computes/{compute}"]
    inner = puts[0].body["properties"]["properties"]
    assert inner["remoteLoginPortPublicAccess"] == "Disabled"
    assert inner["enableNodePublicIp"] is False
    gone = azure_acts.compute("delete", "cpu", yes=True)
    assert isinstance(gone, wire.Removed)
    assert gone.what == "compute cpu (AmlCompute, Standard_DS3_v2, Empty)"
    with pytest.raises(NotFound):
        azure_acts.compute("show", "cpu")


def test_an_instance_is_started_and_stopped(azure: Azure, chosen: Scope) -> None:
    add(azure, chosen, "desk", "ComputeInstance", vmSize="Standard_DS2_v2")
    found = azure_acts.compute("show", "desk")
    assert isinstance(found, wire.ComputeInfo)
    assert found.costs == "is on and does not stop by itself"
    assert found.acts == ["stop", "restart", "delete"]
    stopped = azure_acts.compute("stop", "desk", yes=True)
    assert isinstance(stopped, wire.ComputeInfo)
    assert (stopped.state, stopped.costs, stopped.acts) == ("Stopped", "", ["start", "delete"])
    started = azure_acts.compute("start", "desk", yes=True)
    assert isinstance(started, wire.ComputeInfo)
    assert started.state == "Running"


def test_what_costs_money_asks_and_says_so(chosen: Scope) -> None:
    with pytest.raises(UsageError, match="up to 4 nodes of Standard_DS3_v2") as said:
        azure_acts.compute("create", "cpu", max=4)
    assert said.value.hint == "Add --yes to do it."


def test_a_kubernetes_cluster_is_attached_and_only_detached(azure: Azure, chosen: Scope) -> None:
    with pytest.raises(UsageError, match="Which cluster"):
        azure_acts.compute("create", "aks1", kind="kubernetes", yes=True)
    cluster = (
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService"
        "/managedClusters/aks1"
    )
    azure_acts.compute("create", "aks1", kind="kubernetes", resource=cluster, yes=True)
    mark = azure.requests.mark()
    azure_acts.compute("delete", "aks1", yes=True)
    deleted = [one for one in azure.requests.since(mark) if one.method == "DELETE"]
    assert deleted[0].query["underlyingResourceAction"] == "Detach"


def test_a_quota_that_is_used_up_is_named_with_what_to_do(azure: Azure, chosen: Scope) -> None:
    azure.faults.add(
        "error", "PUT", "{S}/computes/{compute}", status=400, code="QuotaExceeded",
        message="The requested 64 vCPUs exceed the quota of 24.",
    )  # fmt: skip
    with pytest.raises(MltrackError, match="exceed the quota") as said:
        azure_acts.compute("create", "big", yes=True)
    assert "Quotas" in said.value.hint


def test_a_missing_role_is_named(azure: Azure, chosen: Scope) -> None:
    azure.deny("*/computes/write")
    with pytest.raises(Denied, match="computes/write") as said:
        azure_acts.compute("create", "cpu", yes=True)
    assert "role" in said.value.hint


def test_files_go_into_a_datastore_and_come_back(
    azure: Azure, chosen: Scope, tmp_path: Path
) -> None:
    pytest.importorskip("azure.storage.blob")
    folder = tmp_path / "training"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.csv").write_text("x\n1\n")
    (folder / "deep" / "ü b.csv").write_text("y\n")
    (folder / "empty.csv").write_text("")
    found = azure_data_acts.data("list")
    assert isinstance(found, wire.DatastoreList)
    assert [one.name for one in found.datastores if one.is_default] == ["workspaceblobstore"]
    put = azure_data_acts.data("put", str(folder), "default/sets/training")
    assert isinstance(put, wire.DataMoved)
    assert (put.files, put.to) == (3, "workspaceblobstore/sets/training")
    listed = azure_data_acts.data("ls", "default/sets/training")
    assert isinstance(listed, wire.DataListing)
    assert [(one.path, one.is_dir, one.size_bytes) for one in listed.entries] == [
        ("sets/training/deep", True, None),
        ("sets/training/a.csv", False, 4),
        ("sets/training/empty.csv", False, 0),
    ]
    with pytest.raises(UsageError, match="exists in datastore"):
        azure_data_acts.data("put", str(folder / "a.csv"), "default/sets/training/")
    back = tmp_path / "back"
    azure_data_acts.data("get", "workspaceblobstore/sets/training", str(back))
    assert (back / "deep" / "ü b.csv").read_text() == "y\n"
    assert (back / "empty.csv").read_text() == ""
    with pytest.raises(UsageError, match="exists"):
        azure_data_acts.data("get", "default/sets/training/a.csv", str(back / "a.csv"))
    with pytest.raises(NotFound):
        azure_data_acts.data("get", "default/sets/nothing", str(tmp_path / "none"))


def test_a_path_never_leaves_the_datastore() -> None:
    with pytest.raises(UsageError, match="leaves"):
        datastores.parse("store/../other")
    assert datastores.parse("azureml://datastores/s/paths/a/b") == ("s", "a/b")
    assert datastores.parse("azureml://subscriptions/x/datastores/s/paths/a") == ("s", "a")
    assert datastores.parse("s:a/b") == ("s", "a/b")
    assert datastores.parse("default/a") == ("", "a")


def test_the_overview_asks_in_parallel_and_goes_on_where_a_part_is_refused(
    azure: Azure, chosen: Scope
) -> None:
    add(azure, chosen, "desk", "ComputeInstance", vmSize="Standard_DS2_v2")
    azure.faults.add("forbidden", "GET", "{S}/onlineEndpoints")
    found = overview.look(place.here())
    assert [one.name for one in found.computes] == ["desk"]
    assert [one.code for one in found.problems] == ["forbidden"]
    assert overview.costs(found) == [
        "compute desk (Standard_DS2_v2) is on and does not stop by itself"
    ]


def test_a_table_marks_what_costs_money(azure: Azure, chosen: Scope) -> None:
    add(azure, chosen, "desk", "ComputeInstance", vmSize="Standard_DS2_v2")
    add(azure, chosen, "cpu", "AmlCompute", vmSize="Standard_DS3_v2",
        scaleSettings={"minNodeCount": 2, "maxNodeCount": 4})  # fmt: skip
    shown = door.answer("compute list").plain
    assert "¤ is on and does not stop by itself" in shown
    assert "¤ keeps 2 nodes also without work" in shown


def test_looking_imports_no_sdk(azure: Azure, chosen: Scope) -> None:
    code = (
        "import sys\n"
        "from jupyter_mltrack.azure.manage import overview, place\n"
        "overview.look(place.here())\n"
        "heavy = [n for n in sys.modules if n.startswith(('mlflow', 'azure.ai', 'azureml'))]\n"
        "print(heavy)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=150
    )
    assert done.stdout.strip() == "[]"


def test_wishes_that_cannot_be_are_refused_before_anything_is_asked() -> None:
    for wanted, words in [
        (computes.Wanted("x"), "named"),
        (computes.Wanted("cpu", kind="toaster"), "kind"),
        (computes.Wanted("cpu", nodes_min=5, nodes_max=2), "5 to 2"),
        (computes.Wanted("cpu", size="a b"), "size"),
        (computes.Wanted("cpu", idle_s=1), "without work"),
    ]:
        with pytest.raises(UsageError, match=words):
            computes.check(wanted)
