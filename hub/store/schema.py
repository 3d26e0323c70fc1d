"""The tables of the hub, and of its audit. What they mean is in `model.py`; how they came to be, in
`migrations/`.

Content is ciphertext, exact identifiers are keyed hashes. Keys of rows grow with time and stay inside. What
must be unique is unique here, by an index, and not by looking first: versions of a record, source keys,
received messages, identity links, waiting deliveries, deliveries in flight, token ids (docs/guarantees.md).
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from hub.store.columns import Exact, Instant, Word, at, exact, json, key, number, sealed, text
from hub.store.model import DeliveryState, LinkState, StoredLabels

Strings = tuple[str, ...]
Object = dict[str, Any]

hub: Final = sa.MetaData()
audit: Final = sa.MetaData()


def _own() -> tuple[sa.Column[Any], ...]:
    """The labels that a record has beyond those of its parts (facet 0)."""
    wide = (number(name, sa.BigInteger) for name in ("own_sensitivity", "own_areas"))
    return (number("own_confidentiality", sa.SmallInteger), *wide)


def _partial(name: str, *columns: Any, where: sa.TextClause, unique: bool = False) -> sa.Index:
    return sa.Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


record: Final = sa.Table(
    "record",
    hub,
    key(),
    sa.Column("reference", Exact, nullable=False, unique=True),
    text("type"),
    sa.Column("version", sa.Integer, nullable=False),
    at("at"),
    at("first_at", "1970-01-01 00:00:00.000000"),
    text("digest"),
    sa.Column("deleted", sa.Boolean, nullable=False),
    text("contributor"),
    sa.Column("author", sa.Text),
    sa.Column("owner", sa.Text, comment="the organisation whose own words the current version is"),
    sa.Column("client", sa.Text, comment="where the record is about exactly one"),
    number("client_count", sa.SmallInteger),
    json("clients", Strings),
    sa.Column("confidentiality", sa.SmallInteger, nullable=False, comment="rank"),
    sa.Column("sensitivity_mask", sa.BigInteger, nullable=False),
    sa.Column("area_mask", sa.BigInteger, nullable=False),
    json("sensitivity", Strings),
    json("areas", Strings),
    *_own(),
    sa.Column("container", sa.Boolean, nullable=False, server_default=sa.false()),
)
sa.Index("ix_record_client", record.c.client, record.c.type)
sa.Index("ix_record_type", record.c.type, record.c.deleted, record.c.reference)
sa.Index("ix_record_at", record.c.type, record.c.at)
sa.Index("ix_record_owner", record.c.owner, record.c.type)
_partial("ix_record_unclaimed", record.c.type, where=sa.text("client_count = 0"))

record_version: Final = sa.Table(
    "record_version",
    hub,
    key(),
    sa.Column("record", sa.ForeignKey("record.key", ondelete="CASCADE"), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    at("at"),
    text("digest"),
    sa.Column("deleted", sa.Boolean, nullable=False),
    text("contributor"),
    sa.Column("source", sa.Text),
    sa.Column("author", sa.Text),
    json("clients", Strings),
    json("labels", StoredLabels),
    *sealed(),
    *_own(),
    sa.UniqueConstraint("record", "version", name="uq_record_version"),
)
sa.Index("ix_record_version_at", record_version.c.at)

record_part: Final = sa.Table(
    "record_part",
    hub,
    sa.Column("record", sa.ForeignKey("record.key", ondelete="CASCADE"), primary_key=True),
    sa.Column("no", sa.Integer, primary_key=True, comment="from 1 on; -1 is the prose of the record"),
    exact("refers_to", ""),
    sa.Column("confidentiality", sa.SmallInteger, nullable=False, comment="rank"),
    sa.Column("sensitivity", sa.BigInteger, nullable=False),
    sa.Column("areas", sa.BigInteger, nullable=False),
    sa.Column("type", sa.Text, nullable=False, server_default="", comment="of the resource inside that it is of"),
)

sa.Index("ix_record_part_refers_to", record_part.c.refers_to)

record_part_above: Final = sa.Table(
    "record_part_above",
    hub,
    sa.Column("record", sa.ForeignKey("record.key", ondelete="CASCADE"), primary_key=True),
    sa.Column("no", sa.Integer, primary_key=True),
    sa.Column("above", sa.Integer, primary_key=True),
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
    *(text(name) for name in ("type", "param", "kind")),
    *(exact(name) for name in ("system", "value", "start", "end")),
    sa.Column("low", sa.Double),
    sa.Column("high", sa.Double),
    exact("id", ""),
    number("part", sa.Integer),
    exact("target", ""),
    text("element", ""),
    sa.Column("prose", sa.Boolean, nullable=False, server_default=sa.false()),
    number("tie", sa.Integer),
)

_i = record_index.c
DATED: Final = sa.text("start <> ''")
MEASURED: Final = sa.text("low IS NOT NULL")
POINTING: Final = sa.text("target <> ''")
VALUED: Final = sa.text("value <> ''")
"""What the partial indexes hold. A statement that is to use one says so in the same words."""

sa.Index("ix_record_index_record", _i.record, _i.param)
_partial("ix_record_index_value", _i.type, _i.param, _i.value, _i.id, _i.record, where=VALUED)
for _name, _where in (("start", DATED), ("end", DATED), ("low", MEASURED), ("high", MEASURED)):
    _partial(f"ix_record_index_{_name}", _i.type, _i.param, _i[_name], _i.record, where=_where)
_partial("ix_record_index_target", _i.target, where=POINTING)


source_key: Final = sa.Table(
    "source_key",
    hub,
    sa.Column("organisation", sa.Text, primary_key=True),
    sa.Column("key_hash", sa.Text, primary_key=True),
    text("reference"),
)

identity_link: Final = sa.Table(
    "identity_link",
    hub,
    key(),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    *(text(name) for name in ("organisation", "system", "value", "client")),
    sa.Column("state", Word(LinkState), nullable=False),
    sa.Column("suspect", sa.Text),
    text("why", ""),
    *sealed(nullable=True),
    sa.UniqueConstraint("organisation", "system", "value", name="uq_identity_link"),
)
sa.Index("ix_identity_link_value", identity_link.c.value)
sa.Index("ix_identity_link_client", identity_link.c.client)

received: Final = sa.Table(
    "received",
    hub,
    key(),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    *(text(name) for name in ("organisation", "adapter", "format", "message_id", "sha256")),
    sa.Column("size", sa.BigInteger, nullable=False),
    at("at"),
    *sealed(),
    text("outcome"),
    text("mapping"),
    json("report", Object),
    json("clients", Strings),
    sa.UniqueConstraint("organisation", "message_id", "adapter", "sha256", name="uq_received"),
)

outbox: Final = sa.Table(
    "outbox",
    hub,
    key(),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    text("kind"),
    text("client"),
    json("detail", Object),
    at("at"),
    sa.Column("leased_until", Instant),
    sa.Column("attempts", sa.Integer, nullable=False),
)

delivery: Final = sa.Table(
    "delivery",
    hub,
    key(),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    *(text(name) for name in ("organisation", "adapter", "item", "direction", "client")),
    sa.Column("state", Word(DeliveryState), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    at("next_at"),
    at("created"),
    at("updated"),
    *(text(name) for name in ("cause", "version")),
    json("areas", Strings),
    text("basis"),
    json("because", Strings),
    text("outcome"),
    text("destination"),
    json("withheld", tuple[Object, ...]),
    text("idempotency_key"),
    text("sha256"),
    sa.Column("size", sa.BigInteger, nullable=False),
    json("detail", Object),
)

PENDING: Final = sa.text("state = 'pending'")
FRESH: Final = sa.text("state = 'pending' AND attempts = 0")
SENDING: Final = sa.text("state = 'sending'")
OPEN: Final = sa.text("state IN ('pending', 'sending')")


_d = delivery.c
_lane = (_d.organisation, _d.client)
_partial("uq_delivery_waiting", *_lane, _d.item, _d.adapter, _d.direction, where=FRESH, unique=True)
_partial("uq_delivery_in_flight", _d.organisation, _d.client, where=SENDING, unique=True)
_partial("ix_delivery_open", _d.key, where=OPEN)
_partial("ix_delivery_lane", _d.organisation, _d.client, _d.key, where=OPEN)
_partial("ix_delivery_next", _d.next_at, where=OPEN)
sa.Index("ix_delivery_client", _d.client)

holding: Final = sa.Table(
    "holding",
    hub,
    key(),
    *(text(name) for name in ("organisation", "item", "client")),
    sa.Column("version", sa.Integer, nullable=False),
    text("digest"),
    at("at"),
    json("areas", Strings),
    json("records", Strings),
    json("because", Strings),
    text("delivery"),
    sa.UniqueConstraint("client", "organisation", "item", "version", name="uq_holding"),
)

organisation: Final = sa.Table(
    "organisation",
    hub,
    sa.Column("id", sa.Text, primary_key=True),
    json("resource", Object),
    json("configuration", Object),
    *sealed(nullable=True),
    sa.Column("active", sa.Boolean, nullable=False),
)

client_key: Final = sa.Table(
    "client_key",
    hub,
    sa.Column("client", sa.Text, primary_key=True),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
)

meta: Final = sa.Table("meta", hub, sa.Column("name", sa.Text, primary_key=True), text("value"))

used_token: Final = sa.Table(
    "used_token",
    hub,
    sa.Column("organisation", sa.Text, primary_key=True),
    sa.Column("jti", sa.Text, primary_key=True),
    at("until"),
)
sa.Index("ix_used_token_until", used_token.c.until)

audit_entry: Final = sa.Table(
    "audit_entry",
    audit,
    key(),
    text("file"),
    sa.Column("seq", sa.BigInteger, nullable=False),
    text("hash"),
    json("body", Object),
    json("event", Object),
    sa.UniqueConstraint("file", "seq", name="uq_audit_entry"),
)

audit_client: Final = sa.Table(
    "audit_client",
    audit,
    sa.Column("client", sa.Text, primary_key=True),
    sa.Column("entry", sa.ForeignKey("audit_entry.key", ondelete="CASCADE"), primary_key=True),
)
sa.Index("ix_audit_client_entry", audit_client.c.entry)
