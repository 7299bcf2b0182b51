"""The panel's section of an Azure ML workspace, in real JupyterLab and Chromium on the emulator."""

from __future__ import annotations

import importlib.util
import re
import sys
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from jupyter_mltrack import workspaces
from jupyter_mltrack.azure.manage import place as places
from jupyter_mltrack.azure.scope import Scope as ProductScope
from jupyter_mltrack.errors import NotFound
from jupyter_mltrack.server.routes import ROUTES
from jupyter_mltrack.tracking import choice
from jupyter_mltrack.verbs import endpoint_acts
from tests.emulators.azure import computes as machines
from tests.emulators.azure.blobs import blobs_of
from tests.emulators.azure.endpoints import find
from tests.emulators.azure.handle import Azure, Scope
from tests.emulators.azure.jobs import jobs_of

BROWSER = Path(__file__).parents[1] / "browser"
API = "mltrack/api"
PATIENCE_MS = 150_000
CONNECT = '#jupyter-mltrack-panel .mltrack-Header button[title="Connect"]'
SECTION = '#jupyter-mltrack-panel .mltrack-Section[aria-label="Azure"]'


def _ground() -> Any:
    """The fixtures of the browser tests, as a module of another name than their conftest."""
    if "browser_ground" not in sys.modules:
        sys.path.insert(0, str(BROWSER))
        spec = importlib.util.spec_from_file_location("browser_ground", BROWSER / "conftest.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["browser_ground"] = module
        spec.loader.exec_module(module)
    return sys.modules["browser_ground"]


ground = _ground()
chromium = ground.chromium
make_screen = ground.make_screen
screen = ground.screen


@pytest.fixture(scope="session")
def lab(azure_session: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Jupyter server whose environment signs in as the service principal."""
    with ground.serve_lab(tmp_path_factory.mktemp("lab"), azure_session.environment) as made:
        yield made


@pytest.fixture
def furnished(azure: Azure, scope: Scope) -> Scope:
    """A workspace with computes of all kinds."""
    place = azure.workspace(scope)
    size = "Standard_DS3_v2"
    machines.add(azure.state, place, "team-desk", "ComputeInstance", vmSize=size)
    machines.add(azure.state, place, "gpu-cluster", "AmlCompute", vmSize="Standard_NC6s_v3",
                 scaleSettings={"minNodeCount": 2, "maxNodeCount": 8})  # fmt: skip
    machines.add(azure.state, place, "cpu-cluster", "AmlCompute", vmSize=size,
                 scaleSettings={"minNodeCount": 0, "maxNodeCount": 4})  # fmt: skip
    machines.add(azure.state, place, "aks1", "Kubernetes", namespace="default")
    return scope


def opened(screen: Any, lab: Any, scope: Scope) -> None:
    """JupyterLab on a notebook of a project that uses the workspace, the section unfolded."""
    path = lab.project("1", settings=f'tracking = "azureml:{scope.arm_id}"\n')
    screen.open(path)
    for name in ("Live", "Runs", "Models", "Deployments"):
        head = (
            f'#jupyter-mltrack-panel .mltrack-Section[aria-label="{name}"] [aria-expanded="true"]'
        )
        if screen.page.locator(head).count():
            screen.page.locator(head).first.click()
    # a project's settings name it and nobody has used it here: one click agrees to that
    screen.page.click(CONNECT)
    screen.wait(f"{SECTION} .mltrack-AzureRow", timeout_ms=PATIENCE_MS)


def test_computes_are_shown_stopped_and_deleted(
    azure: Azure, furnished: Scope, screen: Any, lab: Any
) -> None:
    opened(screen, lab, furnished)
    row = f'{SECTION} [data-compute="{{}}"]'
    assert screen.page.locator(f"{SECTION} .mltrack-Azure-sum").inner_text() == "2 cost money now"
    assert screen.page.locator(f"{SECTION} [data-compute]").count() == 4
    screen.picture("azure-section")
    screen.page.click(row.format("team-desk"))
    screen.wait(f"{SECTION} .mltrack-Azure-opened")
    screen.page.click(f'{SECTION} button:has-text("Stop …")')
    screen.wait(f"{SECTION} .mltrack-Confirm")
    screen.picture("azure-section-question")
    mark = azure.requests.mark()
    screen.page.click(f'{SECTION} .mltrack-Confirm button:has-text("Stop")')
    screen.wait(row.format("team-desk") + '[data-state="Stopped"]')
    sent = [one.path for one in azure.requests.since(mark) if one.method == "POST"]
    assert [path.rpartition("/computes/")[2] for path in sent if "/computes/" in path] == [
        "team-desk/stop"
    ]
    screen.page.click(row.format("gpu-cluster"))
    screen.theme("JupyterLab Dark")
    screen.set_width(240)
    screen.page.click(f'{SECTION} button:has-text("Delete …") >> nth=0')
    screen.picture("azure-section-dark-240")
    screen.page.fill(f"{SECTION} .mltrack-Confirm input", "gpu-cluster")
    screen.page.click(f'{SECTION} .mltrack-Confirm button:has-text("Delete")')
    screen.wait(row.format("gpu-cluster"), state="detached", timeout_ms=PATIENCE_MS)
    assert "gpu-cluster" not in azure.workspace(furnished).collection("computes")


def test_a_datastore_is_looked_through_folder_by_folder(
    azure: Azure, furnished: Scope, screen: Any, lab: Any
) -> None:
    place = azure.workspace(furnished)
    container = place.collection("datastores")["workspaceblobstore"]["properties"]["containerName"]
    for name, size in (("sets/rows.csv", 1_234), ("sets/more/deep.bin", 3), ("top.txt", 0)):
        blobs_of(azure.state).put((place.account, container, name), b"x" * size)
    opened(screen, lab, furnished)
    screen.page.click(f'{SECTION} [data-datastore="workspaceblobstore"]')
    row = f'{SECTION} .mltrack-Data-entry[data-path="{{}}"]'
    screen.wait(row.format("top.txt"), timeout_ms=PATIENCE_MS)
    screen.page.click(row.format("sets") + " button")
    words = screen.wait(row.format("sets/rows.csv"), timeout_ms=PATIENCE_MS).inner_text()
    assert words.split("\n")[0] == "rows.csv"
    assert "1.2 kB" in words
    screen.picture("azure-datastore")
    screen.page.click(row.format("sets/more") + " button")
    screen.wait(row.format("sets/more/deep.bin"), timeout_ms=PATIENCE_MS)
    screen.theme("JupyterLab Dark")
    screen.set_width(240)
    screen.picture("azure-datastore-dark-240")
    screen.page.click(f'{SECTION} button[title="One folder up"]')
    screen.wait(row.format("sets/rows.csv"), timeout_ms=PATIENCE_MS)


def test_what_is_refused_is_said_with_the_role_to_ask_for(
    azure: Azure, furnished: Scope, screen: Any, lab: Any
) -> None:
    azure.deny("*/computes/stop/action")
    opened(screen, lab, furnished)
    screen.page.click(f'{SECTION} [data-compute="team-desk"]')
    screen.page.click(f'{SECTION} button:has-text("Stop …")')
    screen.page.click(f'{SECTION} .mltrack-Confirm button:has-text("Stop")')
    problem = screen.wait(f"{SECTION} .mltrack-Problem").inner_text()
    assert "role" in problem
    screen.picture("azure-section-denied")


def test_s2_no_get_below_azure_changes_anything(azure: Azure, serving: Scope, lab: Any) -> None:
    added = httpx.post(
        f"{lab.address}/{API}/workspaces/add", json={"spec": f"azureml:{serving.arm_id}"},
        headers={"Authorization": f"token {ground.TOKEN}"}, timeout=30,
    ).json()  # fmt: skip
    of = f"workspace={added['id']}"
    paths = [
        f"overview?{of}",
        f"endpoint?{of}&name=doubler",
        f"account?{of}",
        f"data?{of}&store=workspaceblobstore",
        "account",
        "workspaces",
    ]

    def ask() -> None:
        for path in paths:
            assert answered(lab, f"{API}/azure/{path}"), path

    ask()  # what is learned of a workspace is kept
    before, mark = _content(lab.data), azure.requests.mark()
    ask()
    assert _content(lab.data) == before
    asked = [  # what asks for a token or a signature changes nothing
        one for one in azure.requests.since(mark)
        if not one.path.endswith(("/token", "/listSecrets"))
    ]  # fmt: skip
    assert {one.method for one in asked} == {"GET"}
    assert len(asked) >= len(paths)
    gets = {one.path for one in ROUTES if one.method == "GET" and one.path.startswith("azure/")}
    assert gets - {"azure/signin"} == {f"azure/{path.partition('?')[0]}" for path in paths}


def answered(lab: Any, path: str) -> Any:
    """The answer of the server, which gives a store seconds only: on a busy machine at a later try."""
    until_s = time.monotonic() + PATIENCE_MS / 1000
    while True:
        try:
            return lab.request(path)
        except urllib.error.HTTPError as error:
            if error.code not in (502, 504) or time.monotonic() > until_s:
                raise


def _content(folder: Path) -> dict[str, bytes]:
    """All files, but for what belongs to the moment: locks, logs, databases that are open."""
    return {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith((".db-shm", ".db-wal", ".log", ".lock"))
    }


@pytest.fixture
def serving(azure: Azure, scope: Scope, registered_model: str) -> Scope:
    """A workspace with an endpoint that somebody else made, with another machine."""
    there = places.place_of(ProductScope.parse(scope.arm_id))
    path, api = there.path("onlineEndpoints/doubler"), "2024-10-01"
    body: dict[str, Any] = {"location": "eastus", "properties": {"authMode": "Key"}}
    there.arm.put(path, api, body, wait=True)
    inner = {"model": registered_model, "instanceType": "Standard_DS3_v2",
             "endpointComputeType": "Managed"}  # fmt: skip
    behind = {"location": "eastus", "sku": {"name": "Default", "capacity": 1}, "properties": inner}
    there.arm.put(f"{path}/deployments/blue", api, behind, wait=True)
    body["properties"]["traffic"] = {"blue": 100}
    there.arm.put(path, api, body, wait=True)
    return scope


def test_an_endpoint_that_somebody_else_made_is_asked_and_shared_out_by_its_name(
    azure: Azure, serving: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = workspaces.resolve(f"azureml:{serving.arm_id}")
    monkeypatch.setattr(choice, "workspace", lambda: workspace)
    answer = endpoint_acts.predict("doubler", [{"x": 21.0}])
    assert (answer.endpoint, answer.rows) == ("doubler", [["42"]])
    shown = endpoint_acts.traffic("doubler")
    assert [(one.label, one.traffic_percent) for one in shown.deployments] == [("blue", 100)]
    endpoint_acts.traffic("doubler", "blue=100")
    assert find(azure.workspace(serving), "doubler").properties["traffic"] == {"blue": 100}
    with pytest.raises(NotFound, match="no endpoint nonesuch in workspace"):
        endpoint_acts.predict("nonesuch", [{"x": 1.0}])


def test_an_endpoint_that_somebody_else_made_is_tried_and_deleted(
    azure: Azure, serving: Scope, screen: Any, lab: Any
) -> None:
    page = screen.page
    opened(screen, lab, serving)
    row = f'{SECTION} [data-azure-endpoint="doubler"]'
    page.click(row)
    box = screen.wait(f"{SECTION} .mltrack-Try", timeout_ms=PATIENCE_MS)
    page.fill(f'{SECTION} [data-input="x"] input', "21")
    page.click(f'{SECTION} .mltrack-Try button:has-text("Predict")')
    screen.wait(f'{SECTION} .mltrack-Answer:has-text("42")', timeout_ms=PATIENCE_MS)
    screen.picture("azure-endpoint-tried")
    key = find(azure.workspace(serving), "doubler").keys[0]
    assert not list((lab.data / "azure" / "keys").glob("*"))  # looking and asking keep no key
    page.click(f'{SECTION} button:has-text("Fetch the key")')
    screen.wait(f'{SECTION} button:has-text("Copy curl")', timeout_ms=PATIENCE_MS)
    (kept,) = (lab.data / "azure" / "keys").glob("*-doubler")
    assert kept.read_text() == key
    assert kept.stat().st_mode & 0o777 == 0o600
    assert key not in page.content()
    page.click(f'{SECTION} [role="tab"]:has-text("Versions")')
    screen.theme("JupyterLab Dark")
    screen.picture("azure-endpoint-versions-dark")
    page.click(f'{SECTION} .mltrack-Endpoint button:has-text("Delete …") >> nth=-1')
    page.fill(f"{SECTION} .mltrack-Confirm input", "doubler")
    page.click(f'{SECTION} .mltrack-Confirm button:has-text("Delete")')
    screen.wait(row, state="detached", timeout_ms=PATIENCE_MS)
    assert box is not None


LIVE = '#jupyter-mltrack-panel .mltrack-Section[aria-label="Live"]'


def test_files_on_their_way_are_counted_in_the_row_of_their_run(
    azure: Azure, furnished: Scope, screen: Any, lab: Any
) -> None:
    page = screen.page
    path = lab.project(
        "%load_ext jupyter_mltrack",
        "%%track files\nimport mlflow, os\nos.makedirs('out', exist_ok=True)\n"
        "for n in range(12):\n    open(f'out/{n}.bin', 'wb').write(os.urandom(10_000_000))\n"
        "mlflow.log_artifacts('out')",
        settings=f'tracking = "azureml:{furnished.arm_id}"\n',
    )
    screen.open(path)
    page.click(CONNECT)
    screen.wait_kernel()
    azure.faults.add("slow", "PUT", "*.blob.*", seconds=2.0, times=None)
    screen.run_cell(0)
    screen.start_cell(1)
    uploads = f"{LIVE} .mltrack-Row-uploads"
    words = screen.wait(uploads, timeout_ms=PATIENCE_MS).inner_text()
    assert re.fullmatch(r"↑ \d+ of 12 files, [\d.]+ \w?B of 120 MB", words)
    page.click(screen.live_row("files"))
    page.wait_for_function(
        "selector => / files, [1-9]/.test(document.querySelector(selector)?.innerText)",
        arg=uploads,
        timeout=PATIENCE_MS,
    )
    screen.picture("azure-uploads")
    screen.theme("JupyterLab Dark")
    screen.set_width(240)
    screen.picture("azure-uploads-dark-240")
    azure.faults.clear()
    screen.wait(uploads, state="detached", timeout_ms=PATIENCE_MS)


@pytest.fixture
def far_jobs(azure: Azure, furnished: Scope) -> Any:
    """Two jobs that another machine submitted, running; the service's own word on them."""
    there = places.place_of(ProductScope.parse(furnished.arm_id))
    for name in ("far1234", "far5678"):
        inner = {
            "jobType": "Command", "command": "sleep 300", "displayName": name.replace("far", "fit-"),
            "computeId": there.path("computes/cpu-cluster"),
            "environmentId": there.path("environments/any/versions/1"),
        }  # fmt: skip
        there.arm.put(there.path(f"jobs/{name}"), "2024-04-01", {"properties": inner}, wait=False)
    return jobs_of(azure.workspace(furnished))


def test_jobs_of_another_machine_are_stopped_from_their_row_and_their_page(
    azure: Azure, furnished: Scope, far_jobs: Any, screen: Any, lab: Any
) -> None:
    page = screen.page
    opened(screen, lab, furnished)
    page.click(f'{LIVE} [aria-expanded="false"] >> nth=0')  # unfold the section again
    row = screen.live_row("fit-1234")
    screen.wait(row, timeout_ms=PATIENCE_MS)
    page.click(row)
    page.click(f'{LIVE} button:has-text("Stop …")')
    question = screen.wait(f"{LIVE} .mltrack-Confirm").inner_text()
    assert "Its job is cancelled" in question
    screen.picture("azure-job-stop")
    page.click(f'{LIVE} .mltrack-Confirm button:has-text("Stop")')
    assert screen.until_here(lambda: far_jobs["far1234"].status == "Canceled")
    screen.wait(screen.live_row("fit-1234", "KILLED"), timeout_ms=PATIENCE_MS)
    assert far_jobs["far5678"].status == "Running"

    row = screen.live_row("fit-5678")
    page.click(row)
    page.click(f'{LIVE} button:has-text("Open page")')
    head = screen.wait('.mltrack-Page [role="toolbar"] button:has-text("Stop …")')
    head.click()
    screen.wait(".mltrack-Page .mltrack-Confirm")
    screen.picture("azure-job-page-stop")
    page.click('.mltrack-Page .mltrack-Confirm button:has-text("Stop")')
    assert screen.until_here(lambda: far_jobs["far5678"].status == "Canceled")
    screen.wait('.mltrack-Page [data-status="KILLED"]', timeout_ms=PATIENCE_MS)


def palette(screen: Any, words: str, picture: str = "") -> None:
    """Choose a command as a person does."""
    screen.command("apputils:activate-command-palette")
    screen.page.fill(".lm-CommandPalette-input >> visible=true", words)
    first = screen.wait(".lm-CommandPalette-item.lm-mod-active >> visible=true")
    if picture:
        screen.picture(picture)
    first.click()


def test_the_command_palette_manages_computes_endpoints_and_jobs(
    azure: Azure, furnished: Scope, serving: Scope, screen: Any, lab: Any
) -> None:
    page = screen.page
    other = azure.fresh_workspace()
    opened(screen, lab, furnished)
    machine = azure.workspace(furnished).collection("computes")
    mark = azure.requests.mark()
    palette(screen, "mltrack azure stop", "azure-palette")
    items = screen.wait(".jp-Dialog select")
    assert "team-desk · DS3_v2 · running" in items.inner_text()
    screen.picture("azure-palette-which")
    page.click('.jp-Dialog button:has-text("Go on")')
    screen.wait('.jp-Dialog:has-text("What runs on it ends.")')
    screen.picture("azure-palette-question")
    page.click(".jp-Dialog .jp-mod-warn")
    row = f'{SECTION} [data-compute="team-desk"]'
    screen.wait(row + '[data-state="Stopped"]')
    palette(screen, "mltrack azure start")
    page.click('.jp-Dialog button:has-text("Go on")')
    page.click('.jp-Dialog button:has-text("Start")')
    screen.wait(row + '[data-state="Running"]', timeout_ms=PATIENCE_MS)
    sent = [one.path for one in azure.requests.since(mark) if one.method == "POST"]
    acts = [path.rpartition("/computes/")[2] for path in sent if "/computes/" in path]
    assert acts == ["team-desk/stop", "team-desk/start"]
    assert "team-desk" in machine
    palette(screen, "mltrack azure endpoint")
    page.click('.jp-Dialog button:has-text("Open")')
    screen.wait(f"{SECTION} .mltrack-Try", timeout_ms=PATIENCE_MS)
    screen.picture("azure-palette-endpoint")
    palette(screen, "mltrack submit a script")
    screen.wait("#jupyter-mltrack-panel .mltrack-Submit")
    palette(screen, "mltrack azure sign out")
    screen.wait('.Toastify__toast:has-text("which MLTrack cannot sign out")')
    palette(screen, "mltrack azure sign in")
    screen.wait('.Toastify__toast:has-text("Signed in to Azure already")')
    palette(screen, "mltrack azure choose")
    screen.wait(".jp-Dialog .mltrack-AzurePicker li", timeout_ms=PATIENCE_MS)
    screen.picture("azure-palette-workspaces")
    page.click(f'.jp-Dialog .mltrack-AzurePicker [title="azureml:{other.arm_id}"]')
    screen.wait(".jp-Dialog", state="detached", timeout_ms=PATIENCE_MS)
    screen.wait(f'{SECTION} .mltrack-Azure-words[title="{other.arm_id}"]', timeout_ms=PATIENCE_MS)
    name = f"#jupyter-mltrack-panel .mltrack-Header >> text={other.workspace_name}"
    assert screen.wait(name)
    screen.picture("azure-palette-workspace-chosen")
