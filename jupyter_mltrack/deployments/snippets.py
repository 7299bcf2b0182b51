"""How to ask an endpoint from this machine, ready to copy. The token stays in its file."""

from __future__ import annotations

import json
import shlex

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.deployments.local.spec import Places
from jupyter_mltrack.settings import data_dir

EXAMPLE_CHARACTERS = 4_000
_NO_EXAMPLE = '{"inputs": []}'


def with_snippets(info: wire.EndpointInfo) -> wire.EndpointInfo:
    """The endpoint with the lines that ask it, made from the model's input example."""
    if not info.address or not info.token_file:
        return info
    body = _example(info)
    if info.resource:
        return msgspec.structs.replace(info, snippets=_azure(info, body))
    return msgspec.structs.replace(
        info,
        snippets=[
            wire.Pair(key="curl", value=_curl(info, body)),
            wire.Pair(key="Python", value=_python(info, body)),
        ],
    )


def _azure(info: wire.EndpointInfo, body: str) -> list[wire.Pair]:
    """The same for an endpoint in Azure, whose scoring script takes other words."""
    from jupyter_mltrack.deployments.azure.scoring import translated

    words = translated(body.encode()).decode()
    return [
        wire.Pair(key="curl", value=_curl(info, words, "")),
        wire.Pair(key="Python", value=_python(info, words, "")),
    ]


def _example(info: wire.EndpointInfo) -> str:
    """Body of the request that proved the version which answers most."""
    places = Places(data_dir())
    for one in sorted(info.deployments, key=lambda each: -each.traffic_percent):
        try:
            text = places.proof(info.name, one.label).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if len(text) <= EXAMPLE_CHARACTERS:
            return text.strip()
    return _NO_EXAMPLE


def _curl(info: wire.EndpointInfo, body: str, path: str = "/invocations") -> str:
    token = shlex.quote(info.token_file)
    return (
        f"curl --silent {shlex.quote(info.address + path)} \\\n"
        f'  --header "Authorization: Bearer $(cat {token})" \\\n'
        "  --header 'Content-Type: application/json' \\\n"
        f"  --data {shlex.quote(body)}"
    )


def _python(info: wire.EndpointInfo, body: str, path: str = "/invocations") -> str:
    try:
        data = repr(json.loads(body))
    except ValueError:
        data = repr(json.loads(_NO_EXAMPLE))
    return (
        "import json\n"
        "import urllib.request\n"
        "from pathlib import Path\n"
        "\n"
        f"data = {data}\n"
        f"token = Path({info.token_file!r}).read_text().strip()\n"
        "request = urllib.request.Request(\n"
        f"    {info.address + path!r},\n"
        "    data=json.dumps(data).encode(),\n"
        '    headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},\n'
        ")\n"
        "print(json.load(urllib.request.urlopen(request)))"
    )
