"""The two sides of a drift report: where the reference and the new data come from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import MltrackError, NotFound, UsageError
from jupyter_mltrack.monitoring import inference_log, profile, watching
from jupyter_mltrack.monitoring.columns import Column, Kind, look

if TYPE_CHECKING:
    import pandas as pd

    from jupyter_mltrack import wire
    from jupyter_mltrack.workspaces import Workspace

REDACTED = "[redacted]"
ROWS_MAX = 500_000
"""Of a longer log the newest rows are compared."""
_ENDPOINT = "endpoint:"
_RUN = "run:"


class FrameColumns(Mapping[str, Column]):
    """Columns of a frame, looked at one by one, so that few are in memory at a time.

    Args:
        frame: the rows.
        names: which of its columns.
        like: columns of the reference, whose kinds count; None means each its own.
    """

    def __init__(
        self, frame: pd.DataFrame, names: Sequence[str], like: Mapping[str, Column] | None = None
    ) -> None:
        self._frame = frame
        self._places: dict[str, int] = {}
        for at, name in enumerate(map(str, frame.columns)):
            self._places.setdefault(name, at)
        self._names = [name for name in dict.fromkeys(names) if name in self._places]
        self._like = like
        self._last: Column | None = None

    def __getitem__(self, name: str) -> Column:
        if name not in self._places:
            raise KeyError(name)
        if self._last is None or self._last.name != name:
            kind: Kind | None = None
            if self._like is not None and name in self._like:
                kind = self._like[name].kind
            series = self._frame.iloc[:, self._places[name]]
            self._last = look(series.rename(name), kind=kind)
        return self._last

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names


class Reference(NamedTuple):
    """What new data is compared with.

    Attributes:
        name: how to call it.
        names: its columns, without targets.
        columns: gives those that are asked for.
        rows: how many rows it stands for.
        sample: rows that the model can be asked about; None where there are none.
        positional: its columns have no names but numbers.
        targets: columns that are no inputs.
    """

    name: str
    names: list[str]
    columns: Callable[[Sequence[str]], Mapping[str, Column]]
    rows: int
    sample: pd.DataFrame | None
    positional: bool
    targets: Sequence[str] = ()


class Data(NamedTuple):
    """New data.

    Attributes:
        name: how to call it.
        frame: inputs.
        ids: of each row of `frame`: the request's; None for other data.
        outputs: what the model answered, of an endpoint.
        output_ids: of each row of `outputs`.
        redacted: columns that the endpoint does not keep.
    """

    name: str
    frame: pd.DataFrame
    ids: Any = None
    outputs: pd.DataFrame | None = None
    output_ids: Any = None
    redacted: Sequence[str] = ()


# ----------------------------------------------------------------------------- reference


def reference_of(workspace: Workspace, given: Any, run_id: str | None, title: str) -> Reference:
    """The reference: what was named, else the profile that was kept with the model.

    Raises:
        NotFound: no such data or run, or no profile was kept.
        WorkspaceError: the profile is damaged.
        Unreachable: the store gave no answer.
    """
    if given is None:
        if run_id is None:
            raise NotFound(
                f"{title} came from no run, so no profile of its training data is known.",
                "Name data to compare with: --reference DATA",
            )
        try:
            found = profile.of_run(workspace, run_id)
        except NotFound as error:
            raise NotFound(
                f"No profile of the training data was kept with {title}.", error.hint
            ) from error
        return _of_profile(found, f"training data of {title} ({clean(found.name)})")
    given = _words(given)
    run = _as_run(workspace, given)
    if run is not None:
        return _of_profile(profile.of_run(workspace, run), f"training data of run {run[:8]}")
    from jupyter_mltrack.scoring import data

    frame = data.frame(given)
    _check_rows(frame, data.describe(given))
    names = list(map(str, frame.columns))
    return Reference(
        name=data.describe(given),
        names=names,
        columns=lambda wanted: FrameColumns(frame, wanted),
        rows=len(frame),
        sample=profile.drawn(frame, profile.SAMPLE_ROWS),
        positional=list(frame.columns) == list(range(frame.shape[1])),
    )


def _of_profile(found: profile.Profile, name: str) -> Reference:
    kept = profile.rows(found)
    names = [one.name for one in found.columns if one.name not in found.targets]
    return Reference(
        name=name,
        names=names,
        columns=lambda wanted: profile.columns(found, wanted),
        rows=found.rows,
        sample=kept if len(kept) else None,
        positional=found.positional,
        targets=found.targets,
    )


def _words(given: Any) -> Any:
    """A variable that holds words means them."""
    from jupyter_mltrack.scoring.data import NamedData

    held = given.value if isinstance(given, NamedData) else given
    return held if isinstance(held, str) else given


def _as_run(workspace: Workspace, given: Any) -> str | None:
    """The run that the words name; None where they name data.

    Raises:
        NotFound: they name neither.
    """
    if not isinstance(given, str):
        return None
    from jupyter_mltrack import runs

    if given.startswith(_RUN):
        return str(runs.find_run(workspace, given.removeprefix(_RUN)))
    if os.path.exists(given) or "://" in given or "*" in given:
        return None
    try:
        return str(runs.find_run(workspace, given))
    except NotFound:
        if os.path.splitext(given)[1] or os.sep in given:
            return None  # a path: reading it says what is near
        raise NotFound(
            f"{clean(given)!r} is no file, no variable and no run.",
            "Name data or a run to compare with: --reference DATA|RUN",
        ) from None


# ---------------------------------------------------------------------------------- data


def data_of(given: Any, version: str | None, window_s: float | None) -> Data:
    """New data: the log of an endpoint of that name, or what the words or the value mean.

    Raises:
        NotFound: there is no such data.
        UsageError: it has no rows, or no columns.
    """
    given = _words(given)
    if isinstance(given, str):
        name = given.removeprefix(_ENDPOINT)
        there = _in_cloud(name) if not os.path.exists(given) else None
        if there is not None:
            return _collected(there, version, window_s)
        if given.startswith(_ENDPOINT) or (
            watching.is_endpoint(name) and not os.path.exists(given)
        ):
            return _of_endpoint(name, version, window_s)
    if window_s is not None:
        raise UsageError("--window is for the log of an endpoint.", "Leave it out.")
    from jupyter_mltrack.scoring import data

    try:
        frame = data.frame(given)
    except NotFound as error:
        known = watching.known_endpoints()
        if not isinstance(given, str) or not known:
            raise
        endpoints = f"Endpoints: {', '.join(known[:5])}."
        raise NotFound(error.message, f"{error.hint.rstrip('.')}. {endpoints}") from error
    _check_rows(frame, data.describe(given))
    return Data(data.describe(given), frame)


def _in_cloud(name: str) -> wire.EndpointInfo | None:
    """The endpoint of this name, where it is in a cloud."""
    from jupyter_mltrack.deployments import elsewhere

    found = elsewhere.find(name)
    return found if found is not None and found.resource else None


def _collected(info: wire.EndpointInfo, version: str | None, window_s: float | None) -> Data:
    """What an endpoint in the cloud collected of its requests and answers."""
    from jupyter_mltrack.deployments.azure import collected

    found = collected.read(info, version, window_s)
    return Data(
        name=f"endpoint {info.name}" + (" (its newest requests)" if found.cut else ""),
        frame=found.inputs,
        outputs=found.outputs if len(found.outputs) else None,
    )


def _check_rows(frame: pd.DataFrame, name: str) -> None:
    if not frame.shape[1]:
        raise UsageError(f"{name} has no columns.", "Name data with the model's columns.")
    if not len(frame):
        raise UsageError(f"{name} has no rows.", "Name data that has some.")


def _of_endpoint(name: str, version: str | None, window_s: float | None) -> Data:
    import time

    folder = watching.folder_of(name)
    since_ms = None if window_s is None else int((time.time() - window_s) * 1000)
    log = inference_log.read(folder, since_ms=since_ms, rows_max=ROWS_MAX)
    requests = log.requests
    requests = requests[(requests["status"] < 400)].reset_index(drop=True)
    asked = requests[~requests["shadow"].astype(bool)].reset_index(drop=True)
    inputs = inference_log.rows_of(inference_log.Log(asked, 0), "inputs")
    if not len(inputs.frame):
        raise UsageError(
            f"The log of endpoint {name} holds no inputs"
            + (" in this window." if window_s is not None else "."),
            "Ask it something: %mltrack predict; its options log_inference and log_sample keep "
            "what is asked.",
        )
    frame = inputs.frame
    redacted = [str(column) for column in frame if (frame[column] == REDACTED).any()]
    # another version's answers say nothing about this one; its own count also where it shadows
    own = requests[requests["version"] == version] if version is not None else requests
    own = own.reset_index(drop=True)
    outputs = inference_log.rows_of(inference_log.Log(own, 0), "outputs")
    return Data(
        name=f"endpoint {name}" + (" (its newest requests)" if log.cut else ""),
        frame=frame.drop(columns=redacted),
        ids=_ids(asked, inputs),
        outputs=outputs.frame if len(outputs.frame) else None,
        output_ids=_ids(own, outputs),
        redacted=redacted,
    )


def _ids(requests: pd.DataFrame, found: inference_log.Rows) -> Any:
    """The request's id for each row; of a request of several rows with `/` and the row's number."""
    import numpy as np

    ids = requests["id"].to_numpy(dtype=object)[found.request]
    several = requests["rows"].to_numpy(dtype=np.int64)[found.request] > 1
    return np.array(
        [
            f"{one}/{row}" if many else one
            for one, row, many in zip(ids, found.row, several, strict=True)
        ],
        dtype=object,
    )


# ------------------------------------------------------------------------------- columns


def chosen(
    asked: Sequence[str] | None, signature: Sequence[str], reference: Reference, data: Data
) -> tuple[list[str], list[str]]:
    """Columns to compare, and columns of the data that are no features.

    Args:
        asked: what the caller named.
        signature: inputs of the model by name; empty where it names none.
        reference: see there.
        data: see there.

    Raises:
        UsageError: a column that was asked for is on neither side.
    """
    there = list(map(str, data.frame.columns))
    if asked is not None:
        unknown = [name for name in asked if name not in reference.names and name not in there]
        if unknown:
            raise UsageError(
                f"No column {clean(unknown[0])!r} in the reference nor in the data.",
                f"Columns: {clean(', '.join(reference.names[:20]))}",
            )
        return list(asked), [name for name in there if name not in asked]
    inputs = [name for name in signature if name in reference.names or name in there]
    names = inputs or list(reference.names)
    names = [name for name in names if name not in data.redacted]
    return names, [
        name for name in there if name not in names and (inputs or name in reference.targets)
    ]


def renamed(reference: Reference, data: Data) -> Data:
    """Data with the reference's column numbers for names, where the reference has no names."""
    frame = data.frame
    if not reference.positional or frame.shape[1] != len(reference.names):
        return data
    return data._replace(frame=frame.set_axis(reference.names, axis=1))


def said(error: Exception) -> str:
    """An error in one line."""
    text = error.message if isinstance(error, MltrackError) else str(error)
    return clean(" ".join(text.split()))[:300]
