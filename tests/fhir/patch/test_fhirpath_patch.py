"""FHIRPath Patch: the operations, the paths, what is refused and named, and that patches of different items agree.

The cases follow those of the specification's own test suite (https://hl7.org/fhir/R4/fhirpatch.html).
"""

from __future__ import annotations

import copy
import time
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import InvalidResource, MalformedContent, TooCostly
from hub.fhir import text
from hub.fhir.decimals import decimal
from hub.fhir.patch import apply, read_patch
from hub.fhir.patch.path import PathError, compile_path
from hub.fhir.validate import errors
from hub.fhir.value import Resource
from hub.fhir.xml_write import write_xml
from tests.fhir.test_validate import DOCUMENT, PATIENT, PLAN

PERSON: Resource = text.read(
    '{"resourceType":"Patient","id":"p","meta":{"versionId":"3","tag":[{"code":"a"}]},"birthDate":"1920-01-01",'
    '"_birthDate":{"extension":[{"url":"http://example.org/time","valueTime":"10:00:00"}]},'
    '"name":[{"use":"official","family":"Chalmers","given":["Peter","James"],"_given":[null,{"id":"g"}]},'
    '{"use":"usual","given":["Jim"]}],'
    '"identifier":[{"system":"urn:a","value":"1"},{"system":"urn:a","value":"2"},{"system":"urn:b","value":"3"},'
    '{"system":"urn:b","value":"4"}],"contact":[{"name":{"text":"a name"},"gender":"male"}],'
    '"contained":[{"resourceType":"Organization","id":"o","name":"Org"}],"multipleBirthInteger":2,"active":true}'
)
OBSERVATION: Resource = text.read(
    '{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.50,"unit":"kg"}}'
)


def operation(type: str, path: str, value: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"name": "type", "valueCode": type}, {"name": "path", "valueString": path}]
    if value is not None:
        parts.append({"name": "value", **value})
    for name, one in more.items():
        parts.append({"name": name, ("valueInteger" if isinstance(one, int) else "valueString"): one})
    return {"name": "operation", "part": parts}


def patched(resource: Resource, *operations: dict[str, Any]) -> Resource:
    parameters: Resource = {"resourceType": "Parameters"}
    if operations:
        parameters["parameter"] = list(operations)
    before = copy.deepcopy(resource)
    patch = read_patch("application/fhir+json", text.write(parameters))
    assert read_patch("application/fhir+xml", write_xml(parameters)) == patch
    try:
        found = apply(resource, patch)
        assert read_patch("application/fhir+json", text.write(parameters)) == patch, "a patch can be applied again"
        return found
    finally:
        assert resource == before, "the resource that was given is never changed"


def numbers(resource: Resource) -> list[str]:
    return [one["value"] for one in resource["identifier"]]


def test_a_patch_of_nothing_changes_nothing() -> None:
    assert patched(PERSON) == PERSON


def test_a_primitive_is_replaced_with_its_extensions() -> None:
    found = patched(PERSON, operation("replace", "Patient.birthDate", {"valueDate": "1930-01-01"}))
    assert found["birthDate"] == "1930-01-01"
    assert "_birthDate" not in found


def test_a_primitive_is_deleted_and_deleting_nothing_is_no_error() -> None:
    found = patched(
        PERSON, operation("delete", "Patient.birthDate"), operation("delete", "Patient.birthDate"),
        operation("delete", "Patient.name[7].family"), operation("delete", "Patient.photo.where(title = 'x')"),
    )  # fmt: skip
    assert "birthDate" not in found
    assert "_birthDate" not in found


def test_a_nested_primitive_is_replaced_added_and_deleted_with_what_it_leaves_empty() -> None:
    found = patched(
        PERSON,
        operation("replace", "Patient.contact[0].gender", {"valueCode": "female"}),
        operation("delete", "Patient.contact[0].name.text"),
    )
    assert found["contact"] == [{"gender": "female"}]
    assert "contact" not in patched(
        PERSON, operation("delete", "Patient.contact[0].name.text"), operation("delete", "Patient.contact[0].gender")
    )
    added = patched(found, operation("add", "Patient.contact[0]", {"valueString": "x"}, name="id"))
    assert added["contact"] == [{"gender": "female", "id": "x"}]


