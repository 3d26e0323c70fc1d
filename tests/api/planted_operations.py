"""The canaries' way through operations, terminology and export: every route of those, asked of the planted client."""

from __future__ import annotations

from urllib.parse import quote

from hub.fhir import text
from hub.fhir.codes import ACT_REASON, HUB
from hub.fhir.conformance import PARAMETERS
from tests.api.planted import Ask
from tests.exchange.world import BIRTH_NUMBER, CLIENT, House

FORM = "application/x-www-form-urlencoded"
ASYNC = {"Prefer": "respond-async"}


def operation_asks(house: House, patients: list[str], some: list[str]) -> dict[str, list[Ask]]:
    """`METHOD /template` -> requests, for every operation."""
    number = quote(f"{BIRTH_NUMBER}|{CLIENT.birth_number}")
    known = {
        "GET /fhir/Patient/$summary": [Ask("GET", f"/fhir/Patient/$summary?identifier={number}")],
        "POST /fhir/Patient/$summary": [Ask("POST", "/fhir/Patient/$summary", f"identifier={number}".encode(), FORM)],
        "POST /fhir/Patient/$match": [
            Ask("POST", "/fhir/Patient/$match", person(family)) for family in ("KNR-family", "x")
        ],
        "GET /fhir/Composition/$document": [
            Ask("GET", f"/fhir/Composition/$document?id={r.split('/')[1]}") for r in some[:5]
        ],
        "POST /fhir/Composition/$document": [Ask("POST", f"/fhir/Composition/$document?id={'a' * 26}")],
        "POST /fhir/{type}/$validate": [Ask("POST", "/fhir/Patient/$validate", person("x"))],
        "GET /fhir/$export-status/{job}": [Ask("GET", f"/fhir/$export-status/{'a' * 26}")],
        "DELETE /fhir/$export-status/{job}": [Ask("DELETE", f"/fhir/$export-status/{'a' * 26}")],
        "GET /fhir/$export-file/{job}/{no}": [Ask("GET", f"/fhir/$export-file/{'a' * 26}/1")],
    }
    for method in ("GET", "POST"):
        for name in ("$summary", "$social-summary", "$everything"):
            known[f"{method} /fhir/Patient/{{id}}/{name}"] = [Ask(method, f"/fhir/{p}/{name}") for p in patients]
        known[f"{method} /fhir/Composition/{{id}}/$document"] = [
            Ask(method, f"/fhir/Composition/{r.split('/')[1]}/$document") for r in some[:5]
        ]
        known[f"{method} /fhir/{{type}}/{{id}}/$validate"] = [Ask(method, f"/fhir/{r}/$validate") for r in some[::3]]
        for path in ("$export", "Patient/$export"):
            known[f"{method} /fhir/{path}"] = [Ask(method, f"/fhir/{path}")]
        known[f"{method} /fhir/Group/{{id}}/$export"] = [Ask(method, f"/fhir/Group/{'a' * 26}/$export")]
        for template, path in terminology().items():
            known[f"{method} /fhir/{template}"] = [Ask(method, f"/fhir/{path}")]
    for type in PARAMETERS:
        known[f"GET /fhir/{type}"] = [Ask("GET", f"/fhir/{type}?_count=1"), Ask("GET", f"/fhir/{type}?name=KNR")]
        known[f"POST /fhir/{type}/_search"] = [Ask("POST", f"/fhir/{type}/_search", b"name=KNR", FORM)]
        known[f"GET /fhir/{type}/{{id}}"] = [Ask("GET", f"/fhir/{type}/care-area")]
    return known


def terminology() -> dict[str, str]:
    """Template -> one question."""
    return {
        "CodeSystem/$lookup": f"CodeSystem/$lookup?system={ACT_REASON}&code=TREAT",
        "CodeSystem/$validate-code": f"CodeSystem/$validate-code?url={ACT_REASON}&code=KNR",
        "CodeSystem/{id}/$validate-code": "CodeSystem/care-area/$validate-code?code=KNR",
        "CodeSystem/$subsumes": f"CodeSystem/$subsumes?system={ACT_REASON}&codeA=TREAT&codeB=COC",
        "CodeSystem/{id}/$subsumes": "CodeSystem/care-area/$subsumes?codeA=health&codeB=housing",
        "ValueSet/$expand": f"ValueSet/$expand?url={HUB}/ValueSet/care-area&filter=KNR",
        "ValueSet/{id}/$expand": "ValueSet/care-area/$expand",
        "ValueSet/$validate-code": f"ValueSet/$validate-code?url={HUB}/ValueSet/care-area&code=KNR",
        "ValueSet/{id}/$validate-code": "ValueSet/care-area/$validate-code?code=KNR",
        "ConceptMap/$translate": f"ConceptMap/$translate?url={HUB}/ConceptMap/area-of-life&code=KNR",
        "ConceptMap/{id}/$translate": "ConceptMap/area-of-life/$translate?code=KNR",
    }


def person(family: str) -> bytes:
    """Somebody to be matched, as Parameters."""
    told = {
        "resourceType": "Patient",
        "identifier": [{"system": BIRTH_NUMBER, "value": CLIENT.birth_number}],
        "name": [{"family": family, "given": ["KNR-given"]}],
        "birthDate": "1951-07-08",
    }
    return text.write({"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": told}]})
