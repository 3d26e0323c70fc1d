"""Searches that cannot be answered: each fault named by its parameter, all at once, never with a value."""

from __future__ import annotations

import pytest

from hub.errors import InvalidSearch
from hub.fhir.search_conditions import MAX_CHAIN
from hub.fhir.search_parse import MAX_PARAMS, parse
from hub.fhir.search_results import MAX_INCLUDES

Asked = list[tuple[str, str]]


def faults(type: str | None, asked: Asked, *, lenient: bool = False) -> tuple[object, ...]:
    with pytest.raises(InvalidSearch) as refused:
        parse(type, asked, lenient=lenient)
    assert refused.value.http_status == 400
    return refused.value.faults


@pytest.mark.parametrize(
    ("type", "name", "text", "fault"),
    [
        ("Patient", "favourite-colour", "x", "is no search parameter"),
        ("Patient", "code", "x", "is no search parameter"),
        ("Patient", "name", "", "has no value"),
        ("Patient", "name", "a,,b", "has an empty value among its values"),
        ("Patient", "name", " \u0301 ", "has no letters to look for"),
        ("Patient", "name", "x" * 2001, "is longer than what is indexed of words"),
        ("Patient", "name:above", "x", "has a modifier that is not offered for it"),
        ("Patient", "name:", "x", "has an empty modifier"),
        ("Patient", "gender:exact", "x", "has a modifier that is not offered for it"),
        ("Patient", "birthdate:not", "2024", "has a modifier that is not offered for it"),
        ("Patient", "identifier:in", "urn:v", "has a modifier that is not offered for it"),
        ("Patient", "gender:of-type", "a|b|c", "has a modifier that is not offered for it"),
        ("Patient", "identifier:of-type", "a|b", "is not `system|code|value`"),
        ("Patient", "gender:missing", "maybe", "is none of true, false"),
        ("Patient", "_id:not", "1", "has a modifier that is not offered for it"),
        ("Patient", "gender", "a|b|c", "has more than one `|`; one that is part of a code is written `\\|`"),
        ("Patient", "gender", "|", "has neither system nor code"),
        ("Patient", "birthdate", "yesterday", "is not a date"),
        ("Patient", "birthdate", "2024-13", "is not a date"),
        ("Patient", "birthdate", "2023-02-29", "is not a date"),
        ("Patient", "birthdate", "xx2024", "is not a date"),
        ("Patient", "birthdate", "2024-1", "is not a date"),
        ("Patient", "birthdate", "٢٠٢٤", "is not a date"),
        ("RiskAssessment", "probability", "much", "is not a number"),
        ("RiskAssessment", "probability", "NaN", "is not a number"),
        ("RiskAssessment", "probability", "1" * 41, "is not a number"),
        ("Observation", "value-quantity", "5|mg", "is neither `number` nor `number|system|code`"),
        ("Observation", "code-value-quantity", "1", "has 2 parts, with `$` between them"),
        ("Observation", "code-value-quantity", "1$", "has 2 parts, with `$` between them"),
        ("Observation", "subject:Practitioner", "1", "has a modifier that is not offered for it"),
        ("Observation", "subject:Patient", "Group/1", "names another type than the modifier"),
        ("Observation", "code.text", "x", "cannot be chained: it is no reference to a record"),
        ("QuestionnaireResponse", "questionnaire.title", "x", "cannot be chained: it is no reference to a record"),
        ("Observation", "subject:Practitioner.name", "x", "names a type that the reference cannot have"),
        ("Observation", "subject.nonsense", "x", "is no search parameter"),
        ("Observation", "subject:Patient.birthdate", "x", "is not a date"),
        ("Observation", "focus.identifier", "x", "could be of too many types: say which, as in `subject:Patient.name`"),
        ("Patient", "_has:Observation:patient", "x", "is not `_has:Type:reference:parameter`"),
        ("Patient", "_has:Nobody:patient:code", "x", "names a type that is not kept here"),
        ("Patient", "_has:Observation:code:code", "x", "does not go through a reference to a record"),
        (
            "Patient",
            "_has:Observation:encounter:code",
            "x",
            "goes through a reference that cannot name what is searched",
        ),
        ("Location", "near", "here", "is not `latitude|longitude|distance|unit`"),
        ("Location", "near", "91|0", "is not a place on earth"),
        ("Location", "near", "1|1|1|parsec", "has a unit other than km, m and [mi_i]"),
        ("Location", "near", "1|1|-1|km", "has a distance below zero"),
        ("Patient", "_filter", "name eq x", "is not offered here"),
        ("Patient", "_query", "x", "is not offered here"),
        ("Patient", "_contained", "true", "is not offered here: contained resources are not searched"),
        ("Patient", "_list:not", "1", "is no search parameter"),
        ("Patient", "_type", "Patient", "is no search parameter"),
        ("Observation", "subject._list", "1", "is no search parameter"),
        ("Patient", "_count", "-1", "is not a whole number from 0 on"),
        ("Patient", "_count", "abc", "is not a whole number from 0 on"),
        ("Patient", "_total", "some", "is none of none, estimate, accurate"),
        ("Patient", "_summary", "short", "is none of true, text, data, count, false"),
        ("Patient", "_summary:exact", "true", "has a modifier that is not offered for it"),
        ("Patient", "_elements", "name,nonsense", "names `nonsense`, which is no element of what is searched"),
        ("Patient", "_sort", "nonsense", "is no search parameter"),
        ("Patient", "_sort", "identifier", "names a parameter that has no order"),
        ("Observation", "_sort", "code-value-quantity", "names a parameter that has no order"),
        ("Patient", "_include", "Nobody:x", "names a type that is not kept here"),
        ("Patient", "_include", "Patient", "is not `Type:parameter` or `*`"),
        ("Patient", "_include", "Patient:name", "names a parameter that is no reference"),
        ("Patient", "_include", "Patient:nonsense", "is no search parameter"),
        ("Patient", "_include", "Patient:organization:Group", "names a target that the reference cannot have"),
        ("Patient", "_revinclude", "*:subject", "names a parameter, but not the type that has it"),
        (None, "_type", "Nobody", "names a type that is not kept here"),
        (None, "birthdate", "2024", "is no search parameter that these types share"),
    ],
)
def test_a_fault_says_what_is_wrong_with_which_parameter(type: str | None, name: str, text: str, fault: str) -> None:
    (said,) = faults(type, [(name, text)])
    expected = fault.replace("none, estimate, accurate", "none, accurate, estimate")
    assert said == f"{name}: {expected}"


