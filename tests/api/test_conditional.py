"""Conditional create, update, patch and delete: one match among what the asker sees, and one winner at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.case import REGISTER, begin, create, issues, named, numbered, write
from tests.api.service import Service
from tests.exchange.world import consent, goal

Q = f"identifier={REGISTER}|1"


def test_fifty_conditional_creates_at_once_make_one_record(served_on_each: Service) -> None:
    client = begin(served_on_each)
    served_on_each.headers("municipality")

    def post(_: int) -> tuple[int, str]:
        answer = served_on_each.send(
            "municipality", "POST", "/fhir/Goal", numbered(client, "1"), headers={"If-None-Exist": Q}
        )
        return answer.status_code, named(answer)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(post, range(50)))
    assert sorted(status for status, _ in answers) == [200] * 49 + [201]
    assert len({reference for _, reference in answers}) == 1
    assert len(served_on_each.house.of_client("Goal")) == 1


def test_a_conditional_create_that_meets_several_is_412(served: Service) -> None:
    client = begin(served)
    create(served, numbered(client, "1"))
    create(served, numbered(client, "1"))
    answer = served.send("municipality", "POST", "/fhir/Goal", numbered(client, "1"), headers={"If-None-Exist": Q})
    assert (answer.status_code, issues(answer)[0][0]) == (412, "multiple-matches")
    assert len(served.house.of_client("Goal")) == 2


def test_a_condition_meets_nothing_that_is_hidden(served: Service) -> None:
    """The record that the asker may not see neither stops a create nor is told of."""
    client = begin(served)
    create(served, numbered(client, "1", "ZN-SKRYTY"))
    hidden = served.send("homecare", "DELETE", f"/fhir/Goal?{Q}", b"")
    absent = served.send("homecare", "DELETE", f"/fhir/Goal?identifier={REGISTER}|2", b"")
    assert (hidden.status_code, hidden.content) == (absent.status_code, absent.content)
    assert len(served.house.of_client("Goal")) == 1


def test_a_conditional_update_changes_the_match_or_creates(served_on_each: Service) -> None:
    client = begin(served_on_each)
    path = f"/fhir/Goal?{Q}"
    first = served_on_each.send("municipality", "PUT", path, numbered(client, "1", "a"))
    second = served_on_each.send("municipality", "PUT", path, numbered(client, "1", "b"))
    assert [first.status_code, second.status_code] == [201, 200]
    assert named(first) == named(second)
    assert second.headers["etag"] == 'W/"2"'
    [stored] = served_on_each.house.of_client("Goal")
    assert stored["description"]["text"] == "b"
    body = {**numbered(client, "1", "c"), "id": "other"}
    assert served_on_each.send("municipality", "PUT", path, body).status_code == 400
    pinned = served_on_each.send("municipality", "PUT", path, numbered(client, "1"), headers={"If-Match": 'W/"1"'})
    assert pinned.status_code == 412


def test_conditional_updates_at_once_make_one_record(served_on_each: Service) -> None:
    client = begin(served_on_each)
    served_on_each.headers("municipality")

    def put(number: int) -> int:
        body = numbered(client, "1", f"{number}")
        return served_on_each.send("municipality", "PUT", f"/fhir/Goal?{Q}", body).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(put, range(8))) == [200] * 7 + [201]
    [stored] = served_on_each.house.of_client("Goal")
    assert stored["meta"]["versionId"] == "8"


def test_a_conditional_patch_needs_one_match(served: Service) -> None:
    client = begin(served)
    patch = [{"op": "replace", "path": "/description/text", "value": "y"}]

    def send() -> int:
        headers = {"Content-Type": "application/json-patch+json"}
        raw = str(patch).replace("'", '"').encode()
        return served.send("municipality", "PATCH", f"/fhir/Goal?{Q}", raw, headers=headers).status_code

    assert send() == 404
    create(served, numbered(client, "1"))
    assert send() == 200
    create(served, numbered(client, "1"))
    assert send() == 412


def test_a_conditional_delete_deletes_the_match_and_only_once(served: Service) -> None:
    client = begin(served)
    made = create(served, numbered(client, "1"))
    assert [served.send("municipality", "DELETE", f"/fhir/Goal?{Q}", b"").status_code for _ in range(2)] == [204, 204]
    assert served.get("municipality", f"/fhir/Goal/{made['id']}").status_code == 410
    create(served, numbered(client, "1"))
    create(served, numbered(client, "1"))
    assert served.send("municipality", "DELETE", f"/fhir/Goal?{Q}", b"").status_code == 412


def test_an_update_only_where_there_is_none_does_not_replace(served: Service) -> None:
    client = begin(served)
    body = {**goal(client, "health"), "id": "municipality.g1"}
    path = "/fhir/Goal/municipality.g1"
    headers = {"If-None-Match": "*"}
    statuses = [served.send("municipality", "PUT", path, body, headers=headers).status_code for _ in range(2)]
    assert statuses == [201, 412]
    assert served.send("municipality", "PUT", path, body, headers={"If-None-Match": 'W/"1"'}).status_code == 400


@pytest.mark.parametrize("query", ["", "?", "?identifier=", "?=x", "?_format=json", "?nonsense=1", "?identifier"])
def test_a_condition_that_says_nothing_is_refused(calm: Service, query: str) -> None:
    body = numbered(calm.house.client, "1")
    for method in ("PUT", "DELETE"):
        answer = calm.send("municipality", method, f"/fhir/Goal{query}", body)
        assert answer.status_code == 400, answer.text
    if query not in ("", "?_format=json"):
        headers = {"If-None-Exist": query.removeprefix("?")}
        assert calm.send("municipality", "POST", "/fhir/Goal", body, headers=headers).status_code == 400
    assert calm.house.of_client("Goal") == []


def test_a_condition_needs_the_scope_to_search(served: Service) -> None:
    client = begin(served)
    answer = served.send(
        "municipality", "POST", "/fhir/Goal", numbered(client, "1"),
        headers={"If-None-Exist": Q}, scope="system/Goal.cr",
    )  # fmt: skip
    assert answer.status_code == 403


# -- update as create ----------------------------------------------------------------------------------------------


def test_a_put_creates_in_the_organisations_own_name_space_alone(served_on_each: Service) -> None:
    client = begin(served_on_each)

    def put(id: str, by: str = "municipality") -> int:
        return served_on_each.send(by, "PUT", f"/fhir/Goal/{id}", {**goal(client, "health"), "id": id}).status_code

    assert put("municipality.1") == 201
    assert put("municipality.1") == 200
    assert [put(id) for id in ("gp.1", "municipality", "municipality.", "municipalityx.1", "other")] == [404] * 5
    assert put("municipality.1", by="gp") == 404
    assert served_on_each.house.stored("Goal/municipality.1")["meta"]["versionId"] == "1"


def test_a_name_space_inside_another_is_not_the_others(served: Service) -> None:
    entry = served.house.entry("stranger")
    entry["organisation"] = {**entry["organisation"], "id": "municipality.south"}
    served.house.connect("gp", gp=entry)
    client = begin(served)
    body = {**goal(client, "health"), "id": "municipality.south.1"}
    assert served.send("municipality", "PUT", "/fhir/Goal/municipality.south.1", body).status_code == 404


def test_a_clients_id_is_given_by_the_hub(served: Service) -> None:
    begin(served)
    body = {"resourceType": "Patient", "id": "municipality.p"}
    answer = served.send("municipality", "PUT", "/fhir/Patient/municipality.p", body)
    assert (answer.status_code, issues(answer)[0][0]) == (422, "business-rule")


def test_what_was_deleted_in_ones_own_name_space_can_be_put_again(served: Service) -> None:
    client = begin(served)
    path, body = "/fhir/Goal/municipality.1", {**goal(client, "health"), "id": "municipality.1"}
    write(served, "PUT", path, body)
    write(served, "DELETE", path, b"")
    assert served.get("municipality", path).status_code == 410
    again = served.send("municipality", "PUT", path, body)
    assert (again.status_code, again.headers["etag"]) == (201, 'W/"3"')
    assert served.get("municipality", path).status_code == 200


def test_a_consent_is_needed_to_create_by_put_too(served: Service) -> None:
    client = begin(served)
    served.house.introduce(by="homecare", number="H-1")
    body = {"resourceType": "Observation", "id": "homecare.1", "status": "final", "code": {"text": "x"},
            "subject": {"reference": client}}  # fmt: skip
    assert served.send("homecare", "PUT", "/fhir/Observation/homecare.1", body).status_code == 403
    body = {**consent(client, "homecare", ("health",)), "id": "homecare.1"}
    assert served.send("homecare", "PUT", "/fhir/Consent/homecare.1", body).status_code == 403
