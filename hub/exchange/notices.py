"""Tell the holder of old data: what the client no longer shares, of what this organisation was given before.

The whole history of what an organisation was given counts, not only the latest version: a newer plan without finance
does not unsay the older one that had it. What was told is remembered, so each loss is told once (GDPR 19).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.fhir import codes, text
from hub.fhir.value import Reference, Resource
from hub.store.model import Holding

HANDED = "handed:"
"""The item under which it is remembered what was on its way to an organisation, before its answer."""

NOTICE = "notice:"
"""The item under which it is remembered what a holder was told about."""


@dataclass(frozen=True, slots=True)
class Held:
    """What an organisation has of one item: the last version it confirmed, and what it may have taken since.

    An attempt whose answer was lost may have arrived, so what was handed over counts until something newer is
    confirmed.
    """

    last: Holding | None
    handed: tuple[Holding, ...]
    attempts: int

    @property
    def records(self) -> frozenset[str]:
        """`Type/id|version` of everything that may be there."""
        rows = (*self.handed, self.last) if self.last else self.handed
        return frozenset(record for row in rows for record in row.records)

    def has(self, digest: str) -> bool:
        """Whether this content is what the organisation surely holds now."""
        return self.last is not None and self.last.digest == digest and not self.handed

    def was_handed(self, digest: str) -> bool:
        """Whether it is written down that this content was on its way."""
        return bool(self.handed) and self.handed[-1].digest == digest


def held(history: Sequence[Holding], item: str) -> Held:
    """What an organisation has of an item, by its history (oldest first)."""
    last: Holding | None = None
    handed: list[Holding] = []
    attempts = 0
    for row in history:
        if row.item == item:
            last, handed = row, []
        elif row.item == f"{HANDED}{item}":
            handed.append(row)
            attempts = row.version
    return Held(last, tuple(handed), attempts)


@dataclass(frozen=True, slots=True)
class Loss:
    """Areas of one item that an organisation holds and may not see any more; `version` is the last that had them."""

    item: str
    areas: tuple[str, ...]
    version: int
    records: tuple[str, ...]


def losses(history: Sequence[Holding], denied: frozenset[str]) -> list[Loss]:
    """What of this history (oldest first, one organisation and client) is denied today and was not told yet."""
    held: dict[str, dict[str, Holding]] = {}
    for row in history:
        if row.item.startswith(NOTICE):
            for area in row.areas:
                held.get(row.item.removeprefix(NOTICE), {}).pop(area, None)
        else:
            held.setdefault(row.item.removeprefix(HANDED), {}).update(dict.fromkeys(row.areas, row))
    found = []
    for item, areas in held.items():
        lost = [area for area in codes.AREAS if area in areas and area in denied]
        if lost:
            last = max((areas[area] for area in lost), key=lambda row: row.version)
            found.append(Loss(item, tuple(lost), last.version, last.records))
    return found


def notice_bundle(
    lost: Iterable[Loss], *, client: Reference, organisation: str, at: datetime, delivery: str
) -> tuple[Resource, str]:
    """The transaction Bundle with one Communication for each item, without identifier, and its digest."""
    notices = [_communication(loss, client, organisation, at, delivery) for loss in lost]
    bundle: Resource = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": f"urn:uuid:{n['id']}",
                "resource": n,
                "request": {"method": "PUT", "url": f"Communication/{n['id']}"},
            }
            for n in notices
        ],
    }
    return bundle, text.digest(bundle)


def told(lost: Loss, *, organisation: str, client: Reference, number: int, at: datetime, delivery: str) -> Holding:
    """What is remembered once the holder took the notice."""
    return Holding(
        organisation=organisation,
        item=f"{NOTICE}{lost.item}",
        client=client,
        version=number,
        digest="",
        at=at,
        areas=lost.areas,
        records=lost.records,
        because=(f"held {lost.item} version {lost.version}",),
        delivery=delivery,
    )


def _communication(lost: Loss, client: Reference, organisation: str, at: datetime, delivery: str) -> Resource:
    """It names nothing but areas and versions that this holder was given before."""
    listed = ", ".join(lost.areas)
    said = (
        f"The client no longer shares with you: {listed}. You hold version {lost.version} of `{lost.item}`. "
        "Please stop using these parts and delete or block them."
    )
    return {
        "resourceType": "Communication",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{delivery}|{lost.item}|{lost.version}|{listed}")),
        "status": "completed",
        "category": [{"coding": [{"system": f"{codes.HUB}/CodeSystem/notice", "code": "revocation"}]}],
        "priority": "urgent",
        "subject": {"reference": client},
        "recipient": [{"reference": f"Organization/{organisation}"}],
        "sent": at.isoformat(timespec="seconds"),
        "reasonCode": [{"coding": [{"system": codes.CARE_AREA, "code": area}]} for area in lost.areas],
        "payload": [{"contentString": said}],
    }
