"""What records are about: the reviewed rules, their defaults, and what senders may and may not change."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.consent.codes import SENSITIVITY, rank
from hub.consent.labels import combined, label, load_rules
from hub.consent.model import Labels
from hub.errors import MappingDefect
from hub.fhir.codes import ACT_CODE, AREAS, ATC, CARE_AREA, CONFIDENTIALITY, ICD10, LOINC, SECTION
from hub.fhir.value import Resource
from tests.consent.labelled import labels_in, rules

SDOH = "http://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"
OBSERVATION_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def coded(system: str | None, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} if system else {"code": code}]}


def labels_of(resource: Resource, *others: Resource) -> Labels:
    return label(resource, rules(), labels_in(*others))


def condition(system: str | None, code: str, **more: Any) -> Resource:
    return {"resourceType": "Condition", "id": "c", "code": coded(system, code), **more}


@pytest.mark.parametrize(
    ("code", "sensitivity"),
    [
        ("F32.1", {"PSY"}),
        ("F10.2", {"PSY", "ETH", "ETHUD"}),
        ("F11", {"PSY", "ETH", "OPIOIDUD"}),
        ("B20", {"HIV"}),
        ("B24.9", {"HIV"}),
        ("Z21", {"HIV"}),
        ("A53.9", {"STD"}),
        ("Z72.1", {"ETH"}),
        ("D57.1", {"SICKLE"}),
        ("I10", set()),
        ("B25", set()),
    ],
)
def test_diagnoses_are_health_and_as_sensitive_as_their_chapter(code: str, sensitivity: set[str]) -> None:
    labels = labels_of(condition(ICD10, code))
    assert labels.areas == {"health"}
    assert labels.sensitivity == sensitivity
    assert labels.confidentiality == ("R" if sensitivity else "N")


@pytest.mark.parametrize(
    "system", ["urn:oid:2.16.840.1.113883.6.3", "https://elsewhere.example/CodeSystem/mkn-10", None]
)
def test_a_sensitive_diagnosis_is_known_under_other_names_of_its_system_and_without_one(
    system: str | None,
) -> None:
    assert "PSY" in labels_of(condition(system, "F20.0")).sensitivity


@pytest.mark.parametrize("words", ["Schizofrenie, paranoidní", "Závislost na alkoholu", "HIV pozitivní", "Demence"])
def test_a_diagnosis_in_words_alone_is_sensitive_too(words: str) -> None:
    labels = labels_of({"resourceType": "Condition", "code": {"text": words}})
    assert labels.sensitivity
    assert labels.confidentiality == "R"


def test_words_that_only_begin_alike_are_not_taken_for_it() -> None:
    assert not labels_of({"resourceType": "Condition", "code": {"text": "Hives after penicillin"}}).sensitivity


@pytest.mark.parametrize(
    ("code", "sensitivity"),
    [("N05AH03", {"PSY"}), ("N06AB04", {"PSY"}), ("J05AR20", {"HIV"}), ("C09AA05", set())],
)
def test_a_medicine_tells_its_diagnosis(code: str, sensitivity: set[str]) -> None:
    labels = labels_of({"resourceType": "MedicationStatement", "medicationCodeableConcept": coded(ATC, code)})
    assert (labels.areas, labels.sensitivity) == ({"health"}, sensitivity)


def test_taking_a_medicine_is_as_sensitive_as_the_medication_it_refers_to() -> None:
    medication: Resource = {"resourceType": "Medication", "id": "m", "code": coded(ATC, "N05AH03")}
    statement = {"resourceType": "MedicationStatement", "medicationReference": {"reference": "Medication/m"}}
    inside = {**statement, "contained": [medication], "medicationReference": {"reference": "#m"}}
    assert labels_of(statement, medication).sensitivity == {"PSY"}
    assert labels_of(inside).sensitivity == {"PSY"}


@pytest.mark.parametrize(
    ("code", "areas"),
    [
        (coded(LOINC, "96761-2"), {"self-care"}),
        (coded(LOINC, "83184-2"), {"self-care"}),
        (coded(LOINC, "71802-3"), {"housing"}),
        (coded(LOINC, "76513-1"), {"finance"}),
        (coded(LOINC, "67875-5"), {"occupation"}),
        (coded(LOINC, "93159-2"), {"wider-circles"}),
        (coded(LOINC, "45404-1"), {"family"}),
        (coded(LOINC, "8480-6"), {"health"}),
        ({"text": "něco jiného"}, {"unclassified"}),
    ],
)
def test_an_observation_has_the_area_of_what_was_observed(code: dict[str, Any], areas: set[str]) -> None:
    assert labels_of({"resourceType": "Observation", "code": code}).areas == areas


@pytest.mark.parametrize(
    ("category", "areas"),
    [
        (coded(OBSERVATION_CATEGORY, "laboratory"), {"health"}),
        (coded(OBSERVATION_CATEGORY, "social-history"), {"unclassified"}),
        (coded(SDOH, "housing-instability"), {"housing"}),
        (coded(SDOH, "financial-insecurity"), {"finance"}),
        (coded(SDOH, "material-hardship"), {"household"}),
        (coded(SDOH, "elder-abuse"), {"safeguarding"}),
        (coded(CARE_AREA, "household"), {"household"}),
        (coded("https://other-hub.example/CodeSystem/care-area", "finance"), {"finance"}),
        (coded(CARE_AREA, "no-such-area"), {"unclassified"}),
    ],
)
def test_an_observation_has_the_area_of_its_category(category: dict[str, Any], areas: set[str]) -> None:
    assert labels_of({"resourceType": "Observation", "category": [category]}).areas == areas


def test_losing_ones_home_is_a_condition_of_housing_and_not_of_health() -> None:
    assert labels_of(condition(ICD10, "Z59.0")).areas == {"housing"}


def test_goals_and_tasks_take_the_areas_and_sensitivity_of_the_need_they_address() -> None:
    need = condition(ICD10, "F32.1")
    goal: Resource = {"resourceType": "Goal", "id": "g", "addresses": [{"reference": "Condition/c"}]}
    order: Resource = {
        "resourceType": "ServiceRequest",
        "id": "s",
        "reasonReference": [{"reference": "Condition/c"}],
    }
    task: Resource = {"resourceType": "Task", "id": "t", "focus": {"reference": "ServiceRequest/s"}}
    assert labels_of(goal, need).areas == {"health"}
    assert labels_of(goal, need).sensitivity == {"PSY"}
    assert labels_of(order, need).areas == {"services", "health"}
    assert labels_of(task, order, need).areas == {"services", "health"}
    assert labels_of(goal).areas == {"unclassified"}


@pytest.mark.parametrize(
    ("resource", "areas"),
    [
        ({"resourceType": "Patient"}, {"identity"}),
        ({"resourceType": "RelatedPerson"}, {"family"}),
        ({"resourceType": "Coverage"}, {"finance"}),
        ({"resourceType": "Flag", "code": {"text": "pozor"}}, {"safeguarding"}),
        ({"resourceType": "CarePlan", "title": "Plán"}, {"plan"}),
        ({"resourceType": "CareTeam"}, {"plan"}),
        ({"resourceType": "Encounter"}, {"health"}),
        ({"resourceType": "EpisodeOfCare"}, {"services"}),
        ({"resourceType": "Basic"}, {"unclassified"}),
        ({"resourceType": "NotOfFhir"}, {"unclassified"}),
        ({}, {"unclassified"}),
    ],
)
def test_every_type_has_its_area_and_what_nobody_knows_is_unclassified(resource: Resource, areas: set[str]) -> None:
    assert labels_of(resource).areas == areas


def test_a_consent_is_plan_and_what_it_speaks_of() -> None:
    consent = {"resourceType": "Consent", "provision": {"code": [coded(CARE_AREA, "finance")]}}
    assert labels_of(consent).areas == {"plan", "finance"}


def test_a_container_is_not_labelled_by_its_parts() -> None:
    plan = {"resourceType": "CarePlan", "activity": [{"detail": {"code": coded(ICD10, "F20")}}]}
    assert labels_of(plan).sensitivity == frozenset()


def test_every_label_says_which_rule_gave_it_and_which_code_called_for_it() -> None:
    labels = labels_of(condition(ICD10, "F32.1"))
    given = {(reason.rule, reason.gave) for reason in labels.because}
    expected = {
        ("mental-disorder", "PSY"),
        ("diagnosis-is-health", "health"),
        ("sensitive-is-restricted", "R"),
    }
    assert given == expected
    assert any("F32.1" in reason.because for reason in labels.because)
    assert labels.rule_set == rules().version


META = st.fixed_dictionaries(
    {
        "security": st.lists(
            st.one_of(
                st.builds(lambda c: {"system": CONFIDENTIALITY, "code": c}, st.sampled_from("ULMNRV")),
                st.builds(lambda c: {"system": ACT_CODE, "code": c}, st.sampled_from(sorted(SENSITIVITY))),
                st.builds(lambda c: {"system": CARE_AREA, "code": c}, st.sampled_from(AREAS)),
            )
        ),
        "tag": st.lists(st.builds(lambda c: {"system": CARE_AREA, "code": c}, st.sampled_from(AREAS))),
    }
)


@given(META, st.sampled_from(["F32.1", "I10", "B20", "Z59.0", "Z74.1"]))
def test_a_senders_labels_raise_and_never_lower(meta: dict[str, Any], code: str) -> None:
    bare, sent = labels_of(condition(ICD10, code)), labels_of(condition(ICD10, code, meta=meta))
    assert label({"resourceType": "Basic", "meta": meta}, rules(), labels_in()).sensitivity <= sent.sensitivity
    assert sent.areas >= bare.areas
    assert sent.sensitivity >= bare.sensitivity
    assert rank(sent.confidentiality) >= rank(bare.confidentiality)


def test_a_sensitivity_nobody_knows_still_counts() -> None:
    meta = {"security": [{"system": ACT_CODE, "code": "NEVERSEEN"}]}
    labels = labels_of(condition(ICD10, "I10", meta=meta))
    assert labels.sensitivity == {"NEVERSEEN"}
    assert labels.confidentiality == "R"


def test_a_confidentiality_nobody_knows_counts_as_very_restricted() -> None:
    meta = {"security": [{"system": CONFIDENTIALITY, "code": "X"}]}
    assert labels_of(condition(ICD10, "I10", meta=meta)).confidentiality == "V"


def test_labels_together_are_the_union_and_the_highest() -> None:
    one, two = (
        Labels("N", frozenset(), frozenset({"plan"})),
        Labels("R", frozenset({"PSY"}), frozenset({"health"})),
    )
    both = combined(one, two)
    assert (both.confidentiality, both.sensitivity, both.areas) == ("R", {"PSY"}, {"plan", "health"})


def test_records_that_address_each_other_in_a_circle_are_labelled() -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {
                "fullUrl": "urn:uuid:1",
                "resource": {"resourceType": "Task", "basedOn": [{"reference": "urn:uuid:2"}]},
            },
            {
                "fullUrl": "urn:uuid:2",
                "resource": {"resourceType": "Task", "basedOn": [{"reference": "urn:uuid:1"}]},
            },
        ],
    }
    assert labels_of(bundle).areas == {"unclassified"}


def test_the_version_changes_with_any_rule() -> None:
    text = "rules: [{id: a, gives: {areas: [health]}, types: [Basic], because: x}]"
    assert load_rules({"a.yaml": text}).version != load_rules({"a.yaml": text.replace("health", "plan")}).version
    assert load_rules({"a.yaml": text}).version == load_rules({"a.yaml": text}).version


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "rules: [{id: a, gives: {areas: [helth]}, types: [Basic], because: x}]",
            "a.yaml: rule `a`: unknown area `helth`",
        ),
        ("rules: [{id: a, gives: {areas: [health]}, types: [Basic]}]", "needs `because`"),
        ("rules: [{id: a, gives: {areas: [health]}, because: x}]", "matches everything"),
        ("rules: [{id: a, types: [Basic], because: x}]", "gives nothing"),
        (
            "rules: [{id: a, gives: {areas: [health]}, types: [Bsaic], because: x}]",
            "`Bsaic` is not a resource type",
        ),
        (
            "rules: [{id: a, gives: {sensitivity: [PSYCH]}, types: [Basic], because: x}]",
            "`PSYCH` is not a sensitivity",
        ),
        (
            "rules: [{id: a, gives: {areas: [health]}, codes: {icd: [F20]}, because: x}]",
            "unknown system `icd`",
        ),
        (
            "rules: [{id: a, gives: {confidentiality: X}, types: [Basic], because: x}]",
            "confidentiality is one of",
        ),
        ("rules: [{id: a, gives: {areas: [health]}, type: [Basic], because: x}]", "unknown field `type`"),
        (
            "rules: [{id: a, gives: {areas: [plan]}, types: [Basic], because: x}]\nsets: 1",
            "unknown field `sets`",
        ),
        ("rules: [{id: a", "a.yaml:1"),
        ("rules: [{id: a, id: b}]", "is not YAML"),
        ("- a", "holds neither rules nor systems"),
        ("rules: []", "no label rule"),
    ],
)
def test_a_wrong_rule_is_refused_with_file_and_rule(text: str, says: str) -> None:
    with pytest.raises(MappingDefect) as refused:
        load_rules({"a.yaml": text})
    assert says in str(refused.value)
    assert "a.yaml" in str(refused.value)


def test_a_rule_id_is_written_once_over_all_files() -> None:
    text = "rules: [{id: a, gives: {areas: [health]}, types: [Basic], because: x}]"
    with pytest.raises(MappingDefect, match=r"b\.yaml: rule `a`: is written twice"):
        load_rules({"a.yaml": text, "b.yaml": text})


def test_every_area_that_is_assessed_has_a_rule_and_a_section() -> None:
    given = frozenset().union(*(rule.areas for rule in rules().rules))
    assert given >= set(AREAS)
    sections = {"finance", "household", "family", "circles", "services", "contacts", "provenance"}
    known = {code for system, code in rules().by_code if system == "hub-section"}
    assert known >= sections, SECTION
