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


OBSERVATION: Resource = {
    "resourceType": "Observation",
    "status": "final",
    "category": [
        {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                    "code": "vital-signs",
                    "display": "Vital Signs",
                }
            ]
        }
    ],
    "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9", "display": "Blood pressure panel"}]},
    "effectiveDateTime": "2026-11-20T08:30:00+01:00",
    "component": [
        {
            "code": {"coding": [{"system": "http://loinc.org", "code": code, "display": display}]},
            "valueQuantity": {
                "value": value,
                "unit": "mmHg",
                "system": "http://unitsofmeasure.org",
                "code": "mm[Hg]",
            },
            "interpretation": [
                {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
                            "code": "N",
                            "display": "normal",
                        }
                    ],
                    "text": "Within the range that was agreed with the client",
                }
            ],
        }
        for code, display, value in (("8480-6", "Systolic", 128), ("8462-4", "Diastolic", 79))
    ],
    "note": [{"text": "Measured at home, sitting, after ten minutes of rest; the second of three readings. " * 4}],
}
"""A record of about 1.7 KB, as a home-care nurse's tablet would send it."""


def patient_named(number: int) -> Resource:
    """A person whom one organisation knows by a number; nobody."""
    return {
        "resourceType": "Patient",
        "identifier": [{"system": "https://bench.example/sid/client-number", "value": f"B-{number}"}],
        "name": [{"family": f"Vzor{number}", "given": ["Bench"]}],
        "gender": "female",
        "birthDate": f"19{40 + number % 50}-0{number % 9 + 1}-1{number % 10}",
    }


def consent_for_all(client: str, organisation: str) -> Resource:
    """The client lets one organisation read and write everything for care coordination."""
    consent = {**consent_with(0), "patient": {"reference": client}, "performer": [{"reference": client}]}
    consent.pop("id")
    consent.pop("meta")
    actor = {**consent["provision"]["actor"][0], "reference": {"reference": f"Organization/{organisation}"}}
    return {**consent, "provision": {"type": "permit", "actor": [actor]}}
