"""What the verbs on endpoints do: `endpoints`, `predict`, `traffic`, `logs`, `stop`, `keys`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import MltrackError, NotFound, UsageError
from jupyter_mltrack.tracking import choice
from jupyter_mltrack.verbs.confirming import confirm

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

FOLLOW_INTERVAL_S = 0.5


def endpoints(name: str | None = None) -> wire.EndpointList | wire.EndpointInfo:
    """List endpoints, or show one with the versions behind it.

    Args:
        name: of one.

    Raises:
        NotFound: there is none of that name.
    """
    from jupyter_mltrack import deployments

    if name is None:
        return _with_azure(deployments.list_endpoints())
    return deployments.refreshed(name)


def _with_azure(known: wire.EndpointList) -> wire.EndpointList:
    """With those of the chosen Azure ML workspace, whoever made them."""
    import msgspec

    workspace = choice.workspace()
    if not workspace.tracking_uri.startswith("azureml:"):
        return known
    from jupyter_mltrack.azure.manage.place import scope_of
    from jupyter_mltrack.deployments.azure import doors

    scope = scope_of(workspace)
    there = doors.all_of(scope) if scope is not None else []
    named = {one.name for one in there}
    rest = [one for one in known.endpoints if one.name not in named]
    found = sorted([*rest, *there], key=lambda one: one.name)
    return msgspec.structs.replace(known, endpoints=found)


def predict(endpoint: str, data: Any) -> wire.Prediction:
    """Ask an endpoint.

    Args:
        endpoint: its name.
        data: a frame, an array, records, a path, or the JSON text of a request.

    Raises:
        NotFound: no such endpoint.
        UsageError: the data cannot be read, or the model does not take it.
        Unreachable: it gave no answer.
    """
    from jupyter_mltrack import deployments

    found = deployments.predict(endpoint, data, workspace=_holder(endpoint))
    if found.problem is not None:
        raise MltrackError(found.problem.message, found.problem.hint, code=found.problem.code)
    return found


def traffic(endpoint: str, shares: str | dict[str, int] = "") -> wire.EndpointInfo:
    """Share the requests out over the versions behind an endpoint, or show how they are.

    Args:
        endpoint: its name.
        shares: `5=90 6=10`, together 100; `6=shadow` for copies only. One version alone
            (`6=100`) takes all, which promotes it, or rolls back to it.

    Raises:
        NotFound: no such endpoint.
        UsageError: the shares are not 100 together, or a version is not there.
    """
    from jupyter_mltrack import deployments

    percents, shadow = _shares(shares)
    holder = _holder(endpoint)
    if not percents and not shadow:
        return deployments.get_endpoint(endpoint, holder)
    if not percents:
        known = deployments.get_endpoint(endpoint, holder).deployments
        percents = {one.label: one.traffic_percent for one in known if one.label not in shadow}
        shadow += [one.label for one in known if one.shadow and one.label not in shadow]
    return deployments.set_traffic(endpoint, percents, shadow, holder)


def _holder(endpoint: str) -> Workspace | None:
    """The chosen Azure ML workspace, for a name that nothing on this machine has."""
    if find_endpoint(endpoint) is not None:
        return None
    workspace = choice.workspace()
    return workspace if workspace.tracking_uri.startswith("azureml:") else None


def _shares(words: str | dict[str, int]) -> tuple[dict[str, int], list[str]]:
    if isinstance(words, dict):
        return {str(key): int(value) for key, value in words.items()}, []
    percents: dict[str, int] = {}
    shadow: list[str] = []
    for word in words.split():
        label, equals, share = word.partition("=")
        label = label.removeprefix("v")
        if equals and share == "shadow":
            shadow.append(label)
        elif equals and share.rstrip("%").isdecimal():
            percents[label] = int(share.rstrip("%"))
        else:
            raise UsageError(
                f"{clean(word)!r} is no share of a version.",
                "Write VERSION=PERCENT, for example 5=90 6=10, or 6=shadow.",
            )
    return percents, shadow


def logs(subject: str, follow: bool = False, lines: int | str = 50) -> wire.LogLines:
    """The last lines that an endpoint's replicas, or a job, wrote.

    Args:
        subject: an endpoint, ENDPOINT/VERSION, or a job; `job:` before it says that it is one.
        follow: go on showing new lines until interrupted.
        lines: how many.

    Raises:
        NotFound: no such endpoint or job.
    """
    from jupyter_mltrack import deployments

    name, _, label = subject.removeprefix("endpoint:").partition("/")
    try:
        count = max(1, min(int(lines), 1_000))
    except ValueError:
        raise UsageError(
            f"--lines {clean(str(lines))!r} is no number.", "Write --lines 50"
        ) from None
    job = _job_unless_endpoint(subject)
    if job is not None:
        from jupyter_mltrack.verbs.job_acts import job_logs

        return job_logs(job, follow=follow, count=count)
    found = deployments.log_lines(name, label or None, count)
    if not follow:
        return found
    shown = found.lines
    print("\n".join(shown), flush=True)
    try:
        while True:
            time.sleep(FOLLOW_INTERVAL_S)
            now = deployments.log_lines(name, label or None, 1_000).lines
            new = now[_overlap(shown, now) :]
            if new:
                print("\n".join(new), flush=True)
            shown = now
    except KeyboardInterrupt:
        return wire.LogLines(subject=subject, lines=[])


def _overlap(before: list[str], now: list[str]) -> int:
    """Index of the first line of `now` that came after `before`."""
    if not before:
        return 0
    tail = before[-20:]
    for at in range(len(now) - len(tail), -1, -1):
        if now[at : at + len(tail)] == tail:
            return at + len(tail)
    return 0


def _job_unless_endpoint(subject: str) -> wire.SubmittedJob | None:
    """The job that the words mean, unless there is an endpoint of that name."""
    from jupyter_mltrack.verbs.job_acts import find_job

    found = find_job(subject)
    if found is None or subject.startswith("job:") or find_endpoint(subject) is None:
        return found
    return None


def stop(
    subject: str, yes: bool = False
) -> wire.EndpointInfo | wire.SubmittedJob | wire.RunStopped | wire.Removed:
    """End a job, or the processes of an endpoint, whose name, address and token are kept. Asks.

    Args:
        subject: the endpoint or the job; `job:` before it says that it is one. In a workspace of
            Azure ML also a run, whose job is cancelled wherever it was submitted.
        yes: the answer, given ahead.

    Raises:
        NotFound: no such endpoint or job.
        UsageError: nobody can be asked and `yes` was not said.
    """
    from jupyter_mltrack import deployments

    job = _job_unless_endpoint(subject)
    if job is not None:
        from jupyter_mltrack.verbs.job_acts import stop_job

        return stop_job(job, yes=yes)
    if find_endpoint(subject) is None:
        from jupyter_mltrack.verbs.job_acts import stop_run

        stopped = stop_run(subject, yes=yes)
        if stopped is not None:
            return stopped
    found = deployments.get_endpoint(subject)
    if found.resource:
        raise UsageError(
            f"Endpoint {clean(found.name)} is in Azure, where nothing stops but by deletion.",
            f"Delete it, which ends its cost: %mltrack rm endpoint:{found.name}",
        )
    if not confirm(f"Stop endpoint {clean(found.name)}?", yes=yes):
        return wire.Removed(what=f"endpoint {found.name}", done=False)
    return deployments.stop(found.name)


def find_endpoint(subject: str) -> tuple[str, str | None] | None:
    """Name of the endpoint, and of one version behind it, that the words mean; None if none."""
    from jupyter_mltrack import deployments

    name, _, label = subject.removeprefix("endpoint:").partition("/")
    try:
        info = deployments.get_endpoint(name)
    except NotFound:
        return None
    if label and label not in {one.label for one in info.deployments}:
        raise NotFound(
            f"Endpoint {clean(name)} has no version {clean(label)}.",
            f"It has: {', '.join(one.label for one in info.deployments) or 'none'}.",
        )
    return info.name, label or None


def keys(
    endpoint: str, regenerate: str = "", yes: bool = False
) -> wire.EndpointInfo | wire.Removed:
    """Have an endpoint's key in a private file, and say where; the key itself is not shown.

    Args:
        endpoint: its name.
        regenerate: `primary` or `secondary`: have that key made anew first; the old one ends.
        yes: the answer, given ahead.

    Raises:
        NotFound: no such endpoint.
        UsageError: it has no key, or nobody can be asked.
    """
    from jupyter_mltrack import deployments

    if regenerate and not confirm(
        f"Make the {regenerate} key of {clean(endpoint)} anew? The old one ends at once.", yes=yes
    ):
        return wire.Removed(what=f"the {regenerate} key of {clean(endpoint)}", done=False)
    return deployments.write_keys(endpoint, regenerate)


def remove_endpoint(name: str, label: str | None, *, yes: bool) -> wire.Removed:
    """Delete an endpoint, or one version behind it; asks first."""
    from jupyter_mltrack import deployments

    what = f"version {label} of endpoint {clean(name)}" if label else f"endpoint {clean(name)}"
    there = deployments.get_endpoint(name)
    if there.resource:
        what += f" in {there.workspace_name} ({there.target})"
    if there.resource and not label and there.deployments:
        labels = ", ".join(one.label for one in there.deployments)
        what += f" with its versions {labels}"
    done = confirm(f"Delete {what}?", yes=yes)
    if done:
        deployments.remove(name, label)
    return wire.Removed(what=what, done=done)
