"""Purpose and person as IHE IUA says them, keys at a registered address, and what the endpoint answers to errors."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from hub.adapters.fhir_rest.tests.counterpart import Asked, FhirServer, Reply
from hub.fhir.codes import KRZP
from hub.security.jws import sign
from tests.api.service import Service
from tests.exchange.world import ICO, House

ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
TREAT = [{"system": ACT_REASON, "code": "TREAT"}]
FORM_TYPE = "application/x-www-form-urlencoded"
FORM = {"purpose_of_use": None, "person": None}


NUMBERS = itertools.count()


def assertion(service: Service, organisation: str, key: ECKey | None = None, **claims: Any) -> str:
    """A good assertion with more claims, good once."""
    key = key or ECKey.import_key(json.loads(service.house.keys[organisation].read_text()))
    said = {
        "iss": organisation,
        "sub": organisation,
        "aud": service.token_url,
        "exp": int(service.house.clock().timestamp()) + 240,
        "jti": f"number-{next(NUMBERS)}",
        **claims,
    }
    return sign(said, key, kid=str(key.kid), kind="JWT")


def with_iua(
    service: Service, organisation: str = "gp", *, form: dict[str, str | None] | None = None, **iua: Any
) -> httpx.Response:
    """Ask for a token with these claims of IUA in the assertion, and these fields."""
    signed = assertion(service, organisation, extensions={"ihe_iua": iua})
    return service.ask_token(organisation, **{**FORM, **(form or {})}, client_assertion=signed)


def claims_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    body = answer.json()["access_token"].split(".")[1]
    told: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=="))
    return told


# -- purpose and person ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", [TREAT, TREAT[0], [{"system": "urn:oid:2.16.840.1.113883.5.8", "code": "TREAT"}]])
def test_the_purpose_may_be_signed_with_the_assertion(served: Service, purpose: Any) -> None:
    told = claims_of(with_iua(served, purpose_of_use=purpose))
    assert told["extensions"]["ihe_iua"]["purpose_of_use"] == TREAT


def test_said_twice_the_purpose_must_be_the_same(served: Service) -> None:
    same = with_iua(served, form={"purpose_of_use": "TREAT"}, purpose_of_use=TREAT)
    assert same.status_code == 200
    served.house.clock.later(seconds=1)
    other = with_iua(served, form={"purpose_of_use": "COC"}, purpose_of_use=TREAT)
    assert (other.status_code, other.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "iua",
    [
        {"purpose_of_use": []},
        {"purpose_of_use": "TREAT"},
        {"purpose_of_use": [*TREAT, {"system": ACT_REASON, "code": "COC"}]},
        {"purpose_of_use": [{"code": "TREAT"}]},
        {"purpose_of_use": [{"system": ACT_REASON, "code": "PurposeOfUse"}]},
        {"purpose_of_use": [{"system": ACT_REASON, "code": "CURIOSITY"}]},
        {"purpose_of_use": TREAT, "person_id": "urn:oid:1.2.3"},
        {"purpose_of_use": TREAT, "subject_organization_id": "municipality"},
        {"purpose_of_use": TREAT, "subject_organization_id": ["gp"]},
        {"purpose_of_use": TREAT, "national_provider_identifier": "4711"},
        {"purpose_of_use": TREAT, "national_provider_identifier": ""},
        {"purpose_of_use": TREAT, "national_provider_identifier": {"value": "1"}},
        {},
    ],
)
def test_claims_that_cannot_be_kept_are_refused(calm: Service, iua: dict[str, Any]) -> None:
    answer = with_iua(calm, **iua)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request"), answer.text


@pytest.mark.parametrize(
    "name", ["gp", "Organization/gp", "http://127.0.0.1:0/fhir/Organization/gp", ICO["gp"],
             f"https://ncez.mzcr.cz/fhir/sid/ico|{ICO['gp']}"]
)  # fmt: skip
def test_an_organisation_may_be_named_by_whatever_names_it(calm: Service, name: str) -> None:
    assert with_iua(calm, purpose_of_use=TREAT, subject_organization_id=name).status_code == 200


@pytest.mark.parametrize("number", ["123456", f"{KRZP}|123456"])
def test_a_professional_may_be_named_by_number(served: Service, number: str) -> None:
    doctor = {"resourceType": "Practitioner", "identifier": [{"system": KRZP, "value": "123456"}]}
    made = served.send("gp", "POST", "/fhir/Practitioner", doctor)
    assert made.status_code == 201, made.text
    told = claims_of(with_iua(served, purpose_of_use=TREAT, national_provider_identifier=number))
    assert told["person"] == f"Practitioner/{made.json()['id']}"


# -- keys ------------------------------------------------------------------------------------------------------------


class Publisher(FhirServer):
    """The organisation's server, where its keys are."""

    def __init__(self) -> None:
        super().__init__()
        self.key = ECKey.generate_key("P-384", {"kid": "published", "alg": "ES384", "use": "sig"})
        self.looked = 0
        self.override = self._answer_keys

    @property
    def url(self) -> str:
        return f"{self.base}/jwks.json"

    def _answer_keys(self, asked: Asked) -> Reply | None:
        self.looked += 1
        return Reply(200, json.dumps({"keys": [self.key.as_dict(private=False)]}).encode())


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    server = Publisher()
    yield server
    server.close()


def registered(house: House, publisher: Publisher) -> None:
    house.connect("gp", gp={"smart": {"jwks_url": publisher.url, "scopes": "system/*.cruds"}})


