"""Parts of a resource: what a summary keeps, and that every part is R4 and says that it is one."""

from __future__ import annotations

from typing import Any

import pytest

from hub.fhir import text
from hub.fhir.bundles import resources_of
from hub.fhir.subset import SUBSETTED, summarised, with_elements
from hub.fhir.validate import errors
from hub.fhir.value import Resource
from tests.fhir.corpus import files, needs_corpus

DIV = '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'
PLAN: Resource = {
    "resourceType": "CarePlan",
    "id": "1",
    "meta": {"versionId": "3", "tag": [{"system": "urn:t", "code": "a"}]},
    "text": {"status": "generated", "div": DIV},
    "contained": [
        {
            "resourceType": "Goal",
            "id": "kept",
            "lifecycleStatus": "active",
            "description": {"text": "x"},
            "subject": {},
        },
        {"resourceType": "Location", "id": "gone", "name": "x"},
    ],
    "extension": [{"url": "urn:x", "valueString": "x"}],
    "modifierExtension": [{"url": "urn:m", "valueString": "x"}],
    "status": "active",
    "_status": {"extension": [{"url": "urn:y", "valueString": "y"}]},
    "intent": "plan",
    "title": "Návrat domů",
    "subject": {"reference": "Patient/1"},
    "period": {"start": "2024", "extension": [{"url": "urn:p", "valueString": "p"}]},
    "created": "2024-01-01",
    "goal": [{"reference": "#kept"}],
    "activity": [{"detail": {"status": "in-progress", "location": {"reference": "#gone"}}}],
    "note": [{"text": "x"}],
}
PLAN["contained"][0]["subject"] = {"reference": "Patient/1"}


@pytest.mark.parametrize(
    ("mode", "kept"),
    [
        ("true", {"status", "_status", "intent", "title", "subject", "period", "created", "modifierExtension"}),
        ("text", {"text", "status", "_status", "intent", "subject"}),
        ("data", PLAN.keys() - {"text", "resourceType", "id", "meta"}),
    ],
)
def test_a_summary_keeps_what_it_says(mode: str, kept: set[str]) -> None:
    part = summarised(PLAN, mode)
    assert part.keys() == kept | {"resourceType", "id", "meta"}
    assert part["meta"] == {"versionId": "3", "tag": [{"system": "urn:t", "code": "a"}, SUBSETTED]}


@pytest.mark.parametrize("mode", ["false", "count", ""])
def test_the_whole_is_the_whole(mode: str) -> None:
    assert summarised(PLAN, mode) is PLAN


def test_a_summary_goes_to_every_depth() -> None:
    assert "extension" not in summarised(PLAN, "true")["period"]
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "content": [{"attachment": {"contentType": "text/plain", "data": "eA==", "title": "x"}}],
    }
    assert summarised(document, "true")["content"] == [{"attachment": {"contentType": "text/plain", "title": "x"}}]


def test_a_mandatory_element_that_holds_only_an_extension_is_kept_whole() -> None:
    absent = {
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
    }
    period = {"start": "2024", "extension": [{"url": "urn:p", "valueString": "p"}]}
    observation = {"resourceType": "Observation", "status": "final", "code": absent, "effectivePeriod": period}
    part = summarised(observation, "true")
    assert part["code"] == absent
    assert part["effectivePeriod"] == {"start": "2024"}


def test_elements_come_with_what_is_mandatory_and_what_changes_the_meaning() -> None:
    part = with_elements(PLAN, ["goal", "nonsense"])
    mandatory = {"status", "_status", "intent", "subject", "modifierExtension"}
    assert part.keys() == mandatory | {"resourceType", "id", "meta", "goal", "contained"}
    assert [one["id"] for one in part["contained"]] == ["kept"]
    assert errors(part) == ()


def test_an_element_with_a_choice_of_types_is_named_without_its_type() -> None:
    observation: dict[str, Any] = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "valueInteger": 5,
        "effectiveDateTime": "2024",
    }
    assert "valueInteger" in with_elements(observation, ["value"])
    assert "valueInteger" in with_elements(observation, ["value[x]"])
    assert "effectiveDateTime" not in with_elements(observation, ["value"])


def test_where_an_invariant_needs_more_more_is_kept() -> None:
    home = {"resourceType": "Organization", "name": "Domov", "telecom": [{"system": "phone", "value": "1"}]}
    assert with_elements(home, ["telecom"])["name"] == "Domov"
    assert errors(summarised(home, "text")) == ()


def test_a_part_is_marked_once_and_a_resource_without_meta_too() -> None:
    bare = {"resourceType": "Basic", "code": {"text": "x"}}
    once = summarised(bare, "true")
    assert once == {"resourceType": "Basic", "meta": {"tag": [SUBSETTED]}, "code": {"text": "x"}}
    assert summarised(once, "true") == once


@needs_corpus
@pytest.mark.parametrize("sample", [*files("ips", "*.json"), *files("careplan", "*.json")], ids=lambda path: path.name)
def test_every_part_of_a_valid_sample_is_valid(sample: Any) -> None:
    resource = text.read(sample.read_bytes())
    for one in [resource, *resources_of(resource)]:
        if errors(one):
            continue
        for part in (*(summarised(one, mode) for mode in ("true", "text", "data")), with_elements(one, ["status"])):
            assert errors(part) == ()
            assert part.keys() <= one.keys() | {"meta"}
