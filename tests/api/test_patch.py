"""patch over HTTP: three languages, one queue for each record, and nothing of whose it is."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api.case import begin, create, issues, observation
from tests.api.service import Service
from tests.exchange.world import goal

JSON_PATCH, MERGE, FHIR = "application/json-patch+json", "application/merge-patch+json", "application/fhir+json"


def patch(served: Service, path: str, body: Any, type: str = JSON_PATCH, by: str = "municipality", **more: str) -> Any:
    headers = {"Content-Type": type, **{name.replace("_", "-"): value for name, value in more.items()}}
    return served.send(by, "PATCH", f"/fhir/{path}", json.dumps(body).encode(), headers=headers)


def replacing(path: str, value: Any) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": path, "value": value}]


def fhirpath(path: str, value: str) -> dict[str, Any]:
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": path},
        {"name": "value", "valueString": value},
    ]
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}


@pytest.mark.parametrize(
    ("type", "body"),
    [
        (JSON_PATCH, replacing("/description/text", "y")),
        (MERGE, {"description": {"text": "y"}}),
        ("application/json", {"description": {"text": "y"}}),
        (FHIR, fhirpath("Goal.description.text", "y")),
    ],
)
def test_a_record_is_patched_in_three_languages(served: Service, type: str, body: Any) -> None:
    made = create(served, goal(begin(served), "health"))
    answer = patch(served, f"Goal/{made['id']}", body, type)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["description"]["text"], answer.headers["etag"]) == ("y", 'W/"2"')
    assert served.house.stored(f"Goal/{made['id']}")["description"]["text"] == "y"
    assert patch(served, f"Goal/{made['id']}", body, type).headers["etag"] == 'W/"2"'


def test_concurrent_patches_of_different_items_all_land(served_on_each: Service) -> None:
    made = create(served_on_each, observation(begin(served_on_each)))
    served_on_each.headers("municipality")

    def add(number: int) -> int:
        note = [{"op": "add", "path": "/note/-", "value": {"text": f"n{number}"}}]
        return int(patch(served_on_each, f"Observation/{made['id']}", note).status_code)

    first = [{"op": "add", "path": "/note", "value": [{"text": "n"}]}]
    assert patch(served_on_each, f"Observation/{made['id']}", first).status_code == 200
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(add, range(24))) == {200}
    stored = served_on_each.house.stored(f"Observation/{made['id']}")
    assert {n["text"] for n in stored["note"]} == {"n", *(f"n{k}" for k in range(24))}
    assert stored["meta"]["versionId"] == "26"


def test_a_pinned_patch_of_another_version_is_412(served: Service) -> None:
    made = create(served, goal(begin(served), "health"))
    path = f"Goal/{made['id']}"
    assert patch(served, path, replacing("/description/text", "y"), If_Match='W/"1"').status_code == 200
    assert patch(served, path, replacing("/description/text", "z"), If_Match='W/"1"').status_code == 412


def test_the_plan_is_patched_with_if_match_only(served: Service) -> None:
    begin(served)
    served.house.draft(("health",))
    plan = served.house.references["careplan"]
    body = [{"op": "add", "path": "/title", "value": "x"}]
    assert patch(served, plan, body).status_code == 428
    assert patch(served, plan, body, If_Match='W/"1"').status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        replacing("", {}),
        replacing("/id", "other"),
        replacing("/resourceType", "Flag"),
        [{"op": "move", "from": "/id", "path": "/statusReason"}],
        [{"op": "remove", "path": "/id"}],
        [{"op": "test", "path": "/description/text", "value": "nonsense"}],
        replacing("/lifecycleStatus", "nonsense"),
        [{"op": "add", "path": "/nonsense", "value": 1}],
        [{"op": "remove", "path": "/nothing"}],
    ],
)
def test_a_patch_that_breaks_the_record_is_422_and_changes_nothing(calm: Service, body: Any) -> None:
    made = create(calm, goal(calm.house.client, "health"))
    answer = patch(calm, f"Goal/{made['id']}", body)
    assert answer.status_code == 422, answer.text
    assert calm.house.stored(f"Goal/{made['id']}")["meta"]["versionId"] == "1"


@pytest.mark.parametrize("body", [{}, [{}], [{"op": "burn"}], [7], "x", [{"op": "add", "path": "x", "value": 1}]])
def test_what_is_no_patch_is_refused(calm: Service, body: Any) -> None:
    made = create(calm, goal(calm.house.client, "health"))
    assert patch(calm, f"Goal/{made['id']}", body).status_code in (400, 422)


def test_stamps_of_the_server_and_labels_are_not_patched_away(served: Service) -> None:
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    made = create(served, {**goal(begin(served), "health"), "meta": {"security": [label]}})
    path = f"Goal/{made['id']}"
    body = {"meta": {"security": None, "versionId": "77"}, "description": {"text": "y"}}
    answer = patch(served, path, body, MERGE)
    if answer.status_code == 200:
        assert answer.json()["meta"]["versionId"] == "2"
    assert served.house.stored(path)["meta"]["security"] == [label]
    put = {k: v for k, v in served.house.stored(path).items() if k != "meta"}
    served.send("municipality", "PUT", f"/fhir/{path}", {**put, "description": {"text": "z"}})
    assert served.house.stored(path)["meta"]["security"] == [label]


def test_who_may_not_write_may_not_patch(served: Service) -> None:
    client = begin(served)
    made = create(served, observation(client))
    path = f"Observation/{made['id']}"
    body = replacing("/code/text", "y")
    hidden, absent = patch(served, path, body, by="stranger"), patch(served, f"Observation/{'a' * 26}", body)
    assert (hidden.status_code, hidden.content) == (404, absent.content)
    served.house.introduce(by="homecare", number="H-1")
    served.house.agree("homecare", ("health", "identity"))
    assert patch(served, path, body, by="homecare").status_code == 403


def test_a_patch_may_not_carry_a_record_into_an_area_or_out_of_one_that_is_shut(served: Service) -> None:
    client = begin(served)
    served.house.introduce(by="homecare", number="H-1")
    served.house.agree("homecare", ("health", "finance", "identity"))
    served.house.agree("homecare", ("health",), "correct")
    into = create(served, observation(client, of="health"))
    out = create(served, observation(client, of="finance"))
    code = "/category/0/coding/0/code"
    assert patch(served, f"Observation/{into['id']}", replacing(code, "finance"), by="homecare").status_code == 403
    assert patch(served, f"Observation/{out['id']}", replacing(code, "health"), by="homecare").status_code == 403


def test_another_media_type_is_415(calm: Service) -> None:
    made = create(calm, goal(calm.house.client, "health"))
    for type in ("text/plain", "", "application/pdf"):
        assert patch(calm, f"Goal/{made['id']}", [], type).status_code == 415


def test_eight_writers_of_one_record_lose_no_version(served_on_each: Service) -> None:
    """The complaint with 8 x 200, here with 8 x 25: every update is a version, in order."""
    made = create(served_on_each, observation(begin(served_on_each)))
    path = f"/fhir/Observation/{made['id']}"
    served_on_each.headers("municipality")

    def write(writer: int) -> set[int]:
        bodies = ({**made, "note": [{"text": f"{writer}-{turn}"}]} for turn in range(25))
        return {served_on_each.send("municipality", "PUT", path, body).status_code for body in bodies}

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(write, range(8))) == [{200}] * 8
    with served_on_each.house.hub.store.reading() as tx:
        versions = tx.records.history("Observation", made["id"])
        notes = [served_on_each.house.hub.vault.open_resource(tx, v).get("note") for v in versions]
    assert [v.version for v in versions] == list(range(201, 0, -1))
    assert len({json.dumps(note) for note in notes}) == 201


def test_issues_say_which_operation_does_not_fit(calm: Service) -> None:
    made = create(calm, goal(calm.house.client, "health"))
    answer = patch(calm, f"Goal/{made['id']}", [*replacing("/description/text", "y"), {"op": "remove", "path": "/x"}])
    assert issues(answer)
    assert "operation 2" in answer.json()["issue"][0]["diagnostics"]
