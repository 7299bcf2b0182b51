"""What the target `local` can be told: its form and its help."""

from __future__ import annotations

from typing import Any

from jupyter_mltrack.deployments.local import environment
from jupyter_mltrack.deployments.local.spec import Options


def target_form() -> dict[str, Any]:
    """Return the form of a deploy: JSON Schema with a default for every field."""
    made = Options()

    def field(name: str, kind: str, title: str, text: str, **more: Any) -> dict[str, Any]:
        return {
            "type": kind,
            "title": title,
            "description": text,
            "default": getattr(made, name),
            **more,
        }

    late = {"x-advanced": True}
    return {
        "title": "This machine",
        "type": "object",
        "properties": {
            "replicas": field(
                "replicas",
                "integer",
                "Replicas",
                "Processes of each version.",
                minimum=1,
                maximum=64,
                **late,
            ),
            "env": field(
                "env",
                "string",
                "Environment",
                "local: the Python that runs here. uv, virtualenv, conda: one of the model's own.",
                enum=list(environment.MANAGERS),
                **late,
            ),
            "memory_limit_mb": field(
                "memory_limit_mb",
                "integer",
                "Memory limit (MB)",
                "A replica over it is started anew; 0 means no limit.",
                minimum=0,
                **late,
            ),
            "idle_stop_s": field(
                "idle_stop_s",
                "integer",
                "Sleep after (s)",
                "Replicas end after so long without a request, the next one starts them; 0: never.",
                minimum=0,
                **late,
            ),
            "log_inference": field(
                "log_inference",
                "boolean",
                "Keep a log of requests",
                "For monitor and drift.",
                **late,
            ),
            "log_sample": field(
                "log_sample",
                "number",
                "Sample of the log",
                "Share of requests whose inputs and outputs are kept.",
                minimum=0,
                maximum=1,
                **late,
            ),
            "log_rows_max": field(
                "log_rows_max",
                "integer",
                "Rows kept of a request",
                "Further rows are counted only.",
                minimum=0,
                **late,
            ),
            "log_max_bytes": field(
                "log_max_bytes",
                "integer",
                "Size of the log (bytes)",
                "The oldest part goes first.",
                minimum=1 << 20,
                **late,
            ),
            "redact_columns": field(
                "redact_columns",
                "array",
                "Columns not to keep",
                "Their values are replaced in the log.",
                items={"type": "string"},
                **late,
            ),
        },
    }


def target_help() -> str:
    """Return what MLflow's command line shows for this target."""
    fields = target_form()["properties"]
    lines = [f"    {name}: {field['description']}" for name, field in fields.items()]
    return "\n".join(
        [
            "Deploy to this machine: a scoring process on 127.0.0.1 with a token of its own.",
            "",
            "The target's URI is `local`. Fields of the configuration:",
            *lines,
            "    traffic: share of the requests in percent; shadow: true for copies only.",
            "",
            "Ask it at its address with the header `Authorization: Bearer TOKEN`; the file that",
            "holds the token is named by `mlflow deployments get`.",
        ]
    )
