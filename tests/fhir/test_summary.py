"""Documents made from records: valid, honest about what is missing, the same for the same arguments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub.fhir import text
from hub.fhir.bundles import resources_of
from hub.fhir.codes import AREAS, CARE_AREA
from hub.fhir.references import rewrite
from hub.fhir.summary import discharge_report, patient_summary, social_summary
from hub.fhir.summary_sections import DISCHARGE_REPORT, PATIENT_SUMMARY, SOCIAL_SUMMARY
from hub.fhir.validate import errors, validate
from hub.fhir.value import Resource
from tests.fhir.corpus import files, needs_corpus
from tests.fhir.test_validate import ALLERGY, CONDITION, OBSERVATION, PATIENT, TERMS, concept

HOSPITAL: Resource = {"resourceType": "Organization", "id": "ltc", "name": "Nemocnice U Lípy"}
WHEN: dict[str, Any] = {
    "author": HOSPITAL,
    "now": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    "identifier": "urn:uuid:7f9c0e2e-0000-4000-8000-000000000001",
}
DOCUMENTS = [patient_summary, social_summary, discharge_report]
SUBJECT = {"reference": "Patient/p1"}
PROBLEM: Resource = {
    "resourceType": "Condition",
    "id": "c1",
    "clinicalStatus": concept(f"{TERMS}condition-clinical", "active"),
    "code": {"text": "Parkinsonova nemoc"},
    "subject": SUBJECT,
    "asserter": {"reference": "Practitioner/d1"},
}
RECORDS: list[Resource] = [
    PROBLEM,
    {**CONDITION, "id": "c2"},
    {**ALLERGY, "id": "a1"},
    {
        "resourceType": "MedicationStatement",
        "id": "m1",
        "status": "active",
        "medicationReference": {"reference": "Medication/x"},
        "subject": SUBJECT,
    },
    {"resourceType": "Medication", "id": "x", "code": {"text": "Levodopa"}},
    {"resourceType": "Practitioner", "id": "d1", "name": [{"text": "MUDr. X"}]},
    {"resourceType": "Practitioner", "id": "d2", "name": [{"text": "unreferred"}]},
    {**OBSERVATION, "id": "o1", "category": [concept(f"{TERMS}observation-category", "vital-signs")]},
    {**OBSERVATION, "id": "o2", "code": concept("http://loinc.org", "96761-2")},
    {**OBSERVATION, "id": "o3", "category": [concept(CARE_AREA, "housing")]},
    {**OBSERVATION, "id": "o4", "status": "entered-in-error"},
    {
        "resourceType": "CarePlan",
        "id": "plan",
        "status": "active",
        "intent": "plan",
        "subject": SUBJECT,
        "title": "Plán",
    },
    {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "class": {"system": f"{TERMS}v3-ActCode", "code": "IMP"},
        "subject": SUBJECT,
    },
]


def sections(bundle: Resource) -> dict[str, Any]:
    return {section["code"]["coding"][0]["code"]: section for section in resources_of(bundle)[0]["section"]}


def entries(bundle: Resource, code: str) -> list[str]:
    """The ids of the resources that a section refers to."""
    by_url = {entry["fullUrl"]: entry["resource"]["id"] for entry in bundle["entry"]}
    return [by_url[entry["reference"]] for entry in sections(bundle)[code].get("entry", [])]


@pytest.mark.parametrize("make", DOCUMENTS)
@pytest.mark.parametrize("records", [[], RECORDS], ids=["nothing", "records"])
@pytest.mark.parametrize("language", ["cs", "de", "en", "fr"])
def test_every_document_is_valid_fhir(make: Callable[..., Resource], records: list[Resource], language: str) -> None:
    made = make(PATIENT, records, **WHEN, language=language, withheld={"finance"})
    assert validate(made) == ()
    assert all(section["text"]["div"] for section in resources_of(made)[0]["section"])


@pytest.mark.parametrize("make", DOCUMENTS)
def test_the_same_arguments_make_the_same_document(make: Callable[..., Resource]) -> None:
    assert make(PATIENT, RECORDS, **WHEN) == make(PATIENT, list(RECORDS), **WHEN)


def test_a_patient_summary_always_speaks_of_problems_allergies_and_medication() -> None:
    made = sections(patient_summary(PATIENT, [], **WHEN))
    assert list(made) == ["11450-4", "48765-2", "10160-0"]
    assert {section["emptyReason"]["coding"][0]["code"] for section in made.values()} == {"unavailable"}


def test_records_stand_in_the_section_they_belong_to_and_those_in_error_nowhere() -> None:
    made = patient_summary(PATIENT, RECORDS, **WHEN)
    assert entries(made, "11450-4") == ["c1"]
    assert entries(made, "11348-0") == ["c2"]
    assert entries(made, "10160-0") == ["m1"]
    assert entries(made, "8716-3") == ["o1"]
    assert entries(made, "assessments") == ["o2"]
    assert entries(made, "29762-2") == ["o3"]
    assert entries(made, "18776-5") == ["plan"]
    assert "o4" not in {resource.get("id") for resource in resources_of(made)}
    assert "30954-2" not in sections(made)


def test_what_a_record_refers_to_comes_along_and_nothing_else() -> None:
    ids = {f"{r['resourceType']}/{r['id']}" for r in resources_of(patient_summary(PATIENT, RECORDS, **WHEN))}
    assert {"Medication/x", "Practitioner/d1", "Organization/ltc", "Patient/p1"} <= ids
    assert "Practitioner/d2" not in ids


@pytest.mark.parametrize("make", DOCUMENTS)
@pytest.mark.parametrize("area", AREAS)
def test_a_withheld_section_says_so_whether_or_not_anything_is_there(make: Callable[..., Resource], area: str) -> None:
    tables = {
        patient_summary: PATIENT_SUMMARY,
        social_summary: SOCIAL_SUMMARY,
        discharge_report: DISCHARGE_REPORT,
    }
    codes = {section.code for section in tables[make] if section.area == area}
    for records in ([], RECORDS):
        made = sections(make(PATIENT, records, **WHEN, withheld=frozenset((area,))))
        for code in codes:
            assert made[code]["emptyReason"]["coding"][0]["code"] == "withheld"
            assert "entry" not in made[code]
        assert not any(
            section.get("emptyReason", {}).get("coding", [{}])[0].get("code") == "withheld"
            for code, section in made.items()
            if code not in codes
        )


def test_withheld_sections_are_the_same_with_and_without_records() -> None:
    nothing = patient_summary(PATIENT, [], **WHEN, withheld=set(AREAS))
    everything = patient_summary(PATIENT, RECORDS, **WHEN, withheld=set(AREAS))
    assert nothing == everything


def test_a_social_summary_has_all_its_sections_and_each_says_why_it_is_empty() -> None:
    made = sections(social_summary(PATIENT, RECORDS, **WHEN))
    assert len(made) == 15
    assert all(("entry" in section) != ("emptyReason" in section) for section in made.values())


def test_areas_decide_which_section_of_a_social_summary_a_record_is_in() -> None:
    made = social_summary(PATIENT, RECORDS, **WHEN)
    assert entries(made, "71802-3") == ["o3"]
    labelled = social_summary(
        PATIENT, RECORDS, **WHEN, areas=lambda r: frozenset(("finance",)) if r["id"] == "o3" else frozenset()
    )
    assert entries(labelled, "finance") == ["o3"]
    assert entries(labelled, "71802-3") == []


def test_a_social_summary_is_typed_as_such_and_kept_by_its_author() -> None:
    composition = resources_of(social_summary(PATIENT, [], **WHEN))[0]
    assert composition["type"]["coding"][0]["code"] == "social-service-summary"
    assert composition["custodian"] == composition["author"][0]


def test_a_discharge_report_is_about_its_encounter() -> None:
    stay = next(record for record in RECORDS if record["resourceType"] == "Encounter")
    made = discharge_report(PATIENT, RECORDS, **WHEN, encounter=stay)
    assert resources_of(made)[0]["type"]["coding"][0]["code"] == "34105-7"
    assert entries(made, "8648-8") == ["e1"]
    assert set(sections(made)) == {"8648-8", "11450-4", "48765-2", "75311-1"}
    assert validate(made) == ()


@needs_corpus
@pytest.mark.parametrize("make", DOCUMENTS)
@pytest.mark.parametrize("sample", files("ips", "*.json"), ids=lambda path: path.name)
def test_documents_from_real_records_are_valid(make: Callable[..., Resource], sample: Path) -> None:
    bundle = text.read(sample.read_bytes(), name=sample.name)
    names: dict[str, str] = {}
    records = []
    for index, entry in enumerate(bundle["entry"]):
        record = {"id": f"r{index}", **entry["resource"]}
        record.pop("text", None)
        names[entry.get("fullUrl", "")] = f"{record['resourceType']}/{record['id']}"
        records.append(record)
    records = [rewrite(record, names) for record in records if record["resourceType"] != "Composition"]
    patient = next(record for record in records if record["resourceType"] == "Patient")
    assert errors(make(patient, records, **WHEN)) == ()


@pytest.mark.parametrize(
    "concealing", ['<p style="display: none">x</p>', "<!-- x -->", '<b style="visibility:hidden">x</b>']
)
def test_a_narrative_that_hides_text_is_made_anew_in_a_document(concealing: str) -> None:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>shown</p>{concealing}</div>'
    hiding = {**PROBLEM, "text": {"status": "additional", "div": div}}
    made = patient_summary(PATIENT, [hiding], **WHEN)
    told = next(r for r in resources_of(made) if r["resourceType"] == "Condition")["text"]["div"]
    assert "Parkinsonova nemoc" in told
    assert concealing not in told
