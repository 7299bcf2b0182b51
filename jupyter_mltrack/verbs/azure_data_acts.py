"""What the verbs `data` and `environment` do: datastores and environments of Azure ML."""

from __future__ import annotations

from pathlib import Path

from jupyter_mltrack import wire
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.verbs.azure_acts import expected_act, telling
from jupyter_mltrack.verbs.progress import OneLine


def data(
    act: str,
    source: str | None = None,
    to: str | None = None,
    *,
    replace: bool = False,
    workspace: str | None = None,
) -> wire.DatastoreList | wire.DataListing | wire.DataMoved:
    """List datastores of Azure ML or what lies in one; copy files out of one, or into one.

    Args:
        act: `list`, `ls`, `get` or `put`.
        source: `STORE/PATH` for `ls` and `get`, a file or folder of this machine for `put`.
        to: where to: a path of this machine for `get`, `STORE/PATH` for `put`.
        replace: files that are there already, too.
        workspace: ARM id, or a name of `mltrack.toml`; the chosen one if not said.

    Raises:
        UsageError: it is not said what, or a file is in the way.
        NotFound: there is no such datastore or path.
        Denied: the account may not.
    """
    from jupyter_mltrack.azure.manage import datastores
    from jupyter_mltrack.azure.manage.place import here

    place = here(workspace)
    if act == "list":
        return wire.DatastoreList(
            workspace=place.scope.workspace_name, datastores=datastores.listed(place)
        )
    if act == "ls":
        return datastores.ls(place, datastores.parse(source or ""))
    if source is None:
        raise UsageError(f"What is to be {'taken' if act == 'get' else 'put'}?", _DATA_HINTS[act])
    with OneLine() as shown:
        if act == "get":
            spot = datastores.parse(source)
            name = spot.path.rpartition("/")[2] or spot.store or "data"
            target = Path(to or name).expanduser()
            return datastores.take(
                place, spot, target, telling(shown, f"Taking {source}"), replace=replace
            )
        expected_act(act, "put", "list, ls, get, put")
        return datastores.put(
            place,
            Path(source).expanduser(),
            datastores.parse(to or ""),
            telling(shown, f"Putting {source}"),
            replace=replace,
        )


_DATA_HINTS = {
    "get": "Write: data get STORE/PATH [TO]",
    "put": "Write: data put FILE STORE/PATH",
}


# -------------------------------------------------------------------------- environments


def environment(
    act: str, name: str | None = None, *, workspace: str | None = None
) -> wire.EnvironmentList | wire.EnvironmentInfo:
    """List software environments of Azure ML, or show one.

    Args:
        act: `list` or `show`.
        name: `NAME` or `NAME:VERSION`.
        workspace: ARM id, or a name of `mltrack.toml`; the chosen one if not said.

    Raises:
        NotFound: there is none of that name.
        UsageError: it is not said which one.
    """
    from jupyter_mltrack.azure.manage import environments
    from jupyter_mltrack.azure.manage.place import here

    place = here(workspace)
    if act == "list":
        return wire.EnvironmentList(
            workspace=place.scope.workspace_name, environments=environments.listed(place)
        )
    if name is None:
        raise UsageError("Which environment?", "Those there are: %mltrack environment list")
    title, _, version = name.partition(":")
    return environments.get(place, title, version or None)
