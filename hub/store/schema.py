"""The tables of the hub, and of its audit. What they mean is in `model.py`; how they came to be, in
`migrations/`.

Content is ciphertext, exact identifiers are keyed hashes. Keys of rows grow with time and stay inside. What
must be unique is unique here, by an index, and not by looking first: versions of a record, source keys,
received messages, identity links, waiting deliveries, deliveries in flight, token ids (docs/guarantees.md).
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from hub.store.columns import Instant, Json, Word, key
from hub.store.model import DeliveryState, LinkState, StoredLabels

Strings = tuple[str, ...]
Object = dict[str, Any]
Wraps = tuple[tuple[str, bytes], ...]

hub: Final = sa.MetaData()
audit: Final = sa.MetaData()


def _text(name: str, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=default)


def _at(name: str) -> sa.Column[Any]:
    return sa.Column(name, Instant, nullable=False)


def _json(name: str, shape: Any) -> sa.Column[Any]:
    return sa.Column(name, Json(shape), nullable=False)


def _sealed(*, nullable: bool = False) -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("nonce", sa.LargeBinary, nullable=nullable),
        sa.Column("ciphertext", sa.LargeBinary, nullable=nullable),
        sa.Column("wraps", Json(Wraps), nullable=nullable),
    )


record: Final = sa.Table(
    "record",
    hub,
    key(),
    sa.Column("reference", sa.Text, nullable=False, unique=True),
    _text("type"),
    sa.Column("version", sa.Integer, nullable=False),
    _at("at"),
    _text("digest"),
    sa.Column("deleted", sa.Boolean, nullable=False),
    _text("contributor"),
    sa.Column("client", sa.Text, comment="where the record is about exactly one"),
    _json("clients", Strings),
    sa.Column("confidentiality", sa.SmallInteger, nullable=False, comment="rank"),
    sa.Column("sensitivity_mask", sa.BigInteger, nullable=False),
    sa.Column("area_mask", sa.BigInteger, nullable=False),
    _json("sensitivity", Strings),
    _json("areas", Strings),
)
sa.Index("ix_record_client", record.c.client, record.c.type)
sa.Index("ix_record_type", record.c.type)

record_version: Final = sa.Table(
    "record_version",
    hub,
    key(),
    sa.Column("record", sa.ForeignKey("record.key", ondelete="CASCADE"), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    _at("at"),
    _text("digest"),
    sa.Column("deleted", sa.Boolean, nullable=False),
    _text("contributor"),
    sa.Column("source", sa.Text),
    sa.Column("author", sa.Text),
    _json("clients", Strings),
    _json("labels", StoredLabels),
    *_sealed(),
    sa.UniqueConstraint("record", "version", name="uq_record_version"),
)

record_client: Final = sa.Table(
    "record_client",
    hub,
    sa.Column("client", sa.Text, primary_key=True),
    sa.Column("record", sa.ForeignKey("record.key", ondelete="CASCADE"), primary_key=True),
)
sa.Index("ix_record_client_record", record_client.c.record)

record_index: Final = sa.Table(
    "record_index",
    hub,
    key(),
    sa.Column("record", sa.ForeignKey("record.key", ondelete="CASCADE"), nullable=False),
    *(_text(name) for name in ("type", "param", "kind", "system", "value", "start", "end")),
)
sa.Index("ix_record_index_record", record_index.c.record)
sa.Index("ix_record_index_value", record_index.c.value, record_index.c.param, record_index.c.type)

source_key: Final = sa.Table(
    "source_key",
    hub,
    sa.Column("organisation", sa.Text, primary_key=True),
    sa.Column("key_hash", sa.Text, primary_key=True),
    _text("reference"),
)

identity_link: Final = sa.Table(
    "identity_link",
    hub,
    key(),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    *(_text(name) for name in ("organisation", "system", "value", "client")),
    sa.Column("state", Word(LinkState), nullable=False),
    sa.Column("suspect", sa.Text),
    _text("why", ""),
    *_sealed(nullable=True),
    sa.UniqueConstraint("organisation", "system", "value", name="uq_identity_link"),
)
sa.Index("ix_identity_link_value", identity_link.c.value)
sa.Index("ix_identity_link_client", identity_link.c.client)

received: Final = sa.Table(
    "received",
    hub,
    key(),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    *(_text(name) for name in ("organisation", "adapter", "format", "message_id", "sha256")),
    sa.Column("size", sa.BigInteger, nullable=False),
    _at("at"),
    *_sealed(),
    _text("outcome"),
    _text("mapping"),
    _json("report", Object),
    _json("clients", Strings),
    sa.UniqueConstraint("organisation", "message_id", "adapter", "sha256", name="uq_received"),
)

outbox: Final = sa.Table(
    "outbox",
    hub,
    key(),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    _text("kind"),
    _text("client"),
    _json("detail", Object),
    _at("at"),
    sa.Column("leased_until", Instant),
    sa.Column("attempts", sa.Integer, nullable=False),
)

delivery: Final = sa.Table(
    "delivery",
    hub,
    key(),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    *(_text(name) for name in ("organisation", "adapter", "item", "direction", "client")),
    sa.Column("state", Word(DeliveryState), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    _at("next_at"),
    _at("created"),
    _at("updated"),
    *(_text(name) for name in ("cause", "version")),
    _json("areas", Strings),
    _text("basis"),
    _json("because", Strings),
    _text("outcome"),
    _text("destination"),
    _json("withheld", tuple[Object, ...]),
    _text("idempotency_key"),
    _text("sha256"),
    sa.Column("size", sa.BigInteger, nullable=False),
    _json("detail", Object),
)

PENDING: Final = sa.text("state = 'pending'")
FRESH: Final = sa.text("state = 'pending' AND attempts = 0")
SENDING: Final = sa.text("state = 'sending'")
OPEN: Final = sa.text("state IN ('pending', 'sending')")


def _partial(name: str, *columns: Any, where: sa.TextClause, unique: bool = False) -> sa.Index:
    return sa.Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


_d = delivery.c
_partial(
    "uq_delivery_waiting",
    _d.organisation,
    _d.client,
    _d.item,
    _d.adapter,
    _d.direction,
    where=FRESH,
    unique=True,
)
_partial("uq_delivery_in_flight", _d.organisation, _d.client, where=SENDING, unique=True)
_partial("ix_delivery_open", _d.key, where=OPEN)
_partial("ix_delivery_lane", _d.organisation, _d.client, _d.key, where=OPEN)
_partial("ix_delivery_next", _d.next_at, where=OPEN)
sa.Index("ix_delivery_client", _d.client)

holding: Final = sa.Table(
    "holding",
    hub,
    key(),
    *(_text(name) for name in ("organisation", "item", "client")),
    sa.Column("version", sa.Integer, nullable=False),
    _text("digest"),
    _at("at"),
    _json("areas", Strings),
    _json("records", Strings),
    _json("because", Strings),
    _text("delivery"),
    sa.UniqueConstraint("client", "organisation", "item", "version", name="uq_holding"),
)

organisation: Final = sa.Table(
    "organisation",
    hub,
    sa.Column("id", sa.Text, primary_key=True),
    _json("resource", Object),
    _json("configuration", Object),
    *_sealed(nullable=True),
    sa.Column("active", sa.Boolean, nullable=False),
)

client_key: Final = sa.Table(
    "client_key",
    hub,
    sa.Column("client", sa.Text, primary_key=True),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
)

meta: Final = sa.Table("meta", hub, sa.Column("name", sa.Text, primary_key=True), _text("value"))

used_token: Final = sa.Table(
    "used_token",
    hub,
    sa.Column("organisation", sa.Text, primary_key=True),
    sa.Column("jti", sa.Text, primary_key=True),
    _at("until"),
)
sa.Index("ix_used_token_until", used_token.c.until)

audit_entry: Final = sa.Table(
    "audit_entry",
    audit,
    key(),
    _text("file"),
    sa.Column("seq", sa.BigInteger, nullable=False),
    _text("hash"),
    _json("body", Object),
    _json("event", Object),
    sa.UniqueConstraint("file", "seq", name="uq_audit_entry"),
)

audit_client: Final = sa.Table(
    "audit_client",
    audit,
    sa.Column("client", sa.Text, primary_key=True),
    sa.Column("entry", sa.ForeignKey("audit_entry.key", ondelete="CASCADE"), primary_key=True),
)
sa.Index("ix_audit_client_entry", audit_client.c.entry)
