"""Who is to hear of an event: one outbox event becomes the deliveries it calls for.

Nothing is decided here about content; a delivery names an organisation, an item and a client, and is decided when
it is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from hub.exchange.organisations import Member, audience, members, registering_providers
from hub.exchange.vault import Vault
from hub.store.model import Event
from hub.store.store import Store, Tx

PLAN_TYPES = frozenset({"CarePlan", "CareTeam", "Goal", "ServiceRequest", "Task", "Patient"})
"""Types whose change can change the plan that members hold."""

SUMMARY_TYPES = frozenset(
    {
        "AllergyIntolerance", "Condition", "MedicationStatement", "MedicationRequest", "Immunization", "Procedure",
        "Observation", "DiagnosticReport", "Patient", "DeviceUseStatement", "Flag",
    }
)  # fmt: skip
"""Types whose change can change a patient summary."""

WATCHED = {"plan": PLAN_TYPES, "summary": SUMMARY_TYPES}


class Announcer:
    """Expands outbox events into delivery requests, in one transaction with marking the events done."""

    def __init__(self, *, store: Store, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock

    def expand(self, event: Event) -> list[str]:
        """Request every delivery this event calls for; returns their ids. Safe to repeat."""
        with self._store.writing() as tx:
            wanted = [w for m in self._hearing(tx, event) for w in self._wanted(tx, event, m)]
            ids = [self._request(tx, event, *w) for w in wanted]
            tx.outbox.done([event.id])
        return ids

    def _hearing(self, tx: Tx, event: Event) -> list[Member]:
        """The client's organisations; of a change of Consent also those that are so no more and still hold data."""
        found = audience(tx, self._vault, event.client)
        if event.kind != "consent-changed":
            return found
        held_by = {h.organisation for h in tx.holdings.of_client(event.client)} - {m.id for m in found}
        return found + [replace(m, push=(), pull=()) for m in members(tx) if m.id in held_by]

    def _wanted(self, tx: Tx, event: Event, member: Member) -> list[tuple[Member, str, str]]:
        changed = frozenset(event.detail.get("types", ()))
        if event.kind == "record-changed":
            return [(member, i, "push") for i in member.push if not changed.isdisjoint(WATCHED.get(i, changed))]
        if event.kind == "consent-changed":
            holds = bool(tx.holdings.history(member.id, event.client))
            wanted = [(member, "revocation-notice", "push")] if holds else []
            wanted += [(member, item, "push") for item in member.push]
            return wanted + [(member, item, "pull") for item in member.pull]
        if event.kind == "discharge" and member.id in registering_providers(tx, self._vault, event.client):
            return [(member, item, "push") for item in member.duty]
        return []

    def _request(self, tx: Tx, event: Event, member: Member, item: str, direction: str) -> str:
        connection = member.connection(direction)
        adapter = connection.adapter if connection else ""
        delivery = tx.deliveries.request(
            organisation=member.id,
            adapter=adapter,
            item=item,
            direction=direction,
            client=event.client,
            cause=f"{event.kind} {event.id}",
            at=self._clock(),
            detail=event.detail if event.kind == "discharge" else None,
        )
        return delivery.id
