"""Bulk exports: jobs, and the files that list what they found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "export_job",
        sa.Column("id", sa.Text(), primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("organisation", "ordered", "state")),
        *(sa.Column(name, _AT, nullable=False) for name in ("begun", "expires")),
        sa.Column("leased_until", _AT),
        sa.Column("position", sa.Integer(), nullable=False, server_default="0"),
        sa.Column(
            "after", sa.BigInteger(), nullable=False, server_default="0", comment="the key of the last record found"
        ),
        sa.Column("found", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("trouble", sa.Text(), nullable=False, server_default=""),
    )
    op.create_index("ix_export_job_organisation", "export_job", ["organisation"])
    op.create_table(
        "export_file",
        sa.Column("job", sa.Text(), sa.ForeignKey("export_job.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("no", sa.Integer(), primary_key=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("records", sa.Text(), nullable=False),
    )
