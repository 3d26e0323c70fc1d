"""batch over HTTP: each entry on its own, with the rules of the route that it would have met alone."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from hub.fhir.validate import errors
from tests.api.case import REGISTER, Resource, begin, create, numbered, observation
from tests.api.service import Service
from tests.api.test_transaction import bundle, entry
from tests.exchange.world import goal


def send(served: Service, *entries: Any, by: str = "municipality", **changes: str) -> Any:
    return served.send(by, "POST", "/fhir", {**bundle(*entries), "type": "batch"}, **changes)


def answers(answer: Any) -> list[tuple[str, str]]:
    """(status, type of what came back) of every entry."""
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["type"] == "batch-response"
    assert errors(said) == ()

    def kind(e: Resource) -> str:
        return str((e.get("resource") or e["response"].get("outcome") or {}).get("resourceType", ""))

    return [(e["response"]["status"][:3], kind(e)) for e in said.get("entry", [])]


def test_each_entry_is_answered_on_its_own(served_on_each: Service) -> None:
    client = begin(served_on_each)
    kept = create(served_on_each, observation(client))
    patch = base64.b64encode(b'[{"op":"replace","path":"/code/text","value":"y"}]').decode()
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": patch}
    answer = send(
        served_on_each,
        entry("POST", "Goal", goal(client, "health")),
        entry("POST", "Goal", {**goal(client, "health"), "lifecycleStatus": "nonsense"}),
        entry("PUT", "Goal/municipality.1", {**goal(client, "health"), "id": "municipality.1"}),
        entry("PATCH", f"Observation/{kept['id']}", binary),
        entry("GET", f"Observation/{kept['id']}"),
        entry("GET", f"Observation/{kept['id']}/_history"),
        entry("GET", f"Observation?_id={kept['id']}"),
        entry("GET", f"{client}/$everything"),
        entry("GET", f"Goal/{'a' * 26}"),
        entry("DELETE", f"Observation/{kept['id']}"),
        entry("GET", f"Observation/{kept['id']}"),
        entry("GET", "metadata"),
    )
    assert answers(answer) == [
        ("201", ""),
        ("422", "OperationOutcome"),
        ("201", ""),
        ("200", ""),
        ("200", "Observation"),
        ("200", "Bundle"),
        ("200", "Bundle"),
        ("200", "Bundle"),
        ("404", "OperationOutcome"),
        ("204", ""),
        ("410", "OperationOutcome"),
        ("200", "CapabilityStatement"),
    ]
    first = answer.json()["entry"][0]["response"]
    assert first["etag"] == 'W/"1"'
    assert "/fhir/Goal/" in first["location"]
    assert len(served_on_each.house.of_client("Goal")) == 2


def test_conditions_of_entries_are_held(served: Service) -> None:
    client = begin(served)
    kept = create(served, observation(client))
    one = entry("POST", "Goal", numbered(client, "1"), ifNoneExist=f"identifier={REGISTER}|1")
    body = {**kept, "code": {"text": "y"}}
    answer = send(
        served,
        one,
        one,
        entry("PUT", f"Observation/{kept['id']}", body, ifMatch='W/"7"'),
        entry("GET", f"Observation/{kept['id']}", ifNoneMatch='W/"1"'),
        entry("DELETE", f"Goal?identifier={REGISTER}|1"),
    )
    assert [status for status, _ in answers(answer)] == ["201", "200", "412", "304", "204"]


@pytest.mark.parametrize(
    "url", ["", "/", "//", "http://169.254.169.254/x", "../health/live", "%2e%2e/metrics", "Goal/../x"]
)
def test_an_entry_is_asked_of_what_stands_below_the_base(served: Service, url: str) -> None:
    begin(served)
    nested = {**bundle(), "type": "batch"}
    for method in ("GET", "POST"):
        answer = send(served, entry(method, url, nested if method == "POST" else None))
        if answer.status_code == 200:
            [(status, _)] = answers(answer)
            assert status[0] == "4" or (method == "GET" and url in ("", "/"))
        else:
            assert answer.status_code == 422


def test_an_entry_needs_the_scope_that_it_would_need_alone(served: Service) -> None:
    client = begin(served)
    entries = (entry("POST", "Goal", goal(client, "health")), entry("GET", client), entry("GET", "Goal"))
    assert [s for s, _ in answers(send(served, *entries, scope="system/Goal.c"))] == ["201", "403", "403"]


def test_a_batch_of_nobody_is_401_and_of_too_many_413(calm: Service) -> None:
    many = {**bundle(*(entry("GET", "metadata") for _ in range(201))), "type": "batch"}
    assert calm.send("", "POST", "/fhir", many).status_code == 401
    assert calm.send("municipality", "POST", "/fhir", many).status_code == 413


def test_hidden_and_absent_are_the_same_entry(served: Service) -> None:
    made = create(served, goal(begin(served), "health"))
    hidden = send(served, entry("GET", f"Goal/{made['id']}"), by="stranger")
    absent = send(served, entry("GET", f"Goal/{'a' * 26}"), by="stranger")
    assert hidden.content == absent.content


@pytest.mark.parametrize(
    "odd",
    [
        {"entry": "x"},
        {"entry": ["x"]},
        {"entry": [None]},
        {"entry": [{}]},
        {"entry": [{"request": "GET"}]},
        {"entry": [{"request": {"method": "GET"}}]},
        {"entry": [{"request": {"method": ["GET"], "url": {"a": 1}}}]},
        {"entry": [{"resource": "x", "request": {"method": "POST", "url": "Goal"}}]},
        {"entry": [{"resource": {"resourceType": ["Goal"]}, "request": {"method": "POST", "url": "Goal"}}]},
        {"entry": [{"request": {"method": "PATCH", "url": "Goal/1"}, "resource": {"resourceType": "Binary"}}]},
        {"entry": [{"request": {"method": "GET", "url": "Goal?\u0000"}}]},
        {"entry": [{"request": {"method": "GET", "url": "Goal/ě?x=ž", "ifNoneMatch": "ž"}}]},
    ],
)
def test_a_batch_of_odd_shape_is_no_defect(calm: Service, odd: dict[str, Any]) -> None:
    answer = calm.send("municipality", "POST", "/fhir", {"resourceType": "Bundle", "type": "batch", **odd})
    assert answer.status_code < 500, answer.text
    for one in answer.json().get("entry", []):
        assert one["response"]["status"][0] == "4", one
