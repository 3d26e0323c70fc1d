"""A hub at work."""

from __future__ import annotations

from tests.exchange.fixtures import each_house, house, one_house, organisation_keys, sqlite_url

__all__ = ["each_house", "house", "one_house", "organisation_keys", "sqlite_url"]
