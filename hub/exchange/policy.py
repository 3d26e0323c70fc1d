"""What a decision is made under: today's Consents of the clients concerned, the directory, bases, label rules.

Consents and the directory are read from the store for every request, so a change binds the next one; nothing that
could permit is remembered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from hub.consent import decide as deciding
from hub.consent.bases import Bases
from hub.consent.computable import read_consent
from hub.consent.labels import LabelRules
from hub.consent.model import AccessRequest, Basis, Decision, Labels, Record, World
from hub.consent.rules import ConsentRule
from hub.exchange.organisations import members
from hub.exchange.vault import Vault
from hub.exchange.views import record_of
from hub.fhir import codes
from hub.fhir.references import references_of
from hub.fhir.value import Reference, Resource
from hub.store.model import SealedRecord
from hub.store.store import Tx

SURROUNDINGS = frozenset({"Patient", "CareTeam", "Group", "RelatedPerson", "Practitioner", "PractitionerRole"})
"""Types that actors of a client's Consents may be."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One request bound to one moment's Consents and world: decides any number of records."""

    bound: deciding.Bound
    world: World
    basis: Basis
    connected: frozenset[Reference]

    def decide(self, record: Record) -> Decision:
        """The decision for one record."""
        return self.bound.decide(record)

    def sees(self, reference: Reference, record: Record) -> bool:
        """Whether a reference that `record` makes may stay: the asker sees what it names, or it is the directory."""
        known = self.world.records.get(reference)
        if known is not None:
            return self.decide(known).permits
        return self.names(reference, record)

    def names(self, reference: Reference, record: Record) -> bool:
        """Whether a reference is one that everybody may read: the directory, or the record's own clients."""
        return reference in self.connected or reference in record.clients

    def denied_areas(self, clients: frozenset[Reference]) -> frozenset[str]:
        """Areas of life for which the asker has no permit, whether or not anything is there.

        A duty carries its minimum set and nothing else, so only the basis CONSENT withholds by area.
        """
        if not clients or self.basis is not Basis.CONSENT:
            return frozenset()
        return frozenset(codes.AREAS) - self.areas(clients)

    def areas(self, clients: frozenset[Reference]) -> frozenset[str]:
        """Areas of life of which the asker may see something, of every one of these clients."""
        return frozenset.intersection(*(self.bound.areas(client) for client in clients))


class Policy:
    """Binds requests to the Consents in force."""

    def __init__(self, *, label_rules: LabelRules, bases: Bases, zone: ZoneInfo) -> None:
        self.label_rules = label_rules
        self.bases = bases
        self.zone = zone

    def bind(
        self,
        tx: Tx,
        vault: Vault,
        request: AccessRequest,
        clients: frozenset[Reference],
        *,
        at: datetime,
        about: Sequence[Record],
    ) -> Binding:
        """Bind a request to what holds at this moment for these clients and records."""
        sealed = [s for c in sorted(clients) for s in tx.records.of_client(c, {"Consent"})]
        surroundings = [s for c in sorted(clients) for s in tx.records.of_client(c, SURROUNDINGS)]
        connected = self.directory(tx)
        directory = connected | {s.reference: vault.open_resource(tx, s) for s in surroundings}
        managers = frozenset(m.reference for m in members(tx) if "case-manager" in m.roles)
        rules = [self._rule(tx, vault, s, World(directory), managers) for s in sealed]
        named = frozenset().union(*(rule.names for rule in rules))
        world = World(directory, self._surrounding_records(tx, vault, about, named))
        bound = deciding.bind(request, rules, world, at=at, bases=self.bases, zone=self.zone)
        return Binding(bound, world, request.basis, frozenset(connected))

    def directory(self, tx: Tx) -> dict[Reference, Resource]:
        """The connected organisations, as actors are expanded in."""
        return {f"Organization/{o.id}": o.resource for o in tx.organisations.list()}

    def _surrounding_records(
        self, tx: Tx, vault: Vault, about: Sequence[Record], named: frozenset[Reference]
    ) -> Mapping[Reference, Record]:
        """The records, what they refer to, and what the Consents name."""
        records = {r.reference: r for r in about}
        referred = named.union(*(references_of(r.resource) for r in about)) - records.keys()
        for sealed in tx.records.many(referred) if referred else ():
            if not sealed.deleted:
                records[sealed.reference] = record_of(vault, self, tx, sealed)
        return records

    def _rule(
        self, tx: Tx, vault: Vault, sealed: SealedRecord, world: World, managers: frozenset[Reference]
    ) -> ConsentRule:
        """A stored Consent as rules; what did not come through a case manager cannot bind everybody unread."""
        consent = vault.open_resource(tx, sealed)
        performers = {p.get("reference") for p in consent.get("performer", [])}
        guardians = {r for r, known in world.directory.items() if known.get("resourceType") == "RelatedPerson"}
        came_by = {sealed.contributor, sealed.author}
        trusted = bool(came_by & (managers | set(sealed.clients) | (guardians & performers)))
        return read_consent(consent, world, trusted=trusted)


def area_probe(area: str, clients: frozenset[Reference]) -> Record:
    """A record that is about nothing but one area of these clients: what would the asker see there?"""
    return Record(f"Basic/area-{area}", "", {"resourceType": "Basic"}, Labels(areas=frozenset({area})), clients)
