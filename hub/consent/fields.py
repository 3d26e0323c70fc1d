"""Read the fields of one provision, naming what is not understood (consent rules §2.3 to §2.7).

FHIR R4 Consent.provision: https://hl7.org/fhir/R4/consent-definitions.html#Consent.provision
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from hub.consent import codes
from hub.consent.actors import ACTOR_TYPES
from hub.consent.data_references import Code, local, version_of
from hub.consent.model import World
from hub.consent.named import Fields, NamedClasses, NamedCodes, NamedData, NamedLabels, PeriodText
from hub.consent.periods import HUB_TIME_ZONE, period_span
from hub.consent.rules import ConsentFault
from hub.fhir.codes import (
    ACT_CODE,
    ACT_REASON,
    AREAS,
    CONFIDENTIALITY,
    CONSENT_ACTION,
    LOINC,
    UNCLASSIFIED,
    is_care_area,
)
from hub.fhir.value import Reference, Resource

_FIELDS: Final = frozenset(
    (
        "id", "type", "period", "actor", "action", "securityLabel", "purpose", "class", "code", "dataPeriod",
        "data", "provision",
    )
)  # fmt: skip
_MEANINGS: Final = frozenset(("instance", "related", "dependents", "authoredby"))
_CODING: Final = frozenset(("id", "system", "version", "code", "display", "userSelected"))
_CONCEPT: Final = frozenset(("id", "coding", "text"))
_REFERENCE: Final = frozenset(("id", "reference", "type", "identifier", "display"))
_DOCUMENT_SYSTEM: Final = "/CodeSystem/doc-type"


@dataclass(slots=True)
class Faults:
    """The faults found so far, each place once."""

    found: list[ConsentFault] = field(default_factory=list)

    def add(self, path: str, text: str) -> None:
        """Name one place that cannot be computed."""
        fault = ConsentFault(path, text)
        if fault not in self.found:
            self.found.append(fault)

    def __bool__(self) -> bool:
        return bool(self.found)


@dataclass(frozen=True, slots=True)
class Reading:
    """What is needed while a Consent is read: where faults go, and what actors resolve against."""

    faults: Faults
    world: World
    patient: Reference | None
    zone: ClassVar[ZoneInfo] = ZoneInfo(HUB_TIME_ZONE)
    """Only to see that a period can be read; what it means is decided in the hub's zone later."""

    @staticmethod
    def local(text: object) -> Reference | None:
        """A reference into this hub."""
        return local(text)

    def rows(self, value: Any, path: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The objects of a repeating element."""
        if not isinstance(value, list) or not value:
            self.faults.add(path, "not a list of values")
            return
        for index, row in enumerate(value):
            if isinstance(row, dict) and row:
                yield index, row
            else:
                self.faults.add(f"{path}[{index}]", "not an object")

    def understood(self, value: Mapping[str, Any], elements: frozenset[str], path: str) -> None:
        """Name every element that is not one of these; an extension here could change what is meant."""
        for element in value.keys() - elements:
            self.faults.add(f"{path}.{element}", "element not understood")

    def resolves(self, reference: Reference) -> bool:
        """Whether an actor is known: in the directory, among the records, or the client."""
        return reference in self.world.directory or reference in self.world.records or reference == self.patient


def stated_fields(given: Mapping[str, Any], path: str, reading: Reading) -> Fields:
    """The fields that one provision states itself."""
    reading.understood(given, _FIELDS, path)
    return Fields(
        period=_period(given, "period", path, reading),
        actors=_actors(given["actor"], f"{path}.actor", reading) if "actor" in given else None,
        actions=_actions(given["action"], f"{path}.action", reading) if "action" in given else None,
        purposes=_purposes(given["purpose"], f"{path}.purpose", reading) if "purpose" in given else None,
        labels=_labels(given["securityLabel"], f"{path}.securityLabel", reading) if "securityLabel" in given else None,
        classes=_classes(given["class"], f"{path}.class", reading) if "class" in given else None,
        codes=_codes(given["code"], f"{path}.code", reading) if "code" in given else None,
        data_period=_period(given, "dataPeriod", path, reading),
        data=_data(given["data"], f"{path}.data", reading) if "data" in given else None,
    )


def _period(given: Mapping[str, Any], element: str, path: str, reading: Reading) -> PeriodText | None:
    if element not in given:
        return None
    value, place = given[element], f"{path}.{element}"
    if not isinstance(value, dict) or not value:
        reading.faults.add(place, "not a Period")
        return None
    reading.understood(value, frozenset(("id", "start", "end")), place)
    try:
        period_span(value, reading.zone)
    except (ValueError, TypeError):
        reading.faults.add(place, "a date that cannot be read, or an end before the start")
        return None
    return PeriodText(value.get("start"), value.get("end"))


def _actors(value: Any, path: str, reading: Reading) -> frozenset[Reference]:
    found: set[Reference] = set()
    for index, row in reading.rows(value, path):
        place = f"{path}[{index}]"
        reading.understood(row, frozenset(("id", "role", "reference")), place)
        if "role" in row:
            _role(row["role"], f"{place}.role", reading)
        actor = _actor(row.get("reference"), f"{place}.reference", reading)
        if actor is not None:
            found.add(actor)
    return frozenset(found)


def _role(value: Any, path: str, reading: Reading) -> None:
    """An actor must be one who receives: a role of author or custodian would mean other data, not another
    reader.
    """
    said = {(c.get("system"), c.get("code")) for _, c in _codings(value, path, reading)}
    if not said & codes.RECIPIENT_ROLES or said - codes.RECIPIENT_ROLES:
        reading.faults.add(path, "not known as the role of someone who receives")


def _actor(value: Any, path: str, reading: Reading) -> Reference | None:
    if not isinstance(value, dict):
        reading.faults.add(path, "no reference to an actor")
        return None
    reading.understood(value, _REFERENCE, path)
    literal = value.get("reference")
    actor = local(literal) if literal is not None else _by_identifier(value, reading.world)
    if actor is None or not reading.resolves(actor):
        reading.faults.add(path, "actor does not resolve")
        return None
    kind = actor.partition("/")[0]
    if kind not in ACTOR_TYPES or value.get("type", kind) != kind:
        reading.faults.add(path, "not a kind of actor")
        return None
    if kind == "Group" and reading.world.directory.get(actor, {}).get("characteristic"):
        reading.faults.add(path, "a Group by characteristics: its members cannot be told")
        return None
    return actor


def _by_identifier(value: Mapping[str, Any], world: World) -> Reference | None:
    """The one resource of the directory that carries the identifier of a logical reference."""
    wanted = value.get("identifier")
    if not isinstance(wanted, dict) or not wanted.get("system") or not wanted.get("value"):
        return None
    matches = [
        reference
        for reference, resource in world.directory.items()
        if value.get("type", resource.get("resourceType")) == resource.get("resourceType")
        and _carries(resource, wanted)
    ]
    return matches[0] if len(matches) == 1 else None


def _carries(resource: Resource, wanted: Mapping[str, Any]) -> bool:
    return any(
        identifier.get("system") == wanted["system"] and identifier.get("value") == wanted["value"]
        for identifier in resource.get("identifier") or ()
    )


def _actions(value: Any, path: str, reading: Reading) -> frozenset[str]:
    found: set[str] = set()
    for index, row in reading.rows(value, path):
        for place, coding in _codings(row, f"{path}[{index}]", reading):
            if coding.get("system") == CONSENT_ACTION and coding.get("code") in codes.ACTIONS:
                found.add(coding["code"])
            else:
                reading.faults.add(place, "not a consent action")
    return frozenset(found)


def _purposes(value: Any, path: str, reading: Reading) -> frozenset[str]:
    found: set[str] = set()
    for index, coding in reading.rows(value, path):
        place = f"{path}[{index}]"
        reading.understood(coding, _CODING, place)
        if coding.get("system") == ACT_REASON and coding.get("code") in codes.PURPOSES:
            found.add(coding["code"])
        else:
            reading.faults.add(place, "not a purpose of use")
    return frozenset(found)


def _labels(value: Any, path: str, reading: Reading) -> NamedLabels:
    ranks: set[int] = set()
    sensitivity: set[str] = set()
    for index, coding in reading.rows(value, path):
        place = f"{path}[{index}]"
        reading.understood(coding, _CODING, place)
        system, code = coding.get("system"), coding.get("code")
        if system == CONFIDENTIALITY and isinstance(code, str) and code in codes.CONFIDENTIALITY:
            ranks.add(codes.CONFIDENTIALITY[code])
        elif system == ACT_CODE and isinstance(code, str) and code in codes.SENSITIVITY:
            sensitivity.add(code)
        else:
            reading.faults.add(place, "neither on the scale of confidentiality nor a sensitivity code")
    return NamedLabels(frozenset(ranks), frozenset(sensitivity))


def _classes(value: Any, path: str, reading: Reading) -> NamedClasses:
    types: set[str] = set()
    documents: set[Code] = set()
    for index, coding in reading.rows(value, path):
        place = f"{path}[{index}]"
        reading.understood(coding, _CODING, place)
        system, code = coding.get("system"), coding.get("code")
        if system == codes.RESOURCE_TYPES_SYSTEM and isinstance(code, str) and code in codes.RESOURCE_TYPES:
            types.add(code)
        elif isinstance(code, str) and (system == LOINC or str(system).endswith(_DOCUMENT_SYSTEM)):
            documents.add((str(system), code))
        else:
            reading.faults.add(place, "neither a resource type nor a kind of document")
    return NamedClasses(frozenset(types), frozenset(documents))


def _codes(value: Any, path: str, reading: Reading) -> NamedCodes:
    areas: set[str] = set()
    others: set[Code] = set()
    for index, row in reading.rows(value, path):
        for place, coding in _codings(row, f"{path}[{index}]", reading):
            system, code = coding.get("system"), coding.get("code")
            if not isinstance(system, str) or not isinstance(code, str):
                reading.faults.add(place, "a code without a system")
            elif not is_care_area(system):
                others.add((system, code))
            elif code in (*AREAS, UNCLASSIFIED):
                areas.add(code)
            else:
                reading.faults.add(place, "not an area of life")
    return NamedCodes(frozenset(areas), frozenset(others))


def _data(value: Any, path: str, reading: Reading) -> tuple[NamedData, ...]:
    found: list[NamedData] = []
    for index, row in reading.rows(value, path):
        place = f"{path}[{index}]"
        reading.understood(row, frozenset(("id", "meaning", "reference")), place)
        meaning, given = row.get("meaning"), row.get("reference")
        literal = given.get("reference") if isinstance(given, dict) else None
        target = local(literal)
        if meaning not in _MEANINGS:
            reading.faults.add(f"{place}.meaning", "meaning not understood")
        elif target is None or not isinstance(given, dict) or not isinstance(literal, str):
            reading.faults.add(f"{place}.reference", "no reference to a record")
        else:
            reading.understood(given, _REFERENCE, f"{place}.reference")
            found.append(NamedData(meaning, target, version_of(literal)))
    return tuple(found)


def _codings(value: Any, path: str, reading: Reading) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The codings of a CodeableConcept; one without any says nothing that can be computed."""
    if not isinstance(value, dict) or "coding" not in value:
        reading.faults.add(path, "no code")
        return
    reading.understood(value, _CONCEPT, path)
    for index, coding in reading.rows(value["coding"], f"{path}.coding"):
        place = f"{path}.coding[{index}]"
        reading.understood(coding, _CODING, place)
        yield place, coding
