"""What codes mean: the hub's own words in three languages, HL7's hierarchy, and nothing guessed."""

from __future__ import annotations

import pytest

from hub.errors import NotFound
from hub.fhir.codes import ACT_REASON, AREAS, CARE_AREA, CONFIDENTIALITY, HUB, UNCLASSIFIED
from hub.fhir.conformance import PARAMETERS, library
from hub.fhir.definitions import load
from hub.fhir.summary_sections import PATIENT_SUMMARY, SOCIAL_SUMMARY
from hub.fhir.terminology import terminology
from hub.fhir.terminology_model import ConceptMap, MapRow
from hub.fhir.validate import validate

TERMS = terminology()
GENDER = "http://hl7.org/fhir/ValueSet/administrative-gender"
AREA_SET = f"{HUB}/ValueSet/care-area"
TABLE = ConceptMap(
    f"{HUB}/ConceptMap/area",
    "area",
    "Areas",
    "1.0.0",
    (MapRow("bydlení", "housing", CARE_AREA, "Bydlení"), MapRow("byt", "housing", CARE_AREA)),
    MapRow("*", UNCLASSIFIED, CARE_AREA),
)


def test_every_area_of_life_is_published_with_its_name_in_three_languages() -> None:
    concepts = TERMS.code_system(CARE_AREA).concepts
    assert tuple(concepts) == (*AREAS, UNCLASSIFIED)
    assert all(set(concept.words) == {"en", "cs", "de"} for concept in concepts.values())


def test_every_section_of_the_hubs_own_is_in_its_code_system() -> None:
    own = {s.code for s in (*PATIENT_SUMMARY, *SOCIAL_SUMMARY) if s.system == f"{HUB}/CodeSystem/section"}
    assert own == set(TERMS.code_system(f"{HUB}/CodeSystem/section").concepts)


def test_every_required_value_set_of_the_validator_can_be_expanded() -> None:
    for url, content in load("codes").items():
        wanted = {(system, code) for system, codes in content.items() for code in codes}
        assert set(TERMS.expand(url)) == wanted, url


def test_a_value_set_that_the_hub_does_not_carry_is_not_found() -> None:
    with pytest.raises(NotFound):
        TERMS.expand("http://hl7.org/fhir/ValueSet/nowhere")


def test_a_purpose_covers_those_below_it_and_not_those_above() -> None:
    assert TERMS.subsumes(ACT_REASON, "TREAT", "COC") == "subsumes"
    assert TERMS.subsumes(ACT_REASON, "COC", "TREAT") == "subsumed-by"
    assert TERMS.subsumes(ACT_REASON, "COC", "COC") == "equivalent"
    assert TERMS.subsumes(ACT_REASON, "COC", "HMARKT") == "not-subsumed"
    assert (ACT_REASON, "ETREAT") in TERMS.narrower(ACT_REASON, "TREAT")
    assert (ACT_REASON, "TREAT") in TERMS.broader(ACT_REASON, "ETREAT")


def test_a_code_of_an_unknown_system_stands_for_itself_alone() -> None:
    assert TERMS.narrower("http://snomed.info/sct", "73211009") == (("http://snomed.info/sct", "73211009"),)


def test_people_find_a_code_by_words_of_their_language() -> None:
    assert TERMS.page(AREA_SET, filter="bydl", language="de").total == 0
    page = TERMS.page(AREA_SET, filter="bydl", language="cs")
    assert [concept.code for _, concept in page.concepts] == ["housing"]


def test_a_page_of_an_expansion_says_how_many_there_are() -> None:
    page = TERMS.page(AREA_SET, offset=2, count=3)
    assert (page.total, [c.code for _, c in page.concepts]) == (13, ["finance", "housing", "household"])


def test_a_code_is_in_its_value_set_under_its_own_system_only() -> None:
    system = "http://hl7.org/fhir/administrative-gender"
    assert TERMS.validate_in_set(GENDER, [(system, "female", "")]).result
    assert not TERMS.validate_in_set(GENDER, [(ACT_REASON, "female", "")]).result
    assert not TERMS.validate_in_set(GENDER, [("", "female", "")]).result
    assert TERMS.validate_in_set(GENDER, [("", "female", "")], any_system=True).result
    assert not TERMS.validate_in_set(GENDER, [(system, "banana", "")]).result


def test_a_wrong_display_is_a_fault_and_a_translated_one_is_none() -> None:
    assert TERMS.validate_in_system(CARE_AREA, "housing", "Bydlení").result
    assert TERMS.validate_in_system(CONFIDENTIALITY, "R", "Restricted").result
    wrong = TERMS.validate_in_system(CARE_AREA, "housing", "Finance", "cs")
    assert (wrong.result, wrong.display) == (False, "Bydlení")


def test_of_a_system_carried_in_part_an_unknown_code_is_told_as_such() -> None:
    told = TERMS.validate_in_system("http://terminology.hl7.org/CodeSystem/v3-ActCode", "NEVER")
    assert not told.result
    assert "part" in told.message


def test_a_concept_map_translates_both_ways_and_has_an_answer_for_the_rest() -> None:
    terms = TERMS.with_maps([TABLE])
    assert [row.to for row in terms.translate(TABLE.url, "byt")] == ["housing"]
    assert [row.to for row in terms.translate(TABLE.url, "něco")] == [UNCLASSIFIED]
    assert terms.translate(TABLE.url, "byt", target=ACT_REASON) == []
    assert [row.to for row in terms.translate(TABLE.url, "housing", reverse=True)] == ["bydlení", "byt"]


def test_everything_published_is_valid_fhir() -> None:
    published = library(TERMS.with_maps([TABLE]))
    assert set(published.resources) == set(PARAMETERS)
    for kind, resources in published.resources.items():
        assert resources, kind
        for resource in resources.values():
            assert validate(resource) == (), resource["id"]


def test_no_two_published_resources_of_a_type_share_an_id() -> None:
    assert len(library(TERMS).resources["CodeSystem"]) == len(TERMS.systems)
    assert len(library(TERMS).resources["ValueSet"]) == len(TERMS.value_sets)
    assert len(library(TERMS).resources["SearchParameter"]) == len(load("parameters"))
