"""What the target `azureml-kubernetes` can be told: an online endpoint on an attached cluster."""

from __future__ import annotations

from typing import Any

from jupyter_mltrack.deployments.azure import fields


def target_form() -> dict[str, Any]:
    """Return the form of a deploy: JSON Schema with a default for every field."""
    return fields.form(
        "Azure ML on Kubernetes",
        compute=fields.field(
            "string", "Compute", "Name of the attached cluster; empty: the only one there is.", ""
        ),
        instance_type=fields.field(
            "string",
            "Instance type",
            "Of the cluster; empty: its default one.",
            "",
            **fields.LATE,
        ),
        instances=fields.instances(),
        cpu=fields.field("string", "CPU", "Of each instance, as 500m or 1.", "500m", **fields.LATE),
        memory=fields.field("string", "Memory", "Of each instance, as 1Gi.", "1Gi", **fields.LATE),
        auth=fields.auth(
            "key, or a token of Azure ML; an endpoint without is not made.", "key", "aml_token"
        ),
        insights=fields.insights(),
        collect=fields.collect(),
        timeout_ms=fields.timeout_ms(30_000, 180_000),
        tags=fields.tags(),
        workspace=fields.workspace(),
    )


def target_help() -> str:
    """Return what MLflow's command line shows for this target."""
    first = "Deploy to an online endpoint on a Kubernetes cluster that is attached to Azure ML."
    return fields.help_text(first, target_form())


def target_available() -> str:
    """Say why it cannot be used here; empty where it can."""
    return fields.why_not()
