"""What the verbs that look after Azure ML do: `workspace` and `compute`.

What deletes or costs money says what, and asks. An interrupt ends the waiting, not the work: the
service goes on with what it was told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean, duration
from jupyter_mltrack.errors import MltrackError, NotFound, UsageError
from jupyter_mltrack.verbs.confirming import confirm
from jupyter_mltrack.verbs.progress import OneLine

if TYPE_CHECKING:
    from jupyter_mltrack.azure.manage.place import Place
    from jupyter_mltrack.azure.scope import Scope

RESOURCES_SAID = 30


# ----------------------------------------------------------------------------- workspaces


def workspace(
    act: str,
    name: str | None = None,
    *,
    subscription: str | None = None,
    resource_group: str | None = None,
    location: str | None = None,
    description: str = "",
    public: bool = False,
    with_group: bool = False,
    yes: bool = False,
) -> wire.AzureWorkspaceList | wire.AzureWorkspaceInfo | wire.Removed:
    """List, show, create or delete workspaces of Azure ML.

    Args:
        act: `list`, `show`, `create` or `delete`.
        name: of one, its ARM id, or a name of `mltrack.toml`; the chosen one if not said.
        subscription: id of the subscription; that of the chosen one if not said.
        resource_group: the group; that of the chosen one if not said.
        location: where a new one is; where its group is if not said.
        description: of a new one.
        public: a new one answers on the open internet; else only on its private network.
        with_group: delete the whole resource group, with all that is in it.
        yes: the answer, given ahead.

    Raises:
        UsageError: it is not said which one, or nobody can be asked.
        NotFound: there is none of that name.
        Denied: the account may not.
    """
    from jupyter_mltrack.azure.manage import workspaces
    from jupyter_mltrack.azure.manage.place import arm, place_of

    if act == "list":
        return workspaces.listed(arm(), subscription, resource_group)
    scope = _scope(name, subscription, resource_group)
    if act == "show":
        return workspaces.get(place_of(scope))
    if act == "delete":
        return _delete_group(scope, yes=yes) if with_group else _delete_workspace(scope, yes=yes)
    expected_act(act, "create", "list, show, create, delete")
    client = arm()
    where = location or workspaces.group_location(client, scope)
    if not where:
        raise UsageError(
            f"Resource group {clean(scope.resource_group)} does not exist yet.",
            "Say where it is to be made: --location westeurope",
        )
    question = (
        f"Create workspace {clean(scope.workspace_name)} in {where} with storage, key vault and "
        "insights? What is kept in them is billed."
    )
    if not confirm(question, yes=yes):
        return wire.Removed(what=f"workspace {clean(scope.workspace_name)}", done=False)
    with OneLine() as shown:
        return workspaces.create(
            client,
            scope,
            where,
            description=description,
            public=public,
            progress=telling(shown, f"Creating workspace {scope.workspace_name}"),
        )


def _scope(name: str | None, subscription: str | None, group: str | None) -> Scope:
    """The workspace that is meant; what is not said is as in the chosen one."""
    from jupyter_mltrack.azure.manage.place import find_scope
    from jupyter_mltrack.azure.scope import Scope
    from jupyter_mltrack.settings import load_settings

    if name is None and subscription is None and group is None:
        return find_scope()
    if name and (name.startswith("/") or name in load_settings().workspaces):
        return find_scope(name)
    if not name:
        raise UsageError("Which workspace?", "Write its name, or its ARM id.")
    if subscription and group:
        return Scope.of(subscription, group, name)
    base = find_scope()
    return Scope.of(subscription or base.subscription_id, group or base.resource_group, name)


def _delete_workspace(scope: Scope, *, yes: bool) -> wire.Removed:
    from jupyter_mltrack.azure.manage import overview, workspaces
    from jupyter_mltrack.azure.manage.place import place_of

    place = place_of(scope)
    held = overview.look(place)
    what = f"workspace {clean(scope.workspace_name)} in group {clean(scope.resource_group)}"
    parts = [
        _count(len(held.computes), "compute"),
        _count(len(held.endpoints), "endpoint"),
        _count(held.models or 0, "model"),
    ]
    inside = ", ".join(part for part in parts if part) or "no computes, endpoints or models"
    question = (
        f"Delete {what} with all its runs ({inside})? "
        "Its storage, key vault and insights stay: --with-group deletes them too."
    )
    if not confirm(question, yes=yes):
        return wire.Removed(what=what, done=False)
    with OneLine() as shown:
        workspaces.delete(place, telling(shown, f"Deleting {what}"))
    return wire.Removed(what=what, done=True)


def _delete_group(scope: Scope, *, yes: bool) -> wire.Removed:
    from jupyter_mltrack.azure.manage import groups
    from jupyter_mltrack.azure.manage.place import arm

    client = arm()
    found = groups.get(client, scope.subscription_id, scope.resource_group)
    inside = _count(len(found.resources), "resource") or "nothing in it"
    what = f"resource group {found.name} with {inside}"
    if not yes:
        print(group_text(found))
    if not confirm(f"Delete {what}? None of it can be brought back.", yes=yes):
        return wire.Removed(what=what, done=False)
    with OneLine() as shown:
        progress = telling(shown, f"Deleting resource group {found.name}")
        groups.delete(client, scope.subscription_id, scope.resource_group, progress)
    return wire.Removed(what=what, done=True)


def group_text(group: wire.GroupInfo) -> str:
    """All that is in a group, for the question before its end."""
    lines = [f"Resource group {group.name} ({group.location or 'location not known'}) holds:"]
    lines += [f"  {one.kind}  {one.name}" for one in group.resources[:RESOURCES_SAID]]
    more = len(group.resources) - RESOURCES_SAID
    if more > 0:
        lines.append(f"  and {more} more")
    if not group.resources:
        lines.append("  nothing")
    return "\n".join(clean(one) for one in lines)


# ------------------------------------------------------------------------------- compute


def compute(
    act: str,
    name: str | None = None,
    *,
    kind: str = "cluster",
    size: str = "",
    min: int | str = 0,  # noqa: A002  # the option that is typed
    max: int | str = 1,  # noqa: A002
    idle: str | float = "15m",
    low_priority: bool = False,
    public_ip: bool = False,
    resource: str = "",
    namespace: str = "default",
    workspace: str | None = None,
    yes: bool = False,
) -> wire.ComputeList | wire.ComputeInfo | wire.Removed:
    """List, show, create, start, stop, restart or delete machines and clusters of Azure ML.

    Args:
        act: what to do.
        name: of one.
        kind: `cluster`, `instance` (one machine) or `kubernetes` (attach a cluster).
        size: of the machines.
        min: nodes that a cluster keeps also without work.
        max: nodes that a cluster grows to.
        idle: after so long without work a cluster shrinks, and an instance stops.
        low_priority: cheaper nodes that can be taken away at any time.
        public_ip: give the nodes addresses of the open internet.
        resource: ARM id of the Kubernetes cluster to attach.
        namespace: of that cluster.
        workspace: ARM id, or a name of `mltrack.toml`; the chosen one if not said.
        yes: the answer, given ahead.

    Raises:
        UsageError: it cannot be done like that, or nobody can be asked.
        NotFound: there is none of that name.
        Denied: the account may not.
    """
    from jupyter_mltrack.azure.manage import computes
    from jupyter_mltrack.azure.manage.place import here

    place = here(workspace)
    if act == "list":
        return wire.ComputeList(
            workspace=place.scope.workspace_name, computes=computes.listed(place)
        )
    if name is None:
        raise UsageError(f"Which compute is to {act}?", "Those there are: %mltrack compute list")
    if act == "show":
        return computes.get(place, name)
    if act == "create":
        wanted = computes.Wanted(
            name=name,
            kind=kind,
            size=size,
            nodes_min=_whole("--min", min),
            nodes_max=_whole("--max", max),
            idle_s=_seconds(idle),
            low_priority=low_priority,
            public_ip=public_ip,
            resource=resource,
            namespace=namespace,
        )
        return _create(place, wanted, yes=yes)
    if act == "delete":
        return _delete_compute(place, name, yes=yes)
    return _change(place, name, act, yes=yes)


def _create(place: Place, wanted: Any, *, yes: bool) -> wire.ComputeInfo | wire.Removed:
    from jupyter_mltrack.azure.manage import computes, workspaces

    computes.check(wanted)
    try:
        known = computes.get(place, wanted.name)
        question = f"Change compute {known.name} ({known.kind}, {known.state})?"
    except NotFound:
        question = f"Create compute {wanted.name} ({wanted.kind})?"
    if not confirm(f"{question} {_sentence(computes.bill(wanted))}", yes=yes):
        return wire.Removed(what=f"compute {wanted.name}", done=False)
    location = workspaces.get(place).location
    with OneLine() as shown:
        progress = telling(shown, f"Creating compute {wanted.name}")
        return computes.create(place, wanted, location, progress)


def _change(place: Place, name: str, act: str, *, yes: bool) -> wire.ComputeInfo | wire.Removed:
    from jupyter_mltrack.azure.manage import computes

    known = computes.get(place, name)
    if act in ("start", "restart") and act in known.acts:
        question = f"{act.capitalize()} compute {known.name} ({known.size})? It is billed while on."
    else:
        question = f"{act.capitalize()} compute {known.name}? What runs on it ends."
    if act in known.acts and not confirm(question, yes=yes):
        return wire.Removed(what=f"compute {known.name}", done=False)
    with OneLine() as shown:
        doing = {"start": "Starting", "stop": "Stopping"}.get(act, "Restarting")
        return computes.act(place, name, act, progress=telling(shown, f"{doing} compute {name}"))


def _delete_compute(place: Place, name: str, *, yes: bool) -> wire.Removed:
    from jupyter_mltrack.azure.manage import computes

    known = computes.get(place, name)
    details = ", ".join(part for part in (known.kind, known.size, known.state) if part)
    what = f"compute {known.name} ({details})"
    if known.kind in ("AmlCompute", "ComputeInstance"):
        disk = ", its disk with all files on it" if known.kind == "ComputeInstance" else ""
        question = f"Delete {what}{disk} and what runs on it?"
    else:
        question = f"Detach {what}? The cluster itself stays, and what it costs."
    if not confirm(question, yes=yes):
        return wire.Removed(what=what, done=False)
    with OneLine() as shown:
        computes.delete(place, name, progress=telling(shown, f"Deleting compute {name}"))
    return wire.Removed(what=what, done=True)


# --------------------------------------------------------------------------------- parts


def costs(chosen: Any, limit_s: float) -> list[str]:
    """What costs money in an Azure ML workspace now, for `status`; empty for other workspaces."""
    from concurrent.futures import ThreadPoolExecutor
    from concurrent.futures import TimeoutError as TooLate

    from jupyter_mltrack.azure.manage import overview
    from jupyter_mltrack.azure.manage.place import place_of, scope_of

    scope = scope_of(chosen)
    if scope is None:
        return []

    def asked() -> list[str]:
        return overview.costs(overview.look(place_of(scope), with_models=False))

    pool = ThreadPoolExecutor(1, thread_name_prefix="mltrack-azure")
    try:
        return pool.submit(asked).result(limit_s)
    except (MltrackError, TooLate) as error:
        said = error.message if isinstance(error, MltrackError) else "Azure gave no answer in time."
        return [f"What costs money is not known: {said}"]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def telling(shown: OneLine, doing: str) -> Callable[..., None]:
    """What puts the service's word for how it goes behind what is being done."""

    def tell(state: str, elapsed_s: float = 0.0) -> None:
        since = f" · {duration(int(elapsed_s * 1000))}" if elapsed_s >= 1 else ""
        shown.show(f"{doing} · {state}{since}" if state else f"{doing} …")

    tell("")
    return tell


def expected_act(act: str, expected: str, all_acts: str) -> None:
    """Refuse an act that is not the one that is left of those there are.

    Raises:
        UsageError: it is another.
    """
    if act != expected:
        raise UsageError(f"There is no act {clean(act)!r}.", f"One of: {all_acts}.")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}" if number else ""


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _whole(name: str, value: int | str) -> int:
    try:
        return int(value)
    except ValueError:
        raise UsageError(f"{name} {clean(str(value))!r} is no number.", f"Write {name} 1") from None


def _seconds(words: str | float) -> int:
    from jupyter_mltrack.verbs.watch_acts import seconds

    return int(seconds(words))
