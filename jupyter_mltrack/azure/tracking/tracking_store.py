"""MLflow's REST store, with our credential, and with what Azure ML lacks put in its place.

Where the service has logged models its own are used; else they are kept in tags of their runs, see
`kept_models`. Calls that are made of other calls of the store are marked `_mltrack_own`: in a
decorated store they go through the journal like any tag, so a model can be logged while the
network is down.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_mltrack.azure.tracking import address, features, kept_models, reaching

if TYPE_CHECKING:
    from jupyter_mltrack.azure.scope import Scope
    from jupyter_mltrack.azure.tracking.address import Place

_RUNS_LOOKED_AT = 5_000
_UNAUTHORIZED = re.compile(r"error code 401|AuthenticationToken|Unauthorized|UNAUTHENTICATED")
_Call = TypeVar("_Call", bound=Callable[..., Any])


def own(call: _Call) -> _Call:
    """Mark a call that is made of other calls of the same store."""
    call._mltrack_own = True  # type: ignore[attr-defined]
    return call


class KeptModels:
    """Logged models: the service's own where it has them, else in tags."""

    _place: Place
    _scope: Scope | None

    def _own_run(self, run_id: str) -> Any:
        """A run, from what this process knows of it if that is enough."""
        ledger = getattr(self, "_mltrack", None)
        state = ledger.known(run_id) if ledger is not None else None
        if state is not None:
            from jupyter_mltrack.tracking import entities

            return entities.run_of(state, run_id=run_id)
        return self.get_run(run_id)  # type: ignore[attr-defined]

    def _kept(self, model_id: str) -> tuple[Any, kept_models.Kept] | None:
        """Run and tag of a model that is kept by us; None for one of the service.

        Raises:
            MlflowException: there is none.
        """
        run_id = kept_models.run_of(model_id)
        if run_id is None:
            return None
        run = self._own_run(run_id)
        found = kept_models.in_tags(run_id, run.data.tags).get(model_id)
        if found is None:  # this process may not have met what another wrote
            run = self.get_run(run_id)  # type: ignore[attr-defined]
            found = kept_models.in_tags(run_id, run.data.tags).get(model_id)
        if found is None:
            raise _no_model(model_id)
        return run, found

    def _keep(self, model_id: str, kept: kept_models.Kept) -> None:
        from mlflow.entities import RunTag

        kept.updated_ms = kept_models.now_ms()
        tag = RunTag(kept_models.tag_of(model_id), kept_models.encoded(kept))
        self.set_tag(kept_models.run_of(model_id), tag)  # type: ignore[attr-defined]

    @own
    def create_logged_model(  # noqa: PLR0917  # MLflow's own signature
        self,
        experiment_id: str,
        name: str | None = None,
        source_run_id: str | None = None,
        tags: list[Any] | None = None,
        params: list[Any] | None = None,
        model_type: str | None = None,
    ) -> Any:
        """Begin a model."""
        if features.has(self._scope, features.MODELS):
            return super().create_logged_model(  # type: ignore[misc]
                experiment_id, name, source_run_id, tags, params, model_type
            )
        from mlflow.entities import RunTag
        from mlflow.exceptions import MlflowException

        if not source_run_id:
            raise MlflowException.invalid_parameter_value(
                "Azure ML keeps models with runs: log this one within mlflow.start_run()."
            )
        run = self._own_run(source_run_id)
        before = kept_models.in_tags(source_run_id, run.data.tags)
        model_id = kept_models.new_id(source_run_id)
        name = name or f"model-{model_id[-8:]}"
        kept = kept_models.begun(run, name, model_type, {one.path for one in before.values()})
        kept.tags = {tag.key: tag.value for tag in tags or ()}
        kept.params = {
            one.key: one.value for one in params or () if run.data.params.get(one.key) != one.value
        }
        if not before:
            self.set_tag(source_run_id, RunTag(kept_models.MARK, "true"))  # type: ignore[attr-defined]
        self._keep(model_id, kept)
        return kept_models.entity(run, model_id, kept, shadowed=False)

    @own
    def get_logged_model(self, model_id: str, *args: Any, **kwargs: Any) -> Any:
        """One model."""
        found = self._kept(model_id)
        if found is None:
            return super().get_logged_model(model_id, *args, **kwargs)  # type: ignore[misc]
        every = {one.model_id: one for one in kept_models.entities(found[0])}
        return every[model_id]

    @own
    def finalize_logged_model(self, model_id: str, status: Any) -> Any:
        """Say that a model is whole, or failed."""
        found = self._kept(model_id)
        if found is None:
            return super().finalize_logged_model(model_id, status)  # type: ignore[misc]
        found[1].status = str(getattr(status, "value", status))
        self._keep(model_id, found[1])
        return kept_models.entity(found[0], model_id, found[1], shadowed=False)

    @own
    def set_logged_model_tags(self, model_id: str, tags: list[Any]) -> None:
        """Set tags of a model."""
        found = self._kept(model_id)
        if found is None:
            super().set_logged_model_tags(model_id, tags)  # type: ignore[misc]
            return
        found[1].tags = {**found[1].tags, **{tag.key: tag.value for tag in tags}}
        self._keep(model_id, found[1])

    @own
    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        """Take a tag of a model away."""
        found = self._kept(model_id)
        if found is None:
            super().delete_logged_model_tag(model_id, key)  # type: ignore[misc]
            return
        found[1].tags = {name: value for name, value in found[1].tags.items() if name != key}
        self._keep(model_id, found[1])

    @own
    def log_logged_model_params(self, model_id: str, params: list[Any]) -> None:
        """Note parameters of a model."""
        found = self._kept(model_id)
        if found is None:
            super().log_logged_model_params(model_id, params)  # type: ignore[misc]
            return
        found[1].params = {**found[1].params, **{one.key: one.value for one in params}}
        self._keep(model_id, found[1])

    @own
    def delete_logged_model(self, model_id: str) -> None:
        """Delete a model; its files stay, because the service deletes none."""
        found = self._kept(model_id)
        if found is None:
            super().delete_logged_model(model_id)  # type: ignore[misc]
            return
        found[1].deleted = True
        self._keep(model_id, found[1])

    @own
    def log_outputs(self, run_id: str, models: list[Any]) -> None:
        """Note at which step models came out of a run."""
        others = []
        for model in models:
            found = self._kept(model.model_id)
            if found is None:
                others.append(model)
            elif found[1].step != model.step:
                found[1].step = model.step
                self._keep(model.model_id, found[1])
        if others:
            super().log_outputs(run_id, others)  # type: ignore[misc]

    @own
    def search_logged_models(  # noqa: PLR0917  # MLflow's own signature
        self,
        experiment_ids: list[str],
        filter_string: str | None = None,
        datasets: list[dict[str, Any]] | None = None,
        max_results: int | None = None,
        order_by: list[dict[str, Any]] | None = None,
        page_token: str | None = None,
    ) -> Any:
        """Models that fit a filter."""
        if features.has(self._scope, features.MODELS):
            return super().search_logged_models(  # type: ignore[misc]
                experiment_ids, filter_string, datasets, max_results, order_by, page_token
            )
        from mlflow.exceptions import MlflowException
        from mlflow.store.entities.paged_list import PagedList

        try:
            wanted = kept_models.terms(filter_string)
        except ValueError as error:
            raise MlflowException.invalid_parameter_value(
                f"Models of an Azure ML workspace cannot be searched by: {error}"
            ) from None
        runs = [value for key, sign, value in wanted if key == "source_run_id" and sign == "="]
        if runs:
            found = kept_models.entities(self.get_run(runs[0]))  # type: ignore[attr-defined]
        else:
            found = [
                one
                for run in self._runs_with_models(experiment_ids)
                for one in kept_models.entities(run)
            ]
        found = [one for one in found if kept_models.fits(one, wanted)]
        found = kept_models.ordered(found, order_by)
        begin = int(page_token) if page_token and page_token.isdecimal() else 0
        size = max_results or 100
        more = str(begin + size) if len(found) > begin + size else None
        return PagedList(found[begin : begin + size], more)

    def _runs_with_models(self, experiment_ids: list[str]) -> Iterator[Any]:
        from mlflow.entities import ViewType

        token, seen = None, 0
        while seen < _RUNS_LOOKED_AT:
            page = self.search_runs(  # type: ignore[attr-defined]
                experiment_ids,
                f"tags.`{kept_models.MARK}` = 'true'",
                ViewType.ACTIVE_ONLY,
                max_results=1_000,
                page_token=token,
            )
            yield from page
            seen += len(page)
            token = page.token
            if not token:
                return


