"""What a search is answered with: order, pages, totals, what comes along, parts of resources, links, warnings."""

from __future__ import annotations

import pytest

from hub.fhir.validate import errors
from tests.api.search_world import SNOMED, asked, found, get, ids, link, with_scope
from tests.api.service import Service
from tests.exchange.world import BIRTH_NUMBER, CLIENT

Ordered = list[str]

ORDERS = [
    ("Condition?_sort=recorded-date", ["diabetes", "gout", "hypertension"]),
    ("Condition?_sort=-recorded-date", ["hypertension", "gout", "diabetes"]),
    ("Condition?_sort=code", ["diabetes", "gout", "hypertension"]),
    ("Condition?_sort=clinical-status,-recorded-date", ["gout", "diabetes", "hypertension"]),
    ("Condition?_sort=_id", ["diabetes", "gout", "hypertension"]),
    ("Condition?_sort=-_id", ["hypertension", "gout", "diabetes"]),
    ("Observation?_sort=date", ["weight-of-second", "pressure", "weight", "mood"]),
    ("Observation?_sort=-date", ["weight", "pressure", "weight-of-second", "mood"]),
    ("Observation?_sort=value-quantity&code=29463-7", ["weight", "weight-of-second"]),
    ("Observation?_sort=-value-quantity&code=29463-7", ["weight-of-second", "weight"]),
    ("Practitioner?_sort=-family", ["jana", "petr"]),
    ("Questionnaire?_sort=url", ["barthel", "barthel-long"]),
]


@pytest.mark.parametrize(("query", "expected"), ORDERS, ids=[query for query, _ in ORDERS])
def test_the_order_is_the_one_asked_for_and_what_has_no_value_is_last(
    furnished_hub: Service, query: str, expected: Ordered
) -> None:
    assert found(furnished_hub, query) == expected


@pytest.mark.parametrize(("query", "expected"), ORDERS, ids=[query for query, _ in ORDERS])
def test_pages_of_one_give_the_same_order_forward_and_back(
    furnished_hub: Service, query: str, expected: Ordered
) -> None:
    page = asked(furnished_hub, f"{query}&_count=1")
    first, walked = page, ids(page)
    while link(page, "next"):
        page = asked(furnished_hub, link(page, "next"))
        walked += ids(page)
    assert walked == expected
    back = ids(page)
    while link(page, "previous"):
        page = asked(furnished_hub, link(page, "previous"))
        back += ids(page)
    assert back == expected[::-1]
    assert asked(furnished_hub, link(page, "first"))["entry"] == first["entry"]


def test_links_are_absolute_and_say_what_was_used(furnished_hub: Service) -> None:
    base = f"{furnished_hub.house.hub.settings.public_url}/fhir"
    page = asked(furnished_hub, f"Condition?code={SNOMED}|&_count=1&_format=json")
    assert link(page, "self") == f"{base}/Condition?code={SNOMED}%7C&_count=1"
    assert link(page, "next").startswith(f"{base}/Condition?_page=")
    assert link(page, "previous") == ""
    second = asked(furnished_hub, link(page, "next"))
    assert link(second, "self") == link(page, "next")
    assert [e["fullUrl"] for e in page["entry"]] == [f"{base}/Condition/{id}" for id in ids(page)]
    assert link(asked(furnished_hub, "Condition?_count=500"), "self") == f"{base}/Condition?_count=100"
    assert errors(page) == ()


def test_the_link_of_a_page_carries_no_number_of_a_client(furnished_hub: Service) -> None:
    form = {"identifier": f"{BIRTH_NUMBER}|{CLIENT.birth_number}", "_count": "1", "_total": "none"}
    headers = furnished_hub.headers("municipality")
    one = furnished_hub.http.post("/fhir/Patient/_search", data=form, headers=headers).json()
    assert len(ids(one)) == 1
    query = f"Observation?patient.identifier={BIRTH_NUMBER}|{CLIENT.birth_number}&_count=1"
    page = asked(furnished_hub, query)
    assert CLIENT.birth_number not in link(page, "next")
    assert ids(asked(furnished_hub, link(page, "next"))) != ids(page)


