"""References and JSON pointers: found, rewritten, removed, without touching what came in."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given

from hub.fhir import pointer
from hub.fhir.references import (
    parse_reference,
    references_of,
    rewrite,
    type_of_reference,
    walk_references,
)
from hub.fhir.value import Resource
from tests.fhir.test_text import OBJECTS

PLAN: Resource = {
    "resourceType": "CarePlan",
    "subject": {"reference": "Patient/p1", "display": "x"},
    "contained": [{"resourceType": "Goal", "id": "g", "subject": {"reference": "Patient/p1"}}],
    "goal": [{"reference": "#g"}, {"reference": "Goal/7/_history/2"}],
    "author": {"identifier": {"system": "urn:x", "value": "1"}},
    "activity": [{"reference": {"reference": "urn:uuid:7f9c0e2e-0000-4000-8000-000000000001"}}],
    "extension": [{"url": "urn:x", "valueExpression": {"language": "text/cql", "reference": "http://x.example/l"}}],
}


def test_every_reference_is_found_with_its_pointer() -> None:
    assert [place for place, _ in walk_references(PLAN)] == [
        "/subject", "/contained/0/subject", "/goal/0", "/goal/1", "/author", "/activity/0/reference",
    ]  # fmt: skip
    assert all(pointer.get(PLAN, place) is found for place, found in walk_references(PLAN))


def test_the_literal_references_of_a_resource_are_named_without_version() -> None:
    assert references_of(PLAN) == {"Patient/p1", "Goal/7"}


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("Patient/1", ("Patient", "1", None)),
        ("Patient/1/_history/2", ("Patient", "1", "2")),
        ("#g", None),
        ("urn:uuid:7f9c0e2e-0000-4000-8000-000000000001", None),
        ("http://x.example/fhir/Patient/1", None),
        ("Patient/../x", None),
        ("Patient/" + "x" * 65, None),
        ("patient/1", None),
        (None, None),
    ],
)
def test_only_relative_literals_are_taken_apart(text: str | None, parsed: object) -> None:
    assert parse_reference(text) == parsed


def test_an_absolute_reference_still_shows_its_type() -> None:
    assert type_of_reference("http://x.example/fhir/Patient/1") == "Patient"


def test_rewriting_keeps_versions_and_leaves_the_rest() -> None:
    before = copy.deepcopy(PLAN)
    after = rewrite(PLAN, {"Goal/7": "Goal/8", "urn:uuid:7f9c0e2e-0000-4000-8000-000000000001": "Task/1"})
    assert before == PLAN
    assert after["goal"][1] == {"reference": "Goal/8/_history/2"}
    assert after["activity"][0]["reference"] == {"reference": "Task/1"}
    assert after["subject"] == PLAN["subject"]


@given(OBJECTS)
def test_rewriting_by_nothing_changes_nothing(resource: Resource) -> None:
    assert rewrite(resource, {}) == resource


def test_removing_leaves_nothing_empty_and_reads_all_pointers_against_the_original() -> None:
    resource = {"a": [{"b": 1}, {"b": 2}, {"b": 3}], "c": {"d": {"e": 1}}, "f": 1}
    assert pointer.remove(resource, "/a/0", "/a/2/b", "/c/d/e") == {"a": [{"b": 2}], "f": 1}
    assert pointer.remove(resource, "") == {}
    assert pointer.remove(resource, "/nothing/here") == resource


def test_removing_a_primitive_takes_its_extension_side_along() -> None:
    name = {"given": ["A", "B"], "_given": [{"id": "a"}, {"id": "b"}], "family": "N", "_family": {"id": "f"}}
    assert pointer.remove(name, "/given/0", "/family") == {"given": ["B"], "_given": [{"id": "b"}]}


def test_pointers_escape_slash_and_tilde() -> None:
    assert pointer.parts("/a~1b/~0c/0") == ("a/b", "~c", "0")
    assert pointer.join(("a/b", "~c", 0)) == "/a~1b/~0c/0"


def test_putting_makes_the_objects_on_the_way_and_appends() -> None:
    assert pointer.put({"a": [1]}, "/b/c", 2) == {"a": [1], "b": {"c": 2}}
    assert pointer.put({"a": [1]}, "/a/-", 2) == {"a": [1, 2]}
    with pytest.raises(ValueError, match="primitive"):
        pointer.put({"a": 1}, "/a/b", 2)


@given(OBJECTS)
def test_removing_never_adds(resource: Resource) -> None:
    for key in resource:
        assert key not in pointer.remove(resource, pointer.join((key,)))
