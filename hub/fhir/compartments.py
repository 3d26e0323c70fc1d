"""Whose record is this? The clients of a resource (consent rules §3).

The official Patient compartment (https://hl7.org/fhir/R4/compartmentdefinition-patient.html) also takes
in records where a Patient is only author, recipient, recorder or helper. Those are third parties: they
neither make the record theirs nor have to agree to its being shared. So this table names, for each type,
the elements that make someone the *client* of the record; `THIRD_PARTY` names the compartment parameters
that were left out, and a test holds that the two together are the whole compartment.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from hub.fhir.references import parse_reference
from hub.fhir.value import Reference, Resource

SUBJECT_ELEMENTS: Final[dict[str, tuple[str, ...]]] = {
    "Account": ("subject",),
    "AdverseEvent": ("subject",),
    "AllergyIntolerance": ("patient",),
    "Appointment": ("participant.actor",),
    "AppointmentResponse": ("actor",),
    "AuditEvent": ("entity.what",),
    "Basic": ("subject",),
    "BodyStructure": ("patient",),
    "CarePlan": ("subject",),
    "CareTeam": ("subject",),
    "ChargeItem": ("subject",),
    "Claim": ("patient",),
    "ClaimResponse": ("patient",),
    "ClinicalImpression": ("subject",),
    "Communication": ("subject",),
    "CommunicationRequest": ("subject",),
    "Composition": ("subject",),
    "Condition": ("subject",),
    "Consent": ("patient",),
    "Contract": ("subject",),
    "Coverage": ("beneficiary",),
    "CoverageEligibilityRequest": ("patient",),
    "CoverageEligibilityResponse": ("patient",),
    "DetectedIssue": ("patient",),
    "Device": ("patient",),
    "DeviceRequest": ("subject",),
    "DeviceUseStatement": ("subject",),
    "DiagnosticReport": ("subject",),
    "DocumentManifest": ("subject",),
    "DocumentReference": ("subject",),
    "Encounter": ("subject",),
    "EnrollmentRequest": ("candidate",),
    "EpisodeOfCare": ("patient",),
    "ExplanationOfBenefit": ("patient",),
    "FamilyMemberHistory": ("patient",),
    "Flag": ("subject",),
    "Goal": ("subject",),
    "Group": ("member.entity",),
    "GuidanceResponse": ("subject",),
    "ImagingStudy": ("subject",),
    "Immunization": ("patient",),
    "ImmunizationEvaluation": ("patient",),
    "ImmunizationRecommendation": ("patient",),
    "Invoice": ("subject",),
    "List": ("subject",),
    "MeasureReport": ("subject",),
    "Media": ("subject",),
    "MedicationAdministration": ("subject",),
    "MedicationDispense": ("subject",),
    "MedicationRequest": ("subject",),
    "MedicationStatement": ("subject",),
    "MolecularSequence": ("patient",),
    "NutritionOrder": ("patient",),
    "Observation": ("subject", "focus"),
    "Patient": (),
    "Person": ("link.target",),
    "Procedure": ("subject",),
    "Provenance": ("target",),
    "QuestionnaireResponse": ("subject",),
    "RelatedPerson": ("patient",),
    "RequestGroup": ("subject",),
    "ResearchSubject": ("individual",),
    "RiskAssessment": ("subject",),
    "Schedule": ("actor",),
    "ServiceRequest": ("subject",),
    "Specimen": ("subject",),
    "SupplyDelivery": ("patient",),
    "SupplyRequest": ("deliverTo",),
    "Task": ("for", "focus"),
    "VisionPrescription": ("patient",),
}
"""Type -> elements whose Patient is a client of the record. A Patient is its own client (handled apart)."""

THIRD_PARTY: Final[dict[str, frozenset[str]]] = {
    "AllergyIntolerance": frozenset(("recorder", "asserter")),
    "Basic": frozenset(("author",)),
    "CarePlan": frozenset(("performer",)),
    "CareTeam": frozenset(("participant",)),
    "Claim": frozenset(("payee",)),
    "Communication": frozenset(("sender", "recipient")),
    "CommunicationRequest": frozenset(("sender", "recipient", "requester")),
    "Composition": frozenset(("author", "attester")),
    "Condition": frozenset(("asserter",)),
    "Coverage": frozenset(("policy-holder", "subscriber", "payor")),
    "DeviceRequest": frozenset(("performer",)),
    "DocumentManifest": frozenset(("author", "recipient")),
    "DocumentReference": frozenset(("author",)),
    "ExplanationOfBenefit": frozenset(("payee",)),
    "Invoice": frozenset(("recipient",)),
    "List": frozenset(("source",)),
    "MedicationAdministration": frozenset(("performer",)),
    "MedicationDispense": frozenset(("receiver",)),
    "Observation": frozenset(("performer",)),
    "Patient": frozenset(("link",)),
    "Procedure": frozenset(("performer",)),
    "QuestionnaireResponse": frozenset(("author",)),
    "RequestGroup": frozenset(("participant",)),
    "ServiceRequest": frozenset(("performer",)),
}
"""Compartment parameters through which a Patient is only author, recipient or helper."""


def patients_of(resource: Resource) -> frozenset[Reference]:
    """The clients of a record as `Patient/id`; members of a subject Group are the caller's to add."""
    kind = resource.get("resourceType")
    if kind == "Patient":
        return frozenset((f"Patient/{resource['id']}",)) if isinstance(resource.get("id"), str) else frozenset()
    if kind == "Bundle":
        entries = (entry.get("resource") for entry in resource.get("entry", ()))
        return frozenset().union(*(patients_of(entry) for entry in entries if entry))
    return frozenset(name for name in subjects_of(resource) if name.startswith("Patient/"))


def subjects_of(resource: Resource) -> frozenset[Reference]:
    """What the subject elements refer to, of whatever type (`Patient/…`, `Group/…`), without versions."""
    found: set[str] = set()
    for path in SUBJECT_ELEMENTS.get(str(resource.get("resourceType")), ()):
        for value in _follow(resource, path.split(".")):
            reference = parse_reference(value.get("reference")) if isinstance(value, dict) else None
            if reference:
                found.add(str(reference))
    return frozenset(found)


def groups_of(resource: Resource) -> frozenset[Reference]:
    """The Groups whose members the record is about."""
    return frozenset(name for name in subjects_of(resource) if name.startswith("Group/"))


def _follow(value: Any, steps: list[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _follow(item, steps)
    elif not steps:
        yield value
    elif isinstance(value, dict) and steps[0] in value:
        yield from _follow(value[steps[0]], steps[1:])
