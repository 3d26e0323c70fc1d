"""Searches that are meant to cost, to break, or to dodge: each has a safe answer, and the hub is alive beside it.

The numbers are those of the black-box attack list, 29 to 40 (docs/guarantees.md).
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator

import pytest

from hub.exchange.asker import Asker
from tests.api.search_world import HEALTH, asked, found, get, ids, link, put, reference
from tests.api.service import Service
from tests.exchange.world import BIRTH_NUMBER, CLIENT


@pytest.fixture(autouse=True)
def alive(furnished_hub: Service) -> Iterator[None]:
    """After every attack the hub answers, and answers right."""
    yield
    began = time.perf_counter()
    assert found(furnished_hub, "Goal?_id=walk") == ["walk"]
    assert time.perf_counter() - began < 5


def refused(service: Service, query: str, status: int = 400) -> str:
    answer = get(service, query)
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert "Traceback" not in answer.text
    assert "sqlite" not in answer.text.lower()
    return answer.text


def test_29_a_count_is_clamped_or_refused(furnished_hub: Service) -> None:
    assert "_count=100" in link(asked(furnished_hub, "Goal?_count=1000000000"), "self")
    for count in ("-1", "abc", "1.5", "", "1e3", "9" * 30, "%00", "+5"):
        refused(furnished_hub, f"Goal?_count={count}")


def test_30_a_cycle_of_includes_ends(furnished_hub: Service) -> None:
    client = furnished_hub.house.client
    ring = [
        {"resourceType": "Observation", "id": f"ring-{n}", "status": "final", "code": {"text": "ring"},
         "subject": reference(client), "derivedFrom": [reference(f"Observation/ring-{(n + 1) % 5}")]}
        for n in range(5)
    ]  # fmt: skip
    put(furnished_hub.house, *ring, labels=HEALTH)
    page = asked(furnished_hub, "Observation?_id=ring-0&_include=*&_include:iterate=*&_revinclude:iterate=*")
    along = ids(page, "include")
    assert {f"ring-{n}" for n in range(1, 5)} <= set(along)
    assert len(along) == len(set(along))


def test_30_what_comes_along_is_capped_with_a_warning(furnished_hub: Service) -> None:
    client = furnished_hub.house.references["other"]
    many = [
        {"resourceType": "Flag", "id": f"flag-{n}", "status": "active", "code": {"text": "x"},
         "subject": reference(client)}
        for n in range(510)
    ]  # fmt: skip
    put(furnished_hub.house, *many, labels=HEALTH)
    page = asked(furnished_hub, f"Patient?_id={client.split('/')[1]}&_revinclude=Flag:patient")
    assert len(ids(page, "include")) == 500
    (said,) = [e["resource"] for e in page["entry"] if e["search"]["mode"] == "outcome"]
    assert said["issue"][0]["code"] == "too-costly"
    assert said["issue"][0]["severity"] == "warning"


def test_31_more_parameters_than_a_search_may_have(furnished_hub: Service) -> None:
    refused(furnished_hub, "Patient?" + "&".join(["_revinclude=Goal:patient"] * 200))
    refused(furnished_hub, "Patient?" + "&".join(["_revinclude=Goal:patient"] * 31))
    refused(furnished_hub, "Patient?" + "&".join(["name=a"] * 31))


def test_32_a_chain_has_few_links(furnished_hub: Service) -> None:
    links = ".".join(["derived-from:Observation"] * 12)
    refused(furnished_hub, f"Observation?{links}.code=x")
    refused(furnished_hub, "Patient?" + "_has:Observation:subject:" * 1 + "derived-from:Observation." * 11 + "code=x")
    refused(
        furnished_hub,
        "Observation?_has:Observation:derived-from:" * 1 + "_has:Observation:derived-from:" * 9 + "code=x",
    )


def test_34_what_is_not_offered_is_said_so(furnished_hub: Service) -> None:
    for query in (
        "Goal?_filter=" + "(" * 1000 + "x" + ")" * 1000, "Goal?_query=all", "Goal?_contained=true",
        "Goal?_containedType=container", "Goal?_score=1", "Goal?lifecycle-status:banana=x", "Goal?lifecycle-status:=x",
        "Goal?_sort=banana", "Goal?_summary=banana", "Goal?_total=banana", "Goal?_elements=banana",
        "Goal?_include=banana", "Goal?_include=Goal:banana", "Goal?_revinclude=Banana:x", "Goal?_lastUpdated=banana",
        "Goal?_lastUpdated:not=2020", "Goal?start-date=2020-13", "Goal?_id=", "Goal?=x", "Goal?lifecycle-status=a,,b",
    ):  # fmt: skip
        refused(furnished_hub, query)


@pytest.mark.parametrize(
    "text",
    ["%25%25%25%25%25", "_____", "' OR 1=1--", "'; DROP TABLE record;--", "%27%29%20UNION%20SELECT%201--", "*", "\\\\",
     "Ж" * 500, "%EF%BF%BD", "a" * 7000],
)  # fmt: skip
def test_35_every_letter_means_itself(furnished_hub: Service, text: str) -> None:
    for query in (f"Practitioner?name:contains={text}", f"Practitioner?name={text}", f"Goal?lifecycle-status={text}"):
        assert get(furnished_hub, query).status_code in (200, 400, 413, 414)
        if get(furnished_hub, query).status_code == 200:
            assert found(furnished_hub, query) == []


@pytest.mark.parametrize("query", ["Goal?_id=%00", "Practitioner?name=a%00b", "Goal?lifecycle-status=%ED%A0%80"])
def test_what_no_text_can_hold_finds_nothing_or_is_refused(furnished_hub: Service, query: str) -> None:
    answer = get(furnished_hub, query)
    assert answer.status_code in (200, 400)
    assert ids(answer.json()) == [] or answer.status_code == 400


def test_37_a_paging_token_is_good_for_nobody_else_and_nothing_else(furnished_hub: Service) -> None:
    token = link(asked(furnished_hub, "Condition?_count=1"), "next").partition("_page=")[2]
    assert get(furnished_hub, f"Condition?_page={token}").status_code == 200
    for organisation in ("gp", "stranger", "homecare"):
        assert get(furnished_hub, f"Condition?_page={token}", organisation).status_code == 404
    assert get(furnished_hub, f"Goal?_page={token}").status_code == 404
    assert get(furnished_hub, f"?_page={token}").status_code == 404
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    for place in range(0, len(raw), 11):
        broken = bytes(b ^ 1 if n == place else b for n, b in enumerate(raw))
        changed = base64.urlsafe_b64encode(broken).decode().rstrip("=")
        assert get(furnished_hub, f"Condition?_page={changed}").status_code == 404
    for other in ("", "x", "A" * 5000, "..%2F..", "%00"):
        assert get(furnished_hub, f"Condition?_page={other}").status_code in (400, 404)
    assert get(furnished_hub, f"Condition?_page={token}&code=x").status_code == 400
    assert get(furnished_hub, f"Condition?_page={token}&_page={token}").status_code == 400


def test_37_a_paging_token_does_not_expire(furnished_hub: Service) -> None:
    house = furnished_hub.house
    following = link(asked(furnished_hub, "Condition?_count=1"), "next")
    before = get(furnished_hub, following).content
    now = house.clock.now
    house.clock.later(days=400)
    try:
        late = house.hub.searcher.search(
            Asker("municipality", "COC", house.asker().basis, roles=house.asker().roles),
            lambda _: True,
            "Condition",
            [("_page", following.partition("_page=")[2])],
        )
    finally:
        house.clock.now = now
    assert ids(late)
    assert get(furnished_hub, following).content == before


def test_38_a_question_has_one_answer_however_it_is_split(furnished_hub: Service) -> None:
    headers = furnished_hub.headers("municipality")
    whole = asked(furnished_hub, "Goal?lifecycle-status=active&_id=walk")["entry"]
    for url, form in (
        ("?lifecycle-status=active", {"_id": "walk"}),
        ("?_id=walk", {"lifecycle-status": "active"}),
        ("", {"_id": "walk", "lifecycle-status": "active"}),
    ):
        answer = furnished_hub.http.post(f"/fhir/Goal/_search{url}", data=form, headers=headers)
        assert answer.json()["entry"] == whole
    both = furnished_hub.http.post("/fhir/Goal/_search?_id=walk", data={"_id": "other"}, headers=headers)
    assert ids(both.json()) == []
    many = furnished_hub.http.post(
        "/fhir/Goal/_search?" + "&".join(["_id=walk"] * 20), data={"lifecycle-status": ["active"] * 20}, headers=headers
    )
    assert many.status_code == 400


def test_a_form_that_is_none_is_refused(furnished_hub: Service) -> None:
    def status(body: bytes, **changes: str) -> int:
        headers = {"Content-Type": "application/x-www-form-urlencoded", **furnished_hub.headers("municipality")}
        return furnished_hub.http.post("/fhir/Goal/_search", content=body, headers={**headers, **changes}).status_code

    assert status(b"_id=walk") == 200
    assert status(b"") == 200
    assert status(b"_id=walk", **{"Content-Type": "application/json"}) == 415
    assert status(b"_id=walk", **{"Content-Encoding": "gzip"}) == 415
    assert status(b"_id=\xff\xfe") == 400
    assert status(b"_id=" + b"a" * 20_000) == 413
    assert status(b"&".join([b"_id=a"] * 100_000)) in (400, 413)


def test_a_url_that_is_too_long_is_refused(furnished_hub: Service) -> None:
    assert get(furnished_hub, "Goal?_id=" + "a" * 9_000).status_code == 414


@pytest.mark.parametrize(
    "path", ["Banana", "Banana/_search", "Patient/x/Banana", "goal", "Parameters", "Patient/a%00b/Goal"]
)
def test_what_is_no_type_is_no_search(furnished_hub: Service, path: str) -> None:
    method = "POST" if path.endswith("_search") else "GET"
    answer = furnished_hub.http.request(method, f"/fhir/{path}", headers=furnished_hub.headers("municipality"))
    assert answer.status_code in (400, 404)


def test_nobody_searches_without_a_token(furnished_hub: Service) -> None:
    for method, path in (
        ("GET", "Goal"), ("GET", ""), ("POST", "Goal/_search"), ("POST", "_search"), ("GET", "Patient/x/Goal"),
        ("GET", "Patient/x/*"), ("GET", "Goal?_page=x"),
    ):  # fmt: skip
        answer = furnished_hub.http.request(method, f"/fhir/{path}".rstrip("/"))
        assert answer.status_code == 401, path


def test_no_number_of_a_client_gets_into_logs_metrics_or_the_journal(
    furnished_hub: Service, capfd: pytest.CaptureFixture[str]
) -> None:
    number = CLIENT.birth_number
    for query in (
        f"Patient?identifier={BIRTH_NUMBER}|{number}", f"Patient?identifier={number}&colour=red",
        f"Goal?patient.identifier={BIRTH_NUMBER}|{number}&_count=1", f"Goal?patient:identifier={number}",
        f"Patient?{number}=x", f"Patient?_count={number}x", f"Patient/{number}/Goal",
    ):  # fmt: skip
        get(furnished_hub, query)
        get(furnished_hub, query, Prefer="handling=lenient")
    said = capfd.readouterr()
    assert number not in said.out + said.err
    assert number not in furnished_hub.http.get("/metrics").text
    assert number not in furnished_hub.house.journal()


def test_the_journal_says_what_was_searched_by_and_what_was_shown(furnished_hub: Service) -> None:
    found(furnished_hub, "Goal?lifecycle-status=active&patient.family=zkusebni")
    entry = furnished_hub.house.journal().splitlines()[-1]
    assert '"query":"Goal?lifecycle-status&patient.family"' in entry.replace(" ", "")
    assert "Goal/walk" in entry
    assert "zkusebni" not in entry
