"""What the target `azureml` can be told: a managed online endpoint of an Azure ML workspace."""

from __future__ import annotations

from typing import Any

from jupyter_mltrack.deployments.azure import fields


def target_form() -> dict[str, Any]:
    """Return the form of a deploy: JSON Schema with a default for every field."""
    return fields.form(
        "Azure ML",
        instance_type=fields.field(
            "string", "Size", "Of each machine.", fields.INSTANCE, examples=list(fields.SIZES)
        ),
        instances=fields.instances(),
        auth=fields.auth(
            "key, or a token of Azure ML or Entra; an endpoint without is not made.",
            "key",
            "aml_token",
            "aad_token",
        ),
        public=fields.public(),
        insights=fields.insights(),
        collect=fields.collect(),
        timeout_ms=fields.timeout_ms(30_000, 180_000),
        concurrency=fields.field(
            "integer",
            "Requests at once",
            "Of each instance; further ones wait.",
            4,
            minimum=1,
            maximum=500,
            **fields.LATE,
        ),
        tags=fields.tags(),
        workspace=fields.workspace(),
    )


def target_help() -> str:
    """Return what MLflow's command line shows for this target."""
    first = "Deploy to a managed online endpoint of Azure ML; billed until it is deleted."
    return fields.help_text(first, target_form())


def target_available() -> str:
    """Say why it cannot be used here; empty where it can."""
    return fields.why_not()
