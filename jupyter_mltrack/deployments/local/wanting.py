"""What is wanted after a command: pure functions from one specification to the next."""

from __future__ import annotations

from msgspec.structs import replace

from jupyter_mltrack.deployments.local.spec import DeploymentSpec, EndpointSpec, Options, now_ms
from jupyter_mltrack.errors import NotFound, UsageError


def merged(
    spec: EndpointSpec,
    one: DeploymentSpec,
    options: Options | None,
    traffic_percent: int | None,
    *,
    shadow: bool,
) -> EndpointSpec:
    """Add a version, or put it in the place of the one of the same label.

    The first version takes everything; a further one takes nothing until it is told to, unless
    `traffic_percent` says otherwise: the others then share the rest as before.

    Raises:
        UsageError: the share is none, or nothing would take traffic.
    """
    others = [other for other in spec.deployments if other.label != one.label]
    known = next((other for other in spec.deployments if other.label == one.label), None)
    taking = [other for other in others if not other.shadow]
    if shadow and not taking:
        raise UsageError(
            f"Version {one.label} would be a shadow of nothing.",
            "Deploy the version that answers first.",
        )
    if traffic_percent is not None and not 0 <= traffic_percent <= 100:
        raise UsageError(f"A share of {traffic_percent} % is none.", "Give 0 to 100.")
    if shadow:
        percent = 0
    elif not taking:
        percent = 100
    elif traffic_percent is None:
        percent = known.traffic_percent if known is not None and not known.shadow else 0
    else:
        percent = traffic_percent
    one = replace(
        one, traffic_percent=percent, shadow=shadow, deployed_ms=one.deployed_ms or now_ms()
    )
    if known is not None and _is_same(known, one):
        one = replace(one, deployed_ms=known.deployed_ms)  # a lost answer does not make two
    rest = _scaled(others, 100 - percent)
    place = spec.deployments.index(known) if known is not None else len(rest)
    return replace(
        spec,
        wanted="running",
        options=options or spec.options,
        deployments=[*rest[:place], one, *rest[place:]],
        updated_ms=now_ms(),
    )


def shared(
    spec: EndpointSpec, shares: dict[str, int], shadow: list[str], failed: set[str]
) -> EndpointSpec:
    """Give traffic out anew.

    Raises:
        UsageError: a label is unknown or has failed, or the shares do not make 100.
    """
    labels = [one.label for one in spec.deployments]
    for label in [*shares, *shadow]:
        if label not in labels:
            raise UsageError(
                f"Endpoint {spec.name} has no version {label}.", f"It has: {', '.join(labels)}"
            )
    for label, percent in shares.items():
        if percent and label in failed:
            raise UsageError(
                f"Version {label} has failed and cannot take traffic.",
                f"See why: %mltrack logs {spec.name}",
            )
        if percent < 0 or (percent and label in shadow):
            raise UsageError(
                f"Version {label} cannot take {percent} %.", "A shadow takes 0, others 0 to 100."
            )
    if sum(shares.values()) != 100:
        raise UsageError(
            f"The shares make {sum(shares.values())} %, not 100.",
            f"Name a share for each that takes traffic: %mltrack traffic {spec.name} "
            + " ".join(f"{label}={100 if label == labels[-1] else 0}" for label in labels),
        )
    given = [
        replace(one, traffic_percent=shares.get(one.label, 0), shadow=one.label in shadow)
        for one in spec.deployments
    ]
    return replace(spec, deployments=given)


def without(spec: EndpointSpec, label: str) -> EndpointSpec:
    """Take a version away; the others share what it had.

    Raises:
        NotFound: there is no such version.
        UsageError: it is the only one that takes traffic.
    """
    gone = next((one for one in spec.deployments if one.label == label), None)
    if gone is None:
        labels = ", ".join(one.label for one in spec.deployments)
        raise NotFound(f"Endpoint {spec.name} has no version {label}.", f"It has: {labels}")
    rest = [one for one in spec.deployments if one.label != label]
    if not any(not one.shadow for one in rest):
        raise UsageError(
            f"Version {label} is the only one of {spec.name} that answers.",
            f"Remove the endpoint: %mltrack rm {spec.name}",
        )
    return replace(spec, deployments=_scaled(rest, 100))


def without_share(spec: EndpointSpec, label: str) -> EndpointSpec:
    """Give the traffic of a version that never came up back to the others, if there are any."""
    others = [one for one in spec.deployments if one.label != label]
    if not any(not one.shadow for one in others):
        return spec
    scaled = {one.label: one for one in _scaled(others, 100)}
    return replace(
        spec,
        deployments=[
            scaled.get(one.label) or replace(one, traffic_percent=0) for one in spec.deployments
        ],
    )


def _is_same(known: DeploymentSpec, one: DeploymentSpec) -> bool:
    fields = ("model_dir", "digest", "python", "fork", "uri")
    return bool(one.digest) and all(getattr(known, name) == getattr(one, name) for name in fields)


def _scaled(versions: list[DeploymentSpec], total: int) -> list[DeploymentSpec]:
    """Share `total` percent among versions as they shared before, in whole percents."""
    taking = [one for one in versions if not one.shadow]
    if not taking:
        return versions
    before = sum(one.traffic_percent for one in taking)
    weights = [
        one.traffic_percent / before if before else float(one is taking[0]) for one in taking
    ]
    exact = [weight * total for weight in weights]
    given = [int(share) for share in exact]
    for place in sorted(range(len(taking)), key=lambda i: given[i] - exact[i])[
        : total - sum(given)
    ]:
        given[place] += 1
    shares = {one.label: share for one, share in zip(taking, given, strict=True)}
    return [
        one if one.shadow else replace(one, traffic_percent=shares[one.label]) for one in versions
    ]
