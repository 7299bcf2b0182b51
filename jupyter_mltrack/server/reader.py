"""The reader process: asks stores for the server, so that the server never waits for one.

It speaks JSON lines: a `Call` comes in on stdin, a `Reply` goes out on stdout, one call at a
time. It ends when stdin does, also in the middle of a call. Whoever started it kills it when a
call lasts too long. What a server may answer is bounded by `journal.guarded_http`.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.journal.live_run import ANSWER_POINTS_MAX
from jupyter_mltrack.server.clean import clean_text, encode_json
from jupyter_mltrack.workspaces import Workspace

CallName = Literal[
    "runs",
    "run",
    "experiments",
    "series",
    "check",
    "artifact_root",
    "waiting",
    "waiting_run",
    "sync",
    "recover",
    "warm",
]

_log = logging.getLogger(__name__)


class PlainWorkspace(msgspec.Struct, frozen=True):
    """A workspace as it goes through the pipe; the pipe is private, the address is whole."""

    id: str
    kind: wire.WorkspaceKind
    name: str
    tracking_uri: str
    display_uri: str
    root: str | None = None
    artifact_root: str | None = None

    @classmethod
    def of(cls, workspace: Workspace) -> PlainWorkspace:
        """The same workspace, ready for the pipe."""
        return cls(
            id=workspace.id,
            kind=workspace.kind,
            name=workspace.name,
            tracking_uri=workspace.tracking_uri,
            display_uri=workspace.display_uri,
            root=str(workspace.root) if workspace.root else None,
            artifact_root=workspace.artifact_root,
        )

    def workspace(self) -> Workspace:
        """The workspace as the readers want it."""
        return Workspace(
            id=self.id,
            kind=self.kind,
            name=self.name,
            tracking_uri=self.tracking_uri,
            display_uri=self.display_uri,
            root=Path(self.root) if self.root else None,
            artifact_root=self.artifact_root,
        )


class Call(msgspec.Struct, frozen=True):
    """One question. `args` are the keyword arguments of the reader's function."""

    id: int
    name: CallName
    workspace: PlainWorkspace | None = None
    args: dict[str, Any] = {}


class Reply(msgspec.Struct, frozen=True):
    """One answer, as JSON of its struct, or a problem."""

    id: int
    answer: msgspec.Raw = msgspec.Raw(b"null")
    problem: wire.Problem | None = None


# ------------------------------------------------------------------------------- calls


def _runs(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import runs

    return runs.list_runs(workspace, **args)


def _run(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import runs

    return runs.get_run(workspace, **args)


def _experiments(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import runs

    return runs.list_experiments(workspace, **args)


def _series(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import runs
    from jupyter_mltrack.journal.progress import run_alias
    from jupyter_mltrack.settings import data_dir

    args = {**args, "run_id": run_alias(data_dir(), args["run_id"])}
    found = runs.series(workspace, **args)
    room = max(10, ANSWER_POINTS_MAX // max(1, len(found.columns)))
    if sum(len(column.values) for column in found.columns) > ANSWER_POINTS_MAX:
        found = runs.series(workspace, **{**args, "max_points": room})
    return found


def _waiting(workspace: Workspace, args: dict[str, Any]) -> Any:
    """The runs that only journals know, for a list while the store cannot be asked."""
    from jupyter_mltrack import runs
    from jupyter_mltrack.settings import data_dir

    words = (args.get("text") or "").casefold().split()
    found = [run.summary() for run in runs.waiting_runs(data_dir(), workspace.id).values()]
    found = [run for run in found if all(word in run.name.casefold() for word in words)]
    found.sort(key=lambda run: (-run.start_ms, run.run_id))
    return wire.RunPage(runs=found[: args["limit"]], total=len(found))


def _waiting_run(workspace: Workspace, args: dict[str, Any]) -> Any:
    """One run as journals know it; None when they do not."""
    from jupyter_mltrack import runs
    from jupyter_mltrack.journal.progress import run_alias
    from jupyter_mltrack.settings import data_dir

    found = runs.waiting_runs(data_dir(), workspace.id)
    run = found.get(run_alias(data_dir(), args["run_id"]))
    return run.detail() if run and run.facts.born else None


def _check(workspace: Workspace, args: dict[str, Any]) -> Any:
    return workspace.check(**args)


def _artifact_root(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import runs

    return {"uri": runs.get_run(workspace, **args).artifact_uri}


def _sync(_workspace: Workspace | None, args: dict[str, Any]) -> Any:
    from jupyter_mltrack.journal.ship import sync
    from jupyter_mltrack.settings import data_dir

    return sync(data_dir(), **args)


def _recover(_workspace: Workspace | None, _args: dict[str, Any]) -> Any:
    from jupyter_mltrack.journal.ship import recover
    from jupyter_mltrack.settings import data_dir

    return {"started": recover(data_dir())}


def _warm(_workspace: Workspace | None, args: dict[str, Any]) -> Any:
    """Import what the first question would wait for."""
    if args.get("mlflow"):
        import mlflow.tracking  # noqa: F401
    from jupyter_mltrack import runs  # noqa: F401

    return {}


CALLS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "runs": _runs,
    "run": _run,
    "experiments": _experiments,
    "series": _series,
    "check": _check,
    "artifact_root": _artifact_root,
    "waiting": _waiting,
    "waiting_run": _waiting_run,
    "sync": _sync,
    "recover": _recover,
    "warm": _warm,
}


# --------------------------------------------------------------------------------- loop


def answer(call: Call) -> Reply:
    """Do what the call says; every failure becomes a problem."""
    try:
        workspace = call.workspace.workspace() if call.workspace else None
        result = CALLS[call.name](workspace, dict(call.args))
    except MltrackError as error:
        code: Any = error.code
        return Reply(call.id, problem=_problem(code, error.message, error.hint))
    except (MemoryError, RecursionError):
        return Reply(call.id, problem=_problem("store_error", "The store's answer is too large."))
    except Exception as error:
        _log.warning("The call %s failed", call.name, exc_info=True)
        message = f"The store could not be read: {type(error).__name__}: {error}"
        return Reply(call.id, problem=_problem("store_error", message))
    return Reply(call.id, answer=msgspec.Raw(encode_json(result)))


def _problem(code: Any, message: str, hint: str = "") -> wire.Problem:
    return wire.Problem(code=code, message=clean_text(message), hint=clean_text(hint))


def main() -> None:
    """Answer until stdin ends."""
    from jupyter_mltrack.journal import guarded_http

    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not end up between the replies
    os.environ.update(READER_ENVIRONMENT)
    guarded_http.install()
    calls: queue.SimpleQueue[Call] = queue.SimpleQueue()

    def receive() -> None:
        decoder = msgspec.json.Decoder(Call)
        for line in sys.stdin.buffer:
            calls.put(decoder.decode(line))
        os._exit(0)

    threading.Thread(target=receive, name="mltrack-calls", daemon=True).start()
    while True:
        reply = answer(calls.get())
        try:
            replies.write(msgspec.json.encode(reply) + b"\n")
            replies.flush()
        except BrokenPipeError:
            os._exit(0)


READER_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}

if __name__ == "__main__":
    main()
