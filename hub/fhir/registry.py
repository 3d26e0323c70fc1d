"""The resource types that the hub supports: one row each, and nothing else in the code names them all.

A row says what kind of record a type is and which interactions it has. The rest of what a type needs is looked up
by its name in tables of their own: search parameters and shapes (the official definitions), the elements that make
someone its client (`hub.fhir.compartments`), label rules (`mappings/labels/`). A test holds that no row lacks any.
The CapabilityStatement is made from these rows: https://hl7.org/fhir/R4/resourcelist.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hub.fhir.compartments import SUBJECT_ELEMENTS

INTERACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "c": ("create",),
    "r": ("read", "vread", "history-instance", "history-type"),
    "u": ("update", "patch"),
    "d": ("delete",),
    "s": ("search-type",),
}
"""Letter of a SMART scope -> the interactions that it covers (https://hl7.org/fhir/R4/http.html)."""

EVERY: Final = "cruds"
KEPT: Final = "crus"
"""A client is erased by the operator of the hub, never deleted."""
EVIDENCE: Final = "crs"
"""What happened is written down once: neither changed nor deleted."""
PUBLISHED: Final = "rs"
"""The hub's own words (its code systems, maps, definitions): read and searched, in one version, never written."""
NOWHERE: Final = ""
"""Only travels in and out of operations."""


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One supported type."""

    name: str
    offers: str = EVERY
    """The letters of the interactions that the hub offers."""
    directory: bool = False
    """About no client at all (who works where, what words mean): everybody reads it."""
    container: bool = False
    """Its parts are judged each on its own."""
    guarded: bool = False
    """Changed only with If-Match."""
    clientless: str = ""
    """Why no element of this type names its client, where none does."""

    @property
    def deletable(self) -> bool:
        return "d" in self.offers

    @property
    def published(self) -> bool:
        """Whether the hub itself is the only author."""
        return self.offers == PUBLISHED

    @property
    def client_elements(self) -> tuple[str, ...]:
        """The elements whose Patient is a client of the record."""
        return SUBJECT_ELEMENTS.get(self.name, ())

    @property
    def interactions(self) -> tuple[str, ...]:
        """The names of the interactions on this type, in the order of the specification's table."""
        if self.published:
            return ("read", "search-type")
        return tuple(name for letter in "rucds" if letter in self.offers for name in INTERACTIONS[letter])


_WHO_WORKS_WHERE: Final = "who helps, where and how to reach them"
_WORDS: Final = "what words mean"

_ROWS: Final = (
    ResourceType("AllergyIntolerance"),
    ResourceType("Appointment"),
    ResourceType("AuditEvent", EVIDENCE),
    ResourceType("Basic"),
    ResourceType("Binary", clientless="bytes: they belong to whoever refers to them"),
    ResourceType("Bundle", container=True, clientless="its clients are those of its entries"),
    ResourceType("CapabilityStatement", NOWHERE, directory=True, clientless="what this hub can do: at /metadata"),
    ResourceType("CarePlan", container=True, guarded=True),
    ResourceType("CareTeam", container=True, guarded=True),
    ResourceType("ClinicalImpression"),
    ResourceType("CodeSystem", PUBLISHED, directory=True, clientless=_WORDS),
    ResourceType("Communication"),
    ResourceType("CommunicationRequest"),
    ResourceType("Composition", container=True),
    ResourceType("ConceptMap", PUBLISHED, directory=True, clientless=_WORDS),
    ResourceType("Condition"),
    ResourceType("Consent", guarded=True),
    ResourceType("Coverage"),
    ResourceType("Device"),
    ResourceType("DeviceUseStatement"),
    ResourceType("DiagnosticReport"),
    ResourceType("DocumentReference"),
    ResourceType("Encounter"),
    ResourceType("Endpoint", directory=True, clientless=_WHO_WORKS_WHERE),
    ResourceType("EpisodeOfCare"),
    ResourceType("Flag"),
    ResourceType("Goal"),
    ResourceType("Group"),
    ResourceType("HealthcareService", directory=True, clientless=_WHO_WORKS_WHERE),
    ResourceType("Immunization"),
    ResourceType("List", container=True),
    ResourceType("Location", directory=True, clientless=_WHO_WORKS_WHERE),
    ResourceType("Medication", clientless="a medicine; who takes it stands in what refers to it"),
    ResourceType("MedicationRequest"),
    ResourceType("MedicationStatement"),
    ResourceType("Observation"),
    ResourceType("OperationDefinition", PUBLISHED, directory=True, clientless=_WORDS),
    ResourceType("Organization", directory=True, clientless=_WHO_WORKS_WHERE),
    ResourceType("Parameters", NOWHERE, clientless="goes in and out of operations: it has no endpoint in R4"),
    ResourceType("Patient", KEPT),
    ResourceType("Practitioner", directory=True, clientless=_WHO_WORKS_WHERE),
    ResourceType("PractitionerRole", directory=True, clientless=_WHO_WORKS_WHERE),
    ResourceType("Procedure"),
    ResourceType("Provenance", EVIDENCE),
    ResourceType("Questionnaire", directory=True, clientless="questions; the answers are somebody's"),
    ResourceType("QuestionnaireResponse"),
    ResourceType("RelatedPerson"),
    ResourceType("RiskAssessment"),
    ResourceType("SearchParameter", PUBLISHED, directory=True, clientless=_WORDS),
    ResourceType("ServiceRequest"),
    ResourceType("StructureDefinition", PUBLISHED, directory=True, clientless=_WORDS),
    ResourceType("Task"),
    ResourceType("ValueSet", PUBLISHED, directory=True, clientless=_WORDS),
)

SUPPORTED: Final[Mapping[str, ResourceType]] = {row.name: row for row in _ROWS}
"""Name -> row, in the order of the alphabet."""


def supported(type: str) -> ResourceType | None:
    """The row of a type; None for what the hub does not keep, or does not know."""
    return SUPPORTED.get(type)
