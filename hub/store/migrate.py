"""Migrations, run from the package itself: no configuration file, no working directory.

Two processes that start at once migrate once: PostgreSQL by an advisory lock, SQLite by its lock for writing;
each migration is one transaction on both. The hub's tables and its audit's have a line of versions each.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, Engine

from hub.store.faults import translated


@dataclass(frozen=True)
class Line:
    """A line of versions: where its steps are, and the table (and PostgreSQL schema) that counts them."""

    steps: str
    table: str
    schema: str | None = None

    def schema_on(self, connection: Connection) -> str | None:
        """SQLite has no schemas: there the audit is a file of its own."""
        return self.schema if connection.dialect.name == "postgresql" else None


HUB: Final = Line("versions", "hub_version")
AUDIT: Final = Line("audit_versions", "audit_version", "audit")

_LOCK: Final = 0x63617365687562
"""The number of the advisory lock: `casehub` in ASCII."""


def upgrade(engine: Engine, line: Line) -> None:
    """Bring the tables of a line to its last version."""
    with translated(), as_file(files("hub.store") / "migrations") as folder:
        config = _config(str(folder), line)
        if engine.dialect.name == "sqlite":
            _write_ahead(engine)
        with engine.connect() as connection, connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
                connection.execute(sa.text("SET LOCAL lock_timeout = 0"))
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                if line.schema:
                    connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {line.schema}"))
                    connection.execute(sa.text(f"SET LOCAL search_path TO {line.schema}"))
            config.attributes["connection"] = connection
            config.attributes["line"] = line
            command.upgrade(config, "head")


def is_current(engine: Engine, line: Line) -> bool:
    """Whether the tables of a line are at its last version."""
    with translated(), engine.connect() as connection, connection.begin():
        options = {"version_table": line.table, "version_table_schema": line.schema_on(connection)}
        return MigrationContext.configure(connection, opts=options).get_current_revision() == _head(line)


@cache
def _head(line: Line) -> str | None:
    with as_file(files("hub.store") / "migrations") as folder:
        return ScriptDirectory.from_config(_config(str(folder), line)).get_current_head()


def _config(folder: str, line: Line) -> Config:
    config = Config()
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", f"{folder}/{line.steps}".replace("%", "%%"))
    return config


def _write_ahead(engine: Engine) -> None:
    """Set the journal mode of an SQLite file, which no transaction may do."""
    raw = engine.raw_connection()
    try:
        raw.execute("PRAGMA journal_mode = WAL")
    finally:
        raw.close()
