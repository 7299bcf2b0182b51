"""What the verb `deploy` does."""

from __future__ import annotations

from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import MltrackError, UsageError
from jupyter_mltrack.tracking import choice
from jupyter_mltrack.verbs.confirming import asker, confirm
from jupyter_mltrack.verbs.progress import OneLine


class DeployFailed(MltrackError):
    """A deploy came to an end that was not wanted; `lines` are the last ones of its log."""

    code = "store_error"

    def __init__(self, message: str, hint: str, lines: list[str]) -> None:
        super().__init__(message, hint)
        self.lines = lines


def deploy(
    model: str,
    to: str = "local",
    name: str | None = None,
    *,
    traffic: int | str | None = None,
    shadow: bool = False,
    trust: bool = False,
    yes: bool = False,
    **options: Any,
) -> wire.EndpointInfo | wire.Removed:
    """Deploy a model, wait for its first prediction, and say where it answers.

    Args:
        model: `NAME`, `NAME/VERSION`, `NAME@ALIAS`, `models:/...` or `runs:/ID/PATH`.
        to: the target: `local`, `docker`, or another plugin of `mlflow.deployments`.
        name: of the endpoint; made from the model's name without it.
        traffic: percent of the requests that this version answers, beside those there are.
        shadow: it gets a copy of each request, and its answers are only kept.
        trust: run the model although it was not made here.
        yes: the answer to whether it may cost money, given ahead.
        options: of the target, for example `replicas=2`; `help deploy` lists those of `local`.

    Raises:
        NotFound: no such model.
        UsageError: an option that the target does not have.
        ConsentNeeded: the model was not made here and nobody agreed to run it.
        DeployFailed: it did not come to answer; the log's last lines say why.
    """
    from jupyter_mltrack import deployments
    from jupyter_mltrack.deployments import jobs, planning, targets

    workspace = choice.workspace()
    to = targets.canonical(to)
    targets.module_of(to)
    percent = _percent(traffic)
    deployments.check_options(to, options, name, percent)
    _ship_if_needed(workspace)
    planned = planning.plan(workspace, model, to, name)
    plan = planned.plan
    deployments.check_plan(workspace, plan, to, options)
    consent = _consent(plan, trust=trust) if plan.needs_consent else None
    if plan.costs and not confirm(cost_question(plan, to, options), yes=yes):
        return wire.Removed(what=f"deploy of {plan.name}", done=False)
    job = deployments.start_deploy(
        workspace,
        plan.uri,
        target=to,
        name=plan.name,
        options=options,
        traffic_percent=percent,
        shadow=shadow,
        consent_digest=consent,
        planned=planned,
    )
    with OneLine() as shown:
        job = jobs.wait(job.id, lambda now: shown.show(steps_line(now)))
    if job.state == "done" and job.endpoint is not None:
        return job.endpoint
    problem = job.problem
    if problem is None:
        raise DeployFailed(f"{job.title} is still under way.", "See: %mltrack endpoints", [])
    raise DeployFailed(problem.message, problem.hint, job.log_tail)


def cost_question(plan: wire.DeployPlan, to: str, options: dict[str, Any]) -> str:
    """What will be made and billed, before it is."""
    from jupyter_mltrack.deployments import targets

    form = targets.form_of(targets.module_of(to))["properties"]
    checked = targets.checked_options(targets.form_of(targets.module_of(to)), options)

    def value(name: str) -> Any:
        return checked.get(name, form[name]["default"])

    size = value("instance_type") if "instance_type" in form else f"{value('cpu'):g} cores"
    count = value("instances") if "instances" in form else 1
    reach = "reachable from the internet, with a key" if value("public") else "private"
    there = f"behind {plan.name}, which serves {plan.existing}" if plan.existing else plan.name
    return (
        f"Deploy {plan.model or plan.uri}/{plan.label} to {to} as {there}: "
        f"{count} x {size}, {reach}? It is billed until it is deleted."
    )


def _ship_if_needed(workspace: Any) -> None:
    """The store must know what was logged a moment ago."""
    from jupyter_mltrack.journal import ship
    from jupyter_mltrack.settings import data_dir

    ship.sync(data_dir(), workspace_id=workspace.id, timeout_s=10.0)


def steps_line(job: wire.JobInfo) -> str:
    """How far a job is, in a line."""
    marks = {"waiting": "○", "running": "…", "done": "✓", "failed": "✕"}
    parts = [f"Deploying {job.title}"]
    for step in job.steps:
        seconds = f" {step.seconds:.1f} s" if step.seconds is not None else ""
        detail = f" ({step.detail})" if step.detail and step.state == "running" else ""
        parts.append(f"{step.title} {marks[step.state]}{seconds}{detail}")
    return " · ".join(parts)


def _percent(traffic: int | str | None) -> int | None:
    if traffic is None:
        return None
    try:
        return int(str(traffic).rstrip("%"))
    except ValueError:
        raise UsageError(
            f"--traffic {clean(str(traffic))!r} is no share.", "Write --traffic 10 for 10 %."
        ) from None


def _consent(plan: wire.DeployPlan, *, trust: bool) -> str:
    """The digest that the person agreed to.

    Raises:
        ConsentNeeded: nobody did.
    """
    from jupyter_mltrack.models.trust import ConsentNeeded

    ask = asker()
    title = f"{plan.model}/{plan.version}" if plan.version else plan.uri
    if trust:
        return plan.digest
    if ask is not None:
        from jupyter_mltrack.verbs.deploy_views import plan_text

        print(plan_text(plan))
        if ask(f"Run the code of {clean(title)} on this machine?"):
            return plan.digest
    raise ConsentNeeded(
        f"{clean(title)} was not made here; loading it runs its code ({plan.digest[:12]}).",
        f"See what it holds: %mltrack models {clean(title)}; then add --trust to run it.",
    )
