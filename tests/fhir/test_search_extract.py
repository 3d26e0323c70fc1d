"""Index values by kind: what each FHIR type is found by, from where, and how it is tied together."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hub.fhir.pointer import get
from hub.fhir.search_numbers import GREATEST, LEAST
from hub.fhir.search_parameters import IndexValue, extract
from hub.fhir.value import Resource


def rows(resource: Resource, param: str) -> list[IndexValue]:
    return [row for row in extract(resource) if row.param == param]


def observation(**elements: Any) -> Resource:
    code = {"coding": [{"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"}], "text": "Tep"}
    return {"resourceType": "Observation", "id": "o", "status": "final", "code": code, **elements}


def quantity(value: Any, **more: Any) -> dict[str, Any]:
    return {"value": value, "unit": "tepů", "system": "http://unitsofmeasure.org", "code": "/min", **more}


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        (quantity(72), 72, 72),
        (quantity(Decimal("5.40")), 5.4, 5.4),
        (quantity(Decimal("1E+400")), GREATEST, GREATEST),
        (quantity(5, comparator="<="), LEAST, 5),
        (quantity(5, comparator=">="), 5, GREATEST),
    ],
)
def test_a_quantity_is_indexed_as_what_it_covers(value: dict[str, Any], low: float, high: float) -> None:
    coded, as_written = rows(observation(valueQuantity=value), "value-quantity")
    assert (coded.low, coded.high, coded.system, coded.value) == (low, high, "http://unitsofmeasure.org", "/min")
    assert (as_written.low, as_written.high, as_written.system, as_written.value) == (low, high, "", "tepů")


def test_less_than_and_more_than_leave_the_number_itself_out() -> None:
    less = rows(observation(valueQuantity=quantity(5, comparator="<")), "value-quantity")[0]
    more = rows(observation(valueQuantity=quantity(5, comparator=">")), "value-quantity")[0]
    assert less.high is not None
    assert less.high < 5
    assert more.low is not None
    assert more.low > 5


@pytest.mark.parametrize(
    ("resource", "param", "expected"),
    [
        (
            {"resourceType": "Condition", "onsetAge": {"value": 30, "system": "urn:u", "code": "a"}},
            "onset-age",
            [("urn:u", "a", 30, 30)],
        ),
        (
            {"resourceType": "Condition", "onsetRange": {"low": {"value": 3, "unit": "y"}, "high": {"value": 5}}},
            "onset-age",
            [("", "y", 3, 5)],
        ),
        (
            {"resourceType": "Condition", "onsetRange": {"high": {"value": 5, "unit": "y"}}},
            "onset-age",
            [("", "y", LEAST, 5)],
        ),
        (
            {"resourceType": "Encounter", "length": {"value": 2, "unit": "d", "code": "d", "system": "urn:u"}},
            "length",
            [("urn:u", "d", 2, 2)],
        ),
        (
            {"resourceType": "Invoice", "totalNet": {"value": Decimal("12.50"), "currency": "CZK"}},
            "totalnet",
            [("urn:iso:std:iso:4217", "CZK", 12.5, 12.5)],
        ),
        (
            observation(valueSampledData={"origin": {"value": 10, "unit": "V"}, "factor": 2, "data": "1 E -3 U"}),
            "value-quantity",
            [("", "V", 4, 12)],
        ),
        ({"resourceType": "Condition", "onsetAge": {"unit": "y"}}, "onset-age", []),
    ],
)
def test_every_kind_of_quantity_is_indexed(resource: Resource, param: str, expected: list[Any]) -> None:
    assert [(row.system, row.value, row.low, row.high) for row in rows(resource, param)] == expected


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        ({"probabilityDecimal": Decimal("0.00020")}, (0.0002, 0.0002)),
        ({"probabilityRange": {"low": {"value": 1}, "high": {"value": 2}}}, (1, 2)),
    ],
)
def test_a_number_is_a_point_and_a_range_an_interval(prediction: dict[str, Any], expected: Any) -> None:
    found = rows({"resourceType": "RiskAssessment", "prediction": [prediction]}, "probability")
    assert [(row.low, row.high) for row in found] == [expected]


@pytest.mark.parametrize(
    ("value", "start", "end"),
    [
        ({"effectiveDateTime": "2024"}, "2024-01-01T00:00:00.000000+00:00", "2024-12-31T23:59:59.999999+00:00"),
        (
            {"effectiveInstant": "2024-02-03T04:05:06.789Z"},
            "2024-02-03T04:05:06.789000+00:00",
            "2024-02-03T04:05:06.789000+00:00",
        ),
        (
            {"effectivePeriod": {"start": "2024-02"}},
            "2024-02-01T00:00:00.000000+00:00",
            "9999-12-31T23:59:59.999999+00:00",
        ),
        (
            {"effectivePeriod": {"end": "2024-02"}},
            "0001-01-01T00:00:00.000000+00:00",
            "2024-02-29T23:59:59.999999+00:00",
        ),
        (
            {"effectiveTiming": {"repeat": {"boundsPeriod": {"start": "2024", "end": "2025"}}}},
            "2024-01-01T00:00:00.000000+00:00",
            "2025-12-31T23:59:59.999999+00:00",
        ),
        (
            {"effectiveTiming": {"event": ["2024-05-01", "2024-03-01"]}},
            "2024-03-01T00:00:00.000000+00:00",
            "2024-05-01T23:59:59.999999+00:00",
        ),
    ],
)
def test_a_time_is_indexed_as_its_interval(value: dict[str, Any], start: str, end: str) -> None:
    assert [(row.start, row.end) for row in rows(observation(**value), "date")] == [(start, end)]


def test_an_identifier_is_secret_with_and_without_its_system_and_by_its_type() -> None:
    patient = {
        "resourceType": "Patient",
        "identifier": [
            {
                "system": "urn:id",
                "value": "7",
                "type": {"coding": [{"system": "urn:t", "code": "MR", "display": "Chart"}], "text": "Karta"},
            }
        ],
    }
    assert [(r.system, r.value, r.secret) for r in rows(patient, "identifier")] == [
        ("urn:id", "7", True),
        ("*", "7", True),
    ]
    assert [(r.system, r.value, r.secret) for r in rows(patient, "identifier:of-type")] == [("urn:t|MR", "7", True)]
    assert [(r.system, r.value, r.secret) for r in rows(patient, "identifier:text")] == [
        ("Chart", "chart", False),
        ("Karta", "karta", False),
    ]


def test_no_row_but_a_secret_one_holds_an_identifier() -> None:
    identifier = {"system": "urn:id", "value": "SECRET-7"}
    care_plan = {
        "resourceType": "CarePlan",
        "identifier": [identifier],
        "subject": {"identifier": identifier, "display": "Klientka"},
        "contributor": [{"reference": "Organization/1", "identifier": identifier}],
    }
    found = [row for row in extract(care_plan) if "SECRET-7" in (row.value, row.system)]
    assert found
    assert all(row.secret for row in found)


def test_words_of_a_code_are_indexed_beside_it_once() -> None:
    found = rows(observation(), "code:text")
    assert [(row.kind, row.system, row.value, row.pointer) for row in found] == [
        ("string", "Heart rate", "heart rate", "/code/coding/0/display"),
        ("string", "Tep", "tep", "/code/text"),
    ]
    twice = {"coding": [{"code": "1", "display": "Tep"}], "text": "TEP"}
    assert len(rows(observation(code=twice), "code:text")) == 1


def test_a_code_only_in_words_and_a_reference_only_by_identifier_are_there_though_empty() -> None:
    resource = observation(code={"text": "Tep"}, subject={"identifier": {"value": "1"}})
    assert [(row.kind, row.value) for row in rows(resource, "code")] == [("token", "")]
    assert [(row.kind, row.value) for row in rows(resource, "subject")] == [("reference", "")]


def test_what_a_reference_makes_names_its_target() -> None:
    subject = {"reference": "Patient/1/_history/2", "identifier": {"system": "u", "value": "1"}, "display": "Paní"}
    found = [row for row in extract(observation(subject=subject)) if row.param.startswith("subject")]
    assert [(row.param, row.value) for row in found] == [
        ("subject", "Patient/1"),
        ("subject", "Patient/1/_history/2"),
        ("subject:identifier", "1"),
        ("subject:identifier", "1"),
        ("subject:text", "pani"),
    ]
    assert {row.target for row in found} == {"Patient/1"}
    assert {row.target for row in extract(observation()) if row.kind != "reference"} == {""}


def test_every_reference_of_a_record_has_a_row() -> None:
    plan: Resource = {
        "resourceType": "CarePlan",
        "subject": {"reference": "Patient/1"},
        "contributor": [{"reference": "Organization/2"}],
        "contained": [{"resourceType": "Goal", "id": "g", "subject": {"reference": "Patient/3"}}],
        "goal": [{"reference": "#g"}],
        "extension": [{"url": "urn:x", "valueReference": {"reference": "Group/4/_history/1"}}],
        "activity": [
            {"detail": {"performer": [{"reference": "RelatedPerson/5"}], "location": {"reference": "Location/6"}}}
        ],
    }
    found = {(row.param, row.value) for row in extract(plan) if row.kind == "reference"}
    assert found == {
        ("subject", "Patient/1"),
        ("patient", "Patient/1"),
        ("*", "Organization/2"),
        ("*", "Patient/3"),
        ("goal", ""),
        ("*", "Group/4"),
        ("performer", "RelatedPerson/5"),
        ("*", "Location/6"),
    }


def test_a_canonical_is_found_with_its_version_and_without() -> None:
    answers = {"resourceType": "QuestionnaireResponse", "questionnaire": "http://example.org/q|2"}
    assert [row.value for row in rows(answers, "questionnaire")] == ["http://example.org/q", "http://example.org/q|2"]
    profiled = {"resourceType": "Basic", "meta": {"profile": ["http://example.org/p|1"], "source": "urn:s"}}
    found = rows(profiled, "_profile")
    assert [(row.kind, row.value) for row in found] == [
        ("uri", "http://example.org/p|1"),
        ("uri", "http://example.org/p"),
    ]
    assert [(row.kind, row.value) for row in rows(profiled, "_source")] == [("uri", "urn:s")]


def test_the_parts_of_a_composite_are_tied_by_the_element_they_come_from() -> None:
    def component(code: str, value: int) -> dict[str, Any]:
        return {
            "code": {"coding": [{"system": "urn:c", "code": code}]},
            "valueQuantity": {"value": value, "code": "mm"},
        }

    pressure = observation(component=[component("systolic", 120), component("diastolic", 80)])
    tied: dict[int, list[Any]] = {}
    for row in extract(pressure):
        if row.param.startswith("component-code-value-quantity$"):
            tied.setdefault(row.tie, []).append((row.param[-1], row.value, row.low, row.pointer))
    assert 0 not in tied
    assert list(tied.values()) == [
        [("1", "mm", 120, "/component/0/valueQuantity"), ("0", "systolic", None, "/component/0/code/coding/0")],
        [("1", "mm", 80, "/component/1/valueQuantity"), ("0", "diastolic", None, "/component/1/code/coding/0")],
    ]
    assert not rows(pressure, "code-value-quantity$0"), "the whole has a code, but no value of its own"


def test_a_composite_that_lacks_a_part_has_no_rows_and_its_words_are_not_part_of_it() -> None:
    nameless = {"resourceType": "Observation", "status": "final", "valueQuantity": {"value": 5}}
    assert not [row for row in extract(nameless) if row.tie]
    tied = {row.param for row in extract(observation(valueQuantity=quantity(5))) if row.tie}
    assert tied == {f"{name}-value-quantity${n}" for name in ("code", "combo-code") for n in (0, 1)}


def test_a_composite_may_take_a_part_from_elsewhere_in_the_resource() -> None:
    sequence = {
        "resourceType": "MolecularSequence",
        "referenceSeq": {"chromosome": {"coding": [{"code": "1"}]}},
        "variant": [{"start": 5, "end": 9}],
    }
    found = [row for row in extract(sequence) if row.param.startswith("chromosome-variant-coordinate$")]
    assert {(row.param[-1], row.value, row.low, row.pointer) for row in found} == {
        ("0", "1", None, "/referenceSeq/chromosome/coding/0"),
        ("1", "", 5, "/variant/0/start"),
        ("2", "", 9, "/variant/0/end"),
    }
    assert len({row.tie for row in found}) == 1


def test_the_relation_of_documents_ties_its_code_to_its_target_though_r4_names_them_crosswise() -> None:
    relation = {"code": "replaces", "target": {"reference": "DocumentReference/1"}}
    found = extract({"resourceType": "DocumentReference", "relatesTo": [relation]})
    tied = {(row.param, row.kind, row.value) for row in found if row.tie}
    assert tied == {("relationship$0", "token", "replaces"), ("relationship$1", "reference", "DocumentReference/1")}


def test_a_place_is_indexed_by_its_latitude_and_longitude() -> None:
    location = {"resourceType": "Location", "position": {"latitude": Decimal("49.19"), "longitude": Decimal("16.60")}}
    assert [(row.kind, row.low, row.high) for row in rows(location, "near")] == [("near", 49.19, 16.6)]


@pytest.mark.parametrize(
    ("first", "param"),
    [("Composition", "composition"), ("MessageHeader", "message")],
)
def test_a_bundle_is_found_by_its_first_resource(first: str, param: str) -> None:
    entries = [{"resource": {"resourceType": kind, "id": "1"}} for kind in (first, "Composition", "MessageHeader")]
    found = [
        row for row in extract({"resourceType": "Bundle", "entry": entries}) if row.param in ("composition", "message")
    ]
    assert [(row.param, row.value, row.pointer) for row in found] == [(param, f"{first}/1", "/entry/0/resource")]


def test_telecoms_are_split_by_their_system() -> None:
    person = {"resourceType": "Practitioner", "telecom": [{"system": "email", "value": "a@example.org"}]}
    assert [row.value for row in rows(person, "email")] == ["a@example.org"]
    assert rows(person, "phone") == []


@pytest.mark.parametrize(
    ("resource", "param", "value", "target"),
    [
        (observation(valueString="Žř" * 2000), "value-string", "zr" * 1000, ""),
        (observation(valueString="ж" * 2001), "value-string", "ж" * 1000, ""),
        (observation(code={"coding": [{"code": "x" * 2001}]}), "code", "", ""),
        (observation(subject={"reference": "http://x.example/" + "x" * 2000}), "subject", "", ""),
        ({"resourceType": "Basic", "meta": {"source": "urn:" + "x" * 2000}}, "_source", "", ""),
        (observation(code={"coding": [{"code": "x" * 2000}]}), "code", "x" * 2000, ""),
    ],
)
def test_what_is_too_long_for_an_index_is_cut_or_only_there(
    resource: Resource, param: str, value: str, target: str
) -> None:
    assert {(row.value, row.target) for row in rows(resource, param)} == {(value, target)}


def test_every_pointer_leads_to_what_the_row_was_made_of() -> None:
    resource = observation(
        category=[{"coding": [{"system": "urn:c", "code": "social"}]}],
        subject={"reference": "Patient/1"},
        valueQuantity=quantity(5),
        note=[{"authorReference": {"reference": "Practitioner/1"}}],
    )
    for row in extract(resource):
        assert get(resource, row.pointer) is not None, row


@pytest.mark.parametrize(
    "broken", [None, 5, "x", [], [None], {}, {"coding": 5}, [{"coding": [5, None]}], {"value": True}]
)
@pytest.mark.parametrize(
    "element",
    ["code", "subject", "valueQuantity", "identifier", "effectivePeriod", "component", "meta", "valueSampledData"],
)
def test_what_is_not_r4_gives_no_rows_and_no_error(element: str, broken: Any) -> None:
    extract(observation(**{element: broken}))
