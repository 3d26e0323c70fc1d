"""Sign in: a signed client assertion becomes a token for one organisation, one purpose, one basis.

Each assertion is good once (its `jti` is remembered across restarts). The organisation is looked up for every request,
so a disabled one is out at once. SMART Backend Services; purpose of use as in IHE IUA.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.consent.codes import ABSTRACT_PURPOSE, PURPOSES
from hub.consent.model import Basis
from hub.errors import InsufficientScope, MalformedContent, Unauthenticated
from hub.exchange.asker import Asker
from hub.exchange.organisations import Member, member
from hub.fhir.references import parse_reference
from hub.security import tokens
from hub.security.keys import HubKeys
from hub.security.scopes import Scopes
from hub.store.store import Store, Tx

LIFETIME = 300
"""Seconds that an access token is good for."""


@dataclass(frozen=True, slots=True)
class Known:
    """A verified caller."""

    asker: Asker
    scopes: Scopes


class SignIn:
    """The use cases of the token endpoint and of every authenticated request."""

    def __init__(
        self, *, store: Store, keys: HubKeys, token_url: str, audience: str, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._keys = keys
        self._token_url = token_url
        self._audience = audience
        self._clock = clock

    def token(self, form: Mapping[str, str]) -> dict[str, Any]:
        """The answer of the token endpoint: access_token, token_type, expires_in, scope."""
        if form.get("grant_type") != "client_credentials":
            raise MalformedContent("must be `client_credentials`", place="grant_type")
        if form.get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
            raise MalformedContent("must be the jwt-bearer assertion type", place="client_assertion_type")
        purpose, basis = form.get("purpose_of_use", ""), form.get("basis", "")
        if purpose not in PURPOSES or purpose == ABSTRACT_PURPOSE:
            raise MalformedContent("a v3-ActReason purpose of use is required", place="purpose_of_use")
        if basis not in {b.value for b in Basis}:
            raise MalformedContent("a legal basis is required", place="basis")
        person = form.get("person")
        if person is not None and not is_professional(person):
            raise MalformedContent("must be a reference `Practitioner/id` or `PractitionerRole/id`", place="person")
        now = self._clock()
        with self._store.reading() as seen:
            assertion = tokens.verify_assertion(
                form.get("client_assertion", ""),
                registered=lambda issuer: self._jwks(seen, issuer),
                audience=self._token_url,
                now=now,
            )
        with self._store.writing() as tx:
            if not tx.tokens.once(assertion.jti, assertion.organisation, assertion.expires):
                raise Unauthenticated("this assertion was used before")
            registered = self._member(tx, assertion.organisation)
        granted = Scopes.parse(registered.scopes).narrowed(Scopes.parse(form.get("scope", "")))
        if not granted:
            raise InsufficientScope("none of the scopes asked for is registered", place="scope")
        issued = tokens.issue_access_token(
            self._keys,
            organisation=assertion.organisation,
            purpose=purpose,
            basis=basis,
            scope=str(granted),
            person=person,
            audience=self._audience,
            now=now,
            lifetime=LIFETIME,
        )
        return {"access_token": issued, "token_type": "bearer", "expires_in": LIFETIME, "scope": str(granted)}

    def caller(self, presented: str) -> Known:
        """The caller behind an access token; Unauthenticated where token or organisation are not good."""
        claims = tokens.verify_access_token(presented, self._keys, now=self._clock(), audience=self._audience)
        with self._store.reading() as tx:
            registered = self._member(tx, claims.organisation)
        asker = Asker(
            organisation=registered.id,
            purpose=claims.purpose,
            basis=Basis(claims.basis),
            person=claims.person,
            token=claims.token_id,
            roles=registered.roles,
        )
        return Known(asker, Scopes.parse(claims.scope))

    def _jwks(self, tx: Tx, issuer: str) -> Mapping[str, Any] | None:
        entry = tx.organisations.read(issuer)
        return member(entry).jwks if entry and entry.active else None

    def _member(self, tx: Tx, id: str) -> Member:
        entry = tx.organisations.read(id)
        if entry is None or not entry.active:
            raise Unauthenticated("the organisation is not connected")
        return member(entry)


def is_professional(person: str) -> bool:
    """Whether a person named by an organisation may speak for it: its staff, never a client or their relative."""
    named = parse_reference(person)
    return named is not None and named.version is None and named.type in ("Practitioner", "PractitionerRole")
