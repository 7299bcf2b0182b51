"""MLflow's REST store for models, with our credential, and aliases where the service has none.

An alias is then a tag of the version that it points at, with the time it was set; the newest wins,
because the service takes no tag away.
"""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.azure.tracking import address, features, kept_models
from jupyter_mltrack.azure.tracking.run_files import RunFiles
from jupyter_mltrack.errors import MltrackError

if TYPE_CHECKING:
    from jupyter_mltrack.azure.scope import Scope
    from jupyter_mltrack.azure.tracking.address import Place

ALIAS = "mltrack.alias."
MODEL_ID = "mltrack.model_id"
UPLOAD_S = 600.0
_MARKED = re.compile(r"~\d{1,6}(?:\.[^./]+)?\Z")


class KeptAliases:
    """Aliases: the service's own where it has them, else in tags of versions."""

    _place: Place
    _scope: Scope | None

    def _try(self, call: Callable[[], Any]) -> tuple[Any] | None:
        """What the service's own route answers; None where it has none."""
        if features.has(self._scope, features.ALIASES) is False:
            return None
        from mlflow.exceptions import MlflowException

        try:
            answer = call()
        except MlflowException as error:
            if not features.is_missing(error):
                raise
            features.note(self._place, features.ALIASES, False)
            return None
        features.note(self._place, features.ALIASES, True)
        return (answer,)

    def set_registered_model_alias(self, name: str, alias: str, version: Any) -> None:
        """Point an alias at a version."""
        own = super().set_registered_model_alias  # type: ignore[misc]
        if self._try(lambda: own(name, alias, version)) is None:
            super().get_model_version(name, version)  # type: ignore[misc]  # there must be one
            self._mark(name, version, alias, str(time.time_ns() // 1_000_000))

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Take an alias away."""
        own = super().delete_registered_model_alias  # type: ignore[misc]
        if self._try(lambda: own(name, alias)) is None:
            for one in self._versions(name):
                if one._tags.get(ALIAS + alias):
                    self._mark(name, one.version, alias, "")

    def get_model_version_by_alias(self, name: str, alias: str) -> Any:
        """The version that an alias points at."""
        own = super().get_model_version_by_alias  # type: ignore[misc]
        answer = self._try(lambda: own(name, alias))
        if answer is not None:
            return answer[0]
        versions = self._versions(name)
        number = aliases_of(versions).get(alias)
        if number is None:
            from mlflow.exceptions import MlflowException
            from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

            raise MlflowException(
                f"Registered model alias {alias} not found.", error_code=INVALID_PARAMETER_VALUE
            )
        return self.get_model_version(name, number)

    def get_registered_model(self, name: str) -> Any:
        """A model, with its aliases."""
        return self._told(super().get_registered_model(name))  # type: ignore[misc]

    def search_registered_models(self, *args: Any, **kwargs: Any) -> Any:
        """Models, with their aliases."""
        found = super().search_registered_models(*args, **kwargs)  # type: ignore[misc]
        for one in found:
            self._told(one, look=False)
        return found

    def get_model_version(self, name: str, version: Any) -> Any:
        """A version."""
        found = super().get_model_version(name, version)  # type: ignore[misc]
        return self._plain([found], self._aliases(name, found))[0]

    def search_model_versions(self, *args: Any, **kwargs: Any) -> Any:
        """Versions."""
        found = super().search_model_versions(*args, **kwargs)  # type: ignore[misc]
        marked = {one.name for one in found if any(key.startswith(ALIAS) for key in one._tags)}
        aliases = {name: aliases_of(self._versions(name)) for name in marked}
        for one in found:
            self._plain([one], aliases.get(one.name, {}))
        return found

    # ----------------------------------------------------------------------------- inside

    def _mark(self, name: str, version: Any, alias: str, value: str) -> None:
        from mlflow.entities.model_registry import ModelVersionTag

        tag = ModelVersionTag(ALIAS + alias, value)
        self.set_model_version_tag(name, version, tag)  # type: ignore[attr-defined]

    def _versions(self, name: str) -> list[Any]:
        quoted = name.replace("'", "''")
        found: list[Any] = []
        token = None
        while True:
            page = super().search_model_versions(  # type: ignore[misc]
                f"name = '{quoted}'", max_results=1_000, page_token=token
            )
            found += page
            token = page.token
            if not token:
                return found

    def _aliases(self, name: str, found: Any) -> dict[str, str]:
        if features.has(self._scope, features.ALIASES):
            return {}
        marked = any(key.startswith(ALIAS) for key in found._tags)
        return aliases_of(self._versions(name)) if marked else {}

    def _told(self, model: Any, *, look: bool = True) -> Any:
        if features.has(self._scope, features.ALIASES) or model._aliases:
            return model
        latest = list(model.latest_versions or ())
        if look or any(key.startswith(ALIAS) for one in latest for key in one._tags):
            model._aliases = aliases_of(self._versions(model.name))
        for one in latest:
            self._plain([one], model._aliases)
        return model

    def _plain(self, versions: list[Any], aliases: dict[str, str]) -> list[Any]:
        """Versions that show their aliases as such, and not the tags that hold them."""
        for one in versions:
            own = sorted(alias for alias, at in aliases.items() if at == str(one.version))
            if own and not one._aliases:
                one._aliases = own
            one._tags = {
                key: value for key, value in one._tags.items() if not key.startswith(ALIAS)
            }
        return versions


def aliases_of(versions: list[Any]) -> dict[str, str]:
    """Alias -> version, from the tags of all versions of a model."""
    newest: dict[str, tuple[int, str]] = {}
    for one in versions:
        for key, value in one._tags.items():
            if key.startswith(ALIAS) and value.isdecimal():
                alias = key.removeprefix(ALIAS)
                newest[alias] = max(newest.get(alias, (0, "")), (int(value), str(one.version)))
    return {alias: version for alias, (_, version) in newest.items()}


class Registering:
    """Where the files of a version come from."""

    _place: Place
    _scope: Scope | None

    def create_model_version(  # noqa: PLR0917  # MLflow's own signature
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: list[Any] | None = None,
        run_link: str | None = None,
        description: str | None = None,
        local_model_path: str | None = None,
        model_id: str | None = None,
    ) -> Any:
        """Make a version, after the service has its files."""
        del local_model_path
        tags = list(tags or ())
        kept = model_id or (
            source.removeprefix("models:/") if source.startswith("models:/") else ""
        )
        if kept_models.run_of(kept) is not None:
            from mlflow.entities.model_registry import ModelVersionTag

            run_id = run_id or kept_models.run_of(kept)
            tags.append(ModelVersionTag(MODEL_ID, kept))
            model_id = None
        source = self._source(source, name)
        return super().create_model_version(  # type: ignore[misc]
            name, source, run_id, tags, run_link, description, model_id=model_id
        )

    def _source(self, source: str, name: str) -> str:
        """The address that the service itself can read the files at."""
        if source.startswith("models:/"):
            from mlflow.tracking import MlflowClient

            client = MlflowClient(self._place.tracking_uri, self._place.tracking_uri)
            model_id = source.removeprefix("models:/")
            if "/" not in model_id and "@" not in model_id:
                source = str(client.get_logged_model(model_id).artifact_location)
        if source.startswith("file:") or os.path.isabs(source):
            return self._uploaded(source, name)
        files = (
            address.files_of(source, self._place.tracking_uri) if address.is_azure(source) else None
        )
        if files is None or not files.run_id or files.place.scope.key != self._place.scope.key:
            return source
        from jupyter_mltrack.azure.tracking.repository import repository_class

        repository = repository_class()(source, self._place.tracking_uri)
        if not repository.wait(UPLOAD_S):
            raise MltrackError(
                f"The files of {name} have not reached Azure: the model is not registered yet.",
                "They are sent when the network is back; %mltrack status shows how many wait.",
                code="store_unreachable",
            )
        return str(repository.service_uri())

    def _uploaded(self, source: str, name: str) -> str:
        """Bring a folder of this machine to the service."""
        from urllib.parse import unquote, urlsplit

        folder = Path(unquote(urlsplit(source).path) if source.startswith("file:") else source)
        if not (folder / "MLmodel").is_file():
            raise MltrackError(
                f"{folder} holds no model: there is no MLmodel file.",
                "Save one there: mlflow.sklearn.save_model(model, path)",
                code="bad_request",
            )
        container = f"{time.strftime('%y%m%dT%H%M%S')}-{uuid.uuid4().hex[:8]}"
        uri = f"azureml://artifacts/LocalUpload/{container}"
        files = address.files_of(uri, self._place.tracking_uri)
        assert files is not None
        base = folder.resolve().name or name
        RunFiles(files).write(
            [
                (path, f"{base}/{path.relative_to(folder).as_posix()}")
                for path in sorted(folder.rglob("*"))
                if path.is_file()
            ]
        )
        return f"{uri}/{base}"

    def get_model_version_download_uri(self, name: str, version: Any) -> str:
        """Where the files of a version lie; exactly those, whatever was logged later."""
        found = str(super().get_model_version_download_uri(name, version))  # type: ignore[misc]
        files = (
            address.files_of(found, self._place.tracking_uri) if address.is_azure(found) else None
        )
        exact = files is None or not files.run_id or not files.path or _MARKED.search(files.path)
        return found if exact else f"{found.rstrip('/')}~1"


@lru_cache(maxsize=1)
def store_class() -> type:
    """The store, as a subclass of MLflow's own (imports MLflow)."""
    from mlflow.store.model_registry.rest_store import RestStore

    from jupyter_mltrack.azure.tracking.tracking_store import Renewing

    class AzureRegistryStore(KeptAliases, Registering, Renewing, RestStore):  # type: ignore[misc]
        """Registered models of a workspace of Azure ML."""

    return AzureRegistryStore
