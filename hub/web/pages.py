"""The page at `/`: one client's exchange, as the case manager may see it. Everything on it left through the gate.

Who looks, and with whose view: `hub.web.visitors`. Nobody's page tells nothing of anybody.
"""

from __future__ import annotations

import re

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from hub.bootstrap import Hub
from hub.errors import HubError
from hub.exchange.asker import Asker
from hub.web import languages, rendering, visitors
from hub.web.languages import Language
from hub.web.static_files import asset

router = APIRouter(include_in_schema=False)
log = structlog.get_logger("hub.web")


@router.api_route("/", methods=["GET", "HEAD"])
def home(request: Request) -> Response:
    """The overview of a client, the choice of clients, or the welcome to a visitor without a view."""
    hub: Hub = request.app.state.hub
    asked = request.query_params.get("lang")
    code = languages.choose(asked, request.cookies.get("lang"), request.headers.get("accept-language"))
    language = languages.language(code)
    viewer = visitors.viewer_of(request, hub.settings.page_viewer)
    try:
        status, page = _page(hub, viewer, language, request.query_params.get("client", ""))
    except HubError as error:
        log.warning("page", kind=type(error).__name__, status=error.http_status)
        status, page = error.http_status, rendering.problem_page(language, found=True)
    return rendering.answer(page, status=status, language=language, remember=asked == code)


@router.api_route("/static/{name}", methods=["GET", "HEAD"])
def static(name: str) -> Response:
    """A file of the pages."""
    found = asset(name)
    if found is None:
        return Response(status_code=404, headers={"X-Content-Type-Options": "nosniff"})
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "ETag": f'"{found.digest}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
    return Response(found.body, media_type=found.type, headers=headers)


def _page(hub: Hub, viewer: Asker | None, language: Language, asked: str) -> tuple[int, str]:
    if viewer is None:
        return 200, rendering.welcome_page(language)
    clients = [(reference.partition("/")[2], name) for reference, name in hub.overviews.clients(viewer)]
    chosen = asked or (clients[0][0] if len(clients) == 1 else "")
    if not chosen:
        return 200, rendering.clients_page(clients, language)
    known = re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", chosen)
    overview = hub.overviews.of(viewer, f"Patient/{chosen}") if known else None
    if overview is None:
        return 404, rendering.problem_page(language, found=False)
    page = rendering.overview_page(overview, language, clients=clients, zone=hub.settings.zone, now=hub.clock())
    return 200, page
