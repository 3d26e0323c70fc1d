"""Clients, Consents and records drawn at random, written through the hub's own recorder; and people who ask.

Everything follows from the seed. The people are invented.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from random import Random
from typing import Any

from hub.bootstrap import Hub
from hub.consent.model import AccessRequest, Basis, Labels
from hub.fhir.codes import AREAS, CARE_AREA, ICO, LOINC
from hub.store.model import OrganisationEntry, RecordDraft
from hub.store.store import Tx
from tests.consent.building import concept, consent

Resource = dict[str, Any]

MANAGER, OTHER = "Organization/municipality", "Organization/stranger"
ORGANISATIONS = (MANAGER, "Organization/gp", "Organization/hospital", "Organization/ward", "Organization/social")
PURPOSES = ("TREAT", "COC", "ETREAT", "HRESCH", "CLINTRCH", "HPAYMT")
AREAS_USED = (*AREAS[:4], "family", "safeguarding", "plan", "services", "unclassified")
SENSITIVITIES = ("PSY", "HIV", "SUD", "ETHUD", "somebody's own")
OTHER_CODES = ("http://example.org/codes|a", "http://example.org/codes|b")
DOCUMENTS = ("18842-5", "34133-9")


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


@dataclass
class Drawn:
    """One world: who the clients are, what is on record, and what was agreed."""

    hub: Hub
    tx: Tx
    random: Random
    name: str
    clients: list[str] = field(default_factory=list)
    records: list[str] = field(default_factory=list)
    consents: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    number: int = 0

    # -- drawing -------------------------------------------------------------------------------------------------

    def one(self, values: Sequence[Any]) -> Any:
        return self.random.choice(values)

    def some(self, values: Sequence[Any], most: int = 2) -> list[Any]:
        return self.random.sample(list(values), self.random.randint(1, min(most, len(values))))

    def chance(self, of: float) -> bool:
        return self.random.random() < of

    def id(self) -> str:
        self.number += 1
        return f"{self.name}-{self.number}"

    def write(self, resource: Resource, *, by: str = "", labels: Labels | None = None, clients: Sequence[str] = ()) -> str:
        """Write it for one of the organisations."""
        named = resource if "id" in resource else {**resource, "id": self.id()}
        by = by or self.one((MANAGER, "Organization/gp", OTHER))
        written = self.hub.recorder.write(self.tx, named, contributor=by, labels=labels, clients=clients)
        if written.reference not in self.records:
            self.records.append(written.reference)
        return written.reference

    def labels(self) -> Labels:
        sensitive = self.some(SENSITIVITIES) if self.chance(0.35) else ()
        return Labels(
            confidentiality=self.one(("N", "N", "N", "L", "R", "V", "nobody's")),
            sensitivity=frozenset(sensitive),
            areas=frozenset(self.some(AREAS_USED)),
            rule_set="random",
        )

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

    # -- records -------------------------------------------------------------------------------------------------

    def fill(self) -> None:
        """Leaf records, then containers of them, then containers of containers."""
        leaves = (self._observation, self._condition, self._goal, self._appointment, self._document, self._encounter)
        for _ in range(self.random.randint(4, 6)):
            made: Callable[[], Resource] = self.one(leaves)
            self.write(made(), labels=self.labels(), clients=self._shared())
        for made in (self._device, self._nobodys_list):
            if self.chance(0.3):
                self.write(made())
        for _ in range(self.random.randint(2, 4)):
            made = self.one((self._plan, self._list, self._composition))
            self.write(made(), labels=self.labels() if self.chance(0.5) else None, clients=self._shared())

    def _shared(self) -> Sequence[str]:
        return self.clients if self.chance(0.15) else ()

    def _subject(self) -> Resource:
        return {"reference": self.one(self.clients)}

    def reference(self) -> Resource:
        """To something there is, now and then to something there is not."""
        if self.chance(0.12):
            return {"reference": self.one((f"Observation/missing-{self.name}", "Device/nowhere", "https://other.example/Goal/1"))}
        target = self.one([*self.records, *self.records, *ORGANISATIONS])
        return {"reference": target, **({"display": f"to {target}"} if self.chance(0.2) else {})}

    def author(self) -> Resource:
        return {"reference": self.one([*ORGANISATIONS, *self.people[:2]])}

    def code(self) -> Resource:
        system, code = self.one(OTHER_CODES).split("|")
        return {"coding": [{"system": system, "code": code, "display": f"Code {code}"}]}

    def _observation(self) -> Resource:
        made: Resource = {
            "resourceType": "Observation", "status": "final", "code": self.code(), "subject": self._subject(),
        }  # fmt: skip
        if self.chance(0.6):
            made["performer"] = [self.author()]
        if self.chance(0.6):
            made["effectiveDateTime"] = self.one(("2024-03-01", "2025-06", "2026-01-15T10:00:00Z"))
        if self.chance(0.3):
            made["hasMember"] = [{"reference": r} for r in self.records if r.startswith("Observation/")][:2] or None
            made = {key: value for key, value in made.items() if value is not None}
        if self.chance(0.2) and len(self.clients) > 1:
            made["focus"] = [{"reference": self.clients[1]}]
        return made

    def _condition(self) -> Resource:
        return {
            "resourceType": "Condition", "subject": self._subject(), "code": self.code(),
            "clinicalStatus": concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"),
            "onsetDateTime": self.one(("2023", "2025-01-01")), "recorder": {"reference": self.people[self.random.randint(0, 1)]},
        }  # fmt: skip

    def _goal(self) -> Resource:
        addressed = [{"reference": r} for r in self.records if r.startswith("Condition/")][:1]
        return {
            "resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": "Bydlet sama"},
            "subject": self._subject(), **({"addresses": addressed} if addressed else {}),
        }  # fmt: skip

    def _appointment(self) -> Resource:
        people = [{"actor": self._subject(), "status": "accepted"}]
        people += [{"actor": {"reference": self.one(self.people[:3])}, "status": "tentative"}]
        when = {"start": "2026-02-01T09:00:00Z", "end": "2026-02-01T10:00:00Z"}
        return {"resourceType": "Appointment", "status": "booked", **when, "participant": people}

    def _document(self) -> Resource:
        binary = self.write({"resourceType": "Binary", "contentType": "text/plain", "data": "YQ=="})
        return {
            "resourceType": "DocumentReference", "status": "current", "subject": self._subject(),
            "type": {"coding": [{"system": LOINC, "code": self.one(DOCUMENTS)}]}, "author": [self.author()],
            "content": [
                {"attachment": {"url": binary, "contentType": "text/plain"}},
                {"attachment": {"title": "Zpráva", "contentType": "text/html", "data": "YQ=="}},
            ],
        }  # fmt: skip

    def _encounter(self) -> Resource:
        return {
            "resourceType": "Encounter", "status": "finished", "subject": self._subject(),
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "period": {"start": "2025-05-01", "end": "2025-05-09"}, "type": [self.code()],
            "participant": [{"type": [self.code()], "individual": {"reference": self.one(self.people[:3])}}],
            "location": [{"location": {"reference": "Location/nowhere"}, "status": "completed"}],
        }  # fmt: skip

    def _device(self) -> Resource:
        return {"resourceType": "Device", "status": "active", "deviceName": [{"name": "Tlakoměr", "type": "other"}]}

    def _nobodys_list(self) -> Resource:
        entries = [{"item": self.reference()} for _ in range(2)]
        return {"resourceType": "List", "status": "current", "mode": "working", "entry": entries}

    def _plan(self) -> Resource:
        activities: list[Resource] = []
        for _ in range(self.random.randint(0, 3)):
            named = {"coding": [{"system": CARE_AREA, "code": self.one(AREAS)}]}
            detail = {"kind": "Task", "code": named, "status": "scheduled", "performer": [self.author()]}
            activities.append({"detail": detail} if self.chance(0.6) else {"reference": self._planned()})
        plan: Resource = {
            "resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": self._subject(),
            "title": "Plán" if self.chance(0.5) else None, "activity": activities or None,
            "goal": [{"reference": r} for r in self.records if r.startswith("Goal/")][:2] or None,
            "careTeam": [{"reference": r} for r in self.people if r.startswith("CareTeam/")][:1] or None,
            "supportingInfo": [self.reference()] if self.chance(0.5) else None,
            "author": self.author(), "period": {"start": "2025-01-01"} if self.chance(0.5) else None,
        }  # fmt: skip
        return {key: value for key, value in plan.items() if value is not None}

    def _planned(self) -> Resource:
        return {"reference": self.one([r for r in self.records if r.startswith("Appointment/")] or ["Appointment/none"])}

    def _list(self) -> Resource:
        made: Resource = {
            "resourceType": "List", "status": "current", "mode": "working", "subject": self._subject(),
            "code": self.code(), "entry": [{"item": self.reference()} for _ in range(self.random.randint(1, 3))],
        }  # fmt: skip
        if self.chance(0.4):
            made["title"] = "Seznam"
        if self.chance(0.3):
            made["meta"] = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]}
        return made

    def _composition(self) -> Resource:
        return {
            "resourceType": "Composition", "status": "final", "date": "2025-09-01", "title": "Zpráva",
            "type": {"coding": [{"system": LOINC, "code": self.one(DOCUMENTS)}]}, "author": [self.author()],
            "subject": self._subject(), "section": [self._section(2) for _ in range(self.random.randint(1, 2))],
        }  # fmt: skip

    def _section(self, depth: int) -> Resource:
        areas = self.some(AREAS, 2)
        section: Resource = {
            "title": "Oddíl",
            "code": {"coding": [{"system": CARE_AREA, "code": area} for area in areas], "text": "oddíl"},
            "entry": [self.reference() for _ in range(self.random.randint(1, 2))],
        }
        if depth > 1 and self.chance(0.4):
            section["section"] = [self._section(depth - 1)]
        return section

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
                [self.one(("instance", "related", "dependents", "authoredby")), self.one([*self.records, *ORGANISATIONS])]
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