def test_what_is_complex_is_added_replaced_and_deleted() -> None:
    married = operation("add", "Patient", {"valueCodeableConcept": {"text": "married"}}, name="maritalStatus")
    other = operation("replace", "Patient.maritalStatus", {"valueCodeableConcept": {"id": "2", "text": "not"}})
    assert patched(PERSON, married)["maritalStatus"] == {"text": "married"}
    assert patched(PERSON, married, other)["maritalStatus"] == {"id": "2", "text": "not"}
    assert "maritalStatus" not in patched(PERSON, married, operation("delete", "Patient.maritalStatus"))


def test_a_type_without_a_name_is_given_in_parts() -> None:
    contact = {
        "part": [
            {"name": "name", "valueHumanName": {"text": "a name"}},
            {"name": "telecom", "valueContactPoint": {"value": "1"}},
            {"name": "telecom", "valueContactPoint": {"value": "2"}},
            {"name": "gender", "valueCode": "male", "_valueCode": {"id": "g"}},
        ]
    }
    found = patched(PERSON, operation("add", "Patient", contact, name="contact"))
    assert found["contact"][1] == {
        "name": {"text": "a name"},
        "telecom": [{"value": "1"}, {"value": "2"}],
        "gender": "male",
        "_gender": {"id": "g"},
    }
    activity = {"part": [{"name": "detail", "part": [{"name": "status", "valueCode": "scheduled"},
                {"name": "scheduled", "valueString": "daily"}]}]}  # fmt: skip
    plan = patched(PLAN, operation("add", "CarePlan", activity, name="activity"))
    assert plan["activity"][1] == {"detail": {"status": "scheduled", "scheduledString": "daily"}}
    assert errors(plan) == ()


def test_an_extension_is_given_in_parts_also_to_a_primitive() -> None:
    extension = {"part": [{"name": "url", "valueUri": "urn:x"}, {"name": "value", "valueCode": "n"}]}
    found = patched(
        PERSON,
        operation("add", "Patient", extension, name="extension"),
        operation("add", "Patient.birthDate", extension, name="extension"),
        operation("add", "Patient.name[0].given[0]", extension, name="extension"),
        operation("add", "Patient.contact.gender", extension, name="extension"),
    )
    made = {"url": "urn:x", "valueCode": "n"}
    assert found["extension"] == [made]
    assert found["_birthDate"]["extension"][1] == made
    assert found["name"][0]["_given"] == [{"extension": [made]}, {"id": "g"}]
    assert found["contact"][0]["_gender"] == {"extension": [made]}


def test_the_extension_of_a_primitive_is_found_by_its_url_and_deleted() -> None:
    path = "Patient.birthDate.extension('http://example.org/time')"
    assert "_birthDate" not in patched(PERSON, operation("delete", path))
    assert patched(PERSON, operation("delete", path))["birthDate"] == "1920-01-01"
    changed = patched(PERSON, operation("replace", f"{path}.value", {"valueTime": "11:00:00"}))
    assert changed["_birthDate"]["extension"][0]["valueTime"] == "11:00:00"


def test_items_of_a_list_are_inserted_deleted_and_moved() -> None:
    new = {"valueIdentifier": {"value": "9"}}
    assert numbers(patched(PERSON, operation("insert", "Patient.identifier", new, index=0))) == list("91234")
    assert numbers(patched(PERSON, operation("insert", "Patient.identifier", new, index=4))) == list("12349")
    assert numbers(patched(PERSON, operation("add", "Patient", new, name="identifier"))) == list("12349")
    assert numbers(patched(PERSON, operation("delete", "Patient.identifier[1]"))) == list("134")
    moves = [operation("move", "Patient.identifier", source=3, destination=to) for to in (0, 1, 2)]
    assert numbers(patched(PERSON, moves[0])) == list("4123")
    assert numbers(patched(PERSON, operation("move", "Patient.identifier", source=0, destination=3))) == list("2341")
    assert numbers(patched(PERSON, *moves)) == list("4321")
    empty = patched(PERSON, operation("insert", "Patient.photo", {"valueAttachment": {"title": "x"}}, index=0))
    assert empty["photo"] == [{"title": "x"}]


