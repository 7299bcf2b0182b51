"""Taking MLflow over, and giving it back as it was found."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest
from mlflow.tracking import fluent
from mlflow.tracking._tracking_service import utils
from mlflow.tracking._tracking_service.client import TrackingServiceClient
from mlflow.tracking.context import git_context

from jupyter_mltrack.tracking import attach, lazy


def surface() -> dict[str, object]:
    """Everything of MLflow that we may touch."""
    names = (
        "log_metric",
        "log_metrics",
        "_get_or_start_run",
        "_get_experiment_id",
        "start_run",
        "end_run",
    )
    return {
        **{f"fluent.{name}": getattr(fluent, name) for name in names},
        "mlflow.log_metric": mlflow.log_metric,
        "mlflow.log_metrics": mlflow.log_metrics,
        "git_context._resolve_git_info": git_context._resolve_git_info,
        "client._log_url": TrackingServiceClient._log_url,
        "registry": dict(vars(utils._tracking_store_registry)),
        "uri": utils._tracking_uri,
        "environment": os.environ.get("MLFLOW_TRACKING_URI"),
        "finders": [type(finder).__name__ for finder in sys.meta_path],
    }


def test_detach_puts_back_what_was_there() -> None:
    before = surface()
    attach.attach()
    assert surface() != before
    attach.detach()
    assert surface() == before


def test_detach_leaves_alone_what_others_put_over_it() -> None:
    def theirs() -> None:
        """Somebody else's patch."""

    attach.attach()
    ours = fluent.log_metric
    fluent.log_metric = theirs
    try:
        attach.detach()
        assert fluent.log_metric is theirs
    finally:
        fluent.log_metric = mlflow.log_metric
    assert fluent.log_metric is not ours


def test_a_plain_store_finds_what_was_logged_before_unloading(
    new_sqlite: Callable[[str], str],
) -> None:
    mlflow.set_tracking_uri(new_sqlite("a"))
    attach.attach()
    with mlflow.start_run() as run:
        mlflow.log_metric("m", 1.0)
    attach.detach()
    store = mlflow.MlflowClient()._tracking_client.store
    assert lazy.ledger_of(store) is None
    assert type(store).__module__ == "mlflow.store.tracking.sqlalchemy_store"
    assert mlflow.get_run(run.info.run_id).data.metrics == {"m": 1.0}
    mlflow.MlflowClient().log_metric(run.info.run_id, "m", 2.0, step=1)
    assert mlflow.get_run(run.info.run_id).data.metrics == {"m": 2.0}


def test_a_decorated_store_is_of_the_stores_own_class(new_sqlite: Callable[[str], str]) -> None:
    from mlflow.store.tracking.abstract_store import AbstractStore
    from mlflow.store.tracking.rest_store import RestStore
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    attach.attach()
    store = utils._get_store(new_sqlite("a"))
    assert (isinstance(store, SqlAlchemyStore), isinstance(store, RestStore)) == (True, False)
    assert type(store) is lazy.LazyStore
    assert store.search_experiments()
    assert isinstance(store, SqlAlchemyStore)
    assert isinstance(store, AbstractStore)
    assert type(store).__name__ == "SqlAlchemyStore"
    assert store.db_uri.endswith("a.db")
    assert pickle.loads(pickle.dumps(utils._get_store("http://127.0.0.1:1"))) is not None


def test_signatures_and_documentation_stay() -> None:
    import inspect

    before = {
        name: (inspect.signature(getattr(mlflow, name)), getattr(mlflow, name).__doc__)
        for name in ("log_metric", "log_metrics")
    }
    attach.attach()
    after = {
        name: (inspect.signature(getattr(mlflow, name)), getattr(mlflow, name).__doc__)
        for name in before
    }
    assert after == before


def test_an_unknown_scheme_raises_as_plain_mlflow_does() -> None:
    def told() -> tuple[str, str]:
        with pytest.raises(Exception) as caught:
            utils._get_store("nosuch://place")
        return type(caught.value).__name__, str(caught.value)

    before = told()
    attach.attach()
    assert told() == before


def test_the_users_tracking_uri_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    attach.attach()
    assert mlflow.get_tracking_uri() == "http://127.0.0.1:9"
    attach.detach()
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:9"


def test_a_uri_that_the_user_set_meanwhile_is_not_taken_back() -> None:
    attach.attach()
    mlflow.set_tracking_uri("http://127.0.0.1:9")
    attach.detach()
    assert mlflow.get_tracking_uri() == "http://127.0.0.1:9"


_FRESH = """
import sys, os
from jupyter_mltrack.tracking import attach
attach.attach()
assert "mlflow" not in sys.modules and "msgspec" not in sys.modules and "sqlite3" not in sys.modules
finders = [type(f).__name__ for f in sys.meta_path]
assert finders[0] == "_Finder", finders
import mlflow
assert "_Finder" not in [type(f).__name__ for f in sys.meta_path]
assert type(mlflow.__spec__.loader).__name__ == "SourceFileLoader"
assert type(mlflow.__loader__).__name__ == "SourceFileLoader"
mlflow.log_metric("m", 1.0)
assert "sqlalchemy" not in sys.modules
mlflow.end_run()
attach.detach()
assert "MLFLOW_TRACKING_URI" not in os.environ
"""


def test_a_fresh_process_needs_neither_a_database_nor_its_driver_to_log() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FRESH], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


_LIGHT = """
import sys
import jupyter_mltrack
from jupyter_mltrack.tracking import attach
attach.attach()
heavy = {"mlflow", "msgspec", "numpy", "sqlite3", "sqlalchemy", "asyncio"} & set(sys.modules)
assert not heavy, heavy
from jupyter_mltrack import log, track
with track("x"):
    log({"loss": 1.0})
assert "mlflow" not in sys.modules and "sqlite3" not in sys.modules
"""


def test_loading_and_the_first_point_import_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LIGHT], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


_PROGRAM = """
import sys
from jupyter_mltrack.tracking import attach
if sys.argv[1] == "ours":
    attach.attach()
import mlflow
from mlflow.tracking.context.git_context import GitRunContext
context = GitRunContext()
print(context.in_context() and sorted(context.tags().items()), "git" in sys.modules)
attach.detach()
"""


def test_the_commit_of_a_program_is_found_as_mlflow_does_and_git_is_not_asked_for_others(
    tmp_path: Path,
) -> None:
    git = ["git", "-c", "user.name=me", "-c", "user.email=me@here.invalid"]
    for name, repository in (("with", True), ("without", False)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "program.py").write_text(_PROGRAM)
        if repository:
            for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"]):
                subprocess.run([*git, *words], cwd=folder, check=True)
        plain, ours = (
            subprocess.run(
                [sys.executable, "program.py", who],
                cwd=folder,
                capture_output=True,
                text=True,
                check=True,
            ).stdout.split()
            for who in ("plain", "ours")
        )
        assert ours[:-1] == plain[:-1]
        assert ("mlflow.source.git.commit" in " ".join(ours)) is repository
        assert ours[-1] == str(repository)
