"""Every route declares the scope it needs, and a token that covers less is told so."""

from __future__ import annotations

import pytest

from hub.api.app import create_app
from hub.api.routes import Route, routes_of
from hub.fhir.registry import SUPPORTED
from tests.api.service import Service
from tests.exchange.world import House

OPEN = {
    ("GET", "/.well-known/smart-configuration"), ("GET", "/docs"), ("GET", "/fhir/.well-known/smart-configuration"),
    ("GET", "/fhir/metadata"), ("GET", "/health/live"), ("GET", "/health/ready"), ("GET", "/metrics"),
    ("GET", "/oauth/jwks.json"), ("GET", "/openapi.json"), ("POST", "/oauth/token"),
    ("GET", "/"), ("HEAD", "/"), ("GET", "/static/{name}"), ("HEAD", "/static/{name}"),
}  # fmt: skip
"""What everybody may ask: it says nothing about anybody."""

LETTERS = {"GET": "rs", "HEAD": "r", "POST": "crs", "PUT": "u", "PATCH": "u", "DELETE": "d"}
"""Which letters a method may stand for; operations read by POST too."""


@pytest.fixture(scope="module")
def routes(one_house: House) -> tuple[Route, ...]:
    return routes_of(create_app(one_house.hub))


def test_every_route_declares_its_scope(routes: tuple[Route, ...]) -> None:
    assert [route for route in routes if route.declared is None] == []
    assert {(r.method, r.path) for r in routes if r.declared and not r.declared.letter} <= OPEN


def test_a_route_declares_what_its_method_does(routes: tuple[Route, ...]) -> None:
    for route in routes:
        assert route.declared is not None
        letter = route.declared.letter
        if letter not in ("", "any", "entries"):
            assert letter in LETTERS[route.method], route
        if letter == "entries":
            assert (route.method, route.path.rstrip("/")) == ("POST", "/fhir")


def test_a_route_whose_type_is_not_in_its_path_names_it(routes: tuple[Route, ...]) -> None:
    for route in routes:
        assert route.declared is not None
        if route.declared.letter in tuple("cruds") and "{type}" not in route.path:
            assert route.declared.type == "*" or route.declared.type in SUPPORTED, route
            assert route.declared.type == "*" or f"/{route.declared.type}" in route.path, route


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/fhir/Goal/x", "system/Goal.cuds"),
        ("GET", "/fhir/Goal/x/_history/1", "system/Goal.cuds"),
        ("GET", "/fhir/Goal", "system/Goal.crud"),
        ("POST", "/fhir/Goal/_search", "system/Goal.crud"),
        ("POST", "/fhir/Goal", "system/Goal.ruds"),
        ("PUT", "/fhir/Goal/x", "system/Goal.crds"),
        ("PATCH", "/fhir/Goal/x", "system/Goal.crds"),
        ("DELETE", "/fhir/Goal/x", "system/Goal.crus"),
        ("GET", "/fhir/Patient/x/$summary", "system/Patient.cuds"),
        ("GET", "/fhir/CodeSystem", "system/CodeSystem.r"),
    ],
)
def test_a_token_that_covers_less_is_told_which_scope_would_do(
    calm: Service, method: str, path: str, scope: str
) -> None:
    answer = calm.send("municipality", method, path, {"resourceType": "Goal"}, scope=scope)
    assert answer.status_code == 403, answer.text
    told = answer.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in told
    assert f'scope="{scope.partition(".")[0]}.' in told


@pytest.mark.parametrize(("authorization", "told"), [("", False), ("Bearer x.y.z", True)])
def test_a_token_that_is_missing_and_one_that_is_not_good_are_told_apart(
    calm: Service, authorization: str, told: bool
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = calm.http.get("/fhir/Goal/x", headers=headers)
    assert answer.status_code == 401
    assert ('error="invalid_token"' in answer.headers["www-authenticate"]) is told


@pytest.mark.parametrize(
    "type", ["Nonsense", "Subscription", "Account", "goal", "*", "Parameters", "CapabilityStatement"]
)
def test_a_type_that_the_hub_does_not_keep_is_404(calm: Service, type: str) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        answer = calm.send("municipality", method, f"/fhir/{type}/x", {"resourceType": type})
        assert answer.status_code == 404, (method, answer.text)
        assert answer.json()["issue"][0]["code"] == "not-supported"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/fhir/AuditEvent/x"), ("PUT", "/fhir/Provenance/x"), ("PATCH", "/fhir/AuditEvent/x"),
        ("DELETE", "/fhir/Patient/x"), ("POST", "/fhir/CodeSystem"), ("PUT", "/fhir/ValueSet/x"),
        ("GET", "/fhir/CodeSystem/x/_history"), ("GET", "/fhir/ConceptMap/_history"),
        ("GET", "/fhir/ValueSet/x/_history/1"), ("PUT", "/fhir"), ("DELETE", "/fhir/metadata"),
    ],
)  # fmt: skip
def test_an_interaction_that_is_not_offered_is_405(calm: Service, method: str, path: str) -> None:
    answer = calm.send("municipality", method, path, {"resourceType": "Parameters"})
    assert answer.status_code in (404, 405), answer.text
    assert answer.json()["issue"][0]["code"] in ("not-supported", "not-found")


def test_nobody_learns_without_a_token_which_types_there_are(calm: Service) -> None:
    told = {calm.http.get(f"/fhir/{type}/x").text for type in ("Goal", "Nonsense", "Parameters", "CodeSystem")}
    assert len(told) == 1
