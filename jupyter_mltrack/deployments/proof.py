"""The request that proves a deployment: the model's input example as a scoring server takes it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

BYTES_MAX = 4 << 20


def body_of(folder: Path) -> bytes | None:
    """Body of `POST /invocations` made from the input example; None where the model has none.

    Args:
        folder: the model's files.
    """
    ready = _read(folder, "serving_input_example.json")
    if isinstance(ready, dict) and ready:
        return json.dumps(ready).encode()
    example = _read(folder, _name_of_example(folder))
    if example is None:
        return None
    if isinstance(example, dict) and {"columns", "data"} <= example.keys():
        split = {key: example[key] for key in ("columns", "data")}
        return json.dumps({"dataframe_split": split}).encode()
    if isinstance(example, dict) and len(example) == 1 and "inputs" in example:
        return json.dumps(example).encode()
    return json.dumps({"inputs": example}).encode()


def _name_of_example(folder: Path) -> str:
    import yaml

    text = _bytes(folder, "MLmodel")
    try:
        said = yaml.safe_load(text or b"")
    except (yaml.YAMLError, RecursionError):
        return ""
    info = said.get("saved_input_example_info") if isinstance(said, dict) else None
    name = info.get("artifact_path") if isinstance(info, dict) else None
    return name if isinstance(name, str) and name.endswith(".json") else ""


def _read(folder: Path, name: str) -> Any:
    text = _bytes(folder, name)
    if not text:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _bytes(folder: Path, name: str) -> bytes | None:
    if not name or "/" in name or "\\" in name or name.startswith("."):
        return None
    try:
        handle = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        text = file.read(BYTES_MAX + 1)
    return text if len(text) <= BYTES_MAX else None
