"""Which Azure ML workspace is meant: its ARM id, or the file or environment that names it.

The search for a file is the SDK's own (`from_config`): in each of `.azureml`, `aml_config` and the
plain folder, upward. A `config.json` of some other tool is passed over. Only the standard library
is imported here; resolving a workspace passes through.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jupyter_mltrack.errors import UsageError

_PROVIDER = "Microsoft.MachineLearningServices"
_ARM_ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/?#\s]+)/resourcegroups/(?P<group>[^/?#\s]+)"
    rf"/providers/{re.escape(_PROVIDER)}/workspaces/(?P<workspace>[^/?#\s]+)",
    re.IGNORECASE,
)
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._()-]{0,89}\Z")
_FOLDERS = (".azureml", "aml_config", "")
_FILES = ("config.json", "project.json")
_KEYS = ("subscription_id", "resource_group", "workspace_name")
_PARENTS_MAX = 20
_FILE_BYTES_MAX = 1 << 20
ENVIRONMENT = (
    "AZUREML_ARM_SUBSCRIPTION",
    "AZUREML_ARM_RESOURCEGROUP",
    "AZUREML_ARM_WORKSPACE_NAME",
)
"""What Azure ML's own machines say about the workspace that they belong to."""


@dataclass(frozen=True)
class Scope:
    """One Azure ML workspace."""

    subscription_id: str
    resource_group: str
    workspace_name: str

    @property
    def arm_id(self) -> str:
        """Its whole name in Azure."""
        return f"{self.group_id}/providers/{_PROVIDER}/workspaces/{self.workspace_name}"

    @property
    def group_id(self) -> str:
        """The whole name of its resource group."""
        return f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"

    @property
    def key(self) -> str:
        """One spelling for all spellings: Azure does not tell capitals apart."""
        return self.arm_id.lower()

    @classmethod
    def parse(cls, text: str) -> Scope:
        """The workspace whose ARM id begins `text`, or stands in an address.

        Raises:
            UsageError: there is no such id in it.
        """
        found = cls.find(text)
        if found is None:
            shown = "".join(c for c in text if c.isprintable())[:200]
            raise UsageError(
                f'"{shown}" names no Azure ML workspace.',
                "Write: /subscriptions/ID/resourceGroups/GROUP/providers/"
                f"{_PROVIDER}/workspaces/NAME",
            )
        return found

    @classmethod
    def find(cls, text: str) -> Scope | None:
        """The workspace whose ARM id stands in `text`; None where there is none."""
        found = _ARM_ID.search(text)
        return cls._made(*found.group("subscription", "group", "workspace")) if found else None

    @classmethod
    def of(cls, subscription_id: str, resource_group: str, workspace_name: str) -> Scope:
        """The workspace of these three names.

        Raises:
            UsageError: one of them is no such name.
        """
        named = zip(_KEYS, (subscription_id, resource_group, workspace_name), strict=True)
        for key, value in named:
            if not _PART.match(value):
                shown = "".join(c for c in value if c.isprintable())[:80]
                raise UsageError(
                    f'"{shown}" is no {key.replace("_", " ")} of Azure.',
                    "Letters, digits, . _ - ( ) only; the portal shows it.",
                )
        return cls(subscription_id, resource_group, workspace_name)

    @classmethod
    def _made(cls, subscription_id: str, group: str, workspace: str) -> Scope | None:
        fits = all(_PART.match(one) for one in (subscription_id, group, workspace))
        return cls(subscription_id, group, workspace) if fits else None


def from_environment(environ: Mapping[str, str] | None = None) -> Scope | None:
    """The workspace that Azure ML's own compute says it belongs to; None elsewhere."""
    values = os.environ if environ is None else environ
    subscription, group, workspace = (values.get(name, "") for name in ENVIRONMENT)
    if not (subscription and group and workspace):
        return None
    return Scope.of(subscription, group, workspace)


def find_config(start: Path) -> Scope | None:
    """The workspace that environment or a `config.json` upward of `start` names; None without.

    Raises:
        UsageError: a file that is meant for this is damaged, or lacks one of the names.
    """
    scope = from_environment()
    if scope is not None:
        return scope
    found = config_file(start)
    return None if found is None else read_config(found)


def config_file(start: Path) -> Path | None:
    """The file that names the workspace, as the SDK finds it; None where there is none."""
    here = Path(os.path.abspath(start))
    if here.is_file():
        return here
    above = [here, *here.parents][: _PARENTS_MAX + 1]
    for folder in _FOLDERS:
        for name in _FILES:
            for place in above:
                path = place / folder / name
                if path.is_file() and (folder or _is_meant(path)):
                    return path
    return None


def read_config(path: Path) -> Scope:
    """The workspace that a `config.json` names.

    Raises:
        UsageError: it is damaged, or lacks one of the three names.
    """
    content = _content(path)
    if content is None:
        raise UsageError(
            f"The workspace file {path} cannot be read as JSON.",
            "Download it anew from the workspace's page in the Azure portal.",
        )
    whole = content.get("Scope")
    if isinstance(whole, str) and Scope.find(whole) is not None:
        return Scope.parse(whole)
    values = [content.get(key) for key in _KEYS]
    missing = [
        key for key, value in zip(_KEYS, values, strict=True) if not (value and type(value) is str)
    ]
    if missing:
        raise UsageError(
            f"The workspace file {path} lacks {' and '.join(missing)}.",
            f"It needs {', '.join(_KEYS)}: download it anew from the Azure portal.",
        )
    return Scope.of(*(str(value) for value in values))


def _is_meant(path: Path) -> bool:
    """Whether a file in a plain folder is a workspace's: many tools keep a `config.json`."""
    content = _content(path)
    return content is not None and bool({"Scope", *_KEYS} & content.keys())


def _content(path: Path) -> dict[str, object] | None:
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(_FILE_BYTES_MAX))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
