"""Deployment targets in Azure ML: managed and Kubernetes online endpoints, and two legacy ones.

Importing this package imports nothing of Azure; forms are drawn without it.
"""

TARGETS = {
    "azureml": "jupyter_mltrack.deployments.azure.managed",
    "azureml-kubernetes": "jupyter_mltrack.deployments.azure.kubernetes",
    "aci": "jupyter_mltrack.deployments.azure.aci",
    "aks-v1": "jupyter_mltrack.deployments.azure.aks_v1",
}
"""Where the form of each lies."""
ALIASES = {"aks": "azureml-kubernetes"}
ONLINE = frozenset({"azureml", "azureml-kubernetes"})
"""Those that are online endpoints; the others are services of the first generation."""


def is_ours(target: str) -> bool:
    """Whether a target is one in Azure ML."""
    return target in TARGETS
