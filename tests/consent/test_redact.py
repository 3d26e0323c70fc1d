"""What is left of a record under a decision, and that it tells nothing of the rest."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from hub.consent.model import Decision, Effect, Record
from hub.consent.redact import redact
from hub.errors import NotPermitted
from hub.fhir.codes import ACT_CODE, CARE_AREA, CONFIDENTIALITY, HUB, ICD10, LOINC, SECTION
from hub.fhir.text import write
from hub.fhir.validate import validate
from hub.fhir.value import Resource
from tests.consent.labelled import decision, outside, record

ANNA = {"reference": "Patient/anna"}


def area(code: str) -> dict[str, Any]:
    return {"coding": [{"system": CARE_AREA, "code": code}]}


def shown(resource: Resource, *areas: str, others: tuple[Resource, ...] = (), **named: Any) -> Resource:
    """What somebody sees who may see these areas."""
    of = record(resource, *others)
    before = copy.deepcopy(resource)
    visible = named.pop("visible", lambda _reference: True)
    result = redact(of, decision(of, outside(*areas)), visible=visible, **named)
    assert resource == before, "the input was changed"
    assert [fault for fault in validate(result) if fault.severity == "error"] == []
    return result


GOALS = tuple(
    {
        "resourceType": "Goal",
        "id": name,
        "lifecycleStatus": "active",
        "category": [area(name)],
        "description": {"text": name},
        "subject": ANNA,
    }
    for name in ("finance", "household")
)

PLAN: Resource = {
    "resourceType": "CarePlan",
    "id": "plan",
    "meta": {
        "versionId": "3",
        "security": [{"system": ACT_CODE, "code": "ETHUD"}, {"system": CONFIDENTIALITY, "code": "R"}],
    },
    "text": {"status": "additional", "div": '<div xmlns="http://www.w3.org/1999/xhtml">CANARY text</div>'},
    "contained": [
        {"resourceType": "Task", "id": "t1", "status": "ready", "intent": "plan", "code": area("finance"),
         "description": "CANARY contained"},
        {"resourceType": "Task", "id": "t2", "status": "ready", "intent": "plan", "code": area("household"),
         "description": "uklízet"},
    ],
    "extension": [{"url": "https://elsewhere.example/note", "valueString": "CANARY extension"}],
    "status": "active",
    "intent": "plan",
    "title": "CANARY title",
    "description": "CANARY description",
    "subject": ANNA,
    "goal": [
        {"reference": "Goal/finance", "display": "CANARY goal", "identifier": {"value": "CANARY"}},
        {"reference": "Goal/household", "display": "čisto doma"},
    ],
    "activity": [
        {"reference": {"reference": "#t1"}},
        {"reference": {"reference": "#t2"}},
        {
            "detail": {
                "code": area("household"),
                "status": "scheduled",
                "goal": [{"reference": "Goal/household"}],
                "description": "nákup",
                "extension": [{"url": "urn:back", "valueReference": {"reference": "Goal/finance"}}],
            }
        },
        {"detail": {"code": area("finance"), "status": "scheduled", "description": "CANARY activity"}},
    ],
    "note": [{"text": "CANARY note"}],
}  # fmt: skip


def test_a_plan_shows_the_permitted_parts_and_nothing_of_the_others() -> None:
    plan = shown(PLAN, "household", others=GOALS)
    assert b"CANARY" not in write(plan)
    assert b"finance" not in write(plan)
    assert [goal["reference"] for goal in plan["goal"]] == ["Goal/household"]
    assert len(plan["activity"]) == 2
    assert [task["id"] for task in plan["contained"]] == ["t2"]
    assert "nákup" in plan["text"]["div"]
    assert not {"title", "description", "note", "extension"} & plan.keys()


def test_a_plan_of_which_everything_may_be_seen_is_left_as_it_is() -> None:
    of = record(PLAN, *GOALS)
    assert redact(of, decision(of, lambda _part: False), visible=lambda _reference: True) is PLAN


def test_labels_that_came_from_hidden_parts_go_with_them() -> None:
    security = shown(PLAN, "household", others=GOALS)["meta"]["security"]
    assert security == [{"system": CONFIDENTIALITY, "code": "N"}]


def test_prose_over_all_parts_goes_where_the_decision_is_partial_without_a_hidden_part() -> None:
    of = record(PLAN, *GOALS)
    whole = decision(of, lambda _part: False)
    partial = Decision(whole.record, Effect.PARTIAL, whole.because)
    plan = redact(of, partial, visible=lambda _reference: True)
    assert "title" not in plan
    assert len(plan["activity"]) == 4


def test_a_denied_record_has_no_redacted_form() -> None:
    of = record(PLAN)
    with pytest.raises(NotPermitted):
        redact(of, Decision(of.reference, Effect.DENY, ()), visible=lambda _reference: True)


def test_a_relative_in_the_team_is_shown_by_role_alone() -> None:
    team = shown(
        {
            "resourceType": "CareTeam",
            "name": "Tým CANARY",
            "subject": ANNA,
            "participant": [
                {
                    "role": [{"text": "dcera"}],
                    "member": {"reference": "RelatedPerson/eva", "display": "CANARY Eva"},
                    "onBehalfOf": {"reference": "Organization/hidden"},
                },
                {
                    "member": {"reference": "Practitioner/petr"},
                    "onBehalfOf": {"reference": "Organization/o"},
                },
            ],
        },
        "plan",
    )
    assert team["participant"][0] == {"role": [{"text": "dcera"}]}
    assert b"Organization/hidden" not in write(team)
    assert team["participant"][1]["member"] == {"reference": "Practitioner/petr"}
    assert b"CANARY" not in write(team)


def test_a_permitted_record_does_not_name_what_may_not_be_seen() -> None:
    observation: Resource = {
        "resourceType": "Observation",
        "status": "final",
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">CANARY</div>'},
        "code": {"text": "tlak"},
        "subject": ANNA,
        "focus": [{"reference": "Condition/secret", "display": "CANARY", "identifier": {"value": "C-1"}}],
        "performer": [{"identifier": {"value": "C-1"}, "display": "x"}, {"display": "MUDr. Dvořáková"}],
        "extension": [{"url": "urn:e", "valueReference": {"reference": "Condition/secret/_history/2"}}],
    }
    seen = shown(observation, "unclassified", visible=lambda reference: reference != "Condition/secret")
    assert b"CANARY" not in write(seen)
    assert b"secret" not in write(seen)
    assert seen["performer"] == [{"display": "MUDr. Dvořáková"}]
    assert not {"focus", "extension"} & seen.keys()
    assert "tlak" in seen["text"]["div"]


def test_a_part_that_cannot_be_without_what_went_goes_too() -> None:
    encounter: Resource = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"code": "IMP"},
        "subject": ANNA,
        "diagnosis": [
            {"condition": {"reference": "Condition/secret"}, "use": {"text": "CANARY"}},
            {"condition": {"reference": "Condition/open"}},
        ],
    }
    seen = shown(encounter, "health", visible=lambda reference: reference != "Condition/secret")
    assert seen["diagnosis"] == [{"condition": {"reference": "Condition/open"}}]


def test_where_the_record_itself_requires_it_a_hidden_reference_is_masked() -> None:
    statement: Resource = {
        "resourceType": "MedicationStatement",
        "status": "active",
        "subject": ANNA,
        "medicationReference": {"reference": "Medication/secret", "display": "CANARY"},
    }
    seen = shown(statement, "health", visible=lambda reference: reference != "Medication/secret")
    assert seen["medicationReference"]["extension"][0]["valueCode"] == "masked"
    assert b"CANARY" not in write(seen)


def test_a_provision_whose_actor_is_hidden_goes_whole_because_without_it_it_would_say_more() -> None:
    consent: Resource = {
        "resourceType": "Consent",
        "status": "active",
        "scope": area("plan"),
        "category": [area("plan")],
        "policyRule": {"text": "OPTIN"},
        "patient": ANNA,
        "provision": {
            "type": "permit",
            "provision": [
                {
                    "type": "deny",
                    "actor": [{"role": {"text": "r"}, "reference": {"reference": "Organization/x"}}],
                },
                {"type": "deny"},
            ],
        },
    }
    seen = shown(consent, "plan", visible=lambda reference: reference != "Organization/x")
    assert seen["provision"]["provision"] == [{"type": "deny"}]


def entry(name: str, resource: Resource) -> dict[str, Any]:
    return {"fullUrl": f"urn:uuid:{name}", "resource": resource}


def section(system: str, code: str, *entries: str, **more: Any) -> dict[str, Any]:
    text = {"status": "additional", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">CANARY {code}</div>'}
    return {
        "title": f"CANARY {code}",
        "code": {
            "coding": [{"system": system, "code": code, "display": f"Section {code}"}],
            "text": f"CANARY {code}",
        },
        "text": text,
        **({"entry": [{"reference": f"urn:uuid:{name}"} for name in entries]} if entries else {}),
        **more,
    }


def observation(what: str, in_area: str, **more: Any) -> Resource:
    subject = {"reference": "urn:uuid:anna"}
    code = {"text": what}
    return {"resourceType": "Observation", "status": "final", "category": [area(in_area)], "code": code,
            "subject": subject, **more}  # fmt: skip


def document(*sections: dict[str, Any], more: tuple[dict[str, Any], ...] = ()) -> Resource:
    composition: Resource = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"coding": [{"system": LOINC, "code": "34133-9", "display": "Summary of care"}]},
        "subject": {"reference": "urn:uuid:anna"},
        "date": "2026-11-21",
        "author": [{"reference": "urn:uuid:author"}],
        "title": "CANARY title",
        "confidentiality": "R",
        "section": list(sections),
    }
    return {
        "resourceType": "Bundle",
        "type": "document",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:doc"},
        "timestamp": "2026-11-21T10:00:00+01:00",
        "entry": [
            entry("composition", composition),
            entry("anna", {"resourceType": "Patient", "name": [{"family": "Nováková"}]}),
            entry("author", {"resourceType": "Organization", "name": "Pečovatelská služba"}),
            entry("lender", {"resourceType": "Organization", "name": "CANARY poradna"}),
            entry("debt", observation("CANARY dluh", "finance", performer=[{"reference": "urn:uuid:lender"}])),
            entry("flat", observation("byt", "housing", derivedFrom=[{"reference": "urn:uuid:debt"}])),
            *more,
        ],
    }


def sections_of(bundle: Resource) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = bundle["entry"][0]["resource"]["section"]
    return found


def empty_reason(of: dict[str, Any]) -> str:
    return str(of["emptyReason"]["coding"][0]["code"])


def test_a_document_loses_hidden_entries_their_helpers_and_every_mention() -> None:
    seen = shown(document(section(SECTION, "finance", "debt"), section(SECTION, "housing", "flat")), "housing", "plan")
    text = write(seen)
    assert b"CANARY dluh" not in text
    assert b"CANARY poradna" not in text
    assert b"urn:uuid:debt" not in text
    assert [one["fullUrl"] for one in seen["entry"]] == [
        f"urn:uuid:{name}" for name in ("composition", "anna", "author", "flat")
    ]
    assert seen["entry"][0]["resource"]["title"] == "Summary of care"
    assert seen["entry"][0]["resource"]["confidentiality"] == "N"


def test_a_section_without_permit_says_withheld_whether_or_not_anything_is_there() -> None:
    full = shown(document(section(SECTION, "finance", "debt"), section(SECTION, "housing", "flat")), "housing")
    none_known = {"emptyReason": {"coding": [{"system": "urn:x", "code": "nilknown"}]}}
    bare = shown(document(section(SECTION, "finance", **none_known), section(SECTION, "housing", "flat")), "housing")
    assert empty_reason(sections_of(full)[0]) == "withheld"
    assert sections_of(full)[0] == sections_of(bare)[0]
    assert sections_of(full)[0]["title"] == "Finance"
    assert sections_of(full)[0]["code"] == {"coding": [{"system": SECTION, "code": "finance"}]}
    assert "CANARY finance" not in str(full)
    assert "není s vámi sdílena" in sections_of(full)[0]["text"]["div"]


def test_sections_of_withheld_areas_say_so_though_no_part_was_hidden() -> None:
    of = record(document(section(SECTION, "finance"), section(SECTION, "housing", "flat")))
    areas = frozenset({"finance"})
    seen = redact(of, decision(of, lambda _part: False), visible=lambda _reference: True, withheld_areas=areas)
    assert empty_reason(sections_of(seen)[0]) == "withheld"
    assert b"CANARY finance" not in write(seen)


def test_a_hidden_section_of_an_unknown_kind_is_not_even_mentioned() -> None:
    seen = shown(document(section("urn:local", "secret-kind"), section(SECTION, "housing", "flat")), "housing")
    assert [one["title"] for one in sections_of(seen)] == ["CANARY housing"]
    assert b"secret-kind" not in write(seen)


def test_a_section_whose_entries_are_all_hidden_is_as_empty_as_any_other() -> None:
    seen = shown(
        document(
            section(SECTION, "housing", "debt"),
            section(SECTION, "household", emptyReason={"text": "CANARY reason"}),
        ),
        "housing",
        "household",
    )
    assert [empty_reason(one) for one in sections_of(seen)] == ["unavailable", "unavailable"]
    assert "CANARY housing" not in str(seen)
    assert "CANARY reason" not in str(seen)


def test_a_section_that_is_nothing_but_text_keeps_it_where_its_area_is_permitted() -> None:
    seen = shown(document(section(SECTION, "finance", "debt"), section(LOINC, "8648-8")), "health")
    assert "CANARY 8648-8" in sections_of(seen)[1]["text"]["div"]
    assert "CANARY finance" not in str(seen)


def test_the_text_of_a_section_is_made_anew_from_its_visible_entries() -> None:
    seen = shown(document(section(SECTION, "housing", "flat", "debt")), "housing")
    told = sections_of(seen)[0]["text"]
    assert told["status"] == "generated"
    assert "byt" in told["div"]
    assert "CANARY" not in str(told)


def test_in_a_partial_document_also_the_text_of_a_whole_section_is_made_anew() -> None:
    seen = shown(document(section(SECTION, "finance", "debt"), section(SECTION, "housing", "flat")), "housing")
    told = sections_of(seen)[1]["text"]
    assert told["status"] == "generated"
    assert "byt" in told["div"]
    assert "CANARY" not in told["div"]


def test_a_file_that_may_hold_the_whole_document_goes_with_its_most_sensitive_part() -> None:
    binary = entry("pdf", {"resourceType": "Binary", "contentType": "application/pdf", "data": "Q0FOQVJZ"})
    seen = shown(document(section(SECTION, "finance", "debt"), more=(binary,)), "housing")
    assert b"Q0FOQVJZ" not in write(seen)


def test_a_plan_inside_a_bundle_of_which_nothing_is_visible_is_not_there() -> None:
    inner = {**PLAN, "subject": {"reference": "urn:uuid:anna"}, "goal": [], "meta": {}}
    inner = {key: value for key, value in inner.items() if value}
    seen = shown(document(section(SECTION, "housing", "flat"), more=(entry("plan", inner),)), "housing")
    assert not any(one["resource"]["resourceType"] == "CarePlan" for one in seen["entry"])


def test_a_duty_carries_only_its_minimum_set_and_what_the_meaning_hangs_on() -> None:
    condition: Resource = {
        "resourceType": "Condition",
        "id": "c",
        "clinicalStatus": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]
        },
        "code": {"coding": [{"system": ICD10, "code": "I10"}]},
        "subject": ANNA,
        "onsetDateTime": "2020",
        "note": [{"text": "CANARY"}],
        "extension": [{"url": f"{HUB}/x", "valueString": "CANARY"}],
        "recorder": {"reference": "Practitioner/p"},
    }
    of = record(condition)
    allowed = decision(of, lambda _part: False, elements=frozenset({"code", "onset"}))
    seen = redact(of, allowed, visible=lambda _reference: True)
    assert seen.keys() == {"resourceType", "id", "clinicalStatus", "code", "subject", "onsetDateTime"}
    assert validate(seen) == ()


def test_a_clients_contacts_are_hidden_where_family_is() -> None:
    patient: Resource = {
        "resourceType": "Patient",
        "id": "anna",
        "name": [{"family": "Nováková"}],
        "contact": [{"name": {"text": "CANARY"}}],
    }
    of = record(patient)
    seen = redact(
        Record(of.reference, "1", patient, of.labels, of.clients, parts=of.parts),
        decision(of, outside("identity")),
        visible=lambda _reference: True,
    )
    assert seen == {"resourceType": "Patient", "id": "anna", "name": [{"family": "Nováková"}]}
