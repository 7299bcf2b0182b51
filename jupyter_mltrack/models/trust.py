"""Which models may run here: those that were made here, and those that somebody agreed to.

Loading a model runs its code. What is agreed to is content, never a name: the SHA-256 of the
model's files. Files that are logged under the extension are noted as made here at that moment, so
one's own model needs no question, wherever it is kept, as long as not one byte of it was changed.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.models import fetching

if TYPE_CHECKING:
    from jupyter_mltrack import wire
    from jupyter_mltrack.workspaces import Workspace


class ConsentNeeded(MltrackError):
    """The model was not made here and nobody agreed yet to run its code."""

    code = "conflict"


class TrustedModel(NamedTuple):
    """A copy of a model's files that may be loaded."""

    path: Path
    digest: str


def _file() -> Path:
    from jupyter_mltrack.settings import data_dir

    return data_dir() / "trust.jsonl"


def audit(act: str, **facts: Any) -> None:
    """Add a line to the log of what was agreed to, deployed and removed.

    Raises:
        OSError: the file cannot be written.
    """
    from jupyter_mltrack.settings import data_dir

    _append(data_dir() / "audit.jsonl", {"act": act, **facts})


def _append(path: Path, facts: dict[str, Any]) -> None:
    from jupyter_mltrack.settings import ensure_private_dir

    ensure_private_dir(path.parent)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(path, flags, 0o600)
    try:
        line = {"at_ms": int(time.time() * 1000), **facts}
        os.write(handle, json.dumps(line).encode() + b"\n")
    finally:
        os.close(handle)


def note_made(folder: Path) -> None:
    """Note that the files in `folder` were made by this user's own code, here."""
    digest, _ = fetching.digest_of(folder)
    if why_trusted(digest) is None:
        _append(_file(), {"digest": digest, "kind": "made"})


def agree(digest: str, *, model: str) -> None:
    """Note that the user agreed to run the files with this digest."""
    _append(_file(), {"digest": digest, "kind": "agreed", "model": model})
    audit("agreed", digest=digest, model=model)


def why_trusted(digest: str) -> str | None:
    """`made` or `agreed`; None where it is neither."""
    with contextlib.suppress(FileNotFoundError), open(_file(), "rb") as file:
        wanted = digest.encode()
        for line in file:
            if wanted in line:
                with contextlib.suppress(ValueError):
                    said = json.loads(line)
                    if said.get("digest") == digest and said.get("kind") in ("made", "agreed"):
                        return str(said["kind"])
    return None


def ensure(
    workspace: Workspace,
    version: wire.ModelVersionInfo,
    *,
    trust: bool = False,
    ask: Callable[[str], bool] | None = None,
) -> TrustedModel:
    """A copy of a version's files that may be loaded.

    Args:
        workspace: whose model.
        version: which.
        trust: the answer given ahead.
        ask: asks the person; gets the question, returns the answer.

    Raises:
        ConsentNeeded: nobody agreed.
        NotFound: the version has no files.
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack import models

    fetched = fetching.fetch(workspace, models.location(workspace, version.name, version.version))
    name = f"{clean(version.name)}/{version.version}"
    permit(fetched, name, trust=trust, ask=ask)
    return TrustedModel(fetched.path, fetched.digest)


def permit(
    fetched: fetching.Fetched,
    name: str,
    *,
    trust: bool,
    ask: Callable[[str], bool] | None = None,
) -> None:
    """Go on only where the files are trusted, or the person agrees now.

    Raises:
        ConsentNeeded: nobody agreed.
    """
    if why_trusted(fetched.digest) is not None:
        return
    question = f"{name} was not made here; loading it runs its code ({fetched.digest[:12]})."
    if trust or (ask is not None and ask(f"{question} Run it?")):
        agree(fetched.digest, model=name)
        return
    raise ConsentNeeded(
        question, f"See what it holds: %mltrack models {name}; then add --trust to run it."
    )
