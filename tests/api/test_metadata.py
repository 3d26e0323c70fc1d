"""`/fhir/metadata`: every claim in it is tried on a live hub, and what it does not claim does not work."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from hub.fhir import text
from hub.fhir.registry import SUPPORTED, ResourceType
from hub.fhir.validate import validate
from tests.api.samples import Resource, minimal
from tests.api.service import Service

KEPT = [pytest.param(row, id=row.name) for row in SUPPORTED.values() if row.offers and not row.published]
OFFERING = [pytest.param(row, id=row.name) for row in SUPPORTED.values() if row.offers]
PUBLISHED = [pytest.param(row, id=row.name) for row in SUPPORTED.values() if row.published]
NUMBERS = itertools.count(1)

VALUES = {
    "token": "http://example.org/system|x",
    "string": "x",
    "reference": "Patient/x",
    "date": "ge2026-01-01",
    "number": "gt1",
    "quantity": "5|http://unitsofmeasure.org|kg",
    "uri": "http://example.org/x",
}
"""A value for each kind of search parameter."""

WORDS = {"_text", "_content"}
PARTICULAR = {"_id": "x", "_list": "x", "_text": "x", "_content": "x", "near": "50.1|14.4|10|km"}
"""A value for parameters whose kind does not say what they take."""


def statement_of(service: Service) -> Resource:
    said: Resource = service.http.get("/fhir/metadata").json()
    return said


@pytest.fixture(scope="module")
def statement(calm: Service) -> Resource:
    return statement_of(calm)


def claim(statement: Resource, type: str) -> Resource:
    """What is claimed of one type."""
    return next(one for one in statement["rest"][0]["resource"] if one["type"] == type)


def claimed(statement: Resource, type: str) -> set[str]:
    """The interactions that are claimed of one type."""
    return {one["code"] for one in claim(statement, type).get("interaction", ())}


def sample(service: Service, type: str) -> Resource:
    """A resource that this organisation may write, never the same twice."""
    made = minimal(type, service.house.client)
    if "identifier" in made:
        made["identifier"][0]["value"] = str(next(NUMBERS))
    if type == "Patient":
        made |= {"identifier": [{"system": "http://example.org/sid", "value": str(next(NUMBERS))}], "active": True}
    return made


class Asking:
    """The municipality at work: each request is answered in time and without a defect."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def __call__(self, method: str, path: str, content: Any = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.service.send("municipality", method, path, content or {}, headers=named)
        assert answer.status_code < 500, (method, path, answer.text)
        return answer

    def create(self, type: str) -> httpx.Response:
        answer = self("POST", f"/fhir/{type}", sample(self.service, type))
        assert answer.status_code == 201, answer.text
        return answer


@pytest.fixture(scope="module")
def asking(calm: Service) -> Asking:
    return Asking(calm)


# -- what is said ----------------------------------------------------------------------------------------------------


def test_it_is_valid_fhir_and_says_where_it_is(calm: Service, statement: Resource) -> None:
    assert list(validate(statement)) == []
    assert statement["url"] == statement["implementation"]["url"] + "/metadata"
    assert calm.http.get("/fhir/metadata?_format=xml").text.startswith("<")


def test_which_words_the_hub_knows_is_said_too(calm: Service, asking: Asking) -> None:
    said = calm.http.get("/fhir/metadata?mode=terminology").json()
    assert list(validate(said)) == []
    published = {e["resource"]["url"] for e in asking("GET", "/fhir/CodeSystem?_count=1000").json()["entry"]}
    assert {one["uri"] for one in said["codeSystem"]} == published
    for name in ({one["name"] for one in said["expansion"]["parameter"]}) - {"url"}:
        value = "1" if name in ("count", "offset") else "true" if name.startswith("include") else "cs"
        url = quote("https://casehub.example/fhir/ValueSet/care-area")
        assert asking("GET", f"/fhir/ValueSet/$expand?url={url}&{name}={value}").status_code == 200, name
    assert calm.http.get("/fhir/metadata?mode=nonsense").status_code == 400


def test_it_lists_the_registry(statement: Resource) -> None:
    assert [one["type"] for one in statement["rest"][0]["resource"]] == list(SUPPORTED)


def test_a_client_of_smart_finds_the_token_endpoint_in_it(statement: Resource) -> None:
    security = statement["rest"][0]["security"]
    uris = next(e for e in security["extension"] if e["url"].endswith("/oauth-uris"))
    assert uris["extension"][0] == {"url": "token", "valueUri": uris["extension"][0]["valueUri"]}
    assert uris["extension"][0]["valueUri"].endswith("/oauth/token")


