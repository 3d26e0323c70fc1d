"""What a decision is made under: today's Consents of the clients concerned, the directory, bases, label rules.

Which Consents and organisations there are is read from the store for every request, so a change binds the next one.
Kept is only what a version says, by its identity: nothing that could permit is remembered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from hub.consent import decide as deciding
from hub.consent.bases import Bases
from hub.consent.computable import read_consent
from hub.consent.labels import LabelRules
from hub.consent.model import AccessRequest, Basis, Decision, Labels, Record, World
from hub.consent.rules import ConsentRule
from hub.exchange.organisations import member
from hub.exchange.surroundings import actors_in, around, authoring_roles, is_team, named_actors
from hub.exchange.vault import Vault
from hub.exchange.views import records_around
from hub.fhir import codes
from hub.fhir.references import parse_reference, references_of
from hub.fhir.value import Reference, Resource
from hub.store.kept import Kept
from hub.store.model import SealedRecord, Standing
from hub.store.store import Tx

SURROUNDINGS = frozenset({"Patient", "CareTeam", "Group", "RelatedPerson", "Practitioner", "PractitionerRole"})
"""Types that actors of a client's Consents may be."""

KEPT = 2048
"""How many Consents are kept as rules."""

DEEPEST = 4
"""How deep parts are followed through the records that they refer to."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One request bound to one moment's Consents and world: decides any number of records."""

    bound: deciding.Bound
    world: World
    basis: Basis
    connected: frozenset[Reference]
    _areas: dict[Reference, frozenset[str]] = field(default_factory=dict)

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

    def is_own_word(self, record: Record) -> bool:
        """Whether the asker's own organisation wrote this version: what it refers to is no news to it."""
        asker = self.bound.ground
        mine = asker.actors.permit if self.basis is Basis.OWN_RECORD else {asker.request.organisation}
        return record.contributor is not None and record.contributor in mine

    def denied_areas(self, clients: frozenset[Reference]) -> frozenset[str]:
        """Areas of life for which the asker has no permit, whether or not anything is there.

        A duty carries its minimum set and nothing else, so only the basis CONSENT withholds by area.
        """
        if not clients or self.basis is not Basis.CONSENT:
            return frozenset()
        return frozenset(codes.AREAS) - self.areas(clients)

    def areas(self, clients: frozenset[Reference]) -> frozenset[str]:
        """Areas of life of which the asker may see something, of every one of these clients."""
        for client in clients - self._areas.keys():
            self._areas[client] = self.bound.areas(client)
        return frozenset.intersection(*(self._areas[client] for client in clients))


@dataclass(frozen=True, slots=True)
class Connected:
    """One state of the directory of connected organisations, and which of them manage cases."""

    turn: str
    resources: Mapping[Reference, Resource]
    references: frozenset[Reference]
    managers: frozenset[Reference]


@dataclass(frozen=True, slots=True)
class ReadConsent:
    """A Consent as rules, and whom and what they name."""

    rules: tuple[ConsentRule, ...]
    names: frozenset[Reference]


