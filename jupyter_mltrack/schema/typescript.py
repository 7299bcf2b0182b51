"""`wire.ts` from `openapi.json` through openapi-typescript, with ids branded and names exported."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from jupyter_mltrack import wire
from jupyter_mltrack.schema.events import NUDGE_SCHEMA_ID
from jupyter_mltrack.schema.openapi import BRANDED_IDS, openapi_document, openapi_text
from jupyter_mltrack.server.route import API_PREFIX

_HEAD = """\
// Written by `python -m jupyter_mltrack.schema`. Do not edit: change wire/ or the route table.
/* eslint-disable */
"""


def find_generator(repository: Path) -> Path | None:
    """The openapi-typescript of the labextension, or None when its packages are not installed."""
    tool = repository / "labextension" / "node_modules" / ".bin" / "openapi-typescript"
    return tool if tool.exists() else None


def typescript_text(generator: Path) -> str:
    """The module as it is committed.

    Raises:
        RuntimeError: openapi-typescript refused the document.
    """
    with tempfile.TemporaryDirectory(prefix="mltrack-schema-") as folder:
        source = Path(folder) / "openapi.json"
        source.write_text(openapi_text(), encoding="utf-8")
        target = Path(folder) / "wire.ts"
        command = [str(generator), str(source), "--output", str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(done.stderr or done.stdout)
        generated = target.read_text(encoding="utf-8")
    return _HEAD + "\n" + _brand(generated) + "\n" + _exports()


def _brand(generated: str) -> str:
    for name in BRANDED_IDS:
        generated, count = re.subn(
            rf"^(\s+){name}: string;$",
            rf'\1{name}: string & {{ readonly __brand: "{name}" }};',
            generated,
            flags=re.MULTILINE,
        )
        if count != 1:
            message = f"{name} was found {count} times in the generated module, once is right"
            raise RuntimeError(message)
    return generated


def _exports() -> str:
    document = openapi_document()
    lines = [
        f"export const WIRE_VERSION = {wire.WIRE_VERSION};",
        f'export const API_PREFIX = "{API_PREFIX}";',
        f'export const NUDGE_SCHEMA_ID = "{NUDGE_SCHEMA_ID}";',
        "",
    ]
    lines += [
        f'export type {name} = components["schemas"]["{name}"];'
        for name in sorted(document["components"]["schemas"])
    ]
    for operations in document["paths"].values():
        for operation in operations.values():
            name = operation["operationId"]
            query = any(one["in"] == "query" for one in operation.get("parameters", []))
            if query:
                title = name[0].upper() + name[1:]
                lines.append(
                    f'export type {title}Query = NonNullable<operations["{name}"]'
                    '["parameters"]["query"]>;'
                )
    return "\n".join(lines) + "\n"
