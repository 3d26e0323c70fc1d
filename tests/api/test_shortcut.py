"""A read by id on the loop: the same answers as the route gives, none before its audit entry is on disk."""

from __future__ import annotations

import pytest
from starlette.routing import compile_path

from hub.api.routes import routes_of
from hub.api.shortcut import READ, TYPES
from hub.fhir.registry import SUPPORTED
from hub.store.journal_files import files
from hub.store.journal_files import read as lines_of
from hub.store.store import Store
from tests.api.case import begin, create
from tests.api.service import Service
from tests.exchange.world import goal

SAID = ("content-type", "etag", "last-modified", "cache-control", "x-content-type-options", "www-authenticate")


@pytest.fixture
def both(served: Service, monkeypatch: pytest.MonkeyPatch) -> object:
    """Ask the same by the shortcut and by the route."""

    def ask(organisation: str, path: str, headers: dict[str, str] | None = None) -> list[tuple[object, ...]]:
        answers = []
        for at_once in (True, False):
            with monkeypatch.context() as way:
                way.setattr(Store, "answers_at_once", at_once)
                got = served.http.get(path, headers={**served.headers(organisation), **(headers or {})})
            answers.append((got.status_code, got.content, *(got.headers.get(name) for name in SAID)))
        return answers

    return ask


@pytest.mark.parametrize("organisation", ["municipality", "stranger", ""])
@pytest.mark.parametrize(
    "query", ["", "?_format=xml", "?_summary=true", "?_summary=odd", "?_format=pdf", "?_pretty=true"]
)
def test_the_shortcut_says_what_the_route_says(both, served: Service, organisation: str, query: str) -> None:  # type: ignore[no-untyped-def]
    made = create(served, goal(begin(served), "health"))
    for path in (f"/fhir/Goal/{made['id']}", "/fhir/Goal/nobody", f"/fhir/Observation/{made['id']}"):
        short, long = both(organisation, path + query)
        assert short == long


@pytest.mark.parametrize(
    "headers", [{"If-None-Match": 'W/"1"'}, {"Accept": "image/png"}, {"Authorization": "Bearer x"}]
)
def test_conditions_and_refusals_are_the_same(both, served: Service, headers: dict[str, str]) -> None:  # type: ignore[no-untyped-def]
    made = create(served, goal(begin(served), "health"))
    short, long = both("municipality", f"/fhir/Goal/{made['id']}", headers)
    assert short == long


def test_it_takes_no_path_from_another_route(served: Service) -> None:
    assert {"Goal", "Observation", "Patient"} <= TYPES <= SUPPORTED.keys()
    gets = [(compile_path(route.path)[0], route) for route in routes_of(served.app) if route.method == "GET"]
    for type in TYPES:
        first = next(route for pattern, route in gets if pattern.match(f"/fhir/{type}/x"))
        assert (first.path, first.name) == (READ.path, "read")


def test_every_read_is_audited_and_counted_as_the_route(served: Service) -> None:
    made = create(served, goal(begin(served), "health"))
    for _ in range(3):
        assert served.get("municipality", f"/fhir/Goal/{made['id']}").status_code == 200
    entries = [line.body for path in files(served.house.hub.settings.journal) for line in lines_of(path)]
    shown = [e for e in entries if e.get("exit") == "read" and f"Goal/{made['id']}" in str(e.get("disclosed"))]
    assert len(shown) >= 3
    counted = served.http.get("/metrics").text
    assert 'hub_requests_total{method="GET",route="/fhir/{type}/{id}",status="200"} 3.0' in counted


def test_nothing_is_shown_that_cannot_be_written_down(served: Service) -> None:
    made = create(served, goal(begin(served), "health"))
    served.headers("municipality")
    served.house.hub.journal.close()
    answer = served.get("municipality", f"/fhir/Goal/{made['id']}")
    assert answer.status_code == 503
    assert made["id"] not in answer.text
