"""Keep the training data's profile with the run whose model was trained on it.

MLflow is told of training data in two ways, by `mlflow.log_input` and by autologging; both turn a
dataset into an entity without rows and hand that to the client. So the rows are tied to the entity
when it is made, and looked at when a run logs it. The profile is written once the run has logged a
model too, because nobody asks for it before. Nothing here raises, and a store that does not answer
is not waited for.
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from jupyter_mltrack.tracking import caution

UPLOAD_S = 5.0
_ROWS = "_mltrack_rows"
_TRAINING = ("train", "training", "")
_RUNS_KEPT = 100


class _Kept:
    """What is known of one run: its profile as JSON, and whether it logged a model."""

    def __init__(self) -> None:
        self.text: bytes | None = None
        self.digest = ""
        self.has_model = False
        self.written = False


_kept: OrderedDict[str, _Kept] = OrderedDict()
_lock = threading.Lock()


def forget() -> None:
    """Know of no run."""
    _kept.clear()


def install(replace: Callable[[tuple[Any, ...], str, Any], None]) -> None:
    """Put our functions around MLflow's; `replace` takes owners, a name and the function."""
    from mlflow.data.dataset import Dataset
    from mlflow.tracking._tracking_service.client import TrackingServiceClient as Client

    replace((Dataset,), "_to_mlflow_entity", _tying(Dataset._to_mlflow_entity))
    replace((Client,), "log_inputs", _looking(Client.log_inputs))
    replace((Client,), "log_outputs", _after_model(Client.log_outputs))


def _tying(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def _to_mlflow_entity(self: Any) -> Any:
        entity = original(self)
        try:
            setattr(entity, _ROWS, self)
        except Exception as error:
            caution.trouble("profile", _WITHOUT, error)
        return entity

    return _to_mlflow_entity


def _looking(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def log_inputs(self: Any, run_id: str, datasets: Any = None, models: Any = None) -> Any:
        done = original(self, run_id, datasets, models)
        try:
            for one in datasets or ():
                _look(self, run_id, one)
        except Exception as error:
            caution.trouble("profile", _WITHOUT, error)
        return done

    return log_inputs


def _after_model(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def log_outputs(self: Any, run_id: str, models: Any) -> Any:
        done = original(self, run_id, models)
        try:
            kept = _of(run_id)
            kept.has_model = True
            _write(self, run_id, kept)
        except Exception as error:
            caution.trouble("profile", _WITHOUT, error)
        return done

    return log_outputs


_WITHOUT = "The profile of the training data was not kept; drift needs --reference then"


def _of(run_id: str) -> _Kept:
    with _lock:
        kept = _kept.setdefault(run_id, _Kept())
        _kept.move_to_end(run_id)
        while len(_kept) > _RUNS_KEPT:
            _kept.popitem(last=False)
        return kept


def _look(client: Any, run_id: str, given: Any) -> None:
    """Make the profile of the first training data of a run."""
    from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

    dataset = getattr(given.dataset, _ROWS, None)
    said = {tag.key: tag.value for tag in given.tags or ()}
    kept = _of(run_id)
    if (
        dataset is None
        or kept.digest
        or said.get(MLFLOW_DATASET_CONTEXT, "").lower() not in _TRAINING
        or not _is_wanted()
    ):
        return
    from jupyter_mltrack.monitoring import profile

    frame, targets, positional = _rows_of(dataset)
    if frame is None or not len(frame):
        return
    kept.digest = given.dataset.digest
    kept.text = profile.encode(
        profile.make(
            frame,
            name=given.dataset.name,
            digest=given.dataset.digest,
            targets=targets,
            positional=positional,
        )
    )
    _write(client, run_id, kept)


def _is_wanted() -> bool:
    from jupyter_mltrack.tracking import choice

    return bool(choice.settings_for_runs().profile)


def _rows_of(dataset: Any) -> tuple[Any, list[str], bool]:
    """Rows of a dataset, names of columns that are no inputs, and whether columns have no names."""
    import pandas as pd

    kind = type(dataset).__name__
    if kind in ("PandasDataset", "PolarsDataset"):
        frame = dataset.df if kind == "PandasDataset" else dataset.df.to_pandas()
        others = [dataset.targets, dataset.predictions]
        positional = list(frame.columns) == list(range(frame.shape[1]))
        return frame, [str(one) for one in others if one is not None], positional
    if kind == "NumpyDataset":
        found = dataset.features
        if isinstance(found, dict):
            flat = {name: values for name, values in found.items() if values.ndim == 1}
            return (pd.DataFrame(flat) if flat else None), [], False
        if found.ndim <= 2:
            return pd.DataFrame(found), [], True
    return None, [], False


def _write(client: Any, run_id: str, kept: _Kept) -> None:
    """Write the profile beside the run's other artifacts; a slow store is left alone with it."""
    if kept.text is None or kept.written or not kept.has_model:
        return
    kept.written = True
    text, kept.text = kept.text, None
    writing = threading.Thread(
        target=_upload, args=(client, run_id, text), name="mltrack-profile", daemon=True
    )
    writing.start()
    writing.join(UPLOAD_S)


def _upload(client: Any, run_id: str, text: bytes) -> None:
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from jupyter_mltrack.monitoring.profile import ARTIFACT

    try:
        parent, _, name = ARTIFACT.rpartition("/")
        with TemporaryDirectory() as folder:
            path = Path(folder, name)
            path.write_bytes(text)
            client.log_artifact(run_id, str(path), parent)
    except Exception as error:
        caution.trouble("profile", _WITHOUT, error)