class Renewing:
    """A store of one workspace; a request is made again when its token is not taken any more."""

    def __init__(self, uri: str) -> None:
        from jupyter_mltrack.azure.scope import Scope

        super().__init__(host_creds(uri))  # type: ignore[call-arg]
        self._uri = uri
        self._scope = Scope.find(uri)

    @property
    def _place(self) -> Place:
        return address.place_of(self._uri)

    def _call_endpoint(self, *args: Any, **kwargs: Any) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            return super()._call_endpoint(*args, **kwargs)  # type: ignore[misc]
        except MlflowException as error:
            if self._scope is None or not _wants_token(error):
                raise
        reaching.renew(self._scope)
        return super()._call_endpoint(*args, **kwargs)  # type: ignore[misc]


def _wants_token(error: Exception) -> bool:
    """Whether an error stands for the status 401, which MLflow's client keeps to itself."""
    return _UNAUTHORIZED.search(str(error)) is not None


class Plainer:
    """Calls that the service knows in an older shape, or not at all."""

    _place: Place
    _scope: Scope | None

    def get_run(self, run_id: str) -> Any:
        """A run, with the models that are kept in its tags."""
        return _with_models(super().get_run(run_id))  # type: ignore[misc]

    def _search_runs(self, *args: Any, **kwargs: Any) -> Any:
        runs, token = super()._search_runs(*args, **kwargs)  # type: ignore[misc]
        return [_with_models(run) for run in runs], token

    def log_batch(self, run_id: str, metrics: Any, params: Any, tags: Any) -> None:
        """Log a batch; to which model a point belongs is not told to a service without models."""
        if not features.has(self._scope, features.MODELS):
            metrics = [_without_model(one) for one in metrics]
        super().log_batch(run_id, metrics, params, tags)  # type: ignore[misc]

    def log_metric(self, run_id: str, metric: Any) -> None:
        """Log one point; see `log_batch`."""
        if not features.has(self._scope, features.MODELS):
            metric = _without_model(metric)
        super().log_metric(run_id, metric)  # type: ignore[misc]

    def log_inputs(self, run_id: str, datasets: Any = None, models: Any = None) -> None:
        """Note what went into a run; models that are kept in tags are not told."""
        models = [one for one in models or () if kept_models.run_of(one.model_id) is None]
        if datasets or models:
            super().log_inputs(run_id, datasets, models or None)  # type: ignore[misc]

    def record_logged_model(self, run_id: str, mlflow_model: Any) -> None:
        """Note a model in the tag that MLflow 2 and Azure's pages know."""
        import json

        from mlflow.entities import RunTag

        key = "mlflow.log-model.history"
        before = json.loads(self.get_run(run_id).data.tags.get(key) or "[]")
        listed = [*before, mlflow_model.get_tags_dict()]
        self.set_tag(run_id, RunTag(key, json.dumps(listed)))  # type: ignore[attr-defined]

    # ----------------------------------------------------------------------------- traces

    def start_trace(self, trace_info: Any) -> Any:
        """Keep a trace, or let it be where traces cannot be kept."""
        if features.has(self._scope, features.TRACES):
            return super().start_trace(trace_info)  # type: ignore[misc]
        trace_info.tags["mlflow.trace.spansLocation"] = "TRACKING_STORE"  # nobody uploads it then
        return trace_info

    def log_spans(self, location: str, spans: list[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """Keep parts of a trace, or let them be."""
        if features.has(self._scope, features.TRACES):
            found: list[Any] = super().log_spans(location, spans, *args, **kwargs)  # type: ignore[misc]
            return found
        return spans

    def search_traces(self, *args: Any, **kwargs: Any) -> Any:
        """Traces; none where the service keeps none."""
        if features.has(self._scope, features.TRACES):
            return super().search_traces(*args, **kwargs)  # type: ignore[misc]
        return [], None

    def link_traces_to_run(self, trace_ids: list[str], run_id: str) -> None:
        """Relate traces to a run, where there are traces."""
        if features.has(self._scope, features.TRACES):
            super().link_traces_to_run(trace_ids, run_id)  # type: ignore[misc]


def _without_model(metric: Any) -> Any:
    if metric.model_id is None:
        return metric
    from mlflow.entities import Metric

    return Metric(metric.key, metric.value, metric.timestamp, metric.step)


def _with_models(run: Any) -> Any:
    """A run whose outputs name the models that are kept in its tags."""
    kept = kept_models.in_tags(run.info.run_id, run.data.tags)
    if kept:
        from mlflow.entities import LoggedModelOutput
        from mlflow.entities.run_outputs import RunOutputs

        run._outputs = RunOutputs(
            [LoggedModelOutput(model_id, one.step) for model_id, one in kept.items()]
        )
    return run


def _no_model(model_id: str) -> Any:
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST

    return MlflowException(
        f"Logged model with ID {model_id!r} not found.", error_code=RESOURCE_DOES_NOT_EXIST
    )


def host_creds(uri: str) -> Callable[[], Any]:
    """What MLflow's REST stores ask before each request: where to, and with which token."""

    def creds() -> Any:
        from mlflow.utils.rest_utils import MlflowHostCreds

        place = address.place_of(uri)
        return MlflowHostCreds(host=place.mlflow_url, token=reaching.token(place))

    return creds


@lru_cache(maxsize=1)
def store_class() -> type:
    """The store, as a subclass of MLflow's own (imports MLflow)."""
    from mlflow.store.tracking.rest_store import RestStore

    class AzureTrackingStore(KeptModels, Plainer, Renewing, RestStore):  # type: ignore[misc]
        """Runs of a workspace of Azure ML."""

    return AzureTrackingStore
