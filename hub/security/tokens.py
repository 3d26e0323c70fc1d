"""Tokens: client assertions that organisations sign, and access tokens that the hub signs.

A client assertion (SMART Backend Services, RFC 7523; RFC 8725 for what to refuse) is good for at most five
minutes, for this token endpoint alone, and once: the caller remembers its `jti`. Its key is looked up by
`kid` among the keys registered for its issuer; nothing in a header ever carries a key, and a `jku` is taken only
where it is the very address that is registered.
What is wrong with a signature, and whether an issuer is known at all, is told in one and the same sentence.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from joserfc.jwk import ECKey, RSAKey

from hub.errors import Unauthenticated
from hub.security.jws import read_unverified, registered_key, sign, verified
from hub.security.keys import HubKeys
from hub.security.sealing import Random

ALGORITHMS: Final = ("ES384", "RS384")
"""What SMART Backend Services names; nothing else is taken."""

LONGEST: Final = timedelta(minutes=5)
LEEWAY: Final = timedelta(seconds=60)
ACCESS: Final = "at+jwt"
_ASSERTION_TYPES: Final = (None, "JWT", "jwt", "client-authentication+jwt")
_NOT_PROVEN: Final = "the assertion is not signed by a key that is registered for its issuer"
_NOT_OURS: Final = "the access token is not one of this hub"

_EXTENSIONS: Final = "extensions"
_IUA: Final = "ihe_iua"
_ACT_REASON: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"


@dataclass(frozen=True, slots=True)
class Registration:
    """The keys of one organisation, registered by value or by the address where it publishes them."""

    keys: Callable[[str], Mapping[str, Any] | None]
    """The JWKS in which a `kid` is looked for; None where it cannot be had."""
    url: str = ""
    """Where it is published; empty for keys by value."""


Registered = Callable[[str], Registration | None]
"""What is registered for an organisation, or None for one that is not known."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """A proven assertion. `jti` must not have been seen before; it may be forgotten after `expires`."""

    organisation: str
    jti: str
    expires: datetime
    iua: Mapping[str, Any] = field(default_factory=dict)
    """The claims of IHE IUA (`extensions.ihe_iua`), as they were signed."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who an access token speaks for, for which purpose and on which basis, and what it covers."""

    organisation: str
    person: str | None
    purpose: str
    basis: str
    scope: str
    token_id: str
    expires: datetime


def verify_assertion(token: str, *, registered: Registered, audience: str | Sequence[str], now: datetime) -> Assertion:
    """The organisation that proved who it is; Unauthenticated where anything is amiss.

    `audience` is the address of the token endpoint, in each form that counts as it.
    """
    header, claims = read_unverified(token, taking=("jku",))
    if header.get("alg") not in ALGORITHMS:
        raise Unauthenticated("the assertion must be signed with ES384 or RS384", place="alg")
    if header.get("typ") not in _ASSERTION_TYPES:
        raise Unauthenticated("this is not a client assertion", place="typ")
    issuer = _text(claims, "iss")
    if _text(claims, "sub") != issuer:
        raise Unauthenticated("must be the same as `iss`", place="sub")
    _check_audience(claims, (audience,) if isinstance(audience, str) else tuple(audience))
    assertion = Assertion(issuer, _text(claims, "jti"), _check_times(claims, now), _iua(claims))
    key = _key(registered(issuer), header)
    if key is None or verified(token, key, header) != claims:
        raise Unauthenticated(_NOT_PROVEN)
    return assertion


