"""Who calls: SMART Backend Services (private_key_jwt) with purpose and basis in the token request (IHE IUA).

https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html. A token names one organisation, one purpose
and one basis; the hub assumes none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hub.api.body import form_body
from hub.bootstrap import Hub
from hub.errors import HubError, InsufficientScope, Unauthenticated
from hub.exchange.asker import Asker
from hub.security.scopes import Scopes

router = APIRouter()
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller and what its token is good for."""

    asker: Asker
    scopes: Scopes

    def require(self, type: str, interaction: str) -> None:
        """InsufficientScope where the token does not cover `interaction` (c r u d s) on `type`."""
        if not self.scopes.covers(type, interaction):
            raise InsufficientScope(f"the token has no scope `system/{type}.{interaction}`")


@router.post("/oauth/token")
async def token(request: Request, form: Annotated[dict[str, list[str]], Depends(form_body)]) -> Response:
    """Exchange a signed client assertion for an access token of five minutes."""
    hub: Hub = request.app.state.hub
    try:
        answer = await run_in_threadpool(hub.signin.token, {k: v[0] for k, v in form.items() if len(v) == 1})
    except HubError as error:
        return oauth_error(error)
    return JSONResponse(answer, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


@router.get("/.well-known/smart-configuration")
@router.get("/fhir/.well-known/smart-configuration")
async def smart_configuration(request: Request) -> Response:
    """Where and how to get a token."""
    hub: Hub = request.app.state.hub
    return JSONResponse(
        {
            "token_endpoint": f"{hub.settings.public_url}/oauth/token",
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES384", "RS384"],
            "grant_types_supported": ["client_credentials"],
            "scopes_supported": ["system/*.cruds"],
            "capabilities": ["client-confidential-asymmetric", "permission-v2"],
        }
    )


def caller(request: Request, authorization: Annotated[str | None, Header()] = None) -> Caller:
    """The caller of this request; Unauthenticated without a valid bearer token."""
    hub: Hub = request.app.state.hub
    scheme, _, presented = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not presented.strip():
        raise Unauthenticated("a bearer token is needed")
    known = hub.signin.caller(presented.strip())
    return Caller(known.asker, known.scopes)


def oauth_error(error: HubError) -> Response:
    """An error of the token endpoint as OAuth 2 says it (RFC 6749 5.2)."""
    code = "invalid_client" if isinstance(error, Unauthenticated) else "invalid_request"
    if isinstance(error, InsufficientScope):
        code = "invalid_scope"
    status = 401 if code == "invalid_client" else 400
    body: dict[str, Any] = {"error": code, "error_description": str(error)}
    return JSONResponse(body, status, headers={"Cache-Control": "no-store"})
