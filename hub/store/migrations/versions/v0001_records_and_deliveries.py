"""Records, identity links, what came in, outbox, deliveries, holdings, organisations, keys, tokens."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AT = sa.DateTime(timezone=True)
_SEALED = (("nonce", sa.LargeBinary()), ("ciphertext", sa.LargeBinary()), ("wraps", sa.Text()))


def _key() -> sa.Column[Any]:
    return sa.Column("key", _KEY, primary_key=True, autoincrement=True)


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _sealed(*, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=nullable) for name, kind in _SEALED]


def _of_record(*, primary_key: bool = False) -> sa.Column[Any]:
    target = sa.ForeignKey("record.key", ondelete="CASCADE")
    return sa.Column("record", _KEY, target, nullable=False, primary_key=primary_key)


def _partial(name: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, "delivery", columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def upgrade() -> None:
    """Create the tables."""
    _records()
    _people()
    _exchange()
    op.create_table("meta", sa.Column("name", sa.Text(), primary_key=True), *_texts("value"))


def _records() -> None:
    op.create_table(
        "record",
        _key(),
        sa.Column("reference", sa.Text(), nullable=False, unique=True),
        *_texts("type"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", _AT, nullable=False),
        *_texts("digest"),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        *_texts("contributor"),
        sa.Column("client", sa.Text(), comment="where the record is about exactly one"),
        *_texts("clients"),
        sa.Column("confidentiality", sa.SmallInteger(), nullable=False, comment="rank"),
        sa.Column("sensitivity_mask", sa.BigInteger(), nullable=False),
        sa.Column("area_mask", sa.BigInteger(), nullable=False),
        *_texts("sensitivity", "areas"),
    )
    op.create_index("ix_record_client", "record", ["client", "type"])
    op.create_index("ix_record_type", "record", ["type"])
    op.create_table(
        "record_version",
        _key(),
        _of_record(),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", _AT, nullable=False),
        *_texts("digest"),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        *_texts("contributor"),
        sa.Column("source", sa.Text()),
        sa.Column("author", sa.Text()),
        *_texts("clients", "labels"),
        *_sealed(),
        sa.UniqueConstraint("record", "version", name="uq_record_version"),
    )
    op.create_table("record_client", sa.Column("client", sa.Text(), primary_key=True), _of_record(primary_key=True))
    op.create_index("ix_record_client_record", "record_client", ["record"])
    op.create_table(
        "record_index",
        _key(),
        _of_record(),
        *_texts("type", "param", "kind", "system", "value", "start", "end"),
    )
    op.create_index("ix_record_index_record", "record_index", ["record"])
    op.create_index("ix_record_index_value", "record_index", ["value", "param", "type"])
    op.create_table(
        "source_key",
        sa.Column("organisation", sa.Text(), primary_key=True),
        sa.Column("key_hash", sa.Text(), primary_key=True),
        *_texts("reference"),
    )


def _people() -> None:
    op.create_table(
        "identity_link",
        _key(),
        sa.Column("id", sa.Text(), nullable=False, unique=True),
        *_texts("organisation", "system", "value", "client", "state"),
        sa.Column("suspect", sa.Text()),
        sa.Column("why", sa.Text(), nullable=False, server_default=""),
        *_sealed(nullable=True),
        sa.UniqueConstraint("organisation", "system", "value", name="uq_identity_link"),
    )
    op.create_index("ix_identity_link_value", "identity_link", ["value"])
    op.create_index("ix_identity_link_client", "identity_link", ["client"])
    op.create_table(
        "organisation",
        sa.Column("id", sa.Text(), primary_key=True),
        *_texts("resource", "configuration"),
        *_sealed(nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "client_key",
        sa.Column("client", sa.Text(), primary_key=True),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "used_token",
        sa.Column("organisation", sa.Text(), primary_key=True),
        sa.Column("jti", sa.Text(), primary_key=True),
        sa.Column("until", _AT, nullable=False),
    )
    op.create_index("ix_used_token_until", "used_token", ["until"])


def _exchange() -> None:
    op.create_table(
        "received",
        _key(),
        sa.Column("id", sa.Text(), nullable=False, unique=True),
        *_texts("organisation", "adapter", "format", "message_id", "sha256"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", _AT, nullable=False),
        *_sealed(),
        *_texts("outcome", "mapping", "report", "clients"),
        sa.UniqueConstraint("organisation", "message_id", "adapter", "sha256", name="uq_received"),
    )
    op.create_table(
        "outbox",
        _key(),
        sa.Column("id", sa.Text(), nullable=False, unique=True),
        *_texts("kind", "client", "detail"),
        sa.Column("at", _AT, nullable=False),
        sa.Column("leased_until", _AT),
        sa.Column("attempts", sa.Integer(), nullable=False),
    )
    op.create_table(
        "delivery",
        _key(),
        sa.Column("id", sa.Text(), nullable=False, unique=True),
        *_texts("organisation", "adapter", "item", "direction", "client", "state"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        *(sa.Column(name, _AT, nullable=False) for name in ("next_at", "created", "updated")),
        *_texts("cause", "version", "areas", "basis", "because", "outcome", "destination", "withheld"),
        *_texts("idempotency_key", "sha256"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        *_texts("detail"),
    )
    waiting, opened = "state = 'pending' AND attempts = 0", "state IN ('pending', 'sending')"
    lane = ["organisation", "client"]
    _partial("uq_delivery_waiting", [*lane, "item", "adapter", "direction"], waiting, unique=True)
    _partial("uq_delivery_in_flight", lane, "state = 'sending'", unique=True)
    _partial("ix_delivery_open", ["key"], opened)
    _partial("ix_delivery_lane", [*lane, "key"], opened)
    _partial("ix_delivery_next", ["next_at"], opened)
    op.create_index("ix_delivery_client", "delivery", ["client"])
    op.create_table(
        "holding",
        _key(),
        *_texts("organisation", "item", "client"),
        sa.Column("version", sa.Integer(), nullable=False),
        *_texts("digest"),
        sa.Column("at", _AT, nullable=False),
        *_texts("areas", "records", "because", "delivery"),
        sa.UniqueConstraint("client", "organisation", "item", "version", name="uq_holding"),
    )
