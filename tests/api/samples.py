"""The least resource of each type that R4 allows, made from the definitions, about one client where the type can be."""

from __future__ import annotations

from typing import Any

from hub.fhir.codes import CARE_AREA
from hub.fhir.registry import SUPPORTED
from hub.fhir.shapes import Element, shape
from tests.exchange.world import consent

Resource = dict[str, Any]

PRIMITIVES: dict[str, Any] = {
    "base64Binary": "AAAA", "boolean": True, "canonical": "http://example.org/x", "code": "x", "date": "2026-11-20",
    "dateTime": "2026-11-20", "decimal": 1, "id": "x", "instant": "2026-11-20T10:00:00Z", "integer": 1,
    "markdown": "x", "oid": "urn:oid:1.2.3", "positiveInt": 1, "string": "x", "time": "10:00:00", "unsignedInt": 1,
    "uri": "http://example.org/x", "url": "http://example.org/x",
}  # fmt: skip

TERMS = "http://terminology.hl7.org/CodeSystem"
PARTICULARS: dict[str, Resource] = {
    "AllergyIntolerance": {
        "clinicalStatus": {"coding": [{"system": f"{TERMS}/allergyintolerance-clinical", "code": "active"}]}
    },
    "Appointment": {"status": "proposed"},
    "Bundle": {"type": "collection"},
    "CarePlan": {"status": "draft", "intent": "plan"},
    "Condition": {"clinicalStatus": {"coding": [{"system": f"{TERMS}/condition-clinical", "code": "active"}]}},
    "Flag": {"category": [{"coding": [{"system": f"{TERMS}/flag-category", "code": "lab"}]}]},
    "DocumentReference": {"content": [{"attachment": {"title": "x"}}]},
    "Endpoint": {"connectionType": {"system": f"{TERMS}/endpoint-connection-type", "code": "hl7-fhir-rest"}},
    "Location": {"name": "x"},
    "Organization": {"name": "x"},
    "PractitionerRole": {"active": True},
}
"""What some types need besides, by an invariant or by sense."""


def minimal(type: str, client: str) -> Resource:
    """The least resource of a type; an area of life is written on it, so that the client's Consents speak of it."""
    made: Resource = {"resourceType": type, "meta": {"tag": [{"system": CARE_AREA, "code": "plan"}]}}
    made |= _filled(type, client)
    for path in SUPPORTED[type].client_elements[:1]:
        element = path.split(".")[0]
        known = shape(type).elements[element]
        if path == element and element not in made:
            made[element] = [{"reference": client}] if known.many else {"reference": client}
    if type == "Consent":
        return consent(client, "stranger", ("plan",), ("access",))
    made |= PARTICULARS.get(type, {})
    if type == "Appointment":
        made["participant"] = [{"actor": {"reference": client}, "status": "accepted"}]
    return made


def _filled(name: str, client: str) -> Resource:
    known = shape(name)
    made = {key: _value(known.elements[key], client) for key, _ in known.required}
    for _, keys in known.one_of:
        made[keys[0]] = _value(known.elements[keys[0]], client)
    return made


def _value(element: Element, client: str) -> Any:
    one = _one(element, client)
    return [one] if element.many else one


def _one(element: Element, client: str) -> Any:
    if element.codes:
        return min(element.codes)
    if element.type in PRIMITIVES:
        return PRIMITIVES[element.type]
    if element.type == "CodeableConcept":
        if element.codings:
            system, code = min(element.codings)
            return {"coding": [{"system": system, "code": code}]}
        return {"text": "x"}
    if element.type == "Coding":
        return {"system": "http://example.org/system", "code": "x"}
    if element.type == "Reference":
        about = element.targets is None or "Patient" in element.targets
        return {"reference": client} if about else {"display": "x"}
    if element.type == "Identifier":
        return {"system": "http://example.org/sid", "value": "x"}
    if element.type == "Period":
        return {"start": "2026-11-20"}
    return _filled(element.type, client)
