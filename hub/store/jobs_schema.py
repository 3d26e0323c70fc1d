"""The tables of the work that the index needs: jobs that rebuild it, and search parameters of this hub's own."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from hub.store.columns import Word, at, json, text
from hub.store.jobs_model import JobState
from hub.store.schema import Object, Strings, hub

index_job: Final = sa.Table(
    "index_job",
    hub,
    sa.Column("name", sa.Text, primary_key=True),
    text("digest"),
    json("types", Strings),
    sa.Column("cursor", sa.BigInteger, nullable=False, comment="the key of the last record that was worked on"),
    sa.Column("done", sa.BigInteger, nullable=False),
    sa.Column("state", Word(JobState), nullable=False),
    at("started"),
    at("updated"),
)

search_parameter: Final = sa.Table(
    "search_parameter",
    hub,
    sa.Column("url", sa.Text, primary_key=True),
    sa.Column("code", sa.Text, nullable=False, unique=True),
    json("resource", Object),
)
