"""The executed notebook and its page among the artifacts of a run, without secrets.

The page stands alone: pictures lie in it, and it asks no other address for anything.
"""

from __future__ import annotations

import copy
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.tracking.redaction import redact, redact_pair

if TYPE_CHECKING:
    from jupyter_mltrack.tracking.context import CellContext

_FROM_ELSEWHERE = re.compile(
    r"<script\b[^>]*\bsrc=[^>]*>\s*</script>|<link\b[^>]*\bhref=\"https?:[^>]*>", re.IGNORECASE
)
_PICTURES = ("image/png", "image/jpeg", "image/gif", "application/pdf")
_TEXT_BYTES_MAX = 20 << 20


def store(context: CellContext, notebook: Any, stem: str) -> list[str]:
    """Keep the notebook and a page of it with the context's run; returns their names.

    Raises:
        Exception: whatever keeps them from being made or kept.
    """
    clean = without_secrets(notebook)
    import nbformat

    files = {f"{stem}.ipynb": nbformat.writes(clean), f"{stem}.html": page_of(clean, stem)}
    run = context.birth()
    with TemporaryDirectory() as folder:
        for name, text in files.items():
            Path(folder, name).write_text(text, encoding="utf-8", errors="backslashreplace")
        _log_all(context, run.artifact_uri or "", folder)
    return list(files)


def _log_all(context: CellContext, artifact_uri: str, folder: str) -> None:
    if artifact_uri.startswith("file:"):
        import shutil
        from urllib.parse import unquote, urlsplit

        target = unquote(urlsplit(artifact_uri).path)
        os.makedirs(target, mode=0o700, exist_ok=True)
        for path in Path(folder).iterdir():
            shutil.copyfile(path, os.path.join(target, path.name))
        return
    from mlflow import MlflowClient

    assert context.book is not None
    MlflowClient(context.book.workspace.tracking_uri).log_artifacts(context.run_id, folder)


def page_of(notebook: Any, title: str) -> str:
    """The notebook as one page of HTML that asks nobody for anything."""
    from nbconvert.exporters import HTMLExporter

    exporter = HTMLExporter(embed_images=True)
    text, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": title}})
    return _FROM_ELSEWHERE.sub("", text)


def without_secrets(notebook: Any) -> Any:
    """A copy of the notebook in which sources, outputs and metadata went through the redactor."""
    made = copy.deepcopy(notebook)
    made.metadata = _walk(made.metadata)
    for cell in made.cells:
        cell.source = redact(cell.source)
        cell.metadata = _walk(cell.metadata)
        for output in cell.get("outputs", ()):
            _clean_output(output)
    return made


def _clean_output(output: Any) -> None:
    if "text" in output:
        output.text = _redacted(output.text)
    if "traceback" in output:
        output.traceback = [_redacted(line) for line in output.traceback]
        output.evalue = _redacted(output.evalue)
    if "metadata" in output:
        output.metadata = _walk(output.metadata)
    for kind, content in output.get("data", {}).items():
        if kind not in _PICTURES:
            output.data[kind] = _walk(content)


def _walk(value: Any) -> Any:
    """The same value with every text in it redacted."""
    if isinstance(value, str):
        return _redacted(value)
    if isinstance(value, dict):
        return type(value)((key, _named(key, one)) for key, one in value.items())
    if isinstance(value, list):
        return [_walk(one) for one in value]
    return value


def _named(name: str, value: Any) -> Any:
    return redact_pair(name, value) if isinstance(value, str) else _walk(value)


def _redacted(text: str) -> str:
    if len(text) > _TEXT_BYTES_MAX:
        return f"({len(text) >> 20} MB of output: not kept)"
    return redact(text)
