"""Whose record it is: subjects are clients, authors and helpers are third parties."""

from __future__ import annotations

from typing import Any

import pytest

from hub.fhir.compartments import SUBJECT_ELEMENTS, THIRD_PARTY, groups_of, patients_of
from hub.fhir.definitions import load
from hub.fhir.search_parameters import parameters
from hub.fhir.shapes import shape


def ref(text: str) -> dict[str, str]:
    return {"reference": text}


@pytest.mark.parametrize(
    ("resource", "clients"),
    [
        ({"resourceType": "Patient", "id": "1"}, {"Patient/1"}),
        ({"resourceType": "Patient"}, set()),
        ({"resourceType": "CarePlan", "subject": ref("Patient/1/_history/4")}, {"Patient/1"}),
        ({"resourceType": "CarePlan", "subject": ref("Group/1")}, set()),
        (
            {"resourceType": "CarePlan", "subject": ref("Patient/1"), "author": ref("Patient/2")},
            {"Patient/1"},
        ),
        (
            {
                "resourceType": "CareTeam",
                "subject": ref("Patient/1"),
                "participant": [{"member": ref("Patient/2")}],
            },
            {"Patient/1"},
        ),
        (
            {
                "resourceType": "Observation",
                "subject": ref("Patient/1"),
                "focus": [ref("Patient/2")],
                "performer": [ref("Patient/3")],
            },
            {"Patient/1", "Patient/2"},
        ),
        (
            {"resourceType": "Communication", "subject": ref("Patient/1"), "recipient": [ref("Patient/2")]},
            {"Patient/1"},
        ),
        (
            {
                "resourceType": "Appointment",
                "participant": [
                    {"actor": ref("Patient/1")},
                    {"actor": ref("Patient/2")},
                    {"actor": ref("Practitioner/1")},
                ],
            },
            {"Patient/1", "Patient/2"},
        ),
        ({"resourceType": "Task", "for": ref("Patient/1"), "requester": ref("Patient/2")}, {"Patient/1"}),
        (
            {"resourceType": "Consent", "patient": ref("Patient/1"), "performer": [ref("RelatedPerson/1")]},
            {"Patient/1"},
        ),
        ({"resourceType": "Organization", "id": "1"}, set()),
        (
            {
                "resourceType": "Bundle",
                "entry": [
                    {"resource": {"resourceType": "Patient", "id": "1"}},
                    {"resource": {"resourceType": "Flag", "subject": ref("Patient/2")}},
                    {},
                ],
            },
            {"Patient/1", "Patient/2"},
        ),
    ],
)
def test_the_clients_of_a_record_are_whom_it_is_about(resource: dict[str, Any], clients: set[str]) -> None:
    assert patients_of(resource) == clients


def test_the_group_a_record_is_about_is_named_for_the_caller() -> None:
    assert groups_of({"resourceType": "CarePlan", "subject": ref("Group/1")}) == {"Group/1"}


def test_subjects_and_third_parties_together_are_the_official_compartment() -> None:
    for name, official in load("compartment").items():
        assert name in SUBJECT_ELEMENTS, name
        assert THIRD_PARTY.get(name, frozenset()) <= set(official), name
        for code in set(official) - THIRD_PARTY.get(name, frozenset()):
            paths = {".".join(step.key for step in path.steps) for path in parameters(name)[code].paths}
            assert paths & set(SUBJECT_ELEMENTS[name]), (name, code, paths)


def test_every_subject_element_is_an_element_of_its_type() -> None:
    for name, elements in SUBJECT_ELEMENTS.items():
        for element in elements:
            place = shape(name)
            for step in element.split("."):
                found = place.elements[step]
                place = found.shape
