"""Clients, Consents and records drawn at random, written through the hub's own recorder; and people who ask.

Everything follows from the seed. The people are invented.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from random import Random
from typing import Any

from hub.bootstrap import Hub
from hub.consent.model import AccessRequest, Basis
from hub.fhir.codes import ICO
from hub.store.model import OrganisationEntry, RecordDraft
from hub.store.store import Tx
from tests.consent.building import concept, consent
from tests.exchange.random_papers import (
    AREAS_USED,
    DOCUMENTS,
    MANAGER,
    ORGANISATIONS,
    OTHER,
    OTHER_CODES,
    Papers,
    Resource,
)

PURPOSES = ("TREAT", "COC", "ETREAT", "HRESCH", "CLINTRCH", "HPAYMT")
MEANINGS = ("instance", "related", "dependents", "authoredby")


def furnish(tx: Tx) -> None:
    """A ward of the hospital, and a laboratory that is another legal person."""
    for id, ico in (("ward", "99000016"), ("laboratory", "99000075")):
        resource = {
            "resourceType": "Organization",
            "id": id,
            "identifier": [{"system": ICO, "value": ico}],
            "partOf": {"reference": "Organization/hospital"},
        }
        tx.organisations.put(OrganisationEntry(id, resource, {"organisation": {"id": id, "name": id, "kind": "other"}}))


class Drawn(Papers):
    """One world: who the clients are, what is on record, and what was agreed."""

    # -- people --------------------------------------------------------------------------------------------------

    def populate(self) -> None:
        for _ in range(self.random.randint(1, 2)):
            client = self.write(self._patient(), by=MANAGER, labels=self.labels() if self.chance(0.5) else None)
            self.clients.append(client)
        doctor = self.write({"resourceType": "Practitioner"})
        role: Resource = {
            "resourceType": "PractitionerRole",
            "practitioner": {"reference": doctor},
            "organization": {"reference": self.one(ORGANISATIONS)},
        }
        if self.chance(0.2):
            role["active"] = False
        self.people = [doctor, self.write(role)]
        relative = {"resourceType": "RelatedPerson", "patient": {"reference": self.clients[0]}}
        self.people.append(self.write(relative, labels=self.labels() if self.chance(0.3) else None))
        members = self.some([*ORGANISATIONS, *self.people], 3)
        self.people.append(self.write(self._team(members)))
        if self.chance(0.5):
            self.people.append(self.write(self._team([self.people[-1], self.one(ORGANISATIONS)])))
        if self.chance(0.5):
            group = {
                "resourceType": "Group", "type": "practitioner", "actual": True,
                "member": [{"entity": {"reference": self.one([doctor, self.people[1]])}}],
            }  # fmt: skip
            self.people.append(self.write(group))

    def _patient(self) -> Resource:
        patient: Resource = {
            "resourceType": "Patient",
            "identifier": [{"system": "https://example.org/sid", "value": self.id()}],
            "name": [{"family": "Zkušební", "given": ["Alžběta"]}],
            "birthDate": "1948-05-21",
        }
        if self.chance(0.6):
            patient |= {"address": [{"city": "Vzorov"}], "generalPractitioner": [{"reference": "Organization/gp"}]}
        if self.chance(0.4):
            organisation = {"reference": self.one(ORGANISATIONS)}
            patient["contact"] = [{"name": {"family": "Dcera"}}, {"organization": organisation}]
        return patient

    def _team(self, members: Sequence[str]) -> Resource:
        return {
            "resourceType": "CareTeam",
            "status": self.one(("active", "active", "active", "inactive")),
            "subject": {"reference": self.one(self.clients)},
            "participant": [
                {"role": [concept("http://example.org/roles", "member")], "member": {"reference": member}}
                for member in members
            ],
        }

    # -- what was agreed -----------------------------------------------------------------------------------------

    def agree(self) -> None:
        for _ in range(self.random.randint(1, 3)):
            short = self._provision(4)
            short |= {"patient": self.one(self.clients), "id": self.id(), "policy": "OPTIN"}
            short["status"] = "active" if self.chance(0.92) else "inactive"
            if self.chance(0.06):
                meant = {"system": "http://example.org/purposes", "code": "whatever"}
                short["raw"] = {"provision": {**consent(short)["provision"], "purpose": [meant]}}
            trusted = self.chance(0.9)
            self.consents.append(self.write(consent(short), by=MANAGER if trusted else OTHER))

    def _provision(self, deepest: int) -> Resource:
        given = {name: draw() for name, draw in self._fields().items() if self.chance(self._likely(name))}
        if deepest > 0 and self.chance(0.5):
            given["provisions"] = [self._provision(deepest - 1) for _ in range(self.random.randint(1, 2))]
        return {"permit" if self.chance(0.72) else "deny": given}

    @staticmethod
    def _likely(name: str) -> float:
        return {"area": 0.4, "actor": 0.25, "label": 0.2}.get(name, 0.09)

    def _fields(self) -> dict[str, Callable[[], Any]]:
        actors = [*ORGANISATIONS, "Organization/laboratory", *self.people]
        return {
            "actor": lambda: self.some(actors, 3),
            "purpose": lambda: self.some(PURPOSES, 3),
            "action": lambda: self.some(("access", "disclose", "collect")),
            "label": lambda: self.some(("N", "R", "V", "PSY", "HIV", "SUD"), 3),
            "class": lambda: self.some(("Observation", "CarePlan", "Patient", "Condition", "List", *DOCUMENTS), 3),
            "area": lambda: self.some(AREAS_USED, 6),
            "code": lambda: self.some(OTHER_CODES, 1),
            "period": lambda: self.one((["2020-01-01", None], [None, "2021-02-01"], ["2020", "2090"])),
            "dataPeriod": lambda: self.one((["2024-01-01", None], [None, "2025-03-01"], ["2025", "2025"])),
            "data": lambda: [
                [self.one(MEANINGS), self.one([*self.records, *ORGANISATIONS])]
                for _ in range(self.random.randint(1, 2))
            ],
        }

    # -- what changes --------------------------------------------------------------------------------------------

    def alter(self) -> None:
        """Some records change, with other labels; some are deleted; what was missing comes; a Consent is revoked."""
        for reference in self.random.sample(self.records, 3):
            type, id = reference.split("/")
            sealed = self.tx.records.read(type, id)
            assert sealed is not None
            if type in ("Observation", "Condition", "Goal", "List") and self.chance(0.4):
                tombstone(self.hub, self.tx, reference)
            elif type not in ("Patient", "Consent"):
                resource = {**self.hub.vault.open_resource(self.tx, sealed), "language": self.one(("cs", "de"))}
                self.write(resource, labels=self.labels() if sealed.clients and self.chance(0.8) else None)
        if self.chance(0.3):
            missing = {**self._observation(), "id": f"missing-{self.name}"}
            self.write(missing, labels=self.labels())
        if self.consents and self.chance(0.3):
            type, id = self.one(self.consents).split("/")
            sealed = self.tx.records.read(type, id)
            assert sealed is not None
            revoked = {**self.hub.vault.open_resource(self.tx, sealed), "status": "inactive"}
            self.write(revoked, by=MANAGER)

    # -- who asks ------------------------------------------------------------------------------------------------

    def requests(self, number: int) -> list[AccessRequest]:
        return [self._request() for _ in range(number)]

    def _request(self) -> AccessRequest:
        organisation = self.one((*ORGANISATIONS, "Organization/laboratory"))
        person = (self.one(self.people[:2]),) if self.chance(0.35) else ()
        basis = Basis.OWN_RECORD if self.chance(0.08) else Basis.CONSENT
        action = "access" if self.chance(0.9) or basis is Basis.OWN_RECORD else "collect"
        return AccessRequest((*person, organisation), self.one(PURPOSES[:4]), action, basis)


def draw(hub: Hub, tx: Tx, seed: int, name: str) -> Drawn:
    """A world, written. Half of the Consents come before the records, half after; then some records change."""
    world = Drawn(hub, tx, Random(seed), name)
    world.populate()
    if world.chance(0.5):
        world.agree()
    world.fill()
    if not world.consents or world.chance(0.5):
        world.agree()
    world.alter()
    return world


def tombstone(hub: Hub, tx: Tx, reference: str) -> None:
    """The end of a record, whoever may end it."""
    sealed = tx.records.read(*reference.split("/"))
    assert sealed is not None
    kept = {field.name: getattr(sealed, field.name) for field in fields(sealed)}
    end = {"version": sealed.version + 1, "digest": "gone", "deleted": True, "author": MANAGER}
    tx.records.append(RecordDraft(**{**kept, **end}))
    hub.recorder.follow(tx, reference, sealed)
