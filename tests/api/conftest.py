"""A hub that answers HTTP on a port of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.service import Service, serving
from tests.exchange.fixtures import house, one_house, organisation_keys, sqlite_house, sqlite_url
from tests.exchange.world import House

__all__ = ["house", "one_house", "organisation_keys", "sqlite_house", "sqlite_url"]


@pytest.fixture
def served(sqlite_house: House) -> Iterator[Service]:
    """The hub served, on SQLite."""
    with serving(sqlite_house) as service:
        yield service


@pytest.fixture
def served_on_each(house: House) -> Iterator[Service]:
    """The hub served, on SQLite and on PostgreSQL, where the database could make a difference."""
    with serving(house) as service:
        yield service
