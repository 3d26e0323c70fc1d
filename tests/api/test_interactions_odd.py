"""What a hostile or broken client may send: answered by name, never by a defect, and with nothing changed."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from hub.fhir import text
from hub.fhir.xml_write import write_xml
from tests.api.case import create, issues, observation
from tests.api.service import Service
from tests.exchange.world import goal

FHIR = "application/fhir+json"
XML = "application/fhir+xml"
PATCHES = ("application/json-patch+json", "application/merge-patch+json", FHIR, XML, "application/json")
ENTITY = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
HALF = {"resource": {"resourceType": "Goal"}, "request": {"method": "PUT", "url": "Goal?"}}
ODD_BODIES = (
    *(b"", b"{}", b"[]", b"null", b"7", b'"x"', b"<", b"<a/>", b"\x00", b"\xff\xfe", ENTITY, b"[" * 100_000),
    b'{"a":' * 70 + b"1" + b"}" * 70,
    b'{"resourceType":"Goal"}',
    b'{"resourceType":["Goal"]}',
    b'{"resourceType":"Goal","id":7}',
    b'{"resourceType":"Nonsense"}',
    json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [HALF]}).encode(),
    b'{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"add"}]}]}',
    b'[{"op":"add","path":"/contained","value":[]},{"op":"copy","from":"","path":"/contained/0"}]',
    b'<Goal xmlns="http://hl7.org/fhir"><id value="x"/></Goal>',
)
ODD_HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"If-Match": "W/\"\"", "If-None-Match": "x,,\"", "If-None-Exist": "a=b&a=b", "Prefer": "return=;;,"},
    {"If-Match": "9" * 400, "If-Modified-Since": "x", "If-None-Exist": "%00=%ff", "Prefer": "return=burn"},
)  # fmt: skip
PATHS = ("Goal", "Goal/x", "Goal?identifier=x", "Goal/x/_history/1", "Goal/_history", "_history", "", "Goal/x/_history")


@pytest.mark.parametrize(("method", "path"), list(itertools.product(("POST", "PUT", "PATCH", "DELETE", "GET"), PATHS)))
def test_no_odd_body_and_no_odd_header_is_a_defect(calm: Service, method: str, path: str) -> None:
    types = PATCHES if method == "PATCH" else (FHIR, XML)
    for body, type, more in itertools.product(ODD_BODIES, types, ODD_HEADERS):
        if more and body not in ODD_BODIES[13:15]:
            continue
        headers = {**calm.headers("municipality"), "Content-Type": type, **more}
        answer = calm.http.request(method, f"/fhir/{path}".rstrip("/"), content=body, headers=headers)
        assert answer.status_code < 500, (answer.text, body[:80], type, more)
        if answer.status_code >= 400:
            assert answer.json()["resourceType"] == "OperationOutcome"
            assert "Traceback" not in answer.text
    assert calm.house.of_client("Goal") == []
    assert calm.http.get("/health/live").status_code == 200


@pytest.mark.parametrize("id", ["../../x", "%2e%2e", "%00", "a" * 65, "a b", "ž", "x;y", "_search", "$x", "a%2Fb"])
def test_no_odd_id_is_a_defect(calm: Service, id: str) -> None:
    for method, path in itertools.product(
        ("GET", "HEAD", "PUT", "PATCH", "DELETE"), ("{}", "{}/_history", "{}/_history/{}")
    ):
        url = f"/fhir/Goal/{path.format(id, id)}"
        answer = calm.http.request(method, url, content=b"{}", headers={**calm.headers("gp"), "Content-Type": FHIR})
        assert 400 <= answer.status_code < 500, (method, url, answer.text)


def test_extensions_in_each_other_without_end_are_400(calm: Service) -> None:
    nested = '{"url":"x","extension":[' * 2_000 + "]}" * 2_000
    raw = f'{{"resourceType":"Goal","extension":[{nested}]}}'.encode()
    assert calm.send("municipality", "POST", "/fhir/Goal", raw).status_code == 400


def test_an_element_that_r4_does_not_know_is_422_with_its_place(calm: Service) -> None:
    answer = calm.send("municipality", "POST", "/fhir/Goal", {**goal(calm.house.client, "health"), "owner": "x"})
    assert (answer.status_code, issues(answer)) == (422, [("invalid", "/owner")])


def test_several_faults_are_told_at_once(calm: Service) -> None:
    odd = {**goal(calm.house.client, "health"), "lifecycleStatus": "x", "startDate": "soon", "note": [{"time": 7}]}
    answer = calm.send("municipality", "POST", "/fhir/Goal", odd)
    places = {where for _, where in issues(answer)}
    assert {"/lifecycleStatus", "/note/0/time", "/note/0/text"} & places >= {"/lifecycleStatus", "/note/0/time"}
    assert len(places) >= 4


def test_a_reference_to_somewhere_else_is_text_and_is_not_fetched(served: Service) -> None:
    from tests.api.case import begin

    client = begin(served)
    far = {"reference": "http://169.254.169.254/latest/Organization/1"}
    made = create(served, {**observation(client), "performer": [far]})
    assert served.get("municipality", f"/fhir/Observation/{made['id']}").json()["performer"] == [far]


def test_what_contains_itself_is_refused(calm: Service) -> None:
    circle = {
        **observation(calm.house.client),
        "contained": [
            {"resourceType": "Observation", "id": "a", "status": "final", "code": {"text": "x"},
             "hasMember": [{"reference": "#a"}], "contained": []},
        ],
        "hasMember": [{"reference": "#a"}],
    }  # fmt: skip
    assert calm.send("municipality", "POST", "/fhir/Observation", circle).status_code in (201, 400, 422)
    circle["contained"][0]["contained"] = [circle["contained"][0] | {"contained": []}]  # type: ignore[index, operator]
    assert calm.send("municipality", "POST", "/fhir/Observation", json.dumps(circle).encode()).status_code in (400, 422)


@pytest.mark.parametrize("type", ["transaction", "batch"])
def test_ten_thousand_entries_are_413(calm: Service, type: str) -> None:
    entries = [{"request": {"method": "GET", "url": "Goal"}}] * 10_000
    bundle = {"resourceType": "Bundle", "type": type, "entry": entries}
    assert calm.send("municipality", "POST", "/fhir", bundle).status_code == 413


def test_a_body_in_another_format_than_it_says_is_400(calm: Service) -> None:
    body: Any = goal(calm.house.client, "health")
    for raw, said in ((text.write(body), XML), (write_xml(body), FHIR)):
        answer = calm.send("municipality", "POST", "/fhir/Goal", raw, headers={"Content-Type": said})
        assert (answer.status_code, issues(answer)[0][0]) == (400, "structure")


def test_an_entity_in_xml_is_refused_at_once(calm: Service) -> None:
    bomb = b'<!DOCTYPE l [<!ENTITY a "ha">' + b"".join(
        b'<!ENTITY a%d "&a%d;&a%d;">' % (n, n - 1, n - 1) for n in range(1, 30)
    )
    headers = {"Content-Type": XML}
    answer = calm.send("municipality", "POST", "/fhir/Goal", bomb + b"]><l>&a29;</l>", headers=headers)
    assert answer.status_code == 400
