"""JSON Patch and merge patch: what they do, what they may not touch, and what they cannot be made to cost."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import HubError, InvalidResource, MalformedContent, NotSupported, TooCostly
from hub.fhir import text
from hub.fhir.patch import PATCH_FORMATS, FhirPathPatch, JsonPatch, MergePatch, apply, read_patch
from hub.fhir.validate import errors
from hub.fhir.value import Resource
from tests.fhir.test_validate import PATIENT, PLAN

OBSERVATION: Resource = text.read(
    '{"resourceType":"Observation","id":"o","meta":{"versionId":"3","lastUpdated":"2026-01-01T00:00:00Z",'
    '"tag":[{"code":"a"}]},"status":"final","code":{"text":"weight"},'
    '"valueQuantity":{"value":1.50,"unit":"kg"},"note":[{"text":"one"},{"text":"two"}]}'
)


def patched(resource: Resource, *operations: dict[str, Any]) -> Resource:
    before = copy.deepcopy(resource)
    try:
        return apply(resource, read_patch("application/json-patch+json", text.write(list(operations))))  # type: ignore[arg-type]
    finally:
        assert resource == before, "the resource that was given is never changed"


def merged(resource: Resource, changes: str, media_type: str = "application/merge-patch+json") -> Resource:
    before = copy.deepcopy(resource)
    try:
        return apply(resource, read_patch(media_type, changes.encode()))
    finally:
        assert resource == before


def test_the_six_operations_do_what_they_say() -> None:
    found = patched(
        OBSERVATION,
        {"op": "test", "path": "/status", "value": "final"},
        {"op": "replace", "path": "/status", "value": "amended"},
        {"op": "add", "path": "/note/1", "value": {"text": "between"}},
        {"op": "copy", "from": "/note/0", "path": "/note/-"},
        {"op": "move", "from": "/note/2", "path": "/note/0"},
        {"op": "remove", "path": "/code/text"},
        {"op": "add", "path": "/code", "value": {"text": "body weight"}},
    )
    assert found["status"] == "amended"
    assert [note["text"] for note in found["note"]] == ["two", "one", "between", "one"]
    assert found["code"] == {"text": "body weight"}


def test_decimals_keep_their_digits() -> None:
    found = patched(
        OBSERVATION,
        {"op": "test", "path": "/valueQuantity/value", "value": 1.5},
        {"op": "copy", "from": "/valueQuantity/value", "path": "/valueQuantity/extension"},
    )
    assert text.write(found["valueQuantity"]) == b'{"value":1.50,"unit":"kg","extension":1.50}'
    patch = read_patch("application/json-patch+json", b'[{"op":"replace","path":"/valueQuantity/value","value":2.0E1}]')
    assert text.write(apply(OBSERVATION, patch)["valueQuantity"]) == b'{"value":2.0E1,"unit":"kg"}'


def test_a_truth_value_is_no_number() -> None:
    with pytest.raises(InvalidResource, match=r"operation 1 \(test /multipleBirthInteger\): the test does not hold"):
        patched({**PATIENT, "multipleBirthInteger": 1}, {"op": "test", "path": "/multipleBirthInteger", "value": True})


def test_the_escapes_of_a_json_pointer_are_understood() -> None:
    odd = {"resourceType": "Basic", "a/b": 1, "m~n": 2, "~1": 3}
    found = patched(
        odd,
        {"op": "remove", "path": "/a~1b"},
        {"op": "replace", "path": "/m~0n", "value": 5},
        {"op": "remove", "path": "/~01"},
    )
    assert found == {"resourceType": "Basic", "m~n": 5}


def test_what_is_left_empty_goes_unless_a_later_operation_fills_it() -> None:
    assert "note" not in patched(OBSERVATION, *({"op": "remove", "path": "/note/0"} for _ in range(2)))
    refilled = patched(
        OBSERVATION,
        {"op": "remove", "path": "/note/0"},
        {"op": "remove", "path": "/note/0"},
        {"op": "add", "path": "/note/-", "value": {"text": "new"}},
    )
    assert refilled["note"] == [{"text": "new"}]
    assert "tag" not in patched(OBSERVATION, {"op": "remove", "path": "/meta/tag/0/code"})["meta"]
    assert "code" not in patched(OBSERVATION, {"op": "move", "from": "/code/text", "path": "/language"})


def test_emptiness_that_was_sent_is_left_for_the_validator_to_name() -> None:
    emptied = [{"op": "remove", "path": "/note/0"}] * 2
    found = patched(OBSERVATION, {"op": "add", "path": "/bodySite", "value": {}}, *emptied)
    assert "note" not in found
    assert ("/bodySite", "ele-1") in {(fault.path, fault.rule) for fault in errors(found)}


@pytest.mark.parametrize("kind", ["add", "remove", "replace", "test", "move", "copy"])
@pytest.mark.parametrize("place", ["/id", "/resourceType", "/meta/versionId", "/meta/lastUpdated", "/id/x", ""])
def test_what_only_the_server_writes_is_no_target(kind: str, place: str) -> None:
    with pytest.raises(InvalidResource, match=r"operation 1 \(.*does not touch"):
        patched(OBSERVATION, {"op": kind, "path": place, "from": "/status", "value": "x"})
    if kind in ("move", "copy"):
        with pytest.raises(InvalidResource, match="does not touch"):
            patched(OBSERVATION, {"op": kind, "path": "/language", "from": place})


@pytest.mark.parametrize(
    ("place", "value"),
    [("/meta", {"versionId": "4"}), ("/meta", {"lastUpdated": "2027-01-01T00:00:00Z"}), ("/meta", {"versionId": None})],
)
def test_nor_can_it_be_set_from_above(place: str, value: Any) -> None:
    with pytest.raises(InvalidResource, match="/meta/"):
        patched(OBSERVATION, {"op": "replace", "path": place, "value": value})


def test_tags_and_labels_may_be_patched_the_whole_meta_too() -> None:
    assert patched(OBSERVATION, {"op": "replace", "path": "/meta", "value": {"tag": [{"code": "b"}]}})["meta"] == {
        "tag": [{"code": "b"}]
    }
    assert "meta" not in patched(OBSERVATION, {"op": "remove", "path": "/meta"})


@pytest.mark.parametrize(
    ("operation", "shown"),
    [
        ({"op": "remove", "path": "/note/2"}, "/note/2"),
        ({"op": "remove", "path": "/note/-"}, "/note/-"),
        ({"op": "replace", "path": "/note/-", "value": 1}, "/note/-"),
        ({"op": "remove", "path": "/note/00"}, "/note/00"),
        ({"op": "add", "path": "/note/3", "value": 1}, "/note/3"),
        ({"op": "add", "path": "/nothing/here", "value": 1}, "/nothing/here"),
        ({"op": "replace", "path": "/language", "value": "cs"}, "/language"),
        ({"op": "remove", "path": "/status/0"}, "/status/0"),
        ({"op": "add", "path": "/status/x", "value": 1}, "/status/x"),
        ({"op": "copy", "from": "/language", "path": "/implicitRules"}, "/implicitRules"),
        ({"op": "move", "from": "/note", "path": "/note/0"}, "/note/0"),
        ({"op": "test", "path": "/status", "value": "done"}, "/status"),
        ({"op": "remove", "path": "/Anna Nováková"}, "/?"),
    ],
)
def test_an_operation_that_does_not_fit_is_named_by_number_and_place(operation: dict[str, Any], shown: str) -> None:
    with pytest.raises(InvalidResource) as refused:
        patched(OBSERVATION, {"op": "test", "path": "/status", "value": "final"}, operation)
    assert str(refused.value).startswith(f"operation 2 ({operation['op']} {shown}): ")
    assert "Anna" not in str(refused.value)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{}", "not a JSON array"),
        ("[1]", "operation 1: must be an object"),
        ('[{"path":"/a"}]', "operation 1: `op` must be one of"),
        ('[{"op":"append","path":"/a"}]', "operation 1: `op` must be one of"),
        ('[{"op":["add"],"path":"/a"}]', "operation 1: `op` must be one of"),
        ('[{"op":"add","path":"/a"}]', "`add` needs `value`"),
        ('[{"op":"move","path":"/a"}]', "`move` needs `from`"),
        ('[{"op":"remove"}]', "`remove` needs `path`"),
        ('[{"op":"remove","path":"a"}]', "`path` must be a JSON pointer"),
        ('[{"op":"remove","path":"/a~2"}]', "`path` must be a JSON pointer"),
        ('[{"op":"remove","path":["a"]}]', "`path` must be a JSON pointer"),
        ('[{"op":"copy","path":"/a","from":7}]', "`from` must be a JSON pointer"),
        ('[{"op":"remove","path":"/a","path":"/b"}]', "this key stands twice at /0/path"),
        ('[{"op":"add","path":"/a","value":NaN}]', "NaN"),
        ("[" * 1000, "nested deeper"),
    ],
)
def test_what_is_no_json_patch_is_refused_before_anything_is_done(body: str, said: str) -> None:
    with pytest.raises(MalformedContent) as refused:
        read_patch("application/json-patch+json", body.encode())
    assert said in str(refused.value)


def test_a_patch_of_ten_thousand_operations_is_refused() -> None:
    bomb = text.write([{"op": "test", "path": "/status", "value": "final"}] * 10_000)  # type: ignore[arg-type]
    with pytest.raises(TooCostly, match="more than 200 operations"):
        read_patch("application/json-patch+json", bomb)
    assert patched(OBSERVATION, *[{"op": "test", "path": "/status", "value": "final"}] * 200) == OBSERVATION


def test_doubling_by_copies_is_stopped_at_once() -> None:
    begin = time.perf_counter()
    double = {"op": "copy", "from": "/note", "path": "/note/-"}
    with pytest.raises(TooCostly, match=r"operation \d+: the patch would make too large"):
        patched(OBSERVATION, *[double] * 200)
    assert time.perf_counter() - begin < 3


def test_a_resource_cannot_grow_beyond_what_may_be_sent() -> None:
    large = {"op": "add", "path": "/note/-", "value": {"text": "x" * 1_000_000}}
    with pytest.raises(TooCostly, match="operation 11: the patch would make too large"):
        patched(OBSERVATION, *[large] * 12)


def test_nesting_cannot_grow_beyond_what_can_be_read() -> None:
    deeper = {"op": "move", "from": "/note", "path": "/extension"}
    wrap = [
        deeper,
        *({"op": "add", "path": "/note", "value": {}}, {"op": "move", "from": "/extension", "path": "/note/extension"},
          {"op": "move", "from": "/note", "path": "/extension"}) * 62,
    ]  # fmt: skip
    with pytest.raises(InvalidResource, match="nested deeper than 64 levels"):
        patched(OBSERVATION, *wrap)


def test_a_deep_path_is_only_a_path_to_nothing() -> None:
    with pytest.raises(InvalidResource, match="nothing stands there"):
        patched(OBSERVATION, {"op": "remove", "path": "/extension/0" * 10_000})


_STEPS = st.sampled_from(["note", "0", "1", "-", "text", "meta", "tag", "status", "~0", "~1", "", "-1", "1e9", "é"])
_PATHS = st.lists(_STEPS, max_size=4).map(lambda steps: "".join(f"/{step}" for step in steps))
_OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]), "path": _PATHS, "from": _PATHS},
    optional={"value": st.none() | st.integers() | st.text(max_size=3) | st.just([]) | st.just({"a": []})},
)


@given(st.lists(_OPERATIONS, max_size=6))
def test_whatever_is_sent_is_done_or_refused_by_name(operations: list[dict[str, Any]]) -> None:
    try:
        found = patched(OBSERVATION, *operations)
    except (InvalidResource, MalformedContent):
        return
    assert found["id"] == "o"
    assert text.read(text.write(found)) == found


# --- merge patch ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "changes", "result"),
    [  # RFC 7386, appendix A, as far as members of a resource go
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"c": 1, "d": None}}}, {"a": {"bb": {"c": 1}}}),
    ],
)
def test_merging_is_that_of_the_rfc(target: dict[str, Any], changes: dict[str, Any], result: dict[str, Any]) -> None:
    base = {"resourceType": "Basic"}
    assert merged({**base, **target}, json.dumps(changes)) == {**base, **result}


def test_an_object_that_loses_its_last_member_goes() -> None:
    found = merged(OBSERVATION, '{"code":{"text":null},"meta":{"tag":null},"valueQuantity":{"value":2.50}}')
    assert "code" not in found
    assert found["meta"] == {"versionId": "3", "lastUpdated": "2026-01-01T00:00:00Z"}
    assert text.write(found["valueQuantity"]) == b'{"value":2.50,"unit":"kg"}'


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ('{"id":"p"}', "/id"),
        ('{"id":null}', "/id"),
        ('{"resourceType":"Patient"}', "/resourceType"),
        ('{"meta":{"versionId":"9"}}', "/meta/versionId"),
        ('{"meta":{"lastUpdated":"2030-01-01T00:00:00Z"}}', "/meta/lastUpdated"),
    ],
)
def test_a_merge_patch_does_not_make_another_record_of_it(changes: str, place: str) -> None:
    with pytest.raises(InvalidResource, match=place):
        merged(OBSERVATION, changes)


def test_a_merge_patch_may_repeat_what_is_so() -> None:
    assert merged(OBSERVATION, '{"resourceType":"Observation","id":"o","meta":{"versionId":"3"}}') == OBSERVATION


def test_fhirpy_sends_the_changed_members_as_plain_json() -> None:
    """`client.patch("Patient", id, active=True, gender=None)`: PATCH with Content-Type application/json."""
    found = merged(PATIENT, '{"active":true,"gender":null}', "application/json")
    assert found["active"] is True
    assert "gender" not in found


def test_the_media_type_says_the_language_and_plain_json_what_it_looks_like() -> None:
    parameters = b'{"resourceType":"Parameters"}'
    assert isinstance(read_patch("application/fhir+json; charset=utf-8", parameters), FhirPathPatch)
    assert isinstance(read_patch("application/json", parameters), FhirPathPatch)
    xml = b'<Parameters xmlns="http://hl7.org/fhir"/>'
    assert isinstance(read_patch("application/fhir+xml", xml), FhirPathPatch)
    assert isinstance(read_patch("application/json", b"\n []"), JsonPatch)
    assert isinstance(read_patch("Application/JSON", b"{}"), MergePatch)
    for refused in (b"{}", b'{"resourceType":"Patient"}'):
        with pytest.raises(MalformedContent, match="Parameters"):
            read_patch("application/fhir+json", refused)
    with pytest.raises(NotSupported, match=r"Content-Type: .*json-patch"):
        read_patch("text/plain", b"x")
    assert len(PATCH_FORMATS) == 4


def test_the_patch_bodies_go_through_the_hardened_readers() -> None:
    with pytest.raises(MalformedContent, match="document type"):
        read_patch("application/fhir+xml", b'<!DOCTYPE a><Parameters xmlns="http://hl7.org/fhir"/>')
    with pytest.raises(HubError):
        read_patch("application/merge-patch+json", b'{"a":1,"a":2}')


def test_a_patched_plan_is_still_a_valid_plan() -> None:
    found = patched(PLAN, {"op": "replace", "path": "/activity/0/detail/status", "value": "completed"})
    assert errors(found) == ()
    broken = patched(PLAN, {"op": "replace", "path": "/activity/0/detail/status", "value": "done"})
    assert [fault.path for fault in errors(broken)] == ["/activity/0/detail/status"]
