"""The parts of containers: what each is judged by, and what is no part."""

from __future__ import annotations

from typing import Any

from hub.consent.model import Part
from hub.fhir.codes import CARE_AREA, ICD10, LOINC, SECTION
from hub.fhir.value import Resource
from tests.consent.labelled import record

DEPRESSION: Resource = {
    "resourceType": "Condition",
    "id": "depression",
    "code": {"coding": [{"system": ICD10, "code": "F32.1"}]},
    "subject": {"reference": "Patient/anna"},
}


def area(code: str) -> dict[str, Any]:
    return {"coding": [{"system": CARE_AREA, "code": code}]}


def parts(resource: Resource, *others: Resource) -> dict[str, Part]:
    return {part.pointer: part for part in record(resource, *others).parts}


def test_a_plan_is_judged_by_activity_goal_need_and_team() -> None:
    goal: Resource = {"resourceType": "Goal", "id": "debts", "category": [area("finance")]}
    plan: Resource = {
        "resourceType": "CarePlan",
        "subject": {"reference": "Patient/anna"},
        "activity": [
            {"detail": {"code": area("household")}},
            {"detail": {"goal": [{"reference": "Goal/debts"}]}},
        ],
        "goal": [{"reference": "Goal/debts"}, {"display": "něco"}],
        "addresses": [{"reference": "Condition/depression"}],
    }
    found = parts(plan, goal, DEPRESSION)
    assert found["/activity/0"].labels.areas == {"household"}
    assert found["/activity/1"].labels.areas == {"finance"}
    assert (found["/goal/0"].refers_to, found["/goal/0"].labels.areas) == ("Goal/debts", {"finance"})
    assert found["/goal/1"].labels.areas == {"unclassified"}
    assert found["/addresses/0"].labels.sensitivity == {"PSY"}


def test_a_contained_task_labels_the_activity_that_refers_to_it() -> None:
    plan: Resource = {
        "resourceType": "CarePlan",
        "contained": [{"resourceType": "Task", "id": "t", "code": area("housing")}],
        "activity": [{"reference": {"reference": "#t"}}, {"reference": {"reference": "#lost"}}],
    }
    found = parts(plan)
    assert found["/activity/0"].labels.areas == {"housing"}
    assert found["/activity/1"].labels.areas == {"unclassified"}


def test_everybody_in_a_team_is_shown_by_role_and_relatives_are_a_part_of_their_own() -> None:
    team: Resource = {
        "resourceType": "CareTeam",
        "subject": {"reference": "Patient/anna"},
        "participant": [
            {"member": {"reference": "Patient/anna"}},
            {"member": {"reference": "RelatedPerson/daughter"}},
            {"member": {"reference": "Organization/carers"}},
            {"member": {"reference": "Patient/neighbour"}},
        ],
    }
    found = parts(team)
    assert {pointer for pointer in found if pointer.endswith("member")} == {
        "/participant/1/member",
        "/participant/3/member",
    }
    assert found["/participant/1"].labels.areas == {"plan"}
    assert found["/participant/1/member"].labels.areas == {"family"}
    assert found["/participant/1/member"].refers_to == "RelatedPerson/daughter"


def test_sections_are_judged_by_their_code_and_entries_by_what_they_refer_to() -> None:
    composition: Resource = {
        "resourceType": "Composition",
        "subject": {"reference": "Patient/anna"},
        "section": [
            {
                "code": {"coding": [{"system": LOINC, "code": "11450-4"}]},
                "entry": [{"reference": "Condition/depression"}, {"reference": "Patient/anna"}],
                "section": [{"code": {"coding": [{"system": SECTION, "code": "finance"}]}}],
            },
            {
                "title": "Různé",
                "text": {"status": "additional", "div": "<div>léčí se s depresivní poruchou</div>"},
            },
        ],
    }
    found = parts(composition, DEPRESSION)
    assert found["/section/0"].labels.areas == {"health"}
    assert found["/section/0"].labels.sensitivity == frozenset()
    assert found["/section/0/entry/0"].labels.sensitivity == {"PSY"}
    assert "/section/0/entry/1" not in found
    assert found["/section/0/section/0"].labels.areas == {"finance"}
    assert found["/section/1"].labels.areas == {"unclassified"}
    assert found["/section/1"].labels.sensitivity == {"PSY"}


def test_entries_of_a_document_are_judged_by_their_own_content_and_the_client_is_none_of_them() -> None:
    document: Resource = {
        "resourceType": "Bundle",
        "type": "document",
        "entry": [
            {
                "fullUrl": "urn:uuid:0",
                "resource": {
                    "resourceType": "Composition",
                    "subject": {"reference": "urn:uuid:1"},
                    "section": [{"entry": [{"reference": "urn:uuid:2"}]}],
                },
            },
            {
                "fullUrl": "urn:uuid:1",
                "resource": {"resourceType": "Patient", "contact": [{"name": {"text": "x"}}]},
            },
            {"fullUrl": "urn:uuid:2", "resource": DEPRESSION},
            {"fullUrl": "urn:uuid:3", "resource": {"resourceType": "Organization"}},
            {"fullUrl": "urn:uuid:4", "resource": {"resourceType": "Patient"}},
            {"fullUrl": "urn:uuid:5", "resource": {"resourceType": "Binary"}},
        ],
    }
    found = parts(document)
    assert set(found) == {
        "/entry/0/resource/section/0",
        "/entry/0/resource/section/0/entry/0",
        "/entry/1/resource/contact/0",
        "/entry/2",
        "/entry/4",
        "/entry/5",
    }
    assert found["/entry/0/resource/section/0/entry/0"].labels.sensitivity == {"PSY"}
    assert found["/entry/4"].labels.areas == {"family"}
    assert found["/entry/5"].labels.sensitivity == {"PSY"}, "a file may hold the whole document"


def test_a_record_that_is_judged_whole_has_no_parts() -> None:
    assert parts({"resourceType": "Goal", "addresses": [{"reference": "Condition/depression"}]}, DEPRESSION) == {}
