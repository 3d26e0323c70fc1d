"""One Patient for each client, made of what several organisations know of them.

What the hub already holds stays; what it lacks is added; what contradicts is reported, never overwritten.
"""

from __future__ import annotations

from hub.fhir import codes
from hub.fhir.value import Resource

COLLECTED = ("identifier", "name", "telecom", "address", "communication", "contact", "generalPractitioner", "photo")
"""Repeating elements whose values are gathered from every source."""

FIRST_WORD = ("active", "gender", "birthDate", "maritalStatus", "managingOrganization", "extension")
"""Elements that one source gives and another may only confirm."""


def merge(known: Resource, told: Resource) -> tuple[Resource, tuple[str, ...]]:
    """The client's Patient after another organisation told what it knows, and the elements that contradict."""
    merged = dict(known)
    conflicts: list[str] = []
    for element in COLLECTED:
        if element in told:
            values = list(known.get(element, []))
            new = [v for v in told[element] if not _has(values, v, element)]
            if element == "identifier" and (against := [v for v in new if _contradicts(values, v)]):
                conflicts.append("Patient.identifier")
                new = [v for v in new if v not in against]
            merged[element] = values + new
    for element, value in told.items():
        if element in COLLECTED or element in {"resourceType", "id", "meta", "text", "implicitRules"}:
            continue
        if element not in merged:
            merged[element] = value
        elif merged[element] != value and element in FIRST_WORD:
            conflicts.append(f"Patient.{element}")
    merged.pop("text", None)
    return merged, tuple(conflicts)


def _contradicts(values: list[Resource], value: Resource) -> bool:
    """Whether this is another national number of a system that the client has a number of."""
    system = value.get("system")
    return system in codes.STRONG_IDENTIFIERS and any(v.get("system") == system for v in values)


def _has(values: list[Resource], value: Resource, element: str) -> bool:
    if element == "identifier":
        return any(v.get("system") == value.get("system") and v.get("value") == value.get("value") for v in values)
    if element == "name":
        return any(v.get("family") == value.get("family") and v.get("given") == value.get("given") for v in values)
    return value in values
