"""Plan a deploy and start it; whether it may be wanted is checked before anybody is asked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import NotFound, UsageError

if TYPE_CHECKING:
    from jupyter_mltrack.deployments.planning import Planned
    from jupyter_mltrack.workspaces import Workspace


def plan_deploy(
    workspace: Workspace, model: str, target: str = "local", name: str | None = None
) -> wire.DeployPlan:
    """What a deploy would do and what would run; nothing is loaded.

    Raises:
        NotFound: no such model.
        UsageError: the words, the target or the name are off.
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack.deployments import planning, targets

    target = targets.canonical(target)
    targets.module_of(target)
    return planning.plan(workspace, model, target, name).plan


def start_deploy(
    workspace: Workspace,
    model: str,
    *,
    target: str = "local",
    name: str | None = None,
    options: Mapping[str, Any] | None = None,
    traffic_percent: int | None = None,
    shadow: bool = False,
    consent_digest: str | None = None,
    key: str | None = None,
    planned: Planned | None = None,
) -> wire.JobInfo:
    """Start a deploy; the job tells how it goes on.

    Args:
        workspace: whose model.
        model: words that name it.
        target: where to.
        name: of the endpoint; made from the model's name if None.
        options: of the target.
        traffic_percent: share of the requests that this version answers; an endpoint's first
            version gets all, a further one none if None.
        shadow: send it a copy of each request and keep its answers to ourselves.
        consent_digest: digest of the files that the person agreed to run.
        key: the same key means the same deploy, however often it is asked for.
        planned: what `planning.plan` found for the same words a moment ago.

    Raises:
        ConsentNeeded: the model was not made here and these very files were not agreed to.
        NotFound: no such model.
        UsageError: an option that the target does not have.
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack.deployments import jobs, planning, targets
    from jupyter_mltrack.models import trust

    target = targets.canonical(target)
    made = check_options(target, options or {}, name, traffic_percent)
    plan, found, fetched = planned or planning.plan(workspace, model, target, name)
    check_plan(workspace, plan, target, made)
    if plan.needs_consent:
        if consent_digest is not None and consent_digest != fetched.digest:
            raise trust.ConsentNeeded(
                f"{found.title} was changed since you agreed to run it.",
                "Look at it again: what would run is another thing now.",
            )
        agreed = consent_digest == fetched.digest
        trust.permit(fetched, clean(found.title), trust=agreed)
    order = jobs.Order(
        model=found.uri,
        title=found.title,
        target=target,
        name=plan.name,
        digest=fetched.digest,
        options=made,
        traffic_percent=traffic_percent,
        shadow=shadow,
        folder=str(workspace.root or os.getcwd()),
    )
    return jobs.start(workspace, order, key)


def check_options(
    target: str,
    options: Mapping[str, Any],
    name: str | None = None,
    traffic_percent: int | None = None,
) -> dict[str, Any]:
    """Refuse what cannot be wanted, before the model is looked at and anybody is asked.

    Args:
        target: where to.
        options: of the target, as typed or as a form sent them.
        name: of the endpoint, where it is known by now.
        traffic_percent: share of the requests, where one is wanted.

    Returns:
        The options with the types that the target gives them.

    Raises:
        UsageError: an option, a name, a size, a share or a tag is off, or it would be open to the
            internet unasked.
    """
    from jupyter_mltrack.deployments import azure, targets

    target = targets.canonical(target)
    if traffic_percent is not None and not 0 <= traffic_percent <= 100:
        raise UsageError(f"A share of traffic is not {traffic_percent} %.", "It is 0 to 100.")
    form = targets.form_of(targets.module_of(target))
    made = targets.checked_options(form, dict(options))
    if azure.is_ours(target):
        from jupyter_mltrack.deployments.azure import deploying

        deploying.check(made, target, name)
    return made


def check_plan(
    workspace: Workspace, plan: wire.DeployPlan, target: str, options: Mapping[str, Any]
) -> None:
    """Refuse what cannot be done with this model there, before anybody is asked.

    Raises:
        UsageError: the endpoint serves another model, its name is off, or it is not known in which
            workspace of Azure it shall be.
    """
    from jupyter_mltrack.deployments import azure, get_endpoint, targets

    target = targets.canonical(target)
    if azure.is_ours(target):
        from jupyter_mltrack.deployments.azure import deploying

        made = check_options(target, options, plan.name)
        deploying.target_scope(workspace, made)
    try:
        known = get_endpoint(plan.name)
    except NotFound:
        return
    others = {one.model for one in known.deployments} - {plan.model}
    if others:
        raise UsageError(
            f"Endpoint {plan.name} serves {clean(next(iter(others)) or 'another model')}.",
            "Choose another name: --name NAME",
        )
