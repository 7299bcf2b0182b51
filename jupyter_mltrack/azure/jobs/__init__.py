"""Cells and scripts as command jobs of an Azure ML workspace, behind the door `jobs`."""

from __future__ import annotations

from jupyter_mltrack.azure.jobs.backend import AzureBackend

__all__ = ["AzureBackend"]
