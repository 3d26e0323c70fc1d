"""What a case manager sees of a client's exchange: who holds what, what was withheld from whom and why, and when.

It leaves through the gate like everything else: records that the viewer may not see are neither named nor counted
here, not even as withheld from somebody else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from hub.consent.model import Basis
from hub.exchange.asker import Asker
from hub.exchange.disclose import Disclosure, Gate
from hub.exchange.organisations import Member, audience, members
from hub.exchange.vault import Vault
from hub.fhir import codes
from hub.fhir.references import references_of
from hub.fhir.value import Reference, Resource
from hub.store.model import Delivery, DeliveryState, SealedRecord
from hub.store.store import Store, Tx


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened, for the timeline. `kind`: received, collected, plan, consent, delivered, withheld,
    notice, fetched, answered, dead. `item` and `areas` are codes that the page translates; of a Consent, `detail`
    names whom it concerns, and `areas` are those it opens."""

    at: datetime
    kind: str
    organisation: str
    item: str
    areas: tuple[str, ...] = ()
    version: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one organisation holds of one item, under what."""

    item: str
    version: str
    areas: tuple[str, ...]
    basis: str
    because: tuple[str, ...]
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Left:
    """Something that did not go to an organisation: so many records of these areas, for this reason."""

    item: str
    areas: tuple[str, ...]
    records: int
    because: str


@dataclass(frozen=True, slots=True)
class Row:
    """One organisation: what it may see area by area, what it holds, what was withheld from it."""

    id: str
    name: str
    kind: str
    shared: frozenset[str]
    cells: tuple[Cell, ...]
    withheld: tuple[Left, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """The page of one client."""

    client: Reference
    name: str
    rows: tuple[Row, ...]
    timeline: tuple[Moment, ...]
    plan: Resource | None
    goals: tuple[Resource, ...]


class Overviews:
    """The use case behind the page."""

    def __init__(self, *, store: Store, gate: Gate, vault: Vault) -> None:
        self._store = store
        self._gate = gate
        self._vault = vault

    def clients(self, viewer: Asker) -> list[tuple[Reference, str]]:
        """The clients whom the viewer may see: (reference, name)."""
        with self._store.reading() as tx:
            linked = {k.client for k in tx.identity.all() if k.organisation == viewer.organisation}
            sealed = [s for s in tx.records.many(linked) if not s.deleted]
            seen = self._gate.disclose(tx, viewer.request("access"), sealed, exit="page")
        return sorted(((v.reference, display_name(v.resource)) for v in seen.visible), key=lambda p: p[1])

    def of(self, viewer: Asker, client: Reference) -> Overview | None:
        """The overview of one client, or None where the viewer may not see them."""
        with self._store.reading() as tx:
            seen = self._gate.disclose(
                tx, viewer.request("access"), tx.records.of_client(client), exit="page", client=client
            )
            patient = seen.get(client)
            if patient is None:
                return None
            known = self._known_to(tx, viewer, client, seen)
            deliveries = [
                replace(d, areas=tuple(a for a in d.areas if a not in seen.withheld_areas))
                for d in tx.deliveries.list(client=client)
                if d.organisation in known
            ]
            everyone = {m.id: m for m in members(tx)}
            rows = tuple(
                self._row(tx, m, client, deliveries, seen) for m in audience(tx, self._vault, client) if m.id in known
            )
            timeline = self._timeline(tx, viewer, client, deliveries, seen, everyone)
        plans = [v.resource for v in seen.visible if v.reference.startswith("CarePlan/")]
        goals = tuple(v.resource for v in seen.visible if v.reference.startswith("Goal/"))
        plan = next((p for p in plans if p.get("status") == "active"), plans[0] if plans else None)
        return Overview(client, display_name(patient.resource), rows, timeline, plan, goals)

    def _known_to(self, tx: Tx, viewer: Asker, client: Reference, seen: Disclosure) -> set[str]:
        """Organisations that the viewer knows of: their own, and those in what they may see of this client."""
        shown = {v.reference for v in seen.visible}
        known = {viewer.reference}
        known |= {s.contributor for s in tx.records.of_client(client) if s.reference in shown}
        known = known.union(*(references_of(v.resource) for v in seen.visible))
        return {r.split("/")[1] for r in known if r.startswith("Organization/")}

    def _row(self, tx: Tx, member: Member, client: Reference, deliveries: list[Delivery], seen: Disclosure) -> Row:
        shown = {v.reference for v in seen.visible}
        asker = Asker(member.id, member.purpose, Basis.CONSENT)
        shared, _ = self._gate.areas(tx, asker.request("access"), client)
        own = [d for d in deliveries if d.organisation == member.id]
        latest: dict[str, Delivery] = {}
        for delivery in own:
            if delivery.state is DeliveryState.DELIVERED and delivery.direction in ("push", "request"):
                latest[delivery.item] = delivery
        decided: dict[str, Delivery] = {d.item: d for d in own if d.withheld}
        return Row(
            member.id,
            member.name,
            member.kind,
            shared - seen.withheld_areas,
            tuple(
                Cell(
                    d.item,
                    d.version,
                    seen_of(d.areas, seen),
                    d.basis,
                    tuple(b for b in d.because if not b.startswith("Consent/") or re.split(r"[| ]", b)[0] in shown),
                    str(d.state),
                    d.updated,
                )
                for d in latest.values()
            ),
            tuple(
                left
                for item, d in decided.items()
                for left in left_out(item, d, shown)
                if seen.withheld_areas.isdisjoint(left.areas)
            ),
        )

    def _timeline(
        self,
        tx: Tx,
        viewer: Asker,
        client: Reference,
        deliveries: list[Delivery],
        seen: Disclosure,
        everyone: dict[str, Member],
    ) -> tuple[Moment, ...]:
        def name(id: str) -> str:
            return everyone[id].name if id in everyone else id

        shown = {v.reference for v in seen.visible}
        sources = {s.source for s in tx.records.of_client(client) if s.reference in shown}
        moments = [
            Moment(d.updated, _kind(d), name(d.organisation), d.item, seen_of(d.areas, seen), d.version, d.outcome)
            for d in deliveries
            if d.state in (DeliveryState.DELIVERED, DeliveryState.WITHHELD, DeliveryState.DEAD)
        ]
        moments += [
            Moment(e.at, "received", name(e.organisation), e.format, (), "", e.outcome)
            for e in tx.received.list(1_000)
            if e.id in sources and e.adapter != "api"
        ]
        for visible in seen.visible:
            type, id = visible.reference.split("/")
            if type == "CarePlan":
                history = tx.records.history(type, id)
                moments += [
                    Moment(s.at, "plan", name(s.contributor.split("/")[-1]), "plan", (), str(s.version))
                    for s in (history[-1:] if visible.partial else history)
                ]
            elif type == "Consent":
                moments += [self._captured(tx, viewer, s, name) for s in tx.records.history(type, id)]
        return tuple(sorted(moments, key=lambda m: m.at))

    def _captured(self, tx: Tx, viewer: Asker, sealed: SealedRecord, name: Callable[[str], str]) -> Moment:
        """One version of a Consent: whom it concerns and the areas it opens, as far as the viewer may see it."""
        seen = self._gate.disclose(tx, viewer.request("access"), [sealed], exit="page").get(sealed.reference)
        consent = seen.resource if seen else {}
        agreement = any(c.get("code") == "treatment" for c in consent.get("scope", {}).get("coding", []))
        provision = consent.get("provision", {})
        named = {
            coding.get("code")
            for code in provision.get("code", [])
            for coding in code.get("coding", [])
            if codes.is_care_area(coding.get("system")) and provision.get("type") == "permit"
        }
        actors = [str(a.get("reference", {}).get("reference", "")) for a in provision.get("actor", [])]
        return Moment(
            sealed.at,
            "consent",
            name(sealed.contributor.split("/")[-1]),
            "agreement" if agreement else "consent",
            tuple(a for a in codes.AREAS if a in named),
            str(sealed.version),
            ", ".join(name(a.split("/")[1]) for a in actors if a.startswith("Organization/")),
        )


def seen_of(areas: Iterable[str], seen: Disclosure) -> tuple[str, ...]:
    """Of these areas those that the viewer shares; what others hold beyond them is not said."""
    return tuple(area for area in areas if area not in seen.withheld_areas)


def left_out(item: str, delivery: Delivery, shown: set[Reference]) -> list[Left]:
    """What was withheld in one delivery, counted by area and reason, of the records that the viewer sees."""
    counted: Counter[tuple[tuple[str, ...], str]] = Counter()
    for one in delivery.withheld:
        match = re.fullmatch(r"([A-Za-z]+/[A-Za-z0-9\-.]+)(\S*) \[(.*)\]", str(one.get("item", "")))
        if match and match[1] in shown:
            areas = tuple(a.strip() for a in match[3].split(",") if a.strip())
            counted[areas, str(one.get("because", ""))] += 1
    return [Left(item, areas, count, because) for (areas, because), count in counted.items()]


def display_name(patient: Resource) -> str:
    """A person's name as people write it."""
    for name in patient.get("name", []):
        if name.get("text"):
            return str(name["text"])
        parts = [*name.get("given", []), name.get("family", "")]
        if any(parts):
            return " ".join(p for p in parts if p)
    return "–"


def _kind(delivery: Delivery) -> str:
    if delivery.state is not DeliveryState.DELIVERED:
        return str(delivery.state)
    if delivery.item == "revocation-notice":
        return "notice"
    return {"push": "delivered", "pull": "collected", "request": "fetched", "answer": "answered"}[delivery.direction]
