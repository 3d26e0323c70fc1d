"""What alembic runs: the steps of one line, on the connection and in the transaction that it was handed."""

from __future__ import annotations

from alembic import context

line = context.config.attributes["line"]
connection = context.config.attributes["connection"]

context.configure(
    connection=connection,
    version_table=line.table,
    version_table_schema=line.schema_on(connection),
    transactional_ddl=True,
)
context.run_migrations()
