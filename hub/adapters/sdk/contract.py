"""The contract between the hub and an adapter: bytes in, bytes out, and an honest word about each.

An adapter knows one kind of counterpart (its protocol, its framing, its manners). It knows nothing of
consent, mappings or the record: what comes in is handed on as bytes with a message identity, what goes out
arrives decided, redacted and mapped. `docs/adapters.md` shows how to write one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Received:
    """One message or file as it came in, verbatim.

    `message_id` is the sender's own identity of it (MSH-10, Bundle.identifier; a file's is its digest, so
    that a renamed file is the same piece); the hub takes the same (organisation, message_id, content) once in
    effect. `encoding` is the configured or declared character set.
    """

    body: bytes
    format: str
    """`cda`, `hl7v2`, `tabular` or `fhir`; `broken` for bytes that never were whole (see `broken`)."""
    message_id: str
    name: str
    """What places in error messages name: a file name or message id; never a person."""
    encoding: str | None = None
    authority: str | None = None
    """The counterpart's own name in the message (MSH-3/MSH-4), to be held against the configuration."""
    broken: str = ""
    """Why this piece is not whole (a frame cut off, two messages in one frame): keep it and report it as
    rejected, never read it. Its `format` is `broken`, so that whoever overlooks this finds no reader for it.
    """


@dataclass(frozen=True, slots=True)
class Answer:
    """What the hub says to one Received: `taken` only after it is durably stored.

    `accepted` = stored and understood; `partly` = stored, some of it not understood (places listed);
    `rejected` = the content is wrong (kept, reported); `failed` = the hub cannot take it now: send it again.
    `note` names places and rules, never a person.
    """

    outcome: Literal["accepted", "partly", "rejected", "failed"]
    note: str = ""
    places: tuple[str, ...] = ()
    received: str | None = None


Take = Callable[[Received], Answer]
"""The hub's hand: takes one Received, answers when it is durable."""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """The narrowest question: this client, by the number the counterpart itself gave (or a national one)."""

    item: str
    """`summary` (IPS `$summary`), `social-summary`, ..."""
    identifiers: tuple[tuple[str, str], ...]
    """(system, value) pairs the counterpart may know the client by, its own number first."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One item on its way out: decided, redacted, mapped; `key` is the same for every attempt at it."""

    key: str
    item: str
    """`plan`, `discharge-report`, `summary`, `revocation-notice`."""
    version: str
    media_type: str
    """`application/fhir+json` or `text/csv`."""
    body: bytes
    name: str
    """A file name without personal data, for counterparts that receive files."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The counterpart's answer to one Parcel: it took it, and what it said (status, no content)."""

    outcome: Literal["delivered", "duplicate"]
    said: str = ""
    destination: str = ""
    """Where it went, as an operator would say it: a URL without a query, a file name."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `check`: what was looked at, whether it is well, what to do where it is not."""

    what: str
    well: bool
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Connection:
    """One adapter entry of an organisation, ready to use."""

    organisation: str
    """The organisation's id (`homecare`)."""
    adapter: str
    directions: frozenset[str]
    config: dict[str, object] = field(default_factory=dict)
    encoding: str | None = None


class Listening(Protocol):
    """A running listener: where it listens, and how to stop it."""

    @property
    def address(self) -> tuple[str, int]: ...

    def stop(self) -> None: ...


class Adapter(Protocol):
    """One kind of counterpart. Raises only CounterpartRefused, CounterpartUnreachable, ConfigurationError."""

    def check(self, connection: Connection) -> list[Finding]:
        """Look at the counterpart without changing anything there."""
        ...

    def pull(self, connection: Connection, request: PullRequest | None) -> Iterable[Received]:
        """Fetch what was asked, or (request None) whatever waits in a drop folder; one Received a piece.

        The generator form lets the caller answer: `for received in pull(...)`; for folders the adapter
        exposes `settle(connection, received, answer)` to move the file to `done/` or `error/` afterwards.
        """
        ...

    def settle(self, connection: Connection, received: Received, answer: Answer) -> None:
        """Tell the source how its piece was taken (move the file, write its report); nothing for others."""
        ...

    def push(self, connection: Connection, parcel: Parcel) -> Receipt:
        """Hand one parcel over; returns only when the counterpart has it. Safe to repeat with one key."""
        ...

    def listen(self, connection: Connection, take: Take) -> Listening | None:
        """Start listening where the counterpart calls us; None for adapters that never listen."""
        ...
