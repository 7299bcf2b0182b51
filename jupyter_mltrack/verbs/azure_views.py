"""How the answers of the verbs that look after Azure ML look."""

from __future__ import annotations

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import ago, number
from jupyter_mltrack.render import Column, View, line, note, pairs, table

_MARKS = {"Running": "●", "JobRunning": "●", "Busy": "●", "Idle": "●", "Failed": "✕"}
_NOT_YET = "◌"
_COSTS = "¤"
_MOVING = frozenset({"Creating", "Starting", "Stopping", "Restarting", "Resizing", "Deleting"})


def workspaces(found: wire.AzureWorkspaceList, _now_ms: int) -> View:
    """Workspaces that the account sees."""
    if not found.workspaces:
        shown = note("The account sees no Azure ML workspace.")
    else:
        heads = [Column("workspace"), Column("group"), Column("region"), Column("subscription"),
                 Column("state")]  # fmt: skip
        rows = [
            [one.name, one.resource_group, one.location, one.subscription_id, one.state]
            for one in found.workspaces
        ]
        shown = table(heads, rows)
    for problem in found.problems:
        shown += note(f"{problem.message} {problem.hint}".strip())
    return shown


def workspace(one: wire.AzureWorkspaceInfo, _now_ms: int) -> View:
    """One workspace."""
    access = {True: "on the open internet", False: "private network only"}
    rows = [
        ("state", one.state),
        ("region", one.location),
        ("group", one.resource_group),
        ("subscription", one.subscription_id),
        ("reached", access.get(one.public, "") if one.public is not None else ""),
        ("storage", one.storage),
        ("description", one.description),
        *((f"tag {tag.key}", tag.value) for tag in one.tags),
        ("use", f"%mltrack use azureml:{one.arm_id}"),
        ("studio", one.link),
    ]
    return pairs(one.name, [row for row in rows if row[1]])


def computes(found: wire.ComputeList, _now_ms: int) -> View:
    """Computes of a workspace, with what costs money marked."""
    if not found.computes:
        return note(
            f"Workspace {found.workspace} has no compute: "
            "%mltrack compute create NAME --kind cluster"
        )
    heads = [
        Column(""), Column("compute"), Column("kind"), Column("state"), Column("size"),
        Column("nodes", right=True), Column("idle stop"), Column("costs"),
    ]  # fmt: skip
    rows = [
        [
            _mark(one), one.name, one.kind, one.state, one.size, nodes(one), _span(one.idle_stop_s),
            f"{_COSTS} {one.costs}" if one.costs else "",
        ]
        for one in found.computes
    ]  # fmt: skip
    return table(heads, rows)


def _mark(one: wire.ComputeInfo) -> str:
    if one.problem is not None:
        return "✕"
    return "◐" if one.state in _MOVING else _MARKS.get(one.state, _NOT_YET)


def nodes(one: wire.ComputeInfo) -> str:
    """`1 of 0-4` for a cluster; empty for a single machine."""
    if one.nodes is None or one.nodes_max is None:
        return ""
    return f"{one.nodes} of {one.nodes_min or 0}-{one.nodes_max}"


def _span(seconds: int | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds // 60} min" if seconds < 7_200 else f"{seconds / 3600:g} h"


def compute(one: wire.ComputeInfo, now_ms: int) -> View:
    """One compute in a line, with what can be done to it."""
    shown = line(
        one.name,
        one.kind,
        one.state,
        one.size,
        nodes(one) and f"{nodes(one)} nodes",
        f"made {ago(one.created_ms, now_ms)}" if one.created_ms else "",
        f"{_COSTS} {one.costs}" if one.costs else "",
        mark=_mark(one),
    )
    if one.problem is not None:
        shown += note(one.problem.message)
    if one.acts:
        shown += note("   ".join(f"%mltrack compute {act} {one.name}" for act in one.acts))
    return shown


def datastores(found: wire.DatastoreList, _now_ms: int) -> View:
    """Datastores of a workspace."""
    heads = [
        Column("datastore"),
        Column("kind"),
        Column("account"),
        Column("container"),
        Column(""),
    ]
    rows = [
        [one.name, one.kind, one.account, one.container, "default" if one.is_default else ""]
        for one in found.datastores
    ]
    return table(heads, rows) if rows else note(f"Workspace {found.workspace} has no datastore.")


def listing(found: wire.DataListing, now_ms: int) -> View:
    """A folder of a datastore."""
    place = f"{found.datastore}/{found.path}".rstrip("/")
    if not found.entries:
        return note(f"Nothing is in {place}.")
    heads = [Column(place), Column("size", right=True), Column("changed")]
    skipped = len(found.path) + 1 if found.path else 0
    rows = [
        [
            (one.path[skipped:] or one.path) + ("/" if one.is_dir else ""),
            "" if one.size_bytes is None or one.is_dir else size(one.size_bytes),
            ago(one.modified_ms, now_ms) if one.modified_ms else "",
        ]
        for one in found.entries
    ]
    more = "More is there: name a folder of it." if found.truncated else ""
    return table(heads, rows, more)


def size(count: int) -> str:
    """Bytes for people."""
    left = float(count)
    for unit in ("B", "kB", "MB"):
        if left < 1000:
            return f"{number(round(left, 1))} {unit}"
        left /= 1000
    return f"{number(round(left, 1))} GB"


def moved(found: wire.DataMoved, _now_ms: int) -> View:
    """Files that were copied."""
    files = f"{found.files} file{'' if found.files == 1 else 's'}"
    return line(f"{found.what} → {found.to}", files, size(found.size_bytes), mark="✓")


def environments(found: wire.EnvironmentList, _now_ms: int) -> View:
    """Environments of a workspace."""
    if not found.environments:
        return note(f"Workspace {found.workspace} has no environment of its own.")
    heads = [Column("environment"), Column("newest", right=True), Column("description")]
    return table(heads, [[one.name, one.version, one.description] for one in found.environments])


def environment(one: wire.EnvironmentInfo, _now_ms: int) -> View:
    """One version of an environment."""
    shown = line(f"{one.name}:{one.version}", one.image, one.description)
    if one.conda:
        from html import escape

        from jupyter_mltrack.display_text import clean

        text = "\n".join(clean(part) for part in one.conda.splitlines())
        shown += View(text, f"<pre>{escape(text)}</pre>")
    return shown


def cost_lines(costs: list[str]) -> View:
    """What costs money now, for `status`."""
    shown = line(costs[0], mark=_COSTS)
    for one in costs[1:]:
        shown += line(one, mark=_COSTS)
    return shown


def schedule(one: wire.MonitorSchedule, _now_ms: int) -> View:
    """A schedule that watches an endpoint."""
    state = f"last run {one.last_state.lower()}" if one.last_state else "has not run yet"
    when = one.cron if one.enabled else "switched off"
    shown = line(one.name, when, ", ".join(one.signals), state, mark="◌" if one.enabled else "■")
    if one.link:
        shown += note(one.link)
    return shown
