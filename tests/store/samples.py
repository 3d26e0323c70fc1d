"""Small made-up values for the store: sealed bytes that nobody can open, and a clock that tests turn."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from hub.store.model import (
    Delivery,
    DeliveryState,
    Holding,
    IdentityLink,
    IndexRow,
    LinkState,
    OrganisationEntry,
    ReceivedEntry,
    RecordDraft,
    SealedContent,
    StoredLabels,
)

T = TypeVar("T")
NOON = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
LEASE = timedelta(seconds=30)
ANNA, BOHUS = "Patient/anna", "Patient/bohus"
WARD, HOME_CARE = "Organization/ward", "Organization/home-care"


@dataclass
class Clock:
    """A clock that stands until it is turned."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


@dataclass
class Ids:
    """Ids in a row."""

    count: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __call__(self) -> str:
        return f"id-{next(self.count)}"


def sealed(text: str = "ciphertext", *clients: str) -> SealedContent:
    wraps = tuple((client, b"\x00\xffwrapped for " + client.encode()) for client in clients or (ANNA,))
    return SealedContent(b"\x00nonce\xff", text.encode(), wraps)


def labels(*areas: str, confidentiality: str = "N", sensitivity: tuple[str, ...] = ()) -> StoredLabels:
    because = tuple((f"rule-{area}", area, "code") for area in areas)
    return StoredLabels(confidentiality, sensitivity, areas, "rules-1", because)


def draft(id: str = "c1", version: int = 1, **other: Any) -> RecordDraft:
    base = RecordDraft(
        type="Condition",
        id=id,
        version=version,
        at=NOON,
        content=sealed(f"{id} version {version}"),
        digest=f"digest-{version}",
        clients=(ANNA,),
        labels=labels("health"),
        contributor=WARD,
        index=(IndexRow("code", "token", "http://snomed.info/sct", f"code-{version}"),),
    )
    return replace(base, **other)


def link(id: str = "l1", **other: Any) -> IdentityLink:
    base = IdentityLink(id, WARD, "sid/client-number", "hash-1", ANNA, LinkState.CONFIRMED)
    return replace(base, **other)


def message(id: str = "r1", **other: Any) -> ReceivedEntry:
    base = ReceivedEntry(id, WARD, "hl7v2", "hl7v2", "MSG-1", "sha-1", 120, NOON, sealed("MSH"))
    return replace(base, **other)


def delivery(id: str = "d1", **other: Any) -> Delivery:
    base = Delivery(
        id=id,
        organisation=HOME_CARE,
        adapter="fhir_rest",
        item="summary",
        direction="request",
        client=ANNA,
        state=DeliveryState.DELIVERED,
        attempts=1,
        next_at=NOON,
        created=NOON,
        updated=NOON,
        areas=("health", "housing"),
        because=("Consent/c|1 provision.provision[0]",),
        withheld=({"item": "finance", "because": "default: deny"},),
        key="key-1",
        detail={"path": ["a", 1]},
    )
    return replace(base, **other)


def holding(version: int = 1, **other: Any) -> Holding:
    base = Holding(HOME_CARE, "plan", ANNA, version, "digest", NOON, ("health",), ("CarePlan/p|1",), ("why",), "d1")
    return replace(base, **other)


def organisation(id: str = "ward", **other: Any) -> OrganisationEntry:
    base = OrganisationEntry(id, {"resourceType": "Organization", "id": id}, {"adapters": ["hl7v2"]})
    return replace(base, **other)


def at_once(workers: int, work: Callable[[int], T]) -> list[T]:
    """Do `work(0..workers-1)` at the same time, each in a thread of its own."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, range(workers)))