TOTALS = [
    ("Condition?_total=accurate&_count=1", 3), ("Condition?_total=estimate&_count=1", 3),
    ("Condition?_total=none&_count=1", None), ("Condition?_count=1", None), ("Condition", 3),
    ("Condition?code=absent", 0), ("Condition?_total=none", 3),
    (f"Condition?code={SNOMED}|&_total=accurate&_count=1", 2),
]  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), TOTALS)
def test_a_total_is_told_where_it_is_asked_for_or_all_is_on_the_page(
    furnished_hub: Service, query: str, expected: int | None
) -> None:
    page = asked(furnished_hub, query)
    assert page.get("total") == expected
    if link(page, "next"):
        assert asked(furnished_hub, link(page, "next")).get("total") == expected


@pytest.mark.parametrize("query", ["Condition?_summary=count", "Condition?_count=0"])
def test_a_count_has_a_total_and_nothing_else(furnished_hub: Service, query: str) -> None:
    page = asked(furnished_hub, query)
    assert page["total"] == 3
    assert "entry" not in page
    assert [one["relation"] for one in page["link"]] == ["self"]


INCLUDES = [
    ("CarePlan?_include=CarePlan:goal", {"walk"}),
    ("CarePlan?_include=CarePlan:goal:Goal", {"walk"}),
    ("CarePlan?_include=CarePlan:goal&_include:iterate=Goal:patient", {"walk", "first"}),
    ("CarePlan?_include=*", {"walk", "first"}),
    ("CarePlan?_include=CarePlan:care-team", set()),
    ("Condition?_id=diabetes&_include=Condition:asserter", {"jana"}),
    ("Condition?_id=diabetes&_include=Condition:asserter&_revinclude:iterate=PractitionerRole:practitioner",
     {"jana", "jana-role"}),
    ("Goal?_revinclude=CarePlan:goal", {"plan"}),
    ("Observation?_id=weight&_revinclude=Observation:derived-from", {"pressure"}),
    ("Location?_id=brno&_include=Location:partof", {"praha"}),
    ("Observation?_id=pressure&_include=Observation:derived-from&_include:iterate=Observation:performer",
     {"weight", "jana"}),
    ("Observation?_id=pressure&_include=Observation:derived-from&_include=Observation:performer", {"weight"}),
]  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), INCLUDES, ids=[query for query, _ in INCLUDES])
def test_what_comes_along(furnished_hub: Service, query: str, expected: set[str]) -> None:
    page = asked(furnished_hub, query)
    first = furnished_hub.house.client.split("/")[1]
    assert {"first" if id == first else id for id in ids(page, "include")} == expected
    assert not set(ids(page)) & set(ids(page, "include"))
    assert page["total"] == len(ids(page))


def test_what_the_token_does_not_read_does_not_come_along(furnished_hub: Service) -> None:
    def seen(scope: str, query: str) -> tuple[int, list[str]]:
        headers = with_scope(furnished_hub, scope)
        answer = furnished_hub.http.get(f"/fhir/{query}", headers=headers)
        return answer.status_code, ids(answer.json(), "include") if answer.status_code == 200 else []

    include = "CarePlan?_include=CarePlan:goal&_include=CarePlan:subject"
    assert seen("system/CarePlan.rs system/Goal.r", include) == (200, ["walk"])
    assert seen("system/CarePlan.rs", include) == (200, [])
    assert seen("system/CarePlan.rs", "CarePlan?_include=*") == (200, [])
    assert seen("system/CarePlan.r", "CarePlan")[0] == 403
    assert seen("system/CarePlan.rs", "CarePlan?goal.lifecycle-status=active")[0] == 403
    assert seen("system/CarePlan.rs system/Goal.r", "CarePlan?goal.lifecycle-status=active")[0] == 200
    assert seen("system/Goal.rs", "Goal?_has:CarePlan:goal:status=active")[0] == 403
    assert seen("system/Goal.rs", "?_type=Goal,CarePlan")[0] == 403
    assert seen("system/Condition.rs", "Condition?_list=problems")[0] == 403


def test_a_search_of_everything_is_of_what_the_token_reads(furnished_hub: Service) -> None:
    headers = with_scope(furnished_hub, "system/Goal.rs system/RiskAssessment.rs")
    everything = furnished_hub.http.get("/fhir?_count=100", headers=headers).json()
    assert set(ids(everything)) == {"walk", "fall"}


