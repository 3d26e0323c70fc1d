"""JSON text: what is read strictly, and what is written as it came."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import MalformedContent
from hub.fhir import text
from hub.fhir.value import Resource

_WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=3)
_LEAVES = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | _DECIMALS | _WORDS
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS, inner, max_size=4),
    max_leaves=20,
)
OBJECTS: st.SearchStrategy[Resource] = st.dictionaries(_WORDS, _VALUES, max_size=5)


def as_written(value: Any) -> Any:
    """The value with decimals as their text, so that 1.50 and 1.5 differ."""
    if isinstance(value, dict):
        return {key: as_written(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_written(item) for item in value]
    return str(value) if isinstance(value, Decimal) else value


@given(OBJECTS)
def test_what_was_written_is_read_back_with_every_digit(resource: Resource) -> None:
    assert as_written(text.read(text.write(resource))) == as_written(resource)


@given(OBJECTS)
def test_the_digest_does_not_depend_on_the_order_of_members(resource: Resource) -> None:
    assert text.digest(dict(reversed(resource.items()))) == text.digest(resource)


@given(OBJECTS)
def test_the_writer_writes_json_that_others_read_the_same(resource: Resource) -> None:
    assert json.loads(text.write(resource), parse_float=Decimal) == resource


def test_one_point_five_zero_stays_one_point_five_zero() -> None:
    assert text.write(text.read('{"value":1.50}')) == b'{"value":1.50}'


def test_an_exponent_stays_readable() -> None:
    assert text.read(text.write(text.read('{"value":1e3}')))["value"] == 1000


def test_a_byte_order_mark_is_tolerated() -> None:
    assert text.read(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


@pytest.mark.parametrize(
    ("bad", "place", "what"),
    [
        ('{"subject":{},\n "subject":{}}', "line 2 column 2", "this key stands twice at /subject"),
        ('{"a":{"b":[1,{"c":1,"c":2}]}}', "line 1 column 21", "twice at /a/b/1/c"),
        ('{"a":NaN}', "line 1 column 6", "NaN"),
        ('{"a":-Infinity}', "line 1 column 6", "Infinity"),
        ('{"a":"\\ud800"}', "line 1 column 6", "surrogate"),
        ('{"a":[1,"\\udc00"]}', "line 1 column 9", "surrogate pair at /a/1"),
        ('{"a":' + "9" * 5000 + "}", "line 1 column 6", "1000 digits"),
        ('{"a":1e99999}', "line 1 column 6", "1000 digits"),
        ('{"a":' * 65 + "1" + "}" * 65, "line 1 column 321", "deeper than 64"),
        ('{"a":' + "[" * 2000 + "]" * 2000 + "}", "column", "deeper than 64"),
        ("[" * 100_000, "line 1 column 1", "not a JSON object"),
        ("[]", "line 1 column 1", "not a JSON object"),
        ("", "line 1 column 1", "not a JSON object"),
        ('{"a":1} x', "line 1 column 9", "more text"),
        ('{"a":[1,]}', "line 1 column 9", "a value is expected at /a/1"),
        ('{"a" 1}', "line 1 column 6", "colon"),
        ('{"a":"\t"}', "line 1 column 7", "string is broken"),
        ('{"a":01}', "line 1 column 7", "comma"),
        ('{"a":[1}', "line 1 column 8", "comma"),
        ('{"a":tru}', "line 1 column 6", "a value is expected"),
        ('{"a":1', "line 1 column 7", "ends too early"),
    ],
)
def test_what_is_refused_is_refused_with_its_place(bad: str, place: str, what: str) -> None:
    with pytest.raises(MalformedContent) as refused:
        text.read(bad, name="plan.json")
    assert str(refused.value).startswith("plan.json line ")
    assert place in str(refused.value)
    assert what in str(refused.value)


def test_bytes_that_are_not_utf_8_are_refused_with_their_place() -> None:
    with pytest.raises(MalformedContent, match="line 2 column 7: not valid UTF-8"):
        text.read(b'{"a":1,\n"b": "\xff"}')


def test_a_refusal_repeats_nothing_of_the_content() -> None:
    with pytest.raises(MalformedContent) as refused:
        text.read('{"Anna Nov\u00e1kov\u00e1": {"Anna Nov\u00e1kov\u00e1": NaN}}')
    assert "Anna" not in str(refused.value)
    assert "/?/?" in str(refused.value)


@given(st.text(max_size=60) | st.text('[]{}",:\\ \nab01.eE-truefalsn', max_size=60))
def test_whatever_is_refused_is_refused_by_name_and_whatever_is_read_is_json(anything: str) -> None:
    try:
        found = text.read(anything)
    except MalformedContent:
        return
    assert json.loads(anything, parse_float=Decimal) == found


def test_deep_but_allowed_nesting_is_read() -> None:
    assert text.read('{"a":' * 64 + "1" + "}" * 64)


def test_splicing_sets_id_and_version_and_leaves_all_other_values_as_they_came() -> None:
    came = b'{ "resourceType": "Observation", "valueQuantity": {"value": 1.50}, "meta": {"tag": [ {"code": "x"} ]} }'
    spliced = text.splice(came, "o1", 3, "2026-01-02T03:04:05Z")
    assert b'{"value": 1.50}' in spliced
    assert text.read(spliced) == {
        "resourceType": "Observation",
        "id": "o1",
        "meta": {"versionId": "3", "lastUpdated": "2026-01-02T03:04:05Z", "tag": [{"code": "x"}]},
        "valueQuantity": {"value": Decimal("1.50")},
    }


def test_a_client_cannot_set_version_and_time_itself() -> None:
    came = b'{"resourceType":"Goal","id":"mine","meta":{"versionId":"99","lastUpdated":"1999-01-01T00:00:00Z"}}'
    assert text.read(text.splice(came, "g1", 1, "2026-01-02T03:04:05Z")) == {
        "resourceType": "Goal",
        "id": "g1",
        "meta": {"versionId": "1", "lastUpdated": "2026-01-02T03:04:05Z"},
    }


@given(OBJECTS)
def test_splicing_does_not_change_what_a_resource_says(resource: Resource) -> None:
    plain = {key: value for key, value in resource.items() if key not in ("id", "meta")}
    spliced = text.read(text.splice(text.write(plain), "x", 1, "2026-01-02T03:04:05Z"))
    assert text.digest(spliced) == text.digest(plain)


def test_the_digest_ignores_id_and_version_but_not_labels() -> None:
    one = {"resourceType": "Goal", "id": "1", "meta": {"versionId": "1"}}
    two = {
        "resourceType": "Goal",
        "id": "2",
        "meta": {"versionId": "7", "lastUpdated": "2026-01-01T00:00:00Z"},
    }
    labelled = {"resourceType": "Goal", "meta": {"security": [{"code": "R"}]}}
    assert text.digest(one) == text.digest(two) != text.digest(labelled)
