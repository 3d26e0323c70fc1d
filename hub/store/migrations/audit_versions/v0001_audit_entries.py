"""The folded journal: its entries and the clients they concern."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = "0001"
down_revision = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables, in the schema of the audit where the database has schemas."""
    schema = context.config.attributes["line"].schema_on(op.get_bind())
    owner = f"{schema}." if schema else ""
    op.create_table(
        "audit_entry",
        sa.Column("key", _KEY, primary_key=True, autoincrement=True),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("hash", "body", "event")),
        sa.UniqueConstraint("file", "seq", name="uq_audit_entry"),
        schema=schema,
    )
    op.create_table(
        "audit_client",
        sa.Column("client", sa.Text(), primary_key=True),
        sa.Column("entry", _KEY, sa.ForeignKey(f"{owner}audit_entry.key", ondelete="CASCADE"), primary_key=True),
        schema=schema,
    )
    op.create_index("ix_audit_client_entry", "audit_client", ["entry"], schema=schema)
