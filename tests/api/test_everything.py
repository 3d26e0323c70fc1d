"""$everything: all that the asker may see of one client, page by page, and nothing of anybody else."""

from __future__ import annotations

from typing import Any

import pytest

from hub.fhir.validate import errors
from tests.api.search_world import asked, get, ids, link, with_scope
from tests.api.service import Service

Resource = dict[str, Any]
OF_FIRST = {
    "diabetes", "hypertension", "weight", "pressure", "mood", "fall", "daughter", "walk", "plan", "problems", "stay",
}  # fmt: skip


def everything(service: Service, query: str = "", by: str = "municipality") -> Resource:
    return asked(service, f"{service.house.client}/$everything{query}", by)


def test_it_is_the_client_with_all_records_and_who_they_name(furnished_hub: Service) -> None:
    page = everything(furnished_hub)
    first = furnished_hub.house.client.split("/")[1]
    matches = set(ids(page))
    assert matches >= {*OF_FIRST, first}
    assert not matches & {"gout", "weight-of-second", "jana"}
    assert set(ids(page, "include")) == {"jana", "petr", "brno"}
    assert page["total"] == len(matches)
    assert errors(page) == ()


def test_its_pages_give_each_record_once(furnished_hub: Service) -> None:
    whole = set(ids(everything(furnished_hub)))
    page = everything(furnished_hub, "?_count=3")
    walked = ids(page)
    assert "total" not in page
    while link(page, "next"):
        assert f"{furnished_hub.house.client}/$everything?_page=" in link(page, "next")
        page = asked(furnished_hub, link(page, "next"))
        walked += ids(page)
    assert len(walked) == len(set(walked))
    assert set(walked) == whole
    assert link(page, "previous")


@pytest.mark.parametrize(
    ("query", "there", "gone"),
    [
        ("?_type=Condition,Goal", {"diabetes", "walk"}, {"weight", "plan"}),
        ("?_type=Condition&_type=Goal", {"diabetes", "walk"}, {"weight", "plan"}),
        ("?_since=2020-01-01T00:00:00Z", {"diabetes", "walk"}, set()),
        ("?_since=2099-01-01T00:00:00%2B01:00", set(), OF_FIRST),
        ("?start=2026-10-15", {"weight", "plan", "mood", "walk"}, {"pressure", "diabetes", "hypertension"}),
        ("?start=2026-10&end=2026-10-31", {"pressure", "plan", "mood"}, {"weight", "diabetes"}),
        ("?end=2020", {"diabetes", "mood"}, {"weight", "hypertension", "plan"}),
    ],
)
def test_it_is_narrowed_by_type_and_time(furnished_hub: Service, query: str, there: set[str], gone: set[str]) -> None:
    found = set(ids(everything(furnished_hub, query)))
    assert there <= found
    assert not gone & found


def test_it_is_asked_for_by_post_too(furnished_hub: Service) -> None:
    told = {"resourceType": "Parameters", "parameter": [{"name": "_type", "valueCode": "Goal"}]}
    path = f"/fhir/{furnished_hub.house.client}/$everything"
    assert ids(furnished_hub.send("municipality", "POST", path, told).json()) == ["walk"]
    assert ids(furnished_hub.http.post(path, headers=furnished_hub.headers("municipality")).json())


@pytest.mark.parametrize(
    "query",
    ["_count=0", "_count=x", "_type=Banana", "_since=2020", "_since=x", "start=2020-13", "end=x", "colour=red",
     "_count=1&_count=2", "_page=x&_count=1"],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused(furnished_hub: Service, query: str) -> None:
    assert get(furnished_hub, f"{furnished_hub.house.client}/$everything?{query}").status_code == 400


def test_its_pages_belong_to_one_organisation_and_one_client(furnished_hub: Service) -> None:
    house = furnished_hub.house
    token = link(everything(furnished_hub, "?_count=2"), "next").partition("_page=")[2]
    assert get(furnished_hub, f"{house.references['other']}/$everything?_page={token}").status_code == 404
    assert get(furnished_hub, f"{house.client}/$everything?_page={token}", "gp").status_code == 404
    assert get(furnished_hub, f"Condition?_page={token}").status_code == 404
    assert get(furnished_hub, f"{house.client}/$everything?_page={token}").status_code == 200


def test_the_token_s_scopes_hold_here_too(furnished_hub: Service) -> None:
    headers = with_scope(furnished_hub, "system/Patient.r system/Goal.r")
    answer = furnished_hub.http.get(f"/fhir/{furnished_hub.house.client}/$everything", headers=headers)
    assert {e["resource"]["resourceType"] for e in answer.json()["entry"]} == {"Patient", "Goal"}
    narrow = with_scope(furnished_hub, "system/Goal.r")
    assert furnished_hub.http.get(f"/fhir/{furnished_hub.house.client}/$everything", headers=narrow).status_code == 403


def test_a_hidden_client_and_an_absent_one_are_the_same_answer(furnished_hub: Service) -> None:
    hidden = get(furnished_hub, f"{furnished_hub.house.client}/$everything", "stranger")
    absent = get(furnished_hub, f"Patient/{'a' * 26}/$everything", "stranger")
    assert hidden.status_code == absent.status_code == 404
    assert hidden.content == absent.content
