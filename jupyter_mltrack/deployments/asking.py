"""Ask an endpoint: data as a person has it goes in, a small table comes out."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import UsageError

if TYPE_CHECKING:
    from jupyter_mltrack.deployments.local.keeper_client import Answer

ROWS_SHOWN = 200
CELL_CHARACTERS = 500
BODY_CHARACTERS = 100_000
ROWS_MAX = 100_000
_REQUEST_KEYS = frozenset(
    {"dataframe_split", "dataframe_records", "instances", "inputs", "messages", "input"}
)


def predict(known: wire.EndpointInfo, data: Any, timeout_s: float) -> wire.Prediction:
    """Ask an endpoint; see `deployments.predict`."""
    from jupyter_mltrack.deployments.local import keeper_client

    answer = keeper_client.ask(known.name, request_body(data), timeout_s=timeout_s)
    return told(known, answer)


def told(known: wire.EndpointInfo, answer: Answer) -> wire.Prediction:
    """What an endpoint answered, as a small table or with what is wrong."""
    text = answer.body.decode("utf-8", "replace")
    made = wire.Prediction(
        endpoint=known.name,
        status=answer.status,
        latency_ms=answer.latency_ms,
        version=answer.version,
        request_id=answer.request_id,
        body=text[:BODY_CHARACTERS],
    )
    if answer.status != 200:
        return _refused(made, text, known)
    return _tabled(made, text)


def request_body(data: Any) -> bytes:
    """The body of `POST /invocations` for data of any kind.

    Raises:
        UsageError: the data cannot be read.
    """
    if isinstance(data, str) and data.lstrip().startswith(("{", "[")):
        return _from_text(data)
    if isinstance(data, dict) and data.keys() & _REQUEST_KEYS:
        return json.dumps(data).encode()
    from jupyter_mltrack.scoring import data as reading

    value = data.value if isinstance(data, reading.NamedData) else data
    if type(value).__module__ == "numpy" and getattr(value, "ndim", 0) > 0:
        return json.dumps({"inputs": value.tolist()}).encode()
    frame = reading.frame(data, limit_rows=ROWS_MAX)
    split: str = frame.to_json(orient="split", index=False, date_format="iso", double_precision=15)
    return b'{"dataframe_split":' + split.encode() + b"}"


def _from_text(text: str) -> bytes:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"The data is no JSON: {clean(str(error))}.",
            'Write {"inputs": ...}, {"dataframe_split": ...} or a list of rows.',
        ) from error
    if isinstance(said, dict) and said.keys() & _REQUEST_KEYS:
        return text.encode()
    if isinstance(said, list) and said and all(isinstance(one, dict) for one in said):
        return json.dumps({"dataframe_records": said}).encode()
    if isinstance(said, dict):
        return json.dumps({"dataframe_records": [said]}).encode()
    return json.dumps({"inputs": said}).encode()


def _refused(made: wire.Prediction, text: str, known: wire.EndpointInfo) -> wire.Prediction:
    import msgspec

    try:
        said = json.loads(text)
        message = str(said.get("message") or said.get("detail") or text)
    except (ValueError, AttributeError):
        message = text
    wrong = made.status < 500
    problem = wire.Problem(
        code="bad_request" if wrong else "store_error",
        message=_short(message) or f"The endpoint answered {made.status}.",
        hint=_signature_hint(made, known) if wrong else f"See why: %mltrack logs {made.endpoint}",
    )
    return msgspec.structs.replace(made, problem=problem)


def _signature_hint(made: wire.Prediction, known: wire.EndpointInfo) -> str:
    """Where the signature of the version that refused can be read."""
    for one in known.deployments:
        if one.label == made.version and one.model and one.version:
            return f"See what it takes: %mltrack models {clean(one.model)}/{one.version}"
    return "See what it takes: its model's signature."


def _short(message: str) -> str:
    """MLflow repeats the data and the schema before it says what is wrong with them."""
    text = " ".join(message.split())
    for mark in ("Model is missing inputs", "Incompatible input types", "Can not safely convert"):
        at = text.find(mark)
        if at > 0:
            text = text[at:]
            break
    return clean(text)[:1000]


def _tabled(made: wire.Prediction, text: str) -> wire.Prediction:
    import msgspec

    try:
        said = json.loads(text)
    except ValueError:
        return made
    found = said.get("predictions", said) if isinstance(said, dict) else said
    columns, rows = _table(found)
    return msgspec.structs.replace(
        made,
        columns=[clean(one) for one in columns],
        rows=[[_cell(value) for value in row] for row in rows[:ROWS_SHOWN]],
        row_count=len(rows),
    )


def _table(found: Any) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of an answer, whatever shape it has."""
    if isinstance(found, dict):
        if found and all(isinstance(one, list) for one in found.values()):
            return list(found), [list(row) for row in zip(*found.values(), strict=False)]
        return list(found), [list(found.values())]
    if not isinstance(found, list):
        return ["prediction"], [[found]]
    if found and all(isinstance(one, dict) for one in found):
        names = list(dict.fromkeys(key for one in found for key in one))
        return names, [[one.get(key) for key in names] for one in found]
    if found and all(isinstance(one, list) for one in found):
        wide = max(len(one) for one in found)
        return [str(at) for at in range(wide)], found
    return ["prediction"], [[one] for one in found]


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else str(value)
    text = value if isinstance(value, str) else json.dumps(value)
    return clean(text)[:CELL_CHARACTERS]
