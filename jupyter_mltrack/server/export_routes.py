"""A run as a file, for a browser to keep."""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import TYPE_CHECKING

import msgspec

from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.server import requests, run_requests, run_routes
from jupyter_mltrack.server.file_answer import FileAnswer

if TYPE_CHECKING:
    from jupyter_mltrack.server.service import Service

_TYPES = {"script": "text/x-python", "notebook": "application/x-ipynb+json", "html": "text/html"}


async def get_export(service: Service, request: run_requests.ExportRequest) -> FileAnswer:
    """The file, as a download."""
    workspace = await service.asked(request.workspace)
    results = None if request.to == "script" else await _results(service, request)
    args = {"run_id": request.run_id, "to": request.to, "results": results}
    raw = await service.ask("run_export", workspace, args)
    made = msgspec.json.decode(raw, type=dict[str, str])
    data = made["text"].encode("utf-8", "backslashreplace")
    return FileAnswer(
        name=made["name"],
        size_bytes=len(data),
        open=lambda: BytesIO(data),
        media_type=f"{_TYPES[request.to]}; charset=utf-8",
    )


async def _results(service: Service, request: run_requests.ExportRequest) -> dict[str, str] | None:
    """Curves and numbers as a page draws them now, with points that still wait to be sent."""
    from jupyter_mltrack.exporting import run_parts
    from jupyter_mltrack.view.curves import POINTS_A_CURVE

    run_id, workspace = request.run_id, request.workspace
    detail = await service.run(requests.RunRequest(run_id=run_id, workspace=workspace))
    keys = run_parts.drawn_keys(detail.summary)
    if not keys:
        return None
    try:
        asked = requests.SeriesRequest(
            run_id=run_id, workspace=workspace, keys=keys, max_points=POINTS_A_CURVE
        )
        series = await service.series(asked)
        table = run_requests.MetricTableRequest(
            run_id=run_id, workspace=workspace, limit=run_parts.METRICS_MAX
        )
        metrics = await run_routes.list_metrics(service, table)
    except MltrackError:
        return None  # what the store gives does
    view = await asyncio.to_thread(
        run_parts.results, detail.summary, series.columns, metrics.metrics
    )
    return {"plain": view.plain, "html": view.html}