# -- interactions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", KEPT)
def test_every_claimed_interaction_works(asking: Asking, statement: Resource, row: ResourceType) -> None:
    type, told = row.name, claimed(statement, row.name)
    assert told == set(row.interactions)
    created = asking.create(type)
    at = f"/fhir/{type}/{created.json()['id']}"
    if type == "Patient":  # of a new client nobody has agreed to anything yet
        at = f"/fhir/{asking.service.house.client}"
    read = asking("GET", at)
    assert read.status_code == 200, read.text
    tag = read.headers["etag"]
    version = tag[3:-1]
    for path in (f"{at}/_history/{version}", f"{at}/_history", f"/fhir/{type}/_history?_count=2"):
        assert asking("GET", path).status_code == 200, path
    assert asking("GET", at, If_None_Match=tag).status_code == 304
    if "update" in told:
        changed = {**read.json(), "language": "cs"}
        updated = asking("PUT", at, changed, If_Match=tag)
        assert updated.status_code == 200, updated.text
        patched = asking(
            "PATCH", at, b'{"language": "de"}', If_Match=updated.headers["etag"],
            Content_Type="application/merge-patch+json",
        )  # fmt: skip
        assert patched.status_code == 200, patched.text
    if "delete" in told:
        tag = asking("GET", at).headers["etag"]
        deleted = asking("DELETE", at, If_Match=tag)
        if type == "Consent":  # one in force is revoked
            assert deleted.json()["issue"][0]["code"] == "conflict"
            return
        assert deleted.status_code in (200, 204), deleted.text
        assert asking("GET", at).status_code == 410


@pytest.mark.parametrize("row", KEPT)
def test_what_is_not_claimed_of_a_type_does_not_work(asking: Asking, statement: Resource, row: ResourceType) -> None:
    told = claimed(statement, row.name)
    at = f"/fhir/{row.name}/x"
    for code, method, path in (("update", "PUT", at), ("patch", "PATCH", at), ("delete", "DELETE", at)):
        if code not in told:
            assert asking(method, path, sample(asking.service, row.name)).status_code == 405
    for method, path in (("GET", f"{at}/$nonsense"), ("POST", f"/fhir/{row.name}/$nonsense"), ("GET", f"{at}/x/y")):
        assert asking(method, path, {"resourceType": "Parameters"}).status_code in (400, 404, 405), path


@pytest.mark.parametrize("row", PUBLISHED)
def test_what_the_hub_publishes_is_read_and_searched_and_nothing_else(
    asking: Asking, statement: Resource, row: ResourceType
) -> None:
    assert claimed(statement, row.name) == {"read", "search-type"}
    found = asking("GET", f"/fhir/{row.name}?_count=1").json()
    assert found["total"] > 0
    at = f"/fhir/{row.name}/{found['entry'][0]['resource']['id']}"
    assert asking("GET", at).json() == found["entry"][0]["resource"]
    for method in ("PUT", "DELETE", "PATCH"):
        assert asking(method, at, {"resourceType": row.name}).status_code == 405, method
    assert asking("POST", f"/fhir/{row.name}", {"resourceType": row.name}).status_code == 405
    for path in (f"{at}/_history", f"{at}/_history/1", f"{at}/$validate"):
        assert asking("GET", path).status_code == 405, path
    assert asking("GET", f"/fhir/{row.name}/_history").status_code == 404


@pytest.mark.parametrize("row", KEPT)
def test_conditional_interactions_work_where_they_are_claimed(
    asking: Asking, statement: Resource, row: ResourceType
) -> None:
    told = claim(statement, row.name)
    nobody = "_id=nobody-has-this-id"
    if told["conditionalCreate"]:
        answer = asking("POST", f"/fhir/{row.name}", sample(asking.service, row.name), If_None_Exist=nobody)
        assert answer.status_code == 201, answer.text
    if told["conditionalUpdate"]:
        answer = asking("PUT", f"/fhir/{row.name}?{nobody}", sample(asking.service, row.name))
        assert answer.status_code == 201, answer.text
    if told["conditionalDelete"] != "not-supported":
        answer = asking("DELETE", f"/fhir/{row.name}?{nobody}")
        assert answer.status_code in (204, 404), answer.text


# -- search ----------------------------------------------------------------------------------------------------------


def some(items: Iterable[str], number: int) -> Iterator[str]:
    """So many at a time: each is asked, in fewer requests."""
    left = list(items)
    yield from ("&".join(left[at : at + number]) for at in range(0, len(left), number))


def questions(told: Resource, client: str) -> Iterator[str]:
    """Searches with every parameter, include and reverse include that is claimed of a type."""
    type = told["type"]
    asked = {one["name"]: PARTICULAR.get(one["name"]) or VALUES.get(one["type"]) for one in told["searchParam"]}
    plain = (f"{name}={quote(value)}" for name, value in asked.items() if value and name not in WORDS)
    yield from (f"{type}?{one}" for one in some(plain, 4))
    if "_has" in asked:
        yield f"{type}?_has:Provenance:target:_id=x"
    for name in sorted(WORDS & asked.keys()):  # asked of one client's record
        yield f"{client}/{type}?{name}=x"
    for name, what in (("_include", "searchInclude"), ("_revinclude", "searchRevInclude")):
        yield from (f"{type}?{one}" for one in some((f"{name}={quote(it)}" for it in told.get(what, ())), 12))


