"""What the store hands out and takes in: sealed records, links, outbox, deliveries, holdings, organisations.

Nothing here can be read without the keyring: content is ciphertext, exact identifiers are keyed hashes. The
store opens nothing; `exchange.disclose` (for others) and `exchange.internal` (for the hub's own work) do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class SealedContent:
    """Ciphertext under a data key of its own, which is wrapped once for each client (or for the hub)."""

    nonce: bytes
    ciphertext: bytes
    wraps: tuple[tuple[str, bytes], ...]
    """(client reference or `hub`, wrapped data key)."""


@dataclass(frozen=True, slots=True)
class StoredLabels:
    """Labels in the clear, beside the sealed content; `because` is [rule, gave, because] triples."""

    confidentiality: str
    sensitivity: tuple[str, ...]
    areas: tuple[str, ...]
    rule_set: str
    because: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One search value of one record. Exact identifiers come as keyed hashes in `value`.

    `kind`: token, reference, string, date. Dates carry `start`/`end` (ISO 8601 UTC text), others `value`.
    """

    param: str
    kind: str
    system: str = ""
    value: str = ""
    start: str = ""
    end: str = ""


@dataclass(frozen=True, slots=True)
class RecordDraft:
    """A new version of a record, sealed, on its way into the store."""

    type: str
    id: str
    version: int
    at: datetime
    content: SealedContent
    digest: str
    clients: tuple[str, ...]
    labels: StoredLabels
    contributor: str
    """The Organization reference whose system or user it came from."""
    source: str | None = None
    """The id of the Received it was made from."""
    index: tuple[IndexRow, ...] = ()
    deleted: bool = False
    author: str | None = None


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """One version of a record as the store holds it."""

    type: str
    id: str
    version: int
    at: datetime
    content: SealedContent
    digest: str
    clients: tuple[str, ...]
    labels: StoredLabels
    contributor: str
    source: str | None = None
    deleted: bool = False
    author: str | None = None

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}"


@dataclass(frozen=True, slots=True)
class Head:
    """The current version of a record, locked for the rest of the transaction."""

    version: int
    digest: str
    deleted: bool
    clients: tuple[str, ...]
    contributor: str


class LinkState(StrEnum):
    """Whether a client of an organisation is a client of the hub."""

    CONFIRMED = "confirmed"
    REVIEW = "review"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class IdentityLink:
    """Client `value` (keyed hash) of `system` at `organisation` is `client` of the hub.

    `suspect` is the other client this one may be, where the state is `review`; `sealed_value` is the plain
    number, sealed under the client's key, so that a pull can ask by it.
    """

    id: str
    organisation: str
    system: str
    value: str
    client: str
    state: LinkState
    suspect: str | None = None
    sealed_value: SealedContent | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class ReceivedEntry:
    """One message or file as it came in: kept verbatim (sealed), hashed, with what became of it."""

    id: str
    organisation: str
    adapter: str
    format: str
    message_id: str
    sha256: str
    size: int
    at: datetime
    content: SealedContent
    outcome: str = "taken"
    """taken | accepted | partly | rejected."""
    mapping: str = ""
    report: dict[str, Any] = field(default_factory=dict)
    """Places and rules: {"error", "residue": [...], "warnings": [...]} ; sealed text is not in it."""
    clients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One outbox row: something happened to a client; who is to hear of it is worked out on relay."""

    id: str
    kind: str
    """record-changed | consent-changed | collect | discharge."""
    client: str
    detail: dict[str, Any]
    at: datetime
    attempts: int = 0
    """How often it was claimed, this time included: what keeps failing can be set aside."""


class DeliveryState(StrEnum):
    """Where one delivery stands."""

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    WITHHELD = "withheld"
    """Decided at the moment of sending: nothing may go (or nothing changed)."""
    UNCHANGED = "unchanged"
    DEAD = "dead"
    """Given up after the last attempt; visible, with a reason; can be resent."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One item for one organisation about one client; content is decided when it is sent."""

    id: str
    organisation: str
    adapter: str
    item: str
    direction: str
    """push | pull | request (the organisation fetched it through the API) | answer (an acknowledgement)."""
    client: str
    state: DeliveryState
    attempts: int
    next_at: datetime
    created: datetime
    updated: datetime
    cause: str = ""
    version: str = ""
    areas: tuple[str, ...] = ()
    basis: str = ""
    because: tuple[str, ...] = ()
    outcome: str = ""
    destination: str = ""
    withheld: tuple[dict[str, Any], ...] = ()
    """What was left out and why: {"item": area or reference, "because": text}."""
    key: str = ""
    """The idempotency key that the counterpart sees; the same for every attempt."""
    sha256: str = ""
    size: int = 0
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Holding:
    """What an organisation was given and so holds: the version of an item, when, under what."""

    organisation: str
    item: str
    client: str
    version: int
    """Counts the distinct projections of this item that this organisation was given."""
    digest: str
    at: datetime
    areas: tuple[str, ...]
    records: tuple[str, ...]
    """`Type/id|version` of what went in."""
    because: tuple[str, ...]
    delivery: str


@dataclass(frozen=True, slots=True)
class OrganisationEntry:
    """One connected organisation: its public face and its (non-secret) configuration; secrets are sealed."""

    id: str
    resource: dict[str, Any]
    configuration: dict[str, Any]
    secrets: SealedContent | None = None
    active: bool = True
