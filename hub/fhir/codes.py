"""Names of systems and codes that several rooms share.

FHIR R4 terminologies: https://hl7.org/fhir/R4/terminologies-systems.html; Czech identifier systems: HL7 Czech
core guide; the hub's own systems are published under `HUB`.
"""

from __future__ import annotations

from typing import Final

HUB: Final = "https://casehub.example/fhir"
CARE_AREA: Final = f"{HUB}/CodeSystem/care-area"
DOC_TYPE: Final = f"{HUB}/CodeSystem/doc-type"
DOC_CATEGORY: Final = f"{HUB}/CodeSystem/doc-category"
SECTION: Final = f"{HUB}/CodeSystem/section"
LEGAL_BASIS: Final = f"{HUB}/CodeSystem/legal-basis"
SOURCE_KEY: Final = f"{HUB}/sid/source-key"

LOINC: Final = "http://loinc.org"
SNOMED: Final = "http://snomed.info/sct"
ICD10: Final = "http://hl7.org/fhir/sid/icd-10"
ATC: Final = "http://www.whocc.no/atc"
UCUM: Final = "http://unitsofmeasure.org"
ACT_REASON: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
OBSERVATION_VALUE: Final = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
ROLE_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
PARTICIPATION_TYPE: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
CONSENT_ACTION: Final = "http://terminology.hl7.org/CodeSystem/consentaction"
CONSENT_SCOPE: Final = "http://terminology.hl7.org/CodeSystem/consentscope"
LIST_EMPTY_REASON: Final = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
DATA_ABSENT_REASON: Final = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
DATA_ABSENT_EXTENSION: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

RODNE_CISLO: Final = "https://ncez.mzcr.cz/fhir/sid/rcis"
RID: Final = "https://ncez.mzcr.cz/fhir/sid/rid"
CISLO_POJISTENCE: Final = "https://ncez.mzcr.cz/fhir/sid/cpoj"
ICO: Final = "https://ncez.mzcr.cz/fhir/sid/ico"
KRPZS: Final = "https://ncez.mzcr.cz/fhir/sid/krpzs"
KRZP: Final = "https://ncez.mzcr.cz/fhir/sid/krzp"

STRONG_IDENTIFIERS: Final = frozenset({RODNE_CISLO, RID, CISLO_POJISTENCE})
"""Identifier systems that name one person in the whole country."""

AREAS: Final = (
    "health",
    "self-care",
    "finance",
    "housing",
    "household",
    "occupation",
    "family",
    "wider-circles",
    "safeguarding",
    "services",
    "plan",
    "identity",
)
"""The areas of life a record can touch, in the order in which people see them."""

UNCLASSIFIED: Final = "unclassified"
"""The area of content that no label rule knows; no permit can name it."""


def is_care_area(system: str | None) -> bool:
    """Whether a coding's system is the hub's CodeSystem of areas (also under another hub's base)."""
    return system is not None and (system == CARE_AREA or system.endswith("/CodeSystem/care-area"))