OFTEN = ("CarePlan", "CareTeam", "Condition", "Consent", "Goal", "Observation", "Task")
"""Types whose parameters are tried in every run; the others are when there are minutes."""


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=row.name, marks=() if row.name in OFTEN else pytest.mark.slow)
        for row in SUPPORTED.values()
        if row.offers
    ],
)
def test_every_claimed_search_parameter_works(calm: Service, statement: Resource, row: ResourceType) -> None:
    refused = {}
    for question in questions(claim(statement, row.name), calm.house.client):
        answer = calm.get("municipality", f"/fhir/{question}&_count=1")
        if answer.status_code != 200 or answer.json()["type"] != "searchset":
            refused[question] = answer.text
    assert refused == {}


@pytest.mark.parametrize("row", OFFERING)
def test_a_parameter_that_is_not_claimed_is_refused(asking: Asking, statement: Resource, row: ResourceType) -> None:
    names = {one["name"] for one in claim(statement, row.name)["searchParam"]}
    for name in {"nonsense", "_filter", "_query", "gender", "component-code"} - names:
        assert asking("GET", f"/fhir/{row.name}?{name}=x").status_code == 400, name


def test_the_system_level_works_as_claimed(asking: Asking, statement: Resource) -> None:
    told = {one["code"] for one in statement["rest"][0]["interaction"]}
    assert told == {"transaction", "batch", "search-system", "history-system"}
    for type in ("transaction", "batch"):
        bundle = {
            "resourceType": "Bundle",
            "type": type,
            "entry": [{"request": {"method": "GET", "url": "Goal?_id=x"}}],
        }
        answer = asking("POST", "/fhir", bundle)
        assert (answer.status_code, answer.json().get("type")) == (200, f"{type}-response"), answer.text
    for path, kind in (("/fhir?_type=Goal,Task&_count=1", "searchset"), ("/fhir/_history?_count=1", "history")):
        answer = asking("GET", path)
        assert (answer.status_code, answer.json().get("type")) == (200, kind), answer.text


# -- operations and formats ------------------------------------------------------------------------------------------


def test_every_claimed_operation_is_there(asking: Asking, statement: Resource) -> None:
    rest = statement["rest"][0]
    client = asking.service.house.client
    for type, name in [("", one["name"]) for one in rest.get("operation", ())] + [
        (row["type"], one["name"]) for row in rest["resource"] for one in row.get("operation", ())
    ]:
        paths = [
            f"/fhir/{type}/${name}".replace("//", "/"),
            f"/fhir/{client if type == 'Patient' else f'{type}/x'}/${name}",
        ]
        answers = [asking(method, path, {"resourceType": "Parameters"}) for path in paths for method in ("GET", "POST")]
        offered = [
            a for a in answers if a.status_code != 405 and a.json().get("issue", [{}])[0].get("code") != "not-found"
        ]
        assert offered, (type, name, [a.text for a in answers])


@pytest.mark.parametrize("row", OFFERING)
def test_an_operation_that_is_not_claimed_does_not_work(asking: Asking, statement: Resource, row: ResourceType) -> None:
    told = {one["name"] for one in claim(statement, row.name).get("operation", ())}
    everything = {one["name"] for other in statement["rest"][0]["resource"] for one in other.get("operation", ())}
    for name in sorted(everything - told):
        for method, path in itertools.product(("GET", "POST"), (f"/fhir/{row.name}", f"/fhir/{row.name}/x")):
            answer = asking(method, f"{path}/${name}", {"resourceType": "Parameters"})
            assert answer.status_code in (404, 405), (method, path, name, answer.text)


def test_every_claimed_format_is_spoken(asking: Asking, statement: Resource) -> None:
    made = asking.create("Goal").json()
    for format in statement["format"]:
        answer = asking("GET", f"/fhir/Goal/{made['id']}?_format={quote(format, safe='')}")
        assert answer.status_code == 200
        assert ("xml" if "xml" in format else "json") in answer.headers["content-type"]


def test_every_claimed_patch_format_is_taken(asking: Asking, statement: Resource) -> None:
    made = asking.create("Goal").json()
    operation = {"name": "operation", "part": [
        {"name": "type", "valueCode": "replace"}, {"name": "path", "valueString": "Goal.description.text"},
        {"name": "value", "valueString": "by FHIRPath"}]}  # fmt: skip
    by_path = {"resourceType": "Parameters", "parameter": [operation]}
    at = f"/fhir/Goal/{made['id']}"
    bodies = {
        "application/json-patch+json": b'[{"op": "replace", "path": "/description/text", "value": "by JSON Patch"}]',
        "application/merge-patch+json": b'{"description": {"text": "by merge"}}',
        "application/fhir+json": text.write(by_path),
        "application/fhir+xml": (
            b'<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>'
            b'<part><name value="type"/><valueCode value="replace"/></part>'
            b'<part><name value="path"/><valueString value="Goal.description.text"/></part>'
            b'<part><name value="value"/><valueString value="by XML"/></part></parameter></Parameters>'
        ),
    }
    assert set(statement["patchFormat"]) == bodies.keys()
    for format, body in bodies.items():
        answer = asking("PATCH", at, body, Content_Type=format)
        assert answer.status_code == 200, (format, answer.text)
    assert asking("PATCH", at, b"<diff/>", Content_Type="application/xml-patch+xml").status_code == 415