def test_all_faults_are_told_at_once() -> None:
    asked = [("colour", "x"), ("birthdate", "soon"), ("name", "ok"), ("_count", "many"), ("gender:exact", "x")]
    told = [str(fault).split(":")[0] for fault in faults("Patient", asked)]
    assert told == ["colour", "birthdate", "_count", "gender"]


def test_a_fault_never_repeats_a_value_nor_a_name_that_is_not_one() -> None:
    told = faults("Patient", [("birthdate", "Nováková 555"), ("Nováková", "1"), ("<script>", "1"), ("x\r\ny", "1")])
    assert told == ("birthdate: is not a date", "a parameter: is no search parameter")


def test_a_lenient_caller_has_unknown_parameters_ignored_and_is_told() -> None:
    query = parse("Patient", [("colour", "x"), ("name", "y"), ("_sort", "colour")], lenient=True)
    assert query.ignored == ("colour", "_sort")
    assert query.used == (("name", "y"),)
    assert len(query.conditions) == 1


@pytest.mark.parametrize("asked", [("gender:exact", "x"), ("birthdate", "soon"), ("_count", "-1"), ("_filter", "x")])
def test_leniency_covers_no_modifier_and_no_value(asked: tuple[str, str]) -> None:
    assert faults("Patient", [asked], lenient=True)


@pytest.mark.parametrize("name", ["_count", "_total", "_summary", "_contained"])
def test_what_can_only_be_said_once_is_refused_twice(name: str) -> None:
    text = {"_count": "1", "_total": "none", "_summary": "data", "_contained": "false"}[name]
    assert faults("Patient", [(name, text), (name, text)]) == (f"{name}: stands more than once",)


@pytest.mark.parametrize(
    "asked",
    [
        [("name", "x")] * (MAX_PARAMS + 1),
        [("_revinclude", "Observation:patient")] * 200,
        [("_include", "*")] * (MAX_INCLUDES + 2),
        [("partof." * (MAX_CHAIN + 1) + "name", "x")],
        [("partof." * 12 + "name", "x")],
        [("partof:Location." * 12 + "name", "x")],
        [("_has:Observation:subject:" * 200 + "code", "x")],
        [("_sort", "name,name,name,name,name,name")],
        [("_elements", ",".join(["name"] * 101))],
        [("name", "x" * 8001)],
        [("n" * 301, "x")],
        [("_id", ",".join(map(str, range(501))))],
    ],
)
def test_more_than_one_search_may_ask_is_refused(asked: Asked) -> None:
    assert all(len(str(fault)) < 300 for fault in faults("Location", asked))


def test_a_chain_that_could_go_anywhere_is_refused_before_it_is_followed_everywhere() -> None:
    (said,) = faults("Observation", [("focus.focus.focus.nonsense", "x")])
    assert "say which" in str(said)


def test_a_chain_may_be_as_long_as_the_limit() -> None:
    parse("Location", [("partof." * MAX_CHAIN + "name", "x")])


def test_types_that_are_not_kept_are_not_known() -> None:
    with pytest.raises(InvalidSearch):
        parse(None, [("_type", "Claim")], types=("Patient",))
    with pytest.raises(InvalidSearch):
        parse("Patient", [("_has:Claim:patient:status", "x")], types=("Patient",))
