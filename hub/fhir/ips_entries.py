"""What IPS 2.0.0 asks of single entries: the Patient, and the elements that a record of each type must have.

https://hl7.org/fhir/uv/ips/profiles.html. An element that may be missing in life is there with the extension
data-absent-reason; `complete` adds it, so that what nobody knows is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hub.fhir.codes import DATA_ABSENT_EXTENSION
from hub.fhir.validate import Fault, Severity
from hub.fhir.value import Resource


@dataclass(frozen=True, slots=True)
class Needed:
    """An element that a profile needs: the keys it may be under, and under which a missing one is said."""

    keys: tuple[str, ...]
    absent: str = ""
    """The primitive that can carry data-absent-reason."""


def _when(stem: str, *types: str) -> Needed:
    """A choice of times, of which `dateTime` can say that it is unknown."""
    return Needed(tuple(f"{stem}{type}" for type in types), f"{stem}DateTime")


_CODE: Final = Needed(("code",))
_MEDICATION: Final = Needed(("medicationCodeableConcept", "medicationReference"))
NEEDED: Final[Mapping[str, tuple[str, tuple[Needed, ...]]]] = {
    "Patient": ("Patient-uv-ips", (Needed(("name",)), Needed(("birthDate",), "birthDate"))),
    "AllergyIntolerance": ("AllergyIntolerance-uv-ips", (_CODE,)),
    "Condition": ("Condition-uv-ips", (_CODE,)),
    "DeviceUseStatement": ("DeviceUseStatement-uv-ips", (_when("timing", "DateTime", "Period", "Timing"),)),
    "Immunization": (
        "Immunization-uv-ips",
        (Needed(("occurrenceDateTime", "occurrenceString"), "occurrenceDateTime"),),
    ),
    "MedicationRequest": ("MedicationRequest-uv-ips", (_MEDICATION,)),
    "MedicationStatement": (
        "MedicationStatement-uv-ips",
        (_MEDICATION, _when("effective", "DateTime", "Period")),
    ),
    "Procedure": (
        "Procedure-uv-ips",
        (_CODE, _when("performed", "DateTime", "Period", "String", "Age", "Range")),
    ),
}
"""Type -> the profile, and what it needs beyond FHIR R4."""

_NOTHING_KNOWN: Final = {"extension": [{"url": DATA_ABSENT_EXTENSION, "valueCode": "unknown"}]}


def entry_faults(resource: Resource, place: str) -> Iterator[Fault]:
    """What is missing in one entry: of the Patient an error, of other records a warning."""
    kind = str(resource.get("resourceType"))
    profile, needed = NEEDED.get(kind, ("", ()))
    severity: Severity = "error" if kind == "Patient" else "warning"
    for element in needed:
        if not _has(resource, element):
            yield Fault(f"{place}/{element.keys[0]}", profile, severity, "is required")
    names = resource.get("name")
    if kind == "Patient" and isinstance(names, list):
        for index, name in enumerate(names):
            if not _is_named(name):
                said = "must have a family name, a given name or a text"
                yield Fault(f"{place}/name/{index}", "ips-pat-1", "error", said)


def complete(resource: Resource) -> Resource:
    """A record in which every time that IPS needs and nobody knows is said to be unknown; and a nameless patient."""
    kind = str(resource.get("resourceType"))
    _, needed = NEEDED.get(kind, ("", ()))
    lacking = [e for e in needed if e.absent and not _has(resource, e)]
    made = {**resource, **{f"_{e.absent}": _NOTHING_KNOWN for e in lacking}} if lacking else resource
    if kind == "Patient" and not any(_is_named(name) for name in resource.get("name", ())):
        return {**made, "name": [{"_text": _NOTHING_KNOWN}]}
    if kind == "Patient" and not all(_is_named(name) for name in resource["name"]):
        return {**made, "name": [name for name in resource["name"] if _is_named(name)]}
    return made


def _has(resource: Resource, element: Needed) -> bool:
    return any(key in resource or f"_{key}" in resource for key in element.keys)


def _is_named(name: Any) -> bool:
    parts = ("family", "given", "text", "_family", "_given", "_text")
    return isinstance(name, dict) and any(part in name for part in parts)
