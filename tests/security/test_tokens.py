"""Tokens: the good one is taken, and each known way to forge, stretch or turn one is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from hub.errors import Unauthenticated
from hub.security.jws import sign
from hub.security.keys import HubKeys
from hub.security.tokens import (
    Assertion,
    Caller,
    Registration,
    issue_access_token,
    verify_access_token,
    verify_assertion,
)

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
TOKEN_URL = "https://hub.example/oauth/token"
ORDINACE = ECKey.generate_key("P-384", {"kid": "ordinace-1"})
STARA = RSAKey.generate_key(2048, {"kid": "stara-1"})
SLABA = RSAKey.generate_key(1024, {"kid": "slaba-1"})
KRATKA = ECKey.generate_key("P-256", {"kid": "kratka-1"})
CIZI = ECKey.generate_key("P-384", {"kid": "ordinace-1"})

PUBLISHED_AT = "https://klic.example/jwks.json"
JWKS: dict[str, Mapping[str, Any]] = {
    "ordinace": {"keys": [ORDINACE.as_dict(private=False)]},
    "stara": {"keys": [STARA.as_dict(private=False)]},
    "slaba": {"keys": [SLABA.as_dict(private=False)]},
    "kratka": {"keys": [KRATKA.as_dict(private=False)]},
}


def by_value(jwks: Mapping[str, Any]) -> Registration:
    return Registration(lambda _kid: jwks)


REGISTERED = {name: by_value(jwks) for name, jwks in JWKS.items()} | {
    "klic": Registration(lambda _kid: JWKS["ordinace"], PUBLISHED_AT)
}


def claims(**changed: Any) -> dict[str, Any]:
    good = {"iss": "ordinace", "sub": "ordinace", "aud": TOKEN_URL, "exp": SECONDS + 300, "jti": "j1"}
    return {name: value for name, value in {**good, **changed}.items() if value is not ...}


def signed(
    said: Mapping[str, Any],
    key: ECKey | RSAKey = ORDINACE,
    *,
    alg: str = "ES384",
    header: Mapping[str, Any] | None = None,
) -> str:
    """A correctly signed JWS, whatever its header says."""
    full = {"alg": alg, "typ": "JWT", "kid": "ordinace-1", **(header or {})}
    full = {name: value for name, value in full.items() if value is not ...}
    body = f"{encoded(full)}.{encoded(said)}"
    genuine = jws.serialize_compact({"alg": alg}, b"x", key, algorithms=[alg])
    assert genuine
    return f"{body}.{raw(_signature(body.encode(), key, alg))}"


def _signature(message: bytes, key: ECKey | RSAKey, alg: str) -> bytes:
    algorithm = jws.JWSRegistry(algorithms=[alg]).get_alg(alg)
    found: bytes = algorithm.sign(message, key)
    return found


def raw(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encoded(value: object) -> str:
    return raw(json.dumps(value).encode())


def verify(token: str, **changed: Any) -> Assertion:
    arguments: dict[str, Any] = {"registered": REGISTERED.get, "audience": TOKEN_URL, "now": NOW, **changed}
    return verify_assertion(token, **arguments)


def test_a_good_assertion_names_its_organisation_and_how_long_to_remember_it() -> None:
    assert verify(signed(claims())) == Assertion("ordinace", "j1", NOW + timedelta(minutes=5))


def test_rs384_is_taken_too() -> None:
    said = claims(iss="stara", sub="stara")
    assert verify(signed(said, STARA, alg="RS384", header={"kid": "stara-1"})).organisation == "stara"


@pytest.mark.parametrize("aud", [TOKEN_URL, [TOKEN_URL]])
def test_the_audience_may_be_a_list_of_this_one(aud: object) -> None:
    assert verify(signed(claims(aud=aud))).jti == "j1"


@pytest.mark.parametrize("ahead", [0, 59, -3600])
def test_the_time_of_issue_may_lie_a_little_ahead(ahead: int) -> None:
    assert verify(signed(claims(iat=SECONDS + ahead))).jti == "j1"


CLAIMS_REFUSED: dict[str, dict[str, Any]] = {
    "no exp": {"exp": ...},
    "exp over a year": {"exp": SECONDS + 365 * 86400},
    "exp in six minutes": {"exp": SECONDS + 360},
    "expired": {"exp": SECONDS},
    "exp as text": {"exp": str(SECONDS + 60)},
    "exp true": {"exp": True},
    "exp null": {"exp": None},
    "no jti": {"jti": ...},
    "empty jti": {"jti": ""},
    "jti as number": {"jti": 7},
    "jti without end": {"jti": "j" * 257},
    "iat ahead": {"iat": SECONDS + 3600},
    "nbf ahead": {"nbf": SECONDS + 3600},
    "no aud": {"aud": ...},
    "aud of the FHIR base": {"aud": "https://hub.example/fhir"},
    "aud with a slash more": {"aud": TOKEN_URL + "/"},
    "aud with a stranger": {"aud": [TOKEN_URL, "https://stranger.example/token"]},
    "aud empty list": {"aud": []},
    "aud as object": {"aud": {"url": TOKEN_URL}},
    "sub of another": {"sub": "stara"},
    "no sub": {"sub": ...},
    "no iss": {"iss": ...},
    "iss as list": {"iss": ["ordinace"]},
    "unknown iss": {"iss": "nikdo", "sub": "nikdo"},
}


@pytest.mark.parametrize("changed", CLAIMS_REFUSED.values(), ids=CLAIMS_REFUSED)
def test_claims_that_do_not_fit_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        verify(signed(claims(**changed)))


HEADERS_REFUSED: dict[str, dict[str, Any]] = {
    "jwk": {"jwk": CIZI.as_dict(private=False)},
    "jku": {"jku": "https://ordinace.example/jwks"},
    "x5u": {"x5u": "https://ordinace.example/cert"},
    "x5c": {"x5c": ["MII="]},
    "crit": {"crit": ["bork"], "bork": True},
    "crit empty": {"crit": []},
    "b64": {"b64": False, "crit": ["b64"]},
    "no kid": {"kid": ...},
    "kid of nobody": {"kid": "ordinace-2"},
    "kid path": {"kid": "../../dev/null"},
    "kid query": {"kid": "' OR 1=1--"},
    "kid address": {"kid": "http://169.254.169.254/key"},
    "kid list": {"kid": ["ordinace-1"]},
    "typ of an access token": {"typ": "at+jwt"},
}


@pytest.mark.parametrize("changed", HEADERS_REFUSED.values(), ids=HEADERS_REFUSED)
def test_headers_that_bring_or_point_to_a_key_are_refused_although_the_signature_holds(
    changed: dict[str, Any],
) -> None:
    with pytest.raises(Unauthenticated):
        verify(signed(claims(), header=changed))


def test_a_jku_is_taken_where_it_is_the_registered_address() -> None:
    said = claims(iss="klic", sub="klic")
    assert verify(signed(said, header={"jku": PUBLISHED_AT})).organisation == "klic"
    assert verify(signed(said)).organisation == "klic"


@pytest.mark.parametrize(
    "jku", ["https://klic.example/other.json", PUBLISHED_AT + "#x", PUBLISHED_AT.upper(), "", None, [PUBLISHED_AT]]
)
def test_no_other_jku_is_taken_and_no_key_is_looked_for(jku: object) -> None:
    looked: list[str] = []

    def look(kid: str) -> Mapping[str, Any]:
        looked.append(kid)
        return JWKS["ordinace"]

    with pytest.raises(Unauthenticated):
        verify(
            signed(claims(iss="klic", sub="klic"), header={"jku": jku}),
            registered=lambda _: Registration(look, PUBLISHED_AT),
        )
    assert not looked


def test_a_jku_is_not_taken_for_keys_registered_by_value() -> None:
    with pytest.raises(Unauthenticated):
        verify(signed(claims(), header={"jku": ""}))


def test_no_key_is_looked_for_where_the_claims_do_not_fit() -> None:
    def look(_kid: str) -> Mapping[str, Any]:
        raise AssertionError

    for name, changed in CLAIMS_REFUSED.items():
        if name != "unknown iss":
            with pytest.raises(Unauthenticated):
                verify(signed(claims(**changed)), registered=lambda _: Registration(look))


def test_the_claims_of_ihe_iua_are_handed_on_as_they_were_signed() -> None:
    iua = {"subject_organization_id": "ordinace", "purpose_of_use": [{"code": "TREAT"}]}
    assert verify(signed(claims(extensions={"ihe_iua": iua, "other": 1}))).iua == iua
    assert verify(signed(claims(extensions={"other": 1}))).iua == {}


@pytest.mark.parametrize("extensions", [[], "ihe_iua", None, {"ihe_iua": []}, {"ihe_iua": "TREAT"}, {"ihe_iua": None}])
def test_extensions_are_objects(extensions: object) -> None:
    with pytest.raises(Unauthenticated):
        verify(signed(claims(extensions=extensions)))


def test_a_key_that_the_header_brings_along_is_not_used() -> None:
    with pytest.raises(Unauthenticated):
        verify(signed(claims(), CIZI, header={"jwk": CIZI.as_dict(private=False)}))


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", "ES256", "RS256", "PS384", "HS384", None, 384])
def test_no_other_algorithm_is_taken(alg: object) -> None:
    good = signed(claims())
    head = encoded({"alg": alg, "typ": "JWT", "kid": "ordinace-1"})
    for signature in ("", good.rpartition(".")[2]):
        with pytest.raises(Unauthenticated):
            verify(f"{head}.{encoded(claims())}.{signature}")


@pytest.mark.parametrize("alg", ["HS256", "HS384"])
def test_a_public_key_is_not_taken_for_a_shared_secret(alg: str) -> None:
    body = f"{encoded({'alg': alg, 'kid': 'ordinace-1'})}.{encoded(claims())}"
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384}[alg]
    for secret in (ORDINACE.as_pem(private=False), json.dumps(ORDINACE.as_dict(private=False)).encode()):
        with pytest.raises(Unauthenticated):
            verify(f"{body}.{raw(hmac.new(secret, body.encode(), digest).digest())}")


def test_the_algorithm_and_the_kind_of_key_must_fit() -> None:
    said = claims(iss="stara", sub="stara")
    with pytest.raises(Unauthenticated):
        verify(signed(said, STARA, alg="RS384", header={"alg": "ES384", "kid": "stara-1"}))
    with pytest.raises(Unauthenticated):
        verify(signed(claims(), header={"alg": "RS384"}))


def test_weak_keys_are_not_taken_even_where_they_are_registered() -> None:
    said = claims(iss="slaba", sub="slaba")
    with pytest.raises(Unauthenticated):
        verify(signed(said, SLABA, alg="RS384", header={"kid": "slaba-1"}))
    short = claims(iss="kratka", sub="kratka")
    with pytest.raises(Unauthenticated):
        verify(signed(short, KRATKA, alg="ES256", header={"kid": "kratka-1", "alg": "ES384"}))


@pytest.mark.parametrize("limits", [{"use": "enc"}, {"alg": "ES256"}])
def test_a_key_registered_for_something_else_is_not_taken(limits: dict[str, str]) -> None:
    jwks = {"keys": [{**ORDINACE.as_dict(private=False), **limits}]}
    with pytest.raises(Unauthenticated):
        verify(signed(claims()), registered=lambda _: by_value(jwks))


def test_the_key_of_another_organisation_does_not_sign_for_this_one() -> None:
    with pytest.raises(Unauthenticated):
        verify(signed(claims(), CIZI))


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a.b.c", "a.b", "e30.e30.", "e30.e30.AAAA", "W10.e30.AAAA", "\ud800.a.b", "x" * 9000,
     "eyJhbGciOiJFUzM4NCJ9.bnVsbA.AAAA", "é.é.é", "e30.e30.AA AA", '{"payload":"e30","signatures":[]}'],
)  # fmt: skip
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated):
        verify(token)


def test_a_body_nested_without_end_is_refused() -> None:
    deep = raw(b'{"a":' + b"[" * 2500 + b"]" * 2500 + b"}")
    with pytest.raises(Unauthenticated):
        verify(f"{encoded({'alg': 'ES384', 'kid': 'ordinace-1'})}.{deep}.AAAA")


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_bent_part_is_refused(part: int) -> None:
    parts = signed(claims()).split(".")
    middle = len(parts[part]) // 2
    parts[part] = parts[part][:middle] + ("A" if parts[part][middle] != "A" else "B") + parts[part][middle + 1 :]
    with pytest.raises(Unauthenticated):
        verify(".".join(parts))


def refusal(attempt: Callable[[], object]) -> str:
    with pytest.raises(Unauthenticated) as told:
        attempt()
    return str(told.value)


def test_unknown_organisation_unknown_key_and_false_signature_are_told_in_the_same_words() -> None:
    told = {
        refusal(lambda: verify(signed(claims(iss="nikdo", sub="nikdo")))),
        refusal(lambda: verify(signed(claims(), header={"kid": "other"}))),
        refusal(lambda: verify(signed(claims(), CIZI))),
    }
    assert len(told) == 1


def test_no_refusal_repeats_what_the_token_said() -> None:
    for changed in CLAIMS_REFUSED.values():
        token = signed(claims(**changed))
        told = refusal(partial(verify, token))
        assert "ordinace" not in told
        assert "stranger" not in told


HUB = HubKeys.generate()
BASE = "https://hub.example/fhir"


def issued(keys: HubKeys = HUB, **changed: Any) -> str:
    arguments: dict[str, Any] = {
        "organisation": "ordinace",
        "purpose": "COC",
        "basis": "CONSENT",
        "scope": "system/*.rs",
        "audience": BASE,
        "now": NOW,
        **changed,
    }
    return issue_access_token(keys, **arguments)


def test_an_access_token_says_who_for_what_and_on_which_basis() -> None:
    token = issued(person="PractitionerRole/lekarka", random=lambda count: b"\x01" * count)
    assert verify_access_token(token, HUB, now=NOW, audience=BASE) == Caller(
        organisation="ordinace",
        person="PractitionerRole/lekarka",
        purpose="COC",
        basis="CONSENT",
        scope="system/*.rs",
        token_id="01" * 16,
        expires=NOW + timedelta(minutes=5),
    )


def test_an_access_token_says_its_purpose_as_ihe_iua_does() -> None:
    _, body, _ = issued(purpose="TREAT").split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=="))["extensions"]["ihe_iua"]
    assert said["subject_organization_id"] == f"{BASE}/Organization/ordinace"
    assert said["purpose_of_use"] == [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "TREAT"}]


def test_every_access_token_has_an_id_of_its_own() -> None:
    first, second = (verify_access_token(issued(), HUB, now=NOW, audience=BASE) for _ in range(2))
    assert first.token_id != second.token_id


def test_an_access_token_ends_also_when_it_was_seen_before() -> None:
    token = issued()
    verify_access_token(token, HUB, now=NOW + timedelta(seconds=299), audience=BASE)
    with pytest.raises(Unauthenticated, match="expired"):
        verify_access_token(token, HUB, now=NOW + timedelta(seconds=300), audience=BASE)


def test_an_access_token_is_good_at_one_address_also_when_it_was_seen_before() -> None:
    token = issued()
    verify_access_token(token, HUB, now=NOW, audience=BASE)
    with pytest.raises(Unauthenticated):
        verify_access_token(token, HUB, now=NOW, audience="https://other.example/fhir")


def test_an_access_token_from_the_future_is_refused() -> None:
    with pytest.raises(Unauthenticated, match="future"):
        verify_access_token(issued(), HUB, now=NOW - timedelta(minutes=10), audience=BASE)


def test_the_token_of_another_hub_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        verify_access_token(issued(HubKeys.generate()), HUB, now=NOW, audience=BASE)


def test_a_client_assertion_is_no_access_token() -> None:
    with pytest.raises(Unauthenticated):
        verify_access_token(signed(claims(aud=BASE)), HUB, now=NOW, audience=BASE)


def test_an_access_token_with_other_claims_under_the_same_signature_is_refused() -> None:
    head, _, signature = issued().split(".")
    _, other, _ = issued(organisation="stara").split(".")
    with pytest.raises(Unauthenticated):
        verify_access_token(f"{head}.{other}.{signature}", HUB, now=NOW, audience=BASE)


def test_an_unsigned_access_token_is_refused() -> None:
    _, body, _ = issued().split(".")
    for alg in ("none", "ES384"):
        head = encoded({"alg": alg, "kid": HUB.kid, "typ": "at+jwt"})
        for signature in ("", "AAAA"):
            with pytest.raises(Unauthenticated):
                verify_access_token(f"{head}.{body}.{signature}", HUB, now=NOW, audience=BASE)


def test_whatever_else_the_hub_signed_is_no_access_token() -> None:
    _, body, _ = issued().split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=="))
    for kind in ("consent-evidence+jws", "JWT"):
        other = sign(said, HUB.signing, kid=HUB.kid, kind=kind)
        with pytest.raises(Unauthenticated):
            verify_access_token(other, HUB, now=NOW, audience=BASE)
    assert verify_access_token(sign(said, HUB.signing, kid=HUB.kid, kind="at+jwt"), HUB, now=NOW, audience=BASE)
