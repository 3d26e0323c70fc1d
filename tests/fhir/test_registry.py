"""The registry of types: no row lacks what a type needs, and no other table of types disagrees with it."""

from __future__ import annotations

import pytest

from hub.bootstrap import knowledge
from hub.consent.codes import CLIENT_TYPES, DIRECTORY_TYPES
from hub.consent.parts import CONTAINERS
from hub.exchange.recorder import GUARDED_TYPES
from hub.fhir.compartments import SUBJECT_ELEMENTS
from hub.fhir.definitions import load
from hub.fhir.registry import INTERACTIONS, SUPPORTED, ResourceType, supported
from hub.fhir.search_parameters import claims
from hub.fhir.shapes import RESOURCE_TYPES, shape
from hub.settings import REPOSITORY

PROMISED = frozenset((
    "Patient", "RelatedPerson", "Practitioner", "PractitionerRole", "Organization", "Endpoint",
    "HealthcareService", "Location", "CareTeam", "CarePlan", "Goal", "Condition", "AllergyIntolerance",
    "Medication", "MedicationStatement", "MedicationRequest", "Immunization", "Procedure", "Observation",
    "DiagnosticReport", "Device", "DeviceUseStatement", "Flag", "ServiceRequest", "Task", "Appointment",
    "Encounter", "EpisodeOfCare", "Communication", "CommunicationRequest", "Questionnaire",
    "QuestionnaireResponse", "Composition", "Bundle", "DocumentReference", "Binary", "Consent", "Provenance",
    "AuditEvent", "List", "Coverage", "ClinicalImpression", "RiskAssessment", "Group", "Basic", "Parameters",
))  # fmt: skip
CONFORMANCE = frozenset((
    "CapabilityStatement", "CodeSystem", "ConceptMap", "OperationDefinition", "SearchParameter",
    "StructureDefinition", "ValueSet",
))  # fmt: skip
NO_PARAMETERS = frozenset(("Binary", "Parameters"))
"""R4 defines no search parameter for these beyond those of every resource."""
OPEN_BINDINGS = frozenset(("http://hl7.org/fhir/ValueSet/mimetypes",))
"""Required bindings whose value set is a grammar, not a list (BCP 13)."""

ROWS = [pytest.param(row, id=row.name) for row in SUPPORTED.values()]
KEPT = [pytest.param(row, id=row.name) for row in SUPPORTED.values() if row.offers]


def test_the_registry_holds_what_was_promised_and_nothing_else() -> None:
    assert set(SUPPORTED) == PROMISED | CONFORMANCE
    assert list(SUPPORTED) == sorted(SUPPORTED)
    assert {name for name, row in SUPPORTED.items() if row.published} == CONFORMANCE - {"CapabilityStatement"}


@pytest.mark.parametrize("row", ROWS)
def test_every_type_has_its_structure_and_required_bindings(row: ResourceType) -> None:
    assert row.name in RESOURCE_TYPES
    assert shape(row.name).is_resource
    own = [s for name, s in load("structure").items() if name == row.name or name.startswith(f"{row.name}.")]
    bound = {value_set for one in own for _, _, _, _, value_set in one["elements"] if value_set}
    assert bound <= load("codes").keys() | OPEN_BINDINGS


@pytest.mark.parametrize("row", ROWS)
def test_every_type_has_search_parameters(row: ResourceType) -> None:
    own = {claim.name for claim in claims(row.name)} - {claim.name for claim in claims("Binary")}
    assert own or row.name in NO_PARAMETERS


@pytest.mark.parametrize("row", ROWS)
def test_every_type_names_its_client_or_says_why_it_has_none(row: ResourceType) -> None:
    if row.name != "Patient":
        assert bool(row.client_elements) != bool(row.clientless)
    if row.directory:
        assert not row.client_elements


@pytest.mark.parametrize("row", KEPT)
def test_every_type_has_a_label_rule_of_its_own(row: ResourceType) -> None:
    rules = knowledge(REPOSITORY / "mappings", "Europe/Prague").label_rules
    deliberate = {*rules.by_type, *(t for rule in (*rules.defaults, *rules.when_nothing_known) for t in rule.types)}
    assert row.name in deliberate


def test_the_tables_of_other_rooms_say_the_same() -> None:
    rows = SUPPORTED.values()
    assert {row.name for row in rows if row.guarded} == GUARDED_TYPES
    assert {row.name for row in rows if row.container} == CONTAINERS
    assert {row.name for row in rows if row.directory} == DIRECTORY_TYPES & SUPPORTED.keys()
    assert {row.name for row in rows if row.client_elements} <= SUBJECT_ELEMENTS.keys()
    assert not DIRECTORY_TYPES & CLIENT_TYPES


def test_letters_are_interactions() -> None:
    assert {letter for row in SUPPORTED.values() for letter in row.offers} <= INTERACTIONS.keys()
    goal, audit, parameters = SUPPORTED["Goal"], SUPPORTED["AuditEvent"], SUPPORTED["Parameters"]
    assert goal.interactions == (
        "read", "vread", "history-instance", "history-type", "update", "patch", "create", "delete", "search-type",
    )  # fmt: skip
    assert not {"update", "patch", "delete"} & set(audit.interactions)
    assert parameters.interactions == ()
    assert SUPPORTED["ValueSet"].interactions == ("read", "search-type")
    assert goal.deletable
    assert not audit.deletable


@pytest.mark.parametrize("type", ["Nonsense", "Subscription", "patient", "", "*", "Resource", "DomainResource"])
def test_what_is_not_in_the_registry_is_not_supported(type: str) -> None:
    assert supported(type) is None
