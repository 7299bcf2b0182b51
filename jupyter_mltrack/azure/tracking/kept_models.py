"""Logged models of MLflow 3 in a service that has none: a tag of the run, files among its files.

The id of such a model names its run, so it is found without a search. The tag holds what the model
is; its files lie among the run's artifacts, where Azure's own pages and older clients look.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

TAG = "mltrack.model."
MARK = "mltrack.models"
"""Tag of runs that have such models."""
_ID = re.compile(r"m-(?P<run>[^/@]+)-(?P<key>[0-9a-f]{8})\Z")
_TERM = re.compile(
    r"\s*(?:attributes?\.)?(?P<key>name|source_run_id|status|model_type|model_id"
    r"|(?:tags|params)\.(?:`[^`]+`|\"[^\"]+\"|[\w.\-]+))\s*(?P<sign>!=|=)\s*"
    r"(?P<quote>['\"])(?P<value>.*?)(?P=quote)\s*(?:\bAND\b|$)",
    re.IGNORECASE | re.DOTALL,
)


class Kept(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What the tag of a model holds."""

    name: str
    path: str
    """Of its folder among the run's files."""
    created_ms: int
    updated_ms: int
    status: str = "PENDING"
    kind: str = ""
    step: int = 0
    deleted: bool = False
    tags: dict[str, str] = {}
    params: dict[str, str] = {}
    """Those that the run itself has not."""


def new_id(run_id: str) -> str:
    """The id of one more model of a run."""
    return f"m-{run_id}-{uuid.uuid4().hex[:8]}"


def run_of(model_id: str) -> str | None:
    """The run whose tag holds a model; None for an id of the service's own."""
    found = _ID.match(model_id)
    return found["run"] if found else None


def tag_of(model_id: str) -> str:
    """The key of the tag that holds a model."""
    found = _ID.match(model_id)
    return f"{TAG}{found['key'] if found else model_id}"


def in_tags(run_id: str, tags: Mapping[str, str]) -> dict[str, Kept]:
    """The models in the tags of a run by id, in the order of logging."""
    found: dict[str, Kept] = {}
    for key, value in tags.items():
        if not key.startswith(TAG):
            continue
        try:
            kept = msgspec.json.decode(value, type=Kept)
        except msgspec.DecodeError:
            continue
        if not kept.deleted:
            found[f"m-{run_id}-{key.removeprefix(TAG)}"] = kept
    return dict(sorted(found.items(), key=lambda pair: pair[1].created_ms))


def begun(run: Any, name: str, kind: str | None, taken: set[str]) -> Kept:
    """A model that begins now, in a folder of its own."""
    from jupyter_mltrack.azure.tracking.versions import Tree

    del run
    now = now_ms()
    path = Tree(f"{one}/MLmodel" for one in taken).for_writing(name)
    return Kept(name=name, path=path, created_ms=now, updated_ms=now, kind=kind or "")


def now_ms() -> int:
    """Now."""
    return time.time_ns() // 1_000_000


def encoded(kept: Kept) -> str:
    """The value of the tag; what is too long for one is left out, parameters first."""
    from jupyter_mltrack.tracking.book import MAX_TAG

    value = msgspec.json.encode(kept).decode()
    if len(value) > MAX_TAG:
        value = msgspec.json.encode(msgspec.structs.replace(kept, params={})).decode()
    if len(value) > MAX_TAG:
        value = msgspec.json.encode(msgspec.structs.replace(kept, params={}, tags={})).decode()
    return value


def entity(run: Any, model_id: str, kept: Kept, shadowed: bool) -> Any:
    """The model as MLflow's own entity.

    Args:
        run: MLflow's run.
        model_id: of the model.
        kept: what its tag holds.
        shadowed: whether a later model of the run has its name.
    """
    from mlflow.entities import LoggedModel, LoggedModelStatus

    path = f"{kept.path}~1" if shadowed and kept.path == kept.name else kept.path
    return LoggedModel(
        experiment_id=str(run.info.experiment_id),
        model_id=model_id,
        name=kept.name,
        artifact_location=f"{run.info.artifact_uri}/{path}",
        creation_timestamp=kept.created_ms,
        last_updated_timestamp=kept.updated_ms,
        model_type=kept.kind or None,
        source_run_id=run.info.run_id,
        status=LoggedModelStatus(kept.status),
        tags=dict(kept.tags),
        params={**run.data.params, **kept.params},
        metrics=list(run.data._metric_objs),
    )


def entities(run: Any) -> list[Any]:
    """All models of a run, in the order of logging."""
    kept = in_tags(run.info.run_id, run.data.tags)
    names = [one.name for one in kept.values()]
    return [
        entity(run, model_id, one, one.name in names[at + 1 :])
        for at, (model_id, one) in enumerate(kept.items())
    ]


# ------------------------------------------------------------------------------ searching


def terms(filter_string: str | None) -> list[tuple[str, str, str]]:
    """(field, sign, value) of a filter.

    Raises:
        ValueError: it asks for something that cannot be told of such models.
    """
    rest = (filter_string or "").strip()
    found = []
    while rest:
        match = _TERM.match(rest)
        if match is None:
            raise ValueError(rest)
        key = re.sub(r"[`\"]", "", match["key"])
        found.append((key if "." in key else key.lower(), match["sign"], match["value"]))
        rest = rest[match.end() :]
    return found


def fits(model: Any, wanted: list[tuple[str, str, str]]) -> bool:
    """Whether a model is what a filter asks for."""
    for key, sign, value in wanted:
        group, _, name = key.partition(".")
        if group == "tags":
            said = model.tags.get(name)
        elif group == "params":
            said = model.params.get(name)
        elif key == "status":
            said = str(getattr(model.status, "value", model.status))
        else:
            said = getattr(model, key)
        if (said == value) != (sign == "="):
            return False
    return True


def ordered(models: list[Any], order_by: list[dict[str, Any]] | None) -> list[Any]:
    """Models in the order that is asked for, else the newest first."""
    models = sorted(models, key=lambda one: -one.creation_timestamp)
    for term in reversed(order_by or []):
        name = str(term.get("field_name", "")).removeprefix("attributes.")
        up = bool(term.get("ascending", True))

        def value(model: Any, name: str = name) -> Any:
            if name.startswith("metrics."):
                key = name.removeprefix("metrics.")
                return next((m.value for m in model.metrics or () if m.key == key), None)
            return getattr(model, name, None)

        have = [one for one in models if value(one) is not None]
        lack = [one for one in models if value(one) is None]
        models = [*sorted(have, key=value, reverse=not up), *lack]
    return models
