"""What the target `aks` can be told: a service on AKS, of Azure ML's first generation."""

from __future__ import annotations

from typing import Any

from jupyter_mltrack.deployments.azure import aci, fields


def target_form() -> dict[str, Any]:
    """Return the form of a deploy: JSON Schema with a default for every field."""
    return fields.form(
        "Azure Kubernetes Service (legacy)",
        compute=fields.field("string", "Compute", "Name of the attached AKS cluster.", ""),
        replicas=fields.field("integer", "Replicas", "Of the service.", 1, minimum=1, maximum=50),
        cpu=fields.field("number", "CPU", "Cores of each replica.", 0.5, minimum=0.1, maximum=64),
        memory_gb=fields.field(
            "number", "Memory (GB)", "Of each replica.", 1.0, minimum=0.2, maximum=512
        ),
        auth=fields.auth("key or token.", "key", "token"),
        namespace=fields.field(
            "string", "Namespace", "Of the cluster; empty: the service's own.", "", **fields.LATE
        ),
        timeout_ms=fields.timeout_ms(60_000, 300_000),
        description=fields.field("string", "Description", "For people.", "", **fields.LATE),
        insights=fields.insights(),
        collect=fields.collect(),
        tags=fields.tags(),
        workspace=fields.workspace(),
    )


def target_help() -> str:
    """Return what MLflow's command line shows for this target."""
    first = (
        "Deploy to an attached AKS cluster by the first generation of Azure ML's services.\n"
        "Legacy: today's way is azureml-kubernetes."
    )
    return fields.help_text(first, target_form())


def target_available() -> str:
    """Say why it cannot be used here; empty where it can."""
    return aci.target_available()