def test_primitives_in_lists_move_with_their_extensions() -> None:
    found = patched(PERSON, operation("move", "Patient.name[0].given", source=1, destination=0))
    assert (found["name"][0]["given"], found["name"][0]["_given"]) == (["James", "Peter"], [{"id": "g"}, None])
    found = patched(PERSON, operation("delete", "Patient.name[0].given.where($this = 'James')"))
    assert found["name"][0] == {"use": "official", "family": "Chalmers", "given": ["Peter"]}
    found = patched(PERSON, operation("insert", "Patient.name[0].given", {"valueString": "X"}, index=1))
    assert found["name"][0]["_given"] == [None, None, {"id": "g"}]
    found = patched(PERSON, operation("delete", "Patient.name[0].given[0]"))
    assert (found["name"][0]["given"], found["name"][0]["_given"]) == (["James"], [{"id": "g"}])


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("Patient.identifier.where(value = '3')", "124"),
        ("Patient.identifier.where(system = 'urn:b' and value='4')", "123"),
        ("Patient.identifier.where(system = 'urn:b').first()", "124"),
        ("Patient.identifier.where(system != 'urn:a').last()", "123"),
        ("Patient.identifier.last()", "123"),
        ("identifier[0]", "234"),
        ("Patient . identifier\n.where( ( system = 'urn:a' ) and value = '2')", "134"),
        ("Patient.identifier.where(value = '2\\u0027')", "1234"),
    ],
)
def test_items_are_chosen_by_what_they_say(path: str, left: str) -> None:
    assert numbers(patched(PERSON, operation("delete", path))) == list(left)


def test_conditions_look_deeper_and_at_other_types() -> None:
    plan: Resource = {
        **PLAN,
        "activity": [
            {"detail": {"status": "completed", "code": {"coding": [{"code": "a"}, {"code": "b"}]}}},
            {"detail": {"status": "scheduled", "doNotPerform": True, "quantity": {"value": 2}}},
            {"reference": {"reference": "Task/1"}},
        ],
    }
    for path, kept in (
        ("CarePlan.activity.where(detail.code.coding.where(code = 'b').exists())", [1, 2]),
        ("CarePlan.activity.where(detail.doNotPerform = true)", [0, 2]),
        ("CarePlan.activity.where(detail.quantity.value = 2.0)", [0, 2]),
        ("CarePlan.activity.where(reference.exists() and reference.reference = 'Task/1')", [0, 1]),
        ("CarePlan.activity.detail.where(status = 'completed')", [1, 2]),
    ):
        found = patched(plan, operation("delete", path))
        assert found["activity"] == [plan["activity"][index] for index in kept], path
    # one value is compared with one literal, as FHIRPath has it: two codes are not one
    for code in "ab":
        path = f"CarePlan.activity.where(detail.code.coding.code = '{code}')"
        assert len(patched(plan, operation("delete", path))["activity"]) == 3


def test_a_choice_is_named_by_its_stem_and_may_change_its_type() -> None:
    found = patched(OBSERVATION, operation("replace", "Observation.value", {"valueString": "heavy"}))
    assert found["valueString"] == "heavy"
    assert "valueQuantity" not in found
    found = patched(OBSERVATION, operation("replace", "Observation.value.ofType(Quantity).unit", {"valueString": "g"}))
    assert text.write(found["valueQuantity"]) == b'{"value":1.50,"unit":"g"}'
    assert patched(OBSERVATION, operation("delete", "Observation.value.ofType(string)")) == OBSERVATION
    found = patched(OBSERVATION, operation("add", "Observation", {"valueDateTime": "2026"}, name="effective"))
    assert found["effectiveDateTime"] == "2026"


