"""Synthetic samples to measure with; nobody's data."""

from __future__ import annotations

from pathlib import Path

from hub.fhir.codes import CARE_AREA
from hub.fhir.value import Resource

ORGANISATION: Resource = {"resourceType": "Organization", "id": "gp", "name": "GP"}
PATIENT: Resource = {"resourceType": "Patient", "id": "p"}
GOAL: Resource = {
    "resourceType": "Goal",
    "id": "g",
    "lifecycleStatus": "active",
    "category": [{"coding": [{"system": CARE_AREA, "code": "self-care"}]}],
    "description": {"text": "Walk to the shop and back alone"},
    "subject": {"reference": "Patient/p"},
    "startDate": "2026-11-01",
    "target": [{"dueDate": "2027-02-01"}],
}
DEMO = Path(__file__).resolve().parent.parent / "hub" / "demo" / "files"
DISCHARGE = (DEMO / "discharge-summary.xml").read_bytes()
ADMISSION = "\r".join(
    [
        "MSH|^~\\&|HIS|HOSPITAL|HUB|HUB|20261101080000||ADT^A01|MSG00001|P|2.5",
        "EVN|A01|20261101080000",
        "PID|1||123456^^^HOSPITAL^PI||Vzor^Jan||19500101|M|||Dlouha 1^^Vzorov^^10000",
        "PV1|1|I|W1^1^1||||||||||||||||V1|||||||||||||||||||||||||20261101080000",
        "",
    ]
).encode()


def consent_with(number: int, provisions: int = 10) -> Resource:
    """A Consent with a root and nested provisions that name areas."""
    return {
        "resourceType": "Consent",
        "id": f"c{number}",
        "meta": {"versionId": "1"},
        "status": "active",
        "scope": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]
        },
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": "Patient/p"},
        "performer": [{"reference": "Patient/p"}],
        "sourceAttachment": {"title": "signed"},
        "policyRule": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OPTIN"}]},
        "provision": {
            "type": "permit",
            "actor": [
                {
                    "role": {
                        "coding": [
                            {"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}
                        ]
                    },
                    "reference": {"reference": "Organization/gp"},
                }
            ],
            "provision": [
                {"type": "permit", "code": [{"coding": [{"system": CARE_AREA, "code": area}]}]}
                for area in ("health", "self-care", "finance", "housing", "household")[: provisions // 2] * 2
            ],
        },
    }


CONSENT = consent_with(0)


def summary_of(entries: int) -> Resource:
    """A document Bundle with so many observations in two areas."""
    observations = [
        {
            "fullUrl": f"urn:uuid:00000000-0000-4000-8000-{n:012d}",
            "resource": {
                "resourceType": "Observation",
                "id": f"o{n}",
                "status": "final",
                "category": [{"coding": [{"system": CARE_AREA, "code": "finance" if n % 2 else "self-care"}]}],
                "code": {"text": "finding"},
                "subject": {"reference": "Patient/p"},
                "valueString": "as it is",
            },
        }
        for n in range(entries)
    ]
    composition: Resource = {
        "resourceType": "Composition",
        "id": "c",
        "status": "final",
        "type": {"text": "summary"},
        "subject": {"reference": "Patient/p"},
        "date": "2026-11-21",
        "author": [{"reference": "Organization/gp"}],
        "title": "Summary",
        "section": [{"title": "all", "entry": [{"reference": o["fullUrl"]} for o in observations]}],
    }
    return {
        "resourceType": "Bundle",
        "id": "b",
        "type": "document",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:00000000-0000-4000-8000-999999999999"},
        "timestamp": "2026-11-21T12:00:00Z",
        "entry": [{"fullUrl": "urn:uuid:00000000-0000-4000-8000-888888888888", "resource": composition}, *observations],
    }
