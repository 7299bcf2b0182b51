"""What is wanted after a command, and counts: pure functions, any input."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mltrack.deployments.local import spec as specs
from jupyter_mltrack.deployments.local import wanting
from jupyter_mltrack.deployments.local.ports import Ports, listen
from jupyter_mltrack.deployments.local.serving import tally
from jupyter_mltrack.deployments.local.spec import DeploymentSpec, EndpointSpec, Places
from jupyter_mltrack.errors import NotFound, UsageError


def _one(label: str, digest: str = "d") -> DeploymentSpec:
    return DeploymentSpec(
        label=label, model="m", version=label, uri="u", model_dir="/m", digest=digest
    )


_EMPTY = EndpointSpec(name="e", workspace_id="w", workspace_name="w")
_steps = st.lists(
    st.tuples(
        st.sampled_from(["deploy", "drop", "fail", "share"]),
        st.sampled_from("12345"),
        st.one_of(st.none(), st.integers(0, 100)),
        st.booleans(),
    ),
    max_size=12,
)


@given(_steps)
def test_whatever_is_done_the_shares_make_100_and_shadows_take_none(steps: list) -> None:
    spec = wanting.merged(_EMPTY, _one("0"), None, None, shadow=False)
    for act, label, percent, shadow in steps:
        try:
            if act == "deploy":
                spec = wanting.merged(spec, _one(label), None, percent, shadow=shadow)
            elif act == "drop":
                spec = wanting.without(spec, label)
            elif act == "fail":
                spec = wanting.without_share(spec, label)
            else:
                shares = {"0": 100 - (percent or 0), label: percent or 0}
                spec = wanting.shared(spec, shares, [], set())
        except (UsageError, NotFound):
            continue
        taking = [one for one in spec.deployments if not one.shadow]
        assert sum(one.traffic_percent for one in taking) == 100
        assert all(0 <= one.traffic_percent <= 100 for one in spec.deployments)
        assert all(one.traffic_percent == 0 for one in spec.deployments if one.shadow)
        labels = [one.label for one in spec.deployments]
        assert len(labels) == len(set(labels))


def test_a_share_scales_the_others_as_they_were() -> None:
    spec = wanting.merged(_EMPTY, _one("1"), None, None, shadow=False)
    spec = wanting.merged(spec, _one("2"), None, 40, shadow=False)
    spec = wanting.merged(spec, _one("3"), None, 50, shadow=False)
    assert [one.traffic_percent for one in spec.deployments] == [30, 20, 50]
    assert [one.traffic_percent for one in wanting.without(spec, "3").deployments] == [60, 40]


def test_a_shadow_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="shadow of nothing"):
        wanting.merged(_EMPTY, _one("1"), None, None, shadow=True)


def test_the_same_files_again_keep_the_time_of_their_deploy_and_others_do_not() -> None:
    first = wanting.merged(_EMPTY, _one("1"), None, None, shadow=False)
    same = wanting.merged(first, _one("1"), None, None, shadow=False)
    other = wanting.merged(first, _one("1", "e"), None, None, shadow=False)
    assert same.deployments == first.deployments
    assert other.deployments[0].digest == "e"


def test_quantiles_from_buckets_are_right_to_a_tenth() -> None:
    chance = random.Random(7)
    values = sorted(chance.lognormvariate(1, 1.5) for _ in range(5000))
    counted = tally.Tally()
    for value in values:
        counted.count(value, 200)
    for share in (0.5, 0.95):
        found = tally.quantile_ms(counted.buckets, share)
        assert found == pytest.approx(values[int(share * len(values))], rel=0.1)
    assert tally.quantile_ms({}, 0.5) is None


def test_counts_are_told_once_and_nothing_is_told_where_nothing_happened() -> None:
    counted = tally.Tally()
    assert counted.take() is None
    counted.count(1.0, 200)
    counted.count(1.0, 500)
    told = counted.take()
    assert told is not None
    assert (told["requests"], told["errors"]) == (2, 1)
    assert counted.take() is None
    counted.busy = 1
    assert counted.take() is not None
    assert counted.take() is None


def test_a_port_rests_after_its_endpoint_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mltrack.deployments.local import ports

    path = tmp_path / "ports.json"
    with listen(0) as first:
        resting = first.getsockname()[1]
    Ports(path).release(resting)
    offered = [resting, 0]  # what the system would choose
    monkeypatch.setattr(ports, "listen", lambda _: listen(offered.pop(0)))
    with Ports(path).open(set()) as found:
        assert found.getsockname()[1] != resting
    assert offered == []
    path.write_text("no json")
    assert Ports(path)._resting == {}


def test_a_damaged_file_of_an_endpoint_hides_no_other(private_place: Path) -> None:
    places = Places(private_place / "data")
    for name in ("a", "b"):
        specs.save(places, EndpointSpec(name=name, workspace_id="w", workspace_name="w"))
    places.spec("a").write_text("{")
    assert [one.name for one in specs.load_all(places)] == ["b"]
    assert places.spec("b").stat().st_mode & 0o777 == 0o600
    assert json.loads(places.spec("b").read_text())["wanted"] == "running"


def test_a_token_has_256_bits_and_stays(private_place: Path) -> None:
    places = Places(private_place / "data")
    first = specs.token_of(places, "a")
    assert len(first) == 43
    assert specs.token_of(places, "a") == first != specs.token_of(places, "b")
    places.token("a").write_text("short")
    assert len(specs.token_of(places, "a")) == 43
