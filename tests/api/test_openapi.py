"""The OpenAPI: every route of the API, truthfully; the page that shows it needs nothing from elsewhere."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hub.api.routes import routes_of
from hub.fhir.registry import SUPPORTED
from tests.api.service import Service


@pytest.fixture(scope="module")
def told(calm: Service) -> dict[str, Any]:
    said: dict[str, Any] = calm.http.get("/openapi.json").json()
    return said


def test_it_holds_every_route_of_the_api_and_no_other(calm: Service, told: dict[str, Any]) -> None:
    listed = {(m.upper(), path) for path, methods in told["paths"].items() for m in methods}
    assert listed == {(r.method, r.path) for r in routes_of(calm.app) if r.listed}
    hidden = {(r.method, r.path) for r in routes_of(calm.app) if not r.listed and r.path.startswith("/fhir")}
    assert {(m, p.rstrip("/")) for m, p in hidden} <= listed | {("HEAD", path) for _, path in listed}


def test_every_operation_says_what_it_does_and_which_scope_it_needs(told: dict[str, Any]) -> None:
    names = set()
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"].endswith("."), (method, path)
            assert bool(operation["security"]) == ("x-scope" in operation)
            assert "default" in operation["responses"]
            names.add(operation["operationId"])
            placed = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert placed == set(re.findall(r"\{([a-z]+)\}", path))
    assert len(names) == sum(len(methods) for methods in told["paths"].values())


def test_a_type_in_a_path_is_one_that_offers_the_interaction(told: dict[str, Any]) -> None:
    deletes = told["paths"]["/fhir/{type}/{id}"]["delete"]["parameters"]
    types = next(p["schema"]["enum"] for p in deletes if p["name"] == "type")
    assert set(types) == {row.name for row in SUPPORTED.values() if row.deletable}


def test_scopes_stand_in_the_security_scheme(told: dict[str, Any]) -> None:
    flow = told["components"]["securitySchemes"]["smart"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"].endswith("/oauth/token")
    assert {"system/*.cruds", "system/Goal.cruds"} <= flow["scopes"].keys()


def test_the_page_shows_every_route_with_nothing_from_elsewhere(calm: Service, told: dict[str, Any]) -> None:
    answer = calm.http.get("/docs")
    assert answer.status_code == 200
    assert "script" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for path in told["paths"]:
        assert f" {path}</code>" in answer.text
    for address in re.findall(r'(?:src|href)="([^"]+)"', answer.text):
        assert address.startswith(("/", "#"))
        if address.startswith("/"):
            assert calm.http.get(address).status_code == 200


def test_neither_says_anything_of_anybody(calm: Service) -> None:
    said = calm.http.get("/docs").text + calm.http.get("/openapi.json").text
    assert calm.house.client.split("/")[1] not in said
    assert "municipality" not in said
