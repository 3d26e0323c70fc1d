"""Papers drawn at random: observations, plans, lists, documents of the clients of a world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hub.bootstrap import Hub
from hub.consent.model import Labels
from hub.fhir.codes import AREAS, CARE_AREA, LOINC
from hub.store.store import Tx
from tests.consent.building import concept

Resource = dict[str, Any]

MANAGER, OTHER = "Organization/municipality", "Organization/stranger"
ORGANISATIONS = (MANAGER, "Organization/gp", "Organization/hospital", "Organization/ward", "Organization/social")
AREAS_USED = (*AREAS[:4], "family", "safeguarding", "plan", "services", "unclassified")
SENSITIVITIES = ("PSY", "HIV", "SUD", "ETHUD", "somebody's own")
OTHER_CODES = ("http://example.org/codes|a", "http://example.org/codes|b")
DOCUMENTS = ("18842-5", "34133-9")


@dataclass
class Papers:
    """What is drawn, and what there is so far."""

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

    def write(
        self, resource: Resource, *, by: str = "", labels: Labels | None = None, clients: Sequence[str] = ()
    ) -> str:
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
            return {
                "reference": self.one(
                    (f"Observation/missing-{self.name}", "Device/nowhere", "https://other.example/Goal/1")
                )
            }
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
            "onsetDateTime": self.one(("2023", "2025-01-01")), "recorder": {"reference": self.one(self.people[:2])},
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
        appointments = [r for r in self.records if r.startswith("Appointment/")]
        return {"reference": self.one(appointments or ["Appointment/none"])}

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
