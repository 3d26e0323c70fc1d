"""What codes mean, asked over HTTP: every operation by GET and POST, on the type and on one resource."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from hub.fhir.codes import ACT_REASON, CARE_AREA, HUB
from hub.fhir.conformance import PARAMETERS
from hub.fhir.validate import validate
from tests.api.service import Service

AREAS = f"{HUB}/ValueSet/care-area"
GENDER = "http://hl7.org/fhir/ValueSet/administrative-gender"


def parameters(**values: Any) -> dict[str, Any]:
    """A Parameters resource; a structured value is a Coding or a CodeableConcept."""
    made = []
    for name, value in values.items():
        kind = {bool: "Boolean", int: "Integer"}.get(type(value), "String")
        if isinstance(value, dict):
            kind = "CodeableConcept" if "coding" in value else "Coding"
        made.append({"name": name, f"value{kind}": value})
    return {"resourceType": "Parameters", "parameter": made}


def told(answer: httpx.Response) -> dict[str, Any]:
    """The output parameters with plain values."""
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert validate(body) == ()
    return {
        p["name"]: next(v for k, v in p.items() if k.startswith("value")) for p in body["parameter"] if "part" not in p
    }


@pytest.mark.parametrize("path", [f"ValueSet/$expand?url={AREAS}", "ValueSet/care-area/$expand"])
def test_a_value_set_is_expanded_by_url_and_by_id(calm: Service, path: str) -> None:
    answer = calm.get("social", f"/fhir/{path}")
    assert answer.status_code == 200
    assert validate(answer.json()) == ()
    expansion = answer.json()["expansion"]
    assert expansion["total"] == 13
    assert {c["system"] for c in expansion["contains"]} == {CARE_AREA}


def test_an_expansion_is_filtered_paged_and_told_in_czech(calm: Service) -> None:
    asked = parameters(url=AREAS, filter="zdr", displayLanguage="cs", count=1, offset=0)
    answer = calm.send("social", "POST", "/fhir/ValueSet/$expand", asked)
    assert answer.json()["expansion"]["contains"] == [{"system": CARE_AREA, "code": "health", "display": "Zdraví"}]
    designated = calm.get("social", f"/fhir/ValueSet/$expand?url={AREAS}&includeDesignations=true&count=1").json()
    assert len(designated["expansion"]["contains"][0]["designation"]) == 3


def test_what_codes_mean_is_told_in_xml_too(calm: Service) -> None:
    answer = calm.get("social", f"/fhir/ValueSet/$expand?url={AREAS}&_format=xml")
    assert answer.headers["content-type"].startswith("application/fhir+xml")
    assert '<code value="housing"/>' in answer.text


def test_a_code_is_looked_up_with_its_place_in_the_hierarchy(calm: Service) -> None:
    answer = calm.get("social", f"/fhir/CodeSystem/$lookup?system={ACT_REASON}&code=TREAT")
    assert told(answer)["display"] == "treatment"
    kinds = [{p["name"]: p["valueCode"] for p in one["part"]} for one in answer.json()["parameter"] if "part" in one]
    assert {"code": "child", "value": "ETREAT"} in kinds
    coded = parameters(coding={"system": CARE_AREA, "code": "housing"}, displayLanguage="de")
    assert told(calm.send("social", "POST", "/fhir/CodeSystem/$lookup", coded))["display"] == "Wohnen"


def test_a_code_is_checked_against_a_system_and_against_a_value_set(calm: Service) -> None:
    known = calm.get("social", f"/fhir/CodeSystem/$validate-code?url={CARE_AREA}&code=housing&display=Bydlení")
    assert told(known)["result"] is True
    assert told(calm.get("social", "/fhir/CodeSystem/care-area/$validate-code?code=banana"))["result"] is False
    concept = {"coding": [{"system": "http://hl7.org/fhir/administrative-gender", "code": "female"}]}
    asked = parameters(url=GENDER, codeableConcept=concept)
    assert told(calm.send("social", "POST", "/fhir/ValueSet/$validate-code", asked))["result"] is True
    assert told(calm.get("social", f"/fhir/ValueSet/$validate-code?url={GENDER}&code=banana"))["result"] is False


def test_one_purpose_subsumes_another(calm: Service) -> None:
    answer = calm.get("social", f"/fhir/CodeSystem/$subsumes?system={ACT_REASON}&codeA=TREAT&codeB=COC")
    assert told(answer) == {"outcome": "subsumes"}
    by_id = calm.get("social", "/fhir/CodeSystem/v3-ActReason/$subsumes?codeA=COC&codeB=TREAT")
    assert told(by_id) == {"outcome": "subsumed-by"}


def test_a_word_of_a_mapping_table_is_translated_and_back(calm: Service) -> None:
    answer = calm.get("social", "/fhir/ConceptMap/area-of-life/$translate?code=zdraví")
    assert told(answer)["result"] is True
    match = next(p for p in answer.json()["parameter"] if p["name"] == "match")
    concept = next(p["valueCoding"] for p in match["part"] if p["name"] == "concept")
    assert (concept["system"], concept["code"]) == (CARE_AREA, "health")
    url = f"{HUB}/ConceptMap/area-of-life"
    back = calm.get("social", f"/fhir/ConceptMap/$translate?url={url}&code=health&reverse=true")
    assert told(back)["result"] is True
    nothing = calm.get("social", f"/fhir/ConceptMap/$translate?url={HUB}/ConceptMap/cda-gender&code=X")
    assert told(nothing)["result"] is False


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("ValueSet/$expand?url=http://nowhere.example/ValueSet/x", 404),
        ("ValueSet/nowhere/$expand", 404),
        ("ValueSet/$expand", 400),
        (f"ValueSet/$expand?url={AREAS}&count=minus", 400),
        (f"ValueSet/$expand?url={AREAS}&count=1&count=2", 400),
        (f"ValueSet/$expand?url={AREAS}&hierarchical=true", 400),
        ("CodeSystem/$lookup?system=http://snomed.info/sct&code=73211009", 404),
        (f"CodeSystem/$lookup?system={CARE_AREA}&code=banana", 404),
        (f"CodeSystem/$lookup?system={CARE_AREA}", 400),
        (f"CodeSystem/$subsumes?system={CARE_AREA}&codeA=housing&codeB=banana", 404),
        ("ConceptMap/$translate?code=x", 400),
        ("CodeSystem/nothing", 404),
        ("CodeSystem?colour=red", 400),
    ],
)
def test_what_cannot_be_answered_says_why(calm: Service, path: str, status: int) -> None:
    answer = calm.get("social", f"/fhir/{path}")
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_what_is_published_can_be_read_and_found(calm: Service) -> None:
    assert calm.get("social", "/fhir/CodeSystem/care-area").json()["url"] == CARE_AREA
    for type in PARAMETERS:
        found = calm.get("social", f"/fhir/{type}?_count=2").json()
        assert found["total"] >= 1
        assert len(found["entry"]) == min(2, found["total"])
        url = found["entry"][0]["resource"]["url"]
        alone = calm.http.post(f"/fhir/{type}/_search", data={"url": url}, headers=calm.headers("social")).json()
        assert [e["resource"]["url"] for e in alone["entry"]] == [url]


def test_pages_of_what_is_published_follow_each_other_and_miss_nothing(calm: Service) -> None:
    path, seen = "/fhir/ValueSet?_count=100", []
    while path:
        page = calm.get("social", path).json()
        seen += [entry["resource"]["id"] for entry in page["entry"]]
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        path = following[0].removeprefix(calm.house.hub.settings.public_url) if following else ""
    assert len(seen) == len(set(seen)) == page["total"]


def test_nobody_without_a_token_is_answered_and_nobody_writes_here(calm: Service) -> None:
    assert calm.get("", "/fhir/CodeSystem/care-area").status_code == 401
    assert calm.get("", f"/fhir/ValueSet/$expand?url={AREAS}").status_code == 401
    narrow = calm.get("social", "/fhir/CodeSystem/care-area", scope="system/Patient.r")
    assert narrow.status_code == 403
    made = {"resourceType": "CodeSystem", "status": "active", "content": "complete"}
    assert calm.send("social", "POST", "/fhir/CodeSystem", made).status_code in (400, 405)
