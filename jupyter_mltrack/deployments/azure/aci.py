"""What the target `aci` can be told: a container instance, of Azure ML's first generation."""

from __future__ import annotations

from typing import Any

from jupyter_mltrack.deployments.azure import fields


def target_form() -> dict[str, Any]:
    """Return the form of a deploy: JSON Schema with a default for every field."""
    return fields.form(
        "Azure Container Instances (legacy)",
        cpu=fields.field("number", "CPU", "Cores.", 1.0, minimum=0.1, maximum=4),
        memory_gb=fields.field(
            "number", "Memory (GB)", "For the model and its Python.", 2.0, minimum=0.5, maximum=16
        ),
        description=fields.field("string", "Description", "For people.", "", **fields.LATE),
        location=fields.field(
            "string", "Region", "Empty: that of the workspace.", "", **fields.LATE
        ),
        public=fields.public(),
        dns_name=fields.field(
            "string",
            "DNS name",
            "Of a public one: NAME.REGION.",
            "",
            **fields.LATE,
        ),
        vnet=fields.field(
            "string", "Virtual network", "Its name, where it is not public.", "", **fields.LATE
        ),
        subnet=fields.field("string", "Subnet", "Of the virtual network.", "", **fields.LATE),
        insights=fields.insights(),
        tags=fields.tags(),
        workspace=fields.workspace(),
    )


def target_help() -> str:
    """Return what MLflow's command line shows for this target."""
    first = (
        "Deploy to Azure Container Instances by the first generation of Azure ML's services.\n"
        "Legacy: where the service takes no new ones, use azureml."
    )
    return fields.help_text(first, target_form())


def target_available() -> str:
    """Say why it cannot be used here; empty where it can."""
    return fields.why_not() or _plugin_missing()


def _plugin_missing() -> str:
    from importlib.util import find_spec

    missing = find_spec("azureml") is None or find_spec("azureml.mlflow") is None
    return "It needs the Azure extra: pip install 'jupyter_mltrack[azure]'" if missing else ""
