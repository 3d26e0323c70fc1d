"""The OpenAPI description of the API, made from its routes, and the page at /docs that shows it.

https://spec.openapis.org/oas/v3.1.0. It says what each route takes and answers, and which scope it needs; what the
records may hold is FHIR's to say (`/fhir/metadata`, https://hl7.org/fhir/R4). The page is plain HTML from the hub
itself: no script, nothing from elsewhere, and nothing to try out, because a browser must not hold the signing key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from fastapi import APIRouter, Depends
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from hub import __version__
from hub.api.formats import Format
from hub.api.openapi_parts import PATH_PARAMETERS, body_of, query_of, responses_of
from hub.api.routes import Route, routes_of
from hub.api.scoped import public
from hub.bootstrap import Hub
from hub.fhir.registry import SUPPORTED
from hub.security.scopes import ANY, LETTERS
from hub.web.rendering import HEADERS
from hub.web.static_files import address_of

router = APIRouter(include_in_schema=False, dependencies=[Depends(public())])

_ABOUT: Final = (
    "FHIR R4 (4.0.1). Every answer is what the asking organisation may see under the client's Consents; hidden and "
    "absent are the same answer. `/fhir/metadata` has the types, search parameters and operations."
)
_GROUPS: Final[Mapping[str, str]] = {
    "records": "Records: read, search, history, write",
    "operations": "Operations",
    "terminology": "What the hub publishes: its words, maps and definitions",
    "sign-in": "Signing in",
    "hub": "The hub itself",
}


@router.get("/openapi.json")
def openapi(request: Request) -> Response:
    """The description, for tools."""
    return JSONResponse(_of(request))


@router.get("/docs")
def reference(request: Request) -> Response:
    """The description, for people."""
    told = _of(request)
    groups: dict[str, list[dict[str, Any]]] = {name: [] for name in _GROUPS}
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            groups[operation["tags"][0]].append({"method": method.upper(), "path": path, **operation})
    page = _page().render(about=_ABOUT, version=__version__, titles=_GROUPS, groups=groups, asset=address_of)
    return HTMLResponse(page, headers=dict(HEADERS))


def _of(request: Request) -> dict[str, Any]:
    state = request.app.state
    if not hasattr(state, "openapi"):
        hub: Hub = state.hub
        state.openapi = description(hub.settings.public_url, routes_of(request.app))
    told: dict[str, Any] = state.openapi
    return told


def description(base: str, routes: tuple[Route, ...]) -> dict[str, Any]:
    """The OpenAPI of a hub at `base` with these routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        if route.listed:
            paths.setdefault(route.path, {})[route.method.lower()] = operation(route)
    scopes = {f"system/{ANY}.{LETTERS}": "every type"} | {
        f"system/{row.name}.{row.offers}": row.name for row in SUPPORTED.values() if row.offers
    }
    flow = {"clientCredentials": {"tokenUrl": f"{base}/oauth/token", "scopes": scopes}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "casehub", "version": __version__, "description": _ABOUT},
        "servers": [{"url": base}],
        "tags": [{"name": name, "description": said} for name, said in _GROUPS.items()],
        "paths": paths,
        "components": {
            "securitySchemes": {"smart": {"type": "oauth2", "flows": flow, "description": "SMART Backend Services"}},
            "schemas": {
                "Resource": {
                    "type": "object",
                    "required": ["resourceType"],
                    "properties": {"resourceType": {"type": "string"}},
                }
            },
        },
    }


def operation(route: Route) -> dict[str, Any]:
    """What OpenAPI says of one route."""
    told: dict[str, Any] = {
        "summary": route.said,
        "operationId": f"{route.method.lower()} {route.path}",
        "tags": [group_of(route)],
        "parameters": [*path_parameters(route), *query_of(route)],
        "responses": responses_of(route),
        "security": [{"smart": []}] if route.declared and route.declared.letter else [],
    }
    if scope := scope_of(route):
        told["description"] = f"Needs the scope `{scope}`."
        told["x-scope"] = scope
    if body := body_of(route):
        told["requestBody"] = body
    return told


def scope_of(route: Route) -> str:
    """The scope that a route asks for, as text; empty for an open one."""
    declared = route.declared
    if declared is None or not declared.letter:
        return ""
    if declared.letter == "entries":
        return "that of each entry"
    if declared.letter == "any":
        return "any"
    return f"system/{declared.type or '{type}'}.{declared.letter}"


def path_parameters(route: Route) -> Iterator[dict[str, Any]]:
    """The parameters in the path; a type is one that offers the interaction."""
    for name in (part[1:-1].partition(":")[0] for part in route.path.split("/") if part.startswith("{")):
        schema = PATH_PARAMETERS.get(name, {"type": "string"})
        if name == "type" and route.declared:
            letter = route.declared.letter
            rows = (row for row in SUPPORTED.values() if not row.published and row.offers)
            schema = {"type": "string", "enum": [row.name for row in rows if letter in (*row.offers, "any", "entries")]}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def group_of(route: Route) -> str:
    """Under which heading a route stands."""
    declared = route.declared
    if route.path.startswith("/oauth") or "smart-configuration" in route.path:
        return "sign-in"
    if not route.path.startswith("/fhir") or route.path == "/fhir/metadata":
        return "hub"
    row = SUPPORTED.get(declared.type) if declared and declared.type else None
    if row is not None and row.published:
        return "terminology"
    return "operations" if "$" in route.path else "records"


@cache
def _page() -> Any:
    made = Environment(loader=PackageLoader("hub.api"), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    made.globals["formats"] = " or ".join(format.value for format in Format)
    return made.get_template("reference.html")
