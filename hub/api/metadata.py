"""`/fhir/metadata`: the CapabilityStatement, made from the routes that exist.

It claims what works and nothing else: https://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from hub import __version__
from hub.api import rendering
from hub.api.interactions import hub_of
from hub.fhir.value import Resource

router = APIRouter()
PUBLISHED = "2026-11-21"
SERVED = (
    "AllergyIntolerance", "CarePlan", "CareTeam", "Communication", "Condition", "Consent", "Coverage",
    "DiagnosticReport", "Encounter", "EpisodeOfCare", "Flag", "Goal", "Immunization", "MedicationRequest",
    "MedicationStatement", "Observation", "Patient", "Procedure", "QuestionnaireResponse", "RelatedPerson",
    "ServiceRequest", "Task",
)  # fmt: skip
"""Types that belong to one client, and so can be read and written here now."""


@router.get("/fhir/metadata")
def metadata(request: Request) -> Response:
    """What this server can do."""
    return rendering.fhir(capability_statement(hub_of(request).settings.public_url))


def capability_statement(base: str) -> Resource:
    """The CapabilityStatement of a hub at `base`."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": PUBLISHED,
        "kind": "instance",
        "software": {"name": "casehub", "version": __version__},
        "implementation": {"description": "casehub", "url": f"{base}/fhir"},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "service": [
                        {
                            "coding": [
                                {
                                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                                    "code": "SMART-on-FHIR",
                                }
                            ]
                        }
                    ]
                },
                "resource": [resource_claim(t) for t in SERVED],
                "interaction": [{"code": "transaction"}],
            }
        ],
    }


def resource_claim(type: str) -> Resource:
    """What the server offers for one type."""
    claim: Resource = {
        "type": type,
        "interaction": [{"code": c} for c in ("read", "vread", "create", "update")],
        "versioning": "versioned-update" if type in ("CarePlan", "CareTeam", "Consent") else "versioned",
        "readHistory": True,
        "updateCreate": False,
        "conditionalCreate": False,
        "conditionalUpdate": False,
        "conditionalDelete": "not-supported",
    }
    if type == "Patient":
        claim["interaction"].append({"code": "search-type"})
        claim["searchParam"] = [{"name": "identifier", "type": "token", "documentation": "POST _search only"}]
        claim["operation"] = [
            {"name": "summary", "definition": "http://hl7.org/fhir/uv/ips/OperationDefinition/summary"},
            {"name": "everything", "definition": "http://hl7.org/fhir/OperationDefinition/Patient-everything"},
            {"name": "social-summary", "definition": "https://casehub.example/fhir/OperationDefinition/social-summary"},
        ]
    return claim