def test_decimals_keep_their_digits() -> None:
    found = patched(OBSERVATION, operation("add", "Observation.value", {"valueCode": "<"}, name="comparator"))
    assert text.write(found["valueQuantity"]) == b'{"value":1.50,"unit":"kg","comparator":"<"}'
    replace = operation("replace", "Observation.value.value", {"valueDecimal": decimal("2.0E1")})
    found = patched(OBSERVATION, replace)
    assert text.write(found["valueQuantity"]) == b'{"value":2.0E1,"unit":"kg"}'


def test_a_narrative_a_contained_resource_and_an_entry_can_be_patched() -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml">new</div>'
    assert patched(PATIENT, operation("replace", "Patient.text.div", {"valueString": div}))["text"]["div"] == div
    found = patched(PERSON, operation("replace", "Patient.contained.where(id = 'o').name", {"valueString": "New"}))
    assert found["contained"][0]["name"] == "New"
    resource = {"resource": {"resourceType": "Organization", "id": "n", "name": "N"}}
    found = patched(PERSON, operation("add", "Patient", resource, name="contained"))
    assert found["contained"][1] == resource["resource"]
    path = "Bundle.entry.resource.ofType(Patient).gender"
    assert patched(DOCUMENT, operation("delete", path))["entry"][1]["resource"].get("gender") is None


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (operation("add", "Patient.identifier.where(use = 'official').period", {"valueDate": "2021"}, name="end"),
         "operation 2 (add Patient.identifier.where(use = '…').period): meets no element"),
        (operation("add", "Patient", {"valueBoolean": True}, name="active"), "there is one already: replace it"),
        (operation("add", "Patient.name", {"valueString": "x"}, name="family"), "meets several elements"),
        (operation("add", "Patient", {"valueString": "x"}, name="nickname"), "names no element of this type"),
        (operation("add", "Patient.active", {"valueString": "x"}, name="value"), "names no element of this type"),
        (operation("add", "Patient", {"valueString": "q"}, name="id"), "a patch does not touch this"),
        (operation("add", "Patient.meta", {"valueInstant": "2026-01-01T00:00:00Z"}, name="lastUpdated"), "not touch"),
        (operation("replace", "Patient.language", {"valueCode": "cs"}), "meets no element"),
        (operation("replace", "Patient.name", {"valueHumanName": {"text": "x"}}), "meets several elements"),
        (operation("replace", "Patient", {"resource": {"resourceType": "Patient"}}), "the resource as a whole"),
        (operation("replace", "Patient.id", {"valueId": "q"}), "a patch does not touch this"),
        (operation("replace", "Patient.active", {"valueString": "true"}), "the value is of another type"),
        (operation("replace", "Patient.active", {"valueInteger": 1}), "the value is of another type"),
        (operation("replace", "Patient.birthDate", {"valueInteger": 1}), "the value is of another type"),
        (operation("replace", "Patient.birthDate", {"valueHumanName": {"text": "x"}}), "the value is of another type"),
        (operation("replace", "Patient.name[0]", {"valueAddress": {"text": "x"}}), "the value is of another type"),
        (operation("replace", "Patient.name[0]", {"valueString": "x"}), "the value is of another type"),
        (operation("replace", "Patient.contact", {"part": [{"name": "nick", "valueString": "x"}]}), "no element of"),
        (operation("replace", "Patient.contact", {"part": [{"name": "gender", "valueCode": "x"}] * 2}), "part twice"),
        (operation("replace", "Patient.contact", {"id": "x"}), "the value has no single value"),
        (operation("delete", "Patient.link.nickname"), "names no element of this type"),
        (operation("delete", "Patient.photo.where(nickname = 'x')"), "names no element of this type"),
        (operation("delete", "Patient.birthDate.value"), "names no element of this type"),
        (operation("replace", "Patient.contact", {"valueString": "x"}), "the value is of another type"),
        (operation("replace", "Patient.multipleBirth", {"valueString": "x"}), "the value is of another type"),
        (operation("delete", "Patient.identifier"), "meets several elements"),
        (operation("delete", "Patient"), "the resource as a whole"),
        (operation("delete", "Patient.meta.versionId"), "a patch does not touch this"),
        (operation("delete", "Patient.nickname"), "names no element of this type"),
        (operation("delete", "Patient.resourceType"), "names no element of this type"),
        (operation("delete", "Patient.text.div.p"), "names no element of this type"),
        (operation("delete", "Observation.status"), "starts from another type"),
        (operation("insert", "Patient.identifier", {"valueIdentifier": {"value": "x"}}, index=5), "the list has 4"),
        (operation("insert", "Patient.active", {"valueBoolean": True}, index=0), "names no list"),
        (operation("insert", "Patient.name.given", {"valueString": "x"}, index=0), "meets several elements"),
        (operation("insert", "Patient.identifier[0]", {"valueIdentifier": {"value": "x"}}, index=0), "names no list"),
        (operation("insert", "Patient", {"valueString": "x"}, index=0), "names no list"),
        (operation("move", "Patient.identifier", source=4, destination=0), "the list has 4 items"),
        (operation("move", "Patient.identifier", source=0, destination=4), "the list has 4 items"),
        (operation("move", "Patient.photo", source=0, destination=0), "the list has 0 items"),
    ],
)  # fmt: skip
def test_an_operation_that_does_not_fit_is_named_by_number_and_path(one: dict[str, Any], said: str) -> None:
    harmless = operation("delete", "Patient.photo")
    with pytest.raises(InvalidResource) as refused:
        patched(PERSON, harmless, one)
    assert str(refused.value).startswith(f"operation 2 ({one['part'][0]['valueCode']} ")
    assert said in str(refused.value)


