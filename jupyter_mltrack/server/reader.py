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
from typing import Any, Literal

import msgspec

from jupyter_mltrack import own_log, wire
from jupyter_mltrack.errors import MltrackError, NotFound
from jupyter_mltrack.server.about_calls import ABOUT_CALLS
from jupyter_mltrack.server.account_calls import ACCOUNT_CALLS
from jupyter_mltrack.server.artifact_calls import ARTIFACT_CALLS
from jupyter_mltrack.server.clean import clean_text, encode_json
from jupyter_mltrack.server.job_calls import JOB_CALLS
from jupyter_mltrack.server.manage_calls import MANAGE_CALLS
from jupyter_mltrack.server.model_calls import MODEL_CALLS
from jupyter_mltrack.server.run_calls import RUN_CALLS
from jupyter_mltrack.workspaces import Workspace
from jupyter_mltrack.workspaces.plain import PlainWorkspace

CallName = Literal[
    "runs",
    "run",
    "experiments",
    "series",
    "check",
    "artifact_root",
    "artifact_list",
    "waiting",
    "waiting_run",
    "waiting_metrics",
    "sync",
    "recover",
    "warm",
    "models",
    "model",
    "model_version",
    "register",
    "alias",
    "model_tag",
    "remove_model",
    "targets",
    "plan",
    "deploy",
    "job_backends",
    "plan_job",
    "submit_job",
    "follow_jobs",
    "cancel_job",
    "remove_job",
    "stop_run",
    "cloud_endpoint",
    "cloud_act",
    "monitor",
    "drift",
    "run_columns",
    "run_details",
    "run_diff",
    "run_metrics",
    "run_about",
    "run_output",
    "run_export",
    "artifact_preview",
    "tag_runs",
    "rename_run",
    "delete_runs",
    "restore_runs",
    "describe_model",
    "stage_model",
    "running",
    "run_stamp",
    "where_is",
    "azure_overview",
    "azure_data",
    "azure_compute",
    "account",
    "sign_in_begin",
    "sign_in_look",
    "sign_in_cancel",
    "sign_out",
    "workspaces_seen",
    "learn_workspace",
]

WITHOUT_CREDENTIALS = "MLTRACK_WITHOUT_CREDENTIALS"
"""Set for a process that must not sign in anywhere with what this user has."""

_log = own_log.logger(__name__)


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

    said = {name: value for name, value in args.items() if value not in (None, False)}
    return runs.list_runs(workspace, **said, ship_first=False)  # to look changes nothing


def _run(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import runs

    found = runs.get_run(workspace, **args)
    if found.summary.deleted:
        raise NotFound(
            f"The run {found.summary.name} is deleted.",
            "Restore it to see it again; it is kept until somebody cleans the workspace.",
        )
    return found


def _experiments(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import runs

    return runs.list_experiments(workspace, **args)


def _series(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import runs
    from jupyter_mltrack.journal.columns import Window
    from jupyter_mltrack.journal.progress import run_alias
    from jupyter_mltrack.settings import data_dir

    run_id = run_alias(data_dir(), args.pop("run_id"))
    said = args.pop("window", None)
    window = Window(*said) if said is not None else None
    return runs.series(workspace, run_id, **args, window=window, copies=data_dir())


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
        import mlflow.tracking
        import mlflow.utils.credentials

        if WITHOUT_CREDENTIALS in os.environ:  # nor those of MLflow's own file
            mlflow.utils.credentials._get_credentials_path = lambda: os.devnull
    from jupyter_mltrack import runs  # noqa: F401

    return {}


CALLS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "runs": _runs,
    "run": _run,
    "experiments": _experiments,
    "series": _series,
    "check": _check,
    "waiting": _waiting,
    "waiting_run": _waiting_run,
    "sync": _sync,
    "recover": _recover,
    "warm": _warm,
    **ARTIFACT_CALLS,
    **MANAGE_CALLS,
    **MODEL_CALLS,
    **ABOUT_CALLS,
    **RUN_CALLS,
    **JOB_CALLS,
    **ACCOUNT_CALLS,
}


# --------------------------------------------------------------------------------- loop


def answer(call: Call) -> Reply:
    """Do what the call says; every failure becomes a problem."""
    try:
        workspace = call.workspace.workspace() if call.workspace else None
        result = CALLS[call.name](workspace, dict(call.args))
    except MltrackError as error:
        code: Any = error.code
        problem = _problem(code, error.message, error.hint)
        at = getattr(error, "at", None)
        return Reply(call.id, problem=msgspec.structs.replace(problem, at=at))
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
