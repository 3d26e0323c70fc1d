"""FHIR over HTTP: what the interactions answer, and what they refuse, in the words of the specification."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hub.fhir import text
from tests.api.service import Service
from tests.exchange.world import (
    BIRTH_NUMBER,
    CLIENT,
    EVERYTHING,
    INTAKE,
    House,
    adt,
    agreement,
    area,
    consent,
    goal,
    patient,
    plan_bundle,
    system_of,
    transaction,
    urn,
)

FHIR = "application/fhir+json"
NOBODY = {"reference": "Organization/nobody"}
UNKNOWN = {"system": "urn:x", "code": "Q"}


def intake(served: Service) -> str:
    """A client, over HTTP, with the intake agreement; the reference."""
    answer = served.send("municipality", "POST", "/fhir/Patient", patient(), basis="OWN-RECORD")
    assert answer.status_code == 201, answer.text
    client = "/".join(answer.headers["location"].split("/fhir/")[1].split("/")[:2])
    served.house.references["client"] = client
    given = served.send("municipality", "POST", "/fhir/Consent", consent(client, "municipality", EVERYTHING, INTAKE))
    assert given.status_code == 201, given.text
    return client


def create(served: Service, resource: dict[str, Any]) -> dict[str, Any]:
    answer = served.send("municipality", "POST", f"/fhir/{resource['resourceType']}", resource)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def posted(type: str, **content: Any) -> dict[str, Any]:
    """An entry that creates something."""
    return {"resource": {"resourceType": type, **content}, "request": {"method": "POST", "url": type}}


def issue(answer: Any) -> str:
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome"
    return str(body["issue"][0]["code"])


# -- reading -----------------------------------------------------------------------------------------------------


def test_a_record_is_read_with_its_version_as_etag(served: Service) -> None:
    client = intake(served)
    made = create(served, goal(client, "health"))
    answer = served.get("municipality", f"/fhir/Goal/{made['id']}")
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["content-type"].startswith(FHIR)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["meta"]["versionId"] == "1"


def test_decimals_are_served_exactly_as_they_came(served: Service) -> None:
    client = intake(served)
    raw = text.write(
        {"resourceType": "Observation", "status": "final", "subject": {"reference": client},
         "category": [area("health")], "code": {"text": "x"}, "valueQuantity": {"value": 1, "unit": "kg"}}
    ).replace(b'"value":1', b'"value":1.50')  # fmt: skip
    made = served.send("municipality", "POST", "/fhir/Observation", raw)
    assert made.status_code == 201, made.text
    assert b'"value":1.50' in served.get("municipality", f"/fhir/Observation/{made.json()['id']}").content


def test_an_old_version_is_read_under_todays_consents(served: Service) -> None:
    client = intake(served)
    made = create(served, goal(client, "health", "ZN-PRVNI"))
    path = f"/fhir/Goal/{made['id']}"
    served.send("municipality", "PUT", path, {**made, "description": {"text": "ZN-DRUHA"}})
    assert "ZN-PRVNI" in served.get("municipality", f"{path}/_history/1").text
    assert "ZN-DRUHA" in served.get("municipality", f"{path}/_history/2").text
    served.house.agree("homecare", ("health", "plan", "identity"))
    assert "ZN-PRVNI" in served.get("homecare", f"{path}/_history/1").text
    served.house.withdraw("homecare", ("health", "plan", "identity"))
    assert served.get("homecare", f"{path}/_history/1").status_code == 404


def test_a_version_or_an_id_that_is_not_there_is_404(served_on_each: Service) -> None:
    client = intake(served_on_each)
    made = create(served_on_each, goal(client, "health"))
    versions = ("0", "3", "01", "9" * 30, "9" * 5_000, "-1", "x", "%C2%B2", "1%00", "p00")
    paths = [f"/fhir/Goal/{made['id']}/_history/{version}" for version in versions]
    for id in ("absent", "%00", "a%00b", "%2e%2e", "a" * 65, "a" * 2_000, "x%0Ay", "%F0%9F%98%80", "'--"):
        paths += [f"/fhir/Goal/{id}", f"/fhir/Patient/{id}/$summary", f"/fhir/Patient/{id}/$everything"]
    for path in paths:
        assert served_on_each.get("municipality", path).status_code == 404, path


@pytest.mark.parametrize("type", ["Nonsense", "goal", "OperationOutcome2", "%00"])
def test_a_type_that_is_none_is_refused(calm: Service, type: str) -> None:
    answer = calm.get("municipality", f"/fhir/{type}/x")
    assert answer.status_code in (400, 404)
    assert calm.send("municipality", "POST", f"/fhir/{type}", {"resourceType": type}).status_code in (400, 404)


def test_a_client_is_found_by_an_exact_number_and_only_by_who_may_see_them(served: Service) -> None:
    intake(served)
    form = {"identifier": f"{BIRTH_NUMBER}|{CLIENT.birth_number}"}

    def found(organisation: str, form: dict[str, str]) -> dict[str, Any]:
        answer = served.http.post("/fhir/Patient/_search", data=form, headers=served.headers(organisation))
        assert answer.status_code == 200, answer.text
        return {name: said for name, said in answer.json().items() if name != "link"}

    assert found("municipality", form)["total"] == 1
    hidden = found("stranger", form)
    absent = found("stranger", {"identifier": f"{BIRTH_NUMBER}|0000000000"})
    assert hidden == absent
    assert found("municipality", {"identifier": f"{system_of('gp')}|{CLIENT.birth_number}"})["total"] == 0


def test_an_organisation_reads_what_it_wrote_itself_and_not_what_others_added(served: Service) -> None:
    served.send("stranger", "POST", "/fhir/Patient", patient(CLIENT, "stranger", "S-1"))
    client = intake(served)
    told = served.house.stored(client)
    served.house.change(client, telecom=[{"system": "phone", "value": "KNR-TELEFON"}])
    assert told["id"] == client.split("/")[1]
    served.send("stranger", "POST", "/fhir/Patient", {**patient(CLIENT, "stranger", "S-1"), "active": True})
    for path in (client, f"{client}/$everything", f"{client}/$summary", f"{client}/_history/1", f"{client}/_history/2"):
        answer = served.get("stranger", f"/fhir/{path}", basis="OWN-RECORD")
        assert "KNR-TELEFON" not in answer.text, path
        assert system_of("municipality") not in answer.text, path


# -- writing -----------------------------------------------------------------------------------------------------


def test_introducing_a_client_tells_nothing_of_what_others_know(served: Service) -> None:
    client = intake(served)
    for number in range(3):
        served.house.change(client, telecom=[{"system": "phone", "value": f"+42000000000{number}"}])
    answer = served.send("stranger", "POST", "/fhir/Patient", patient(CLIENT, "stranger", "S-1"))
    assert answer.status_code == 201
    assert answer.headers["location"].endswith(client)
    said = answer.text + str(dict(answer.headers))
    assert "+420" not in said
    fresh = served.send("stranger", "POST", "/fhir/Patient", {**patient(CLIENT, "stranger", "S-2"), "identifier": [
        {"system": system_of("stranger"), "value": "S-2"}], "birthDate": "1999-09-09"})  # fmt: skip
    shape = {k: v for k, v in fresh.json().items() if k not in ("id", "identifier", "birthDate")}
    assert shape == {k: v for k, v in answer.json().items() if k not in ("id", "identifier", "birthDate")}
    assert fresh.headers.get("etag") == answer.headers.get("etag")


def test_a_client_introduced_twice_by_one_organisation_is_201_then_200(served: Service) -> None:
    answers = [served.send("stranger", "POST", "/fhir/Patient", patient(CLIENT, "stranger", "S-1")) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 200]
    assert answers[0].headers["location"] == answers[1].headers["location"]


@pytest.mark.parametrize("type", ["CarePlan", "CareTeam", "Consent"])
def test_if_match_is_required_and_held(served: Service, type: str) -> None:
    intake(served)
    served.house.draft(("health",))
    served.house.agree("homecare", ("health",))
    key = {"CarePlan": "careplan", "CareTeam": "careteam", "Consent": "consent:homecare"}[type]
    reference = served.house.references[key]
    current = served.house.stored(reference)
    path = f"/fhir/{reference}"

    def put(**headers: str) -> Any:
        return served.send("municipality", "PUT", path, current, headers=headers)

    assert (put().status_code, issue(put())) == (428, "required")
    assert (put(**{"If-Match": 'W/"9"'}).status_code, issue(put(**{"If-Match": 'W/"9"'}))) == (412, "conflict")
    assert put(**{"If-Match": "x"}).status_code == 400
    assert put(**{"If-Match": "*"}).status_code == 400
    assert put(**{"If-Match": 'W/"1"'}).status_code == 200


def test_ten_writers_of_one_version_and_one_of_them_wins(served_on_each: Service) -> None:
    intake(served_on_each)
    served_on_each.house.draft(("health",))
    reference = served_on_each.house.references["careplan"]
    current = served_on_each.house.stored(reference)
    served_on_each.headers("municipality")

    def put(number: int) -> int:
        changed = {**current, "title": f"znění {number}"}
        answer = served_on_each.send(
            "municipality", "PUT", f"/fhir/{reference}", changed, headers={"If-Match": 'W/"1"'}
        )
        return answer.status_code

    with ThreadPoolExecutor(10) as pool:
        statuses = sorted(pool.map(put, range(10)))
    assert statuses == [200] + [412] * 9


def test_put_does_not_create_and_does_not_tell_hidden_from_absent(served: Service) -> None:
    client = intake(served)
    made = create(served, goal(client, "health"))
    body = {**goal(client, "health"), "id": made["id"]}
    absent = {**goal(client, "health"), "id": "a" * 26}
    hidden_answer = served.send("stranger", "PUT", f"/fhir/Goal/{made['id']}", body)
    absent_answer = served.send("stranger", "PUT", f"/fhir/Goal/{'a' * 26}", absent)
    assert hidden_answer.status_code == absent_answer.status_code == 404
    assert hidden_answer.content == absent_answer.content
    assert served.send("municipality", "PUT", f"/fhir/Goal/{'a' * 26}", absent).status_code == 404


def test_the_id_in_the_body_is_the_one_in_the_url(served: Service) -> None:
    client = intake(served)
    made = create(served, goal(client, "health"))
    answer = served.send("municipality", "PUT", f"/fhir/Goal/{made['id']}", {**goal(client, "health"), "id": "other"})
    assert answer.status_code == 400


def test_what_the_server_says_of_a_record_is_not_taken_from_the_sender(served: Service) -> None:
    client = intake(served)
    claimed = {
        **goal(client, "health"),
        "id": "mine",
        "meta": {"versionId": "77", "lastUpdated": "1999-01-01T00:00:00Z"},
    }
    made = create(served, claimed)
    assert made["id"] != "mine"
    assert made["meta"]["versionId"] == "1"
    stored = served.house.stored(f"Goal/{made['id']}")
    assert stored["meta"]["lastUpdated"] > "2020"


def test_a_write_about_somebody_elses_client_is_refused_like_one_about_nobody(served: Service) -> None:
    client = intake(served)
    hidden = served.send("stranger", "POST", "/fhir/Goal", goal(client, "health"))
    absent = served.send("stranger", "POST", "/fhir/Goal", goal(f"Patient/{'a' * 26}", "health"))
    assert hidden.status_code == absent.status_code == 422
    assert hidden.content == absent.content
    assert hidden.json()["issue"][0]["expression"] == ["/subject/reference"]


def test_writing_through_a_partial_view_is_refused(served: Service) -> None:
    client = intake(served)
    served.house.draft(("health", "finance"), team=("homecare",))
    served.house.agree("homecare", ("health", "plan", "identity", "services"), "access", "disclose", "correct")
    seen = served.get("homecare", f"/fhir/{served.house.references['careplan']}")
    assert seen.status_code == 200
    path = f"/fhir/{served.house.references['careplan']}"
    answer = served.send("homecare", "PUT", path, seen.content, headers={"If-Match": 'W/"1"'})
    assert answer.status_code == 403
    assert client not in answer.text


# -- transactions ------------------------------------------------------------------------------------------------


def test_a_transaction_sent_again_has_the_same_answer_and_one_effect(served_on_each: Service) -> None:
    client = intake(served_on_each)
    bundle = plan_bundle(client, ("health",), ("homecare",))
    answers = [served_on_each.send("municipality", "POST", "/fhir", bundle) for _ in range(3)]
    assert {a.status_code for a in answers} == {200}
    assert len({a.content for a in answers}) == 1
    assert len(served_on_each.house.of_client("CarePlan", "Goal", "CareTeam")) == 3


def test_a_transaction_sent_at_once_by_many_has_one_effect(served_on_each: Service) -> None:
    client = intake(served_on_each)
    bundle = text.write(transaction({urn("g"): goal(client, "health")}, key="at-once"))
    served_on_each.headers("municipality")

    def send(_: int) -> tuple[int, bytes]:
        answer = served_on_each.send("municipality", "POST", "/fhir", bundle)
        return answer.status_code, answer.content

    with ThreadPoolExecutor(6) as pool:
        answers = set(pool.map(send, range(6)))
    assert {status for status, _ in answers} == {200}, answers
    assert len(answers) == 1
    assert len(served_on_each.house.of_client("Goal")) == 1


def test_an_identifier_used_for_other_content_is_refused(served: Service) -> None:
    client = intake(served)
    served.send("municipality", "POST", "/fhir", transaction({urn("g"): goal(client, "health")}, key="k"))
    answer = served.send("municipality", "POST", "/fhir", transaction({urn("g"): goal(client, "finance")}, key="k"))
    assert answer.status_code == 422
    assert len(served.house.of_client("Goal")) == 1


def test_a_transaction_is_all_or_nothing(served_on_each: Service) -> None:
    client = intake(served_on_each)
    before = served_on_each.house.hub.store
    with before.reading() as tx:
        events = tx.outbox.pending()
    wrong = {**goal(client, "health"), "lifecycleStatus": "nonsense"}
    bundle = transaction({urn("a"): goal(client, "health"), urn("b"): wrong}, key="half")
    assert served_on_each.send("municipality", "POST", "/fhir", bundle).status_code == 422
    assert served_on_each.house.of_client("Goal") == []
    with before.reading() as tx:
        assert tx.outbox.pending() == events
    mended = transaction({urn("a"): goal(client, "health"), urn("b"): goal(client, "finance")}, key="half")
    assert served_on_each.send("municipality", "POST", "/fhir", mended).status_code == 200


def test_put_entries_carry_their_version(served: Service) -> None:
    intake(served)
    served.house.draft(("health",))
    reference = served.house.references["careplan"]
    entry = {"resource": served.house.stored(reference), "request": {"method": "PUT", "url": reference}}

    def send(**more: str) -> int:
        request = {**entry["request"], **more}
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [{**entry, "request": request}]}
        return served.send("municipality", "POST", "/fhir", bundle).status_code

    assert [send(), send(ifMatch='W/"7"'), send(ifMatch='W/"1"')] == [428, 412, 200]


def test_more_entries_than_the_limit_are_413(calm: Service) -> None:
    client = calm.house.client
    bundle = transaction({urn(str(n)): goal(client, "health") for n in range(201)})
    assert calm.send("municipality", "POST", "/fhir", bundle).status_code == 413


@pytest.mark.parametrize(
    "change",
    [
        {"entry": "x"},
        {"entry": {"a": 1}},
        {"entry": ["x"]},
        {"entry": [None]},
        {"entry": [{}]},
        {"entry": [{"resource": "x", "request": {"method": "POST", "url": "Goal"}}]},
        {"entry": [{"resource": {"resourceType": ["Goal"]}, "request": {"method": "POST", "url": "Goal"}}]},
        {"entry": [posted("Goal", subject="x")]},
        {"entry": [posted("Patient", identifier="x")]},
        {"entry": [{"resource": {"resourceType": "Goal"}, "request": "POST"}]},
        {"entry": [{"resource": {"resourceType": "Goal"}, "request": {"method": "DELETE", "url": "Goal/x"}}]},
        {"entry": [{"resource": {"resourceType": "Goal"}, "request": {"method": ["POST"], "url": {"a": 1}}}]},
        {"entry": [{"fullUrl": ["x"], **posted("Goal")}]},
        {"identifier": ["x"], "entry": []},
        {"identifier": {"value": {"a": 1}}, "entry": []},
        {"identifier": {"value": "a\u0000b"}, "entry": []},
        {"type": ["transaction"]},
        {"type": "collection"},
    ],
)  # fmt: skip
def test_a_bundle_that_is_none_is_refused_and_never_a_defect(calm: Service, change: dict[str, Any]) -> None:
    bundle = {"resourceType": "Bundle", "type": "transaction", **change}
    answer = calm.send("municipality", "POST", "/fhir", bundle)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    "content",
    [
        {"subject": "x"},
        {"subject": {"reference": {"a": 1}}},
        {"subject": [{"reference": "Patient/x"}]},
        {"meta": "x"},
        {"meta": {"security": "x"}},
        {"category": "x"},
        {"text": "x"},
        {"description": 7},
        {"contained": "x"},
        {"extension": {"url": "x"}},
        {"addresses": [7]},
    ],
)
def test_a_resource_of_odd_shape_is_422_with_its_place_and_never_a_defect(
    calm: Service, content: dict[str, Any]
) -> None:
    client = calm.house.client
    answer = calm.send("municipality", "POST", "/fhir/Goal", {**goal(client, "health"), **content})
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    for type in ("Patient", "Consent", "CarePlan"):
        odd = {"resourceType": type, **content, "identifier": 7, "provision": [], "patient": 5, "name": "x"}
        assert calm.send("municipality", "POST", f"/fhir/{type}", odd).status_code in (400, 422)


# -- bodies and limits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"resourceType":"Goal","subject":{},"subject":{}}', "subject"),
        (b'{"resourceType":"Goal","note":' + b"[" * 100 + b"]" * 100 + b"}", ""),
        (b'{"resourceType":"Goal","x":NaN}', ""),
        (b'{"resourceType":"Goal","x":"\\ud800"}', ""),
        (b'{"resourceType":"Goal","x":' + b"9" * 2_000 + b"}", ""),
        (b'{"resourceType":"Goal"', ""),
        (b'{"resourceType":"Go\xe9l"}', ""),
        (b'["Goal"]', ""),
        (b"7", ""),
        (b"", ""),
        (b"\xff\xfe{\x00}\x00", ""),
        (b"[" * 100_000, ""),
    ],
)
def test_json_that_is_not_strict_is_400_with_its_place(calm: Service, body: bytes, place: str) -> None:
    answer = calm.send("municipality", "POST", "/fhir/Goal", body)
    assert answer.status_code == 400, answer.text
    assert issue(answer) == "structure"
    assert place in answer.json()["issue"][0]["diagnostics"]


@pytest.mark.parametrize("media", ["text/plain", "application/pdf", "xml", "multipart/form-data", ""])
def test_another_content_type_is_415(calm: Service, media: str) -> None:
    answer = calm.send("municipality", "POST", "/fhir/Goal", b"{}", headers={"Content-Type": media})
    assert answer.status_code == 415
    assert calm.send("municipality", "POST", "/fhir", b"{}", headers={"Content-Type": media}).status_code == 415


def test_a_compressed_body_is_415(calm: Service) -> None:
    answer = calm.send("municipality", "POST", "/fhir/Goal", b"{}", headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


def test_a_body_over_the_limit_is_413_declared_or_not(calm: Service) -> None:
    headers = {**calm.headers("municipality"), "Content-Type": FHIR}
    declared = calm.http.post("/fhir/Goal", content=b" " * (10 * 1024 * 1024 + 1), headers=headers)
    assert declared.status_code == 413

    def pieces() -> Any:
        for _ in range(11):
            yield b" " * 1024 * 1024

    undeclared = calm.http.post("/fhir/Goal", content=pieces(), headers=headers)
    assert undeclared.status_code == 413


def test_nobody_without_a_token_is_read_at_length(calm: Service) -> None:
    answer = calm.http.post("/fhir/Goal", content=b" " * (10 * 1024 * 1024 + 1), headers={"Content-Type": FHIR})
    assert answer.status_code in (401, 413)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/fhir/Provenance/x"),
        ("PATCH", "/fhir/AuditEvent/x"),
        ("TRACE", "/fhir/Goal"),
        ("GET", "/fhir/nothing/here/at/all"),
    ],
)
def test_what_is_not_offered_is_said_so(calm: Service, method: str, path: str) -> None:
    answer = calm.http.request(method, path, headers=calm.headers("municipality"))
    assert answer.status_code in (400, 404, 405)
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_many_readers_of_one_summary_at_once_are_all_answered(served_on_each: Service) -> None:
    client = intake(served_on_each)
    served_on_each.headers("municipality")
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: served_on_each.get("municipality", f"/fhir/{client}/$summary").status_code, range(8))
        )
    assert set(answers) == {200}


# -- Consent -----------------------------------------------------------------------------------------------------


def test_a_consent_binds_the_next_request(served: Service) -> None:
    client = intake(served)
    made = create(served, goal(client, "health"))
    path = f"/fhir/Goal/{made['id']}"
    assert served.get("gp", path).status_code == 404
    given = create(served, consent(client, "gp", ("health",)))
    assert served.get("gp", path).status_code == 200
    revoked = {**served.house.stored(f"Consent/{given['id']}"), "status": "inactive"}
    served.send("municipality", "PUT", f"/fhir/Consent/{given['id']}", revoked, headers={"If-Match": 'W/"1"'})
    assert served.get("gp", path).status_code == 404


@pytest.mark.parametrize(
    ("change", "element"),
    [
        ({"provision": {"type": "permit", "actor": [{"role": {"text": "x"}, "reference": NOBODY}]}}, "actor"),
        ({"provision": {"type": "permit", "purpose": [{"system": "urn:x", "code": "FUN"}]}}, "purpose"),
        ({"provision": {"type": "permit", "code": [{"text": "health"}]}}, "code"),
        ({"provision": {"provision": [{"type": "permit", "securityLabel": [UNKNOWN]}]}}, "provision[0]"),
        ({"performer": None}, "performer"),
    ],
)  # fmt: skip
def test_a_consent_that_cannot_be_computed_is_422_naming_the_element(
    calm: Service, change: dict[str, Any], element: str
) -> None:
    client = calm.house.client
    odd = {k: v for k, v in {**consent(client, "gp", ("health",)), **change}.items() if v is not None}
    answer = calm.send("municipality", "POST", "/fhir/Consent", odd)
    assert answer.status_code == 422, answer.text
    assert issue(answer) == "business-rule"
    assert element in answer.json()["issue"][0]["diagnostics"]


def test_a_consent_is_captured_by_the_case_manager_alone(served: Service) -> None:
    client = intake(served)
    served.house.introduce(by="stranger", number="S-1")
    answer = served.send("stranger", "POST", "/fhir/Consent", consent(client, "stranger", EVERYTHING))
    assert answer.status_code == 403
    assert served.get("stranger", f"/fhir/{client}").status_code == 404


def test_the_plan_comes_into_force_by_the_clients_agreement_to_that_version(served: Service) -> None:
    intake(served)
    served.house.draft(("health",))
    reference = served.house.references["careplan"]
    active = {**served.house.stored(reference), "status": "active"}
    path, match = f"/fhir/{reference}", {"If-Match": 'W/"1"'}
    refused = served.send("municipality", "PUT", path, active, headers=match)
    assert (refused.status_code, issue(refused)) == (422, "business-rule")
    create(served, agreement(served.house.client, f"{reference}/_history/1"))
    assert served.send("municipality", "PUT", path, active, headers=match).status_code == 200


# -- evidence ----------------------------------------------------------------------------------------------------


def test_what_was_written_is_in_the_audit_before_it_is_answered(served: Service) -> None:
    client = intake(served)
    given = create(served, consent(client, "gp", ("health",)))
    written = [json.loads(line)["body"] for line in served.house.journal().splitlines() if given["id"] in line]
    [entry] = [e for e in written if e["kind"] == "consent" and e["exit"] == "create"]
    assert entry["organisation"] == "Organization/municipality"
    assert entry["clients"] == [client]
    assert entry["outcome"] == "success"
    assert served.house.hub.fold_audit() > 0


def test_one_assertion_sent_by_eight_at_once_gives_one_token(served_on_each: Service) -> None:
    once = served_on_each.assertion("gp")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: served_on_each.ask_token("gp", client_assertion=once).status_code, range(8)))
    assert sorted(answers) == [200] + [401] * 7


def test_one_message_sent_by_eight_at_once_has_one_effect(each_house: House) -> None:
    def come(_: int) -> str:
        for _ in range(8):
            outcome = each_house.take("hospital", "hl7v2", adt("A01", "m-1"), message_id="m-1").outcome
            if outcome != "failed":
                return outcome
        return "failed"

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(come, range(8))) == {"accepted"}
    with each_house.hub.store.reading() as tx:
        assert len(tx.received.list(100)) == 1
        assert len({k.client for k in tx.identity.all()}) == 1
