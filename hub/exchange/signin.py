"""Sign in: a signed client assertion becomes a token for one organisation, one purpose, one basis.

Each assertion is good once (its `jti` is remembered across restarts). The organisation is looked up for every request,
so a disabled one is out at once. SMART Backend Services; purpose and person as in IHE IUA.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from hub.consent.model import Basis
from hub.errors import InsufficientScope, MalformedContent, NotSupported, Unauthenticated
from hub.exchange.asker import Asker
from hub.exchange.claims import Said, said
from hub.exchange.organisations import Member, member
from hub.exchange.published_keys import PublishedKeys
from hub.fhir.registry import SUPPORTED
from hub.fhir.value import Reference
from hub.security import tokens
from hub.security.digests import Digests
from hub.security.keys import HubKeys
from hub.security.scopes import Scopes
from hub.store.store import Store, Tx

GRANT = "client_credentials"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME = 300
"""Seconds that an access token is good for."""


class UnsupportedGrant(NotSupported):
    """The token endpoint offers one kind of grant, and this is another."""


@dataclass(frozen=True, slots=True)
class Known:
    """A verified caller."""

    asker: Asker
    scopes: Scopes


class SignIn:
    """The use cases of the token endpoint and of every authenticated request."""

    def __init__(
        self,
        *,
        store: Store,
        keys: HubKeys,
        digests: Digests,
        published: PublishedKeys,
        token_url: str,
        audience: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._keys = keys
        self._digests = digests
        self._published = published
        self._token_url = token_url
        self._audience = audience
        self._clock = clock

    def token(self, form: Mapping[str, str]) -> dict[str, Any]:
        """The answer of the token endpoint: access_token, token_type, expires_in, scope."""
        _check_grant(form)
        now = self._clock()
        assertion = tokens.verify_assertion(
            form.get("client_assertion", ""), registered=self._registration, audience=self._token_url, now=now
        )
        with self._store.reading() as tx:
            registered = self._member(tx, assertion.organisation)
            about = self._said(tx, form, assertion)
        granted = _granted(registered, form.get("scope", ""))
        with self._store.writing() as tx:
            if not tx.tokens.once(assertion.jti, assertion.organisation, assertion.expires):
                raise Unauthenticated("this assertion was used before")
        issued = tokens.issue_access_token(
            self._keys,
            organisation=assertion.organisation,
            purpose=about.purpose,
            basis=about.basis.value,
            scope=str(granted),
            person=about.person,
            audience=self._audience,
            now=now,
            lifetime=LIFETIME,
        )
        return {"access_token": issued, "token_type": "bearer", "expires_in": LIFETIME, "scope": str(granted)}

    def public_keys(self) -> dict[str, Any]:
        """The JWK set of the hub's public signing key (RFC 7517)."""
        return self._keys.public_jwks()

    def caller(self, presented: str, tx: Tx | None = None) -> Known:
        """The caller behind an access token; Unauthenticated where token or organisation are not good.

        Whether the organisation is connected is looked up in `tx`, if there is one already.
        """
        claims = tokens.verify_access_token(presented, self._keys, now=self._clock(), audience=self._audience)
        with self._store.reading() if tx is None else nullcontext(tx) as within:
            registered = self._member(within, claims.organisation)
        asker = Asker(
            organisation=registered.id,
            purpose=claims.purpose,
            basis=Basis(claims.basis),
            person=claims.person,
            token=claims.token_id,
            roles=registered.roles,
        )
        return Known(asker, Scopes.parse(claims.scope))

    def _registration(self, issuer: str) -> tokens.Registration | None:
        """The keys of an organisation; a published set is fetched when asked for, outside of any transaction."""
        with self._store.reading() as tx:
            entry = tx.organisations.read(issuer)
        if entry is None or not entry.active:
            return None
        known = member(entry)
        if known.jwks_url:
            look = partial(self._published.of, known.jwks_url, private_network=known.jwks_private)
            return tokens.Registration(look, known.jwks_url)
        return tokens.Registration(lambda _kid: known.jwks)

    def _said(self, tx: Tx, form: Mapping[str, str], assertion: tokens.Assertion) -> Said:
        entry = tx.organisations.read(assertion.organisation)
        assert entry is not None
        return said(form, assertion.iua, entry.resource, partial(self._practitioners, tx))

    def _practitioners(self, tx: Tx, system: str, value: str) -> list[Reference]:
        digest = self._digests.of("identifier", f"{system}|{value}")
        return [s.reference for s in tx.records.find("Practitioner", "identifier", digest) if not s.deleted]

    def _member(self, tx: Tx, id: str) -> Member:
        entry = tx.organisations.read(id)
        if entry is None or not entry.active:
            raise Unauthenticated("the organisation is not connected")
        return member(entry)


def _check_grant(form: Mapping[str, str]) -> None:
    if "grant_type" not in form:
        raise MalformedContent(f"must be `{GRANT}`", place="grant_type")
    if form["grant_type"] != GRANT:
        raise UnsupportedGrant(f"must be `{GRANT}`", place="grant_type")
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise MalformedContent("must be the jwt-bearer assertion type", place="client_assertion_type")


def _granted(registered: Member, asked: str) -> Scopes:
    """What was asked for and is registered, of the types that the hub keeps."""
    granted = Scopes.parse(registered.scopes).narrowed(Scopes.parse(asked)).among(SUPPORTED)
    if not granted:
        raise InsufficientScope("none of the scopes asked for is registered", place="scope")
    return granted
