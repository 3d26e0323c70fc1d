"""A hub on a known port, so that the links it gives can be followed, and one client whose record may be worked on."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.api.service import Service, serving
from tests.exchange.fixtures import each_house, organisation_keys
from tests.exchange.world import House

__all__ = ["each_house", "organisation_keys"]


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def live(each_house: House) -> Iterator[Service]:
    """The hub served, on SQLite and on PostgreSQL; the municipality may read and write of its client."""
    each_house.restart("clients", port=free_port())
    each_house.intake()
    with serving(each_house) as service:
        yield service


@pytest.fixture
def base(live: Service) -> str:
    """The FHIR base of the live hub."""
    return f"{live.house.hub.settings.public_url}/fhir"


@pytest.fixture
def token(live: Service) -> str:
    """An access token of the municipality, for case work."""
    return live.headers("municipality")["Authorization"].removeprefix("Bearer ")
