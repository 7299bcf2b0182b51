"""The committed contract is the one that the code makes."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

import jupyter_mltrack
from jupyter_mltrack import wire
from jupyter_mltrack.schema import (
    NUDGE_SCHEMA_ID,
    nudge_event_schema,
    openapi_document,
    openapi_text,
)
from jupyter_mltrack.schema.typescript import find_generator, typescript_text
from jupyter_mltrack.server.routes import ROUTES

PACKAGE = Path(jupyter_mltrack.__file__).parent
REPOSITORY = Path(__file__).resolve().parents[2]
CURE = "run `python -m jupyter_mltrack.schema` and commit what it writes"


def test_openapi_is_current():
    assert (PACKAGE / "schema" / "openapi.json").read_text() == openapi_text(), CURE


def test_the_typescript_types_are_current():
    generator = find_generator(REPOSITORY)
    if generator is None:
        pytest.skip("needs `npm install` in labextension/")
    committed = (REPOSITORY / "labextension" / "src" / "wire.ts").read_text()
    assert committed == typescript_text(generator), CURE


def test_the_check_names_the_cure(capsys, monkeypatch, tmp_path):
    from jupyter_mltrack.schema import __main__ as schema

    stale = tmp_path / "openapi.json"
    stale.write_text("{}")
    monkeypatch.setattr(schema, "OPENAPI_FILE", stale)
    monkeypatch.setattr(schema, "find_generator", lambda _: None)
    assert schema.main(["--check"]) == 1
    assert "python -m jupyter_mltrack.schema" in capsys.readouterr().out
    assert stale.read_text() == "{}"
    assert schema.main([]) == 0
    assert stale.read_text() == openapi_text()


def test_every_route_is_in_the_document_with_its_structs():
    document = openapi_document()
    operations = {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == {(route.method, f"/mltrack/api/{route.path}") for route in ROUTES}
    for route in ROUTES:
        operation = operations[route.method, f"/mltrack/api/{route.path}"]
        named = {one["name"] for one in operation.get("parameters", [])}
        fields = {field.name for field in msgspec.structs.fields(route.request)}
        assert named == (fields if route.method == "GET" else set())


def test_every_reference_of_the_document_leads_somewhere():
    text = openapi_text()
    known = set(openapi_document()["components"]["schemas"])
    found = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert found <= known


def test_no_struct_of_the_document_has_a_place_for_a_secret():
    words = ("password", "token_", "secret", "credential", "api_key")
    for name, schema in openapi_document()["components"]["schemas"].items():
        for field in schema.get("properties", {}):
            if field != "token_file":  # where the token lies, not what it is
                assert not any(word in field for word in words), (name, field)


def test_ids_are_types_of_their_own():
    schemas = openapi_document()["components"]["schemas"]
    assert schemas["Nudge"]["properties"]["run_ids"]["items"] == {
        "$ref": "#/components/schemas/RunId"
    }
    assert schemas["RunSummary"]["properties"]["workspace_id"] == {
        "$ref": "#/components/schemas/WorkspaceId"
    }


def test_the_nudge_is_an_event_that_jupyter_registers_and_validates():
    from jupyter_events import EventLogger

    logger = EventLogger()
    logger.register_event_schema(nudge_event_schema())
    heard = []

    async def listen(logger, schema_id, data):
        heard.append(data)

    logger.add_listener(schema_id=NUDGE_SCHEMA_ID, listener=listen)
    nudge = wire.Nudge(
        kind="points",
        workspace_id=wire.WorkspaceId("0" * 12),
        run_ids=[wire.RunId("a")],
        cursors=[1],
    )

    async def emit():
        logger.emit(schema_id=NUDGE_SCHEMA_ID, data=msgspec.to_builtins(nudge))
        await logger.gather_listeners()

    import asyncio

    asyncio.run(emit())
    assert [
        msgspec.convert(
            {key: value for key, value in one.items() if not key.startswith("__")}, wire.Nudge
        )
        for one in heard
    ] == [nudge]


GOLDEN = Path(__file__).with_name("golden")


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_a_golden_sample_reads_and_writes_back_unchanged(path):
    struct = getattr(wire, path.stem.partition("-")[0])
    sample = json.loads(path.read_text())
    assert msgspec.to_builtins(msgspec.convert(sample, struct)) == sample


def test_there_are_golden_samples():
    assert {path.stem for path in GOLDEN.glob("*.json")} >= {
        "Series-odd",
        "LiveRuns-two",
        "Problem-plain",
        "Nudge-points",
    }