def test_the_identity_cannot_be_set_from_above() -> None:
    with pytest.raises(InvalidResource, match="/meta/versionId"):
        patched(PERSON, operation("replace", "Patient.meta", {"valueMeta": {"versionId": "4"}}))


@pytest.mark.parametrize(
    ("one", "said"),
    [
        ({"name": "operations"}, "must be a parameter named `operation`"),
        ({"name": "operation"}, "`type` must be one of add, insert, delete, replace, move"),
        (operation("test", "Patient.active"), "`type` must be one of"),
        (operation("replace", "Patient.active"), "`replace` needs `value`"),
        (operation("add", "Patient", {"valueString": "x"}), "`add` needs `name`"),
        (operation("insert", "Patient.name", {"valueHumanName": {"text": "x"}}), "`insert` needs `index`"),
        (operation("move", "Patient.name", source=1), "`move` needs `destination`"),
        (operation("delete", "Patient.name", {"valueString": "x"}), "`delete` has no `value`"),
        (operation("insert", "Patient.name", {"valueHumanName": {}}, index=-1), "`index` must be a whole number"),
        (operation("delete", "Patient..name"), "`path`: a name is expected at character 9"),
        (operation("delete", "Patient.name.where(family = 'Novák"), "is expected at character"),
        ({"name": "operation", "part": [{"name": "type", "valueCode": "delete"}] * 2}, "each part has a name of its"),
        ({"name": "operation", "part": [{"name": "type", "valueCode": "delete"}, {"name": "path", "valueInteger": 1}]},
         "`path` and `name` must be strings"),
    ],
)  # fmt: skip
def test_what_is_no_operation_is_refused_before_anything_is_done(one: dict[str, Any], said: str) -> None:
    body = text.write({"resourceType": "Parameters", "parameter": [one]})
    with pytest.raises(MalformedContent) as refused:
        read_patch("application/fhir+json", body)
    assert str(refused.value).startswith("operation 1: ")
    assert said in str(refused.value)
    assert "Nov" not in str(refused.value)


