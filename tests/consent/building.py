"""Build Consents, records and requests from the short form that the decision tables are written in.

A provision is `{permit: {...}}` or `{deny: {...}}` with the fields actor, action, purpose, label, class,
area, code, period, dataPeriod, data and, nested, provisions. What a row does not say is filled in so that it
does not matter.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hub.consent.bases import DEFAULT_BASES
from hub.consent.codes import CONFIDENTIALITY as SCALE
from hub.consent.computable import read_consent
from hub.consent.decide import decide
from hub.consent.model import AccessRequest, Basis, Decision, Labels, Part, Record, World
from hub.consent.rules import ConsentRule
from hub.fhir.codes import (
    ACT_CODE,
    ACT_REASON,
    CARE_AREA,
    CONFIDENTIALITY,
    CONSENT_ACTION,
    CONSENT_SCOPE,
    LOINC,
    PARTICIPATION_TYPE,
)
from tests.consent.world import WORLD

TYPES = "http://hl7.org/fhir/resource-types"
PRAGUE = ZoneInfo("Europe/Prague")
NOON = "2026-03-10T12:00:00+01:00"

Row = dict[str, Any]


def moment(text: str) -> datetime:
    """An instant as written."""
    return datetime.fromisoformat(text)


def provision(short: Row) -> Row:
    """The FHIR form of one provision."""
    ((effect, given),) = ((key, short[key]) for key in ("permit", "deny", "untyped") if key in short)
    full: Row = {} if effect == "untyped" else {"type": effect}
    given = dict(given or {})
    nested = given.pop("provisions", None)
    if nested is not None:
        full["provision"] = [provision(each) for each in nested]
    concepts = [concept(CARE_AREA, code) for code in given.pop("area", ())]
    concepts += [concept(*each.split("|")) for each in given.pop("code", ())]
    if concepts:
        full["code"] = concepts
    for key, value in given.items():
        element, content = _FIELDS[key](value)
        full[element] = content
    return full


def concept(system: str, code: str) -> Row:
    """A CodeableConcept of one coding."""
    return {"coding": [{"system": system, "code": code}]}


def _period(value: list[str | None]) -> Row:
    start, end = value
    return {key: text for key, text in (("start", start), ("end", end)) if text}


def _actor(reference: str) -> Row:
    return {"role": concept(PARTICIPATION_TYPE, "IRCP"), "reference": {"reference": reference}}


def _label(code: str) -> Row:
    return {"system": CONFIDENTIALITY if code in SCALE else ACT_CODE, "code": code}


def _class(code: str) -> Row:
    return {"system": LOINC if code[0].isdigit() else TYPES, "code": code}


_FIELDS = {
    "actor": lambda v: ("actor", [_actor(each) for each in v]),
    "action": lambda v: ("action", [concept(CONSENT_ACTION, each) for each in v]),
    "purpose": lambda v: ("purpose", [{"system": ACT_REASON, "code": each} for each in v]),
    "label": lambda v: ("securityLabel", [_label(each) for each in v]),
    "class": lambda v: ("class", [_class(each) for each in v]),
    "period": lambda v: ("period", _period(v)),
    "dataPeriod": lambda v: ("dataPeriod", _period(v)),
    "data": lambda v: ("data", [{"meaning": m, "reference": {"reference": r}} for m, r in v]),
    "raw": lambda v: next(iter(v.items())),
}


def consent(short: Row, number: int = 1) -> Row:
    """The FHIR Consent of a row: `{permit|deny|untyped: ..., id, status, scope, patient, policy, raw,
    without}`.
    """
    full: Row = {
        "resourceType": "Consent",
        "id": short.get("id", f"c{number}"),
        "meta": {"versionId": "1"},
        "status": short.get("status", "active"),
        "scope": concept(CONSENT_SCOPE, short.get("scope", "patient-privacy")),
        "category": [concept(LOINC, "59284-0")],
        "patient": {"reference": short.get("patient", "Patient/eva")},
        "dateTime": short.get("dateTime", "2026-01-01"),
        "performer": [{"reference": short.get("patient", "Patient/eva")}],
    }
    if "policy" in short:
        full["policyRule"] = concept(ACT_CODE, short["policy"])
    if {"permit", "deny", "untyped"} & short.keys():
        full["provision"] = provision(short)
    full.update(short.get("raw", {}))
    for element in short.get("without", ()):
        del full[element]
    return full


def rules(row: Row, world: World = WORLD) -> list[ConsentRule]:
    """The rules of a row's Consents."""
    return [
        read_consent(consent(short, number), world, trusted=short.get("trusted", True))
        for number, short in enumerate(row.get("consents", ()), 1)
    ]


def labels(short: Row) -> Labels:
    """Labels: areas, confidentiality, sensitivity."""
    return Labels(
        confidentiality=short.get("label", "N"),
        sensitivity=frozenset(short.get("sensitive", ())),
        areas=frozenset(short.get("areas", ("health",))),
    )


def part(short: Row) -> Part:
    """A part: pointer, labels, and the record it refers to."""
    return Part(short["at"], labels(short), short.get("refers"))


def record(short: Row) -> Record:
    """The record of a row: `{is: Type/id, areas, label, sensitive, clients, contributor, content, parts}`."""
    reference = short.get("is", "Observation/o1")
    kind, _, identifier = reference.partition("/")
    return Record(
        reference=reference,
        version=short.get("version", "1"),
        resource={"resourceType": kind, "id": identifier, **short.get("content", {})},
        labels=labels(short),
        clients=frozenset(short.get("clients", ("Patient/eva",))),
        contributor=short.get("contributor"),
        parts=tuple(part(each) for each in short.get("parts", ())),
    )


def request(short: Row) -> AccessRequest:
    """The request of a row; the GP's practice asks to coordinate care unless it says otherwise."""
    return AccessRequest(
        actors=tuple(short.get("actors", ("Organization/practice",))),
        purpose=short.get("purpose", "COC"),
        action=short.get("action", "access"),
        basis=Basis(short.get("basis", "CONSENT")),
        flow=short.get("flow"),
        reason=short.get("reason"),
        until=short.get("until"),
    )


def world(row: Row) -> World:
    """The common world, with the other records of a row."""
    others = {made.reference: made for made in map(record, row.get("others", ()))}
    return World({**WORLD.directory, **row.get("directory", {})}, others)


def decided(row: Row) -> Decision:
    """The decision that a row asks for."""
    around = world(row)
    return decide(
        request(row.get("request", {})),
        record(row.get("record", {})),
        rules(row, around),
        around,
        at=moment(row.get("at", NOON)),
        bases=DEFAULT_BASES,
        zone=ZoneInfo(row.get("zone", "Europe/Prague")),
    )
