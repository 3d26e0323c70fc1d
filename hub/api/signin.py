"""Who calls: SMART Backend Services (private_key_jwt), with purpose and person as IHE IUA says them.

https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html. A token names one organisation, one purpose
and one basis; the hub assumes none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hub.api.body import form_body
from hub.bootstrap import Hub
from hub.errors import HubError, InsufficientScope, NotOffered, Unauthenticated, UnsupportedType
from hub.exchange.asker import Asker
from hub.exchange.signin import GRANT, UnsupportedGrant
from hub.fhir.registry import SUPPORTED, supported
from hub.security.scopes import ANY, LETTERS, Scopes
from hub.security.tokens import ALGORITHMS
from hub.store.store import Tx

router = APIRouter()
OAUTH_ERRORS: Final[Mapping[type[HubError], str]] = {
    Unauthenticated: "invalid_client",
    InsufficientScope: "invalid_scope",
    UnsupportedGrant: "unsupported_grant_type",
}
"""What the token endpoint calls a refusal; every other is `invalid_request`."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller and what its token is good for."""

    asker: Asker
    scopes: Scopes

    def require(self, type: str, letter: str) -> None:
        """Whether this may be asked at all: the hub offers `letter` (c r u d s) on the type, and the token covers it.

        UnsupportedType, NotOffered, InsufficientScope.
        """
        row = supported(type)
        if row is None or not row.offers:
            raise UnsupportedType(place="URL")
        if letter not in row.offers:
            raise NotOffered(place="URL")
        self._covered(type, letter)

    def require_every(self, letter: str) -> None:
        """InsufficientScope where the token does not cover the interaction on every type (`system/*`)."""
        self._covered(ANY, letter)

    def _covered(self, type: str, letter: str) -> None:
        if not self.scopes.covers(type, letter):
            scope = f"system/{type}.{letter}"
            raise InsufficientScope(f"the token has no scope `{scope}`", scope=scope)


@router.post("/oauth/token")
async def token(request: Request) -> Response:
    """Exchange a signed client assertion for an access token of five minutes."""
    hub: Hub = request.app.state.hub
    try:
        form = await form_body(request)
        answer = await run_in_threadpool(hub.signin.token, {k: v[0] for k, v in form.items() if len(v) == 1})
    except HubError as error:
        return oauth_error(error)
    return JSONResponse(answer, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


@router.get("/oauth/jwks.json")
async def public_keys(request: Request) -> Response:
    """The public key by which the hub's tokens, and the evidence of Consents, can be checked."""
    hub: Hub = request.app.state.hub
    return JSONResponse(hub.signin.public_keys())


@router.get("/.well-known/smart-configuration")
@router.get("/fhir/.well-known/smart-configuration")
async def smart_configuration(request: Request) -> Response:
    """Where and how to get a token (https://hl7.org/fhir/smart-app-launch/conformance.html)."""
    hub: Hub = request.app.state.hub
    base = hub.settings.public_url
    return JSONResponse(
        {
            "jwks_uri": f"{base}/oauth/jwks.json",
            "token_endpoint": f"{base}/oauth/token",
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
            "grant_types_supported": [GRANT],
            "scopes_supported": [
                f"system/{ANY}.{LETTERS}",
                *(f"system/{row.name}.{row.offers}" for row in SUPPORTED.values() if row.offers),
            ],
            "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
        }
    )


def caller(request: Request, authorization: Annotated[str | None, Header()] = None) -> Caller:
    """The caller of this request; Unauthenticated without a valid bearer token."""
    return caller_by(request.app.state.hub, authorization)


def caller_by(hub: Hub, authorization: str | None, tx: Tx | None = None) -> Caller:
    """The same by the header alone, inside of a transaction where there is one."""
    scheme, _, presented = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not presented.strip():
        raise Unauthenticated("a bearer token is needed")
    known = hub.signin.caller(presented.strip(), tx)
    return Caller(known.asker, known.scopes)


def oauth_error(error: HubError) -> Response:
    """An error of the token endpoint as OAuth 2 says it (RFC 6749 5.2); where the hub itself is ailing, 503."""
    code = next((code for kind, code in OAUTH_ERRORS.items() if isinstance(error, kind)), "invalid_request")
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    if error.http_status >= 500:
        code, headers["Retry-After"] = "temporarily_unavailable", "1"
    status = error.http_status if error.http_status in (401, 413, 415) or error.http_status >= 500 else 400
    return JSONResponse({"error": code, "error_description": str(error)}, status, headers=headers)
