"""The emulator's modules, in the order in which their routes are tried."""

MODULES = [
    "login",
    "operations",
    "groups",
    "workspaces",
    "datastores",
    "blob_routes",
    "artifacts",
    "mlflow_proxy",
    "sizes",
    "computes",
    "assets",
    "models",
    "jobs",
    "scoring",
    "endpoints",
    "deployments",
    "gateway",
    "services",
    "schedules",
]
