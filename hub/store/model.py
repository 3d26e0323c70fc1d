"""What the store hands out and takes in: sealed records, links, outbox, deliveries, holdings, organisations.

Nothing here can be read without the keyring: content is ciphertext, exact identifiers are keyed hashes. The
store opens nothing; `exchange.disclose` (for others) and `exchange.internal` (for the hub's own work) do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final


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

    `kind`: token, reference, string, date, number, quantity, uri, near. Dates carry `start`/`end` (ISO 8601 UTC
    text), numbers and quantities `low`/`high`, a place `low` (latitude) and `high` (longitude), others `value`;
    a string has its text as written in `system`. Who sees the row follows from the last five.
    """

    param: str
    kind: str
    system: str = ""
    value: str = ""
    start: str = ""
    end: str = ""
    low: float | None = None
    high: float | None = None
    part: int = 0
    """The part of the record that the value is of; 0 is the record itself."""
    target: str = ""
    """What the innermost Reference around the value points to."""
    element: str = ""
    """The top-level element that the value is in."""
    prose: bool = False
    """Whether the value is free text that may speak of any part."""
    tie: int = 0
    """Rows of one composite value have the same tie; 0 elsewhere."""


@dataclass(frozen=True, slots=True)
class StoredFacet:
    """Labels as numbers: the rank of the confidentiality, the bits of sensitivities and of areas."""

    confidentiality: int
    sensitivity: int
    areas: int


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part of a record with labels of its own: `no` from 1 on, -1 for its prose; `above` are all it is within."""

    no: int
    refers_to: str
    facet: StoredFacet
    above: tuple[int, ...] = ()
    type: str = ""
    """The type of the resource inside that the part is of, where it is not the record's (an entry of a Bundle)."""


SEVERAL: Final = ""
"""The author of a version that is made of what several organisations know."""


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
    own: StoredFacet | None = None
    """The labels beyond those of the parts; None where nobody took them apart: then all of them."""
    parts: tuple[StoredPart, ...] = ()
    container: bool = False
    """Whether its parts are records of their own (a document, a transaction, a message)."""


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
class Standing:
    """The current version of a record without its content. Nonces are never used twice: one names a sealed version."""

    reference: str
    version: int
    nonce: bytes
    clients: tuple[str, ...]
    labels: StoredLabels
    contributor: str
    author: str | None


def own_words_of(record: RecordDraft | SealedRecord | Standing) -> str | None:
    """The organisation whose own words a version is; None where several organisations made it."""
    return record.contributor if record.author is None else record.author or None


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
