"""Index values: compiled from the official expressions, and what is not compiled is said."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hub.fhir import text
from hub.fhir.bundles import resources_of
from hub.fhir.search_parameters import NOT_COMPILED, IndexValue, claims, extract, fold, parameters, uncompiled
from hub.fhir.shapes import RESOURCE_TYPES
from hub.fhir.value import Resource
from tests.fhir.corpus import files, needs_corpus

EMPTY = ("token", "reference")
"""Kinds whose rows may say that the element is there without a code or a literal."""

PATIENT: Resource = {
    "resourceType": "Patient",
    "id": "p1",
    "meta": {"security": [{"system": "urn:s", "code": "R"}], "lastUpdated": "2026-01-02T03:04:05Z"},
    "active": True,
    "identifier": [{"system": "urn:id", "value": "7"}],
    "name": [{"family": "Nováková", "given": ["Anna  Marie"]}],
    "telecom": [{"system": "email", "value": "a@example.org"}, {"system": "phone", "value": "123"}],
    "birthDate": "1955-03",
    "address": [{"city": "Brno", "use": "home"}],
    "deceasedDateTime": "2025",
    "generalPractitioner": [
        {"reference": "Organization/gp/_history/2"},
        {"identifier": {"system": "urn:i", "value": "9"}},
    ],
}


def values(resource: Resource, param: str) -> list[tuple[str, str]]:
    return [("" if v.kind == "string" else v.system, v.value) for v in extract(resource) if v.param == param]


@pytest.mark.parametrize(
    ("param", "found"),
    [
        ("_id", []),
        ("_lastUpdated", []),
        ("_security", [("urn:s", "R")]),
        ("active", [("", "true")]),
        ("identifier", [("urn:id", "7"), ("*", "7")]),
        ("family", [("", "novakova")]),
        ("given", [("", "anna marie")]),
        ("name", [("", "novakova"), ("", "anna marie")]),
        ("email", [("", "a@example.org")]),
        ("phone", [("", "123")]),
        ("telecom", [("", "a@example.org"), ("", "123")]),
        ("address-city", [("", "brno")]),
        ("address-use", [("", "home")]),
        ("deceased", [("", "true")]),
        ("general-practitioner", [("", "Organization/gp"), ("", "Organization/gp/_history/2"), ("", "")]),
        ("general-practitioner:identifier", [("urn:i", "9"), ("*", "9")]),
        ("gender", []),
    ],
)
def test_a_patient_is_found_by(param: str, found: list[tuple[str, str]]) -> None:
    assert values(PATIENT, param) == found


def test_a_date_is_indexed_as_its_whole_interval_in_the_hubs_zone() -> None:
    found = [v for v in extract(PATIENT, zone=ZoneInfo("Europe/Prague")) if v.param == "birthdate"]
    assert found == [
        IndexValue(
            "birthdate",
            "date",
            start="1955-02-28T23:00:00.000000+00:00",
            end="1955-03-31T22:59:59.999999+00:00",
            pointer="/birthDate",
        )
    ]


def test_who_is_not_dead_is_found_as_such() -> None:
    assert values({"resourceType": "Patient"}, "deceased") == [("", "false")]
    assert values({"resourceType": "Patient", "deceasedBoolean": False}, "deceased") == [("", "false")]


def test_choices_and_conversions_and_filters_on_the_target_are_followed() -> None:
    observation = {
        "resourceType": "Observation",
        "subject": {"reference": "Group/g"},
        "code": {"coding": [{"system": "urn:c", "code": "1"}, {"code": "2"}]},
        "valueCodeableConcept": {"coding": [{"system": "urn:v", "code": "3"}], "text": "Dobře"},
        "component": [{"code": {"coding": [{"system": "urn:c", "code": "4"}]}}],
    }
    assert values(observation, "subject") == [("", "Group/g")]
    assert values(observation, "patient") == []
    assert values(observation, "code:text") == []
    assert values(observation, "code") == [("urn:c", "1"), ("", "2")]
    assert ("urn:c", "4") in values(observation, "combo-code")
    assert values(observation, "value-concept") == [("urn:v", "3")]
    assert values(observation, "value-string") == [("", "dobre")]


def test_references_by_where_are_followed() -> None:
    appointment = {
        "resourceType": "Appointment",
        "participant": [{"actor": {"reference": "Location/l"}}, {"actor": {"reference": "Patient/p"}}],
    }
    assert values(appointment, "location") == [("", "Location/l")]
    assert values(appointment, "patient") == [("", "Patient/p")]


def test_strings_are_compared_without_case_accents_and_runs_of_blanks() -> None:
    assert fold(" Žluťoučký   KŮŇ ") == "zlutoucky kun"


def test_what_has_no_index_rows_is_listed_with_its_reason_and_nothing_else() -> None:
    assert uncompiled() == NOT_COMPILED.keys() == {"_content", "_query", "_text"}
    assert all(NOT_COMPILED.values())


def test_every_alternative_of_every_official_expression_leads_somewhere() -> None:
    for name in RESOURCE_TYPES:
        for parameter in parameters(name).values():
            assert parameter.paths, (name, parameter.code)
            assert all(component.paths for component in parameter.components), (name, parameter.code)


def test_every_type_can_be_searched_by_what_all_resources_have() -> None:
    common = {"_id", "_lastUpdated", "_tag", "_profile", "_security", "_source"}
    assert all(common <= parameters(name).keys() for name in RESOURCE_TYPES)


def test_what_is_claimed_of_a_type_names_its_official_definition() -> None:
    claimed = {claim.name: claim for claim in claims("Location")}
    assert claimed["near"].kind == "special"
    assert claimed["near"].definition == "http://hl7.org/fhir/SearchParameter/Location-near"
    assert {"_text", "_content", "_list", "_has", "_id", "_lastUpdated"} <= claimed.keys()
    assert "_query" not in claimed


@needs_corpus
@pytest.mark.parametrize(
    "sample", [*files("ips", "*.json"), *files("careplan", "[rK]*.json")], ids=lambda path: path.name
)
def test_every_sample_resource_gives_index_values(sample: Path) -> None:
    resource = text.read(sample.read_bytes())
    for one in resources_of(resource) or [resource]:
        found = extract(one)
        assert len(set(found)) == len(found)
        for value in found:
            assert value.value or (value.start and value.end) or value.low is not None or value.kind in EMPTY
