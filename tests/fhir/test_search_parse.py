"""A search as it is typed, and the query it is."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.fhir.search_numbers import GREATEST, LEAST
from hub.fhir.search_parse import parse
from hub.fhir.search_query import (
    Chain,
    CompositeValue,
    Condition,
    DateValue,
    Has,
    Include,
    NearValue,
    NumberValue,
    QuantityValue,
    ReferenceValue,
    Sort,
    StringValue,
    Term,
    TokenValue,
    UriValue,
)

KEPT = ("CarePlan", "CareTeam", "Group", "Location", "Observation", "Organization", "Patient", "Practitioner", "Basic")


def condition(type: str | None, name: str, text: str, **how: Any) -> Condition:
    (found,) = parse(type, [(name, text)], **{"types": KEPT, **how}).conditions
    return found


def values(type: str, name: str, text: str, **how: Any) -> tuple[Any, ...]:
    found = condition(type, name, text, **how)
    assert isinstance(found, Term)
    return found.values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", [TokenValue(None, "1")]),
        ("urn:s|1", [TokenValue("urn:s", "1")]),
        ("|1", [TokenValue("", "1")]),
        ("urn:s|", [TokenValue("urn:s", None)]),
        ("1,urn:s|2", [TokenValue(None, "1"), TokenValue("urn:s", "2")]),
        (r"a\,b\|c\$d\\e", [TokenValue(None, r"a,b|c$d\e")]),
        (r"\n", [TokenValue(None, r"\n")]),
        ("%", [TokenValue(None, "%")]),
        ("_", [TokenValue(None, "_")]),
        ("' OR 1=1--", [TokenValue(None, "' OR 1=1--")]),
    ],
)
def test_a_token(text: str, expected: list[TokenValue]) -> None:
    assert values("Observation", "code", text) == tuple(expected)


def test_an_identifier_is_secret_and_without_a_system_asks_the_row_that_has_none() -> None:
    assert values("Patient", "identifier", "7,urn:s|8,urn:s|") == (
        TokenValue("*", "7", secret=True),
        TokenValue("urn:s", "8", secret=True),
        TokenValue("urn:s", None, secret=True),
    )


def test_a_code_has_the_system_it_is_bound_to_whether_it_is_said_or_not() -> None:
    gender = "http://hl7.org/fhir/administrative-gender"
    assert values("Patient", "gender", f"{gender}|female") == (TokenValue("", "female"),)
    assert values("Patient", "gender", "female") == (TokenValue(None, "female"),)
    assert values("Patient", "gender", "urn:else|female") == (TokenValue("urn:else", "female"),)
    assert values("Patient", "active", "http://hl7.org/fhir/special-values|true") == (TokenValue("", "true"),)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("100", 99.5, 100.5),
        ("100.00", 99.995, 100.005),
        ("1e2", 95, 105),
        ("5.4", 5.35, 5.45),
        ("-1", -1.5, -0.5),
        ("ne100", 99.5, 100.5),
        ("ap100", 90, 110),
        ("ap0", -0.5, 0.5),
    ],
)
def test_a_number_stands_for_what_rounds_to_it(text: str, low: float, high: float) -> None:
    (found,) = values("RiskAssessment", "probability", text)
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)
    assert found.high < high or found.prefix == "ap"


@pytest.mark.parametrize("prefix", ["gt", "lt", "ge", "le", "sa", "eb"])
def test_a_number_that_is_compared_stands_for_itself(prefix: str) -> None:
    assert values("RiskAssessment", "probability", f"{prefix}5.40") == (NumberValue(prefix, 5.4, 5.4),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "system", "code"),
    [
        ("gt5", None, None),
        ("gt5||mg", None, "mg"),
        ("gt5|http://unitsofmeasure.org|mg", "http://unitsofmeasure.org", "mg"),
        ("gt5|urn:s|", "urn:s", None),
    ],
)
def test_a_quantity_has_a_unit_where_one_is_said(text: str, system: str | None, code: str | None) -> None:
    assert values("Observation", "value-quantity", text) == (QuantityValue("gt", 5, 5, system, code),)


def test_a_number_beyond_all_measure_is_the_greatest() -> None:
    assert values("Observation", "value-quantity", "gt1e999") == (QuantityValue("gt", GREATEST, GREATEST),)
    assert values("Observation", "value-quantity", "-1e999")[0].low == LEAST


@pytest.mark.parametrize(
    ("text", "prefix", "start", "end"),
    [
        ("2024", "eq", "2024-01-01T00:00:00.000000", "2024-12-31T23:59:59.999999"),
        ("ge2024-02", "ge", "2024-02-01T00:00:00.000000", "2024-02-29T23:59:59.999999"),
        ("2024-02-03", "eq", "2024-02-03T00:00:00.000000", "2024-02-03T23:59:59.999999"),
        ("2024-02-03T04:05", "eq", "2024-02-03T04:05:00.000000", "2024-02-03T04:05:59.999999"),
        ("2024-02-03T04:05Z", "eq", "2024-02-03T04:05:00.000000", "2024-02-03T04:05:59.999999"),
        ("sa2024-02-03T04:05:06", "sa", "2024-02-03T04:05:06.000000", "2024-02-03T04:05:06.999999"),
        ("2024-02-03T04:05:06.7+02:00", "eq", "2024-02-03T02:05:06.700000", "2024-02-03T02:05:06.700000"),
        ("2024-02-03T04:05:06 02:00", "eq", "2024-02-03T02:05:06.000000", "2024-02-03T02:05:06.999999"),
        ("ap2024-02-03", "ap", "2024-02-02T00:00:00.000000", "2024-02-04T23:59:59.999999"),
        ("ap0001", "ap", "0001-01-01T00:00:00.000000", "0002-12-31T23:59:59.999999"),
        ("eb9999", "eb", "9999-01-01T00:00:00.000000", "9999-12-31T23:59:59.999999"),
        ("le9999-12-31", "le", "9999-12-31T00:00:00.000000", "9999-12-31T23:59:59.999999"),
    ],
)
def test_a_date_is_an_interval(text: str, prefix: Any, start: str, end: str) -> None:
    assert values("Observation", "date", text) == (DateValue(prefix, f"{start}+00:00", f"{end}+00:00"),)


def test_a_date_without_zone_is_in_the_hubs() -> None:
    (found,) = values("Patient", "birthdate", "1955-03-01", zone=ZoneInfo("Europe/Prague"))
    assert found.start == "1955-02-28T23:00:00.000000+00:00"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("subject", "Patient/1", ["Patient/1"]),
        ("subject:Patient", "1", ["Patient/1"]),
        ("subject:Patient", "Patient/1", ["Patient/1"]),
        ("subject", "1", ["Group/1", "Location/1", "Patient/1"]),
        ("patient", "1,Patient/2", ["Patient/1", "Patient/2"]),
        ("subject", "https://hub.example/fhir/Patient/1", ["Patient/1"]),
        ("subject", "https://else.example/fhir/Patient/1", ["https://else.example/fhir/Patient/1"]),
        ("subject", "urn:uuid:1", ["urn:uuid:1"]),
    ],
)
def test_a_reference(name: str, text: str, expected: list[str]) -> None:
    found = values("Observation", name, text, base="https://hub.example/fhir")
    assert found == tuple(ReferenceValue(reference) for reference in expected)


def test_a_reference_to_a_version_says_so() -> None:
    version = "Patient/1/_history/2"
    assert values("Observation", "subject", version) == (ReferenceValue(version, versioned=True),)
    canonical = values("QuestionnaireResponse", "questionnaire", "http://example.org/q|2")
    assert canonical == (ReferenceValue("http://example.org/q|2", versioned=True),)


def test_a_uri_and_a_near_place_and_words() -> None:
    assert values("Patient", "_profile", "urn:p|1") == (UriValue("urn:p|1"),)
    assert values("Location", "near", "49.2|16.6|500|m") == (NearValue(49.2, 16.6, 0.5),)
    assert values("Location", "near", "49.2|16.6|2") == (NearValue(49.2, 16.6, 2),)
    assert values("Location", "near", "49.2|16.6") == (NearValue(49.2, 16.6, 10),)
    assert values("Patient", "name", r"Nov\,ák,%") == (StringValue("Nov,ák"), StringValue("%"))


def test_a_composite_has_one_value_for_each_part_and_names_its_rows() -> None:
    found = condition("Observation", "code-value-quantity", "urn:c|1$gt5,2$lt3||mg")
    assert found == Term(
        "Observation",
        "code-value-quantity",
        "composite",
        "",
        (
            CompositeValue((TokenValue("urn:c", "1"), QuantityValue("gt", 5, 5))),
            CompositeValue((TokenValue(None, "2"), QuantityValue("lt", 3, 3, None, "mg"))),
        ),
        (("code-value-quantity$0", "token"), ("code-value-quantity$1", "quantity")),
    )


@pytest.mark.parametrize(
    ("type", "name", "text", "expected"),
    [
        ("Patient", "name:exact", "X", Term("Patient", "name", "string", "exact", (StringValue("X"),))),
        ("Patient", "name:contains", "X", Term("Patient", "name", "string", "contains", (StringValue("X"),))),
        (
            "Patient",
            "name:missing",
            "true",
            Term("Patient", "name", "string", "missing", (TokenValue(None, "true"),)),
        ),
        (
            "Observation",
            "code-value-quantity:missing",
            "false",
            Term("Observation", "code-value-quantity$0", "token", "missing", (TokenValue(None, "false"),)),
        ),
        ("Observation", "code:not", "1", Term("Observation", "code", "token", "not", (TokenValue(None, "1"),))),
        ("Observation", "code:in", "urn:v", Term("Observation", "code", "token", "in", (UriValue("urn:v"),))),
        ("Observation", "code:not-in", "urn:v", Term("Observation", "code", "token", "not-in", (UriValue("urn:v"),))),
        ("Observation", "code:above", "s|1", Term("Observation", "code", "token", "above", (TokenValue("s", "1"),))),
        ("Observation", "code:below", "s|1", Term("Observation", "code", "token", "below", (TokenValue("s", "1"),))),
        ("Observation", "code:text", "tep", Term("Observation", "code:text", "string", "", (StringValue("tep"),))),
        ("Observation", "subject:text", "x", Term("Observation", "subject:text", "string", "", (StringValue("x"),))),
        (
            "Observation",
            "subject:identifier",
            "s|1",
            Term("Observation", "subject:identifier", "token", "", (TokenValue("s", "1", secret=True),)),
        ),
        (
            "Patient",
            "identifier:of-type",
            "urn:t|MR|7",
            Term("Patient", "identifier:of-type", "token", "", (TokenValue("urn:t|MR", "7", secret=True),)),
        ),
        ("Patient", "_profile:below", "urn:p", Term("Patient", "_profile", "uri", "below", (UriValue("urn:p"),))),
        ("Patient", "_id", "a,b", Term("Patient", "_id", "token", "", (TokenValue(None, "a"), TokenValue(None, "b")))),
        ("Patient", "_list", "List/1", Term("Patient", "_list", "special", "", (StringValue("1"),))),
        ("Patient", "_text", "a,b", Term("Patient", "_text", "special", "", (StringValue("a,b"),))),
        ("Patient", "_content", "x", Term("Patient", "_content", "special", "", (StringValue("x"),))),
    ],
)
def test_a_modifier_says_what_is_compared_and_how(type: str, name: str, text: str, expected: Term) -> None:
    assert condition(type, name, text) == expected


def test_a_chain_goes_to_every_type_that_has_the_parameter() -> None:
    found = condition("CarePlan", "subject.name", "Nová")
    assert found == Chain(
        "CarePlan",
        "subject",
        ("Patient",),
        (Term("Patient", "name", "string", "", (StringValue("Nová"),)),),
    ), "a Group has no `name` to be searched"
    both = condition("CarePlan", "subject.identifier", "s|1")
    assert isinstance(both, Chain)
    assert both.targets == ("Group", "Patient")
    assert condition("CarePlan", "subject:Patient.name", "Nová") == found


def test_a_chain_goes_on_and_ends_with_any_modifier() -> None:
    found = condition("CarePlan", "subject:Patient.general-practitioner:Organization.name:exact", "Dům")
    assert found == Chain(
        "CarePlan",
        "subject",
        ("Patient",),
        (
            Chain(
                "Patient",
                "general-practitioner",
                ("Organization",),
                (Term("Organization", "name", "string", "exact", (StringValue("Dům"),)),),
            ),
        ),
    )


def test_has_asks_who_refers_to_the_record_also_through_others_and_inside_a_chain() -> None:
    coded = Term("Observation", "code", "token", "", (TokenValue("s", "1"),))
    assert condition("Patient", "_has:Observation:patient:code", "s|1") == Has(
        "Patient", "Observation", "patient", coded
    )
    assert condition("Patient", "_has:CareTeam:subject:_has:CarePlan:care-team:_id", "1") == Has(
        "Patient",
        "CareTeam",
        "subject",
        Has("CareTeam", "CarePlan", "care-team", Term("CarePlan", "_id", "token", "", (TokenValue(None, "1"),))),
    )
    assert condition("CarePlan", "subject:Patient._has:Observation:patient:code", "s|1") == Chain(
        "CarePlan", "subject", ("Patient",), (Has("Patient", "Observation", "patient", coded),)
    )
    assert condition("Patient", "_has:Observation:patient:performer.name", "x") == Has(
        "Patient",
        "Observation",
        "patient",
        Chain(
            "Observation",
            "performer",
            ("Organization", "Patient", "Practitioner"),
            tuple(
                Term(target, "name", "string", "", (StringValue("x"),))
                for target in ("Organization", "Patient", "Practitioner")
            ),
        ),
    )


def test_repeated_parameters_are_all_asked_in_order() -> None:
    query = parse("Patient", [("given", "A"), ("family", "B"), ("given", "C")])
    assert [term.param for term in query.conditions if isinstance(term, Term)] == ["given", "family", "given"]


def test_the_answer_is_shaped_as_asked() -> None:
    asked = [
        ("_sort", "-date,_id"),
        ("_sort", "_lastUpdated"),
        ("_count", "50"),
        ("_total", "accurate"),
        ("_summary", "data"),
        ("_elements", "status,value,subject"),
        ("_include", "Observation:subject:Patient"),
        ("_include:iterate", "Patient:general-practitioner"),
        ("_revinclude", "CarePlan:*"),
        ("_include", "*"),
        ("_contained", "false"),
        ("_format", "json"),
    ]
    query = parse("Observation", asked, types=KEPT, compartment="Patient/1")
    assert query.types == ("Observation",)
    assert query.sort == (Sort("date", "date", descending=True), Sort("_id", "token"), Sort("_lastUpdated", "date"))
    assert (query.count, query.total, query.summary) == (50, "accurate", "data")
    assert query.elements == ("status", "value", "subject")
    assert query.includes == (
        Include("Observation", "subject", "Patient"),
        Include("Patient", "general-practitioner", iterate=True),
        Include("CarePlan", "*", reverse=True),
        Include("*", "*"),
    )
    assert query.compartment == "Patient/1"
    assert query.used == tuple(asked[:-1])


@pytest.mark.parametrize(
    ("asked", "count", "summary"),
    [
        ([], 20, ""),
        ([("_count", "1000000000")], 100, ""),
        ([("_count", "0")], 0, "count"),
        ([("_summary", "count")], 20, "count"),
        ([("_summary", "false")], 20, ""),
    ],
)
def test_pages_have_a_size_within_limits(asked: list[tuple[str, str]], count: int, summary: str) -> None:
    query = parse("Patient", asked)
    assert (query.count, query.summary) == (count, summary)


def test_the_self_link_says_the_page_size_that_was_used() -> None:
    assert parse("Patient", [("_count", "1000"), ("name", "x")]).used == (("_count", "100"), ("name", "x"))


def test_a_search_of_several_types_asks_what_they_share() -> None:
    query = parse(None, [("_type", "CarePlan,CareTeam"), ("status", "active"), ("_id", "1")], types=KEPT)
    assert query.types == ("CarePlan", "CareTeam")
    assert query.conditions == (
        Term("", "status", "token", "", (TokenValue(None, "active"),)),
        Term("", "_id", "token", "", (TokenValue(None, "1"),)),
    )
    assert query.used[0] == ("_type", "CarePlan,CareTeam")
    everything = parse(None, [("_lastUpdated", "ge2024")], types=KEPT)
    assert everything.types == ()
