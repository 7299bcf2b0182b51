"""What each verb does. The magic, the command line and `jupyter_mltrack.VERB` call these functions.

Each takes plain keywords and returns a struct of `wire`; drawing it is the caller's. In a kernel
they act on what that kernel has chosen; elsewhere on what environment and settings files say.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean, lower_is_better
from jupyter_mltrack.errors import JournalError, MltrackError, NotFound, UsageError
from jupyter_mltrack.tracking import choice
from jupyter_mltrack.workspaces import used

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

CHECK_S = 3.0
FIRST_CHECK_S = 20.0
SYNC_S = 10.0
SYNC_WAIT_S = 3_600.0
LISTED_RUNS = 20
_RUNNING_SHOWN = 20


def status() -> wire.StatusReport:
    """The workspace and its health, the runs that run now, and what waits for other workspaces."""
    from jupyter_mltrack import runs as reader

    workspace = _looked_at()
    info = _info(workspace)
    problem = None
    running: list[wire.RunSummary] = []
    if info.health.state in ("ready", "connecting"):
        try:
            page = reader.list_runs(workspace, filter=None, limit=200, offline=True, data_dir=None)
            problem = page.problem
            running = [run for run in page.runs if run.status == "RUNNING"][:_RUNNING_SHOWN]
        except MltrackError as error:
            problem = _problem(error)
    else:
        waiting = reader.waiting_runs(_data_dir(), workspace.id)
        running = [run.summary() for run in waiting.values() if run.live][:_RUNNING_SHOWN]
    return wire.StatusReport(
        workspace=info,
        running=running,
        waiting=_other_backlogs(workspace.id),
        auto=choice.auto(),
        endpoints=_endpoints(),
        costs=_costs(workspace),
        problem=problem,
    )


def _costs(workspace: Workspace) -> list[str]:
    """What costs money in the chosen workspace; asked only where it is one of Azure ML."""
    if not workspace.tracking_uri.startswith("azureml:"):
        return []
    from jupyter_mltrack.verbs import azure_acts

    return azure_acts.costs(workspace, CHECK_S)


def _endpoints() -> list[wire.EndpointInfo]:
    """Endpoints that run; the page of `endpoints` says what is wrong with others."""
    from jupyter_mltrack import deployments

    try:
        found = deployments.list_endpoints().endpoints
    except MltrackError:
        return []
    return [one for one in found if one.state != "stopped"]


def use(
    spec: str | None = None,
    save: str | None = None,
    *,
    subscription: str | None = None,
    resource_group: str | None = None,
    workspace: str | None = None,
    list: bool = False,  # noqa: A002  # the option that is typed
) -> wire.WorkspaceInfo | wire.WorkspacesSeen:
    """Choose the workspace for what is tracked from now on; without `spec`, say which it is.

    A workspace that cannot be reached is chosen all the same: what is logged waits on this machine.

    Args:
        spec: `local`, a folder, `sqlite:///...`, `http(s)://...`, `azureml[:...]` or a name from
            `mltrack.toml`.
        save: name to keep it under in the project's settings file.
        subscription: of an Azure ML workspace.
        resource_group: of an Azure ML workspace.
        workspace: name of an Azure ML workspace.
        list: show the Azure ML workspaces that the account sees, and choose none.

    Raises:
        UsageError: `spec` means no workspace.
        SettingsError: the settings file is damaged or cannot be written.
    """
    from jupyter_mltrack.verbs import connect_acts

    named = bool(subscription or resource_group or workspace or list)
    if named and spec is None:
        spec = "azureml"
    if connect_acts.is_about_azure(spec):
        if list:
            return connect_acts.listed(subscription)
        spec = connect_acts.chosen(str(spec), subscription, resource_group, workspace)
    elif named:
        raise UsageError(
            "--subscription, --resource-group, --workspace and --list are for Azure ML.",
            "Write: use azureml --workspace NAME",
        )
    return _use(spec, save)


def _use(spec: str | None, save: str | None) -> wire.WorkspaceInfo:
    if spec is None:
        if save is not None:
            raise UsageError("--save needs a workspace to save.", "Write: use SPEC --save NAME")
        return _info(choice.workspace())
    if save is not None:
        from jupyter_mltrack import workspaces
        from jupyter_mltrack.verbs.saving import save_workspace

        found = workspaces.resolve(spec)
        address = found.display_uri if found.kind == "azureml" else found.tracking_uri
        save_workspace(save, address if spec != "local" else "local")
    workspace = choice.choose(spec)
    used.note(workspace)
    shown = replace(workspace, name=save) if save else workspace
    # a service far away is slow at first: who connects to it waits that once
    return _info(shown, FIRST_CHECK_S if workspace.kind == "azureml" else CHECK_S)


def experiment(
    name: str | None = None, save: bool = False
) -> wire.ExperimentInfo | wire.ExperimentList:
    """Choose the experiment for new runs; without a name, the experiments there are.

    Raises:
        Unreachable: without a name, when the store gives no answer.
        SettingsError: the settings file is damaged or cannot be written.
    """
    from jupyter_mltrack import runs as reader

    workspace = choice.workspace()
    if name is None:
        return reader.list_experiments(workspace)
    if not name.strip():
        raise UsageError("An experiment needs a name.", "Write: experiment NAME")
    known = wire.ExperimentInfo(id=wire.ExperimentId(""), name=name)
    try:
        for one in reader.list_experiments(workspace).experiments:
            if name in (one.name, one.id):
                known = one
                break
    except MltrackError:
        pass  # chosen all the same: the store learns of it with the first run
    if save:
        from jupyter_mltrack.verbs.saving import save_experiment

        save_experiment(known.name)
    choice.choose_experiment(known.name)
    return known


def runs(
    filter: str | None = None,  # noqa: A002  # the word that is typed
    sort: str | None = None,
    last: bool = False,
    all: bool = False,  # noqa: A002  # the option that is typed
    limit: int | str = LISTED_RUNS,
) -> wire.RunPage:
    """Runs of the current experiment, newest first.

    Args:
        filter: MLflow's filter language, or plain words found in name, notebook or experiment.
        sort: a metric; best first, `-metric` the other way round.
        last: the newest run only.
        all: runs of every experiment.
        limit: how many at most.

    Raises:
        UsageError: the filter or the limit is off.
        NotFound: no run of the list has the metric that it is to be sorted by.
        Unreachable: the store gave no answer and nothing waits here.
    """
    from jupyter_mltrack import runs as reader

    workspace = _looked_at()
    is_filter = filter is not None and reader.looks_like_filter(filter)
    within = None if all else choice.experiment_or_default()
    try:
        page = reader.list_runs(
            workspace,
            experiment=within,
            text=None if is_filter else filter,
            filter=filter if is_filter else None,
            order_by=_order(sort) if sort else None,
            limit=1 if last else _count(limit),
            offline=True,
        )
    except NotFound:
        if within is None:
            raise
        page = wire.RunPage(runs=[], total=0)  # chosen, but no run was recorded in it yet
    if sort:
        _refuse_unknown(_sort_key(sort), page)
    if last and len(page.runs) > 1:
        page = msgspec.structs.replace(page, runs=page.runs[:1])
    if page.problem is not None and not page.runs:
        raise reader.error_of(page.problem)
    return msgspec.structs.replace(page, total=None) if last else page


def _order(sort: str) -> str:
    from jupyter_mltrack.runs.query import Order
    from jupyter_mltrack.tracking.names import encode

    metric = _sort_key(sort)
    ascending = lower_is_better(metric) != sort.startswith("-")
    return str(Order("metric", encode(metric), ascending))


def _sort_key(sort: str) -> str:
    """The metric that a list is to be sorted by, as it was typed."""
    return sort.removeprefix("-").removeprefix("metrics.").strip("`")


def _refuse_unknown(metric: str, page: wire.RunPage) -> None:
    """Refuse to sort by a metric that no run has: those that have it would stand first."""
    from jupyter_mltrack.runs.find import no_metric
    from jupyter_mltrack.tracking.names import encode

    keys = {metric, encode(metric)}
    if page.runs and not any(value.key in keys for run in page.runs for value in run.metrics):
        raise no_metric(metric, page.runs)


def _count(limit: int | str) -> int:
    try:
        number = int(limit)
    except ValueError:
        number = 0
    if not 1 <= number <= 1_000:
        raise UsageError(
            f"--limit cannot be {clean(str(limit))!r}.", "Say a number from 1 to 1000."
        )
    return number


def show(run: str) -> wire.RunDetail:
    """One run: status, parameters, newest metrics, data, tags and where it is kept.

    Raises:
        NotFound: no run fits.
        Ambiguous: several do.
        Unreachable: the store gave no answer and no journal knows the run.
    """
    from jupyter_mltrack import runs as reader

    workspace = _looked_at()
    within = choice.experiment() if run.startswith(("best:", "worst:")) else None
    run_id = reader.find_run(workspace, run, experiment=within)
    detail = reader.get_run(workspace, run_id)
    return detail if detail.merged else msgspec.structs.replace(detail, data=_data_of(detail))


def _data_of(run: wire.RunDetail) -> list[wire.DataInfo]:
    """The data of a run; none where the store does not say."""
    from jupyter_mltrack.errors import WorkspaceError
    from jupyter_mltrack.runs.inputs import datasets

    try:
        return datasets(_looked_at(), run.summary.run_id)
    except WorkspaceError:
        return []


def sync(wait: bool = False) -> wire.SyncReport:
    """Send what waits on this machine, and end the runs of processes that are gone."""
    from jupyter_mltrack.journal import ship

    return ship.sync(_data_dir(), timeout_s=SYNC_WAIT_S if wait else SYNC_S)


def help(verb: str | None = None) -> str:  # noqa: A001  # the verb
    """What a verb does and how it is written; without a verb, all of them.

    Raises:
        UsageError: there is no such verb.
    """
    from jupyter_mltrack.verbs.docs import help_text
    from jupyter_mltrack.verbs.table import find_verb

    return help_text(find_verb(verb) if verb else None, "%mltrack")


def _looked_at() -> Workspace:
    """The workspace that is chosen; whoever looks has what dead processes left behind finished."""
    from jupyter_mltrack.journal import ship

    workspace = choice.workspace()
    with contextlib.suppress(OSError):  # a read-only data folder: looking works all the same
        ship.recover(_data_dir())
    return workspace


def _data_dir() -> Path:
    from jupyter_mltrack.settings import data_dir

    return data_dir()


def _info(workspace: Workspace, limit_s: float = CHECK_S) -> wire.WorkspaceInfo:
    from jupyter_mltrack.journal import ship

    health = workspace.check(limit_s)
    waits = ship.backlog(_data_dir()).get(workspace.id)
    if waits is not None:
        health = waits.added_to(health)
    return wire.WorkspaceInfo(
        id=wire.WorkspaceId(workspace.id),
        kind=workspace.kind,
        name=workspace.name,
        uri=workspace.display_uri,
        health=health,
        experiment=choice.experiment(),
        current=True,
        account=_account(workspace),
    )


def _account(workspace: Workspace) -> str | None:
    """Who is signed in to an Azure ML workspace; None elsewhere, and where nobody is."""
    if workspace.kind != "azureml":
        return None
    from jupyter_mltrack.azure.signing_in import account_name

    return account_name(workspace.scope)


def _problem(error: MltrackError) -> wire.Problem:
    return wire.Problem(code=error.code, message=error.message, hint=error.hint)  # type: ignore[arg-type]


def _other_backlogs(workspace_id: str) -> list[wire.WorkspaceInfo]:
    """Workspaces other than this one that something on this machine waits for."""
    from jupyter_mltrack.journal import JournalReader, list_journals, ship
    from jupyter_mltrack.workspaces import from_meta

    waits = {
        key: one
        for key, one in ship.backlog(_data_dir()).items()
        if one.points and key != workspace_id
    }
    found: dict[str, wire.WorkspaceInfo] = {}
    for path in list_journals(_data_dir()) if waits else []:
        try:
            meta = JournalReader(path).meta
        except (JournalError, OSError):
            continue  # removed meanwhile, or damaged: sync reports it
        one = waits.get(meta.workspace_id)
        if one is None or meta.workspace_id in found:
            continue
        place = from_meta(meta)
        health = ship.health(_data_dir(), meta.workspace_id) or wire.Health(
            state="connecting", since_ms=0
        )
        found[meta.workspace_id] = wire.WorkspaceInfo(
            id=meta.workspace_id,
            kind=place.kind,
            name=place.name,
            uri=place.display_uri,
            health=one.added_to(health),
        )
    return list(found.values())
