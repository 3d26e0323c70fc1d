"""Liveness, readiness, metrics: facts about the hub, none about people.

Liveness touches nothing. Metrics are labelled by route template and status only.
"""

from __future__ import annotations

import time

import structlog
from fastapi import APIRouter, Depends
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.api import rendering
from hub.api.scoped import public
from hub.bootstrap import Hub
from hub.errors import HubError

log = structlog.get_logger("hub.api")
router = APIRouter(dependencies=[Depends(public())])
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods that metrics count by name; a name that somebody made up is not repeated."""


class Metrics:
    """Counts requests by route template."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "hub_requests_total", "Requests answered", ["route", "method", "status"], registry=self.registry
        )
        self.seconds = Histogram("hub_request_seconds", "Time to answer", ["route"], registry=self.registry)
        self.disagreements = Counter(
            "hub_gate_disagreements_total", "Records that a search found and the gate refused", registry=self.registry
        )

    def disagreed(self) -> None:
        """A search found what the gate refused: nothing left, and somebody must look why."""
        log.error("disagreement")
        self.disagreements.inc()


class Measure:
    """ASGI middleware: one count and one duration for each request; the path itself is never a label."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status, answering = 500, False

        async def watch(message: Message) -> None:
            nonlocal status, answering
            if message["type"] == "http.response.start":
                status, answering = message["status"], True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as defect:  # answered here, so that no server prints a stack with a person in it
            log.error("defect", route=_route(scope), kind=type(defect).__name__)
            if not answering:
                said = HubError("an internal error; the operator's log names the route and the kind")
                await rendering.outcome(said)(scope, receive, watch)
        finally:
            route = _route(scope)
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._metrics.requests.labels(route, method, str(status)).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - started)


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "unmatched"))


@router.get("/health/live")
async def live() -> Response:
    """The process runs."""
    return JSONResponse({"status": "live"})


@router.get("/health/ready")
def ready(request: Request) -> Response:
    """The database and the bell answer and the schema is current."""
    hub: Hub = request.app.state.hub
    report = hub.ready()
    return JSONResponse(report, 200 if report["ready"] else 503)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Prometheus text format."""
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST)
