"""Fixtures of a hub at work, for the tests of the exchange and of its doors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.exchange.world import House, furnished, new_keys


@pytest.fixture(scope="session")
def organisation_keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Path], dict[str, Any]]:
    """Signing keys of every organisation, made once."""
    return new_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def each_house(
    tmp_path: Path, database_url: str, organisation_keys: tuple[dict[str, Path], dict[str, Any]]
) -> Iterator[House]:
    """The same on SQLite and on PostgreSQL, where the database could make a difference."""
    with furnished(tmp_path, database_url, *organisation_keys) as made:
        made.connect()
        yield made


@pytest.fixture
def house(
    tmp_path: Path, sqlite_url: str, organisation_keys: tuple[dict[str, Path], dict[str, Any]]
) -> Iterator[House]:
    """A hub with six organisations connected, and nobody's data; on SQLite."""
    with furnished(tmp_path, sqlite_url, *organisation_keys) as made:
        made.connect()
        yield made


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """A fresh, migrated SQLite database."""
    copy = tmp_path / "hub.db"
    copy.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{copy}"


@pytest.fixture(scope="module")
def one_house(
    tmp_path_factory: pytest.TempPathFactory,
    sqlite_template: Path,
    organisation_keys: tuple[dict[str, Path], dict[str, Any]],
) -> Iterator[House]:
    """One hub for all the tests of a module that leave nothing behind which another could stumble over."""
    folder = tmp_path_factory.mktemp("house")
    (folder / "hub.db").write_bytes(sqlite_template.read_bytes())
    with furnished(folder, f"sqlite:///{folder / 'hub.db'}", *organisation_keys) as made:
        made.connect()
        yield made
