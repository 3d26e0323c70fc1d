"""Records as another organisation's software would make them."""

from __future__ import annotations

from typing import Any

Resource = dict[str, Any]
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"


def weight(client: str, kilograms: float, day: int) -> Resource:
    """A body weight on one day of November."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "29463-7", "display": "Body weight"}]},
        "subject": {"reference": client},
        "effectiveDateTime": f"2026-11-{day:02}",
        "valueQuantity": {"value": kilograms, "unit": "kg", "system": UCUM, "code": "kg"},
    }


def problem(client: str, said: str, number: str) -> Resource:
    """A problem with an identifier of its own."""
    return {
        "resourceType": "Condition",
        "identifier": [{"system": "https://municipality.example/sid/problem", "value": number}],
        "clinicalStatus": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]
        },
        "code": {"text": said},
        "subject": {"reference": client},
    }
