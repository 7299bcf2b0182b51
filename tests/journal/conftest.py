"""A real MLflow server that the tests of shipping share, and a proxy before it that misbehaves."""

import uuid
from collections.abc import Iterator

import pytest
import ship_ground
from faulty_proxy import FaultyProxy


@pytest.fixture
def server_port(shared_server: str) -> int:
    """A real MLflow server on loopback."""
    return int(shared_server.rpartition(":")[2])


@pytest.fixture
def proxy(server_port: int) -> Iterator[FaultyProxy]:
    with FaultyProxy(server_port) as found:
        yield found


@pytest.fixture
def run_of_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """One server serves many tests: each has its own run id."""
    fresh = uuid.uuid4().hex
    monkeypatch.setattr(ship_ground, "RUN", fresh)
    monkeypatch.setattr(ship_ground.born, "__defaults__", (fresh, "run"))
    monkeypatch.setattr(ship_ground.ended, "__defaults__", (fresh, "FINISHED"))