def issue_access_token(
    keys: HubKeys,
    *,
    organisation: str,
    purpose: str,
    basis: str,
    scope: str,
    audience: str,
    now: datetime,
    person: str | None = None,
    lifetime: int = 300,
    random: Random = os.urandom,
) -> str:
    """An access token (RFC 9068, IHE IUA) for one organisation, purpose and basis; `lifetime` in seconds."""
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": audience,
        "aud": audience,
        "sub": organisation,
        "client_id": organisation,
        "iat": issued,
        "exp": issued + lifetime,
        "jti": random(16).hex(),
        "scope": scope,
        "basis": basis,
        _EXTENSIONS: {
            _IUA: {
                "subject_organization_id": f"{audience}/Organization/{organisation}",
                "purpose_of_use": [{"system": _ACT_REASON, "code": purpose}],
            }
        },
    }
    if person:
        claims["person"] = person
    return sign(claims, keys.signing, kid=keys.kid, kind=ACCESS)


def verify_access_token(token: str, keys: HubKeys, *, now: datetime, audience: str) -> Caller:
    """Who a token of this hub speaks for; Unauthenticated for any other, and after its time.

    The signature of a token is checked once and remembered by the token's digest; time and audience each
    time. What the organisation may do is not in it and never remembered.
    """
    digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
    claims = keys.checked.of(digest, lambda: _ours(token, keys))
    if claims["aud"] != audience or claims["iss"] != audience:
        raise Unauthenticated(_NOT_OURS)
    if now.timestamp() >= claims["exp"]:
        raise Unauthenticated("the access token has expired")
    if claims["iat"] > (now + LEEWAY).timestamp():
        raise Unauthenticated("the access token is from the future: check the clocks")
    return Caller(
        organisation=claims["sub"],
        person=claims.get("person"),
        purpose=claims[_EXTENSIONS][_IUA]["purpose_of_use"][0]["code"],
        basis=claims["basis"],
        scope=claims["scope"],
        token_id=claims["jti"],
        expires=datetime.fromtimestamp(claims["exp"], UTC),
    )


def _ours(token: str, keys: HubKeys) -> dict[str, Any]:
    header, claims = read_unverified(token)
    ours = {"alg": "ES384", "kid": keys.kid, "typ": ACCESS}
    if header != ours or verified(token, keys.signing, header) != claims:
        raise Unauthenticated(_NOT_OURS)
    return claims


def _key(registration: Registration | None, header: Mapping[str, Any]) -> ECKey | RSAKey | None:
    kid = header.get("kid")
    if registration is None or not isinstance(kid, str):
        return None
    if "jku" in header and (not registration.url or header["jku"] != registration.url):
        return None
    return registered_key(registration.keys(kid), kid=kid, algorithm=header["alg"])


def _iua(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    extensions = claims.get(_EXTENSIONS, {})
    said = extensions.get(_IUA, {}) if isinstance(extensions, Mapping) else None
    if not isinstance(said, Mapping):
        raise Unauthenticated("must be an object of objects", place=_EXTENSIONS)
    return said


def _check_audience(claims: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    said = claims.get("aud")
    named = said if isinstance(said, list) else [said]
    if not named or not all(isinstance(one, str) and one in allowed for one in named):
        raise Unauthenticated("must be the address of this token endpoint, and nothing else", place="aud")


def _check_times(claims: Mapping[str, Any], now: datetime) -> datetime:
    expires = _time(claims, "exp")
    if expires is None:
        raise Unauthenticated("is required", place="exp")
    if expires <= now.timestamp():
        raise Unauthenticated("the assertion has expired", place="exp")
    if expires > (now + LONGEST + LEEWAY / 2).timestamp():
        raise Unauthenticated("must be at most five minutes ahead", place="exp")
    for name in ("iat", "nbf"):
        said = _time(claims, name)
        if said is not None and said > (now + LEEWAY).timestamp():
            raise Unauthenticated("lies in the future: check the clocks", place=name)
    return datetime.fromtimestamp(expires, UTC)


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    said = claims.get(name)
    if said is None and name not in claims:
        return None
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise Unauthenticated("must be a number of seconds", place=name)
    return said


def _text(claims: Mapping[str, Any], name: str) -> str:
    said = claims.get(name)
    if not isinstance(said, str) or not 0 < len(said) <= 256 or not said.isprintable():
        raise Unauthenticated("is required, as a text of at most 256 characters", place=name)
    return said
