"""One prediction: MLflow parses and formats, a thread computes, and what went in is kept to log.

Several requests may be computed at a time, as MLflow's own server does it.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import random
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from jupyter_mltrack.deployments.local.serving.tables import head


class Seen(NamedTuple):
    """What went into the model and what came out, as the model saw it."""

    rows: int | None
    inputs: Any
    outputs: Any


class Answer(NamedTuple):
    """What the caller gets. `seen` is None where nothing of the request is kept."""

    status: int
    body: bytes
    kind: str
    seen: Seen | None = None


class _Watched:
    """A model whose input is copied before the model can change it. Made for one request."""

    def __init__(self, model: Any, rows_max: int) -> None:
        self._model = model
        self._rows_max = rows_max
        self.metadata = model.metadata
        self.seen: Seen | None = None

    def predict(self, data: Any, params: Any = None) -> Any:
        """Predict and keep what was seen."""
        rows, inputs = _few(data, self._rows_max)
        self.seen = Seen(rows, inputs, None)
        outputs = self._model.predict(data, params=params)
        self.seen = Seen(rows, inputs, _few(outputs, self._rows_max)[1])
        return outputs


def _few(value: Any, rows_max: int) -> tuple[int | None, Any]:
    """Copy the first rows to log them; a value that cannot be copied is no reason to fail."""
    try:
        return head(value, rows_max)
    except Exception:  # the copy is for the log only: the answer must not fail for it
        return None, None


class Predictor:
    """Answers bodies with one loaded model."""

    def __init__(self, model: Any, *, sample: float, rows_max: int) -> None:
        from mlflow.environment_variables import MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT
        from mlflow.version import VERSION

        self._model = model
        self._schema = model.metadata.get_input_schema()
        takes_params = "params" in inspect.signature(model.predict).parameters
        self._sample = sample if takes_params else 0.0
        self._rows_max = rows_max
        self._threads = ThreadPoolExecutor(min(32, (os.cpu_count() or 1) + 4), "mltrack-predict")
        self.mlflow_version: str = VERSION
        self.timeout_s = float(MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT.get())

    async def answer(self, body: bytes, content_type: str) -> Answer:
        """Parse, predict and format in a thread; never raises."""
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._threads, self._compute, body, content_type)
        try:
            return await asyncio.wait_for(work, self.timeout_s)
        except (asyncio.TimeoutError, TimeoutError):  # noqa: UP041 (two classes before Python 3.11)
            return Answer(504, b"Request processing time exceeded limit", "application/json")

    def _compute(self, body: bytes, content_type: str) -> Answer:
        from mlflow.exceptions import MlflowException
        from mlflow.pyfunc.scoring_server import invocations

        kept = self._sample > 0 and random.random() < self._sample  # noqa: S311 (a sample)
        model = _Watched(self._model, self._rows_max) if kept else self._model
        try:
            made = invocations(body, content_type, model, self._schema)
            answer = Answer(made.status, made.response.encode(), made.mimetype)
        except MlflowException as error:
            answer = Answer(
                error.get_http_status_code(), error.serialize_as_json().encode(), "application/json"
            )
        except Exception:  # a model's own code: whatever it raises, the caller gets an answer
            traceback.print_exc(file=sys.stderr)
            answer = Answer(500, b"Internal Server Error", "text/plain; charset=utf-8")
        if isinstance(model, _Watched):
            return answer._replace(seen=model.seen)
        return answer
