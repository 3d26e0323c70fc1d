"""Narrative: made from data, readable in three languages, and never a way in for a script."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from hub.fhir.narrative import narrative, sanitise, section_narrative, text_of
from hub.fhir.narrative_words import LANGUAGES
from hub.fhir.value import Resource
from hub.fhir.xml import parse

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
DOCUMENTS = sorted((CORPUS / "ips").glob("*.json"))

GLUCOSE: Resource = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"text": "Glukóza"},
    "effectiveDateTime": "2024-03-05T08:30:00+01:00",
    "valueQuantity": {"value": Decimal("5.10"), "unit": "mmol/l"},
}


def parsed(div: str) -> etree._Element:
    return parse(div.encode(), name="narrative").root


def test_a_result_is_shown_with_its_unit_and_the_digits_it_was_written_with() -> None:
    div = narrative(GLUCOSE, language="cs")["div"]
    assert "Glukóza" in div
    assert "5.10 mmol/l" in div
    assert "5. 3. 2024 08:30" in div


@pytest.mark.parametrize(
    ("language", "words"),
    [("cs", ["Stav", "konečný"]), ("de-AT", ["Status", "endgültig"]), ("fr", ["Result", "final"])],
)
def test_headings_and_statuses_are_in_the_readers_language_or_english(language: str, words: list[str]) -> None:
    div = narrative(GLUCOSE, language=language)["div"]
    assert all(word in div for word in words)


def test_a_medicine_is_named_from_the_medication_it_refers_to_with_its_dose() -> None:
    medication: Resource = {"resourceType": "Medication", "id": "m", "code": {"text": "Ramipril 5 mg"}}
    statement: Resource = {
        "resourceType": "MedicationStatement",
        "status": "active",
        "medicationReference": {"reference": "Medication/m"},
        "dosage": [{"text": "1-0-0"}],
    }
    told = section_narrative([statement], language="cs", resolve={"Medication/m": medication}.get)
    assert "Ramipril 5 mg" in told
    assert "1-0-0" in told


def test_a_contained_medication_names_the_medicine_too() -> None:
    statement = {
        "resourceType": "MedicationStatement",
        "contained": [{"resourceType": "Medication", "id": "m", "code": {"text": "Insulin"}}],
        "medicationReference": {"reference": "#m"},
    }
    assert "Insulin" in narrative(statement, language="en")["div"]


def test_ids_of_other_records_are_never_shown() -> None:
    plan = {"resourceType": "CarePlan", "status": "active", "goal": [{"reference": "Goal/secret-77"}]}
    assert "secret-77" not in narrative(plan, language="en")["div"]


def test_the_resources_own_narrative_is_not_read() -> None:
    resource = {**GLUCOSE, "text": {"status": "additional", "div": "<div>CANARY</div>"}}
    assert "CANARY" not in narrative(resource, language="cs")["div"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", ["withheld", "unavailable", "nilknown", "notasked"])
def test_an_empty_section_says_why_in_every_language(language: str, reason: str) -> None:
    div = section_narrative([], language=language, empty=reason)
    assert len("".join(parsed(div).itertext()).strip()) > 5


def test_a_section_of_several_types_has_a_named_table_for_each() -> None:
    told = section_narrative([GLUCOSE, {"resourceType": "Goal", "description": {"text": "chodit"}}], language="cs")
    assert told.count("<caption>") == 2


def test_an_unknown_type_is_told_by_its_code() -> None:
    assert "Cosi" in narrative({"resourceType": "Basic", "code": {"text": "Cosi"}}, language="cs")["div"]


@given(st.text())
def test_whatever_text_says_the_narrative_is_well_formed_and_has_no_element_of_its_own(text: str) -> None:
    resource = {**GLUCOSE, "code": {"text": text}, "note": [{"text": f"<script>{text}</script>"}]}
    for div in (narrative(resource, language="cs")["div"], section_narrative([resource], language="de")):
        names = {etree.QName(element).localname for element in parsed(div).iter()}
        assert names <= {"div", "p", "b", "table", "thead", "tbody", "caption", "tr", "th", "td"}


def test_text_of_a_concept_prefers_its_text_then_a_display_then_a_code() -> None:
    assert text_of({"text": "slovy", "coding": [{"display": "d"}]}) == "slovy"
    assert text_of({"coding": [{"code": "c"}, {"code": "x", "display": "d"}]}) == "d"
    assert text_of({"coding": [{"code": "c"}]}) == "c"
    assert text_of(None) == ""


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        '<p onclick="alert(1)">x</p>',
        '<a href="javascript:alert(1)">x</a>',
        '<a href="data:text/html;base64,AAAA">x</a>',
        '<img src="https://elsewhere.example/track.png"/>',
        '<p style="background:url(https://elsewhere.example)">x</p>',
        "<style>p{background:url(https://elsewhere.example)}</style>",
        "<iframe src='https://elsewhere.example'></iframe>",
        '<form action="https://elsewhere.example"><input/></form>',
        "<svg onload=alert(1)>",
    ],
)
def test_foreign_narrative_cannot_act_or_call_anybody(attack: str) -> None:
    clean = sanitise(f"<div>{attack}<p>zůstává</p></div>")
    assert "zůstává" in clean
    assert not any(bad in clean for bad in ("alert", "elsewhere", "javascript", "data:text", "<form", "<input"))


def test_foreign_narrative_keeps_its_tables_links_and_own_images() -> None:
    table = '<table><tr><td colspan="2">a</td></tr></table>'
    written = f'<div>{table}<a href="https://a.example">b</a><img src="#i"></div>'
    clean = sanitise(written)
    assert all(kept in clean for kept in ('colspan="2"', 'href="https://a.example"', 'src="#i"'))


@pytest.mark.skipif(not DOCUMENTS, reason="the sample documents are not beside this checkout")
def test_every_resource_of_the_sample_documents_gets_well_formed_narrative() -> None:
    for path in DOCUMENTS:
        for entry in json.loads(path.read_bytes())["entry"]:
            told = narrative(entry["resource"], language="cs")
            assert "".join(parsed(told["div"]).itertext()).strip()
