"""FHIR Bundles nobody here wrote: every one is carried over valid, unchanged where it is valid, and
honest where not.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hub.errors import MalformedContent, UnmappableContent
from hub.fhir import text
from hub.fhir.references import walk_references
from hub.fhir.validate import errors
from tests.mapping.library import mapped, needs_corpus, of_type, samples

BUNDLES = samples("ips", "*.json")


def bundle(*resources: dict[str, Any], kind: str = "collection") -> bytes:
    return json.dumps(
        {"resourceType": "Bundle", "type": kind, "entry": [{"resource": one} for one in resources]}
    ).encode()


PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "1948-06-05"}


@needs_corpus
@pytest.mark.parametrize("path", BUNDLES)
def test_every_bundle_is_carried_over_valid(path: Path) -> None:
    made = mapped(path.read_bytes(), "ips-in", path.name)
    assert errors(made.bundle) == ()
    assert len(of_type(made, "Patient")) == 1
    assert all(entry["fullUrl"] for entry in made.bundle["entry"])


@needs_corpus
@pytest.mark.parametrize("path", BUNDLES)
def test_no_resource_disappears_without_a_word(path: Path) -> None:
    source = text.read(path.read_bytes())
    made = mapped(path.read_bytes(), "ips-in", path.name)
    told = [one for one in made.residue if one.place.endswith("/resource")]
    assert len(made.bundle["entry"]) + len(told) == len(source["entry"])


@needs_corpus
@pytest.mark.parametrize("path", BUNDLES)
def test_no_relative_reference_is_left_that_could_mean_another_record(path: Path) -> None:
    made = mapped(path.read_bytes(), "ips-in", path.name)
    known = {entry["fullUrl"] for entry in made.bundle["entry"]}
    for pointer, reference in walk_references(made.bundle):
        said = reference.get("reference", "#")
        assert said.startswith("#") or ":" in said or said in known, pointer


def test_numbers_keep_their_text() -> None:
    weight = b'{"resourceType":"Observation","status":"final","code":{"text":"w"},"valueQuantity":{"value":72.50}}'
    data = b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":' + json.dumps(PATIENT).encode()
    data += b'},{"resource":' + weight + b"}]}"
    assert b'"value":72.50' in text.write(mapped(data, "ips-in").bundle)


def test_an_invalid_optional_element_is_taken_out_and_reported_with_its_place() -> None:
    wrong = {
        "resourceType": "Condition",
        "subject": {"reference": "Patient/p1"},
        "onsetDateTime": "soon",
        "code": {"text": "x"},
    }
    made = mapped(bundle(PATIENT, wrong), "ips-in")
    assert "onsetDateTime" not in of_type(made, "Condition")[0]
    assert of_type(made, "Condition")[0]["code"] == {"text": "x"}
    assert any(one.place == "/entry/1/resource/onsetDateTime" for one in made.warnings)
    assert any("soon" in one.text for one in made.residue)


def test_a_resource_that_cannot_be_saved_goes_to_the_residue_whole() -> None:
    made = mapped(bundle(PATIENT, {"resourceType": "Observation", "valueString": "kept"}), "ips-in")
    assert of_type(made, "Observation") == []
    assert any("kept" in one.text and one.place.startswith("/entry/1/resource") for one in made.residue)


def test_narrative_that_could_run_keeps_its_words() -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml"><p>Words</p><script>x()</script></div>'
    condition = {
        "resourceType": "Condition",
        "subject": {"reference": "Patient/p1"}, "text": {"status": "generated", "div": div},
    }  # fmt: skip
    kept = of_type(mapped(bundle(PATIENT, condition), "ips-in"), "Condition")[0]["text"]["div"]
    assert "Words" in kept
    assert "script" not in kept


def test_a_consent_inside_a_summary_is_content_and_not_a_consent_of_the_hub() -> None:
    consent = {"resourceType": "Consent", "id": "c1", "status": "active"}
    made = mapped(bundle(PATIENT, consent), "ips-in")
    assert of_type(made, "Consent") == []
    assert any(one.place == "/entry/1/resource" and "captured" in one.why for one in made.residue)


def test_a_reference_to_nothing_becomes_a_logical_one() -> None:
    condition = {
        "resourceType": "Condition",
        "subject": {"reference": "Patient/p1"},
        "encounter": {"reference": "Encounter/9"},
    }
    encounter = of_type(mapped(bundle(PATIENT, condition), "ips-in"), "Condition")[0]["encounter"]
    assert "reference" not in encounter
    assert encounter["identifier"]["value"] == "Encounter/9"


def test_entries_without_full_url_get_the_same_one_every_time() -> None:
    first, second = (mapped(bundle(PATIENT), "ips-in") for _ in range(2))
    assert first.bundle["entry"][0]["fullUrl"].startswith("urn:uuid:")
    assert first == second


def test_a_bundle_without_patient_or_with_two_is_refused_with_its_place() -> None:
    with pytest.raises(UnmappableContent, match="/entry"):
        mapped(bundle({"resourceType": "Observation"}), "ips-in")
    with pytest.raises(UnmappableContent, match="/entry"):
        mapped(bundle(PATIENT, {**PATIENT, "id": "p2"}), "ips-in")


def test_a_duplicate_key_is_refused_with_its_place() -> None:
    with pytest.raises(MalformedContent, match="line 1"):
        mapped(b'{"resourceType":"Bundle","type":"collection","type":"document"}', "ips-in", "twice.json")
