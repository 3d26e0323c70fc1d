"""The application: routes, one place where errors become answers, one measure of every request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import structlog
from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from hub import __version__
from hub.api import (
    export,
    health,
    history,
    interactions,
    metadata,
    openapi,
    operations,
    rendering,
    search,
    signin,
    terminology,
    validating,
)
from hub.api.door import Door
from hub.api.scoped import public
from hub.api.shortcut import Shortcut
from hub.bootstrap import Hub
from hub.errors import HubError, MalformedContent, NotFound, NotOffered
from hub.web.pages import router as pages

log = structlog.get_logger("hub.api")

CORS: Final[Mapping[str, Any]] = {
    "allow_methods": ("GET", "POST", "PUT", "PATCH", "DELETE"),
    "allow_headers": ("Authorization", "Content-Type", "If-Match", "If-None-Match", "If-None-Exist", "Prefer"),
    "expose_headers": ("Content-Location", "ETag", "Last-Modified", "Location", "WWW-Authenticate"),
    "max_age": 600,
}
"""What a page of an allowed origin may send and read (https://fetch.spec.whatwg.org/#http-cors-protocol)."""


def create_app(hub: Hub) -> FastAPI:
    """The hub's HTTP door: FHIR at /fhir, pages at /, health and metrics."""
    app = FastAPI(
        title="casehub", version=__version__, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    app.state.hub = hub
    app.state.metrics = health.Metrics()
    hub.on_disagreement = app.state.metrics.disagreed
    app.add_middleware(Shortcut, hub=hub, refused=_hub_error)
    if hub.settings.origins:
        app.add_middleware(CORSMiddleware, allow_origins=hub.settings.origins, **CORS)
    app.add_middleware(Door)
    app.add_middleware(health.Measure, metrics=app.state.metrics)
    for router in (signin.router, pages):
        app.include_router(router, dependencies=[Depends(public())])
    for router in (
        health.router, metadata.router, openapi.router, terminology.router, export.router, operations.router,
        validating.router, history.router, search.router, interactions.router, search.compartments,
    ):  # fmt: skip
        app.include_router(router)
    app.add_exception_handler(HubError, _hub_error)
    app.add_exception_handler(RequestValidationError, _bad_request)
    app.add_exception_handler(HTTPException, _no_route)
    return app


def _hub_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HubError)
    log.info("refused", route=_route(request), status=error.http_status, code=error.issue_code)
    return rendering.outcome(error, request)


def _bad_request(request: Request, error: Exception) -> Response:
    return rendering.outcome(MalformedContent("the request cannot be understood"), request)


def _no_route(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    if status == 405:
        refused = rendering.outcome(NotOffered("this interaction is not offered here"), request)
        refused.headers["Allow"] = (getattr(error, "headers", None) or {}).get("Allow", "")
        return refused
    return rendering.outcome(NotFound(), request)


def _route(request: Request) -> str:
    return str(getattr(request.scope.get("route"), "path", "unmatched"))
