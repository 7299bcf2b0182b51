"""What a workspace's MLflow can do beyond the old days: logged models, traces, aliases.

Azure ML answers an unknown route with 404 and an empty body. What was found out is kept with what
is known of the workspace; until it is known a feature counts as missing, because a substitute
works in both cases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mltrack.azure import known
from jupyter_mltrack.azure.tracking import reaching
from jupyter_mltrack.errors import MltrackError

if TYPE_CHECKING:
    from jupyter_mltrack.azure.scope import Scope
    from jupyter_mltrack.azure.tracking.address import Place

MODELS = "logged_models"
ALIASES = "aliases"
TRACES = "traces"
_NO_SUCH_ROUTE = ("error code 404", "error code 405", "error code 501", "ENDPOINT_NOT_FOUND")
_PROBE_S = 10.0


def has(scope: Scope | None, feature: str) -> bool | None:
    """Whether a workspace has a feature; None while that is not known. Asks nobody."""
    found = known.known(scope) if scope is not None else None
    return None if found is None else found.capabilities.get(feature)


def note(place: Place, feature: str, there: bool) -> None:
    """Remember that a workspace has a feature or has not."""
    facts = reaching.facts(place)
    if facts.capabilities.get(feature) != there:
        known.keep_capabilities(facts, **{feature: there})


def is_missing(error: BaseException) -> bool:
    """Whether an error of MLflow's client means that the service has no such route."""
    text = str(error)
    if getattr(error, "error_code", "") == "RESOURCE_DOES_NOT_EXIST":
        return False
    return any(words in text for words in _NO_SUCH_ROUTE)


def probe(place: Place) -> None:
    """Ask once which of the newer routes there are; what cannot be told stays unknown."""
    facts = reaching.facts(place)
    base = f"/mlflow/v2.0{place.scope.arm_id}/api"
    for feature, path, body in (
        (MODELS, "/2.0/mlflow/logged-models/search", {"experiment_ids": ["0"], "max_results": 1}),
        (TRACES, "/3.0/mlflow/traces/search", {"locations": [], "max_results": 1}),
    ):
        if feature in facts.capabilities:
            continue
        try:
            reaching.plane(place).post(base + path, body, operation="probe", timeout_s=_PROBE_S)
        except MltrackError as error:
            refusal = getattr(error, "refusal", None)
            if refusal is None or refusal.status not in (404, 405, 501) or refusal.detail:
                continue
            note(place, feature, False)
        else:
            note(place, feature, True)
