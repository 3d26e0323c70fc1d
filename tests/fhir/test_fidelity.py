"""Fidelity: what is read is what was written, and what is refused is refused for every reason at once.

`REFUSED` is the proof that, of all real samples, only those are refused that break R4, each with the rule.
"""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from hub.errors import InvalidResource
from hub.fhir import text
from hub.fhir.decimals import WrittenDecimal, decimal
from hub.fhir.validate import assert_valid, errors, validate
from hub.fhir.value import Resource
from hub.fhir.xml_read import read_xml
from hub.fhir.xml_write import write_xml
from tests.fhir.corpus import files, needs_corpus
from tests.fhir.made import resources
from tests.fhir.test_validate import DIV, PATIENT, SAMPLES

REFUSED: dict[str, dict[str, str]] = {
    # sample -> place in its Composition -> rule of R4 that it breaks
    "CY_Andreas_Ioannou_02.json": {f"/section/{n}/text/div": "cardinality" for n in range(7)},  # Narrative.div is 1..1
    "EU_IPS_wylem_bars.json": {"/section/7/text/div": "cardinality"},
    "NL_Curavista_01.json": {f"/section/{n}/text/div": "txt-1" for n in range(4)},  # markup behind the div's end
    "US_MEDITECH_ips_1.json": {
        "/section/4/text/div": "txt-1",  # a bare ampersand: not well-formed
        "/custodian/reference": "type-Reference",  # Organization/Organization/…
    },
}

ADVISED: dict[str, dict[str, str]] = {
    # Organization/example_hospital: no id has an underscore, but R4 does not forbid the URL
    "KronIQ_CarePlan_example_1__English_.json": {"/managingOrganization/reference": "type-Reference"},
}


def samples() -> list[tuple[str, Resource]]:
    """Every resource of care planning, and every entry of every Bundle."""
    found = []
    for path in [*files("careplan", "*.json"), *files("ips", "*.json")]:
        resource = text.read(path.read_bytes(), name=path.name)
        if resource.get("resourceType") == "Bundle":
            found += [(path.name, entry["resource"]) for entry in resource["entry"]]
        elif "resourceType" in resource:
            found.append((path.name, resource))
    return found


