"""Which built-in role of Azure allows an act: what to ask an owner for."""

from __future__ import annotations

_DATA_SCIENTIST = "AzureML Data Scientist"
_COMPUTE_OPERATOR = "AzureML Compute Operator"
_CONTRIBUTOR = "Contributor"

# Parts of an action's name, or of the words that say what was tried; the first that fits counts.
_RULES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("roleassignments",), "Owner"),
    (("compute", "start"), _COMPUTE_OPERATOR),
    (("compute", "stop"), _COMPUTE_OPERATOR),
    (("compute", "restart"), _COMPUTE_OPERATOR),
    (("compute", "write"), _COMPUTE_OPERATOR),
    (("compute", "create"), _COMPUTE_OPERATOR),
    (("compute", "delete"), _COMPUTE_OPERATOR),
    (("microsoft.resources/",), _CONTRIBUTOR),
    (("resourcegroups/",), _CONTRIBUTOR),
    (("resource group",), _CONTRIBUTOR),
    (("workspaces/write",), _CONTRIBUTOR),
    (("workspaces/delete",), _CONTRIBUTOR),
    (("create workspace",), _CONTRIBUTOR),
    (("delete workspace",), _CONTRIBUTOR),
    (("storage/", "blob"), "Storage Blob Data Contributor"),
)


def role_for(act: str) -> str:
    """The role that allows `act`: an action's name (`.../computes/start/action`) or words."""
    words = act.lower()
    for parts, role in _RULES:
        if all(part in words for part in parts):
            return role
    return _DATA_SCIENTIST
