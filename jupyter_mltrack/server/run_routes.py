"""What the routes about runs do, beyond looking at one list and one run.

Stores are asked and changed by the reader processes, as always.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.server import run_requests as requests
from jupyter_mltrack.server.pool import StoreTrouble
from jupyter_mltrack.server.service import OUT_OF_REACH, problem_of

if TYPE_CHECKING:
    from jupyter_mltrack.server.reader import CallName
    from jupyter_mltrack.server.service import Service

CHANGE_LIMIT_S = 60.0
_VIEW_POINTS = 240


def said_by(search: str | None) -> dict[str, str | None]:
    """Words or a filter: what a person typed into the search of a list."""
    from jupyter_mltrack.runs.query import looks_like_filter

    is_filter = looks_like_filter(search or "")
    words = (search or "").strip() or None
    return {"text": None if is_filter else words, "filter": search if is_filter else None}


async def list_columns(service: Service, request: requests.RunColumnsRequest) -> wire.RunColumns:
    """What a list of runs can show as columns."""
    workspace = await service.asked(request.workspace)
    args = {
        "experiment": request.experiment,
        **said_by(request.search),
        "deleted": request.deleted,
    }
    raw = await service.ask("run_columns", workspace, args)
    return msgspec.json.decode(raw, type=wire.RunColumns)


async def get_details(service: Service, request: requests.RunDetailsRequest) -> wire.RunDetails:
    """Several runs side by side."""
    workspace = await service.asked(request.workspace)
    raw = await service.ask("run_details", workspace, {"run_ids": request.run_ids})
    found = msgspec.json.decode(raw, type=wire.RunDetails)
    runs = [
        msgspec.structs.replace(run, summary=service.with_live(workspace, run.summary))
        for run in found.runs
    ]
    return msgspec.structs.replace(found, runs=runs)


async def get_diff(service: Service, request: requests.RunDiffRequest) -> wire.RunDiff:
    """What differs between two runs."""
    workspace = await service.asked(request.workspace)
    raw = await service.ask("run_diff", workspace, {"left": request.left, "right": request.right})
    return msgspec.json.decode(raw, type=wire.RunDiff)


async def list_metrics(service: Service, request: requests.MetricTableRequest) -> wire.MetricTable:
    """Metrics of a run in numbers: from memory, else from its series file, else from the store."""
    workspace = await service.asked(request.workspace)
    found = await asyncio.to_thread(service.drawing.metrics, request)
    if found is not None:
        return found
    args = {
        "run_id": request.run_id,
        "search": request.search,
        "offset": request.offset,
        "limit": request.limit,
    }
    try:
        raw = await service.ask("run_metrics", workspace, args)
    except StoreTrouble as trouble:
        if trouble.code not in {*OUT_OF_REACH, "not_found"}:
            raise
        raw = await service.ask_here("waiting_metrics", workspace, args)
        if raw == b"null":
            raise
    return msgspec.json.decode(raw, type=wire.MetricTable)


async def get_about(service: Service, request: requests.AboutRequest) -> wire.RunAbout:
    """What a run remembers of how it was made."""
    workspace = await service.asked(request.workspace)
    try:
        raw = await service.ask("run_about", workspace, {"run_id": request.run_id})
    except StoreTrouble as trouble:
        if trouble.code not in OUT_OF_REACH or workspace.kind == "local":
            raise
        raw = await service.ask_here(
            "run_about", workspace, {"run_id": request.run_id, "here": True}
        )
        if raw == b"null":
            raise
        found = msgspec.json.decode(raw, type=wire.RunAbout)
        return msgspec.structs.replace(found, problems=[problem_of(trouble)])
    found = msgspec.json.decode(raw, type=wire.RunAbout)
    path = await asyncio.to_thread(service.notebook_here, workspace, found.notebook_path)
    return msgspec.structs.replace(found, notebook_path=path)


async def get_output(service: Service, request: requests.OutputRequest) -> wire.RunOutput:
    """Lines that a run printed."""
    workspace = await service.asked(request.workspace)
    args = {"run_id": request.run_id, "since": request.since, "lines": request.lines}
    raw = await service.ask("run_output", workspace, args)
    return msgspec.json.decode(raw, type=wire.RunOutput)


async def get_view(service: Service, request: requests.AboutRequest) -> wire.RunView:
    """A run as it stays in a notebook whose kernel could not put it there."""
    from jupyter_mltrack.server.requests import RunRequest, SeriesRequest

    run_id, workspace = request.run_id, request.workspace
    detail = await service.run(RunRequest(run_id=run_id, workspace=workspace))
    series = await service.series(
        SeriesRequest(run_id=run_id, workspace=workspace, max_points=_VIEW_POINTS)
    )
    return await asyncio.to_thread(_view, detail, series)


def _view(detail: wire.RunDetail, series: wire.Series) -> wire.RunView:
    from jupyter_mltrack.view import Shown, shown_runs

    summary = detail.summary
    view = shown_runs(
        [
            Shown(
                run_id=summary.run_id,
                workspace_id=summary.workspace_id,
                name=summary.name,
                status=summary.status,
                start_ms=summary.start_ms,
                end_ms=summary.end_ms,
                error=summary.error,
                columns=series.columns,
                newest={metric.key: float(metric.text) for metric in summary.metrics},
                points=sum(column.total for column in series.columns),
                link=detail.link,
            )
        ]
    )
    return wire.RunView(html=view.html, plain=view.plain)


async def tag_runs(service: Service, request: requests.TagRunsRequest) -> wire.RunsChanged:
    """Set a tag of runs, or take it away."""
    args = {"run_ids": request.run_ids, "key": request.key, "value": request.value}
    return await _changed(service, "tag_runs", request.workspace_id, args)


async def rename_run(service: Service, request: requests.RenameRunRequest) -> wire.RunsChanged:
    """Give a run another name."""
    args = {"run_id": request.run_id, "name": request.name}
    return await _changed(service, "rename_run", request.workspace_id, args)


async def delete_runs(service: Service, request: requests.RunIdsRequest) -> wire.RunsChanged:
    """Delete runs; they can be restored until the store is cleaned."""
    args = {"run_ids": request.run_ids}
    return await _changed(service, "delete_runs", request.workspace_id, args)


async def restore_runs(service: Service, request: requests.RunIdsRequest) -> wire.RunsChanged:
    """Bring deleted runs back."""
    args = {"run_ids": request.run_ids}
    return await _changed(service, "restore_runs", request.workspace_id, args)


async def _changed(
    service: Service, name: CallName, workspace_id: wire.WorkspaceId, args: dict[str, Any]
) -> wire.RunsChanged:
    """Have it done, and tell every page."""
    raw = await service.change(name, workspace_id, args, CHANGE_LIMIT_S)
    done = msgspec.json.decode(raw, type=wire.RunsChanged)
    if name == "rename_run" and done.run_ids:
        service.renamed(workspace_id, args["run_id"], args["name"])
    if done.run_ids:
        cursors = [0] * len(done.run_ids)
        service.nudge(
            wire.Nudge(
                kind="runs", workspace_id=workspace_id, run_ids=done.run_ids, cursors=cursors
            )
        )
    return done
