"""The tables of bulk exports: what was asked, how far it is, and which records each file lists. No content."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from hub.store.columns import Instant, Word, at, json, number, text
from hub.store.export_model import ExportOrder, ExportState
from hub.store.schema import Strings, hub

export_job: Final = sa.Table(
    "export_job",
    hub,
    sa.Column("id", sa.Text, primary_key=True),
    text("organisation"),
    json("ordered", ExportOrder),
    sa.Column("state", Word(ExportState), nullable=False),
    at("begun"),
    at("expires"),
    sa.Column("leased_until", Instant),
    number("position"),
    sa.Column("after", sa.BigInteger, nullable=False, server_default="0", comment="the key of the last record found"),
    number("found", sa.BigInteger),
    text("trouble", ""),
)
sa.Index("ix_export_job_organisation", export_job.c.organisation)

export_file: Final = sa.Table(
    "export_file",
    hub,
    sa.Column("job", sa.ForeignKey("export_job.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("no", sa.Integer, primary_key=True),
    text("type"),
    json("records", Strings),
)
