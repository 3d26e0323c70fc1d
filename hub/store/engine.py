"""The two engines behind one face, and the wall where their errors become the hub's.

SQLite: WAL, synchronous=FULL (a committed transaction survives power loss), foreign keys, BEGIN IMMEDIATE for
writing. One connection writes, so that writers of one process queue in order; others read beside it.
PostgreSQL: psycopg 3, READ COMMITTED with row locks for writing, a REPEATABLE READ snapshot for reading.
No SQLAlchemy exception leaves the room, and no message carries a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, Engine, Row, make_url
from sqlalchemy.pool import QueuePool

from hub.errors import ConfigurationError, HubError, IntegrityFailure, Unavailable, VersionConflict

PATIENCE: Final = 15
"""Seconds that a transaction waits for a lock or a connection before it gives up as Unavailable."""

STATEMENT_TIMEOUT: Final = 30
"""Seconds that one statement may take on PostgreSQL."""

_TRANSIENT: Final = (
    "40001",
    "40P01",
    "55P03",
    "57014",
    "57P01",
    "57P02",
    "57P03",
    "53",
    "08",
    "25006",
    "25P0",
)
"""SQLSTATEs (or their classes) of serialization failure, deadlock, time-outs, shutdown, lack of resources."""
_NOT_MIGRATED: Final = ("42P01", "42703", "3F000")
_UNIQUE: Final = "23505"
_SCHEMA: Final = re.compile(r"[a-z_][a-z0-9_]{0,40}")

_PRAGMAS: Final = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16000",
)


class Engines:
    """A database, opened for writing and for reading."""

    def __init__(self, writer: Engine, reader: Engine) -> None:
        self.writer = writer
        self.reader = reader

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.writer.dialect.name

    def within(self, schema: str) -> Engines:
        """The same, with every table in this schema; SQLite has none, and an empty name means the default one."""
        if self.dialect != "postgresql" or not schema:
            return self
        if not _SCHEMA.fullmatch(schema):
            raise ConfigurationError("a schema's name is small letters, digits and `_`", place="database schema")
        options = {"schema_translate_map": {None: schema}}
        return Engines(self.writer.execution_options(**options), self.reader.execution_options(**options))

    def close(self) -> None:
        """Close every connection."""
        self.writer.dispose()
        self.reader.dispose()


def open_engines(url: str, *, pool: int, patience: float = PATIENCE) -> Engines:
    """The engines for `sqlite:///path` or `postgresql://...`; nothing is connected yet."""
    try:
        parsed = make_url(url)
    except exc.ArgumentError as wrong:
        raise ConfigurationError("the database address is not an address") from wrong
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _sqlite(parsed, pool, patience)
    if backend == "postgresql":
        return _postgresql(parsed, pool, patience)
    raise ConfigurationError(f"the database `{backend}` is not one of sqlite, postgresql")


def sqlite_path(url: URL) -> Path:
    """The file of an SQLite database; in memory there is none, and nothing would be durable."""
    if not url.database or url.database == ":memory:":
        raise ConfigurationError("an sqlite database needs a file: sqlite:///path")
    return Path(url.database)


def _sqlite(url: URL, pool: int, patience: float) -> Engines:
    sqlite_path(url)

    def engine(begin: str, size: int, *pragmas: str) -> Engine:
        made = sa.create_engine(
            url,
            poolclass=QueuePool,
            pool_size=size,
            max_overflow=0,
            pool_timeout=patience,
            hide_parameters=True,
            connect_args={"timeout": patience},
        )

        @event.listens_for(made, "connect")
        def connected(connection: Any, _: Any) -> None:
            connection.isolation_level = None
            for pragma in (*_PRAGMAS, *pragmas):
                connection.execute(pragma)

        @event.listens_for(made, "begin")
        def begun(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        return made

    return Engines(engine("BEGIN IMMEDIATE", 1), engine("BEGIN", pool, "PRAGMA query_only = ON"))


def _postgresql(url: URL, pool: int, patience: float) -> Engines:
    options = (
        "-c timezone=UTC -c synchronous_commit=on -c plan_cache_mode=force_custom_plan "
        f"-c statement_timeout={STATEMENT_TIMEOUT}s -c lock_timeout={int(patience * 1000)}ms"
    )
    made = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=pool,
        max_overflow=0,
        pool_timeout=patience,
        hide_parameters=True,
        connect_args={"options": options, "application_name": "casehub"},
    )
    return Engines(made, made.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True))


class Sql:
    """One open transaction: statements go in, rows come out, errors are the hub's."""

    def __init__(self, connection: Connection, *, writing: bool) -> None:
        self._connection = connection
        self.writing = writing
        self.postgresql = connection.dialect.name == "postgresql"

    def rows(self, statement: sa.Executable, values: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """Every row."""
        with translated():
            return self._connection.execute(statement, values).all()

    def row(self, statement: sa.Executable, values: Mapping[str, Any] | None = None) -> Row[Any] | None:
        """The first row, if there is one."""
        with translated():
            return self._connection.execute(statement, values).first()

    def value(self, statement: sa.Executable, values: Mapping[str, Any] | None = None) -> Any:
        """The first column of the first row, or None."""
        with translated():
            return self._connection.execute(statement, values).scalar()

    def run(
        self, statement: sa.Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> int:
        """How many rows the statement touched."""
        with translated():
            return self._connection.execute(statement, values).rowcount

    def insert_new(self, table: sa.Table, values: Mapping[str, Any]) -> int | None:
        """Insert a row unless a unique index has its like; its key (or 0), None where it was there.

        A clash leaves the transaction usable, and waits for the other writer to commit or roll back first.
        """
        returned = table.c.key if "key" in table.c else sa.literal(0)
        insert = postgresql.insert if self.postgresql else sqlite.insert
        found: int | None = self.value(insert(table).values(values).on_conflict_do_nothing().returning(returned))
        return found

    def put(self, table: sa.Table, values: Mapping[str, Any], *, by: str) -> None:
        """Insert a row, or replace what the row with the same `by` says."""
        insert = postgresql.insert if self.postgresql else sqlite.insert
        rest = {name: value for name, value in values.items() if name != by}
        self.run(insert(table).values(values).on_conflict_do_update(index_elements=[by], set_=rest))

    def attempt(self, statement: sa.Executable) -> bool:
        """Run a statement in a savepoint; False, with nothing done, where a unique index refuses it."""
        try:
            with translated(), self._connection.begin_nested():
                self._connection.execute(statement)
        except VersionConflict:
            return False
        return True

    def hold(self, name: str) -> None:
        """Hold a name until the end of the transaction; others wait. SQLite's one writer holds all."""
        if self.writing and self.postgresql:
            self.run(_HOLD, {"name": name})


_HOLD: Final = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


@contextmanager
def transaction(engine: Engine, *, writing: bool) -> Iterator[Sql]:
    """One transaction: committed on a clean exit, rolled back on any exception."""
    with translated(), engine.connect() as connection, connection.begin():
        yield Sql(connection, writing=writing)


@contextmanager
def translated() -> Iterator[None]:
    """The wall: what SQLAlchemy raises inside becomes one of the hub's errors."""
    try:
        yield
    except exc.DBAPIError as error:
        raise _meaning(error) from error
    except exc.TimeoutError as error:
        raise Unavailable("every connection to the database is busy") from error
    except exc.SQLAlchemyError as error:
        cause = error.orig if isinstance(error, exc.StatementError) else None
        if isinstance(cause, HubError):
            raise cause from None
        raise IntegrityFailure("the database refused a statement") from error


def _meaning(error: exc.DBAPIError) -> HubError:
    if isinstance(error.orig, HubError):
        return error.orig
    state = getattr(error.orig, "sqlstate", None)
    code = getattr(error.orig, "sqlite_errorname", "") or ""
    if state == _UNIQUE or code in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"):
        return VersionConflict("somebody else wrote the same at the same time")
    if isinstance(error, exc.IntegrityError):
        return IntegrityFailure("the database refused a row that breaks its constraints")
    if state in _NOT_MIGRATED or "no such table" in str(error.orig) or "no such column" in str(error.orig):
        return ConfigurationError("the database is not migrated to this version of the hub")
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or (state or "").startswith("XX"):
        return IntegrityFailure("the database file does not hold together")
    if error.connection_invalidated or (state or "").startswith(_TRANSIENT):
        return Unavailable("the database is busy or away")
    if isinstance(error, exc.OperationalError | exc.InterfaceError):
        return Unavailable("the database is busy or away")
    return IntegrityFailure("the database refused a statement")


def epoch() -> datetime:
    """The instant before every other: what is due since then is due."""
    return datetime(1970, 1, 1, tzinfo=UTC)
