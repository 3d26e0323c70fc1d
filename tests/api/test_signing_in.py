"""The token endpoint under attack: an assertion is good once, here, for its own organisation; nothing is assumed."""

from __future__ import annotations

import base64
import json

import pytest

from tests.api.service import Service, serving
from tests.exchange.world import House, goal


def test_an_organisation_signs_in_and_names_purpose_and_basis(calm: Service) -> None:
    answer = calm.ask_token("gp", purpose_of_use="TREAT")
    assert answer.status_code == 200
    assert answer.json()["token_type"] == "bearer"
    assert answer.json()["expires_in"] == 300
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "changes",
    [
        {"purpose_of_use": None},
        {"basis": None},
        {"purpose_of_use": "PurposeOfUse"},
        {"purpose_of_use": "CURIOSITY"},
        {"basis": "BECAUSE"},
        {"grant_type": "password"},
        {"grant_type": None},
        {"client_assertion_type": None},
        {"scope": None},
        {"scope": "user/*.read"},
        {"person": "../../etc/passwd"},
    ],
)
def test_what_is_missing_or_unknown_is_400(calm: Service, changes: dict[str, str | None]) -> None:
    answer = calm.ask_token("gp", **changes)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] in ("invalid_request", "invalid_scope", "unsupported_grant_type")


@pytest.mark.parametrize("person", ["Patient/anybody", "RelatedPerson/anybody"])
def test_an_organisation_cannot_call_itself_the_client(calm: Service, person: str) -> None:
    assert calm.ask_token("gp", basis="OWN-RECORD", person=person).status_code == 400


def test_an_organisation_that_names_the_client_as_its_person_reads_nothing(calm: Service) -> None:
    answer = calm.ask_token("stranger", basis="OWN-RECORD", person=calm.house.client)
    assert answer.status_code == 400
    assert "access_token" not in answer.json()


def test_an_assertion_is_good_once_also_after_a_restart(house: House) -> None:
    with serving(house) as service:
        once = service.assertion("gp")
        assert service.ask_token("gp", client_assertion=once).status_code == 200
        assert service.ask_token("gp", client_assertion=once).status_code == 401
    house.restart("two")
    with serving(house) as service:
        assert service.ask_token("gp", client_assertion=once).status_code == 401


def test_a_refused_request_does_not_use_up_the_assertion_of_a_right_one(calm: Service) -> None:
    once = calm.assertion("gp")
    assert calm.ask_token("gp", client_assertion=once, basis=None).status_code == 400
    assert calm.ask_token("gp", client_assertion=once).status_code == 200


@pytest.mark.parametrize("audience", ["http://elsewhere.example/oauth/token", "http://127.0.0.1:0/fhir"])
def test_an_assertion_for_another_address_is_401(calm: Service, audience: str) -> None:
    assert calm.ask_token("gp", client_assertion=calm.assertion("gp", audience)).status_code == 401


def test_an_unknown_and_a_wrongly_signing_organisation_get_the_same_answer(calm: Service) -> None:
    by_another = forged(calm.assertion("gp"), iss="municipality", sub="municipality")
    unknown = forged(calm.assertion("gp"), iss="nobody", sub="nobody")
    answers = [calm.ask_token("gp", client_assertion=one) for one in (by_another, unknown)]
    assert {a.status_code for a in answers} == {401}
    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize("assertion", ["", "a.b.c", "x" * 20_000, "\u0161.\u0161.\u0161", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_assertion_is_401(calm: Service, assertion: str) -> None:
    assert calm.ask_token("gp", client_assertion=assertion).status_code == 401


def test_fields_given_twice_do_not_count(calm: Service) -> None:
    body = "grant_type=client_credentials&grant_type=client_credentials&basis=CONSENT&basis=OWN-RECORD"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert calm.http.post("/oauth/token", content=body, headers=headers).status_code == 400


def test_a_scope_is_never_wider_than_registered(served: Service) -> None:
    served.house.connect("gp", gp={"smart": {"jwks": served.house.jwks["gp"], "scopes": "system/Goal.rs"}})
    granted = served.ask_token("gp").json()["scope"]
    assert granted == "system/Goal.rs"
    assert served.ask_token("gp", scope="system/Patient.r").status_code == 400


def test_a_scope_that_does_not_cover_the_request_is_403(calm: Service) -> None:
    for method, path in (("GET", f"/fhir/{calm.house.client}"), ("POST", "/fhir/Goal"), ("POST", "/fhir")):
        body = {"resourceType": "Bundle", "type": "transaction", "entry": [
            {"resource": goal(calm.house.client, "health"), "request": {"method": "POST", "url": "Goal"}}
        ]} if path == "/fhir" else {"resourceType": "Goal"}  # fmt: skip
        answer = calm.send("municipality", method, path, body, scope="system/Observation.rs")
        assert answer.status_code == 403, (path, answer.text)
        assert answer.json()["issue"][0]["code"] == "forbidden"


def test_a_disabled_organisation_is_out_at_once(served: Service) -> None:
    served.house.intake()
    headers = served.headers("municipality")
    with served.house.hub.store.writing() as tx:
        tx.organisations.disable("municipality")
    assert served.http.get(f"/fhir/{served.house.client}", headers=headers).status_code == 401
    assert served.ask_token("municipality").status_code == 401


def test_a_token_that_is_over_is_401(served: Service) -> None:
    headers = served.headers("municipality")
    served.house.clock.later(minutes=6)
    answer = served.http.get("/fhir/Goal/x", headers=headers)
    assert answer.status_code == 401
    assert "Bearer" in answer.headers["www-authenticate"]


@pytest.mark.parametrize("authorization", ["", "Basic YTpi", "Bearer", "Bearer x.y.z", "Bearer \xe9\xe9"])
def test_without_a_token_of_this_hub_nothing_is_answered(calm: Service, authorization: str) -> None:
    headers = {"Authorization": authorization.encode("latin-1")} if authorization else {}
    for path in ("/fhir/Goal/x", "/fhir/Patient/x/$summary", "/fhir/Nonsense/x"):
        assert calm.http.get(path, headers=headers).status_code == 401


def test_a_token_of_another_hub_is_401(calm: Service) -> None:
    token = calm.headers("gp")["Authorization"].split()[1]
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["basis"] = "LEGAL-DUTY"
    other = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    answer = calm.http.get("/fhir/Goal/x", headers={"Authorization": f"Bearer {head}.{other}.{signature}"})
    assert answer.status_code == 401


def test_smart_configuration_says_where_and_how(calm: Service) -> None:
    said = calm.http.get("/.well-known/smart-configuration").json()
    assert said["token_endpoint"].endswith("/oauth/token")
    assert said["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]


def forged(assertion: str, **claims: str) -> str:
    """The same signature under other claims."""
    head, body, signature = assertion.split(".")
    said = {**json.loads(base64.urlsafe_b64decode(body + "==")), **claims}
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip('=')}.{signature}"
