"""A hub at work."""

from __future__ import annotations

from tests.exchange.fixtures import house, one_house, organisation_keys, sqlite_house, sqlite_url

__all__ = ["house", "one_house", "organisation_keys", "sqlite_house", "sqlite_url"]