def test_keys_at_a_registered_address_are_fetched_and_kept(served: Service, publisher: Publisher) -> None:
    registered(served.house, publisher)
    for _ in range(3):
        signed = assertion(served, "gp", publisher.key)
        assert served.ask_token("gp", client_assertion=signed).status_code == 200
    assert publisher.looked == 1


def test_a_new_key_is_found_after_a_minute(served: Service, publisher: Publisher) -> None:
    registered(served.house, publisher)
    assert served.ask_token("gp", client_assertion=assertion(served, "gp", publisher.key)).status_code == 200
    publisher.key = ECKey.generate_key("P-384", {"kid": "rotated", "alg": "ES384", "use": "sig"})
    assert served.ask_token("gp", client_assertion=assertion(served, "gp", publisher.key)).status_code == 401
    served.house.clock.later(minutes=1)
    assert served.ask_token("gp", client_assertion=assertion(served, "gp", publisher.key)).status_code == 200
    assert publisher.looked == 2


def test_where_the_keys_cannot_be_had_the_answer_is_that_of_an_unknown_organisation(
    served: Service, publisher: Publisher
) -> None:
    registered(served.house, publisher)
    publisher.override = lambda _: Reply(500, b"")
    away = served.ask_token("gp", client_assertion=assertion(served, "gp", publisher.key))
    unknown = served.ask_token("gp", client_assertion=assertion(served, "nobody", publisher.key))
    assert away.status_code == unknown.status_code == 401
    assert away.json() == unknown.json()


def test_no_address_in_a_header_is_ever_asked(served: Service, publisher: Publisher) -> None:
    now = int(served.house.clock().timestamp())
    said = {"iss": "gp", "sub": "gp", "aud": served.token_url, "exp": now + 240, "jti": "header"}
    for name, value in (
        ("jku", publisher.url),
        ("x5u", publisher.url),
        ("jwk", publisher.key.as_dict(private=False)),
        ("kid", publisher.url),
    ):
        header = {"alg": "ES384", "typ": "JWT", "kid": "published", name: value}
        registry = jws.JWSRegistry(algorithms=["ES384"], strict_check_header=False)
        forged = jws.serialize_compact(header, json.dumps(said), publisher.key, registry=registry)
        assert served.ask_token("gp", client_assertion=forged).status_code == 401, name
    assert publisher.looked == 0


def test_rs384_signs_in_too(served: Service) -> None:
    key = RSAKey.generate_key(2048, {"kid": "rsa", "alg": "RS384", "use": "sig"})
    served.house.connect("gp", gp={"smart": {"jwks": {"keys": [key.as_dict(private=False)]}, "scopes": "system/*.rs"}})
    now = int(served.house.clock().timestamp())
    said = {"iss": "gp", "sub": "gp", "aud": served.token_url, "exp": now + 240, "jti": "rsa"}
    signed = jwt.encode({"alg": "RS384", "kid": "rsa"}, said, key, algorithms=["RS384"])
    assert served.ask_token("gp", client_assertion=signed).status_code == 200


# -- errors and discovery --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"grant_type": None}, "invalid_request"),
        ({"client_assertion_type": "urn:x"}, "invalid_request"),
        ({"scope": "system/Patient.rs?name=x"}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": "system/Nonsense.rs"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"client_assertion": "x.y.z"}, "invalid_client"),
    ],
)
def test_errors_are_those_of_oauth(calm: Service, changes: dict[str, str | None], error: str) -> None:
    answer = calm.ask_token("gp", **changes)
    assert answer.json()["error"] == error
    assert answer.status_code == (401 if error == "invalid_client" else 400)
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [(b"{}", "application/json", 415), (b"%zz" * 3, FORM_TYPE, 400), (b"a=1&" * 100, FORM_TYPE, 400),
     (b"\xff=\xff", FORM_TYPE, 400)],
)  # fmt: skip
def test_what_is_no_form_is_answered_in_json_too(calm: Service, content: bytes, kind: str, status: int) -> None:
    answer = calm.http.post("/oauth/token", content=content, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["error"]) == (status, "invalid_request")


def test_scopes_of_version_1_are_taken_for_what_they_mean(calm: Service) -> None:
    assert calm.ask_token("gp", scope="system/Goal.read system/Task.write").json()["scope"] == (
        "system/Goal.rs system/Task.cud"
    )


def test_the_configuration_says_where_and_how(calm: Service) -> None:
    for path in ("/.well-known/smart-configuration", "/fhir/.well-known/smart-configuration"):
        said = calm.http.get(path).json()
        assert said["token_endpoint"] == calm.token_url
        assert said["token_endpoint_auth_signing_alg_values_supported"] == ["ES384", "RS384"]
        assert set(said["capabilities"]) == {"client-confidential-asymmetric", "permission-v1", "permission-v2"}
        assert {"system/*.cruds", "system/Goal.cruds", "system/CodeSystem.rs"} <= set(said["scopes_supported"])


def test_tokens_can_be_checked_with_the_published_key(calm: Service) -> None:
    keys = KeySet.import_key_set(calm.http.get("/oauth/jwks.json").json())
    token = calm.headers("gp")["Authorization"].split()[1]
    assert jws.deserialize_compact(token, keys, algorithms=["ES384"]).payload
    assert all("d" not in key for key in calm.http.get("/oauth/jwks.json").json()["keys"])


def test_every_scope_of_the_configuration_can_be_had(calm: Service) -> None:
    for scope in calm.http.get("/.well-known/smart-configuration").json()["scopes_supported"]:
        assert calm.ask_token("gp", scope=scope).json()["scope"] == scope
