"""Where MLflow needs our help to resolve an address."""

from __future__ import annotations


def open_for(uri: str) -> None:
    """Make MLflow know the kind of address, if it is one that we teach it (imports MLflow then)."""
    if not uri.lower().startswith("azureml:"):
        return
    from jupyter_mltrack.azure.tracking import doors

    doors.register()


def learn(uri: str) -> None:
    """Find out once what the service behind an address can do; see `azure.tracking.features`."""
    if not uri.lower().startswith("azureml:"):
        return
    from jupyter_mltrack.azure.tracking import address, features

    features.probe(address.place_of(uri))


def is_network(uri: str) -> bool:
    """Whether a tracking address is answered by a service with MLflow's REST calls."""
    return uri.lower().startswith(("http://", "https://", "azureml:"))
