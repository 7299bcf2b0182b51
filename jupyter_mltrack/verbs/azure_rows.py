"""Rows of the verbs that look after Azure ML; importing this imports nothing."""

from __future__ import annotations

from jupyter_mltrack.verbs.rows import JSON, YES, Argument, Verb

_AZURE = "jupyter_mltrack.verbs.azure_acts"
_AZURE_DATA = "jupyter_mltrack.verbs.azure_data_acts"
_IN_WORKSPACE = Argument(
    "--workspace", "ARM id or a name from mltrack.toml; the chosen one if not said.", "SPEC",
    kind="workspace",
)  # fmt: skip

AZURE_VERBS = (
    Verb(
        "workspace",
        "Look after Azure ML workspaces: list, show, create, delete. Asks before it deletes.",
        (
            Argument("ACT", "What to do.", kind="list|show|create|delete", required=True),
            Argument("NAME", "Its name or ARM id; the chosen one if not said."),
            Argument("--subscription", "Id; that of the chosen one if not said.", "ID"),
            Argument("--resource-group", "That of the chosen one if not said.", "NAME"),
            Argument("--location", "Of a new one; that of its group if not said.", "REGION"),
            Argument("--description", "Of a new one.", "TEXT"),
            Argument("--public", "A new one answers on the open internet; else it is private."),
            Argument("--with-group", "Delete the resource group with all that is in it."),
            YES,
            JSON,
        ),
        (
            ("list", "those that the account sees"),
            ("create team --location westeurope", "beside the chosen one"),
            ("delete team --with-group", "says all that is in the group, and asks"),
        ),
        f"{_AZURE}:workspace",
    ),
    Verb(
        "compute",
        "Look after machines and clusters of Azure ML; what costs money is marked, and asks.",
        (
            Argument(
                "ACT", "What to do.", kind="list|show|create|start|stop|restart|delete",
                required=True,
            ),
            Argument("NAME", "Of the compute."),
            Argument("--kind", "Of a new one.", "KIND", kind="cluster|instance|kubernetes"),
            Argument("--size", "Of its machines; Standard_DS3_v2 if not said.", "SIZE"),
            Argument("--min", "Nodes that a cluster keeps without work; 0 if not said.", "N"),
            Argument("--max", "Nodes that it grows to; 1 if not said.", "N"),
            Argument("--idle", "It shrinks or stops after; 15m if not said.", "SPAN"),
            Argument("--low-priority", "Cheaper nodes that can be taken away."),
            Argument("--public-ip", "Its nodes have addresses of the open internet."),
            Argument("--resource", "ARM id of the Kubernetes cluster to attach.", "ID"),
            Argument("--namespace", "Of that cluster; default if not said.", "NAME"),
            _IN_WORKSPACE,
            YES,
            JSON,
        ),
        (
            ("list", "state, size, and what costs money now"),
            ("create cpu --size Standard_DS3_v2 --max 4", "a cluster that shrinks to nothing"),
            ("stop my-machine", "an instance"),
        ),
        f"{_AZURE}:compute",
    ),
    Verb(
        "data",
        "Look into datastores of Azure ML, copy files out of one, or into one.",
        (
            Argument("ACT", "What to do.", kind="list|ls|get|put", required=True),
            Argument("SOURCE", "STORE/PATH; for put a file or folder of this machine."),
            Argument("TO", "For get a path of this machine, for put STORE/PATH."),
            Argument("--replace", "Files that are there already, too."),
            _IN_WORKSPACE,
            JSON,
        ),
        (
            ("list", "the datastores"),
            ("ls default/training", "a folder of the default one"),
            ("put train.csv default/training/", "a file into it"),
            ("get default/training/train.csv", "and back"),
        ),
        f"{_AZURE_DATA}:data",
    ),
    Verb(
        "environment",
        "List software environments of Azure ML, or show one with its packages.",
        (
            Argument("ACT", "What to do.", kind="list|show", required=True),
            Argument("NAME", "NAME or NAME:VERSION."),
            _IN_WORKSPACE,
            JSON,
        ),
        (("list", "those of the workspace"), ("show sklearn:3", "image and conda file")),
        f"{_AZURE_DATA}:environment",
    ),
)  # fmt: skip
