"""`hub consent decide` from files alone, with the real label rules (design §4)."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from hub.consent.labels import label
from hub.consent.offline import decide_offline, judge_offline
from hub.consent.parts import parts_of
from hub.fhir.codes import CARE_AREA, CONFIDENTIALITY, ICD10
from tests.consent.building import NOON, concept, consent, moment
from tests.consent.labelled import rules as label_rules

PRACTICE = {"resourceType": "Organization", "id": "practice"}
EVA = {"resourceType": "Patient", "id": "eva", "name": [{"text": "Eva"}]}


def about(kind: str, id: str, area: str, **more: Any) -> dict[str, Any]:
    """A record of Eva's with the area that its sender gave."""
    return {
        "resourceType": kind,
        "id": id,
        "subject": {"reference": "Patient/eva"},
        "meta": {"security": [{"system": CARE_AREA, "code": area}]},
        **more,
    }


def decide(
    consents: list[dict[str, Any]],
    records: list[dict[str, Any]],
    *context: dict[str, Any],
    actor: str = "Organization/practice",
    **more: Any,
) -> dict[str, Any]:
    return decide_offline(
        [consent(short, number) if "resourceType" not in short else short for number, short in enumerate(consents, 1)],
        records,
        context,
        actor=actor,
        purpose=more.pop("purpose", "COC"),
        at=moment(NOON),
        zone=ZoneInfo("Europe/Prague"),
        label=lambda resource, resolve: label(resource, label_rules(), resolve),
        parts=lambda resource, resolve: parts_of(resource, resolve, label_rules()),
        **more,
    )


def test_a_record_is_visible_with_the_consent_and_path_that_opened_it() -> None:
    said = decide([{"permit": {"area": ["finance"]}}], [about("Goal", "g", "finance")])
    assert said["effect"] == "permit"
    assert said["visible"] == [{"record": "Goal/g"}]
    assert said["hidden"] == []
    assert said["because"] == [
        {"record": "Goal/g", "consent": "Consent/c1|1", "path": "provision", "effect": "permit", "text": ""}
    ]


def test_some_visible_and_some_hidden_is_partial() -> None:
    said = decide([{"permit": {"area": ["finance"]}}], [about("Goal", "g", "finance"), about("Goal", "h", "housing")])
    assert said["effect"] == "partial"
    assert said["visible"] == [{"record": "Goal/g"}]
    assert said["hidden"] == [{"record": "Goal/h"}]


def test_without_records_there_is_still_a_reason() -> None:
    said = decide([{"permit": {}}], [])
    assert said["effect"] == "deny"
    assert said["because"]


def test_without_consents_the_default_is_named() -> None:
    said = decide([], [about("Goal", "g", "finance")])
    assert said["effect"] == "deny"
    assert said["because"][0]["text"] == "default: deny"


def test_a_label_of_the_sender_raises() -> None:
    restricted = about("Goal", "g", "finance")
    restricted["meta"]["security"].append({"system": CONFIDENTIALITY, "code": "R"})
    open_to_normal = [{"permit": {"label": ["N"]}}]
    assert decide(open_to_normal, [about("Goal", "g", "finance")])["effect"] == "permit"
    assert decide(open_to_normal, [restricted])["effect"] == "deny"


def test_a_label_of_the_sender_does_not_lower() -> None:
    diagnosis = {
        "resourceType": "Condition",
        "id": "c",
        "subject": {"reference": "Patient/eva"},
        "code": concept(ICD10, "F32.1"),
    }
    lowered = {**diagnosis, "meta": {"security": [{"system": CONFIDENTIALITY, "code": "U"}]}}
    strict = [{"permit": {}}, {"deny": {"label": ["PSY"]}}]
    assert decide(strict, [diagnosis])["effect"] == "deny"
    assert decide(strict, [lowered])["effect"] == "deny"


def test_the_asker_and_the_client_need_no_context() -> None:
    named = [{"permit": {"actor": ["Organization/practice", "Patient/eva"]}}]
    assert decide(named, [about("Goal", "g", "finance")])["effect"] == "permit"


def test_another_actor_resolves_only_against_the_context() -> None:
    named = [{"permit": {"actor": ["Organization/practice", "Organization/other"]}}]
    other = {"resourceType": "Organization", "id": "other"}
    goal = about("Goal", "g", "finance")
    said = decide(named, [goal])
    assert said["effect"] == "deny"
    assert said["because"][0]["text"].startswith("UNENFORCEABLE")
    assert said["because"][0]["path"] == "Consent.provision.actor[1].reference"
    assert decide(named, [goal], other)["effect"] == "permit"


def test_a_role_is_expanded_through_the_context() -> None:
    role = {
        "resourceType": "PractitionerRole",
        "id": "r",
        "practitioner": {"reference": "Practitioner/p"},
        "organization": {"reference": "Organization/practice"},
    }
    named = [{"permit": {"actor": ["Organization/practice"]}}]
    goal = about("Goal", "g", "finance")
    assert decide(named, [goal], PRACTICE, role, actor="PractitionerRole/r")["effect"] == "permit"
    assert decide(named, [goal], PRACTICE, actor="PractitionerRole/r")["effect"] == "deny"