def as_written(value: Any) -> Any:
    """The value with numbers as their text."""
    if isinstance(value, dict):
        return {key: as_written(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_written(item) for item in value]
    return value if value is None or isinstance(value, bool | str) else f"number {value}"


@needs_corpus
def test_of_all_real_samples_only_those_are_refused_that_break_r4() -> None:
    refused: dict[str, dict[str, str]] = {}
    advised: dict[str, dict[str, str]] = {}
    for name, resource in samples():
        for fault in validate(resource):
            assert resource["resourceType"] == "Composition" or fault.severity == "warning"
            (refused if fault.severity == "error" else advised).setdefault(name, {})[fault.path] = fault.rule
    assert refused == REFUSED
    assert advised == ADVISED
    assert len(samples()) > 780


@needs_corpus
def test_every_sample_is_written_as_it_was_read() -> None:
    for name, resource in samples():
        assert as_written(text.read(text.write(resource))) == as_written(resource), name


@given(resources())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_resource_is_written_as_it_was_read_and_judged_alike_in_both_forms(resource: Resource) -> None:
    again = text.read(text.write(resource))
    assert as_written(again) == as_written(resource)
    assert set(validate(read_xml(write_xml(resource)))) == set(validate(resource)) == set(validate(again))


@given(resources())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_has_the_official_shape_has_no_fault_of_structure(resource: Resource) -> None:
    assert not {fault.rule for fault in validate(resource)} & {
        "structure",
        "type-decimal",
        "type-boolean",
        "type-xhtml",
    }


@pytest.mark.parametrize(
    "number",
    ["1.50", "1.0E2", "1.0e2", "1.0E+2", "1e3", "-0.0", "-0", "0", "7", "100", "0.00000010", "0.0000000", "-1E-7",
     "1E400", "3.14159265358979323846264338327950288", "123456789012345678901234567890"],
)  # fmt: skip
def test_a_number_is_the_text_that_was_written(number: str) -> None:
    written = f'{{"resourceType":"Observation","valueQuantity":{{"value":{number}}}}}'.encode()
    resource = text.read(written)
    assert text.write(resource) == written
    assert text.write(copy.deepcopy(resource)) == written
    assert text.write(read_xml(write_xml(resource))) == written
    assert f'<value value="{number}"/>'.encode() in write_xml(resource)
    assert "type-decimal" not in {fault.rule for fault in validate(resource)}


def test_a_number_that_keeps_its_text_is_still_the_number() -> None:
    one = decimal("1.0E2")
    assert isinstance(one, WrittenDecimal)
    assert (one, str(one), one + 1, hash(one)) == (100, "1.0E2", Decimal(101), hash(Decimal(100)))
    assert copy.copy(one) is one
    assert decimal("1e5000") is decimal("NaN") is decimal("x") is decimal("9" * 1001) is None
    spellings = [text.read(f'{{"value":{number}}}') for number in ("1.0E2", "1.0e+2")]
    assert text.digest(spellings[0]) == text.digest(spellings[1]), "two spellings of the same digits say the same"


def test_primitive_extensions_nulls_contained_and_unknown_extensions_are_kept() -> None:
    written = (
        b'{"resourceType":"Patient","id":"p","contained":[{"resourceType":"Organization","id":"o","name":"Org"}],'
        b'"extension":[{"url":"urn:unheard-of","extension":[{"url":"inner","valueBase64Binary":"AAEC"}]}],'
        b'"managingOrganization":{"reference":"#o"},"birthDate":"1955","_birthDate":{"id":"b","extension":'
        b'[{"url":"urn:x","valueTime":"10:00:00"}]},"name":[{"given":[null,"Anna",null],"_given":[{"id":"1"},null,'
        b'{"extension":[{"url":"urn:x","valueCode":"n"}]}]}],"_gender":{"extension":[{"url":"urn:x","valueCode":"n"}]}}'
    )
    resource = text.read(written)
    assert text.write(resource) == written
    assert errors(resource) == ()
    assert as_written(read_xml(write_xml(resource))) == as_written(resource)


def test_the_ways_to_write_a_character_are_one_character() -> None:
    plain = text.read('{"resourceType":"Basic","language":"Řehoř 😀 / \\" \\\\ \\t"}')
    escaped = text.read(
        '{"resourceType":"Basic","language":"\\u0158eho\\u0159 \\ud83d\\ude00 \\/ \\u0022 \\u005c \\u0009"}'
    )
    assert plain == escaped
    assert text.digest(plain) == text.digest(escaped)
    assert text.read(text.write(escaped)) == plain == read_xml(write_xml(plain))


def test_the_order_of_keys_says_nothing() -> None:
    for sample in SAMPLES.values():
        turned = dict(reversed(sample.items()))
        assert text.digest(turned) == text.digest(sample)
        assert set(validate(turned)) == set(validate(sample))
        assert write_xml(turned) == write_xml(sample)


def test_every_fault_of_every_kind_is_named_at_once_with_its_path() -> None:
    wrong: Resource = {
        "resourceType": "Patient",
        "id": "not an id",
        "nickname": "Nan",
        "active": "true",
        "gender": "banana",
        "birthDate": "1955-02-30",
        "text": {"status": "generated", "div": f"{DIV[:-6]}<script>alert(1)</script></div>"},
        "name": [{"given": [None, "Anna"], "period": {"start": "2026", "end": "2025"}}, {}],
        "contact": [{"gender": "other"}],
        "link": [{"other": {"reference": "Patient/1"}}],
        "communication": [{"preferred": True}],
        "telecom": [{"value": "1"}],
        "deceasedBoolean": True,
        "deceasedDateTime": "2026",
        "managingOrganization": {"reference": "not a reference"},
        "generalPractitioner": [{"reference": "Patient/1"}, {"reference": "#nobody"}],
        "extension": [{"url": "urn:x"}],
        "contained": [{"resourceType": "Organization", "id": "o", "name": "unused"}],
        "photo": [],
    }
    expected = {
        "/id": "type-id", "/nickname": "structure", "/active": "type-boolean", "/gender": "binding",
        "/birthDate": "type-date", "/text/div": "txt-1", "/name/0/given/0": "structure", "/name/0/period": "per-1",
        "/name/1": "ele-1", "/contact/0": "pat-1", "/link/0/type": "cardinality",
        "/communication/0/language": "cardinality", "/telecom/0": "cpt-2", "/deceased[x]": "cardinality",
        "/managingOrganization/reference": "type-Reference", "/generalPractitioner/0": "target",
        "/generalPractitioner/1/reference": "ref-1", "/extension/0": "ext-1", "/contained/0": "dom-3",
        "/photo": "ele-1",
    }  # fmt: skip
    assert {fault.path: fault.rule for fault in errors(wrong)} == expected
    with pytest.raises(InvalidResource) as refused:
        assert_valid(wrong)
    assert {fault.path for fault in refused.value.faults} == expected.keys()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"nickname": 1, "name": [{"nick": 1}], "contact": {}}, {"/nickname", "/name/0/nick", "/contact"}),  # structure
        ({"link": [{}, {"type": "refer"}], "communication": [{"id": "x"}]},
         {"/link/0", "/link/1/other", "/communication/0/language"}),  # cardinality
        ({"gender": "f", "link": [{"other": {"display": "x"}, "type": "x"}], "telecom": [{"system": "x"}]},
         {"/gender", "/link/0/type", "/telecom/0/system"}),  # required bindings
        ({"telecom": [{"value": "x"}], "contact": [{"id": "x"}], "photo": [{"data": "AAAA"}]},
         {"/telecom/0", "/contact/0", "/photo/0"}),  # invariants
        ({"text": {"status": "generated", "div": DIV.replace("<p>", "<p onclick='x'><iframe/>")}}, {"/text/div"}),
        ({"id": "a/b", "contained": [{"resourceType": "Patient", "id": "a b"}],
          "generalPractitioner": [{"reference": "#a b"}]},
         {"/id", "/contained/0/id", "/generalPractitioner/0"}),  # ids
        ({"managingOrganization": {"reference": "x"}, "generalPractitioner": [{"reference": "Patient/_"}]},
         {"/managingOrganization/reference", "/generalPractitioner/0/reference"}),  # references
    ],
)  # fmt: skip
def test_each_class_of_rule_names_all_its_faults(changes: dict[str, Any], faults: set[str]) -> None:
    assert {fault.path for fault in errors({**PATIENT, **changes})} == faults


def test_what_r4_only_advises_against_is_a_warning() -> None:
    blank = {**PATIENT, "name": [{"family": " \t"}]}
    assert [(f.path, f.rule, f.severity) for f in validate(blank)] == [("/name/0/family", "type-string", "warning")]
    odd = {**PATIENT, "managingOrganization": {"reference": "Organization/a_b"}}
    assert [(f.path, f.rule, f.severity) for f in validate(odd)] == [
        ("/managingOrganization/reference", "type-Reference", "warning")
    ]
    assert errors(blank) == errors(odd) == ()


def test_a_resource_of_r4b_alone_is_not_r4() -> None:
    for kind in ("Citation", "Ingredient", "NutritionProduct", "ClinicalUseDefinition"):
        assert errors({"resourceType": kind})
    # R4B made this a CodeableReference
    assert errors({**SAMPLES["Observation"], "device": {"concept": {"text": "x"}}})
