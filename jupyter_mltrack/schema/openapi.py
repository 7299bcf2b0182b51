"""OpenAPI 3.1 from the wire structs and the route table.

Ids are components of their own (`RunId`, `WorkspaceId`, `ExperimentId`), so that TypeScript can
brand them: a run id is never passed where a workspace id is meant.
"""

from __future__ import annotations

import inspect
import json
import re
from typing import Any, get_args, get_type_hints

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.schema.events import NUDGE_SCHEMA_ID
from jupyter_mltrack.server import requests
from jupyter_mltrack.server.file_answer import FileAnswer
from jupyter_mltrack.server.route import API_PREFIX, STATUS_OF_CODE, Route
from jupyter_mltrack.server.routes import ROUTES

BRANDED_IDS = {
    "RunId": wire.RunId,
    "WorkspaceId": wire.WorkspaceId,
    "ExperimentId": wire.ExperimentId,
}
_REF = "#/components/schemas/{name}"
_NAME_OF_BRAND = {brand: name for name, brand in BRANDED_IDS.items()}

Json = dict[str, Any]


def openapi_text() -> str:
    """The document as it is committed: sorted where order means nothing, with a last newline."""
    return json.dumps(openapi_document(), indent=2, ensure_ascii=False) + "\n"


def openapi_document() -> Json:
    """The whole contract: routes, their structs, the problem and the nudge."""
    answers = {route.answer for route in ROUTES if route.answer is not FileAnswer}
    bodies = {route.request for route in ROUTES if route.method == "POST"}
    structs = sorted({*answers, *bodies, wire.Problem, wire.Nudge}, key=lambda one: one.__name__)
    _, components = msgspec.json.schema_components(structs, ref_template=_REF)
    schemas = {name: _with_brands(name, schema) for name, schema in sorted(components.items())}
    for name in BRANDED_IDS:
        schemas[name] = {"type": "string"}
    paths: dict[str, Json] = {}
    for route in ROUTES:
        paths.setdefault(f"/{API_PREFIX}/{route.path}", {})[route.method.lower()] = _operation(
            route
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "jupyter_mltrack",
            "version": str(wire.WIRE_VERSION),
            "description": "REST routes of the server extension, below the server's base URL.",
        },
        "paths": paths,
        "components": {"schemas": schemas},
        "x-jupyter-events": {NUDGE_SCHEMA_ID: {"$ref": _REF.format(name="Nudge")}},
    }


def _operation(route: Route) -> Json:
    hints = get_type_hints(route.request, include_extras=True)
    in_path = set(re.findall(r"\{(\w+)\}", route.path))
    fields = {field.name: field for field in msgspec.structs.fields(route.request)}
    operation: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "x-action": route.action,
    }
    parameters = []
    for name, field in fields.items():
        if route.method == "POST" and name not in in_path:
            continue
        parameter: Json = {
            "name": name,
            "in": "path" if name in in_path else "query",
            "required": field.required,
            "schema": _parameter_schema(hints[name]),
        }
        if field.default is not msgspec.NODEFAULT and field.default is not None:
            parameter["schema"]["default"] = field.default
        parameters.append(parameter)
    if parameters:
        operation["parameters"] = parameters
    if route.method == "POST":
        body = {"schema": {"$ref": _REF.format(name=route.request.__name__)}}
        operation["requestBody"] = {"required": True, "content": {"application/json": body}}
    operation["responses"] = {
        "200": {"description": "The answer.", "content": _content(route)},
        "default": {
            "description": "What went wrong; the status follows from `code`: "
            + ", ".join(f"{code} {status}" for code, status in STATUS_OF_CODE.items()),
            "content": {"application/json": {"schema": {"$ref": _REF.format(name="Problem")}}},
        },
    }
    return operation


def _content(route: Route) -> Json:
    if route.answer is FileAnswer:
        binary = {"type": "string", "contentMediaType": "application/octet-stream"}
        return {"application/octet-stream": {"schema": binary}}
    return {"application/json": {"schema": {"$ref": _REF.format(name=route.answer.__name__)}}}


def _parameter_schema(annotation: Any) -> Json:
    """Schema of a path or query field: None is said by leaving the field out."""
    (schema,), _ = msgspec.json.schema_components([annotation], ref_template=_REF)
    options = [one for one in schema.get("anyOf", [schema]) if one != {"type": "null"}]
    schema = dict(options[0])
    schema.pop("default", None)
    return _branded(annotation, schema) if schema.get("type") != "array" else schema


def _with_brands(name: str, schema: Json) -> Json:
    """The component with descriptions cleaned and its id fields pointing at the branded ids."""
    schema = dict(schema)
    if "description" in schema:
        schema["description"] = inspect.cleandoc(schema["description"])
    struct = getattr(wire, name, None) or getattr(requests, name, None)
    if struct is None or "properties" not in schema:
        return schema
    hints = get_type_hints(struct, include_extras=True)
    schema["properties"] = {
        field: _branded(hints[field], prop) if field in hints else prop
        for field, prop in schema["properties"].items()
    }
    return schema


def _branded(annotation: Any, schema: Json) -> Json:
    """The schema with every string that is an id replaced by a reference to that id."""
    name = _brand_within(annotation)
    if name is None:
        return schema
    reference = {"$ref": _REF.format(name=name)}
    kept = {key: schema[key] for key in ("default",) if key in schema}
    if schema.get("type") == "array":
        return {**schema, "items": reference}
    if "anyOf" in schema:
        options = [reference if one.get("type") == "string" else one for one in schema["anyOf"]]
        return {**schema, "anyOf": options}
    return {**reference, **kept}


def _brand_within(annotation: Any) -> str | None:
    if annotation in _NAME_OF_BRAND:
        return _NAME_OF_BRAND[annotation]
    for argument in get_args(annotation):
        try:
            found = _brand_within(argument)
        except TypeError:  # an unhashable argument such as a Meta
            continue
        if found:
            return found
    return None
