"""What people complain about in other servers, tried on this one: made once, changed once, in order, and not lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from hub.fhir import text
from tests.api.service import Service
from tests.exchange.world import condition, goal, transaction, urn

Resource = dict[str, Any]
SYSTEM = "https://municipality.example/sid/problem"


def at_once(calls: Sequence[Callable[[], httpx.Response]], *, threads: int = 16) -> list[httpx.Response]:
    """All of these, side by side."""
    with ThreadPoolExecutor(threads) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def numbered(service: Service, number: str) -> Resource:
    """A problem that its organisation knows by a number."""
    return {
        **condition("Pád"),
        "subject": {"reference": service.house.client},
        "identifier": [{"system": SYSTEM, "value": number}],
    }


def versions(service: Service, reference: str) -> list[Resource]:
    """Every version of a record, the newest first, all pages of it."""
    found: list[Resource] = []
    path = f"/fhir/{reference}/_history?_count=100"
    while path:
        page = service.get("municipality", path).json()
        found += [e["resource"] for e in page.get("entry", [])]
        path = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")
        path = "/fhir" + path.partition("/fhir")[2] if path else ""
    return found


def test_fifty_conditional_creates_at_once_make_one(served_on_each: Service) -> None:
    service = served_on_each
    service.house.intake()
    service.headers("municipality")
    body = numbered(service, "P-1")
    once = {"If-None-Exist": f"identifier={SYSTEM}|P-1"}
    answers = at_once([lambda: service.send("municipality", "POST", "/fhir/Condition", body, headers=once)] * 50)
    assert sorted(a.status_code for a in answers) == [200] * 49 + [201]
    assert len({a.json()["id"] for a in answers}) == 1
    assert len(service.house.of_client("Condition")) == 1


def test_a_transaction_sent_twenty_times_changes_nothing(served_on_each: Service) -> None:
    service = served_on_each
    house = service.house
    house.intake()
    service.headers("municipality")
    with_key = transaction({urn("a"): goal(house.client, "health"), urn("b"): goal(house.client, "housing")}, key="k-1")
    conditional = transaction({urn("c"): numbered(service, "P-7")})
    conditional["entry"][0]["request"]["ifNoneExist"] = f"identifier={SYSTEM}|P-7"
    for bundle in (with_key, conditional):
        first = service.send("municipality", "POST", "/fhir", bundle)
        assert first.status_code == 200, first.text
        answers = at_once([lambda b=bundle: service.send("municipality", "POST", "/fhir", b)] * 20, threads=4)
        assert {a.status_code for a in answers} == {200}
        told = [e["response"]["location"] for e in first.json()["entry"]]
        assert all([e["response"]["location"] for e in a.json()["entry"]] == told for a in answers)
    stored = house.of_client("Goal", "Condition")
    assert [r["meta"]["versionId"] for r in stored] == ["1", "1", "1"]


def many_writers(service: Service, writers: int, updates: int) -> None:
    house = service.house
    house.intake()
    service.headers("municipality")
    made = service.send("municipality", "POST", "/fhir/Condition", numbered(service, "P-0")).json()
    path = f"/fhir/Condition/{made['id']}"

    def writer(who: int) -> list[httpx.Response]:
        return [
            service.send("municipality", "PUT", path, {**made, "note": [{"text": f"{who}-{n}"}]})
            for n in range(updates)
        ]

    with ThreadPoolExecutor(writers) as pool:
        answers = [a for future in [pool.submit(writer, w) for w in range(writers)] for a in future.result()]
    assert {a.status_code for a in answers} == {200}
    told = sorted(int(a.json()["meta"]["versionId"]) for a in answers)
    assert told == list(range(2, writers * updates + 2))
    kept = versions(service, f"Condition/{made['id']}")
    assert [int(r["meta"]["versionId"]) for r in kept] == list(range(writers * updates + 1, 0, -1))
    for who in range(writers):
        mine = [
            r["note"][0]["text"] for r in reversed(kept) if r.get("note", [{}])[0].get("text", "").startswith(f"{who}-")
        ]
        assert mine == [f"{who}-{n}" for n in range(updates)]


def test_eight_writers_of_one_record_lose_no_version(served_on_each: Service) -> None:
    many_writers(served_on_each, 8, 15)


@pytest.mark.slow
def test_eight_writers_of_one_record_lose_none_of_sixteen_hundred_versions(served_on_each: Service) -> None:
    many_writers(served_on_each, 8, 200)


def test_patches_of_different_items_all_land(served_on_each: Service) -> None:
    service = served_on_each
    service.house.intake()
    service.headers("municipality")
    made = service.send("municipality", "POST", "/fhir/Condition", numbered(service, "P-0")).json()
    path = f"/fhir/Condition/{made['id']}"

    def adding(n: int) -> bytes:
        note = {"name": "value", "part": [{"name": "text", "valueMarkdown": f"poznámka {n}"}]}
        parts = [
            {"name": "type", "valueCode": "add"},
            {"name": "path", "valueString": "Condition"},
            {"name": "name", "valueString": "note"},
            note,
        ]
        return text.write({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]})

    answers = at_once(
        [lambda n=n: service.send("municipality", "PATCH", path, adding(n)) for n in range(24)], threads=8
    )
    assert {a.status_code for a in answers} == {200}, [a.text for a in answers if a.status_code != 200][:1]
    kept = service.get("municipality", path).json()
    assert {n["text"] for n in kept["note"]} == {f"poznámka {n}" for n in range(24)}


def test_what_was_written_is_found_at_once(served_on_each: Service) -> None:
    service = served_on_each
    service.house.intake()
    for n in range(10):
        made = service.send("municipality", "POST", "/fhir/Condition", numbered(service, f"P-{n}"))
        assert made.status_code == 201, made.text
        found = service.get("municipality", f"/fhir/Condition?identifier={SYSTEM}|P-{n}").json()
        assert [e["resource"]["id"] for e in found["entry"]] == [made.json()["id"]]