@pytest.mark.parametrize(
    "path",
    [
        "", ".", "Patient.", "Patient.name[", "Patient.name[x]", "Patient.name[-1]", "Patient.name[0", "Patient.name()",
        "Patient.name.where()", "Patient.name.where(use)", "Patient.name.where(use = )", "Patient.name.where(use = x)",
        "Patient.name.where(use = 'a' or use = 'b')", "Patient.name.where(use = 'a'", "Patient.name.where(use > 'a')",
        "Patient.name | Patient.contact", "Patient.name.select(given)", "Patient.name.repeat(given)", "resolve()",
        "Patient.name.exists()", "Patient.descendants()", "Patient.name.given + 'x'", "%resource.name", "name as x",
        "Patient.name.matches('(a+)+$')", "Patient.name.ofType('x')", "Patient.extension(url)", "Patient name", "1",
        "'x'",        "a.where(b.where(c.where(d.where(e = 1).exists()).exists()).exists())", "a.where((((b = 1))))",
        "a" * 1001, "a." * 500, "a.where(" * 60,
    ],
)  # fmt: skip
def test_a_path_is_a_small_part_of_fhirpath_and_nothing_else(path: str) -> None:
    with pytest.raises(PathError):
        compile_path(path)


_WORDS = ["Patient", "name", "where", "and", "$this", "exists", "first", "extension", "ofType", "given", "0", "'x'"]


@given(st.lists(st.sampled_from([*_WORDS, *".()[]=! ", "!="]), max_size=14).map("".join))
def test_any_path_is_compiled_or_refused_by_name(path: str) -> None:
    try:
        compile_path(path)
    except PathError:
        return
    try:
        patched(PERSON, operation("delete", path))
    except InvalidResource:
        return


def test_a_patch_of_ten_thousand_operations_is_refused() -> None:
    parameters = {"resourceType": "Parameters", "parameter": [operation("delete", "Patient.photo")] * 10_000}
    with pytest.raises(TooCostly, match="more than 200 operations"):
        read_patch("application/fhir+json", text.write(parameters))


def test_paths_cannot_be_made_to_walk_without_end() -> None:
    person = {**PERSON, "identifier": [{"value": str(number)} for number in range(20_000)]}
    walk = operation("delete", "Patient.identifier.where(value = 'x' and system = 'y')")
    begin = time.perf_counter()
    with pytest.raises(TooCostly, match="the paths look at more than"):
        apply(
            person,
            read_patch("application/fhir+json", text.write({"resourceType": "Parameters", "parameter": [walk] * 200})),
        )
    assert time.perf_counter() - begin < 10


def test_a_later_operation_does_not_change_what_an_earlier_one_brings() -> None:
    contact = {"part": [{"name": "name", "valueHumanName": {"text": "new", "family": "N"}}]}
    brought = operation("add", "Patient", contact, name="contact")
    found = patched(PERSON, brought, operation("delete", "Patient.contact[1].name.family"))
    assert found["contact"][1] == {"name": {"text": "new"}}
    given_twice = patched(PERSON, brought, operation("delete", "Patient.contact[1].name.family"), brought)
    assert given_twice["contact"][2] == {"name": {"text": "new", "family": "N"}}


def test_patches_of_different_items_agree_in_any_order() -> None:
    """What two writers change in different items can be applied to each other's result, and nothing is lost."""
    edits = [
        operation("replace", "Patient.identifier.where(value = '1').system", {"valueUri": "urn:new"}),
        operation("delete", "Patient.identifier.where(value = '2')"),
        operation(
            "add", "Patient.contact.where(name.text = 'a name')", {"valueAddress": {"city": "Brno"}}, name="address"
        ),
        operation("replace", "Patient.name.where(use = 'usual').given", {"valueString": "Jimmy"}),
    ]
    results = []
    for order in permutations(edits):
        resource = PERSON
        for one in order:
            resource = patched(resource, one)
        results.append(resource)
    assert all(result == results[0] for result in results)
    assert numbers(results[0]) == list("134")
    assert results[0]["identifier"][0]["system"] == "urn:new"
    assert results[0]["contact"][0]["address"] == {"city": "Brno"}
    assert results[0]["name"][1]["given"] == ["Jimmy"]