PARTS = [
    ("Condition?_id=diabetes&_summary=true", {"code", "subject", "clinicalStatus"}, {"text", "note"}),
    ("Condition?_id=diabetes&_summary=text", {"text"}, {"code", "recordedDate"}),
    ("Condition?_id=diabetes&_summary=data", {"code", "recordedDate"}, {"text"}),
    ("Condition?_id=diabetes&_elements=code,recordedDate", {"code", "recordedDate", "subject"}, {"text", "onset"}),
    ("Observation?_id=weight&_elements=value", {"valueQuantity", "status", "code"}, {"performer"}),
]


@pytest.mark.parametrize(("query", "there", "gone"), PARTS, ids=[query for query, _, _ in PARTS])
def test_as_much_of_a_resource_as_was_asked_for(
    furnished_hub: Service, query: str, there: set[str], gone: set[str]
) -> None:
    (entry,) = asked(furnished_hub, query)["entry"]
    resource = entry["resource"]
    assert there <= resource.keys()
    assert not gone & resource.keys()
    assert "SUBSETTED" in {tag["code"] for tag in resource["meta"]["tag"]}
    assert errors(resource) == ()


def test_elements_are_those_of_the_matches(furnished_hub: Service) -> None:
    page = asked(furnished_hub, "CarePlan?_include=CarePlan:goal&_elements=status")
    match, include = (entry["resource"] for entry in page["entry"])
    assert "period" not in match
    assert include["description"] == {"text": "Chodit"}


def test_an_unknown_parameter_is_refused_unless_the_caller_is_lenient(furnished_hub: Service) -> None:
    strict = get(furnished_hub, "Goal?colour=red&lifecycle-status=active")
    assert strict.status_code == 400
    assert "colour" in strict.text
    for preference in ("handling=strict", "return=minimal"):
        assert get(furnished_hub, "Goal?colour=red", Prefer=preference).status_code == 400
    page = asked(furnished_hub, "Goal?colour=red&lifecycle-status=active", Prefer="handling=lenient")
    assert ids(page) == ["walk"]
    (said,) = [e["resource"] for e in page["entry"] if e["search"]["mode"] == "outcome"]
    assert said["issue"][0]["severity"] == "warning"
    assert "colour" in said["issue"][0]["diagnostics"]
    assert "red" not in str(said)
    assert "colour" not in link(page, "self")
    assert errors(page) == ()


def test_every_fault_is_told_at_once(furnished_hub: Service) -> None:
    answer = get(furnished_hub, "Observation?date=yesterday&colour=red&value-quantity=much&_count=-1")
    assert answer.status_code == 400
    for name in ("date", "colour", "value-quantity", "_count"):
        assert name in answer.text
    assert "yesterday" not in answer.text


def test_the_answer_is_also_xml(furnished_hub: Service) -> None:
    answer = get(furnished_hub, "Goal?_format=xml")
    assert answer.headers["content-type"].startswith("application/fhir+xml")
    assert b"<Bundle" in answer.content
    accepted = get(furnished_hub, "Goal", Accept="application/fhir+xml")
    assert accepted.content == answer.content


def test_what_was_written_is_found_at_once(furnished_hub: Service) -> None:
    house = furnished_hub.house
    goal = {
        "resourceType": "Goal",
        "lifecycleStatus": "proposed",
        "description": {"text": "Nový cíl"},
        "category": [{"coding": [{"system": "https://casehub.example/fhir/CodeSystem/care-area", "code": "health"}]}],
        "subject": {"reference": house.client},
    }
    made = furnished_hub.send("municipality", "POST", "/fhir/Goal", goal)
    assert made.status_code == 201, made.text
    id = made.json()["id"]
    assert found(furnished_hub, "Goal?lifecycle-status=proposed") == [id]
    changed = {**made.json(), "lifecycleStatus": "on-hold"}
    assert furnished_hub.send("municipality", "PUT", f"/fhir/Goal/{id}", changed).status_code == 200
    assert found(furnished_hub, "Goal?lifecycle-status=proposed") == []
    assert found(furnished_hub, "Goal?lifecycle-status=on-hold") == [id]
    assert furnished_hub.send("municipality", "DELETE", f"/fhir/Goal/{id}").status_code in (200, 204)
    assert found(furnished_hub, "Goal?lifecycle-status=on-hold") == []
