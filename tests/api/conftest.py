"""A hub that answers HTTP on a port of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.search_fixtures import furnished_hub
from tests.api.service import Service, serving
from tests.exchange.fixtures import each_house, house, one_house, organisation_keys, sqlite_url
from tests.exchange.world import House

__all__ = ["each_house", "furnished_hub", "house", "one_house", "organisation_keys", "sqlite_url"]


@pytest.fixture
def served(house: House) -> Iterator[Service]:
    """The hub served, on SQLite."""
    with serving(house) as service:
        yield service


@pytest.fixture
def served_on_each(each_house: House) -> Iterator[Service]:
    """The hub served, on SQLite and on PostgreSQL, where the database could make a difference."""
    with serving(each_house) as service:
        yield service


@pytest.fixture(scope="module")
def calm(one_house: House) -> Iterator[Service]:
    """One served hub with a registered client, for tests that leave nothing behind."""
    one_house.intake()
    with serving(one_house) as service:
        yield service
