"""Search parameters that a deployment adds: compiled like the official ones, or refused with the place."""

from __future__ import annotations

from typing import Any

import pytest

from hub.errors import InvalidResource
from hub.fhir.search_parameters import compile_parameter, extract, parameters, parameters_with
from hub.fhir.search_parse import parse
from hub.fhir.search_query import Term, TokenValue
from hub.fhir.value import Resource

EXTENSION = "https://casehub.example/fhir/StructureDefinition/care-level"


def definition(**elements: Any) -> Resource:
    return {
        "resourceType": "SearchParameter",
        "url": "https://casehub.example/fhir/SearchParameter/x",
        "name": "x",
        "status": "active",
        "description": "x",
        "code": "x",
        "base": ["Patient"],
        "type": "token",
        "expression": "Patient.maritalStatus",
    } | elements


def rows(resource: Resource, **elements: Any) -> list[tuple[str, str, str]]:
    added = compile_parameter(definition(**elements))
    return [(row.kind, row.value, row.pointer) for row in extract(resource, extra=[added]) if row.param == "x"]


PATIENT: Resource = {
    "resourceType": "Patient",
    "id": "p",
    "maritalStatus": {"coding": [{"code": "M"}]},
    "name": [{"use": "official", "family": "Nová"}, {"use": "maiden", "family": "Stará"}],
    "extension": [
        {"url": EXTENSION, "valueCoding": {"system": "urn:l", "code": "III"}},
        {"url": "urn:other", "valueCoding": {"system": "urn:l", "code": "I"}},
    ],
    "contact": [{"organization": {"reference": "Organization/1"}}, {"organization": {"reference": "Organization/2"}}],
}


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({}, [("token", "M", "/maritalStatus/coding/0")]),
        (
            {"type": "string", "expression": "Patient.name.where(use = 'maiden').family"},
            [("string", "stara", "/name/1/family")],
        ),
        (
            {"expression": f"Patient.extension('{EXTENSION}').value.as(Coding)"},
            [("token", "III", "/extension/0/valueCoding")],
        ),
        (
            {"expression": f"(Patient.extension.where(url='{EXTENSION}').value as Coding)"},
            [("token", "III", "/extension/0/valueCoding")],
        ),
        (
            {"expression": f"Patient.extension.where(url = '{EXTENSION}').value.ofType(Coding)"},
            [("token", "III", "/extension/0/valueCoding")],
        ),
        (
            {"type": "reference", "expression": "Patient.contact[1].organization", "target": ["Organization"]},
            [("reference", "Organization/2", "/contact/1/organization")],
        ),
        (
            {"type": "string", "expression": "Patient.name.first().family"},
            [("string", "nova", "/name/0/family")],
        ),
        (
            {"base": ["Resource"], "type": "uri", "expression": "Resource.implicitRules"},
            [],
        ),
    ],
)
def test_an_added_parameter_is_indexed(elements: dict[str, Any], expected: list[Any]) -> None:
    assert rows(PATIENT, **elements) == expected


def test_an_added_parameter_is_searched_like_any_other_and_only_where_it_was_added() -> None:
    added = compile_parameter(definition())
    query = parse("Patient", [("x", "M")], extra=[added])
    assert query.conditions == (Term("Patient", "x", "token", "", (TokenValue(None, "M"),)),)
    assert "x" in parameters_with("Patient", [added])
    assert "x" not in parameters_with("Group", [added])
    assert "x" not in parameters("Patient")


def test_a_composite_is_made_of_official_parameters() -> None:
    elements = {
        "type": "composite",
        "base": ["Patient"],
        "expression": "Patient.contact",
        "component": [
            {"definition": "http://hl7.org/fhir/SearchParameter/individual-gender", "expression": "gender"},
            {"definition": "http://hl7.org/fhir/SearchParameter/Patient-organization", "expression": "organization"},
        ],
    }
    contact = {"gender": "female", "organization": {"reference": "Organization/1"}}
    added = compile_parameter(definition(**elements))
    found = [row for row in extract({"resourceType": "Patient", "contact": [contact, {}]}, extra=[added]) if row.tie]
    assert {(row.param, row.value) for row in found} == {("x$0", "female"), ("x$1", "Organization/1")}


@pytest.mark.parametrize(
    ("elements", "place"),
    [
        ({"expression": "Patient.nonsense"}, "SearchParameter.expression"),
        ({"expression": "Patient.name.family.substring(1)"}, "SearchParameter.expression"),
        ({"expression": "Patient.descendants()"}, "SearchParameter.expression"),
        ({"expression": "Patient.name.where(use = 'a' or use = 'b')"}, "SearchParameter.expression"),
        ({"expression": "Observation.code"}, "SearchParameter.expression"),
        ({"expression": "(Patient.multipleBirth as string)"}, "SearchParameter.expression"),
        ({"expression": "Patient.name"}, "SearchParameter.expression"),
        ({"type": "date"}, "SearchParameter.expression"),
        ({"base": ["Patient", "Group"]}, "SearchParameter.expression"),
        ({"expression": "Patient.name | " * 500}, "SearchParameter.expression"),
        ({"base": ["Nobody"]}, "SearchParameter.base"),
        ({"type": "special"}, "SearchParameter.type"),
        ({"code": "gender"}, "SearchParameter.code"),
        ({"expression": None}, "SearchParameter.expression"),
        ({"type": "composite", "expression": "Patient"}, "SearchParameter.component"),
        (
            {"type": "composite", "component": [{"definition": "urn:none", "expression": "text"}]},
            "SearchParameter.component[0].definition",
        ),
        (
            {
                "type": "composite",
                "component": [
                    {"definition": "http://hl7.org/fhir/SearchParameter/individual-gender", "expression": "nonsense"}
                ],
            },
            "SearchParameter.component[0].expression",
        ),
    ],
)
def test_what_cannot_be_compiled_is_refused_with_its_place(elements: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidResource) as refused:
        compile_parameter(definition(**elements))
    assert refused.value.place == place
