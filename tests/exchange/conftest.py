"""A hub at work."""

from __future__ import annotations

from tests.exchange.fixtures import house, organisation_keys, sqlite_house, sqlite_url

__all__ = ["house", "organisation_keys", "sqlite_house", "sqlite_url"]
