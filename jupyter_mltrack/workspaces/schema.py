"""The only place that lets MLflow make or change a database; runs as a process of its own.

`python -m jupyter_mltrack.workspaces.schema create|initialize|upgrade DATABASE ARTIFACT_ROOT`.
MLflow with SQLAlchemy and its migrations needs seconds and some hundred megabytes; in a process
of its own it costs neither the kernel nor the shipper anything that lasts.
"""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> int:
    """Do one act; returns the exit code, with the reason as the last line of stderr."""
    act, database, artifact_root = arguments
    uri = f"sqlite:///{database}"
    from mlflow.exceptions import MlflowException
    from mlflow.store.db import utils
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    try:
        if act == "upgrade":
            _upgrade(utils, uri)
        SqlAlchemyStore(uri, artifact_root)
    except MlflowException as error:
        print(str(error).splitlines()[0], file=sys.stderr)
        return 1
    return 0


def _upgrade(utils: object, uri: str) -> None:
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError
    from mlflow.exceptions import MlflowException

    engine = utils.create_sqlalchemy_engine_with_retry(uri)  # type: ignore[attr-defined]
    found = utils._get_schema_version(engine)  # type: ignore[attr-defined]
    scripts = ScriptDirectory.from_config(utils._get_alembic_config(uri))  # type: ignore[attr-defined]
    try:
        scripts.get_revision(found)
    except CommandError as error:
        from mlflow.version import VERSION

        raise MlflowException(
            f"it was made by a newer MLflow (schema {found}) than the installed {VERSION}; "
            "install that one: pip install --upgrade mlflow"
        ) from error
    utils._upgrade_db(engine)  # type: ignore[attr-defined]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
