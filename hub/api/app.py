"""The application: routes, one place where errors become answers, one measure of every request."""

from __future__ import annotations

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hub import __version__
from hub.api import health, interactions, metadata, operations, rendering, signin
from hub.bootstrap import Hub
from hub.errors import HubError, MalformedContent, NotFound, NotSupported
from hub.web.pages import router as pages

log = structlog.get_logger("hub.api")


def create_app(hub: Hub) -> FastAPI:
    """The hub's HTTP door: FHIR at /fhir, pages at /, health and metrics."""
    app = FastAPI(title="casehub", version=__version__, docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    app.state.hub = hub
    app.state.metrics = health.Metrics()
    app.add_middleware(health.Measure, metrics=app.state.metrics)
    for router in (health.router, signin.router, metadata.router, operations.router, interactions.router, pages):
        app.include_router(router)
    app.add_exception_handler(HubError, _hub_error)
    app.add_exception_handler(RequestValidationError, _bad_request)
    app.add_exception_handler(HTTPException, _no_route)
    return app


def _hub_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HubError)
    log.info("refused", route=_route(request), status=error.http_status, code=error.issue_code)
    return rendering.outcome(error)


def _bad_request(request: Request, error: Exception) -> Response:
    return rendering.outcome(MalformedContent("the request cannot be understood"))


def _no_route(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    if status == 405:
        return rendering.outcome(NotSupported("this interaction is not offered here"))
    return rendering.outcome(NotFound())


def _route(request: Request) -> str:
    return str(getattr(request.scope.get("route"), "path", "unmatched"))
