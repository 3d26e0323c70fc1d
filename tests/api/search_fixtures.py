"""A hub with the records of two clients, once for all tests of a module that only ask."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.search_world import furnish
from tests.api.service import Service, serving
from tests.conftest import ON_POSTGRESQL
from tests.exchange.world import furnished


@pytest.fixture(scope="module", params=["sqlite", ON_POSTGRESQL])
def furnished_hub(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    organisation_keys: tuple[dict[str, Path], dict[str, Any]],
) -> Iterator[Service]:
    """One hub with the records of two clients, for tests that only ask; on each database."""
    folder = tmp_path_factory.mktemp("searched")
    url, server = f"sqlite:///{folder / 'hub.db'}", None
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), folder / "hub.db")
    else:
        server = request.getfixturevalue("postgres_server")
        url = server.create(request.getfixturevalue("postgres_template"))
    with furnished(folder, url, *organisation_keys) as house:
        house.connect()
        furnish(house)
        with serving(house) as service:
            yield service
    if server is not None:
        server.drop(url)
