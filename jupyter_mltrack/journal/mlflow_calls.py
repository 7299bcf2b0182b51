"""The rare writes to a SQLite store that only MLflow's own code knows how to do."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.journal.store_errors import Refused, translated
from jupyter_mltrack.journal.store_trouble import RunRefused


@lru_cache(maxsize=4)
def _store(tracking_uri: str) -> Any:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    return SqlAlchemyStore(tracking_uri, "mlruns")


def perform_on(tracking_uri: str, run_id: str, call: wire.RunCall) -> None:
    """Do the call through MLflow's store object.

    Raises:
        StoreTrouble: the store cannot be used now.
        ValueError: the store will never take this call.
    """
    from jupyter_mltrack.journal.store_client import perform_call

    try:
        with translated(tracking_uri, run_id):
            perform_call(_store(tracking_uri), run_id, call)
    except (Refused, RunRefused) as error:
        raise ValueError(error.reason) from error
