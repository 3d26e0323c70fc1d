"""read and vread over HTTP: stamps, conditions, parts, formats, and what is said of what was deleted."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import pytest

from hub.fhir import text
from hub.fhir.xml_read import read_xml
from hub.fhir.xml_write import write_xml
from tests.api.case import begin, create, issues, named, observation, write
from tests.api.service import Service
from tests.exchange.world import goal


def test_a_record_has_its_version_and_time_in_its_headers(served: Service) -> None:
    made = create(served, goal(begin(served), "health"))
    answer = served.get("municipality", f"/fhir/Goal/{made['id']}")
    assert answer.headers["etag"] == 'W/"1"'
    assert parsedate_to_datetime(answer.headers["last-modified"]) == served.house.clock().replace(microsecond=0)


def test_head_says_the_same_without_a_body(served: Service) -> None:
    made = create(served, goal(begin(served), "health"))
    for path in (f"/fhir/Goal/{made['id']}", f"/fhir/Goal/{made['id']}/_history/1"):
        got = served.get("municipality", path)
        head = served.http.head(path, headers=served.headers("municipality"))
        assert (head.status_code, head.content) == (200, b"")
        assert {k: head.headers[k] for k in ("etag", "last-modified", "content-type")} == {
            k: got.headers[k] for k in ("etag", "last-modified", "content-type")
        }


@pytest.mark.parametrize("known", ['W/"1"', '"1"', 'W/"7", W/"1"', "*"])
def test_what_the_client_has_is_304(served: Service, known: str) -> None:
    made = create(served, goal(begin(served), "health"))
    headers = {**served.headers("municipality"), "If-None-Match": known}
    answer = served.http.get(f"/fhir/Goal/{made['id']}", headers=headers)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", 'W/"1"')
    changed = {**made, "description": {"text": "y"}}
    write(served, "PUT", f"/fhir/Goal/{made['id']}", changed)
    if known != "*":
        assert served.http.get(f"/fhir/Goal/{made['id']}", headers=headers).status_code == 200


def test_what_was_not_modified_since_is_304(served: Service) -> None:
    made = create(served, goal(begin(served), "health"))
    path = f"/fhir/Goal/{made['id']}"
    when = served.get("municipality", path).headers["last-modified"]
    headers = {**served.headers("municipality"), "If-Modified-Since": when}
    assert served.http.get(path, headers=headers).status_code == 304
    served.house.clock.later(seconds=2)
    write(served, "PUT", path, {**made, "description": {"text": "y"}})
    assert served.http.get(path, headers=headers).status_code == 200
    for odd in ("yesterday", "", "Sun, 99 Nov 2026 00:00:00 GMT"):
        assert served.http.get(path, headers={**headers, "If-Modified-Since": odd}).status_code == 200


def test_what_was_revoked_is_404_and_never_304(served: Service) -> None:
    made = create(served, goal(begin(served), "health"))
    served.house.agree("homecare", ("health", "plan", "identity"))
    path = f"/fhir/Goal/{made['id']}"
    seen = served.get("homecare", path)
    assert seen.status_code == 200
    served.house.withdraw("homecare", ("health", "plan", "identity"))
    for header in ({"If-None-Match": seen.headers["etag"]}, {"If-None-Match": "*"}):
        assert served.http.get(path, headers={**served.headers("homecare"), **header}).status_code == 404


def test_a_view_in_part_tells_no_time(served: Service) -> None:
    begin(served)
    served.house.draft(("health", "finance"), team=("homecare",))
    served.house.agree("homecare", ("health", "plan", "identity", "services"))
    answer = served.get("homecare", f"/fhir/{served.house.references['careplan']}")
    assert answer.status_code == 200
    assert answer.headers["etag"].startswith('W/"p')
    assert "last-modified" not in answer.headers
    again = {**served.headers("homecare"), "If-None-Match": answer.headers["etag"]}
    assert served.http.get(f"/fhir/{served.house.references['careplan']}", headers=again).status_code == 304


def test_what_was_deleted_is_410_to_those_who_saw_it_and_404_to_others(served: Service) -> None:
    made = create(served, goal(begin(served), "health"))
    served.house.agree("homecare", ("health", "plan", "identity"))
    path = f"/fhir/Goal/{made['id']}"
    write(served, "DELETE", path, b"")
    gone = served.get("homecare", path)
    assert (gone.status_code, issues(gone)[0][0]) == (410, "deleted")
    hidden, absent = served.get("gp", path), served.get("gp", f"/fhir/Goal/{'a' * 26}")
    assert (hidden.status_code, hidden.content) == (404, absent.content)
    assert served.get("homecare", f"{path}/_history/1").status_code == 200
    assert served.get("homecare", f"{path}/_history/2").status_code == 410
    assert served.get("gp", f"{path}/_history/2").status_code == 404
    served.house.withdraw("homecare", ("health", "plan", "identity"))
    assert served.get("homecare", path).status_code == 404


def test_a_part_of_a_record_is_read_and_says_that_it_is_one(served: Service) -> None:
    made = create(served, {**goal(begin(served), "health"), "statusReason": "x"})
    path = f"/fhir/Goal/{made['id']}"
    some = served.get("municipality", f"{path}?_elements=statusReason").json()
    assert some["statusReason"] == "x"
    assert "category" not in some
    assert some["meta"]["tag"][0]["code"] == "SUBSETTED"
    summary = served.get("municipality", f"{path}?_summary=true").json()
    assert "statusReason" not in summary
    assert "statusReason" in served.get("municipality", f"{path}?_summary=false").json()
    assert served.get("municipality", f"{path}?_summary=nonsense").status_code == 400
    assert served.get("municipality", f"{path}?_summary=text&_elements=x").status_code == 400


def test_json_and_xml_say_the_same(served: Service) -> None:
    client = begin(served)
    raw = text.write({**observation(client), "valueQuantity": {"value": 1}}).replace(b'"value":1', b'"value":1.50')
    sent = write_xml(text.read(raw))
    headers = {"Content-Type": "application/fhir+xml; charset=utf-8", "Accept": "application/fhir+xml"}
    made = served.send("municipality", "POST", "/fhir/Observation", sent, headers=headers)
    assert made.status_code == 201, made.text
    assert made.headers["content-type"].startswith("application/fhir+xml")
    path = f"/fhir/{named(made)}"
    as_json = served.get("municipality", path)
    assert b'"value":1.50' in as_json.content
    as_xml = served.http.get(path, headers={**served.headers("municipality"), "Accept": "application/fhir+xml"})
    assert read_xml(as_xml.content) == text.read(as_json.content)
    for asked in ("_format=xml", "_format=application/fhir%2Bxml", "_format=application/fhir+xml", "_format=text/xml"):
        assert served.get("municipality", f"{path}?{asked}").content == as_xml.content
    pretty = served.get("municipality", f"{path}?_pretty=true").content
    assert pretty != as_json.content
    assert text.read(pretty) == text.read(as_json.content)


@pytest.mark.parametrize(
    ("accept", "type"),
    [
        ("*/*", "json"),
        ("", "json"),
        ("application/json", "json"),
        ("application/xml", "xml"),
        ("text/html,application/xml;q=0.9,*/*;q=0.8", "xml"),
        ("application/fhir+xml;q=0.1, application/fhir+json", "json"),
        ("application/fhir+json; fhirVersion=4.0", "json"),
    ],
)
def test_the_format_is_the_one_that_the_client_likes_best(calm: Service, accept: str, type: str) -> None:
    path = f"/fhir/{calm.house.client}"
    answer = calm.http.get(path, headers={**calm.headers("municipality"), "Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(f"application/fhir+{type}")


@pytest.mark.parametrize(
    "accept", ["text/plain", "application/fhir+json; fhirVersion=3.0", "application/fhir+json;q=0"]
)
def test_a_format_that_the_hub_does_not_speak_is_406(calm: Service, accept: str) -> None:
    path = f"/fhir/{calm.house.client}"
    answer = calm.http.get(path, headers={**calm.headers("municipality"), "Accept": accept})
    assert answer.status_code == 406
    assert issues(answer)[0][0] == "not-supported"
    assert calm.get("municipality", f"{path}?_format=yaml").status_code == 406


def test_errors_come_in_the_format_that_was_asked_for(calm: Service) -> None:
    headers = {**calm.headers("municipality"), "Accept": "application/fhir+xml"}
    answer = calm.http.get(f"/fhir/Goal/{'a' * 26}", headers=headers)
    assert answer.status_code == 404
    assert read_xml(answer.content)["resourceType"] == "OperationOutcome"


def test_what_comes_back_of_a_write_is_what_was_preferred(served: Service) -> None:
    client = begin(served)

    def post(prefer: str) -> object:
        answer = served.send("municipality", "POST", "/fhir/Goal", goal(client, "health"), headers={"Prefer": prefer})
        assert answer.status_code == 201
        assert answer.headers["location"].endswith("/_history/1")
        assert answer.headers["etag"] == 'W/"1"'
        return answer.json()["resourceType"] if answer.content else None

    assert post("return=minimal") is None
    assert post("return=representation") == "Goal"
    assert post("handling=strict, return=OperationOutcome") == "OperationOutcome"
    assert post("respond-async") == "Goal"
