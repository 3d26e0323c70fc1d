"""Which elements of a resource people read, in which order: one table row per resource.

A table as data (type -> columns), so that a reader can see at a glance what narrative shows. Elements of FHIR
R4; `[x]` takes whichever choice is there. Columns without a value are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from hub.fhir.narrative_values import Reader, choice, coded_status, show, text_of
from hub.fhir.value import Resource

Row = dict[str, str]
"""Column -> text, only columns that have something to say."""

_Extract = Callable[[Mapping[str, Any], Reader], str]

_STATUSES: Final = ("criticality", "gender")
"""Coded elements shown in words, beside every `...status`."""


def row_of(resource: Resource, reader: Reader) -> Row:
    """What a person reads of this resource, column by column."""
    columns = _ROWS.get(str(resource.get("resourceType", "")), _ANY)
    said = ((column, _text(resource, source, reader)) for column, source in columns)
    return {column: text for column, text in said if text}


def _text(resource: Mapping[str, Any], source: str | _Extract, reader: Reader) -> str:
    if not isinstance(source, str):
        return source(resource, reader)
    for element in source.split():
        value = choice(resource, element)
        said = coded_status(value, reader) if _is_status(element) else show(value, reader)
        if said:
            return said
    return ""


def _is_status(element: str) -> bool:
    return element.lower().endswith("status") or element in _STATUSES


def _each(element: str, *sources: str | _Extract) -> _Extract:
    """Every item of a repeating element, its parts after each other."""

    def texts(resource: Mapping[str, Any], reader: Reader) -> str:
        items = [item for item in resource.get(element) or [] if isinstance(item, Mapping)]
        lines = (", ".join(filter(None, (_text(item, s, reader) for s in sources))) for item in items)
        return "; ".join(filter(None, lines))

    return texts


def _within(element: str, source: str | _Extract) -> _Extract:
    """An element inside a single backbone element."""

    def text(resource: Mapping[str, Any], reader: Reader) -> str:
        inner = resource.get(element)
        return _text(inner, source, reader) if isinstance(inner, Mapping) else ""

    return text


def _result(observation: Mapping[str, Any], reader: Reader) -> str:
    """The value of an Observation, and of its components by name."""
    components = (c for c in observation.get("component") or [] if isinstance(c, Mapping))
    named = (f"{text_of(c.get('code'))}: {_value(c, reader)}" for c in components)
    return "; ".join(filter(None, (_value(observation, reader), text_of(observation.get("interpretation")), *named)))


def _value(observed: Mapping[str, Any], reader: Reader) -> str:
    return show(choice(observed, "value[x]"), reader) or text_of(observed.get("dataAbsentReason"))


def _activity(item: Mapping[str, Any], reader: Reader) -> str:
    detail = item.get("detail")
    if not isinstance(detail, Mapping):
        return show(item.get("reference"), reader) if isinstance(item.get("reference"), Mapping) else ""
    sources = ("description code", "status", "scheduled[x]", "performer")
    return ", ".join(filter(None, (_text(detail, source, reader) for source in sources)))


def _activities(plan: Mapping[str, Any], reader: Reader) -> str:
    items = (item for item in plan.get("activity") or [] if isinstance(item, Mapping))
    return "; ".join(filter(None, (_activity(item, reader) for item in items)))


def _answers(response: Mapping[str, Any], reader: Reader) -> str:
    lines: list[str] = []
    for item in response.get("item") or []:
        if not isinstance(item, Mapping):
            continue
        answers = [a for a in item.get("answer") or [] if isinstance(a, Mapping)]
        said = "; ".join(filter(None, (show(choice(a, "value[x]"), reader) for a in answers)))
        lines.append(": ".join(filter(None, (show(item.get("text"), reader), said))))
        lines.append(_answers(item, reader))
    return "; ".join(filter(None, lines))


_NOTE: Final = ("note", "note")

_ROWS: Final[dict[str, tuple[tuple[str, str | _Extract], ...]]] = {
    "AllergyIntolerance": (
        ("what", "code"),
        ("status", "clinicalStatus verificationStatus"),
        ("criticality", "criticality"),
        ("reaction", _each("reaction", "manifestation", "description")),
        ("since", "onset[x] recordedDate"),
        _NOTE,
    ),
    "Appointment": (
        ("what", "description serviceType appointmentType"),
        ("status", "status"),
        ("when", "start requestedPeriod"),
        ("members", _each("participant", "actor", "type")),
    ),
    "CarePlan": (
        ("what", "title category"),
        ("status", "status"),
        ("period", "period"),
        ("concerns", "addresses"),
        ("goals", "goal"),
        ("activity", _activities),
        ("team", "careTeam"),
        ("message", "description"),
        _NOTE,
    ),
    "CareTeam": (
        ("what", "name category"),
        ("status", "status"),
        ("period", "period"),
        ("members", _each("participant", "role", "member", "onBehalfOf")),
        _NOTE,
    ),
    "Communication": (
        ("what", "topic reasonCode category"),
        ("status", "status"),
        ("when", "sent received"),
        ("message", _each("payload", "content[x]")),
        _NOTE,
    ),
    "Condition": (
        ("what", "code"),
        ("status", "clinicalStatus verificationStatus"),
        ("since", "onset[x] recordedDate"),
        ("until", "abatement[x]"),
        ("category", "severity"),
        ("where", "bodySite"),
        _NOTE,
    ),
    "Coverage": (("what", "type"), ("status", "status"), ("who", "payor"), ("period", "period")),
    "Device": (
        ("what", _each("deviceName", "name")),
        ("category", "type"),
        ("manufacturer", "manufacturer"),
        ("identifier", "modelNumber serialNumber"),
    ),
    "DeviceUseStatement": (
        ("what", "device"),
        ("status", "status"),
        ("when", "timing[x] recordedOn"),
        ("reason", "reasonCode"),
        _NOTE,
    ),
    "DiagnosticReport": (
        ("what", "code"),
        ("status", "status"),
        ("when", "effective[x] issued"),
        ("result", "conclusion conclusionCode"),
    ),
    "Encounter": (
        ("what", "type serviceType class"),
        ("status", "status"),
        ("period", "period"),
        ("reason", "reasonCode"),
        ("where", "serviceProvider"),
        ("destination", _within("hospitalization", "destination dischargeDisposition")),
    ),
    "EpisodeOfCare": (
        ("what", "type"),
        ("status", "status"),
        ("period", "period"),
        ("responsible", "careManager managingOrganization"),
    ),
    "FamilyMemberHistory": (
        ("who", "relationship"),
        ("status", "status"),
        ("what", _each("condition", "code", "onset[x]")),
        _NOTE,
    ),
    "Flag": (("what", "code"), ("category", "category"), ("status", "status"), ("period", "period")),
    "Goal": (
        ("what", "description"),
        ("status", "lifecycleStatus"),
        ("progress", "achievementStatus"),
        ("due", _each("target", "due[x]")),
        ("result", _each("target", "measure", "detail[x]")),
        ("concerns", "addresses"),
        _NOTE,
    ),
    "Immunization": (
        ("what", "vaccineCode"),
        ("status", "status"),
        ("when", "occurrence[x]"),
        ("dose", "doseQuantity"),
        _NOTE,
    ),
    "Medication": (("what", "code"), ("category", "form")),
    "MedicationAdministration": (
        ("what", "medication[x]"),
        ("status", "status"),
        ("when", "effective[x]"),
        ("dose", _within("dosage", "text dose route")),
    ),
    "MedicationRequest": (
        ("what", "medication[x]"),
        ("status", "status"),
        ("dose", "dosageInstruction"),
        ("when", "authoredOn"),
        ("reason", "reasonCode"),
        _NOTE,
    ),
    "MedicationStatement": (
        ("what", "medication[x]"),
        ("status", "status"),
        ("dose", "dosage"),
        ("when", "effective[x] dateAsserted"),
        ("reason", "reasonCode"),
        _NOTE,
    ),
    "Observation": (
        ("what", "code"),
        ("result", _result),
        ("when", "effective[x] issued"),
        ("status", "status"),
        _NOTE,
    ),
    "Patient": (
        ("who", "name"),
        ("born", "birthDate"),
        ("sex", "gender"),
        ("identifier", "identifier"),
        ("address", "address"),
        ("telecom", "telecom"),
        ("contact", _each("contact", "name", "relationship", "telecom")),
    ),
    "Procedure": (
        ("what", "code"),
        ("status", "status"),
        ("when", "performed[x]"),
        ("reason", "reasonCode"),
        ("result", "outcome"),
        ("where", "bodySite"),
        _NOTE,
    ),
    "QuestionnaireResponse": (("status", "status"), ("when", "authored"), ("result", _answers)),
    "RelatedPerson": (
        ("who", "name"),
        ("role", "relationship"),
        ("telecom", "telecom"),
        ("address", "address"),
    ),
    "ServiceRequest": (
        ("what", "code category"),
        ("status", "status"),
        ("when", "occurrence[x] authoredOn"),
        ("quantity", "quantity[x]"),
        ("responsible", "performer"),
        ("reason", "reasonCode reasonReference"),
        ("message", "patientInstruction"),
        _NOTE,
    ),
    "Task": (
        ("what", "description code"),
        ("status", "status"),
        ("due", _within("restriction", "period")),
        ("when", "executionPeriod"),
        ("responsible", "owner"),
        ("reason", "statusReason"),
        _NOTE,
    ),
}

_ANY: Final[tuple[tuple[str, str | _Extract], ...]] = (
    ("what", "code title name description type category"),
    ("status", "status"),
    ("when", "effective[x] occurrence[x] performed[x] date period authoredOn issued"),
    _NOTE,
)
"""For types without a row of their own."""
