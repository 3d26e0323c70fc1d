"""The two engines behind one face, and the wall where their errors become the hub's.

SQLite: WAL, synchronous=FULL (a committed transaction survives power loss), foreign keys, BEGIN IMMEDIATE for
writing. One connection writes, so that writers of one process queue in order; others read beside it.
PostgreSQL: psycopg 3, READ COMMITTED with row locks for writing, a REPEATABLE READ snapshot for reading.
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
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from hub.errors import ConfigurationError, HubError, VersionConflict
from hub.store.faults import meaning_of, translated
from hub.store.prepared import Prepared, new_row

PATIENCE: Final = 15
"""Seconds that a transaction waits for a lock or a connection before it gives up as Unavailable."""

STATEMENT_TIMEOUT: Final = 30
"""Seconds that one statement may take on PostgreSQL."""

_SCHEMA: Final = re.compile(r"[a-z_][a-z0-9_]{0,40}")

_PRAGMAS: Final = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16000",
)

Statement = sa.Executable | Prepared


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

    def is_free(self) -> bool:
        """Whether a connection for reading is to be had without waiting."""
        pool = self.reader.pool
        return isinstance(pool, QueuePool) and pool.checkedout() < pool.size()

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
            if not connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
                connection.exec_driver_sql(begin)

        return made

    return Engines(engine("BEGIN IMMEDIATE", 1), engine("BEGIN", pool, "PRAGMA query_only = ON"))


def _postgresql(url: URL, pool: int, patience: float) -> Engines:
    """Many short statements that walk an index each: planned for what they ask, never compiled or spread out."""
    options = (
        "-c timezone=UTC -c synchronous_commit=on -c plan_cache_mode=force_custom_plan "
        "-c jit=off -c max_parallel_workers_per_gather=0 -c random_page_cost=1.1 "
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
    """One open transaction: statements go in (prepared ones straight to the driver), errors are the hub's."""

    def __init__(self, engine: Engine, held: PoolProxiedConnection, connection: Connection | None, *, writing: bool):
        self.writing = writing
        self.postgresql = engine.dialect.name == "postgresql"
        self._engine = engine
        self._held = held
        self._made = connection
        self._driver: Any = held.driver_connection
        self._refusals: type[Exception] = engine.dialect.loaded_dbapi.Error

    @property
    def _connection(self) -> Connection:
        if self._made is None:
            self._made = Connection(self._engine, self._held)
        return self._made

    def rows(self, statement: Statement, values: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """Every row."""
        if isinstance(statement, Prepared):
            return self._fetched(statement, values or {})
        with translated():
            return self._connection.execute(statement, values).all()

    def row(self, statement: Statement, values: Mapping[str, Any] | None = None) -> Row[Any] | None:
        """The first row, if there is one."""
        if isinstance(statement, Prepared):
            found: Row[Any] | None = next(iter(self._fetched(statement, values or {})), None)
            return found
        with translated():
            return self._connection.execute(statement, values).first()

    def value(self, statement: Statement, values: Mapping[str, Any] | None = None) -> Any:
        """The first column of the first row, or None."""
        if isinstance(statement, Prepared):
            return next((row[0] for row in self._fetched(statement, values or {})), None)
        with translated():
            return self._connection.execute(statement, values).scalar()

    def run(self, statement: Statement, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None) -> int:
        """How many rows the statement touched."""
        if isinstance(statement, Prepared):
            return self._touched(statement, values or {})
        with translated():
            return self._connection.execute(statement, values).rowcount

    def rows_in(self, statement: sa.Executable, values: Sequence[Mapping[str, Any]]) -> Sequence[Row[Any]]:
        """Insert many rows; what each of them returns, in the same order."""
        with translated():
            return self._connection.execute(statement, values).all()

    def insert_new(self, table: sa.Table, values: Mapping[str, Any]) -> int | None:
        """Insert a row unless a unique index has its like; its key (or 0), None where it was there.

        A clash leaves the transaction usable, and waits for the other writer to commit or roll back first.
        """
        found: int | None = self.value(new_row(table, self.postgresql), values)
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

    def _fetched(self, statement: Prepared, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
        ready = statement.on(self._engine, values)
        try:
            return ready.rows(self._driver.execute(ready.text, ready.values(values)).fetchall())
        except self._refusals as error:
            raise self._meaning(error)  # noqa: B904 - its cause is what SQLAlchemy would have raised

    def _touched(self, statement: Prepared, values: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> int:
        try:
            if isinstance(values, Mapping):
                ready = statement.on(self._engine, values)
                return int(self._driver.execute(ready.text, ready.values(values)).rowcount)
            ready = statement.on(self._engine, values[0])
            cursor = self._driver.cursor()
            cursor.executemany(ready.text, [ready.values(row) for row in values])
            return int(cursor.rowcount)
        except self._refusals as error:
            raise self._meaning(error)  # noqa: B904 - its cause is what SQLAlchemy would have raised

    def begin(self) -> None:
        """Begin on the driver; nobody else may have."""
        try:
            self._driver.execute("BEGIN IMMEDIATE" if self.writing else "BEGIN")
        except self._refusals as error:
            raise self._meaning(error)  # noqa: B904 - its cause is what SQLAlchemy would have raised

    def commit(self) -> None:
        """Commit on the driver what `begin` began."""
        try:
            self._driver.commit()
        except self._refusals as error:
            raise self._meaning(error)  # noqa: B904 - its cause is what SQLAlchemy would have raised

    def _meaning(self, error: Any) -> HubError:
        """What the driver raised, as the hub's error; a connection that is gone is let go."""
        dialect = self._engine.dialect
        gone = dialect.is_disconnect(error, self._held, None)
        if gone:
            self._held.invalidate(error)
        return meaning_of(error, dialect, gone=gone)


_HOLD: Final = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


@contextmanager
def transaction(engine: Engine, *, writing: bool) -> Iterator[Sql]:
    """One transaction: committed on a clean exit, rolled back on any exception."""
    if engine.dialect.name == "sqlite":
        with translated(), _on_sqlite(engine, writing) as sql:
            yield sql
    else:
        with translated(), engine.connect() as connection, connection.begin():
            yield Sql(engine, connection.connection, connection, writing=writing)


@contextmanager
def _on_sqlite(engine: Engine, writing: bool) -> Iterator[Sql]:
    """The same without SQLAlchemy, as long as every statement in it is prepared."""
    try:
        held = engine.raw_connection()
    except engine.dialect.loaded_dbapi.Error as error:
        raise meaning_of(error, engine.dialect, gone=True) from error
    try:
        sql = Sql(engine, held, None, writing=writing)
        sql.begin()
        yield sql
        sql.commit()
    finally:
        held.close()


def epoch() -> datetime:
    """The instant before every other: what is due since then is due."""
    return datetime(1970, 1, 1, tzinfo=UTC)