def test_a_plan_shows_the_activities_that_may_be_seen() -> None:
    plan = {
        "resourceType": "CarePlan",
        "id": "p",
        "status": "active",
        "intent": "plan",
        "subject": {"reference": "Patient/eva"},
        "goal": [{"reference": "Goal/g"}, {"reference": "Goal/h"}],
    }
    said = decide(
        [{"permit": {"area": ["finance"]}}],
        [plan],
        about("Goal", "g", "finance"),
        about("Goal", "h", "housing"),
    )
    assert said["effect"] == "partial"
    assert said["visible"] == [{"record": "CarePlan/p", "partial": True, "hiddenParts": ["/goal/1"]}]


def test_the_entries_of_a_document_are_about_its_client() -> None:
    bundle = {
        "resourceType": "Bundle",
        "id": "b",
        "type": "document",
        "entry": [
            {
                "fullUrl": "urn:uuid:0",
                "resource": {
                    "resourceType": "Composition",
                    "id": "k",
                    "subject": {"reference": "urn:uuid:1"},
                    "section": [
                        {"title": "x", "entry": [{"reference": "urn:uuid:2"}]},
                        {"title": "y", "entry": [{"reference": "urn:uuid:3"}]},
                    ],
                },
            },
            {"fullUrl": "urn:uuid:1", "resource": EVA},
            {
                "fullUrl": "urn:uuid:2",
                "resource": {**about("Goal", "g", "finance"), "subject": {"reference": "urn:uuid:1"}},
            },
            {
                "fullUrl": "urn:uuid:3",
                "resource": {**about("Goal", "h", "housing"), "subject": {"reference": "urn:uuid:1"}},
            },
        ],
    }
    said = decide([{"permit": {"area": ["finance"]}}], [bundle])
    assert said["effect"] == "partial"
    assert said["visible"][0]["hiddenParts"] == ["/entry/0/resource/section/1", "/entry/3"]
    assert decide([{"permit": {"area": ["finance"]}, "patient": "Patient/adam"}], [bundle])["effect"] == "deny"


def test_the_members_of_a_group_are_its_clients() -> None:
    household = {
        "resourceType": "Group",
        "id": "household",
        "member": [{"entity": {"reference": "Patient/eva"}}, {"entity": {"reference": "Patient/adam"}}],
    }
    goal = {**about("Goal", "g", "finance"), "subject": {"reference": "Group/household"}}
    one = [{"permit": {}}]
    both = [*one, {"permit": {}, "patient": "Patient/adam"}]
    assert decide(one, [goal], household)["effect"] == "deny"
    assert decide(both, [goal], household)["effect"] == "permit"


def test_a_consent_of_a_stranger_form_denies_and_names_the_place() -> None:
    odd = consent({"permit": {}})
    odd["provision"]["modifierExtension"] = [{"url": "https://x.example"}]
    said = decide([{"permit": {}, "id": "good"}, odd], [about("Goal", "g", "finance")])
    assert said["effect"] == "deny"
    assert [reason["path"] for reason in said["because"]] == ["Consent.provision.modifierExtension"]


def test_an_unknown_basis_is_refused() -> None:
    said = decide([{"permit": {}}], [about("Goal", "g", "finance")], basis="FRIENDSHIP")
    assert said["effect"] == "deny"
    assert said["because"][0]["text"] == "request: basis not known"


def test_a_duty_uses_the_one_flow_that_is_on() -> None:
    eva = {**EVA, "generalPractitioner": [{"reference": "Organization/practice"}]}
    condition = {
        "resourceType": "Condition",
        "id": "c",
        "subject": {"reference": "Patient/eva"},
        "code": concept(ICD10, "I10"),
    }
    said = decide([{"deny": {}}], [condition], eva, basis="LEGAL-DUTY")
    assert said["effect"] == "permit"
    assert decide([], [condition], eva, basis="LEGAL-DUTY", actor="Organization/other")["effect"] == "deny"


def test_what_else_the_asker_may_know_of_is_judged_too() -> None:
    judged = judge_offline(
        [consent({"permit": {"area": ["finance"]}})],
        [about("Goal", "g", "finance")],
        [about("Goal", "h", "housing"), PRACTICE],
        actor="Organization/practice",
        purpose="COC",
        at=moment(NOON),
        zone=ZoneInfo("Europe/Prague"),
        label=lambda resource, resolve: label(resource, label_rules(), resolve),
        parts=lambda resource, resolve: parts_of(resource, resolve, label_rules()),
    )
    assert judged.sees("Goal/g")
    assert not judged.sees("Goal/h")
    assert not judged.sees("Goal/unknown")
    assert judged.sees("Organization/practice")
