"""The people and organisations that the decision tables speak of. All invented; the IČO are nobody's."""

from __future__ import annotations

from typing import Any

from hub.consent.model import World
from hub.fhir.codes import ICO, ROLE_CODE


def _organisation(id: str, ico: str | None = None, part_of: str | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {"resourceType": "Organization", "id": id, "active": True}
    if ico:
        made["identifier"] = [{"system": ICO, "value": ico}]
    if part_of:
        made["partOf"] = {"reference": f"Organization/{part_of}"}
    return made


def _role(id: str, practitioner: str, organisation: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "PractitionerRole",
        "id": id,
        "practitioner": {"reference": f"Practitioner/{practitioner}"},
        "organization": {"reference": f"Organization/{organisation}"},
        **more,
    }


def _team(id: str, *members: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "CareTeam",
        "id": id,
        "status": "active",
        "subject": {"reference": "Patient/eva"},
        "participant": [{"member": {"reference": member}} for member in members],
        **more,
    }


def _relative(id: str, code: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "RelatedPerson",
        "id": id,
        "patient": {"reference": "Patient/eva"},
        "relationship": [{"coding": [{"system": ROLE_CODE, "code": code}]}],
        **more,
    }


RESOURCES: list[dict[str, Any]] = [
    {
        "resourceType": "Patient",
        "id": "eva",
        "generalPractitioner": [{"reference": "Organization/practice"}],
    },
    {
        "resourceType": "Patient",
        "id": "adam",
        "generalPractitioner": [{"reference": "Practitioner/doctor"}],
    },
    _organisation("practice", "99000024"),
    _organisation("hospital", "99000016"),
    _organisation("ward", "99000016", "hospital"),
    _organisation("laboratory", "99000032", "hospital"),
    _organisation("unit", None, "hospital"),
    _organisation("home-care", "99000040"),
    {"resourceType": "Practitioner", "id": "doctor"},
    {"resourceType": "Practitioner", "id": "nurse"},
    {"resourceType": "Practitioner", "id": "helper"},
    {"resourceType": "Device", "id": "tablet", "owner": {"reference": "Organization/hospital"}},
    _role("doctor-at-practice", "doctor", "practice"),
    _role("nurse-on-ward", "nurse", "ward"),
    _role("nurse-at-home-care", "nurse", "home-care"),
    _role("helper-before", "helper", "home-care", active=False),
    _role("helper-last-year", "helper", "practice", period={"end": "2025-12-31"}),
    _team("team", "Organization/home-care", "Practitioner/doctor"),
    _team("team-of-teams", "CareTeam/team"),
    _team("closed", "Organization/home-care", status="inactive"),
    _team("over", "Organization/home-care", period={"end": "2026-03-09"}),
    _team("unsure", "Organization/home-care", status=None),
    {
        "resourceType": "CareTeam",
        "id": "guests",
        "status": "active",
        "participant": [
            {"member": {"reference": "Organization/home-care"}, "period": {"end": "2026-03-10"}},
            {"member": {"reference": "Organization/practice"}, "period": {"end": "2026-03-09"}},
        ],
    },
    {
        "resourceType": "Group",
        "id": "on-call",
        "active": True,
        "member": [
            {"entity": {"reference": "Practitioner/nurse"}},
            {"entity": {"reference": "Practitioner/doctor"}, "inactive": True},
        ],
    },
    {
        "resourceType": "Group",
        "id": "dissolved",
        "active": False,
        "member": [{"entity": {"reference": "Practitioner/nurse"}}],
    },
    {"resourceType": "Group", "id": "by-rule", "actual": False, "characteristic": [{"exclude": False}]},
    _relative("daughter", "DAUC"),
    _relative("guardian", "GUARD", period={"start": "2025-01-01"}),
    _relative("guardian-before", "GUARD", period={"start": "2024-01-01", "end": "2026-03-09"}),
    _relative("guardian-unproven", "GUARD"),
]

WORLD = World({f"{resource['resourceType']}/{resource['id']}": resource for resource in RESOURCES})