class Policy:
    """Binds requests to the Consents in force."""

    def __init__(self, *, label_rules: LabelRules, bases: Bases, zone: ZoneInfo) -> None:
        self.label_rules = label_rules
        self.bases = bases
        self.zone = zone
        self._connected: Kept[Connected] = Kept(4)
        self._actors: Kept[frozenset[Reference]] = Kept(KEPT)
        self._rules: Kept[ReadConsent] = Kept(KEPT)

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
        known = self.connected(tx)
        standing = tx.records.standing_around(clients, SURROUNDINGS | {"Consent"})
        opened = vault.opened(tx, standing)
        consents = [one for one in standing if one.reference.startswith("Consent/")]
        read = [self._read(*each, known) for each in self._with_actors(tx, consents, opened)]
        rules = [rule for one in read for rule in one.rules]
        named = frozenset[Reference]().union(*(one.names for one in read))
        for one in consents:
            del opened[one.reference]
        directory = {**opened, **around(tx, vault, request.actors, known.resources, teams=filter(is_team, named))}
        records = self._surrounding_records(tx, vault, about, named)
        directory = {**authoring_roles(tx, vault, [*about, *records.values()]), **directory}
        world = World(directory, records)
        bound = deciding.bind(request, rules, world, at=at, bases=self.bases, zone=self.zone)
        return Binding(bound, world, request.basis, known.references)

    def connected(self, tx: Tx) -> Connected:
        """The connected organisations as they are now; each state of the directory is looked through once."""
        turn, entries = tx.organisations.standing()
        found = self._connected.get(turn) if turn else None
        if found is None:
            resources = {f"Organization/{o.id}": o.resource for o in entries}
            managers = frozenset(
                m.reference for m in (member(o) for o in entries if o.active) if "case-manager" in m.roles
            )
            found = Connected(turn, resources, frozenset(resources), managers)
            if turn:
                self._connected.put(turn, found)
        return found

    def directory(self, tx: Tx) -> Mapping[Reference, Resource]:
        """The connected organisations, as actors are expanded in."""
        return self.connected(tx).resources

    def rules(self, tx: Tx, vault: Vault, sealed: SealedRecord) -> Sequence[ConsentRule]:
        """A stored Consent as rules; what did not come through a case manager cannot bind everybody unread.

        One that does not say whose it is counts for everybody it is stored for.
        """
        opened = {sealed.reference: vault.open_resource(tx, sealed)}
        (each,) = self._with_actors(tx, [_standing(sealed)], opened)
        return self._read(*each, self.connected(tx)).rules

    def _with_actors(
        self, tx: Tx, consents: Sequence[Standing], opened: Mapping[Reference, Resource]
    ) -> Iterator[tuple[Standing, Resource, Mapping[Reference, Standing]]]:
        """Each Consent, and what is known of those whom they may name, and of who brought them."""
        wanted = {by for one in consents for by in (one.contributor, one.author) if by}
        for one in consents:
            wanted |= self._actors.get(one.nonce) or self._actors.put(one.nonce, actors_in(opened[one.reference]))
        known = {one.reference: one for one in tx.records.standing(wanted)}
        return ((one, opened[one.reference], known) for one in consents)

    def _read(
        self, standing: Standing, consent: Resource, around: Mapping[Reference, Standing], known: Connected
    ) -> ReadConsent:
        """A Consent as rules: read once for each version of it, of the directory, and of whom it can name."""
        clients = set(standing.clients)
        named = named_actors(self._actors.get(standing.nonce) or actors_in(consent), around, clients)
        came_by = {standing.contributor, standing.author}
        performers = {p.get("reference") for p in consent.get("performer", [])}
        relatives = {str(by) for by in came_by & performers if str(by).startswith("RelatedPerson/")}
        guardians = {r for r in relatives if r in around and set(around[r].clients) & clients}
        trusted = bool(came_by & (known.managers | clients | guardians))
        key = (standing.nonce, standing.clients, known.turn, named, trusted)
        found = self._rules.get(key) if known.turn else None
        if found is None:
            world = World({**known.resources, **{r: {"resourceType": r.partition("/")[0]} for r in named}})
            rule = read_consent(consent, world, trusted=trusted)
            rules = (rule,) if rule.patient is not None else tuple(replace(rule, patient=c) for c in standing.clients)
            found = self._rules.put(key, ReadConsent(rules, frozenset[Reference]().union(*(r.names for r in rules))))
        return found

    def _surrounding_records(
        self, tx: Tx, vault: Vault, about: Sequence[Record], named: frozenset[Reference]
    ) -> Mapping[Reference, Record]:
        """The records, what they refer to, what the Consents name, and what the parts of all these refer to."""
        records = {r.reference: r for r in about}
        wanted = named.union(*(references_of(r.resource) for r in about)) - records.keys()
        for _ in range(DEEPEST):
            if not wanted:
                break
            found = records_around(vault, self, tx, wanted)
            records |= {r.reference: r for r in found}
            inside = {p.refers_to for r in found for p in r.parts if p.refers_to and parse_reference(p.refers_to)}
            wanted = frozenset(inside) - records.keys()
        return records


def _standing(sealed: SealedRecord) -> Standing:
    about = (sealed.clients, sealed.labels, sealed.contributor, sealed.author)
    return Standing(sealed.reference, sealed.version, sealed.content.nonce, *about)


def area_probe(area: str, clients: frozenset[Reference]) -> Record:
    """A record that is about nothing but one area of these clients: what would the asker see there?"""
    return Record(f"Basic/area-{area}", "", {"resourceType": "Basic"}, Labels(areas=frozenset({area})), clients)
